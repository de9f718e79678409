"""Classifiers for scikit-learn: networks over utterances, segments, ELM."""

from skser.classifiers._classifier import BaseNetworkClassifier
from skser.classifiers._discriminant import ShrunkenDiscriminantAnalysis
from skser.classifiers._elm import ELMClassifier
from skser.classifiers._networks import (
    AttentionBLSTMClassifier,
    AttentionBLSTMFCNClassifier,
    AttentiveCNNClassifier,
    NetworkClassifier,
)
from skser.classifiers._segments import SegmentPosteriors, SegmentStatistics

__all__ = [
    "AttentionBLSTMClassifier",
    "AttentionBLSTMFCNClassifier",
    "AttentiveCNNClassifier",
    "BaseNetworkClassifier",
    "ELMClassifier",
    "NetworkClassifier",
    "SegmentPosteriors",
    "SegmentStatistics",
    "ShrunkenDiscriminantAnalysis",
]
