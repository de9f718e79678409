"""Folds that others have published, read from tables, JSON and folders of such files.

Recordings are found by the ends of their paths, without the files' endings: copies of a
corpus lie in other folders, and in other containers.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from skser._recordings import Segment, as_segment
from skser.datasets._corpus import Corpus, list_some, show_path
from skser.datasets._tables import read_lines, read_time
from skser.model_selection import FixedSplit

# Part -> its names in columns, keys and names of files, in lower case.
_PARTS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "devel", "development"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_PART_OF_NAME = {name: part for part, names in _PARTS.items() for name in names}
# What the file of a recording is called, and where it begins and ends in it.
_FILE = ("file", "wav", "path", "audio", "filename")
_TIMES = (("start", "start_time"), ("end", "end_time"))
# In the order in which they are looked for in a folder.
_SUFFIXES = (".jsonl", ".json", ".csv")

_EXAMPLE = """\
    file,fold,split
    wav/0001.wav,1,train
    wav/0002.wav,1,test
    ..."""


def read_folds(
    source: str | os.PathLike | Mapping | Sequence,
    corpus: Corpus,
    *,
    allow_missing: bool = False,
) -> FixedSplit:
    """Read folds that others have published, for a corpus on this disk.

    Parameters
    ----------
    source : str, os.PathLike, dict, or sequence of dict
        One of:

        - a table (CSV), or JSON Lines with the same keys, that lists recordings in
          "file" and has "split" (train, validation, test), or "fold" (each recording is
          tested in its fold, and trained on in the others), or both, with a line for
          each recording and fold;
        - a dict from part to files: ``{"train": "train.csv", "test": "test.csv"}``, a
          table or JSON for each, such as the tables of audformat; or lists of paths
          in their place. Several such dicts are several folds;
        - a JSON file that holds such a dict with lists, or a list of them;
        - a folder in which one file for each part lies, or which has such folders, one
          for each fold: ``emodb/fold_1/emodb_train_fold_1.jsonl``, as EmoBox [1]_ has
          them. The part is found in the files' names.

        Files of parts may call the recording "file", "wav", "path", "audio" or
        "filename", and where it begins and ends "start" or "start_time", and "end" or
        "end_time". Parts may also be called training; valid, val, dev; testing, eval.
    corpus : Corpus
        Its `paths` are looked for among the recordings of the folds: by name of the
        file without its ending, and by as many folders above it as are needed to tell
        the paths of the corpus apart.
    allow_missing : bool, default=False
        Whether to leave out recordings of the folds that the corpus does not have.

    Returns
    -------
    folds : skser.model_selection.FixedSplit
        With a column for each fold. Validation is the part of that name, if there is
        one in all folds.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or a folder has no files of parts.
    ValueError
        If a recording is named twice in a fold, or is not in the corpus, if paths of
        the corpus cannot be told apart, or if a file cannot be read as folds.

    Warns
    -----
    UserWarning
        If recordings of the corpus are in no fold; or, with `allow_missing`, if the
        corpus has not all recordings of the folds.

    See Also
    --------
    skser.model_selection.audit_folds : What training and test have in common.

    References
    ----------
    .. [1] Z. Ma et al., "EmoBox: Multilingual multi-corpus speech emotion recognition
       toolkit and benchmark", Interspeech 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.datasets import Corpus, read_folds
    >>> corpus = Corpus(paths=np.array(["/data/wav/a.flac", "/data/wav/b.flac"]))
    >>> folds = read_folds({"train": ["emo/a.wav"], "test": ["emo/b.wav"]}, corpus)
    >>> list(folds.split(corpus.paths))
    [(array([0]), array([1]))]
    """
    folds = _read(source)
    find = _Finder(corpus)
    split = np.full((len(corpus["paths"]), len(folds)), "", dtype="<U10")
    missing: dict = {}
    for number, parts in enumerate(folds, start=1):
        named: dict = {}
        for part, recordings in parts.items():
            for recording in recordings:
                row = find(recording)
                if row is None:
                    missing.setdefault(str(recording), number)
                elif row in named:
                    raise ValueError(
                        f"Fold {number} names {str(recording)!r} in {part}, and in "
                        f"{named[row]} before. Every recording is in one part of a "
                        "fold: remove one of them."
                    )
                else:
                    named[row] = part
                    split[row, number - 1] = part
    _report(missing, split, find, allow_missing)
    has_validation = (split == "validation").any(axis=0)
    if has_validation.any() and not has_validation.all():
        raise ValueError(
            f"Fold {np.argmin(has_validation) + 1} has no validation, but others have. "
            "Give all folds one, or none."
        )
    validation = "validation" if has_validation.any() else None
    return FixedSplit(split, validation=validation)


def _report(missing, split, find, allow_missing):
    """Raise or warn about recordings that are on one side only."""
    if missing:
        name, number = next(iter(missing.items()))
        message = (
            f"{len(missing)} recording(s) of the folds are not in the corpus, for "
            f"instance {name!r} of fold {number}. Recordings are found by "
            f"{find.describe()}, such as {find.show()!r}."
        )
        if not allow_missing:
            raise ValueError(
                f"{message} Load all of the corpus, or leave them out with "
                "allow_missing=True."
            )
        warnings.warn(message, UserWarning, stacklevel=3)
    unused = np.flatnonzero((split == "").all(axis=1))
    if len(unused):
        names = list_some([str(find.paths[row]) for row in unused], 3)
        warnings.warn(
            f"{len(unused)} recording(s) of the corpus are in no fold, and so neither "
            f"trained on nor tested: {names}.",
            UserWarning,
            stacklevel=3,
        )


class _Finder:
    """Finds the row of a recording in a corpus by the end of its path."""

    def __init__(self, corpus):
        self.paths = corpus["paths"]
        segments = [as_segment(path) for path in self.paths]
        names = [_split_path(one.path) for one in segments]
        times = [_round(one.start, one.end) for one in segments]
        deepest = max(map(len, names))
        for depth in range(1, deepest + 1):
            self.depth = depth
            keys = [
                (*name[-depth:], *time) for name, time in zip(names, times, strict=True)
            ]
            if len(set(keys)) == len(keys):
                break
        else:
            twice = Counter(keys).most_common(1)[0][0]
            raise ValueError(
                f"The corpus lists {str(self.paths[keys.index(twice)])!r} twice, so "
                "that it cannot be told which is meant. Take one out with Corpus.take."
            )
        self.rows = {key: row for row, key in enumerate(keys)}

    def __call__(self, recording):
        """Return the row of a Segment, or None."""
        name = _split_path(recording.path)[-self.depth :]
        return self.rows.get((*name, *_round(recording.start, recording.end)))

    def describe(self):
        """Return what recordings are found by."""
        above = self.depth - 1
        return "the name of the file" + (f" and {above} folder(s)" if above else "")

    def show(self):
        """Return what the first recording of the corpus is found by."""
        return "/".join(_split_path(as_segment(self.paths[0]).path)[-self.depth :])


def _round(start, end):
    """Return times as they can be compared, in milliseconds."""
    return round((start or 0) * 1000), None if end is None else round(end * 1000)


def _split_path(path):
    """Return the folders and the name of a file, without its ending."""
    pure = PurePosixPath(os.fspath(path).replace("\\", "/"))
    return (*pure.parent.parts, pure.stem)


# Reading: a list of folds, each a dict of part -> list of Segment


def _read(source):
    """Return the folds of any source."""
    if isinstance(source, Mapping):
        return [_read_parts(source)]
    if not isinstance(source, (str, os.PathLike)):
        folds = list(source)
        if not folds or not all(isinstance(fold, Mapping) for fold in folds):
            raise ValueError(
                "source must be a file, a folder, a dict of part to files, or a list "
                f"of such dicts; got {source!r:.80}."
            )
        return [_read_parts(fold) for fold in folds]
    path = Path(source).expanduser()
    if path.is_dir():
        return [_read_parts(files) for files in _list_files(path)]
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file or folder {show_path(source)}. Expected folds, for "
            f"instance a table like this:\n{_EXAMPLE}"
        )
    content = _read_json(path) if path.suffix.lower() == ".json" else None
    folds = list(content.values()) if isinstance(content, Mapping) else content
    if content is None or all(_names_recording(entry) for entry in folds):
        return _read_table(path)
    if isinstance(content, Mapping) and all(map(_find_part, content)):
        return _read(content)
    return _read(folds)


def _list_files(folder):
    """Return the files of each part, for each fold, of a folder."""
    folds: dict = {}
    for suffix in _SUFFIXES:
        found = sorted(
            path for path in folder.rglob(f"*{suffix}") if _find_part(path.stem)
        )
        for path in found:
            part = _find_part(path.stem)
            parts = folds.setdefault(path.parent, {})
            if part in parts:
                raise ValueError(
                    f"{show_path(path.parent)} has two files of {part}: "
                    f"{parts[part].name!r} and {path.name!r}. Name the right ones: "
                    "read_folds([{'train': path, 'test': path}, ...], corpus)."
                )
            parts[part] = path
        if folds:
            break
    if not folds:
        raise FileNotFoundError(
            f"{show_path(folder)} has no files of folds. Expected names such as "
            "fold_1/emodb_train_fold_1.jsonl and fold_1/emodb_test_fold_1.jsonl."
        )
    # fold_2 before fold_10.
    return [folds[key] for key in sorted(folds, key=_sort_key)]


def _sort_key(path):
    """Return what sorts names with numbers as people do."""
    return [
        (int(part), "") if part.isdigit() else (-1, part)
        for part in re.split(r"(\d+)", str(path))
    ]


def _find_part(name):
    """Return the part that a name of a file or a key means, or None."""
    words = re.findall("[a-z]+", str(name).lower())
    found = {_PART_OF_NAME[word] for word in words if word in _PART_OF_NAME}
    return found.pop() if len(found) == 1 else None


def _read_parts(parts):
    """Return the recordings of each part of a fold."""
    recordings: dict = {}
    for name, files in parts.items():
        part = _find_part(name)
        if part is None or part in recordings:
            raise ValueError(
                f"A fold has the part {name!r} among {list(parts)}. Expected 'train', "
                "'test' and, if there is one, 'validation', each once."
            )
        if isinstance(files, (str, os.PathLike)):
            path = Path(files).expanduser()
            recordings[part] = [
                _read_recording(row, f"{where} of {show_path(path)}")
                for where, row in _iterate_rows(path)
            ]
        else:
            recordings[part] = [as_segment(file) for file in files]
    lacking = [part for part in ("train", "test") if not recordings.get(part)]
    if lacking:
        raise ValueError(f"A fold has no recordings in {lacking[0]}: {parts!r:.200}")
    return recordings


def _read_table(path):
    """Return the folds of a table of recordings with their splits or folds."""
    rows = [
        (row, _read_recording(row, f"{where} of {show_path(path)}"))
        for where, row in _iterate_rows(path)
    ]
    keys = set(rows[0][0]) if rows else set()
    if not keys & {"split", "fold"}:
        raise ValueError(
            f"{show_path(path)} says neither split nor fold; it has "
            f"{', '.join(map(repr, sorted(keys)))}. Expected a table like this:\n"
            f"{_EXAMPLE}\nOf a file for each part, pass {{'train': file, ...}}."
        )
    if "split" not in keys:
        names = list(dict.fromkeys(str(row["fold"]) for row, _ in rows))
        return [
            {
                "train": [one for row, one in rows if str(row["fold"]) != name],
                "test": [one for row, one in rows if str(row["fold"]) == name],
            }
            for name in sorted(names, key=_sort_key)
        ]
    folds: dict = {}
    for row, recording in rows:
        part = _find_part(row["split"])
        if part is None:
            raise ValueError(
                f"{show_path(path)} has the split {row['split']!r}. Expected one of "
                f"{list(_PARTS)}."
            )
        parts = folds.setdefault(str(row.get("fold", "")), {})
        parts.setdefault(part, []).append(recording)
    return [_read_parts(folds[name]) for name in sorted(folds, key=_sort_key)]


def _iterate_rows(path):
    """Yield where a row stands, for messages, and the row of a file, a dict."""
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {show_path(path)}.")
    suffix = path.suffix.lower()
    if suffix == ".jsonl":
        lines = path.read_text("utf-8-sig").splitlines()
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield f"Line {number}", _parse(line, f"Line {number} of", path)
    elif suffix == ".json":
        content = _read_json(path)
        is_dict = isinstance(content, Mapping)
        pairs = content.items() if is_dict else enumerate(content)
        for key, row in pairs:
            yield f"Entry {key!r}", {"file": row} if isinstance(row, str) else row
    else:
        header, lines = read_lines(path)
        for number, values in lines:
            if len(values) != len(header):
                raise ValueError(
                    f"Line {number} of {show_path(path)} has {len(values)} values, "
                    f"expected {len(header)}: {', '.join(header)}."
                )
            yield f"Line {number}", dict(zip(header, values, strict=True))


def _names_recording(entry):
    """Tell whether an entry of a JSON file is one recording."""
    return isinstance(entry, Mapping) and any(name in entry for name in _FILE)


def _read_json(path):
    """Return the content of a JSON file."""
    return _parse(path.read_text("utf-8-sig"), "", path)


def _parse(text, where, path):
    """Return what JSON says."""
    try:
        return json.loads(text)
    except ValueError as error:
        place = f"{where} {show_path(path)}".strip()
        raise ValueError(f"{place} is no JSON: {error}.") from error


def _read_recording(row, where):
    """Return the recording that a row names, as a Segment."""
    if not isinstance(row, Mapping):
        raise ValueError(f"{where} is {row!r:.80}; expected names and values.")
    name = next((name for name in _FILE if row.get(name)), None)
    if name is None:
        raise ValueError(
            f"{where} names no recording: it has {', '.join(map(repr, row))}. Expected "
            f"one of {', '.join(map(repr, _FILE))}."
        )
    times = []
    for names in _TIMES:
        value = next((row[name] for name in names if row.get(name) is not None), None)
        times.append(None if value is None else read_time(str(value), f"{where} has"))
    return Segment(row[name], *times)
