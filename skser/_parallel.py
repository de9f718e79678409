"""Several utterances at once: threads, processes, `n_jobs`, results in mapped files.

What processes compute, and what does not fit into memory, is written to files by who
has computed it, and read like memory. Such files are as temporary as an array is: they
live as long as one of their arrays.
"""

import errno
import functools
import itertools
import mmap
import numbers
import os
import re
import shutil
import tempfile
import threading
import time
import uuid
import weakref
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from joblib import delayed, effective_n_jobs
from threadpoolctl import ThreadpoolController

from skser._compat import has_local_processes
from skser._progress import TrackedParallel, make_bar
from skser._sequences import Batch, Place, read_place

# Arrays begin at multiples of this, as those that NumPy allocates.
_ALIGNMENT = 64
# Bytes. Less fits into the pipe between two processes.
_WORTH_WRITING = 2**16
# What killed processes have left is removed after a week; a long run is alive.
_SECONDS_KEPT = 7 * 24 * 3600
_NAME = re.compile(r"skser-[0-9a-f]{32}(-\d+)?\.arrays")
# A lock for all threads, since those of other processes are sent copies of the files'
# keepers, and locks cannot be sent.
_APPENDING = threading.Lock()
_LIMITING = threading.Lock()


def map_utterances(
    function, utterances, n_jobs=None, temp_folder=None, prefer="threads", sizes=None
):
    """Apply a function to each utterance, several at once if asked, in order.

    A bar shows how far it is where it takes more than two seconds, in terminals and
    notebooks.

    Parameters
    ----------
    function : callable
    utterances : iterable
    n_jobs : int, default=None
        As in scikit-learn: None is 1, -1 is all processors.
    temp_folder : str or os.PathLike, default=None
        Folder for temporary files of the results, arrays of numbers, so that no more
        than `n_jobs` of them are in memory: who has computed one writes it. With None,
        results of processes go through the system's temporary folder; all others stay
        in memory.
    prefer : {"threads", "processes"}, default="threads"
        Threads share the signals, so nothing is pickled, but Python's lock lets only
        one of them at a time begin a step. Processes suit functions of paths.
        ``joblib.parallel_config`` overrides the choice, for instance to run on a
        cluster, whose machines do not see `temp_folder`: with it there are threads.
    sizes : list of int, default=None
        How many recordings each entry of `utterances` holds, for the bar; None is one.

    Returns
    -------
    results : Batch
        With `temp_folder`, of read-only ``numpy.memmap``.
    """
    if n_jobs is not None and not isinstance(n_jobs, numbers.Integral):
        raise TypeError(f"n_jobs must be an integer or None, got {n_jobs!r}.")
    has_workers = has_local_processes(n_jobs, prefer)
    how, files, keep = {"prefer": prefer}, None, function
    if temp_folder is not None or has_workers:
        files = _Exchange() if temp_folder is None else TemporaryArrays(temp_folder)
        how = {"prefer": prefer} if has_workers else {"require": "sharedmem"}
        keep = functools.partial(files.call, function)
    total = len(utterances) if hasattr(utterances, "__len__") else None
    if sizes is not None:
        total = sum(sizes)
    try:
        with make_bar(total, "Recordings", unit="recording") as bar:
            if effective_n_jobs(n_jobs) == 1:
                results = []
                steps = itertools.repeat(1) if sizes is None else sizes
                for utterance, size in zip(utterances, steps, strict=False):
                    results.append(keep(utterance))
                    bar.update(size)
            else:
                parallel = TrackedParallel(bar, sizes, n_jobs=n_jobs, **how)
                results = parallel(delayed(keep)(one) for one in utterances)
        return Batch(files.read(results) if files else results)
    except BaseException:
        if files:
            files.discard()
        raise


