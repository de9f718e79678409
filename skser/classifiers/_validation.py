"""Which training utterances are held out to decide when training stops."""

import warnings

import numpy as np
from sklearn.model_selection import GroupShuffleSplit, StratifiedShuffleSplit


def hold_out(y, groups, fraction, random_state):
    """Divide the training utterances into those to learn from and those to stop by.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Classes.
    groups : ndarray of shape (n_samples,) or None
        Speakers. No speaker is on both sides. None draws at random, each class in
        proportion, with a warning that the two sides may share speakers.
    fraction : float
        Share of the speakers (at least one) or of the utterances to hold out.
    random_state : int
        Determines the choice.

    Returns
    -------
    train, validation : ndarray of int
        Indices. Every class that can be is on the training side: of many random
        choices of speakers the first that loses no class is taken.

    Raises
    ------
    ValueError
        If there are fewer than two speakers.
    """
    if groups is None:
        warnings.warn(
            "Early stopping validates on utterances drawn at random, which may be of "
            "speakers that the network is trained on. Pass groups=speakers to fit (in "
            "a Pipeline: classify__groups, or params={'groups': speakers} in "
            "cross_validate with metadata routing on) to hold out whole speakers.",
            UserWarning,
            stacklevel=4,
        )
        return _hold_out_utterances(y, fraction, random_state)
    n_speakers = len(set(groups))
    if n_speakers < 2:
        raise ValueError(
            "Early stopping needs at least two speakers in groups, one of them to "
            f"validate on; got only {groups[0]!r}. Set early_stopping=False to train "
            "for max_epochs."
        )
    n_held_out = min(max(1, round(fraction * n_speakers)), n_speakers - 1)
    splitter = GroupShuffleSplit(50, test_size=n_held_out, random_state=random_state)
    splits = list(splitter.split(y, y, groups))
    classes = set(y)
    complete = [split for split in splits if set(y[split[0]]) == classes]
    return complete[0] if complete else splits[0]


def _hold_out_utterances(y, fraction, random_state):
    """Draw utterances, of each class in proportion where it has enough of them."""
    n_classes, rarest = len(set(y)), np.unique(y, return_counts=True)[1].min()
    n_held_out = max(round(fraction * len(y)), n_classes)
    if rarest < 2 or len(y) - n_held_out < n_classes:
        raise ValueError(
            "Early stopping needs at least two utterances of each class and at least "
            f"{2 * n_classes} in all, got {len(y)} with {rarest} of the rarest class. "
            "Set early_stopping=False."
        )
    splitter = StratifiedShuffleSplit(
        1, test_size=n_held_out, random_state=random_state
    )
    return next(splitter.split(y, y))
