"""Checkpoints of training: an interrupted `fit` goes on with the next epoch.

The file's name is computed from all that decides how training goes. Whatever is
changed, data, labels, weights, parameters or versions, has a file of another name.
"""

import hashlib
import json
import warnings
from contextlib import suppress
from pathlib import Path

from skser._archive import read_archive, write_archive
from skser._files import make_private_folder, remove_unfinished
from skser._identity import update_digest


class TrainingCheckpoint:
    """The file of one fit.

    Parameters
    ----------
    folder : str or os.PathLike
        Made, for its owner only, if it does not exist.
    settings : dict
        Parameters, seeds and versions, as JSON can hold them.
    batches : list of Utterances or None
        What is trained and validated on.
    start : list of ndarray
        Weights that training starts from, if they do not follow from the seed.
    """

    def __init__(self, folder, settings, batches, start=()):
        self._folder = Path(folder).expanduser()
        key = _digest(settings, batches, start)[:24]
        self._path = self._folder / f"fit_{key}.npz"
        self._has_warned = False

    def resume(self, shapes):
        """Return what was kept last.

        Parameters
        ----------
        shapes : list of tuple of int
            Of the arrays of the network's state.

        Returns
        -------
        kept : (dict, dict of list of ndarray) or None
            As they were given to `keep`. None if training has to begin anew.

        Warns
        -----
        UserWarning
            If there is a file that is damaged.
        """
        with suppress(OSError):
            remove_unfinished(self._folder)
        try:
            progress, numbered = read_archive(self._path)
            arrays = {"state": [], "best": []}
            for name in sorted(numbered):
                arrays.setdefault(name.rpartition("_")[0], []).append(numbered[name])
            # The key sees the code of the function that builds the network, but not
            # that of functions which this calls.
            if [array.shape for array in arrays["state"]] != shapes:
                raise ValueError("it holds the weights of another network.")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValueError as error:
            warnings.warn(
                f"A checkpoint of training cannot be used, training starts anew: "
                f"{error}",
                UserWarning,
                stacklevel=2,
            )
            return None
        return progress, arrays

    def keep(self, progress, arrays):
        """Keep how far training is.

        Parameters
        ----------
        progress : dict
            As JSON can hold it.
        arrays : dict of list of ndarray
            "state", of the network, and "best", the weights of the best epoch.

        Warns
        -----
        UserWarning
            The first time that the file cannot be written. Training can go on without.
        """
        numbered = {
            f"{name}_{i:04d}": array
            for name, members in arrays.items()
            for i, array in enumerate(members)
        }
        try:
            make_private_folder(self._folder)
            write_archive(self._path, progress, numbered)
        except OSError as error:
            if not self._has_warned:
                self._has_warned = True
                warnings.warn(
                    f"Training goes on, but its state could not be kept in "
                    f"checkpoint={str(self._folder)!r} ({error}).",
                    UserWarning,
                    stacklevel=2,
                )

    def remove(self):
        """Remove the file: a fit that is finished has nothing to resume."""
        with suppress(OSError):
            self._path.unlink()


def _digest(settings, batches, start):
    """Return a checksum of everything that decides how training goes."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for batch in batches:
        sequences = [] if batch is None else batch.sequences
        digest.update(f"{len(sequences)} utterances".encode())
        for sequence in sequences:
            update_digest(digest, sequence)
        if batch is not None:
            update_digest(digest, batch.targets)
            update_digest(digest, batch.weights)
    for weights in start:
        update_digest(digest, weights)
    return digest.hexdigest()
