"""What every corpus on disk is returned as, and how its size is compared."""

import os
from collections import Counter
from importlib import resources

import numpy as np
from sklearn.utils import Bunch

# Entry of a Corpus -> column of its table; other entries keep their names.
COLUMNS = {
    "paths": "file",
    "target": "label",
    "groups": "speaker",
    "sessions": "session",
    "text_ids": "text_id",
    "splits": "split",
}
# Entries that may by chance have as many items as there are recordings.
_OF_THE_CORPUS = {"target_names", "expected_counts", "name", "DESCR"}
_N_REPORTED = 10


class Corpus(Bunch):
    """The recordings of a corpus and what is known about each of them.

    A dictionary whose entries are attributes, too. Loaders make it; no audio is read
    for it, so that `paths` are all it knows of the sound.

    Attributes
    ----------
    paths : ndarray of str of shape (n_samples,)
        Input for :class:`~skser.audio.AudioLoader`.
    target : ndarray of str of shape (n_samples,)
        The emotion. The corpora whose labels the package knows share one vocabulary:
        "anger", "boredom", "calm", "disgust", "fear", "happiness", "neutral",
        "sadness", "surprise" (and "anxiety", "worry" of CHEAVD).
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
    frame : pandas.DataFrame of shape (n_samples, n_columns)
        All arrays as a table, in the columns that :func:`~skser.datasets.load_table`
        reads. It is made when it is asked for first; only this needs pandas.
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
    """

    def take(self, rows):
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
        n_samples = len(self["target"])
        rows = np.arange(n_samples)[rows]
        entries = {key: value for key, value in self.items() if key != "frame"}
        for key, value in entries.items():
            if key not in _OF_THE_CORPUS and np.ndim(value) and len(value) == n_samples:
                is_array = isinstance(value, np.ndarray)
                entries[key] = value[rows] if is_array else [value[i] for i in rows]
        return type(self)(**entries)

    def __missing__(self, key):
        # Bunch looks attributes up as keys, so this makes the table upon either.
        if key != "frame":
            raise KeyError(key)
        self[key] = _make_frame(self)
        return self[key]


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


def read_description(name):
    """Return the text of a file of the folder ``descr``, without its ending."""
    file = resources.files("skser.datasets").joinpath("descr", f"{name}.rst")
    return file.read_text(encoding="utf-8")


def show_path(path):
    """Return a path as messages show it."""
    return repr(os.fspath(path))


def describe_missing(name, path, tree):
    """Return the message for a folder that is not the corpus."""
    is_folder = os.path.isdir(os.path.expanduser(path))
    reason = "" if is_folder else " There is no such folder."
    return (
        f"No recording of {name} in {show_path(path)}.{reason} Expected this tree:\n"
        f"{tree}"
    )


def list_some(items, n_shown=_N_REPORTED, separator=", "):
    """Join the first items, and say how many follow."""
    items = list(items)
    more = [f"and {len(items) - n_shown} more"] if len(items) > n_shown else []
    return separator.join(items[:n_shown] + more)


def find_count_differences(corpus):
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
    differences = {}
    for speaker, label in sorted(expected.keys() | found.keys(), key=str):
        pair = found[speaker, label], expected.get((speaker, label), 0)
        if pair[0] != pair[1]:
            differences.setdefault(speaker, {})[label] = pair
    return differences


def describe_count_differences(corpus):
    """Return the differences of the numbers of recordings as text, or "" for none."""
    differences = find_count_differences(corpus)
    if not differences:
        return ""
    parts = [_describe_speaker(*item) for item in differences.items()]
    return f"Found (published) where they differ: {list_some(parts, separator='; ')}."


def _describe_speaker(speaker, labels):
    """Put the differences of one speaker, or of all of them (None), into words."""
    n_found, n_expected = (sum(column) for column in zip(*labels.values(), strict=True))
    if speaker is not None and n_found == 0:
        return f"{speaker}: none ({n_expected})"
    numbers = [f"{label} {n} ({m})" for label, (n, m) in labels.items()]
    return f"{'all speakers' if speaker is None else speaker}: {', '.join(numbers)}"


def describe_incomplete(corpus, path):
    """Say how a copy differs from the published corpus, or return "" if it does not."""
    differences = describe_count_differences(corpus)
    if not differences:
        return ""
    n_published = sum(corpus.expected_counts.values())
    return (
        f"{show_path(path)} has {len(corpus.target)} recordings; the published "
        f"{corpus.name} has {n_published}. {differences}"
    )


def _make_frame(corpus):
    """Return the arrays of a corpus as a pandas table."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            "corpus.frame needs pandas: install it, or use the arrays of the corpus "
            "(paths, target, groups ...), which do not."
        ) from error
    n_samples = len(corpus["paths"])
    columns = {}
    for key, value in corpus.items():
        if isinstance(value, np.ndarray) and value.shape == (n_samples,):
            # pandas would choose Arrow's strings, on which scikit-learn's tools fail.
            dtype = object if value.dtype.kind == "U" else None
            series = pandas.Series(value, dtype=dtype)
            # The corpus' own entries come first; a table may use their names, too.
            columns.setdefault(COLUMNS.get(key, key), series)
    return pandas.DataFrame(columns)
