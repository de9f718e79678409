"""How the magnitude spectrum is shaped: moments, slope, roll-off, flatness."""

import numpy as np

from skser.features._filterbanks import (
    BIN_WIDTH,
    N_BINS,
    banded,
    quarter_octave_averages,
    quarter_octave_starts,
)
from skser.features._moments import EPS, moments, statistics_of_moments

ROLLOFF_SHARE = 0.99


def magnitude_spectrum(analysis):
    r"""Magnitudes of the Hann-windowed spectrum, :math:`a_k = |X_k|`.

    :math:`X_k = \sum_n w_n x_n e^{-2 \pi j k n / 1024}` with the periodic window
    :math:`w_n = 0.5 - 0.5 \cos(2 \pi n / 1024)`. Nothing is scaled. A magnitude of
    exactly 0 counts as the machine epsilon.

    Parameters
    ----------
    analysis : FrameAnalysis

    Returns
    -------
    magnitude : ndarray of shape (n_frames, 513)
        Bin :math:`k` lies at 15.625 :math:`k` Hz.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.features._analysis import FrameAnalysis
    >>> magnitude_spectrum(FrameAnalysis(np.ones((1, 1024))))[0, :3].round(6)
    array([512., 256.,   0.])
    """
    return analysis.magnitude


def spectral_moments(analysis):
    """Moments 1 to 4 of the magnitude spectrum, of which its shape is made.

    See :func:`~skser.features._moments.moments`.

    Parameters
    ----------
    analysis : FrameAnalysis

    Returns
    -------
    moments : ndarray of shape (n_frames, 4)

    Examples
    --------
    >>> import numpy as np
    >>> from skser.features._analysis import FrameAnalysis
    >>> impulse = np.eye(1, 1024, 500)  # a flat spectrum
    >>> spectral_moments(FrameAnalysis(impulse))[:, :2].round(6)
    array([[  256.      , 87466.666667]])
    """
    return moments(analysis.magnitude, analysis.magnitude_sums[:, :5])


def spectral_shape(analysis):
    """Centroid, spread, skewness and kurtosis of the magnitude spectrum [1]_.

    See :func:`~skser.features._moments.shape_statistics` for the formulas, and for the
    kurtosis that is none.

    Parameters
    ----------
    analysis : FrameAnalysis

    Returns
    -------
    statistics : ndarray of shape (n_frames, 4)
        The centroid and spread are in bins (15.625 Hz).

    References
    ----------
    .. [1] O. Gillet and G. Richard, "Automatic transcription of drum loops", ICASSP
       2004.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.features._analysis import FrameAnalysis
    >>> spectral_shape(FrameAnalysis(np.zeros((1, 1024)))).round(2) + 0.0
    array([[256.  , 148.09,   0.  , -72.43]])
    """
    return statistics_of_moments(analysis.feature(spectral_moments))


def spectral_slope(analysis):
    r"""Slope of the line fitted to the spectrum, relative to the sum of it [1]_.

    .. math:: \frac{K \sum f_k a_k - \sum f_k \sum a_k}
                   {\sum a_k \left(K \sum f_k^2 - (\sum f_k)^2\right)},
              \qquad K = 513, \quad f_k = 15.625 k.

    It is an affine function of the spectral centroid, and computed as such.

    Parameters
    ----------
    analysis : FrameAnalysis

    Returns
    -------
    slope : ndarray of shape (n_frames,)
        Per Hz.

    References
    ----------
    .. [1] G. Peeters, "A large set of audio features for sound description",
       technical report, IRCAM, 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.features._analysis import FrameAnalysis
    >>> impulse = np.eye(1, 1024, 500)  # a flat spectrum
    >>> spectral_slope(FrameAnalysis(impulse)).round(6) + 0.0
    array([0.])
    """
    frequencies = BIN_WIDTH * np.arange(N_BINS)
    mean_frequency = BIN_WIDTH * analysis.feature(spectral_shape)[:, 0]
    variance = N_BINS * (frequencies**2).sum() - frequencies.sum() ** 2
    return (N_BINS * mean_frequency - frequencies.sum()) / variance


def spectral_decrease(analysis):
    r"""How far the spectrum falls, with more weight on the low frequencies [1]_.

    :math:`\sum_{k=1}^{512} (a_k - a_0) / k \; / \; \sum_{k=1}^{512} a_k`.

    Parameters
    ----------
    analysis : FrameAnalysis

    Returns
    -------
    decrease : ndarray of shape (n_frames,)
        Negative where the spectrum falls.

    References
    ----------
    .. [1] G. Peeters, "A large set of audio features for sound description",
       technical report, IRCAM, 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.features._analysis import FrameAnalysis
    >>> spectral_decrease(FrameAnalysis(np.zeros((1, 1024)))).round(6) + 0.0
    array([0.])
    """
    first, sums = analysis.magnitude[:, 0], analysis.magnitude_sums
    total, weighted_total = sums[:, 5], sums[:, 6]
    return (weighted_total - first * (1 / np.arange(1, N_BINS)).sum()) / total


