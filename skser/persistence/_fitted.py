"""What `fit` leaves in each class that a model file may hold: types, dtypes, shapes.

Methods trust what `fit` has left. Where a file has put something else, they would
answer nonsense, end in an error about something else or, in compiled code, read memory
that is not theirs. So each attribute that a method uses has a line here.

An attribute is described by a kind and, for arrays, a shape, such as ``"float[k,n]"``:

=============  =================================================================
float[...]     a plain array of floats, of the machine's byte order
positive[...]  the same, and all greater than zero
int[...]       a plain array of integers
labels[c]      a plain array of different labels, sorted
number         a real number that is finite
amount         the same, and not below zero
=n             an integer: the length that the letter stands for
list[k], dict  a list of so many items; a dict
a class        by its name, an estimator of this class; `estimator` is any
=============  =================================================================

Letters are lengths: n of the features, c of the classes, r of the rows of a linear
classifier, 1 of two classes; others are the same number wherever they stand in the
class; ``?`` is any length. A ``?`` at the end stands for what may be missing or None,
``|`` for one or the other.
"""

import math
import numbers
import re
from itertools import pairwise

import numpy as np

from skser.persistence._registry import base_name

_LINES = {
    "n_features_in_": "=n",
    "classes_": "labels[c]",
    "coef_": "float[r,n]",
    "intercept_": "float[r]",
}
_SCALES = {"n_features_in_": "=n", "mean_": "float[n]", "scale_": "positive[n]"}
_MIXTURE = {
    "n_features_in_": "=n",
    "weights_": "positive[k]",
    "means_": "float[k,n]",
}
_WIDTH = {"n_features_in_": "=n"}
_NETWORK = {
    "n_features_in_": "=n",
    "classes_": "labels[c]",
    "weights_": "list[?]",
    "n_frames_": "=f?",
    "n_ratings_": "=g?",
}
# Of numbers instead of classes.
_REGRESSOR = {
    "n_features_in_": "=n",
    "weights_": "list[?]",
    "n_frames_": "=f?",
    "target_mean_": "number|float[t]",
    "target_scale_": "amount|positive[t]",
}

