"""Segments of DNN-ELM: posteriors of the loudest ones, and statistics over these."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skser._base import (
    DeclaredTagsMixin,
    StatelessTransformer,
    restore_on_failure,
    set_parameters,
)
from skser._compat import Interval, fit_context
from skser._sequences import Batch, check_labels, validate_sequences
from skser.classifiers._networks import NetworkClassifier
from skser.features._context import context_windows


class SegmentPosteriors(  # type: ignore[call-arg]
    DeclaredTagsMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Classify the loudest segments of each utterance by a network of dense layers.

    A segment is a frame with its neighbours. Of each utterance, in training and
    afterwards, only the segments of highest energy count; in training each bears the
    label of its utterance [1]_. The result is the sequence of their posteriors.

    Parameters
    ----------
    n_context : int, default=12
        Number of neighbours on each side; beyond its ends an utterance repeats its end
        frames.
    energy_ratio : float, default=0.1
        Share of an utterance's segments that count, at least one segment.
    energy_column : int, default=0
        The feature that tells the energy of a frame, in any monotonous scale; a
        segment's is the mean over its frames.
    hidden_units : sequence of int, default=(256, 256, 256)
        Sizes of the network's layers.
    learning_rate : float, default=0.001
        Of Adam, at the beginning; cosine decay.
    batch_size : int, default=128
        Number of segments a step.
    max_epochs : int, default=20
        Number of times that the network sees all segments.
    random_state : int, RandomState instance or None, default=None
        Determines the training of the network.
    verbose : int, default=0
        1 shows a progress bar while the network is trained.

    Attributes
    ----------
    network_ : NetworkClassifier
        The fitted network, which takes segments as rows.
    classes_ : ndarray of shape (n_classes,)
        The classes, in the order of the posteriors.
    n_features_in_ : int
        Number of features of a frame.

    See Also
    --------
    SegmentStatistics : Makes one row of the posteriors of an utterance.

    References
    ----------
    .. [1] K. Han, D. Yu and I. Tashev, "Speech emotion recognition using deep neural
       network and extreme learning machine", Interspeech 2014.

    Examples
    --------
    >>> from skser.classifiers import SegmentPosteriors
    >>> SegmentPosteriors(energy_ratio=0.3)
    SegmentPosteriors(energy_ratio=0.3)
    """

    declared_tags = {
        "target_tags.required": True,
        "input_tags.two_d_array": False,
        "input_tags.three_d_array": True,
        "transformer_tags.preserves_dtype": [],
    }

    _parameter_constraints = {
        "n_context": [Interval(Integral, 0, None, closed="left")],
        "energy_ratio": [Interval(Real, 0, 1, closed="right")],
        "energy_column": [Integral],
        "hidden_units": ["array-like"],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_context: int = 12,
        *,
        energy_ratio: float = 0.1,
        energy_column: int = 0,
        hidden_units: Sequence[int] = (256, 256, 256),
        learning_rate: float = 1e-3,
        batch_size: int = 128,
        max_epochs: int = 20,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        set_parameters(self, locals())

    @restore_on_failure
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Sequence | ArrayLike, y: ArrayLike) -> Self:
        """Train the network on the loudest segments.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features)
            The utterances.
        y : array-like of shape (n_samples,)
            Their classes.

        Returns
        -------
        self : SegmentPosteriors

        Raises
        ------
        ValueError
            If `y` has one class only, or there is no feature `energy_column`.
        """
        sequences = validate_sequences(self, X, reset=True)
        y = check_labels(y, sequences)
        if not -self.n_features_in_ <= self.energy_column < self.n_features_in_:
            raise ValueError(
                f"energy_column={self.energy_column}, but the frames have "
                f"{self.n_features_in_} features."
            )
        segments = [self._find_loudest(sequence) for sequence in sequences]
        labels = np.repeat(y, [len(rows) for rows in segments])
        self.network_ = NetworkClassifier(
            feedforward,
            network_params={"hidden_units": tuple(self.hidden_units)},
            learning_rate=self.learning_rate,
            learning_rate_schedule="cosine",
            batch_size=self.batch_size,
            max_epochs=self.max_epochs,
            random_state=self.random_state,
            verbose=self.verbose,
        ).fit(np.concatenate(segments), labels)
        self.classes_ = self.network_.classes_
        return self

    def transform(self, X: Sequence | ArrayLike) -> list[np.ndarray]:
        """Return the posteriors of the loudest segments of each utterance.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features)
            The utterances.

        Returns
        -------
        posteriors : list of ndarray of shape (n_segments, n_classes)
            In the order of time.
        """
        check_is_fitted(self, "network_")
        sequences = validate_sequences(self, X, reset=False)
        segments = [self._find_loudest(sequence) for sequence in sequences]
        posteriors = self.network_.predict_proba(np.concatenate(segments))
        ends = np.cumsum([len(rows) for rows in segments])
        return Batch(np.split(posteriors, ends[:-1]))

    get_feature_names_out = StatelessTransformer.get_feature_names_out

    def _name_columns(self):
        check_is_fitted(self, "network_")
        return [str(label) for label in self.classes_.tolist()]

    def _find_loudest(self, sequence):
        """Return the segments of highest energy, in the order of time."""
        every = np.arange(len(sequence))
        energy = sequence[:, [self.energy_column]]
        loudness = context_windows(energy, every, self.n_context).mean(axis=1)
        n_segments = int(np.ceil(self.energy_ratio * len(sequence)))
        loudest = np.argsort(-loudness, kind="stable")[:n_segments]
        return context_windows(sequence, np.sort(loudest), self.n_context)


