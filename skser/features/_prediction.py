"""Linear prediction: LPC and line spectral frequencies (LSF).

Each feature takes a `FrameAnalysis`.
"""

import numpy as np
from numpy.polynomial import chebyshev

from skser.features._waveform import autocorrelation

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
    >>> import numpy as np
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
    >>> import numpy as np
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
    powers = np.tensordot(_CHEBYSHEV_TO_POWERS, series, axes=1)
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
    """Take steps of Aberth's iteration, in place, and tell which have converged."""
    diagonal = np.arange(_HALF_ORDER)
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
        roots -= step
        largest = np.abs(step).max(axis=0)
        if (largest < _TOLERANCE).all():
            break
    return roots, largest < _TOLERANCE


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
    >>> import numpy as np
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
