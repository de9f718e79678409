"""Sealed files of arrays and JSON: checksum, atomic writing, no pickle, size limits.

Models, results, checkpoints and caches are files of this one kind, zip archives in
which nothing is compressed::

    manifest.json             JSON, with a description of each array
    arrays/0000_mean_.npy     an array each, in NumPy's format
    ...
    comment                   the SHA-256 of everything before it

A file appears under its name when it is complete. Nothing is ever unpacked to disk. The
checksum is compared before anything is parsed; all sizes, names and headers are checked
before the first array is read; and no array is larger than its part of the file.
"""

import hashlib
import io
import json
import math
import os
import re
import struct
import time
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

# Below the 2 GiB at which zip archives would change their format.
MAX_BYTES = 2 * 10**9
MAX_MANIFEST_BYTES = 64 * 2**20
# Lists and objects in a manifest: empty ones take 30 times their length in memory.
MAX_BRACKETS = 200_000
MAX_MEMBERS = 10_000

_MANIFEST = "manifest.json"
_MEMBER_NAME = re.compile(r"manifest\.json|arrays/\w{1,90}\.npy", re.ASCII)
# Truth values, integers, floats and strings; no objects, dates or records.
_DTYPE = re.compile(r"[<>|](b1|[iu][1248]|f[248]|U[1-9]\d{0,5})", re.ASCII)
_NPY_VERSION = (1, 0)

_DIGEST_LENGTH = 64
_COMMENT = b"skser; SHA-256 of all bytes before: "
# Of a zip archive: signature, two numbers of disks, number of members twice, size and
# offset of the directory of members, length of the comment.
_END = struct.Struct("<4s4H2LH")
_END_LENGTH = _END.size + len(_COMMENT) + _DIGEST_LENGTH
# Of the pointer to a record of an archive of more than 2 GiB, before the other.
_ZIP64_LENGTH = 20
# What a member takes at most beside its data: header, entry in the directory, names.
_MAX_OVERHEAD = 300


def check_dtype(dtype):
    """Return a dtype's name in the file, or raise a ValueError.

    Parameters
    ----------
    dtype : numpy.dtype or str

    Returns
    -------
    name : str
        Such as ``"<f4"``.
    """
    name = dtype if isinstance(dtype, str) else dtype.str
    if not _DTYPE.fullmatch(name):
        raise ValueError(
            f"the dtype {str(dtype)!r} cannot be in a file, which holds truth "
            "values, integers, floats of at most 64 bits and strings"
        )
    return name


class NotAnArchiveError(ValueError):
    """The file is of another kind, or its end is missing."""


