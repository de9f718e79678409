"""Spectral features: shape, slope, roll-off, flatness, and change (flux, onsets).

Each feature takes a `FrameAnalysis`.
"""

import numpy as np

from skser.features._analysis import (
    BIN_WIDTH,
    EPS,
    FRAME_LENGTH,
    N_BINS,
    SAMPLE_RATE,
    inner_products,
    moments,
    shape_statistics,
)
from skser.features._bands import BandedWeights, rectangles

ROLLOFF_SHARE = 0.99


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
            int(np.floor(edge * FRAME_LENGTH / sample_rate + 0.5))
            for edge in (0.95 * lower, 1.05 * lower * 2**0.25)
        )
        group_size = max(1, 2 ** int(np.floor(np.log2(lower / 500))))
        n_groups = int(np.floor((last - first + 1) / group_size + 0.5))
        bands.append((first, n_groups, group_size))
        # From the start, not from the band before: 1 kHz must be hit exactly.
        lower = start * 2 ** (len(bands) / 4)
    return tuple(bands)


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
        columns.append(rectangles(N_BINS, starts, starts + group_size))
    return np.hstack(columns)


_QUARTER_OCTAVES = BandedWeights(quarter_octave_weights(), n_together=16)
_N_GROUPS = np.array([n_groups for _, n_groups, _ in quarter_octave_bands()])
# First group of each quarter octave, and weights that average over its groups.
_GROUP_STARTS = np.cumsum(_N_GROUPS) - _N_GROUPS
_AVERAGES = BandedWeights(
    rectangles(_N_GROUPS.sum(), _GROUP_STARTS, _GROUP_STARTS + _N_GROUPS) / _N_GROUPS
)


def magnitude_spectrum(analysis):
    r"""Magnitudes of the Hann-windowed spectrum, :math:`a_k = |X_k|`.

    :math:`X_k = \sum_n w_n x_n e^{-2 \pi j k n / 1024}` with the periodic window
    :math:`w_n = 0.5 - 0.5 \cos(2 \pi n / 1024)`. Nothing is scaled. A magnitude of
    exactly 0 counts as the machine epsilon.

    Returns
    -------
    magnitude : ndarray of shape (n_frames, 513)
        Bin :math:`k` lies at 15.625 :math:`k` Hz.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> magnitude_spectrum(FrameAnalysis(np.ones((1, 1024))))[0, :3].round(6)
    array([512., 256.,   0.])
    """
    return analysis.magnitude


def spectral_moments(analysis):
    """Moments 1 to 4 of the magnitude spectrum, of which its shape is made.

    See :func:`~skser.features._analysis.moments`.

    Returns
    -------
    moments : ndarray of shape (n_frames, 4)

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> impulse = np.eye(1, 1024, 500)  # a flat spectrum
    >>> spectral_moments(FrameAnalysis(impulse))[:, :2].round(6)
    array([[  256.      , 87466.666667]])
    """
    return moments(analysis.magnitude, analysis.magnitude_sums[:, :5])


def spectral_shape(analysis):
    """Centroid, spread, skewness and kurtosis of the magnitude spectrum [1]_.

    See :func:`~skser.features._analysis.shape_statistics` for the formulas, and for the
    kurtosis that is none.

    Returns
    -------
    statistics : ndarray of shape (n_frames, 4)
        The centroid and spread are in bins (15.625 Hz).

    References
    ----------
    .. [1] Gillet and Richard, "Automatic transcription of drum loops", ICASSP 2004.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> spectral_shape(FrameAnalysis(np.zeros((1, 1024)))).round(2) + 0.0
    array([[256.  , 148.09,   0.  , -72.43]])
    """
    return shape_statistics(analysis.feature(spectral_moments))


