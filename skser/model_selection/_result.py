"""The result of an evaluation of classes: scores, calibration, groups, report."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from skser.model_selection._base_result import BaseResult, defined
from skser.model_selection._bootstrap import Interval
from skser.model_selection._calibration import (
    bounds_over_units,
    describe_bins,
    describe_coverage,
)
from skser.model_selection._measures import (
    CLASS_MEASURES,
    MEASURES,
    N_BINS,
    Measure,
    Tally,
    follow_majority,
    guess,
)
from skser.model_selection._regression_result import RegressionResult
from skser.storage import read_archive

# Stands among the labels where a system refused to answer.
NO_ANSWER = "no answer"
_COVERAGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(eq=False)
class EvaluationResult(BaseResult):
    """Every prediction of an evaluation, and the figures that follow from them.

    :func:`evaluate` makes it, :func:`load_result` reads it back.

    Parameters
    ----------
    labels : list
        The classes, in the order of all tables; with "no answer" at the end if the
        system has refused to answer, as :class:`~skser.ensembles.RejectOption` does.
        That counts as wrong in UA and WA, and is no class of which there are scores.
    files : list of str
        Name of each recording of the corpus.
    speakers : list or None
        Speaker of each recording, if known.
    true : ndarray of int of shape (n_recordings,)
        Class of each recording, as an index into `labels`.
    recordings, folds, runs, predicted : ndarray of int of shape (n_predictions,)
        Of each prediction: the recording, the fold that it was tested in, the index of
        its seed, and the predicted class.
    posteriors : ndarray of shape (n_predictions, n_classes) or None
        Posterior probabilities of the `classes`; None if the system has none. A class
        that did not occur in training has 0.
    seeds : list of int or None
        The seed of each run. None stands for the pipeline's own.
    protocol : dict
        How the figures came about: "splitter", "n_folds", "speaker_independent",
        "shared" (in how many folds two sides have "speakers", "sentences" and
        "recordings" in common, as far as known), "pipeline", "versions"; and "test",
        the perturbation of test recordings, if there was one.
    columns : dict of str to list, default={}
        What else is known of each recording, such as "sex" or "text_id", by the name
        of the column. :func:`evaluate` takes them from the corpus; add your own by
        ``result.columns["age band"] = [...]``.
    soft_labels : ndarray of shape (n_recordings, n_classes) or None, default=None
        The distribution of each recording over the `classes`, where they are known:
        `true` is the most likely one.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.model_selection import EvaluationResult
    >>> result = EvaluationResult(
    ...     labels=["anger", "sadness"], files=["a1", "a2", "b1", "b2"],
    ...     speakers=["a", "a", "b", "b"], true=np.array([0, 0, 0, 1]),
    ...     recordings=np.arange(4), folds=np.array([0, 0, 1, 1]),
    ...     runs=np.zeros(4, int), predicted=np.array([0, 1, 0, 1]),
    ...     posteriors=None, seeds=[None], protocol={})
    >>> round(result.ua, 3), result.wa
    (0.833, 0.75)
    >>> result.confusion_matrix()
    array([[2, 1],
           [0, 1]])
    >>> result.scores_by("speaker")[0]
    {'speaker': 'a', 'n': 2, 'UA': 0.5, 'WA': 0.5}
    """

    labels: list
    files: list
    speakers: list | None
    true: np.ndarray
    recordings: np.ndarray
    folds: np.ndarray
    runs: np.ndarray
    predicted: np.ndarray
    posteriors: np.ndarray | None
    seeds: list
    protocol: dict
    columns: dict = field(default_factory=dict)
    soft_labels: np.ndarray | None = None

    is_classification: ClassVar[bool] = True
    measures: ClassVar[Mapping[str, Measure]] = MEASURES
    summarised: ClassVar[tuple[str, ...]] = ("UA", "WA", "macro precision")
    detailed: ClassVar[tuple[str, ...]] = ("UA", "WA")
    format: ClassVar[str] = "skser evaluation"
    metadata: ClassVar[tuple[str, ...]] = (
        "labels",
        "files",
        "speakers",
        "seeds",
        "protocol",
    )
    arrays: ClassVar[tuple[str, ...]] = (
        "true",
        "recordings",
        "folds",
        "runs",
        "predicted",
        "posteriors",
        "soft_labels",
    )
    indices: ClassVar[Mapping[str, str | None]] = MappingProxyType(
        {
            "summary": "score",
            "scores": "score",
            "classes": "class",
            "confusion": "true",
            "predictions": None,
            "calibration": None,
            "coverage": None,
        }
    )
    note: ClassVar[str] = (
        "low, high: 95 % studentised bootstrap interval over speakers. mean and sd: of "
        "the scores of single speakers and single seeds. chance: each class guessed "
        "equally often; majority: always the most frequent one."
    )

    def __repr__(self):
        chance = MEASURES["UA"].value(guess(self._tally()))
        return (
            f"<EvaluationResult: {len(self.predicted)} predictions of "
            f"{len(self.files)} recordings, pooled UA {self.ua:.3f} (chance "
            f"{chance:.3f}), WA {self.wa:.3f}>"
        )

    @property
    def classes(self) -> list:
        """The `labels` that are classes."""
        has_refused = self.labels[-1] == NO_ANSWER
        return self.labels[:-1] if has_refused else self.labels

    @property
    def ua(self) -> float:
        """Pooled unweighted accuracy, the mean recall over the classes."""
        return self.score("UA")

    @property
    def wa(self) -> float:
        """Pooled weighted accuracy, the share of correct predictions."""
        return self.score("WA")

    @property
    def macro_precision(self) -> float:
        r"""Pooled macro average precision, by which the MEC challenges rank.

        .. math:: \frac{1}{|C|} \sum_{c \in C} \frac{|\{i : y_i = \hat y_i = c\}|}
            {|\{i : \hat y_i = c\}|}

        A class that is never predicted counts 0. It equals
        ``sklearn.metrics.precision_score(average="macro", zero_division=0)`` and has
        nothing to do with the area under a precision-recall curve.
        """
        return self.score("macro precision")

    def score(self, name: str = "UA", *, label: object = None) -> float:
        """Return a score of all predictions.

        Parameters
        ----------
        name : str, default="UA"
            One of those of :meth:`scores`, or "recall", "precision" or "F1" of a class.
        label : object, default=None
            The class, for the latter three.

        Returns
        -------
        score : float
            NaN if nothing was predicted, or a class never was.

        Raises
        ------
        ValueError
            If there is no such score or label, or it needs posteriors and there are
            none.
        """
        measure, options = self._find_measure(name, label)
        return measure.value(self._tally(), **options)

    def find_measure(self, name: str) -> Measure:
        """Return how a score is computed.

        Parameters
        ----------
        name : str
            One of those of :meth:`scores`.

        Returns
        -------
        measure : Measure

        Raises
        ------
        ValueError
            If there is no such score, or it needs posteriors or soft labels and there
            are none.
        """
        measure = super().find_measure(name)
        if measure.needs_posteriors:
            self._check_posteriors(name)
        if measure.needs_soft_labels and self.soft_labels is None:
            raise ValueError(
                f"{name} needs soft labels: pass y to evaluate as distributions, such "
                "as those of skser.annotations.label_distributions."
            )
        return measure

    def _find_measure(self, name, label=None):
        """Return a measure and what it is to be told, or say what is wrong."""
        if name in CLASS_MEASURES:
            if label not in self.classes:
                raise ValueError(
                    f"The {name} is that of a class: label must be one of "
                    f"{self.classes}, got {label!r}."
                )
            # As a slice, so that the ratios stay a table.
            number = self.classes.index(label)
            return CLASS_MEASURES[name], {"label": slice(number, number + 1)}
        if label is not None and name in MEASURES:
            raise ValueError(
                f"{name} is that of all classes, got label={label!r}. Of one class "
                f"there are {list(CLASS_MEASURES)}."
            )
        return self.find_measure(name), {}

    def _check_posteriors(self, what):
        if self.posteriors is None:
            raise ValueError(
                f"{what} needs posteriors, but the system that was evaluated has no "
                "predict_proba."
            )

    def _tally(self):
        """Return the predictions by speaker, or as one unit if none are known."""
        soft = self.soft_labels
        return Tally(
            true=self.true[self.recordings],
            predicted=self.predicted,
            posteriors=self.posteriors,
            n_classes=len(self.classes),
            soft=None if soft is None else soft[self.recordings],
            **self._units(),
        )

    def truths(self) -> dict[str, Any]:
        """Return the class of each recording, by its file.

        Returns
        -------
        truths : dict of str to label
        """
        names = [self.labels[i] for i in self.true]
        return dict(zip(self.files, names, strict=True))

    def describe_task(self) -> tuple[str, str]:
        """Return what was predicted, and what the scores are, for sentences.

        Returns
        -------
        what, scores : str
        """
        return f"{len(self.classes)} classes", (
            "UA is the mean recall over the classes and WA the accuracy, both of the "
            "predictions of all folds together."
        )

    def scores(self) -> list[dict[str, Any]]:
        r"""Return all scores, with intervals over speakers and what guessing reaches.

        Returns
        -------
        rows : list of dict
            One a score, with the keys "score", "pooled", the bounds "low" and "high"
            of its 95 % interval (None with fewer than three speakers), "chance" and
            "majority". The scores are "UA", "WA", "macro F1", "macro precision",
            "Cohen's kappa" and, where there are posteriors, "log loss", "Brier score",
            "ECE" and "overconfidence"; with soft labels "soft cross-entropy" and
            "Jensen-Shannon divergence".

        Notes
        -----
        They are scikit-learn's ``f1_score(average="macro")``,
        ``precision_score(average="macro", zero_division=0)``, ``cohen_kappa_score``,
        ``log_loss`` and ``brier_score_loss``, and of :mod:`skser.metrics` UA, WA and
        :func:`~skser.metrics.expected_calibration_error` in ten bins of equal mass.
        Overconfidence is the mean posterior of what was predicted minus WA, in
        :math:`[-1, 1]`: an ECE of one bin, with a sign.

        Chance is a system that predicts each class equally often, whatever it hears,
        with posteriors :math:`1 / K`; majority one that always predicts the most
        frequent class, with the shares of the classes as posteriors.

        Noise makes an ECE larger than 0 even where posteriors are right. The lower
        end of its interval allows for that, and is often 0.
        """
        tally = self._tally()
        baselines = {"chance": guess(tally), "majority": follow_majority(tally)}
        rows = []
        for name, measure in MEASURES.items():
            if measure.needs_posteriors and self.posteriors is None:
                continue
            if measure.needs_soft_labels and self.soft_labels is None:
                continue
            low, high = bounds_over_units(measure, tally)
            row = {"score": name, "pooled": measure.value(tally)}
            row |= {"low": low, "high": high}
            row |= {key: measure.value(other) for key, other in baselines.items()}
            # Not defined is kappa where only one class occurs.
            rows.append({key: defined(value) for key, value in row.items()})
        return rows

    def class_scores(self) -> list[dict[str, Any]]:
        """Return recall and precision of each class, with intervals over speakers.

        Returns
        -------
        rows : list of dict
            With the keys "class", "n" (predictions of recordings of this class),
            "recall", "recall low", "recall high", the same for "precision", and "F1".
            None stands for what is not defined: the recall of a class without
            recordings, the precision of one that is never predicted.
        """
        tally = self._tally()
        counts = np.bincount(tally.true, minlength=len(self.classes)).tolist()
        rows = []
        for number, label in enumerate(self.classes):
            which = {"label": slice(number, number + 1)}
            row = {"class": label, "n": counts[number]}
            for name, measure in CLASS_MEASURES.items():
                value = measure.value(tally, **which)
                row[name] = defined(value)
                if name != "F1":
                    low, high = bounds_over_units(measure, tally, **which)
                    row |= {f"{name} low": low, f"{name} high": high}
            rows.append(row)
        return rows

    def confusion_matrix(self, which: np.ndarray | None = None) -> np.ndarray:
        """Count the predictions over all folds and seeds.

        Parameters
        ----------
        which : ndarray of bool of shape (n_predictions,), default=None
            The predictions that are counted, such as ``result.runs == 0``. None is
            all.

        Returns
        -------
        matrix : ndarray of int of shape (n_classes, n_classes)
            Rows are true, columns predicted, both in the order of `labels`.
        """
        which = slice(None) if which is None else which
        matrix = np.zeros((len(self.labels), len(self.labels)), dtype=int)
        true = self.true[self.recordings[which]]
        np.add.at(matrix, (true, self.predicted[which]), 1)
        return matrix

    def recalls(self) -> dict[Any, float]:
        """Return the pooled recall of each class.

        Returns
        -------
        recalls : dict of label to float
            NaN for a class without recordings.
        """
        matrix = self.confusion_matrix()
        with np.errstate(invalid="ignore"):
            recalls = np.diag(matrix) / matrix.sum(axis=1)
        # "no answer", which nothing is, is the last.
        return dict(zip(self.classes, recalls.tolist(), strict=False))

    def calibration(
        self, *, n_bins: int = N_BINS, strategy: str = "quantile"
    ) -> list[dict[str, Any]]:
        """Return confidence and accuracy in bins of confidence: a reliability diagram.

        Parameters
        ----------
        n_bins : int, default=10
        strategy : {"quantile", "uniform"}, default="quantile"
            Bins of equal mass or of equal width, as of
            :func:`~skser.metrics.expected_calibration_error`.

        Returns
        -------
        rows : list of dict
            One a bin that is not empty, with the keys "from" and "to" (the least and
            the largest posterior of what was predicted), "n", "confidence" (their
            mean), "accuracy", and the bounds "low" and "high" of the accuracy's 95 %
            interval over speakers.

        Raises
        ------
        ValueError
            If there are no posteriors.
        """
        self._check_posteriors("Calibration")
        return describe_bins(self._tally(), n_bins, strategy)

    def coverage(self, coverages: ArrayLike = _COVERAGES) -> list[dict[str, Any]]:
        """Return the accuracy of the most confident predictions: risk and coverage.

        Parameters
        ----------
        coverages : array-like of float, default=(0.1, 0.2, ..., 1.0)
            Shares of the predictions that are answered.

        Returns
        -------
        rows : list of dict
            With the keys "coverage" (predictions of equal confidence are answered
            together, so that it may be larger than asked for; coverages that come out
            equal are one row), "threshold", "n",
            "accuracy" and "UA" of those, and the bounds "low" and "high" of the
            accuracy's 95 % interval over speakers at this threshold.

        Raises
        ------
        ValueError
            If there are no posteriors, or a coverage is not above 0 and up to 1.

        Notes
        -----
        The thresholds describe these predictions. One that is to be used must be
        chosen on training speakers.
        """
        self._check_posteriors("Coverage")
        return describe_coverage(self._tally(), coverages)

    def confidence_interval(
        self,
        score: str = "UA",
        *,
        label: object = None,
        level: float = 0.95,
        n_resamples: int = 4999,
        random_state: int | np.random.RandomState | None = 0,
    ) -> Interval:
        """Return the interval in which the pooled score of other speakers may lie.

        Speakers are drawn with replacement, with all their recordings, and each draw's
        score is studentised (bootstrap-t). Where Student's t interval over speakers is
        wider, as it may be with less than five speakers, it takes its place.

        Parameters
        ----------
        score : str, default="UA"
            One of those of :meth:`scores`, or "recall", "precision" or "F1" of a class.
        label : object, default=None
            The class, for the latter three.
        level : float, default=0.95
            Nominal coverage.
        n_resamples : int, default=4999
            Number of draws.
        random_state : int, RandomState instance or None, default=0
            Determines the draws.

        Returns
        -------
        interval : Interval
            With the attributes `estimate`, `low` and `high`.

        Raises
        ------
        ValueError
            If there are fewer than three speakers, or none are known.

        Notes
        -----
        In simulations of ten speakers with 50 recordings each, 95 % intervals of all
        scores cover the truth in 94 to 97 % of cases (those of the precision of a class
        from 92 %, those of ECE up to 99 %), where those of UA by the percentile method
        cover it in 88 to 92 % (``tests/benchmarks/bench_intervals.py``). Neither
        accounts for the folds' training sets having speakers in common. Where all
        speakers have the same score, the interval is a point.
        """
        measure, options = self._find_measure(score, label)
        draws = {"n_resamples": n_resamples, "random_state": random_state}
        return self._find_interval(measure, self._tally(), level, draws, **options)

    def _predictions(self):
        """Return what is true and predicted, as columns."""
        columns = {
            "true": [self.labels[i] for i in self.true[self.recordings]],
            "predicted": [self.labels[i] for i in self.predicted],
        }
        if self.posteriors is not None:
            for label, column in zip(self.classes, self.posteriors.T, strict=True):
                columns[f"p({label})"] = column.tolist()
        return columns

    def _frames(self):
        """Return tables of `to_frame` that no other task has."""
        names = [str(label) for label in self.labels]
        return {
            "classes": self.class_scores,
            "calibration": self.calibration,
            "coverage": self.coverage,
            "confusion": lambda: {
                "true": names,
                **dict(zip(names, self.confusion_matrix().T.tolist(), strict=True)),
            },
        }

    def _own_tables(self):
        """Return tables of the report that no other task has."""
        names = [str(label) for label in self.labels]
        counts = self.confusion_matrix().tolist()
        return {
            "Classes": self.class_scores(),
            "Confusion matrix": [
                {"true \\ predicted": name, **dict(zip(names, row, strict=True))}
                for name, row in zip(names, counts, strict=True)
            ],
        }


_KINDS = {kind.format: kind for kind in (EvaluationResult, RegressionResult)}


def load_result(path: str | os.PathLike) -> Any:
    """Read a result that its method `save` has written.

    Parameters
    ----------
    path : str or os.PathLike

    Returns
    -------
    result : EvaluationResult or RegressionResult
        Of the kind that was saved.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is something else, damaged, or of a later version of the package.
    """
    metadata, arrays = read_archive(path)
    if metadata.get("format") not in _KINDS:
        raise ValueError(
            f"{str(path)!r} holds {metadata.get('format')!r}, not an evaluation's "
            "result. Results are written by EvaluationResult.save and "
            "RegressionResult.save."
        )
    kind = _KINDS[metadata["format"]]
    if metadata["format_version"] > kind.format_version:
        raise ValueError(
            f"{str(path)!r} has version {metadata['format_version']} of the format, "
            f"but this version of skser reads up to {kind.format_version}. Update "
            "skser."
        )
    content: dict[str, Any] = {name: metadata[name] for name in kind.metadata}
    # Files of before there were columns have none.
    content["columns"] = metadata.get("columns", {})
    content |= {name: arrays.get(name) for name in kind.arrays}
    return kind(**content)