@contextmanager
def replacing(path: str | os.PathLike, sync: bool = True) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` once it is complete.

    Until the ``with`` block ends, `path` is what it was before, whatever happens:
    an error, a full disk, Ctrl-C or the death of the process. Only the last leaves
    something behind, a file named ``<name>.<random>.unfinished``. The next one that
    replaces the same file removes it, once it is an hour old. A file that is replaced
    keeps its permissions.

    Parameters
    ----------
    path : str or os.PathLike
        The folder must exist.
    sync : bool, default=True
        Wait until the content is on the disk, so that `path` is whole even after a loss
        of power. That takes longer than all else for small files; those with a checksum
        of their own, that can be made again, need not wait.

    Yields
    ------
    file : binary file
        For writing and reading.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skser.storage import replacing
    >>> path = Path(tempfile.mkdtemp()) / "answer"
    >>> with replacing(path) as file:
    ...     _ = file.write(b"42")
    ...     path.exists()
    False
    >>> path.read_bytes()
    b'42'
    """
    path = Path(path)
    # In the same folder, since a file cannot be renamed from one disk to another.
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.unfinished")
    try:
        with open(temporary, "w+b") as file:
            with suppress(FileNotFoundError):
                # Before the content comes: nobody else may read it meanwhile.
                os.chmod(temporary, os.stat(path).st_mode & 0o7777)
            yield file
            file.flush()
            if sync:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if sync:
        remove_unfinished(path.parent, f"{path.name}.")


def remove_unfinished(folder, start=""):
    """Remove what processes that were killed while writing have left behind.

    Parameters
    ----------
    folder : str or os.PathLike
        Files that are younger than an hour may still be written, and stay. A folder
        that cannot be listed is left as it is.
    start : str, default=""
        Only files whose names start with this.
    """
    # Another process may be as fast, or the disk be read-only.
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            is_ours = entry.name.startswith(start)
            if is_ours and entry.name.endswith(".unfinished"):
                with suppress(OSError):
                    if time.time() - entry.stat().st_mtime > 3600:
                        os.unlink(entry.path)


def write_archive(
    path: str | os.PathLike,
    content: dict,
    arrays: dict[str, np.ndarray],
    *,
    sync: bool = True,
    max_manifest_bytes: int = MAX_MANIFEST_BYTES,
) -> None:
    """Write a file as a whole or not at all.

    Parameters
    ----------
    path : str or os.PathLike
        An existing file is replaced. The folder must exist.
    content : dict
        What JSON can hold, without a key "arrays".
    arrays : dict of str to ndarray
        Of numbers or strings. The names have letters, digits and underscores.
    sync : bool, default=True
        As of :func:`replacing`.
    max_manifest_bytes : int, default=64 MiB
        The size of the JSON.

    Raises
    ------
    ValueError
        If the file would be larger than :class:`Archive` accepts.
    """
    descriptions = {
        name: {"dtype": check_dtype(array.dtype), "shape": list(array.shape)}
        for name, array in arrays.items()
    }
    text = json.dumps({**content, "arrays": descriptions}, indent=1).encode()
    members = {_MANIFEST: text}
    for name, array in arrays.items():
        npy = io.BytesIO()
        np.lib.format.write_array(npy, array, _NPY_VERSION, allow_pickle=False)
        members[f"arrays/{name}.npy"] = npy.getvalue()
    n_bytes = sum(len(data) + _MAX_OVERHEAD for data in members.values())
    _check_limits(n_bytes, MAX_BYTES)
    _check_manifest(text, max_manifest_bytes, len(members))
    with replacing(path, sync) as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, data in members.items():
                archive.writestr(_make_member(name), data)
            archive.comment = _COMMENT + b"0" * _DIGEST_LENGTH
        digest = _digest(file, file.seek(0, io.SEEK_END) - _DIGEST_LENGTH)
        file.seek(-_DIGEST_LENGTH, io.SEEK_END)
        file.write(digest)


def read_archive(path: str | os.PathLike) -> tuple[dict, dict[str, np.ndarray]]:
    """Read what :func:`write_archive` has written.

    Parameters
    ----------
    path : str or os.PathLike

    Returns
    -------
    content : dict
    arrays : dict of str to ndarray

    Raises
    ------
    OSError
        If the file cannot be opened or read.
    ValueError
        If it is another kind of file, or damaged; with its path.
    """
    with open(path, "rb") as file:
        try:
            archive = Archive(file)
            content = archive.manifest
            names = list(content.pop("arrays"))
            return content, {name: archive.take_array(name) for name in names}
        except NotAnArchiveError as error:
            raise ValueError(
                f"{str(path)!r} is not a file of skser's, or it is damaged: its end is "
                "not as skser writes it."
            ) from error
        except (OSError, MemoryError):
            raise
        # Harm can show as almost anything: a bad zip file, a bad header, bad JSON.
        except Exception as error:
            raise ValueError(
                f"{str(path)!r} is damaged ({type(error).__name__}: {error})."
            ) from error


class Archive:
    """A sealed file that has passed all checks; its arrays can be read once each.

    Parameters
    ----------
    file : binary file
        Open for reading as long as arrays are to be read.
    max_bytes : int, default=2_000_000_000
        The largest size of the file.
    max_manifest_bytes : int, default=64 MiB
        The largest size of the JSON in it.

    Attributes
    ----------
    manifest : dict
        Not yet checked, but for the descriptions of the arrays.

    Raises
    ------
    NotAnArchiveError
        If the file is none of ours, or its end is missing.
    ValueError
        If it is damaged, too large or holds what `write_archive` would not have
        written.
    """

    def __init__(
        self, file, max_bytes=MAX_BYTES, max_manifest_bytes=MAX_MANIFEST_BYTES
    ):
        size = file.seek(0, io.SEEK_END)
        _check_limits(size, max_bytes)
        _check_seal(file, size)
        _check_end(file, size)
        self._zip = zipfile.ZipFile(file)
        _check_members(self._zip, size)
        if self._zip.getinfo(_MANIFEST).file_size > max_manifest_bytes:
            raise ValueError(f"its manifest has more than {max_manifest_bytes} bytes")
        text = self._zip.read(_MANIFEST)
        _check_manifest(text, max_manifest_bytes, 0)
        self.manifest = json.loads(text)
        self._descriptions = dict(self.manifest["arrays"])
        self._check_arrays()

    def take_array(self, name):
        """Read an array, which nobody can then read again.

        Otherwise a small file could ask for its arrays a million times.

        Parameters
        ----------
        name : str
            As in the manifest.

        Returns
        -------
        array : ndarray
        """
        if name not in self._descriptions:
            raise ValueError(f"the array {name!r} is missing or used twice")
        del self._descriptions[name]
        data = self._zip.read(f"arrays/{name}.npy")
        return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)

    def _check_arrays(self):
        """Compare what the manifest, the members and their headers say."""
        described = {f"arrays/{name}.npy" for name in self._descriptions}
        present = set(self._zip.namelist()) - {_MANIFEST}
        if described != present:
            raise ValueError(
                f"manifest and members disagree on {min(described ^ present)!r}"
            )
        for name, description in self._descriptions.items():
            member = self._zip.getinfo(f"arrays/{name}.npy")
            dtype = np.dtype(check_dtype(description["dtype"]))
            shape = description["shape"]
            is_shape = isinstance(shape, list) and len(shape) <= 32
            if not is_shape or not all(type(n) is int and n >= 0 for n in shape):
                raise ValueError(f"the array {name!r} cannot have the shape {shape!r}")
            shape = tuple(shape)
            with self._zip.open(member) as npy:
                header, header_length = _read_header(npy, name)
            if header != (shape, dtype.str):
                raise ValueError(
                    f"the array {name!r} is {header[0]} of {header[1]} by its own "
                    f"header, but {shape} of {dtype.str} by the manifest"
                )
            # In Python's integers, which cannot overflow.
            if header_length + math.prod(shape) * dtype.itemsize != member.file_size:
                raise ValueError(
                    f"the array {name!r} of the shape {shape} does not have the size "
                    f"of its member, {member.file_size} bytes"
                )


def _make_member(name):
    """Return a member as it is always written: no date, no compression, one mode."""
    member = zipfile.ZipInfo(name)
    member.create_system = 3
    member.external_attr = 0o600 << 16
    return member


def _check_limits(n_bytes, max_bytes):
    """Refuse a file that is larger than allowed."""
    if n_bytes > max_bytes:
        raise ValueError(
            f"it has {n_bytes} bytes, more than the {max_bytes} that max_bytes allows"
        )


def _check_manifest(text, max_bytes, n_members):
    """Refuse JSON, before it is parsed, that would take much memory or time."""
    n_brackets = text.count(b"[") + text.count(b"{")
    if len(text) > max_bytes or n_members > MAX_MEMBERS or n_brackets > MAX_BRACKETS:
        raise ValueError(
            f"a manifest of {len(text)} bytes with {n_brackets} brackets and "
            f"{n_members} members are more than the {max_bytes} bytes, {MAX_BRACKETS} "
            f"brackets and {MAX_MEMBERS} members allowed"
        )


def _digest(file, length):
    """Return the SHA-256 of the first bytes of a file, as text."""
    digest = hashlib.sha256()
    file.seek(0)
    while length > 0 and (block := file.read(min(length, 2**20))):
        digest.update(block)
        length -= len(block)
    return digest.hexdigest().encode()


def _check_seal(file, size):
    """Refuse a file that is not ours, or of which any byte has changed."""
    file.seek(max(size - _END_LENGTH, 0))
    end = file.read(_END_LENGTH)
    comment = end[_END.size : -_DIGEST_LENGTH]
    if len(end) < _END_LENGTH or comment != _COMMENT:
        raise NotAnArchiveError("its end is not as skser writes it")
    if _digest(file, size - _DIGEST_LENGTH) != end[-_DIGEST_LENGTH:]:
        raise ValueError(
            "it is damaged, its checksum differs. Copy it again, or save it again"
        )


def _check_end(file, size):
    """Refuse a directory of members that is large or not where it belongs.

    The standard library would read any, and follow a second record of other sizes.
    """
    file.seek(size - _END_LENGTH - _ZIP64_LENGTH)
    is_zip64 = file.read(_ZIP64_LENGTH).startswith(b"PK\x06\x07")
    signature, disk, first_disk, n_here, n_members, length, offset, _ = _END.unpack(
        file.read(_END.size)
    )
    is_simple = disk == first_disk == 0 and n_here == n_members and not is_zip64
    is_last = offset + length + _END_LENGTH == size
    if signature != b"PK\x05\x06" or not is_simple or not is_last:
        raise ValueError("its directory of members is not as skser writes it")
    if n_members > MAX_MEMBERS or length > MAX_MEMBERS * _MAX_OVERHEAD:
        raise ValueError(f"it has more than the {MAX_MEMBERS} members allowed")


# What a member must be -> what to say if it is not.
_RULES = {
    "has a name that skser does not write": (
        lambda member: _MEMBER_NAME.fullmatch(member.orig_filename)
    ),
    "is compressed or encrypted": (
        lambda member: (
            member.compress_type == zipfile.ZIP_STORED
            and member.compress_size == member.file_size
            and member.flag_bits == 0
        )
    ),
    "is not an ordinary file": lambda member: member.external_attr == 0o600 << 16,
}


def _check_members(archive, size):
    """Insist that members are ordinary, different and no larger than the file."""
    names = set()
    for member in archive.infolist():
        name = member.orig_filename
        for fault, is_right in _RULES.items():
            if not is_right(member):
                raise ValueError(f"its member {name!r} {fault}")
        if name in names:
            raise ValueError(f"its member {name!r} is there twice")
        names.add(name)
    if sum(member.file_size for member in archive.infolist()) > size:
        raise ValueError("its members overlap")
    if _MANIFEST not in names:
        raise ValueError("it has no manifest.json")


def _read_header(npy, name):
    """Return shape and dtype of an open .npy member, and the length of its header."""
    try:
        if np.lib.format.read_magic(npy) != _NPY_VERSION:
            raise ValueError("another version of the format")
        shape, _, dtype = np.lib.format.read_array_header_1_0(npy)
    except ValueError as error:
        raise ValueError(f"the array {name!r} has a bad header: {error}") from error
    return (shape, dtype.str), npy.tell()
