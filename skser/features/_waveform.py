"""Features of the waveform: energy, zero crossings, envelope, LPC, LSF.

Each feature takes a `FrameAnalysis`.
"""

import numpy as np
from numpy.polynomial import chebyshev
from scipy import fft

from skser.features._analysis import (
    FRAME_LENGTH,
    N_BINS,
    SAMPLE_RATE,
    inner_products,
    moments,
    shape_statistics,
)

N_LAGS = 49
# YAAFE's two ranges of amplitude modulation, as inclusive bins of 80/1024 Hz.
_TREMOLO = slice(51, 103)
_GRAIN = slice(127, 512)

# The inverse Fourier transform of a power spectrum at lags 0 to 48, from the lower half
# of the bins: the cosine of bin 512 - k is that of bin k at even lags, and its opposite
# at odd ones. Bins 0 and 512 have no partner at negative frequencies; bin 256 is its
# own.
_LAG_COSINES = np.cos(
    np.outer(np.arange(N_BINS // 2 + 1), np.arange(N_LAGS)) * (2 * np.pi / FRAME_LENGTH)
) * (2 / FRAME_LENGTH)
_LAG_COSINES[[0, -1]] *= 0.5
_EVEN_COSINES, _ODD_COSINES = _LAG_COSINES[:, ::2].copy(), _LAG_COSINES[:, 1::2].copy()

# Window and Fourier transform of the six values of the envelope, bins 0 to 511 of 1024,
# real and imaginary parts in turns.
_MODULATION_WINDOW = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1, 7) / 7)
_MODULATION_ANGLES = np.outer(np.arange(6), np.arange(512)) * (2 * np.pi / 1024)
_MODULATION_TRANSFORM = (
    _MODULATION_WINDOW[:, np.newaxis] * np.exp(-1j * _MODULATION_ANGLES)
).view(float)
# Averages over the whole spectrum of the envelope, tremolo and grain.
_MODULATION_AVERAGES = np.zeros((512, 3))
for _column, _band in enumerate((slice(None), _TREMOLO, _GRAIN)):
    _MODULATION_AVERAGES[_band, _column] = 1 / len(_MODULATION_AVERAGES[_band])

# Linear prediction and line spectral frequencies.
LPC_ORDER = 2
LSF_ORDER = 10
_HALF_ORDER = LSF_ORDER // 2
# Of Aberth's method: nine of ten polynomials need no more than the first number.
_ITERATIONS = (4, 30)
# After a step of this size the next, cubically smaller one is beyond rounding.
_TOLERANCE = 1e-7
# Average line spectral frequencies of speech, of P and of Q. Where the search starts
# decides how long it takes, not what it finds.
_START = np.array(
    [[0.14, 0.33], [0.67, 0.93], [1.24, 1.51], [1.80, 2.10], [2.43, 2.69]]
)
# Turns a Chebyshev series into a power series.
_CHEBYSHEV_TO_POWERS = np.zeros((_HALF_ORDER + 1, _HALF_ORDER + 1))
for _degree in range(_HALF_ORDER + 1):
    _CHEBYSHEV_TO_POWERS[: _degree + 1, _degree] = chebyshev.cheb2poly(
        np.eye(_degree + 1)[_degree]
    )


def energy(analysis):
    r"""Root mean square of the samples, :math:`\sqrt{\sum_n x_n^2 / 1024}`.

    YAAFE's name is kept, although an energy would have no square root.

    Returns
    -------
    level : ndarray of shape (n_frames,)
        In units of the samples.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> energy(FrameAnalysis(np.full((1, 1024), -0.25)))
    array([0.25])
    """
    return np.sqrt(inner_products(analysis.frames, analysis.frames) / FRAME_LENGTH)


