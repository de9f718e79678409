"""How a recording becomes a mono signal at the one sampling rate.

:class:`AudioLoader` turns a batch of paths (or of waveforms) into a list of signals,
:func:`load_audio` does the same for one file. libsndfile decodes, by content and never
by file name; nothing else is tried, because a decoder that accepts everything also
accepts half a file. What a header can tell is checked for all files before any of
them is decoded.
"""

import errno
import io
import os
import stat
import struct
import warnings
from collections import Counter
from contextlib import contextmanager
from itertools import islice
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
import soundfile
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_consistent_length

from skser._compat import Interval, fit_context, validate_params
from skser._parallel import map_utterances
from skser._sequences import check_is_sequence
from skser.exceptions import (
    AudioError,
    EmptyAudioError,
    NonFiniteAudioError,
    ShortAudioWarning,
    TooLongAudioError,
    TruncatedAudioError,
    UnreadableAudioError,
)

__all__ = ["AudioLoader", "load_audio"]

# Real recordings lie well inside; a damaged header can hold any number.
_SAMPLE_RATES = (1_000, 768_000)
# One frame of skser.Framer; what is shorter consists of padding for the most part.
_SHORT_LENGTH = 1024
# A file can announce thousands of channels, so a block is bounded in values.
_VALUES_PER_BLOCK = 2**20
_N_REPORTED = 20
# A run of zeros reads as empty chunks, one every 8 bytes.
_MAX_CHUNKS = 1000

_AUDIO_PARAMETERS = {
    "sample_rate": [Interval(Integral, *_SAMPLE_RATES, closed="both")],
    "max_duration": [Interval(Real, 0, None, closed="neither"), None],
}


class _PulseCode(NamedTuple):
    """An integer type of samples: ``(value - zero) / full_scale`` is in [-1, 1)."""

    zero: int
    full_scale: int


_PULSE_CODES = {
    "uint8": _PulseCode(128, 128),
    "int16": _PulseCode(0, 32768),
    "int32": _PulseCode(0, 2147483648),
}


class _Container(NamedTuple):
    """Where a family of file formats keeps the size of its audio data."""

    first_chunk: int  # byte offset
    header: str  # struct format of (name of the chunk, size)
    data: bytes  # name of the chunk that holds the samples
    size_includes_header: bool
    alignment: int
    n_before_samples: int  # bytes of the data that are not samples


_CONTAINERS = {
    b"RIFF": _Container(12, "<4sI", b"data", False, 2, 0),
    b"RIFX": _Container(12, ">4sI", b"data", False, 2, 0),
    b"RF64": _Container(12, "<4sI", b"data", False, 2, 0),
    b"FORM": _Container(12, ">4sI", b"SSND", False, 2, 8),
    b"caff": _Container(8, ">4sQ", b"data", False, 1, 4),
    b"riff": _Container(40, "<4s12xQ", b"data", True, 8, 0),  # Sony Wave64
}
# Programs that write into a pipe cannot know the size. They leave the greatest
# number that the field holds, or 2 GiB, or (SoX) 2 GiB less a page.
_UNKNOWN_SIZE = {"I": 0x7FFFF000, "Q": 2**62}

# (offset, bytes, name) of formats that many tools write and libsndfile cannot read.
_FOREIGN_FORMATS = [
    (4, b"ftyp", "MPEG-4 (m4a, mp4, 3gp)"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska or WebM"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media (wma)"),
    (0, b"#!AMR", "AMR"),
]


