"""Recurrent networks with attention and nothing beside: two baselines of Table 4."""

import keras
from keras import initializers, layers

from skser.networks._branches import class_scores, recurrent_branch
from skser.networks._layers import (
    AttentionPooling,
    PackFrames,
    UnpackFrames,
    masked_average,
)
from skser.networks._seeds import seed_stream


def attention_blstm(
    n_features,
    n_classes,
    *,
    frame_units=(),
    recurrent_units=(128, 128),
    attention="additive",
    dropout=0.5,
    seed=None,
):
    r"""Build dense layers a frame, bidirectional LSTMs, attention and class scores.

    Parameters
    ----------
    n_features : int
        Number of features of a frame.
    n_classes : int
        Number of classes.
    frame_units : sequence of int, default=()
        Sizes of the rectified layers that each frame goes through by itself, as in
        [2]_.
    recurrent_units : sequence of int, default=(128, 128)
        Number of LSTM cells in each direction, of each layer.
    attention : {"additive", "linear", "uniform"}, default="additive"
        How the LSTM's outputs :math:`h_t` are scored: by
        :math:`w^\top \tanh(W h_t + b)`, by :math:`w^\top h_t`, or all alike, so that
        the mean takes the place of attention: the control of [1]_.
    dropout : float, default=0.5
        Share that is dropped in training behind each layer of a frame and behind the
        attention.
    seed : int, default=None
        Determines the initial weights and the dropout.

    Returns
    -------
    network : keras.Model
        From frames (batch, n_frames, n_features) and mask (batch, n_frames) to
        scores (batch, n_classes). Its layer "attention" also gives the weights,
        unless these are uniform.

    References
    ----------
    .. [1] C.-W. Huang and S. Narayanan, "Attention assisted discovery of sub-utterance
       structure in speech emotion recognition", Interspeech 2016.
    .. [2] S. Mirsamadi, E. Barsoum and C. Zhang, "Automatic speech emotion recognition
       using recurrent neural networks with local attention", ICASSP 2017.

    Examples
    --------
    >>> from skser.networks import attention_blstm
    >>> attention_blstm(40, 4, recurrent_units=(8,), seed=0).output_shape
    (None, 4)
    """
    seeds = seed_stream(seed)
    frames = keras.Input((None, n_features), name="frames")
    mask = keras.Input((None,), dtype="bool", name="mask")
    outputs = frames
    if frame_units:
        outputs = _transform_frames(frames, mask, frame_units, dropout, seeds)
    for units in recurrent_units:
        outputs = recurrent_branch(
            outputs, mask, units, bidirectional=True, seeds=seeds
        )
    pooled = _ATTENTIONS[attention](outputs, mask, seeds)
    pooled = layers.Dropout(dropout, seed=next(seeds))(pooled)
    scores = class_scores(pooled, n_classes, seeds=seeds)
    return keras.Model([frames, mask], scores, name="attention_blstm")


def _transform_frames(frames, mask, sizes, dropout, seeds):
    """Run rectified dense layers over each real frame by itself."""
    packed, *packing = PackFrames(gap=0)(frames, mask)
    for units in sizes:
        packed = layers.Dense(
            units,
            activation="relu",
            kernel_initializer=initializers.GlorotUniform(next(seeds)),
        )(packed)
        packed = layers.Dropout(dropout, seed=next(seeds))(packed)
    return UnpackFrames()(packed, *packing, mask)


def _attend(outputs, mask, seeds, *, units=None):
    """Pool by attention, in a layer that can be found by its name."""
    layer = AttentionPooling(units, seed=next(seeds), name="attention")
    return layer(outputs, mask)[0]


_ATTENTIONS = {
    "additive": lambda outputs, mask, seeds: _attend(
        outputs, mask, seeds, units=outputs.shape[-1]
    ),
    "linear": _attend,
    "uniform": lambda outputs, mask, seeds: masked_average(outputs, mask),
}
