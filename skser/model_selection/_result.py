"""The result of an evaluation: predictions, UA and WA, confusion matrix, report.

All figures are computed from the predictions, none is stored beside them. The headline
is pooled: one confusion matrix over all folds and seeds. Means over speakers differ
from it and are given under their own names.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skser._display import html_table, markdown_table
from skser.model_selection._statistics import (
    Counts,
    Interval,
    bootstrap_speakers,
    import_pandas,
)
from skser.storage import read_archive, write_archive

if TYPE_CHECKING:
    import pandas


_FORMAT = "skser evaluation"
_FORMAT_VERSION = 1
_ARRAYS = ("true", "recordings", "folds", "runs", "predicted", "posteriors")


def score_matrix(matrix, score):
    """Compute a score of a confusion matrix.

    Parameters
    ----------
    matrix : ndarray of int of shape (n_classes, n_classes)
        Rows are true, columns predicted.
    score : {"UA", "WA", "macro precision"}

    Returns
    -------
    score : float
        NaN without any prediction. UA and macro precision are means over the classes
        that occur; a class that is never predicted has precision 0.
    """
    right, true, predicted = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    if not matrix.any():
        return float("nan")
    if score == "WA":
        return float(right.sum() / true.sum())
    occurs = true > 0 if score == "UA" else (true > 0) | (predicted > 0)
    totals = true if score == "UA" else np.maximum(predicted, 1)
    return float(np.mean(right[occurs] / totals[occurs]))


@dataclass(eq=False)
class EvaluationResult:
    """Every prediction of an evaluation, and the figures that follow from them.

    :func:`evaluate` makes it, :func:`load_result` reads it back.

    Parameters
    ----------
    labels : list
        The classes, in the order of all tables.
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
        Posterior probabilities; None if the system has none. A class that did not
        occur in training has 0.
    seeds : list of int or None
        The seed of each run. None stands for the pipeline's own.
    protocol : dict
        How the figures came about: "splitter", "n_folds", "speaker_independent",
        "pipeline", "versions"; and "test", the perturbation of test
        recordings, if there was one.

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

    def __repr__(self):
        return (
            f"<EvaluationResult: {len(self.predicted)} predictions of "
            f"{len(self.files)} recordings, pooled UA {self.ua:.3f}, WA {self.wa:.3f}>"
        )

    @property
    def ua(self) -> float:
        """Pooled unweighted accuracy, the mean recall over the classes."""
        return score_matrix(self.confusion_matrix(), "UA")

    @property
    def wa(self) -> float:
        """Pooled weighted accuracy, the share of correct predictions."""
        return score_matrix(self.confusion_matrix(), "WA")

    @property
    def macro_precision(self) -> float:
        r"""Pooled macro average precision, by which the MEC challenges rank.

        .. math:: \frac{1}{|C|} \sum_{c \in C} \frac{|\{i : y_i = \hat y_i = c\}|}
            {|\{i : \hat y_i = c\}|}

        A class that is never predicted counts 0. It equals
        ``sklearn.metrics.precision_score(average="macro", zero_division=0)`` and has
        nothing to do with the area under a precision-recall curve.
        """
        return score_matrix(self.confusion_matrix(), "macro precision")

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
        return dict(zip(self.labels, recalls.tolist(), strict=True))

    def scores_by(self, by: str) -> list[dict[str, Any]]:
        """Return UA and WA of each speaker, fold or seed.

        Parameters
        ----------
        by : {"speaker", "fold", "seed"}
            The predictions of all seeds are pooled, except for "seed".

        Returns
        -------
        rows : list of dict
            With the keys `by`, "n" (predictions), "UA" (over the classes that occur)
            and "WA".
        """
        keys = self._keys(by)
        rows = []
        for key in dict.fromkeys(keys):
            which = np.array([entry == key for entry in keys])
            matrix = self.confusion_matrix(which)
            scores = {name: score_matrix(matrix, name) for name in ("UA", "WA")}
            rows.append({by: key, "n": int(which.sum()), **scores})
        return rows if by == "seed" else sorted(rows, key=lambda row: row[by])

    def _keys(self, by):
        """Return the speaker, fold or seed of each prediction."""
        if by == "speaker" and self.speakers is None:
            raise ValueError(
                "The corpus had no groups, so that nothing is known about speakers."
            )
        kinds = {
            "speaker": lambda: [self.speakers[i] for i in self.recordings],
            "fold": self.folds.tolist,
            "seed": lambda: [self.seeds[run] for run in self.runs],
        }
        if by not in kinds:
            raise ValueError(f"by must be one of {list(kinds)}, got {by!r}.")
        return kinds[by]()

    def speaker_counts(
        self, score: str = "UA"
    ) -> tuple[list, tuple[np.ndarray, np.ndarray]]:
        """Return what scores and their intervals are computed from.

        Parameters
        ----------
        score : {"UA", "WA"}, default="UA"

        Returns
        -------
        speakers : list
            Those that were tested, sorted.
        counts : tuple of two ndarray of shape (n_speakers, n_classes or 1)
            Correct predictions and all predictions.
        """
        if score not in ("UA", "WA"):
            raise ValueError(f"score must be one of ['UA', 'WA'], got {score!r}.")
        keys = self._keys("speaker")
        speakers = sorted(set(keys))
        matrices = np.array(
            [
                self.confusion_matrix(np.array([key == name for key in keys]))
                for name in speakers
            ]
        )
        right = np.diagonal(matrices, axis1=1, axis2=2).astype(float)
        counts = Counts(right, matrices.sum(axis=2).astype(float))
        if score == "WA":
            counts = Counts(*(part.sum(axis=1, keepdims=True) for part in counts))
        return speakers, counts

    def confidence_interval(
        self,
        score: str = "UA",
        *,
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
        score : {"UA", "WA"}, default="UA"
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
        In simulations of ten speakers with 50 recordings each, 95 % intervals cover the
        truth in 95 to 97 % of cases, where those of the percentile method cover it in
        88 to 92 % (``tests/benchmarks/bench_intervals.py``). Neither accounts for the
        folds' training sets having speakers in common. Where all speakers have the
        same score, the interval is a point.
        """
        if not 0 < level < 1:
            raise ValueError(f"level must be between 0 and 1, got {level!r}.")
        _, counts = self.speaker_counts(score)
        bootstrap = bootstrap_speakers(
            counts, n_resamples=n_resamples, random_state=random_state
        )
        return bootstrap.interval(level, (0, 1))

    def summary(self) -> list[dict[str, Any]]:
        """Return the headline figures.

        Returns
        -------
        rows : list of dict
            One a score: "pooled" (the headline), the bounds of its 95 % "interval" over
            speakers, and mean and standard deviation over speakers and over seeds;
            None where there are too few of them.
        """
        speakers = [] if self.speakers is None else self.scores_by("speaker")
        runs = [self.confusion_matrix(self.runs == i) for i in range(len(self.seeds))]
        rows = []
        for name in ("UA", "WA", "macro precision"):
            by_speaker = [row[name] for row in speakers if name in row]
            low, high = None, None
            if len(by_speaker) > 2:
                low, high = self.confidence_interval(name)[1:]
            pooled = score_matrix(self.confusion_matrix(), name)
            row = {"score": name, "pooled": pooled, "low": low, "high": high}
            by_seed = [score_matrix(matrix, name) for matrix in runs]
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
            "file", "speaker", "fold", "seed", "true", "predicted", and "p(<class>)"
            for each class if there are posteriors.
        """
        columns = {"file": [self.files[i] for i in self.recordings]}
        if self.speakers is not None:
            columns["speaker"] = self._keys("speaker")
        columns |= {
            "fold": self._keys("fold"),
            "seed": self._keys("seed"),
            "true": [self.labels[i] for i in self.true[self.recordings]],
            "predicted": [self.labels[i] for i in self.predicted],
        }
        if self.posteriors is not None:
            for label, column in zip(self.labels, self.posteriors.T, strict=True):
                columns[f"p({label})"] = column.tolist()
        return columns

    def to_frame(self, table: str = "predictions") -> pandas.DataFrame:
        """Return one of the tables as a DataFrame.

        Parameters
        ----------
        table : {"predictions", "summary", "speaker", "fold", "seed", "confusion"}, \
                default="predictions"

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
        tables = {
            "predictions": self.predictions,
            "summary": self.summary,
            "speaker": lambda: self.scores_by("speaker"),
            "fold": lambda: self.scores_by("fold"),
            "seed": lambda: self.scores_by("seed"),
            "confusion": lambda: dict(
                zip(names, self.confusion_matrix().T.tolist(), strict=True)
            ),
        }
        if table not in tables:
            raise ValueError(f"table must be one of {list(tables)}, got {table!r}.")
        index = {"summary": "score", "predictions": None}.get(table, table)
        frame = pandas.DataFrame(tables[table]())
        if table == "confusion":
            return frame.set_index(pandas.Index(names, name="true"))
        return frame if index is None else frame.set_index(index)

    def to_markdown(self) -> str:
        """Return the report as Markdown.

        Returns
        -------
        report : str
            Protocol, headline with intervals, recall of each class, confusion matrix,
            speakers and seeds.
        """
        known = self.protocol.get("speaker_independent")
        versions = self.protocol.get("versions", {})
        protocol = {
            "Splitter": f"`{self.protocol.get('splitter')}`",
            "Folds": self.protocol.get("n_folds"),
            "Speaker-independent": {True: "yes", False: "NO", None: "not known"}[known],
            "Test recordings": self.protocol.get("test", "as they are"),
            "Recordings": f"{len(self.files)}, {len(set(self.recordings.tolist()))} "
            "of them tested",
            "Seeds": ", ".join(map(str, self.seeds)),
            "Versions": ", ".join(f"{k} {v}" for k, v in versions.items()),
        }
        lines = [f"- {name}: {value}" for name, value in protocol.items()]
        parts = ["# Evaluation", "\n".join(lines)]
        for title, rows in self._tables().items():
            parts += [f"## {title}", markdown_table(rows)]
        note = (
            "low, high: 95 % studentised bootstrap interval over speakers. mean and "
            "sd: of the scores of single speakers and single seeds."
        )
        return "\n\n".join([*parts, note]) + "\n"

    def _repr_html_(self):
        """Show the tables of the report in a notebook."""
        title = f"<p>{escape(repr(self)[1:-1])}</p>"
        tables = (html_table(rows, name) for name, rows in self._tables().items())
        return title + "".join(tables)

    def _tables(self):
        """Return the tables of the report by their titles, each a list of rows."""
        names = [str(label) for label in self.labels]
        tables = {
            "Pooled over all folds and seeds": self.summary(),
            "Recall": [
                {"class": str(label), "recall": recall}
                for label, recall in self.recalls().items()
            ],
            "Confusion matrix": [
                {"true \\ predicted": name, **dict(zip(names, row, strict=True))}
                for name, row in zip(
                    names, self.confusion_matrix().tolist(), strict=True
                )
            ],
        }
        if self.speakers is not None:
            tables["Speakers"] = self.scores_by("speaker")
        if len(self.seeds) > 1:
            tables["Seeds"] = self.scores_by("seed")
        return tables

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
    content |= {name: arrays.get(name) for name in _ARRAYS}
    return EvaluationResult(**content)
