"""Corpora that a table (CSV) describes, one line per recording or part of one: CHEAVD.

Columns of start and end times, in seconds or as audformat writes them, make segments.
"""

from __future__ import annotations

import csv
import math
import os
import re
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from skser._recordings import Segment
from skser.datasets._corpus import (
    COLUMNS,
    Corpus,
    list_some,
    make_corpus,
    read_description,
    show_path,
)

_DELIMITERS = ",;\t"
# Entries of a Corpus, which other columns of a table must not replace.
_RESERVED = {*COLUMNS, "frame", "name", "target_names", "expected_counts", "DESCR"}
# What is made of columns of times, and their columns' usual names.
_TIMES = {"starts": "start", "ends": "end", "durations": "duration"}
# Values of tables that stand for none.
_NOTHING = {"", "nat", "nan", "none", "<na>", "null"}
# Columns that are read as numbers, if they hold such.
_DIMENSIONS = ("valence", "arousal", "activation", "dominance")
_TIMEDELTA = re.compile(r"(?:(\d+) days? \+?)?(\d+):(\d\d):(\d\d(?:\.\d+)?)")
# Other names of such columns, of letters and digits alone, which are refused.
_UNIT = "(?:time|in|of|milli|m)*(?:s|secs?|seconds?|samples?|frames?)?"
_SIDE = re.compile(
    "(?:segment|seg|utterance|utt|turn|clip|time|t)?(?:start|begin|beginning|from|"
    f"offset|onset|t0|tmin|xmin|end|ending|finish|stop|to|until|t1|tmax|xmax){_UNIT}"
)
_LENGTH = re.compile(f"(?:segment|seg|utterance|utt|turn|clip)?(?:dur|duration){_UNIT}")
# As many of the first files are looked for, to find a wrong root at once.
_N_LOOKED_FOR = 10

_EXAMPLE = """\
    file,label,speaker,split
    wav/0001.wav,anger,s01,train
    wav/0002.wav,neutral,s02,test
    ..."""

# The eight classes, as they are written here and there -> as they are named here.
_CHEAVD_LABELS = {
    "angry": "anger",
    "anger": "anger",
    "anxious": "anxiety",
    "anxiety": "anxiety",
    "disgust": "disgust",
    "happy": "happiness",
    "happiness": "happiness",
    "neutral": "neutral",
    "sad": "sadness",
    "sadness": "sadness",
    "surprise": "surprise",
    "worried": "worry",
    "worry": "worry",
}
_CHEAVD_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
}
_CHEAVD_COUNTS = {"train": 4917, "validation": 707, "test": 1406}


