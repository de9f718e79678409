"""The result, `Timeline`: answers along time, as table, CSV, RTTM and TextGrid."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from skser._display import csv_table
from skser.storage import replacing
from skser.timeline._smoothing import SMOOTHINGS

if TYPE_CHECKING:
    import pandas

# Digits behind the point: of posteriors in files, and of seconds, which are written
# down to the microsecond.
_N_DECIMALS = 6


class EmotionSegment(NamedTuple):
    """A part of a recording in which the answer is the same.

    Parameters
    ----------
    file : str
    start, end : float
        In seconds from the beginning of the file.
    label : object
        The emotion.
    speaker : object
        None where nobody knows.
    """

    file: str
    start: float
    end: float
    label: Any
    speaker: Any = None


@dataclass(eq=False)
class Timeline:
    """Answers for windows or segments of recordings, in the order of time.

    :func:`predict_timeline` makes it. Each row is a window: what
    ``Segment(file, start, end)`` holds.

    Parameters
    ----------
    classes : list
        The emotions, in the order of the columns of `posteriors`.
    file : list of str of length n_windows
        The path as it was given; a waveform is called ``"recordings[0]"``.
    start, end : ndarray of shape (n_windows,)
        In seconds from the beginning of the file.
    label : ndarray of objects of shape (n_windows,)
        What the system's `predict` says, mostly the most probable emotion; None where
        too little is said.
    posteriors : ndarray of shape (n_windows, n_classes) or None
        NaN where too little is said; None if the system has no posteriors.
    speaker : list of length n_windows or None
        As the segments named them; None if they did not.
    duration : dict of str to float
        Where each recording ends, in seconds.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.timeline import Timeline
    >>> timeline = Timeline(
    ...     classes=["anger", "sadness"], file=["talk.wav"] * 3,
    ...     start=np.array([0.0, 1.0, 2.0]), end=np.array([2.0, 3.0, 4.0]),
    ...     label=np.array(["anger", "anger", None], dtype=object),
    ...     posteriors=np.array([[0.9, 0.1], [0.6, 0.4], [np.nan, np.nan]]),
    ...     speaker=None, duration={"talk.wav": 4.0})
    >>> print(timeline.to_csv())
    file,start,end,label,p(anger),p(sadness)
    talk.wav,0.0,2.0,anger,0.9,0.1
    talk.wav,1.0,3.0,anger,0.6,0.4
    talk.wav,2.0,4.0,,,
    >>> print(timeline.to_rttm())
    SPEAKER talk 1 0.000 2.500 <NA> <NA> anger <NA> <NA>
    """

    classes: list
    file: list
    start: np.ndarray
    end: np.ndarray
    label: np.ndarray
    posteriors: np.ndarray | None
    speaker: list | None
    duration: dict

    def __len__(self):
        return len(self.file)

    def __repr__(self):
        hours = sum(self.duration.values()) / 3600
        n_silent = sum(label is None for label in self.label)
        return (
            f"<Timeline: {len(self)} windows of {len(self.duration)} recording(s), "
            f"{hours:.2f} h; {n_silent} windows without speech>"
        )

    def smooth(self, smoothing: str | Callable[[np.ndarray], np.ndarray]) -> Timeline:
        """Smooth the posteriors over time, and choose the labels anew.

        Each recording is smoothed by itself, and each speaker in it. The new labels are
        the most probable emotions, whatever thresholds the system has.

        Parameters
        ----------
        smoothing : {"median", "markov"} or callable
            :func:`smooth_median` or :func:`smooth_markov`, or a function from
            posteriors of shape (n_windows, n_classes) to others. Windows without speech
            are rows of NaN there, and get no label.

        Returns
        -------
        timeline : Timeline
            A new one.

        Raises
        ------
        ValueError
            If the system had no posteriors, or the function returns another shape.

        Examples
        --------
        >>> from functools import partial
        >>> from skser.timeline import smooth_markov
        >>> rarely = partial(smooth_markov, stay=0.98)  # timeline.smooth(rarely)
        """
        if self.posteriors is None:
            raise ValueError(
                "The system has no posteriors that could be smoothed. Pass "
                "smoothing=None, or use a system with predict_proba, such as "
                "skser.systems.recommended."
            )
        function = (
            SMOOTHINGS.get(smoothing) if isinstance(smoothing, str) else smoothing
        )
        if not callable(function):
            raise ValueError(
                f"smoothing must be one of {list(SMOOTHINGS)}, a function from "
                f"posteriors to posteriors, or None; got {smoothing!r}."
            )
        smoothed = np.full_like(self.posteriors, np.nan)
        for places in self._groups().values():
            before = self.posteriors[places]
            after = np.array(function(before.copy()), dtype=float)
            if after.shape != before.shape:
                raise ValueError(
                    "smoothing must return posteriors of the shape that it is given, "
                    f"{before.shape}, got {after.shape}."
                )
            after[np.isnan(before)] = np.nan
            smoothed[places] = after
        label = choose_labels(self.classes, smoothed)
        return replace(self, posteriors=smoothed, label=label)

    def to_segments(self) -> list[EmotionSegment]:
        """Return parts that do not overlap, each with one emotion.

        Of two windows that overlap, one takes over from the other halfway between their
        middles. Neighbours with the same emotion are joined. Where too little is said,
        there is no part. Of each speaker there are parts of their own.

        Returns
        -------
        segments : list of EmotionSegment
            Recording after recording, by time.
        """
        segments: list[EmotionSegment] = []
        for (file, speaker), places in self._groups().items():
            own: list[EmotionSegment] = []
            reached = 0.0
            edges = find_edges(self.start[places], self.end[places])
            for i, start, end in zip(places, *edges, strict=True):
                label, start = self.label[i], max(start, reached)
                reached = max(end, reached)
                if label is None or end <= start:
                    continue
                if own and own[-1].label == label and own[-1].end == start:
                    start = own.pop().start
                own.append(EmotionSegment(file, start, end, label, speaker))
            segments += own
        order = {file: i for i, file in enumerate(self.duration)}
        return sorted(segments, key=lambda s: (order[s.file], s.start, s.end))

    def _groups(self):
        """Return the rows of each speaker of each recording, by time."""
        groups = {}
        speakers = self.speaker or [None] * len(self)
        for i, key in enumerate(zip(self.file, speakers, strict=True)):
            groups.setdefault(key, []).append(i)
        return {
            key: sorted(rows, key=lambda i: (self.start[i], self.end[i]))
            for key, rows in groups.items()
        }

    def to_records(self) -> list[dict[str, Any]]:
        """Return a dict for each window, with the columns of :meth:`to_frame`.

        Returns
        -------
        records : list of dict
            None stands where there is no answer.
        """
        columns: dict[str, list] = {
            "file": list(self.file),
            "start": self.start.tolist(),
            "end": self.end.tolist(),
            "label": self.label.tolist(),
        }
        if self.speaker is not None:
            columns["speaker"] = list(self.speaker)
        if self.posteriors is not None:
            values = self.posteriors.round(_N_DECIMALS).astype(object)
            values[np.isnan(self.posteriors)] = None
            names = [f"p({label})" for label in self.classes]
            columns |= dict(zip(names, values.T.tolist(), strict=True))
        return [
            dict(zip(columns, row, strict=True))
            for row in zip(*columns.values(), strict=True)
        ]

    def to_frame(self) -> pandas.DataFrame:
        """Return a table, one row for each window.

        Returns
        -------
        frame : pandas.DataFrame
            With the columns "file", "start" and "end" (s), "label", "speaker" if there
            are some, and "p(...)" of each emotion.
        """
        import pandas as pd

        columns = {
            "file": self.file,
            "start": self.start,
            "end": self.end,
            "label": self.label,
        }
        if self.speaker is not None:
            columns["speaker"] = self.speaker
        if self.posteriors is not None:
            names = [f"p({label})" for label in self.classes]
            columns |= dict(zip(names, self.posteriors.T, strict=True))
        return pd.DataFrame(columns)

    def to_index(self) -> pandas.MultiIndex:
        """Return the windows as audformat's segmented index.

        Returns
        -------
        index : pandas.MultiIndex
            With the levels "file" (string), "start" and "end" (timedelta64[ns]).

        Examples
        --------
        ``pandas.Series(timeline.label, timeline.to_index())`` is a column of an
        audformat table.
        """
        import pandas as pd

        levels = [
            pd.array(self.file, dtype="string"),
            *(
                pd.to_timedelta(np.round(times, 9), unit="s").astype("timedelta64[ns]")
                for times in (self.start, self.end)
            ),
        ]
        return pd.MultiIndex.from_arrays(levels, names=["file", "start", "end"])

    def to_csv(self, path: str | os.PathLike | None = None) -> str | None:
        """Write the table as CSV, in UTF-8.

        Parameters
        ----------
        path : str or os.PathLike, default=None
            Replaced as a whole, or not at all. None returns the text.

        Returns
        -------
        text : str or None
            Posteriors have six decimals. Nothing stands where there is no answer.
        """
        lines = (record.values() for record in self.to_records())
        return _give(csv_table(self._column_names(), lines), path)

    def _column_names(self):
        """Return the names of the columns."""
        names = ["file", "start", "end", "label"]
        names += ["speaker"] * (self.speaker is not None)
        if self.posteriors is not None:
            names += [f"p({label})" for label in self.classes]
        return names

    def to_rttm(self, path: str | os.PathLike | None = None) -> str | None:
        """Write the segments as RTTM, as tools for diarisation read it.

        Parameters
        ----------
        path : str or os.PathLike, default=None
            Replaced as a whole, or not at all. None returns the text.

        Returns
        -------
        text : str or None
            A line for each of :meth:`to_segments`. The recording is called by its name
            without folder and ending. In the place of a speaker stands the emotion, or
            "speaker:emotion". RTTM has no spaces within names: underscores stand for
            them.
        """
        lines = []
        for file, start, end, label, speaker in self.to_segments():
            stem = os.path.splitext(os.path.basename(file))[0]
            name = str(label) if speaker is None else f"{speaker}:{label}"
            lines.append(
                f"SPEAKER {_join_words(stem)} 1 {start:.3f} {end - start:.3f} "
                f"<NA> <NA> {_join_words(name)} <NA> <NA>\n"
            )
        return _give("".join(lines), path)

    def to_textgrid(
        self, path: str | os.PathLike | None = None, *, file: str | None = None
    ) -> str | None:
        """Write the segments of one recording as a TextGrid, as Praat reads it.

        Parameters
        ----------
        path : str or os.PathLike, default=None
            Replaced as a whole, or not at all. None returns the text.
        file : str, default=None
            Which recording; None is the only one.

        Returns
        -------
        text : str or None
            With a tier "emotion", or one "emotion (speaker)" for each speaker. Where
            too little is said, the text of the interval is empty.

        Raises
        ------
        ValueError
            If `file` is not among the recordings, or is None and there are several.
        """
        if file is None and len(self.duration) == 1:
            (file,) = self.duration
        if file not in self.duration:
            raise ValueError(
                "A TextGrid is of one recording: file must be one of "
                f"{', '.join(list(self.duration)[:5])}"
                f"{', ...' if len(self.duration) > 5 else ''}; got {file!r}."
            )
        tiers: dict[str, list[EmotionSegment]] = {}
        for name, speaker in self._groups():
            if name == file:
                tiers[_name_tier(speaker)] = []
        for segment in self.to_segments():
            if segment.file == file:
                tiers[_name_tier(segment.speaker)].append(segment)
        return _give(
            _write_textgrid(tiers or {"emotion": []}, self.duration[file]), path
        )


def find_edges(start, end):
    """Return from where to where each of some windows gives the answer.

    Parameters
    ----------
    start, end : ndarray of shape (n_windows,)
        In seconds, by start.

    Returns
    -------
    start, end : list of float
        Windows that overlap take over from each other halfway between their middles.
    """
    middle, start, end = (start + end) / 2, start.copy(), end.copy()
    overlaps = end[:-1] > start[1:]
    between = np.round((middle[:-1] + middle[1:]) / 2, 9)
    between = np.clip(between, start[1:], np.minimum(end[:-1], end[1:]))
    end[:-1] = np.where(overlaps, between, end[:-1])
    start[1:] = np.where(overlaps, between, start[1:])
    return start.tolist(), end.tolist()


def choose_labels(classes, posteriors):
    """Return the most probable class of each row, None for rows of NaN.

    Parameters
    ----------
    classes : list
    posteriors : ndarray of shape (n_windows, n_classes)

    Returns
    -------
    labels : ndarray of objects of shape (n_windows,)
    """
    labels = np.full(len(posteriors), None, dtype=object)
    for i in np.flatnonzero(~np.isnan(posteriors).any(axis=1)):
        labels[i] = classes[int(posteriors[i].argmax())]
    return labels


def _give(text, path):
    """Return a text, or write it to a file."""
    if path is None:
        return text
    with replacing(path) as file:
        file.write(text.encode("utf-8", errors="surrogateescape"))
    return None


def _join_words(text):
    """Return a text without spaces."""
    return "_".join(text.split()) or "_"


def _name_tier(speaker):
    """Return the name of a speaker's tier."""
    return "emotion" if speaker is None else f"emotion ({speaker})"


