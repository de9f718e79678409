"""What a recording may be passed as: a path, the content of a file, a waveform.

=================================== ================================================
passed as                           is
=================================== ================================================
`str`, `os.PathLike`, `Segment`     `Segment`: a file on disk, or a part of it
`bytes`, `bytearray`, `memoryview`  `Content`: what a file holds
a binary file object                `OpenFile`: read from its beginning
``(waveform, rate)``, an array      `Waveform`: samples
=================================== ================================================
"""

import datetime
import inspect
import io
import math
import os
from dataclasses import dataclass, replace
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from skser._containers import OpenFileStream
from skser._sequences import check_is_sequence

# Real recordings lie well inside; a damaged header can hold any number.
SAMPLE_RATES = (1_000, 768_000)
# No corpus has waveforms so short, and no recording more channels.
_MAX_CHANNELS = 32
_PATHS = (str, os.PathLike)
_CONTENTS = (bytes, bytearray, memoryview)
_HINTS_OF_PATHS = {
    bytes: (
        " Decode a path: os.fsdecode(path). Of the content of a file, there are no "
        "segments: load all of it, and take a part of the signal."
    )
}
# Type of integer samples -> (zero, full scale): (value - zero) / full scale is in
# [-1, 1).
PULSE_CODES = {
    "uint8": (128, 128),
    "int16": (0, 32768),
    "int32": (0, 2147483648),
}
# What files begin with, for messages.
_FORMATS = {
    b"RIFF": "WAV",
    b"RIFX": "WAV",
    b"RF64": "WAV",
    b"riff": "W64",
    b"fLaC": "FLAC",
    b"OggS": "Ogg",
    b"FORM": "AIFF",
    b"caff": "CAF",
    b".snd": "AU",
    b"NIST": "SPHERE",
    b"ID3": "MP3",
    b"\xff\xfb": "MP3",
    b"\xff\xf3": "MP3",
}


