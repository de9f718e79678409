"""Tests between systems: paired bootstrap over speakers, Wilcoxon, McNemar, Holm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest, wilcoxon

from skser._display import markdown_table
from skser.model_selection._bootstrap import Interval, bootstrap_speakers, estimate
from skser.model_selection._power import SpeakersNeeded, search_speakers

if TYPE_CHECKING:
    from skser.model_selection._base_result import BaseResult


class McNemar(NamedTuple):
    """How often only one of two systems is right, and how surprising that is."""

    only_first: int
    only_second: int
    p_value: float


class Difference(NamedTuple):
    """The difference of two pooled scores."""

    interval: Interval
    p_value: float


def mcnemar_test(first: Any, second: Any, *, run: int = 0) -> McNemar:
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
    if not first.is_classification:
        raise ValueError(
            "McNemar's test is for classes: a number is not right or wrong. Take "
            "paired_difference or wilcoxon_test."
        )
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
    if type(first) is not type(second):
        names = " and ".join(type(result).__name__ for result in (first, second))
        raise ValueError(
            f"Two results can only be compared if both are of classes or both of "
            f"numbers, got {names}."
        )
    if getattr(first, "targets", None) != getattr(second, "targets", None):
        raise ValueError(
            "Two results can only be compared on the same targets, got "
            f"{first.targets} and {second.targets}. of_target(name) is the result of "
            "a single one."
        )
    truths = [result.truths() for result in (first, second)]
    if truths[0] != truths[1]:
        n_shared = len(truths[0].items() & truths[1].items())
        what = "labels" if first.is_classification else "numbers"
        raise ValueError(
            "Two results can only be compared on the same recordings with the same "
            f"{what}: the first has {len(truths[0])}, the second {len(truths[1])}, and "
            f"they share {n_shared}."
        )
    if speakers is not None and set(speakers[0]) != set(speakers[1]):
        raise ValueError(
            "Two results can only be compared over the same speakers, but only one of "
            f"them tested {sorted(set(speakers[0]) ^ set(speakers[1]))}."
        )


def _find_measure(result, score):
    """Return how a score is computed; None is the first of the result."""
    return result.find_measure(score or result.headline)


def wilcoxon_test(
    first: BaseResult, second: BaseResult, *, score: str | None = None
) -> float:
    """Compare two systems by the scores of single speakers.

    Wilcoxon's signed-rank test, two-sided, exact for up to 50 speakers without ties.

    Parameters
    ----------
    first, second : EvaluationResult or RegressionResult
        On the same recordings.
    score : str, default=None
        One of those of the results' method `scores`. None is the first, UA of classes
        and CCC of numbers (of several targets, the mean).

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
    scores = []
    for result in (first, second):
        speakers, counts = result.speaker_counts(score)
        values = _find_measure(result, score).of_counts(counts).tolist()
        scores.append(dict(zip(speakers, values, strict=True)))
    _check_comparable(first, second, scores)
    # Of one recording of a speaker there is no correlation.
    undefined = {name for one in scores for name, v in one.items() if np.isnan(v)}
    scores = [{k: v for k, v in one.items() if k not in undefined} for one in scores]
    # Rounding would hide ties, such as 0.8 - 0.7 and 0.3 - 0.2.
    differences = np.round(
        [scores[0][name] - scores[1][name] for name in scores[0]], 12
    )
    if not differences.any():
        return 1.0
    return float(wilcoxon(differences).pvalue)


