"""Caches and checkpoints: results on disk by key, where no fault costs more than time.

A folder holds a file for each result, under a key computed from all that the result
depends on. So a file can be damaged or missing, but never out of date.
"""

import errno
import functools
import inspect
import itertools
import json
import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator

from skser._parallel import make_private_folder, map_utterances
from skser._sequences import Batch
from skser.storage._archive import read_archive, remove_unfinished, write_archive
from skser.storage._identity import digest, make_key

_UNREADABLE = "could not be read and had to be computed again"
_NOT_KEPT = "could not be kept; the results themselves are right"


class Store:
    """Arrays and JSON in the files of a folder, by key.

    Whatever is wrong with the folder or a file, a full disk or a missing permission
    included, is noted for one warning, and the work goes on.

    Parameters
    ----------
    folder : str, os.PathLike or None
        Made, for its owner only, with the first file. None keeps nothing.
    parameter : str
        The name that the user has given the folder by, such as "cache".
    sync : bool, default=True
        As of :func:`~skser.storage.replacing`.

    Attributes
    ----------
    folder : pathlib.Path or None
    faults : list of (str, str)
        What was wrong since the last warning: the kind and the message.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skser.storage import Store, make_key
    >>> store = Store(tempfile.mkdtemp(), "cache")
    >>> key = make_key("square", np.arange(3))
    >>> store.get(key) is None
    True
    >>> store.put(key, {"unit": "m"}, {"square": np.arange(3) ** 2})
    >>> content, arrays = store.get(key)
    >>> content, arrays["square"].tolist()
    ({'unit': 'm'}, [0, 1, 4])
    """

    def __init__(
        self, folder: str | os.PathLike | None, parameter: str, sync: bool = True
    ):
        self.folder: Any = None if folder is None else Path(folder).expanduser()
        self.faults: list[tuple[str, str]] = []
        self._parameter = parameter
        self._sync = sync
        self._warned: set[str] = set()

    def path(self, key: str) -> Path:
        """Return the file of a key."""
        return self.folder / f"{key}.npz"

    def get(self, key: str) -> tuple[dict, dict[str, np.ndarray]] | None:
        """Return what was put under a key, or None.

        Parameters
        ----------
        key : str
            Of :func:`~skser.storage.make_key`; something readable may stand before it.

        Returns
        -------
        content : dict
        arrays : dict of str to ndarray
        """
        if self.folder is None:
            return None
        try:
            return read_archive(self.path(key))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            self.faults.append((_UNREADABLE, str(error)))
            return None

    def put(self, key: str, content: dict, arrays: dict[str, np.ndarray]) -> None:
        """Keep something under a key, in the place of what was there.

        Parameters
        ----------
        key : str
        content : dict
            What JSON can hold.
        arrays : dict of str to ndarray
        """
        if self.folder is None:
            return
        try:
            make_private_folder(self.folder)
            write_archive(self.path(key), content, arrays, sync=self._sync)
        except (OSError, ValueError) as error:
            text = getattr(error, "strerror", None) or str(error)
            self.faults.append((_NOT_KEPT, text))

    def remove(self, key: str) -> None:
        """Remove what was put under a key, if anything."""
        if self.folder is not None:
            try:
                self.path(key).unlink(missing_ok=True)
            except OSError as error:
                self.faults.append((_NOT_KEPT, error.strerror or str(error)))

    def take_faults(self) -> list:
        """Return what was wrong, and forget it; for work in other processes."""
        faults, self.faults = self.faults, []
        return faults

    def remove_unfinished(self) -> None:
        """Remove what processes that were killed an hour ago have left."""
        if self.folder is not None:
            remove_unfinished(self.folder)

    def warn(
        self,
        faults: Iterable[tuple[str, str]] = (),
        consequence: str = "",
        stacklevel: int = 2,
    ) -> None:
        """Warn once of each kind of fault, with the first message as an example.

        Parameters
        ----------
        faults : iterable of (str, str)
            Those of other processes.
        consequence : str, default=""
            A sentence that is added.
        stacklevel : int, default=2
            As of :func:`warnings.warn`.
        """
        messages: dict[str, list[str]] = {}
        for kind, message in [*faults, *self.take_faults()]:
            messages.setdefault(kind, []).append(message)
        for kind in [kind for kind in messages if kind not in self._warned]:
            self._warned.add(kind)
            warnings.warn(
                f"{len(messages[kind])} file(s) of {self._parameter}="
                f"{str(self.folder)!r} {kind}: {messages[kind][0]}{consequence}",
                UserWarning,
                stacklevel=stacklevel + 1,
            )


class Checkpoints(Store):
    """The folds of an evaluation that are finished already.

    Parameters
    ----------
    folder : str, os.PathLike or None
        None keeps nothing.
    common : dict
        What the predictions of all folds depend on, as JSON can hold it.
    """

    def __init__(self, folder: str | os.PathLike | None, common: dict):
        super().__init__(folder, "checkpoint")
        self._common = json.dumps(common, sort_keys=True, default=str)
        # Found before work is sent to other processes, which have code of their own.
        self._keys: dict = {}
        self.remove_unfinished()

    def read(self, job: Any) -> dict[str, np.ndarray] | None:
        """Return the predictions of a fold, or None if it has to be run.

        Parameters
        ----------
        job : Job
            The fold: `system`, `seed`, `fold` and `parts`, the indices of its
            recordings.

        Returns
        -------
        outcome : dict of str to ndarray, or None

        Warns
        -----
        UserWarning
            If there is a file that is damaged.
        """
        found = self.get(self._key(job))
        self.warn(consequence="; the fold is run again", stacklevel=3)
        return found and found[1]

    def write(self, job: Any, outcome: dict[str, np.ndarray]) -> None:
        """Keep the predictions of a fold.

        Parameters
        ----------
        job : Job
        outcome : dict of str to ndarray

        Warns
        -----
        UserWarning
            If the file cannot be written. The evaluation can go on without it.
        """
        content = {"fold": job.fold, "seed": job.seed}
        self.put(self._key(job), content, outcome)
        self.warn(stacklevel=3)

    def _key(self, job):
        """Return the key of a fold, which begins with what a person looks for."""
        if self.folder is None:
            return ""
        place = f"fold-{job.fold:03d}_seed-{job.seed}"
        if place not in self._keys:
            parts = [np.asarray(part, dtype="<i8") for part in job.parts]
            key = make_key(self._common, job.system, job.seed, parts)[:24]
            self._keys[place] = f"{place}_{key}"
        return self._keys[place]


