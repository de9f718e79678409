"""Utterances to train on: batches, the held-out part of early stopping, padding."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
from sklearn.model_selection import (
    GroupShuffleSplit,
    ShuffleSplit,
    StratifiedShuffleSplit,
)
from sklearn.utils import check_array

# Frames, padding included, that go through the network at once in prediction.
PREDICTION_FRAMES = 65536
# Ratings from 1 to 5: low is up to the first, high from the second on.
LOW, HIGH = 2.0, 4.0


@dataclass(frozen=True)
class Utterances:
    """What a network is trained or validated on.

    Parameters
    ----------
    sequences : list of ndarray of shape (n_frames, n_features)
    targets : ndarray of shape (n_samples, n_columns)
        As the objective of the network has them: classes, distributions or numbers.
    weights : ndarray of float of shape (n_samples,)
        Their mean is 1 over what is trained on.
    groups : ndarray of shape (n_samples,), default=None
        The speakers.
    """

    sequences: list
    targets: np.ndarray
    weights: np.ndarray
    groups: np.ndarray | None = None

    def take(self, indices):
        """Return the utterances of these indices."""
        return replace(
            self,
            sequences=[self.sequences[i] for i in indices],
            targets=self.targets[indices],
            weights=self.weights[indices],
            groups=None if self.groups is None else self.groups[indices],
        )


def discretize_ratings(ratings):
    """Return ratings from 1 to 5 as low (0), medium (1) or high (2).

    Low is up to 2, high from 4 on: the thirds of [1]_.

    Parameters
    ----------
    ratings : array-like of shape (n_samples, n_ratings)
        NaN where nobody has rated.

    Returns
    -------
    ratings : ndarray of int of shape (n_samples, n_ratings)
        -1 for NaN.

    References
    ----------
    .. [1] Neumann and Vu 2017, as of
       :class:`skser.classifiers.AttentiveCNNClassifier`.

    Examples
    --------
    >>> from skser.training import discretize_ratings
    >>> discretize_ratings([[1.0, 2.5], [4.0, float("nan")]]).tolist()
    [[0, 1], [2, -1]]
    """
    ratings = check_array(
        ratings, dtype=np.float64, ensure_all_finite="allow-nan", input_name="ratings"
    )
    levels = (ratings > LOW).astype(int) + (ratings >= HIGH)
    return np.where(np.isnan(ratings), -1, levels)


def training_batches(n_samples, batch_size, generator, lengths=None):
    """Divide utterances into batches in random order.

    Not into batches of similar length: length goes with emotion, and so does what a
    network has learnt last. Networks that take a mask do without padding by themselves,
    see :class:`skser.networks.PackFrames` and :class:`skser.networks.LSTM`.

    Parameters
    ----------
    n_samples : int
        Number of utterances.
    batch_size : int
        Number of utterances of a batch.
    generator : numpy.random.Generator
        Decides on the batches of one epoch.
    lengths : ndarray of int of shape (n_samples,), default=None
        For networks without a mask: only utterances of one length share a batch, so
        that there is no padding.

    Returns
    -------
    batches : list of ndarray of int
        Each utterance is in one batch. Batches have at most `batch_size` utterances,
        and (of one length) as many as others or one less, so that no small rest weighs
        as much as a whole batch.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.training import training_batches
    >>> batches = training_batches(5, 2, np.random.default_rng(0))
    >>> [len(batch) for batch in batches], sorted(np.concatenate(batches).tolist())
    ([2, 2, 1], [0, 1, 2, 3, 4])
    """
    order = generator.permutation(n_samples)
    if lengths is None:
        return np.array_split(order, -(-n_samples // batch_size))
    batches = []
    for length in np.unique(lengths):
        alike = order[lengths[order] == length]
        batches += np.array_split(alike, -(-len(alike) // batch_size))
    return [batches[i] for i in generator.permutation(len(batches))]


def prediction_batches(lengths, keys, max_frames=PREDICTION_FRAMES, *, padded=True):
    """Divide utterances into batches of similar length and bounded memory.

    Parameters
    ----------
    lengths : ndarray of int of shape (n_samples,)
        Number of frames of each utterance.
    keys : ndarray of float of shape (n_samples,)
        A number made from the contents of each utterance. It decides between equal
        lengths, so that the same utterances in another order are in the same rows
        of the same batches, and get the same posteriors to the last bit.
    max_frames : int, default=65536
        Number of frames of a batch, padding included. A longer utterance is alone.
    padded : bool, default=True
        Whether utterances of unequal length may share a batch.

    Returns
    -------
    batches : list of ndarray of int
        From the shortest utterances to the longest.
    """
    order = np.lexsort((keys, lengths))
    batches, start = [], 0
    for end in range(1, len(order) + 1):
        is_last = end == len(order)
        # Lengths ascend, so the next utterance would be the longest of the batch.
        if (
            is_last
            or (end + 1 - start) * lengths[order[end]] > max_frames
            or (not padded and lengths[order[end]] != lengths[order[start]])
        ):
            batches.append(order[start:end])
            start = end
    return batches


def hold_out(y, groups, fraction, random_state):
    """Divide the training utterances into those to learn from and those to stop by.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_targets)
        Classes, or a column for each target that is a number.
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
        Indices. Of many random choices the first is taken that loses no class on the
        training side, or that leaves different values of each target on both sides;
        if there is none, the first of all.

    Raises
    ------
    ValueError
        If there are fewer than two speakers, or too few utterances (of a class).
    """
    if groups is not None:
        n_speakers = len(set(groups))
        if n_speakers < 2:
            raise ValueError(
                "Early stopping needs at least two speakers in groups, one of them to "
                f"validate on; got only {groups[0]!r}. Set early_stopping=False to "
                "train for max_epochs."
            )
        size = min(max(1, round(fraction * n_speakers)), n_speakers - 1)
        splitter = GroupShuffleSplit(50, test_size=size, random_state=random_state)
        return _choose(splitter.split(y, y, groups), y)
    warnings.warn(
        "Early stopping validates on utterances drawn at random, which may be of "
        "speakers that the network is trained on. Pass groups=speakers to fit (in "
        "a Pipeline: classify__groups, or params={'groups': speakers} in "
        "cross_validate with metadata routing on) to hold out whole speakers.",
        UserWarning,
        stacklevel=4,
    )
    if y.ndim == 2:
        size = max(round(fraction * len(y)), 2)
        if len(y) - size < 2:
            raise ValueError(
                "Early stopping needs at least four utterances, got "
                f"{len(y)}. Set early_stopping=False."
            )
        splitter = ShuffleSplit(50, test_size=size, random_state=random_state)
        return _choose(splitter.split(y), y)
    classes, counts = np.unique(y, return_counts=True)
    size = max(round(fraction * len(y)), len(classes))
    if counts.min() < 2 or len(y) - size < len(classes):
        raise ValueError(
            "Early stopping needs at least two utterances of each class and at least "
            f"{2 * len(classes)} in all, got {len(y)} with {counts.min()} of the "
            "rarest class. Set early_stopping=False."
        )
    splitter = StratifiedShuffleSplit(1, test_size=size, random_state=random_state)
    return next(splitter.split(y, y))


def _choose(splits, y):
    """Return the first split in which both sides have what they need, or the first."""
    splits = list(splits)
    n_classes = len(set(y)) if y.ndim == 1 else 0

    def is_complete(split):
        if y.ndim == 1:
            return len(set(y[split[0]])) == n_classes
        return all(np.ptp(y[part], axis=0).all() for part in split)

    return next(filter(is_complete, splits), splits[0])
