"""Whether the parameters and arrays of an estimator fit together.

Most methods are written in NumPy, which raises an error where shapes do not match. The
checks here are for the rest: libsvm follows counts and indices without looking, and a
network takes the memory that its parameters ask for before any weight is compared.
"""

from math import comb

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from skser.classifiers import BaseNetworkClassifier, NetworkClassifier
from skser.persistence._registry import network_name


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
    for class_, check in _CHECKS.items():
        if isinstance(estimator, class_):
            check(estimator)


def _check_support_vectors(machine):
    """Check all that libsvm takes on trust."""
    if not hasattr(machine, "support_vectors_"):
        return
    counts = machine._n_support
    n_vectors, n_classes = len(machine.support_), len(counts)
    is_precomputed = machine.kernel == "precomputed"
    n_pairs = comb(n_classes, 2)
    shapes = {
        "support_vectors_": (
            (0, 0) if is_precomputed else (n_vectors, machine.n_features_in_)
        ),
        "support_": (n_vectors,),
        "classes_": (n_classes,),
        "dual_coef_": (n_classes - 1, n_vectors),
        "_dual_coef_": (n_classes - 1, n_vectors),
        "intercept_": (n_pairs,),
        "_intercept_": (n_pairs,),
    }
    for attribute, shape in shapes.items():
        _check_shape(machine, attribute, shape)
    # Before version 1.8 scikit-learn has but the parameter.
    has_sigmoids = getattr(machine, "_effective_probability", machine.probability)
    n_sigmoids = n_pairs if has_sigmoids else 0
    for attribute in ("_probA", "_probB"):
        _check_shape(machine, attribute, (n_sigmoids,))
    if machine._sparse is not False:
        raise ValueError("SVC: only support vectors in dense arrays can be loaded")
    if n_classes < 2 or counts.min() < 0 or int(counts.sum(dtype=int)) != n_vectors:
        raise ValueError("SVC: _n_support does not add up to the support vectors")
    lowest = np.min(machine.support_, initial=0)
    highest = np.max(machine.support_, initial=0)
    if lowest < 0 or highest >= machine.shape_fit_[0]:
        raise ValueError("SVC: support_ has indices beyond the training samples")


def _check_shape(estimator, attribute, expected):
    """Compare the shape of an array with what other attributes imply."""
    actual = np.shape(getattr(estimator, attribute))
    if actual != expected:
        raise ValueError(
            f"{type(estimator).__name__}: {attribute} has the shape {actual}, but the "
            f"rest of the model needs {expected}"
        )


def _check_network(classifier):
    """Compare the weights with those that the parameters imply."""
    if not hasattr(classifier, "weights_"):
        return
    weights = classifier.weights_
    if not isinstance(weights, list) or not all(map(_holds_floats, weights)):
        raise ValueError("weights_ must be a list of arrays of floats")
    actual = [array.shape for array in weights]
    expected = _expected_shapes(classifier)
    if expected != actual:
        raise ValueError(
            f"{type(classifier).__name__}: the parameters need weights of the shapes "
            f"{expected}, but weights_ holds {actual}"
        )


def _holds_floats(array):
    """Tell an array of floats from everything else."""
    return isinstance(array, np.ndarray) and array.dtype.kind == "f"


def _expected_shapes(classifier):
    """Return the shapes that the weights of a network must have."""
    is_own = isinstance(classifier, NetworkClassifier)
    if is_own and network_name(classifier.network) is None:
        # A user's function may do what only works when the network is really built.
        classifier._examine()
        with classifier._lend_network() as network:
            return [array.shape for array in network.get_weights()]
    _check_depth(classifier)
    return classifier.design_network().find_weight_shapes()


def _check_depth(classifier):
    """Refuse more layers than weights, which would take forever to plan."""
    params = classifier.design_network().arguments
    layers = [value for value in params.values() if isinstance(value, (list, tuple))]
    n_layers = max(map(len, layers), default=0)
    if n_layers > len(classifier.weights_):
        raise ValueError(
            f"{type(classifier).__name__}: the parameters need {n_layers} layers, but "
            f"weights_ holds {len(classifier.weights_)} arrays"
        )


_CHECKS = {
    Pipeline: Pipeline._validate_steps,
    SVC: _check_support_vectors,
    BaseNetworkClassifier: _check_network,
}
