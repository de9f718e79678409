"""Which bins of the spectrum belong to which band, and with what weight.

All functions describe the 513 bins of a frame of 1024 samples. Their results are
cached and must not be written to.
"""

from functools import cache

import numpy as np

SAMPLE_RATE = 16000
FRAME_LENGTH = 1024
N_BINS = FRAME_LENGTH // 2 + 1
BIN_WIDTH = SAMPLE_RATE / FRAME_LENGTH


def _read_only(array):
    """Return `array` protected against writing, so that a cache may share it."""
    array.flags.writeable = False
    return array


class BandedWeights:
    """Weights of bands, to be multiplied from the right: ``values @ weights``.

    A band has a weight for few of the bins. Neighbouring bands are multiplied together,
    and only with the bins that any of them weighs: a third to a sixth of the time of
    the whole product, and to rounding the same result.

    Parameters
    ----------
    weights : ndarray of shape (n_bins, n_bands)
        Bands in the order of their bins.
    n_together : int, default=8
        Number of bands that are multiplied together.

    Examples
    --------
    >>> import numpy as np
    >>> weights = BandedWeights(np.eye(4), n_together=2)
    >>> np.array([[1.0, 2.0, 3.0, 4.0]]) @ weights
    array([[1., 2., 3., 4.]])
    """

    # So that NumPy leaves ``values @ weights`` to `__rmatmul__`.
    __array_ufunc__ = None

    def __init__(self, weights, n_together=8):
        self._n_bands = weights.shape[1]
        self._parts = []
        for start in range(0, self._n_bands, n_together):
            bands = slice(start, start + n_together)
            rows = np.flatnonzero(weights[:, bands].any(axis=1))
            bins = slice(rows[0], rows[-1] + 1)
            self._parts.append((bins, bands, weights[bins, bands].copy()))

    def __rmatmul__(self, values):
        """Return the weighted sums of each band, shape (n_frames, n_bands)."""
        sums = np.empty((len(values), self._n_bands))
        for bins, bands, weights in self._parts:
            np.matmul(values[:, bins], weights, out=sums[:, bands])
        return sums


@cache
def banded(weights, n_together=8):
    """Prepare one of this module's weights for products with spectra.

    Parameters
    ----------
    weights : callable
        Such as `mel_weights`.
    n_together : int, default=8
        See `BandedWeights`. The more bands, the more should be multiplied together.

    Returns
    -------
    weights : BandedWeights
    """
    return BandedWeights(weights(), n_together)


def _rectangles(length, starts, stops):
    """Return columns, (length, n_bands), of ones from a start to before a stop."""
    rows = np.arange(length)[:, np.newaxis]
    return ((rows >= starts) & (rows < stops)).astype(np.float64)


def _triangles(corners, heights):
    r"""Evaluate triangular weights at the bins.

    Parameters
    ----------
    corners : ndarray of shape (n_bands + 2,)
        Ascending bin positions, not necessarily whole. Band `b` rises from corner `b`
        to corner `b + 1` and falls to corner `b + 2`.
    heights : ndarray of shape (n_bands,)

    Returns
    -------
    weights : ndarray of shape (513, n_bands)
    """
    bins = np.arange(N_BINS)
    columns = [
        np.interp(bins, corners[band : band + 3], [0.0, height, 0.0])
        for band, height in enumerate(heights)
    ]
    return np.stack(columns, axis=1)


@cache
def mel_weights(n_bands=40, low=130.0, high=6854.0, sample_rate=SAMPLE_RATE):
    r"""Give the triangular weights of bands that are equally wide in mel.

    The scale is that of HTK, :math:`\text{mel}(f) = 1127 \ln(1 + f / 700)`; triangle
    :math:`b` stands on the points :math:`f_{b-1}, f_b, f_{b+1}` of `n_bands` + 2 points
    evenly spaced in mel and has the height :math:`2 / (f_{b+1} - f_{b-1})` [1]_.

    Parameters
    ----------
    n_bands : int, default=40
    low, high : float, default=130.0 and 6854.0
        Ends of the first and of the last triangle in Hz; `high` is lowered to half the
        sample rate if it lies above.
    sample_rate : float, default=16000
        In Hz.

    Returns
    -------
    weights : ndarray of shape (513, n_bands)
        Those of ``librosa.filters.mel`` with ``htk=True, norm="slaney"``.

    References
    ----------
    .. [1] S. B. Davis and P. Mermelstein, "Comparison of parametric representations
       for monosyllabic word recognition in continuously spoken sentences", IEEE Trans.
       Acoustics, Speech, and Signal Processing, 1980.

    Examples
    --------
    >>> mel_weights().shape
    (513, 40)
    """
    ends = 1127 * np.log1p(np.array([low, min(high, sample_rate / 2)]) / 700)
    points = 700 * np.expm1(np.linspace(*ends, n_bands + 2) / 1127)
    heights = 2 / (points[2:] - points[:-2])
    return _read_only(_triangles(points / (sample_rate / FRAME_LENGTH), heights))


