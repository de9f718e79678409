"""Parts of networks: LSTM and convolution branches, dense layers, seeds of layers."""

import numpy as np
from keras import initializers, layers, ops

from skser.networks._layers import (
    AverageUtterances,
    PackedConvolution,
    PackFrames,
    zero_padding,
)
from skser.networks._lstm import LSTM

# Keras' own momentum of 0.99 needs some 500 steps until the running statistics have
# forgotten their start; a corpus of 500 recordings is trained for about 300.
BATCH_NORMALIZATION_MOMENTUM = 0.9
# How many times narrower the bottleneck of squeeze-and-excitation is, as in MLSTM-FCN.
SQUEEZE_RATIO = 16


def seed_stream(seed):
    """Yield an endless stream of seeds that `seed` determines.

    Keras layers without a seed would draw one from Python's global random state: the
    weights would not be repeatable and the caller's state would change.

    Parameters
    ----------
    seed : int or None
        None gives other seeds every time.

    Yields
    ------
    seed : int

    Examples
    --------
    >>> from skser.networks import seed_stream
    >>> first, second = seed_stream(0), seed_stream(0)
    >>> next(first) == next(second)
    True
    """
    generator = np.random.default_rng(seed)
    while True:
        yield int(generator.integers(2**31 - 1))


def recurrent_branch(frames, mask, units, *, bidirectional, seeds):
    """Run an LSTM, or a pair of them in both directions, over the frames.

    Parameters
    ----------
    frames : tensor of shape (batch, n_frames, n_features)
    mask : tensor of bool of shape (batch, n_frames)
    units : int
        Number of cells in each direction.
    bidirectional : bool
        Whether a second LSTM reads the frames backwards.
    seeds : iterator of int
        Yields the seeds of the initial weights.

    Returns
    -------
    sequence : tensor of shape (batch, n_frames, units or 2 * units)
        Meaningful on real frames only.
    """
    directions = [
        LSTM(
            units,
            backwards,
            kernel_initializer=initializers.GlorotUniform(next(seeds)),
            recurrent_initializer=initializers.Orthogonal(seed=next(seeds)),
            # Unused without dropout, but Keras would draw one from the global state.
            seed=next(seeds),
        )(frames, mask)
        for backwards in ([False, True] if bidirectional else [False])
    ]
    return layers.Concatenate()(directions) if bidirectional else directions[0]


def convolutional_branch(
    frames, mask, filters, kernel_sizes, *, squeeze_excite=False, seeds
):
    """Run temporal convolution blocks over the frames and average over time.

    Each block is convolution, batch normalisation and rectifier, as in the fully
    convolutional network of [1]_; only real frames take part in the batch statistics
    and in the final average.

    Parameters
    ----------
    frames : tensor of shape (batch, n_frames, n_features)
    mask : tensor of bool of shape (batch, n_frames)
    filters : sequence of int
        Number of filters of each block.
    kernel_sizes : sequence of int
        Width of each block's filters in frames.
    squeeze_excite : bool, default=False
        Whether to weigh the filters of every block but the last by what they have found
        in the whole utterance, as in MLSTM-FCN [2]_.
    seeds : iterator of int
        Yields the seeds of the initial weights.

    Returns
    -------
    average : tensor of shape (batch, filters[-1])

    References
    ----------
    .. [1] Z. Wang, W. Yan and T. Oates, "Time series classification from scratch with
       deep neural networks: A strong baseline", IJCNN 2017.
    .. [2] F. Karim, S. Majumdar, H. Darabi and S. Harford, "Multivariate LSTM-FCNs for
       time series classification", Neural Networks 116, 2019.
    """
    packed, packed_mask, owners = PackFrames(max(kernel_sizes) // 2)(frames, mask)
    n_blocks = len(filters)
    for i, sizes in enumerate(zip(filters, kernel_sizes, strict=True), 1):
        packed = convolution_block(packed, packed_mask, *sizes, seeds)
        if squeeze_excite and i < n_blocks:
            packed = squeeze_and_excite(packed, packed_mask, owners, seeds)
    return AverageUtterances()(packed, packed_mask, owners)


def convolution_block(frames, mask, n_filters, kernel_size, seeds):
    """Convolve, normalise and rectify (batch, n_frames, n) along the frames.

    Padding is zero in what is given, and in what is returned.
    """
    convolved = PackedConvolution(
        n_filters,
        kernel_size,
        kernel_initializer=initializers.HeUniform(next(seeds)),
    )(frames)
    normalize = layers.BatchNormalization(momentum=BATCH_NORMALIZATION_MOMENTUM)
    return zero_padding(layers.ReLU()(normalize(convolved, mask=mask)), mask)


def squeeze_and_excite(packed, packed_mask, owners, seeds):
    """Multiply each filter of an utterance by a weight between 0 and 1.

    The weights come from the filters' averages over time, through a bottleneck of a
    sixteenth of their number (Hu, Shen and Sun, CVPR 2018).
    """
    n_filters = packed.shape[-1]
    weights = AverageUtterances()(packed, packed_mask, owners)
    for n_units, activation in [
        (max(n_filters // SQUEEZE_RATIO, 1), "relu"),
        (n_filters, "sigmoid"),
    ]:
        weights = layers.Dense(
            n_units,
            activation=activation,
            use_bias=False,
            kernel_initializer=initializers.HeNormal(next(seeds)),
        )(weights)
    return packed * ops.expand_dims(ops.take(weights, owners, axis=0), 0)


def hidden_layers(vector, units, *, seeds):
    """Run rectified dense layers over (batch, n); `units` gives their sizes."""
    for n_units in units:
        initializer = initializers.GlorotUniform(next(seeds))
        vector = layers.Dense(
            n_units, activation="relu", kernel_initializer=initializer
        )(vector)
    return vector


def class_scores(vector, n_classes, *, seeds, name="scores"):
    """Map (batch, n) to one score per class; their softmax are the posteriors."""
    initializer = initializers.GlorotUniform(next(seeds))
    # Single precision even where the rest runs in half: a loss must not overflow.
    return layers.Dense(
        n_classes, kernel_initializer=initializer, dtype="float32", name=name
    )(vector)
