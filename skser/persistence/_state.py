"""How an estimator becomes JSON and arrays, and an estimator again.

What JSON has no word for is an object of one key that says what it is::

    [1, null, "adam"]                       a list of an integer, None and a string
    {"tuple": [8, 5]}                       a tuple
    {"dict": [["angry", 2.0]]}              a dict, as pairs of key and value
    {"float": "nan"}                        a float that JSON lacks
    {"scalar": ["<f8", 0.5]}                a NumPy scalar
    {"array": "0003_mean_"}                 an array
    {"objects": [[2], ["calm", "sad"]]}     an array of objects: its shape and items
    {"masked": [data, mask, fill value]}    a masked array
    {"scorer": "UA"}                        one of skser.metrics.SCORERS
    {"encoder": [name, sha256, bytes]}      an ONNX file, its content an array
    {"estimator": {"class": "PCAWhitening", "params": {...}, "attributes": {...}}}

There are no other words, so a file cannot ask for anything else. In the place of
`NetworkClassifier.network`, and there only, is the name of a function.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import NoneType

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.metrics import check_scoring
from sklearn.model_selection import BaseCrossValidator, GridSearchCV

from skser._compat import MetadataRequest, Scorer, parameter_names
from skser.features import PretrainedFeatures
from skser.features._pretrained import EncoderFile
from skser.metrics import SCORERS
from skser.persistence._archive import check_dtype
from skser.persistence._consistency import check_estimator
from skser.persistence._registry import (
    NAMES,
    class_of,
    is_left_out,
    name_of,
    network_name,
    network_of,
)

# The only place where a function may stand.
_FUNCTION = ("NetworkClassifier", "network")


@dataclass(frozen=True)
class _Place:
    """Where in a system a value is; for error messages."""

    attribute: str = "the model"
    step: str = ""

    def __str__(self):
        return (
            f"{self.attribute} of step {self.step!r}" if self.step else self.attribute
        )

    def item(self, index):
        """Return the place of an item of this value."""
        return replace(self, attribute=f"{self.attribute}[{index!r}]")

    def of(self, name, attribute):
        """Return the place of an attribute of this estimator."""
        return replace(self, attribute=f"{name}.{attribute}")

    def inside(self, step):
        """Return the place of a step of this Pipeline."""
        path = f"{self.step}__{step}" if self.step else step
        return _Place(f"step {step!r}", path)


class StateWriter:
    """Describe an estimator in JSON, and collect its arrays.

    Parameters
    ----------
    embed : bool, default=True
        Whether the encoders of `PretrainedFeatures` are in the file; otherwise their
        paths are.

    Attributes
    ----------
    arrays : dict of str to ndarray
        By the names that the JSON has for them.
    classes : set of type
        The classes that were met.
    """

    def __init__(self, embed=True):
        self._embed = embed
        self.arrays = {}
        self.classes = set()

    def encode(self, value, place=None):
        """Return what JSON has for a value.

        Parameters
        ----------
        value : object
        place : _Place, default=None
            For error messages.

        Returns
        -------
        node : object
            That ``json.dumps`` takes.

        Raises
        ------
        TypeError
            If a model file cannot hold the value; the message says where it is and
            what to do.
        """
        place = place or _Place()
        encode = _ENCODERS.get(type(value))
        if encode is not None:
            return encode(self, value, place)
        if isinstance(value, np.generic):
            return self._encode_scalar(value, place)
        if isinstance(value, BaseEstimator):
            return self._encode_estimator(value, place)
        if isinstance(value, Scorer):
            return _encode_scorer(value, place)
        raise TypeError(_explain(value, place))

    def _encode_estimator(self, estimator, place):
        """Describe class, parameters and what `fit` has left."""
        class_ = type(estimator)
        name = name_of(class_)
        if name is None:
            raise TypeError(_explain(estimator, place))
        check_estimator(estimator)
        self.classes.add(class_)
        state = {**vars(estimator), **estimator.get_params(deep=False)}
        if class_ is PretrainedFeatures:
            state["model"] = estimator.refer_to_model(self._embed)
        described = {"class": name, "params": {}, "attributes": {}}
        for attribute, value in state.items():
            if not is_left_out(class_, attribute):
                is_param = attribute in parameter_names(class_)
                group = described["params" if is_param else "attributes"]
                group[attribute] = self._encode_attribute(name, attribute, value, place)
        _check_names(class_, described["params"], described["attributes"])
        return {"estimator": described}

    def _encode_attribute(self, name, attribute, value, place):
        """Return what JSON has for an attribute; this alone can be a function."""
        if (name, attribute) == _FUNCTION:
            return network_name(value) or _function_name(value)
        return self.encode(value, place.of(name, attribute))

    def _encode_list(self, values, place):
        return [self.encode(value, place.item(i)) for i, value in enumerate(values)]

    def _encode_tuple(self, values, place):
        if len(values) == 2 and isinstance(values[1], BaseEstimator):
            step = str(values[0])
            encoded = self.encode(values[1], place.inside(step))
            return {"tuple": [self.encode(values[0], place), encoded]}
        return {"tuple": self._encode_list(values, place)}

    def _encode_dict(self, values, place):
        pairs = [
            [self.encode(key, place), self.encode(value, place.item(key))]
            for key, value in values.items()
        ]
        return {"dict": pairs}

    def _encode_scalar(self, scalar, place):
        dtype = _name_dtype(scalar, place)
        return {"scalar": [dtype, self.encode(scalar.item(), place)]}

    def _encode_array(self, array, place):
        if array.dtype == object:
            items = self._encode_list(array.ravel().tolist(), place)
            return {"objects": [list(array.shape), items]}
        return {"array": self._keep(np.asarray(array), place)}

    def _encode_masked(self, array, place):
        parts = [np.ma.getdata(array), np.ma.getmaskarray(array), array.fill_value]
        return {"masked": self._encode_list(parts, place)}

    def _encode_encoder(self, file, place):
        content = np.frombuffer(file.data, dtype=np.uint8)
        return {"encoder": [file.name, file.sha256, self._encode_array(content, place)]}

    def _keep(self, array, place):
        """Keep an array for the archive and return the name it gets there."""
        _name_dtype(array, place)
        attribute = "".join(c if c.isalnum() else "_" for c in place.attribute)
        label = attribute.encode("ascii", "replace").decode().replace("?", "_")
        name = f"{len(self.arrays):04d}_{label[:80]}"
        self.arrays[name] = array
        return name


class StateReader:
    """Make an estimator of its description.

    Parameters
    ----------
    archive : Archive
        Where the arrays are.
    functions : dict of str to callable
        The user's functions that the file has the names of.
    """

    def __init__(self, archive, functions):
        self._archive = archive
        self._functions = functions

    def decode(self, node):
        """Return the value that JSON describes.

        Parameters
        ----------
        node : object
            From ``json.loads``.

        Returns
        -------
        value : object

        Raises
        ------
        ValueError, TypeError and others
            If the description is not one that `StateWriter` gives.
        """
        if isinstance(node, list):
            return [self.decode(item) for item in node]
        if not isinstance(node, dict):
            return node
        if len(node) != 1 or next(iter(node)) not in _DECODERS:
            raise ValueError(f"it holds a value of an unknown kind: {sorted(node)[:5]}")
        ((kind, content),) = node.items()
        return _DECODERS[kind](self, content)

    def _decode_tuple(self, items):
        return tuple(self.decode(item) for item in items)

    def _decode_dict(self, pairs):
        return {self.decode(key): self.decode(value) for key, value in pairs}

    def _decode_float(self, text):
        if text not in ("nan", "inf", "-inf"):
            raise ValueError(f"{text!r} is not a float that JSON lacks")
        return float(text)

    def _decode_scalar(self, pair):
        dtype, value = pair
        return np.dtype(check_dtype(dtype)).type(self.decode(value))

    def _decode_array(self, name):
        return self._archive.take_array(name)

    def _decode_objects(self, content):
        shape, items = content
        array = np.empty(len(items), dtype=object)
        for i, item in enumerate(items):
            array[i] = self.decode(item)
        return array.reshape(shape)

    def _decode_masked(self, parts):
        data, mask, fill_value = map(self.decode, parts)
        return np.ma.MaskedArray(data, mask, fill_value=fill_value)

    def _decode_scorer(self, name):
        return SCORERS[name]

    def _decode_encoder(self, content):
        name, sha256, data = content
        data = self.decode(data)
        if not isinstance(name, str) or data.dtype != np.uint8:
            raise ValueError("it holds an encoder that is no file")
        file = EncoderFile(data.tobytes(), name)
        if file.sha256 != sha256:
            raise ValueError(f"the sha256 of its encoder {name!r} is another one")
        return file

    def _find_function(self, name):
        """Return the function of a name, of skser's or of the user's."""
        function = network_of(name) or self._functions.get(name)
        if function is None:
            raise ValueError(
                f"its NetworkClassifier was trained with your function {name!r}, of "
                "which the file holds nothing but the name. Pass the function: "
                f"skser.load(path, networks={{{name!r}: function}})"
            )
        return function

    def _decode_estimator(self, description):
        name = description["class"]
        class_ = class_of(name)
        params, attributes = (
            {
                key: self._decode_attribute(name, key, node)
                for key, node in description[group].items()
            }
            for group in ("params", "attributes")
        )
        _check_names(class_, params, attributes)
        estimator = class_(**params)
        vars(estimator).update(attributes)
        check_estimator(estimator)
        if isinstance(estimator, GridSearchCV) and hasattr(estimator, "cv_results_"):
            estimator.scorer_ = _scorer_of(estimator)
        return estimator

    def _decode_attribute(self, name, attribute, node):
        """Return the value of an attribute; this alone can be a function."""
        if (name, attribute) == _FUNCTION:
            return self._find_function(node)
        return self.decode(node)


def _check_names(class_, params, attributes):
    """Refuse what `StateWriter` leaves out, and attributes that are not data."""
    for name in (*params, *attributes):
        if is_left_out(class_, name):
            raise ValueError(f"{class_.__name__}.{name} cannot be in a file")
    for name in attributes:
        # What the class itself has, methods above all, nothing may hide.
        is_taken = hasattr(class_, name) or name in parameter_names(class_)
        if is_taken or not name.isidentifier():
            raise ValueError(
                f"{name!r} cannot be a fitted attribute of {class_.__name__}"
            )


def _scorer_of(search):
    """Return what `fit` sets ``scorer_`` to."""
    scoring = search.scoring
    if isinstance(scoring, (list, tuple)):
        scoring = {name: name for name in scoring}
    if isinstance(scoring, dict):
        items = scoring.items()
        return {name: check_scoring(search.estimator, s) for name, s in items}
    return check_scoring(search.estimator, scoring)


def _encode_plain(writer, value, place):
    """Return what JSON has a word for."""
    return value


def _encode_float(writer, value, place):
    """Return a float; JSON lacks those that are not finite."""
    return value if math.isfinite(value) else {"float": str(value)}


def _name_dtype(value, place):
    """Return the name of the dtype of a scalar or array, if a file can hold it."""
    try:
        return check_dtype(value.dtype)
    except ValueError as error:
        raise TypeError(f"{place} cannot be saved: {error}.") from error


def _encode_scorer(scorer, place):
    """Describe one of skser's scorers by its name; a clone of a search has copies."""
    for name, known in SCORERS.items():
        if type(scorer) is type(known) and vars(scorer) == vars(known):
            return {"scorer": name}
    raise TypeError(_explain(scorer, place))


