"""Features of a corpus larger than memory: out-of-core, one utterance at a time."""

import numbers
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from joblib import parallel_config
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from skser._base import ListTransformer, learning_steps, list_steps, set_parameters
from skser._compat import HasMethods
from skser._parallel import map_utterances, one_blas_thread
from skser._sequences import Batch, check_is_sequence

__all__ = ["ByUtterance"]


class ByUtterance(ListTransformer):
    """Take each utterance through all steps of a front end before the next one.

    A Pipeline takes all utterances through its first step, then all through the second:
    the signals of 100 hours are 23 GB. Here, `n_jobs` signals are in memory at a time,
    and with `temp_folder` no more features than that either. The results are the same.

    The estimator is stateless: `fit` only checks its input, and `transform` works
    without it.

    Parameters
    ----------
    front_end : transformer or Pipeline
        Steps that learn nothing, such as those of
        :func:`skser.systems.split_front_end`.
    temp_folder : str or os.PathLike, default=None
        Folder for features that do not fit into memory; None keeps them in memory. They
        are read-only memory maps of temporary files, one for each of the processes. A
        file is removed with the last map of it, or at the end of the process. If this
        is killed, the files stay: ``skser-*.arrays``.
    n_jobs : int, default=None
        Number of processes over utterances; None is 1, -1 is all processors. Those of
        the steps themselves have nothing to divide. Processes take seconds to start,
        which pays from some ten minutes of recordings on, and are kept for the next
        call.

    See Also
    --------
    skser.PCAWhitening : Has a `temp_folder`, too.

    Notes
    -----
    If the first step is an :class:`~skser.AudioLoader`, the headers of all files are
    looked at before any of them is decoded, and reported together. Other faults end
    the work at the first utterance that has one. With a `cache` in the last step, an
    extraction that was interrupted goes on.

    Processes write into `temp_folder` themselves. Without one they write what they
    compute to the system's temporary folder, which saves sending it: its memory is
    freed with the last of the arrays, and not with each. Both hold for joblib's
    own processes, those of loky. Those of other backends, such as Dask, send their
    arrays; with `temp_folder` there are threads then.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from skser import AcousticFeatures, Framer
    >>> from skser.out_of_core import ByUtterance
    >>> front_end = make_pipeline(Framer(), AcousticFeatures(["MFCC"]))
    >>> by_utterance = ByUtterance(front_end, temp_folder=tempfile.mkdtemp())
    >>> features = by_utterance.transform([np.ones(16000), np.ones(700)])
    >>> [type(array).__name__ for array in features], features[1].shape
    (['memmap', 'memmap'], (2, 13))
    """

    declared_tags = {"transformer_tags.preserves_dtype": []}

    _parameter_constraints = {
        "front_end": [HasMethods("transform")],
        "temp_folder": [str, os.PathLike, None],
        "n_jobs": [numbers.Integral, None],
    }

    def __init__(
        self,
        front_end: BaseEstimator | Pipeline,
        *,
        temp_folder: str | os.PathLike | None = None,
        n_jobs: int | None = None,
    ):
        set_parameters(self, locals())

    def transform(self, X: Sequence | ArrayLike) -> Any:
        """Take the utterances through the front end.

        Parameters
        ----------
        X : list, or array of objects, of length n_samples
            As the first step takes it: recordings, frames.

        Returns
        -------
        X_new : list of ndarray, or ndarray of shape (n_samples, n_columns)
            As of the front end. The arrays of a list are of ``numpy.memmap``,
            read-only, with `temp_folder`; a table, such as that of
            :class:`~skser.features.FrameStatistics`, is in memory.

        Raises
        ------
        ValueError
            If a step learns something.
        OSError
            If `temp_folder` cannot be written, or its disk is full.
        Exception
            Those of the steps, with the utterance's place in `X`.
        """
        self._validate_params()
        first = self._check_steps()[0]
        check_is_sequence(X)
        entries: Any = X.to_numpy() if hasattr(X, "to_numpy") else X
        if hasattr(first, "inspect"):
            # Not on a cluster, which would give each worker as many recordings at a
            # time afterwards as it can read headers in a moment.
            with parallel_config("threading"):
                entries = first.inspect(X)
        # Steps that limit the threads of BLAS put back what they have found, which
        # among several threads would be the limit of another one.
        with one_blas_thread():
            results = map_utterances(
                self._transform_one,
                enumerate(entries),
                self.n_jobs,
                self.temp_folder,
                prefer="processes",
            )
        if all(np.ndim(result) == 1 for result in results):
            return np.array(list(results))
        return Batch(result[0] for result in results)

    def get_feature_names_out(
        self, input_features: list[str] | None = None
    ) -> np.ndarray:
        """Give the names of the columns, from step to step.

        Parameters
        ----------
        input_features : list of str, default=None
            As of the first step.

        Returns
        -------
        names : ndarray of str objects
        """
        names: Any = input_features
        for step in self._check_steps():
            names = step.get_feature_names_out(names)
        return names

    def _transform_one(self, item):
        """Take one utterance, given with its place, through all steps.

        A row of a table comes back as it is, with one axis; all else with one axis
        more, so that the two can be told apart.
        """
        place, entry = item
        batch = [entry]
        try:
            # A worker of Dask would send each step to all workers, and wait for them.
            with parallel_config("sequential"):
                # A Pipeline would take a tenth as long again to ask what to pass on.
                for step in list_steps(self.front_end):
                    batch = step.transform(batch)
        except Exception as error:
            # The steps see one utterance, and call it the first.
            error.args = tuple(
                arg.replace("X[0]", f"X[{place}]") if isinstance(arg, str) else arg
                for arg in error.args
            )
            raise
        first = batch[0]
        if not isinstance(batch, list) and np.ndim(first) == 1:
            return first
        return first[np.newaxis] if isinstance(first, np.ndarray) else (first,)

    def _check_input(self, X, reset):
        """Refuse steps that learn, and what is no batch."""
        self._check_steps()
        check_is_sequence(X)

    def _check_choices(self):
        """Refuse steps that learn."""
        self._check_steps()

    def _check_steps(self):
        """Return the steps, or say which of them learns."""
        learning = [type(step).__name__ for step in learning_steps(self.front_end)]
        if learning:
            raise ValueError(
                "ByUtterance takes steps that learn nothing, but front_end has "
                f"{', '.join(learning)}. Give it the first part of "
                "skser.systems.split_front_end(system), and fit the second on what it "
                "returns."
            )
        steps = list_steps(self.front_end)
        if not steps:
            raise ValueError("front_end has no steps.")
        return steps

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        steps = list_steps(self.front_end)
        if steps:
            tags.input_tags = get_tags(steps[0]).input_tags
        return tags
