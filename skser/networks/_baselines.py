"""Networks of Table 4 and of DNN-ELM: attention BLSTM, attentive CNN, feedforward."""

from collections.abc import Sequence

import keras
from keras import initializers, layers, ops

from skser.networks._layers import (
    AttentionPooling,
    PackedConvolution,
    PackFrames,
    UnpackFrames,
    all_scores,
    hidden_layers,
    masked_average,
    recurrent_branch,
    seed_stream,
)


def attention_blstm(
    n_features: int,
    n_classes: int,
    *,
    frame_units: Sequence[int] = (),
    recurrent_units: Sequence[int] = (128, 128),
    attention: str = "additive",
    dropout: float = 0.5,
    n_ratings: int = 0,
    seed: int | None = None,
) -> keras.Model:
    r"""Build dense layers per frame, BLSTMs, attention and class scores [1]_, [2]_.

    Parameters
    ----------
    n_features, n_classes : int
        Number of features of a frame, and of classes (or targets of a regressor).
    frame_units, recurrent_units, dropout
        As of :class:`skser.classifiers.AttentionBLSTMClassifier`.
    attention : {"additive", "linear", "uniform"}, default="additive"
        How the LSTM's outputs :math:`h_t` are scored: by
        :math:`w^\top \tanh(W h_t + b)`, by :math:`w^\top h_t`, or all alike, so that
        the mean takes the place of attention: the control of [1]_.
    n_ratings : int, default=0
        Number of ratings that are learnt beside the classes: with any, there is an
        output of three scores for each, in a list with those of the classes.
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
    .. [1] Huang and Narayanan 2016.
    .. [2] Mirsamadi, Barsoum and Zhang 2017. Both are as of
       :class:`skser.classifiers.AttentionBLSTMClassifier`.

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
        outputs = transform_frames(frames, mask, frame_units, dropout, seeds)
    for units in recurrent_units:
        outputs = recurrent_branch(
            outputs, mask, units, bidirectional=True, seeds=seeds
        )
    if attention == "uniform":
        pooled = masked_average(outputs, mask)
    else:
        units = outputs.shape[-1] if attention == "additive" else None
        attend = AttentionPooling(units, seed=next(seeds), name="attention")
        pooled, _ = attend(outputs, mask)
    pooled = layers.Dropout(dropout, seed=next(seeds))(pooled)
    scores = all_scores(pooled, n_classes, n_ratings, seeds=seeds)
    return keras.Model([frames, mask], scores, name="attention_blstm")


def transform_frames(frames, mask, sizes, dropout, seeds):
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


def attentive_cnn(
    n_features: int,
    n_classes: int,
    *,
    n_filters: int = 200,
    kernel_size: int = 10,
    pool_size: int = 30,
    pool_stride: int | None = None,
    dropout: float = 0.5,
    n_ratings: int = 0,
    seed: int | None = None,
) -> keras.Model:
    """Build the Attentive CNN of Neumann and Vu [1]_.

    Filters that span all features slide over time; of each, the maximum over some
    frames is kept; attention averages what remains. With ratings, the same vector also
    tells whether each of them, such as activation or valence, is low, medium or high.

    Parameters
    ----------
    n_features, n_classes : int
        Number of features of a frame, and of classes (or targets of a regressor).
    n_filters, kernel_size, pool_size, pool_stride, dropout
        As of :class:`skser.classifiers.AttentiveCNNClassifier`.
    n_ratings : int, default=0
        Number of ratings that are learnt beside the classes.
    seed : int, default=None
        Determines the initial weights and the dropout.

    Returns
    -------
    network : keras.Model
        From frames (batch, n_frames, n_features) and mask (batch, n_frames) to scores
        (batch, n_classes), and with ratings to a list of these and of the scores
        (batch, 3) of each rating. Its layer "attention" also gives the weights, one for
        every `pool_stride` frames.

    References
    ----------
    .. [1] Neumann and Vu 2017, as of
       :class:`skser.classifiers.AttentiveCNNClassifier`.

    Examples
    --------
    >>> from skser.networks import attentive_cnn
    >>> attentive_cnn(26, 4, seed=0).output_shape
    (None, 4)
    >>> attentive_cnn(26, 4, n_ratings=2, seed=0).output_shape
    [(None, 4), (None, 3), (None, 3)]
    """
    seeds = seed_stream(seed)
    frames = keras.Input((None, n_features), name="frames")
    mask = keras.Input((None,), dtype="bool", name="mask")
    packed, *packing = PackFrames(kernel_size // 2)(frames, mask)
    packed = PackedConvolution(
        n_filters,
        kernel_size,
        activation="relu",
        kernel_initializer=initializers.GlorotUniform(next(seeds)),
    )(packed)
    convolved = UnpackFrames()(packed, *packing, mask)
    steps, steps_mask = pool_frames(
        convolved, mask, pool_size, pool_stride or pool_size
    )
    attention = AttentionPooling(seed=next(seeds), name="attention")
    pooled = layers.Dropout(dropout, seed=next(seeds))(attention(steps, steps_mask)[0])
    scores = all_scores(pooled, n_classes, n_ratings, seeds=seeds)
    return keras.Model([frames, mask], scores, name="attentive_cnn")


def pool_frames(sequence, mask, size, stride):
    """Keep the maxima over `size` frames, every `stride` frames, and their mask.

    Windows start at the first frame, and the last one reaches beyond the end. Keras'
    "same" padding would move all windows by a number of frames that depends on the
    longest utterance of the batch.
    """
    # Padding is zero, and rectified values are not negative, so that it never is a
    # maximum for real frames.
    sequence = ops.pad(sequence, ((0, 0), (0, size - 1), (0, 0)))
    # Whatever Keras' image_data_format is: these are no images.
    pool = layers.MaxPooling1D(size, stride, data_format="channels_last")
    return pool(sequence), mask[:, ::stride]


def feedforward(
    n_features: int,
    n_classes: int,
    *,
    hidden_units: Sequence[int] = (256, 256, 256),
    n_ratings: int = 0,
    seed: int | None = None,
) -> keras.Model:
    """Build a network of dense layers, as in the first stage of DNN-ELM [1]_.

    Parameters
    ----------
    n_features : int
        Number of features of a segment.
    n_classes : int
        Number of classes (or targets of a regressor).
    hidden_units : sequence of int, default=(256, 256, 256)
        Sizes of the rectified layers.
    n_ratings : int, default=0
        Number of ratings that are learnt beside the classes: with any, there is an
        output of three scores for each, in a list with those of the classes.
    seed : int, default=None
        Determines the initial weights.

    Returns
    -------
    network : keras.Model
        From frames (batch, n_frames, n_features) and mask (batch, n_frames) to
        scores (batch, n_classes). A segment is an utterance of one frame; of several
        frames, the network sees the average.

    References
    ----------
    .. [1] Han, Yu and Tashev 2014, as of :class:`skser.classifiers.SegmentPosteriors`.

    Examples
    --------
    >>> from skser.networks import feedforward
    >>> feedforward(750, 5, seed=0).count_params()
    325125
    """
    seeds = seed_stream(seed)
    frames = keras.Input((None, n_features), name="frames")
    mask = keras.Input((None,), dtype="bool", name="mask")
    hidden = hidden_layers(masked_average(frames, mask), hidden_units, seeds=seeds)
    scores = all_scores(hidden, n_classes, n_ratings, seeds=seeds)
    return keras.Model([frames, mask], scores, name="feedforward")
