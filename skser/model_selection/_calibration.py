"""How sure a system may be: bins of confidence, and accuracy over coverage."""

from __future__ import annotations

from typing import Any

import numpy as np

from skser.metrics import find_bins
from skser.model_selection._measures import MEASURES, Measure, count_accuracy

# Of some of the predictions.
ACCURACY = Measure(count_accuracy)


def bounds_over_units(measure, tally, **options):
    """Return the bounds of the 95 % interval, or None twice if units are too few.

    Parameters
    ----------
    measure : Measure
    tally : Tally

    Returns
    -------
    low, high : float or None
    """
    if tally.n_units < 3:
        return None, None
    _, low, high = measure.interval(tally, **options)
    return (None, None) if np.isnan(low) else (low, high)


def describe_bins(tally, n_bins, strategy) -> list[dict[str, Any]]:
    """Return confidence and accuracy of each bin that is not empty.

    Parameters
    ----------
    tally : Tally
        With posteriors.
    n_bins : int
    strategy : {"quantile", "uniform"}

    Returns
    -------
    rows : list of dict
    """
    confidence = tally.confidence
    bins = find_bins(confidence, n_bins, strategy)
    rows = []
    for number in np.unique(bins):
        is_inside = bins == number
        low, high = bounds_over_units(ACCURACY, tally, which=is_inside)
        rows.append(
            {
                "from": float(confidence[is_inside].min()),
                "to": float(confidence[is_inside].max()),
                "n": int(is_inside.sum()),
                "confidence": float(confidence[is_inside].mean()),
                "accuracy": float(tally.is_right[is_inside].mean()),
                "low": low,
                "high": high,
            }
        )
    return rows


def describe_coverage(tally, coverages) -> list[dict[str, Any]]:
    """Return the accuracy of the most confident predictions.

    Parameters
    ----------
    tally : Tally
        With posteriors.
    coverages : array-like of float
        Shares of the predictions, above 0 and up to 1.

    Returns
    -------
    rows : list of dict
    """
    coverages = np.atleast_1d(np.asarray(coverages, dtype=float))
    if not ((coverages > 0) & (coverages <= 1)).all():
        raise ValueError(
            "coverages must be shares of the predictions, above 0 and up to 1, got "
            f"{coverages.tolist()}."
        )
    confidence = tally.confidence
    falling = np.sort(confidence)[::-1]
    # 0.07 * 100 is a little more than 7.
    n_wanted = np.ceil(np.round(coverages * len(falling), 9)).astype(int)
    rows = []
    # Equal confidences are answered together.
    for threshold in dict.fromkeys(falling[n_wanted - 1].tolist()):
        is_answered = confidence >= threshold
        low, high = bounds_over_units(ACCURACY, tally, which=is_answered)
        rows.append(
            {
                "coverage": float(is_answered.mean()),
                "threshold": threshold,
                "n": int(is_answered.sum()),
                "accuracy": float(tally.is_right[is_answered].mean()),
                "UA": MEASURES["UA"].value(tally.take(is_answered)),
                "low": low,
                "high": high,
            }
        )
    return rows
