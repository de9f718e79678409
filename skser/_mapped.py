"""How results are kept outside of the process that has computed them.

Those that do not fit into memory are kept in files that are read like memory. These are
as temporary as an array is: a file lives as long as one of its arrays. Those of worker
processes are kept in memory that is shared with them, so that nothing has to be sent.
"""

import errno
import math
import mmap
import os
import threading
import uuid
import weakref
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from skser._files import make_private_folder

# Arrays begin at multiples of this, as those that NumPy allocates.
_ALIGNMENT = 64
# Bytes. Less fits into the pipe between two processes; Linux writes 2 GB at once.
_WORTH_SHARING = range(2**16, 2**30)
# A lock for all threads, since those of other processes are sent copies of the arrays'
# keepers, and locks cannot be sent.
_APPENDING = threading.Lock()


class Place(NamedTuple):
    """Where an array is.

    Parameters
    ----------
    path : str
        Of the file.
    start : int
        Its first byte.
    dtype : numpy.dtype
    shape : tuple of int
    """

    path: str
    start: int
    dtype: np.dtype
    shape: tuple


@contextmanager
def kept_arrays(folder=None):
    """Open a place for arrays that are kept as they come, in any process.

    Parameters
    ----------
    folder : str or os.PathLike, default=None
        Folder of the files, made, for its owner only, if it does not exist. None is
        memory that the processes share, where there is some.

    Yields
    ------
    arrays : TemporaryArrays or SharedArrays
        After an error nothing is left of them. Else files are removed with the last
        array in them, or at the end of the process.

    Raises
    ------
    OSError
        Of the kind that the operating system gives, with the folder's name.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skser._mapped import kept_arrays
    >>> with kept_arrays(tempfile.mkdtemp()) as arrays:
    ...     places = [arrays.append(np.full((1, 2), i)) for i in (7, 9)]
    ...     seven, nine = arrays.read(places)
    >>> nine.tolist(), nine.flags.writeable
    ([[9, 9]], False)
    """
    arrays = SharedArrays() if folder is None else TemporaryArrays(folder)
    try:
        yield arrays
    except BaseException:
        arrays.discard()
        raise


class TemporaryArrays:
    """Arrays in files of a folder, one file for each process that appends to them.

    Parameters
    ----------
    folder : str or os.PathLike
    """

    def __init__(self, folder):
        # Absolute, since workers may have been started in another folder.
        self._folder = Path(folder).expanduser().absolute()
        self._name = f"skser-{uuid.uuid4().hex}"
        self._is_open = True
        with self._explained():
            make_private_folder(self._folder)

    def append(self, array):
        """Write an array; threads and processes may do so at the same time.

        Parameters
        ----------
        array : ndarray of numbers

        Returns
        -------
        place : Place
            For `read`.
        """
        path = self._folder / f"{self._name}-{os.getpid()}.arrays"
        array = np.ascontiguousarray(array)
        with _APPENDING, self._explained():
            # A thread may come late, when another one has failed.
            if not self._is_open:
                raise OSError(errno.EBADF, "they were discarded")
            # Opened each time, so that no process has to be told when it is over.
            with open(path, "ab", opener=_open_for_owner) as file:
                file.write(bytes(-file.tell() % _ALIGNMENT))
                start = file.tell()
                file.write(_as_bytes(array))
        return Place(str(path), start, *_form(array))

    def read(self, places):
        """Return arrays that are read from the disk when they are looked at.

        Parameters
        ----------
        places : list of Place
            From `append`; in any order.

        Returns
        -------
        arrays : list of numpy.memmap
            Read-only views of one map a file: a process may have some 65,000 maps, and
            often no more than 1,024 open files.
        """
        with self._explained():
            return map_located(places, self._map)

    def discard(self):
        """Remove the files."""
        with _APPENDING:
            self._is_open = False
            for path in self._folder.glob(f"{self._name}-*.arrays"):
                _remove(path, os.getpid())

    @staticmethod
    def _map(path):
        """Return a map of a file that is removed with it."""
        memory = _map_for_reading(path)
        # Whatever is made of the arrays holds on to the map below them.
        weakref.finalize(memory.base, _remove, path, os.getpid())
        return memory

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


