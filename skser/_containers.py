"""Truncated audio files: what a header announces, compared with the size of the file.

libsndfile takes a file that was cut for a shorter one, and leaves samples out where
something stands before the header. `open_complete` opens a recording for it: complete,
from its header on, with a size that it understands. The file may be on disk, in memory
or open already.

============================== ====================================================
format                         what is compared
============================== ====================================================
WAV, RF64, W64, AIFF, 8SVX,    size of the chunk of samples; up to 64 bytes too many
CAF                            are no truncation but a recorder's mistake
AU, AVR, NIST SPHERE, VOC, WVE size or number of samples in the header, likewise
Ogg (Vorbis, Opus, FLAC)       the last page must be whole and end the stream
FLAC                           number of samples, in decoding
MP3, MP3 in WAV                number of samples, in decoding; it may be an estimate,
                               so that the last tenth may be missing
others that libsndfile reads   nothing: their headers do not tell, or differ
============================== ====================================================
"""

import errno
import io
import os
import re
import stat
import struct
import threading
from contextlib import suppress
from typing import NamedTuple

import soundfile

from skser.exceptions import EmptyAudioError, TruncatedAudioError, UnreadableAudioError

# Recorders count their own header, or a byte of padding, as samples.
_TOLERANCE = 64  # bytes
# Programs that write into a pipe cannot know the size. They leave the greatest
# number that the field holds, or 2 GiB, or (SoX) 2 GiB less a page.
UNKNOWN_SIZE = {"I": 0x7FFFF000, "Q": 2**62}
# A run of zeros reads as empty chunks, one every 8 bytes.
_MAX_CHUNKS = 1000
_LONGEST_HEADER = 4096
# A page of Ogg has 65,307 bytes at most; behind the last one may be a tag.
_LONGEST_OGG_PAGE = 65_307
# Several recordings of a batch, or threads, may read one open file.
_LOCKS = [threading.Lock() for _ in range(64)]


class _Container(NamedTuple):
    """Where a family of file formats keeps the size of its audio data."""

    first_chunk: int  # byte offset
    header: str  # struct format of (name of the chunk, size)
    # Name of the chunk that holds the samples -> its bytes that are not samples.
    data: dict
    size_includes_header: bool
    alignment: int


_CONTAINERS = {
    b"RIFF": _Container(12, "<4sI", {b"data": 0}, False, 2),
    b"RIFX": _Container(12, ">4sI", {b"data": 0}, False, 2),
    b"RF64": _Container(12, "<4sI", {b"data": 0}, False, 2),
    b"FORM": _Container(12, ">4sI", {b"SSND": 8, b"BODY": 0}, False, 2),
    b"caff": _Container(8, ">4sQ", {b"data": 4}, False, 1),
    b"riff": _Container(40, "<4s12xQ", {b"data": 0}, True, 8),  # Sony Wave64
}


def _read_sphere(head):
    """Return start and size of the samples of a NIST SPHERE file."""
    if b"shorten" in head:
        raise ValueError("compressed")
    fields = dict(re.findall(rb"^(\w+) -i (\d+)", head, re.MULTILINE))
    names = (b"sample_count", b"channel_count", b"sample_n_bytes")
    n_samples, n_channels, width = (int(fields.get(name, 1)) for name in names)
    return int(head[8:16]), n_samples * n_channels * width


def _read_voc(head):
    """Return start and size of the samples of a Creative Voice file."""
    start = struct.unpack_from("<H", head, 20)[0]
    kind, low, high = struct.unpack_from("<BHB", head, start)
    n_before = {1: 2, 9: 12}.get(kind)
    if n_before is None:
        raise ValueError("unknown kind of block")
    return start + 4 + n_before, low + 65536 * high - n_before


def _read_avr(head):
    """Return start and size of the samples of an AVR file."""
    is_stereo, width, n_samples = struct.unpack_from(">HH10xI", head, 12)
    return 128, n_samples * (width // 8) * (2 if is_stereo else 1)


# What a file begins with -> where its samples start and how many bytes they have.
_FIXED_HEADERS = {
    b".snd": lambda head: struct.unpack_from(">II", head, 4),
    b"NIST": _read_sphere,
    b"Crea": _read_voc,
    b"2BIT": _read_avr,
    b"ALaw": lambda head: (32, struct.unpack_from(">I", head, 18)[0]),
}
_AFTER_TAG = {*_CONTAINERS, *_FIXED_HEADERS, b"fLaC", b"OggS"}


class _Stream(io.RawIOBase):
    """A stream of bytes with a position of its own."""

    def __init__(self):
        self._position = 0

    def readable(self):
        return True

    def seekable(self):
        return True

    def tell(self):
        """Return the position."""
        return self._position

    def seek(self, offset, whence=os.SEEK_SET):
        """Move to a position."""
        bases = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}
        position = offset + (bases[whence] if whence in bases else self._size())
        if position < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._position = position
        return position


