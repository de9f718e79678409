"""A convolution over time, pooled by attention: the Attentive CNN of Table 4."""

import keras
from keras import initializers, layers, ops

from skser.networks._branches import class_scores
from skser.networks._convolution import PackedConvolution
from skser.networks._layers import AttentionPooling, PackFrames, UnpackFrames
from skser.networks._seeds import seed_stream

# Low, medium and high.
N_LEVELS = 3


def attentive_cnn(
    n_features,
    n_classes,
    *,
    n_filters=200,
    kernel_size=10,
    pool_size=30,
    pool_stride=None,
    dropout=0.5,
    n_views=0,
    seed=None,
):
    """Build the Attentive CNN of Neumann and Vu [1]_.

    Filters that span all features slide over time; of each, the maximum over some
    frames is kept; attention averages what remains. With further views, the same
    vector also tells the level of other properties, such as activation and valence.

    Parameters
    ----------
    n_features : int
        Number of features of a frame.
    n_classes : int
        Number of classes.
    n_filters : int, default=200
        Number of filters.
    kernel_size : int, default=10
        Width of the filters in frames.
    pool_size : int, default=30
        Number of frames of which the maximum is kept.
    pool_stride : int, default=None
        Number of frames from one maximum to the next; None is `pool_size`.
    dropout : float, default=0.5
        Share of the pooled vector that is dropped in training.
    n_views : int, default=0
        Number of properties whose levels are learnt beside the classes.
    seed : int, default=None
        Determines the initial weights and the dropout.

    Returns
    -------
    network : keras.Model
        From frames (batch, n_frames, n_features) and mask (batch, n_frames) to scores
        (batch, n_classes), and with views to a list of these and of the scores (batch,
        3) of each view. Its layer "attention" also gives the weights, one for every
        `pool_stride` frames.

    References
    ----------
    .. [1] M. Neumann and N. T. Vu, "Attentive convolutional neural network based speech
       emotion recognition: A study on the impact of input features, signal length, and
       acted speech", Interspeech 2017.

    Examples
    --------
    >>> from skser.networks import attentive_cnn
    >>> attentive_cnn(26, 4, seed=0).output_shape
    (None, 4)
    >>> attentive_cnn(26, 4, n_views=2, seed=0).output_shape
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
    steps, steps_mask = _pool(convolved, mask, pool_size, pool_stride or pool_size)
    attention = AttentionPooling(seed=next(seeds), name="attention")
    pooled = layers.Dropout(dropout, seed=next(seeds))(attention(steps, steps_mask)[0])
    scores = [class_scores(pooled, n_classes, seeds=seeds)]
    for view in range(n_views):
        scores.append(class_scores(pooled, N_LEVELS, seeds=seeds, name=f"view_{view}"))
    outputs = scores if n_views else scores[0]
    return keras.Model([frames, mask], outputs, name="attentive_cnn")


def _pool(sequence, mask, size, stride):
    """Keep the maxima over `size` frames, every `stride` frames, and their mask.

    Windows start at the first frame, and the last one reaches beyond the end. Keras'
    "same" padding would move all windows by a number of frames that depends on the
    longest utterance of the batch.
    """
    # Padding is zero, and rectified values are not negative, so that it never is a
    # maximum for real frames.
    sequence = ops.pad(sequence, ((0, 0), (0, size - 1), (0, 0)))
    return layers.MaxPooling1D(size, stride)(sequence), mask[:, ::stride]
