"""Arrays in, labels out: classifiers that scikit-learn takes for its own."""

from skser.classifiers._attention_blstm import AttentionBLSTMClassifier
from skser.classifiers._attention_blstm_fcn import AttentionBLSTMFCNClassifier
from skser.classifiers._attentive_cnn import AttentiveCNNClassifier
from skser.classifiers._discriminant import ShrunkenDiscriminantAnalysis
from skser.classifiers._elm import ELMClassifier
from skser.classifiers._network import (
    BaseNetworkClassifier,
    NetworkClassifier,
    with_training_parameters,
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
    "with_training_parameters",
]
