"""Functionals: one row of statistics per utterance, our own and openSMILE's."""

import os
import warnings
from collections.abc import Callable, Sequence
from functools import cached_property
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from skser._base import StatelessTransformer, find_unknown, set_parameters
from skser._compat import Interval, StrOptions, import_opensmile
from skser._sequences import (
    ROUNDING,
    check_finite,
    check_utterances,
    validate_sequences,
)
from skser.features._context import slopes
from skser.storage import map_cached

# As this package calls a set -> as openSMILE does.
FEATURE_SETS = {
    "eGeMAPS": "eGeMAPSv02",
    "GeMAPS": "GeMAPSv01b",
    "ComParE": "ComParE_2016",
    "emobase": "emobase",
}


class OpenSmileFunctionals(StatelessTransformer):
    """Describe each signal by one row of openSMILE's functionals.

    Statistics (means, percentiles, slopes and so on) over an utterance of frame
    descriptors, by openSMILE [1]_ itself: with a support vector machine behind it, what
    most people would use today. It needs ``pip install opensmile``; note that
    openSMILE's licence forbids commercial use.

    The estimator is stateless: `fit` only checks its input.

    Parameters
    ----------
    feature_set : {"eGeMAPS", "GeMAPS", "ComParE", "emobase"}, default="eGeMAPS"
        Which set: eGeMAPSv02 (88 functionals) [2]_, GeMAPSv01b (62), ComParE 2016
        (6373) [3]_ or emobase (988).
    sample_rate : int, default=16000
        Of the signals, in Hz.
    n_jobs : int, default=None
        Number of threads over utterances; None is 1, -1 is all processors.
    cache : str or os.PathLike, default=None
        Folder in which the functionals of each signal are kept, as in
        :class:`skser.AcousticFeatures`.

    Notes
    -----
    Where openSMILE gives NaN for a single functional, such as a statistic over voiced
    frames where there are none, the row holds 0.

    References
    ----------
    .. [1] F. Eyben, M. Wöllmer and B. Schuller, "openSMILE: the Munich versatile and
       fast open-source audio feature extractor", ACM Multimedia 2010.
    .. [2] F. Eyben et al., "The Geneva minimalistic acoustic parameter set (GeMAPS) for
       voice research and affective computing", IEEE Transactions on Affective
       Computing 7(2), 2016.
    .. [3] B. Schuller et al., "The Interspeech 2016 computational paralinguistics
       challenge: deception, sincerity and native language", Interspeech 2016.

    Examples
    --------
    >>> from skser.features import OpenSmileFunctionals
    >>> OpenSmileFunctionals("ComParE")
    OpenSmileFunctionals(feature_set='ComParE')
    """

    declared_tags = {
        "input_tags.two_d_array": False,
        "transformer_tags.preserves_dtype": [],
    }

    _parameter_constraints = {
        "feature_set": [StrOptions(set(FEATURE_SETS))],
        "sample_rate": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "cache": [str, os.PathLike, None],
    }

    def __init__(
        self,
        feature_set: str = "eGeMAPS",
        *,
        sample_rate: int = 16000,
        n_jobs: int | None = None,
        cache: str | os.PathLike | None = None,
    ):
        set_parameters(self, locals())

    def transform(self, X: Sequence | ArrayLike) -> np.ndarray:
        """Compute the functionals of each signal.

        Parameters
        ----------
        X : list of array-like of shape (n_samples,)
            The signals, samples in [-1, 1].

        Returns
        -------
        functionals : ndarray of float64 of shape (n_utterances, n_functionals)

        Raises
        ------
        ImportError
            If openSMILE is not installed.
        ValueError
            If a signal is empty, not finite or too short for openSMILE.
        """
        self._validate_params()
        smile = self._smile()
        signals = self._check_input(X, reset=False)
        with warnings.catch_warnings():
            # An error below names which.
            warnings.filterwarnings("ignore", "Segment too short", UserWarning)
            rows = map_cached(
                lambda batch: [
                    smile.process_signal(signal, self.sample_rate).values[0]
                    for signal in batch
                ],
                signals,
                self,
                ("opensmile",),
            )
        functionals = np.array(list(rows), dtype=np.float64)
        empty = np.flatnonzero(np.isnan(functionals).all(axis=1))
        if empty.size:  # openSMILE has not found a single frame.
            n_samples = len(signals[empty[0]])
            raise ValueError(
                f"X[{empty[0]}] is too short for openSMILE: {n_samples} samples, "
                f"{1000 * n_samples / self.sample_rate:.0f} ms ({empty.size} signal(s) "
                "are). Leave such recordings out."
            )
        functionals[np.isnan(functionals)] = 0
        for i, row in enumerate(functionals):
            check_finite(row, f"What openSMILE makes of X[{i}]")
        return functionals

    def _name_columns(self):
        return self._smile().feature_names

    def _smile(self):
        """Return openSMILE, set up for the feature set."""
        opensmile = import_opensmile()
        return opensmile.Smile(
            feature_set=opensmile.FeatureSet[FEATURE_SETS[self.feature_set]],
            feature_level=opensmile.FeatureLevel.Functionals,
        )

    def _check_input(self, X, reset):
        """Return the signals as arrays, or say what is wrong with one."""
        return check_utterances(X, 1, "(n_samples,)")


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


