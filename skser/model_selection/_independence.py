"""Is any speaker on two sides of a fold: a check for every splitter."""

import warnings
from itertools import combinations

import numpy as np
from sklearn.model_selection import check_cv

from skser.model_selection._splitters import check_speakers

_PARTS = ("train", "validation", "test")


def list_folds(cv, X, y=None, groups=None):
    """Return (train, validation, test) for every fold of any splitter.

    Parameters
    ----------
    cv : splitter, int or iterable of (train, test)
        Of this package, of scikit-learn, or a list of pairs of indices.
    X, y, groups
        The recordings, their emotions and speakers.

    Returns
    -------
    folds : list of tuple of ndarray
        Validation is empty where the splitter knows none.
    """
    if hasattr(cv, "split_with_validation"):
        return list(cv.split_with_validation(X, y, groups))
    with warnings.catch_warnings():
        # KFold and others that know no speakers.
        warnings.filterwarnings("ignore", message="The groups parameter is ignored")
        pairs = list(check_cv(cv, y, classifier=True).split(X, y, groups))
    return [
        (_as_indices(train), _as_indices([]), _as_indices(test))
        for train, test in pairs
    ]


def _as_indices(part):
    """Return a part of the recordings, indices or a mask, as indices."""
    part = np.asarray(part)
    return np.flatnonzero(part) if part.dtype == bool else part.astype(int)


def check_speaker_independence(cv, X, y=None, groups=None):
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
    ValueError: Fold 0 is not speaker-independent: speaker 'a' is in train (1
    recordings) and in test (2 recordings). ...
    """
    speakers = check_speakers(groups, X, "check_speaker_independence")
    leak = find_leak(list_folds(cv, X, y, speakers), speakers)
    if leak:
        raise ValueError(leak)


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
    for number, parts in enumerate(folds):
        sides = {name: speakers[part] for name, part in zip(_PARTS, parts, strict=True)}
        for first, second in combinations(_PARTS, 2):
            shared = set(sides[first].tolist()) & set(sides[second].tolist())
            if shared:
                name = min(shared, key=str)
                return (
                    f"Fold {number} is not speaker-independent: speaker {name!r} is in "
                    f"{first} ({np.sum(sides[first] == name)} recordings) and in "
                    f"{second} ({np.sum(sides[second] == name)} recordings). Use a "
                    "splitter over speakers, such as LeaveOneSpeakerOut."
                )
    return None
