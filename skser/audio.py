"""Load audio files: decode, resample, mix to mono, refuse what is damaged.

:class:`AudioLoader` turns a batch of recordings into a list of signals,
:func:`load_audio` does the same for one. libsndfile decodes, by content and never by
file name; nothing else is tried, because a decoder that accepts everything also accepts
half a file. What a header can tell is checked for all files before any of them is
decoded.
"""

import math
import os
import warnings
from collections import Counter
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from numbers import Integral, Real
from typing import BinaryIO, NamedTuple

import numpy as np
import soundfile
import soxr
from numpy.typing import ArrayLike

from skser._base import ListTransformer, set_parameters
from skser._compat import Interval, validate_params
from skser._containers import UNKNOWN_SIZE, has_more_sound, open_complete
from skser._parallel import map_utterances
from skser._recordings import (
    PULSE_CODES,
    SAMPLE_RATES,
    Segment,
    Waveform,
    as_recording,
    file_of,
    name_of,
    read_batch,
)
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

_AUDIO_PARAMETERS = {
    "sample_rate": [Interval(Integral, *SAMPLE_RATES, closed="both")],
    "max_duration": [Interval(Real, 0, None, closed="neither"), None],
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


class AudioLoader(ListTransformer):
    """Load recordings as mono signals at one sampling rate.

    The transformer learns nothing; it can be used without `fit`.

    Parameters
    ----------
    sample_rate : int, default=16000
        Sampling rate of the signals, in Hz, from 1000 to 768000.
    input_sample_rate : int, default=None
        Sampling rate of waveforms that are passed without one, in Hz. It must be given
        for them, because a wrong rate would give wrong features without a word. Files,
        and pairs of waveform and rate, bring their own.
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
    load_audio : The same for one recording.

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
        "input_sample_rate": [Interval(Integral, *SAMPLE_RATES, closed="both"), None],
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
            The recordings, each as one of these:

            - a path, as `str` or `os.PathLike`; ``~`` is the home folder;
            - a part of a file, as :class:`Segment`;
            - the content of a file, as `bytes`, `bytearray` or `memoryview`;
            - a file object: binary, and such that one can seek in it. It is read from
              its beginning, wherever it stands, and left as it was. Other processes
              are sent its content;
            - a waveform and its rate, as ``(waveform, rate)``, the way
              `soundfile.read` returns them. The waveform is an array of shape
              (n_samples,) or (n_samples, n_channels): floating-point values are taken
              as they are, normally within [-1, 1]; `int16`, `int32` and `uint8` are
              scaled by their range to [-1, 1);
            - a waveform alone, at `input_sample_rate`. A numeric `X` of two dimensions
              holds mono waveforms of equal length.

        Returns
        -------
        signals : list of ndarray of shape (n_samples,)
            Mono, at `sample_rate`, `float32`. A waveform that is so already is not
            copied.

        Raises
        ------
        TypeError
            If `X` or an entry is of no such kind.
        ValueError
            If `X` is empty, a waveform has a wrong shape, its rate is missing or
            impossible, or a file object is closed or cannot go back.
        AudioError
            A subclass of `ValueError` from :mod:`skser.exceptions`: a file that is not
            audio, empty, truncated, too long, or with samples that are not finite; a
            segment that lies outside of its file. What has no path is named by its
            place, format and size: ``X[3] (WAV, 48,213 bytes)``.
        FileNotFoundError, IsADirectoryError, PermissionError, MemoryError
            With the path. If several recordings are bad, one error reports them all.

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
        recordings = self._check_input(X)
        if len(recordings) > 1:
            self.inspect(recordings)
        load = partial(
            _load, sample_rate=self.sample_rate, max_duration=self.max_duration
        )
        loaded = map_recordings(load, recordings, self.n_jobs)
        warn_of(loaded, recordings)
        if self.rms is None:
            return [one.signal for one in loaded]
        return [scale_to_rms(one.signal, self.rms) for one in loaded]

    def inspect(self, X: Sequence | ArrayLike) -> list:
        """Look at what the headers of all recordings tell; nothing is decoded.

        Parameters
        ----------
        X : list, tuple, ndarray or pandas.Series of length n_samples
            As in :meth:`transform`.

        Returns
        -------
        recordings : list
            What :meth:`transform` takes in the place of `X`, also in parts; messages
            then name each recording by its place in `X`.

        Raises
        ------
        TypeError, ValueError, OSError
            As in :meth:`transform`, except for what only decoding can find.
        """
        self._validate_params()
        recordings = self._check_input(X)
        inspect = partial(_inspect, max_duration=self.max_duration)
        map_recordings(inspect, recordings, self.n_jobs)
        return recordings

    def _name_columns(self):
        return ["signal"]  # one, for a Pipeline to go on with

    def _check_input(self, X, reset=False):
        """Return the recordings of a batch."""
        return read_batch(X, self.input_sample_rate)


@validate_params(_AUDIO_PARAMETERS, prefer_skip_nested_validation=True)
def load_audio(
    recording: str | os.PathLike | Segment | bytes | BinaryIO | tuple[ArrayLike, int],
    sample_rate: int = 16000,
    max_duration: float = 600.0,
) -> np.ndarray:
    """Load one recording as a mono signal.

    Parameters
    ----------
    recording : str, os.PathLike, Segment, bytes, binary file object or tuple
        A path, of which ``~`` is the home folder; a part of a file; the content of a
        file; an open file; or a pair ``(waveform, rate)``. As an entry of `X` in
        :meth:`AudioLoader.transform`.
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
    TypeError, ValueError, AudioError, OSError
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
    ...     content = path.read_bytes()
    >>> load_audio(content).shape
    (8000,)
    >>> load_audio((tone, 16000), sample_rate=8000).shape
    (4000,)
    """
    recording = as_recording(recording, "recording")
    loaded = _load(recording, sample_rate, max_duration)
    warn_of([loaded], [recording])
    return loaded.signal


# The batch


def map_recordings(function, recordings, n_jobs):
    """Apply a function to all recordings; report together all that are bad.

    Parameters
    ----------
    function : callable
    recordings : list
    n_jobs : int or None
        Number of threads.

    Returns
    -------
    results : list
    """

    def attempt(recording):
        try:
            return function(recording), None
        except (AudioError, OSError) as error:
            return None, error

    attempts = map_utterances(attempt, recordings, n_jobs)
    errors = [error for _, error in attempts if error is not None]
    if errors:
        raise join_errors(errors, len(recordings))
    return [result for result, _ in attempts]


def join_errors(errors, n_recordings):
    """Return one error that tells of all recordings that are bad.

    Parameters
    ----------
    errors : list of Exception
        One for each of them.
    n_recordings : int
        How many recordings there are.

    Returns
    -------
    error : Exception
        The only one; or one of the kind that all are of, or an `AudioError`.
    """
    if len(errors) == 1:
        return errors[0]
    kinds = Counter(type(error) for error in errors)
    kind = next(iter(kinds)) if len(kinds) == 1 else AudioError
    lines = [f"- {error}" for error in errors[:_N_REPORTED]]
    if len(errors) > _N_REPORTED:
        more = len(errors) - _N_REPORTED
        lines.append(f"- and {more} more; skser.datasets.validate lists them all")
    return kind(
        f"{len(errors)} of {n_recordings} recordings cannot be used:\n"
        + "\n".join(lines)
    )


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


def warn_of(loaded, recordings, stacklevel=3):
    """Warn once of each kind of remark about the recordings of a batch.

    Parameters
    ----------
    loaded : list of Loaded
    recordings : list
        What messages call them.
    stacklevel : int, default=3
        As of ``warnings.warn``: 3 is who has called the caller.
    """
    for category, note, text in _REMARKS:
        found = [
            f"{recording} ({note(one)})"
            for one, recording in zip(loaded, recordings, strict=True)
            if note(one)
        ]
        if found:
            listed = ", ".join(found[:_N_REPORTED])
            more = ", ..." if len(found) > _N_REPORTED else ""
            warnings.warn(
                f"{len(found)} recording(s) {text.format(listed + more)}",
                category,
                stacklevel=stacklevel,
            )


# One recording


class Recording:
    """An open file, or a part of one, of which all is checked that its header can tell.

    Parameters
    ----------
    sound : soundfile.SoundFile
    stream : binary file object
        What `sound` reads.
    part : Segment or Content
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

    def __init__(self, sound, stream, part, max_duration):
        self._sound, self._stream = sound, stream
        self.name = name_of(part)
        self.rate = sound.samplerate
        low, high = SAMPLE_RATES
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
        self.start = round((part.start or 0) * self.rate)
        if part.end is not None:
            stop = round(part.end * self.rate)
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
    entry : Segment or Content
    max_duration : float, default=None
        Longest duration accepted, in seconds.

    Yields
    ------
    recording : Recording
    """
    source, name = file_of(entry)
    with open_complete(source, name) as stream:
        try:
            sound = _open_sound(stream, source, name)
            with sound:
                yield Recording(sound, stream, entry, max_duration)
        except AudioError as error:
            # It may be the disk, or the user's file object, and not the recording.
            if stream.failure is not None:
                raise stream.failure from error
            raise


def _open_sound(stream, source, name):
    """Let libsndfile read the header, or say what the file is instead."""
    try:
        return soundfile.SoundFile(stream)
    except soundfile.LibsndfileError as error:
        stream.seek(0)
        head = stream.read(64)
        hint = ""
        if isinstance(source, bytes) and head.isascii() and b"\0" not in source:
            hint = (
                " Bytes are the content of a file; of a path, pass os.fsdecode(path)."
            )
        raise UnreadableAudioError(
            f"{name} cannot be read as audio: {_describe(head)}. "
            f"(libsndfile: {error.error_string}){hint}"
        ) from error


def _describe(head):
    """Say what a file is that libsndfile does not know, and what to do."""
    for offset, magic, description in _FOREIGN_FORMATS:
        if head.startswith(magic, offset):
            return f"it is {description}"
    return (
        f"expected WAV, FLAC, Ogg, MP3 or the like, it begins with {head[:16]!r}. "
        "Convert it to WAV or FLAC"
    )


def _inspect(recording, max_duration):
    """Check what can be told without decoding."""
    if isinstance(recording, Waveform):
        check_waveform(recording, max_duration)
    else:
        with open_recording(recording, max_duration):
            pass


def _load(recording, sample_rate, max_duration):
    """Return what a recording holds as `Loaded`."""
    name = name_of(recording)
    try:
        if isinstance(recording, Waveform):
            check_waveform(recording, max_duration)
            return _load_waveform(recording, sample_rate, name)
        with open_recording(recording, max_duration) as opened:
            blocks, n_samples = opened.read_blocks(), opened.n_samples
            return assemble(blocks, n_samples, opened.rate, sample_rate, name)
    except MemoryError as error:
        raise MemoryError(
            f"{name} does not fit into memory. Cut it, or load parts of it: "
            "skser.Segment(path, start, end)."
        ) from error


def check_waveform(recording, max_duration):
    """Check shape and duration of a waveform.

    Parameters
    ----------
    recording : Waveform
    max_duration : float or None
        In seconds.
    """
    name, shape = name_of(recording), recording.samples.shape
    if len(shape) not in (1, 2):
        raise ValueError(
            f"{name} must have the shape (n_samples,) or (n_samples, n_channels), got "
            f"{shape}."
        )
    if 0 in shape:
        raise EmptyAudioError(f"{name} has no samples: its shape is {shape}.")
    if len(shape) == 2 and shape[1] > shape[0]:
        raise ValueError(
            f"{name} must have the shape (n_samples, n_channels), got {shape}: more "
            "channels than samples. Transpose it."
        )
    check_duration(shape[0], recording.rate, max_duration, name)


def _load_waveform(recording, sample_rate, name):
    """Return a waveform, checked already, as `Loaded`."""
    blocks, n_samples = [mix_waveform(recording.samples)], len(recording.samples)
    return assemble(blocks, n_samples, recording.rate, sample_rate, name)


def mix_waveform(samples):
    """Scale integer samples to [-1, 1), and average channels.

    Parameters
    ----------
    samples : ndarray of shape (n_samples,) or (n_samples, n_channels)

    Returns
    -------
    signal, powers
        As of `mix_channels`.
    """
    if samples.dtype.kind != "f":
        zero, full_scale = PULSE_CODES[samples.dtype.name]
        samples = (samples.astype(np.float64) - zero) / full_scale
    return mix_channels(samples.reshape(len(samples), -1))


def read_recording(recording):
    """Decode a recording in blocks of bounded size, at its own rate.

    Parameters
    ----------
    recording : Segment, Content or Waveform
        Waveforms are checked already.

    Yields
    ------
    signal, powers
        As of `mix_channels`.
    """
    if not isinstance(recording, Waveform):
        with open_recording(recording) as opened:
            yield from opened.read_blocks()
        return
    samples = recording.samples
    n_channels = 1 if samples.ndim == 1 else samples.shape[1]
    block_length = max(1, _VALUES_PER_BLOCK // n_channels)
    for start in range(0, len(samples), block_length):
        yield mix_waveform(samples[start : start + block_length])


def prepare(signal, rate, loader, name):
    """Bring a mono signal to the rate and level that a loader gives its recordings.

    Parameters
    ----------
    signal : ndarray of float32 of shape (n_samples,)
    rate : int
        What it is sampled at, in Hz.
    loader : AudioLoader
    name : str
        What messages call it.

    Returns
    -------
    signal : ndarray of float32
        What `loader` makes of a file with these samples.
    """
    check_duration(len(signal), rate, loader.max_duration, name)
    blocks = [mix_channels(signal[:, np.newaxis])]
    loaded = assemble(blocks, len(signal), rate, loader.sample_rate, name)
    if loader.rms is None:
        return loaded.signal
    return scale_to_rms(loaded.signal, loader.rms)


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


def measure_level(signal):
    """Return the root mean square of a signal in dB, relative to full scale."""
    power = np.einsum("i,i->", signal, signal, dtype=float) / len(signal)
    return 10 * math.log10(power) if power > 0 else -math.inf


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
