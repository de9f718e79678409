"""How a user saves a system, and loads it from a file that cannot run code."""

import os
import warnings
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import Any

from sklearn.base import BaseEstimator

from skser.exceptions import ModelFileError
from skser.persistence._origin import (
    HEAD_LENGTH,
    compare_environment,
    describe_environment,
    describe_file,
)
from skser.persistence._registry import check_trusted
from skser.persistence._state import StateReader, StateWriter
from skser.storage._archive import MAX_BYTES, Archive, NotAnArchiveError, write_archive

# The JSON in a model file. Arrays are not in it.
MAX_MANIFEST_BYTES = 4 * 2**20


def save(
    system: BaseEstimator,
    path: str | os.PathLike,
    *,
    embed: bool = True,
    trusted: Sequence[type] = (),
) -> None:
    """Save a system in a file that holds data only and can run no code.

    Whoever loads it with :func:`load` need not trust it, as he must a pickle. It can
    hold the transformers and classifiers of skser, and scikit-learn's Pipeline,
    GridSearchCV, StandardScaler, Normalizer, PCA, SVC, LinearSVC, LogisticRegression,
    LinearDiscriminantAnalysis and GaussianMixture.

    Parameters
    ----------
    system : estimator instance
        Most often a :class:`sklearn.pipeline.Pipeline`. One that is not fitted comes
        back as it is: parameters and nothing else.
    path : str or os.PathLike
        Its folder must exist. An existing file is replaced in one step: if saving
        fails or is interrupted, it stays as it is.
    embed : bool, default=True
        Whether the file holds the models of :class:`skser.features.PretrainedFeatures`
        as well. If not, it has their paths and checksums: whoever predicts with the
        loaded system needs the same model at the same path, or where
        ``set_params(...__model=path)`` says; another one is refused.
    trusted : list of type, default=()
        Classes of your own that the file may hold, too, such as ``[MyFeature]``. They
        derive from :class:`sklearn.base.BaseEstimator`, and their parameters and what
        `fit` leaves in them are data: numbers, strings, lists, dicts, arrays of finite
        numbers, other estimators. The file has their names and no code.

    Raises
    ------
    TypeError
        If a step or one of its attributes is something that such a file cannot hold;
        the message names both and says what to do.
    ValueError
        If a parameter has an illegal value, or the file would have more than 2 GB.
    OSError
        If the file cannot be written.

    See Also
    --------
    load : The way back.

    Notes
    -----
    The file is a zip archive, not compressed: ``manifest.json`` holds the classes by
    name, all parameters and small values; each array is a member in NumPy's
    format. ``unzip -p model manifest.json`` shows what is in it.

    A loaded system predicts the same as the saved one, bit for bit on the same machine.
    These are not saved: the ``memory`` of a Pipeline, the ``cache`` of features and
    the ``checkpoint`` of training, folders of this machine; callbacks; the state of the
    optimizer, so that `fit`, with ``warm_start`` as well, goes on as it would have, but
    `partial_fit` starts with a new optimizer; and the function of a
    :class:`skser.NetworkClassifier` or :class:`skser.NetworkRegressor`, of which the
    file holds the name.

    A random state must be an integer or None. The ``cv`` of a GridSearchCV must be a
    number of folds or None, and its ``scoring`` names or scorers of ``skser.metrics``.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> import skser
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn.svm import SVC
    >>> X = np.random.default_rng(0).normal(size=(20, 3))
    >>> system = make_pipeline(StandardScaler(), SVC()).fit(X, np.sign(X[:, 0]))
    >>> path = os.path.join(tempfile.mkdtemp(), "signs.skser")
    >>> skser.save(system, path)
    >>> loaded = skser.load(path)
    >>> bool((loaded.decision_function(X) == system.decision_function(X)).all())
    True
    """
    if not isinstance(system, BaseEstimator):
        raise TypeError(f"save takes an estimator, got {type(system).__name__}.")
    writer = StateWriter(embed, check_trusted(trusted))
    model = writer.encode(system)
    environment = describe_environment(writer.classes)
    write_archive(
        _as_path(path),
        {**environment, "model": model},
        writer.arrays,
        max_manifest_bytes=MAX_MANIFEST_BYTES,
    )


def load(
    path: str | os.PathLike,
    *,
    networks: dict[str, Callable] | None = None,
    trusted: Sequence[type] = (),
    max_bytes: int = MAX_BYTES,
) -> Any:
    """Load a system that :func:`save` has written. No file can make this run code.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    networks : dict of str to callable, default=None
        The functions of :class:`skser.NetworkClassifier` and
        :class:`skser.NetworkRegressor`, by their names. Only needed
        for systems with networks of your own; the error message tells the names. They
        are called with the parameters that the file holds.
    trusted : list of type, default=()
        The classes of your own that were named when the file was saved, such as
        ``[MyFeature]``. Their constructors are called with the parameters that the file
        holds, and their attributes are set to what it holds: name none to load a file
        of a stranger's. A class that was defined in a script or notebook is found by
        its bare name, another by its module as well.
    max_bytes : int, default=2_000_000_000
        A larger file is refused. Arrays in memory are no larger than the file.

    Returns
    -------
    system : estimator instance
        As it was saved.

    Raises
    ------
    skser.exceptions.ModelFileError
        If the file is damaged, of another kind (a pickle, a ``.keras`` file), of a
        newer format, or not exactly what :func:`save` writes. A `ValueError`.
    TypeError
        If `trusted` has anything but classes of estimators.
    OSError
        If the file cannot be opened.

    Warns
    -----
    UserWarning
        If it was saved with another minor version of skser, scikit-learn, NumPy or
        Keras: results may differ.

    See Also
    --------
    save : How such files are made, with an example.

    Notes
    -----
    What is not guaranteed: that a model from a stranger predicts well, quickly or
    in little memory. See SECURITY.md.

    The weights of a network are compared with its parameters, for which TensorFlow is
    imported. A process that has loaded one must not be forked, as if it had
    predicted with it.
    """
    path, classes = _as_path(path), check_trusted(trusted)
    with open(path, "rb") as file:
        with _naming(path):
            archive = _open_archive(file, max_bytes)
            differences = compare_environment(archive.manifest)
        if differences:
            warnings.warn(
                f"{path!r} was saved with {', '.join(differences)}. Compare its "
                "predictions with known ones, or save it again with these versions.",
                UserWarning,
                stacklevel=2,
            )
        with _naming(path):
            reader = StateReader(archive, networks or {}, classes)
            system = reader.decode(archive.manifest["model"])
            if not isinstance(system, BaseEstimator):
                raise ValueError("it holds no estimator")
    return system


def _open_archive(file, max_bytes):
    """Return the archive in a file, or say what the file is instead."""
    try:
        return Archive(file, max_bytes, MAX_MANIFEST_BYTES)
    except NotAnArchiveError as error:
        file.seek(0)
        raise ValueError(f"it is {describe_file(file.read(HEAD_LENGTH))}") from error


@contextmanager
def _naming(path):
    """Turn whatever a file can cause into an error that names the file."""
    try:
        yield
    except MemoryError:
        raise
    # A file made to do harm can show as almost anything: bad zip, JSON, dtypes, types.
    except Exception as error:
        reason = str(error).rstrip(".")
        kind = "" if type(error) is ValueError else f" ({type(error).__name__})"
        raise ModelFileError(
            f"{path!r} cannot be loaded as a model: {reason}{kind}."
        ) from error


def _as_path(path):
    """Return a path as a string, with the home folder for ``~``."""
    return os.path.expanduser(os.fsdecode(path))
