"""Evaluation across corpora: train on one, test on another, as a matrix of scores.

All folds, those within a corpus as well, are one evaluation, so that they are resumed
and run in parallel as any other; the cells of the matrix are cut out of its result.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, is_regressor

from skser._compat import safe_indexing
from skser._display import csv_table, html_table, markdown_table
from skser._labels import map_labels
from skser._parallel import map_utterances
from skser.audio import load_audio, measure_level
from skser.exceptions import AudioError
from skser.model_selection._evaluation import (
    Conditions,
    IncompleteEvaluationError,
    Recordings,
    evaluate_folds,
    read_arguments,
)
from skser.model_selection._result import EvaluationResult
from skser.model_selection._splitters import LeaveOneSpeakerOut, list_folds
from skser.model_selection._statistics import import_pandas
from skser.model_selection._targets import Classes
from skser.storage import replacing

if TYPE_CHECKING:
    import pandas


_TRAIN = ("each", "others")
# How rows of the matrix are called where training is on all other corpora.
_ITSELF, _OTHERS = "itself", "all others"
_LEVEL_RATE = 16000


class CrossCorpusResult:
    """The scores of every pair of a training corpus and a test corpus.

    :func:`evaluate_across` makes it.

    Parameters
    ----------
    predictions : EvaluationResult
        All predictions, of all pairs. ``result.predictions.save("across.zip")`` keeps
        them; ``CrossCorpusResult(load_result("across.zip"))`` reads them back.

    Attributes
    ----------
    trained_on, tested_on : list of str
        The rows and columns of the matrix. Where training was on all other corpora,
        the rows are "itself" and "all others".
    cells : dict of (str, str) to EvaluationResult
        (trained on, tested on) -> result on that test corpus. Where both are the same,
        or the first is "itself", its folds are within the corpus, on unseen speakers.
    corpora : list of dict
        Of each corpus: "corpus", "recordings" (that were used), "dropped" (those whose
        class is not shared), "speakers", and of those used the medians "level (dB)",
        as root mean square relative to full scale, and "duration (s)", None where
        recordings are no files that can be read.
    labels : list of dict
        What became of the labels: "corpus", "label", and "class", None if dropped.

    Raises
    ------
    ValueError
        If the predictions are of another kind of evaluation.

    Examples
    --------
    See :func:`evaluate_across`.
    """

    def __init__(self, predictions: EvaluationResult):
        if "across" not in predictions.protocol:
            raise ValueError(
                "These predictions are of an evaluation of one corpus. "
                "CrossCorpusResult takes those of evaluate_across."
            )
        plan = predictions.protocol["across"]
        self.predictions = predictions
        self.corpora: list[dict[str, Any]] = plan["corpora"]
        self.labels: list[dict[str, Any]] = plan["labels"]
        corpora = np.array(plan["corpus_of_recording"])
        trained = np.array(plan["trained_on"])[predictions.folds]
        tested = corpora[predictions.recordings]
        self.tested_on: list[str] = [row["corpus"] for row in self.corpora]
        is_each = set(plan["trained_on"]) <= set(self.tested_on)
        self.trained_on: list[str] = self.tested_on if is_each else [_ITSELF, _OTHERS]
        self.cells: dict[tuple[str, str], EvaluationResult] = {}
        for test in self.tested_on:
            of_corpus = np.flatnonzero(corpora == test)
            for train in self.trained_on:
                which = (trained == train) & (tested == test)
                if which.any():
                    cell = _cut(predictions, which, of_corpus)
                    cell.protocol["test"] = f"{test}, trained on {train}"
                    self.cells[train, test] = cell

    def __repr__(self):
        return (
            f"<CrossCorpusResult: {len(self.trained_on)} x {len(self.tested_on)}, "
            f"{', '.join(self.tested_on)}>"
        )

    def matrix(self, score: str = "UA") -> np.ndarray:
        """Return the pooled score of each pair.

        Parameters
        ----------
        score : {"UA", "WA"}, default="UA"

        Returns
        -------
        matrix : ndarray of shape (n_trained_on, n_tested_on)
            NaN where nothing was tested.
        """
        scores = {(row["trained on"], row["tested on"]): row for row in self.rows()}
        if score not in ("UA", "WA"):
            raise ValueError(f"score must be one of ['UA', 'WA'], got {score!r}.")
        return np.array(
            [
                [
                    scores.get((row, column), {}).get(score, np.nan)
                    for column in self.tested_on
                ]
                for row in self.trained_on
            ]
        )

    def rows(self) -> list[dict[str, Any]]:
        """Return the scores of each pair.

        Returns
        -------
        rows : list of dict
            With the keys "trained on", "tested on", "recordings", "speakers", "UA", the
            bounds "low" and "high" of its 95 % interval over test speakers (None with
            fewer than three), and "WA".
        """
        rows = []
        for (train, test), cell in self.cells.items():
            speakers, _ = cell.speaker_counts()
            low, high = None, None
            if len(speakers) > 2:
                low, high = cell.confidence_interval("UA")[1:]
            rows.append(
                {
                    "trained on": train,
                    "tested on": test,
                    "recordings": len(set(cell.recordings.tolist())),
                    "speakers": len(speakers),
                    "UA": cell.ua,
                    "low": low,
                    "high": high,
                    "WA": cell.wa,
                }
            )
        return rows

    def to_frame(self, table: str = "scores") -> pandas.DataFrame:
        """Return one of the tables as a DataFrame.

        Parameters
        ----------
        table : {"scores", "matrix", "corpora", "labels"}, default="scores"
            "scores" are the `rows`; "matrix" is UA.

        Returns
        -------
        frame : pandas.DataFrame

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        pandas = import_pandas()
        if table == "matrix":
            index = pandas.Index(self.trained_on, name="trained on")
            return pandas.DataFrame(self.matrix(), index, self.tested_on)
        tables = {"scores": self.rows(), "corpora": self.corpora, "labels": self.labels}
        if table not in tables:
            raise ValueError(
                f"table must be one of {['scores', 'matrix', 'corpora', 'labels']}, "
                f"got {table!r}."
            )
        return pandas.DataFrame(tables[table])

    def to_csv(self, path: str | os.PathLike) -> None:
        """Write the scores of each pair to a file, a line per pair.

        Parameters
        ----------
        path : str or os.PathLike
            Replaced as a whole, or not at all.
        """
        rows = self.rows()
        table = csv_table(rows[0], (row.values() for row in rows))
        with replacing(Path(path).expanduser()) as file:
            file.write(table.encode("utf-8"))

    def to_markdown(self) -> str:
        """Return the report as Markdown.

        Returns
        -------
        report : str
            The matrix, the scores of each pair, the corpora and their labels.
        """
        parts = ["# Evaluation across corpora"]
        for title, rows in self._tables().items():
            parts += [f"## {title}", markdown_table(rows)]
        return "\n\n".join([*parts, _NOTE]) + "\n"

    def to_html(self) -> str:
        """Return the same tables as HTML, as notebooks show them.

        Returns
        -------
        report : str
        """
        tables = (html_table(rows, title) for title, rows in self._tables().items())
        return f"{''.join(tables)}<p>{escape(_NOTE)}</p>"

    def _repr_html_(self):
        return self.to_html()

    def _tables(self):
        """Return the tables of the report by their titles, each a list of rows."""
        scores = self.rows()
        shown = {(row["trained on"], row["tested on"]): _show(row) for row in scores}
        matrix = [
            {
                "trained on \\ tested on": train,
                **{test: shown.get((train, test)) for test in self.tested_on},
            }
            for train in self.trained_on
        ]
        return {
            "UA": matrix,
            "Scores": scores,
            "Corpora": self.corpora,
            "Labels": self.labels,
        }


