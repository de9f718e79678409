"""From frames of samples to 743 acoustic features a frame."""

from skser.features._catalogue import CATALOGUE, Feature
from skser.features._context import ContextWindows, Deltas, FrameAveraging
from skser.features._descriptors import SpeechDescriptors
from skser.features._export import export_encoder
from skser.features._extractor import AcousticFeatures
from skser.features._functionals import OpenSmileFunctionals
from skser.features._pretrained import PretrainedFeatures
from skser.features._statistics import FrameStatistics

__all__ = [
    "CATALOGUE",
    "AcousticFeatures",
    "ContextWindows",
    "Deltas",
    "Feature",
    "FrameAveraging",
    "FrameStatistics",
    "OpenSmileFunctionals",
    "PretrainedFeatures",
    "SpeechDescriptors",
    "export_encoder",
]