def zero_crossing_rate(analysis):
    """Sign changes per sample: their number in the frame, divided by 1024 [1]_.

    Zeros are skipped. A change is counted at a sample whose last non-zero predecessor
    inside the frame has the other sign.

    Returns
    -------
    rate : ndarray of shape (n_frames,)
        Between 0 and 1023/1024.

    References
    ----------
    .. [1] E. Scheirer and M. Slaney, "Construction and evaluation of a robust
       multifeature speech/music discriminator", ICASSP 1997.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> alternating = np.tile([1.0, 0.0, -1.0, 0.0], 256)
    >>> zero_crossing_rate(FrameAnalysis(alternating[np.newaxis])) * 1024
    array([511.])
    """
    negative = np.signbit(analysis.frames).ravel()
    zeros = np.flatnonzero(analysis.frames == 0)
    if zeros.size:
        negative[zeros] = _signs_of_zeros(zeros, negative)
    changes = np.zeros(len(analysis.frames) * FRAME_LENGTH, dtype=bool)
    np.not_equal(negative[1:], negative[:-1], out=changes[1:])
    changes[::FRAME_LENGTH] = False
    # Eight one-byte counters in a word add up at once; none exceeds 1024 / 8.
    words = changes.view(np.uint64).reshape(-1, FRAME_LENGTH // 8)
    counters = words.sum(axis=1, keepdims=True).view(np.uint8)
    return counters.sum(axis=1) / FRAME_LENGTH


def _signs_of_zeros(zeros, negative):
    """Return the sign that stands for that of each zero, by its place in all frames.

    That of the last non-zero predecessor in the frame; of those at the frame's
    beginning, which have none, that which follows.
    """
    leading = zeros % FRAME_LENGTH == 0
    starts = leading.copy()
    starts[1:] |= np.diff(zeros) > 1
    starts[0] = True
    first = np.flatnonzero(starts)
    lengths = np.diff(first, append=len(zeros))
    position = zeros[first]
    sources = np.where(leading[first], position + lengths, position - 1)
    # After the last sample nothing follows; such a frame is all zeros.
    sources = np.minimum(sources, negative.size - 1)
    return np.repeat(negative[sources], lengths)


def temporal_moments(analysis):
    """Moments 1 to 4 of the moduli of the samples, of which their shape is made.

    See :func:`~skser.features._analysis.moments`.

    Returns
    -------
    moments : ndarray of shape (n_frames, 4)

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> temporal_moments(FrameAnalysis(np.eye(1, 1024, 2)))
    array([[ 2.,  4.,  8., 16.]])
    """
    return moments(np.abs(analysis.frames))


def temporal_shape(analysis):
    """Centroid, spread, skewness and kurtosis of the moduli of the samples.

    See :func:`~skser.features._analysis.shape_statistics` for the formulas, and for the
    kurtosis that is none. A frame of which all but one sample are 0 has a spread of
    epsilon and so a kurtosis of about -1e75.

    Returns
    -------
    statistics : ndarray of shape (n_frames, 4)
        The centroid and spread are in samples.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> temporal_shape(FrameAnalysis(np.ones((1, 1024))))[0, :2].round(2)
    array([511.5, 295.6])
    """
    return shape_statistics(analysis.feature(temporal_moments))


def circular_correlation(analysis):
    r"""Autocorrelation of the frame continued periodically, lags 0 to 48.

    :math:`\sum_n x_n x_{(n+l) \bmod 1024}`, the inverse transform of the power of the
    spectrum without a window.

    Returns
    -------
    correlation : ndarray of shape (n_frames, 49)

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> circular_correlation(FrameAnalysis(np.ones((1, 1024))))[0, :3].round(6)
    array([1024., 1024., 1024.])
    """
    parts = np.square(analysis.fourier_history[-len(analysis.frames) :].view(float))
    power = parts[:, ::2] + parts[:, 1::2]
    lower, upper = power[:, : N_BINS // 2 + 1], power[:, : N_BINS // 2 - 1 : -1]
    correlation = np.empty((len(power), N_LAGS))
    correlation[:, ::2] = (lower + upper) @ _EVEN_COSINES
    correlation[:, 1::2] = (lower - upper) @ _ODD_COSINES
    return correlation


def autocorrelation(analysis):
    r"""Autocorrelation, not normalised: :math:`r_l = \sum_n x_n x_{n+l}`.

    The sum goes over the pairs inside the frame, from :math:`n = 0` to
    :math:`1023 - l`: those of `circular_correlation` less those across the ends.

    Returns
    -------
    correlation : ndarray of shape (n_frames, 49)
        For the lags 0 to 48, in squared units of the samples.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> autocorrelation(FrameAnalysis(np.ones((1, 1024))))[0, :4].round(6)
    array([1024., 1023., 1022., 1021.])
    """
    # The pairs across the ends are a correlation of the first with the last 48 samples.
    n_wrapped = N_LAGS - 1
    head = fft.rfft(analysis.frames[:, :n_wrapped], 2 * n_wrapped)
    tail = fft.rfft(analysis.frames[:, -n_wrapped:], 2 * n_wrapped)
    products = fft.irfft(np.conj(head) * tail, 2 * n_wrapped)
    return analysis.feature(circular_correlation) - products[:, n_wrapped::-1]


def levinson_durbin(correlation):
    r"""Solve the normal equations of linear prediction by Levinson's recursion [1]_.

    Parameters
    ----------
    correlation : ndarray of shape (order + 1, n_frames)
        The autocorrelation at lags 0 to `order`.

    Returns
    -------
    coefficients : ndarray of shape (order + 1, n_frames)
        Of the error filter :math:`A(z) = 1 + a_1 z^{-1} + a_2 z^{-2} + \dots`; NaN
        where the frame is silent.

    References
    ----------
    .. [1] J. Makhoul, "Linear prediction: a tutorial review", Proc. IEEE, 1975.

    Examples
    --------
    >>> levinson_durbin(np.array([[1.0], [0.5], [0.25]])).round(6).ravel()
    array([ 1. , -0.5,  0. ])
    """
    order = len(correlation) - 1
    coefficients = np.zeros_like(correlation)
    coefficients[0] = 1
    error = correlation[0].copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        for i in range(1, order + 1):
            known = coefficients[:i]
            products = np.einsum("it,it->t", known, correlation[i:0:-1])
            reflection = -products / error
            coefficients[1 : i + 1] += reflection * known[::-1]
            error *= 1 - np.square(reflection)
    return coefficients


def linear_prediction(analysis):
    r"""Linear prediction coefficients of order 2, by the autocorrelation method [1]_.

    The coefficients :math:`a_1, a_2` of the error filter
    :math:`A(z) = 1 + a_1 z^{-1} + a_2 z^{-2}`; with order 1 it would be
    :math:`a_1 = -r_1 / r_0`. No window and no pre-emphasis is applied.

    Returns
    -------
    coefficients : ndarray of shape (n_frames, 2)
        NaN for a silent frame.

    References
    ----------
    .. [1] J. Makhoul, "Linear prediction: a tutorial review", Proc. IEEE, 1975.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> impulse = np.eye(1, 1024, 500)
    >>> linear_prediction(FrameAnalysis(impulse)).round(6) + 0.0
    array([[0., 0.]])
    """
    lags = analysis.feature(autocorrelation)[:, : LPC_ORDER + 1]
    return levinson_durbin(lags.T.copy())[1:].T


def _polynomials_in_cosine(coefficients):
    r"""Reduce the symmetric and antisymmetric polynomial to degree 5 in cos w.

    :math:`P(z) = A(z) + z^{-11} A(1/z)` and :math:`Q(z) = A(z) - z^{-11} A(1/z)` have
    the known roots -1 and 1. Without them both are symmetric, that is on the unit
    circle a cosine series, that is a polynomial in :math:`\cos w`.

    Parameters
    ----------
    coefficients : ndarray of shape (11, n_frames)

    Returns
    -------
    polynomials : ndarray of shape (6, 2, n_frames)
        Coefficients of the powers 0 to 5, of which the last is 1; first P, then Q.
    """
    forward = np.concatenate([coefficients, np.zeros_like(coefficients[:1])])
    halves = np.stack([forward + forward[::-1], forward - forward[::-1]], axis=1)
    halves = halves[: _HALF_ORDER + 1]
    for i in range(1, _HALF_ORDER + 1):
        halves[i, 0] -= halves[i - 1, 0]
        halves[i, 1] += halves[i - 1, 1]
    series = halves[::-1].copy()
    series[1:] *= 2
    # No product of matrices: its rounding would depend on how many frames there are.
    weights = _CHEBYSHEV_TO_POWERS[:, :, np.newaxis, np.newaxis]
    powers = (weights * series).sum(axis=1)
    return powers / powers[-1]


def _real_roots(polynomials):
    r"""Find all roots of polynomials that have only real ones, simultaneously.

    Aberth's iteration: Newton's step for each root, corrected for the other roots, so
    that no two run to the same one. It converges cubically.

    Parameters
    ----------
    polynomials : ndarray of shape (6, n_polynomials)
        Monic, in ascending powers; the first half are P, the second half Q.

    Returns
    -------
    roots : ndarray of shape (5, n_polynomials)
    converged : ndarray of bool of shape (n_polynomials,)
    """
    roots = np.repeat(np.cos(_START), polynomials.shape[1] // 2, axis=1)
    remaining = np.arange(polynomials.shape[1])
    for n_iterations in _ITERATIONS:
        found, converged = _improve_roots(
            roots.take(remaining, axis=1),
            polynomials.take(remaining, axis=1),
            n_iterations,
        )
        roots[:, remaining] = found
        remaining = remaining[~converged]
        if len(remaining) == 0:
            break
    is_found = np.ones(polynomials.shape[1], dtype=bool)
    is_found[remaining] = False
    return roots, is_found


def _improve_roots(roots, polynomials, n_iterations):
    """Take steps of Aberth's iteration, in place, and tell which have converged.

    Those that have take no more: what they find does not depend on the others.
    """
    diagonal = np.arange(_HALF_ORDER)
    converged = np.zeros(roots.shape[1], dtype=bool)
    for _ in range(n_iterations):
        # Horner's scheme; the first step is written out for the leading 1.
        value = roots + polynomials[-2]
        slope = roots + value
        value *= roots
        value += polynomials[-3]
        for coefficient in polynomials[-4::-1]:
            slope *= roots
            slope += value
            value *= roots
            value += coefficient
        gaps = roots[:, np.newaxis] - roots
        gaps[diagonal, diagonal] = np.inf
        np.reciprocal(gaps, out=gaps)
        step = value / (slope - value * gaps.sum(axis=1))
        np.copyto(step, 0, where=converged)
        roots -= step
        converged = np.abs(step, out=step).max(axis=0) < _TOLERANCE
        if converged.all():
            break
    return roots, converged


def _angles_by_eigenvalues(polynomials):
    """Return the angles of the roots of one frame's P and Q the slow and safe way."""
    angles = []
    for half in polynomials.T:
        cosines = np.roots(half[::-1]).astype(complex)
        # Outside of [-1, 1] a root is not on the unit circle; its angle counts.
        angles.append(np.abs(np.angle(cosines + 1j * np.sqrt(1 - cosines**2))))
    return np.concatenate(angles)


def line_spectral_frequencies(analysis):
    r"""Line spectral frequencies of a linear prediction of order 10 [1]_ [2]_.

    The angles of the roots of :math:`P(z) = A(z) + z^{-11} A(1/z)` and
    :math:`Q(z) = A(z) - z^{-11} A(1/z)` in the upper half plane, without those at 1
    and -1. The roots lie on the unit circle and those of P and Q alternate.

    Returns
    -------
    frequencies : ndarray of shape (n_frames, 10)
        Ascending, in radians per sample between 0 and pi; NaN for a silent frame.

    References
    ----------
    .. [1] H. W. Schüßler, "A stability theorem for discrete systems", IEEE Trans.
       Acoustics, Speech, and Signal Processing, 1976.
    .. [2] T. Bäckström and C. Magi, "Properties of line spectrum pair polynomials: a
       review", Signal Processing, 2006.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> flat = line_spectral_frequencies(FrameAnalysis(np.eye(1, 1024, 500)))
    >>> (flat * 11 / np.pi).round(6)
    array([[ 1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10.]])
    """
    lags = analysis.feature(autocorrelation)[:, : LSF_ORDER + 1]
    frequencies = np.full((len(lags), LSF_ORDER), np.nan)
    polynomials = _polynomials_in_cosine(levinson_durbin(lags.T.copy()))
    defined = np.isfinite(polynomials).all(axis=(0, 1))
    if not defined.any():
        return frequencies
    polynomials = polynomials[:, :, defined]
    roots, converged = _real_roots(polynomials.reshape(_HALF_ORDER + 1, -1))
    cosines = roots.reshape(LSF_ORDER, -1)
    safe = converged.reshape(2, -1).all(axis=0) & (np.abs(cosines) < 1).all(axis=0)
    angles = np.arccos(np.clip(cosines, -1, 1))
    for frame in np.flatnonzero(~safe):
        angles[:, frame] = _angles_by_eigenvalues(polynomials[:, :, frame])
    frequencies[defined] = np.sort(angles, axis=0).T
    return frequencies


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
    return np.where(inside, taps[np.clip(tap, 0, length - 1)], 0.0)


_ENVELOPE_WEIGHTS = envelope_weights()


def envelope(analysis):
    r"""Modulus of the analytic signal, smoothed over 50 ms, every 200 samples.

    The analytic signal is made from the transform of the whole frame without a window
    (positive frequencies doubled, negative ones removed). For the filter see
    :func:`~skser.features._waveform.envelope_weights`: we follow YAAFE, where it
    runs backwards.

    Returns
    -------
    envelope : ndarray of shape (n_frames, 6)
        The oldest value first, in units of the samples.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> sine = np.sin(np.arange(1024) * np.pi / 8)
    >>> envelope(FrameAnalysis(sine[np.newaxis])).round(3)
    array([[0.025, 0.182, 0.525, 1.   , 1.   , 0.983]])
    """
    # The imaginary part of the analytic signal: all phases turned by a quarter. The
    # sign does not matter for the modulus.
    spectrum = analysis.fourier_history[-len(analysis.frames) :]
    quadrature = fft.irfft(spectrum * 1j, overwrite_x=True)
    modulus = np.square(quadrature, out=quadrature)
    modulus += np.square(analysis.frames)
    np.sqrt(modulus, out=modulus)
    return modulus @ _ENVELOPE_WEIGHTS


def envelope_moments(analysis):
    """Moments 1 to 4 of the six values of the envelope, of which its shape is made.

    See :func:`~skser.features._analysis.moments`.

    Returns
    -------
    moments : ndarray of shape (n_frames, 4)

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> envelope_moments(FrameAnalysis(np.zeros((1, 1024))))
    array([[0., 0., 0., 0.]])
    """
    return moments(analysis.feature(envelope))


def envelope_shape(analysis):
    """Centroid, spread, skewness and kurtosis of the six values of the envelope [1]_.

    See :func:`~skser.features._analysis.shape_statistics` for the formulas.

    Returns
    -------
    statistics : ndarray of shape (n_frames, 4)
        The centroid and spread are in steps of 200 samples.

    References
    ----------
    .. [1] Gillet and Richard, "Automatic transcription of drum loops", ICASSP 2004.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> envelope_shape(FrameAnalysis(np.zeros((1, 1024)))).round(3)
    array([[ 0.,  0.,  0., -3.]])
    """
    return shape_statistics(analysis.feature(envelope_moments))


def amplitude_modulation(analysis):
    r"""Frequency and strength of slow (tremolo) and fast (grain) modulation [1]_ [2]_.

    :math:`E_k = |\sum_{i=0}^{5} c_i \, \text{env}_i \, e^{-2 \pi j k i / 1024}|` is the
    spectrum of the envelope, :math:`c_i = 0.5 - 0.5 \cos(2 \pi (i + 1) / 7)`; bin
    :math:`k` lies at 80/1024 :math:`k` Hz. In the range of tremolo (bins 51 to 102, 4
    to 8 Hz) and of grain (bins 127 to 511, 10 to 40 Hz) the highest bin is searched.

    In a frame of 64 ms the envelope has six values, and the highest bin has always
    been the lowest one of the range; YAAFE's features suppose longer frames. We keep
    the columns as they are.

    Returns
    -------
    modulation : ndarray of shape (n_frames, 8)
        Of tremolo, then of grain: the frequency in Hz, the height above the mean of
        the whole spectrum, the height above the mean of the range (both at least 0),
        and the product of the frequency and the first height.

    References
    ----------
    .. [1] A. Eronen, "Automatic musical instrument recognition", MSc thesis, Tampere
       University of Technology, 2001.
    .. [2] S. Essid, "Classification automatique des signaux audio-fréquences :
       reconnaissance des instruments de musique", PhD thesis, 2005.

    Examples
    --------
    >>> from skser.features._analysis import FrameAnalysis
    >>> amplitude_modulation(FrameAnalysis(np.zeros((1, 1024)))).round(2)
    array([[3.98, 0.  , 0.  , 0.  , 9.92, 0.  , 0.  , 0.  ]])
    """
    spectrum = analysis.feature(envelope) @ _MODULATION_TRANSFORM
    strengths = np.abs(spectrum.view(complex))
    mean, *means_inside = (strengths @ _MODULATION_AVERAGES).T
    columns = []
    for band, mean_inside in zip((_TREMOLO, _GRAIN), means_inside, strict=True):
        inside = strengths[:, band]
        highest = inside.argmax(axis=1)
        frequency = (band.start + highest) * (SAMPLE_RATE / 200 / 1024)
        maximum = inside[np.arange(len(inside)), highest]
        strength = np.maximum(maximum - mean, 0)
        in_band = np.maximum(maximum - mean_inside, 0)
        columns += [frequency, strength, in_band, frequency * strength]
    return np.stack(columns, axis=1)
