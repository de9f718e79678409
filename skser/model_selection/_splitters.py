"""Splitters: leave one speaker, session or sentence out; and the check for leaks.

All splitters are scikit-learn's: ``split`` gives (train, test) for ``cv=`` anywhere.
``split_with_validation`` gives (train, validation, test), which
:func:`~skser.model_selection.evaluate` uses.
"""

import numbers
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import (
    BaseCrossValidator,
    GroupShuffleSplit,
    ShuffleSplit,
    StratifiedShuffleSplit,
    check_cv,
)
from sklearn.utils import check_random_state, indexable
from sklearn.utils.multiclass import type_of_target

from skser._display import find_similar_names
from skser._sequences import check_groups


def check_speakers(groups, X, needed_by):
    """Return the speakers of the recordings as an array.

    Parameters
    ----------
    groups : array-like of shape (n_samples,)
    X : sequence
        The recordings.
    needed_by : str
        Who asks, for the messages.

    Returns
    -------
    speakers : ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If they are not given, of another number than `X`, or one is missing.
    """
    if groups is None:
        raise ValueError(
            f"{needed_by} needs the speaker of every recording, but groups is None. "
            "Pass groups=corpus.groups (in cross_validate: groups=..., or "
            "params={'groups': ...} with metadata routing on)."
        )
    return check_groups(check_names(groups, "groups"), X)


def check_names(values, name):
    """Refuse numbers beside texts: NumPy would make the same name of 1 and "1".

    Parameters
    ----------
    values : array-like of shape (n_samples,)
        Speakers or classes.
    name : str
        Of the parameter, for the message.

    Returns
    -------
    values : array-like of shape (n_samples,)
        As they were; or with dtype object, so that NaN beside texts stays NaN.

    Raises
    ------
    ValueError
        If there are both.
    """
    entries = values.tolist() if hasattr(values, "tolist") else list(values)
    texts = [entry for entry in entries if isinstance(entry, str)]
    others = [
        entry
        for entry in entries
        if isinstance(entry, numbers.Real) and not np.isnan(entry)
    ]
    if texts and others:
        raise ValueError(
            f"{name} has both texts and numbers, such as {texts[0]!r} and "
            f"{others[0]!r}: are {others[0]!r} and {str(others[0])!r} the same? Make "
            f"all of one type, for instance [str(value) for value in {name}]."
        )
    is_plain = len(texts) in (0, len(entries))
    return values if is_plain else np.array(entries, dtype=object)


def warn_of_similar_names(values, name, stacklevel):
    """Warn of names that differ only in case, in spaces or in leading zeros.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
    name : str
        Of the parameter, for the message.
    stacklevel : int
        Counted from the caller of this function.
    """
    similar = find_similar_names(np.unique(values).tolist())
    if similar:
        shown = "; ".join(" and ".join(map(repr, names)) for names in similar[:5])
        warnings.warn(
            f"{name} has names that a person may take for one: {shown}"
            f"{'; ...' if len(similar) > 5 else ''}. They are kept apart. If they are "
            "the same, spell them alike: a speaker of two names trains and tests.",
            UserWarning,
            stacklevel=stacklevel + 1,
        )


