"""For whom a system works: scores of groups of recordings, and the gap between them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from skser.model_selection._bootstrap import Counts
from skser.model_selection._calibration import bounds_over_units
from skser.model_selection._measures import Measure

# A group of fewer speakers or predictions is small: little is known about it.
MIN_SPEAKERS = 5
MIN_PREDICTIONS = 30


class Gap(NamedTuple):
    """How much better the best group is than the worst, and the interval of that."""

    best: Any
    worst: Any
    estimate: float
    low: float | None
    high: float | None


def order_names(names):
    """Return different names in the order of tables: numbers by size, None last.

    Parameters
    ----------
    names : iterable

    Returns
    -------
    names : list
    """
    different = list(dict.fromkeys(names))
    try:
        return sorted(different)
    except TypeError:
        return sorted(different, key=lambda name: (name is None, str(name)))


def describe_groups(tally, names, has_speakers, measures) -> list[dict[str, Any]]:
    """Return the scores of each group, with intervals over its own speakers.

    Parameters
    ----------
    tally : BaseTally
        Whose units are speakers.
    names : sequence of length n_predictions
        The group of each prediction.
    has_speakers : bool
    measures : dict of str to Measure
        The scores; of the first there is an interval.

    Returns
    -------
    rows : list of dict
        "group", "speakers", "n", the first score, "low", "high", the other scores
        and "small". None stands for a score that is not defined.
    """
    rows = []
    for name in order_names(names):
        group = tally.only(np.array([other == name for other in names]))
        row = {"group": name, "speakers": group.n_units if has_speakers else None}
        row["n"] = len(group.true)
        for number, (score, measure) in enumerate(measures.items()):
            value = measure.value(group)
            row[score] = None if np.isnan(value) else value
            if number == 0:
                # Without speakers there is one unit, and no interval.
                row["low"], row["high"] = bounds_over_units(measure, group)
        is_small = has_speakers and group.n_units < MIN_SPEAKERS
        row["small"] = is_small or len(group.true) < MIN_PREDICTIONS
        rows.append(row)
    return rows


def find_gap(tally, names, groups, measure, **options) -> Gap:
    """Return the range of the scores of groups, with its interval over speakers.

    Parameters
    ----------
    tally : BaseTally
        Whose units are speakers.
    names : sequence of length n_predictions
        The group of each prediction.
    groups : list
        Those that are compared, two or more.
    measure : Measure
        Of the score.
    **options : dict
        As of :meth:`Measure.interval`.

    Returns
    -------
    gap : Gap
        `best` has the highest score, or the lowest loss.
    """
    masks = [np.array([other == group for other in names]) for group in groups]
    kept = np.any(masks, axis=0)
    chosen = tally.only(kept)
    parts = [chosen.take(mask[kept]) for mask in masks]
    values = np.array([measure.value(part) for part in parts])
    order = np.argsort(-values if measure.is_better_high else values)

    def count(_):
        counts = [measure.sums(part) for part in parts]
        return Counts(*(np.hstack(sums) for sums in zip(*counts, strict=True)))

    def combine(ratios, occurs):
        shape = (len(ratios) * len(parts), -1)
        scores, slopes = measure.combine(ratios.reshape(shape), occurs.reshape(shape))
        scores = scores.reshape(len(ratios), len(parts))
        # NaN would be the largest.
        is_missing = np.isnan(scores).any(axis=1)
        best, worst = scores.argmax(axis=1), scores.argmin(axis=1)
        rows = np.arange(len(ratios))
        signs = np.zeros(scores.shape)
        signs[rows, best] += 1
        signs[rows, worst] -= 1
        slopes = slopes.reshape(*scores.shape, -1) * signs[:, :, np.newaxis]
        ranges = scores[rows, best] - scores[rows, worst]
        return np.where(is_missing, np.nan, ranges), slopes.reshape(len(ratios), -1)

    width = measure.bounds[1] - measure.bounds[0]
    distance = Measure(count, combine, bounds=(0, width), is_distance=True)
    low, high = bounds_over_units(distance, chosen, **options)
    estimate = float(values.max() - values.min())
    return Gap(groups[order[0]], groups[order[-1]], estimate, low, high)