FITTED = {
    "StandardScaler": {
        "n_features_in_": "=n",
        "n_samples_seen_": "amount|int[n]",
        "mean_": "float[n]?",
        "var_": "float[n]?",
        "scale_": "positive[n]?",
    },
    "Normalizer": _WIDTH,
    "PCA": {
        "n_features_in_": "=n",
        "n_components_": "=k",
        "mean_": "float[n]",
        "components_": "float[k,n]",
        "explained_variance_": "float[k]",
        "explained_variance_ratio_": "float[k]",
        "singular_values_": "float[k]",
        "noise_variance_": "amount",
    },
    "SVC": {
        "n_features_in_": "=n",
        "classes_": "labels[c]",
        "class_weight_": "float[c]",
        "_gamma": "amount",
    },
    "SVR": {"n_features_in_": "=n", "_gamma": "amount"},
    "Ridge": {
        "n_features_in_": "=n",
        "coef_": "float[n]|float[k,n]",
        "intercept_": "number|float[k]",
    },
    "ScaledTargetRegressor": {
        "n_features_in_": "=n",
        "estimators_": "list[k]",
        "scaler_": "StandardScaler",
        "target_ndim_": "=d",
    },
    "LinearSVC": _LINES | {"intercept_": "float[r]|number"},
    "LogisticRegression": _LINES,
    "LinearDiscriminantAnalysis": _LINES
    | {
        "priors_": "float[c]",
        "means_": "float[c,n]",
        "_max_components": "=m",
        "_n_features_out": "=m",
        "covariance_": "float[n,n]?",
        "xbar_": "float[n]?",
        "scalings_": "float[n,?]?",
        "explained_variance_ratio_": "float[?]?",
    },
    "GaussianMixture": _MIXTURE,
    "PCAWhitening": {
        "n_features_in_": "=n",
        "n_components_": "=k",
        "n_frames_seen_": "amount",
        "offset_": "float[n]",
        "lower_": "float[n]",
        "upper_": "float[n]",
        "mean_": "float[n]",
        "scale_": "positive[n]",
        "components_": "float[k,n]",
        "explained_variance_": "float[k]",
        "explained_variance_ratio_": "float[k]",
    },
    "FrameScaler": _SCALES,
    "SpeakerNormalizer": _SCALES | {"n_speakers_seen_": "amount"},
    "UtteranceNormalizer": _WIDTH,
    "Deltas": _WIDTH,
    "ContextWindows": _WIDTH,
    "FrameAveraging": _WIDTH,
    "FrameStatistics": _WIDTH,
    "SegmentStatistics": _WIDTH,
    "WCCN": {"n_features_in_": "=n", "projection_": "float[n,n]"},
    "ShrunkenDiscriminantAnalysis": _LINES
    | {"coef_": "float[c,n]", "intercept_": "float[c]"},
    "ELMClassifier": {
        "n_features_in_": "=n",
        "classes_": "labels[c]",
        "coef_": "float[k,c]",
    },
    "GaussianBernoulliRBM": {
        "n_features_in_": "=n",
        "components_": "float[k,n]",
        "intercept_hidden_": "float[k]",
        "intercept_visible_": "float[n]",
    },
    "DeepBeliefNetwork": {
        "n_features_in_": "=n",
        "classes_": "labels[c]?",
        "scaler_": "StandardScaler",
        "layers_": "list[?]",
        "heads_": "dict",
    },
    "MixtureAlignment": {"n_features_in_": "=n", "mixture_": "GaussianMixture"},
    "DeepBeliefAlignment": {
        "n_features_in_": "=n",
        "classes_": "labels[c]",
        "mixture_": "GaussianMixture",
        "class_mixtures_": "list[?]",
        "network_": "DeepBeliefNetwork",
    },
    "TotalVariability": {
        "means_": "float[k,?]",
        "covariances_": "positive[k,?]",
        "loadings_": "float[k,?,d]",
    },
    "IVectors": {
        "n_features_in_": "=n",
        "alignment_": "MixtureAlignment|DeepBeliefAlignment",
        "total_variability_": "TotalVariability",
    },
    "SegmentPosteriors": {
        "n_features_in_": "=n",
        "classes_": "labels[c]",
        "network_": "NetworkClassifier",
    },
    "AttentionBLSTMClassifier": _NETWORK,
    "AttentionBLSTMFCNClassifier": _NETWORK,
    "AttentiveCNNClassifier": _NETWORK,
    "NetworkClassifier": _NETWORK,
    "AttentionBLSTMFCNRegressor": _REGRESSOR,
    "NetworkRegressor": _REGRESSOR,
    "SoftVotingClassifier": {
        "classes_": "labels[c]",
        "estimators_": "list[?]",
        "le_": "LabelEncoder",
    },
    "RejectOption": {
        "classes_": "labels[c]",
        "estimator_": "estimator",
        "threshold_": "float",
        "unknown_label_": "str|float|int",
    },
    "LabelEncoder": {"classes_": "labels[c]"},
    "GridSearchCV": {
        "best_index_": "number?",
        "best_params_": "dict?",
        "best_estimator_": "estimator?",
        "cv_results_": "dict",
    },
}

# What depends on a parameter: class, parameter and its value -> more of the same.
_VARIANTS = {
    ("GaussianMixture", "covariance_type", "full"): {
        "precisions_cholesky_": "float[k,n,n]",
        "covariances_": "float[k,n,n]",
    },
    ("GaussianMixture", "covariance_type", "tied"): {
        "precisions_cholesky_": "float[n,n]",
        "covariances_": "float[n,n]",
    },
    ("GaussianMixture", "covariance_type", "diag"): {
        "precisions_cholesky_": "positive[k,n]",
        "covariances_": "positive[k,n]",
    },
    ("GaussianMixture", "covariance_type", "spherical"): {
        "precisions_cholesky_": "positive[k]",
        "covariances_": "positive[k]",
    },
    ("LinearDiscriminantAnalysis", "solver", "svd"): {
        "xbar_": "float[n]",
        "scalings_": "float[n,?]",
    },
    ("LinearDiscriminantAnalysis", "solver", "eigen"): {"scalings_": "float[n,n]"},
    ("ELMClassifier", "kernel", None): {
        "hidden_weights_": "float[n,k]",
        "hidden_bias_": "float[k]",
    },
    ("ELMClassifier", "kernel", "rbf"): {
        "X_fit_": "float[k,n]",
        "gamma_": "amount",
    },
    ("StandardScaler", "with_mean", True): {"mean_": "float[n]"},
    ("StandardScaler", "with_std", True): {"scale_": "positive[n]", "var_": "float[n]"},
}
# Beyond these, squares and quotients are no numbers any more; no features lead there.
SMALLEST, LARGEST = 1e-100, 1e100
_ARRAY_KINDS = {"float": "f", "positive": "f", "int": "iu", "labels": "biufUO"}
_SPECIFICATION = re.compile(r"(\w+)\[([^]]*)\]")


