"""Smoothing of posteriors over time: moving median, hidden Markov model."""

from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike

from skser._compat import Interval, validate_params


@validate_params(
    {
        "posteriors": ["array-like"],
        "n_windows": [Interval(Integral, 1, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def smooth_median(posteriors: ArrayLike, n_windows: int = 5) -> np.ndarray:
    """Replace each window's posteriors by the medians of its neighbourhood.

    Parameters
    ----------
    posteriors : array-like of shape (n_windows, n_classes)
        In the order of time. Rows of NaN are windows without an answer.
    n_windows : int, default=5
        An odd number: the window itself and as many on either side; at the ends, those
        that there are.

    Returns
    -------
    smoothed : ndarray of shape (n_windows, n_classes)
        Divided by their sums, so that they are posteriors again. Rows of NaN count
        nowhere and stay.

    Raises
    ------
    ValueError
        If `n_windows` is even, or `posteriors` are no such table.

    Examples
    --------
    >>> from skser.timeline import smooth_median
    >>> smooth_median([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]], 3).round(2).tolist()
    [[0.55, 0.45], [0.7, 0.3], [0.45, 0.55]]
    """
    posteriors, is_known = _check(posteriors)
    if n_windows % 2 == 0:
        raise ValueError(f"n_windows must be odd, got {n_windows}.")
    half = n_windows // 2
    padded = np.pad(posteriors, ((half, half), (0, 0)), constant_values=np.nan)
    neighbours = np.lib.stride_tricks.sliding_window_view(padded, n_windows, axis=0)
    smoothed = np.full(posteriors.shape, np.nan)
    medians = np.nanmedian(neighbours[is_known], axis=-1)
    sums = medians.sum(axis=1, keepdims=True)
    # Medians may all be 0, of windows each of which is sure of another class.
    smoothed[is_known] = np.where(
        sums > 0, medians / np.where(sums > 0, sums, 1), posteriors[is_known]
    )
    return smoothed


@validate_params(
    {
        "posteriors": ["array-like"],
        "stay": [Interval(Real, 0, 1, closed="neither")],
    },
    prefer_skip_nested_validation=True,
)
def smooth_markov(posteriors: ArrayLike, stay: float = 0.9) -> np.ndarray:
    r"""Smooth posteriors by a hidden Markov model, forwards and backwards in time.

    The emotion of a window is a hidden state. It stays with probability :math:`s`,
    `stay`, from one window to the next, and changes to each other one of the :math:`C`
    emotions alike:

    .. math:: A_{ij} = \begin{cases} s & i = j \\ (1 - s) / (C - 1) & i \ne j
              \end{cases}

    A window's posteriors :math:`p_t` stand for how likely it is given each emotion,
    which holds if all emotions are equally frequent in training, or count alike, as
    in our systems. The forward-backward algorithm [1]_ gives what all windows
    together say of each:

    .. math:: \alpha_t = p_t \odot A^\top \alpha_{t-1}, \qquad
              \beta_t = A \, (p_{t+1} \odot \beta_{t+1}), \qquad
              \tilde p_t \propto \alpha_t \odot \beta_t

    with :math:`\alpha_1 = p_1` and :math:`\beta_T = 1`.

    Parameters
    ----------
    posteriors : array-like of shape (n_windows, n_classes)
        In the order of time. Rows of NaN are windows without an answer.
    stay : float, default=0.9
        Between 0 and 1. Windows a second apart with 0.9 have emotions that last ten
        seconds on average. ``1 / n_classes`` changes nothing.

    Returns
    -------
    smoothed : ndarray of shape (n_windows, n_classes)
        Rows of NaN say nothing of their neighbours, and stay.

    Raises
    ------
    ValueError
        If `stay` is not between 0 and 1, or `posteriors` are no such table.

    Notes
    -----
    The model takes windows for independent evidence. Where they overlap, what two of
    them share counts twice, and the result is surer than it should be.

    References
    ----------
    .. [1] L. R. Rabiner, "A tutorial on hidden Markov models and selected applications
       in speech recognition", Proceedings of the IEEE 77(2), 1989.

    Examples
    --------
    >>> from skser.timeline import smooth_markov
    >>> smooth_markov([[0.9, 0.1], [0.4, 0.6], [0.9, 0.1]]).round(2).tolist()
    [[0.95, 0.05], [0.93, 0.07], [0.95, 0.05]]
    """
    posteriors, is_known = _check(posteriors)
    n_windows, n_classes = posteriors.shape
    moves = (1 - stay) / max(n_classes - 1, 1)
    transition = np.full((n_classes, n_classes), moves)
    np.fill_diagonal(transition, stay)
    # A window without an answer is as likely given each emotion. One that is wholly
    # sure could contradict another one, with nothing left.
    evidence = np.where(is_known[:, np.newaxis], posteriors, 1.0)
    evidence = np.maximum(evidence, np.finfo(float).eps)
    forward, backward = np.ones_like(evidence), np.ones_like(evidence)
    for t in range(n_windows):
        before = transition.T @ forward[t - 1] if t else 1.0
        forward[t] = evidence[t] * before
        forward[t] /= forward[t].sum()
    for t in range(n_windows - 2, -1, -1):
        backward[t] = transition @ (evidence[t + 1] * backward[t + 1])
        backward[t] /= backward[t].sum()
    smoothed = forward * backward
    smoothed /= smoothed.sum(axis=1, keepdims=True)
    smoothed[~is_known] = np.nan
    return smoothed


def _check(posteriors):
    """Return posteriors as a table of floats, and which rows of it are known."""
    posteriors = np.asarray(posteriors, dtype=float)
    if posteriors.ndim != 2 or posteriors.shape[1] == 0:
        raise ValueError(
            "posteriors must have the shape (n_windows, n_classes), got "
            f"{posteriors.shape}."
        )
    is_unknown = np.isnan(posteriors)
    if (is_unknown.any(axis=1) != is_unknown.all(axis=1)).any():
        raise ValueError("A row of posteriors must be NaN as a whole, or not at all.")
    known = posteriors[~is_unknown.any(axis=1)]
    if not (np.isfinite(known).all() and (known >= 0).all()):
        raise ValueError("posteriors must be 0 or more, and finite.")
    return posteriors, ~is_unknown.any(axis=1)


# What `smoothing` may be called.
SMOOTHINGS = {"median": smooth_median, "markov": smooth_markov}