class TemporaryArrays:
    """Arrays in files of a folder, one file for each process that appends to them.

    Parameters
    ----------
    folder : str or os.PathLike
        Made, for its owner only, if it does not exist. Files that killed processes
        have left there a week ago are removed.
    """

    def __init__(self, folder):
        # Absolute, since workers may have been started in another folder.
        self._folder = Path(folder).expanduser().absolute()
        self._name = f"skser-{uuid.uuid4().hex}"
        self._is_open = True
        with self._explained():
            make_private_folder(self._folder)
        _remove_old(self._folder)

    def call(self, function, utterance):
        """Apply a function, and return where its result is; in any thread or process.

        Parameters
        ----------
        function : callable
            Returns an array of numbers.
        utterance : object

        Returns
        -------
        place : Place
            For `read`.
        """
        array = np.ascontiguousarray(function(utterance))
        with _APPENDING, self._explained():
            # A thread may come late, when another one has failed.
            if not self._is_open:
                raise OSError(errno.EBADF, "they were discarded")
            return self._append(array)

    def _append(self, array):
        """Write an array to the file of this process, and return where it is."""
        path = self._folder / f"{self._name}-{os.getpid()}.arrays"
        # Opened each time, so that no process has to be told when it is over.
        with open(path, "ab", opener=functools.partial(os.open, mode=0o600)) as file:
            file.write(bytes(-file.tell() % _ALIGNMENT))
            start = file.tell()
            file.write(array.reshape(-1).view(np.uint8))
        return Place(str(path), start, array.dtype, array.shape)

    def read(self, places):
        """Return arrays that are read from the disk when they are looked at.

        Parameters
        ----------
        places : list of Place
            From `call`; in any order.

        Returns
        -------
        arrays : list of numpy.memmap
            Read-only views of one map a file: a process may have some 65,000 maps, and
            often no more than 1,024 open files.
        """
        with self._explained():
            return _read(places, self._map)

    def discard(self):
        """Remove the files."""
        with _APPENDING:
            self._is_open = False
            for path in self._folder.glob(f"{self._name}-*.arrays"):
                _remove(path, os.getpid())

    def _map(self, path):
        """Return a map of a file that is removed with it."""
        memory = np.memmap(path, dtype=np.uint8, mode="r")
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


class _Exchange(TemporaryArrays):
    """Arrays on their way from other processes, in the system's temporary folder.

    They come back as ordinary arrays, whose memory is a private map of the file. What
    is small, no array of numbers, or finds no room on the disk is sent instead.
    """

    def __init__(self):
        folder = Path(tempfile.gettempdir())
        # In a folder of its own: a worker that comes late finds it missing.
        with suppress(OSError):
            super().__init__(folder / f"skser-{uuid.uuid4().hex}.arrays")
        _remove_old(folder)

    def call(self, function, utterance):
        array = function(utterance)
        is_worth_it = (
            type(array) is np.ndarray
            and array.nbytes >= _WORTH_WRITING
            and array.flags.c_contiguous
            and not array.dtype.hasobject
        )
        if is_worth_it:
            with suppress(OSError), _APPENDING:
                return self._append(array)
        return array

    def read(self, places):
        arrays = _read(places, self._map)
        # At once: what is mapped stays. Windows alone refuses, until the maps are gone.
        self.discard()
        return arrays

    def discard(self):
        shutil.rmtree(self._folder, ignore_errors=True)

    def _map(self, path):
        """Map a file so that what is written belongs to this process alone."""
        with open(path, "rb") as file:
            memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        weakref.finalize(memory, shutil.rmtree, self._folder, ignore_errors=True)
        return np.frombuffer(memory, dtype=np.uint8)


def _read(places, open_map):
    """Return the arrays of places, with one map for each file."""
    paths = {place.file for place in places if isinstance(place, Place)}
    maps = {path: open_map(path) for path in paths}
    return [
        read_place(place, maps) if isinstance(place, Place) else place
        for place in places
    ]


def _remove(path, process):
    """Remove a file, in the process that has made it: forks have copies of its maps."""
    if os.getpid() == process:
        with suppress(OSError):
            os.unlink(path)


def _remove_old(folder):
    """Remove what killed processes have left."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not _NAME.fullmatch(entry.name):
                continue
            with suppress(OSError):
                is_old = time.time() - entry.stat().st_mtime > _SECONDS_KEPT
                if is_old and entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                elif is_old:
                    os.unlink(entry.path)


def make_private_folder(folder):
    """Make a folder that nobody but its owner can look into, if it does not exist.

    Parameters
    ----------
    folder : pathlib.Path
        The folders above are made as any other. One that exists is left as it is.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


# Finds the loaded BLAS libraries, which takes milliseconds, once.
_find_blas = functools.cache(ThreadpoolController)


@contextmanager
def one_blas_thread():
    """Let BLAS use one thread for the length of a ``with`` block.

    The products of one utterance are too small to be shared among threads. Worse, the
    threads of BLAS go on looking for work for a tenth of a second afterwards, on the
    processors that TensorFlow's threads, or those of `n_jobs`, would use: a prediction
    that needs 24 ms of a processor took 118 ms.

    The limit holds for the process. Of several blocks at once, in any threads, the
    first sets it and lifts it: each on its own would take the limit of another for what
    was there before, and leave it behind.

    Examples
    --------
    >>> import numpy as np
    >>> from skser._parallel import one_blas_thread
    >>> with one_blas_thread():
    ...     np.ones((2, 2)) @ np.ones((2, 2))
    array([[2., 2.],
           [2., 2.]])
    """
    if not _LIMITING.acquire(blocking=False):
        yield
        return
    try:
        with _find_blas().limit(limits=1, user_api="blas"):
            yield
    finally:
        _LIMITING.release()
