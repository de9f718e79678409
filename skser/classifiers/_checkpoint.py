"""Where training stands after each epoch, so that an interrupted `fit` can go on.

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
from skser.classifiers._training import BestEpoch, Progress


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

    def resume(self, network):
        """Give a network the state that was kept, and return how far training is.

        Parameters
        ----------
        network : CompiledNetwork
            Left as it is, if nothing can be resumed.

        Returns
        -------
        progress : Progress or None
            None if training has to begin anew.

        Warns
        -----
        UserWarning
            If there is a file that is damaged.
        """
        with suppress(OSError):
            remove_unfinished(self._folder)
        try:
            stored, arrays = read_archive(self._path)
            _check_shapes(arrays, network)
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
        network.set_training_state(_take(arrays, "state"))
        best = BestEpoch(
            stored["best_epoch"],
            tuple(stored["best_quality"]),
            _take(arrays, "best") or None,
        )
        return Progress(stored["logs"], best, stored["is_stopped"])

    def keep(self, progress, network):
        """Keep the state of a network and how far its training is.

        Parameters
        ----------
        progress : Progress
        network : CompiledNetwork

        Warns
        -----
        UserWarning
            The first time that the file cannot be written. Training can go on without.
        """
        stored = {
            "logs": progress.logs,
            "best_epoch": progress.best.epoch,
            "best_quality": progress.best.quality,
            "is_stopped": progress.is_stopped,
        }
        arrays = {
            **_number("state", network.get_training_state()),
            **_number("best", progress.best.weights or []),
        }
        try:
            make_private_folder(self._folder)
            write_archive(self._path, stored, arrays)
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


def _number(name, arrays):
    """Return arrays by numbered names."""
    return {f"{name}_{i:04d}": array for i, array in enumerate(arrays)}


def _take(arrays, name):
    """Return the arrays of a numbered name, in their order."""
    return [arrays[key] for key in sorted(arrays) if key.startswith(f"{name}_")]


def _check_shapes(arrays, network):
    """Refuse what is not the state of this network.

    The key sees the code of the function that builds the network, but not that of
    functions which this calls.
    """
    found = [array.shape for array in _take(arrays, "state")]
    expected = [array.shape for array in network.get_training_state()]
    if found != expected:
        raise ValueError("it holds the weights of another network.")
