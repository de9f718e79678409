"""Checkpoints of training: an interrupted `fit` goes on with the next epoch.

The file's name is computed from all that decides how training goes. Whatever is
changed, data, labels, weights, parameters, code or versions, has another file.
"""

import warnings

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
        self._store.remove_unfinished()
        found = self._store.get(self._key)
        self._store.warn(consequence="; training starts anew")
        if found is None:
            return None
        progress, numbered = found
        arrays = {"state": [], "best": []}
        for name in sorted(numbered):
            arrays.setdefault(name.rpartition("_")[0], []).append(numbered[name])
        if [array.shape for array in arrays["state"]] != shapes:
            # A function that builds networks may read what its key cannot see.
            warnings.warn(
                f"{str(self._store.path(self._key))!r} holds the weights of another "
                "network; training starts anew.",
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
            What JSON can hold.
        arrays : dict of list of ndarray
            The network's state, and its best weights.

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
        self._store.put(self._key, progress, numbered)
        self._store.warn(consequence="; training goes on")

    def remove(self):
        """Remove the file: a fit that is finished has nothing to resume."""
        self._store.remove(self._key)