class _Part(_Stream):
    """A stream from `start` on; `replaced` are positions and bytes to be put there."""

    def __init__(self, raw, start, replaced=()):
        super().__init__()
        self.raw, self.start, self.replaced = raw, start, replaced

    def _size(self):
        return self.raw.seek(0, os.SEEK_END) - self.start

    def readinto(self, buffer):
        """Read bytes, and put in those that are replaced."""
        position = self._position
        self.raw.seek(self.start + position)
        n_read = self.raw.readinto(buffer)
        for place, content in self.replaced:
            for i, byte in enumerate(content, place - position):
                if 0 <= i < n_read:
                    buffer[i] = byte
        self._position += n_read
        return n_read

    def close(self):
        """Close the stream below."""
        self.raw.close()
        super().close()


class OpenFileStream(_Stream):
    """A file that somebody has open: read from its beginning, left where it was.

    Several streams may read one file, in several threads.

    Parameters
    ----------
    file : binary file object
        That can be sought in.
    """

    def __init__(self, file):
        super().__init__()
        self._file = file
        self._lock = _LOCKS[id(file) // 64 % len(_LOCKS)]
        with self._lock:
            self._position_before = file.tell()

    def _size(self):
        with self._lock:
            self._file.seek(0, os.SEEK_END)
            return self._file.tell()

    def readinto(self, buffer):
        """Read bytes."""
        with self._lock:
            if self._file.tell() != self._position:
                self._file.seek(self._position)
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self):
        """Put the file back where it was; it stays open."""
        if not self.closed:
            with self._lock, suppress(OSError, ValueError):  # closed in the meantime
                self._file.seek(self._position_before)
        super().close()


class _SteadyReader(io.BufferedReader):
    """A stream for libsndfile, which no error could leave: it would be printed.

    Damaged headers send it to before its beginning: it stays where it is. A stream that
    fails ends there.

    Attributes
    ----------
    failure : Exception or None
        Why reading has failed.
    """

    failure = None

    def seek(self, offset, whence=os.SEEK_SET):
        """Move to a position if there is one, and return where the file is."""
        try:
            return super().seek(offset, whence)
        except (OSError, ValueError):
            return self.tell()

    def readinto(self, buffer):
        """Read bytes; none where that fails."""
        try:
            return super().readinto(buffer)
        # Whatever the user's own file objects raise.
        except Exception as error:
            self.failure = self.failure or error
            return 0


def open_complete(source, name):
    """Open a recording from its header on, if it holds what that announces.

    Parameters
    ----------
    source : str, bytes or binary file object
        The path of a file, what it holds, or a file that is open.
    name : str
        What messages call it.

    Returns
    -------
    stream : binary file object
        At its beginning. A tag (ID3v2) before the header of another format than MP3 is
        left out, and sizes that were never written are put in.

    Raises
    ------
    AudioError, OSError
        If it is no regular file, empty or truncated.
    """
    stream = _SteadyReader(_open_raw(source, name))
    try:
        n_bytes = stream.seek(0, os.SEEK_END)
        if n_bytes == 0:
            raise EmptyAudioError(f"{name} is empty: a file of 0 bytes.")
        start = _skip_tags(stream)
        if start and stream.read(4) not in _AFTER_TAG:
            start = 0  # of an MP3, a tag is a part
        if start:
            stream = _SteadyReader(_Part(stream.detach(), start))
        stream.seek(0)
        replaced = _check_size(stream, n_bytes - start, name)
        if replaced:
            stream = _SteadyReader(_Part(stream.detach(), 0, replaced))
        # soundfile takes a file named *.raw for one without a header.
        stream.raw.name = ""
        stream.seek(0)
        return stream
    except BaseException:
        stream.close()
        raise


def _open_raw(source, name):
    """Return the bytes of a recording as a stream."""
    if isinstance(source, str):
        _check_path(source)
        return io.FileIO(source)
    return io.BytesIO(source) if isinstance(source, bytes) else OpenFileStream(source)


def _check_path(path):
    """Refuse what is not a regular file."""
    if "\0" in path:
        raise UnreadableAudioError(
            f"A path with a null byte: {path!r:.80}. Pass paths, or the contents of "
            "files as bytes."
        )
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(status.st_mode):
        # Opening a named pipe would wait for a writer for ever.
        raise UnreadableAudioError(f"{path!r} is not a regular file.")


def _skip_tags(stream):
    """Move behind the ID3v2 tags at the beginning, and return where that is."""
    start = stream.seek(0)
    while (head := stream.read(10))[:3] == b"ID3" and len(head) == 10:
        # Seven bits of each byte count. A footer repeats the ten of the header.
        length = sum(byte % 128 << 7 * i for i, byte in enumerate(reversed(head[6:])))
        start += length + (20 if head[5] & 0x10 else 10)
        stream.seek(start)
    return stream.seek(start)


