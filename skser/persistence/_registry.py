"""Which classes and functions may be in a model file, and what of them is not kept.

No other class is ever looked up, whatever a file says. A class is imported when a file
names it. To add one is a line in `_CLASSES`, and a promise: that its state,
`get_params` and ``vars``, is data only, and that no such data can make its methods run
code or read memory that is not theirs; see `check_estimator` in ``_state.py`` for
those that need checks. Trees and nearest neighbours, whose compiled code follows stored
indices, are left out for that reason. Subclasses of ``BaseNetworkClassifier`` need
nothing else.
"""

from importlib import import_module

from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from skser.classifiers import BaseNetworkClassifier
from skser.ensembles import SoftVotingClassifier
from skser.features import (
    AcousticFeatures,
    OpenSmileFunctionals,
    PretrainedFeatures,
    SpeechDescriptors,
)
from skser.streaming import ByUtterance
from skser.whitening import PCAWhitening

# Name -> where it is imported from.
_CLASSES = {
    "AudioLoader": "skser.audio",
    "Framer": "skser.framing",
    "AcousticFeatures": "skser.features",
    "SpeechDescriptors": "skser.features",
    "Deltas": "skser.features",
    "ContextWindows": "skser.features",
    "FrameAveraging": "skser.features",
    "FrameStatistics": "skser.features",
    "FrameUnion": "skser.features",
    "OpenSmileFunctionals": "skser.features",
    "PretrainedFeatures": "skser.features",
    "FrameScaler": "skser.normalization",
    "UtteranceNormalizer": "skser.normalization",
    "SpeakerNormalizer": "skser.normalization",
    "ByUtterance": "skser.streaming",
    "PCAWhitening": "skser.whitening",
    "AttentionBLSTMClassifier": "skser.classifiers",
    "AttentionBLSTMFCNClassifier": "skser.classifiers",
    "AttentiveCNNClassifier": "skser.classifiers",
    "NetworkClassifier": "skser.classifiers",
    "SegmentPosteriors": "skser.classifiers",
    "SegmentStatistics": "skser.classifiers",
    "ShrunkenDiscriminantAnalysis": "skser.classifiers",
    "ELMClassifier": "skser.classifiers",
    "IVectors": "skser.ivectors",
    "MixtureAlignment": "skser.ivectors",
    "DeepBeliefAlignment": "skser.ivectors",
    "DeepBeliefNetwork": "skser.ivectors",
    "GaussianBernoulliRBM": "skser.ivectors",
    "TotalVariability": "skser.ivectors",
    "WCCN": "skser.ivectors",
    "AugmentedTraining": "skser.ensembles",
    "SoftVotingClassifier": "skser.ensembles",
    "Pipeline": "sklearn.pipeline",
    "FeatureUnion": "sklearn.pipeline",
    "LabelEncoder": "sklearn.preprocessing",
    "GridSearchCV": "sklearn.model_selection",
    "StandardScaler": "sklearn.preprocessing",
    "Normalizer": "sklearn.preprocessing",
    "PCA": "sklearn.decomposition",
    "SVC": "sklearn.svm",
    "LinearSVC": "sklearn.svm",
    "LogisticRegression": "sklearn.linear_model",
    "LinearDiscriminantAnalysis": "sklearn.discriminant_analysis",
    "GaussianMixture": "sklearn.mixture",
}
NAMES = tuple(_CLASSES)

# Networks that skser itself gives a NetworkClassifier. A user's function has no colon
# in its name, so that neither can be taken for the other.
_NETWORKS = {"skser:feedforward": ("skser.classifiers._segments", "feedforward")}

# What belongs to a machine or to training and not to a model: folders, an
# optimizer three times the size of its network, who was told how training went. The
# scorer of a search follows from its parameters, the names of voters from theirs.
_LEFT_OUT = (
    (Pipeline, "memory"),
    (AcousticFeatures, "cache"),
    (SpeechDescriptors, "cache"),
    (OpenSmileFunctionals, "cache"),
    (PretrainedFeatures, "cache"),
    (PCAWhitening, "temp_folder"),
    (ByUtterance, "temp_folder"),
    (BaseNetworkClassifier, "checkpoint"),
    (BaseNetworkClassifier, "_training_state"),
    (BaseNetworkClassifier, "_network_identity"),
    (BaseEstimator, "_skl_callbacks"),
    (GridSearchCV, "scorer_"),
    (GridSearchCV, "_checked_cv_orig"),
    (SoftVotingClassifier, "named_estimators_"),
)


def class_of(name):
    """Return the class of a name in a file.

    Parameters
    ----------
    name : str

    Returns
    -------
    class_ : type

    Raises
    ------
    ValueError
        If the class is not allowed.
    """
    if not isinstance(name, str) or name not in _CLASSES:
        raise ValueError(
            f"it holds an estimator {name!r}, which is not one of {', '.join(NAMES)}"
        )
    return getattr(import_module(_CLASSES[name]), name)


def name_of(class_):
    """Return the name of a class, or None if it is not allowed.

    Parameters
    ----------
    class_ : type
        A subclass of an allowed class is another class.

    Returns
    -------
    name : str or None

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> name_of(PCA)
    'PCA'
    >>> name_of(dict) is None
    True
    """
    name = class_.__name__
    return name if name in _CLASSES and class_of(name) is class_ else None


def is_left_out(class_, attribute):
    """Tell whether a parameter or attribute is neither saved nor loaded.

    Parameters
    ----------
    class_ : type
    attribute : str

    Returns
    -------
    is_left_out : bool

    Examples
    --------
    >>> from sklearn.pipeline import Pipeline
    >>> is_left_out(Pipeline, "memory"), is_left_out(Pipeline, "steps")
    (True, False)
    """
    return any(issubclass(class_, c) and attribute == a for c, a in _LEFT_OUT)


def network_name(function):
    """Return the name of skser's own function that builds a network, or None.

    Parameters
    ----------
    function : callable

    Returns
    -------
    name : str or None
    """
    return next((name for name in _NETWORKS if network_of(name) is function), None)


def network_of(name):
    """Return the function of skser's that builds the network of this name, or None.

    Parameters
    ----------
    name : str

    Returns
    -------
    function : callable or None
    """
    if name not in _NETWORKS:
        return None
    module, function = _NETWORKS[name]
    return getattr(import_module(module), function)
