"""Fingerprints of signals: recordings that are nearly the same, whatever their file.

Copies at another level or sampling rate, or in another container, have nearly the same
spectra at the same times; two utterances of one sentence by one speaker have not.
"""

from typing import NamedTuple

import numpy as np

# Frames of 128 ms every 16 ms; 33 bands that telephones transmit, too, make 32 bits.
SAMPLE_RATE = 8000
_FRAME, _HOP = 1024, 128
_EDGES = np.round(np.geomspace(300, 2500, 34) * _FRAME / SAMPLE_RATE).astype(int)
_PLACES = 1 << np.arange(32, dtype=np.uint64)
# Bits of a frame that are turned over one by one and together to find its copies.
_N_WEAK = 5
# Share of bits that may differ. Of unrelated signals half do; of speech from the same
# speaker, sentence and emotion 43 % or more. Haitsma and Kalker take the same.
_MAX_ERROR = 0.35
# What is shorter, 0.5 s, is too little to tell.
_MIN_FRAMES = 32
# Frames that so many others equal, such as those of a steady tone, tell nothing.
_MAX_EQUAL = 20


class Fingerprint(NamedTuple):
    """Of each frame: 32 bits, and which of these are the least certain."""

    bits: np.ndarray
    weak: np.ndarray


def fingerprint(signal):
    r"""Compute the fingerprint of a signal.

    With the energy :math:`E_{tb}` of the bands :math:`b`, each a semitone wide, bit
    :math:`b` of frame :math:`t` says whether

    .. math:: \log E_{t,b+1} - \log E_{tb} > \log E_{t-1,b+1} - \log E_{t-1,b}

    after Haitsma and Kalker [1]_, who take energies for their logarithms. The level
    cancels out.

    Parameters
    ----------
    signal : ndarray of float32 of shape (n_samples,)
        At :data:`SAMPLE_RATE`.

    Returns
    -------
    fingerprint : Fingerprint
        Arrays of uint32 of shape (n_frames,) and (n_frames, 5). Frames of digital
        silence are left out at both ends.

    References
    ----------
    .. [1] J. Haitsma and T. Kalker, "A highly robust audio fingerprinting system",
       ISMIR 2002.
    """
    padded = np.pad(signal, _FRAME // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::_HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(_FRAME).astype(np.float32))) ** 2
    bands = np.add.reduceat(power[:, : _EDGES[-1]], _EDGES[:-1], axis=1)
    levels = np.log(np.maximum(bands, np.finfo(np.float32).tiny))
    change = np.diff(np.diff(levels, axis=1), axis=0)
    sounding = np.flatnonzero(change.any(axis=1))
    if len(sounding):
        change = change[sounding[0] : sounding[-1] + 1]
    bits = ((change > 0) @ _PLACES).astype(np.uint32)
    weak = np.argpartition(np.abs(change), _N_WEAK, axis=1)[:, :_N_WEAK]
    return Fingerprint(bits, _PLACES[weak].astype(np.uint32))


def find_similar(fingerprints):
    """Find pairs of recordings, or of their parts, that are nearly the same.

    A frame that two recordings have in common, all bits equal but for some of its
    weakest ones, says how one would have to be shifted; all frames that overlap then
    are compared. The time grows with the number of recordings and not with that of
    pairs, for corpora of usual size.

    Parameters
    ----------
    fingerprints : sequence of Fingerprint

    Returns
    -------
    pairs : dict of (int, int) to float
        The positions of both, the smaller one first, and the share of bits that differ.
        At least half of the shorter one overlaps the other.
    """
    sizes = [len(one.bits) for one in fingerprints]
    bits = np.concatenate([np.empty(0, np.uint32), *(f.bits for f in fingerprints)])
    owners = np.repeat(np.arange(len(sizes)), sizes)
    places = np.arange(len(bits)) - np.repeat(np.cumsum([0, *sizes])[:-1], sizes)
    order = np.argsort(bits, kind="stable")
    pairs: dict = {}
    for own, one in enumerate(fingerprints):
        probes = one.bits[np.newaxis]
        for weak in one.weak.T:
            probes = np.concatenate([probes, probes ^ weak])
        frames, matches = _find_equal(probes.ravel(), bits, order)
        shifts = places[matches] - frames % max(len(one.bits), 1)
        candidates = np.stack([owners[matches], shifts], axis=1)
        others = candidates[candidates[:, 0] != own]
        for other, shift in np.unique(others, axis=0).tolist():
            pair = min(own, other), max(own, other)
            error = _compare(one.bits, fingerprints[other].bits, shift)
            if error <= pairs.get(pair, _MAX_ERROR):
                pairs[pair] = error
    return pairs


def _find_equal(probes, values, order):
    """Return the positions in `probes` and in `values` of all that are equal.

    `order` sorts `values`. What occurs too often is left out.
    """
    low, high = (
        np.searchsorted(values, probes, side, sorter=order)
        for side in ("left", "right")
    )
    counts = np.where(high - low > _MAX_EQUAL, 0, high - low)
    found = np.repeat(np.arange(len(probes)), counts)
    # 0, 1, ... for each probe, from where its first equal stands.
    steps = np.arange(len(found)) - np.repeat(np.cumsum(counts) - counts, counts)
    return found, order[low[found] + steps]


def _compare(first, second, shift):
    """Return the share of bits that differ where two fingerprints overlap."""
    n_needed = max(_MIN_FRAMES, min(len(first), len(second)) / 2)
    first, second = first[max(-shift, 0) :], second[max(shift, 0) :]
    n_frames = min(len(first), len(second))
    if n_frames < n_needed:
        return 1.0
    differing = first[:n_frames] ^ second[:n_frames]
    return float(np.unpackbits(differing.view(np.uint8)).mean())
