"""Bootstrap over speakers: intervals of scores that are functions of ratios of sums.

Recordings of one speaker succeed and fail together, so that what is drawn anew is
speakers, never recordings. With ten of them the common percentile interval is too
narrow; the studentised bootstrap used here holds what it promises (the figures are
those of ``tests/benchmarks/bench_intervals.py``).
"""

from __future__ import annotations

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

    Both have the shape (n_speakers, n_ratios). For UA there is a ratio for each class,
    whose mean UA is; for WA there is one. Of other scores `correct` is any sum over
    predictions, such as that of their losses; ``_measures.py`` has them all.
    """

    correct: np.ndarray
    total: np.ndarray


def mean_ratio(ratios, occurs):
    r"""Return the mean of the ratios that occur, and its slope in each of them.

    Parameters
    ----------
    ratios : ndarray of shape (n_draws, n_ratios)
    occurs : ndarray of bool of shape (n_draws, n_ratios)
        Whether the ratio's total is more than 0. The ratio is 0 where it is not.

    Returns
    -------
    scores : ndarray of shape (n_draws,)
        NaN where no ratio occurs.
    slopes : ndarray of shape (n_draws, n_ratios)
        The derivatives :math:`\partial u / \partial r_k`.
    """
    n_present = occurs.sum(axis=1)
    scores = np.full(len(ratios), np.nan)
    np.divide(ratios.sum(axis=1), n_present, out=scores, where=n_present > 0)
    return scores, occurs / np.maximum(n_present, 1)[:, np.newaxis]


def estimate(counts, weights=None, combine=mean_ratio):
    r"""Compute a pooled score and its standard error over speakers.

    With the ratios :math:`r_k = \sum_s w_s c_{sk} / \sum_s w_s n_{sk}` (of UA the
    recalls of the classes :math:`k`) and the score :math:`u = g(r_1, \ldots, r_K)`, of
    UA their mean, the influence of speaker :math:`s` and the standard error are

    .. math:: e_s = \sum_k \frac{\partial g}{\partial r_k}
        \frac{c_{sk} - r_k n_{sk}}{\sum_{s'} w_{s'} n_{s'k}}, \qquad
        \mathrm{se}^2 = \frac{S}{S - 1} \sum_s w_s e_s^2,

    the linearised ("sandwich") error of a function of ratios of sums over clusters
    [1]_.

    Parameters
    ----------
    counts : Counts
        Of S speakers and K ratios.
    weights : array-like of shape (n_draws, n_speakers), default=None
        How often each speaker was drawn. None is once each, in one draw.
    combine : callable, default=mean_ratio
        The function g, which returns its values and slopes as :func:`mean_ratio` does.

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
    >>> from skser.model_selection._bootstrap import Counts, estimate
    >>> counts = Counts(np.array([[3.0], [1.0]]), np.array([[4.0], [4.0]]))
    >>> scores, influences = estimate(counts)
    >>> scores, influences
    (array([0.5]), array([[ 0.125, -0.125]]))
    """
    if weights is None:
        weights = np.ones((1, len(counts.total)))
    totals = weights @ counts.total
    occurs = totals > 0
    sums = weights @ counts.correct
    ratios = np.divide(sums, totals, out=np.zeros_like(sums), where=occurs)
    scores, slopes = combine(ratios, occurs)
    slopes = np.divide(slopes, totals, out=np.zeros_like(sums), where=occurs)
    influences = slopes @ counts.correct.T - (ratios * slopes) @ counts.total.T
    return scores, influences


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


def draw_speakers(n_speakers, n_resamples, random_state):
    """Return how often each draw with replacement has each speaker.

    Parameters
    ----------
    n_speakers, n_resamples : int
    random_state : int, RandomState instance or None

    Returns
    -------
    weights : ndarray of int of shape (n_resamples, n_speakers)
    """
    generator = check_random_state(random_state)
    share = np.full(n_speakers, 1 / n_speakers)
    return generator.multinomial(n_speakers, share, size=n_resamples)


def lower_by_chance(interval, counts, combine, level, *, n_resamples, random_state):
    r"""Return the interval of a distance, whose lower end allows for chance.

    A distance, such as a calibration error or the range of the scores of groups, is
    never negative, so that noise makes it larger: it is more than 0 where the truth is
    0. By the triangle inequality the truth :math:`\lVert r \rVert` is at least
    :math:`\lVert \hat r \rVert - \lVert \hat r - r \rVert`; the quantile of
    :math:`\lVert \hat r^* - \hat r \rVert` over draws of speakers stands for the
    latter.

    Parameters
    ----------
    interval : Interval
        The studentised one.
    counts : Counts
    combine : callable
        A seminorm of the ratios.
    level : float
    n_resamples : int
    random_state : int, RandomState instance or None

    Returns
    -------
    interval : Interval
    """
    totals = counts.total.sum(axis=0)
    ratios = np.divide(
        counts.correct.sum(axis=0), totals, out=np.zeros_like(totals), where=totals > 0
    )
    centred = Counts(counts.correct - ratios * counts.total, counts.total)
    weights = draw_speakers(len(counts.total), n_resamples, random_state)
    noise = estimate(centred, weights, combine)[0]
    limit = interval.estimate - np.nanquantile(noise, (1 + level) / 2)
    return interval._replace(low=float(max(0, min(interval.low, limit))))


def bootstrap_speakers(
    counts, other=None, *, combine=mean_ratio, n_resamples=4999, random_state=0
):
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
    combine : callable, default=mean_ratio
        What the score is of the ratios; see :func:`estimate`.
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
    weights = draw_speakers(n_speakers, n_resamples, random_state)
    score, influences = estimate(counts, combine=combine)
    scores, drawn_influences = estimate(counts, weights, combine=combine)
    if other is not None:
        other_score, other_influences = estimate(other, combine=combine)
        score, influences = score - other_score, influences - other_influences
        other_scores, other_influences = estimate(other, weights, combine=combine)
        scores = scores - other_scores
        drawn_influences = drawn_influences - other_influences
    errors = standard_error(drawn_influences, weights)
    # A draw of one speaker only, or of speakers that are all alike, has no error; one
    # without any recording that counts has no score.
    is_usable = (errors > 1e-12) & np.isfinite(scores)
    deviations = (scores[is_usable] - score) / errors[is_usable]
    error = float(standard_error(influences)[0])
    is_flat = error <= 1e-12 or not is_usable.any()
    return Bootstrap(float(score[0]), 0.0 if is_flat else error, n_speakers, deviations)
