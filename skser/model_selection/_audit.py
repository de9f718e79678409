"""What the two sides of folds share: speakers, sentences, recordings, their content.

A fold whose test shares something with its training answers an easier question than
one whose test does not. The audit says what is shared, and in which folds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from skser._display import html_table, markdown_table
from skser._fingerprints import SAMPLE_RATE, find_similar, fingerprint
from skser._parallel import map_utterances
from skser.audio import load_audio
from skser.model_selection._evaluation import read_arguments
from skser.model_selection._splitters import find_shared, list_folds
from skser.model_selection._statistics import import_pandas

if TYPE_CHECKING:
    import pandas


# What is counted by its name; of the other kinds, recordings are counted.
_NAMED = ("speakers", "sentences")
_KINDS = (*_NAMED, "recordings", "same samples", "nearly the same")
_N_REPORTED = 3
# Of recordings that are compared sample by sample.
_RATE = 16000


class SharedItem(NamedTuple):
    """One thing that is on two sides of a fold.

    `fold` counts from 1; `sides` are two of "train", "validation" and "test". Of
    speakers and sentences, `first` and `second` are the name; of the other kinds, a
    file of each side.
    """

    fold: int
    kind: str
    sides: tuple[str, str]
    first: str
    second: str


class FoldAudit:
    """What sides of folds have in common. Print it to read it.

    :func:`audit_folds` makes it.

    Parameters
    ----------
    rows : list of dict
        One for each fold and pair of its sides, with the keys "fold", "sides", and for
        each kind that was looked for a pair (number shared, number on the second side).
    items : list of SharedItem
        Everything that is shared.

    Attributes
    ----------
    rows, items
        As above. The kinds are "speakers" and "sentences", which count names,
        "recordings", "same samples" and "nearly the same", which count recordings of
        the second side; each of these three includes the one before.

    Examples
    --------
    See :func:`audit_folds`.
    """

    def __init__(self, rows: list[dict[str, Any]], items: list[SharedItem]):
        self.rows = rows
        self.items = items

    @property
    def counts(self) -> dict[str, int]:
        """Number of folds that share something, by kind: dict of str to int."""
        return {
            kind: len({row["fold"] for row in self.rows if row[kind][0]})
            for kind in self._kinds()
        }

    @property
    def is_clean(self) -> bool:
        """Whether nothing is shared: bool."""
        return not self.items

    def _kinds(self):
        """Return the kinds that were looked for."""
        return [kind for kind in _KINDS if kind in self.rows[0]]

    def __repr__(self):
        found = [f"{kind} in {n}" for kind, n in self.counts.items() if n]
        n_folds = len({row["fold"] for row in self.rows})
        return f"<FoldAudit: {n_folds} folds, shared: {', '.join(found) or 'nothing'}>"

    def __str__(self):
        examples = []
        for kind in self._kinds():
            items = [item for item in self.items if item.kind == kind]
            for item in items[:_N_REPORTED]:
                pair = zip((item.first, item.second), item.sides, strict=True)
                found = ", ".join(f"{name} ({side})" for name, side in pair)
                if kind in _NAMED:
                    found = f"{item.first} ({' and '.join(item.sides)})"
                examples.append(f"- fold {item.fold}, {kind}: {found}")
            if len(items) > _N_REPORTED:
                examples.append(f"- and {len(items) - _N_REPORTED} more {kind}")
        return "\n".join([repr(self)[1:-1], "", self.to_markdown(), *examples])

    def to_markdown(self) -> str:
        """Return the table of folds as Markdown.

        Returns
        -------
        table : str
            "9 of 10" speakers are 9 of the 10 on the second side, the test.
        """
        return markdown_table(self._table())

    def _repr_html_(self):
        return html_table(self._table(), escape(repr(self)[1:-1]))

    def _table(self):
        """Return the rows with the numbers as texts."""
        return [
            {
                key: f"{value[0]} of {value[1]}" if isinstance(value, tuple) else value
                for key, value in row.items()
            }
            for row in self.rows
        ]

    def to_frame(self, table: str = "folds") -> pandas.DataFrame:
        """Return one of the tables as a DataFrame.

        Parameters
        ----------
        table : {"folds", "items"}, default="folds"
            "folds" has the number shared of each kind, and beside it, as "of ...", the
            number on the second side. "items" has everything that is shared.

        Returns
        -------
        frame : pandas.DataFrame

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        pandas = import_pandas()
        if table not in ("folds", "items"):
            raise ValueError(f"table must be 'folds' or 'items', got {table!r}.")
        if table == "items":
            return pandas.DataFrame(self.items, columns=list(SharedItem._fields))
        rows = []
        for row in self.rows:
            numbers = {"fold": row["fold"], "sides": row["sides"]}
            for kind in self._kinds():
                numbers[kind], numbers[f"of {kind}"] = row[kind]
            rows.append(numbers)
        return pandas.DataFrame(rows)

    def raise_if_any(self, kinds: tuple[str, ...] | None = None) -> None:
        """Raise an error that says what is shared, if anything is.

        Parameters
        ----------
        kinds : sequence of str, default=None
            The kinds that matter; None is all but "sentences", which actors speak in
            every emotion.

        Raises
        ------
        ValueError
            If something is shared, or a kind was not looked for.
        """
        known = self._kinds()
        kinds = [k for k in known if k != "sentences"] if kinds is None else kinds
        if isinstance(kinds, str) or any(kind not in known for kind in kinds):
            raise ValueError(f"kinds must be a list of some of {known}, got {kinds!r}.")
        if any(self.counts[kind] for kind in kinds):
            raise ValueError(str(self))