def _write_textgrid(tiers, duration):
    """Return tiers of segments as a TextGrid in Praat's long format."""
    head = f"xmin = 0\nxmax = {_number(duration)}\n"
    lines = ['File type = "ooTextFile"\nObject class = "TextGrid"\n\n', head]
    lines.append(f"tiers? <exists>\nsize = {len(tiers)}\nitem []:\n")
    for i, (name, segments) in enumerate(tiers.items(), start=1):
        intervals = _fill_gaps(segments, duration)
        lines.append(
            f'    item [{i}]:\n        class = "IntervalTier"\n'
            f"        name = {_quote(name)}\n        xmin = 0\n"
            f"        xmax = {_number(duration)}\n"
            f"        intervals: size = {len(intervals)}\n"
        )
        for j, (start, end, text) in enumerate(intervals, start=1):
            lines.append(
                f"        intervals [{j}]:\n            xmin = {_number(start)}\n"
                f"            xmax = {_number(end)}\n"
                f"            text = {_quote(text)}\n"
            )
    return "".join(lines)


def _fill_gaps(segments, duration):
    """Return intervals that cover a recording, with empty ones between segments."""
    intervals, reached = [], 0.0
    for segment in segments:
        start, end = max(segment.start, reached), min(segment.end, duration)
        if start > reached:
            intervals.append((reached, start, ""))
        if end > start:
            intervals.append((start, end, str(segment.label)))
            reached = end
    if reached < duration:
        intervals.append((reached, duration, ""))
    return intervals


def _number(seconds):
    """Return seconds as Praat writes them: no more digits than there are."""
    return f"{seconds:.{_N_DECIMALS}f}".rstrip("0").rstrip(".")


def _quote(text):
    """Return a text in quotes; those within are doubled."""
    doubled = str(text).replace('"', '""')
    return f'"{doubled}"'