def load_table(
    csv_file: str | os.PathLike,
    *,
    file: str = "file",
    label: str | None = "label",
    speaker: str | None = "speaker",
    split: str | None = "split",
    session: str | None = "session",
    text_id: str | None = "text_id",
    start: str | None = "start",
    end: str | None = "end",
    root: str | os.PathLike | None = None,
    labels: Mapping[str, str] | None = None,
) -> Corpus:
    r"""List the recordings that a table describes.

    For every corpus that has no loader of its own. No audio is read.

    Parameters
    ----------
    csv_file : str or os.PathLike
        A text file in UTF-8 with a header and one line per recording; the columns are
        separated by commas, semicolons or tabs. ``~`` is the home folder.
    file : str, default="file"
        Name of the column of the recordings' paths.
    label : str or None, default="label"
        Name of the column of their emotions. None does without, for tables of numbers
        such as arousal.
    speaker, split, session, text_id : str or None, default=their own names
        Names of the columns that may be there. None does without; so does a table
        without a column of the default name.
    start, end : str or None, default="start", "end"
        Names of the columns of where a recording begins and ends in its file, if it is
        a part of one. Numbers are seconds; times such as ``0 days 00:00:01.5``, as
        pandas and audformat write them, are read, too. Nothing, or NaT, is the
        beginning or the end of the file. A table of `start` and "duration" needs no
        `end`. ``start=None, end=None`` takes whole files and keeps such columns as
        further ones.
    root : str or os.PathLike, default=None
        The folder that relative paths are relative to; None is the table's own.
    labels : dict of str to str, default=None
        Label in the table -> emotion, for all labels; capitals do not matter. None
        keeps them.

    Returns
    -------
    corpus : Corpus
        As described in :class:`~skser.datasets.Corpus`, in the order of the table.
        If a row has a start or an end, `paths` are :class:`~skser.audio.Segment`.
        Entries without a column are None. Other columns of the table are kept under
        their own names, as `str`, unless a Corpus has an entry of that name. Columns
        "valence", "arousal", "activation" and "dominance" become `float`, NaN where
        there is nothing, if they hold numbers.

    Raises
    ------
    FileNotFoundError
        If there is no such table, or none of its first ten recordings.
    ValueError
        If a named column is missing, a line has no file, label or other value that it
        needs, a time cannot be read or a segment has no length, or a label is not among
        `labels`; the message has the line's number. If a column seems to say which part
        of a file is meant, and was not named with `start` or `end`.

    Warns
    -----
    UserWarning
        If the table has no column of speakers, because then folds cannot keep speakers
        apart. ``speaker=None`` says that this is known. If a recording is listed again,
        or a column of channels is there, which are mixed all the same.

    See Also
    --------
    validate : Find out whether the recordings can be used.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skser.datasets import load_table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("a.wav", "b.wav"):
    ...         Path(folder, name).touch()
    ...     table = Path(folder, "table.csv")
    ...     _ = table.write_text("file,emotion,who\na.wav,joy,s1\nb.wav,fear,s2\n")
    ...     corpus = load_table(table, label="emotion", speaker="who")
    >>> print(corpus.target, corpus.groups, corpus.splits)
    ['joy' 'fear'] ['s1' 's2'] None
    """
    names = {
        "paths": file,
        "target": label,
        "groups": speaker,
        "splits": split,
        "sessions": session,
        "text_ids": text_id,
        "starts": start,
        "ends": end,
    }
    required = ("paths",) if label is None else ("paths", "target")
    columns = _read_columns(csv_file, names, required)
    if speaker is not None and "groups" not in columns:
        warnings.warn(
            f"{show_path(csv_file)} has no column {speaker!r}, so corpus.groups is "
            "None and folds cannot keep speakers apart: results will be too good. Name "
            "the column with speaker=..., or pass speaker=None if there is none.",
            UserWarning,
            stacklevel=2,
        )
    return _make_corpus_of_table(
        csv_file, columns, root, labels, f"Corpus of the table {show_path(csv_file)}."
    )


