"""Filter banks (mel, Bark, octaves): weights, and features in the bands of hearing.

Weights describe the 513 bins of a frame of 1024 samples. Each feature takes a
`FrameAnalysis`.
"""

import numpy as np
from scipy import fft

from skser.features._analysis import BIN_WIDTH, FRAME_LENGTH, N_BINS, SAMPLE_RATE

N_MEL, N_CEPSTRA, N_BARK = 40, 13, 24
LOUDNESS_EXPONENT = 0.23
OCTAVE_FLOOR = 1e-6


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


def rectangles(length, starts, stops):
    """Return columns, (length, n_bands), of ones from a start to before a stop."""
    rows = np.arange(length)[:, np.newaxis]
    return ((rows >= starts) & (rows < stops)).astype(np.float64)


def triangles(corners, heights, n_bins=N_BINS):
    """Return triangular weights at the bins, (n_bins, n_bands).

    Band `b` rises from corner `b` to corner `b + 1` and falls to corner `b + 2`:
    ascending bin positions, not necessarily whole.
    """
    bins = np.arange(n_bins)
    columns = [
        np.interp(bins, corners[band : band + 3], [0.0, height, 0.0])
        for band, height in enumerate(heights)
    ]
    return np.stack(columns, axis=1)


def mel_weights(n_bands=N_MEL, low=130.0, high=6854.0, sample_rate=SAMPLE_RATE):
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
    return triangles(points / (sample_rate / FRAME_LENGTH), heights)


def bark_limits(n_bands=N_BARK, sample_rate=SAMPLE_RATE):
    r"""Give the first bins of the bands that are equally wide in Bark.

    :math:`z(f) = 13 \arctan(f / 1315.8) + 3.5 \arctan((f / 7518)^2)` Bark [1]_.

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

    References
    ----------
    .. [1] E. Zwicker and E. Terhardt, "Analytical expressions for critical-band rate
       and critical bandwidth as a function of frequency", JASA 68, 1980.

    Examples
    --------
    >>> bark_limits()[:6]
    array([ 0,  6, 12, 18, 24, 30])
    """
    frequency = np.arange(N_BINS) * sample_rate / FRAME_LENGTH
    rates = 13 * np.arctan(frequency / 1315.8)
    rates = rates + 3.5 * np.arctan((frequency / 7518) ** 2)
    return np.searchsorted(rates, np.linspace(0, rates[-1], n_bands + 1))


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
    return rectangles(N_BINS, limits[:-1], limits[1:])


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
    return triangles(corners, np.full(9, 2.0))


_MEL = BandedWeights(mel_weights())
_BARK = BandedWeights(bark_weights())
_OCTAVES = BandedWeights(octave_weights())
# Rows 1 to 13 of the orthonormal DCT-II. Divided by ln 10: natural logarithms in,
# cepstra of decimal logarithms out.
_LOG_TO_CEPSTRUM = fft.dct(np.eye(N_MEL), norm="ortho")[:, 1 : N_CEPSTRA + 1]
_LOG_TO_CEPSTRUM = _LOG_TO_CEPSTRUM / np.log(10)


def mel_spectrum(analysis):
    """Magnitude in 40 triangular bands that are equally wide in mel [1]_.

    We follow YAAFE, which applies the weights to the magnitude, not to the power; see
    :func:`~skser.features._bands.mel_weights`.

    Returns
    -------
    mel : ndarray of shape (n_frames, 40)
        Low frequencies first.

    References
    ----------
    .. [1] S. B. Davis and P. Mermelstein, "Comparison of parametric representations
       for monosyllabic word recognition in continuously spoken sentences", IEEE Trans.
       Acoustics, Speech, and Signal Processing, 1980.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> impulse = np.eye(1, 1024, 512)  # all magnitudes are 1
    >>> mel_spectrum(FrameAnalysis(impulse)).round(2)[0, -3:]
    array([0.06, 0.06, 0.06])
    """
    return analysis.magnitude @ _MEL


def mel_cepstrum(analysis):
    r"""Mel-frequency cepstral coefficients 1 to 13 [1]_.

    The orthonormal DCT-II of the decimal logarithm of the mel spectrum. Coefficient 0,
    the level, is left out; there is no liftering.

    Returns
    -------
    coefficients : ndarray of shape (n_frames, 13)

    References
    ----------
    .. [1] S. B. Davis and P. Mermelstein, "Comparison of parametric representations
       for monosyllabic word recognition in continuously spoken sentences", IEEE Trans.
       Acoustics, Speech, and Signal Processing, 1980.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> mel_cepstrum(FrameAnalysis(np.eye(1, 1024, 512))).shape
    (1, 13)
    """
    return np.log(analysis.feature(mel_spectrum)) @ _LOG_TO_CEPSTRUM


def bark_power(analysis):
    """Power in 24 bands that are equally wide in Bark, of which the loudness is made.

    Returns
    -------
    power : ndarray of shape (n_frames, 24)
        Low frequencies first.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> impulse = np.eye(1, 1024, 512)  # all powers are 1
    >>> bark_power(FrameAnalysis(impulse)).round(6)[0, :3]
    array([6., 6., 6.])
    """
    return analysis.power @ _BARK


