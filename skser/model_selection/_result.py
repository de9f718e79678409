"""The result of an evaluation: predictions, scores, calibration, groups, report.

All figures are computed from the predictions, none is stored beside them. The headline
is pooled: one confusion matrix over all folds and seeds. Means over speakers differ
from it and are given under their own names.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from skser._display import html_table, markdown_table
from skser.model_selection._bootstrap import Interval
from skser.model_selection._calibration import (
    bounds_over_units,
    describe_bins,
    describe_coverage,
)
from skser.model_selection._groups import Gap, describe_groups, find_gap, order_names
from skser.model_selection._measures import (
    CLASS_MEASURES,
    MEASURES,
    N_BINS,
    Tally,
    follow_majority,
    guess,
)
from skser.model_selection._report import describe_methods, show_shared, write_report
from skser.model_selection._statistics import import_pandas
from skser.storage import read_archive, write_archive

if TYPE_CHECKING:
    import pandas


# Stands among the labels where a system refused to answer.
NO_ANSWER = "no answer"
_FORMAT = "skser evaluation"
_FORMAT_VERSION = 1
_ARRAYS = ("true", "recordings", "folds", "runs", "predicted", "posteriors")
_COVERAGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_NOTE = (
    "low, high: 95 % studentised bootstrap interval over speakers. mean and sd: of the "
    "scores of single speakers and single seeds. chance: each class guessed equally "
    "often; majority: always the most frequent one."
)
# Groups of a column that the tables of a result show; scores_by has all.
_MAX_GROUPS = 10


@dataclass(eq=False)
class EvaluationResult:
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
        if name not in MEASURES:
            raise ValueError(
                f"score must be one of {[*MEASURES, *CLASS_MEASURES]}, got {name!r}."
            )
        if label is not None:
            raise ValueError(
                f"{name} is that of all classes, got label={label!r}. Of one class "
                f"there are {list(CLASS_MEASURES)}."
            )
        if MEASURES[name].needs_posteriors:
            self._check_posteriors(name)
        return MEASURES[name], {}

    def _check_posteriors(self, what):
        if self.posteriors is None:
            raise ValueError(
                f"{what} needs posteriors, but the system that was evaluated has no "
                "predict_proba."
            )

    def _tally(self):
        """Return the predictions by speaker, or as one unit if none are known."""
        units, n_units = np.zeros(len(self.recordings), dtype=int), 1
        if self.speakers is not None:
            names, units = np.unique(self._keys("speaker"), return_inverse=True)
            n_units = len(names)
        return Tally(
            self.true[self.recordings],
            self.predicted,
            self.posteriors,
            units,
            n_units,
            len(self.classes),
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
            "ECE" and "overconfidence".

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
            low, high = bounds_over_units(measure, tally)
            row = {"score": name, "pooled": measure.value(tally)}
            row |= {"low": low, "high": high}
            row |= {key: measure.value(other) for key, other in baselines.items()}
            # JSON has no NaN, such as kappa where only one class occurs.
            rows.append({key: None if v != v else v for key, v in row.items()})
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
                row[name] = None if np.isnan(value) else value
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

    def scores_by(self, by: str) -> list[dict[str, Any]]:
        """Return UA and WA of each speaker, fold, seed or group of recordings.

        Parameters
        ----------
        by : str
            "speaker", "fold", "seed" or the name of one of the `columns`, such as
            "sex". The predictions of all seeds are pooled, except for "seed".

        Returns
        -------
        rows : list of dict
            With the keys `by`, "n" (predictions), "UA" (over the classes that occur)
            and "WA". Of a column there are further "speakers" (how many), "low" and
            "high", the 95 % interval of UA over the group's speakers (None with fewer
            than three), and "small": whether the group has fewer than five speakers
            or 30 predictions, so that its figures say little.
        """
        keys = self._keys(by)
        if by in self.columns:
            rows = describe_groups(self._tally(), keys, self.speakers is not None)
            return [{by: row.pop("group"), **row} for row in rows]
        names = list(dict.fromkeys(keys))
        if by != "seed":
            names = order_names(names)
        numbers = {name: i for i, name in enumerate(names)}
        tally = self._tally()
        tally.units = np.array([numbers[key] for key in keys], dtype=int)
        tally.n_units = len(names)
        scores = {name: MEASURES[name].by_unit(tally).tolist() for name in ("UA", "WA")}
        counts = tally.n[:, 0].astype(int).tolist()
        return [
            {by: name, "n": counts[i], **{key: scores[key][i] for key in scores}}
            for i, name in enumerate(names)
        ]

    def gap(self, by: str, score: str = "UA") -> Gap:
        """Return how much better the best group is than the worst.

        Parameters
        ----------
        by : str
            The name of one of the `columns`, such as "sex".
        score : str, default="UA"
            One of those of :meth:`scores`.

        Returns
        -------
        gap : Gap
            With `best` and `worst`, the two groups, `estimate`, and the bounds `low`
            and `high` of its 95 % interval over speakers; None with fewer than three.

        Raises
        ------
        ValueError
            If there are not two groups that are not small (see :meth:`scores_by`).

        Notes
        -----
        A gap is never negative, and chance alone makes one, the larger the more groups
        there are. The lower end of the interval allows for both; only where it is
        above 0 is there evidence that groups differ. Groups differ in their speakers
        and texts, too, so that a gap does not tell its cause.
        """
        if by not in self.columns:
            raise ValueError(
                f"by must be one of the columns {list(self.columns)}, got {by!r}."
            )
        self._find_measure(score)
        keys, rows = self._keys(by), self.scores_by(by)
        groups = [row[by] for row in rows if not row["small"]]
        if len(groups) < 2:
            raise ValueError(
                f"A gap is that between two groups of five speakers and 30 predictions "
                f"or more, but of {by!r} there are {len(groups)} of {len(rows)}. "
                f"scores_by({by!r}) shows all."
            )
        return find_gap(self._tally(), keys, groups, score)

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

    def _keys(self, by):
        """Return the speaker, fold, seed or group of each prediction."""
        if by == "speaker" and self.speakers is None:
            raise ValueError(
                "The corpus had no groups, so that nothing is known about speakers."
            )
        kinds = {
            "speaker": lambda: [self.speakers[i] for i in self.recordings],
            "fold": self.folds.tolist,
            "seed": lambda: [self.seeds[run] for run in self.runs],
        }
        if by in kinds:
            return kinds[by]()
        if by not in self.columns:
            raise ValueError(
                f"by must be one of {[*kinds, *self.columns]}, got {by!r}. Another "
                f"column is added by result.columns[{by!r}] = [...], with a value for "
                "each recording."
            )
        values = list(self.columns[by])
        if len(values) != len(self.files):
            raise ValueError(
                f"The column {by!r} has {len(values)} values, but there are "
                f"{len(self.files)} recordings: it needs one for each."
            )
        return [values[i] for i in self.recordings]

    def speaker_counts(
        self, score: str = "UA"
    ) -> tuple[list, tuple[np.ndarray, np.ndarray]]:
        """Return what scores and their intervals are computed from.

        Parameters
        ----------
        score : str, default="UA"
            One of those of :meth:`scores`.

        Returns
        -------
        speakers : list
            Those that were tested, sorted.
        counts : tuple of two ndarray of shape (n_speakers, n_ratios)
            Of UA and WA correct predictions and all predictions, of each class or of
            all; of others, the sums whose ratios they are computed from.
        """
        measure, _ = self._find_measure(score)
        return sorted(set(self._keys("speaker"))), measure.sums(self._tally())

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
        if not 0 < level < 1:
            raise ValueError(f"level must be between 0 and 1, got {level!r}.")
        measure, options = self._find_measure(score, label)
        self._keys("speaker")
        return measure.interval(
            self._tally(),
            level,
            n_resamples=n_resamples,
            random_state=random_state,
            **options,
        )

    def summary(self) -> list[dict[str, Any]]:
        """Return the headline figures, UA, WA and macro precision.

        Returns
        -------
        rows : list of dict
            One a score: "pooled" (the headline), the bounds of its 95 % "interval" over
            speakers, and mean and standard deviation over speakers and over seeds;
            None where there are too few of them.
        """
        speakers = [] if self.speakers is None else self.scores_by("speaker")
        tally = self._tally()
        runs = [tally.take(self.runs == i) for i in range(len(self.seeds))]
        rows = []
        for name in ("UA", "WA", "macro precision"):
            measure = MEASURES[name]
            by_speaker = [row[name] for row in speakers if name in row]
            low, high = bounds_over_units(measure, tally)
            pooled = measure.value(tally)
            row = {"score": name, "pooled": pooled, "low": low, "high": high}
            by_seed = [measure.value(run) for run in runs]
            for kind, values in (("speakers", by_speaker), ("seeds", by_seed)):
                n = len(values)
                row[f"mean over {kind}"] = float(np.mean(values)) if n else None
                row[f"sd over {kind}"] = (
                    float(np.std(values, ddof=1)) if n > 1 else None
                )
            rows.append(row)
        return rows

    def predictions(self) -> dict[str, list]:
        """Return every prediction.

        Returns
        -------
        columns : dict of str to list
            "file", "speaker", "fold", "seed", the `columns`, "true", "predicted", and
            "p(<class>)" for each class if there are posteriors.
        """
        columns = {"file": [self.files[i] for i in self.recordings]}
        if self.speakers is not None:
            columns["speaker"] = self._keys("speaker")
        columns |= {
            "fold": self._keys("fold"),
            "seed": self._keys("seed"),
            **{name: self._keys(name) for name in self.columns},
            "true": [self.labels[i] for i in self.true[self.recordings]],
            "predicted": [self.labels[i] for i in self.predicted],
        }
        if self.posteriors is not None:
            for label, column in zip(self.classes, self.posteriors.T, strict=True):
                columns[f"p({label})"] = column.tolist()
        return columns

    def to_frame(self, table: str = "predictions") -> pandas.DataFrame:
        """Return one of the tables as a DataFrame.

        Parameters
        ----------
        table : {"predictions", "scores", "classes", "summary", "speaker", "fold", \
                "seed", "confusion", "calibration", "coverage"} or the name of a \
                column, default="predictions"

        Returns
        -------
        frame : pandas.DataFrame

        Raises
        ------
        ImportError
            If pandas is not installed. All tables can be had without: `predictions`,
            `summary`, `scores_by`, `confusion_matrix`, `to_markdown`.
        """
        pandas = import_pandas()
        names = [str(label) for label in self.labels]
        tables: dict[str, Callable[[], Any]] = {
            "predictions": self.predictions,
            "scores": self.scores,
            "classes": self.class_scores,
            "calibration": self.calibration,
            "coverage": self.coverage,
            "summary": self.summary,
            "speaker": lambda: self.scores_by("speaker"),
            "fold": lambda: self.scores_by("fold"),
            "seed": lambda: self.scores_by("seed"),
            **{name: partial(self.scores_by, name) for name in self.columns},
            "confusion": lambda: dict(
                zip(names, self.confusion_matrix().T.tolist(), strict=True)
            ),
        }
        if table not in tables:
            raise ValueError(f"table must be one of {list(tables)}, got {table!r}.")
        index = {"summary": "score", "scores": "score", "classes": "class"}.get(
            table, table
        )
        if table in ("predictions", "calibration", "coverage"):
            index = None
        frame = pandas.DataFrame(tables[table]())
        if table == "confusion":
            return frame.set_index(pandas.Index(names, name="true"))
        return frame if index is None else frame.set_index(index)

    def to_markdown(self) -> str:
        """Return the report as Markdown.

        Returns
        -------
        report : str
            Protocol, scores with intervals and baselines, classes, confusion matrix,
            speakers, groups and seeds.

        See Also
        --------
        report : The same with pictures, as a page.
        """
        lines = [f"- {name}: {value}" for name, value in self._describe().items()]
        parts = ["# Evaluation", "\n".join(lines)]
        for title, rows in self.tables().items():
            parts += [f"## {title}", markdown_table(rows)]
        return "\n\n".join([*parts, _NOTE]) + "\n"

    def _describe(self):
        """Return how the figures came about, by names."""
        known = self.protocol.get("speaker_independent")
        versions = self.protocol.get("versions", {})
        return {
            "Splitter": f"`{self.protocol.get('splitter')}`",
            "Folds": self.protocol.get("n_folds"),
            "Speaker-independent": {True: "yes", False: "NO", None: "not known"}[known],
            "On two sides of a fold": show_shared(self.protocol),
            "Test recordings": self.protocol.get("test", "as they are"),
            "Recordings": f"{len(self.files)}, {len(set(self.recordings.tolist()))} "
            "of them tested",
            "Seeds": ", ".join(map(str, self.seeds)),
            "Versions": ", ".join(f"{k} {v}" for k, v in versions.items()),
        }

    def _repr_html_(self):
        """Show the tables of the report in a notebook."""
        title = f"<p>{escape(repr(self)[1:-1])}</p>"
        tables = (html_table(rows, name) for name, rows in self.tables().items())
        return title + "".join(tables)

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """Return the tables of the report by their titles.

        Returns
        -------
        tables : dict of str to list of dict
            "Scores", "Means over speakers and seeds", "Classes", "Confusion matrix",
            and, where known, "Speakers", one for each of `breakdowns`, and "Seeds".
        """
        names = [str(label) for label in self.labels]
        tables = {
            "Scores": self.scores(),
            "Means over speakers and seeds": [
                {name: v for name, v in row.items() if name not in ("low", "high")}
                for row in self.summary()[:2]
            ],
            "Classes": self.class_scores(),
            "Confusion matrix": [
                {"true \\ predicted": name, **dict(zip(names, row, strict=True))}
                for name, row in zip(
                    names, self.confusion_matrix().tolist(), strict=True
                )
            ],
        }
        if self.speakers is not None:
            tables["Speakers"] = self.scores_by("speaker")
        for name in self.breakdowns():
            tables[f"By {name}"] = self.scores_by(name)
        if len(self.seeds) > 1:
            tables["Seeds"] = self.scores_by("seed")
        return tables

    def breakdowns(self) -> list[str]:
        """Return the columns that are worth a table: those of two to ten groups.

        Returns
        -------
        names : list of str
        """
        return [
            name
            for name in self.columns
            if 2 <= len(set(map(repr, self._keys(name)))) <= _MAX_GROUPS
        ]

    def methods(self) -> str:
        """Return how the figures came about, as sentences for a paper.

        Returns
        -------
        text : str
            Corpus, folds, whether speakers were kept apart, seeds, scores, intervals
            and versions.
        """
        return describe_methods(self)

    def report(
        self,
        path: str | os.PathLike,
        *,
        title: str | None = None,
        notes: str = "",
        conditions: Mapping[str, EvaluationResult] | None = None,
        learning_curve: Mapping[int, EvaluationResult] | None = None,
        model: str | os.PathLike | None = None,
    ) -> list[Path]:
        """Write the report of the evaluation, for reviewers and for those who deploy.

        Parameters
        ----------
        path : str or os.PathLike
            A folder, which is made if it does not exist; or a single file, whose ending
            is ".html" (a page that needs nothing but itself), ".md" or ".tex" (tables
            for the package booktabs). Existing files are replaced.
        title : str, default=None
            None is "Evaluation" and the name of the corpus.
        notes : str, default=""
            What is said first, such as which system this is.
        conditions : dict of str to EvaluationResult, default=None
            As of :func:`evaluate_under`: what each condition costs, compared with the
            first.
        learning_curve : dict of int to EvaluationResult, default=None
            As of :func:`speaker_learning_curve`.
        model : str or os.PathLike, default=None
            A file that :func:`skser.save` has written. The folder gets a model card for
            it, ``README.md`` in the form of the Hugging Face Hub.

        Returns
        -------
        paths : list of Path
            The files that were written. In a folder these are ``report.html``,
            ``report.md``, ``tables.tex``, ``predictions.csv``, and each figure as SVG
            and PDF in ``figures``. Without matplotlib there are no figures.

        Raises
        ------
        ValueError
            If `path` is a file of another ending, or a model card is asked for that
            has no folder.
        FileNotFoundError
            If there is no file `model`.

        Examples
        --------
        >>> import tempfile
        >>> import numpy as np
        >>> from sklearn.linear_model import LogisticRegression
        >>> from skser.model_selection import evaluate
        >>> rng = np.random.default_rng(0)
        >>> emotions = np.tile(["anger", "sadness"], 20)
        >>> X = rng.normal(size=(40, 3)) + (emotions == "anger")[:, None]
        >>> speakers = np.repeat(list("abcd"), 10)
        >>> result = evaluate(LogisticRegression(), X, emotions, groups=speakers)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     paths = result.report(folder)
        >>> [path.name for path in paths][:4]
        ['report.html', 'report.md', 'tables.tex', 'predictions.csv']
        """
        return write_report(
            self,
            path,
            title=title,
            notes=notes,
            conditions=conditions,
            learning_curve=learning_curve,
            model=model,
        )

    def save(self, path: str | os.PathLike) -> None:
        """Write the result to one file, from which :func:`load_result` reads it.

        An NPZ file with the predictions as arrays, and everything else, including the
        protocol and the pipeline's parameters, as JSON. The file appears as a whole or
        not at all.

        Parameters
        ----------
        path : str or os.PathLike
            An existing file is replaced. Its folder is made if it does not exist.
        """
        metadata = {
            "format": _FORMAT,
            "format_version": _FORMAT_VERSION,
            "labels": self.labels,
            "files": self.files,
            "speakers": self.speakers,
            "seeds": self.seeds,
            "protocol": self.protocol,
            "columns": {name: list(column) for name, column in self.columns.items()},
        }
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        present = {name: value for name, value in arrays.items() if value is not None}
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_archive(path, metadata, present)


def load_result(path: str | os.PathLike) -> EvaluationResult:
    """Read a result that :meth:`EvaluationResult.save` has written.

    Parameters
    ----------
    path : str or os.PathLike

    Returns
    -------
    result : EvaluationResult

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is something else, damaged, or of a later version of the package.
    """
    metadata, arrays = read_archive(path)
    if metadata.get("format") != _FORMAT:
        raise ValueError(
            f"{str(path)!r} holds {metadata.get('format')!r}, not an evaluation's "
            "result. Results are written by EvaluationResult.save."
        )
    if metadata["format_version"] > _FORMAT_VERSION:
        raise ValueError(
            f"{str(path)!r} has version {metadata['format_version']} of the format, "
            f"but this version of skser reads up to {_FORMAT_VERSION}. Update skser."
        )
    fields = ("labels", "files", "speakers", "seeds", "protocol")
    content: dict[str, Any] = {name: metadata[name] for name in fields}
    # Files of before there were columns have none.
    content["columns"] = metadata.get("columns", {})
    content |= {name: arrays.get(name) for name in _ARRAYS}
    return EvaluationResult(**content)