def paired_difference(
    first: BaseResult,
    second: BaseResult,
    *,
    score: str | None = None,
    level: float = 0.95,
    n_resamples: int = 4999,
    random_state: int | np.random.RandomState | None = 0,
) -> Difference:
    """Return the difference of two pooled scores, with its interval over speakers.

    The same speakers are drawn for both systems, and the difference of each draw is
    studentised, as in :meth:`EvaluationResult.confidence_interval`.

    Parameters
    ----------
    first, second : EvaluationResult or RegressionResult
        On the same recordings.
    score : str, default=None
        One of those of the results' method `scores`. None is the first, UA of classes
        and CCC of numbers (of several targets, the mean).
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
    measure = _find_measure(first, score)
    bootstrap = bootstrap_speakers(
        counts,
        other_counts,
        combine=measure.combine,
        n_resamples=n_resamples,
        random_state=random_state,
    )
    width = measure.bounds[1] - measure.bounds[0]
    return Difference(bootstrap.interval(level, (-width, width)), bootstrap.p_value())


def speakers_needed(
    first: BaseResult,
    second: BaseResult,
    *,
    difference: float = 0.05,
    power: float = 0.8,
    alpha: float = 0.05,
    score: str | None = None,
    random_state: int | np.random.RandomState | None = 0,
) -> SpeakersNeeded:
    r"""Find how many speakers are needed to tell two systems apart.

    Parameters
    ----------
    first, second : EvaluationResult or RegressionResult
        On the same recordings, such as those of a first experiment with few speakers.
    difference : float, default=0.05
        The difference of the pooled scores that is to be found: 0.05 is 5 points. What
        would matter, not what was observed.
    power : float, default=0.8
        With which probability it is to be found.
    alpha : float, default=0.05
        Below which p-value it counts as found, in :func:`paired_difference`.
    score : str, default=None
        One of those of the results' method `scores`. None is the first, UA of classes
        and CCC of numbers (of several targets, the mean).
    random_state : int, RandomState instance or None, default=0
        Determines the draws.

    Returns
    -------
    needed : SpeakersNeeded
        With `n_speakers`, and `low` and `high` around it.

    Raises
    ------
    ValueError
        If the recordings or speakers are not the same, there are fewer than three
        speakers, or a parameter is out of its range.

    Notes
    -----
    With the influence :math:`e_s` of speaker :math:`s` of :math:`S` on the difference
    of the pooled scores, :math:`z_s = S e_s \sqrt{S / (S - 1)}` is by how much this
    speaker's difference, of the higher score minus the lower one, deviates. An
    experiment draws :math:`n` of the values :math:`d + z_s` with replacement and tests
    their mean as :func:`paired_difference` does, by the studentised bootstrap or
    Student's t, whichever is less certain. The power is the share of 500 experiments
    with :math:`p < \alpha`.

    That speakers have different numbers of recordings is thereby kept; that the score
    of small samples is a ratio of random totals is not. The variance of few speakers is
    itself uncertain, by a factor of seven between `low` and `high` with ten of them.
    ``tests/benchmarks/bench_power.py`` compares the power stated with that reached.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skser.model_selection import evaluate, speakers_needed
    >>> rng = np.random.default_rng(0)
    >>> y, speakers = np.tile([0, 1], 60), np.repeat(np.arange(6), 20)
    >>> X = rng.normal(y, 1, size=(2, 120)).T + rng.normal(size=(6, 2))[speakers]
    >>> one = evaluate(LogisticRegression(), X, y, groups=speakers)
    >>> other = evaluate(LogisticRegression(), X[:, :1], y, groups=speakers)
    >>> needed = speakers_needed(one, other, difference=0.1)
    >>> needed.low < needed.n_speakers < needed.high
    True
    """
    for name, value in (("power", power), ("alpha", alpha)):
        if not 0 < value < 1:
            raise ValueError(f"{name} must be between 0 and 1, got {value!r}.")
    measure = _find_measure(first, score)
    width = measure.bounds[1] - measure.bounds[0]
    if not 0 < difference <= width:
        raise ValueError(
            f"difference must be above 0 and at most {width:g}, such as 0.05 for 5 "
            f"points, got {difference!r}."
        )
    speakers, counts = first.speaker_counts(score)
    other_speakers, other_counts = second.speaker_counts(score)
    _check_comparable(first, second, (speakers, other_speakers))
    n = len(speakers)
    if n < 3:
        raise ValueError(
            f"How differences vary over speakers takes 3 speakers or more to tell, got "
            f"{n}."
        )
    combine = measure.combine
    (value, influences), (other, other_influences) = (
        estimate(one, combine=combine) for one in (counts, other_counts)
    )
    # Towards the higher score, so that the order of the two does not matter.
    sign = 1 if value[0] >= other[0] else -1
    deviations = sign * n * np.sqrt(n / (n - 1)) * (influences - other_influences)[0]
    return search_speakers(deviations, difference, power, alpha, random_state)


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
        return import_pandas().DataFrame(self.rows).set_index(next(iter(self.rows[0])))

    def to_markdown(self):
        """Return the rows as a Markdown table.

        Returns
        -------
        table : str
        """
        return markdown_table(self.rows)


def compare(
    reference: BaseResult,
    others: Mapping[str, BaseResult],
    *,
    score: str | None = None,
    difference: float | None = 0.05,
    random_state: int = 0,
) -> Comparison:
    """Compare one system with several others, and account for there being several.

    Parameters
    ----------
    reference : EvaluationResult or RegressionResult
    others : dict of str to EvaluationResult or RegressionResult
        On the same recordings.
    score : str, default=None
        One of those of the results' method `scores`, for the difference and Wilcoxon's
        test. None is the first, UA of classes and CCC of numbers. McNemar's is about
        WA, and for classes only.
    difference : float, default=0.05
        The difference that would matter, for `speakers_needed`: 0.05 is 5 points. None
        leaves that column out, which saves a second or two.
    random_state : int, default=0
        Determines the draws of the bootstrap.

    Returns
    -------
    comparison : Comparison
        Its `rows` have the keys "system", "difference" (reference minus other), "low",
        "high", "speakers to find 0.05" (how many it would take to find the difference
        that matters with a power of 80 %, by :func:`speakers_needed`; with fewer, a
        large p-value says nothing), and the p-values "bootstrap p", "Wilcoxon p" and,
        of classes, "McNemar p", each followed by its Holm adjustment over all systems.
        `to_frame` and `to_markdown` show them.
    """
    if not others:
        raise ValueError("others must have at least one result to compare with.")
    rows, p_values = [], []
    for name, other in others.items():
        found = paired_difference(
            reference, other, score=score, random_state=random_state
        )
        value, low, high = found.interval
        rows.append({"system": name, "difference": value, "low": low, "high": high})
        if difference is not None:
            needed = speakers_needed(
                reference,
                other,
                difference=difference,
                score=score,
                random_state=random_state,
            )
            title = f"speakers to find {difference:g}"
            rows[-1][title] = needed.n_speakers
        tests = {
            "bootstrap p": found.p_value,
            "Wilcoxon p": wilcoxon_test(reference, other, score=score),
        }
        if reference.is_classification:
            tests["McNemar p"] = mcnemar_test(reference, other).p_value
        p_values.append(tests)
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
