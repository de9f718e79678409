"""Which folds are finished already: one file a fold, found again by what made it.

The name of a file holds a key computed from everything that the fold's predictions
depend on. After any change there is no file of that key, and the fold is run again.
"""

import hashlib
import json
import os
import warnings
from pathlib import Path

import numpy as np

from skser._archive import read_archive, write_archive
from skser._files import make_private_folder, remove_unfinished
from skser._identity import describe


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
            make_private_folder(self.folder)
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