_NOTE = (
    "In brackets, and low, high: 95 % studentised bootstrap interval over test "
    "speakers. Where training and test corpus are the same, folds are within it, on "
    "unseen speakers. Only classes that all corpora have are trained on and tested."
)


def _show(row):
    """Return UA and its interval as text."""
    if row["low"] is None:
        return f"{row['UA']:.3f}"
    return f"{row['UA']:.3f} ({row['low']:.3f}-{row['high']:.3f})"


def _cut(result, which, recordings):
    """Return the result of some predictions, on some of the recordings."""
    places = np.full(len(result.files), -1)
    places[recordings] = np.arange(len(recordings))
    folds, numbers = np.unique(result.folds[which], return_inverse=True)
    posteriors = result.posteriors
    return replace(
        result,
        files=[result.files[i] for i in recordings],
        speakers=[result.speakers[i] for i in recordings],
        true=result.true[recordings],
        recordings=places[result.recordings[which]],
        folds=numbers,
        runs=result.runs[which],
        predicted=result.predicted[which],
        posteriors=None if posteriors is None else posteriors[which],
        columns={
            name: [values[i] for i in recordings]
            for name, values in result.columns.items()
        },
        protocol={
            **{key: v for key, v in result.protocol.items() if key != "across"},
            "n_folds": len(folds),
        },
    )


