"""Which folds are finished already: one file a fold, found again by what made it.

The name of a file holds a key computed from everything that the fold's predictions
depend on. After any change there is no file of that key, and the fold is run again.
"""

import hashlib
import json
import os
import platform
import warnings
from importlib import metadata
from pathlib import Path

import joblib
import numpy as np

from skser._version import __version__
from skser.model_selection._archive import (
    read_archive,
    remove_unfinished,
    write_archive,
)

# What a user may change between two attempts: it has no influence on predictions.
_WITHOUT_INFLUENCE = {"memory", "n_jobs", "verbose"}
_PACKAGES = ("scikit-learn", "numpy", "scipy", "librosa", "tensorflow", "keras")


def find_versions():
    """Return the versions of Python, this package and those it stands on.

    Returns
    -------
    versions : dict of str to str
        Without packages that are not installed. Nothing is imported.
    """
    versions = {"skser": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def describe(value):
    """Return an estimator or parameter as what JSON can hold, the same in any process.

    Parameters
    ----------
    value : object

    Returns
    -------
    description : dict, list, str, number or None
        Estimators become dicts with "class" and their parameters; "memory", "n_jobs"
        and "verbose" are left out.

    Examples
    --------
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skser.model_selection._checkpoints import describe
    >>> describe(StandardScaler(with_mean=False))["with_mean"]
    False
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return describe(value.item())
    if isinstance(value, (list, tuple)):
        return [describe(entry) for entry in value]
    if isinstance(value, dict):
        return {str(key): describe(entry) for key, entry in value.items()}
    if isinstance(value, type):
        return _name(value)
    if hasattr(value, "get_params"):
        params = value.get_params(deep=False)
        kept = {k: v for k, v in params.items() if k not in _WITHOUT_INFLUENCE}
        return {"class": _name(type(value)), **describe(kept)}
    if hasattr(value, "__code__"):
        # The body too: a function that was edited is another one.
        return f"{_name(value)} {joblib.hash(_code(value.__code__))}"
    return f"{_name(type(value))} {joblib.hash(value)}"


def _name(thing):
    """Return the full name of a class or function."""
    return f"{thing.__module__}.{thing.__qualname__}"


def _code(code):
    """Return what a function does, without addresses in memory."""
    constants = [_code(c) if hasattr(c, "co_code") else repr(c) for c in code.co_consts]
    return [code.co_code, constants, code.co_names]


def digest_recordings(X):
    """Return a checksum of the recordings.

    Parameters
    ----------
    X : sequence of paths or of arrays
        Of an existing file, the path, the size and the time of its last change count.

    Returns
    -------
    digest : str
    """
    digest = hashlib.sha256()
    for entry in X.to_numpy() if hasattr(X, "to_numpy") else X:
        digest.update(_entry_bytes(entry))
    return digest.hexdigest()


def _entry_bytes(entry):
    """Return what is characteristic of one recording."""
    if isinstance(entry, (str, os.PathLike)):
        path = Path(entry).expanduser()
        facts = [str(entry)]
        if path.exists():
            status = path.stat()
            facts += [status.st_size, status.st_mtime_ns]
        return json.dumps(facts).encode()
    array = np.asarray(entry)
    if array.dtype.hasobject:
        return repr(array.tolist()).encode()
    return f"{array.dtype.str} {array.shape}".encode() + array.tobytes()


class Checkpoints:
    """The files of finished folds.

    Parameters
    ----------
    folder : str, os.PathLike or None
        None keeps nothing.
    common : dict
        What the predictions of all folds depend on, as JSON can hold it.
    """

    def __init__(self, folder, common):
        self.folder = None if folder is None else Path(folder).expanduser()
        self._common = json.dumps(common, sort_keys=True, default=str)
        if self.folder is not None and self.folder.is_dir():
            remove_unfinished(self.folder)

    def read(self, job):
        """Return the predictions of a fold, or None if it has to be run.

        Parameters
        ----------
        job : Job
            The fold.

        Returns
        -------
        outcome : dict of str to ndarray, or None

        Warns
        -----
        UserWarning
            If there is a file that is damaged.
        """
        if self.folder is None:
            return None
        path = self._path(job)
        try:
            return read_archive(path)[1]
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValueError as error:
            warnings.warn(
                f"A checkpoint cannot be read, the fold is run again: {error}",
                UserWarning,
                stacklevel=3,
            )
            return None

    def write(self, job, outcome):
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
        if self.folder is None:
            return
        try:
            write_archive(
                self._path(job), {"fold": job.fold, "seed": job.seed}, outcome
            )
        except OSError as error:
            warnings.warn(
                f"Fold {job.fold} is finished but could not be kept in "
                f"checkpoint={str(self.folder)!r} ({error}).",
                UserWarning,
                stacklevel=3,
            )

    def _path(self, job):
        """Return the file of a fold."""
        digest = hashlib.sha256(self._common.encode())
        digest.update(json.dumps(describe(job.system), sort_keys=True).encode())
        digest.update(f"seed {job.seed}".encode())
        for part in job.parts:
            digest.update(np.asarray(part, dtype="<i8").tobytes() + b"|")
        key = digest.hexdigest()[:24]
        return self.folder / f"fold-{job.fold:03d}_seed-{job.seed}_{key}.npz"
