"""Speech emotion recognition with scikit-learn's own tools.

The names stand in the order of the signal: recordings, frames, features, whitened
components, labels. Each module is imported when one of its names is first used,
TensorFlow when a network is first fitted.
"""

import lazy_loader

__version__ = "0.2.0.dev0"

# Names are imported when they are first used (lazy imports): `__init__.pyi` says from
# where. So the program can tell its version at once.
__getattr__, __dir__, _ = lazy_loader.attach_stub(__name__, __file__)

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
    "datasets",
    "frame",
    "load",
    "load_audio",
    "metrics",
    "model_selection",
    "save",
    "systems",
]