class _Folds:
    """The folds of all pairs; a splitter for :func:`evaluate_folds`.

    Parameters
    ----------
    corpora : ndarray of str of shape (n_recordings,)
        The corpus of each recording.
    train : {"each", "others"}
    within : dict of str to (splitter, int or list)
        The folds within each corpus.
    """

    def __init__(self, corpora, train, within):
        self.corpora = corpora
        self.names = list(within)
        self.train = train
        self.within = within
        self.trained_on = []

    def __repr__(self):
        # In words that do not depend on addresses in memory.
        kinds = ", ".join(
            f"{name}={cv!r}" if hasattr(cv, "split") else f"{name}={type(cv).__name__}"
            for name, cv in self.within.items()
        )
        return f"AcrossCorpora(train={self.train!r}, within=({kinds}))"

    def split_with_validation(self, X, y, groups):
        """Yield train, validation and test; note what each is trained on."""
        self.trained_on = []
        for name, cv in self.within.items():
            own = np.flatnonzero(self.corpora == name)
            parts = list_folds(cv, safe_indexing(X, own), y[own], groups[own])
            for fold in parts:
                self.trained_on.append(name if self.train == "each" else _ITSELF)
                yield tuple(own[part] for part in fold)
        nothing = np.array([], dtype=int)
        for train, test in self._pairs(groups):
            yield np.flatnonzero(train), nothing, np.flatnonzero(test)

    # `hasattr(cv, "split")` tells splitters from lists.
    split = split_with_validation

    def _pairs(self, speakers):
        """Yield the masks of what is trained on and tested, each fit once."""
        tests: dict = {}
        for name in self.names:
            own = self.corpora == name
            train, test = (own, ~own) if self.train == "each" else (~own, own)
            # Of speakers that both have, nothing is trained on.
            for other in self.names if self.train == "each" else [name]:
                tested = test & (self.corpora == other)
                if tested.any():
                    usable = train & ~np.isin(speakers, speakers[tested])
                    key = name, usable.tobytes()
                    known = tests.get(key, (usable, np.zeros_like(own)))[1]
                    tests[key] = usable, known | tested
        for (name, _), pair in tests.items():
            self.trained_on.append(name if self.train == "each" else _OTHERS)
            yield pair


