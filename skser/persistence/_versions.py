"""With which versions a file was written, and whether that matters here."""

import hashlib
from importlib.metadata import version

from skser import __version__
from skser.classifiers import BaseNetworkClassifier
from skser.features import CATALOGUE, AcousticFeatures

FORMAT = "1.0"


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
    has_network = any(issubclass(class_, BaseNetworkClassifier) for class_ in classes)
    packages = ["scikit-learn", "numpy", *(["keras"] if has_network else [])]
    features = hash_features() if AcousticFeatures in classes else None
    return {"format": FORMAT, "versions": _find(packages), "features": features}


def hash_features():
    """Return a hash of the names of the 743 acoustic features, in their order."""
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
    here = _find(["scikit-learn", "numpy", "keras"])
    differences = [
        f"{name} {saved} (here {here[name]})"
        for name, saved in manifest["versions"].items()
        if name in here and _minor(saved) != _minor(here[name])
    ]
    if saved_format != FORMAT:
        differences.insert(0, f"version {saved_format} of the format (here {FORMAT})")
    return differences


def _find(packages):
    """Return the versions of skser and of packages, by their metadata.

    Importing them would take seconds.
    """
    return {"skser": __version__, **{name: version(name) for name in packages}}


def _minor(version_text):
    """Return the first two numbers of a version."""
    return str(version_text).split(".")[:2]