class AudioLoader(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
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

    The size that a header announces is compared with the file. Ogg announces none, and
    MP3 only in the Xing or Info tag that encoders normally write: without it, a file
    that was cut is read as far as it goes. The last tenth of an MP3 may be missing.

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

    _parameter_constraints = {
        **_AUDIO_PARAMETERS,
        "input_sample_rate": [Interval(Integral, *_SAMPLE_RATES, closed="both"), None],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        sample_rate=16000,
        *,
        input_sample_rate=None,
        max_duration=600.0,
        n_jobs=None,
    ):
        self.sample_rate = sample_rate
        self.input_sample_rate = input_sample_rate
        self.max_duration = max_duration
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check the parameters and the kind of the input; nothing is read or learned.

        Parameters
        ----------
        X : list, tuple, ndarray or pandas.Series of length n_samples
            As in :meth:`transform`.
        y : array-like of shape (n_samples,), default=None
            Labels. Only their number is checked: as the first step of a Pipeline the
            loader can tell of missing ones before anything is computed.

        Returns
        -------
        self : AudioLoader

        Raises
        ------
        TypeError, ValueError
            If `X` is no batch, or `y` has another length.
        """
        entries, _ = _check_batch(X)
        if y is not None:
            check_consistent_length(entries, y)
        return self

    def transform(self, X):
        """Load a batch of recordings.

        Parameters
        ----------
        X : list, tuple, ndarray or pandas.Series of length n_samples
            Either paths, as `str`, `bytes` or `os.PathLike` (``~`` is the home folder).
            Or waveforms, as arrays of shape (n_samples,) or (n_samples, n_channels):
            floating-point values are taken as they are, normally within [-1, 1];
            `int16`, `int32` and `uint8` are scaled by their range to [-1, 1). A
            numeric `X` of two dimensions holds mono waveforms of equal length.

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
            audio, empty, truncated, too long, or with samples that are not finite.
        FileNotFoundError, IsADirectoryError, PermissionError
            With the path. If several files are bad, one error reports them all.

        Warns
        -----
        ShortAudioWarning
            Once, for all signals of less than 1024 samples.
        """
        entries, are_paths = self._check(X)
        if are_paths:
            # Loading begins with the header, which is enough for a single recording.
            if len(entries) > 1:
                self._inspect_files(entries)
            names = [_as_path(entry) for entry in entries]
            signals = self._load_files(names)
        else:
            names = [f"X[{i}]" for i in range(len(entries))]
            signals = self._load_waveforms(entries, names)
        _warn_if_short(signals, names)
        return signals

    def inspect(self, X):
        """Look at what the headers of all recordings tell; nothing is decoded.

        Parameters
        ----------
        X : list, tuple, ndarray or pandas.Series of length n_samples
            As in :meth:`transform`.

        Returns
        -------
        entries : list
            The recordings.
        are_paths : bool
            Whether they are paths, and not waveforms.

        Raises
        ------
        TypeError, ValueError, OSError
            As in :meth:`transform`, except for what only decoding can find.
        """
        entries, are_paths = self._check(X)
        if are_paths:
            self._inspect_files(entries)
        return entries, are_paths

    def _check(self, X):
        """Return the entries of a batch and whether they are paths."""
        self._validate_params()
        entries, are_paths = _check_batch(X)
        if not are_paths and self.input_sample_rate is None:
            raise ValueError(
                "X holds waveforms, so their sampling rate is needed: give it as "
                "AudioLoader(input_sample_rate=...), in Hz."
            )
        return entries, are_paths

    def _inspect_files(self, paths):
        def inspect(path):
            with _open_audio(_as_path(path), self.max_duration):
                pass

        _map_files(inspect, paths, self.n_jobs)

    def _load_files(self, paths):
        def load(path):
            return _load_file(path, self.sample_rate, self.max_duration)

        return _map_files(load, paths, self.n_jobs)

    def _load_waveforms(self, waveforms, names):
        def load(item):
            signal = _mix_waveform(*item)
            name, rate = item[1], self.input_sample_rate
            _check_duration(len(signal), rate, self.max_duration, name)
            return _resample(signal, rate, self.sample_rate)

        return map_utterances(load, zip(waveforms, names, strict=True), self.n_jobs)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


@validate_params(_AUDIO_PARAMETERS, prefer_skip_nested_validation=True)
def load_audio(path, sample_rate=16000, max_duration=600.0):
    """Load one recording as a mono signal.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        ``~`` is the home folder.
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
    ShortAudioWarning
        If the signal has less than 1024 samples.

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
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise TypeError(f"path must be a path, got {type(path).__name__}.")
    path = _as_path(path)
    signal = _load_file(path, sample_rate, max_duration)
    _warn_if_short([signal], [path])
    return signal


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
    if getattr(X, "ndim", 0) == 1 and kind in "fiu":
        raise TypeError(
            f"X is a single waveform of shape {X.shape}. Wrap it in a list: [X]."
        )
    entries = list(X)
    are_paths = isinstance(entries[0], (str, bytes, os.PathLike))
    for i, entry in enumerate(entries):
        _check_kind(entry, i, are_paths)
    return entries, are_paths


def _check_kind(entry, i, are_paths):
    """Check that an entry of a batch is what the first entry has promised."""
    is_path = isinstance(entry, (str, bytes, os.PathLike))
    if not is_path and np.ndim(entry) == 0:
        raise TypeError(
            f"X[{i}] must be a path or a waveform, got {type(entry).__name__}: "
            f"{entry!r:.80}."
        )
    if is_path != are_paths:
        kinds = ("waveform", "path")
        raise TypeError(
            f"X must hold either paths or waveforms: X[0] is a {kinds[are_paths]}, "
            f"but X[{i}] is a {kinds[is_path]}."
        )


def _as_path(path):
    # str: a NumPy string would show its type in every message.
    return str(os.path.expanduser(os.fsdecode(path)))


def _map_files(function, paths, n_jobs):
    """Apply a function to all files; report together all that are bad."""

    def attempt(path):
        try:
            return function(path), None
        except (AudioError, OSError) as error:
            return None, error

    attempts = map_utterances(attempt, paths, n_jobs)
    _raise_together([error for _, error in attempts if error is not None], len(paths))
    return [result for result, _ in attempts]


def _raise_together(errors, n_files):
    """Raise the only error, or one error that lists them all."""
    if not errors:
        return
    if len(errors) == 1:
        raise errors[0]
    kinds = Counter(type(error) for error in errors)
    kind = next(iter(kinds)) if len(kinds) == 1 else AudioError
    lines = [f"- {error}" for error in errors[:_N_REPORTED]]
    if len(errors) > _N_REPORTED:
        more = len(errors) - _N_REPORTED
        lines.append(f"- and {more} more; skser.datasets.validate lists them all")
    raise kind(f"{len(errors)} of {n_files} files cannot be used:\n" + "\n".join(lines))


def _warn_if_short(signals, names):
    short = [
        f"{name} ({len(signal)} samples)"
        for signal, name in zip(signals, names, strict=True)
        if len(signal) < _SHORT_LENGTH
    ]
    if short:
        listed = ", ".join(short[:_N_REPORTED])
        more = ", ..." if len(short) > _N_REPORTED else ""
        warnings.warn(
            f"{len(short)} recording(s) shorter than one frame of {_SHORT_LENGTH} "
            f"samples: {listed}{more}. Their features describe padding for the "
            "most part.",
            ShortAudioWarning,
            stacklevel=3,
        )


# One file


def _load_file(path, sample_rate, max_duration):
    with _open_audio(path, max_duration) as (sound, stream):
        signal = _decode(sound, path)
        if sound.format == "MP3":
            _check_read_to_the_end(stream, path)
        rate = sound.samplerate
    return _resample(signal, rate, sample_rate)


@contextmanager
def _open_audio(path, max_duration):
    """Open a recording, once all is checked that its header can tell."""
    _check_regular_file(path)
    with _SteadyReader(open(path, "rb", buffering=0)) as file:
        # soundfile takes a file named *.raw for one without a header.
        file.raw.name = ""
        data = _check_data_size(file, path)
        with _open_sound(data, path) as sound:
            _check_header(sound, max_duration, path)
            yield sound, data


class _SteadyReader(io.BufferedReader):
    """A file that stays where it is when it is sent to before its beginning.

    Damaged headers do that. An error could not leave libsndfile, but would be printed.
    """

    def seek(self, offset, whence=os.SEEK_SET):
        """Move to a position if there is one, and return where the file is."""
        try:
            return super().seek(offset, whence)
        except (OSError, ValueError):
            return self.tell()


def _check_regular_file(path):
    if "\0" in path:
        raise UnreadableAudioError(
            f"A path with a null byte: {path!r:.80}. Pass paths, not file contents."
        )
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(mode):
        # Opening a named pipe would wait for a writer for ever.
        raise UnreadableAudioError(f"{path!r} is not a regular file.")
    if os.path.getsize(path) == 0:
        raise EmptyAudioError(f"{path!r} is empty: a file of 0 bytes.")


def _open_sound(file, path):
    try:
        return soundfile.SoundFile(file)
    except soundfile.LibsndfileError as error:
        file.seek(0)
        raise UnreadableAudioError(
            f"{path!r} cannot be read as audio: {_describe(file.read(64))} "
            f"(libsndfile: {error.error_string}) Convert it to WAV or FLAC."
        ) from error


def _describe(head):
    """Say what a file is that libsndfile does not know."""
    for offset, magic, name in _FOREIGN_FORMATS:
        if head.startswith(magic, offset):
            return f"it is {name}, which is not supported."
    return f"expected WAV, FLAC, Ogg, MP3 or the like, it begins with {head[:16]!r}."


def _check_header(sound, max_duration, path):
    """Check rate and length as the header gives them."""
    low, high = _SAMPLE_RATES
    if not low <= sound.samplerate <= high:
        raise UnreadableAudioError(
            f"{path!r} announces a sampling rate of {sound.samplerate} Hz, expected "
            f"{low} to {high}: its header is damaged."
        )
    if sound.frames <= 0:
        raise EmptyAudioError(f"{path!r} has no samples.")
    if sound.frames >= _UNKNOWN_SIZE["Q"]:
        raise UnreadableAudioError(
            f"{path!r} does not say how long it is, as if an encoder had written it "
            "into a pipe. Encode it again, to a file."
        )
    _check_duration(sound.frames, sound.samplerate, max_duration, repr(path))


def _check_duration(n_samples, rate, max_duration, name):
    duration = n_samples / rate
    if max_duration is not None and duration > max_duration:
        raise TooLongAudioError(
            f"{name} lasts {duration:.1f} s, more than max_duration={max_duration} "
            "s. Cut it into utterances, or raise max_duration."
        )


def _decode(sound, path):
    """Decode to the mean of the channels, in blocks of bounded size."""
    block_length = max(1, _VALUES_PER_BLOCK // sound.channels)
    blocks, n_decoded = [], 0
    try:
        while n_decoded < sound.frames:
            block = sound.read(block_length, dtype="float32", always_2d=True)
            if len(block) == 0:
                break
            blocks.append(_mix(block))
            n_decoded += len(block)
    except soundfile.LibsndfileError as error:
        raise TruncatedAudioError(
            f"{path!r} is truncated or damaged: its header says {sound.frames} "
            f"samples, decoding fails after {n_decoded} ({error.error_string}) "
            "Get a complete copy."
        ) from error
    _check_decoded_length(n_decoded, sound, path)
    signal = np.concatenate(blocks)
    _check_finite(signal, repr(path))
    return signal


def _check_decoded_length(n_decoded, sound, path):
    # Without a Xing tag, the length of an MP3 is an estimate; libsndfile does not tell.
    tolerance = sound.frames // 10 if sound.format == "MP3" else 0
    if n_decoded == 0 or n_decoded < sound.frames - tolerance:
        raise TruncatedAudioError(
            f"{path!r} is truncated: its header says {sound.frames} samples, the file "
            f"has {n_decoded}. Get a complete copy."
        )


def _check_read_to_the_end(stream, path):
    """Check that the length of an MP3 was not estimated too short."""
    n_read = stream.tell()
    n_bytes = stream.seek(0, os.SEEK_END)
    # What follows the sound is a tag of some kilobytes at most.
    if n_bytes - n_read > max(n_bytes // 10, 2**16):
        raise UnreadableAudioError(
            f"{path!r} is an MP3 of variable bit rate that does not say how long it "
            f"is: decoding would stop after {n_read} of {n_bytes} bytes. Convert it "
            "to WAV or FLAC."
        )


def _check_finite(signal, name):
    finite = np.isfinite(signal)
    if not finite.all():
        first = int(np.argmin(finite))
        raise NonFiniteAudioError(
            f"{name} has {int((~finite).sum())} sample(s) that are NaN or infinite, "
            f"the first at index {first} ({signal[first]}). Expected finite samples, "
            "normally within [-1, 1]."
        )


# The announced size of the samples against the size of the file


def _check_data_size(file, path):
    """Check that a file holds the bytes that its header announces.

    libsndfile itself takes a file that was cut for a shorter one.

    Parameters
    ----------
    file : binary file object
    path : str

    Returns
    -------
    stream : binary file object
        At its beginning. It is not `file` itself where the header never got its sizes.
    """
    n_bytes = os.fstat(file.fileno()).st_size
    start, announced = _find_data(file, n_bytes)
    file.seek(0)
    available = max(0, n_bytes - start)
    if announced > available:
        raise TruncatedAudioError(
            f"{path!r} is truncated: its header says "
            f"{_in_samples(file, announced, available)}. Get a complete copy."
        )
    if announced == 0 and available > 0 and _has_no_sizes(file):
        return _complete_header(file, start)
    return file


def _find_data(file, n_bytes):
    """Return where the samples start and how many bytes of them are announced.

    Formats without such a size, and files whose writer could not know it, give 0
    bytes: nothing to miss.
    """
    magic = file.read(4)
    if magic == b".snd":  # Sun audio: one header, no chunks
        start, size = struct.unpack(">II", file.read(8).ljust(8, b"\0"))
        return start, size if size < _UNKNOWN_SIZE["I"] else 0
    if magic not in _CONTAINERS:
        return n_bytes, 0
    container, long_size = _CONTAINERS[magic], 0
    chunks = _iterate_chunks(file, container, n_bytes)
    for name, start, size in islice(chunks, _MAX_CHUNKS):
        if name == b"ds64":  # RF64 keeps the sizes that need 64 bits here
            long_size = struct.unpack("<8xQ", file.read(16).ljust(16, b"\0"))[0]
        if name == container.data:
            if size >= _UNKNOWN_SIZE[container.header[-1]]:
                size = long_size
            n_before = container.n_before_samples
            return start + n_before, max(0, size - n_before)
    return n_bytes, 0


def _iterate_chunks(file, container, n_bytes):
    """Yield name, start and size of the chunks, the file being at their start."""
    header_length = struct.calcsize(container.header)
    position = container.first_chunk
    while position + header_length <= n_bytes:
        file.seek(position)
        name, size = struct.unpack(container.header, file.read(header_length))
        if container.size_includes_header:
            size = max(0, size - header_length)
        position += header_length
        yield name, position, size
        position += size + -size % container.alignment


def _in_samples(file, announced, available):
    """Put two numbers of bytes in samples where libsndfile can still open the file."""
    try:
        n_samples = soundfile.SoundFile(file).frames
    except soundfile.LibsndfileError:
        n_samples = 0
    if n_samples == 0:
        return f"{announced} bytes of samples, the file has {available}"
    # libsndfile may leave out a part of a sample; compressed ones are below a byte.
    bytes_per_sample = max(0.1, round(available / n_samples, 1))
    n_announced = round(announced / bytes_per_sample)
    return f"{n_announced} samples, the file has {n_samples}"


def _has_no_sizes(file):
    """Tell whether the writer of a WAV file never came back to fill in its sizes."""
    head = file.read(8)
    file.seek(0)
    return head == b"RIFF\0\0\0\0"


def _complete_header(file, start):
    """Return a copy in memory whose data size reads "unknown", as libsndfile needs."""
    content = bytearray(file.read())
    content[4:8] = content[start - 4 : start] = b"\xff" * 4
    return _SteadyReader(io.BytesIO(content))


# Signals


def _mix_waveform(waveform, name):
    """Check a waveform and return the mean of its channels as `float32`."""
    waveform = np.asarray(waveform)
    if waveform.dtype.kind != "f" and waveform.dtype.name not in _PULSE_CODES:
        raise TypeError(
            f"{name} must hold floating-point samples, or PCM samples of the types "
            f"{', '.join(_PULSE_CODES)}, got dtype {waveform.dtype}."
        )
    if waveform.ndim not in (1, 2):
        raise ValueError(
            f"{name} must have the shape (n_samples,) or (n_samples, n_channels), got "
            f"{waveform.shape}."
        )
    if waveform.size == 0:
        raise EmptyAudioError(f"{name} has no samples: its shape is {waveform.shape}.")
    if waveform.ndim == 2 and waveform.shape[1] > len(waveform):
        raise ValueError(
            f"{name} must have the shape (n_samples, n_channels), got "
            f"{waveform.shape}: more channels than samples. Transpose it."
        )
    signal = _mix(_to_float(waveform))
    _check_finite(signal, name)
    return signal


def _to_float(waveform):
    """Scale PCM samples by the range of their type."""
    if waveform.dtype.kind == "f":
        return waveform
    code = _PULSE_CODES[waveform.dtype.name]
    return (waveform.astype(np.float64) - code.zero) / code.full_scale


def _mix(samples):
    """Average the channels of (n_samples, n_channels); one channel stays as it is."""
    if samples.ndim == 2:
        n_channels = samples.shape[1]
        samples = (
            samples[:, 0] if n_channels == 1 else samples.mean(axis=1, dtype=float)
        )
    # A number beyond the range of float32 turns infinite and is reported as such.
    with np.errstate(over="ignore"):
        return samples.astype(np.float32, copy=False)


def _resample(signal, rate, sample_rate):
    if rate == sample_rate:
        return signal
    # librosa compiles its helpers with numba, which takes seconds to import. It is
    # paid only here, by those whose recordings have another rate.
    import librosa

    return librosa.resample(
        signal, orig_sr=rate, target_sr=sample_rate, res_type="soxr_hq"
    )
