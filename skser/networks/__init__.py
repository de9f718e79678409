"""Networks as functions from sizes to Keras models, and their layers with masks.

Importing this package imports TensorFlow. ``import skser`` does not.
"""

from skser._compat import start_quietly

start_quietly()

# ruff: noqa: E402
from skser.networks._attention_blstm_fcn import attention_blstm_fcn
from skser.networks._baselines import attention_blstm, attentive_cnn, feedforward
from skser.networks._layers import (
    AttentionPooling,
    AverageUtterances,
    PackedConvolution,
    PackFrames,
    UnpackFrames,
    masked_average,
    masked_maximum,
    masked_softmax,
    seed_stream,
    zero_padding,
)
from skser.networks._lstm import LSTM, ReverseFrames

__all__ = [
    "LSTM",
    "AttentionPooling",
    "AverageUtterances",
    "PackFrames",
    "PackedConvolution",
    "ReverseFrames",
    "UnpackFrames",
    "attention_blstm",
    "attention_blstm_fcn",
    "attentive_cnn",
    "feedforward",
    "masked_average",
    "masked_maximum",
    "masked_softmax",
    "seed_stream",
    "zero_padding",
]