def spectral_slope(analysis):
    r"""Slope of the line fitted to the spectrum, relative to the sum of it [1]_.

    .. math:: \frac{K \sum f_k a_k - \sum f_k \sum a_k}
                   {\sum a_k \left(K \sum f_k^2 - (\sum f_k)^2\right)},
              \qquad K = 513, \quad f_k = 15.625 k.

    It is an affine function of the spectral centroid, and computed as such.

    Returns
    -------
    slope : ndarray of shape (n_frames,)
        Per Hz.

    References
    ----------
    .. [1] Peeters, "A large set of audio features for sound description", IRCAM 2004.

    Examples
    --------
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

    Returns
    -------
    decrease : ndarray of shape (n_frames,)
        Negative where the spectrum falls.

    References
    ----------
    .. [1] Peeters, "A large set of audio features for sound description", IRCAM 2004.

    Examples
    --------
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

    Returns
    -------
    flatness : ndarray of shape (n_frames,)
        Between 0 (tone) and 1 (flat).

    References
    ----------
    .. [1] Peeters, "A large set of audio features for sound description", IRCAM 2004.

    Examples
    --------
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


def quarter_octave_groups(analysis):
    """Power in the groups of bins of the 19 quarter octaves.

    Returns
    -------
    groups : ndarray of shape (n_frames, 227)
    """
    return analysis.power @ _QUARTER_OCTAVES


def quarter_octave_means(analysis):
    """Mean power of the groups of each quarter octave.

    Returns
    -------
    means : ndarray of shape (n_frames, 19)
    """
    return analysis.feature(quarter_octave_groups) @ _AVERAGES


def spectral_flatness_per_band(analysis):
    r"""Flatness of the power in 19 quarter octaves, as in MPEG-7 [1]_.

    Geometric over arithmetic mean of :math:`g_i + \epsilon`, where the :math:`g_i` are
    the sums of the power over the groups of bins of a band (see
    :func:`~skser.features._spectrum.quarter_octave_bands`) and :math:`\epsilon` is
    the machine epsilon, as in YAAFE.

    Returns
    -------
    flatness : ndarray of shape (n_frames, 19)
        Between 0 and 1; low frequencies first.

    References
    ----------
    .. [1] ISO/IEC 15938-4, "Multimedia content description interface: Audio", 2002.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> spectral_flatness_per_band(FrameAnalysis(np.zeros((1, 1024))))[0, :3].round(6)
    array([1., 1., 1.])
    """
    groups = analysis.feature(quarter_octave_groups) + EPS
    logarithms = np.log(groups, out=groups) @ _AVERAGES
    return np.exp(logarithms) / (analysis.feature(quarter_octave_means) + EPS)


def spectral_crest_factor_per_band(analysis):
    """Maximum over mean of the power in 19 quarter octaves [1]_.

    Over the same groups of bins as the flatness per band, here without an epsilon.

    Returns
    -------
    crest : ndarray of shape (n_frames, 19)
        From 1 to the number of groups in the band (6 to 17); low frequencies first.

    References
    ----------
    .. [1] ISO/IEC 15938-4, "Multimedia content description interface: Audio", 2002.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> frames = np.zeros((1, 1024))
    >>> spectral_crest_factor_per_band(FrameAnalysis(frames))[0, :3].round(6)
    array([1., 1., 1.])
    """
    groups = analysis.feature(quarter_octave_groups)
    maxima = np.maximum.reduceat(groups, _GROUP_STARTS, axis=1)
    return maxima / analysis.feature(quarter_octave_means)


def spectral_flux(analysis):
    r"""Squared distance of successive magnitude spectra over their norms.

    :math:`|a(t) - a(t-1)|^2 / (|a(t)| \, |a(t-1)|)`. The flux [1]_ in the form that
    YAAFE normalises; after a digitally silent frame, whose magnitudes are the machine
    epsilon, it reaches 1e16.

    Returns
    -------
    flux : ndarray of shape (n_frames,)
        0 in the first frame of an utterance.

    References
    ----------
    .. [1] E. Scheirer and M. Slaney, "Construction and evaluation of a robust
       multifeature speech/music discriminator", ICASSP 1997.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> impulse = np.eye(1, 1024, 512)
    >>> frames = np.concatenate([impulse, impulse, 2 * impulse])
    >>> spectral_flux(FrameAnalysis(frames)).round(6)
    array([0. , 0. , 0.5])
    """
    magnitude = analysis.magnitude_history[1:]
    difference = magnitude[1:] - magnitude[:-1]
    change = inner_products(difference, difference)
    norms = analysis.norm_products
    # They are 0 before an utterance begins.
    return np.divide(change, norms, out=np.zeros_like(change), where=norms != 0)


def spectral_variation(analysis):
    r"""One minus the normalised correlation of successive magnitude spectra [1]_.

    :math:`1 - \langle a(t), a(t-1) \rangle / (|a(t)| \, |a(t-1)|)`.

    Returns
    -------
    variation : ndarray of shape (n_frames,)
        Between 0 and 1; 0 in the first frame of an utterance. (YAAFE gives no value
        at all for a signal of one frame; we give 0.)

    References
    ----------
    .. [1] Peeters, "A large set of audio features for sound description", IRCAM 2004.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> impulse = np.eye(1, 1024, 512)
    >>> frames = np.concatenate([impulse, 2 * impulse])
    >>> spectral_variation(FrameAnalysis(frames)).round(6) + 0.0
    array([0., 0.])
    """
    magnitude = analysis.magnitude_history[1:]
    product = inner_products(magnitude[1:], magnitude[:-1])
    norms = analysis.norm_products
    rest = norms - product
    return np.divide(rest, norms, out=np.zeros_like(rest), where=norms != 0)


def complex_domain_onset_detection(analysis):
    r"""Distance of the spectrum from its prediction by a steady rotation [1]_.

    .. math:: \sum_k |X_k(t) - X_k(t-1) \, u_k(t-1) \, \overline{u_k(t-2)}|,
              \qquad u_k = X_k / |X_k|

    with :math:`u_k = 1` where :math:`X_k = 0`: a steady tone keeps its magnitude and
    turns its phase by the same angle from frame to frame.

    Returns
    -------
    distance : ndarray of shape (n_frames,)
        In the units of the magnitudes; :math:`\sum_k |X_k|` in the first frame.

    References
    ----------
    .. [1] C. Duxbury, J. P. Bello, M. Davies and M. Sandler, "Complex domain onset
       detection for musical signals", DAFx 2003.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> impulse = np.eye(1, 1024, 512)
    >>> frames = np.concatenate([impulse, impulse, impulse])
    >>> complex_domain_onset_detection(FrameAnalysis(frames)).round(6)
    array([513., 512.,   0.])
    """
    spectrum = analysis.spectrum_history
    magnitude = analysis.magnitude_history[:-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        directions = spectrum[:-1] * np.reciprocal(magnitude)
    # Where the spectrum is 0, the magnitude is epsilon, or 0 before the beginning.
    for frame in np.flatnonzero(magnitude.min(axis=1) <= EPS):
        directions[frame, spectrum[frame] == 0] = 1
    # Turned by u(t-2), which does not change the distance but saves its conjugate.
    distance = directions[:-1] * spectrum[2:]
    directions *= spectrum[:-1]
    distance -= directions[1:]
    return np.abs(distance).sum(axis=1)
