"""Segments of others: lists, tables (CSV, pandas, audformat) and RTTM files."""

from __future__ import annotations

import os
import warnings
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

_KINDS = (
    "a list of (start, end) or (start, end, speaker), in seconds, for each recording; "
    "a table with the columns start and end, and where they are known file and "
    "speaker; or the path of an RTTM or CSV file"
)
# Fields of a line of RTTM: type, file, channel, start, duration, ..., name.
_N_FIELDS = 9


def read_segments(segments: Any, files: list) -> list[list]:
    """Return the segments of each recording.

    Parameters
    ----------
    segments : list, pandas.DataFrame, str or os.PathLike
    files : list of str
        Names of the recordings.

    Returns
    -------
    spans : list of list of (float, float, object)
        Of each recording: start, end and speaker or None, by start.

    Raises
    ------
    TypeError, ValueError
        With the place of what cannot be read.

    Warns
    -----
    UserWarning
        If a recording has no segments.
    """
    if isinstance(segments, (str, os.PathLike)):
        rows = _read_file(Path(segments).expanduser())
        lists = _divide(rows, files, str(segments))
    elif hasattr(segments, "columns") or hasattr(segments, "levels"):
        lists = _divide(_read_frame(segments), files, "segments")
    else:
        lists = _read_lists(segments, files)
    spans = [
        sorted(
            (check_segment(span, f"{name}: ") for span in own),
            key=lambda span: span[:2],
        )
        for own, name in zip(lists, files, strict=True)
    ]
    without = [name for name, own in zip(files, spans, strict=True) if not own]
    if without:
        warnings.warn(
            f"{len(without)} of {len(files)} recordings have no segments, and so no "
            f"answers: {', '.join(without[:5])}{', ...' if len(without) > 5 else ''}.",
            UserWarning,
            stacklevel=4,
        )
    return spans


def _read_lists(segments, files):
    """Return the segments of each recording, as they were given."""
    if isinstance(segments, np.ndarray):
        segments = segments.tolist()
    if not isinstance(segments, (list, tuple)):
        raise TypeError(f"segments must be {_KINDS}; got {type(segments).__name__}.")
    segments = [
        [row[1:] for row in _read_frame(own)] if hasattr(own, "columns") else own
        for own in segments
    ]
    is_flat = all(len(s) > 1 and _seconds(s[0]) is not None for s in segments if s)
    if len(files) == 1 and is_flat and all(segments):
        segments = [segments]
    if len(segments) != len(files):
        raise ValueError(
            f"segments has {len(segments)} lists for {len(files)} recordings. It must "
            f"be {_KINDS}."
        )
    return segments


def _read_file(path):
    """Return the rows of a file: (file or None, start, end, speaker or None)."""
    if path.suffix.lower() == ".rttm":
        return _read_rttm(path)
    import pandas as pd

    return _read_frame(pd.read_csv(path))


def _read_rttm(path):
    """Return the rows of an RTTM file."""
    rows = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        fields = line.split()
        if not fields or fields[0] != "SPEAKER":
            continue
        try:
            start, duration = float(fields[3]), float(fields[4])
            speaker = fields[7]
        except (ValueError, IndexError):
            raise ValueError(
                f"{str(path)!r}, line {number}: expected SPEAKER <file> <channel> "
                f"<start> <duration> <NA> <NA> <speaker> <NA> <NA>, got {line!r}."
            ) from None
        rows.append((fields[1], start, round(start + duration, 9), speaker))
    return rows


def _read_frame(frame):
    """Return the rows of a table, or of the segmented index of audformat."""
    if hasattr(frame, "levels"):
        frame = frame.to_frame(index=False)
    if not {"start", "end"} <= set(frame.columns):
        frame = frame.reset_index()
    missing = {"start", "end"} - set(frame.columns)
    if missing:
        raise ValueError(
            f"segments has no column {' and no column '.join(sorted(missing))}; it has "
            f"{', '.join(map(str, frame.columns))}."
        )
    n_rows = len(frame)
    columns = [
        frame[name].tolist() if name in frame.columns else [None] * n_rows
        for name in ("file", "start", "end", "speaker")
    ]
    return list(zip(*columns, strict=True))


def _divide(rows, files, source):
    """Return the rows of each recording, found by its path, its name or its stem."""
    names = {row[0] for row in rows}
    if len(files) == 1 and len(names) == 1:
        # Whatever it is called there.
        return [[row[1:] for row in rows]]
    known = {}
    for i, file in enumerate(files):
        for name in {file, os.path.basename(file), Path(file).stem}:
            known.setdefault(name, set()).add(i)
    lists = [[] for _ in files]
    for name, *span in rows:
        places = known.get(str(name), set())
        is_known = name is not None and name == name  # NaN of pandas
        if not is_known or len(places) > 1:
            what = f"says {str(name)!r}" if is_known else "does not say"
            raise ValueError(
                f"{source} {what}, and there are {len(files)} recordings: which of "
                "them is meant cannot be known. Name the files by their paths."
            )
        for i in places:
            lists[i].append(span)
    if rows and not any(lists):
        raise ValueError(
            f"{source} has segments of {', '.join(sorted(map(str, names))[:5])}, but "
            f"none of the recordings {', '.join(files[:5])}."
        )
    return lists


def check_segment(span, name):
    """Return a segment as (start, end, speaker), or say what is wrong with it.

    Parameters
    ----------
    span : sequence
        Start and end, in seconds or as timedelta, and perhaps the speaker.
    name : str
        What messages begin with.

    Returns
    -------
    segment : tuple of (float, float, object)
    """
    try:
        start, end, *rest = span
        times = [_seconds(start), _seconds(end)]
    except (TypeError, ValueError):
        times, rest = [None], []
    if None in times or len(rest) > 1:
        raise ValueError(
            f"{name}a segment must be (start, end) or (start, end, speaker), in "
            f"seconds, got {span!r:.80}."
        )
    if not 0 <= times[0] < times[1] < float("inf"):
        raise ValueError(
            f"{name}a segment must have 0 <= start < end, in seconds, got "
            f"start={times[0]:g}, end={times[1]:g}."
        )
    # pandas writes NaN where a cell is empty.
    speaker = rest[0] if rest and rest[0] == rest[0] else None
    return times[0], times[1], speaker


def _seconds(time):
    """Return a time in seconds as float, or None if it is none."""
    if hasattr(time, "total_seconds"):
        return float(time.total_seconds())
    if isinstance(time, Real) and not isinstance(time, bool):
        return float(time)
    return None
