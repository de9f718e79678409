"""Where a model file comes from: other versions, pickles, files of other tools."""

import hashlib
from importlib.metadata import version

from skser import __version__
from skser.persistence._registry import derives

FORMAT = "1.0"

_TRUST = (
    "Loading it would run whatever code it holds. If you trust its source, load it "
    "with the tool that wrote it and save the model with skser.save"
)
_REBUILD = (
    "Its description of a network is never run. Write a function that builds the "
    "network and train it in a skser.NetworkClassifier"
)
_NO_MODEL = "It holds data, not a model: give the path that skser.save has written"
_UNKNOWN = "Give the path that skser.save has written"

_PICKLE = ("a pickle, as joblib.dump and pickle.dump write", _TRUST)
_COMPRESSED = ("a compressed file, such as joblib.dump writes", _TRUST)
_HDF5 = ("an HDF5 file, such as Keras' .h5", _REBUILD)
_KERAS = ("a .keras file", _REBUILD)

# First bytes -> what it is, and what to do.
_STARTS = {
    b"\x80": _PICKLE,
    b"\x1f\x8b": _COMPRESSED,
    b"\x78": _COMPRESSED,
    b"BZh": _COMPRESSED,
    b"\xfd7zXZ": _COMPRESSED,
    b"]\x00\x00": _COMPRESSED,
    b"\x04\x22\x4d\x18": _COMPRESSED,
    b"\x89HDF\r\n\x1a\n": _HDF5,
    b"\x93NUMPY": ("an .npy array", _NO_MODEL),
    b"{": ("JSON text", _NO_MODEL),
    b"[": ("JSON text", _NO_MODEL),
}
# End of the name of a zip's first member -> the same.
_ZIP_MEMBERS = {
    b"manifest.json": (
        "the beginning of a model file whose end is missing or damaged",
        "Copy it again, or save the model again",
    ),
    b"metadata.json": _KERAS,
    b"config.json": _KERAS,
    b".weights.h5": _KERAS,
    b"schema.json": ("a skops file", _TRUST),
    b".npy": ("an .npz archive of arrays (or a skops file)", _NO_MODEL),
    b"data.pkl": ("a PyTorch file, which is a pickle", _TRUST),
}
_ZIP_START = b"PK\x03\x04"
_LENGTH_OF_NAME = slice(26, 28)
_START_OF_NAME = 30
# Enough for the name of a first member.
HEAD_LENGTH = 300


def describe_environment(classes):
    """Return what a manifest says of its origin.

    Parameters
    ----------
    classes : set of type
        The classes in the file.

    Returns
    -------
    environment : dict
        "format"; "versions" of the packages that have a part in the results; and
        "features", a hash of the names and the order of the acoustic features, or None
        if the system does not use them.
    """
    has_network = any(derives(class_, "BaseNetworkEstimator") for class_ in classes)
    packages = ["scikit-learn", "numpy", *(["keras"] if has_network else [])]
    has_features = any(derives(class_, "AcousticFeatures") for class_ in classes)
    features = hash_features() if has_features else None
    return {"format": FORMAT, "versions": _versions(packages), "features": features}


def hash_features():
    """Return a hash of the names of the 743 acoustic features, in their order."""
    from skser.features import CATALOGUE

    names = [name for row in CATALOGUE.values() for name in row.column_names]
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def compare_environment(manifest):
    """Compare a manifest with what is installed.

    Parameters
    ----------
    manifest : dict

    Returns
    -------
    differences : list of str
        What the user should know of.

    Raises
    ------
    ValueError
        If the file cannot be used here.
    """
    saved_format = str(manifest["format"])
    if saved_format.split(".")[0] != FORMAT.split(".")[0]:
        raise ValueError(
            f"it has version {saved_format} of the format, and this skser reads "
            f"{FORMAT}. Load it with the version of skser that wrote it, "
            f"{manifest['versions']['skser']}"
        )
    if manifest["features"] not in (None, hash_features()):
        raise ValueError(
            "it was trained on acoustic features of other names or in another order "
            f"than those of skser {__version__}. Load it with skser "
            f"{manifest['versions']['skser']}"
        )
    here = _versions(["scikit-learn", "numpy", "keras"])
    differences = [
        f"{name} {saved} (here {here[name]})"
        for name, saved in manifest["versions"].items()
        if name in here and str(saved).split(".")[:2] != here[name].split(".")[:2]
    ]
    if saved_format != FORMAT:
        differences.insert(0, f"version {saved_format} of the format (here {FORMAT})")
    return differences


def _versions(packages):
    """Return the versions of skser and of packages, which are not imported for it."""
    return {"skser": __version__, **{name: version(name) for name in packages}}


def describe_file(head):
    r"""Say what a file is, by its first bytes, and what to do.

    Parameters
    ----------
    head : bytes
        The first ``HEAD_LENGTH`` bytes.

    Returns
    -------
    description : str
        Two sentences, to go behind "It is ".

    Examples
    --------
    >>> describe_file(b"\x80\x04\x95")
    'a pickle, as joblib.dump and pickle.dump write. Loading it would run ...'
    """
    if not head:
        kind, advice = "empty", _UNKNOWN
    elif head.startswith(_ZIP_START):
        length = int.from_bytes(head[_LENGTH_OF_NAME], "little")
        name = head[_START_OF_NAME : _START_OF_NAME + length]
        unknown = ("another zip archive, or a piece of one", _UNKNOWN)
        known = [v for end, v in _ZIP_MEMBERS.items() if name.endswith(end)]
        kind, advice = (*known, unknown)[0]
    else:
        unknown = ("of a kind that skser does not know", _UNKNOWN)
        known = [v for start, v in _STARTS.items() if head.startswith(start)]
        kind, advice = (*known, unknown)[0]
    return f"{kind}. {advice}."