def check_fitted(estimator):
    """Raise an error if an estimator does not hold what `fit` leaves in its class.

    Parameters
    ----------
    estimator : estimator instance
        Of a class of the registry. One that is not fitted has nothing to be checked.

    Raises
    ------
    ValueError
        With the attribute, what it must be and what it is.
    """
    class_name = base_name(type(estimator))
    expected = dict(FITTED.get(class_name, {}))
    for (name, parameter, value), more in _VARIANTS.items():
        if name == class_name and getattr(estimator, parameter) == value:
            expected |= more
    found = vars(estimator)
    # What scikit-learn takes for fitted, whatever it is that stands there.
    if not any(name.endswith("_") and not name.startswith("__") for name in found):
        return
    lengths = {}
    for attribute, text in expected.items():
        value = found.get(attribute)
        is_optional = text.endswith("?")
        if value is None and is_optional:
            continue
        options = text.removesuffix("?").split("|")
        if not any(_fits(value, option, lengths) for option in options):
            lengths_known = ", ".join(f"{k} = {v}" for k, v in lengths.items())
            raise ValueError(
                f"{class_name}: {attribute} must be {' or '.join(options)}"
                f"{f' ({lengths_known})' if lengths else ''}, not {_describe(value)}"
            )
    more = _MORE.get(class_name)
    if more is not None and not more(estimator):
        raise ValueError(f"{class_name}: its parts do not belong together")


def _fits(value, text, lengths):
    """Tell whether a value is what a specification says; learn the lengths in it."""
    if text.startswith("="):
        is_integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
        return is_integer and value >= 0 and _agrees(text[1:], int(value), lengths)
    if text in ("number", "amount"):
        is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        lowest = -math.inf if text == "number" else 0
        return is_number and math.isfinite(value) and value >= lowest
    if text == "dict":
        return type(value) is dict
    if text == "estimator":
        return hasattr(value, "get_params") and not isinstance(value, type)
    match = _SPECIFICATION.fullmatch(text)
    if match is None:
        return type(value).__name__ == text
    kind, letters = match[1], match[2].split(",")
    if kind == "list":
        is_list = type(value) is list
        return is_list and _agrees(letters[0], len(value), lengths)
    is_plain = type(value) in (np.ndarray, np.memmap) and value.dtype.isnative
    if not is_plain or value.dtype.kind not in _ARRAY_KINDS[kind]:
        return False
    if value.ndim != len(letters):
        return False
    if not all(map(_agrees, letters, value.shape, [lengths] * value.ndim)):
        return False
    if kind == "labels":
        lengths["r"] = 1 if len(value) == 2 else len(value)
        return _are_sorted(value)
    # NaN and infinity, where they may stand, are no fault of the size.
    known = value[np.isfinite(value)] if value.dtype.kind == "f" else value
    if not known.size:
        return True
    lowest = SMALLEST if kind == "positive" else -LARGEST
    # As Python's numbers, which have room for both bounds whatever the dtype.
    return known.min().item() >= lowest and known.max().item() <= LARGEST


def _agrees(letter, length, lengths):
    """Tell whether a length is the one that the letter stands for; learn a new one."""
    return letter == "?" or lengths.setdefault(letter, length) == length


def _are_sorted(labels):
    """Tell whether labels are different and in the order that `fit` gives them."""
    try:
        return len(labels) > 0 and all(a < b for a, b in pairwise(labels.tolist()))
    except TypeError:
        return False


def _describe(value):
    """Say what a value is, in few words."""
    if isinstance(value, np.ndarray):
        return f"a {type(value).__name__} of {value.dtype} of the shape {value.shape}"
    if isinstance(value, (list, tuple, dict)):
        return f"a {type(value).__name__} of {len(value)} items"
    return "missing" if value is None else f"{value!r:.60}"


def _check_layers(network):
    """Tell whether the layers of a deep belief network follow each other."""
    width = network.n_features_in_
    for pair in network.layers_:
        if not _is_layer(pair, {"n": width}):
            return False
        width = len(pair[1])
    heads = network.heads_
    if not set(heads) <= {"labels", "mixtures"} or not network.layers_:
        return False
    if "labels" in heads and not hasattr(network, "classes_"):
        return False
    for name, pair in heads.items():
        known = {"n": width}
        if name == "labels":
            known["k"] = len(network.classes_)
        if not _is_layer(pair, known):
            return False
    return network.scaler_.n_features_in_ == network.n_features_in_


def _is_layer(pair, lengths):
    """Tell whether a value is a pair of weights and biases of the right lengths."""
    return (
        isinstance(pair, (tuple, list))
        and len(pair) == 2
        and _fits(pair[0], "float[n,k]", lengths)
        and _fits(pair[1], "float[k]", lengths)
    )


