r"""The scores of a result, each as a function of ratios of sums over predictions.

A measure says what is summed over the predictions of a speaker (counts of right
answers, losses) and how the score follows from the ratios of these sums. So one
bootstrap over speakers serves all of them, and so do the baselines: a system that
guesses is a table of predictions like any other. The values are those of
scikit-learn's functions, which the tests show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np

from skser.metrics import (
    find_bins,
    jensen_shannon_divergences,
    soft_cross_entropies,
)
from skser.model_selection._bootstrap import (
    Counts,
    bootstrap_speakers,
    lower_by_chance,
    mean_ratio,
)

# Bins of the calibration error and, unless told otherwise, of reliability diagrams.
N_BINS = 10


@dataclass(kw_only=True)
class BaseTally:
    """Predictions, and whose they are; what is counted of them is kept.

    Attributes
    ----------
    true, predicted : ndarray of shape (n_predictions, ...)
    units : ndarray of int of shape (n_predictions,)
        The speaker, or another unit whose predictions are summed.
    n_units : int
    """

    true: np.ndarray
    predicted: np.ndarray
    units: np.ndarray
    n_units: int

    # What there is of each prediction.
    per_prediction: ClassVar[tuple] = ("true", "predicted", "units")

    def sum(self, *columns):
        """Return sums over the predictions of each unit: (n_units, n_columns)."""
        parts = [np.bincount(self.units, c, self.n_units) for c in columns]
        return np.stack(parts, axis=1).astype(float)

    @cached_property
    def n(self):
        """The number of predictions of each unit, of shape (n_units, 1)."""
        return self.sum(np.ones(len(self.true)))

    def take(self, which):
        """Return some of the predictions; the units stay."""
        arrays = {name: getattr(self, name) for name in self.per_prediction}
        kept = {name: v[which] for name, v in arrays.items() if v is not None}
        return replace(self, **kept)

    def only(self, which):
        """Return some of the predictions, and no units but theirs."""
        taken = self.take(which)
        names, units = np.unique(taken.units, return_inverse=True)
        return replace(taken, units=units, n_units=len(names))

    def pool(self):
        """Return the same predictions as those of one unit."""
        return replace(self, units=np.zeros(len(self.true), dtype=int), n_units=1)


@dataclass(kw_only=True)
class Tally(BaseTally):
    """Predictions of classes.

    Attributes
    ----------
    true, predicted : ndarray of int of shape (n_predictions,)
        Classes as indices; `n_classes` is predicted where there is no answer.
    posteriors : ndarray of shape (n_predictions, n_classes) or None
    n_classes : int
    soft : ndarray of shape (n_predictions, n_classes) or None
        True distributions over the classes.
    """

    posteriors: np.ndarray | None
    n_classes: int
    soft: np.ndarray | None = None

    per_prediction: ClassVar[tuple] = (*BaseTally.per_prediction, "posteriors", "soft")

    @cached_property
    def matrices(self):
        """The confusion matrix of each unit: true, predicted, of which none is last."""
        shape = (self.n_units, self.n_classes, self.n_classes + 1)
        cells = np.ravel_multi_index((self.units, self.true, self.predicted), shape)
        return np.bincount(cells, minlength=np.prod(shape)).reshape(shape).astype(float)

    @cached_property
    def margins(self):
        """What is right, true and predicted of each class: (n_units, n_classes)."""
        right = np.diagonal(self.matrices, axis1=1, axis2=2)
        return right, self.matrices.sum(axis=2), self.matrices[:, :, :-1].sum(axis=1)

    @property
    def is_right(self):
        """Whether each prediction is."""
        return self.true == self.predicted

    @property
    def confidence(self):
        """The posterior of each prediction, 0 of none."""
        padded = np.pad(self.posteriors, ((0, 0), (0, 1)))
        return padded[np.arange(len(self.predicted)), self.predicted]


def guess(tally):
    """Return what guessing does: each class equally often, whatever is heard.

    Every recording is predicted once as each class that occurs, with equal posteriors.

    Parameters
    ----------
    tally : Tally

    Returns
    -------
    tally : Tally
    """
    classes = np.unique(tally.true)
    n, k = len(tally.true), len(classes)
    posteriors = np.zeros(tally.n_classes)
    posteriors[classes] = 1 / k
    return Tally(
        true=np.repeat(tally.true, k),
        predicted=np.tile(classes, n),
        posteriors=np.tile(posteriors, (n * k, 1)),
        units=np.zeros(n * k, dtype=int),
        n_units=1,
        n_classes=tally.n_classes,
        soft=None if tally.soft is None else np.repeat(tally.soft, k, axis=0),
    )


def follow_majority(tally):
    """Return what predicting the most frequent class does; posteriors are shares.

    As ``DummyClassifier(strategy="prior")`` does that was fitted on the same labels.

    Parameters
    ----------
    tally : Tally

    Returns
    -------
    tally : Tally
    """
    counts = np.bincount(tally.true, minlength=tally.n_classes)
    n = len(tally.true)
    return replace(
        tally.pool(),
        predicted=np.full(n, counts.argmax()),
        posteriors=np.tile(counts / n, (n, 1)),
    )


# What is summed, and over what


def _count_recalls(tally, label=slice(None)):
    right, true, _ = tally.margins
    return Counts(right[:, label], true[:, label])


def _count_precisions(tally, label=slice(None)):
    right, _, predicted = tally.margins
    return Counts(right[:, label], predicted[:, label])


def _count_f1(tally, label=slice(None)):
    right, true, predicted = tally.margins
    return Counts(2 * right[:, label], true[:, label] + predicted[:, label])


def _count_right(tally):
    return Counts(tally.margins[0].sum(axis=1, keepdims=True), tally.n)


def count_accuracy(tally, which):
    """Return right predictions and all among some of them.

    Parameters
    ----------
    tally : Tally
    which : ndarray of bool of shape (n_predictions,)

    Returns
    -------
    counts : Counts
    """
    return Counts(tally.sum(which & tally.is_right), tally.sum(which))


def _count_macro_precision(tally):
    right, true, predicted = tally.margins
    occurring = Counts(true + predicted, np.repeat(tally.n, tally.n_classes, axis=1))
    pairs = zip(Counts(right, predicted), occurring, strict=True)
    return Counts(*(np.hstack(pair) for pair in pairs))


def _count_agreement(tally):
    parts = np.hstack([_count_right(tally).correct, *tally.margins[1:]])
    return Counts(parts, np.repeat(tally.n, parts.shape[1], axis=1))


def _count_log_losses(tally):
    posteriors = tally.posteriors[np.arange(len(tally.true)), tally.true]
    # As scikit-learn does, so that one wrong certainty is not infinitely bad.
    tiny = np.finfo(posteriors.dtype).eps
    return Counts(tally.sum(-np.log(np.clip(posteriors, tiny, 1 - tiny))), tally.n)


def _count_squares(tally):
    truth = np.eye(tally.n_classes)[tally.true]
    squares = ((truth - tally.posteriors) ** 2).sum(axis=1)
    # Of two classes the sum has everything twice; scikit-learn halves it, too.
    scale = 0.5 if tally.n_classes < 3 else 1
    return Counts(tally.sum(scale * squares), tally.n)


def _count_soft_losses(tally):
    losses = soft_cross_entropies(tally.soft, tally.posteriors)
    return Counts(tally.sum(losses), tally.n)


def _count_divergences(tally):
    rows = jensen_shannon_divergences(tally.soft, tally.posteriors)
    return Counts(tally.sum(rows), tally.n)


def _count_overconfidence(tally):
    return Counts(tally.sum(tally.confidence - tally.is_right), tally.n)


def count_bins(tally, bins, n_bins):
    """Return confidence minus accuracy of each bin, over the number of predictions.

    Parameters
    ----------
    tally : Tally
    bins : ndarray of int of shape (n_predictions,)
    n_bins : int

    Returns
    -------
    counts : Counts
    """
    excess = tally.confidence - tally.is_right
    sums = tally.sum(*(np.where(bins == i, excess, 0) for i in range(n_bins)))
    return Counts(sums, np.repeat(tally.n, n_bins, axis=1))


def _count_calibration_errors(tally):
    bins = find_bins(tally.confidence, N_BINS, "quantile")
    return count_bins(tally, bins, N_BINS)


# How the score follows


def _mean_occurring(ratios, occurs):
    """Return the mean over classes that are true or predicted, where precision is 0."""
    n_classes = ratios.shape[1] // 2
    n_present = (ratios[:, n_classes:] > 0).sum(axis=1)
    slopes = np.zeros_like(ratios)
    slopes[:, :n_classes] = 1 / n_present[:, np.newaxis]
    return ratios[:, :n_classes].sum(axis=1) / n_present, slopes


def _correct_for_chance(ratios, occurs):
    """Return kappa: of right answers, and shares of the classes true and predicted."""
    right, shares = ratios[:, 0], ratios[:, 1:]
    true, predicted = np.split(shares, 2, axis=1)
    # NaN where only one class occurs: nobody could do better than chance.
    left = 1 - (true * predicted).sum(axis=1)
    left = np.where(left > 0, left, np.nan)
    by_chance = ((right - 1) / left**2)[:, np.newaxis]
    slopes = np.hstack(
        [1 / left[:, np.newaxis], by_chance * predicted, by_chance * true]
    )
    return 1 - (1 - right) / left, np.nan_to_num(slopes)


def _sum_absolute(ratios, occurs):
    """Return the sum of the absolute values."""
    return np.abs(ratios).sum(axis=1), np.sign(ratios)


class Measure(NamedTuple):
    """A score: what is summed, how it follows, and between which bounds it lies."""

    sums: Callable[..., Counts]
    combine: Callable = mean_ratio
    bounds: tuple = (0, 1)
    needs_posteriors: bool = False
    needs_soft_labels: bool = False
    is_better_high: bool = True
    # Never negative, so that noise enlarges it.
    is_distance: bool = False
    # Of fewer predictions it is not defined.
    n_least: int = 1

    def by_unit(self, tally, **options):
        """Return the score of each unit, NaN of one without what counts."""
        return self.of_counts(self.sums(tally, **options))

    def of_counts(self, counts):
        """Return the score of each unit, of what was counted."""
        correct, total = counts
        occurs = total >= self.n_least
        ratios = np.divide(correct, total, out=np.zeros_like(correct), where=occurs)
        return self.combine(ratios, occurs)[0]

    def value(self, tally, **options):
        """Return the score of all predictions."""
        return float(self.by_unit(tally.pool(), **options)[0])

    def interval(
        self, tally, level=0.95, *, n_resamples=4999, random_state=0, **options
    ):
        """Return the score with its interval over the units, which are speakers."""
        counts = self.sums(tally, **options)
        draws = {"n_resamples": n_resamples, "random_state": random_state}
        bootstrap = bootstrap_speakers(counts, combine=self.combine, **draws)
        interval = bootstrap.interval(level, self.bounds)
        if not self.is_distance or bootstrap.error == 0:
            return interval
        return lower_by_chance(interval, counts, self.combine, level, **draws)


MEASURES = {
    "UA": Measure(_count_recalls),
    "WA": Measure(_count_right),
    "macro F1": Measure(_count_f1),
    "macro precision": Measure(_count_macro_precision, _mean_occurring),
    "Cohen's kappa": Measure(_count_agreement, _correct_for_chance, (-1, 1)),
    "log loss": Measure(
        _count_log_losses,
        bounds=(0, np.inf),
        needs_posteriors=True,
        is_better_high=False,
    ),
    "Brier score": Measure(
        _count_squares, bounds=(0, 2), needs_posteriors=True, is_better_high=False
    ),
    "ECE": Measure(
        _count_calibration_errors,
        _sum_absolute,
        needs_posteriors=True,
        is_better_high=False,
        is_distance=True,
    ),
    "overconfidence": Measure(
        _count_overconfidence,
        bounds=(-1, 1),
        needs_posteriors=True,
        is_better_high=False,
    ),
    "soft cross-entropy": Measure(
        _count_soft_losses,
        bounds=(0, np.inf),
        needs_posteriors=True,
        needs_soft_labels=True,
        is_better_high=False,
    ),
    "Jensen-Shannon divergence": Measure(
        _count_divergences,
        needs_posteriors=True,
        needs_soft_labels=True,
        is_better_high=False,
    ),
}
# Of one class.
CLASS_MEASURES = {
    "recall": Measure(_count_recalls),
    "precision": Measure(_count_precisions),
    "F1": Measure(_count_f1),
}
