"""Predict recordings along time, block by block: `predict_timeline`, live audio."""

from __future__ import annotations

import copy
import itertools
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from numbers import Integral, Real
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import sklearn
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skser._base import ScoringClassifierMixin, list_steps
from skser._compat import Interval, validate_params
from skser._parallel import map_utterances
from skser._progress import make_bar, silence
from skser._recordings import (
    SAMPLE_RATES,
    Segment,
    Waveform,
    is_pair,
    name_of,
    read_batch,
)
from skser.audio import (
    PLAUSIBLE_PEAK,
    AudioLoader,
    Loaded,
    Meter,
    check_duration,
    check_waveform,
    join_errors,
    map_recordings,
    mix_waveform,
    open_recording,
    prepare,
    read_recording,
    warn_of,
)
from skser.classifiers import BaseNetworkClassifier
from skser.exceptions import AudioError, SegmentError
from skser.metrics import wants_groups
from skser.timeline._activity import (
    EnergyActivityDetector,
    EnergyTracker,
    KnownActivity,
)
from skser.timeline._segments import check_segment, read_segments
from skser.timeline._timeline import Timeline, choose_labels
from skser.timeline._windows import WindowCutter, list_windows

# As a `Segment` has it: a segment may end so much behind its file.
_TOLERANCE = 0.01  # s
# Windows that are predicted at a time: few enough to fit into memory with all their
# features, and enough for the costs of a call not to matter.
_MAX_WINDOWS = 64
_MAX_SECONDS = 300.0

# Long enough for no remark.
_AN_HOUR = np.broadcast_to(np.float32(0), 3600 * 48000)
# Types of samples that a microphone gives.
_SAMPLES = ("float32", "float64", "float16", "int16", "int32", "uint8")
# Their `predict` is the most probable class: it need not be asked as well.
_MOST_PROBABLE = (
    BaseNetworkClassifier,
    LogisticRegression,
    ScoringClassifierMixin,
    VotingClassifier,
)
_WINDOW_PARAMETERS = {
    "window": [Interval(Real, 0.1, None, closed="left")],
    "hop": [Interval(Real, 0.01, None, closed="left")],
    "min_speech": [Interval(Real, 0, 1, closed="both")],
}


class _Part(NamedTuple):
    """A signal that the system shall hear."""

    signal: np.ndarray
    rate: int
    name: str


class _Recognizer:
    """A fitted system without its first step, for parts of signals.

    It answers for each part as if there were no other. A system that normalises by
    speaker is told that each part is of another one: what it says of a part must not
    depend on the parts that happen to be predicted with it.
    """

    def __init__(self, system):
        self.loader, self._rest = _split(system)
        self.has_posteriors = hasattr(self._rest, "predict_proba")
        self.classes = np.asarray(self._rest.classes_).tolist()
        is_clear = isinstance(list_steps(self._rest)[-1], _MOST_PROBABLE)
        self._must_ask = not (self.has_posteriors and is_clear)

    def __call__(self, parts):
        """Return label and posteriors, or None, of each `_Part`."""
        signals = [
            prepare(part.signal, part.rate, self.loader, part.name) for part in parts
        ]
        posteriors = [None] * len(signals)
        if self.has_posteriors:
            posteriors = self._ask("predict_proba", signals)
        if self._must_ask:
            labels = np.asarray(self._ask("predict", signals)).tolist()
        else:
            labels = choose_labels(self.classes, posteriors)
        return list(zip(labels, posteriors, strict=True))

    def _ask(self, method, signals):
        """Call a method of the system."""
        with sklearn.config_context(enable_metadata_routing=True):
            if wants_groups(self._rest, method):
                groups = np.arange(len(signals))
                return getattr(self._rest, method)(signals, groups=groups)
        return getattr(self._rest, method)(signals)


