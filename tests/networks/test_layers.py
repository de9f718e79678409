"""Layers: padding never counts, and what remains is what the formulas say."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.src.testing import TestCase

from skser import networks
from skser.networks import (
    LSTM,
    AttentionPooling,
    AverageUtterances,
    PackedConvolution,
    PackFrames,
    ReverseFrames,
    UnpackFrames,
    masked_average,
    masked_maximum,
    masked_softmax,
    zero_padding,
)

SEQUENCE = np.array([[[1.0, -5.0], [3.0, -1.0], [9.0, 9.0]]], dtype=np.float32)
MASK = np.array([[True, True, False]])


def test_the_average_is_over_real_frames():
    np.testing.assert_allclose(masked_average(SEQUENCE, MASK), [[2.0, -3.0]])


def test_the_maximum_is_over_real_frames_even_if_all_are_negative():
    np.testing.assert_allclose(masked_maximum(-SEQUENCE, MASK), [[-1.0, 5.0]])
    np.testing.assert_allclose(masked_maximum(SEQUENCE - 20, MASK), [[-17.0, -21.0]])


def test_padded_frames_become_zero_and_real_ones_stay():
    zeroed = np.asarray(zero_padding(SEQUENCE, MASK))
    assert zeroed.tolist() == [[[1.0, -5.0], [3.0, -1.0], [0.0, 0.0]]]


@pytest.mark.parametrize("padding_score", [0.0, 50.0, 1e30, -1e30])
def test_the_softmax_never_gives_weight_to_padding(padding_score):
    scores = np.array([[0.0, np.log(3.0), padding_score]], dtype=np.float32)
    weights = np.asarray(masked_softmax(scores, MASK))
    np.testing.assert_allclose(weights, [[0.25, 0.75, 0.0]], rtol=1e-6)
    assert weights[0, 2] == 0


@pytest.mark.parametrize("offset", [-1e4, 1e4])
def test_the_softmax_does_not_overflow(offset):
    scores = np.array([[offset, offset + 1, 0.0]], dtype=np.float32)
    weights = np.asarray(masked_softmax(scores, MASK))
    np.testing.assert_allclose(weights[0, :2], [0.268941, 0.731059], rtol=1e-4)


def test_attention_is_the_softmax_of_a_linear_score():
    generator = np.random.default_rng(0)
    frames = generator.normal(size=(2, 5, 3)).astype(np.float32)
    mask = np.array([[True] * 5, [True] * 2 + [False] * 3])
    layer = AttentionPooling(seed=0)
    pooled, weights = layer(frames, mask)
    w = np.asarray(layer.score)[:, 0]
    for x, m, z, a in zip(frames, mask, pooled, weights, strict=True):
        expected = np.exp(x[m] @ w) / np.exp(x[m] @ w).sum()
        np.testing.assert_allclose(np.asarray(a)[m], expected, rtol=1e-5)
        np.testing.assert_allclose(z, expected @ x[m], rtol=1e-4, atol=1e-6)


def test_additive_attention_scores_by_a_hidden_layer():
    generator = np.random.default_rng(0)
    frames = generator.normal(size=(1, 5, 3)).astype(np.float32)
    layer = AttentionPooling(4, seed=0)
    layer.build(frames.shape)
    layer.bias.assign(generator.normal(size=4))
    _, weights = layer(frames, np.ones((1, 5), dtype=bool))
    W, b, w = (np.asarray(x) for x in (layer.kernel, layer.bias, layer.score))
    scores = np.tanh(frames[0] @ W + b) @ w[:, 0]
    expected = np.exp(scores) / np.exp(scores).sum()
    np.testing.assert_allclose(weights[0], expected, rtol=1e-5)


def test_reversing_turns_real_frames_round_and_leaves_padding_behind_them():
    reversed_frames = np.asarray(ReverseFrames()(SEQUENCE, MASK))
    assert reversed_frames.tolist() == [[[3.0, -1.0], [1.0, -5.0], [9.0, 9.0]]]
    twice = ReverseFrames()(reversed_frames, MASK)
    np.testing.assert_array_equal(twice, SEQUENCE)


def test_packing_leaves_out_padding_but_for_a_gap_of_zeros():
    frames = np.arange(1.0, 7.0, dtype=np.float32).reshape(2, 3, 1)
    mask = np.array([[True, False, False], [True, True, True]])
    packed, packed_mask, owners = PackFrames(gap=2)(frames, mask)
    behind = 8 * [0]
    assert np.ravel(packed).tolist() == [1, 0, 0, 4, 5, 6, 0, 0, *behind]
    is_real = np.ravel(packed_mask).astype(int).tolist()
    assert is_real == [1, 0, 0, 1, 1, 1, 0, 0, *behind]
    assert owners.numpy().tolist() == 3 * [0] + 13 * [1]
    averages = AverageUtterances()(packed, packed_mask, owners)
    assert averages.numpy().tolist() == [[1.0], [5.0]]


@pytest.mark.parametrize("gap", [0, 3])
def test_unpacking_undoes_packing_and_its_gradients(gap):
    generator = np.random.default_rng(0)
    mask = np.arange(6) < np.array([[2], [5], [1]])
    frames = tf.constant(generator.normal(size=(3, 6, 2)), tf.float32)
    share = tf.constant(generator.normal(size=(3, 6, 2)), tf.float32)
    with tf.GradientTape() as tape:
        packed, *packing = PackFrames(gap)(frames, mask)
        tape.watch(packed)
        unpacked = UnpackFrames()(packed + 1, *packing, mask)
        loss = tf.reduce_sum(unpacked * share)
    real = mask[:, :, np.newaxis]
    np.testing.assert_array_equal(unpacked, np.where(real, frames + 1, 0))
    expected = PackFrames(gap)(share, mask)[0]
    np.testing.assert_array_equal(tape.gradient(loss, packed), expected)


def test_without_a_gap_utterances_touch():
    frames = np.arange(1.0, 7.0, dtype=np.float32).reshape(2, 3, 1)
    mask = np.array([[True, False, False], [True, True, True]])
    packed, _, owners = PackFrames(gap=0)(frames, mask)
    assert np.ravel(packed).tolist() == [1, 4, 5, 6, *(12 * [0])]
    assert owners.numpy().tolist() == [0, *(15 * [1])]


@pytest.mark.slow
@pytest.mark.case("I03")
def test_packed_frames_have_few_lengths():
    packed_lengths = set()
    for length in range(1, 501):
        frames = np.ones((2, length, 1), np.float32)
        mask = np.ones((2, length), bool)
        packed, packed_mask, _ = PackFrames(gap=3)(frames, mask)
        assert np.sum(packed_mask) == np.sum(packed) == 2 * length
        packed_lengths.add(packed.shape[1])
    assert len(packed_lengths) == 48


@pytest.mark.parametrize("kernel_size", [1, 2, 5, 8])
def test_filters_see_of_packed_frames_what_they_see_of_an_utterance_alone(kernel_size):
    generator = np.random.default_rng(0)
    frames = generator.normal(size=(3, 9, 2)).astype(np.float32)
    lengths = [2, 9, 4]
    mask = np.arange(9) < np.array(lengths)[:, np.newaxis]
    packed, packed_mask, _ = PackFrames(kernel_size // 2)(frames, mask)
    convolution = keras.layers.Conv1D(3, kernel_size, padding="same")
    together = convolution(packed)[packed_mask]
    alone = [
        convolution(utterance[np.newaxis, :length])[0]
        for utterance, length in zip(frames, lengths, strict=True)
    ]
    np.testing.assert_allclose(together, np.concatenate(alone), atol=1e-6)


class PackAndUnpack(PackFrames):
    """Both layers, so that there is one input and one output as Keras supposes."""

    def call(self, sequence, frames_mask):
        return UnpackFrames(dtype=self.dtype_policy)(
            *super().call(sequence, frames_mask), frames_mask
        )

    def compute_output_spec(self, sequence):
        return keras.KerasTensor(sequence.shape, self.compute_dtype)

    def compute_output_shape(self, sequence_shape):
        return sequence_shape


class PackAndAverage(PackFrames):
    """Both layers of packing, which have no meaning without each other."""

    def call(self, sequence, frames_mask):
        return AverageUtterances(dtype=self.dtype_policy)(
            *super().call(sequence, frames_mask)
        )

    def compute_output_spec(self, sequence):
        return keras.KerasTensor((sequence.shape[0], sequence.shape[-1]), "float32")

    def compute_output_shape(self, sequence_shape):
        return sequence_shape[0], sequence_shape[-1]


@pytest.mark.case("E10")
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
@pytest.mark.parametrize("layer_class", [AttentionPooling, ReverseFrames])
def test_layers_run_inside_a_model_in_any_precision(layer_class, policy):
    frames, mask = keras.Input((None, 2)), keras.Input((None,), dtype="bool")
    layer = layer_class(dtype=keras.DTypePolicy(policy))
    output = tf.nest.flatten(layer(frames, mask))[0]
    model = keras.Model([frames, mask], output)
    assert np.isfinite(model([SEQUENCE, MASK])).all()


class WithThreeRealFrames:
    """Give a layer its mask, so that it takes one input as Keras' own layers do."""

    def call(self, sequence):
        shape = keras.ops.shape(sequence)[:2]
        mask = keras.ops.broadcast_to(keras.ops.arange(shape[1]) < 3, shape)
        return super().call(sequence, mask)


