"""The lengths that sequences take on, few, so that few shapes meet the networks.

oneDNN keeps what it has prepared for each shape that it meets, up to a thousand of
each kind: about half a megabyte a length, in prediction and in training.
"""

import numpy as np

# Lengths rise by this at least, or by a share of the power of two below them.
LENGTH_STEP = 16
N_STEPS = 16
MAX_LENGTH = 2**30


def _list_lengths():
    """Return the lengths up to `MAX_LENGTH`, ascending."""
    lengths = [np.arange(LENGTH_STEP, LENGTH_STEP * N_STEPS, LENGTH_STEP)]
    power = LENGTH_STEP * N_STEPS
    while power < MAX_LENGTH:
        lengths.append(np.arange(power, 2 * power, power // N_STEPS))
        power *= 2
    return np.concatenate([*lengths, [MAX_LENGTH]])


LENGTHS = _list_lengths().astype(np.int32)


def round_length(n):
    """Return the length to which a sequence is padded.

    Parameters
    ----------
    n : int
        Number of frames, from 1 to 2 ** 30.

    Returns
    -------
    length : int
        More by at most 15, or a sixteenth.

    Examples
    --------
    >>> [round_length(n) for n in (1, 16, 17, 256, 257, 1000)]
    [16, 16, 32, 256, 272, 1024]
    """
    return int(LENGTHS[np.searchsorted(LENGTHS, n)])
