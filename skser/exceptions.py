"""Exceptions: the errors and warnings that the package has names for.

All of them are built from one message, so that they survive the way back from a
worker process. What the operating system has a name for keeps it: a missing path is
a `FileNotFoundError`, a folder an `IsADirectoryError`, a file that may not be read
a `PermissionError`.
"""

__all__ = [
    "AudioError",
    "EmptyAudioError",
    "ImplausibleAudioWarning",
    "ModelFileError",
    "NonFiniteAudioError",
    "SegmentError",
    "ShortAudioWarning",
    "TooLongAudioError",
    "TruncatedAudioError",
    "UnreadableAudioError",
]


class AudioError(ValueError):
    """A recording cannot be used; the message names it and says why.

    It is raised itself when several recordings of a batch have different faults,
    and otherwise through one of its subclasses.
    """


class UnreadableAudioError(AudioError):
    """The file is not audio, or its format or codec cannot be decoded."""


class TruncatedAudioError(AudioError):
    """The file holds less audio than its own header announces."""


class EmptyAudioError(AudioError):
    """The recording has no samples."""


class NonFiniteAudioError(AudioError):
    """Some samples are NaN or infinite."""


class TooLongAudioError(AudioError):
    """The recording lasts longer than `max_duration` allows."""


class SegmentError(AudioError):
    """A segment begins or ends outside of its file, or holds no sample."""


class ShortAudioWarning(UserWarning):
    """A recording is shorter than one frame of 1024 samples."""


class ImplausibleAudioWarning(UserWarning):
    """Samples far outside of [-1, 1], or channels that cancel each other."""


class ModelFileError(ValueError):
    """A file cannot be loaded as a model; the message names it and says why."""
