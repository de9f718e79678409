"""Base classes of the estimators: tags as a table, transformers, fits that may fail.

scikit-learn asks an estimator for its tags: does it need `fit`, does it take strings or
three-dimensional arrays. Here a class states those that differ from scikit-learn's in
``declared_tags``.

Transformers come in three kinds: `StatelessTransformer` learns nothing,
`ListTransformer` learns nothing and returns lists, `FrameTransformer` takes features of
frames to other features of frames.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import softmax
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
)
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length, get_tags
from sklearn.utils.validation import check_is_fitted

from skser._compat import fit_context
from skser._sequences import (
    Batch,
    SequenceTransformerMixin,
    check_finite,
    is_table,
    validate_frames,
)

Fit = TypeVar("Fit", bound=Callable)


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

    declared_tags: dict[str, Any] = {}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        for class_ in reversed(type(self).__mro__):
            for path, value in vars(class_).get("declared_tags", {}).items():
                *parents, name = path.split(".")
                setattr(functools.reduce(getattr, parents, tags), name, value)
        return tags


def restore_on_failure(fit: Fit) -> Fit:
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

    return cast(Fit, fit_or_restore)


def set_parameters(estimator, arguments):
    """Set the arguments of a constructor, its ``locals()``, as attributes."""
    vars(estimator).update((k, v) for k, v in arguments.items() if k != "self")


def find_unknown(names, known):
    """Return those of a parameter's names that are not known, or are no names.

    Examples
    --------
    >>> find_unknown(["mean", "men", 3, ["mean"]], {"mean", "std"})
    ['men', 3, ['mean']]
    """
    return [name for name in names if not (isinstance(name, str) and name in known)]


class StatelessTransformer(DeclaredTagsMixin, TransformerMixin, BaseEstimator):
    """A transformer that learns nothing: `fit` checks parameters and input.

    A subclass defines ``_check_input(X, reset)``, which raises an error for what it
    cannot transform and, with `reset`, sets ``n_features_in_``; and
    ``_name_columns()``, which returns the names of the columns. What constraints cannot
    say of its parameters, it checks in ``_check_choices()``, as model files do.
    """

    declared_tags = {"requires_fit": False}

    @restore_on_failure
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Sequence | ArrayLike, y: ArrayLike | None = None) -> Self:
        """Check the parameters and the input; nothing is learnt.

        Parameters
        ----------
        X : list of array-like, or array-like
            As in `transform`.
        y : array-like of shape (n_samples,), default=None
            Labels. Only their number is checked.

        Returns
        -------
        self : estimator

        Raises
        ------
        TypeError, ValueError
            As in `transform`, or if `y` has another length.
        """
        self._check_input(X, reset=True)
        if y is not None:
            check_consistent_length(X, y)
        return self

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Give the names of the columns.

        Parameters
        ----------
        input_features : Ignored
            The names do not depend on those of the input.

        Returns
        -------
        names : ndarray of str objects of shape (n_features_out,)
        """
        return np.array(self._name_columns(), dtype=object)

    def _check_choices(self):
        """Refuse parameters that constraints cannot describe; here there are none."""


class ListTransformer(StatelessTransformer, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """A stateless transformer that returns a list with one array per utterance."""

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(auto_wrap_output_keys=None, **kwargs)

    def set_output(self, *, transform: str | None = None) -> Self:
        """Do nothing: a list of arrays is no table that could become a DataFrame.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            Ignored, so that the steps behind this one in a Pipeline can be set.

        Returns
        -------
        self : estimator
        """
        return self


class ScoringClassifierMixin(ClassifierMixin):
    """A classifier of rows by ``_scores(X)``, one score per class, also for two."""

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the class with the highest score.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        scores = self._scores(X)
        return self.classes_[scores.argmax(axis=1)]

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return the softmax of the scores.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
        """
        return softmax(self._scores(X), axis=1)


class FrameTransformer(
    DeclaredTagsMixin, OneToOneFeatureMixin, SequenceTransformerMixin, BaseEstimator
):
    """A transformer from features of frames to features of frames.

    A subclass defines ``_transform_frames(sequence)`` for one utterance. The rows of a
    two-dimensional `X` are the frames of one utterance, unless it overrides
    ``_check_input``.
    """

    declared_tags = {
        "input_tags.three_d_array": True,
        "transformer_tags.preserves_dtype": ["float64", "float32"],
    }

    def transform(self, X: Sequence | ArrayLike) -> Any:
        """Transform the frames of each utterance.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features), or array-like
            As in `fit`.

        Returns
        -------
        X_new : list of ndarray of shape (n_frames_out, n_features_out), or ndarray
            Of the dtype of `X`, float32 or float64; an array for a two-dimensional
            `X`.

        Raises
        ------
        ValueError
            If a value is NaN or infinite, before or after; the message names the
            utterance.
        """
        self._validate_params()
        check_is_fitted(self)
        sequences = self._check_input(X, reset=not hasattr(self, "n_features_in_"))
        # What overflows is reported below, with its place.
        with np.errstate(over="ignore", invalid="ignore"):
            results = Batch(self._transform_frames(sequence) for sequence in sequences)
        for i, result in enumerate(results):
            check_finite(result, f"What {type(self).__name__} makes of X[{i}]")
        return np.concatenate(results) if is_table(X) else results

    def _check_input(self, X, reset):
        """Return the utterances as a list of arrays of float64 or float32."""
        return validate_frames(self, X, reset=reset)


class StatelessFrameTransformer(FrameTransformer):
    """A `FrameTransformer` that learns nothing but the number of features.

    A subclass whose columns are others defines ``_rename_columns(names)``.
    """

    declared_tags = {"requires_fit": False}

    fit = StatelessTransformer.fit

    def get_feature_names_out(
        self, input_features: list[str] | None = None
    ) -> np.ndarray:
        """Give the names of the columns.

        Parameters
        ----------
        input_features : list of str, default=None
            The names of the features that go in; None is x0, x1, ...

        Returns
        -------
        names : ndarray of str objects
        """
        if input_features is None:
            input_features = super().get_feature_names_out()
        return self._rename_columns(np.asarray(input_features, dtype=object))

    def _rename_columns(self, names):
        """Return the names of what comes out, by those of what goes in."""
        return names


def list_steps(estimator):
    """Return the steps of a Pipeline, and of Pipelines in it, without empty ones.

    Parameters
    ----------
    estimator : estimator
        Of another kind, it is the only step.

    Returns
    -------
    steps : list of estimator

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> list_steps(make_pipeline(make_pipeline(StandardScaler(), "passthrough")))
    [StandardScaler()]
    """
    if not isinstance(estimator, Pipeline):
        return [] if estimator in (None, "passthrough") else [estimator]
    return [step for _, entry in estimator.steps for step in list_steps(entry)]


def learning_steps(estimator):
    """Return those of `list_steps` that have to be fitted.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    steps : list of estimator

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skser import Framer, PCAWhitening
    >>> learning_steps(make_pipeline(Framer(), PCAWhitening()))
    [PCAWhitening()]
    """
    return [step for step in list_steps(estimator) if get_tags(step).requires_fit]
