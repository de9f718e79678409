"""What makes two computations the same: settings, versions and contents, as text."""

import functools
import hashlib
import platform
import types
from importlib import metadata
from pathlib import Path

import joblib
import numpy as np

from skser import __version__

# What a user may change between two attempts: it has no influence on results.
_WITHOUT_INFLUENCE = {
    "cache",
    "checkpoint",
    "memory",
    "n_jobs",
    "temp_folder",
    "verbose",
}
PACKAGES = (
    "scikit-learn",
    "numpy",
    "scipy",
    "librosa",
    "tensorflow",
    "keras",
    "opensmile",
)


def find_versions(packages=PACKAGES):
    """Return the versions of Python, this package and those it stands on.

    Parameters
    ----------
    packages : sequence of str
        The others; by default all that can have a part in a prediction.

    Returns
    -------
    versions : dict of str to str
        Without packages that are not installed. Nothing is imported.
    """
    versions = {"skser": __version__, "python": platform.python_version()}
    found = {package: _find_version(package) for package in packages}
    return versions | {name: v for name, v in found.items() if v is not None}


@functools.cache
def _find_version(package):
    """Return the version of a package, or None; it takes milliseconds to look up."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


@functools.cache
def digest_source(*packages):
    """Return a checksum of this package's own code, helpers and constants included.

    Versions do not tell what is changed between two releases.

    Parameters
    ----------
    *packages : str
        Which parts of the package, such as "features".

    Returns
    -------
    digest : str
    """
    digest = hashlib.sha256()
    for package in packages:
        for path in sorted(Path(__file__).with_name(package).glob("*.py")):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def describe(value):
    """Return an estimator or parameter as what JSON can hold, the same in any process.

    Parameters
    ----------
    value : object

    Returns
    -------
    description : dict, list, str, number or None
        Estimators become dicts with "class" and their parameters, without those that
        have no influence on results: "cache", "checkpoint", "memory", "n_jobs",
        "temp_folder" and "verbose". Functions are described by their code, default
        values and the variables that they have taken from around them, but not by the
        functions that they call.

    Examples
    --------
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skser._identity import describe
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
    if isinstance(value, types.ModuleType):
        return value.__name__
    if hasattr(value, "get_params"):
        params = value.get_params(deep=False)
        kept = {k: v for k, v in params.items() if k not in _WITHOUT_INFLUENCE}
        return {"class": _name(type(value)), **describe(kept)}
    if hasattr(value, "__code__"):
        # The body too: a function that was edited is another one.
        name = f"{_name(value)} {joblib.hash(_code(value.__code__))}"
        surroundings = describe(_surroundings(value))
        return [name, *surroundings] if any(surroundings) else name
    return f"{_name(type(value))} {joblib.hash(value)}"


def _name(thing):
    """Return the full name of a class or function."""
    return f"{thing.__module__}.{thing.__qualname__}"


def _code(code):
    """Return what a function does, without addresses in memory."""
    constants = [_code(c) if hasattr(c, "co_code") else repr(c) for c in code.co_consts]
    return [code.co_code, constants, code.co_names]


def _surroundings(function):
    """Return what a function has from where it was defined: defaults and variables."""
    cells = getattr(function, "__closure__", None) or ()
    return [
        getattr(function, "__defaults__", None) or (),
        getattr(function, "__kwdefaults__", None) or {},
        [cell.cell_contents for cell in cells],
    ]


def update_digest(digest, array):
    """Add an array to a checksum: its dtype, its shape and its bytes.

    Parameters
    ----------
    digest : hash object
        Of the module ``hashlib``.
    array : ndarray
        Of numbers. Contiguous or not, the checksum is the same.

    Examples
    --------
    >>> import hashlib
    >>> sums = [hashlib.sha256(), hashlib.sha256()]
    >>> update_digest(sums[0], np.zeros((2, 3)))
    >>> update_digest(sums[1], np.zeros((3, 2)).T)
    >>> sums[0].digest() == sums[1].digest()
    True
    """
    digest.update(f"{array.dtype.str} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8))
