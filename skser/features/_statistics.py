"""How the frames of an utterance become one row of statistics: `FrameStatistics`."""

from functools import cached_property

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skser._compat import fit_context
from skser._sequences import ROUNDING, validate_sequences
from skser.features._context import slopes

_PERCENTILES = (1, 10, 25, 50, 75, 90, 99)


class _Contours:
    """All features of one utterance over time, and what several statistics share."""

    def __init__(self, frames):
        self.frames = np.asarray(frames, dtype=np.float64)
        self.mean = self.frames.mean(axis=0)
        self.centred = self.frames - self.mean
        # From the first frame, -1, to the last, 1.
        self.time = np.linspace(-1, 1, len(frames))[:, np.newaxis]

    @cached_property
    def std(self):
        """Standard deviation of each feature."""
        return np.sqrt(np.mean(self.centred**2, axis=0))

    @cached_property
    def percentiles(self):
        """The percentiles of each feature, by their numbers."""
        values = np.percentile(self.frames, _PERCENTILES, axis=0)
        return dict(zip(_PERCENTILES, values, strict=True))

    def moment(self, order):
        """Return the mean power of the standardised frames; 0 for constant features."""
        is_constant = self.std <= ROUNDING * np.abs(self.frames).max(axis=0)
        scale = np.where(is_constant, np.inf, self.std)
        return np.mean((self.centred / scale) ** order, axis=0)

    def between(self, low, high):
        """Return the distance of two percentiles."""
        return self.percentiles[high] - self.percentiles[low]

    def project(self, course):
        """Return the least-squares weight of a course of mean zero over time."""
        course = course - course.mean()
        energy = np.sum(course**2)
        return course.T @ self.centred / (energy or 1.0)

    def time_above(self, share):
        """Return the share of frames above a level between two percentiles."""
        level = self.percentiles[1] + share * self.between(1, 99)
        return np.mean(self.frames > level, axis=0)


_STATISTICS = {
    "mean": lambda contours: contours.mean,
    "std": lambda contours: contours.std,
    "skewness": lambda contours: contours.moment(3),
    "kurtosis": lambda contours: contours.moment(4),
    **{f"percentile_{p}": lambda c, p=p: c.percentiles[p] for p in _PERCENTILES},
    "quartile_range": lambda contours: contours.between(25, 75),
    "lower_quartile_range": lambda contours: contours.between(25, 50),
    "upper_quartile_range": lambda contours: contours.between(50, 75),
    "range": lambda contours: contours.between(1, 99),
    "slope": lambda contours: contours.project(contours.time)[0],
    "curvature": lambda contours: contours.project(contours.time**2)[0],
    "time_above_25": lambda contours: contours.time_above(0.25),
    "time_above_50": lambda contours: contours.time_above(0.5),
    "time_above_75": lambda contours: contours.time_above(0.75),
    "magnitude": lambda contours: np.mean(np.abs(contours.frames), axis=0),
}
# All but what the others imply for a contour that is never negative.
_DEFAULT = tuple(name for name in _STATISTICS if name != "magnitude")


