r"""The scores of numbers (CCC, PCC, RMSE, MAE), as functions of ratios of sums.

Each is computed from means over predictions, such as that of the product of true and
predicted, so that the bootstrap over speakers of ``_bootstrap.py`` serves them, too.
The values are those of SciPy, scikit-learn and :mod:`skser.metrics`, which the tests
show.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from skser.model_selection._bootstrap import Counts
from skser.model_selection._measures import BaseTally, Measure

# Stands among the targets for the mean of their scores.
MEAN = "mean"


@dataclass(kw_only=True)
class NumberTally(BaseTally):
    """Predictions of numbers.

    Attributes
    ----------
    true, predicted : ndarray of float of shape (n_predictions, n_targets)
    """

    def of_target(self, number):
        """Return the predictions of one target."""
        which = slice(number, number + 1)
        return type(self)(
            true=self.true[:, which],
            predicted=self.predicted[:, which],
            units=self.units,
            n_units=self.n_units,
        )

    @cached_property
    def moments(self):
        """What is averaged of each target, by name; each (n_predictions, n_targets).

        True and predicted values are centred, lest squares of large values hide
        small variances; no score depends on where they are centred.
        """
        true, predicted = (x - x.mean(axis=0) for x in (self.true, self.predicted))
        difference = self.predicted - self.true
        return {
            "true": true,
            "predicted": predicted,
            "true squared": true**2,
            "predicted squared": predicted**2,
            "product": true * predicted,
            "difference": difference,
            "difference squared": difference**2,
            "absolute difference": np.abs(difference),
        }


def _count_means(tally, names):
    """Return sums of moments over numbers of predictions, target by target."""
    n_targets = tally.true.shape[1]
    columns = [tally.moments[name][:, k] for k in range(n_targets) for name in names]
    return Counts(tally.sum(*columns), np.repeat(tally.n, len(columns), axis=1))


def _by_target(score, n_moments):
    """Return the mean of a score over targets as a function of ratios and slopes.

    `score` takes arrays of shape (n_draws, n_targets), one for each moment, and returns
    values and slopes of that shape.
    """

    def combine(ratios, occurs):
        parts = ratios.reshape(len(ratios), -1, n_moments)
        with np.errstate(invalid="ignore", divide="ignore"):
            values, slopes = score(*np.moveaxis(parts, 2, 0))
        values = np.where(occurs.reshape(parts.shape)[:, :, 0], values, np.nan)
        slopes = np.stack(np.broadcast_arrays(*slopes), axis=2) / parts.shape[1]
        slopes = np.nan_to_num(slopes, posinf=0, neginf=0)
        return values.mean(axis=1), slopes.reshape(len(ratios), -1)

    return combine


def _measure(score, moments, **options):
    """Return the measure of a score of some of the moments."""
    sums = partial(_count_means, names=moments)
    return Measure(sums, _by_target(score, len(moments)), **options)


def _find_spread(x, y, xx, yy, xy):
    """Return variances and covariance; rounding makes no negative variance."""
    return np.maximum(xx - x**2, 0), np.maximum(yy - y**2, 0), xy - x * y


def _concordance(x, y, xx, yy, xy, difference):
    var_x, var_y, covariance = _find_spread(x, y, xx, yy, xy)
    spread = var_x + var_y + difference**2
    # Values that are all the same, rightly predicted, agree.
    value = np.where(spread > 0, 2 * covariance / spread, 1)
    return value, (
        (-2 * y + 2 * x * value) / spread,
        (-2 * x + 2 * y * value) / spread,
        -value / spread,
        -value / spread,
        2 / spread,
        -2 * difference * value / spread,
    )


def _correlation(x, y, xx, yy, xy):
    var_x, var_y, covariance = _find_spread(x, y, xx, yy, xy)
    root = np.sqrt(var_x * var_y)
    # A constant, up to rounding, is correlated with nothing.
    is_constant = (var_x <= _TINY * xx) | (var_y <= _TINY * yy)
    value = np.where(is_constant, 0, covariance / root)
    root[is_constant] = np.nan
    of_x, of_y = -value / (2 * var_x), -value / (2 * var_y)
    return np.clip(value, -1, 1), (
        -y / root - 2 * x * of_x,
        -x / root - 2 * y * of_y,
        of_x,
        of_y,
        1 / root,
    )


def _root(mean_square):
    value = np.sqrt(mean_square)
    return value, (1 / (2 * value),)


def _mean(value):
    return value, (np.ones_like(value),)


# Of a mean of squares, what rounding makes.
_TINY = 1e-14
_SPREAD = ("true", "predicted", "true squared", "predicted squared", "product")

REGRESSION_MEASURES = {
    "CCC": _measure(_concordance, (*_SPREAD, "difference"), bounds=(-1, 1), n_least=2),
    "PCC": _measure(_correlation, _SPREAD, bounds=(-1, 1), n_least=2),
    "RMSE": _measure(
        _root, ("difference squared",), bounds=(0, np.inf), is_better_high=False
    ),
    "MAE": _measure(
        _mean, ("absolute difference",), bounds=(0, np.inf), is_better_high=False
    ),
}