def audit_folds(
    corpus: Mapping,
    cv: object = None,
    *,
    content: bool = True,
    n_jobs: int | None = None,
) -> FoldAudit:
    """Find out what training and test of folds have in common.

    Speakers, sentences, files, and recordings that are the same, or nearly, by what
    they sound like. Nothing is raised.

    Parameters
    ----------
    corpus : :class:`~sklearn.utils.Bunch`
        With `paths` (or `data`) and `target`, and with `groups` and `text_ids` as far
        as speakers and sentences are to be looked for.
    cv : splitter, int or iterable of (train, test), default=None
        Folds of any kind: of this package, of scikit-learn, or read from files by
        :func:`skser.datasets.read_folds`. None is :class:`LeaveOneSpeakerOut`.
    content : bool, default=True
        Whether to decode the files and compare what is in them.
    n_jobs : int, default=None
        Number of threads that decode files. None is 1, -1 is all processors.

    Returns
    -------
    audit : FoldAudit
        Print it, or call its `to_frame` or `raise_if_any`.

    Raises
    ------
    AudioError, FileNotFoundError
        If `content` is true and a file cannot be read.
    ValueError
        If arguments cannot be used, or `content` is true and the corpus has no paths.

    See Also
    --------
    evaluate : Refuses folds that share speakers; its results say what folds share.
    check_speaker_independence : Raises an error if a speaker is on two sides.

    Notes
    -----
    "Same samples" are equal after decoding to 16 kHz. "Nearly the same" are those whose
    fingerprints [1]_ differ in no more than 35 % of their bits, where half of those of
    unrelated recordings do, over half of the shorter recording or more, and over 0.5 s.
    Level, sampling rate, container and silence at the ends make no difference; other
    speed or pitch does. Of two recordings of one speaker, sentence and emotion, 43 % or
    more of the bits differ. :doc:`/user_guide/folds` has the measured rates of misses
    and false alarms.

    References
    ----------
    .. [1] J. Haitsma and T. Kalker, "A highly robust audio fingerprinting system",
       ISMIR 2002.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.utils import Bunch
    >>> from skser.model_selection import audit_folds
    >>> corpus = Bunch(paths=np.array(["a1.wav", "a2.wav", "b1.wav", "b2.wav"]),
    ...                target=np.array(["joy", "anger"] * 2),
    ...                groups=np.array(["a", "a", "b", "b"]))
    >>> folds = [([0, 2], [1, 3]), ([0, 1], [2, 3])]
    >>> audit = audit_folds(corpus, folds, content=False)
    >>> audit
    <FoldAudit: 2 folds, shared: speakers in 1>
    >>> print(audit.to_markdown())
    | fold | sides | speakers | recordings |
    | --- | --- | --- | --- |
    | 1 | train, test | 2 of 2 | 0 of 2 |
    | 2 | train, test | 0 of 1 | 0 of 2 |
    """
    if not isinstance(corpus, Mapping):
        raise ValueError(
            f"corpus must be a corpus, with paths, target and groups; got a "
            f"{type(corpus).__name__}. Of lists, make one: Corpus(paths=paths, "
            "target=emotions, groups=speakers)."
        )
    data, cv = read_arguments(corpus, cv, None, None, None, None)
    folds = list_folds(cv, data.X, data.y, data.speakers)
    names = data.list_names()
    if content:
        names |= _compare_content(corpus, n_jobs)
    rows: dict = {}
    items = []
    for kind, values in names.items():
        for shared in find_shared(folds, values):
            sides = f"{shared.first}, {shared.second}"
            row = rows.setdefault(
                (shared.fold, sides), {"fold": shared.fold, "sides": sides}
            )
            row[kind] = _count(kind, values, shared)
            items += _list_items(kind, values, shared, data.files)
    return FoldAudit([rows[key] for key in sorted(rows)], items)


def _count(kind, values, shared):
    """Return how much of the second side is shared, and of how much."""
    second = values[shared.sides[shared.second]].tolist()
    if kind in _NAMED:
        return len(shared.names), len(set(second))
    return sum(value in shared.names for value in second), len(second)


def _list_items(kind, values, shared, files):
    """Yield what is shared, by its name or by the first file of each side."""
    pair = shared.first, shared.second
    for name in sorted(shared.names, key=str):
        found = [str(name)] * 2
        if kind not in _NAMED:
            parts = [shared.sides[side] for side in pair]
            found = [files[part[values[part] == name][0]] for part in parts]
        yield SharedItem(shared.fold, kind, pair, *found)


def _compare_content(corpus, n_jobs):
    """Return a number for each recording, equal for those of equal content, by kind."""
    paths = corpus.get("paths")
    if paths is None:
        raise ValueError(
            "corpus has no paths, so that recordings cannot be compared by their "
            "content. Pass content=False, or a corpus with paths."
        )
    seen = list(map_utterances(_inspect, paths, n_jobs))
    same = np.unique([digest for digest, _ in seen], return_inverse=True)[1]
    pairs = np.array(list(find_similar([prints for _, prints in seen])), dtype=int)
    n = len(paths)
    # What is equal is nearly the same, be it too short for a fingerprint.
    edges = np.concatenate(
        [pairs.reshape(-1, 2), np.stack([np.arange(n), same + n], axis=1)]
    )
    graph = coo_array((np.ones(len(edges)), edges.T), shape=(2 * n, 2 * n))
    similar = connected_components(graph, directed=False)[1][:n]
    return {"same samples": same, "nearly the same": similar}


def _inspect(path):
    """Return the checksum of the samples of a recording, and its fingerprint."""
    digest = hashlib.sha256(load_audio(path, _RATE, max_duration=None)).hexdigest()
    return digest, fingerprint(load_audio(path, SAMPLE_RATE, max_duration=None))
