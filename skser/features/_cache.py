"""How features are kept on disk, so that an utterance is described only once.

A file an utterance, under a name computed from all that its features depend on: the
samples themselves, the settings and the versions. So a file can be damaged or missing,
but never out of date.
"""

import functools
import hashlib
import json
import warnings
from collections import Counter
from pathlib import Path

from skser._archive import read_archive, write_archive
from skser._files import make_private_folder, remove_unfinished
from skser._identity import (
    describe,
    digest_source,
    find_versions,
    update_digest,
)
from skser._sequences import Batch, map_utterances

_UNREADABLE = "could not be read and had to be computed again"
_NOT_KEPT = "could not be kept; the features themselves are right"


def map_cached(function, utterances, transformer, packages):
    """Apply a function to each utterance, or read what it has returned before.

    Parameters
    ----------
    function : callable
        From an utterance to an array. What it returns may depend on the utterance, the
        parameters of `transformer` and this package's and other packages' code.
    utterances : list of ndarray
    transformer : estimator
        With the parameters `n_jobs`, as of :func:`~skser._sequences.map_utterances`,
        and `cache`, the folder, or None for no cache.
    packages : sequence of str
        Those whose versions have a part in the results.

    Returns
    -------
    results : Batch

    Warns
    -----
    UserWarning
        Once for all files that are damaged, and once for all that cannot be written.
    """
    if transformer.cache is None:
        return map_utterances(function, utterances, transformer.n_jobs)
    folder = Path(transformer.cache).expanduser()
    try:
        make_private_folder(folder)
    except OSError as error:
        _warn(folder, Counter({(_NOT_KEPT, str(error)): len(utterances)}))
        return map_utterances(function, utterances, transformer.n_jobs)
    _tidy(folder)
    cache = _Cache(folder, _describe_settings(transformer, packages))
    found = map_utterances(
        functools.partial(cache.call, function), utterances, transformer.n_jobs
    )
    # Counted here and not by the cache itself, which may be in other processes.
    _warn(folder, Counter(fault for _, fault in found if fault is not None))
    return Batch(result for result, _ in found)


class _Cache:
    """The files of one transformer.

    Parameters
    ----------
    folder : pathlib.Path
    settings : str
        What the results depend on, apart from the utterance.
    """

    def __init__(self, folder, settings):
        self._folder = folder
        self._settings = settings

    def call(self, function, utterance):
        """Return the result of a function, and what was wrong with its file, if any."""
        path = self._path(utterance)
        fault = None
        try:
            return read_archive(path)[1]["result"], None
        except (FileNotFoundError, NotADirectoryError):
            pass
        except ValueError as error:
            fault = (_UNREADABLE, str(error))
        result = function(utterance)
        try:
            # Not synchronised: after a loss of power the checksum tells.
            write_archive(path, {}, {"result": result}, sync=False)
        except OSError as error:
            fault = (_NOT_KEPT, error.strerror or str(error))
        return result, fault

    def _path(self, utterance):
        """Return the file of an utterance."""
        digest = hashlib.sha256(self._settings.encode())
        update_digest(digest, utterance)
        return self._folder / f"{digest.hexdigest()}.npz"


@functools.cache
def _tidy(folder):
    """Remove what is unfinished, once: batches of one utterance are many calls."""
    remove_unfinished(folder)


def _describe_settings(transformer, packages):
    """Return what results depend on, apart from the utterance."""
    settings = {
        "transformer": describe(transformer),
        "versions": find_versions(packages),
        "source": digest_source("features"),
    }
    return json.dumps(settings, sort_keys=True)


def _warn(folder, faults):
    """Warn once of each kind of fault, with the first message as an example."""
    for kind in (_UNREADABLE, _NOT_KEPT):
        messages = [message for found, message in faults if found == kind]
        if messages:
            count = sum(n for (found, _), n in faults.items() if found == kind)
            warnings.warn(
                f"{count} file(s) of cache={str(folder)!r} {kind}: {messages[0]}",
                UserWarning,
                stacklevel=4,
            )
