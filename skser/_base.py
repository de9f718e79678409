"""Base classes of the estimators: tags as a table, and transformers that learn nothing.

scikit-learn asks an estimator for its tags: does it need `fit`, does it take strings or
three-dimensional arrays. Here a class states those that differ from scikit-learn's in
``declared_tags``.
"""

import functools

from sklearn.base import BaseEstimator

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
                setattr(functools.reduce(getattr, parents, tags), name, value)
        return tags


def restore_on_failure(fit):
    """Decorate `fit`: if it fails or is interrupted, the estimator is as before.

    Otherwise new labels or numbers of features could stand beside old weights. All
    attributes are put back; objects that they refer to must be replaced by `fit`, not
    changed.

    Examples
    --------
    >>> from sklearn.base import BaseEstimator
    >>> class Example(BaseEstimator):
    ...     @restore_on_failure
    ...     def fit(self, X):
    ...         self.first_ = X[0]
    ...         self.second_ = X[1]
    >>> example = Example()
    >>> example.fit([1, 2])
    >>> try:
    ...     example.fit([3])
    ... except IndexError:
    ...     print(vars(example))
    {'first_': 1, 'second_': 2}
    """

    @functools.wraps(fit)
    def fit_or_restore(self, *args, **kwargs):
        before = vars(self).copy()
        try:
            return fit(self, *args, **kwargs)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    return fit_or_restore


class StatelessTransformer(DeclaredTagsMixin, BaseEstimator):
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
