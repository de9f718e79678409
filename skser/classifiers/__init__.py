"""Arrays in, labels out: classifiers that scikit-learn takes for its own."""

from skser.classifiers._attention_blstm_fcn import AttentionBLSTMFCNClassifier
from skser.classifiers._elm import ELMClassifier
from skser.classifiers._network import BaseNetworkClassifier, NetworkClassifier
from skser.classifiers._segments import SegmentPosteriors, SegmentStatistics

__all__ = [
    "AttentionBLSTMFCNClassifier",
    "BaseNetworkClassifier",
    "ELMClassifier",
    "NetworkClassifier",
    "SegmentPosteriors",
    "SegmentStatistics",
]