def _split(system):
    """Return the loader of a fitted system, and the system of what it loads."""
    check_is_fitted(system)
    system = getattr(system, "best_estimator_", system)
    if hasattr(system, "estimator_"):
        # It decides by what another one says, such as a RejectOption.
        loader, rest = _split(system.estimator_)
        system = copy.copy(system)
        system.estimator_ = rest
        return loader, system
    if is_regressor(system):
        raise TypeError(
            "Timelines are of emotions, with classifiers; this system is a regressor, "
            "which predicts numbers. Numbers of parts of a recording are "
            "system.predict([Segment(path, 0, 3), Segment(path, 1, 4), ...])."
        )
    first = system.steps[0][1] if isinstance(system, Pipeline) else None
    is_whole = isinstance(first, AudioLoader) and len(system.steps) > 1
    if not is_whole or not is_classifier(system):
        kind = type(system if first is None else first).__name__
        raise TypeError(
            "system must be a Pipeline that begins with an AudioLoader and ends with a "
            f"classifier, such as those of skser.systems, got a {kind}. Put the loader "
            "first: make_pipeline(AudioLoader(), ...)."
        )
    return first, Pipeline(system.steps[1:])


@validate_params(
    {
        **_WINDOW_PARAMETERS,
        "smoothing": [str, callable, None],
        "activity": [str, callable, EnergyActivityDetector, None],
        "n_jobs": [Integral, None],
        "verbose": [Integral, None],
    },
    prefer_skip_nested_validation=True,
)
def predict_timeline(
    system: BaseEstimator | Pipeline,
    recordings: str | os.PathLike | Segment | bytes | BinaryIO | Sequence | ArrayLike,
    *,
    window: float = 3.0,
    hop: float = 1.0,
    smoothing: str | Callable[[np.ndarray], np.ndarray] | None = None,
    segments: Any = None,
    activity: str | EnergyActivityDetector | Callable | None = "energy",
    min_speech: float = 0.25,
    n_jobs: int | None = None,
    verbose: int | None = None,
) -> Timeline:
    """Predict the emotions of recordings along time.

    Each recording is cut into windows, or into the segments that somebody else has
    found. **The answer for a window is what**
    ``system.predict_proba([Segment(path, start, end)])`` **gives**, as if there were
    nothing else. Recordings are decoded and predicted block by block: an archive of ten
    hours needs no more memory than one of minutes.

    Parameters
    ----------
    system : sklearn.pipeline.Pipeline
        Fitted, from recordings to emotions: one of ``SYSTEMS``, or your own that begins
        with an :class:`~skser.AudioLoader`. A fitted search is its best system. A
        :class:`~skser.ensembles.RejectOption` or one of scikit-learn's threshold
        classifiers may be around it.
    recordings : str, os.PathLike, Segment, bytes, file, tuple, ndarray, or list
        One recording or a list: paths, parts of files, contents of files, open files,
        pairs ``(waveform, rate)``, or waveforms, as :meth:`skser.AudioLoader.transform`
        takes them. Waveforms alone have the loader's `input_sample_rate`, or its
        `sample_rate` if that is None. They may be of any length; the loader's
        `max_duration` is that of a window.
    window : float, default=3.0
        Length of a window in seconds; best that of the utterances of the training. A
        recording that is shorter is one shorter window, and so is what is left at the
        end of a longer one, if it is 0.1 s or more.
    hop : float, default=1.0
        Seconds from the start of one window to that of the next.
    smoothing : {"median", "markov"}, callable or None, default=None
        How posteriors are smoothed over time: :func:`smooth_median`,
        :func:`smooth_markov`, or a function from posteriors of shape (n_windows,
        n_classes) to others.
    segments : list, pandas.DataFrame, str or os.PathLike, default=None
        What is predicted instead of windows, each as a whole; `window`, `hop` and
        `activity` are not used then. For each recording a list of (start, end) or
        (start, end, speaker), in seconds (for a single recording, the list itself); or
        a table with the columns "start", "end" and, if known, "file" and "speaker",
        such as audformat's; or the path of an RTTM or CSV file. Files are found by
        path, name or name without ending.
    activity : {"energy"}, EnergyActivityDetector, callable or None, default="energy"
        Where somebody speaks. "energy" is an :class:`EnergyActivityDetector`, which is
        plain. A function ``f(signal, sample_rate)`` is given the whole recording, mono,
        at its own rate, and returns a list of (start, end) in seconds. None is
        everywhere.
    min_speech : float, default=0.25
        Windows with a smaller share of speech get no answer: label None, posteriors
        NaN.
    n_jobs : int, default=None
        Number of threads that predict; None is 1, -1 is all processors. They suit
        pretrained encoders; for systems that compute features in Python,
        ``joblib.parallel_config("loky")`` makes them processes.
    verbose : int, default=None
        0 shows nothing; 1 a bar or, in a log, lines; None a bar in terminals and
        notebooks only.

    Returns
    -------
    timeline : Timeline
        By recording and time.

    Raises
    ------
    TypeError, ValueError
        If a parameter is none of the above.
    SegmentError
        If a segment lies outside of its recording.
    AudioError, OSError
        As in :meth:`skser.AudioLoader.transform`: what headers can tell, before
        anything is predicted. What only decoding finds, once all other recordings are
        done: the error's `timeline` has their answers.

    Warns
    -----
    ImplausibleAudioWarning, ShortAudioWarning
        As in :meth:`skser.AudioLoader.transform`.
    UserWarning
        If a recording has no `segments`.

    See Also
    --------
    LiveTimeline : The same for audio that comes bit by bit.
    skser.plotting.TimelineDisplay : Shows the result.

    Notes
    -----
    A system that normalises by speaker (a "transductive" one) knows of the speaker of a
    window what this window says.

    Windows begin on round times, which are no multiples of the hop of frames, and are
    resampled and brought to one level each by itself: frames of windows that overlap
    are not the same numbers, and are computed for each.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skser import AudioLoader, Framer
    >>> from skser.features import FrameStatistics, SpeechDescriptors
    >>> from skser.timeline import predict_timeline
    >>> system = make_pipeline(
    ...     AudioLoader(input_sample_rate=16000), Framer(400, 160),
    ...     SpeechDescriptors(["log_pitch"]), FrameStatistics(["mean"], []),
    ...     LogisticRegression())
    >>> times = np.arange(16000) / 16000
    >>> low, high = (np.sin(2 * np.pi * pitch * times) for pitch in (100, 300))
    >>> system = system.fit([low, high], ["low", "high"])
    >>> talk = np.concatenate([low, low, high, high])
    >>> timeline = predict_timeline(system, talk, window=2, hop=1, activity=None)
    >>> timeline.to_frame()[["start", "end", "label"]]
       start  end label
    0    0.0  2.0   low
    1    1.0  3.0   low
    2    2.0  4.0  high
    """
    recognizer = _Recognizer(system)
    tracking = _check_activity(activity) if segments is None else None
    sources = _list_sources(recordings, recognizer.loader)
    names = [source.file for source in sources]
    if segments is None:
        check_duration(window, 1, recognizer.loader.max_duration, "A window")
        spans = [list_windows(source.start, window, hop) for source in sources]
    else:
        spans = [
            source.clip(own, recognizer.loader.max_duration)
            for source, own in zip(sources, read_segments(segments, names), strict=True)
        ]
    reader = _Reader(sources, spans, tracking, min_speech, has_end=segments is not None)
    n_seconds = round(sum(source.n_samples / source.rate for source in sources))
    bar = make_bar(n_seconds, "Timeline", verbose=verbose, unit="s")
    with bar, silence():
        answers = map_utterances(recognizer, reader.read_batches(bar), n_jobs)
    timeline = reader.assemble(answers, recognizer)
    warn_of(reader.loaded, reader.names, stacklevel=4)
    if smoothing is not None:
        timeline = timeline.smooth(smoothing)
    if reader.errors:
        error: Any = join_errors(reader.errors, len(sources))
        error.timeline = timeline
        raise error
    return timeline


