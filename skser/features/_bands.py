"""The spectrum in the bands of hearing: mel, Bark and octaves."""

from functools import cache

import numpy as np
from scipy import fft

from skser.features._filterbanks import (
    banded,
    bark_weights,
    mel_weights,
    octave_weights,
)

N_CEPSTRA = 13
LOUDNESS_EXPONENT = 0.23
OCTAVE_FLOOR = 1e-6


def mel_spectrum(analysis):
    """Magnitude in 40 triangular bands that are equally wide in mel [1]_.

    We follow YAAFE, which applies the weights to the magnitude, not to the power; see
    :func:`~skser.features._filterbanks.mel_weights`.

    Parameters
    ----------
    analysis : FrameAnalysis

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
    >>> import numpy as np
    >>> from skser.features._analysis import FrameAnalysis
    >>> impulse = np.eye(1, 1024, 512)  # all magnitudes are 1
    >>> mel_spectrum(FrameAnalysis(impulse)).round(2)[0, -3:]
    array([0.06, 0.06, 0.06])
    """
    return analysis.magnitude @ banded(mel_weights)


@cache
def _log_to_cepstrum():
    """Return rows 1 to 13 of the orthonormal DCT-II as a matrix, (40, 13).

    Divided by ln 10: natural logarithms in, cepstra of decimal logarithms out.
    """
    transform = fft.dct(np.eye(mel_weights().shape[1]), norm="ortho")
    return transform[:, 1 : N_CEPSTRA + 1] / np.log(10)


def mel_cepstrum(analysis):
    r"""Mel-frequency cepstral coefficients 1 to 13 [1]_.

    The orthonormal DCT-II of the decimal logarithm of the mel spectrum. Coefficient 0,
    the level, is left out; there is no liftering.

    Parameters
    ----------
    analysis : FrameAnalysis

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
    >>> import numpy as np
    >>> from skser.features._analysis import FrameAnalysis
    >>> mel_cepstrum(FrameAnalysis(np.eye(1, 1024, 512))).shape
    (1, 13)
    """
    return np.log(analysis.feature(mel_spectrum)) @ _log_to_cepstrum()


def bark_power(analysis):
    """Power in 24 bands that are equally wide in Bark, of which the loudness is made.

    Parameters
    ----------
    analysis : FrameAnalysis

    Returns
    -------
    power : ndarray of shape (n_frames, 24)
        Low frequencies first.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.features._analysis import FrameAnalysis
    >>> impulse = np.eye(1, 1024, 512)  # all powers are 1
    >>> bark_power(FrameAnalysis(impulse)).round(6)[0, :3]
    array([6., 6., 6.])
    """
    return analysis.power @ banded(bark_weights)


def loudness(analysis):
    r"""Relative specific loudness in 24 Bark bands [1]_ [2]_.

    :math:`L_b = (\sum_{k \in b} p_k)^{0.23}`, divided by :math:`\sum_b L_b`. As in
    YAAFE without an ear's weighting and without spreading between bands.

    Parameters
    ----------
    analysis : FrameAnalysis

    Returns
    -------
    loudness : ndarray of shape (n_frames, 24)
        Sums to 1 in each frame; low frequencies first.

    References
    ----------
    .. [1] G. Peeters, "A large set of audio features for sound description",
       technical report, IRCAM, 2004.
    .. [2] B. C. J. Moore, B. R. Glasberg and T. Baer, "A model for the prediction of
       thresholds, loudness, and partial loudness", J. Audio Eng. Soc., 1997.

    Examples
    --------
    >>> import numpy as np
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

    Parameters
    ----------
    analysis : FrameAnalysis

    Returns
    -------
    sharpness : ndarray of shape (n_frames,)

    References
    ----------
    .. [1] G. Peeters, "A large set of audio features for sound description",
       technical report, IRCAM, 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.features._analysis import FrameAnalysis
    >>> perceptual_sharpness(FrameAnalysis(np.zeros((1, 1024)))).round(5)
    array([2.98063])
    """
    band = np.arange(1, bark_weights().shape[1] + 1)
    weights = np.where(band < 15, 1, 0.066 * np.exp(0.171 * band))
    return 0.11 * (analysis.feature(loudness) @ (band * weights))


def perceptual_spread(analysis):
    r"""How far the loudest band is from holding all loudness, squared [1]_.

    :math:`(1 - \max_b L_b)^2` with the relative loudness :math:`L_b`.

    Parameters
    ----------
    analysis : FrameAnalysis

    Returns
    -------
    spread : ndarray of shape (n_frames,)
        Between 0 and 1.

    References
    ----------
    .. [1] G. Peeters, "A large set of audio features for sound description",
       technical report, IRCAM, 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.features._analysis import FrameAnalysis
    >>> perceptual_spread(FrameAnalysis(np.zeros((1, 1024)))).round(5)
    array([0.88545])
    """
    return np.square(1 - analysis.feature(loudness).max(axis=1))


def octave_power(analysis):
    r"""Power in nine overlapping octaves, of which the OBSI is made.

    :math:`\max(\sum_k W_{ki} p_k, \sqrt{10^{-6} \max_k p_k})` with the triangles of
    :func:`~skser.features._filterbanks.octave_weights`. We follow YAAFE, whose floor
    compares an amplitude to a power and so depends on the level.

    Parameters
    ----------
    analysis : FrameAnalysis

    Returns
    -------
    power : ndarray of shape (n_frames, 9)
        Octaves around 27.5, 55, ... 7040 Hz.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.features._analysis import FrameAnalysis
    >>> impulse = np.eye(1, 1024, 512)  # all powers are 1
    >>> octave_power(FrameAnalysis(impulse)).round(3)[0, [0, -1]]
    array([  3.455, 286.716])
    """
    sums = analysis.power @ banded(octave_weights)
    floor = np.sqrt(OCTAVE_FLOOR * analysis.power.max(axis=1, keepdims=True))
    return np.maximum(sums, floor)


def octave_band_intensity(analysis):
    r"""Logarithmic power in nine overlapping octaves (OBSI) [1]_.

    :math:`\ln \max(\sum_k W_{ki} p_k, \sqrt{10^{-6} \max_k p_k})`, the logarithm of
    `octave_power`.

    Parameters
    ----------
    analysis : FrameAnalysis

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
    >>> import numpy as np
    >>> from skser.features._analysis import FrameAnalysis
    >>> octave_band_intensity(FrameAnalysis(np.zeros((1, 1024))))[0, :2].round(4)
    array([-42.9514, -42.9514])
    """
    return np.log(analysis.feature(octave_power))


def octave_band_intensity_ratio(analysis):
    """Logarithmic ratios of neighbouring octaves (OBSIR) [1]_.

    The differences of neighbouring values of the octave band intensity.

    Parameters
    ----------
    analysis : FrameAnalysis

    Returns
    -------
    ratio : ndarray of shape (n_frames, 8)

    References
    ----------
    .. [1] S. Essid, "Classification automatique des signaux audio-fréquences :
       reconnaissance des instruments de musique", PhD thesis, 2005.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.features._analysis import FrameAnalysis
    >>> octave_band_intensity_ratio(FrameAnalysis(np.zeros((1, 1024))))[0, :2]
    array([0., 0.])
    """
    return np.diff(analysis.feature(octave_band_intensity), axis=1)