@dataclass(frozen=True)
class Segment:
    """A part of a recording, wherever a path is taken.

    Only the part is decoded, where the format can seek. A list of segments can be
    indexed, split and shuffled by scikit-learn like a list of paths.

    Parameters
    ----------
    path : str or os.PathLike
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
            path: str | os.PathLike,
            start: float | datetime.timedelta | None = None,
            end: float | datetime.timedelta | None = None,
        ): ...

    def __post_init__(self):
        if isinstance(self.path, Segment) or not isinstance(self.path, _PATHS):
            raise TypeError(
                f"path must be a path, got {type(self.path).__name__}."
                f"{_HINTS_OF_PATHS.get(type(self.path), '')}"
            )
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


# What else a recording may be.


@dataclass(frozen=True)
class Content:
    """What a file holds, for instance an upload.

    Parameters
    ----------
    source : bytes
    label : str
        What messages call it.
    start, end : None
        All of it is read, as of a `Segment` without times.
    """

    source: Any
    label: str
    start: float | None = None
    end: float | None = None

    def __str__(self):
        return self.label


@dataclass(frozen=True)
class OpenFile(Content):
    """A file that somebody has open; `source` is a binary file object.

    Processes are sent its content.
    """

    def __reduce__(self):
        with io.BufferedReader(OpenFileStream(self.source)) as stream:
            return Content, (stream.read(), self.label)


@dataclass(frozen=True)
class Waveform:
    """Samples.

    Parameters
    ----------
    samples : ndarray
        Of a type that is scaled to [-1, 1]; of any shape.
    rate : int
        Sampling rate in Hz.
    label : str
        What messages call it.
    """

    samples: np.ndarray
    rate: int
    label: str

    def __str__(self):
        return self.label


def name_of(recording):
    """Return what errors call a recording."""
    label = str(recording)
    return repr(label) if isinstance(recording, Segment) else label


def file_of(recording):
    """Return the file of a recording as `open_complete` takes it, and its name."""
    if isinstance(recording, Segment):
        return recording.path, repr(recording.path)
    return recording.source, recording.label


def read_batch(X: Any, rate: int | None = None) -> list[Segment | Content | Waveform]:
    """Return the recordings of a batch, or say which of them is none.

    Parameters
    ----------
    X : sequence
        What the user passed. Recordings as this function returns them stay as they are.
    rate : int, default=None
        Sampling rate of waveforms that do not bring their own, in Hz.

    Returns
    -------
    recordings : list of Segment, Content, OpenFile or Waveform
    """
    if isinstance(X, (set, frozenset)) or getattr(X, "columns", None) is not None:
        raise TypeError(
            "X must be a list, array or Series of recordings, got "
            f"{type(X).__name__}. Of a table, pass the column of the paths."
        )
    if hasattr(X, "read") or is_pair(X):
        raise TypeError(
            f"X is a single recording, as {type(X).__name__}. Wrap it in a list: [X]."
        )
    check_is_sequence(X)
    kind = getattr(getattr(X, "dtype", None), "kind", "O")
    shape: tuple = getattr(X, "shape", (len(X),))
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
    if kind == "S":
        raise TypeError(
            f"X is an array of dtype {X.dtype}, which cuts zeros off the end of each "
            "entry. Pass contents of files in a list, and paths as str."
        )
    return [as_recording(entry, f"X[{i}]", rate) for i, entry in enumerate(X)]


def as_recording(
    entry: Any, place: str, rate: int | None = None
) -> Segment | Content | Waveform:
    """Return one recording, ``~`` in its path expanded, or say what is wrong with it.

    Parameters
    ----------
    entry : object
        What the user passed.
    place : str
        Where, for messages, such as ``"X[3]"``.
    rate : int, default=None
        As of `read_batch`.

    Returns
    -------
    recording : Segment, Content, OpenFile or Waveform
    """
    if isinstance(entry, (Content, Waveform)):
        return entry
    if isinstance(entry, (Segment, *_PATHS)):
        return as_segment(entry)
    if isinstance(entry, _CONTENTS):
        content = bytes(entry)
        return Content(content, _label(place, content[:4], len(content)))
    if hasattr(entry, "read"):
        _check_file(entry, place)
        with io.BufferedReader(OpenFileStream(entry)) as stream:
            head = stream.read(4)
            return OpenFile(entry, _label(place, head, stream.seek(0, os.SEEK_END)))
    if is_pair(entry):
        samples, rate = entry
        if not _is_rate(rate):
            low, high = SAMPLE_RATES
            raise ValueError(
                f"{place} must be (waveform, rate) with a whole rate from {low} to "
                f"{high} Hz, got {rate!r:.80}."
            )
        return Waveform(_check_samples(samples, place), int(rate), place)
    samples = _check_samples(entry, place)
    if rate is None:
        raise ValueError(
            f"{place} is a waveform, so its sampling rate is needed: pass (waveform, "
            "rate), with the rate in Hz, or give the rate of all waveforms as "
            "AudioLoader(input_sample_rate=...)."
        )
    return Waveform(samples, rate, place)


def as_segment(entry: str | os.PathLike | Segment) -> Segment:
    """Return a path as the `Segment` that is all of its file, ``~`` expanded."""
    segment = entry if isinstance(entry, Segment) else Segment(entry)
    if segment.path.startswith("~"):
        return replace(segment, path=os.path.expanduser(segment.path))
    return segment


def _label(place, head, n_bytes):
    """Return what messages call a file without a path."""
    known = [name for magic, name in _FORMATS.items() if head.startswith(magic)]
    return f"{place} ({', '.join([*known, f'{n_bytes:,} bytes'])})"


def _check_file(file, place):
    """Refuse file objects that cannot be read twice, or hold no bytes."""
    kind = type(file).__name__
    if inspect.iscoroutinefunction(file.read):
        raise TypeError(
            f"{place} is an asynchronous file, {kind}. Pass its content, await "
            "file.read(), or the file below it: of FastAPI's UploadFile, upload.file."
        )
    if getattr(file, "closed", False):
        raise ValueError(f"{place} is a file that is closed, {kind}.")
    if not isinstance(file.read(0), bytes):
        raise TypeError(
            f"{place} is an open file, {kind}, that does not hold bytes. Open files in "
            "binary mode: open(path, 'rb')."
        )
    if not (hasattr(file, "seek") and getattr(file, "seekable", lambda: True)()):
        raise ValueError(
            f"{place} is an open file, {kind}, that cannot go back to its beginning, "
            "such as a pipe. Pass its content: file.read()."
        )


def is_open_file(entry):
    """Tell whether something is an open file that can be read, as often as needed."""
    if isinstance(entry, type) or not hasattr(entry, "read"):
        return False
    try:
        _check_file(entry, "")
    except (TypeError, ValueError, OSError):
        return False
    return True


def is_pair(entry):
    """Tell whether something is a waveform with a number, its rate."""
    return (
        isinstance(entry, (tuple, list))
        and len(entry) == 2
        and not isinstance(entry[0], (str, bytes))
        and hasattr(entry[0], "__len__")
        and isinstance(entry[1], Real)
    )


def _is_rate(rate):
    """Tell whether something is a sampling rate."""
    low, high = SAMPLE_RATES
    is_number = isinstance(rate, Real) and not isinstance(rate, (bool, np.bool_))
    return is_number and low <= rate <= high and rate == int(rate)


def _check_samples(entry, place):
    """Return a waveform as an array, if it holds samples."""
    try:
        waveform = np.asarray(entry)
    except ValueError:  # of several shapes
        waveform = np.array(None)
    is_nested = isinstance(entry, (list, tuple))
    dtype = waveform.dtype
    if waveform.ndim == 0 or (is_nested and dtype.kind not in "fiu"):
        hint = (
            " A waveform with its rate is (waveform, rate), in this order. A part of a "
            "file is skser.Segment(path, start, end)."
        )
        raise TypeError(
            f"{place} must be a path, the content of a file, an open file or a "
            f"waveform, got {type(entry).__name__}: "
            f"{entry!r:.80}.{hint if is_nested else ''}"
        )
    if dtype.kind != "f" and dtype.name not in PULSE_CODES:
        raise TypeError(
            f"{place} must hold floating-point samples, or PCM samples of the types "
            f"{', '.join(PULSE_CODES)}, got dtype {dtype}."
        )
    return waveform
