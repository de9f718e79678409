"""Which classes and functions may be in a model file, and what of them is not kept.

No other class is ever looked up, whatever a file says: those of the user's own he hands
over himself. A class of the table is imported when a file names it. To add one is a
line in `_CLASSES`, and a promise: that its state, `get_params` and ``vars``, is data
only, and that no such data can make its methods run code or read memory that is not
theirs; see `check_estimator` in ``_state.py`` for those that need checks. Trees and
nearest neighbours, whose compiled code follows stored indices, are left out for that
reason. Subclasses of ``BaseNetworkEstimator`` need nothing else.
"""

from importlib import import_module

from sklearn.base import BaseEstimator

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
    "ByUtterance": "skser.out_of_core",
    "PCAWhitening": "skser.whitening",
    "AttentionBLSTMClassifier": "skser.classifiers",
    "AttentionBLSTMFCNClassifier": "skser.classifiers",
    "AttentiveCNNClassifier": "skser.classifiers",
    "NetworkClassifier": "skser.classifiers",
    "AttentionBLSTMFCNRegressor": "skser.regressors",
    "NetworkRegressor": "skser.regressors",
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
    "RejectOption": "skser.ensembles",
    "ScaledTargetRegressor": "skser.ensembles",
    "Pipeline": "sklearn.pipeline",
    "FeatureUnion": "sklearn.pipeline",
    "LabelEncoder": "sklearn.preprocessing",
    "GridSearchCV": "sklearn.model_selection",
    "StandardScaler": "sklearn.preprocessing",
    "Normalizer": "sklearn.preprocessing",
    "PCA": "sklearn.decomposition",
    "SVC": "sklearn.svm",
    "LinearSVC": "sklearn.svm",
    "SVR": "sklearn.svm",
    "Ridge": "sklearn.linear_model",
    "LogisticRegression": "sklearn.linear_model",
    "LinearDiscriminantAnalysis": "sklearn.discriminant_analysis",
    "GaussianMixture": "sklearn.mixture",
}
NAMES: tuple[str, ...] = tuple(_CLASSES)

# Networks that skser itself gives a NetworkClassifier. A user's function has no colon
# in its name, so that neither can be taken for the other.
_NETWORKS = {"skser:feedforward": ("skser.classifiers._segments", "feedforward")}

# What belongs to a machine or to training and not to a model: folders, folds, an
# optimizer three times the size of its network, who was told how training went. The
# scorer of a search follows from its parameters, the names of voters from theirs.
_LEFT_OUT = (
    ("Pipeline", "memory"),
    ("AcousticFeatures", "cache"),
    ("SpeechDescriptors", "cache"),
    ("OpenSmileFunctionals", "cache"),
    ("PretrainedFeatures", "cache"),
    ("PCAWhitening", "temp_folder"),
    ("ByUtterance", "temp_folder"),
    ("BaseNetworkEstimator", "checkpoint"),
    ("BaseNetworkEstimator", "_training_state"),
    ("BaseNetworkEstimator", "_network_identity"),
    ("BaseNetworkEstimator", "_objective"),
    ("BaseEstimator", "_skl_callbacks"),
    ("GridSearchCV", "scorer_"),
    ("GridSearchCV", "_checked_cv_orig"),
    ("SoftVotingClassifier", "named_estimators_"),
    ("RejectOption", "cv"),
)


def check_trusted(trusted):
    """Refuse what cannot be trusted to be an estimator: all but classes of them.

    Parameters
    ----------
    trusted : object
        What the user passed.

    Returns
    -------
    trusted : tuple of type

    Raises
    ------
    TypeError
    """
    classes = (trusted,) if isinstance(trusted, (str, type)) else tuple(trusted)
    for class_ in classes:
        if not isinstance(class_, type) or not issubclass(class_, BaseEstimator):
            raise TypeError(
                "trusted must be a list of classes that derive from "
                "sklearn.base.BaseEstimator, such as trusted=[MyFeature], but has "
                f"{class_!r:.200}."
            )
    return classes


def own_name(class_):
    """Return the name that a class of the user's has in a file.

    It has a colon, so that it cannot be taken for a name of the table.

    Parameters
    ----------
    class_ : type

    Returns
    -------
    name : str

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> own_name(PCA)
    'sklearn.decomposition._pca:PCA'
    """
    return f"{class_.__module__}:{class_.__qualname__}"


def class_of(name, trusted=()):
    """Return the class of a name in a file.

    Parameters
    ----------
    name : str
    trusted : tuple of type, default=()
        The user's own, which a file names by `own_name`. One of a script or notebook,
        ``__main__``, may have moved into a module since.

    Returns
    -------
    class_ : type

    Raises
    ------
    ValueError
        If the class is not allowed.
    """
    if isinstance(name, str) and ":" in name:
        return _find_trusted(name, trusted)
    if not isinstance(name, str) or name not in _CLASSES:
        raise ValueError(
            f"it holds an estimator {name!r:.200}, which is not one of "
            f"{', '.join(NAMES)}"
        )
    return getattr(import_module(_CLASSES[name]), name)


def _find_trusted(name, trusted):
    """Return the class of the user's that a file names, if he trusts it."""
    module, _, short = name.partition(":")
    for class_ in trusted:
        is_moved = module == "__main__" and class_.__qualname__ == short
        if own_name(class_) == name or is_moved:
            return class_
    given = ", ".join(map(own_name, trusted)) or "nothing"
    raise ValueError(
        f"it holds {name!r:.200}, a class that is not of skser, of which it has but "
        f"the name; trusted names {given}. If it is yours, pass it: "
        f"skser.load(path, trusted=[{short:.100}])"
    )


def name_of(class_, trusted=()):
    """Return the name of a class, or None if it is not allowed.

    Parameters
    ----------
    class_ : type
        A subclass of an allowed class is another class.
    trusted : tuple of type, default=()
        The user's own that are allowed, too.

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
    if name in _CLASSES and class_of(name) is class_:
        return name
    return own_name(class_) if class_ in trusted else None


def base_name(class_):
    """Return the name of a class of the table, or of the nearest base that is in it.

    A class of the user's own keeps to what its base promises.

    Parameters
    ----------
    class_ : type

    Returns
    -------
    name : str or None

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> class MyPCA(PCA):
    ...     pass
    >>> base_name(MyPCA)
    'PCA'
    """
    return next(filter(None, map(name_of, class_.__mro__)), None)


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
    return any(attribute == a and derives(class_, name) for name, a in _LEFT_OUT)


def derives(class_, name):
    """Tell whether a class is of skser or scikit-learn, or derives from one of them.

    What is asked for is not imported: a process that uses no network should not wait
    for those who do.

    Parameters
    ----------
    class_ : type
    name : str
        Of a class of skser's or scikit-learn's.

    Returns
    -------
    derives : bool

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> derives(PCA, "PCA"), derives(PCA, "BaseEstimator"), derives(PCA, "Pipeline")
    (True, True, False)
    """
    return any(
        base.__name__ == name
        and base.__module__.partition(".")[0] in ("skser", "sklearn")
        for base in class_.__mro__
    )


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