def evaluate_across(
    system: BaseEstimator,
    corpora: Mapping[str, Mapping],
    mapping: Mapping[str, Mapping] | None = None,
    *,
    train: str = "each",
    cv: object = None,
    X: Mapping[str, Any] | None = None,
    same_speakers: bool = False,
    seeds: Iterable[int] | None = None,
    checkpoint: str | os.PathLike | None = None,
    n_jobs: int | None = None,
    verbose: int | None = None,
) -> CrossCorpusResult:
    """Train a system on one corpus and test it on another, for all pairs of corpora.

    Other microphones, languages, actors and instructions cost more than other speakers
    of the same corpus. The folds within each corpus stand beside the pairs, on the same
    classes, so that the cost can be read off.

    Parameters
    ----------
    system : estimator
        From recordings (or from `X`) to labels; not changed.
    corpora : dict of str to :class:`~sklearn.utils.Bunch`
        Name -> corpus, as the functions of :mod:`skser.datasets` return it, with
        `paths` (or `data`), `target` and `groups`. Two or more.
    mapping : dict of str to dict, default=None
        Corpus -> label -> class, such as ``{"EmoDB": {"boredom": "neutral"}}``; None
        as a class drops the label. Labels that it does not name go through the table
        :data:`~skser.model_selection.SYNONYMS`, without regard to case: "joy", "happy"
        and "happiness" are one class. Classes that not all corpora have are dropped
        then.
    train : {"each", "others"}, default="each"
        "each" trains on each corpus and tests on every other one. "others" tests on
        each corpus and trains on all others together.
    cv : splitter, int, list, or dict of str to these, default=None
        The folds within a corpus, of all or of each by its name. None is
        :class:`LeaveOneSpeakerOut`. An empty list leaves them out.
    X : dict of str to sequence, default=None
        What the system is given of each corpus in place of its recordings, for
        instance features that were computed before. Of all recordings, including those
        whose class is dropped.
    same_speakers : bool, default=False
        Whether a name stands for the same person in all corpora. Recordings of a person
        who is tested are then left out of training. False keeps them apart as two
        persons: "03" becomes "EmoDB/03" and "nEMO/03".
    seeds, checkpoint, n_jobs, verbose
        As of :func:`evaluate`. A fold is a training corpus, or one within a corpus.

    Returns
    -------
    result : CrossCorpusResult

    Raises
    ------
    IncompleteEvaluationError
        As of :func:`evaluate`. Its `result` is a CrossCorpusResult.
    ValueError
        If the system is a regressor, arguments cannot be used, a corpus has no
        speakers, two corpora have a file in common, fewer than two classes are shared,
        or `mapping` names a corpus or a label that does not exist.

    See Also
    --------
    skser.datasets.share_labels : Only gives corpora the same classes.
    skser.plotting.CrossCorpusDisplay : Shows the matrix.

    Notes
    -----
    Levels and durations are noted, not changed. A system that is not given signals of
    one root mean square may learn the level of its training corpus, see ``AudioLoader``
    and its `rms`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.utils import Bunch
    >>> from skser.model_selection import evaluate_across
    >>> rng = np.random.default_rng(0)
    >>> def draw(labels):
    ...     target = np.tile(labels, 20)
    ...     centre = np.isin(target, ["joy", "happy"])
    ...     return Bunch(data=rng.normal(centre, 0.5, (3, 40)).T, target=target,
    ...                  groups=np.repeat(["a", "b", "c", "d"], 10))
    >>> corpora = {"one": draw(["joy", "sad"]), "two": draw(["happy", "sadness"])}
    >>> result = evaluate_across(LogisticRegression(), corpora)
    >>> result.matrix().shape
    (2, 2)
    >>> sorted({row["class"] for row in result.labels})
    ['happiness', 'sadness']
    >>> result.cells["one", "two"]
    <EvaluationResult: 40 predictions of 40 recordings, pooled UA 0.9..., WA 0.9...>
    """
    if is_regressor(system):
        raise ValueError(
            "evaluate_across is for classifiers: it finds the classes that corpora "
            "share. Of numbers, such as arousal, corpora have scales of their own: "
            "merge them (skser.datasets.merge), with numbers on one scale, and call "
            "evaluate with target=."
        )
    data, plan = _join(corpora, mapping, X, same_speakers, n_jobs)
    if train not in _TRAIN:
        raise ValueError(f"train must be one of {list(_TRAIN)}, got {train!r}.")
    unknown = sorted(set(cv) - set(corpora), key=str) if isinstance(cv, Mapping) else []
    if unknown:
        raise ValueError(
            f"cv names the corpus {unknown[0]!r}, but there are {list(corpora)}."
        )
    within = {name: cv.get(name) if isinstance(cv, Mapping) else cv for name in corpora}
    default = LeaveOneSpeakerOut()
    folds = _Folds(
        np.array(plan["corpus_of_recording"]),
        train,
        {name: default if one is None else one for name, one in within.items()},
    )

    def read(predictions):
        plan["trained_on"] = folds.trained_on
        predictions.protocol["across"] = plan
        return CrossCorpusResult(predictions)

    try:
        results = evaluate_folds(
            system,
            data,
            folds,
            Conditions({"clean": None}),
            seeds=seeds,
            checkpoint=checkpoint,
            n_jobs=n_jobs,
            verbose=verbose,
            allow_leaks=False,
        )
    except IncompleteEvaluationError as error:
        error.result = error.result and read(error.result)
        raise
    return read(results["clean"])


