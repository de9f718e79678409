"""Base classes of the estimators: tags as a table, and transformers that learn nothing.

scikit-learn asks an estimator for its tags: does it need `fit`, does it take strings or
three-dimensional arrays. Here a class states those that differ from scikit-learn's in
``declared_tags``.
"""

from functools import reduce

from sklearn.base import BaseEstimator, TransformerMixin

from skser._compat import fit_context


class DeclaredTagsMixin:
    """Take scikit-learn's tags from a table, ``declared_tags``.

    Keys are names of tags, with dots for those inside others. A subclass lists only
    what differs from its bases.

    Examples
    --------
    >>> from sklearn.base import BaseEstimator
    >>> from sklearn.utils import get_tags
    >>> class Example(DeclaredTagsMixin, BaseEstimator):
    ...     declared_tags = {"requires_fit": False, "input_tags.three_d_array": True}
    >>> get_tags(Example()).input_tags.three_d_array
    True
    """

    declared_tags = {}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        for class_ in reversed(type(self).__mro__):
            for path, value in vars(class_).get("declared_tags", {}).items():
                *parents, name = path.split(".")
                setattr(reduce(getattr, parents, tags), name, value)
        return tags


class StatelessTransformer(DeclaredTagsMixin, TransformerMixin, BaseEstimator):
    """A transformer that learns nothing: `fit` checks parameters and input.

    A subclass defines ``_check_input(X, reset)``, which raises an error for what it
    cannot transform and, with `reset`, sets ``n_features_in_``.
    """

    declared_tags = {"requires_fit": False}

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check the parameters and the input; nothing is learnt.

        Parameters
        ----------
        X : list of array-like, or array-like
            As in `transform`.
        y : Ignored
            Present for scikit-learn's conventions.

        Returns
        -------
        self : estimator
        """
        self._check_input(X, reset=True)
        return self
