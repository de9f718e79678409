"""Bootstrap confidence intervals, and tests between systems: Wilcoxon, McNemar, Holm.

Recordings of one speaker succeed and fail together, so that what is drawn anew is
speakers, never recordings. With ten of them the common percentile interval is too
narrow; the studentised bootstrap used here holds what it promises (the figures are
those of ``tests/benchmarks/bench_intervals.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest, wilcoxon
from scipy.stats import t as student
from sklearn.utils import check_random_state

from skser._display import markdown_table

if TYPE_CHECKING:
    from skser.model_selection._result import EvaluationResult


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
    >>> from skser.model_selection._statistics import Counts, estimate
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
    score, influences = estimate(counts)
    scores, drawn_influences = estimate(counts, weights)
    if other is not None:
        other_score, other_influences = estimate(other)
        score, influences = score - other_score, influences - other_influences
        other_scores, other_influences = estimate(other, weights)
        scores = scores - other_scores
        drawn_influences = drawn_influences - other_influences
    errors = standard_error(drawn_influences, weights)
    # A draw of one speaker only, or of speakers that are all alike, has no error.
    is_usable = errors > 1e-12
    deviations = (scores[is_usable] - score) / errors[is_usable]
    error = float(standard_error(influences)[0])
    is_flat = error <= 1e-12 or not is_usable.any()
    return Bootstrap(float(score[0]), 0.0 if is_flat else error, n_speakers, deviations)


class McNemar(NamedTuple):
    """How often only one of two systems is right, and how surprising that is."""

    only_first: int
    only_second: int
    p_value: float


class Difference(NamedTuple):
    """The difference of two pooled scores."""

    interval: Interval
    p_value: float


def mcnemar_test(
    first: EvaluationResult, second: EvaluationResult, *, run: int = 0
) -> McNemar:
    r"""Compare two systems by the recordings on which only one of them is right.

    If both were equally good, each of the :math:`n = n_{10} + n_{01}` discordant
    recordings would favour either with probability 1/2. The exact p-value is that of
    the two-sided binomial test,

    .. math:: p = \min\Big(1, 2 \sum_{k \le \min(n_{10}, n_{01})}
        \binom{n}{k} 2^{-n}\Big).

    Parameters
    ----------
    first, second : EvaluationResult
        On the same recordings.
    run : int, default=0
        Which seed of each is compared, by its position: the test needs one prediction
        per recording.

    Returns
    -------
    test : McNemar
        With `only_first`, `only_second` (numbers of recordings) and `p_value`.

    Raises
    ------
    ValueError
        If the recordings are not the same, or one was tested in several folds.

    Notes
    -----
    The test takes recordings for independent. Those of one speaker are not, so that it
    finds differences too easily; :func:`wilcoxon_test` and :func:`paired_difference`
    go by speakers.

    References
    ----------
    .. [1] Q. McNemar, "Note on the sampling error of the difference between correlated
       proportions or percentages", Psychometrika 12, 1947.
    """
    _check_comparable(first, second)
    is_right = []
    for result in (first, second):
        if not 0 <= run < len(result.seeds):
            raise ValueError(
                f"run={run}, but there are only {len(result.seeds)} seeds."
            )
        recordings = result.recordings[result.runs == run]
        right = result.predicted[result.runs == run] == result.true[recordings]
        files = [result.files[i] for i in recordings]
        is_right.append(dict(zip(files, right.tolist(), strict=True)))
        if len(is_right[-1]) < len(recordings):
            raise ValueError(
                "McNemar's test needs one prediction per recording, but some "
                "recordings were tested in several folds."
            )
    if is_right[0].keys() != is_right[1].keys():
        raise ValueError("The two results tested different recordings of the corpus.")
    pairs = [(is_right[0][file], is_right[1][file]) for file in is_right[0]]
    only_first = sum(one and not other for one, other in pairs)
    only_second = sum(other and not one for one, other in pairs)
    n_discordant = only_first + only_second
    p_value = binomtest(only_first, n_discordant).pvalue if n_discordant else 1.0
    return McNemar(only_first, only_second, float(p_value))


def _check_comparable(first, second, speakers=None):
    """Refuse results on other recordings, with other labels or over other speakers."""
    truths = [
        {
            name: result.labels[i]
            for name, i in zip(result.files, result.true, strict=True)
        }
        for result in (first, second)
    ]
    if truths[0] != truths[1]:
        n_shared = len(truths[0].items() & truths[1].items())
        raise ValueError(
            "Two results can only be compared on the same recordings with the same "
            f"labels: the first has {len(truths[0])}, the second {len(truths[1])}, and "
            f"they share {n_shared}."
        )
    if speakers is not None and set(speakers[0]) != set(speakers[1]):
        raise ValueError(
            "Two results can only be compared over the same speakers, but only one of "
            f"them tested {sorted(set(speakers[0]) ^ set(speakers[1]))}."
        )


def wilcoxon_test(
    first: EvaluationResult, second: EvaluationResult, *, score: str = "UA"
) -> float:
    """Compare two systems by the scores of single speakers.

    Wilcoxon's signed-rank test, two-sided, exact for up to 50 speakers without ties.

    Parameters
    ----------
    first, second : EvaluationResult
        On the same recordings.
    score : {"UA", "WA"}, default="UA"

    Returns
    -------
    p_value : float
        1 if no speaker's score differs. With five speakers it is at least 0.0625.

    Raises
    ------
    ValueError
        If the recordings or speakers are not the same.

    References
    ----------
    .. [1] F. Wilcoxon, "Individual comparisons by ranking methods", Biometrics
       Bulletin 1, 1945.
    """
    scores = [
        {row["speaker"]: row[score] for row in result.scores_by("speaker")}
        for result in (first, second)
    ]
    _check_comparable(first, second, scores)
    # Rounding would hide ties, such as 0.8 - 0.7 and 0.3 - 0.2.
    differences = np.round(
        [scores[0][name] - scores[1][name] for name in scores[0]], 12
    )
    if not differences.any():
        return 1.0
    return float(wilcoxon(differences).pvalue)


def paired_difference(
    first: EvaluationResult,
    second: EvaluationResult,
    *,
    score: str = "UA",
    level: float = 0.95,
    n_resamples: int = 4999,
    random_state: int | np.random.RandomState | None = 0,
) -> Difference:
    """Return the difference of two pooled scores, with its interval over speakers.

    The same speakers are drawn for both systems, and the difference of each draw is
    studentised, as in :meth:`EvaluationResult.confidence_interval`.

    Parameters
    ----------
    first, second : EvaluationResult
        On the same recordings.
    score : {"UA", "WA"}, default="UA"
    level : float, default=0.95
        Nominal coverage.
    n_resamples : int, default=4999
        Number of draws.
    random_state : int, RandomState instance or None, default=0
        Determines the draws.

    Returns
    -------
    difference : Difference
        With `interval` (`estimate`, which is the first minus the second, `low` and
        `high`) and the two-sided `p_value` of no difference.

    Raises
    ------
    ValueError
        If the recordings or speakers are not the same.
    """
    speakers, counts = first.speaker_counts(score)
    other_speakers, other_counts = second.speaker_counts(score)
    _check_comparable(first, second, (speakers, other_speakers))
    # The order of the classes does not matter to the sum over them.
    bootstrap = bootstrap_speakers(
        counts, other_counts, n_resamples=n_resamples, random_state=random_state
    )
    return Difference(bootstrap.interval(level, (-1, 1)), bootstrap.p_value())


def holm_adjust(p_values: ArrayLike) -> np.ndarray:
    r"""Adjust p-values for there being several tests, after Holm.

    With :math:`p_{(1)} \le \ldots \le p_{(m)}`,

    .. math:: \tilde p_{(i)} = \max_{j \le i} \min(1, (m - j + 1) \, p_{(j)}).

    Parameters
    ----------
    p_values : array-like of shape (n_tests,)

    Returns
    -------
    adjusted : ndarray of shape (n_tests,)
        In the order of `p_values`. Those below 0.05 keep the chance of any false
        finding below 0.05.

    References
    ----------
    .. [1] S. Holm, "A simple sequentially rejective multiple test procedure",
       Scandinavian Journal of Statistics 6, 1979.

    Examples
    --------
    >>> from skser.model_selection import holm_adjust
    >>> holm_adjust([0.01, 0.04, 0.03]).round(3)
    array([0.03, 0.06, 0.06])
    """
    p_values = np.asarray(p_values, dtype=float)
    if p_values.ndim != 1 or not ((p_values >= 0) & (p_values <= 1)).all():
        raise ValueError(f"p_values must be a list of numbers in [0, 1]: {p_values}.")
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    stepped = np.maximum.accumulate(np.minimum(1, factors * p_values[order]))
    adjusted = np.empty_like(p_values)
    adjusted[order] = stepped
    return adjusted


class Comparison(NamedTuple):
    """A reference system compared with others, one row each."""

    rows: list

    def to_frame(self):
        """Return the rows as a pandas DataFrame.

        Returns
        -------
        frame : pandas.DataFrame
        """
        return import_pandas().DataFrame(self.rows).set_index("system")

    def to_markdown(self):
        """Return the rows as a Markdown table.

        Returns
        -------
        table : str
        """
        return markdown_table(self.rows)


def compare(
    reference: EvaluationResult,
    others: Mapping[str, EvaluationResult],
    *,
    score: str = "UA",
    random_state: int = 0,
) -> Comparison:
    """Compare one system with several others, and account for there being several.

    Parameters
    ----------
    reference : EvaluationResult
    others : dict of str to EvaluationResult
        On the same recordings.
    score : {"UA", "WA"}, default="UA"
        For the difference and Wilcoxon's test. McNemar's is about WA.
    random_state : int, default=0
        Determines the draws of the bootstrap.

    Returns
    -------
    comparison : Comparison
        Its `rows` have the keys "system", "difference" (reference minus other), "low",
        "high", and the p-values "bootstrap p", "Wilcoxon p" and "McNemar p", each
        followed by its Holm adjustment over all systems. `to_frame` and `to_markdown`
        show them.
    """
    if not others:
        raise ValueError("others must have at least one result to compare with.")
    rows, p_values = [], []
    for name, other in others.items():
        difference = paired_difference(
            reference, other, score=score, random_state=random_state
        )
        value, low, high = difference.interval
        rows.append({"system": name, "difference": value, "low": low, "high": high})
        p_values.append(
            {
                "bootstrap p": difference.p_value,
                "Wilcoxon p": wilcoxon_test(reference, other, score=score),
                "McNemar p": mcnemar_test(reference, other).p_value,
            }
        )
    for test in p_values[0]:
        adjusted = holm_adjust([tests[test] for tests in p_values])
        for row, tests, holm in zip(rows, p_values, adjusted.tolist(), strict=True):
            row |= {test: tests[test], f"{test} (Holm)": holm}
    return Comparison(rows)


def import_pandas():
    """Return pandas, or say how to do without."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            "DataFrames need pandas: python -m pip install pandas. Without it, "
            "to_markdown() and the methods that return dicts and arrays work."
        ) from error
    return pandas
