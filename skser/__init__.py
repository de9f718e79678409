"""Speech emotion recognition with scikit-learn's own tools.

The names stand in the order of the signal: recordings, frames, features, whitened
components, labels. TensorFlow is imported only when a network is first fitted.
"""

__version__ = "0.1.0.dev0"  # before the imports: modules of the package read it

from skser import datasets, metrics, model_selection, systems
from skser.audio import AudioLoader, Segment, load_audio
from skser.classifiers import AttentionBLSTMFCNClassifier, NetworkClassifier
from skser.features import AcousticFeatures
from skser.framing import Framer, frame
from skser.persistence import load, save
from skser.whitening import PCAWhitening

__all__ = [
    "AcousticFeatures",
    "AttentionBLSTMFCNClassifier",
    "AudioLoader",
    "Framer",
    "NetworkClassifier",
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
