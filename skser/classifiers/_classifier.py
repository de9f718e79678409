"""Base of the network classifiers: labels, soft labels, ratings, posteriors."""

import inspect
import os
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import softmax
from sklearn.base import ClassifierMixin
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.multiclass import check_classification_targets

from skser._base import restore_on_failure, set_parameters
from skser._compat import (
    StrOptions,
    check_partial_fit_first_call,
    fit_context,
    parameter_names,
    with_callbacks,
)
from skser._labels import RATING_LEVELS
from skser._sequences import check_labels, check_weights
from skser.classifiers._base import BaseNetworkEstimator
from skser.training import discretize_ratings

# By how much the probabilities of a row may differ from 1: they are often written with
# few digits.
TOLERANCE = 1e-3


class BaseNetworkClassifier(ClassifierMixin, BaseNetworkEstimator):
    """Train a network and predict with it; subclasses say which network.

    A subclass names its function in `builder` and has a constructor with the parameters
    of that function and those of training, which are explained in
    :class:`AttentionBLSTMFCNClassifier`. The function is given all parameters that are
    not of training, and ``n_features``, ``n_classes`` and ``seed``.

    Examples
    --------
    >>> from skser.classifiers import BaseNetworkClassifier
    >>> class FeedforwardClassifier(BaseNetworkClassifier):
    ...     builder = "feedforward"
    ...     def __init__(self, hidden_units=(32,), *, max_epochs=30, random_state=None):
    ...         super().__init__(max_epochs=max_epochs, random_state=random_state)
    ...         self.hidden_units = hidden_units
    >>> X = [[[0.0, 1.0]], [[1.0, 0.0]]] * 20
    >>> y = ["calm", "angry"] * 20
    >>> FeedforwardClassifier(random_state=0).fit(X, y).predict(X[:2])
    array(['calm', 'angry'], dtype='<U5')
    """

    # As for the speakers: ratings reach `fit` through a Pipeline without a request.
    __metadata_request__fit = {"ratings": True}

    _parameter_constraints: dict[str, Any] = {
        **BaseNetworkEstimator._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }
    _objective = "classes"

    def __init__(
        self,
        *,
        max_frames: int | None = None,
        optimizer: str = "adam",
        learning_rate: float = 1e-3,
        learning_rate_schedule: str = "plateau",
        batch_size: int = 50,
        max_epochs: int = 30,
        early_stopping: bool | str = "auto",
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        class_weight: dict | str | None = None,
        warm_start: bool = False,
        checkpoint: str | os.PathLike | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        set_parameters(self, locals())

    @restore_on_failure
    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Sequence | ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        X_val: Sequence | ArrayLike | None = None,
        y_val: ArrayLike | None = None,
        ratings: ArrayLike | None = None,
    ) -> Self:
        """Train the network.

        If it raises an error, the estimator is as it was before.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features), or array-like of \
                shape (n_samples, n_frames, n_features) or (n_samples, n_features)
            The utterances. Rows of a two-dimensional `X` are utterances of one frame.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            The class of each utterance: strings, integers or booleans. Or soft labels,
            a distribution over at least two classes in each row, such as the shares
            of the annotators' votes: the loss is then the cross-entropy with it. The
            columns of a DataFrame are named as the classes; those of an array are the
            classes 0, 1, ...
        sample_weight : array-like of shape (n_samples,), default=None
            How much each utterance counts. One of weight 0 is left out.
        groups : array-like of shape (n_samples,), default=None
            The speaker of each utterance. Early stopping then validates on speakers
            that the network is not trained on.
        X_val : like X, default=None
            Utterances to stop by, instead of some of `X`. In a Pipeline they are
            transformed with ``Pipeline(steps, transform_input=["X_val"])``.
        y_val : array-like, default=None
            The classes of `X_val`, or soft labels, as in `y`. The columns of an array
            are then in the order of ``classes_``. UA counts the most probable class.
        ratings : array-like of shape (n_samples, n_ratings), default=None
            Ratings from 1 to 5 to learn beside the classes, of activation and valence
            for instance; NaN where unknown. Low is up to 2, high from 4 on. The network
            learns whether each is low, medium or high, which weighs as much as the
            class (multi-task learning). `predict` needs no ratings.

        Returns
        -------
        self : estimator

        Raises
        ------
        TypeError, ValueError
            If `y` has one class only or another length than `X`, if a row of soft
            labels is no distribution, if a value is not finite, if the loss or a weight
            becomes so, if a fit with `checkpoint` has no `random_state`, if `ratings`
            has another length than `X` or, with `warm_start`, another number of columns
            than before, if the network has no outputs for ratings, or if a network of
            your own is not as :class:`~skser.NetworkClassifier` needs it.

        Warns
        -----
        UserWarning
            If the file in `checkpoint` is damaged, or cannot be written.
        """
        levels = None if ratings is None else discretize_ratings(ratings)
        n_ratings = 0 if levels is None else levels.shape[1]
        n_before = getattr(self, "n_ratings_", n_ratings)
        if self.warm_start and n_before != n_ratings:
            raise ValueError(
                f"ratings has {n_ratings} columns, but the weights to go on from were "
                f"trained with {n_before}. Set warm_start=False to start anew."
            )
        if n_ratings and not self._takes_ratings():
            raise ValueError(
                f"{type(self).__name__} was given ratings, but its network has no "
                "outputs for them: the function that builds it must take the keyword "
                "argument n_ratings, as skser.networks.attentive_cnn does."
            )
        self.n_ratings_ = n_ratings
        self._objective = _find_objective(y, y_val)
        return self._fit(X, y, sample_weight, groups, X_val, y_val, ratings=levels)

    @restore_on_failure
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: Sequence | ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one more epoch, on utterances that need not be those before.

        The optimizer goes on from where the last call left it. The learning rate is
        constant, and nothing is held out.

        Parameters
        ----------
        X : list of array-like, or array-like, as in `fit`
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            The class of each utterance, or soft labels. After the first call, the
            columns of an array are in the order of ``classes_``.
        classes : array-like of shape (n_classes,), default=None
            All classes that there will be. Needed in the first call, unless `fit`
            was called before or the columns of soft labels say it.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each utterance counts.

        Returns
        -------
        self : estimator
        """
        if classes is None and is_soft(y) and not hasattr(self, "classes_"):
            classes = list_columns(y)
        check_partial_fit_first_call(self, classes)
        self._objective = _find_objective(y)
        return self._partial_fit(X, y, sample_weight, keep_classes=True)

    def predict_proba(self, X: Sequence | ArrayLike) -> np.ndarray:
        """Return the posterior probability of each class.

        Parameters
        ----------
        X : list of array-like, or array-like, as in `fit`

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``. They do not depend on the other utterances
            of `X`.
        """
        scores = np.stack(self._compute("scores", X)[0])
        return softmax(scores.astype(np.float64), axis=1)

    def predict(self, X: Sequence | ArrayLike) -> np.ndarray:
        """Return the most probable class of each utterance.

        Parameters
        ----------
        X : list of array-like, or array-like, as in `fit`

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    @classmethod
    def _training_parameters(cls):
        return parameter_names(BaseNetworkClassifier)

    def _n_outputs(self):
        return len(self.classes_)

    def _sizes(self):
        sizes = super()._sizes()
        n_ratings = getattr(self, "n_ratings_", 0)
        return sizes | ({"n_ratings": n_ratings} if n_ratings else {})

    def _takes_ratings(self):
        """Tell whether the function that builds the network knows ratings."""
        return "n_ratings" in inspect.signature(self._find_builder()).parameters

    def _read_targets(
        self, y, sequences, sample_weight, *, is_new, keep_classes=False, ratings=None
    ):
        learns_classes = is_new and not keep_classes
        if is_soft(y):
            if learns_classes:
                self.classes_ = np.unique(list_columns(y))
            y = self._check_distributions(y, sequences, "y")
            if learns_classes:
                _refuse_one_class(self, self.classes_[y.any(axis=0)])
        else:
            y = check_labels(y, sequences)
            check_classification_targets(y)
            if learns_classes:
                self.classes_ = np.unique(y)
            self._check_known(y, "y")
            _refuse_one_class(self, self.classes_)
        weights = check_weights(
            sample_weight, sequences, self.class_weight, y, self.classes_
        )
        if ratings is not None:
            check_consistent_length(sequences, ratings)
        return self._encode(y, ratings), weights

    def _read_validation_targets(self, y_val, sequences):
        if is_soft(y_val):
            y_val = self._check_distributions(y_val, sequences, "y_val")
        else:
            y_val = check_labels(y_val, sequences, "y_val")
            self._check_known(y_val, "y_val")
        return self._encode(y_val)

    def _encode(self, y, ratings=None):
        """Return labels or distributions, and ratings, as of the objective."""
        if ratings is None:
            ratings = np.full((len(y), getattr(self, "n_ratings_", 0)), -1)
        if y.ndim == 1:
            y = np.searchsorted(self.classes_, y)
        if self._objective == "classes":
            return np.column_stack([y, ratings]).astype(np.int32)
        if y.ndim == 1:
            y = np.eye(len(self.classes_))[y]
        # An unknown rating is a row of zeros.
        levels = [ratings == level for level in range(len(RATING_LEVELS))]
        levels = np.stack(levels, axis=2).reshape(len(y), -1)
        return np.hstack([y, levels]).astype(np.float32)

    def _strata(self, targets):
        if self._objective == "classes":
            return targets[:, 0]
        return targets[:, : len(self.classes_)].argmax(axis=1)

    def _describe_targets(self):
        return {"classes": self.classes_.tolist()}

    def _check_known(self, labels, name):
        """Refuse labels that are not among ``classes_``."""
        unknown = set(labels.tolist()) - set(self.classes_.tolist())
        if unknown:
            raise ValueError(
                f"{name} contains {min(unknown, key=str)!r}, which is not among the "
                f"classes {', '.join(map(repr, self.classes_.tolist()))}."
            )

    def _check_distributions(self, y, sequences, name):
        """Return soft labels, a column for each of ``classes_``."""
        columns = list_columns(y) if hasattr(y, "columns") else None
        table = check_array(y, dtype=np.float64, input_name=name, estimator=self)
        check_consistent_length(sequences, table)
        negative = np.flatnonzero((table < 0).any(axis=1))
        sums = table.sum(axis=1)
        others = np.flatnonzero(np.abs(sums - 1) > TOLERANCE)
        for rows, fault in (
            (negative, "has a negative probability"),
            (others, f"sums to {sums[others[:1]].sum():g}, not to 1"),
        ):
            if len(rows):
                raise ValueError(
                    f"{name} of {table.shape[1]} columns must be soft labels, a "
                    f"distribution over the classes in each row, but {name}[{rows[0]}] "
                    f"{fault} ({len(rows)} of {len(table)} rows). Divide votes by "
                    "their sum; labels are a single column."
                )
        table = table / sums[:, np.newaxis]
        if columns is None and table.shape[1] != len(self.classes_):
            raise ValueError(
                f"{name} has {table.shape[1]} columns, but there are "
                f"{len(self.classes_)} classes: "
                f"{', '.join(map(repr, self.classes_.tolist()))}."
            )
        if columns is None:
            return table
        self._check_known(columns, f"The columns of {name}")
        known = np.zeros((len(table), len(self.classes_)))
        known[:, np.searchsorted(self.classes_, columns)] = table
        return known


def is_soft(y):
    """Tell whether labels are distributions: two columns or more, and no texts."""
    try:
        table = np.asarray(y)
    except ValueError:
        # Rows of unequal length: what that means is said where they are read.
        return False
    has_texts = any(isinstance(value, str) for value in table.ravel()[:1])
    return table.ndim == 2 and table.shape[1] > 1 and not has_texts


def list_columns(y):
    """Return the classes that the columns of soft labels stand for."""
    columns = getattr(y, "columns", None)
    if columns is None:
        return np.arange(np.shape(y)[1])
    labels = np.asarray(columns)
    if len(set(labels.tolist())) < len(labels):
        raise ValueError(
            f"The columns of y name a class twice: {', '.join(map(str, labels))}."
        )
    return labels.astype(str) if labels.dtype == object else labels


def _find_objective(*labels):
    """Return what a network is trained for."""
    return "posteriors" if any(map(is_soft, labels)) else "classes"


def _refuse_one_class(classifier, classes):
    """Refuse labels of one class only."""
    if len(classes) < 2:
        raise ValueError(
            f"{type(classifier).__name__} needs utterances of at least 2 classes, but "
            f"y has one class only: {classes.tolist()[0]!r}."
        )
