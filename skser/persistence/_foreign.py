"""What a file is that is not one of ours, and what its owner can do."""

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


def describe(head):
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
    >>> describe(b"\x80\x04\x95")
    'a pickle, as joblib.dump and pickle.dump write. Loading it would run ...'
    """
    if not head:
        kind, advice = "empty", _UNKNOWN
    elif head.startswith(_ZIP_START):
        length = int.from_bytes(head[_LENGTH_OF_NAME], "little")
        name = head[_START_OF_NAME : _START_OF_NAME + length]
        unknown = ("another zip archive, or a piece of one", _UNKNOWN)
        kind, advice = _first(_ZIP_MEMBERS, name.endswith, unknown)
    else:
        unknown = ("of a kind that skser does not know", _UNKNOWN)
        kind, advice = _first(_STARTS, head.startswith, unknown)
    return f"{kind}. {advice}."


def _first(table, matches, default):
    """Return the first value of a table whose key matches."""
    return next((value for key, value in table.items() if matches(key)), default)