def feedforward(n_features, n_classes, **params):
    """Build the network; TensorFlow is imported only when that is needed."""
    from skser import networks

    return networks.feedforward(n_features, n_classes, **params)


class SegmentStatistics(TransformerMixin, BaseEstimator):
    r"""Describe an utterance by statistics over the posteriors of its segments.

    For each class :math:`k`, over the segments :math:`s` of an utterance [1]_:

    .. math:: \max_s p_s(k), \quad \min_s p_s(k), \quad \operatorname{mean}_s p_s(k),
              \quad \frac{|\{s : p_s(k) > \theta\}|}{|\{s\}|} .

    Parameters
    ----------
    threshold : float, default=0.2
        :math:`\theta`.

    Attributes
    ----------
    n_features_in_ : int
        Number of classes.

    References
    ----------
    .. [1] Han, Yu and Tashev 2014, as of :class:`SegmentPosteriors`.

    Examples
    --------
    >>> from skser.classifiers import SegmentStatistics
    >>> posteriors = [[[0.9, 0.1], [0.5, 0.5]]]
    >>> SegmentStatistics().fit_transform(posteriors).round(2).tolist()
    [[0.9, 0.5, 0.5, 0.1, 0.7, 0.3, 1.0, 0.5]]
    """

    _parameter_constraints = {
        "threshold": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(self, threshold: float = 0.2):
        self.threshold = threshold

    @restore_on_failure
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Sequence | ArrayLike, y: object = None) -> Self:
        """Check the posteriors; there is nothing to learn.

        Parameters
        ----------
        X : list of array-like of shape (n_segments, n_classes)
            Posteriors of the segments of each utterance.
        y : Ignored

        Returns
        -------
        self : SegmentStatistics
        """
        validate_sequences(self, X, reset=True, dtype=np.float64)
        return self

    def transform(self, X: Sequence | ArrayLike) -> np.ndarray:
        """Return one row per utterance.

        Parameters
        ----------
        X : list of array-like of shape (n_segments, n_classes)
            As in `fit`.

        Returns
        -------
        statistics : ndarray of shape (n_utterances, 4 * n_classes)
            Maxima, minima, means and shares above the threshold.
        """
        check_is_fitted(self, "n_features_in_")
        sequences = validate_sequences(self, X, reset=False, dtype=np.float64)
        return np.array([self._describe(posteriors) for posteriors in sequences])

    def get_feature_names_out(
        self, input_features: list[str] | None = None
    ) -> np.ndarray:
        """Give the names of the columns.

        Parameters
        ----------
        input_features : list of str, default=None
            The names of the classes; None is x0, x1, ...

        Returns
        -------
        names : ndarray of str objects of shape (4 * n_classes,)
        """
        check_is_fitted(self, "n_features_in_")
        if input_features is None:
            input_features = [f"x{i}" for i in range(self.n_features_in_)]
        kinds = ("max", "min", "mean", "share")
        return np.array([f"{k}_{n}" for k in kinds for n in input_features], object)

    def _describe(self, posteriors):
        """Return the statistics of one utterance."""
        is_likely = posteriors > self.threshold
        highest, lowest = posteriors.max(axis=0), posteriors.min(axis=0)
        means = posteriors.mean(axis=0), is_likely.mean(axis=0)
        return np.concatenate([highest, lowest, *means])
