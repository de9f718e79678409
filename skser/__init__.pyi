# The public names of the package and where they are: `__init__.py` imports a module
# when one of its names is first used.

from . import (
    annotations,
    audio,
    classifiers,
    datasets,
    ensembles,
    exceptions,
    features,
    framing,
    ivectors,
    metrics,
    model_selection,
    networks,
    normalization,
    out_of_core,
    persistence,
    plotting,
    regressors,
    storage,
    systems,
    timeline,
    training,
    whitening,
)
from .audio import AudioLoader, Segment, load_audio
from .classifiers import AttentionBLSTMFCNClassifier, NetworkClassifier
from .features import AcousticFeatures
from .framing import Framer, frame
from .persistence import load, save
from .regressors import AttentionBLSTMFCNRegressor, NetworkRegressor
from .whitening import PCAWhitening

__version__: str

# What is not here, type checkers take for private.
__all__ = [
    "AcousticFeatures",
    "AttentionBLSTMFCNClassifier",
    "AttentionBLSTMFCNRegressor",
    "AudioLoader",
    "Framer",
    "NetworkClassifier",
    "NetworkRegressor",
    "PCAWhitening",
    "Segment",
    "__version__",
    "annotations",
    "audio",
    "classifiers",
    "datasets",
    "ensembles",
    "exceptions",
    "features",
    "frame",
    "framing",
    "ivectors",
    "load",
    "load_audio",
    "metrics",
    "model_selection",
    "networks",
    "normalization",
    "out_of_core",
    "persistence",
    "plotting",
    "regressors",
    "save",
    "storage",
    "systems",
    "timeline",
    "training",
    "whitening",
]