def load_cheavd(
    csv_file: str | os.PathLike,
    *,
    file: str = "file",
    label: str = "label",
    speaker: str | None = "speaker",
    split: str = "split",
    root: str | os.PathLike | None = None,
) -> Corpus:
    """List the recordings of CHEAVD 2.0, the corpus of the MEC 2017 challenge.

    No audio is read. How the copies are laid out is not published, so a table is
    needed that says what is where, as for :func:`load_table`; write it from the label
    files of the copy.

    Parameters
    ----------
    csv_file : str or os.PathLike
        A text file in UTF-8 with a header and one line per recording; the columns are
        separated by commas, semicolons or tabs. Leave recordings without a label out.
    file, label, split : str, default="file", "label", "split"
        Names of the columns. The labels are the eight of the challenge: angry,
        anxious, disgust, happy, neutral, sad, surprise, worried. The split is the
        published one: train, validation (or val, dev), test.
    speaker : str or None, default="speaker"
        Name of the column of speakers, which may be missing: the split is fixed.
    root : str or os.PathLike, default=None
        The folder that relative paths are relative to; None is the table's own.

    Returns
    -------
    corpus : Corpus
        As described in :class:`~skser.datasets.Corpus`, in the order of the table,
        with:

        target : ndarray of str of shape (n_samples,)
            "anger", "anxiety", "disgust", "happiness", "neutral", "sadness",
            "surprise", "worry".
        splits : ndarray of str of shape (n_samples,)
            "train", "validation", "test".

    Raises
    ------
    FileNotFoundError
        If there is no such table, or none of its first ten recordings.
    ValueError
        If a column is missing, a line has no value, or a label or a split is unknown.

    Warns
    -----
    UserWarning
        If the parts do not have 4917, 707 and 1406 recordings, or a class is missing.

    See Also
    --------
    load_table : For tables of other corpora.
    validate : Find out whether the recordings can be used.

    References
    ----------
    .. [1] Y. Li, J. Tao, B. Schuller, S. Shan, D. Jiang and J. Jia, "MEC 2017:
       Multimodal emotion recognition challenge", ACII Asia 2018.

    Examples
    --------
    Train on one part, predict another:

    >>> from skser.datasets import load_cheavd
    >>> corpus = load_cheavd("~/corpora/cheavd/table.csv")    # doctest: +SKIP
    >>> train = corpus.splits == "train"    # doctest: +SKIP
    >>> corpus.paths[train].shape    # doctest: +SKIP
    (4917,)
    """
    names = {
        "paths": file,
        "target": label,
        "groups": speaker,
        "splits": split,
        "starts": "start",
        "ends": "end",
    }
    columns = _read_columns(csv_file, names, required=("paths", "target", "splits"))
    columns["splits"] = _translate(
        columns["splits"], _CHEAVD_SPLITS, f"column {split!r} of {show_path(csv_file)}"
    )
    corpus = _make_corpus_of_table(
        csv_file, columns, root, _CHEAVD_LABELS, read_description("cheavd"), "CHEAVD"
    )
    found = Counter(corpus.splits.tolist())
    parts = [
        f"{found[part]} in {part} (published: {n})"
        for part, n in _CHEAVD_COUNTS.items()
        if found[part] != n
    ]
    absent = sorted(set(corpus.target_names) - set(corpus.target.tolist()))
    parts += [f"none of {', '.join(absent)}"] if absent else []
    if parts:
        warnings.warn(
            f"{show_path(csv_file)} is not all of CHEAVD 2.0: {', '.join(parts)}.",
            UserWarning,
            stacklevel=2,
        )
    return corpus


def _read_columns(csv_file, names, required=("paths", "target")):
    """Read the columns of a table.

    Parameters
    ----------
    csv_file : path-like
    names : dict of str to (str or None)
        Entry of a Corpus -> name of its column.
    required : tuple of str
        The entries that must be there.

    Returns
    -------
    columns : dict of str to list of str
        By entry; columns that were not named are there under their own names. Times
        are joined to the paths, which are then of Segment.
    """
    header, lines = read_lines(csv_file)
    if names["starts"] is not None and names["starts"] in header:
        # Beside an end, or alone, a duration may be that of the file.
        is_needed = "duration" in header and names["ends"] not in header
        names = names | ({"durations": "duration"} if is_needed else {})
    entries = {name: entry for entry, name in names.items() if name is not None}
    usual = COLUMNS | _TIMES
    for name, entry in entries.items():
        if name not in header and (entry in required or name != usual[entry]):
            is_needed = entry in ("paths", "splits")
            or_none = "" if is_needed else f", or pass {usual[entry]}=None"
            raise ValueError(
                f"{show_path(csv_file)} has no column {name!r}; its columns are "
                f"{', '.join(map(repr, header))}. Name the right one with "
                f"{usual[entry]}=...{or_none}"
            )
    if names["starts"] is not None or names["ends"] is not None:
        has_no_end = names["starts"] in header and names["ends"] not in header
        others = set(header) - set(entries)
        _refuse_other_times(csv_file, others, has_no_end)
    for number, values in lines:
        where = f"Line {number} of {show_path(csv_file)}"
        if len(values) != len(header):
            raise ValueError(
                f"{where} has {len(values)} values, expected {len(header)}: "
                f"{', '.join(header)}. Put quotes round values with a delimiter inside."
            )
        for name, value in zip(header, values, strict=True):
            if entries.get(name, "starts") not in _TIMES and not value:
                raise ValueError(
                    f"{where} has no value in the column {name!r}. Fill it in, or "
                    "leave the line out."
                )
    values = zip(*(values for _, values in lines), strict=True)
    columns = {
        entries.get(name, name): list(values)
        for name, values in zip(header, values, strict=True)
        if name in entries or name not in _RESERVED
    }
    where = [f"Line {number} of {show_path(csv_file)}" for number, _ in lines]
    for name in _DIMENSIONS:
        if name in columns:
            columns[name] = _read_ratings(columns[name], where, name)
    times = {
        entry: [
            read_time(value, f"{line} has in the column {names[entry]!r}")
            for value, line in zip(columns.pop(entry), where, strict=True)
        ]
        for entry in _TIMES
        if entry in names and entry in columns
    }
    if any(time is not None for column in times.values() for time in column):
        columns["paths"] = _join_times(columns["paths"], where, **times)
    return columns