class _Source(NamedTuple):
    """A recording: a file, a part of one, or a waveform."""

    file: str
    name: str  # what messages call it
    rate: int
    first: int  # sample of the file
    n_samples: int
    read: Callable  # returns an iterator over blocks, as of `read_blocks`

    @property
    def start(self):
        """Seconds at which it begins in its file."""
        return self.first / self.rate

    @property
    def end(self):
        """Seconds at which it ends in its file."""
        return (self.first + self.n_samples) / self.rate

    def clip(self, spans, max_duration):
        """Return segments that end within the recording, or say which does not."""
        clipped = []
        for start, end, speaker in spans:
            name = f"{self.file} from {start:g} s to {end:g} s"
            first, last = round(start * self.rate), round(end * self.rate)
            if first < self.first or end > self.end + _TOLERANCE or start >= self.end:
                raise SegmentError(
                    f"{name!r} is not in the recording, which lasts from "
                    f"{self.start:.3f} s to {self.end:.3f} s."
                )
            if last <= first:
                raise SegmentError(f"{name!r} holds not a single sample.")
            end = min(end, self.end)
            check_duration(end - start, 1, max_duration, repr(name))
            clipped.append((start, end, speaker))
        return clipped


def _list_sources(recordings, loader):
    """Return the recordings, once all is checked that headers tell."""
    if _is_one(recordings):
        recordings = [recordings]
    rate = loader.input_sample_rate or loader.sample_rate
    entries = []
    for i, entry in enumerate(read_batch(recordings, rate)):
        if not isinstance(entry, Segment):
            # As the parameter is called here.
            label = entry.label.replace("X[", "recordings[", 1)
            entry = replace(entry, label=label)
        name = entry.path if isinstance(entry, Segment) else f"recordings[{i}]"
        entries.append((name, entry))
    return map_recordings(_inspect, entries, loader.n_jobs)


