"""Under which conditions a system works: what each of them costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from skser.model_selection._statistics import Comparison, paired_difference

if TYPE_CHECKING:
    from skser.model_selection._base_result import BaseResult


def compare_conditions(
    results: Mapping[str, BaseResult],
    *,
    reference: str = "clean",
    score: str | None = None,
    random_state: int = 0,
) -> Comparison:
    """Return what each condition costs, with intervals of the paired difference.

    Parameters
    ----------
    results : dict of str to EvaluationResult or RegressionResult
        By condition, on the same recordings, as :func:`evaluate_under` returns them.
    reference : str, default="clean"
        The condition that others are compared with.
    score : str, default=None
        One of those of the results' method `scores`. None is the first, UA of classes
        and CCC of numbers.
    random_state : int, default=0
        Determines the draws of the bootstrap.

    Returns
    -------
    comparison : Comparison
        Its `rows` have the keys "condition", the name of the score, the bounds "low"
        and "high" of its 95 % interval over speakers, and "lost" (how much worse than
        `reference`) with "lost low" and "lost high". `to_frame` and `to_markdown` show
        them. Bounds are None with fewer than three speakers.

    Raises
    ------
    ValueError
        If there is no such reference, or results are not of the same recordings.

    See Also
    --------
    evaluate_under : Makes the results.
    skser.plotting.ScoreDisplay : The same as a picture.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skser.model_selection import compare_conditions, evaluate_under
    >>> rng = np.random.default_rng(0)
    >>> emotions = np.tile(["anger", "sadness"], 20)
    >>> signals = rng.normal(size=(40, 1100)) + 2 * (emotions == "anger")[:, None]
    >>> results = evaluate_under(
    ...     LogisticRegression(), signals, emotions, groups=np.repeat(list("abcd"), 10),
    ...     perturbations={"upside down": lambda signal, sample_rate: -signal})
    >>> for row in compare_conditions(results).rows:
    ...     print(f"{row['condition']:12} {row['UA']:.2f} {row['lost']:.2f}")
    clean        1.00 0.00
    upside down  0.50 0.50
    """
    if reference not in results:
        raise ValueError(
            f"reference must be one of the conditions {list(results)}, got "
            f"{reference!r}."
        )
    rows: list[dict[str, Any]] = []
    first = results[reference]
    score = score or first.headline
    sign = 1 if first.find_measure(score).is_better_high else -1
    for name, result in results.items():
        value = result.score(score)
        lost = sign * (first.score(score) - value)
        row = {"condition": name, score: value, "low": None, "high": None}
        row |= {"lost": lost, "lost low": None, "lost high": None}
        if result.has_intervals:
            _, row["low"], row["high"] = result.confidence_interval(
                score, random_state=random_state
            )
            _, low, high = paired_difference(
                first, result, score=score, random_state=random_state
            ).interval
            row["lost low"], row["lost high"] = sorted((sign * low, sign * high))
        rows.append(row)
    return Comparison(rows)
