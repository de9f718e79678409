"""Corpora that a table (CSV) describes, one line per recording; CHEAVD is one."""

from __future__ import annotations

import csv
import os
import warnings
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

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
    label: str = "label",
    speaker: str | None = "speaker",
    split: str | None = "split",
    session: str | None = "session",
    text_id: str | None = "text_id",
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
    file, label : str, default="file", "label"
        Names of the columns of the recordings' paths and of their emotions.
    speaker, split, session, text_id : str or None, default=their own names
        Names of the columns that may be there. None does without; so does a table
        without a column of the default name.
    root : str or os.PathLike, default=None
        The folder that relative paths are relative to; None is the table's own.
    labels : dict of str to str, default=None
        Label in the table -> emotion, for all labels; capitals do not matter. None
        keeps them.

    Returns
    -------
    corpus : Corpus
        As described in :class:`~skser.datasets.Corpus`, in the order of the table.
        Entries without a column are None. Other columns of the table are kept under
        their own names, as `str`, unless a Corpus has an entry of that name.

    Raises
    ------
    FileNotFoundError
        If there is no such table, or none of its first ten recordings.
    ValueError
        If a named column is missing, a line has no file, label or other value that it
        needs, or a label is not among `labels`; the message has the line's number.

    Warns
    -----
    UserWarning
        If the table has no column of speakers, because then folds cannot keep speakers
        apart. ``speaker=None`` says that this is known.

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
    }
    columns = _read_columns(csv_file, names)
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
    names = {"paths": file, "target": label, "groups": speaker, "splits": split}
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
        By entry; columns that were not named are there under their own names.
    """
    header, lines = _read_lines(csv_file)
    entries = {name: entry for entry, name in names.items() if name is not None}
    for name, entry in entries.items():
        if name not in header and (entry in required or name != COLUMNS[entry]):
            raise ValueError(
                f"{show_path(csv_file)} has no column {name!r}; its columns are "
                f"{', '.join(map(repr, header))}. Name the right one with "
                f"{COLUMNS[entry]}=..."
            )
    for number, values in lines:
        where = f"Line {number} of {show_path(csv_file)}"
        if len(values) != len(header):
            raise ValueError(
                f"{where} has {len(values)} values, expected {len(header)}: "
                f"{', '.join(header)}. Put quotes round values with a delimiter inside."
            )
        for name, value in zip(header, values, strict=True):
            if name in entries and not value:
                raise ValueError(
                    f"{where} has no value in the column {name!r}. Fill it in, or "
                    "leave the line out."
                )
    columns = zip(*(values for _, values in lines), strict=True)
    return {
        entries.get(name, name): list(values)
        for name, values in zip(header, columns, strict=True)
        if name in entries or name not in _RESERVED
    }


def _read_lines(csv_file):
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
    if os.sep == "/":
        # Tables written on Windows; no corpus has a backslash in the name of a file.
        columns["paths"] = [file.replace("\\", "/") for file in columns["paths"]]
    paths = [
        os.path.abspath(os.path.join(root, os.path.expanduser(file)))
        for file in columns["paths"]
    ]
    first = paths[:_N_LOOKED_FOR]
    if not any(os.path.exists(path) for path in first):
        is_absolute = os.path.isabs(os.path.expanduser(columns["paths"][0]))
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
    columns["paths"] = paths
    if labels is not None:
        where = f"the labels of {show_path(csv_file)}"
        columns["target"] = _translate(columns["target"], labels, where)
    return make_corpus(
        name or table.name,
        columns,
        target_names=columns["target"] if labels is None else labels.values(),
        expected_counts=None,
        description=description,
    )


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