def bark(frequency):
    r"""Convert Hz to Bark.

    :math:`z(f) = 13 \arctan(f / 1315.8) + 3.5 \arctan((f / 7518)^2)` [1]_.

    Parameters
    ----------
    frequency : float or ndarray
        In Hz.

    Returns
    -------
    rate : float or ndarray
        In Bark.

    References
    ----------
    .. [1] E. Zwicker and E. Terhardt, "Analytical expressions for critical-band rate
       and critical bandwidth as a function of frequency", JASA 68, 1980.

    Examples
    --------
    >>> float(round(bark(8000.0), 3))
    21.267
    """
    return 13 * np.arctan(frequency / 1315.8) + 3.5 * np.arctan((frequency / 7518) ** 2)


@cache
def bark_limits(n_bands=24, sample_rate=SAMPLE_RATE):
    """Give the first bins of the bands that are equally wide in Bark.

    Parameters
    ----------
    n_bands : int, default=24
    sample_rate : float, default=16000
        In Hz. The bands reach from 0 to half of it.

    Returns
    -------
    limits : ndarray of int of shape (n_bands + 1,)
        Band `b` holds the bins ``limits[b]`` to ``limits[b + 1] - 1``; as in YAAFE the
        last bin, at half the sample rate, is in no band.

    Examples
    --------
    >>> bark_limits()[:6]
    array([ 0,  6, 12, 18, 24, 30])
    """
    rates = bark(np.arange(N_BINS) * sample_rate / FRAME_LENGTH)
    limits = np.searchsorted(rates, np.linspace(0, rates[-1], n_bands + 1))
    return _read_only(limits)


@cache
def bark_weights():
    """Give the 24 Bark bands as columns of ones and zeros.

    Returns
    -------
    weights : ndarray of shape (513, 24)

    Examples
    --------
    >>> float(bark_weights().sum())
    512.0
    """
    limits = bark_limits()
    return _read_only(_rectangles(N_BINS, limits[:-1], limits[1:]))


@cache
def octave_weights():
    r"""Give the triangular weights of nine overlapping octaves.

    The peaks lie at :math:`27.5 \cdot 2^i` Hz (the octaves of the note A), taken as
    fractional bins; each triangle ends at the peaks beside it, the first at 0, the last
    at half the sample rate. All peaks have the height 2 [1]_.

    Returns
    -------
    weights : ndarray of shape (513, 9)

    References
    ----------
    .. [1] S. Essid, "Classification automatique des signaux audio-fréquences :
       reconnaissance des instruments de musique", PhD thesis, 2005.

    Examples
    --------
    >>> octave_weights().shape
    (513, 9)
    """
    peaks = 27.5 / BIN_WIDTH * 2.0 ** np.arange(9)
    corners = np.concatenate([[0.0], peaks, [N_BINS - 1.0]])
    return _read_only(_triangles(corners, np.full(9, 2.0)))


def _round_half_up(value):
    """Round to the nearest integer, halves upwards (Python rounds them to even)."""
    return int(np.floor(value + 0.5))


