"""Checkpoint of training: its state after each epoch, so that `fit` can go on.

The file's name is computed from all that decides how training goes. Whatever is
changed, data, labels, weights, parameters, code or versions, has another file.
"""

import warnings

from skser.classifiers._training import BestEpoch, Progress
from skser.storage import Store, make_key


class TrainingCheckpoint:
    """The file of one fit.

    Parameters
    ----------
    folder : str or os.PathLike
        Made, for its owner only, if it does not exist.
    settings : dict
        Parameters and seeds.
    batches : list of Utterances or None
        What is trained and validated on.
    start : list of ndarray
        Weights that training starts from, if they do not follow from the seed.
    """

    def __init__(self, folder, settings, batches, start=()):
        self._store = Store(folder, "checkpoint")
        data = [
            batch and [batch.sequences, batch.targets, batch.weights]
            for batch in batches
        ]
        self._key = f"fit_{make_key(settings, data, list(start))[:24]}"

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
        self._store.remove_unfinished()
        found = self._store.get(self._key)
        self._store.warn(consequence="; training starts anew")
        if found is None:
            return None
        stored, arrays = found
        state = _take(arrays, "state")
        expected = [array.shape for array in network.get_training_state()]
        if [array.shape for array in state] != expected:
            # A function that builds networks may read what its key cannot see.
            warnings.warn(
                f"{str(self._store.path(self._key))!r} holds the weights of another "
                "network; training starts anew.",
                UserWarning,
                stacklevel=2,
            )
            return None
        network.set_training_state(state)
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
        self._store.put(self._key, stored, arrays)
        self._store.warn(consequence="; training goes on")

    def remove(self):
        """Remove the file: a fit that is finished has nothing to resume."""
        self._store.remove(self._key)


def _number(name, arrays):
    """Return arrays by numbered names."""
    return {f"{name}_{i:04d}": array for i, array in enumerate(arrays)}


def _take(arrays, name):
    """Return the arrays of a numbered name, in their order."""
    return [arrays[key] for key in sorted(arrays) if key.startswith(f"{name}_")]
