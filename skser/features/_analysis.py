"""Frame analysis: the spectra and moments that features share, computed once."""

from collections.abc import Callable
from functools import cache, cached_property

import numpy as np
from scipy import fft

SAMPLE_RATE = 16000
FRAME_LENGTH = 1024
N_BINS = FRAME_LENGTH // 2 + 1
BIN_WIDTH = SAMPLE_RATE / FRAME_LENGTH
EPS = np.finfo(np.float64).eps
# Flux and variation look one frame back, the onset detection two.
N_PREVIOUS = 2
# A variance that is smaller than this share of the second moment may be rounding.
_DOUBTFUL_VARIANCE = 1e-9


def keep_freed_memory():
    """Let the memory of chunks be used again, instead of returned and cleared anew.

    Linux' C library returns freed memory to the system above a threshold, which it
    raises to twice the largest block freed so far. Without that, cepstra take twice the
    time, and short utterances half as long again. The block is never touched, so it
    costs no memory; elsewhere this has no effect.
    """
    np.empty(2**23, dtype=np.uint8)


def inner_products(x, y):
    """Return the inner product of each row of `x` with that row of `y`.

    Parameters
    ----------
    x, y : ndarray of shape (n_frames, length)

    Returns
    -------
    products : ndarray of shape (n_frames,)

    Examples
    --------
    >>> inner_products(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]))
    array([11.])
    """
    # As products of matrices of one row: BLAS takes a third of the time of einsum.
    return (x[:, np.newaxis, :] @ y[:, :, np.newaxis])[:, 0, 0]


@cache
def index_powers(length):
    """Return the powers 0 to 4 of the indices, shape (length, 5)."""
    return np.vander(np.arange(length, dtype=np.float64), 5, increasing=True)


def moments(values, sums=None):
    r"""Moments of non-negative sequences, as densities over the index.

    :math:`m_j = \sum_i i^j v_i / V`, where :math:`V = \sum_i v_i`.

    Parameters
    ----------
    values : ndarray of shape (n_frames, length)
    sums : ndarray of shape (n_frames, 5), default=None
        The sums with the weights :math:`i^0` to :math:`i^4`, if they are known.

    Returns
    -------
    moments : ndarray of shape (n_frames, 4)
        :math:`m_1` to :math:`m_4`; all 0 for a sequence of zeros.

    Examples
    --------
    >>> values = np.array([[1.0, 1.0, 2.0]])
    >>> moments(values)
    array([[1.25, 2.25, 4.25, 8.25]])
    """
    if sums is None:
        sums = values @ index_powers(values.shape[1])
    total = np.where(sums[:, :1] == 0, EPS, sums[:, :1])
    result = sums[:, 1:] / total
    # Dividing first makes the moments of a single impulse exact: then its spread is
    # exactly 0 and replaced by epsilon, as in YAAFE. Elsewhere it takes time only.
    variance = result[:, 1] - result[:, 0] ** 2
    doubtful = ~(variance > _DOUBTFUL_VARIANCE * result[:, 1])
    if doubtful.any():
        powers = index_powers(values.shape[1])[:, 1:]
        result[doubtful] = (values[doubtful] / total[doubtful]) @ powers
    return result


