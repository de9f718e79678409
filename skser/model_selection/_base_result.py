"""What results of all tasks share: keys of predictions, tables, report, saving.

A result holds predictions; all figures are computed from them, none is stored beside
them. The headline is pooled over all folds and seeds. Means over speakers differ from
it and are given under their own names.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from skser._display import html_table, markdown_table
from skser.model_selection._bootstrap import Interval
from skser.model_selection._calibration import bounds_over_units
from skser.model_selection._groups import Gap, describe_groups, find_gap, order_names
from skser.model_selection._measures import BaseTally, Measure
from skser.model_selection._report import describe_methods, show_shared, write_report
from skser.model_selection._statistics import import_pandas
from skser.storage import write_archive

if TYPE_CHECKING:
    import pandas

# Groups of a column that the tables of a result show; scores_by has all.
_MAX_GROUPS = 10


class BaseResult(ABC):
    """Every prediction of an evaluation, and the figures that follow from them.

    A subclass says what was predicted: :class:`EvaluationResult` classes,
    :class:`RegressionResult` numbers. It is a dataclass with the fields below and
    those that are named in `metadata` and `arrays`.
    """

    files: list
    speakers: list | None
    true: np.ndarray
    recordings: np.ndarray
    folds: np.ndarray
    runs: np.ndarray
    predicted: np.ndarray
    seeds: list
    protocol: dict
    columns: dict

    is_classification: ClassVar[bool]
    # All scores by name; those of the summary, of which the first is the headline; and
    # those that are given of each speaker, fold, seed and group.
    measures: ClassVar[Mapping[str, Measure]]
    summarised: ClassVar[tuple[str, ...]]
    detailed: ClassVar[tuple[str, ...]]
    # What a file of `save` says it is, and what is in it.
    format: ClassVar[str]
    format_version: ClassVar[int] = 1
    metadata: ClassVar[tuple[str, ...]]
    arrays: ClassVar[tuple[str, ...]]
    # Tables of `to_frame` whose index is a column; that column.
    indices: ClassVar[Mapping[str, str | None]]
    note: ClassVar[str]

    @abstractmethod
    def score(self, name: str) -> float:
        """Return a score of all predictions."""

    @abstractmethod
    def scores(self) -> list[dict[str, Any]]:
        """Return all scores, with intervals over speakers and those of baselines."""

    @abstractmethod
    def confidence_interval(
        self,
        score: str,
        *,
        level: float = 0.95,
        n_resamples: int = 4999,
        random_state: int | np.random.RandomState | None = 0,
    ) -> Interval:
        """Return the interval in which the pooled score of other speakers may lie."""

    @abstractmethod
    def truths(self) -> dict[str, Any]:
        """Return what is true of each recording, by its file."""

    @abstractmethod
    def describe_task(self) -> tuple[str, str]:
        """Return what was predicted, and what the scores are, for sentences."""

    @abstractmethod
    def _tally(self):
        """Return the predictions by speaker, or as one unit if none are known."""

    @abstractmethod
    def _predictions(self):
        """Return what is true and predicted, as columns."""

    def _parts(self) -> Iterator[tuple[dict, BaseTally]]:
        """Yield the start of a row and the predictions that its scores are of."""
        yield {}, self._tally()

    def _own_tables(self):
        """Return tables of the report that no other task has."""
        return {}

    def _frames(self) -> dict[str, Callable[[], Any]]:
        """Return tables of `to_frame` that no other task has."""
        return {}

    @property
    def headline(self) -> str:
        """The name of the score that comes first."""
        return self.summarised[0]

    @property
    def has_intervals(self) -> bool:
        """Whether there are the three test speakers that intervals need."""
        return self.speakers is not None and len(set(self._keys("speaker"))) > 2

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
            If there is no such score.
        """
        if name not in self.measures:
            raise ValueError(f"score must be one of {[*self.measures]}, got {name!r}.")
        return self.measures[name]

    def _units(self):
        """Return the number of each prediction's speaker, and how many there are."""
        if self.speakers is None:
            return {"units": np.zeros(len(self.recordings), dtype=int), "n_units": 1}
        names, units = np.unique(self._keys("speaker"), return_inverse=True)
        return {"units": units, "n_units": len(names)}

    def scores_by(self, by: str) -> list[dict[str, Any]]:
        """Return the main scores of each speaker, fold, seed or group of recordings.

        Parameters
        ----------
        by : str
            "speaker", "fold", "seed" or the name of one of the `columns`, such as
            "sex". The predictions of all seeds are pooled, except for "seed".

        Returns
        -------
        rows : list of dict
            With the keys `by`, "target" (of numbers), "n" (predictions), and the
            scores: of classes "UA" (over those that occur) and "WA"; of numbers "CCC",
            "PCC", "RMSE" and "MAE", None where they are not defined, such as the
            correlation of one prediction. Of a column there are further "speakers"
            (how many), "low" and "high", the 95 % interval of the first score over
            the group's speakers (None with fewer than three), and "small": whether
            the group has fewer than five speakers or 30 predictions, so that its
            figures say little.
        """
        keys = self._keys(by)
        measures = {name: self.measures[name] for name in self.detailed}
        if by in self.columns:
            has_speakers = self.speakers is not None
            describe = partial(describe_groups, has_speakers=has_speakers)
        else:
            describe = partial(_describe_units, in_order=by != "seed")
        parts = [
            [(head, row) for row in describe(tally, keys, measures=measures)]
            for head, tally in self._parts()
        ]
        return [
            {by: row.pop("group"), **head, **row}
            for group in zip(*parts, strict=True)
            for head, row in group
        ]

    def gap(self, by: str, score: str | None = None) -> Gap:
        """Return how much better the best group is than the worst.

        Parameters
        ----------
        by : str
            The name of one of the `columns`, such as "sex".
        score : str, default=None
            One of those of :meth:`scores`; None is the `headline`.

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
        measure = self.find_measure(score or self.headline)
        keys, tally = self._keys(by), self._tally()
        rows = describe_groups(tally, keys, self.speakers is not None, {})
        groups = [row["group"] for row in rows if not row["small"]]
        if len(groups) < 2:
            raise ValueError(
                f"A gap is that between two groups of five speakers and 30 predictions "
                f"or more, but of {by!r} there are {len(groups)} of {len(rows)}. "
                f"scores_by({by!r}) shows all."
            )
        return find_gap(tally, keys, groups, measure)

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
        self, score: str | None = None
    ) -> tuple[list, tuple[np.ndarray, np.ndarray]]:
        """Return what scores and their intervals are computed from.

        Parameters
        ----------
        score : str, default=None
            One of those of :meth:`scores`; None is the `headline`.

        Returns
        -------
        speakers : list
            Those that were tested, sorted.
        counts : tuple of two ndarray of shape (n_speakers, n_ratios)
            Of UA and WA correct predictions and all predictions, of each class or of
            all; of others, the sums whose ratios they are computed from.
        """
        measure = self.find_measure(score or self.headline)
        return sorted(set(self._keys("speaker"))), measure.sums(self._tally())

    def _find_interval(self, measure, tally, level, draws, **options):
        """Return the interval of a score, or say why there is none."""
        if not 0 < level < 1:
            raise ValueError(f"level must be between 0 and 1, got {level!r}.")
        self._keys("speaker")
        return measure.interval(tally, level, **draws, **options)

    def summary(self) -> list[dict[str, Any]]:
        """Return the headline figures: UA, WA and macro precision; CCC, PCC and RMSE.

        Returns
        -------
        rows : list of dict
            One a score (of numbers, one a target and score): "pooled" (the headline),
            the bounds of its 95 % "interval" over speakers, and mean and standard
            deviation over speakers and over seeds; None where there are too few of
            them.
        """
        rows = []
        for head, tally in self._parts():
            runs = [tally.take(self.runs == i) for i in range(len(self.seeds))]
            for name in self.summarised:
                measure = self.measures[name]
                known = self.speakers is not None
                values = {
                    "speakers": measure.by_unit(tally).tolist() if known else [],
                    "seeds": [measure.value(run) for run in runs],
                }
                low, high = bounds_over_units(measure, tally)
                row = {**head, "score": name, "pooled": defined(measure.value(tally))}
                row |= {"low": low, "high": high}
                for kind, found in values.items():
                    found = [value for value in found if value == value]
                    n = len(found)
                    row[f"mean over {kind}"] = float(np.mean(found)) if n else None
                    row[f"sd over {kind}"] = (
                        float(np.std(found, ddof=1)) if n > 1 else None
                    )
                rows.append(row)
        return rows

    def predictions(self) -> dict[str, list]:
        """Return every prediction.

        Returns
        -------
        columns : dict of str to list
            "file", "speaker", "fold", "seed" and the `columns`; of classes, "true",
            "predicted", and "p(<class>)" for each class if there are posteriors; of
            numbers, "true <target>" and "predicted <target>" for each target.
        """
        columns = {"file": [self.files[i] for i in self.recordings]}
        if self.speakers is not None:
            columns["speaker"] = self._keys("speaker")
        columns |= {name: self._keys(name) for name in ("fold", "seed", *self.columns)}
        return columns | self._predictions()

    def to_frame(self, table: str = "predictions") -> pandas.DataFrame:
        """Return one of the tables as a DataFrame.

        Parameters
        ----------
        table : {"predictions", "scores", "summary", "speaker", "fold", "seed"}, the \
                name of a column or, of classes, {"classes", "confusion", \
                "calibration", "coverage"}, default="predictions"

        Returns
        -------
        frame : pandas.DataFrame

        Raises
        ------
        ImportError
            If pandas is not installed. All tables can be had without: `predictions`,
            `summary`, `scores_by`, `to_markdown`.
        """
        pandas = import_pandas()
        groups = ("speaker", "fold", "seed", *self.columns)
        tables: dict[str, Callable[[], Any]] = {
            "predictions": self.predictions,
            "scores": self.scores,
            "summary": self.summary,
            **self._frames(),
            **{name: partial(self.scores_by, name) for name in groups},
        }
        if table not in tables:
            raise ValueError(f"table must be one of {list(tables)}, got {table!r}.")
        frame = pandas.DataFrame(tables[table]())
        index = self.indices.get(table, table)
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
        return "\n\n".join([*parts, self.note]) + "\n"

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
            "Scores", "Means over speakers and seeds"; of classes, "Classes" and
            "Confusion matrix"; and, where known, "Speakers", one for each of
            `breakdowns`, and "Seeds".
        """
        tables = {
            "Scores": self.scores(),
            "Means over speakers and seeds": [
                {name: v for name, v in row.items() if name not in ("low", "high")}
                for row in self.summary()
                if row["score"] in self.summarised[:2]
            ],
            **self._own_tables(),
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
        conditions: Mapping[str, BaseResult] | None = None,
        learning_curve: Mapping[int, BaseResult] | None = None,
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
        conditions : dict of str to result, default=None
            As of :func:`evaluate_under`: what each condition costs, compared with the
            first.
        learning_curve : dict of int to result, default=None
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
            "format": self.format,
            "format_version": self.format_version,
            **{name: getattr(self, name) for name in self.metadata},
            "columns": {name: list(column) for name, column in self.columns.items()},
        }
        arrays = {name: getattr(self, name) for name in self.arrays}
        present = {name: value for name, value in arrays.items() if value is not None}
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_archive(path, metadata, present)


def defined(value):
    """Return a number, or None for NaN: JSON has none."""
    return None if value != value else value


def _describe_units(tally, keys, *, measures, in_order):
    """Return the scores of each speaker, fold or seed."""
    names = order_names(keys) if in_order else list(dict.fromkeys(keys))
    numbers = {name: i for i, name in enumerate(names)}
    units = np.array([numbers[key] for key in keys], dtype=int)
    tally = replace(tally, units=units, n_units=len(names))
    scores = {name: one.by_unit(tally).tolist() for name, one in measures.items()}
    counts = tally.n[:, 0].astype(int).tolist()
    return [
        {
            "group": name,
            "n": counts[i],
            **{key: defined(values[i]) for key, values in scores.items()},
        }
        for i, name in enumerate(names)
    ]
