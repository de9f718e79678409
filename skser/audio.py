"""Load audio files: decode, resample, mix to mono, refuse what is damaged.

:class:`AudioLoader` turns a batch of paths, of :class:`Segment` or of waveforms into a
list of signals, :func:`load_audio` does the same for one file. libsndfile decodes, by
content and never by file name; nothing else is tried, because a decoder that accepts
everything also accepts half a file. What a header can tell is checked for all files
before any of them is decoded.
"""

import datetime
import math
import os
import warnings
from collections import Counter
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from numbers import Integral, Real
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import soundfile
import soxr
from numpy.typing import ArrayLike

from skser._base import ListTransformer, set_parameters
from skser._compat import Interval, validate_params
from skser._containers import UNKNOWN_SIZE, has_more_sound, open_complete
from skser._parallel import map_utterances
from skser._sequences import check_is_sequence
from skser.exceptions import (
    AudioError,
    EmptyAudioError,
    ImplausibleAudioWarning,
    NonFiniteAudioError,
    SegmentError,
    ShortAudioWarning,
    TooLongAudioError,
    TruncatedAudioError,
    UnreadableAudioError,
)

__all__ = ["AudioLoader", "Segment", "load_audio"]

# Real recordings lie well inside; a damaged header can hold any number.
_SAMPLE_RATES = (1_000, 768_000)
# One frame of skser.Framer; what is shorter consists of padding for the most part.
_SHORT_LENGTH = 1024
# Samples lie within [-1, 1], give or take; beyond this they are unscaled integers.
PLAUSIBLE_PEAK = 100
# A mix that has so small a share of the power that unrelated channels would give it,
# while these are louder than -80 dB, is what is left of opposite channels.
_CANCELLED_SHARE, _SILENCE = 0.01, 1e-8
# Segments are written down to hundredths of a second, and rounded.
_SEGMENT_TOLERANCE = 0.01  # s
# A file can announce thousands of channels, so a block is bounded in values.
_VALUES_PER_BLOCK = 2**20
_N_REPORTED = 20
# No corpus has waveforms so short, and no recording more channels.
_MAX_CHANNELS = 32

_PATHS = (str, bytes, os.PathLike)
_AUDIO_PARAMETERS = {
    "sample_rate": [Interval(Integral, *_SAMPLE_RATES, closed="both")],
    "max_duration": [Interval(Real, 0, None, closed="neither"), None],
}

# Type of integer samples -> (zero, full scale): (value - zero) / full scale is in
# [-1, 1).
_PULSE_CODES = {
    "uint8": (128, 128),
    "int16": (0, 32768),
    "int32": (0, 2147483648),
}