def _check_choice(value, choices, name):
    """Refuse a value that is not among the choices of a parameter."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {list(choices)}, got {value!r}.")


def _check_aligned(values, X, name):
    """Return one value per recording as an array."""
    values = np.asarray(values)
    if values.shape != (len(X),):
        raise ValueError(
            f"{name} must have one entry per recording: it has the shape "
            f"{values.shape}, but there are {len(X)} recordings. On a part of a "
            f"corpus, take the same part of {name}."
        )
    return values


class ValidationSplitter(BaseCrossValidator, ABC):
    """What the splitters of this package have in common.

    A subclass yields masks of the three parts in ``_folds``.
    """

    # Speakers reach `split` without a request by the user, as in GroupKFold.
    __metadata_request__split = {"groups": True}

    _needs_speakers = True

    def split(
        self,
        X: Sequence | ArrayLike,
        y: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the training and the test recordings of each fold.

        Validation recordings are in neither: what a system is compared with must not
        have been trained on them.

        Parameters
        ----------
        X : sequence of length n_samples
            The recordings. Only their number counts.
        y : array-like of shape (n_samples,), default=None
            The emotions.
        groups : array-like of shape (n_samples,), default=None
            The speakers.

        Yields
        ------
        train, test : ndarray of int
            Indices.
        """
        for train, _, test in self.split_with_validation(X, y, groups):
            yield train, test

    def split_with_validation(
        self,
        X: Sequence | ArrayLike,
        y: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield the training, the validation and the test recordings of each fold.

        Parameters
        ----------
        X, y, groups
            As in `split`.

        Yields
        ------
        train, validation, test : ndarray of int
            Indices; `validation` is empty if nothing is held out.

        Raises
        ------
        ValueError
            If there are no speakers, or too few of them.
        """
        X, y, groups = indexable(X, y, groups)
        if groups is not None or self._needs_speakers:
            groups = check_speakers(groups, X, type(self).__name__)
        for masks in self._folds(X, y, groups):
            train, validation, test = map(np.flatnonzero, masks)
            yield train, validation, test

    def get_n_splits(
        self,
        X: Sequence | ArrayLike | None = None,
        y: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> int:
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups
            As in `split`. `X` may be None where `groups` are given.

        Returns
        -------
        n_splits : int
        """
        recordings: Any = groups if X is None else X
        if recordings is None:
            check_speakers(None, [], type(self).__name__)
        return sum(1 for _ in self.split_with_validation(recordings, y, groups))

    @abstractmethod
    def _folds(self, X, y, speakers):
        """Yield (train, validation, test), each a mask over the recordings."""


_VALIDATIONS = (None, "rotate", "random")


class SpeakerFolds(ValidationSplitter):
    """Folds of whole speakers, with or without speakers to validate on.

    The speakers are sorted, or shuffled, and dealt out in runs of (nearly) the same
    number. Each run tests once.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds.
    validation : {None, "rotate", "random"}, default=None
        Who decides, inside training, when to stop. None: nobody is held out, and a
        network with early stopping chooses a training speaker itself. "rotate": the
        speakers that test in the next fold, so that all validate equally often.
        "random": those of a fold that is drawn.
    shuffle : bool, default=False
        Whether to shuffle the speakers before they are dealt out.
    random_state : int, RandomState instance or None, default=0
        Determines both draws. With an int, every call gives the same folds.

    See Also
    --------
    LeaveOneSpeakerOut : One speaker a fold.
    sklearn.model_selection.GroupKFold : Deals by number of recordings, and has no
        validation speakers.

    Examples
    --------
    >>> from skser.model_selection import SpeakerFolds
    >>> speakers = ["a", "a", "b", "c", "c", "d"]
    >>> folds = SpeakerFolds(n_splits=4, validation="rotate")
    >>> for train, validation, test in folds.split_with_validation(
    ...         speakers, groups=speakers):
    ...     print(train, validation, test)
    [3 4 5] [2] [0 1]
    [0 1 5] [3 4] [2]
    [0 1 2] [5] [3 4]
    [2 3 4] [0 1] [5]
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        validation: str | None = None,
        shuffle: bool = False,
        random_state: int | np.random.RandomState | None = 0,
    ):
        _check_choice(validation, _VALIDATIONS, "validation")
        if n_splits is not None and (int(n_splits) != n_splits or n_splits < 2):
            raise ValueError(f"n_splits must be an integer of 2 or more: {n_splits!r}.")
        self.n_splits = n_splits
        self.validation = validation
        self.shuffle = shuffle
        self.random_state = random_state

    def _folds(self, X, y, speakers):
        generator = check_random_state(self.random_state)
        blocks = _deal(speakers, self.n_splits, self.shuffle and generator, "speakers")
        yield from _hold_out_blocks(speakers, blocks, self.validation, generator)


class LeaveOneSpeakerOut(SpeakerFolds):
    """One fold a speaker: it tests, and another one may validate.

    Parameters
    ----------
    validation : {None, "rotate", "random"}, default=None
        Who decides, inside training, when to stop. None: nobody is held out, and a
        network with early stopping chooses a training speaker itself. "rotate": the
        next speaker in sorted order, so that each validates once. "random": a speaker
        that is drawn.
    random_state : int, RandomState instance or None, default=0
        Determines the draw. With an int, every call gives the same folds.

    See Also
    --------
    SessionFolds : For dialogues, where it is the partner that should validate.
    sklearn.model_selection.LeaveOneGroupOut : The same without validation.

    Examples
    --------
    >>> from skser.model_selection import LeaveOneSpeakerOut
    >>> speakers = ["anna", "bea", "carl", "carl"]
    >>> folds = LeaveOneSpeakerOut(validation="rotate")
    >>> list(folds.split(speakers, groups=speakers))[0]
    (array([2, 3]), array([0]))
    """

    n_splits: Any = None
    shuffle = False

    def __init__(
        self,
        *,
        validation: str | None = None,
        random_state: int | np.random.RandomState | None = 0,
    ):
        _check_choice(validation, _VALIDATIONS, "validation")
        self.validation = validation
        self.random_state = random_state


def _deal(values, n_blocks, generator, name):
    """Deal the distinct values out in blocks; None makes each a block."""
    distinct = np.unique(values)
    if generator:
        distinct = generator.permutation(distinct)
    n_blocks = len(distinct) if n_blocks is None else n_blocks
    if not 2 <= n_blocks <= len(distinct):
        raise ValueError(
            f"Cannot make {n_blocks} folds of {len(distinct)} different {name}: at "
            f"least 2 folds and one of the {name} for each are needed."
        )
    return np.array_split(distinct, n_blocks)


def _hold_out_blocks(speakers, blocks, validation, generator):
    """Yield masks: each block of speakers tests, another one may validate."""
    if validation is not None and len(blocks) < 3:
        raise ValueError(
            f"validation={validation!r} needs at least 3 folds, one each to train, "
            f"validate and test; got {len(blocks)}. Set validation=None."
        )
    for fold, block in enumerate(blocks):
        test = np.isin(speakers, block)
        held_out = np.zeros_like(test)
        if validation is not None:
            rotates = validation == "rotate"
            step = 1 if rotates else generator.randint(1, len(blocks))
            held_out = np.isin(speakers, blocks[(fold + step) % len(blocks)])
        yield ~(test | held_out), held_out, test


def _of_gender(session, speakers, gender):
    """Return the speakers of a session whose names end in F or M."""
    chosen = [speaker for speaker in speakers if str(speaker)[-1:].upper() == gender]
    if not chosen or len(chosen) == len(speakers):
        raise ValueError(
            f"Session {session!r} needs a speaker whose name ends in {gender!r} and "
            f"one of the other gender, got {[str(speaker) for speaker in speakers]}. "
            "Use names such as 'Ses01F' in groups, or test='each'."
        )
    return chosen


# test -> the speakers that test together, for each fold that a session makes.
_TESTS = {
    "each": lambda session, speakers, number: [[speaker] for speaker in speakers],
    "F": lambda session, speakers, number: [_of_gender(session, speakers, "F")],
    "M": lambda session, speakers, number: [_of_gender(session, speakers, "M")],
    "alternate": lambda session, speakers, number: [
        _of_gender(session, speakers, "FM"[number % 2])
    ],
    "session": lambda session, speakers, number: [speakers],
}


class SessionFolds(ValidationSplitter):
    """Folds over recorded dialogues: one partner tests, the other validates.

    All other sessions train. This is the protocol for IEMOCAP, five sessions of a
    woman and a man each. The paper [1]_ speaks both of "leave-one-speaker-out" and of
    five folds in which one actor of a session validates and the other measures; both
    are true of ``test="each"``, with ten evaluations, as in SpeechBrain's recipe and in
    [2]_. Read literally, five folds leave five speakers untested.

    Parameters
    ----------
    test : {"each", "F", "M", "alternate", "session"}, default="each"
        "each": every speaker tests once (ten folds for IEMOCAP). "F" or "M": only the
        women, or the men, do (five folds). "alternate": the woman of the first session,
        the man of the second, and so on (five folds). "session": both test and nobody
        validates, the leave-one-session-out of other publications.
    sessions : dict or array-like of shape (n_samples,), default=None
        The session of each speaker (dict), or of each recording. None takes the
        speaker's name without its last letter: "Ses01F" speaks in session "Ses01".

    References
    ----------
    .. [1] Z. Zhao, Y. Zheng, Z. Zhang, H. Wang, Y. Zhao and C. Li, "Exploring
       spatio-temporal representations by integrating attention-based bidirectional-
       LSTM-RNNs and FCNs for speech emotion recognition", Interspeech 2018.
    .. [2] Z. Aldeneh and E. Mower Provost, "Using regional saliency for speech emotion
       recognition", ICASSP 2017.

    Examples
    --------
    >>> from skser.model_selection import SessionFolds
    >>> speakers = ["Ses01F", "Ses01M", "Ses02F", "Ses02M"]
    >>> for train, validation, test in SessionFolds().split_with_validation(
    ...         speakers, groups=speakers):
    ...     print(train, validation, test)
    [2 3] [1] [0]
    [2 3] [0] [1]
    [0 1] [3] [2]
    [0 1] [2] [3]
    >>> SessionFolds("F").get_n_splits(groups=speakers)
    2
    """

    def __init__(self, test: str = "each", *, sessions: dict | ArrayLike | None = None):
        _check_choice(test, tuple(_TESTS), "test")
        self.test = test
        self.sessions = sessions

    def _folds(self, X, y, speakers):
        sessions = self._find_sessions(speakers)
        names = np.unique(sessions)
        if len(names) < 2:
            raise ValueError(
                "SessionFolds needs at least 2 sessions, one of them to train on; got "
                f"{names.tolist()}. Pass sessions=corpus.sessions."
            )
        for number, session in enumerate(names):
            inside = sessions == session
            own = np.unique(speakers[inside]).tolist()
            for tested in _TESTS[self.test](session, own, number):
                test = np.isin(speakers, tested)
                yield ~inside, inside & ~test, test

    def _find_sessions(self, speakers):
        """Return the session of each recording, and check that speakers have one."""
        if self.sessions is None:
            sessions = np.array([str(speaker)[:-1] for speaker in speakers])
        elif isinstance(self.sessions, dict):
            unknown = sorted(set(speakers.tolist()) - set(self.sessions), key=str)
            if unknown:
                raise ValueError(f"sessions has no entry for speaker {unknown[0]!r}.")
            sessions = np.array([self.sessions[name] for name in speakers.tolist()])
        else:
            sessions = _check_aligned(self.sessions, speakers, "sessions")
        for speaker in np.unique(speakers):
            own = np.unique(sessions[speakers == speaker]).tolist()
            if len(own) > 1:
                raise ValueError(
                    f"Speaker {str(speaker)!r} is in the sessions {own}: folds over "
                    "sessions would not be speaker-independent. Check groups, or use "
                    "LeaveOneSpeakerOut."
                )
        return sessions


class FixedSplit(ValidationSplitter):
    """The split that a corpus comes with, as one fold, or folds of others.

    The paper [1]_ trains on CHEAVD's training part and both selects and reports on its
    validation part: ``FixedSplit(corpus.splits, validation="validation",
    test="validation")``, which is optimistic. ``FixedSplit(corpus.splits,
    validation=0.1, test="validation")`` selects on a tenth of the training part and
    looks at the validation part once. Where the parts share speakers,
    :func:`evaluate` needs ``allow_leaks=True``. :func:`skser.datasets.read_folds` reads
    published folds from files; :func:`audit_folds` says what their parts share.

    Parameters
    ----------
    split : array-like of shape (n_samples,) or (n_samples, n_folds)
        The part of each recording, ``corpus.splits``; or a column for each fold.
    train : str, default="train"
        The part to train on.
    validation : str, float or None, default=None
        The part to select on; or the share of the training part that is held out for
        that, whole speakers where `groups` are given, recordings (each class in
        proportion) where not. None holds nothing out.
    test : str, default="test"
        The part to report on. Other parts are not used.
    random_state : int, RandomState instance or None, default=0
        Determines which share is held out.

    References
    ----------
    .. [1] Z. Zhao, Y. Zheng, Z. Zhang, H. Wang, Y. Zhao and C. Li, "Exploring
       spatio-temporal representations by integrating attention-based bidirectional-
       LSTM-RNNs and FCNs for speech emotion recognition", Interspeech 2018.

    Examples
    --------
    >>> from skser.model_selection import FixedSplit
    >>> parts = ["train", "train", "validation", "test"]
    >>> folds = FixedSplit(parts, validation="validation")
    >>> next(folds.split_with_validation(parts))
    (array([0, 1]), array([2]), array([3]))

    Two folds, a column each:

    >>> folds = FixedSplit([["test", "train"], ["train", "test"], ["train", "unused"]])
    >>> list(folds.split(["a.wav", "b.wav", "c.wav"]))
    [(array([1, 2]), array([0])), (array([0]), array([1]))]
    """

    _needs_speakers = False

    def __init__(
        self,
        split: ArrayLike,
        *,
        train: str = "train",
        validation: str | float | None = None,
        test: str = "test",
        random_state: int | np.random.RandomState | None = 0,
    ):
        if isinstance(validation, float) and not 0 < validation < 1:
            raise ValueError(
                "validation must be None, the name of a part, or a share between 0 and "
                f"1, got {validation!r}."
            )
        self._split = split
        self.train = train
        self.validation = validation
        self.test = test
        self.random_state = random_state

    def __repr__(self):
        names = ("train", "validation", "test", "random_state")
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__name__}(split=..., {values})"

    def get_n_splits(
        self,
        X: Sequence | ArrayLike | None = None,
        y: object = None,
        groups: ArrayLike | None = None,
    ) -> int:
        """Return the number of folds: 1, or that of the columns of `split`.

        Parameters
        ----------
        X, y, groups : Ignored

        Returns
        -------
        n_splits : int
        """
        return 1 if np.ndim(self._split) < 2 else np.shape(self._split)[1]

    def _folds(self, X, y, speakers):
        if np.ndim(self._split) < 2:
            columns = [_check_aligned(self._split, X, "split")]
        else:
            columns = [_check_aligned(c, X, "split") for c in np.array(self._split).T]
        for parts in columns:
            yield self._find_parts(parts, y, speakers)

    def _find_parts(self, parts, y, speakers):
        """Return the masks of training, validation and test of one fold."""
        names = {"train": self.train, "test": self.test}
        if isinstance(self.validation, str):
            names["validation"] = self.validation
        masks = {parameter: parts == name for parameter, name in names.items()}
        for parameter, mask in masks.items():
            if not np.any(mask):
                raise ValueError(
                    f"{parameter}={names[parameter]!r}, but split has only the parts "
                    f"{np.unique(parts).tolist()}."
                )
        held_out = masks.get("validation", np.zeros(len(parts), dtype=bool))
        if isinstance(self.validation, float):
            held_out = self._draw(masks["train"], y, speakers)
        train = masks["train"] if "validation" in masks else masks["train"] & ~held_out
        return train, held_out, masks["test"]

    def _draw(self, is_train, y, speakers):
        """Return the mask of the share of the training part that is held out."""
        if speakers is None and y is None:
            raise ValueError("validation as a share needs groups, or else y.")
        train = np.flatnonzero(is_train)
        # Numbers, other than classes, cannot be stratified.
        is_class = y is not None and not type_of_target(y).startswith("continuous")
        kind = StratifiedShuffleSplit if is_class else ShuffleSplit
        kind = kind if speakers is None else GroupShuffleSplit
        splitter = kind(1, test_size=self.validation, random_state=self.random_state)
        labels = None if y is None else np.asarray(y)[train]
        groups = None if speakers is None else speakers[train]
        _, chosen = next(splitter.split(train, labels, groups))
        mask = np.zeros_like(is_train)
        mask[train[chosen]] = True
        return mask


class SpeakerAndTextFolds(ValidationSplitter):
    """Folds in which neither the speaker nor the text of a test recording is known.

    Actors speak the same sentences in every emotion, so that a system may learn the
    sentences. Here speakers and texts are dealt out in blocks; each pair of blocks
    tests once, and what shares its speaker *or* its text with the test does not train.

    Parameters
    ----------
    texts : array-like of shape (n_samples,)
        The text of each recording, ``corpus.text_ids``.
    n_speaker_folds : int, default=None
        Number of blocks of speakers. None gives each speaker its own.
    n_text_folds : int, default=2
        Number of blocks of texts. With more of them, more is left to train on.
    validation : {None, "rotate", "random"}, default=None
        As for :class:`SpeakerFolds`. Validation speakers validate on training texts,
        since the test's texts belong to the test.
    shuffle : bool, default=False
        Whether to shuffle speakers and texts before they are dealt out.
    random_state : int, RandomState instance or None, default=0
        Determines all draws.

    Examples
    --------
    >>> from skser.model_selection import SpeakerAndTextFolds
    >>> speakers = ["a", "a", "b", "b"]
    >>> texts = ["t1", "t2", "t1", "t2"]
    >>> list(SpeakerAndTextFolds(texts).split(texts, groups=speakers))[0]
    (array([3]), array([0]))
    """

    def __init__(
        self,
        texts: ArrayLike,
        *,
        n_speaker_folds: int | None = None,
        n_text_folds: int = 2,
        validation: str | None = None,
        shuffle: bool = False,
        random_state: int | np.random.RandomState | None = 0,
    ):
        _check_choice(validation, _VALIDATIONS, "validation")
        self.texts = texts
        self.n_speaker_folds = n_speaker_folds
        self.n_text_folds = n_text_folds
        self.validation = validation
        self.shuffle = shuffle
        self.random_state = random_state

    def __repr__(self):
        names = ("n_speaker_folds", "n_text_folds", "validation", "shuffle")
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return (
            f"{type(self).__name__}(texts=..., {values}, "
            f"random_state={self.random_state!r})"
        )

    def _folds(self, X, y, speakers):
        texts = _check_aligned(self.texts, X, "texts")
        generator = check_random_state(self.random_state)
        shuffler = self.shuffle and generator
        blocks = _deal(speakers, self.n_speaker_folds, shuffler, "speakers")
        text_blocks = _deal(texts, self.n_text_folds, shuffler, "texts")
        for train, held_out, test in _hold_out_blocks(
            speakers, blocks, self.validation, generator
        ):
            for block in text_blocks:
                tested = np.isin(texts, block)
                # A speaker may lack the texts of a block: there is nothing to test.
                if (test & tested).any():
                    yield train & ~tested, held_out & ~tested, test & tested


PARTS = ("train", "validation", "test")


def list_folds(cv, X, y=None, groups=None, *, is_classification=True):
    """Return (train, validation, test) for every fold of any splitter.

    Parameters
    ----------
    cv : splitter, int or iterable of (train, test)
        Of this package, of scikit-learn, or a list of pairs of indices.
    X, y, groups
        The recordings, their emotions and speakers.
    is_classification : bool, default=True
        Whether a number of folds is stratified by `y`.

    Returns
    -------
    folds : list of tuple of ndarray
        Validation is empty where the splitter knows none.

    Raises
    ------
    ValueError
        If `cv` is something else, such as labels.
    """
    if not hasattr(cv, "split") or isinstance(cv, str):
        cv = list(cv) if isinstance(cv, Iterable) else cv
        is_list = isinstance(cv, list) and all(
            hasattr(fold, "__len__") and not isinstance(fold, str) and len(fold) == 2
            for fold in cv
        )
        if not is_list and not isinstance(cv, numbers.Integral):
            raise ValueError(
                "cv must be a splitter, a number of folds, or (train, test) for each "
                f"fold; got {cv!r:.80}. To pass emotions, give the recordings, too: "
                "evaluate(system, paths, emotions, groups=speakers, cv=...)."
            )
    if hasattr(cv, "split_with_validation"):
        return list(cv.split_with_validation(X, y, groups))
    with warnings.catch_warnings():
        # KFold and others that know no speakers.
        warnings.filterwarnings("ignore", message="The groups parameter is ignored")
        pairs = list(check_cv(cv, y, classifier=is_classification).split(X, y, groups))
    empty = np.array([], dtype=int)
    return [(as_indices(train), empty, as_indices(test)) for train, test in pairs]


def as_indices(part):
    """Return a part of the recordings, indices or a mask, as indices.

    Parameters
    ----------
    part : array-like of int of any length, or of bool of shape (n_samples,)

    Returns
    -------
    indices : ndarray of int
    """
    part = np.asarray(part)
    return np.flatnonzero(part) if part.dtype == bool else part.astype(int)


def check_speaker_independence(
    cv: object,
    X: Sequence | ArrayLike,
    y: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> None:
    """Check that no speaker is on two sides of any fold.

    Parameters
    ----------
    cv : splitter, int or iterable of (train, test)
        Any of scikit-learn's, or of this package, whose validation part is checked too.
    X : sequence of length n_samples
        The recordings. Only their number counts.
    y : array-like of shape (n_samples,), default=None
        The emotions; stratified splitters need them.
    groups : array-like of shape (n_samples,)
        The speakers.

    Raises
    ------
    ValueError
        If a speaker is on two sides; the message names fold, speaker and sides. Or if
        `groups` is missing.

    Examples
    --------
    >>> from sklearn.model_selection import KFold
    >>> from skser.model_selection import LeaveOneSpeakerOut, check_speaker_independence
    >>> speakers = ["a", "a", "a", "b", "b", "b"]
    >>> check_speaker_independence(LeaveOneSpeakerOut(), speakers, groups=speakers)
    >>> check_speaker_independence(KFold(3), speakers, groups=speakers)
    Traceback (most recent call last):
        ...
    ValueError: Fold 1 is not speaker-independent: speaker 'a' is in train (1
    recordings) and in test (2 recordings). ...
    """
    speakers = check_speakers(groups, X, "check_speaker_independence")
    leak = find_leak(list_folds(cv, X, y, speakers), speakers)
    if leak:
        raise ValueError(leak)


class Shared(NamedTuple):
    """What two sides of a fold have in common; sides are indices of recordings."""

    fold: int
    first: str
    second: str
    names: set
    sides: dict


def find_shared(folds, names):
    """Yield what two sides of each fold have in common, be it nothing.

    Parameters
    ----------
    folds : list of tuple of ndarray
        As :func:`list_folds` returns them.
    names : ndarray of shape (n_samples,)
        Of each recording, such as its speaker or its text.

    Yields
    ------
    shared : Shared
        For each pair of sides that have recordings; folds are counted from 1.
    """
    for number, parts in enumerate(folds, start=1):
        sides = {
            name: part for name, part in zip(PARTS, parts, strict=True) if len(part)
        }
        for first, second in combinations(sides, 2):
            common = set(names[sides[first]].tolist())
            common &= set(names[sides[second]].tolist())
            # What is not known of either is not the same.
            common -= {"", None}
            yield Shared(number, first, second, common, sides)


def find_leak(folds, speakers):
    """Describe the first speaker that is on two sides of a fold, or return None.

    Parameters
    ----------
    folds : list of tuple of ndarray
        As :func:`list_folds` returns them.
    speakers : ndarray of shape (n_samples,)

    Returns
    -------
    description : str or None
    """
    for number, first, second, names, sides in find_shared(folds, speakers):
        if names:
            name = min(names, key=str)
            n_first, n_second = (
                np.sum(speakers[sides[side]] == name) for side in (first, second)
            )
            return (
                f"Fold {number} is not speaker-independent: speaker {name!r} is in "
                f"{first} ({n_first} recordings) and in {second} ({n_second} "
                "recordings). Use a splitter over speakers, such as "
                "LeaveOneSpeakerOut() or SpeakerFolds(5)."
            )
    return None
