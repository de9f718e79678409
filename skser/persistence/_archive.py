"""How a manifest and arrays become one file, and what is checked on the way back.

The file is a zip archive, nothing in it compressed::

    manifest.json             what the model is, and a description of each array
    arrays/0000_mean_.npy     an array each, in NumPy's format
    ...
    comment                   the SHA-256 of everything before it

Nothing is ever unpacked to disk. The checksum is compared before anything is parsed;
all sizes, names and headers are checked before the first array is read; and no array is
larger than its part of the file.
"""

import hashlib
import io
import json
import math
import re
import struct
import zipfile

import numpy as np

from skser._files import replacing
from skser.persistence._foreign import HEAD_LENGTH, describe

# Below the 2 GiB at which zip archives would change their format.
MAX_BYTES = 2 * 10**9
MAX_MANIFEST_BYTES = 16 * 2**20
MAX_MEMBERS = 10_000

_MANIFEST = "manifest.json"
_MEMBER_NAME = re.compile(r"manifest\.json|arrays/\d{4,6}_\w{1,80}\.npy", re.ASCII)
# Truth values, integers, floats and strings; no objects, dates or records.
_DTYPE = re.compile(r"[<>|](b1|[iu][1248]|f[248]|U[1-9]\d{0,5})", re.ASCII)
_NPY_VERSION = (1, 0)

_DIGEST_LENGTH = 64
_COMMENT = b"skser model; SHA-256 of all bytes before: "
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
            f"the dtype {str(dtype)!r} cannot be in a model file, which holds truth "
            "values, integers, floats of at most 64 bits and strings"
        )
    return name


def write_archive(path, content, arrays):
    """Write a file as a whole or not at all.

    Parameters
    ----------
    path : str or os.PathLike
        An existing file is replaced.
    content : dict
        The manifest without the descriptions of the arrays.
    arrays : dict of str to ndarray
        By the names that `content` refers to them with.

    Raises
    ------
    ValueError
        If the file would be larger than ``load`` accepts.
    """
    members = {f"arrays/{name}.npy": _to_npy(arrays[name]) for name in arrays}
    descriptions = {
        name: {"dtype": check_dtype(array.dtype), "shape": list(array.shape)}
        for name, array in arrays.items()
    }
    manifest = {**content, "arrays": descriptions}
    text = json.dumps(manifest, indent=1, allow_nan=False).encode()
    members = {_MANIFEST: text, **members}
    n_bytes = sum(len(data) + _MAX_OVERHEAD for data in members.values())
    _check_limits(len(text), len(members), n_bytes, MAX_BYTES)
    with replacing(path) as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, data in members.items():
                archive.writestr(_make_member(name), data)
            archive.comment = _COMMENT + b"0" * _DIGEST_LENGTH
        digest = _digest(file, file.seek(0, io.SEEK_END) - _DIGEST_LENGTH)
        file.seek(-_DIGEST_LENGTH, io.SEEK_END)
        file.write(digest)


class Archive:
    """A model file that has passed all checks; its arrays can be read once each.

    Parameters
    ----------
    file : binary file
        Open for reading as long as arrays are to be read.
    max_bytes : int
        The largest size of the file.

    Attributes
    ----------
    manifest : dict
        Not yet checked, but for the descriptions of the arrays.

    Raises
    ------
    ValueError
        If the file is none of ours, damaged, too large or holds what
        `write_archive` would not have written.
    """

    def __init__(self, file, max_bytes):
        size = file.seek(0, io.SEEK_END)
        _check_limits(0, 0, size, max_bytes)
        _check_seal(file, size)
        _check_end(file, size)
        self._zip = zipfile.ZipFile(file)
        _check_members(self._zip, size)
        if self._zip.getinfo(_MANIFEST).file_size > MAX_MANIFEST_BYTES:
            raise ValueError("its manifest is too large")
        self.manifest = json.loads(self._zip.read(_MANIFEST))
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
            shape = _check_shape(description["shape"], name)
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


def _to_npy(array):
    """Return an array in NumPy's format."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, _NPY_VERSION, allow_pickle=False)
    return buffer.getvalue()


def _make_member(name):
    """Return a member as it is always written: no date, no compression, one mode."""
    member = zipfile.ZipInfo(name)
    member.create_system = 3
    member.external_attr = 0o600 << 16
    return member


def _check_limits(n_manifest_bytes, n_members, n_bytes, max_bytes):
    """Refuse what is larger than a model file may be."""
    if n_bytes > max_bytes:
        raise ValueError(
            f"it has {n_bytes} bytes, more than the {max_bytes} that max_bytes allows"
        )
    if n_manifest_bytes > MAX_MANIFEST_BYTES or n_members > MAX_MEMBERS:
        raise ValueError(
            f"a manifest of {n_manifest_bytes} bytes and {n_members} members are more "
            f"than the {MAX_MANIFEST_BYTES} bytes and {MAX_MEMBERS} members allowed"
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
        file.seek(0)
        raise ValueError(f"it is {describe(file.read(HEAD_LENGTH))}")
    if _digest(file, size - _DIGEST_LENGTH) != end[-_DIGEST_LENGTH:]:
        raise ValueError(
            "it is damaged, its checksum differs. Copy it again, or save the model "
            "again"
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
    _check_limits(0, n_members, length, MAX_MEMBERS * _MAX_OVERHEAD)


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


def _check_shape(shape, name):
    """Return a shape from the manifest as a tuple."""
    is_shape = isinstance(shape, list) and len(shape) <= 32
    if not is_shape or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"the array {name!r} cannot have the shape {shape!r}")
    return tuple(shape)


def _read_header(npy, name):
    """Return shape and dtype of an open .npy member, and the length of its header."""
    try:
        if np.lib.format.read_magic(npy) != _NPY_VERSION:
            raise ValueError("another version of the format")
        shape, _, dtype = np.lib.format.read_array_header_1_0(npy)
    except ValueError as error:
        raise ValueError(f"the array {name!r} has a bad header: {error}") from error
    return (shape, dtype.str), npy.tell()
