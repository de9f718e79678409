"""MSP-Podcast: labels, ratings, speakers and split from its tables, votes if wanted."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from skser._compat import StrOptions, validate_params
from skser.datasets._corpus import (
    Corpus,
    describe_missing,
    find_audio,
    list_some,
    make_corpus,
    read_description,
    show_path,
    warn_of,
)
from skser.datasets._listeners import as_entry, as_number, find_first, read_table
from skser.datasets._tables import read_lines

_PRIMARY = {
    "A": "anger",
    "C": "contempt",
    "D": "disgust",
    "F": "fear",
    "H": "happiness",
    "N": "neutral",
    "S": "sadness",
    "U": "surprise",
}
_CLASSES = {
    "primary": _PRIMARY,
    "all": {**_PRIMARY, "O": "other", "X": "no agreement"},
}
# What the annotators chose, in lower case -> emotion; their own words begin with
# "Other".
_CHOICES = {
    "angry": "anger",
    "contempt": "contempt",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happiness",
    "neutral": "neutral",
    "sad": "sadness",
    "surprise": "surprise",
}
_SPLITS = {
    "train": "train",
    "development": "validation",
    "validation": "validation",
    "test1": "test1",
    "test2": "test2",
}
_RATINGS = {"valence": "EmoVal", "arousal": "EmoAct", "dominance": "EmoDom"}
_COLUMNS = ("FileName", "EmoClass", *_RATINGS.values(), "SpkrID", "Gender", "Split_Set")
# Until release 1.9 the name was misspelt.
_TABLES = ("labels_consensus.csv", "labels_concensus.csv")
_FOLDERS = ("Labels", "labels", "label", ".")
# Until release 1.6, from 2.0; in between, all is in one column.
_WORKERS = ("Workers", "WorkerID")
# WORKER00000001; Other-confused; Concerned,Confused; A:3.000000; V:3.000000; ...
_DETAIL = re.compile(r"\s*(?P<who>\w+)\s*;\s*(?P<choice>[^;]*)(?P<rest>;.*)", re.DOTALL)
_DETAIL_RATING = re.compile(r";\s*([AVD]):\s*([\d.]+)")
_LETTERS = {"A": "arousal", "V": "valence", "D": "dominance"}

_TREE = """\
    <path>/
        Labels/
            labels_consensus.csv   FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,...
            labels_detailed.csv    the annotators' answers (may be missing)
        Audios/
            MSP-PODCAST_0001_0008.wav
            ..."""


@validate_params(
    {"path": [str, os.PathLike], "subset": [StrOptions(set(_CLASSES))]},
    prefer_skip_nested_validation=True,
)
def load_msp_podcast(path: str | os.PathLike, subset: str = "primary") -> Corpus:
    """List the recordings of a copy of MSP-Podcast with their labels.

    No audio is read: labels, ratings, speakers and the published split are in
    ``labels_consensus.csv``, the annotators' answers in ``labels_detailed.csv``. Tables
    of the releases from 1.6 to 2.0 are understood.

    Parameters
    ----------
    path : str or os.PathLike
        The folder that holds ``Labels`` and ``Audios``. ``~`` is the home folder.
    subset : {"primary", "all"}, default="primary"
        "primary" has the recordings on one of whose eight emotions most annotators
        agreed; "all" those labelled "other" and "no agreement", too, for instance for
        regressors of arousal.

    Returns
    -------
    corpus : Corpus
        As described in :class:`~skser.datasets.Corpus`, ordered by path, with:

        target : ndarray of str of shape (n_samples,)
            "anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness",
            "surprise"; with ``subset="all"`` also "other" and "no agreement".
        groups : ndarray of str of shape (n_samples,)
            The speaker, a number as a text; "Unknown" are all whom nobody identified.
        splits : ndarray of str of shape (n_samples,)
            The published parts: "train", "validation", "test1", "test2".
        gender : ndarray of str of shape (n_samples,)
            Of the speaker: "female", "male" or "unknown".
        valence, arousal, dominance : ndarray of float of shape (n_samples,)
            Means over the annotators, from 1 to 7; NaN where they are missing.
        votes : ndarray of object of shape (n_samples,)
            The emotion that each annotator chose: a dict of annotator to label, for
            :func:`~skser.annotations.count_votes`. Words of their own are "other".
        valence_votes, arousal_votes, dominance_votes : ndarray of object of shape \
                (n_samples,)
            The rating of each annotator: a dict of annotator to float, for
            :func:`~skser.annotations.mean_ratings`.

        The votes are there only if ``labels_detailed.csv`` is.

    Raises
    ------
    FileNotFoundError
        If there is no table, or no recording of it; the message shows the expected
        tree.
    ValueError
        If the table lacks a column, or has a label or a part that is unknown.

    Warns
    -----
    UserWarning
        If recordings of the table are missing; they are left out.

    See Also
    --------
    validate : Find out whether the recordings can be used.
    skser.model_selection.FixedSplit : ``FixedSplit(corpus.splits,
        validation="validation", test="test1")`` is the published protocol.

    Notes
    -----
    The labels of the part Test3 are not published; it is left out.

    References
    ----------
    .. [1] R. Lotfian and C. Busso, "Building naturalistic emotionally balanced speech
       corpus by retrieving emotional speech from existing podcast recordings", IEEE
       Trans. on Affective Computing 10(4), 2019, pp. 471-483.

    Examples
    --------
    >>> from skser.datasets import load_msp_podcast
    >>> corpus = load_msp_podcast("~/corpora/MSP-Podcast")    # doctest: +SKIP
    >>> train = corpus.splits == "train"    # doctest: +SKIP
    >>> corpus.arousal[train].shape    # doctest: +SKIP
    (84030,)
    """
    folder = Path(path).expanduser()
    table = _find_table(folder, _TABLES)
    if table is None:
        raise FileNotFoundError(describe_missing("MSP-Podcast", path, _TREE))
    rows = [row for row in _read_rows(table) if row["EmoClass"] in _CLASSES[subset]]
    audio, _ = find_audio(folder)
    # Of copies in other formats, too; the one in fewer folders counts.
    recordings = {Path(file).stem: file for file in reversed(audio)}
    found: list[dict] = []
    missing: list[dict] = []
    for row in rows:
        row["paths"] = recordings.get(Path(row["FileName"]).stem)
        (found if row["paths"] else missing).append(row)
    if not found:
        raise FileNotFoundError(describe_missing("MSP-Podcast", path, _TREE))
    names = [row["FileName"] for row in found]
    votes, message = _read_votes(_find_table(folder, ("labels_detailed.csv",)), names)
    absent = list_some((row["FileName"] for row in missing), 5)
    left_out = missing and (
        f"{len(missing)} labelled recording(s) of {show_path(table)} left out, "
        f"because there is no such file in {show_path(path)}: {absent}."
    )
    warn_of([left_out, message])
    return make_corpus(
        "MSP-Podcast",
        {
            "paths": [row["paths"] for row in found],
            "target": [_CLASSES[subset][row["EmoClass"]] for row in found],
            "groups": [row["SpkrID"] for row in found],
            "splits": [_SPLITS[row["Split_Set"].lower()] for row in found],
            "gender": [row["Gender"].lower() for row in found],
            **{
                name: [as_number(row[column]) for row in found]
                for name, column in _RATINGS.items()
            },
            **votes,
        },
        target_names=_CLASSES[subset].values(),
        expected_counts=None,
        description=read_description("msp_podcast"),
    )


def _find_table(folder, names):
    """Return the first table that there is, or None."""
    return find_first(folder / inside / name for inside in _FOLDERS for name in names)


def _read_rows(table):
    """Return the rows of the published parts, dicts by column, ordered by file."""
    header, lines = read_lines(table)
    missing = [name for name in _COLUMNS if name not in header]
    if missing:
        raise ValueError(
            f"{show_path(table)} has no column(s) {', '.join(map(repr, missing))}; its "
            f"columns are {', '.join(map(repr, header))}. Is it the original table?"
        )
    rows = []
    for number, values in lines:
        row = dict(zip(header, values, strict=False))
        if row.get("Split_Set", "").lower() == "test3":
            continue
        for column, known in (
            ("EmoClass", _CLASSES["all"]),
            ("Split_Set", ("Train", "Development", "Validation", "Test1", "Test2")),
        ):
            if row.get(column) not in known:
                raise ValueError(
                    f"Line {number} of {show_path(table)} has {row.get(column)!r} in "
                    f"the column {column!r}. Expected one of {', '.join(known)}."
                )
        rows.append(row)
    return sorted(rows, key=lambda row: row["FileName"])


def _read_votes(file, names):
    """Return the entries of the annotators' answers, and what to warn of."""
    votes, message = read_table(file, ("FileName",), _collect_answers)
    if votes is None:
        return {}, message
    entries = {"votes": as_entry(votes["choice"].get(name, {}) for name in names)}
    for dimension in _RATINGS:
        ratings = (votes[dimension].get(name, {}) for name in names)
        entries[f"{dimension}_votes"] = as_entry(ratings)
    return entries, message


def _collect_answers(rows: Iterable[dict]) -> dict:
    """Return what each annotator answered: choice or dimension -> recording -> dict."""
    votes: dict = {name: {} for name in ("choice", *_RATINGS)}
    for row in rows:
        who, answer = _read_answer(row)
        for name, value in answer.items():
            votes[name].setdefault(row["FileName"], {})[who] = value
    return votes


def _read_answer(row):
    """Return who answered, and what: the choice, and the dimensions as numbers."""
    if "EmoDetail" in row:
        match = _DETAIL.fullmatch(row["EmoDetail"])
        who, choice = match["who"], match["choice"]
        ratings = {
            _LETTERS[letter]: value
            for letter, value in _DETAIL_RATING.findall(match["rest"])
        }
    else:
        who = next(row[name] for name in _WORKERS if name in row)
        choice = row["EmoClass_Major"]
        ratings = {name: row[column] for name, column in _RATINGS.items()}
    answer = {"choice": _CHOICES.get(choice.strip().lower(), "other")}
    for name, text in ratings.items():
        value = as_number(text)
        if value == value:
            answer[name] = value
    return who, answer