class FrameStatistics(TransformerMixin, BaseEstimator):
    r"""Describe each utterance by statistics of its features over time.

    A row for an utterance, whatever its length, for scikit-learn's own classifiers; the
    field calls them functionals. With :class:`SpeechDescriptors` before it, it is this
    package's own answer to openSMILE's. The estimator is stateless: `fit` only checks
    its input.

    Parameters
    ----------
    statistics : sequence of str, default=all but "magnitude"
        Of the contour :math:`x_t` of each feature, from:

        - "mean", "std", "skewness", "kurtosis": :math:`\mu`, :math:`\sigma` and the
          means of :math:`((x_t - \mu)/\sigma)^3` and :math:`(\cdot)^4`, 0 for a
          constant
        - "percentile_1", and 10, 25, 50, 75, 90 and 99
        - "quartile_range": of the 25th and the 75th percentile;
          "lower_quartile_range" and "upper_quartile_range": of each with the median;
          "range": of the 1st and the 99th
        - "slope" and "curvature": least-squares weights of :math:`\tau` and of
          :math:`\tau^2`, each fitted by itself, with time :math:`\tau` from -1
          to 1
        - "time_above_25", 50 and 75: share of frames above that percentage of
          the range
        - "magnitude": mean of :math:`|x_t|`
    delta_statistics : sequence of str or None, default=None
        Of the contour of changes, :math:`(x_{t+1} - x_{t-1})/2`. None is the same as
        `statistics`; an empty sequence is none.

    Attributes
    ----------
    n_features_in_ : int
        Number of features of a frame.

    See Also
    --------
    OpenSmileFunctionals : openSMILE's, from signals.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.features import FrameStatistics
    >>> utterances = [np.array([[1.0], [2.0], [6.0]]), np.array([[4.0]])]
    >>> statistics = FrameStatistics(["mean", "std"], ["magnitude"])
    >>> statistics.fit_transform(utterances).round(2)
    array([[3.  , 2.16, 1.67],
           [4.  , 0.  , 0.  ]])
    """

    _parameter_constraints = {
        "statistics": [list, tuple],
        "delta_statistics": [list, tuple, None],
    }

    def __init__(self, statistics=_DEFAULT, delta_statistics=None):
        self.statistics = statistics
        self.delta_statistics = delta_statistics

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check the parameters and the utterances; nothing is learnt.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features), or array-like of \
                shape (n_samples, n_frames, n_features) or (n_samples, n_features)
            The utterances. Rows of a two-dimensional `X` are utterances of one frame.
        y : Ignored
            Present for scikit-learn's conventions.

        Returns
        -------
        self : FrameStatistics

        Raises
        ------
        ValueError
            If a statistic is unknown or there is none at all.
        """
        self._check_names()
        validate_sequences(self, X, reset=True, dtype=[np.float64, np.float32])
        return self

    def transform(self, X):
        """Compute the statistics of each utterance.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features), or array-like
            As in `fit`.

        Returns
        -------
        rows : ndarray of float64 of shape (n_samples, n_statistics * n_features)
            Statistic by statistic, each of all features; those of changes last.
        """
        self._check_names()
        is_first = not hasattr(self, "n_features_in_")
        sequences = validate_sequences(
            self, X, reset=is_first, dtype=[np.float64, np.float32]
        )
        return np.array([self._describe(sequence) for sequence in sequences])

    def get_feature_names_out(self, input_features=None):
        """Give the names of the columns.

        Parameters
        ----------
        input_features : list of str, default=None
            The names of the features that go in; None is x0, x1, ...

        Returns
        -------
        names : ndarray of str objects
            Such as ``x0_mean`` and ``delta_x0_mean``.
        """
        if input_features is None:
            check_is_fitted(self, "n_features_in_")
            input_features = [f"x{i}" for i in range(self.n_features_in_)]
        named = (("", self.statistics), ("delta_", self._delta_statistics()))
        return np.array(
            [
                f"{prefix}{feature}_{statistic}"
                for prefix, statistics in named
                for statistic in statistics
                for feature in input_features
            ],
            dtype=object,
        )

    def _describe(self, sequence):
        """Return the row of one utterance."""
        contours = _Contours(sequence)
        parts = [_STATISTICS[name](contours) for name in self.statistics]
        if self._delta_statistics():
            changes = _Contours(slopes(contours.frames, 1))
            parts += [_STATISTICS[name](changes) for name in self._delta_statistics()]
        return np.concatenate(parts)

    def _delta_statistics(self):
        """Return the names of the statistics of changes."""
        is_same = self.delta_statistics is None
        return self.statistics if is_same else self.delta_statistics

    def _check_names(self):
        """Refuse names that are not known."""
        names = [*self.statistics, *self._delta_statistics()]
        unknown = [name for name in names if name not in _STATISTICS]
        if unknown or not names:
            raise ValueError(
                f"statistics must be names out of {', '.join(_STATISTICS)}; got "
                f"{unknown if unknown else 'none'}."
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.three_d_array = True
        return tags