def shape_statistics(moments):
    r"""Describe non-negative sequences as if they were densities over the index.

    With :math:`V = \sum_i v_i` and the moments :math:`m_j = \sum_i i^j v_i / V`:

    * centroid :math:`m_1`;
    * spread :math:`s = \sqrt{m_2 - m_1^2}`, the machine epsilon if that is 0;
    * skewness :math:`(2 m_1^3 - 3 m_1 m_2 + m_3) / s^3`;
    * kurtosis :math:`(-3 m_1^4 + 6 m_1 m_2 - 4 m_1 m_3 + m_4) / s^4 - 3`.

    The statistics are those of [1]_, with one deviation. The textbook's kurtosis has
    :math:`6 m_1^2 m_2` where YAAFE has :math:`6 m_1 m_2`; we follow YAAFE, since its
    values are what the literature has used. The result is therefore large and negative
    where a kurtosis would be around 0: about -70 for a frame of noise.

    Parameters
    ----------
    moments : ndarray of shape (n_frames, 4)
        As of `moments`. A sequence of zeros has the statistics 0, epsilon, 0 and -3.

    Returns
    -------
    statistics : ndarray of shape (n_frames, 4)
        Centroid and spread in units of the index, which starts at 0.

    References
    ----------
    .. [1] Gillet and Richard, "Automatic transcription of drum loops", ICASSP 2004.

    Examples
    --------
    >>> shape_statistics(moments(np.array([[1.0, 1.0, 1.0]]))).round(3)
    array([[ 1.   ,  0.816,  0.   ,  -1.5  ]])
    """
    m1, m2, m3, m4 = moments.T.copy()
    spread = np.sqrt(np.maximum(m2 - m1**2, 0))
    spread[spread == 0] = EPS
    skewness = (2 * m1**3 - 3 * m1 * m2 + m3) / spread**3
    kurtosis = (-3 * m1**4 + 6 * m1 * m2 - 4 * m1 * m3 + m4) / spread**4 - 3
    return np.stack([m1, spread, skewness, kurtosis], axis=1)


# Of `FrameAnalysis.magnitude_sums`: powers of the bin, 1 and 1/bin above bin 0.
_MAGNITUDE_WEIGHTS = np.zeros((N_BINS, 7))
_MAGNITUDE_WEIGHTS[:, :5] = index_powers(N_BINS)
_MAGNITUDE_WEIGHTS[1:, 5] = 1
_MAGNITUDE_WEIGHTS[1:, 6] = 1 / np.arange(1, N_BINS)


class Measurements:
    """What functions have found of the same frames, kept by function.

    Parameters
    ----------
    values : dict of callable to ndarray of shape (n_frames, width) or (n_frames,), \
            default=None
        What was found before.

    Examples
    --------
    >>> def half(analysis):
    ...     return np.array([0.5, 1.0])
    >>> Measurements({half: np.array([0.5])}).feature(half)
    array([0.5])
    """

    def __init__(self, values: dict[Callable, np.ndarray] | None = None):
        self._features: dict[Callable, np.ndarray] = dict(values or {})

    def feature(self, function: Callable) -> np.ndarray:
        """Return a feature's values; a feature built on another asks for it here.

        Parameters
        ----------
        function : callable
            One of the catalogue's functions.

        Returns
        -------
        values : ndarray of shape (n_frames, width) or (n_frames,)
        """
        if function not in self._features:
            self._features[function] = function(self)
        return self._features[function]