def _is_one(recordings):
    """Tell whether this is a single recording, and no list."""
    one = (str, os.PathLike, bytes, bytearray, memoryview)
    is_waveform = isinstance(recordings, np.ndarray) and recordings.ndim == 1
    return (
        isinstance(recordings, one)
        or hasattr(recordings, "read")
        or is_pair(recordings)
        or (is_waveform and recordings.dtype.kind in "fiu")
    )


def _inspect(item):
    """Return what the header of a recording, given with its name, says."""
    file, recording = item
    if isinstance(recording, Waveform):
        check_waveform(recording, None)
        rate, first, n_samples = recording.rate, 0, len(recording.samples)
    else:
        with open_recording(recording) as opened:
            rate, first, n_samples = opened.rate, opened.start, opened.n_samples
    name, read = name_of(recording), partial(read_recording, recording)
    return _Source(file, name, rate, first, n_samples, read)


def _check_activity(activity):
    """Return a function from a source to what follows its activity, or None."""
    if activity == "energy":
        activity = EnergyActivityDetector()
    if activity is not None and isinstance(activity, str):
        raise ValueError(
            "activity must be 'energy', an EnergyActivityDetector, a function of "
            f"(signal, sample_rate), or None; got {activity!r}."
        )
    return activity


class _Reader:
    """Cuts recordings, and puts the answers together.

    Attributes
    ----------
    errors : list of Exception
        Of files that could not be decoded to their end.
    loaded : list of Loaded
        What may be worth a warning, without samples.
    names : list of str
        Of these recordings.
    """

    def __init__(self, sources, spans, activity, min_speech, *, has_end):
        self._sources, self._spans = sources, spans
        self._activity, self._min_speech = activity, min_speech
        self._has_end = has_end
        self._rows = []  # file, start, end, speaker, whether it is answered
        self._duration = {}
        self.errors = []
        self.loaded = []
        self.names = []

    def read_batches(self, bar):
        """Yield parts to be predicted together, and note all windows."""
        batch, n_seconds = [], 0.0
        for source, spans in zip(self._sources, self._spans, strict=True):
            for window in self._read_source(source, spans, bar):
                is_answered = window.activity >= self._min_speech
                row = (source.file, window.start, window.end, window.speaker)
                self._rows.append((*row, is_answered))
                if not is_answered:
                    continue
                length = len(window.signal) / source.rate
                is_full = len(batch) == _MAX_WINDOWS
                if batch and (is_full or n_seconds + length > _MAX_SECONDS):
                    yield batch
                    batch, n_seconds = [], 0.0
                name = f"'{source.file} from {window.start:g} s to {window.end:g} s'"
                batch.append(_Part(window.signal, source.rate, name))
                n_seconds += length
        if batch:
            yield batch

    def _read_source(self, source, spans, bar):
        """Yield the windows of a recording; note an error, and go on."""
        meter, n_read, n_told = Meter(source.name), 0, 0
        try:
            blocks, tracker = self._track(meter.watch(source.read()), source)
            cutter = WindowCutter(spans, source.rate, source.first, tracker)
            for block in blocks:
                yield from cutter.push(block)
                n_read += len(block)
                bar.update(n_read // source.rate - n_told)
                n_told = n_read // source.rate
            yield from cutter.finish_all() if self._has_end else cutter.finish()
        except (AudioError, OSError) as error:
            self.errors.append(error)
        else:
            # Its length without its samples.
            length = np.broadcast_to(np.float32(0), n_read)
            self.loaded.append(Loaded(length, meter.peak, meter.have_cancelled()))
            self.names.append(source.name)
        end = (source.first + n_read) / source.rate
        self._duration[source.file] = max(end, self._duration.get(source.file, 0.0))

    def _track(self, blocks, source):
        """Return the blocks of a signal, and who knows where somebody speaks."""
        if self._activity is None:
            return blocks, None
        if isinstance(self._activity, EnergyActivityDetector):
            return blocks, EnergyTracker(self._activity, source.rate)
        signal = np.concatenate(list(blocks))
        found = self._activity(signal, source.rate)
        name = f"What activity has found in {source.name}: "
        parts = [check_segment(part, name)[:2] for part in found]
        return [signal], KnownActivity(parts, source.rate)

    def assemble(self, answers, recognizer):
        """Return the timeline of the answers to all batches."""
        columns = list(zip(*self._rows, strict=True)) or [[]] * 5
        file, start, end, speaker, is_answered = columns
        answered = np.flatnonzero(np.array(is_answered, dtype=bool))
        label = np.full(len(file), None, dtype=object)
        posteriors = np.full((len(file), len(recognizer.classes)), np.nan)
        answers = itertools.chain.from_iterable(answers)
        for i, (one, values) in zip(answered, answers, strict=True):
            label[i] = one
            if values is not None:
                posteriors[i] = values
        has_speakers = any(one is not None for one in speaker)
        return Timeline(
            classes=recognizer.classes,
            file=list(file),
            start=np.array(start, dtype=float),
            end=np.array(end, dtype=float),
            label=label,
            posteriors=posteriors if recognizer.has_posteriors else None,
            speaker=list(speaker) if has_speakers else None,
            duration=self._duration,
        )


class LiveAnswer(NamedTuple):
    """What a system says of a window of live audio.

    Parameters
    ----------
    start, end : float
        In seconds from the first sample.
    label : object
        What the system's `predict` says; None where too little is said.
    posteriors : ndarray of shape (n_classes,) or None
        NaN where too little is said; None if the system has no posteriors.
    """

    start: float
    end: float
    label: Any
    posteriors: np.ndarray | None


class LiveTimeline:
    """Predict emotions while audio comes in, as from a microphone.

    It takes chunks of any length, and gives an answer with the chunk that completes a
    window: the same as :func:`predict_timeline` gives for the same audio in one piece.
    In memory is no more than a window and a chunk, however long it runs.

    **Latency**: what is said is first heard as a whole by the window that ends with it,
    and fills a window `window` seconds after it began. An answer comes at most `hop`
    seconds behind the sound, plus the length of a chunk, plus the time that the
    system needs for a window (``python tests/benchmarks/bench_timeline.py`` measures
    it). There is no smoothing, which would look ahead.

    Parameters
    ----------
    system : sklearn.pipeline.Pipeline
        As in :func:`predict_timeline`.
    sample_rate : int
        Of the microphone, in Hz: any; each window is resampled to the system's.
    window, hop : float, default=3.0, 1.0
        As in :func:`predict_timeline`, in seconds.
    activity : {"energy"}, EnergyActivityDetector or None, default="energy"
        Where somebody speaks; None is everywhere. A function of the whole signal
        cannot be used: nobody has it yet.
    min_speech : float, default=0.25
        Windows with a smaller share of speech get no answer.

    Attributes
    ----------
    classes_ : list
        The emotions, in the order of posteriors.

    Examples
    --------
    A file, read as if it were a microphone that gives 4096 samples at a time:

    >>> import tempfile, pathlib, soundfile
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skser import AudioLoader, Framer
    >>> from skser.features import FrameStatistics, SpeechDescriptors
    >>> from skser.timeline import LiveTimeline
    >>> system = make_pipeline(
    ...     AudioLoader(input_sample_rate=16000), Framer(400, 160),
    ...     SpeechDescriptors(["log_pitch"]), FrameStatistics(["mean"], []),
    ...     LogisticRegression())
    >>> times = np.arange(32000) / 16000
    >>> low, high = (np.sin(2 * np.pi * pitch * times) for pitch in (100, 300))
    >>> system = system.fit([low, high], ["low", "high"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "talk.wav")
    ...     soundfile.write(path, np.concatenate([low, high]) / 2, 16000)
    ...     live = LiveTimeline(system, 16000, window=2, hop=2, activity=None)
    ...     for chunk in soundfile.blocks(path, 4096):
    ...         for answer in live.push(chunk):
    ...             print(answer.start, answer.end, answer.label)
    ...     live.finish()
    0.0 2.0 low
    2.0 4.0 high
    []
    """

    @validate_params(
        {
            **_WINDOW_PARAMETERS,
            "sample_rate": [Interval(Integral, *SAMPLE_RATES, closed="both")],
            "activity": [str, EnergyActivityDetector, None],
        },
        prefer_skip_nested_validation=True,
    )
    def __init__(
        self,
        system: BaseEstimator | Pipeline,
        sample_rate: int,
        *,
        window: float = 3.0,
        hop: float = 1.0,
        activity: str | EnergyActivityDetector | None = "energy",
        min_speech: float = 0.25,
    ):
        self._recognizer = _Recognizer(system)
        self.classes_ = self._recognizer.classes
        check_duration(window, 1, self._recognizer.loader.max_duration, "A window")
        detector = _check_activity(activity)
        tracker = None if detector is None else EnergyTracker(detector, sample_rate)
        spans = list_windows(0.0, window, hop)
        self._cutter = WindowCutter(spans, sample_rate, tracker=tracker)
        self._rate, self._min_speech = sample_rate, min_speech
        self._meter = Meter("The audio")
        self._is_finished = False

    def push(self, samples: ArrayLike) -> list[LiveAnswer]:
        """Hear the next samples.

        Parameters
        ----------
        samples : array-like of shape (n_samples,) or (n_samples, n_channels)
            As :meth:`skser.AudioLoader.transform` takes waveforms; of any number, also
            none. Channels are averaged.

        Returns
        -------
        answers : list of LiveAnswer
            Of the windows that are complete now, by time; mostly none or one.

        Raises
        ------
        ValueError
            If `samples` have another shape, or `finish` was called.
        NonFiniteAudioError
            If a sample is NaN or infinite. The chunk is left out; you may go on.
        """
        if self._is_finished:
            raise ValueError(
                "The audio is finished. Make a new LiveTimeline for the next one."
            )
        samples = np.asarray(samples)
        if samples.ndim not in (1, 2) or samples.dtype.name not in _SAMPLES:
            raise ValueError(
                "samples must have the shape (n_samples,) or (n_samples, n_channels), "
                f"of floats, int16, int32 or uint8; got {samples.shape} of "
                f"{samples.dtype}."
            )
        if samples.size == 0:
            return []
        peak = self._meter.peak
        (signal,) = self._meter.watch([mix_waveform(samples)])
        if peak <= PLAUSIBLE_PEAK < self._meter.peak:
            warn_of([Loaded(_AN_HOUR, self._meter.peak, False)], ["the audio"])
        return self._answer(self._cutter.push(signal))

    def finish(self) -> list[LiveAnswer]:
        """Say that the audio has ended.

        Returns
        -------
        answers : list of LiveAnswer
            What is left at the end, as a shorter window, if it is 0.1 s or more; or
            what was heard, if it is shorter than a window.
        """
        if self._is_finished:
            return []
        self._is_finished = True
        return self._answer(self._cutter.finish())

    def _answer(self, windows):
        """Return the answers for windows."""
        heard = [w for w in windows if w.activity >= self._min_speech]
        parts = [
            _Part(w.signal, self._rate, f"The audio from {w.start:g} s to {w.end:g} s")
            for w in heard
        ]
        answers = iter(self._recognizer(parts) if parts else [])
        silence = None
        if self._recognizer.has_posteriors:
            silence = np.full(len(self.classes_), np.nan)
        results = []
        for window in windows:
            answer = (None, silence)
            if window.activity >= self._min_speech:
                answer = next(answers)
            results.append(LiveAnswer(window.start, window.end, *answer))
        return results