def spectral_rolloff(analysis):
    r"""Frequency below which 99 % of the power lies [1]_.

    15.625 times the number of bins :math:`k` for which
    :math:`p_0 + \dots + p_k \le 0.99 \sum p`. We follow YAAFE, which takes the power
    where others take the magnitude.

    Parameters
    ----------
    analysis : FrameAnalysis

    Returns
    -------
    frequency : ndarray of shape (n_frames,)
        In Hz.

    References
    ----------
    .. [1] E. Scheirer and M. Slaney, "Construction and evaluation of a robust
       multifeature speech/music discriminator", ICASSP 1997.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.features._analysis import FrameAnalysis
    >>> sine = np.sin(np.arange(1024) * 2 * np.pi * 64 / 1024)  # 1 kHz
    >>> spectral_rolloff(FrameAnalysis(sine[np.newaxis]))
    array([1015.625])
    """
    # First the block of 19 bins is found (513 = 27 * 19), then the bin inside it: a
    # running total over all bins would take twice the time.
    blocks = analysis.power.reshape(-1, 27, 19)
    sums = analysis.power.reshape(-1, 19) @ np.ones(19)
    totals = np.cumsum(sums.reshape(-1, 27), axis=1)
    limit = ROLLOFF_SHARE * totals[:, -1]
    n_whole = np.minimum((totals <= limit[:, np.newaxis]).sum(axis=1), 26)
    frames = np.arange(len(blocks))
    before = np.where(n_whole > 0, totals[frames, n_whole - 1], 0)
    running = np.cumsum(blocks[frames, n_whole], axis=1) + before[:, np.newaxis]
    n_bins = 19 * n_whole + (running <= limit[:, np.newaxis]).sum(axis=1)
    return BIN_WIDTH * n_bins


def spectral_flatness(analysis):
    r"""Geometric over arithmetic mean of the 513 magnitudes [1]_.

    :math:`\exp(\frac{1}{K} \sum \ln a_k) / \frac{1}{K} \sum a_k`. We follow YAAFE,
    which takes the magnitude where others take the power.

    Parameters
    ----------
    analysis : FrameAnalysis

    Returns
    -------
    flatness : ndarray of shape (n_frames,)
        Between 0 (tone) and 1 (flat).

    References
    ----------
    .. [1] G. Peeters, "A large set of audio features for sound description",
       technical report, IRCAM, 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.features._analysis import FrameAnalysis
    >>> spectral_flatness(FrameAnalysis(np.eye(1, 1024, 500))).round(6)
    array([1.])
    """
    magnitude = analysis.magnitude
    # The logarithm of a product of four is cheaper than four logarithms. The product
    # of audio's magnitudes, 1e-16 to 1e8, is far from the ends of the number range.
    products = magnitude[:, :128] * magnitude[:, 128:256]
    products *= magnitude[:, 256:384]
    products *= magnitude[:, 384:512]
    logarithms = np.log(products).sum(axis=1) + np.log(magnitude[:, 512])
    return np.exp(logarithms / N_BINS) * N_BINS / analysis.magnitude_sums[:, 0]


def spectral_flatness_per_band(analysis):
    r"""Flatness of the power in 19 quarter octaves, as in MPEG-7 [1]_.

    Geometric over arithmetic mean of :math:`g_i + \epsilon`, where the :math:`g_i` are
    the sums of the power over the groups of bins of a band (see
    :func:`~skser.features._filterbanks.quarter_octave_bands`) and :math:`\epsilon` is
    the machine epsilon, as in YAAFE.

    Parameters
    ----------
    analysis : FrameAnalysis

    Returns
    -------
    flatness : ndarray of shape (n_frames, 19)
        Between 0 and 1; low frequencies first.

    References
    ----------
    .. [1] ISO/IEC 15938-4, "Multimedia content description interface: Audio", 2002.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.features._analysis import FrameAnalysis
    >>> spectral_flatness_per_band(FrameAnalysis(np.zeros((1, 1024))))[0, :3].round(6)
    array([1., 1., 1.])
    """
    groups = analysis.quarter_octave_groups + EPS
    logarithms = np.log(groups, out=groups) @ banded(quarter_octave_averages)
    return np.exp(logarithms) / (analysis.quarter_octave_means + EPS)


def spectral_crest_factor_per_band(analysis):
    """Maximum over mean of the power in 19 quarter octaves [1]_.

    Over the same groups of bins as the flatness per band, here without an epsilon.

    Parameters
    ----------
    analysis : FrameAnalysis

    Returns
    -------
    crest : ndarray of shape (n_frames, 19)
        From 1 to the number of groups in the band (6 to 17); low frequencies first.

    References
    ----------
    .. [1] ISO/IEC 15938-4, "Multimedia content description interface: Audio", 2002.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.features._analysis import FrameAnalysis
    >>> frames = np.zeros((1, 1024))
    >>> spectral_crest_factor_per_band(FrameAnalysis(frames))[0, :3].round(6)
    array([1., 1., 1.])
    """
    groups = analysis.quarter_octave_groups
    maxima = np.maximum.reduceat(groups, quarter_octave_starts(), axis=1)
    return maxima / analysis.quarter_octave_means
