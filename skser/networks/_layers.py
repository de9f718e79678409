"""Layers with masks (attention, packing, convolution) and the branches made of them.

Utterances of a batch are padded to the longest of them. Whatever mixes frames (softmax,
averages, convolutions, batch statistics, the backward direction of a recurrent layer)
must leave the padding out, or an utterance's posteriors would depend on its batch
mates. Keras cannot do it alone: its ``Conv1D`` drops the implicit mask. So the mask is
an explicit input of shape (batch, n_frames), True where a frame is real, and real
frames always come first.
"""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import initializers, layers, ops

from skser._compat import custom_gradient
from skser._labels import RATING_LEVELS
from skser._sequences import LENGTHS
from skser.networks._lstm import LSTM

# Keras' own momentum of 0.99 needs some 500 steps until the running statistics have
# forgotten their start; a corpus of 500 recordings is trained for about 300.
BATCH_NORMALIZATION_MOMENTUM = 0.9
# How many times narrower the bottleneck of squeeze-and-excitation is, as in MLSTM-FCN.
SQUEEZE_RATIO = 16


def zero_padding(sequence: Any, mask: Any) -> Any:
    """Set the padded frames to zero.

    Convolutions with zero padding then see behind the last real frame just what they
    would see if the utterance were alone in its batch.

    Parameters
    ----------
    sequence : tensor of shape (batch, n_frames, n)
    mask : tensor of bool of shape (batch, n_frames)
        True where a frame is real.

    Returns
    -------
    sequence : tensor of shape (batch, n_frames, n)
    """
    return sequence * ops.expand_dims(ops.cast(mask, sequence.dtype), -1)


def masked_average(sequence: Any, mask: Any) -> Any:
    """Average over the real frames.

    Parameters
    ----------
    sequence, mask : tensor
        As of `zero_padding`.

    Returns
    -------
    average : tensor of shape (batch, n)
        In single precision if `sequence` is in half.
    """
    # In half precision a sum of many frames overflows, or counts to 256 only. A product
    # with single precision is single.
    real = ops.cast(mask, keras.backend.result_type(sequence.dtype, "float32"))
    n_frames = ops.sum(real, axis=1, keepdims=True)
    total = ops.sum(ops.multiply(sequence, ops.expand_dims(real, -1)), axis=1)
    return total / n_frames


def masked_maximum(sequence: Any, mask: Any) -> Any:
    """Take the maximum over the real frames.

    Parameters
    ----------
    sequence, mask : tensor
        As of `zero_padding`.

    Returns
    -------
    maximum : tensor of shape (batch, n)
    """
    lowest = ops.cast(lowest_score(sequence.dtype), sequence.dtype)
    return ops.max(ops.where(ops.expand_dims(mask, -1), sequence, lowest), axis=1)


def masked_last(sequence, mask):
    """Take the last real frame; (batch, n_frames, n) becomes (batch, n)."""
    last = ops.sum(ops.cast(mask, "int32"), axis=1) - 1
    return ops.squeeze(ops.take_along_axis(sequence, last[:, None, None], axis=1), 1)


def masked_softmax(scores: Any, mask: Any) -> Any:
    r"""Normalise scores over the real frames: :math:`a_t = e^{s_t} / \sum_u e^{s_u}`.

    Parameters
    ----------
    scores : tensor of shape (batch, n_frames)
    mask : tensor of bool of shape (batch, n_frames)
        True where a frame is real.

    Returns
    -------
    weights : tensor of shape (batch, n_frames)
        Exactly 0 on the padding; sums to 1 over the real frames. A score of 0 would
        not do: its exponential is 1.
    """
    lowest = ops.cast(lowest_score(scores.dtype), scores.dtype)
    highest = ops.max(ops.where(mask, scores, lowest), axis=1, keepdims=True)
    # Padding must not overflow before the mask takes it out: its score is bounded too.
    exponentials = ops.exp(ops.minimum(scores - highest, 0))
    exponentials = exponentials * ops.cast(mask, scores.dtype)
    return exponentials / ops.sum(exponentials, axis=1, keepdims=True)


def lowest_score(dtype):
    """Return a number below all that networks compute, finite in `dtype`."""
    return -6e4 if keras.backend.standardize_dtype(dtype) == "float16" else -1e30