def _refuse_other_times(csv_file, names, has_no_end):
    """Refuse columns that seem to say which part of a file a row is."""
    for name in sorted(names):
        plain = re.sub("[^a-z0-9]", "", name.lower())
        if _SIDE.fullmatch(plain):
            advice = f"name it, start={name!r} or end={name!r}"
        elif has_no_end and _LENGTH.fullmatch(plain):
            advice = "rename it to 'duration'"
        else:
            continue
        raise ValueError(
            f"{show_path(csv_file)} has a column {name!r}, as if rows were parts of "
            f"files. If so, {advice}; it must be in seconds. If rows are whole files, "
            "pass start=None, end=None."
        )


def read_time(value, where):
    """Return a time in seconds, or None; `where` begins the message."""
    if value.lower() in _NOTHING:
        return None
    match = _TIMEDELTA.fullmatch(value)
    try:
        if match:
            days, hours, minutes, seconds = map(float, match.groups(default=0))
            time = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
        else:
            time = float(value)
    except ValueError:
        time = math.nan
    if not 0 <= time < math.inf:
        raise ValueError(
            f"{where} the time {value!r}. Expected seconds, such as 1.5, a time such "
            "as '0 days 00:00:01.5', or nothing, and not less than 0."
        )
    return time


def _read_ratings(values, where, name):
    """Return numbers, NaN for nothing; or the texts, if all of them are others."""
    ratings, texts = [], []
    for value, line in zip(values, where, strict=True):
        is_missing = value.lower() in _NOTHING
        try:
            rating = math.nan if is_missing else float(value)
        except ValueError:
            texts.append(f"{line} has in the column {name!r} {value!r}")
        else:
            ratings.append(rating)
    if not texts:
        return ratings
    if all(math.isnan(rating) for rating in ratings):
        return values
    raise ValueError(
        f"{texts[0]}, but other lines have numbers there. Write all ratings as numbers "
        "such as 3.5, or nothing."
    )


def _join_times(files, where, starts=None, ends=None, durations=None):
    """Return files and times as segments."""
    nothing = [None] * len(files)
    starts, segments = starts or nothing, []
    stops = durations or ends or nothing
    for file, start, stop, line in zip(files, starts, stops, where, strict=True):
        if durations and stop is not None:
            # Rounded to nanoseconds, as times are written: 0.1 + 0.2 is 0.3.
            stop = round((start or 0.0) + stop, 9)
        try:
            segments.append(Segment(file, start, stop))
        except ValueError as error:
            raise ValueError(f"{line}: {error}") from error
    return segments


