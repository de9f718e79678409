"""How results that do not fit into memory are kept: in a file that is read like memory.

The file is as temporary as an array is: it lives as long as one of its arrays.
"""

import math
import os
import tempfile
import threading
import weakref
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from skser._files import make_private_folder

# Arrays begin at multiples of this, as those that NumPy allocates.
_ALIGNMENT = 64


@contextmanager
def temporary_arrays(folder):
    """Open a new file for arrays that are written as they come.

    Parameters
    ----------
    folder : str or os.PathLike
        Made, for its owner only, if it does not exist.

    Yields
    ------
    arrays : TemporaryArrays
        After an error nothing is left of the file; else it is removed with the last
        array, or at the end of the process.

    Raises
    ------
    OSError
        Of the kind that the operating system gives, with the folder's name.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skser._mapped import temporary_arrays
    >>> with temporary_arrays(tempfile.mkdtemp()) as arrays:
    ...     places = [arrays.append(np.full((1, 2), i)) for i in (7, 9)]
    ...     seven, nine = arrays.read(places)
    >>> nine.tolist(), nine.flags.writeable
    ([[9, 9]], False)
    """
    arrays = TemporaryArrays(folder)
    try:
        yield arrays
    except BaseException:
        arrays.discard()
        raise


class TemporaryArrays:
    """The file of :func:`temporary_arrays`.

    Parameters
    ----------
    folder : str or os.PathLike
    """

    def __init__(self, folder):
        self._folder = Path(folder).expanduser()
        self._lock = threading.Lock()
        with self._explained():
            make_private_folder(self._folder)
            # Only its owner may read it. `read` or `discard` closes it.
            self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115
                dir=self._folder, prefix="skser-", suffix=".arrays", delete=False
            )

    def append(self, array):
        """Write an array behind the others; threads may do so at the same time.

        Parameters
        ----------
        array : ndarray of numbers

        Returns
        -------
        place : tuple
            For `read`.
        """
        array = np.ascontiguousarray(array)
        with self._lock, self._explained():
            start = -(-self._file.tell() // _ALIGNMENT) * _ALIGNMENT
            self._file.seek(start)
            self._file.write(array.reshape(-1).view(np.uint8))
        return start, array.dtype, array.shape

    def read(self, places):
        """Return arrays that are read from the disk when they are looked at.

        Parameters
        ----------
        places : list of tuple
            From `append`; in any order.

        Returns
        -------
        arrays : list of numpy.memmap
            Read-only views of one map: a process may have some 65,000 maps only.
        """
        with self._explained():
            self._file.close()
            memory = np.memmap(self._file.name, dtype=np.uint8, mode="r")
        # Whatever is made of the arrays holds on to the map below them.
        weakref.finalize(memory.base, _remove, self._file.name, os.getpid())
        return [_view(memory, *place) for place in places]

    def discard(self):
        """Remove the file."""
        with suppress(OSError):
            self._file.close()
        _remove(self._file.name, os.getpid())

    @contextmanager
    def _explained(self):
        """Name the folder in the errors of the operating system."""
        try:
            yield
        except OSError as error:
            raise OSError(
                error.errno,
                f"temp_folder={str(self._folder)!r} cannot keep the results "
                f"({error.strerror or error}). Choose a folder that can be written, on "
                "a disk with enough room for all of them",
            ) from error


def locate_arrays(arrays):
    """Say where arrays are on disk, for a process that is to read them there.

    Parameters
    ----------
    arrays : list

    Returns
    -------
    located : list of tuple or object
        The path of the file and the place in it; what is not, or not as a whole, in a
        file that is mapped for reading stays as it is.
    """
    return [_locate(array) for array in arrays]


def map_located(located):
    """Return what `locate_arrays` was given, with one map for each file.

    Parameters
    ----------
    located : list of tuple or object

    Returns
    -------
    arrays : list
    """
    paths = {entry[0] for entry in located if isinstance(entry, tuple)}
    maps = {path: np.memmap(path, dtype=np.uint8, mode="r") for path in paths}
    return [
        _view(maps[entry[0]], *entry[1:]) if isinstance(entry, tuple) else entry
        for entry in located
    ]


def _locate(array):
    """Return the path and the place of an array, or the array itself."""
    root = array
    while isinstance(getattr(root, "base", None), np.ndarray):
        root = root.base
    is_mapped = isinstance(root, np.memmap) and root.mode == "r" and root.filename
    if not (is_mapped and array.flags.c_contiguous):
        return array
    start = root.offset + array.ctypes.data - root.ctypes.data
    return str(root.filename), start, array.dtype, array.shape


def _view(memory, start, dtype, shape):
    """Return the array that begins at a byte of a map."""
    stop = start + dtype.itemsize * math.prod(shape)
    return memory[start:stop].view(dtype).reshape(shape)


def _remove(path, process):
    """Remove a file, in the process that has made it: forks have copies of its maps."""
    if os.getpid() == process:
        with suppress(OSError):
            os.unlink(path)