OWN_LAYERS = {
    "attention": (AttentionPooling, {"seed": 0}, 1),
    "additive attention": (AttentionPooling, {"units": 3, "seed": 0}, 3),
    "reversal": (ReverseFrames, {}, 0),
    "packing": (PackAndUnpack, {"gap": 2}, 0),
    "averages": (PackAndAverage, {"gap": 2}, 0),
}


@pytest.mark.case("E10")
@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed")
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
@pytest.mark.parametrize("name", OWN_LAYERS)
def test_keras_own_checks_of_a_layer_pass(name, policy):
    # Configuration, building, symbolic and eager calls, a step of training, and that
    # weights stay in single precision.
    layer_class, parameters, n_weights = OWN_LAYERS[name]
    masked = type(layer_class.__name__, (WithThreeRealFrames, layer_class), {})
    before = keras.config.dtype_policy().name
    TestCase().run_layer_test(
        masked,
        init_kwargs={**parameters, "dtype": policy},
        input_shape=(2, 5, 4),
        expected_num_trainable_weights=n_weights,
        expected_num_non_trainable_weights=0,
        expected_num_seed_generators=0,
        expected_num_losses=0,
        custom_objects={layer_class.__name__: masked},
    )
    assert keras.config.dtype_policy().name == before


@pytest.mark.case("E10")
def test_every_layer_of_the_package_is_checked():
    own = {
        value
        for value in vars(networks).values()
        if isinstance(value, type) and issubclass(value, keras.layers.Layer)
    }
    checked = {layer_class for layer_class, _, _ in OWN_LAYERS.values()}
    pairs = {PackAndUnpack, PackAndAverage}
    packed = {PackFrames, UnpackFrames, AverageUtterances}
    # Keras' own layers, computed faster; compared with those in files of their own.
    faster = {LSTM, PackedConvolution}
    assert own == (checked - pairs) | packed | faster


def test_layers_can_be_rebuilt_from_their_configuration():
    layer = AttentionPooling(5, seed=7, name="attention")
    copy = AttentionPooling.from_config(layer.get_config())
    assert (copy.units, copy.seed, copy.name) == (5, 7, "attention")
    assert PackFrames.from_config(PackFrames(3).get_config()).gap == 3