def read_lines(csv_file):
    """Return the header and the lines, with their numbers, that are not blank."""
    path = Path(csv_file).expanduser()
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no table {show_path(csv_file)}. Expected a text file like "
            f"this:\n{_EXAMPLE}"
        )
    try:
        lines = list(_iterate_lines(path))
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{show_path(csv_file)} is not in UTF-8 ({error}). Save it as such; "
            'spreadsheet programs call it "CSV UTF-8".'
        ) from error
    if len(lines) < 2:
        raise ValueError(
            f"{show_path(csv_file)} lists no recording. Expected a header and one line "
            f"a recording:\n{_EXAMPLE}"
        )
    header = lines[0][1]
    if len(set(header)) < len(header):
        raise ValueError(
            f"{show_path(csv_file)} has several columns of one name: "
            f"{', '.join(map(repr, header))}. Rename them."
        )
    return header, lines[1:]


def _iterate_lines(path):
    """Yield number and values of the lines that are not blank."""
    # Spreadsheet programs put a byte order mark in front.
    with open(path, newline="", encoding="utf-8-sig") as stream:
        delimiter = max(_DELIMITERS, key=stream.readline().count)
        stream.seek(0)
        reader = csv.reader(stream, delimiter=delimiter, skipinitialspace=True)
        for line in reader:
            values = [value.strip() for value in line]
            if any(values):
                yield reader.line_num, values


def _make_corpus_of_table(csv_file, columns, root, labels, description, name=None):
    """Return the corpus; the first recordings have to exist, and labels be known."""
    table = Path(csv_file).expanduser()
    root = table.parent if root is None else Path(root).expanduser()

    def locate(file):
        if isinstance(file, Segment):
            return replace(file, path=locate(file.path))
        if os.sep == "/":
            # Tables of Windows; no corpus has a backslash in the name of a file.
            file = file.replace("\\", "/")
        return os.path.abspath(os.path.join(root, os.path.expanduser(file)))

    paths = [locate(file) for file in columns["paths"]]
    first = [os.fspath(path) for path in paths[:_N_LOOKED_FOR]]
    if not any(os.path.exists(path) for path in first):
        is_absolute = os.path.isabs(
            os.path.expanduser(os.fspath(columns["paths"][0]).replace("\\", "/"))
        )
        advice = (
            "The table has absolute paths, perhaps of another machine: replace them "
            "by paths that are relative to the table."
            if is_absolute
            else "Name the folder that the paths of the table are relative to with "
            "root=..."
        )
        raise FileNotFoundError(
            f"None of the first {len(first)} recording(s) of {show_path(csv_file)} "
            f"exists, for instance {show_path(first[0])}. {advice}"
        )
    _warn_of_rows(csv_file, paths, columns)
    columns["paths"] = paths
    if labels is not None and "target" in columns:
        where = f"the labels of {show_path(csv_file)}"
        columns["target"] = _translate(columns["target"], labels, where)
    return make_corpus(
        name or table.name,
        columns,
        target_names=columns.get("target", ()) if labels is None else labels.values(),
        expected_counts=None,
        description=description,
    )


def _warn_of_rows(csv_file, paths, columns):
    """Warn of rows that may not be what they are read as."""
    counts = Counter(paths)
    repeated = [str(path) for path, n in counts.items() if n > 1]
    channels = next((name for name in columns if name.lower() == "channel"), None)
    remarks = []
    if repeated:
        remarks.append(
            f"lists {len(repeated)} recording(s) more than once, for instance "
            f"{show_path(repeated[0])}. If rows are parts of files, name the columns "
            "of their times with start=... and end=...; otherwise list each once."
        )
    if channels and len(set(columns[channels])) > 1:
        remarks.append(
            f"has a column {channels!r}, but the mean of all channels is read. If rows "
            "mean single channels, write these to files of their own."
        )
    for remark in remarks:
        warnings.warn(f"{show_path(csv_file)} {remark}", UserWarning, stacklevel=4)


def _translate(values, translations, where):
    """Replace values as a table says, without regard to capitals."""
    lowered = {key.lower(): value for key, value in translations.items()}
    unknown = sorted({value for value in values if value.lower() not in lowered})
    if unknown:
        raise ValueError(
            f"Unknown value(s) in {where}: {list_some(map(repr, unknown))}. Expected: "
            f"{', '.join(map(repr, translations))}."
        )
    return [lowered[value.lower()] for value in values]
