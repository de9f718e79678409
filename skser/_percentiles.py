"""Exact percentiles of features over more frames than memory can hold.

A number's bits, once those of negative numbers are turned over, are an integer of the
same order. Its digits are found from the highest to the lowest, as in radix sort: a
pass over all frames counts how often each digit follows those that are known already.
Memory is what these counts need, however many frames there are.
"""

import numpy as np

from skser._sequences import iterate_blocks

# Values that are looked at together, few enough to stay in the processor's cache.
_N_VALUES = 2**18
# Bits of a digit: 16 kB of counts for each feature and percentile.
_N_BITS = 11
_BASE = 2**_N_BITS
# When so few values are left to choose from, they are sorted instead.
_N_SORTED = 2**20


def compute_percentiles(sequences, percentiles):
    """Return percentiles of each feature over all frames, as ``numpy.percentile`` does.

    Parameters
    ----------
    sequences : list of ndarray of shape (n_frames, n_features)
        Of float32 or float64, finite. They are read about three times.
    percentiles : sequence of float

    Returns
    -------
    values : ndarray of float64 of shape (n_percentiles, n_features)
        Interpolated between the two nearest frames.

    Examples
    --------
    >>> import numpy as np
    >>> from skser._percentiles import compute_percentiles
    >>> sequences = [np.array([[1.0, -8.0], [3.0, -2.0]]), np.array([[2.0, -5.0]])]
    >>> compute_percentiles(sequences, [50, 75])
    array([[ 2. , -5. ],
           [ 2.5, -3.5]])
    """
    n_frames = sum(len(sequence) for sequence in sequences)
    places = np.asarray(percentiles, dtype=np.float64) / 100 * (n_frames - 1)
    below = np.floor(places).astype(np.int64)
    above = np.minimum(below + 1, n_frames - 1)
    low, high = np.split(_select(sequences, np.concatenate([below, above])), 2)
    share = (places - below)[:, np.newaxis]
    step = high - low
    # From the nearer side, so that rounding cannot lead beyond either.
    return np.where(share < 0.5, low + step * share, high - step * (1 - share))


def _select(sequences, ranks):
    """Return the values of some ranks, from 0, of each feature.

    Parameters
    ----------
    sequences : list of ndarray of shape (n_frames, n_features)
    ranks : ndarray of int of shape (n_ranks,)

    Returns
    -------
    values : ndarray of shape (n_ranks, n_features)
        In the highest precision of the sequences.
    """
    n_features = sequences[0].shape[1]
    dtype = np.result_type(*{sequence.dtype for sequence in sequences})

    def read_blocks():
        for block in iterate_blocks(sequences, max(1, _N_VALUES // n_features)):
            yield block.astype(dtype, copy=False)

    # A slot is a feature together with the digits that are known of a value. Ranks are
    # those among the values of a slot.
    slots = np.tile(np.arange(n_features), (len(ranks), 1))
    ranks = np.tile(ranks[:, np.newaxis], n_features)
    known = np.zeros(n_features, dtype=f"u{dtype.itemsize}")
    tables = []
    for width in _digit_widths(dtype):
        counts = _count_digits(read_blocks, tables, len(known))
        digits, ranks = _find_digits(counts, slots, ranks)
        cells, slots = np.unique(slots * _BASE + digits, return_inverse=True)
        slots = slots.reshape(digits.shape)
        parents, last = np.divmod(cells, _BASE)
        known = (known[parents] << known.dtype.type(width)) | last.astype(known.dtype)
        tables.append(np.full(counts.size, -1, dtype=np.int32))
        tables[-1][cells] = np.arange(len(cells))
        if counts[parents, last].sum() <= _N_SORTED:
            return _to_numbers(_sort_rest(read_blocks, tables, slots, ranks), dtype)
    return _to_numbers(known[slots], dtype)


def _count_digits(read_blocks, tables, n_slots):
    """Return how often each next digit occurs, of shape (n_slots, n_digits)."""
    counts = np.zeros((n_slots, _BASE), dtype=np.int64)
    for block in read_blocks():
        keys, slots = _find_wanted(block, tables)
        cells = slots * _BASE + _digits(keys, len(tables))
        np.add.at(counts.reshape(-1), cells, 1)
    return counts


def _find_digits(counts, slots, ranks):
    """Return the next digit of each value that is looked for, and its rank behind it.

    Parameters
    ----------
    counts : ndarray of int of shape (n_slots, n_digits)
    slots, ranks : ndarray of int of shape (n_ranks, n_features)

    Returns
    -------
    digits, ranks : ndarray of int of shape (n_ranks, n_features)
    """
    sums = counts.cumsum(axis=1)
    digits = np.stack(
        [
            np.count_nonzero(sums[row] <= rank[:, np.newaxis], axis=1)
            for row, rank in zip(slots, ranks, strict=True)
        ]
    )
    return digits, ranks - sums[slots, digits] + counts[slots, digits]


def _sort_rest(read_blocks, tables, slots, ranks):
    """Return the keys of some ranks in their slots, of shape (n_ranks, n_features)."""
    rest = [_find_wanted(block, tables) for block in read_blocks()]
    keys, places = (np.concatenate(parts) for parts in zip(*rest, strict=True))
    order = np.lexsort((keys, places))
    starts = np.searchsorted(places[order], slots)
    return keys[order[starts + ranks]]


def _find_wanted(block, tables):
    """Return the values of a block that are looked for.

    Parameters
    ----------
    block : ndarray of shape (n_frames, n_features)
    tables : list of ndarray of int32
        For each digit that is known, from ``slot * _BASE + digit`` to the slot with
        this digit; -1 where nothing of it is looked for.

    Returns
    -------
    keys : ndarray of unsigned int of shape (n_values,)
    slots : ndarray of int of shape (n_values,)
    """
    n_frames, n_features = block.shape
    keys = _to_keys(block).reshape(-1)
    slots = np.tile(np.arange(n_features), n_frames)
    for number, table in enumerate(tables):
        slots *= _BASE
        slots += _digits(keys, number)
        slots = table[slots]
        kept = np.flatnonzero(slots >= 0)
        keys, slots = keys[kept], slots[kept].astype(np.int64)
    return keys, slots


def _digit_widths(dtype):
    """Return the number of bits of each digit, the highest first."""
    n_bits = 8 * dtype.itemsize
    return [min(_N_BITS, n_bits - start) for start in range(0, n_bits, _N_BITS)]


def _digits(keys, number):
    """Return a digit of each key, the highest for number 0."""
    widths = _digit_widths(keys.dtype)
    # The digits before are pushed out to the left, those behind to the right.
    left = keys.dtype.type(sum(widths[:number]))
    right = keys.dtype.type(sum(widths) - widths[number])
    return ((keys << left) >> right).astype(np.int64)


def _to_keys(numbers):
    """Return unsigned integers that are ordered as floating-point numbers are."""
    bits = numbers.view(f"i{numbers.itemsize}")
    flipped = (bits >> (8 * bits.itemsize - 1)) | np.iinfo(bits.dtype).min
    return (bits ^ flipped).view(f"u{bits.itemsize}")


def _to_numbers(keys, dtype):
    """Return the floating-point numbers of keys."""
    bits = keys.view(f"i{keys.itemsize}")
    flipped = ~(bits >> (8 * bits.itemsize - 1)) | np.iinfo(bits.dtype).min
    return (bits ^ flipped).view(dtype)
