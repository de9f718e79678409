"""How an estimator becomes JSON and arrays, and an estimator again, checked.

What JSON has no word for is an object of one key that says what it is::

    [1, null, "adam"]                       a list of an integer, None and a string
    {"tuple": [8, 5]}                       a tuple
    {"dict": [["angry", 2.0]]}              a dict, as pairs of key and value
    {"float": "nan"}                        a float that JSON lacks
    {"scalar": ["<f8", 0.5]}                a NumPy scalar
    {"array": "0003_mean_"}                 an array
    {"objects": [[2], ["calm", "sad"]]}     an array of objects: its shape and items
    {"masked": [data, mask, fill value]}    a masked array
    {"scorer": "UA"}                        one of those of skser.metrics
    {"encoder": [name, sha256, bytes]}      an ONNX file, its content an array
    {"estimator": {"class": "PCAWhitening", "params": {...}, "attributes": {...},
                   "defaults": [...]}}

A class of the user's own is "module:MyFeature". "defaults" names the parameters that
the user has not changed: another version may have other ones. There are no other words,
so a file cannot ask for anything else. In place of `network` of `NetworkClassifier` and
`NetworkRegressor`, and there only, is the name of a function.
"""

import inspect
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from math import comb
from operator import methodcaller

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.metrics import check_scoring
from sklearn.model_selection import BaseCrossValidator

from skser._compat import (
    MACHINES_NOTE_PROBABILITY,
    MetadataRequest,
    Scorer,
    accepts,
    check_steps,
    check_union,
    parameter_names,
    width_out,
)
from skser._sequences import check_finite
from skser.metrics import (
    DISTRIBUTION_SCORERS,
    PROBABILITY_SCORERS,
    REGRESSION_SCORERS,
    SCORERS,
)
from skser.persistence._fitted import check_fitted
from skser.persistence._registry import (
    NAMES,
    base_name,
    class_of,
    derives,
    is_left_out,
    name_of,
    network_name,
    network_of,
)
from skser.storage._archive import check_dtype

