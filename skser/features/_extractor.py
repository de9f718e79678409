"""Feature extraction: `AcousticFeatures`, the catalogue's 743 features per frame."""

import difflib
import os
from collections.abc import Sequence
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from skser._base import ListTransformer, find_unknown, set_parameters
from skser._compat import Interval, StrOptions
from skser._parallel import one_blas_thread
from skser._sequences import check_utterances
from skser.features._analysis import (
    FRAME_LENGTH,
    SAMPLE_RATE,
    Measurements,
    iterate_analyses,
    keep_freed_memory,
)
from skser.features._catalogue import CATALOGUE
from skser.storage import map_cached

# Number of frames whose spectra are computed at a time. Fewer cost more calls a frame,
# more do not stay in the cache; between 96 and 160 the time is the same.
_CHUNK_LENGTH = 120
# Number of frames at a time for the features that are made of what the chunks gave:
# little arithmetic, but many calls.
_BLOCK_LENGTH = 480
# Number of frames whose features are in one array, of whole utterances. Several blocks,
# so that these are full; from 4 MB the memory comes in large pages, with fewer faults.
_BATCH_LENGTH = 8 * _BLOCK_LENGTH

# Lower bounds, upper bounds and stand-ins for NaN of all columns.
_LIMITS = [
    np.concatenate(
        [
            np.broadcast_to(getattr(row, kind), len(row.columns))
            for row in CATALOGUE.values()
        ],
        dtype=np.float32,
    )
    for kind in ("lower", "upper", "undefined")
]
_WIDTHS = [len(row.columns) for row in CATALOGUE.values()]


