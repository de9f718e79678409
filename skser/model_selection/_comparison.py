"""Is one system better than another: tests on the same recordings and speakers."""

from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest, wilcoxon

from skser.model_selection._intervals import Interval, bootstrap_speakers
from skser.model_selection._result import import_pandas, markdown_table


class McNemar(NamedTuple):
    """How often only one of two systems is right, and how surprising that is."""

    only_first: int
    only_second: int
    p_value: float


class Difference(NamedTuple):
    """The difference of two pooled scores."""

    interval: Interval
    p_value: float


def mcnemar_test(first, second, *, run=0):
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
    _check_same_recordings(first, second)
    is_right = [_right_by_file(result, run) for result in (first, second)]
    if is_right[0].keys() != is_right[1].keys():
        raise ValueError("The two results tested different recordings of the corpus.")
    pairs = [(is_right[0][file], is_right[1][file]) for file in is_right[0]]
    only_first = sum(one and not other for one, other in pairs)
    only_second = sum(other and not one for one, other in pairs)
    n_discordant = only_first + only_second
    p_value = binomtest(only_first, n_discordant).pvalue if n_discordant else 1.0
    return McNemar(only_first, only_second, float(p_value))


def _right_by_file(result, run):
    """Tell for each recording whether its one prediction is right."""
    if not 0 <= run < len(result.seeds):
        raise ValueError(f"run={run}, but there are only {len(result.seeds)} seeds.")
    recordings = result.recordings[result.runs == run]
    if len(set(recordings.tolist())) < len(recordings):
        raise ValueError(
            "McNemar's test needs one prediction per recording, but some recordings "
            "were tested in several folds."
        )
    right = result.predicted[result.runs == run] == result.true[recordings]
    files = [result.files[i] for i in recordings]
    return dict(zip(files, right.tolist(), strict=True))


def _check_same_recordings(first, second):
    """Refuse results that are not about the same files with the same labels."""
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


def wilcoxon_test(first, second, *, score="UA"):
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
    _check_same_recordings(first, second)
    scores = [
        {row["speaker"]: row[score] for row in result.scores_by("speaker")}
        for result in (first, second)
    ]
    _check_same_speakers(*scores)
    # Rounding would hide ties, such as 0.8 - 0.7 and 0.3 - 0.2.
    differences = np.round(
        [scores[0][name] - scores[1][name] for name in scores[0]], 12
    )
    if not differences.any():
        return 1.0
    return float(wilcoxon(differences).pvalue)


def _check_same_speakers(first, second):
    """Refuse results whose tested speakers differ."""
    if set(first) != set(second):
        raise ValueError(
            "Two results can only be compared over the same speakers, but only one of "
            f"them tested {sorted(set(first) ^ set(second))}."
        )


def paired_difference(
    first, second, *, score="UA", level=0.95, n_resamples=4999, random_state=0
):
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
    _check_same_recordings(first, second)
    speakers, counts = first.speaker_counts(score)
    other_speakers, other_counts = second.speaker_counts(score)
    _check_same_speakers(speakers, other_speakers)
    # The order of the classes does not matter to the sum over them.
    bootstrap = bootstrap_speakers(
        counts, other_counts, n_resamples=n_resamples, random_state=random_state
    )
    return Difference(bootstrap.interval(level, (-1, 1)), bootstrap.p_value())


def holm_adjust(p_values):
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


def compare(reference, others, *, score="UA", random_state=0):
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