# The only places where a function may stand.
_FUNCTIONS = (("NetworkClassifier", "network"), ("NetworkRegressor", "network"))
# A file that asks for more processes or threads, or for all but so many, gets one for
# each processor.
_MAX_JOBS = max(16, os.cpu_count() or 1)
# By their names, which are all different.
_SCORERS = {
    **SCORERS,
    **PROBABILITY_SCORERS,
    **DISTRIBUTION_SCORERS,
    **REGRESSION_SCORERS,
}
# What an attribute may hold beside finite numbers: labels, and what `fit` leaves there.
_OBJECTS = {"classes_", "feature_names_in_", "cv_results_"}
_NOT_FINITE = {
    ("PCAWhitening", "offset_"): np.isnan,
    ("PCAWhitening", "lower_"): np.isinf,
    ("PCAWhitening", "upper_"): np.isinf,
    ("StandardScaler", "mean_"): np.isnan,
    ("StandardScaler", "var_"): np.isnan,
    ("StandardScaler", "scale_"): np.isnan,
    ("GridSearchCV", "cv_results_"): lambda scores: ~np.isfinite(scores),
}


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
    trusted : tuple of type, default=()
        Classes of the user's own that may be in the file.

    Attributes
    ----------
    arrays : dict of str to ndarray
        By the names that the JSON has for them.
    classes : set of type
        The classes that were met.
    """

    def __init__(self, embed=True, trusted=()):
        self._embed = embed
        self._trusted = trusted
        self.arrays = {}
        self.classes = set()

    def encode(self, value, place=_Place()):
        """Return what JSON has for a value.

        Parameters
        ----------
        value : object
        place : _Place
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
        kind = type(value)
        if value is None or kind in (bool, int, str):
            return value
        if kind is float:  # JSON lacks those that are not finite
            return value if math.isfinite(value) else {"float": str(value)}
        if kind is list:
            return [self.encode(item, place.item(i)) for i, item in enumerate(value)]
        if kind is tuple:
            return {"tuple": self._encode_items(value, place)}
        if kind is dict:
            pairs = value.items()
            return {
                "dict": [
                    [self.encode(k, place), self.encode(v, place.item(k))]
                    for k, v in pairs
                ]
            }
        if kind in (np.ndarray, np.memmap):
            return self._encode_array(value, place)
        if kind is np.ma.MaskedArray:
            parts = [np.ma.getdata(value), np.ma.getmaskarray(value), value.fill_value]
            return {"masked": self.encode(parts, place)}
        if isinstance(value, np.generic):
            dtype = _name_dtype(value, place)
            return {"scalar": [dtype, self.encode(value.item(), place)]}
        if derives(kind, "EncoderFile"):
            content = np.frombuffer(value.data, dtype=np.uint8)
            data = self._encode_array(content, place)
            return {"encoder": [value.name, value.sha256, data]}
        if isinstance(value, BaseEstimator):
            return {"estimator": self._encode_estimator(value, place)}
        if isinstance(value, Scorer):
            return {"scorer": _scorer_name(value, place)}
        raise TypeError(_explain(value, place))

    def _encode_items(self, values, place):
        """Describe the items of a tuple, which may be a step of a Pipeline."""
        if len(values) == 2 and isinstance(values[1], BaseEstimator):
            step = place.inside(str(values[0]))
            return [self.encode(values[0], place), self.encode(values[1], step)]
        return self.encode(list(values), place)

    def _encode_array(self, array, place):
        """Describe an array; if it holds no objects, keep it for the archive."""
        if array.dtype == object:
            items = self.encode(array.ravel().tolist(), place)
            return {"objects": [list(array.shape), items]}
        _name_dtype(array, place)
        label = re.sub(r"\W", "_", place.attribute, flags=re.ASCII)
        name = f"{len(self.arrays):04d}_{label[:80]}"
        self.arrays[name] = np.asarray(array)
        return {"array": name}

    def _encode_estimator(self, estimator, place):
        """Describe class, parameters and what `fit` has left."""
        class_ = type(estimator)
        name = name_of(class_, self._trusted)
        if name is None:
            raise TypeError(_explain(estimator, place))
        self.classes.add(class_)
        params = estimator.get_params(deep=False)
        if derives(class_, "PretrainedFeatures"):
            params["model"] = estimator.refer_to_model(self._embed)
        described = {"class": name, "params": {}, "attributes": {}}
        for attribute, value in (vars(estimator) | params).items():
            if is_left_out(class_, attribute):
                continue
            group = described["params" if attribute in params else "attributes"]
            if (name, attribute) in _FUNCTIONS:
                function = getattr(value, "__qualname__", type(value).__qualname__)
                group[attribute] = network_name(value) or function
            else:
                here = place.of(class_.__name__, attribute)
                group[attribute] = self.encode(value, here)
        _check_names(class_, described["params"], described["attributes"])
        check_estimator(estimator)
        signature = inspect.signature(class_).parameters
        described["defaults"] = [
            key
            for key, value in params.items()
            if (value is None or isinstance(value, (int, float, str)))
            and value == signature[key].default
        ]
        return described


