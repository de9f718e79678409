"""A corpus: paths, labels, speakers; merging corpora; finding recordings in folders."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch

from skser._columns import COLUMNS, OF_THE_CORPUS
from skser._display import html_table
from skser._labels import map_labels
from skser._recordings import Segment, as_segment

# What there is of a recording; and what print counts, by title.
_RECORDINGS = ("paths", "data", "target")
_COUNTED = {
    "emotions": "target",
    "speakers": "groups",
    "sessions": "sessions",
    "splits": "splits",
}
# Entries whose values are unique within one corpus only.
_IDS = ("groups", "sessions", "text_ids", "turn", "dialogue")
_N_REPORTED = 10
# What libsndfile reads, by the ending of a file's name; lossy formats last.
READABLE = (
    *(".aif", ".aifc", ".aiff", ".au", ".caf", ".flac", ".nist", ".rf64", ".snd"),
    *(".sph", ".w64", ".wav", ".mp3", ".oga", ".ogg", ".opus"),
)
# Audio that it does not read.
UNREADABLE = {
    *(".3gp", ".aac", ".ac3", ".amr", ".ape", ".m4a", ".m4b", ".mka", ".mkv"),
    *(".mov", ".mp4", ".webm", ".wma", ".wv"),
}
# Folders that packing programs leave behind.
_IGNORED_FOLDERS = {"__MACOSX"}
# The deepest known copy nests its files in four folders. The bound keeps a wrong
# folder, for instance the home folder, from being searched for minutes.
_MAX_DEPTH = 5


class Corpus(Bunch):
    """The recordings of a corpus and what is known about each of them.

    A dictionary whose entries are attributes, too. Loaders make it; no audio is read
    for it, so that `paths` are all it knows of the sound.

    Attributes
    ----------
    paths : ndarray of str or of Segment, of shape (n_samples,)
        Input for :class:`~skser.audio.AudioLoader`. Where recordings are parts of
        files, each is a :class:`~skser.audio.Segment`.
    target : ndarray of str of shape (n_samples,)
        The emotion. The corpora whose labels the package knows share one vocabulary:
        "anger", "boredom", "calm", "disgust", "fear", "happiness", "neutral",
        "sadness", "surprise" (and "anxiety", "worry" of CHEAVD, "contempt" of
        MSP-Podcast).
    target_names : list of str
        The emotions, sorted. It does not shrink with a partial copy.
    groups : ndarray of str of shape (n_samples,), or None
        The speaker, for speaker-independent folds.
    sessions : ndarray of str of shape (n_samples,), or None
        The recording session, where speakers were recorded together.
    text_ids : ndarray of str of shape (n_samples,), or None
        What was said, where the same text is said again.
    splits : ndarray of str of shape (n_samples,), or None
        The part of a fixed split.
    valence, arousal, dominance : ndarray of float of shape (n_samples,)
        Dimensions of the emotion, for regressors; only where they are known.
    votes : ndarray of object of shape (n_samples,)
        What each annotator chose, for :func:`~skser.annotations.count_votes`; only
        where it is known.
    frame : pandas.DataFrame of shape (n_samples, n_columns)
        All arrays as a table, in the columns that :func:`~skser.datasets.load_table`
        reads; parts of files have the columns "start" and "end", in seconds. It is
        made when it is asked for first; only this needs pandas.
    name : str
        What messages call the corpus.
    expected_counts : dict or None
        Number of recordings of the published corpus, by (speaker, emotion); the
        speaker is None where only the emotions' totals are known.
    DESCR : str
        What the corpus is, its licence, how to obtain it, its reference, known defects.

    See Also
    --------
    validate : Find out whether the recordings can be used.

    Examples
    --------
    >>> from skser.datasets import Corpus
    >>> corpus = Corpus(paths=["a.wav", "b.wav"], target=["anger", "fear"])
    >>> corpus.target
    ['anger', 'fear']
    >>> corpus
    <Corpus: 2 recordings, 2 emotions>
    >>> print(corpus)
    Corpus: 2 recordings, 2 emotions
    emotions: anger 1, fear 1
    """

    def __repr__(self):
        return f"<{self._headline()}>"

    def __str__(self):
        lines = [
            f"{title}: {list_some(f'{name} {n}' for name, n in counts.items())}"
            for title, counts in self._count().items()
        ]
        return "\n".join([self._headline(), *lines])

    def _repr_html_(self):
        """Show the numbers of recordings in a notebook."""
        tables = [
            html_table([counts], title)
            for title, counts in self._count(_N_REPORTED).items()
        ]
        return f"<p>{escape(self._headline())}</p>{''.join(tables)}"

    def _headline(self):
        """Return name and size of the corpus, in one line."""
        title = " ".join(["Corpus", *([repr(self["name"])] if "name" in self else [])])
        first = next((v for v in map(self.get, _RECORDINGS) if v is not None), ())
        sizes = {title: len(counts) for title, counts in self._count().items()}
        parts = [
            f"{n} {title if n != 1 else title[:-1]}"
            for title, n in {"recordings": len(first), **sizes}.items()
        ]
        return f"{title}: {', '.join(parts)}"

    def _count(self, n_shown=None):
        """Return the numbers of recordings of each emotion, speaker, session, split."""
        counts = {}
        for title, key in _COUNTED.items():
            if self.get(key) is not None:
                found = Counter(np.asarray(self[key]).tolist())
                names = sorted(found, key=str)[:n_shown]
                counts[title] = {str(name): found[name] for name in names}
                if len(names) < len(found):
                    n_others = len(found) - len(names)
                    rest = found.total() - sum(counts[title].values())
                    counts[title][f"{n_others} others"] = rest
        return counts

    def take(self, rows: ArrayLike) -> Corpus:
        """Return a corpus of some of the recordings.

        Parameters
        ----------
        rows : array-like of int or bool of shape (n_rows,) or (n_samples,)
            Which recordings, in which order; or a mask. Those without a finding are
            ``validate(corpus).good_rows()``.

        Returns
        -------
        corpus : Corpus
            `target_names` and `expected_counts` are those of the whole corpus, so that
            `validate` will tell what the numbers of recordings lack.

        Raises
        ------
        IndexError
            If there is no such row, or a mask has another length.

        Examples
        --------
        >>> import numpy as np
        >>> from skser.datasets import Corpus
        >>> corpus = Corpus(
        ...     paths=np.array(["a.wav", "b.wav"]), target=np.array(["anger", "fear"])
        ... )
        >>> corpus.take([1]).paths
        array(['b.wav'], dtype='<U5')
        """
        n_samples = len(next(v for v in map(self.get, _RECORDINGS) if v is not None))
        which: Any = rows
        rows = np.arange(n_samples)[which]
        entries = {key: value for key, value in self.items() if key != "frame"}
        for key, value in entries.items():
            if key not in OF_THE_CORPUS and np.ndim(value) and len(value) == n_samples:
                is_array = isinstance(value, np.ndarray)
                entries[key] = value[rows] if is_array else [value[i] for i in rows]
        return type(self)(**entries)

    def __missing__(self, key):
        # Bunch looks attributes up as keys, so this makes the table upon either.
        if key != "frame":
            raise KeyError(key)
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                "corpus.frame needs pandas: install it, or use the arrays of the "
                "corpus (paths, target, groups ...), which do not."
            ) from error
        are_parts = any(isinstance(path, Segment) for path in self["paths"])
        columns = self._split_segments(pandas) if are_parts else {}
        for name, value in self.items():
            if isinstance(value, np.ndarray) and value.shape == (len(self["paths"]),):
                # Not Arrow's strings, on which scikit-learn's tools fail.
                dtype = object if value.dtype.kind == "U" else None
                series = pandas.Series(value, dtype=dtype)
                # The corpus' own entries come first; a table may use their names, too.
                columns.setdefault(COLUMNS.get(name, name), series)
        self[key] = pandas.DataFrame(columns)
        return self[key]

    def _split_segments(self, pandas):
        """Return the columns of a table of files and their parts."""
        segments = [as_segment(path) for path in self["paths"]]
        files = [segment.path for segment in segments]
        times = {
            name: pandas.Series([getattr(s, name) for s in segments], dtype=float)
            for name in ("start", "end")
        }
        return {"file": pandas.Series(files, dtype=object), **times}


def merge(corpora: Sequence[Corpus] | Mapping[str, Corpus]) -> Corpus:
    """Join corpora to one, in which speakers and texts of each stay its own.

    Names of speakers, sessions and texts are unique within a corpus only: speaker "03"
    of one and speaker "03" of another are two persons, whom folds must keep apart. They
    become "EmoDB/03" and "nEMO/03".

    Parameters
    ----------
    corpora : sequence of Corpus, or mapping of str to Corpus
        A mapping names them; otherwise their own `name` counts.

    Returns
    -------
    corpus : Corpus
        All recordings, corpus after corpus, with a further entry:

        corpus : ndarray of str of shape (n_samples,)
            The name of the corpus, for instance as `groups` of folds that leave out one
            corpus at a time.

        The labels stay as they are: give the corpora one vocabulary before, for
        instance with :func:`share_labels`. Entries of a single corpus are kept, and
        are "" or NaN elsewhere.

    Raises
    ------
    TypeError
        If a corpus has no paths.
    ValueError
        If there is no corpus, two have the same name, some have speakers and others do
        not, or a file is in two of them.

    Warns
    -----
    UserWarning
        If sessions, texts or splits are known of some corpora only: they become None.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.datasets import Corpus, merge
    >>> first, second = (
    ...     Corpus(
    ...         paths=np.array([f"{name}.wav"]),
    ...         target=np.array(["anger"]),
    ...         groups=np.array(["03"]),
    ...     )
    ...     for name in ("a", "b")
    ... )
    >>> merge({"EmoDB": first, "nEMO": second}).groups
    array(['EmoDB/03', 'nEMO/03'], dtype='<U8')
    """
    if not isinstance(corpora, Mapping):
        corpora = list(corpora)
        names = [str(corpus.get("name")) for corpus in corpora]
        if len(set(names)) < len(names):
            raise ValueError(
                f"Corpora that are merged need different names, got {names}. Name "
                "them: merge({'first': corpus, 'second': other})."
            )
        corpora = dict(zip(names, corpora, strict=True))
    if not corpora:
        raise ValueError("merge takes one corpus or more, got none.")
    for name, corpus in corpora.items():
        if corpus.get("paths") is None:
            raise TypeError(
                f"The corpus {name!r} has no paths, only {', '.join(corpus)}. Write it "
                "to a folder with skser.datasets.write_corpus."
            )
    columns = _join_columns(corpora)
    counts = Counter(columns["paths"].tolist())
    repeated = [str(path) for path, n in counts.items() if n > 1]
    if repeated:
        raise ValueError(
            f"{len(repeated)} file(s) are listed twice: {list_some(repeated, 5)}. "
            "Take them out of one of the corpora, for instance with Corpus.take."
        )
    counts = {n: c.get("expected_counts") or {} for n, c in corpora.items()}
    speakers = {speaker for row in counts.values() for speaker, _ in row}
    expected = {
        (f"{name}/{speaker}", label): n
        for name, row in counts.items()
        for (speaker, label), n in row.items()
    }
    is_known = all(counts.values()) and None not in speakers
    labels = [c.get("target_names", c["target"]) for c in corpora.values()]
    return make_corpus(
        " + ".join(corpora),
        columns,
        target_names=[str(label) for names in labels for label in names],
        expected_counts=expected if is_known else None,
        description="\n\n".join(c.get("DESCR", "") for c in corpora.values()).strip(),
    )


def share_labels(
    corpora: Mapping[str, Corpus], mapping: Mapping[str, Mapping] | None = None
) -> dict[str, Corpus]:
    """Give corpora the same classes, and leave out what only some of them have.

    Parameters
    ----------
    corpora : dict of str to Corpus
    mapping : dict of str to dict, default=None
        Corpus -> label -> class, or None to drop the label. Labels that it does not
        name go through the table :data:`~skser.model_selection.SYNONYMS`, without
        regard to case.

    Returns
    -------
    corpora : dict of str to Corpus
        The recordings of the classes that occur in every corpus, for :func:`merge`.

    Raises
    ------
    ValueError
        If fewer than two classes are shared, or `mapping` names a corpus or a label
        that does not exist.

    See Also
    --------
    skser.model_selection.evaluate_across : Trains on one corpus and tests on another.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.datasets import Corpus, share_labels
    >>> first = Corpus(target=np.array(["joy", "sad", "calm"]))
    >>> second = Corpus(target=np.array(["sadness", "Happy"]))
    >>> shared = share_labels({"first": first, "second": second})
    >>> shared["first"].target, shared["second"].target
    (array(['happiness', 'sadness'], dtype='<U9'), array(['sadness', 'happiness'],
          dtype='<U9'))
    """
    targets = {n: np.asarray(c["target"]).tolist() for n, c in corpora.items()}
    classes, mappings = map_labels(targets, mapping)
    shared = {}
    for name, corpus in corpora.items():
        mapped = [mappings[name][label] for label in targets[name]]
        kept = [label for label in mapped if label is not None]
        shared[name] = corpus.take([label is not None for label in mapped])
        shared[name]["target"] = np.array(kept)
        shared[name].update(target_names=classes, expected_counts=None)
    return shared


def _join_columns(corpora):
    """Return the columns of all corpora below each other, by entry."""
    known = {
        name: {
            key: np.asarray(value)
            for key, value in corpus.items()
            if value is not None and key not in {*OF_THE_CORPUS, "frame"}
        }
        for name, corpus in corpora.items()
    }
    sizes = {name: len(columns["paths"]) for name, columns in known.items()}
    parts, lacking = {"corpus": [np.full(n, name) for name, n in sizes.items()]}, []
    for key in dict.fromkeys(key for columns in known.values() for key in columns):
        without = [name for name, columns in known.items() if key not in columns]
        if without and key == "groups":
            raise ValueError(
                f"No speakers are known of {', '.join(without)}, so that folds could "
                "not keep them apart. Leave them out, or set the entry groups of each, "
                "for instance to its paths if nobody speaks twice."
            )
        if without and key in COLUMNS:
            lacking.append(f"{key} (not known of {', '.join(without)})")
            continue
        parts[key] = []
        for name, columns in known.items():
            if key not in columns:
                filler = next(c[key] for c in known.values() if key in c)
                empty = "" if filler.dtype.kind in "UO" else np.nan
                parts[key].append(np.full(sizes[name], empty))
            elif key in _IDS:
                ids = columns[key].tolist()
                parts[key].append(np.array([f"{name}/{value}" for value in ids]))
            else:
                parts[key].append(columns[key])
    if lacking:
        warnings.warn(
            f"The merged corpus is without {list_some(lacking, separator='; ')}.",
            UserWarning,
            stacklevel=3,
        )
    return {key: np.concatenate(arrays) for key, arrays in parts.items()}


def warn_of(messages):
    """Warn of each message that is not empty, in the name of the loader's caller.

    Two functions are between him and this one: the loader, and what wraps it.

    Parameters
    ----------
    messages : iterable of str
    """
    for message in messages:
        if message:
            warnings.warn(message, UserWarning, stacklevel=4)


def make_corpus(name, columns, *, target_names, expected_counts, description):
    """Put the columns of a corpus together.

    Parameters
    ----------
    name : str
    columns : dict of str to sequence
        Of equal length; "paths" and "target" at least.
    target_names : iterable of str
    expected_counts : dict or None
    description : str

    Returns
    -------
    corpus : Corpus
    """
    arrays = dict.fromkeys(COLUMNS)
    arrays.update({key: np.asarray(values) for key, values in columns.items()})
    return Corpus(
        **arrays,
        target_names=sorted(set(target_names)),
        name=name,
        expected_counts=expected_counts,
        DESCR=description,
    )


def read_description(name: str) -> str:
    """Return the text of a file of the folder ``descr``, without its ending."""
    file = resources.files("skser.datasets").joinpath("descr", f"{name}.rst")
    return file.read_text(encoding="utf-8")


def show_path(path: str | os.PathLike) -> str:
    """Return a path as messages show it."""
    return repr(os.fspath(path))


def describe_missing(name: str, path: str | os.PathLike, tree: str) -> str:
    """Return the message for a folder that is not the corpus."""
    is_folder = os.path.isdir(os.path.expanduser(path))
    reason = "" if is_folder else " There is no such folder."
    return (
        f"No recording of {name} in {show_path(path)}.{reason} Expected this tree:\n"
        f"{tree}"
    )


def list_some(
    items: Iterable[str], n_shown: int = _N_REPORTED, separator: str = ", "
) -> str:
    """Join the first items, and say how many follow."""
    items = list(items)
    more = [f"and {len(items) - n_shown} more"] if len(items) > n_shown else []
    return separator.join(items[:n_shown] + more)


def find_audio(folder: str | os.PathLike) -> tuple[list[str], list[str]]:
    """Return the recordings of a folder and of the folders inside.

    Hidden files and folders are passed over, among them the ``._x.wav`` that macOS
    leaves on foreign disks and in archives: they are no audio.

    Parameters
    ----------
    folder : path-like
        Need not exist.

    Returns
    -------
    paths : list of str
        Absolute; those in fewer folders first, then by name. Of equal names, the lossy
        formats come last.
    unreadable : list of str
        Audio of formats that libsndfile does not read, such as m4a.
    """
    root = os.path.abspath(folder)
    paths, unreadable, seen = [], [], set()
    for directory, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(directory)
        if real in seen:  # a link can lead back to where it lies
            folders.clear()
            continue
        seen.add(real)
        is_deepest = directory[len(root) :].count(os.sep) == _MAX_DEPTH
        hidden = {name for name in [*folders, *files] if name.startswith(".")}
        hidden |= _IGNORED_FOLDERS
        folders[:] = [name for name in folders if name not in hidden and not is_deepest]
        for name in files:
            suffix = os.path.splitext(name)[1].lower()
            if name not in hidden and suffix in READABLE:
                paths.append(os.path.join(directory, name))
            elif name not in hidden and suffix in UNREADABLE:
                unreadable.append(os.path.join(directory, name))

    def rank(path):
        stem, suffix = os.path.splitext(path)
        return path.count(os.sep), stem, READABLE.index(suffix.lower())

    return sorted(paths, key=rank), sorted(unreadable)


def describe_unreadable(folder: str | os.PathLike, paths: Sequence[str]) -> str:
    """Return the message for audio of formats that are not read, or "" for none."""
    if not paths:
        return ""
    names = list_some(map(os.path.basename, paths), 5)
    return (
        f"{len(paths)} audio file(s) in {show_path(folder)} left out, because "
        f"libsndfile does not read their format: {names}. Convert them to WAV or FLAC."
    )


def find_count_differences(corpus: Corpus) -> dict:
    """Compare the numbers of recordings with those of the published corpus.

    Parameters
    ----------
    corpus : Corpus

    Returns
    -------
    differences : dict of (str or None) to dict of str to (int, int)
        Speaker (None for all of them) -> emotion -> (found, expected), where the two
        differ. Empty if nothing is known.
    """
    expected = corpus.get("expected_counts")
    if not expected:
        return {}
    by_speaker = any(speaker is not None for speaker, _ in expected)
    target = np.asarray(corpus.target).tolist()
    groups = corpus.groups if by_speaker else [None] * len(target)
    speakers = np.asarray(groups, dtype=object).tolist()
    found = Counter(zip(speakers, target, strict=True))
    differences: dict = {}
    for speaker, label in sorted(expected.keys() | found.keys(), key=str):
        pair = found[speaker, label], expected.get((speaker, label), 0)
        if pair[0] != pair[1]:
            differences.setdefault(speaker, {})[label] = pair
    return differences


def describe_incomplete(corpus: Corpus, path: str | os.PathLike) -> str:
    """Say how a copy differs from the published corpus, or return "" if it does not."""
    parts = []
    for speaker, labels in find_count_differences(corpus).items():
        n_found, n_expected = map(sum, zip(*labels.values(), strict=True))
        numbers = ", ".join(f"{label} {n} ({m})" for label, (n, m) in labels.items())
        if speaker is None:
            parts.append(f"all speakers: {numbers}")
        elif n_found == 0:
            parts.append(f"{speaker}: none ({n_expected})")
        else:
            parts.append(f"{speaker}: {numbers}")
    if not parts:
        return ""
    return (
        f"{show_path(path)} has {len(corpus.target)} recordings; the published "
        f"{corpus.name} has {sum(corpus.expected_counts.values())}. Found (published) "
        f"where they differ: {list_some(parts, separator='; ')}."
    )