def has_more_sound(stream):
    """Tell whether the length of an MP3 was estimated too short.

    Parameters
    ----------
    stream : binary file object
        Where decoding has stopped.

    Returns
    -------
    has_more : bool
        Whether more than a tenth of the file follows that is no tag, and the file does
        not say how long it is (Xing, Info or VBRI).
    """
    n_read = stream.tell()
    following = stream.read(_LONGEST_HEADER)
    n_bytes = stream.seek(0, os.SEEK_END)
    if n_bytes - n_read <= max(n_bytes // 10, _LONGEST_HEADER):
        return False
    _skip_tags(stream)
    beginning = stream.read(_LONGEST_HEADER)
    tags = (b"APETAGEX", b"ID3", b"LYRICSBEGIN")
    return not (
        any(tag in following for tag in tags)
        or any(tag in beginning for tag in (b"Xing", b"Info", b"VBRI"))
    )


def _check_size(stream, n_bytes, name):
    """Compare what is announced with what is there; return sizes to be put in."""
    head = stream.read(_LONGEST_HEADER)
    if head[:4] == b"OggS":
        _check_ogg_end(stream, n_bytes, name)
        return ()
    start, announced = _find_samples(stream, head, n_bytes)
    available = max(0, n_bytes - start)
    if announced > available + _TOLERANCE:
        stream.seek(0)
        raise TruncatedAudioError(
            f"{name} is truncated: its header says "
            f"{_in_samples(stream, announced, available)}. Get a complete copy."
        )
    if announced == 0 and available > 0 and head[:8] == b"RIFF\0\0\0\0":
        # The writer never came back: "unknown" is what libsndfile understands.
        return (4, b"\xff" * 4), (start - 4, b"\xff" * 4)
    return ()


def _find_samples(stream, head, n_bytes):
    """Return where the samples start and how many bytes of them are announced.

    Formats without such a size, and files whose writer could not know it, give 0
    bytes: nothing to miss.
    """
    if head[:4] in _FIXED_HEADERS:
        try:
            start, size = _FIXED_HEADERS[head[:4]](head)
        except (struct.error, ValueError):
            return n_bytes, 0
        return start, size if 0 <= size < UNKNOWN_SIZE["I"] else 0
    if head[:4] not in _CONTAINERS:
        return n_bytes, 0
    container, long_size = _CONTAINERS[head[:4]], 0
    header_length = struct.calcsize(container.header)
    start = container.first_chunk
    for _ in range(_MAX_CHUNKS):
        if start + header_length > n_bytes:
            break
        stream.seek(start)
        name, size = struct.unpack(container.header, stream.read(header_length))
        if container.size_includes_header:
            size = max(0, size - header_length)
        start += header_length
        if name == b"ds64":  # RF64 keeps the sizes that need 64 bits here
            long_size = struct.unpack("<8xQ", stream.read(16).ljust(16, b"\0"))[0]
        if name in container.data:
            if size >= UNKNOWN_SIZE[container.header[-1]]:
                size = long_size
            n_before = container.data[name]
            return start + n_before, max(0, size - n_before)
        start += size + -size % container.alignment
    return n_bytes, 0


def _in_samples(stream, announced, available):
    """Put two numbers of bytes in samples where libsndfile can still open the file."""
    try:
        n_samples = soundfile.SoundFile(stream).frames
    except soundfile.LibsndfileError:
        n_samples = 0
    if n_samples == 0:
        return f"{announced} bytes of samples, the file has {available}"
    # libsndfile may leave out a part of a sample; compressed ones are below a byte.
    bytes_per_sample = max(0.1, round(available / n_samples, 1))
    n_announced = round(announced / bytes_per_sample)
    return f"{n_announced} samples, the file has {n_samples}"


def _check_ogg_end(stream, n_bytes, name):
    """Check that the last page of an Ogg file is whole and ends the stream."""
    stream.seek(max(0, n_bytes - 2 * _LONGEST_OGG_PAGE))
    tail = stream.read()
    page = tail.rfind(b"OggS")
    if page < 0:
        return  # Something long stands behind it.
    lengths = tail[page + 27 :][: tail[page + 26]] if len(tail) > page + 26 else b""
    is_whole = lengths and page + 27 + len(lengths) + sum(lengths) <= len(tail)
    if not is_whole or not tail[page + 5] & 4:
        raise TruncatedAudioError(
            f"{name} is truncated: the page that ends an Ogg stream is missing. Get "
            "a complete copy. If its recorder never writes that page, convert it to "
            "WAV."
        )
