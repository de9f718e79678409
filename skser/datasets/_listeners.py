"""What listeners said of recordings, in the files of EmoDB, CREMA-D and IEMOCAP.

Votes are dicts of annotator to label, or to several labels, one per recording, as
:mod:`skser.annotations` counts them.
"""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from skser.datasets._corpus import show_path

# Entries of a corpus, and what to warn of, or "".
Entries = tuple[dict[str, np.ndarray], str]

_CREMA_D_LABELS = {
    "A": "anger",
    "D": "disgust",
    "F": "fear",
    "H": "happiness",
    "N": "neutral",
    "S": "sadness",
}
# Voice alone; 2 is the face alone, 3 both.
_VOICE = "1"

# Names in IEMOCAP's files, in lower case, that are not this package's.
_IEMOCAP_LABELS = {
    "excited": "excitement",
    "neutral state": "neutral",
}
# C-E2:	Neutral; Anger;	(a remark)
_CATEGORIES = re.compile(r"^C-(\w+):([^(\n]*)", re.MULTILINE)
# A-E3:	val 3; act 2; dom  2;	(a remark)
_DIMENSIONS = re.compile(r"^A-(E\d+):([^(\n]*)", re.MULTILINE)
_VALUE = re.compile(r"(val|act|dom)\s+([\d.]+)")
_DIMENSION_NAMES = {"val": "valence", "act": "arousal", "dom": "dominance"}


def as_entry(values: Iterable) -> np.ndarray:
    """Return objects, such as dicts or tuples, as an array of one dimension."""
    values = list(values)
    entry = np.empty(len(values), dtype=object)
    entry[:] = values
    return entry


def read_recognition(path: str | os.PathLike, names: Sequence[str]) -> Entries:
    """Read the share of listeners who recognised the emotion of EmoDB's recordings.

    ``erkennung.txt`` has a line per recording in Latin-1, its columns separated by
    blanks: "Satz" is the file, "erkannt" the percentage, with a comma.

    Parameters
    ----------
    path : path-like
        The folder of the copy, or its folder of recordings.
    names : sequence of str
        The recordings' names, without ending.

    Returns
    -------
    entries : dict of str to ndarray
        "recognised", from 0 to 1, NaN where it is not known; empty without the file.
    message : str
    """
    file = _find(path, "erkennung.txt")
    if file is None:
        return {}, ""
    lines = file.read_text("latin-1").splitlines()
    # Some numbers are followed by a space that does not break.
    rows = [re.split(r"[ \t]+", line.replace("\xa0", "").strip()) for line in lines]
    header = rows[0] if rows else []
    if not {"Satz", "erkannt"} <= set(header):
        return {}, _describe_unread(file, "its first line lacks Satz or erkannt")
    place, share = header.index("Satz"), header.index("erkannt")
    shares = {}
    for row in rows[1:]:
        if len(row) > max(place, share):
            # With a comma.
            percentage = as_number(row[share].replace(",", "."))
            shares[os.path.splitext(row[place])[0]] = percentage / 100
    values = [shares.get(name, np.nan) for name in names]
    return {"recognised": np.array(values, dtype=float)}, ""


def read_crema_d(path: str | os.PathLike, names: Sequence[str]) -> Entries:
    """Read the votes of CREMA-D's listeners who heard the voice alone.

    ``finishedResponses.csv`` has a row per vote. Where it is missing, the numbers of
    votes are read from ``processedResults/tabulatedVotes.csv``.

    Parameters
    ----------
    path : path-like
        The folder of the copy, or its folder of recordings.
    names : sequence of str
        The recordings' names, without ending.

    Returns
    -------
    entries : dict of str to ndarray
        "votes"; empty without either file.
    message : str
    """
    messages = []
    for file_name, columns, read in (
        (
            "finishedResponses.csv",
            ("queryType", "clipName", "sessionNums", "respEmo"),
            _read_responses,
        ),
        (
            os.path.join("processedResults", "tabulatedVotes.csv"),
            ("", "fileName", *_CREMA_D_LABELS),
            _read_tabulated,
        ),
    ):
        votes, message = read_table(_find(path, file_name), columns, read)
        if votes is not None:
            return {"votes": as_entry(votes.get(name, {}) for name in names)}, message
        messages.append(message)
    return {}, " ".join(messages).strip()


def _read_responses(rows):
    votes: dict = {}
    for row in rows:
        if row["queryType"] == _VOICE and row["respEmo"] in _CREMA_D_LABELS:
            label = _CREMA_D_LABELS[row["respEmo"]]
            votes.setdefault(row["clipName"], {})[row["sessionNums"]] = label
    return votes


def _read_tabulated(rows):
    # The first column is 100000 times the kind of stimulus, plus the clip.
    return {
        row["fileName"]: [
            label
            for code, label in _CREMA_D_LABELS.items()
            for _ in range(int(row[code]))
        ]
        for row in rows
        if row[""].startswith(_VOICE) and len(row[""]) == 6
    }


def read_iemocap(block: str) -> dict[str, dict]:
    """Read what the evaluators said of an utterance, from the lines below its own.

    Parameters
    ----------
    block : str

    Returns
    -------
    entries : dict of str to dict
        "votes" of the evaluators and "self_votes" of the actors; "valence_votes",
        "arousal_votes" and "dominance_votes" of the evaluators.
    """
    entries: dict[str, dict] = {"votes": {}, "self_votes": {}}
    entries |= {f"{name}_votes": {} for name in _DIMENSION_NAMES.values()}
    for who, text in _CATEGORIES.findall(block):
        names = [name.strip().lower() for name in text.split(";") if name.strip()]
        labels = tuple(_IEMOCAP_LABELS.get(name, name) for name in names)
        kind = "votes" if who.startswith("E") else "self_votes"
        if labels:
            entries[kind][who] = labels if len(labels) > 1 else labels[0]
    for who, text in _DIMENSIONS.findall(block):
        for name, value in _VALUE.findall(text):
            entries[f"{_DIMENSION_NAMES[name]}_votes"][who] = float(value)
    return entries


def read_table(
    file: Path | None, columns: Sequence[str], read: Callable[[Iterable[dict]], dict]
) -> tuple[dict | None, str]:
    """Read a table of votes.

    Parameters
    ----------
    file : Path or None
    columns : sequence of str
        Those that it needs.
    read : function
        Takes its rows, dicts by column, and returns what is known of each recording.

    Returns
    -------
    votes : dict or None
        None if the table is missing or another one.
    message : str
        Why it is not read, or "".
    """
    if file is None:
        return None, ""
    with open(file, newline="", encoding="utf-8-sig", errors="replace") as stream:
        rows = csv.DictReader(stream)
        missing = sorted(set(columns) - set(rows.fieldnames or []))
        if missing:
            names = ", ".join(map(repr, missing))
            return None, _describe_unread(file, f"it has no column(s) {names}")
        try:
            return read(rows), ""
        except (AttributeError, TypeError, ValueError):
            return None, _describe_unread(file, f"line {rows.line_num} is damaged")


def _describe_unread(file, reason):
    return (
        f"What listeners said is not read from {show_path(file)}, because {reason}. Is "
        "it the file that came with the corpus?"
    )


def _find(path, name):
    """Return a file of a copy, beside the recordings or above them, or None."""
    folder = Path(path).expanduser()
    return find_first([folder / name, folder.parent / name])


def find_first(files: Iterable[Path]) -> Path | None:
    """Return the first file that there is, or None."""
    return next((file for file in files if file.is_file()), None)


def as_number(text: str | None) -> float:
    """Return the number of a table's cell, NaN if it has none."""
    try:
        return float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return math.nan