def map_cached(
    function: Callable,
    utterances: list[np.ndarray],
    transformer: BaseEstimator,
    packages: Sequence[str],
    *,
    n_frames: int = 1,
) -> Batch:
    """Apply a function to utterances, or read what it has returned before.

    Parameters
    ----------
    function : callable
        From a list of utterances to a list of arrays. An array may depend on its
        utterance, the parameters of `transformer` and this package's and other
        packages' code.
    utterances : list of ndarray
    transformer : estimator
        With the parameters `n_jobs`, the number of threads over utterances,
        and `cache`, the folder, or None for no cache.
    packages : sequence of str
        Those whose versions have a part in the results.
    n_frames : int, default=1
        Without a cache `function` gets as many utterances at a time as have so many
        frames together. With one, and with 1, it gets one at a time.

    Returns
    -------
    results : Batch

    Warns
    -----
    UserWarning
        Once for all files that are damaged, and once for all that cannot be written.
    """
    n_jobs = transformer.n_jobs
    if transformer.cache is None:
        # No more together than there are threads to divide them among.
        share = sum(map(len, utterances)) // effective_n_jobs(n_jobs)
        batches = _join(utterances, min(n_frames, share))
        sizes = list(map(len, batches))
        results = map_utterances(function, batches, n_jobs, sizes=sizes)
        return Batch(itertools.chain.from_iterable(results))
    # Not synchronised: after a loss of power the checksum tells.
    store = Store(transformer.cache, "cache", sync=False)
    _tidy(store.folder)
    settings = make_key(transformer, packages=packages)
    compute = functools.partial(_get_or_compute, store, settings, function)
    found = map_utterances(compute, utterances, n_jobs)
    # Faults come with the results, since the work may be done in other processes.
    store.warn([fault for _, faults in found for fault in faults], stacklevel=3)
    return Batch(result for result, _ in found)


def _join(utterances, n_frames):
    """Return lists of utterances one after the other, of so many frames at least."""
    batches, room = [], 0
    for utterance in utterances:
        if room <= 0:
            batches.append([])
            room = n_frames
        batches[-1].append(utterance)
        room -= len(utterance)
    return batches


@functools.cache
def _tidy(folder):
    """Remove what is unfinished, once: batches of one utterance are many calls."""
    remove_unfinished(folder)


def _get_or_compute(store, settings, function, utterance):
    """Return the result of a function, and what was wrong with its file."""
    key = digest(settings, utterance)
    found = store.get(key)
    if found is not None:
        return found[1]["result"], store.take_faults()
    (result,) = function([utterance])
    store.put(key, {}, {"result": result})
    return result, store.take_faults()


class ContentMemory:
    """A cache for the steps of a Pipeline that looks into the recordings.

    :class:`joblib.Memory` takes a path for its name: when recordings are overwritten,
    it answers with the model of the old ones. Here the content of the files counts, the
    user's own code, parameters and the versions of the libraries that compute.

    Parameters
    ----------
    location : str or os.PathLike
        The folder, made if it does not exist. Its files are pickles, so nobody else may
        write there.
    verbose : int, default=0
        As of :class:`joblib.Memory`.

    Warns
    -----
    UserWarning
        If the folder cannot be written: all is computed then, and nothing kept.

    See Also
    --------
    skser.AcousticFeatures : Its `cache` keeps features by recording, with any folds.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.svm import SVC
    >>> from skser.storage import ContentMemory
    >>> memory = ContentMemory(tempfile.mkdtemp())
    >>> system = make_pipeline(PCA(2), SVC(), memory=memory)
    """

    def __init__(self, location: str | os.PathLike, verbose: int = 0):
        self.location = location
        self.verbose = verbose

    def __repr__(self):
        return f"ContentMemory({str(self.location)!r})"

    def cache(self, function: Callable, ignore: Sequence[str] = ()) -> Callable:
        """Return a function that looks for its result in the folder first.

        Parameters
        ----------
        function : callable
        ignore : sequence of str, default=()
            Arguments that have no influence on the result.

        Returns
        -------
        cached : callable
            With the same arguments.
        """
        signature = inspect.signature(function)
        folder = Path(self.location).expanduser()
        try:
            make_private_folder(folder)
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            memory = joblib.Memory(folder, verbose=self.verbose)
            compute = memory.cache(_compute, ignore=["function", "args", "kwargs"])
        except OSError as error:
            warnings.warn(
                f"memory={str(folder)!r} {_NOT_KEPT}: {error.strerror or error}",
                UserWarning,
                stacklevel=2,
            )
            return function

        @functools.wraps(function)
        def cached(*args, **kwargs):
            arguments = dict(signature.bind(*args, **kwargs).arguments)
            for name in ignore:
                arguments.pop(name, None)
            return compute(make_key(function, arguments), function, args, kwargs)

        return cached


def _compute(key, function, args, kwargs):
    """Call a function; its result is kept under the key alone."""
    return function(*args, **kwargs)