def _function_name(function):
    """Return the name that a function has in its module."""
    return getattr(function, "__qualname__", type(function).__qualname__)


# What a value is -> what to do instead.
_ADVICE = (
    (
        (np.random.RandomState, np.random.Generator),
        "Set it to an integer or None; the state of a generator is not part of a model",
    ),
    (
        BaseEstimator,
        f"It can hold {', '.join(NAMES)}, but no subclass of them. Of a search, save "
        "its best_estimator_",
    ),
    (sparse.spmatrix, "Fit on dense arrays"),
    (sparse.sparray, "Fit on dense arrays"),
    (
        MetadataRequest,
        "Save the system without requests, and set them after loading it",
    ),
    (
        Scorer,
        "Set it to a name, such as 'recall_macro', or to one of skser.metrics.SCORERS",
    ),
    (
        BaseCrossValidator,
        "Set it to a number of folds: a search that is fitted needs its folds no more",
    ),
    (
        Callable,
        "It holds data and never code. Use a NetworkClassifier for networks of your "
        "own, and named options in place of functions elsewhere",
    ),
)


def _explain(value, place):
    """Say why a value cannot be in a model file, and what to do."""
    default = "It holds numbers, strings, lists, tuples, dicts, arrays and estimators"
    advice = next((text for kind, text in _ADVICE if isinstance(value, kind)), default)
    return (
        f"{place} is a {type(value).__name__}, which a model file cannot hold. "
        f"{advice}. joblib.dump saves anything, but its files run code when loaded."
    )


_ENCODERS = {
    NoneType: _encode_plain,
    bool: _encode_plain,
    int: _encode_plain,
    str: _encode_plain,
    float: _encode_float,
    list: StateWriter._encode_list,
    tuple: StateWriter._encode_tuple,
    dict: StateWriter._encode_dict,
    np.ndarray: StateWriter._encode_array,
    np.memmap: StateWriter._encode_array,
    np.ma.MaskedArray: StateWriter._encode_masked,
    EncoderFile: StateWriter._encode_encoder,
}
_DECODERS = {
    "tuple": StateReader._decode_tuple,
    "dict": StateReader._decode_dict,
    "float": StateReader._decode_float,
    "scalar": StateReader._decode_scalar,
    "array": StateReader._decode_array,
    "objects": StateReader._decode_objects,
    "masked": StateReader._decode_masked,
    "scorer": StateReader._decode_scorer,
    "encoder": StateReader._decode_encoder,
    "estimator": StateReader._decode_estimator,
}
