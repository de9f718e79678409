"""How the recordings of a corpus are found whose file names say everything.

A :class:`Layout` is what differs from corpus to corpus; :func:`load_layout` is the
one loader over it.
"""

import os
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from skser.datasets._corpus import (
    describe_incomplete,
    describe_missing,
    list_some,
    make_corpus,
    read_description,
    show_path,
)

_SUFFIXES = {".wav", ".flac"}
# Folders that packing programs leave behind.
_IGNORED_FOLDERS = {"__MACOSX"}
# The deepest known copy nests its files in four folders. The bound keeps a wrong
# folder, for instance the home folder, from being searched for minutes.
_MAX_DEPTH = 5
# What the groups of a pattern become; other groups are columns under their own name.
_GROUPS = {"emotion": "target", "speaker": "groups", "text": "text_ids"}


@dataclass(frozen=True)
class Layout:
    """What the files of a corpus are called, and how many there are.

    Parameters
    ----------
    name : str
        In messages.
    description : str
        File of the folder ``descr``, without its ending.
    example : str
        The name of a file.
    tree : str
        The expected folders, for messages.
    pattern : str
        Regular expression of the end of a path, without the file's suffix, from the
        start of a folder's or the file's name. Its groups: emotion, speaker, text
        and any others. Paths with equal groups are the same recording.
    values : dict of str to dict of str to str
        Group -> code in the file name -> value. Codes that are missing, and groups
        without a row, keep the code; emotions are all listed.
    counts : dict of (str or None, str) to int
        Number of recordings by (speaker, emotion).
    others : str or None
        Regular expression like `pattern` of files that belong to the corpus and are
        left out without a warning.
    """

    name: str
    description: str
    example: str
    tree: str
    pattern: str
    values: Mapping
    counts: Mapping
    others: str | None = None
    _compiled: re.Pattern = field(init=False, repr=False)
    _compiled_others: re.Pattern = field(init=False, repr=False)

    def __post_init__(self):
        never = "(?!)"
        for attribute, pattern in [
            ("_compiled", self.pattern),
            ("_compiled_others", self.others or never),
        ]:
            compiled = re.compile(rf"(?:.*/)?{pattern}", re.DOTALL)
            object.__setattr__(self, attribute, compiled)

    def read(self, name):
        """Return what a path without suffix says, by group, or None."""
        match = self._compiled.fullmatch(name)
        return match and {
            group: self.values.get(group, {}).get(code, code)
            for group, code in match.groupdict().items()
        }

    def is_other(self, name):
        """Tell whether a path without suffix belongs to what is left out."""
        return self._compiled_others.fullmatch(name) is not None


def load_layout(layout, path):
    """List the recordings of a copy of a corpus.

    Parameters
    ----------
    layout : Layout
    path : str or os.PathLike

    Returns
    -------
    corpus : Corpus
        Ordered by path.

    Raises
    ------
    FileNotFoundError
        If there is no recording; the message shows the expected tree.

    Warns
    -----
    UserWarning
        On behalf of the caller's caller: if files were left out because of their
        names or because they repeat, or the numbers are not those of the corpus.
    """
    folder = Path(path).expanduser()
    recordings, unknown, repeated = _sort_files(layout, find_audio(folder))
    if not recordings:
        raise FileNotFoundError(describe_missing(layout.name, path, layout.tree))
    corpus = make_corpus(
        layout.name,
        _as_columns(recordings),
        target_names=layout.values["emotion"].values(),
        expected_counts=dict(layout.counts),
        description=read_description(layout.description),
    )
    for message in (
        _describe_unknown(layout, path, unknown),
        _describe_repeated(path, repeated),
        describe_incomplete(corpus, path),
    ):
        if message:
            warnings.warn(message, UserWarning, stacklevel=3)
    return corpus


def find_audio(folder):
    """Return the WAV and FLAC files of a folder and of the folders inside.

    Hidden files and folders are passed over, among them the ``._x.wav`` that macOS
    leaves on foreign disks and in archives: they are no audio.

    Parameters
    ----------
    folder : path-like
        Need not exist.

    Returns
    -------
    paths : list of str
        Absolute; those in fewer folders first, then by name.
    """
    root = os.path.abspath(folder)
    paths, seen = [], set()
    for directory, folders, files in os.walk(root, followlinks=True):
        depth = directory[len(root) :].count(os.sep)
        real = os.path.realpath(directory)
        if real in seen:  # a link can lead back to where it lies
            folders.clear()
            continue
        seen.add(real)
        is_deepest = depth == _MAX_DEPTH
        folders[:] = [name for name in folders if _is_visible(name) and not is_deepest]
        paths += [
            os.path.join(directory, name)
            for name in files
            if _is_visible(name) and os.path.splitext(name)[1].lower() in _SUFFIXES
        ]
    return sorted(paths, key=lambda path: (path.count(os.sep), path))


def _is_visible(name):
    return not name.startswith(".") and name not in _IGNORED_FOLDERS


def _sort_files(layout, paths):
    """Tell recordings from files of other names and from repetitions."""
    recordings, unknown, repeated = {}, [], []
    for path in paths:
        name = os.path.splitext(path)[0].replace(os.sep, "/")
        groups = layout.read(name)
        if groups is None:
            if not layout.is_other(name):
                unknown.append(path)
            continue
        identity = tuple(groups.values())
        if identity in recordings:
            repeated.append(path)
        else:
            recordings[identity] = {"paths": path, **groups}
    return sorted(recordings.values(), key=lambda row: row["paths"]), unknown, repeated


def _as_columns(rows):
    return {_GROUPS.get(key, key): [row[key] for row in rows] for key in rows[0]}


def _describe_unknown(layout, path, unknown):
    if not unknown:
        return ""
    names = list_some(map(os.path.basename, unknown), 5)
    return (
        f"{len(unknown)} audio file(s) in {show_path(path)} left out, because they are "
        f"not named as in {layout.name} ({layout.example}): {names}."
    )


def _describe_repeated(path, repeated):
    if not repeated:
        return ""
    return (
        f"{len(repeated)} audio file(s) in {show_path(path)} left out, because their "
        "names repeat those of files listed already: is there a second copy inside? "
        f"{list_some(map(show_path, repeated), 5)}."
    )
