"""Voice activity detection: a plain one by energy, and those of the user's own."""

import math
from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from skser._sequences import check_finite, check_numeric_array

_FRAME = 0.02  # s


@dataclass(frozen=True)
class EnergyActivityDetector:
    r"""Find where somebody may be speaking, by level alone.

    **It is a plain detector.** It knows loud from quiet, and not speech from music,
    laughter or a door. Where that matters, give
    :func:`~skser.timeline.predict_timeline` what a detector that was trained on speech
    has found: ``activity=`` takes a function, ``segments=`` a table.

    Frames of 20 ms have a level in dB, :math:`L_t = 10 \log_{10} \sigma_t^2`, of the
    variance of their samples, or `silence` if that is higher. Frame :math:`t` is active
    if its level is above that of the quietest frame of the last `memory` seconds:

    .. math:: L_t > \min_{t - M < s \le t} L_s + \mathtt{threshold}

    A frame is also active for `hangover` seconds behind one that is, so that the pauses
    within words do not count. Only what came before a frame decides: live audio gives
    the same.

    Parameters
    ----------
    threshold : float, default=12.0
        How much louder than the quietest frame speech is, in dB.
    memory : float, default=10.0
        For how long the quietest frame is remembered, in seconds. Where noise becomes
        louder, all of it is active for so long.
    silence : float, default=-70.0
        In dB; 0 is the variance of a signal of +1 and -1. What is not above it by
        `threshold` is never active.
    hangover : float, default=0.2
        In seconds.

    Raises
    ------
    ValueError
        If a parameter is no finite number, or `threshold`, `memory` or `hangover` is
        negative.

    Notes
    -----
    A recording that begins in the midst of speech is active from the first dip between
    two syllables on, about a fifth of a second later. Steady noise is never active.

    Examples
    --------
    A tone of a second, from 1 s on, in faint noise:

    >>> import numpy as np
    >>> from skser.timeline import EnergyActivityDetector
    >>> noise = np.random.default_rng(0).normal(0, 1e-3, 48000)
    >>> noise[16000:32000] += 0.1 * np.sin(np.arange(16000))
    >>> EnergyActivityDetector().detect(noise, 16000)
    [(1.0, 2.2)]
    """

    threshold: float = 12.0
    memory: float = 10.0
    silence: float = -70.0
    hangover: float = 0.2

    def __post_init__(self):
        for name, value in vars(self).items():
            lowest = -math.inf if name == "silence" else 0
            is_number = isinstance(value, Real) and not isinstance(value, bool)
            if not is_number or not lowest <= value < math.inf or value == -math.inf:
                kind = "a finite number" + (" of 0 or more" if lowest == 0 else "")
                raise ValueError(f"{name} must be {kind}, got {value!r}.")

    def detect(
        self, signal: ArrayLike, sample_rate: float = 16000
    ) -> list[tuple[float, float]]:
        """Find the active parts of a signal.

        Parameters
        ----------
        signal : array-like of shape (n_samples,)
            Mono, normally within [-1, 1].
        sample_rate : float, default=16000
            In Hz.

        Returns
        -------
        parts : list of (float, float)
            Where each begins and ends, in seconds.

        Raises
        ------
        TypeError, ValueError
            If `signal` is no such array, or a sample is NaN or infinite.
        """
        signal = check_numeric_array(signal, "signal", 1, "(n_samples,)")
        check_finite(signal, "signal")
        tracker = EnergyTracker(self, sample_rate)
        tracker.push(signal)
        edges = np.flatnonzero(np.diff(tracker.is_active, prepend=False, append=False))
        length = tracker.frame_length / sample_rate
        return [
            (round(start * length, 9), round(stop * length, 9))
            for start, stop in edges.reshape(-1, 2).tolist()
        ]


class EnergyTracker:
    """The frames that a detector finds active, in a signal that comes in pieces.

    Parameters
    ----------
    detector : EnergyActivityDetector
    rate : float
        In Hz.

    Attributes
    ----------
    frame_length : int
        In samples.
    is_active : ndarray of bool of shape (n_frames,)
        Of those frames that were not forgotten.
    """

    def __init__(self, detector, rate):
        self.frame_length = max(1, round(_FRAME * rate))
        self.is_active = np.zeros(0, dtype=bool)
        self._detector = detector
        self._first = 0  # frame that `is_active` begins with
        self._rest = np.zeros(0, dtype=np.float32)
        n_remembered = max(1, round(detector.memory / _FRAME))
        self._levels = np.full(n_remembered - 1, np.inf)
        self._raised = np.zeros(round(detector.hangover / _FRAME), dtype=bool)

    def push(self, signal):
        """Hear the next samples: ndarray of shape (n_samples,)."""
        signal = np.concatenate([self._rest, signal])
        n_frames = len(signal) // self.frame_length
        n_samples = n_frames * self.frame_length
        self._rest = signal[n_samples:].copy()
        if not n_frames:
            return
        frames = signal[:n_samples].reshape(n_frames, -1)
        with np.errstate(divide="ignore"):
            levels = 10 * np.log10(frames.var(axis=1, dtype=np.float64))
        levels = np.maximum(levels, self._detector.silence)
        n_remembered, n_kept = len(self._levels), len(self._raised)
        known = np.concatenate([self._levels, levels])
        floor = sliding_window_view(known, n_remembered + 1).min(axis=1)
        raised = np.concatenate(
            [self._raised, levels > floor + self._detector.threshold]
        )
        active = sliding_window_view(raised, n_kept + 1).any(axis=1)
        self.is_active = np.concatenate([self.is_active, active])
        self._levels = known[len(known) - n_remembered :]
        self._raised = raised[len(raised) - n_kept :]

    def share(self, start, stop):
        """Return the share of active frames among those within some samples: float."""
        first = -(-start // self.frame_length) - self._first
        last = stop // self.frame_length - self._first
        return float(self.is_active[first:last].mean()) if last > first else 0.0

    def forget(self, start):
        """Forget what is before a sample, of which nobody will ask."""
        n_old = start // self.frame_length - self._first
        self.is_active = self.is_active[n_old:]
        self._first += n_old


class KnownActivity:
    """Parts of a recording that are active, found by somebody else.

    Parameters
    ----------
    parts : iterable of (float, float)
        Where they begin and end, in seconds.
    rate : float
        In Hz.
    """

    def __init__(self, parts, rate):
        samples, n_active = [0.0], [0.0]
        for start, end in sorted(tuple(part)[:2] for part in parts):
            # Parts may overlap.
            start, end = max(start * rate, samples[-1]), end * rate
            if end > start:
                samples += [start, end]
                n_active += [n_active[-1], n_active[-1] + end - start]
        self._samples, self._n_active = samples, n_active

    def push(self, signal):
        """Do nothing: what is active is known already."""

    def forget(self, start):
        """Do nothing: parts are few."""

    def share(self, start, stop):
        """Return the share of active samples among some: float."""
        counts = np.interp([start, stop], self._samples, self._n_active)
        return float(counts[1] - counts[0]) / (stop - start)