@keras.saving.register_keras_serializable(package="skser")
class AttentionPooling(keras.layers.Layer):
    r"""Average the frames with weights that the network learns.

    .. math:: a_t = \frac{\exp(w^\top h_t)}{\sum_u \exp(w^\top h_u)}, \qquad
              z = \sum_t a_t h_t

    for the frames :math:`h_t` of an utterance, with one trainable vector :math:`w` and
    neither bias nor non-linearity: equations 1 and 2 of the paper [1]_. With `units`,
    a hidden layer scores the frames, :math:`w^\top \tanh(W h_t + b)` [2]_.

    Parameters
    ----------
    units : int, default=None
        Size of the hidden layer; None is no such layer.
    seed : int, default=None
        Seed of the initial :math:`w` and :math:`W` (Glorot uniform).
    **kwargs : dict
        Passed to ``keras.layers.Layer``.

    References
    ----------
    .. [1] Zhao et al. 2018, as of :class:`skser.AttentionBLSTMFCNClassifier`.
    .. [2] D. Bahdanau, K. Cho and Y. Bengio, "Neural machine translation by jointly
       learning to align and translate", ICLR 2015.
    """

    def __init__(
        self, units: int | None = None, *, seed: int | None = None, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.units = units
        self.seed = seed
        self.score_initializer = keras.initializers.GlorotUniform(seed=seed)
        self.kernel_initializer = keras.initializers.GlorotUniform(seed=seed)

    def build(self, sequence_shape: Any) -> None:
        """Create :math:`w` and, with `units`, the hidden layer."""
        n_scored = sequence_shape[-1]
        if self.units is not None:
            self.kernel = self.add_weight(
                name="kernel",
                shape=(n_scored, self.units),
                initializer=self.kernel_initializer,
            )
            self.bias = self.add_weight(
                name="bias", shape=(self.units,), initializer="zeros"
            )
            n_scored = self.units
        self.score = self.add_weight(
            name="score", shape=(n_scored, 1), initializer=self.score_initializer
        )
        self.built = True

    def call(self, sequence: Any, frames_mask: Any) -> Any:
        """Return the average (batch, n) and the weights (batch, n_frames)."""
        scored = sequence
        if self.units is not None:
            scored = ops.tanh(ops.matmul(sequence, self.kernel) + self.bias)
        scores = ops.squeeze(ops.matmul(scored, self.score), axis=-1)
        single = keras.backend.result_type(scores.dtype, "float32")
        weights = masked_softmax(ops.cast(scores, single), frames_mask)
        weights = ops.cast(weights, sequence.dtype)
        pooled = ops.squeeze(ops.matmul(weights[:, None, :], sequence), axis=1)
        return pooled, weights

    def compute_output_shape(self, sequence_shape: Any) -> Any:
        """Return the shapes of the average and of the weights."""
        return (sequence_shape[0], sequence_shape[-1]), sequence_shape[:2]

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` needs to make an equal layer."""
        return {**super().get_config(), "units": self.units, "seed": self.seed}


@keras.saving.register_keras_serializable(package="skser")
class PackFrames(keras.layers.Layer):
    """Put the real frames of all utterances behind each other, as one sequence.

    Convolutions then need not be computed on padding. A gap of zeros follows each
    utterance, so that no filter sees two of them; the last one is longer, so that the
    sequence has one of few lengths.

    Parameters
    ----------
    gap : int
        Number of zeros: with zero padding a filter of `n` frames reaches ``n // 2``
        frames beyond the last one.
    **kwargs : dict
        Passed to ``keras.layers.Layer``.
    """

    def __init__(self, gap: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.gap = gap

    def call(self, sequence: Any, frames_mask: Any) -> Any:
        """Return the frames, where they are real, and whose they are.

        Parameters
        ----------
        sequence : tensor of shape (batch, n_frames, n)
        frames_mask : tensor of bool of shape (batch, n_frames)

        Returns
        -------
        packed : tensor of shape (1, n_packed, n)
        packed_mask : tensor of bool of shape (1, n_packed)
            False in the gaps.
        owners : tensor of int32 of shape (n_packed,)
            Indices into the batch, ascending.
        """
        lengths = tf.reduce_sum(tf.cast(frames_mask, tf.int32), axis=1)
        widths = lengths + self.gap
        n_packed = tf.reduce_sum(widths, keepdims=True)
        n_more = tf.gather(LENGTHS, tf.searchsorted(LENGTHS, n_packed)) - n_packed
        widths = tf.concat([widths[:-1], widths[-1:] + n_more], axis=0)
        owners = tf.repeat(tf.range(tf.size(lengths)), widths)
        starts = tf.cumsum(widths, exclusive=True)
        place = tf.range(tf.size(owners)) - tf.gather(starts, owners)
        is_real = place < tf.gather(lengths, owners)
        n_frames = tf.shape(sequence)[1]
        sources = owners * n_frames + tf.minimum(place, n_frames - 1)
        frames = tf.reshape(sequence, (-1, sequence.shape[-1]))
        packed = tf.gather(frames, sources)[tf.newaxis]
        is_real = is_real[tf.newaxis]
        return zero_padding(packed, is_real), is_real, owners

    def compute_output_spec(self, sequence: Any, frames_mask: Any) -> Any:
        """Return shapes and types of the three tensors."""
        shapes = (1, None, sequence.shape[-1]), (1, None), (None,)
        dtypes = sequence.dtype, "bool", "int32"
        return tuple(map(keras.KerasTensor, shapes, dtypes))

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` needs to make an equal layer."""
        return {**super().get_config(), "gap": self.gap}


@keras.saving.register_keras_serializable(package="skser")
class UnpackFrames(keras.layers.Layer):
    """Undo `PackFrames`: give each utterance its row again, and zeros as padding."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_mask(self, packed: Any, previous_mask: Any) -> Any:
        """Return no mask: `frames_mask` is there to be passed on."""
        return None

    def call(self, packed: Any, packed_mask: Any, owners: Any, frames_mask: Any) -> Any:
        """Return the frames, (batch, n_frames, n)."""
        n_batch, n_frames = tf.unstack(tf.shape(frames_mask))
        starts = tf.searchsorted(owners, tf.range(n_batch))
        lengths = tf.reduce_sum(tf.cast(frames_mask, tf.int32), axis=1)
        place = tf.minimum(tf.range(n_frames), lengths[:, tf.newaxis] - 1)
        rows = starts[:, tf.newaxis] + place
        place = tf.range(tf.size(owners)) - tf.gather(starts, owners)
        frames = owners * n_frames + tf.minimum(place, n_frames - 1)
        zero_gaps = tf.cast(packed_mask[0], packed.dtype)[:, tf.newaxis]
        packed = tf.squeeze(packed, axis=0)
        return zero_padding(take_rows(packed, rows, frames, zero_gaps), frames_mask)

    def compute_output_spec(
        self, packed: Any, packed_mask: Any, owners: Any, frames_mask: Any
    ) -> Any:
        """Return shape and type of the frames."""
        shape = (*frames_mask.shape, packed.shape[-1])
        return keras.KerasTensor(shape, packed.dtype)


@custom_gradient
def take_rows(packed, rows, frames, zero_gaps):
    """Take rows, (batch, n_frames, n); `frames` tells where each row has gone.

    TensorFlow would add up the gradients, row by row.
    """

    def gradient(of_frames):
        of_frames = tf.reshape(of_frames, (-1, of_frames.shape[-1]))
        return tf.gather(of_frames, frames) * zero_gaps, None, None, None

    return tf.gather(packed, rows), gradient


@keras.saving.register_keras_serializable(package="skser")
class AverageUtterances(keras.layers.Layer):
    """Average over the frames of each utterance that `PackFrames` has packed.

    The gaps must be zero, as they are given. The average of half precision is in
    single.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        # Keras' batch normalisation marks what it returns with the mask that it got.
        self.supports_masking = True

    def compute_mask(self, packed: Any, previous_mask: Any) -> Any:
        """Return no mask: an average has no frames."""
        return None

    def call(self, packed: Any, packed_mask: Any, owners: Any) -> Any:
        """Return the averages, (batch, n)."""
        # For the reasons of `masked_average`.
        single = keras.backend.result_type(packed.dtype, "float32")
        real = tf.cast(packed_mask[0], single)[:, tf.newaxis]
        packed = tf.squeeze(tf.cast(packed, single), axis=0)
        total = tf.math.segment_sum(packed, owners)
        return total / tf.math.segment_sum(real, owners)

    def compute_output_spec(self, packed: Any, packed_mask: Any, owners: Any) -> Any:
        """Return shape and type of the averages."""
        single = keras.backend.result_type(packed.dtype, "float32")
        return keras.KerasTensor((None, packed.shape[-1]), single)


@keras.saving.register_keras_serializable(package="skser")
class PackedConvolution(keras.layers.Conv1D):
    """Keras' convolution over the frames with zero padding, for a batch of one.

    `PackFrames` makes one sequence of a batch, and oneDNN divides the gradient of a
    filter's weights by sequences: with one of them it takes up to twice as long as the
    same sums written as products of matrices.

    Weights and their names are those of ``keras.layers.Conv1D``, which does the work
    on a graphics card, and in other than single precision.

    Parameters
    ----------
    filters : int
        Number of filters.
    kernel_size : int
        Their width in frames.
    **kwargs : dict
        Initialisers, activation and the like, passed to ``keras.layers.Conv1D``.
    """

    def __init__(self, filters: int, kernel_size: int, **kwargs: Any):
        # Whatever Keras' image_data_format is: these are no images.
        fixed = {"padding": "same", "data_format": "channels_last"}
        super().__init__(filters, kernel_size, **{**kwargs, **fixed})

    def call(self, frames: np.ndarray) -> Any:
        """Return the filters' outputs, (1, n_frames, filters)."""
        is_single = self.compute_dtype == "float32"
        if not is_single or tf.config.list_physical_devices("GPU"):
            return super().call(frames)
        outputs = convolve(frames, tf.convert_to_tensor(self.kernel))
        return self.activation(outputs + self.bias)


@custom_gradient
def convolve(frames, kernel):
    """Return the filters' outputs and the function of gradients."""

    def gradients(of_outputs):
        of_frames = tf.raw_ops.Conv2DBackpropInput(
            input_sizes=tf.shape(frames[:, tf.newaxis]),
            filter=kernel[tf.newaxis],
            out_backprop=of_outputs[:, tf.newaxis],
            strides=[1, 1, 1, 1],
            padding="SAME",
        )
        # Each place of the filters has seen all frames, shifted by one more.
        size, extent = kernel.shape[0], tf.shape(frames)[1:]
        padded = tf.pad(frames[0], [((size - 1) // 2, size // 2), (0, 0)])
        of_outputs = of_outputs[0]
        of_kernel = [
            tf.matmul(tf.slice(padded, [i, 0], extent), of_outputs, transpose_a=True)
            for i in range(size)
        ]
        return of_frames[:, 0], tf.stack(of_kernel)

    return tf.nn.conv1d(frames, kernel, stride=1, padding="SAME"), gradients


def seed_stream(seed: int | None) -> Iterator[int]:
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
        initializer = initializers.HeUniform(next(seeds))
        convolved = PackedConvolution(*sizes, kernel_initializer=initializer)(packed)
        normalize = layers.BatchNormalization(momentum=BATCH_NORMALIZATION_MOMENTUM)
        rectified = layers.ReLU()(normalize(convolved, mask=packed_mask))
        packed = zero_padding(rectified, packed_mask)
        if squeeze_excite and i < n_blocks:
            packed = squeeze_and_excite(packed, packed_mask, owners, seeds)
    return AverageUtterances()(packed, packed_mask, owners)


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


def all_scores(vector, n_classes, n_ratings, *, seeds):
    """Return the scores of the classes and, with ratings, those of their levels."""
    scores = class_scores(vector, n_classes, seeds=seeds)
    if not n_ratings:
        return scores
    # TensorFlow adds up gradients in the order of names: behind "scores".
    names = [f"scores_of_rating_{i}" for i in range(n_ratings)]
    ratings = [
        class_scores(vector, len(RATING_LEVELS), seeds=seeds, name=name)
        for name in names
    ]
    return [scores, *ratings]


def class_scores(vector, n_classes, *, seeds, name="scores"):
    """Map (batch, n) to one score per class; their softmax are the posteriors."""
    initializer = initializers.GlorotUniform(next(seeds))
    # Single precision even where the rest runs in half: a loss must not overflow.
    return layers.Dense(
        n_classes, kernel_initializer=initializer, dtype="float32", name=name
    )(vector)