class StateReader:
    """Make an estimator of its description.

    Parameters
    ----------
    archive : Archive
        Where the arrays are.
    functions : dict of str to callable
        The user's functions that the file has the names of.
    trusted : tuple of type, default=()
        The user's classes.
    """

    def __init__(self, archive, functions, trusted=()):
        self._archive = archive
        self._functions = functions
        self._trusted = trusted

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
        ((kind, content),) = node.items() if len(node) == 1 else [(None, None)]
        match kind:
            case "tuple":
                return tuple(self.decode(item) for item in content)
            case "dict":
                return {self.decode(key): self.decode(value) for key, value in content}
            case "float" if content in ("nan", "inf", "-inf"):
                return float(content)
            case "scalar":
                dtype, value = content
                return np.dtype(check_dtype(dtype)).type(self.decode(value))
            case "array":
                return self._archive.take_array(content)
            case "objects":
                shape, items = content
                array = np.empty(len(items), dtype=object)
                for i, item in enumerate(items):
                    array[i] = self.decode(item)
                return array.reshape(shape)
            case "masked":
                data, mask, fill_value = map(self.decode, content)
                return np.ma.MaskedArray(data, mask, fill_value=fill_value)
            case "scorer":
                return _SCORERS[content]
            case "encoder":
                return self._decode_encoder(*content)
            case "estimator":
                return self._decode_estimator(content)
        raise ValueError(f"it holds a value of an unknown kind: {sorted(node)[:5]}")

    def _decode_encoder(self, name, sha256, data):
        """Return an ONNX file, unless its content has another checksum."""
        data = self.decode(data)
        if not isinstance(name, str) or getattr(data, "dtype", None) != np.uint8:
            raise ValueError("it holds an encoder that is no file")
        from skser.features._pretrained import EncoderFile

        file = EncoderFile(data.tobytes(), name)
        if file.sha256 != sha256:
            raise ValueError(f"the sha256 of its encoder {name!r} is another one")
        return file

    def _decode_estimator(self, description):
        """Return an estimator, of this version's class, that has passed all checks."""
        name = description["class"]
        class_ = class_of(name, self._trusted)
        params, attributes = (
            {
                key: self._find_function(node, name)
                if (name, key) in _FUNCTIONS
                else self.decode(node)
                for key, node in description[group].items()
            }
            for group in ("params", "attributes")
        )
        _check_names(class_, params, attributes)
        classes = attributes.get("classes_", ())
        _adapt(class_, params, description.get("defaults", []), classes)
        estimator = class_(**params)
        vars(estimator).update(attributes)
        is_machine = derives(class_, "SVC") or derives(class_, "SVR")
        if is_machine and "_n_support" in attributes and MACHINES_NOTE_PROBABILITY:
            # A file of an older version of scikit-learn has but the parameter.
            is_calibrated = estimator.probability not in (False, "deprecated")
            vars(estimator).setdefault("_effective_probability", is_calibrated)
        check_estimator(estimator)
        if derives(class_, "GridSearchCV") and hasattr(estimator, "cv_results_"):
            estimator.scorer_ = _scorer_of(estimator)
        return estimator

    def _find_function(self, name, class_name):
        """Return the function of a name, of skser's or of the user's."""
        function = network_of(name) or self._functions.get(name)
        if function is None:
            raise ValueError(
                f"its {class_name} was trained with your function {name!r}, of "
                "which the file holds nothing but the name. Pass the function: "
                f"skser.load(path, networks={{{name!r}: function}})"
            )
        return function


def _adapt(class_, params, at_default, classes):
    """Fit the parameters of another version to the class here.

    What the user has not changed there, and what is not known or not allowed here,
    takes the value that it has here when nobody changes it.

    Parameters
    ----------
    class_ : type
    params : dict
        Changed in place.
    at_default : list of str
    classes : ndarray
        The labels, or none.

    Raises
    ------
    ValueError
        If it would predict otherwise here.
    """
    is_liblinear = params.get("solver") == "liblinear"
    is_gone = is_liblinear and "multi_class" not in parameter_names(class_)
    if is_gone and derives(class_, "LogisticRegression") and len(classes) > 2:
        raise ValueError(
            "its LogisticRegression(solver='liblinear') of more than two classes would "
            "give other posteriors under the scikit-learn here, which has no such "
            "classifier any more. Load it with scikit-learn 1.7, or train it again "
            "with another solver"
        )
    for name in at_default:
        if name in params and not accepts(class_, name, params[name]):
            del params[name]
    n_jobs = params.get("n_jobs")
    if isinstance(n_jobs, int) and abs(n_jobs) > _MAX_JOBS:
        params["n_jobs"] = os.cpu_count() or 1


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


def _name_dtype(value, place):
    """Return the name of the dtype of a scalar or array, if a file can hold it."""
    try:
        return check_dtype(value.dtype)
    except ValueError as error:
        raise TypeError(f"{place} cannot be saved: {error}.") from error


def _scorer_name(scorer, place):
    """Return the name of one of skser's scorers; a clone of a search has copies."""
    for name, known in _SCORERS.items():
        if type(scorer) is type(known) and vars(scorer) == vars(known):
            return name
    raise TypeError(_explain(scorer, place))