@cache
def quarter_octave_bands(sample_rate=SAMPLE_RATE):
    """Give the quarter-octave bands of MPEG-7's AudioSpectrumFlatness.

    The nominal bands begin at 250 Hz (at other sample rates, at the nearest octave
    below half the sample rate). Each is widened by 5 % at both ends and rounded to
    bins. Above 1 kHz bins are summed in groups of 2, above 2 kHz of 4, and so on; the
    upper end moves so that the band consists of whole groups [1]_.

    Parameters
    ----------
    sample_rate : float, default=16000
        In Hz.

    Returns
    -------
    bands : tuple of tuples (first_bin, n_groups, group_size)

    References
    ----------
    .. [1] ISO/IEC 15938-4, "Multimedia content description interface: Audio", 2002.

    Examples
    --------
    >>> bands = quarter_octave_bands()
    >>> len(bands), bands[0], bands[-1]
    (19, (15, 6, 1), (344, 14, 8))
    """
    nyquist = sample_rate / 2
    start = 2.0 ** np.round(np.log2(250 / nyquist)) * nyquist
    bands = []
    lower = start
    while 1.05 * lower * 2**0.25 <= nyquist:
        first, last = (
            _round_half_up(edge * FRAME_LENGTH / sample_rate)
            for edge in (0.95 * lower, 1.05 * lower * 2**0.25)
        )
        group_size = max(1, 2 ** int(np.floor(np.log2(lower / 500))))
        n_groups = _round_half_up((last - first + 1) / group_size)
        bands.append((first, n_groups, group_size))
        # From the start, not from the band before: 1 kHz must be hit exactly.
        lower = start * 2 ** (len(bands) / 4)
    return tuple(bands)


@cache
def quarter_octave_weights():
    """Give the groups of the 19 quarter octaves as columns of ones and zeros.

    Returns
    -------
    weights : ndarray of shape (513, 227)
        The groups of the first band, then those of the second, and so on;
        :func:`quarter_octave_bands` tells how many each.

    Examples
    --------
    >>> quarter_octave_weights().sum(axis=0)[[0, -1]]
    array([1., 8.])
    """
    columns = []
    for first_bin, n_groups, group_size in quarter_octave_bands():
        starts = first_bin + group_size * np.arange(n_groups)
        columns.append(_rectangles(N_BINS, starts, starts + group_size))
    return _read_only(np.hstack(columns))


def _group_counts():
    """Return the number of groups of each quarter octave."""
    return np.array([n_groups for _, n_groups, _ in quarter_octave_bands()])


@cache
def quarter_octave_starts():
    """Give the first group of each quarter octave.

    Returns
    -------
    starts : ndarray of int of shape (19,)
        Which columns of :func:`quarter_octave_weights` they are.

    Examples
    --------
    >>> quarter_octave_starts()[:4]
    array([ 0,  6, 13, 21])
    """
    counts = _group_counts()
    return _read_only(np.cumsum(counts) - counts)


@cache
def quarter_octave_averages():
    """Give the weights that average over the groups of each quarter octave.

    Returns
    -------
    weights : ndarray of shape (227, 19)

    Examples
    --------
    >>> quarter_octave_averages().sum(axis=0)[:3].round(6)
    array([1., 1., 1.])
    """
    counts = _group_counts()
    starts = quarter_octave_starts()
    return _read_only(_rectangles(counts.sum(), starts, starts + counts) / counts)


@cache
def envelope_weights(sample_rate=SAMPLE_RATE, n_decimated=200):
    r"""Give the smoothing filter of the envelope as a matrix.

    The filter is a falling half Hann window of 50 ms (:math:`M` = 800 samples),

    .. math:: h_j \propto 0.5 - 0.5 \cos\frac{2 \pi (M - j)}{2 M + 1},
              \qquad \sum_j h_j = 1,

    and value :math:`i` is :math:`\sum_m h_m e_{200 (i - 3) + m}`, samples outside the
    frame counting as 0. We follow YAAFE in giving the *oldest* sample the largest
    weight, and in not renormalising where only a part of the filter is in the frame.

    Parameters
    ----------
    sample_rate : float, default=16000
        In Hz.
    n_decimated : int, default=200
        Number of samples from one value to the next.

    Returns
    -------
    weights : ndarray of shape (1024, 6)
        To be multiplied from the right to frames of moduli.

    Examples
    --------
    >>> envelope_weights().sum(axis=0).round(3)
    array([0.025, 0.182, 0.525, 1.   , 1.   , 0.983])
    """
    length = round(0.05 * sample_rate)
    steps = np.arange(length)
    taps = 0.5 - 0.5 * np.cos(2 * np.pi * (length - steps) / (2 * length + 1))
    taps /= taps.sum()
    samples = np.arange(FRAME_LENGTH)[:, np.newaxis]
    n_values = -(-FRAME_LENGTH // n_decimated)
    offsets = n_decimated * (np.arange(n_values) - (length // n_decimated - 1))
    tap = samples - offsets
    inside = (tap >= 0) & (tap < length)
    return _read_only(np.where(inside, taps[np.clip(tap, 0, length - 1)], 0.0))
