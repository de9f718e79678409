"""Windows and segments of a signal that comes in blocks, of which few are kept."""

import itertools
from typing import NamedTuple

import numpy as np

# What a recording has left at its end is a window of its own from this length on.
SHORTEST_REST = 0.1  # s


class Window(NamedTuple):
    """A part of a recording that gets an answer of its own.

    Parameters
    ----------
    start, end : float
        In seconds from the beginning of the file.
    speaker : object
        None where nobody knows.
    signal : ndarray of float32 of shape (n_samples,)
    activity : float
        The share of speech, from 0 to 1.
    """

    start: float
    end: float
    speaker: object
    signal: np.ndarray
    activity: float


def list_windows(start, window, hop):
    """Yield (start, end, speaker) of windows, without end."""
    for number in itertools.count():
        # Sums such as 0.1 + 0.2 have digits that nobody has asked for.
        begin = round(start + number * hop, 9)
        yield begin, round(begin + window, 9), None


class WindowCutter:
    """Cut a signal that comes in blocks.

    Parameters
    ----------
    spans : iterable of (float, float, object)
        Start, end and speaker, by start.
    rate : int
        In Hz.
    first : int, default=0
        Number of the first sample in its file.
    tracker : object, default=None
        With `push`, `share` and `forget`, as `EnergyTracker` has; None is speech
        everywhere.
    """

    def __init__(self, spans, rate, first=0, tracker=None):
        self._spans, self._rate, self._tracker = iter(spans), rate, tracker
        self._parts, self._first = [], first  # what is kept begins with this sample
        self._origin, self._n_seen = first, first
        self._next = next(self._spans, None)
        self._pending = []  # begun, but not complete
        self._reached = first  # the last sample of all windows that were given

    def push(self, block):
        """Return the windows that the next samples complete: list of Window."""
        self._parts.append(block)
        self._n_seen += len(block)
        if self._tracker is not None:
            self._tracker.push(block)
        while self._next is not None and self._place(self._next[0]) < self._n_seen:
            self._pending.append(self._next)
            self._next = next(self._spans, None)
        is_complete = [self._place(span[1]) <= self._n_seen for span in self._pending]
        windows = [
            self._cut(span)
            for span, complete in zip(self._pending, is_complete, strict=True)
            if complete
        ]
        self._pending = [
            span
            for span, complete in zip(self._pending, is_complete, strict=True)
            if not complete
        ]
        self._forget()
        return windows

    def finish(self):
        """Return what is left, as one shorter window: list of Window."""
        if not self._pending:
            return []
        start, _, speaker = self._pending[0]
        n_new = self._n_seen - max(self._reached, self._place(start))
        is_only = self._reached == self._origin
        if not is_only and n_new < SHORTEST_REST * self._rate:
            return []
        return [self._cut((start, self._n_seen / self._rate, speaker))]

    def finish_all(self):
        """Return all that was begun, cut at the end: list of Window."""
        end = self._n_seen / self._rate
        return [self._cut((start, end, who)) for start, _, who in self._pending]

    def _place(self, time):
        """Return the sample of a time, as `Segment` has it."""
        return round(time * self._rate)

    def _cut(self, span):
        """Return a window of what is kept."""
        if len(self._parts) > 1:
            self._parts = [np.concatenate(self._parts)]
        start, end, speaker = span
        first, last = self._place(start), self._place(end)
        self._reached = max(self._reached, last)
        # A copy: a view would keep the whole block in memory.
        signal = self._parts[0][first - self._first : last - self._first].copy()
        activity = 1.0
        if self._tracker is not None:
            activity = self._tracker.share(first - self._origin, last - self._origin)
        return Window(start, end, speaker, signal, activity)

    def _forget(self):
        """Keep no samples before the next window."""
        starts = [span[0] for span in self._pending[:1] or [self._next] if span]
        needed = min([self._n_seen, *map(self._place, starts)])
        while self._parts and self._first + len(self._parts[0]) <= needed:
            self._first += len(self._parts.pop(0))
        if self._parts and needed > self._first and len(self._parts) == 1:
            self._parts = [self._parts[0][needed - self._first :].copy()]
            self._first = needed
        if self._tracker is not None:
            self._tracker.forget(needed - self._origin)