class FrameAnalysis(Measurements):
    """Everything that two or more features need of the same consecutive frames.

    Each property is computed when a feature first asks for it, and kept; so the
    27 features share one Fourier transform, and a selection of them pays only for what
    it uses. Nothing may write to the arrays that it gets.

    Many frames are analysed in two stages. Frames and spectra are wide, hundreds of
    numbers a frame: what features need of them is measured on a few frames at a time,
    which stay in the processor's cache. What is found is narrow, and the features made
    of that alone are computed for many frames at once, of several utterances, with few
    calls. ``measured`` in the catalogue tells the stages apart.

    Parameters
    ----------
    frames : ndarray of shape (n_previous + n_frames, 1024)
        Consecutive frames of one utterance, not windowed.
    n_previous : int, default=0
        Number of frames (at most 2) at the beginning that only give the context for
        features which measure change. Frames missing there count as true silence.

    Attributes
    ----------
    frames : ndarray of float64 of shape (n_frames, 1024)
        The frames without the context; a view of them, if they were float64.

    Examples
    --------
    >>> analysis = FrameAnalysis(np.ones((3, 1024)))
    >>> analysis.magnitude.shape
    (3, 513)
    >>> analysis.magnitude[0, :3].round(6)
    array([512., 256.,   0.])
    """

    def __init__(self, frames: np.ndarray, n_previous: int = 0):
        super().__init__()
        self._all_frames = np.asarray(frames, dtype=np.float64)
        self._n_missing = N_PREVIOUS - n_previous
        self.frames = self._all_frames[n_previous:]

    @cached_property
    def fourier_history(self) -> np.ndarray:
        """Fourier transform without a window: complex, (n_previous + n_frames, 513)."""
        return fft.rfft(self._all_frames)

    @cached_property
    def spectrum_history(self) -> np.ndarray:
        r"""Hann-windowed spectrum of two previous frames and the frames themselves.

        The periodic Hann window is a convolution with (-1/4, 1/2, -1/4) in frequency,
        a second difference, which is cheaper than a second transform. Complex,
        (2 + n_frames, 513); a frame before the beginning of the utterance is 0.
        """
        history = np.empty((N_PREVIOUS + len(self.frames), N_BINS), dtype=complex)
        history[: self._n_missing] = 0
        windowed = history[self._n_missing :]
        # The real view makes the loops over complex numbers loops over floats, twice
        # as fast; a bin is two floats wide.
        raw, result = self.fourier_history.view(float), windowed.view(float)
        steps = raw[:, 2:] - raw[:, :-2]
        np.subtract(steps[:, :-2], steps[:, 2:], out=result[:, 2:-2])
        # Beyond both ends the spectrum of a real signal continues conjugated.
        windowed[:, 0] = -2 * steps[:, 0]
        windowed[:, -1] = 2 * steps[:, -2]
        result *= 0.25
        return history

    @cached_property
    def magnitude_history(self) -> np.ndarray:
        """Magnitudes of `spectrum_history`, (2 + n_frames, 513).

        As in YAAFE a magnitude of exactly 0 counts as the machine epsilon, so that
        logarithms and ratios exist; but not before the beginning of the utterance.
        """
        magnitude = np.abs(self.spectrum_history)
        present = magnitude[self._n_missing :]
        if not present.all():
            present[present == 0] = EPS
        return magnitude

    @property
    def magnitude(self) -> np.ndarray:
        """Magnitudes of the windowed spectrum, not scaled, (n_frames, 513)."""
        return self.magnitude_history[N_PREVIOUS:]

    @cached_property
    def norm_products(self) -> np.ndarray:
        """Euclidean norm of the magnitudes times that of the frame before, (n_frames,).

        0 in the first frame of an utterance.
        """
        magnitude = self.magnitude_history[1:]
        norms = np.sqrt(inner_products(magnitude, magnitude))
        return norms[1:] * norms[:-1]

    @cached_property
    def magnitude_sums(self) -> np.ndarray:
        r"""Weighted sums of the magnitudes, (n_frames, 7).

        With the weights :math:`k^0` to :math:`k^4`, whose sums are moments; then, for
        :math:`k > 0` only, with 1 and with :math:`1/k`. One product, since what takes
        the time is to read the magnitudes.
        """
        return self.magnitude @ _MAGNITUDE_WEIGHTS

    @cached_property
    def power(self) -> np.ndarray:
        """Squared magnitudes, (n_frames, 513)."""
        return np.square(self.magnitude)


def iterate_analyses(frames, chunk_length):
    """Yield the analyses of an utterance's frames, chunk by chunk.

    Parameters
    ----------
    frames : ndarray of shape (n_frames, 1024)
    chunk_length : int
        Number of frames to analyse at a time, at most. The results do not depend on it,
        but the memory does, and the time.

    Yields
    ------
    rows : slice
        Which frames were analysed.
    analysis : FrameAnalysis
        Its frames are overwritten when the next one is asked for.

    Examples
    --------
    >>> [rows for rows, _ in iterate_analyses(np.zeros((7, 1024)), 4)]
    [slice(0, 4, None), slice(4, 7, None)]
    """
    n_frames = len(frames)
    # Chunks of one length: a last one of a single frame would cost nearly as much.
    chunk_length = -(-n_frames // -(-n_frames // chunk_length))
    # Overlapping frames do not adjoin, which costs most operations more than a copy.
    buffer = np.empty((min(chunk_length + N_PREVIOUS, n_frames), FRAME_LENGTH))
    for start in range(0, n_frames, chunk_length):
        stop = min(start + chunk_length, n_frames)
        n_previous = min(start, N_PREVIOUS)
        chunk = buffer[: n_previous + stop - start]
        chunk[:] = frames[start - n_previous : stop]
        yield slice(start, stop), FrameAnalysis(chunk, n_previous)
