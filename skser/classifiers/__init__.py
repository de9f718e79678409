"""Arrays in, labels out: classifiers that scikit-learn takes for its own."""

from skser.classifiers._attention_blstm_fcn import AttentionBLSTMFCNClassifier
from skser.classifiers._network import BaseNetworkClassifier, NetworkClassifier

__all__ = ["AttentionBLSTMFCNClassifier", "BaseNetworkClassifier", "NetworkClassifier"]
