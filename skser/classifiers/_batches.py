"""Which utterances go through the network together."""

import numpy as np

# Frames, padding included, that go through the network at once in prediction.
PREDICTION_FRAMES = 65536


def training_batches(n_samples, batch_size, generator):
    """Divide utterances into batches in random order.

    Not into batches of similar length: length goes with emotion, and so does what a
    network has learnt last. The networks do without padding by themselves, see
    :class:`~skser.networks._layers.PackFrames` and ``skser.networks._lstm``.

    Parameters
    ----------
    n_samples : int
        Number of utterances.
    batch_size : int
        Number of utterances of a batch.
    generator : numpy.random.Generator
        Decides on the batches of one epoch.

    Returns
    -------
    batches : list of ndarray of int
        Each utterance is in one batch. Batches have at most `batch_size` utterances,
        and as many as others or one less, so that no small rest weighs as much as a
        whole batch.

    Examples
    --------
    >>> import numpy as np
    >>> batches = training_batches(5, 2, np.random.default_rng(0))
    >>> [len(batch) for batch in batches], sorted(np.concatenate(batches).tolist())
    ([2, 2, 1], [0, 1, 2, 3, 4])
    """
    order = generator.permutation(n_samples)
    return np.array_split(order, -(-n_samples // batch_size))


def prediction_batches(lengths, keys, max_frames=PREDICTION_FRAMES):
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
        if is_last or (end + 1 - start) * lengths[order[end]] > max_frames:
            batches.append(order[start:end])
            start = end
    return batches