def _join(corpora, mapping, X, same_speakers, n_jobs):
    """Return the recordings of shared classes, and notes on where they are from."""
    if not isinstance(corpora, Mapping) or hasattr(corpora, "target"):
        raise ValueError(
            "corpora must be a dict of names and corpora, such as {'EmoDB': corpus, "
            f"'nEMO': other}}; got a {type(corpora).__name__}."
        )
    if len(corpora) < 2:
        raise ValueError(
            f"evaluate_across needs 2 corpora or more, got {list(corpora)}. Of a "
            "single one, call evaluate."
        )
    X = {} if X is None else X
    if X and set(X) != set(corpora):
        raise ValueError(
            f"X must have an entry for each of {list(corpora)}, got {list(X)}."
        )
    known = {
        name: read_arguments(corpus, None, None, None, None, X.get(name))[0]
        for name, corpus in corpora.items()
    }
    without = [name for name, data in known.items() if data.speakers is None]
    if without:
        raise ValueError(
            f"No speakers are known of {', '.join(without)}, so that folds could not "
            "keep them apart. Set the entry groups of the corpus, for instance to its "
            "paths if nobody speaks twice."
        )
    targets = {name: data.y.tolist() for name, data in known.items()}
    classes, mappings = map_labels(targets, mapping)
    parts: dict = {"X": [], "y": [], "speakers": [], "files": [], "corpus": []}
    notes, mapped_rows = [], {}
    for name, data in known.items():
        mapped = [mappings[name][label] for label in data.y.tolist()]
        rows = np.array([i for i, label in enumerate(mapped) if label is not None])
        speakers = data.speakers[rows].tolist()
        paths, files = corpora[name].get("paths"), [data.files[i] for i in rows]
        mapped_rows[name] = rows
        parts["X"].append(safe_indexing(data.X, rows))
        parts["y"] += [mapped[i] for i in rows]
        parts["speakers"] += speakers if same_speakers else _prefix(name, speakers)
        parts["files"] += _prefix(name, files) if paths is None else files
        parts["corpus"] += [name] * len(rows)
        notes.append(
            {
                "corpus": name,
                "recordings": len(rows),
                "dropped": len(mapped) - len(rows),
                "speakers": len(set(speakers)),
                **_describe_sound(paths, rows, n_jobs),
            }
        )
    _check_files(parts["files"], parts["corpus"])
    data = Recordings(
        _concatenate(parts["X"]),
        Classes(np.array(parts["y"]), classes),
        np.array(parts["speakers"]),
        parts["files"],
        _join_columns(known, mapped_rows),
        " + ".join(corpora),
    )
    labels = [
        {"corpus": name, "label": str(label), "class": found}
        for name, one in mappings.items()
        for label, found in one.items()
    ]
    plan = {"corpora": notes, "labels": labels, "corpus_of_recording": parts["corpus"]}
    return data, plan


def _join_columns(known, rows):
    """Return the columns that all corpora have, of the rows that are used."""
    shared = set.intersection(*(set(data.columns) for data in known.values()))
    columns: dict = {}
    for name, data in known.items():
        for column in sorted(shared):
            values = [data.columns[column][i] for i in rows[name]]
            # Texts of two corpora may have the same name, as speakers may.
            is_id = column in ("text_id", "session")
            columns.setdefault(column, [])
            columns[column] += _prefix(name, values) if is_id else values
    return columns


def _prefix(name, values):
    """Return names that are unique over corpora, as `skser.datasets.merge` does."""
    return [None if value is None else f"{name}/{value}" for value in values]


def _check_files(files, corpora):
    """Refuse a recording that two corpora have: it would be trained on and tested."""
    first: dict = {}
    for file, corpus in zip(files, corpora, strict=True):
        if first.setdefault(file, corpus) != corpus:
            raise ValueError(
                f"{file!r} is in {first[file]} and in {corpus}. Take it out of one of "
                "them, for instance with Corpus.take."
            )


def _concatenate(parts):
    """Join what systems are given of the recordings of each corpus."""
    if all(isinstance(part, np.ndarray) for part in parts):
        widths = {part.shape[1:] for part in parts}
        if len(widths) > 1:
            raise ValueError(
                "Of all corpora the recordings must have the same shape, got "
                f"{sorted(widths)}. Compute the same features of each."
            )
        return np.concatenate(parts)
    return [entry for part in parts for entry in part]


def _describe_sound(paths, rows, n_jobs):
    """Return the medians of level and duration, None where files cannot be read."""
    if paths is None:
        found = []
    else:
        found = map_utterances(_measure, [paths[i] for i in rows], n_jobs)
    known = np.array([one for one in found if one is not None])
    names = ("level (dB)", "duration (s)")
    if not len(known):
        return dict.fromkeys(names)
    medians = np.median(known, axis=0).round(3).tolist()
    return dict(zip(names, medians, strict=True))


def _measure(path):
    """Return level and duration of a recording, or None."""
    try:
        signal = load_audio(path, _LEVEL_RATE, max_duration=None)
    except (AudioError, OSError):
        # The system may be given features; if not, the evaluation will say.
        return None
    return measure_level(signal), len(signal) / _LEVEL_RATE
