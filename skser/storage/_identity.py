"""What makes two computations the same: keys of caches and checkpoints, checksums.

A stored result is used again if all of these are equal: the content of the inputs, the
parameters, the code of this package, the user's own classes and functions where their
code can be read, and the versions of the libraries that compute.
"""

import functools
import hashlib
import inspect
import io
import json
import os
import platform
import site
import sys
import sysconfig
import types
import uuid
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from scipy import sparse
from sklearn.frozen import FrozenEstimator

from skser import __version__
from skser._containers import OpenFileStream
from skser._recordings import is_open_file

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
    "soundfile",
    "soxr",
    "librosa",
    "tensorflow",
    "keras",
    "opensmile",
    "onnxruntime",
    "torch",
    "transformers",
)
# Endings of files that programs write and do not read.
_NOT_READ = {"", ".log", ".txt", ".out", ".err"}
_OUR_FOLDER = str(Path(__file__).parents[1])
_PLAIN = (type(None), bool, int, float, complex, str, bytes, np.ndarray, np.generic)


def make_key(*values: Any, packages: Sequence[str] = PACKAGES) -> str:
    """Return the name under which the result of a computation is kept.

    Parameters
    ----------
    *values : object
        All that the result depends on, apart from code and versions: recordings,
        estimators, labels, seeds. See :func:`digest`.
    packages : sequence of str
        Those whose versions have a part in the result.

    Returns
    -------
    key : str
        64 hexadecimal digits.
    """
    # A release has one code. Between two, the version does not tell what has changed.
    code = digest_source() if "dev" in __version__ else ""
    return digest(find_versions(packages), code, *values)