_STATISTICS: dict[str, Callable] = {
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


class FrameStatistics(StatelessTransformer):
    r"""Describe each utterance by statistics of its features over time.

    One row per utterance, whatever its length, for scikit-learn's own classifiers; the
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
    columns : sequence of int, default=None
        Which features are described, by their places in a frame. None is all.

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

    declared_tags = {"input_tags.three_d_array": True}

    _parameter_constraints = {
        "statistics": [list, tuple],
        "delta_statistics": [list, tuple, None],
        "columns": [list, tuple, None],
    }

    def __init__(
        self,
        statistics: Sequence[str] = _DEFAULT,
        delta_statistics: Sequence[str] | None = None,
        *,
        columns: Sequence[int] | None = None,
    ):
        self.statistics = statistics
        self.delta_statistics = delta_statistics
        self.columns = columns

    def transform(self, X: Sequence | ArrayLike) -> np.ndarray:
        """Compute the statistics of each utterance.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, n_features), or array-like of \
                shape (n_samples, n_frames, n_features) or (n_samples, n_features)
            The utterances. Rows of a two-dimensional `X` are utterances of one frame.

        Returns
        -------
        rows : ndarray of float64 of shape (n_samples, n_statistics * n_features)
            Statistic by statistic, each of all features; those of changes last.

        Raises
        ------
        ValueError
            If a statistic is unknown or there is none at all, or a frame has no such
            column.
        """
        sequences = self._check_input(X, reset=not hasattr(self, "n_features_in_"))
        if self.columns is not None:
            sequences = [sequence[:, list(self.columns)] for sequence in sequences]
        rows = np.array([self._describe(sequence) for sequence in sequences])
        check_finite(rows, "What FrameStatistics makes of X")
        return rows

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
            Such as ``x0_mean`` and ``delta_x0_mean``.
        """
        if input_features is None:
            check_is_fitted(self, "n_features_in_")
            input_features = [f"x{i}" for i in range(self.n_features_in_)]
        if self.columns is not None:
            input_features = [input_features[i] for i in self.columns]
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

    def _check_choices(self):
        """Refuse names that are not known, and columns that no frame has."""
        names = [*self.statistics, *self._delta_statistics()]
        unknown = find_unknown(names, _STATISTICS)
        if unknown or not names:
            raise ValueError(
                f"statistics must be names out of {', '.join(_STATISTICS)}; got "
                f"{unknown if unknown else 'none'}."
            )
        n_features = getattr(self, "n_features_in_", None)
        if self.columns is not None and n_features is not None:
            missing = [
                column
                for column in self.columns
                if not isinstance(column, Integral) or not 0 <= column < n_features
            ]
            if missing or not len(self.columns):
                raise ValueError(
                    f"columns must be places from 0 to {n_features - 1}, of the "
                    f"features of a frame, got {missing or 'none'}."
                )

    def _check_input(self, X, reset):
        """Return the utterances, or refuse them or the parameters."""
        # A new fit may be of another number of features.
        X = validate_sequences(self, X, reset=reset, dtype=[np.float64, np.float32])
        self._check_choices()
        return X