# (offset, bytes, what it is and what to do) of what libsndfile cannot read.
_CONVERT = "which is not supported. Convert it to WAV or FLAC"
_FOREIGN_FORMATS = [
    (4, b"ftyp", f"MPEG-4 (m4a, mp4, 3gp), {_CONVERT}"),
    (0, b"\x1a\x45\xdf\xa3", f"Matroska or WebM, {_CONVERT}"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", f"Windows Media (wma), {_CONVERT}"),
    (0, b"#!AMR", f"AMR, {_CONVERT}"),
    (
        0,
        b"version https://git-lfs",
        "the pointer of Git LFS to a recording that was not fetched. Run: git lfs pull",
    ),
]


@dataclass(frozen=True)
class Segment:
    """A part of a recording, wherever a path is taken.

    Only the part is decoded, where the format can seek. A list of segments can be
    indexed, split and shuffled by scikit-learn like a list of paths.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        The file; kept as `str`. ``~`` is the home folder.
    start : float, default=None
        Where the part begins, in seconds; None is the beginning of the file. A
        `timedelta` of Python or pandas is taken, too.
    end : float, default=None
        Where it ends, in seconds from the beginning of the file; None is its end.

    Raises
    ------
    TypeError, ValueError
        If `path` is no path, a time is negative or not finite, or `end` is not behind
        `start`.

    See Also
    --------
    AudioLoader : Loads segments.

    Notes
    -----
    A part that lies outside of its file is an error when it is loaded,
    :class:`~skser.exceptions.SegmentError`; an `end` up to 10 ms behind the end of the
    file is taken for rounding.

    Examples
    --------
    >>> import tempfile, pathlib, soundfile
    >>> import numpy as np
    >>> from skser import AudioLoader, Segment
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "dialogue.wav")
    ...     soundfile.write(path, np.zeros(48000), 16000)
    ...     turns = [Segment(path, 0.0, 1.25), Segment(path, 1.25)]
    ...     [signal.shape for signal in AudioLoader().transform(turns)]
    [(20000,), (28000,)]
    """

    path: str
    start: float | None = None
    end: float | None = None

    if TYPE_CHECKING:  # more is taken than is kept

        def __init__(
            self,
            path: str | bytes | os.PathLike,
            start: float | datetime.timedelta | None = None,
            end: float | datetime.timedelta | None = None,
        ): ...

    def __post_init__(self):
        if isinstance(self.path, Segment) or not isinstance(self.path, _PATHS):
            raise TypeError(f"path must be a path, got {type(self.path).__name__}.")
        # str: a NumPy string would show its type in every message.
        object.__setattr__(self, "path", str(os.fsdecode(self.path)))
        for name in ("start", "end"):
            time = getattr(self, name)
            if hasattr(time, "total_seconds"):
                time = time.total_seconds()
            if time is None:
                continue
            is_number = isinstance(time, Real) and not isinstance(
                time, (bool, np.bool_)
            )
            if not is_number or not math.isfinite(time):
                raise ValueError(
                    f"{name} must be a finite number of seconds, or None, got {time!r}."
                )
            object.__setattr__(self, name, float(time))
        start, end = self.start or 0.0, math.inf if self.end is None else self.end
        if not 0 <= start < end:
            raise ValueError(
                "A segment must have 0 <= start < end, in seconds, got "
                f"start={self.start}, end={self.end}."
            )

    def __fspath__(self):
        return self.path

    def __str__(self):
        if self.start is None and self.end is None:
            return self.path
        end = "its end" if self.end is None else f"{self.end:g} s"
        return f"{self.path} from {self.start or 0:g} s to {end}"


class AudioLoader(ListTransformer):
    """Load recordings as mono signals at one sampling rate.

    The transformer learns nothing; it can be used without `fit`.

    Parameters
    ----------
    sample_rate : int, default=16000
        Sampling rate of the signals, in Hz, from 1000 to 768000.
    input_sample_rate : int, default=None
        Sampling rate of waveforms passed as arrays, in Hz. It must be given for them,
        because a wrong rate would give wrong features without a word. Files bring
        their own.
    max_duration : float, default=600.0
        Longest duration accepted, in seconds; None accepts any. A small file can
        announce, or unpack to, an enormous length.
    rms : float, default=None
        If given, each signal is shifted to mean 0 and scaled to this root mean square,
        once it is mixed and resampled, so that the level of the recording no longer
        matters; 0.05 (-26 dB) is that of usual speech. Silence stays silence. None
        leaves signals as they are.
    n_jobs : int, default=None
        Number of threads that read files. None is 1, -1 is all processors.

    See Also
    --------
    load_audio : The same for one file.

    Notes
    -----
    A signal of several channels is mixed to the mean of its channels. Resampling is
    done by soxr at high quality; a signal of `n` samples becomes one of
    ``ceil(n * sample_rate / its_rate)`` samples.

    The formats are those of libsndfile, among them WAV, FLAC, Ogg Vorbis and Opus, MP3,
    AIFF, AU, CAF, W64 and RF64. They are recognised by content, so that a wrong file
    extension does no harm.

    The size that a header announces is compared with the file; 64 bytes too many are
    taken for a mistake of the recorder. An Ogg file must have the page that ends the
    stream. MP3 announces its length only in the Xing or Info tag that encoders normally
    write: without it, a file that was cut is read as far as it goes. The last tenth of
    an MP3 may be missing.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.audio import AudioLoader
    >>> stereo = np.zeros((44100, 2), dtype=np.int16)
    >>> mono = np.ones(22050)
    >>> loader = AudioLoader(input_sample_rate=44100)
    >>> [signal.shape for signal in loader.transform([stereo, mono])]
    [(16000,), (8000,)]
    """

    declared_tags = {"input_tags.string": True, "input_tags.two_d_array": False}

    _parameter_constraints = {
        **_AUDIO_PARAMETERS,
        "input_sample_rate": [Interval(Integral, *_SAMPLE_RATES, closed="both"), None],
        "rms": [Interval(Real, 0, None, closed="neither"), None],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        sample_rate: int = 16000,
        *,
        input_sample_rate: int | None = None,
        max_duration: float = 600.0,
        rms: float | None = None,
        n_jobs: int | None = None,
    ):
        set_parameters(self, locals())

    def transform(self, X: Sequence | ArrayLike) -> list[np.ndarray]:
        """Load a batch of recordings.

        Parameters
        ----------
        X : list, tuple, ndarray or pandas.Series of length n_samples
            Either paths, as `str`, `bytes` or `os.PathLike` (``~`` is the home folder),
            or parts of files, as :class:`Segment`. Or waveforms, as arrays of shape
            (n_samples,) or (n_samples, n_channels): floating-point values are taken as
            they are, normally within [-1, 1]; `int16`, `int32` and `uint8` are scaled
            by their range to [-1, 1). A numeric `X` of two dimensions holds mono
            waveforms of equal length.

        Returns
        -------
        signals : list of ndarray of shape (n_samples,)
            Mono, at `sample_rate`, `float32`. A waveform that is so already is not
            copied.

        Raises
        ------
        TypeError
            If `X` or an entry is of no such kind, or paths and waveforms are mixed.
        ValueError
            If `X` is empty, a waveform has a wrong shape, or `input_sample_rate` is
            missing.
        AudioError
            A subclass of `ValueError` from :mod:`skser.exceptions`: a file that is not
            audio, empty, truncated, too long, or with samples that are not finite; a
            segment that lies outside of its file.
        FileNotFoundError, IsADirectoryError, PermissionError, MemoryError
            With the path. If several files are bad, one error reports them all.

        Warns
        -----
        ShortAudioWarning
            Once, for all signals of less than 1024 samples.
        ImplausibleAudioWarning
            Once, for all signals of values above 100, and for all of which the channels
            cancel each other.
        """
        # Loading begins with the header, which is enough for a single recording.
        self._validate_params()
        entries, are_paths = self._check_input(X, reset=False)
        if are_paths and len(entries) > 1:
            self.inspect(entries)
        how = {"sample_rate": self.sample_rate, "max_duration": self.max_duration}
        if are_paths:
            names = [str(segment) for segment in entries]
            loaded = _map_files(partial(_load_file, **how), entries, self.n_jobs)
        else:
            names = [f"X[{i}]" for i in range(len(entries))]
            load = partial(_load_waveform, rate=self.input_sample_rate, **how)
            items = zip(entries, names, strict=True)
            loaded = map_utterances(load, items, self.n_jobs)
        _warn(loaded, names)
        if self.rms is None:
            return [one.signal for one in loaded]
        return [scale_to_rms(one.signal, self.rms) for one in loaded]

    def inspect(self, X: Sequence | ArrayLike) -> tuple[list, bool]:
        """Look at what the headers of all recordings tell; nothing is decoded.

        Parameters
        ----------
        X : list, tuple, ndarray or pandas.Series of length n_samples
            As in :meth:`transform`.

        Returns
        -------
        entries : list of Segment, or list of array-like
            The recordings.
        are_paths : bool
            Whether they are paths, and not waveforms.

        Raises
        ------
        TypeError, ValueError, OSError
            As in :meth:`transform`, except for what only decoding can find.
        """

        def inspect(segment):
            with open_recording(segment, self.max_duration):
                pass

        self._validate_params()
        entries, are_paths = self._check_input(X, reset=False)
        if are_paths:
            _map_files(inspect, entries, self.n_jobs)
        return entries, are_paths

    def _name_columns(self):
        return ["signal"]  # one, for a Pipeline to go on with

    def _check_input(self, X, reset):
        """Return the segments or waveforms of a batch, and whether they are paths."""
        entries, are_paths = _check_batch(X)
        if are_paths:
            return [as_segment(entry) for entry in entries], True
        if self.input_sample_rate is None:
            raise ValueError(
                "X holds waveforms, so their sampling rate is needed: give it as "
                "AudioLoader(input_sample_rate=...), in Hz."
            )
        return entries, False


@validate_params(_AUDIO_PARAMETERS, prefer_skip_nested_validation=True)
def load_audio(
    path: str | bytes | os.PathLike | Segment,
    sample_rate: int = 16000,
    max_duration: float = 600.0,
) -> np.ndarray:
    """Load one recording as a mono signal.

    Parameters
    ----------
    path : str, bytes, os.PathLike or Segment
        ``~`` is the home folder. Of a :class:`Segment`, only the part is decoded.
    sample_rate : int, default=16000
        Sampling rate of the signal, in Hz, from 1000 to 768000.
    max_duration : float, default=600.0
        Longest duration accepted, in seconds; None accepts any.

    Returns
    -------
    signal : ndarray of shape (n_samples,)
        `float32`; the mean of the channels.

    Raises
    ------
    AudioError, FileNotFoundError, IsADirectoryError, PermissionError
        As in :meth:`AudioLoader.transform`.

    Warns
    -----
    ShortAudioWarning, ImplausibleAudioWarning
        As in :meth:`AudioLoader.transform`.

    Examples
    --------
    >>> import tempfile, pathlib, soundfile
    >>> import numpy as np
    >>> from skser.audio import load_audio
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "tone.wav")
    ...     tone = 0.5 * np.sin(2 * np.pi * 220 * np.arange(8000) / 16000)
    ...     soundfile.write(path, tone, 16000)
    ...     load_audio(path).shape
    (8000,)
    """
    segment = as_segment(path)
    loaded = _load_file(segment, sample_rate, max_duration)
    _warn([loaded], [str(segment)])
    return loaded.signal


# The batch


def _check_batch(X):
    """Return the entries of a batch and whether they are paths."""
    if isinstance(X, (set, frozenset)) or getattr(X, "columns", None) is not None:
        raise TypeError(
            "X must be a list, array or Series of paths or of waveforms, got "
            f"{type(X).__name__}. Of a table, pass the column of the paths."
        )
    check_is_sequence(X)
    kind = getattr(getattr(X, "dtype", None), "kind", "O")
    shape = getattr(X, "shape", (len(X),))
    if len(shape) == 1 and kind in "fiu":
        raise TypeError(
            f"X is a single waveform of shape {shape}. Wrap it in a list: [X]."
        )
    if len(shape) == 2 and kind in "fiu" and shape[1] <= min(_MAX_CHANNELS, shape[0]):
        raise TypeError(
            f"X of shape {shape} would be {shape[0]} waveforms of {shape[1]} samples. "
            "Wrap a single waveform of several channels in a list: [X]."
        )
    if len(shape) > 1 and kind not in "fiub":
        raise TypeError(
            f"X must be one-dimensional if it holds paths, got the shape {shape}. Of a "
            "table, pass the column of the paths, such as X[:, 0]."
        )
    entries = list(X)
    are_paths = isinstance(entries[0], _PATHS)
    for i, entry in enumerate(entries):
        is_path = isinstance(entry, _PATHS)
        if not is_path:
            _check_kind(entry, f"X[{i}]")
        if is_path != are_paths:
            kinds = ("waveform", "path")
            raise TypeError(
                f"X must hold either paths or waveforms: X[0] is a {kinds[are_paths]}, "
                f"but X[{i}] is a {kinds[is_path]}."
            )
    return entries, are_paths


def _check_kind(entry, name):
    """Check that an entry that is no path holds samples."""
    try:
        waveform = np.asarray(entry)
    except ValueError:  # of several shapes
        waveform = np.array(None)
    is_nested = isinstance(entry, (list, tuple))
    dtype = waveform.dtype
    if waveform.ndim == 0 or (is_nested and dtype.kind not in "fiu"):
        hint = (
            " Of pairs, pass the waveforms, and their rate as AudioLoader("
            "input_sample_rate=...). A part of a file is skser.Segment(path, start, "
            "end)."
        )
        raise TypeError(
            f"{name} must be a path or a waveform, got {type(entry).__name__}: "
            f"{entry!r:.80}.{hint if is_nested else ''}"
        )
    if dtype.kind != "f" and dtype.name not in _PULSE_CODES:
        raise TypeError(
            f"{name} must hold floating-point samples, or PCM samples of the types "
            f"{', '.join(_PULSE_CODES)}, got dtype {dtype}."
        )


def _map_files(function, segments, n_jobs):
    """Apply a function to all files; report together all that are bad."""

    def attempt(segment):
        try:
            return function(segment), None
        except (AudioError, OSError) as error:
            return None, error

    attempts = map_utterances(attempt, segments, n_jobs)
    errors = [error for _, error in attempts if error is not None]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        kinds = Counter(type(error) for error in errors)
        kind = next(iter(kinds)) if len(kinds) == 1 else AudioError
        lines = [f"- {error}" for error in errors[:_N_REPORTED]]
        if len(errors) > _N_REPORTED:
            more = len(errors) - _N_REPORTED
            lines.append(f"- and {more} more; skser.datasets.validate lists them all")
        raise kind(
            f"{len(errors)} of {len(segments)} files cannot be used:\n"
            + "\n".join(lines)
        )
    return [result for result, _ in attempts]


class Loaded(NamedTuple):
    """A signal, and what may be worth a warning."""

    signal: np.ndarray
    peak: float
    is_cancelled: bool


# Warning, what is noted of a recording that deserves it, and what is said of them all.
_REMARKS = [
    (
        ShortAudioWarning,
        lambda one: len(one.signal) < _SHORT_LENGTH and f"{len(one.signal)} samples",
        f"shorter than one frame of {_SHORT_LENGTH} samples: {{}}. Their features "
        "describe padding for the most part.",
    ),
    (
        ImplausibleAudioWarning,
        lambda one: one.peak > PLAUSIBLE_PEAK and f"up to {one.peak:.6g}",
        "far outside of [-1, 1]: {}. If these are integers, pass them as such, or "
        "divide them by their full scale, 32768 for 16 bits.",
    ),
    (
        ImplausibleAudioWarning,
        lambda one: one.is_cancelled and "opposite phase",
        "with channels that cancel each other: {}. Little is left in their mean. Pass "
        "one of the channels, or turn one around.",
    ),
]


def _warn(loaded, names):
    """Warn once of each kind of remark about the recordings of a batch."""
    for category, note, text in _REMARKS:
        found = [
            f"{name} ({note(one)})"
            for one, name in zip(loaded, names, strict=True)
            if note(one)
        ]
        if found:
            listed = ", ".join(found[:_N_REPORTED])
            more = ", ..." if len(found) > _N_REPORTED else ""
            warnings.warn(
                f"{len(found)} recording(s) {text.format(listed + more)}",
                category,
                stacklevel=3,
            )


# One recording


class Recording:
    """An open file, or a part of one, of which all is checked that its header can tell.

    Parameters
    ----------
    sound : soundfile.SoundFile
    stream : binary file object
        What `sound` reads.
    segment : Segment
    max_duration : float or None
        In seconds.

    Attributes
    ----------
    name : str
        What messages call it.
    rate : int
        Sampling rate in Hz.
    start, n_samples : int
        The part, in samples.
    """

    def __init__(self, sound, stream, segment, max_duration):
        self._sound, self._stream = sound, stream
        self.name = repr(str(segment))
        self.rate = sound.samplerate
        low, high = _SAMPLE_RATES
        if not low <= self.rate <= high:
            raise UnreadableAudioError(
                f"{self.name} announces a sampling rate of {self.rate} Hz, expected "
                f"{low} to {high}: its header is damaged."
            )
        if sound.frames <= 0:
            raise EmptyAudioError(f"{self.name} has no samples.")
        if sound.frames >= UNKNOWN_SIZE["Q"]:
            raise UnreadableAudioError(
                f"{self.name} does not say how long it is, as if an encoder had "
                "written it into a pipe. Encode it again, to a file."
            )
        n_samples = stop = sound.frames
        self.start = round((segment.start or 0) * self.rate)
        if segment.end is not None:
            stop = round(segment.end * self.rate)
        if self.start >= n_samples or (
            stop > n_samples + _SEGMENT_TOLERANCE * self.rate
        ):
            raise SegmentError(
                f"{self.name} is not in the file, which lasts "
                f"{n_samples / self.rate:.3f} s."
            )
        if stop <= self.start:
            raise SegmentError(f"{self.name} holds not a single sample.")
        self.n_samples = min(stop, n_samples) - self.start
        check_duration(self.n_samples, self.rate, max_duration, self.name)

    def read_blocks(self):
        """Decode to the mean of the channels, in blocks of bounded size.

        Yields
        ------
        block : ndarray of float32 of shape (n_block_samples,)
        powers : ndarray of shape (2,)
            As of `mix_channels`.
        """
        sound, n_wanted = self._sound, self.n_samples
        block_length = max(1, _VALUES_PER_BLOCK // sound.channels)
        n_decoded = 0
        try:
            if self.start:
                sound.seek(self.start)
            while n_decoded < n_wanted:
                n = min(block_length, n_wanted - n_decoded)
                block = sound.read(n, dtype="float32", always_2d=True)
                if len(block) == 0:
                    break
                n_decoded += len(block)
                yield mix_channels(block)
        except soundfile.LibsndfileError as error:
            raise TruncatedAudioError(
                f"{self.name} is truncated or damaged: its header says {n_wanted} "
                f"samples, decoding fails after {n_decoded} ({error.error_string}) "
                "Get a complete copy."
            ) from error
        # Without a tag, the length of an MP3 is an estimate; libsndfile does not tell.
        is_mp3 = sound.subtype == "MPEG_LAYER_III"
        tolerance = self.n_samples // 10 if is_mp3 else 0
        if n_decoded == 0 or n_decoded < self.n_samples - tolerance:
            raise TruncatedAudioError(
                f"{self.name} is truncated: its header says {self.n_samples} samples, "
                f"the file has {n_decoded}. Get a complete copy."
            )
        if is_mp3 and self.n_samples == sound.frames and has_more_sound(self._stream):
            raise UnreadableAudioError(
                f"{self.name} holds MP3 of variable bit rate that does not say how "
                f"long it is: decoding would stop after {n_decoded} samples, before "
                "its end. Convert it to WAV or FLAC."
            )


@contextmanager
def open_recording(entry, max_duration=None):
    """Open a file, or a part of one, once all is checked that its header can tell.

    Parameters
    ----------
    entry : str, bytes, os.PathLike or Segment
    max_duration : float, default=None
        Longest duration accepted, in seconds.

    Yields
    ------
    recording : Recording
    """
    segment = as_segment(entry)
    path = segment.path
    with open_complete(path) as stream:
        try:
            sound = soundfile.SoundFile(stream)
        except soundfile.LibsndfileError as error:
            stream.seek(0)
            raise UnreadableAudioError(
                f"{path!r} cannot be read as audio: {_describe(stream.read(64))}. "
                f"(libsndfile: {error.error_string})"
            ) from error
        with sound:
            yield Recording(sound, stream, segment, max_duration)


def as_segment(entry):
    """Return a path as the `Segment` that is all of its file, ``~`` expanded."""
    segment = entry if isinstance(entry, Segment) else Segment(entry)
    if segment.path.startswith("~"):
        return replace(segment, path=os.path.expanduser(segment.path))
    return segment


def _describe(head):
    """Say what a file is that libsndfile does not know, and what to do."""
    for offset, magic, description in _FOREIGN_FORMATS:
        if head.startswith(magic, offset):
            return f"it is {description}"
    return (
        f"expected WAV, FLAC, Ogg, MP3 or the like, it begins with {head[:16]!r}. "
        "Convert it to WAV or FLAC"
    )


def _load_file(segment, sample_rate, max_duration):
    """Return what a file holds as `Loaded`."""
    name = repr(str(segment))
    try:
        with open_recording(segment, max_duration) as recording:
            blocks, n_samples = recording.read_blocks(), recording.n_samples
            return assemble(blocks, n_samples, recording.rate, sample_rate, name)
    except MemoryError as error:
        raise MemoryError(
            f"{name} does not fit into memory. Cut it, or load parts of it: "
            "skser.Segment(path, start, end)."
        ) from error


def _load_waveform(item, rate, sample_rate, max_duration):
    """Return a waveform, given with its name, as `Loaded`."""
    waveform, name = np.asarray(item[0]), item[1]
    shape = waveform.shape
    if waveform.ndim not in (1, 2):
        raise ValueError(
            f"{name} must have the shape (n_samples,) or (n_samples, n_channels), got "
            f"{shape}."
        )
    if waveform.size == 0:
        raise EmptyAudioError(f"{name} has no samples: its shape is {shape}.")
    if waveform.ndim == 2 and shape[1] > shape[0]:
        raise ValueError(
            f"{name} must have the shape (n_samples, n_channels), got {shape}: more "
            "channels than samples. Transpose it."
        )
    check_duration(len(waveform), rate, max_duration, name)
    if waveform.dtype.kind != "f":
        zero, full_scale = _PULSE_CODES[waveform.dtype.name]
        waveform = (waveform.astype(np.float64) - zero) / full_scale
    blocks = [mix_channels(waveform.reshape(len(waveform), -1))]
    return assemble(blocks, len(waveform), rate, sample_rate, name)


def assemble(blocks, n_samples, rate, sample_rate, name):
    """Resample a signal that comes in blocks; check it before and behind that.

    Parameters
    ----------
    blocks : iterable of tuple of ndarray
        As of `Recording.read_blocks`.
    n_samples : int
        How many samples they have together, or more.
    rate, sample_rate : int
        What they are sampled at, and what is wanted, in Hz.
    name : str
        What messages call the signal.

    Returns
    -------
    loaded : Loaded
    """
    meter = Meter(name)
    resampled = resample(meter.watch(blocks), rate, sample_rate)
    signal = join(resampled, count_resampled(n_samples, rate, sample_rate))
    peak = meter.peak
    if rate != sample_rate:
        peak = check_samples(signal, f"{name}, resampled to {sample_rate} Hz,")
    return Loaded(signal, peak, meter.have_cancelled())


@dataclass
class Meter:
    """What is measured of a signal while its blocks go by.

    Parameters
    ----------
    name : str
        What messages call the signal.
    peak : float, default=0
        The largest modulus so far.
    """

    name: str
    peak: float = 0.0
    _n_samples: int = 0
    _powers: np.ndarray = field(default_factory=lambda: np.zeros(2))

    def watch(self, blocks):
        """Yield blocks without their powers; refuse samples that are not finite."""
        for block, powers in blocks:
            peak = check_samples(block, self.name, self._n_samples)
            self.peak = max(self.peak, peak)
            self._powers += powers
            self._n_samples += len(block)
            yield block

    def have_cancelled(self):
        """Return whether the channels cancel each other: bool."""
        of_channels, of_mean = self._powers
        is_loud = of_channels > _SILENCE * self._n_samples
        return bool(is_loud and of_mean < _CANCELLED_SHARE * of_channels)


def join(blocks, n_samples):
    """Join blocks to one array of `n_samples`, or fewer. One of all is not copied."""
    signal, n_filled = None, 0
    for block in blocks:
        if len(block) == n_samples:
            signal = block
        else:
            if signal is None:
                signal = np.empty(n_samples, dtype=np.float32)
            signal[n_filled : n_filled + len(block)] = block
        n_filled += len(block)
    return signal[:n_filled]


def resample(blocks, rate, sample_rate):
    """Resample a signal that comes in blocks, by libsoxr's high quality.

    To the bit as ``librosa.resample(..., res_type="soxr_hq")``, whose import takes
    seconds, and which needs the whole signal.

    Parameters
    ----------
    blocks : iterable of ndarray of float32
    rate, sample_rate : int
        What they are sampled at, and what is wanted, in Hz.

    Yields
    ------
    block : ndarray of float32
        `count_resampled` samples altogether.

    Examples
    --------
    >>> import numpy as np
    >>> from skser.audio import resample
    >>> tone = np.sin(np.arange(480, dtype=np.float32))
    >>> sum(map(len, resample([tone[:100], tone[100:]], 48000, 16000)))
    160
    """
    if rate == sample_rate:
        yield from blocks
        return
    stream = soxr.ResampleStream(rate, sample_rate, 1, "float32", "HQ")
    n_taken = n_given = 0
    for block in blocks:
        resampled = stream.resample_chunk(block)
        n_taken, n_given = n_taken + len(block), n_given + len(resampled)
        yield resampled
    rest = stream.resample_chunk(np.empty(0, np.float32), last=True)
    n_left = count_resampled(n_taken, rate, sample_rate) - n_given
    yield np.pad(rest, (0, max(0, n_left - len(rest))))[:n_left]


def count_resampled(n_samples, rate, sample_rate):
    """Return how many samples there are at another rate, as librosa counts them."""
    return math.ceil(n_samples * (sample_rate / rate))


def mix_channels(samples):
    """Average channels.

    Parameters
    ----------
    samples : ndarray of shape (n_samples, n_channels)

    Returns
    -------
    signal : ndarray of float32 of shape (n_samples,)
        One channel stays as it is.
    powers : ndarray of shape (2,)
        Sum of the squares of all channels, and what it would be if they were unrelated
        and their mean were `signal`; 0 for one channel.
    """
    # A number beyond the range of float32 turns infinite and is reported as such.
    with np.errstate(over="ignore", invalid="ignore"):
        n_channels = samples.shape[1]
        if n_channels == 1:
            return samples[:, 0].astype(np.float32, copy=False), np.zeros(2)
        mean = samples.mean(axis=1, dtype=float)
        power = np.einsum("ij,ij->", samples, samples, dtype=float)
        powers = np.array([power, n_channels**2 * (mean @ mean)])
        return mean.astype(np.float32), powers


def scale_to_rms(signal, rms):
    """Shift a signal to mean 0 and scale it to a root mean square.

    Parameters
    ----------
    signal : ndarray of shape (n_samples,)
    rms : float

    Returns
    -------
    scaled : ndarray of float32 of shape (n_samples,)
        Silence, and any other constant, is 0.
    """
    # Double precision is needed of a block at a time, not of an hour.
    starts = range(0, len(signal), _VALUES_PER_BLOCK)
    blocks = [signal[start : start + _VALUES_PER_BLOCK] for start in starts]
    mean = signal.mean(dtype=np.float64)
    power = sum(np.square(block - mean, dtype=np.float64).sum() for block in blocks)
    level = np.sqrt(power / len(signal))
    factor = rms / level if level > 0 else 0
    scaled = np.empty(len(signal), dtype=np.float32)
    for start, block in zip(starts, blocks, strict=True):
        scaled[start : start + len(block)] = (block - mean) * factor
    return scaled


def check_duration(n_samples, rate, max_duration, name):
    """Raise an error if a recording lasts longer than allowed."""
    duration = n_samples / rate
    if max_duration is not None and duration > max_duration:
        raise TooLongAudioError(
            f"{name} lasts {duration:.1f} s, more than max_duration={max_duration} "
            "s. Cut it into utterances, or raise max_duration."
        )


def check_samples(signal, name, start=0):
    """Raise an error if a sample is NaN or infinite; return the largest modulus.

    `start` is how many samples came before these.
    """
    if len(signal) == 0:
        return 0.0
    peak = max(float(signal.max()), -float(signal.min()))
    if math.isfinite(peak):
        return peak
    finite = np.isfinite(signal)
    first = int(np.argmin(finite))
    raise NonFiniteAudioError(
        f"{name} has {int((~finite).sum())} sample(s) that are NaN or infinite, the "
        f"first at index {start + first} ({signal[first]}). Expected finite samples, "
        "normally within [-1, 1]."
    )
