"""Acoustic features: 743 per frame, short-time descriptors, functionals, unions."""

from skser.features._analysis import FrameAnalysis
from skser.features._catalogue import CATALOGUE, Feature
from skser.features._context import ContextWindows, Deltas, FrameAveraging
from skser.features._descriptors import SpeechDescriptors
from skser.features._export import export_encoder
from skser.features._extractor import AcousticFeatures
from skser.features._functionals import FrameStatistics, OpenSmileFunctionals
from skser.features._pretrained import PretrainedFeatures
from skser.features._union import FrameUnion

__all__ = [
    "CATALOGUE",
    "AcousticFeatures",
    "ContextWindows",
    "Deltas",
    "Feature",
    "FrameAnalysis",
    "FrameAveraging",
    "FrameStatistics",
    "FrameUnion",
    "OpenSmileFunctionals",
    "PretrainedFeatures",
    "SpeechDescriptors",
    "export_encoder",
]