class AcousticFeatures(ListTransformer):
    """Compute the 27 acoustic features of YAAFE, 743 numbers per frame.

    Each frame of 1024 samples (64 ms at 16 kHz) gives one row: the magnitude spectrum,
    mel-frequency cepstra, loudness, linear prediction, envelope, spectral and temporal
    shape, flux and so on, as YAAFE [1]_ computes them, deviations from the textbooks
    included. ``CATALOGUE`` lists them all; the documentation of its functions gives the
    formulas.

    The estimator is stateless: `fit` only checks its input, and `transform` works
    without it.

    Parameters
    ----------
    features : "all" or list of str, default="all"
        Which features, by their names in ``CATALOGUE``, such as ``["MFCC", "ZCR"]``.
        The columns are in the order of the catalogue, in whatever order the names are
        given. Only what these features need is computed.

    sample_rate : int, default=16000
        Of the frames' signals, in Hz. The columns are defined at 16 kHz only; other
        rates are refused.

    exact : bool, default=False
        If True, return YAAFE's own values as float64. Some of them are poison for
        what comes next: `LPC` and `LSF` are NaN in digitally silent frames, a kurtosis
        may be -1e75 and the flux after silence 1e16.

        If False, return float32, always finite: values are limited to the bounds that
        ``CATALOGUE`` gives for each feature, which real speech does not reach, and a
        silent frame gets the linear prediction of a flat spectrum (``LPC`` = 0,
        ``LSF`` = k pi / 11).

    n_jobs : int, default=None
        Number of threads over utterances; None is 1, -1 is all processors. They gain
        little: :class:`~skser.out_of_core.ByUtterance` has processes.

    cache : str or os.PathLike, default=None
        Folder in which the features of each utterance are kept, to be read the next
        time, in another fold or another process; None keeps nothing. A file is found
        again by the samples of the utterance, the parameters and the versions of
        skser, NumPy and SciPy, never by the name of a recording. See Notes.

    Attributes
    ----------
    n_features_in_ : int
        Number of samples of a frame, 1024.

    See Also
    --------
    skser.framing.Framer : Cuts signals into the frames that this transformer takes.

    Notes
    -----
    A row depends on its own frame and, for the spectral flux, the spectral variation
    and the onset detection, on the one or two frames before it in the same utterance.
    Long utterances are analysed in chunks, so that the memory needed beside the result
    does not grow with their length; the result does not depend on the chunks. Short
    ones share what does not depend on their number; the result does not depend on
    their company, to the last bit. Without a `cache` the features of up to two minutes
    of them are views of one array, which is freed with the last of them.

    The folder of `cache` is made with access for its owner only (0700). Several
    processes can fill it at the same time. After an interruption the utterances that
    were finished are read. A damaged file is computed again, and a folder that cannot
    be written only costs the cache, both with a warning. Nothing is ever removed but
    the remains of killed processes; delete files or the whole folder as you like.
    `cache` is a folder and no ``joblib.Memory``, whose files are pickles, have no
    checksum, and are read as well when the code behind them has changed. And not a
    dictionary in memory, which ``clone`` would copy for each fold, and no other
    process would see: to keep features in memory, compute them once with
    :func:`skser.systems.split_front_end`.

    References
    ----------
    .. [1] B. Mathieu, S. Essid, T. Fillon, J. Prado and G. Richard, "YAAFE, an easy to
       use and efficient audio feature extraction software", ISMIR 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.features import AcousticFeatures
    >>> rng = np.random.default_rng(0)
    >>> utterances = [rng.normal(size=(5, 1024)), rng.normal(size=(3, 1024))]
    >>> [features.shape for features in AcousticFeatures().transform(utterances)]
    [(5, 743), (3, 743)]
    >>> selection = AcousticFeatures(features=["ZCR", "LPC"])
    >>> selection.get_feature_names_out()
    array(['LPC_1', 'LPC_2', 'ZCR'], dtype=object)
    """

    declared_tags = {
        "input_tags.two_d_array": False,
        "input_tags.three_d_array": True,
        "transformer_tags.preserves_dtype": [],
    }

    _parameter_constraints: dict = {
        "features": [StrOptions({"all"}), list, tuple],
        "sample_rate": [Interval(Integral, 1, None, closed="left")],
        "exact": ["boolean"],
        "n_jobs": [Integral, None],
        "cache": [str, os.PathLike, None],
    }

    def __init__(
        self,
        features: str | list[str] = "all",
        *,
        sample_rate: int = SAMPLE_RATE,
        exact: bool = False,
        n_jobs: int | None = None,
        cache: str | os.PathLike | None = None,
    ):
        set_parameters(self, locals())

    def transform(self, X: Sequence | ArrayLike) -> list[np.ndarray]:
        """Compute the features of each utterance.

        Parameters
        ----------
        X : list of array-like of shape (n_frames, 1024), or array-like of shape \
                (n_utterances, n_frames, 1024)
            Consecutive frames of each utterance, not windowed, samples in [-1, 1].
            Overlapping views, as `skser.framing.Framer` gives them, are not copied
            as a whole. They are not modified.

        Returns
        -------
        features : list of ndarray of shape (n_frames, n_features_out)
            float32, or float64 if ``exact=True``; a row per frame.

        Raises
        ------
        TypeError
            If `X` is no sequence of arrays of real numbers.
        ValueError
            If a frame has not 1024 samples, a sample is NaN or infinite (the message
            names the utterance), or a parameter has an illegal value.

        Warns
        -----
        UserWarning
            If files of `cache` are damaged, or cannot be written.
        """
        self._validate_params()
        selected = self._selected_features()
        names = {row.name for row in selected}
        columns = np.repeat([name in names for name in CATALOGUE], _WIDTHS)
        limits = None if self.exact else [values[columns] for values in _LIMITS]
        utterances = self._check_input(X, reset=False)
        keep_freed_memory()
        with one_blas_thread():
            return map_cached(
                lambda batch: _extract(batch, selected, limits),
                utterances,
                self,
                ("numpy", "scipy"),
                n_frames=_BATCH_LENGTH,
            )

    def _name_columns(self):
        return [n for row in self._selected_features() for n in row.column_names]

    def _check_choices(self):
        """Refuse names that are not known, and another sampling rate."""
        self._selected_features()

    def _selected_features(self):
        """Return the selected rows of the catalogue, in its order."""
        if self.sample_rate != SAMPLE_RATE:
            raise ValueError(
                f"The 743 columns of AcousticFeatures are defined at {SAMPLE_RATE} Hz, "
                f"got sample_rate={self.sample_rate}. Another rate would give another "
                "number of columns (733 at 8 kHz, 751 at 24 kHz, 761 at 48 kHz). "
                f"Resample with AudioLoader(sample_rate={SAMPLE_RATE})."
            )
        if isinstance(self.features, str):
            return list(CATALOGUE.values())
        if len(self.features) == 0:
            raise ValueError("features is empty; use 'all' or a list of names.")
        unknown = find_unknown(self.features, CATALOGUE)
        if unknown:
            lower_case = {name.lower(): name for name in CATALOGUE}
            near = [
                lower_case[match]
                for name in unknown
                for match in difflib.get_close_matches(str(name).lower(), lower_case)
            ]
            hint = f" Did you mean {', '.join(map(repr, near))}?" if near else ""
            raise ValueError(
                f"Unknown features: {unknown}.{hint} The names are: "
                f"{', '.join(CATALOGUE)}."
            )
        return [row for name, row in CATALOGUE.items() if name in self.features]

    def _check_input(self, X, reset):
        """Return the utterances' frames as arrays, or say what is wrong with one."""
        self._selected_features()
        utterances = check_utterances(X, 2, f"(n_frames, {FRAME_LENGTH})")
        for i, frames in enumerate(utterances):
            if frames.shape[1] != FRAME_LENGTH:
                raise ValueError(
                    f"X[{i}] has frames of {frames.shape[1]} samples, but the features "
                    f"are defined for {FRAME_LENGTH} samples (64 ms at 16 kHz). "
                    f"Use Framer(frame_length={FRAME_LENGTH})."
                )
        if reset:
            self.n_features_in_ = FRAME_LENGTH
        return utterances


