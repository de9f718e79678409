"""How numbers and what they mean become one file, and come back unharmed.

The file is an ``.npz`` of NumPy's: an array a member, and the rest as JSON in the
member ``metadata``. Nothing in it can run code. It appears under its name when it is
complete, and a file that was harmed is refused.
"""

import hashlib
import json
import os
import zipfile
from pathlib import Path

import numpy as np

from skser._files import replacing
from skser._identity import update_digest


def write_archive(path, metadata, arrays, sync=True):
    """Write a file as a whole or not at all.

    Parameters
    ----------
    path : str or os.PathLike
        An existing file is replaced. The folder must exist.
    metadata : dict
        What JSON can hold.
    arrays : dict of str to ndarray
        Of numbers.
    sync : bool, default=True
        As of :func:`~skser._files.replacing`.
    """
    path = Path(path)
    text = json.dumps({"content": metadata, "sha256": _digest(metadata, arrays)})
    members = {"metadata": np.frombuffer(text.encode(), dtype=np.uint8), **arrays}
    with replacing(path, sync) as file:
        np.savez(file, **members)


def read_archive(path):
    """Read what :func:`write_archive` has written.

    Parameters
    ----------
    path : str or os.PathLike

    Returns
    -------
    metadata : dict
    arrays : dict of str to ndarray

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is another kind of file, or harmed.
    """
    path = Path(path)
    try:
        _check_size(path)
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        stored = json.loads(arrays.pop("metadata").tobytes())
        is_whole = stored["sha256"] == _digest(stored["content"], arrays)
    except (FileNotFoundError, NotADirectoryError):
        raise
    # Harm can show as almost anything: a bad zip file, a bad header, bad JSON.
    except Exception as error:
        raise ValueError(
            f"{str(path)!r} is not a file of skser's, or it is damaged "
            f"({type(error).__name__}: {error})."
        ) from error
    if not is_whole:
        raise ValueError(f"{str(path)!r} is damaged: its checksum differs.")
    return stored["content"], arrays


def _check_size(path):
    """Refuse members that would unpack to more than there is on the disk."""
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > os.stat(path).st_size:
        raise ValueError("its members are larger than the file")


def _digest(metadata, arrays):
    """Return a checksum of everything, in an order of its own."""
    digest = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    for name in sorted(arrays):
        digest.update(name.encode())
        update_digest(digest, arrays[name])
    return digest.hexdigest()
