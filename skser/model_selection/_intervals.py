"""How far may a score be from that of other speakers: intervals over speakers.

Recordings of one speaker succeed and fail together, so that what is drawn anew is
speakers, never recordings. With ten of them the common percentile interval is too
narrow; the studentised bootstrap used here holds what it promises (the figures are
those of ``tests/benchmarks/bench_intervals.py``).
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import t as student
from sklearn.utils import check_random_state


class Interval(NamedTuple):
    """An estimate and the interval around it."""

    estimate: float
    low: float
    high: float


class Counts(NamedTuple):
    """What scores are computed from: shares of `total` that are `correct`.

    Both have the shape (n_speakers, n_classes) for UA, which is the mean over the
    classes of ``correct.sum(axis=0) / total.sum(axis=0)``, and (n_speakers, 1) for WA.
    """

    correct: np.ndarray
    total: np.ndarray


def estimate(counts, weights=None):
    r"""Compute a pooled score and its standard error over speakers.

    With the recall :math:`r_k = \sum_s w_s c_{sk} / \sum_s w_s n_{sk}` of the classes
    :math:`k` and the score :math:`u = \frac{1}{K} \sum_k r_k`, the influence of
    speaker :math:`s` and the standard error are

    .. math:: e_s = \frac{1}{K} \sum_k
        \frac{c_{sk} - r_k n_{sk}}{\sum_{s'} w_{s'} n_{s'k}}, \qquad
        \mathrm{se}^2 = \frac{S}{S - 1} \sum_s w_s e_s^2,

    the linearised ("sandwich") error of a ratio of sums over clusters [1]_.

    Parameters
    ----------
    counts : Counts
        Of S speakers and K classes.
    weights : array-like of shape (n_draws, n_speakers), default=None
        How often each speaker was drawn. None is once each, in one draw.

    Returns
    -------
    scores : ndarray of shape (n_draws,)
        A class without any recording is left out of the mean.
    influences : ndarray of shape (n_draws, n_speakers)
        From which :func:`standard_error` follows, also that of a difference.

    References
    ----------
    .. [1] W. G. Cochran, "Sampling techniques", 3rd ed., Wiley 1977, chapter 6.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.model_selection._intervals import Counts, estimate
    >>> counts = Counts(np.array([[3.0], [1.0]]), np.array([[4.0], [4.0]]))
    >>> scores, influences = estimate(counts)
    >>> scores, influences
    (array([0.5]), array([[ 0.125, -0.125]]))
    """
    if weights is None:
        weights = np.ones((1, len(counts.total)))
    totals = weights @ counts.total
    is_present = totals > 0
    inverse = np.divide(1.0, totals, out=np.zeros_like(totals), where=is_present)
    recalls = (weights @ counts.correct) * inverse
    n_present = is_present.sum(axis=1)
    influences = inverse @ counts.correct.T - (recalls * inverse) @ counts.total.T
    return recalls.sum(axis=1) / n_present, influences / n_present[:, np.newaxis]


def standard_error(influences, weights=None):
    """Return the standard error that belongs to influences; see :func:`estimate`.

    Parameters
    ----------
    influences : ndarray of shape (n_draws, n_speakers)
    weights : array-like of shape (n_draws, n_speakers), default=None

    Returns
    -------
    errors : ndarray of shape (n_draws,)
    """
    n_speakers = influences.shape[1]
    squares = influences**2 if weights is None else weights * influences**2
    return np.sqrt(n_speakers / (n_speakers - 1) * squares.sum(axis=1))


class Bootstrap(NamedTuple):
    """A score, its error, and the studentised deviations in draws of speakers.

    Few speakers, or speakers with the same score, make for few different draws. What
    follows from them is therefore never more certain than Student's t distribution
    with S - 1 degrees of freedom allows.
    """

    estimate: float
    error: float
    n_speakers: int
    deviations: np.ndarray

    def interval(self, level, bounds):
        """Return the studentised interval, cut at what the score can be at most."""
        if self.error == 0:
            return Interval(self.estimate, self.estimate, self.estimate)
        tail = student.ppf((1 + level) / 2, self.n_speakers - 1)
        upper, lower = np.quantile(self.deviations, [(1 + level) / 2, (1 - level) / 2])
        tails = np.array([max(upper, tail), min(lower, -tail)])
        low, high = np.clip(self.estimate - self.error * tails, *bounds)
        return Interval(self.estimate, float(low), float(high))

    def p_value(self):
        """Return how often draws deviate from the estimate as far as it from 0."""
        if self.error == 0:
            # All speakers differ alike: as surprising as if all signs agreed.
            return 1.0 if self.estimate == 0 else 2.0 ** (1 - self.n_speakers)
        ratio = abs(self.estimate / self.error)
        n_farther = np.sum(abs(self.deviations) >= ratio)
        drawn = (n_farther + 1) / (len(self.deviations) + 1)
        return float(max(drawn, 2 * student.sf(ratio, self.n_speakers - 1)))


def bootstrap_speakers(counts, other=None, *, n_resamples=4999, random_state=0):
    r"""Draw speakers with replacement and studentise the score of each draw.

    Of each draw :math:`b` the deviation :math:`t_b = (u_b - u) / \mathrm{se}_b` is
    kept. The interval is :math:`[u - t_{(97.5\%)}\,\mathrm{se},
    u - t_{(2.5\%)}\,\mathrm{se}]`, Efron and Tibshirani's bootstrap-t [1]_, or that of
    Student's t distribution where it is wider.

    Parameters
    ----------
    counts : Counts
    other : Counts, default=None
        Those of another system on the same speakers, in the same order. The score is
        then the difference, ``counts`` minus ``other``.
    n_resamples : int, default=4999
    random_state : int, RandomState instance or None, default=0

    Returns
    -------
    bootstrap : Bootstrap

    Raises
    ------
    ValueError
        If there are fewer than three speakers.

    References
    ----------
    .. [1] B. Efron and R. J. Tibshirani, "An introduction to the bootstrap", Chapman &
       Hall 1993, chapter 12.
    """
    n_speakers = len(counts.total)
    if n_speakers < 3:
        raise ValueError(
            "An interval that resamples speakers needs at least 3 speakers, got "
            f"{n_speakers}. With fewer, nothing is known about other speakers."
        )
    generator = check_random_state(random_state)
    share = np.full(n_speakers, 1 / n_speakers)
    weights = generator.multinomial(n_speakers, share, size=n_resamples)
    score, influences = _difference(counts, other)
    scores, drawn_influences = _difference(counts, other, weights)
    errors = standard_error(drawn_influences, weights)
    # A draw of one speaker only, or of speakers that are all alike, has no error.
    is_usable = errors > 1e-12
    deviations = (scores[is_usable] - score) / errors[is_usable]
    error = float(standard_error(influences)[0])
    is_flat = error <= 1e-12 or not is_usable.any()
    return Bootstrap(float(score[0]), 0.0 if is_flat else error, n_speakers, deviations)


def _difference(counts, other, weights=None):
    """Return scores and influences of one system, or of one minus the other."""
    scores, influences = estimate(counts, weights)
    if other is None:
        return scores, influences
    other_scores, other_influences = estimate(other, weights)
    return scores - other_scores, influences - other_influences
