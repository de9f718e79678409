"""Networks as functions from sizes to Keras models; no scikit-learn here.

Importing this package imports TensorFlow. ``import skser`` does not.
"""

from skser.networks._attention_blstm import attention_blstm
from skser.networks._attention_blstm_fcn import attention_blstm_fcn
from skser.networks._attentive_cnn import attentive_cnn
from skser.networks._feedforward import feedforward
from skser.networks._layers import AttentionPooling, ReverseFrames

__all__ = [
    "AttentionPooling",
    "ReverseFrames",
    "attention_blstm",
    "attention_blstm_fcn",
    "attentive_cnn",
    "feedforward",
]