def find_versions(packages: Sequence[str] = PACKAGES) -> dict[str, str]:
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
def digest_source():
    """Return a checksum of all source code of this package."""
    digest = hashlib.sha256()
    for path in sorted(Path(_OUR_FOLDER).rglob("*.py")):
        digest.update(path.relative_to(_OUR_FOLDER).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def digest(*values: Any) -> str:
    """Return a checksum of the content of values, the same in any process.

    Parameters
    ----------
    *values : object
        Arrays (masked and sparse ones, too), DataFrames, lists, dicts, numbers, text.
        Of a path, or of text that is the path of an existing file, the content of the
        file counts as well as the name; of a folder, the names, sizes and times of the
        files in it. Of an open binary file, the content counts. Of estimators and
        functions counts what :func:`describe` tells, and the files that parameters
        name, but for logs (``.log``, ``.txt``, no ending). What cannot be read at all
        is equal to nothing.

    Returns
    -------
    digest : str
        64 hexadecimal digits.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> from skser.storage import digest
    >>> digest(np.zeros((2, 3))) == digest(np.zeros((3, 2)).T)
    True
    >>> digest(sparse.eye_array(3)) == digest(2 * sparse.eye_array(3))
    False
    """
    checksum = hashlib.sha256()
    for value in values:
        _update(checksum, value)
    return checksum.hexdigest()


def _update(checksum, value):
    """Add the content of a value to a checksum, beginning with its kind and size."""

    def write(*facts):
        checksum.update(f"{len(facts)} {facts!r}\n".encode("utf-8", "backslashreplace"))

    def write_all(kind, values):
        write(kind, len(values))
        for entry in values:
            _update(checksum, entry)

    if isinstance(value, (str, os.PathLike)):
        write(*_find_file(value))
    elif sparse.issparse(value):
        rows = value.tocsr()
        parts = [rows.data, rows.indices, rows.indptr]
        write_all(f"sparse {type(value).__name__} {value.shape}", parts)
    elif isinstance(value, np.ma.MaskedArray):
        write_all("masked", [np.ma.getdata(value), np.ma.getmaskarray(value)])
    elif isinstance(value, (np.ndarray, np.generic)):
        if value.dtype.kind in "OSTU" or value.dtype.hasobject:
            write_all(f"objects {value.shape}", np.asarray(value).ravel().tolist())
        else:
            write(str(value.dtype), value.dtype.descr, value.shape)
            checksum.update(np.ascontiguousarray(value).reshape(-1).view(np.uint8))
    elif value is None or isinstance(value, (bool, int, float, complex)):
        write(type(value).__name__, value)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        write("bytes", len(value))
        checksum.update(value)
    elif isinstance(value, (list, tuple)):
        write_all("list", value)
    elif isinstance(value, (set, frozenset)):
        write_all("set", sorted(map(digest, value)))
    elif isinstance(value, dict):
        write_all("dict", [[key, value[key]] for key in sorted(value, key=repr)])
    elif is_open_file(value):
        with io.BufferedReader(OpenFileStream(value)) as stream:
            write("file", hashlib.file_digest(stream, "sha256").hexdigest())
    elif hasattr(value, "columns") and hasattr(value, "to_numpy"):
        by_position = getattr(value, "iloc", None)
        columns = (
            [value[name] for name in value.columns]
            if by_position is None
            else [by_position[:, i] for i in range(value.shape[1])]
        )
        write_all("table", [list(value.columns), *columns])
    elif hasattr(value, "to_numpy"):
        index = getattr(value, "index", None)
        parts = [] if index is None or callable(index) else [np.asarray(index)]
        write_all("column", [*parts, value.to_numpy()])
    elif hasattr(value, "__array__") and not isinstance(value, type):
        _update(checksum, np.asarray(value))
    else:
        description = describe(value)
        write("object", json.dumps(description, sort_keys=True))
        for path in _find_data_files(description):
            write(*_find_file(path))


def _find_data_files(description):
    """Return what parameters may name to be read, such as a file or folder of weights.

    Logs and the like are written, and so are other files after each run.
    """
    if isinstance(description, dict):
        description = list(description.values())
    if isinstance(description, list):
        return [path for entry in description for path in _find_data_files(entry)]
    if not isinstance(description, str) or not description.strip("./~"):
        return []
    place = Path(os.path.expanduser(description))
    try:
        paths = sorted(place.iterdir()) if place.is_dir() else [place]
    except (OSError, ValueError):
        return []
    return [path for path in paths if path.suffix not in _NOT_READ]


def _find_file(path):
    """Return what text stands for: itself, and the content of the file of this name."""
    text = os.fspath(path)
    facts = ["text", str(text)]
    if type(path) not in (str, np.str_) and not isinstance(path, Path):
        # A path that says more, such as where a segment begins and ends.
        facts.append(_hash(path))
    place = os.path.expanduser(text)
    try:
        if os.path.isfile(place):
            with open(place, "rb") as file:
                facts.append(hashlib.file_digest(file, "sha256").hexdigest())
        elif text and os.path.isdir(place):
            with os.scandir(place) as entries:
                facts += sorted(
                    (entry.name, entry.stat().st_size, entry.stat().st_mtime_ns)
                    for entry in entries
                )
    except OSError as error:
        facts.append(str(error))
    return facts


def _hash(value):
    """Return a checksum of an object's pickle; of another each time, if it has none."""
    try:
        return joblib.hash(value)
    # Whatever an object raises that does not want to be pickled.
    except Exception:
        return uuid.uuid4().hex


def describe(value: object, _seen: Any = None) -> Any:
    """Return an estimator or parameter as what JSON can hold, the same in any process.

    Parameters
    ----------
    value : object

    Returns
    -------
    description : dict, list, str, number or None
        Estimators become dicts with "class" and their parameters, without those that
        have no influence on results: "cache", "checkpoint", "memory", "n_jobs",
        "temp_folder" and "verbose"; and with "code", a checksum, if methods are the
        user's own. Functions of the user are described by their code, default values,
        the variables that they have taken from around them, and the plain values,
        functions and classes that they read by name.

    Examples
    --------
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skser.storage import describe
    >>> describe(StandardScaler(with_mean=False))["with_mean"]
    False
    """
    # What is described already: functions can call each other in circles.
    seen = set() if _seen is None else _seen
    if value is None or isinstance(value, (bool, int, float, str)):
        return value.item() if isinstance(value, np.generic) else value
    if isinstance(value, np.generic):
        return describe(value.item())
    if isinstance(value, (list, tuple)):
        return [describe(entry, seen) for entry in value]
    if isinstance(value, (set, frozenset)):
        return sorted((describe(entry, seen) for entry in value), key=repr)
    if isinstance(value, dict):
        return {str(key): describe(entry, seen) for key, entry in value.items()}
    if isinstance(value, functools.partial):
        return describe([value.func, value.args, value.keywords], seen)
    if isinstance(value, types.MethodType):
        return describe([value.__func__, value.__self__], seen)
    if isinstance(value, types.ModuleType):
        file = getattr(value, "__file__", None)
        if file is None or _is_installed(value):
            return value.__name__
        return [value.__name__, digest(Path(file))]
    if isinstance(value, type):
        code = _describe_methods(value, seen)
        return [_name(value), code] if code else _name(value)
    if hasattr(value, "__code__"):
        return _describe_function(value, seen)
    code = _describe_methods(type(value), seen)
    if not hasattr(value, "get_params"):
        content = digest(value) if sparse.issparse(value) else _hash(value)
        text = f"{_name(type(value))} {content}"
        return [text, digest(code)] if code else text
    described = {"class": _name(type(value))}
    if code:
        described["code"] = digest(code)
    package = type(value).__module__.partition(".")[0]
    if package not in ("skser", "sklearn") and _is_installed(type(value)):
        described["version"] = _find_version_of_module(package)
    if isinstance(value, FrozenEstimator):
        # Fitted before, and never again: what it has learnt is a parameter, too.
        described["state"] = _hash(vars(value.estimator))
    params = value.get_params(deep=False)
    kept = {k: v for k, v in params.items() if k not in _WITHOUT_INFLUENCE}
    return described | describe(kept, seen)


@functools.cache
def _find_version_of_module(package):
    """Return the version of what is imported under a name."""
    names = metadata.packages_distributions().get(package, [package])
    return [_find_version(name) for name in names]


def _describe_methods(class_, seen):
    """Return the code of a class and its bases that is the user's own.

    A method is the user's if its code is, wherever the class comes from: methods can be
    replaced.
    """
    if class_ in seen:
        return {}
    seen.add(class_)
    wrappers = ("__func__", "fget", "fset", "func", "fn")
    code = {}
    for base in class_.__mro__:
        is_users = not _is_installed(base)
        for name, member in vars(base).items():
            inside = [member, *(getattr(member, wrapper, None) for wrapper in wrappers)]
            found = [inspect.unwrap(f) for f in inside if hasattr(f, "__code__")]
            functions = [f for f in found if not _is_installed(f)]
            if functions:
                code[f"{_name(base)}.{name}"] = describe(functions, seen)
            elif is_users and not name.startswith("__") and _is_plain(member):
                code[f"{_name(base)}.{name}"] = describe(member)
    return code


def _describe_function(function, seen):
    """Return the name of a function, and of a user's what decides what it does."""
    name = _name(function)
    if function in seen:
        return name
    seen.add(function)
    cells = getattr(function, "__closure__", None) or ()
    surroundings = [
        getattr(function, "__defaults__", None) or (),
        getattr(function, "__kwdefaults__", None) or {},
        # A cell is empty as long as its variable has no value.
        [cell.cell_contents for cell in cells if cell != types.CellType()],
    ]
    if not _is_installed(function):
        name += f" {digest(_instructions(function.__code__))}"
        codes, names = [function.__code__], set()
        while codes:
            code = codes.pop()
            names |= set(code.co_names)
            codes += [c for c in code.co_consts if hasattr(c, "co_code")]
        read = {key: function.__globals__.get(key) for key in sorted(names)}
        surroundings.append({k: v for k, v in read.items() if _counts(v)})
    return [name, *describe(surroundings, seen)] if any(surroundings) else name


def _instructions(value):
    """Return what a function does, without addresses, line numbers or order of sets."""
    if hasattr(value, "co_code"):
        return [value.co_code, value.co_names, [*map(_instructions, value.co_consts)]]
    if isinstance(value, (tuple, frozenset)):
        entries = [str(_instructions(entry)) for entry in value]
        return f"{sorted(entries) if isinstance(value, frozenset) else entries}"
    return f"{type(value).__name__} {value!r}"


def _counts(value):
    """Tell whether a variable that a function reads is described: values and code."""
    if isinstance(value, (type, types.ModuleType)) or hasattr(value, "__code__"):
        return not _is_installed(value)
    return value is not None and (_is_plain(value) or hasattr(value, "get_params"))


def _is_plain(value):
    """Tell numbers, text and arrays, in lists and dicts too, from other objects."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(map(_is_plain, value))
    return isinstance(value, _PLAIN)


def _is_installed(thing):
    """Tell whether code is of this package, of Python or of a package installed.

    Parameters
    ----------
    thing : function, class or module
    """
    if hasattr(thing, "__code__"):
        return _is_installed_file(thing.__code__.co_filename)
    name = getattr(thing, "__module__", thing.__name__)
    if name.partition(".")[0] in sys.stdlib_module_names:
        return name != "__main__"
    file = getattr(sys.modules.get(name), "__file__", None)
    return file is not None and _is_installed_file(file)


@functools.cache
def _is_installed_file(file):
    """Tell whether a source file is of this package, of Python or installed."""
    folders = [_OUR_FOLDER, site.getusersitepackages()]
    folders += [sysconfig.get_path(name) for name in ("stdlib", "platstdlib")]
    is_packaged = "site-packages" in file or "dist-packages" in file
    starts = tuple(os.path.join(folder, "") for folder in folders)
    return is_packaged or file.startswith((*starts, "<frozen", "<__array_function__"))


def _name(thing):
    """Return the full name of a class or function."""
    return f"{thing.__module__}.{getattr(thing, '__qualname__', thing)}"
