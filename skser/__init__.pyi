# The public names of the package and where they are: `__init__.py` imports a module
# when one of its names is first used.
# ruff: noqa: F401

from . import (
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
    persistence,
    plotting,
    storage,
    streaming,
    systems,
    training,
    whitening,
)
from .audio import AudioLoader, Segment, load_audio
from .classifiers import AttentionBLSTMFCNClassifier, NetworkClassifier
from .features import AcousticFeatures
from .framing import Framer, frame
from .persistence import load, save
from .whitening import PCAWhitening

__version__: str
