"""From frames of samples to 743 acoustic features a frame."""

from skser.features._catalogue import CATALOGUE, Feature
from skser.features._context import ContextWindows, Deltas
from skser.features._descriptors import SpeechDescriptors
from skser.features._extractor import AcousticFeatures
from skser.features._functionals import OpenSmileFunctionals

__all__ = [
    "CATALOGUE",
    "AcousticFeatures",
    "ContextWindows",
    "Deltas",
    "Feature",
    "OpenSmileFunctionals",
    "SpeechDescriptors",
]