def _check_vote(vote):
    """Tell whether the members of a vote have as many classes as the vote."""
    n_members = sum(member != "drop" for _, member in vote.estimators)
    return (
        len(vote.estimators_) == n_members
        and (vote.weights is None or len(vote.weights) == len(vote.estimators))
        and np.array_equal(vote.le_.classes_, vote.classes_)
        and all(
            hasattr(member, "predict_proba")
            and len(getattr(member, "classes_", vote.classes_)) == len(vote.classes_)
            for member in vote.estimators_
        )
    )


def _check_reject_option(option):
    """Tell whether the classifier has the same classes, and there is a threshold."""
    classifier = option.estimator_
    is_text = option.classes_.dtype.kind == "U"
    return (
        hasattr(classifier, "predict_proba")
        and np.array_equal(getattr(classifier, "classes_", ()), option.classes_)
        and option.threshold_ >= 0  # not NaN
        and isinstance(option.unknown_label_, str) == is_text
        and option.unknown_label_ not in option.classes_.tolist()
        and getattr(option, "n_features_in_", None)
        == getattr(classifier, "n_features_in_", None)
    )


def _check_ivectors(ivectors):
    """Tell whether alignment and loadings have the same mixtures and features."""
    alignment, variability = ivectors.alignment_, ivectors.total_variability_
    if not (hasattr(alignment, "mixture_") and hasattr(variability, "loadings_")):
        return False
    means = alignment.mixture_.means_
    loadings = variability.loadings_
    return (
        means.shape[1] == ivectors.n_features_in_ == alignment.n_features_in_
        and loadings.shape[1] == variability.means_.shape[1] == means.shape[1]
        and variability.covariances_.shape == variability.means_.shape
        and (
            type(alignment).__name__ != "MixtureAlignment"
            or len(loadings) == len(means)
        )
    )


def _has_width(attribute):
    """Return what tells whether a part takes as many features as the whole."""

    def has_width(estimator):
        part = getattr(estimator, attribute)
        return getattr(part, "n_features_in_", None) == estimator.n_features_in_

    return has_width


def _check_segments(estimator):
    """Tell whether the network of segments is fitted, for the same classes."""
    network = estimator.network_
    width = estimator.n_features_in_ * (2 * estimator.n_context + 1)
    return (
        np.array_equal(getattr(network, "classes_", ()), estimator.classes_)
        and network.n_features_in_ == width
        and -estimator.n_features_in_ <= estimator.energy_column
        and estimator.energy_column < estimator.n_features_in_
    )


def _check_class_mixtures(alignment):
    """Tell whether all mixtures are fitted, for as many features."""
    mixtures = [alignment.mixture_, *alignment.class_mixtures_]
    return len(alignment.class_mixtures_) == len(alignment.classes_) and all(
        getattr(mixture, "n_features_in_", None) == alignment.n_features_in_
        for mixture in mixtures
    )


def _check_precisions(mixture):
    """Tell whether the factors of full precisions have logarithms, and weights sum."""
    factors = mixture.precisions_cholesky_
    if mixture.covariance_type in ("full", "tied"):
        diagonals = np.diagonal(factors, axis1=-2, axis2=-1)
        if not (diagonals > 0).all():
            return False
    return bool(abs(mixture.weights_.sum() - 1) < 1e-3)


def _check_bounds(whitening):
    """Tell whether bounds are in order, and offsets have logarithms or are missing."""
    lower, upper, offset = whitening.lower_, whitening.upper_, whitening.offset_
    return bool((lower <= upper).all() and not (offset <= 0).any())


def _check_discriminants(analysis):
    """Tell whether as many discriminants are kept as `fit` keeps."""
    n_most = min(len(analysis.classes_) - 1, analysis.n_features_in_)
    n_kept = n_most if analysis.n_components is None else analysis.n_components
    return analysis._max_components == n_kept <= n_most


def _check_scales(regressor):
    """Tell whether each target has a mean and a scale."""
    mean, scale = regressor.target_mean_, regressor.target_scale_
    return np.shape(mean) == np.shape(scale) and bool(np.min(scale) > 0)


_MORE = {
    "PCAWhitening": _check_bounds,
    "LinearDiscriminantAnalysis": _check_discriminants,
    "DeepBeliefNetwork": _check_layers,
    "SoftVotingClassifier": _check_vote,
    "RejectOption": _check_reject_option,
    "IVectors": _check_ivectors,
    "MixtureAlignment": _has_width("mixture_"),
    "SegmentPosteriors": _check_segments,
    "DeepBeliefAlignment": _check_class_mixtures,
    "GaussianMixture": _check_precisions,
    "AttentionBLSTMFCNRegressor": _check_scales,
    "NetworkRegressor": _check_scales,
}