def loudness(analysis):
    r"""Relative specific loudness in 24 Bark bands [1]_ [2]_.

    :math:`L_b = (\sum_{k \in b} p_k)^{0.23}`, divided by :math:`\sum_b L_b`. As in
    YAAFE without an ear's weighting and without spreading between bands.

    Returns
    -------
    loudness : ndarray of shape (n_frames, 24)
        Sums to 1 in each frame; low frequencies first.

    References
    ----------
    .. [1] Peeters, "A large set of audio features for sound description", IRCAM 2004.
    .. [2] B. C. J. Moore, B. R. Glasberg and T. Baer, "A model for the prediction of
       thresholds, loudness, and partial loudness", J. Audio Eng. Soc., 1997.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> loudness(FrameAnalysis(np.zeros((1, 1024))))[0, [0, -1]].round(4)
    array([0.0332, 0.059 ])
    """
    specific = analysis.feature(bark_power) ** LOUDNESS_EXPONENT
    return specific / specific.sum(axis=1, keepdims=True)


def perceptual_sharpness(analysis):
    r"""Centre of the loudness on the Bark scale, high bands weighted up [1]_.

    :math:`0.11 \sum_{b=1}^{24} b \, g(b) \, L_b` with the relative loudness
    :math:`L_b`, :math:`g(b) = 1` below band 15 and
    :math:`0.066 \, e^{0.171 b}` from it.

    Returns
    -------
    sharpness : ndarray of shape (n_frames,)

    References
    ----------
    .. [1] Peeters, "A large set of audio features for sound description", IRCAM 2004.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> perceptual_sharpness(FrameAnalysis(np.zeros((1, 1024)))).round(5)
    array([2.98063])
    """
    band = np.arange(1, N_BARK + 1)
    weights = np.where(band < 15, 1, 0.066 * np.exp(0.171 * band))
    # No product of matrices: its rounding would depend on how many frames there are.
    return 0.11 * (analysis.feature(loudness) * (band * weights)).sum(axis=1)


def perceptual_spread(analysis):
    r"""How far the loudest band is from holding all loudness, squared [1]_.

    :math:`(1 - \max_b L_b)^2` with the relative loudness :math:`L_b`.

    Returns
    -------
    spread : ndarray of shape (n_frames,)
        Between 0 and 1.

    References
    ----------
    .. [1] Peeters, "A large set of audio features for sound description", IRCAM 2004.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> perceptual_spread(FrameAnalysis(np.zeros((1, 1024)))).round(5)
    array([0.88545])
    """
    return np.square(1 - analysis.feature(loudness).max(axis=1))


def octave_power(analysis):
    r"""Power in nine overlapping octaves, of which the OBSI is made.

    :math:`\max(\sum_k W_{ki} p_k, \sqrt{10^{-6} \max_k p_k})` with the triangles of
    :func:`~skser.features._bands.octave_weights`. We follow YAAFE, whose floor
    compares an amplitude to a power and so depends on the level.

    Returns
    -------
    power : ndarray of shape (n_frames, 9)
        Octaves around 27.5, 55, ... 7040 Hz.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> impulse = np.eye(1, 1024, 512)  # all powers are 1
    >>> octave_power(FrameAnalysis(impulse)).round(3)[0, [0, -1]]
    array([  3.455, 286.716])
    """
    sums = analysis.power @ _OCTAVES
    floor = np.sqrt(OCTAVE_FLOOR * analysis.power.max(axis=1, keepdims=True))
    return np.maximum(sums, floor)


def octave_band_intensity(analysis):
    r"""Logarithmic power in nine overlapping octaves (OBSI) [1]_.

    :math:`\ln \max(\sum_k W_{ki} p_k, \sqrt{10^{-6} \max_k p_k})`, the logarithm of
    `octave_power`.

    Returns
    -------
    intensity : ndarray of shape (n_frames, 9)
        Octaves around 27.5, 55, ... 7040 Hz.

    References
    ----------
    .. [1] S. Essid, "Classification automatique des signaux audio-fréquences :
       reconnaissance des instruments de musique", PhD thesis, 2005.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> octave_band_intensity(FrameAnalysis(np.zeros((1, 1024))))[0, :2].round(4)
    array([-42.9514, -42.9514])
    """
    return np.log(analysis.feature(octave_power))


def octave_band_intensity_ratio(analysis):
    """Logarithmic ratios of neighbouring octaves (OBSIR) [1]_.

    The differences of neighbouring values of the octave band intensity.

    Returns
    -------
    ratio : ndarray of shape (n_frames, 8)

    References
    ----------
    .. [1] S. Essid, "Classification automatique des signaux audio-fréquences :
       reconnaissance des instruments de musique", PhD thesis, 2005.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> octave_band_intensity_ratio(FrameAnalysis(np.zeros((1, 1024))))[0, :2]
    array([0., 0.])
    """
    return np.diff(analysis.feature(octave_band_intensity), axis=1)