class SharedArrays:
    """Arrays in memory that this process shares with its workers, on Linux.

    The memory has no name in any folder, and the limits of ``/dev/shm`` do not hold for
    it. The system frees it with the last process that has it open or mapped, however
    that ends. Arrays that are small, not of one piece or of no numbers, and all arrays
    where the system has no such memory, are not kept there but go the usual way.
    """

    def __init__(self):
        self._file = None
        with suppress(AttributeError, OSError):
            self._file = os.memfd_create("skser")
        # By this name the workers can open it.
        self._path = f"/proc/{os.getpid()}/fd/{self._file}"

    def append(self, array):
        """Put an array into the memory, where that pays and is possible.

        Parameters
        ----------
        array : object

        Returns
        -------
        place : Place or object
            For `read`; `array` itself if it was not put there.
        """
        if self._file is not None and _is_worth_sharing(array):
            with suppress(OSError), open(self._path, "ab", buffering=0) as file:
                return Place(self._path, _write_at_once(file, array), *_form(array))
        return array

    def read(self, places):
        """Return the arrays, without copying them.

        Parameters
        ----------
        places : list of Place or object
            From `append`.

        Returns
        -------
        arrays : list
            They are ordinary arrays, but for the memory, which is freed with the last.
        """
        arrays = map_located(places, self._map)
        self.discard()
        return arrays

    def discard(self):
        """Close the memory; what is mapped stays."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _map(self, _):
        """Map the memory so that what is written belongs to this process alone."""
        memory = mmap.mmap(self._file, 0, access=mmap.ACCESS_COPY)
        return np.frombuffer(memory, dtype=np.uint8)


def locate_arrays(arrays):
    """Say where arrays are on disk, for a process that is to read them there.

    Parameters
    ----------
    arrays : list

    Returns
    -------
    located : list of Place or object
        What is not, or not as a whole, in a file that is mapped for reading stays as it
        is.
    """
    return [_locate(array) for array in arrays]


def _map_for_reading(path):
    """Return the bytes of a file."""
    return np.memmap(path, dtype=np.uint8, mode="r")


def map_located(located, open_map=_map_for_reading):
    """Return what `locate_arrays` was given, with one map for each file.

    Parameters
    ----------
    located : list of Place or object
    open_map : callable, default=_map_for_reading
        From a path to an array of bytes.

    Returns
    -------
    arrays : list
    """
    paths = {entry.path for entry in located if isinstance(entry, Place)}
    maps = {path: open_map(path) for path in paths}
    return [
        _view(maps[entry.path], *entry[1:]) if isinstance(entry, Place) else entry
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
    return Place(str(root.filename), start, *_form(array))


def _is_worth_sharing(array):
    """Tell whether sharing an array is possible and cheaper than sending it."""
    return (
        type(array) is np.ndarray
        and array.nbytes in _WORTH_SHARING
        and array.flags.c_contiguous
        and not array.dtype.hasobject
    )


def _write_at_once(file, array):
    """Append an array to a file that other processes append to, and return its start.

    What one call writes stays together.
    """
    padding = bytes(-array.nbytes % _ALIGNMENT)
    n_written = os.writev(file.fileno(), [_as_bytes(array), padding])
    if n_written < array.nbytes + len(padding):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return file.tell() - n_written


def _as_bytes(array):
    """Return the bytes of an array of one piece, without copying them."""
    return array.reshape(-1).view(np.uint8)


def _form(array):
    """Return what makes an array of bytes."""
    return array.dtype, array.shape


def _open_for_owner(path, flags):
    """Open a file that nobody but its owner may read."""
    return os.open(path, flags, 0o600)


def _view(memory, start, dtype, shape):
    """Return the array that begins at a byte of a map."""
    stop = start + dtype.itemsize * math.prod(shape)
    return memory[start:stop].view(dtype).reshape(shape)


def _remove(path, process):
    """Remove a file, in the process that has made it: forks have copies of its maps."""
    if os.getpid() == process:
        with suppress(OSError):
            os.unlink(path)
