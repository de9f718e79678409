"""How much the spectrum changes from one frame to the next."""

import numpy as np

from skser.features._moments import EPS, inner_products


def _divide_or_zero(numerator, denominator):
    """Divide; 0 where the denominator is 0, that is before an utterance begins."""
    quotient = np.zeros_like(numerator)
    return np.divide(numerator, denominator, out=quotient, where=denominator != 0)


def spectral_flux(analysis):
    r"""Squared distance of successive magnitude spectra over their norms.

    :math:`|a(t) - a(t-1)|^2 / (|a(t)| \, |a(t-1)|)`. The flux [1]_ in the form that
    YAAFE normalises; after a digitally silent frame, whose magnitudes are the machine
    epsilon, it reaches 1e16.

    Parameters
    ----------
    analysis : FrameAnalysis

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
    >>> import numpy as np
    >>> from skser.features._analysis import FrameAnalysis
    >>> impulse = np.eye(1, 1024, 512)
    >>> frames = np.concatenate([impulse, impulse, 2 * impulse])
    >>> spectral_flux(FrameAnalysis(frames)).round(6)
    array([0. , 0. , 0.5])
    """
    magnitude = analysis.magnitude_history[1:]
    difference = magnitude[1:] - magnitude[:-1]
    change = inner_products(difference, difference)
    return _divide_or_zero(change, analysis.norm_products)


def spectral_variation(analysis):
    r"""One minus the normalised correlation of successive magnitude spectra [1]_.

    :math:`1 - \langle a(t), a(t-1) \rangle / (|a(t)| \, |a(t-1)|)`.

    Parameters
    ----------
    analysis : FrameAnalysis

    Returns
    -------
    variation : ndarray of shape (n_frames,)
        Between 0 and 1; 0 in the first frame of an utterance. (YAAFE gives no value
        at all for a signal of one frame; we give 0.)

    References
    ----------
    .. [1] G. Peeters, "A large set of audio features for sound description",
       technical report, IRCAM, 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.features._analysis import FrameAnalysis
    >>> impulse = np.eye(1, 1024, 512)
    >>> frames = np.concatenate([impulse, 2 * impulse])
    >>> spectral_variation(FrameAnalysis(frames)).round(6) + 0.0
    array([0., 0.])
    """
    magnitude = analysis.magnitude_history[1:]
    product = inner_products(magnitude[1:], magnitude[:-1])
    return _divide_or_zero(analysis.norm_products - product, analysis.norm_products)


def complex_domain_onset_detection(analysis):
    r"""Distance of the spectrum from its prediction by a steady rotation [1]_.

    .. math:: \sum_k |X_k(t) - X_k(t-1) \, u_k(t-1) \, \overline{u_k(t-2)}|,
              \qquad u_k = X_k / |X_k|

    with :math:`u_k = 1` where :math:`X_k = 0`: a steady tone keeps its magnitude and
    turns its phase by the same angle from frame to frame.

    Parameters
    ----------
    analysis : FrameAnalysis

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
    >>> import numpy as np
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
    if magnitude.min() <= EPS:
        directions[spectrum[:-1] == 0] = 1
    # Turned by u(t-2), which does not change the distance but saves its conjugate.
    distance = directions[:-1] * spectrum[2:]
    directions *= spectrum[:-1]
    distance -= directions[1:]
    return np.abs(distance).sum(axis=1)