def _extract(utterances, selected, limits):
    """Compute the selected features of utterances; within limits, as float32."""
    lengths = [len(frames) for frames in utterances]
    width = sum(len(feature.columns) for feature in selected)
    dtype = np.float64 if limits is None else np.float32
    # One array for all: a block of frames is written at once.
    features = np.empty((sum(lengths), width), dtype)
    columns = _find_columns(selected)
    # Silence and clicks divide by 0 or overflow, as documented; the result is either
    # YAAFE's or made finite, so that a warning would only alarm.
    with np.errstate(all="ignore"):
        # Rows that do not adjoin, such as the lower half of the bins, NumPy copies into
        # a buffer, to work on as many as the buffer holds; which takes three times the
        # time where a row is long. In a buffer that holds only one it does not.
        previous = np.setbufsize(FRAME_LENGTH)
        try:
            for rows, measurements in _measure(utterances, selected, columns, features):
                block = features[rows]
                for feature in selected:
                    if feature.measured is not None:
                        values = measurements.feature(feature.function)
                        block[:, columns[feature.function]] = values
                if limits is not None:
                    _limit(block, *limits)
        finally:
            np.setbufsize(previous)
    return np.split(features, np.cumsum(lengths[:-1]))


def _find_columns(selected):
    """Return where in the result each function's values are."""
    columns, start = {}, 0
    for feature in selected:
        stop = start + len(feature.columns)
        place = start if stop - start == 1 else slice(start, stop)
        columns[feature.function] = place
        start = stop
    return columns


def _measure(utterances, selected, columns, features):
    """Measure utterances, and yield what the other features are made of, in blocks.

    Each utterance is cut into chunks by itself, so that its results do not depend on
    the others; a block is of several chunks. What is measured for the result is written
    there.

    Yields
    ------
    rows : slice
        Of the result.
    measurements : Measurements
        Those that features not measured ask for.
    """
    wanted = [row.function for row in selected if row.measured is None]
    needed = list(dict.fromkeys(f for row in selected for f in row.measured or ()))
    start = stop = 0
    parts = {function: [] for function in needed}
    for frames in utterances:
        for rows, chunk in iterate_analyses(frames, _CHUNK_LENGTH):
            length = rows.stop - rows.start
            if stop + length - start > _BLOCK_LENGTH and stop > start:
                yield slice(start, stop), _join(parts)
                start = stop
            written = features[stop : stop + length]
            for function in wanted:
                written[:, columns[function]] = chunk.feature(function)
            for function in needed:
                parts[function].append(chunk.feature(function))
            stop += length
    yield slice(start, stop), _join(parts)


def _join(parts):
    """Return what was measured of a block, and forget it."""
    values = {
        function: some[0] if len(some) == 1 else np.concatenate(some)
        for function, some in parts.items()
    }
    for some in parts.values():
        some.clear()
    return Measurements(values)


def _limit(block, lower, upper, undefined):
    """Bound features, and replace NaN, in place."""
    np.maximum(block, lower, out=block)
    np.minimum(block, upper, out=block)
    # Within the bounds a sum cannot overflow: it is NaN only if a value is.
    if np.isnan(block.sum()):
        np.copyto(block, undefined, where=np.isnan(block))