# What a value is -> what to do instead.
_ADVICE = (
    (
        (np.random.RandomState, np.random.Generator),
        "Set it to an integer or None; the state of a generator is not part of a model",
    ),
    (
        BaseEstimator,
        f"It can hold {', '.join(NAMES)}, but no subclass of them unless you name it, "
        "as any class of your own: skser.save(system, path, trusted=[MyFeature]). Of a "
        "search, save its best_estimator_",
    ),
    (sparse.spmatrix, "Fit on dense arrays"),
    (sparse.sparray, "Fit on dense arrays"),
    (
        MetadataRequest,
        "Save the system without requests, and set them after loading it",
    ),
    (
        Scorer,
        "Set it to a name, such as 'recall_macro', or to one of skser.metrics.SCORERS "
        "or REGRESSION_SCORERS",
    ),
    (
        BaseCrossValidator,
        "Set it to a number of folds: a search that is fitted needs its folds no more",
    ),
    (
        Callable,
        "It holds data and never code. Use a NetworkClassifier or NetworkRegressor for "
        "networks of your own, and named options in place of functions elsewhere",
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


# Whether the parameters and arrays of an estimator fit together. Most methods are
# written in NumPy, which raises an error where shapes do not match. The checks here are
# for the rest: libsvm follows counts and indices without looking, and a network takes
# the memory that its parameters ask for before any weight is compared.


def check_estimator(estimator):
    """Raise an error if an estimator cannot be what `fit` has left.

    Parameters
    ----------
    estimator : estimator instance
        Of a class of the registry, fitted or not.

    Raises
    ------
    ValueError, TypeError
        If a parameter has an illegal value, or arrays do not match.
    """
    # FeatureUnion has no constraints; what stands in it is checked by itself.
    if hasattr(estimator, "_parameter_constraints"):
        estimator._validate_params()
    for base, check in _CHECKS.items():
        if derives(type(estimator), base):
            check(estimator)
    class_name = base_name(type(estimator)) or type(estimator).__name__
    for name, value in vars(estimator).items():
        if name.endswith("_") or name.startswith("_"):
            _check_arrays(class_name, name, value)
    check_fitted(estimator)


def _check_arrays(class_name, name, value):
    """Insist on plain arrays of finite numbers, except where `fit` leaves others."""
    if isinstance(value, (list, tuple)):
        for item in value:
            _check_arrays(class_name, name, item)
    elif isinstance(value, dict):
        _check_arrays(class_name, name, list(value.values()))
    elif isinstance(value, np.ndarray):
        is_plain = type(value) in (np.ndarray, np.memmap) and value.dtype != object
        if not is_plain and name not in _OBJECTS:
            raise ValueError(
                f"{class_name}.{name} must be a plain array of numbers, not a "
                f"{type(value).__name__} of {value.dtype}"
            )
        if value.dtype.kind == "f":
            numbers = np.ma.getdata(value)
            is_exempt = _NOT_FINITE.get((class_name, name))
            if is_exempt is not None:
                numbers = np.where(is_exempt(numbers), 0, numbers)
            check_finite(numbers, f"{class_name}.{name}")


def _check_support_vectors(machine):
    """Check all that libsvm takes on trust."""
    if not hasattr(machine, "support_vectors_"):
        return
    is_regressor = derives(type(machine), "SVR")
    counts = machine._n_support
    _check_array(machine, "_n_support", np.shape(counts)[:1])
    n_vectors, n_classes = len(machine.support_), len(counts)
    name = type(machine).__name__
    is_precomputed = machine.kernel == "precomputed"
    n_pairs = comb(n_classes, 2)
    shapes = {
        "support_vectors_": (
            (0, 0) if is_precomputed else (n_vectors, machine.n_features_in_)
        ),
        "support_": (n_vectors,),
        "dual_coef_": (n_classes - 1, n_vectors),
        "_dual_coef_": (n_classes - 1, n_vectors),
        "intercept_": (n_pairs,),
        "_intercept_": (n_pairs,),
    }
    if not is_regressor:
        shapes["classes_"] = (n_classes,)
    # Before version 1.9 scikit-learn has but the parameter.
    has_sigmoids = getattr(machine, "_effective_probability", machine.probability)
    n_sigmoids = n_pairs if has_sigmoids else 0
    shapes |= {"_probA": (n_sigmoids,), "_probB": (n_sigmoids,)}
    for attribute, shape in shapes.items():
        _check_array(machine, attribute, shape)
    if machine._sparse is not False:
        raise ValueError(f"{name}: only support vectors in dense arrays can be loaded")
    # Of a regression libsvm has the number of all vectors, twice.
    expected = 2 * n_vectors if is_regressor else n_vectors
    is_known = n_classes == 2 if is_regressor else n_classes >= 2
    if not is_known or counts.min() < 0 or int(counts.sum(dtype=int)) != expected:
        raise ValueError(f"{name}: _n_support does not add up to the support vectors")
    lowest = np.min(machine.support_, initial=0)
    highest = np.max(machine.support_, initial=0)
    if lowest < 0 or highest >= machine.shape_fit_[0]:
        raise ValueError(f"{name}: support_ has indices beyond the training samples")


def _check_array(machine, attribute, expected):
    """Compare type, dtype and shape of an array with what libsvm takes for granted."""
    array = getattr(machine, attribute)
    is_count = attribute in ("_n_support", "support_")
    dtype = np.dtype(np.int32 if is_count else np.float64)
    found = (type(array), getattr(array, "dtype", None))
    if attribute != "classes_" and found != (np.ndarray, dtype):
        raise ValueError(
            f"{type(machine).__name__}: {attribute} must be an array of {dtype}, not a "
            f"{found[0].__name__} of {found[1]}"
        )
    if attribute != "classes_" and not array.flags.c_contiguous:
        raise ValueError(
            f"{type(machine).__name__}: {attribute} must lie in memory row by row"
        )
    if np.shape(array) != expected:
        raise ValueError(
            f"{type(machine).__name__}: {attribute} has the shape {np.shape(array)}, "
            f"but the rest of the model needs {expected}"
        )


def _check_network(estimator):
    """Compare the weights with those that the parameters imply."""
    if not hasattr(estimator, "weights_"):
        return
    weights = estimator.weights_
    is_list = isinstance(weights, list)
    if not is_list or not all(
        isinstance(array, np.ndarray) and array.dtype.kind == "f" for array in weights
    ):
        raise ValueError("weights_ must be a list of arrays of floats")
    actual = [array.shape for array in weights]
    from skser.training import lend_network

    is_own = any(derives(type(estimator), name) for name, _ in _FUNCTIONS)
    if is_own and network_name(estimator.network) is None:
        # A user's function may do what only works when the network is really built.
        estimator._examine()
        design = estimator.design_network()
        with lend_network(design, estimator.optimizer) as network:
            expected = [array.shape for array in network.get_weights()]
    else:
        params = estimator.design_network().arguments
        n_layers = max(
            len(v) for v in ([], *params.values()) if isinstance(v, (list, tuple))
        )
        # More layers than weights would take forever to plan.
        if n_layers > len(weights):
            raise ValueError(
                f"{type(estimator).__name__}: the parameters need {n_layers} layers, "
                f"but weights_ holds {len(weights)} arrays"
            )
        expected = estimator.design_network().find_weight_shapes()
    if expected != actual:
        raise ValueError(
            f"{type(estimator).__name__}: the parameters need weights of the shapes "
            f"{expected}, but weights_ holds {actual}"
        )


def _check_pipeline(pipeline):
    """Insist on steps that take what the one before them gives."""
    check_steps(pipeline)
    steps = [step for _, step in pipeline.steps if step not in (None, "passthrough")]
    if any(derives(type(step), "LabelEncoder") for step in steps):
        raise ValueError("Pipeline: a LabelEncoder is no step, it takes labels")
    for step, following in pairwise(steps):
        width, expected = width_out(step), getattr(following, "n_features_in_", None)
        if width is not None and expected is not None and width != expected:
            raise ValueError(
                f"Pipeline: {type(step).__name__} gives {width} features, but "
                f"{type(following).__name__} takes {expected}"
            )


def _check_search(search):
    """Refuse an expression that joblib would evaluate."""
    if not re.fullmatch(
        r"all|\d{1,9}|(\d{1,9} ?\* ?)?n_jobs", str(search.pre_dispatch)
    ):
        raise ValueError(f"GridSearchCV: pre_dispatch={search.pre_dispatch!r}")


_CHECKS = {
    "Pipeline": _check_pipeline,
    "FeatureUnion": check_union,
    "GridSearchCV": _check_search,
    "SVC": _check_support_vectors,
    "SVR": _check_support_vectors,
    "BaseNetworkEstimator": _check_network,
    "StatelessTransformer": methodcaller("_check_choices"),
}
