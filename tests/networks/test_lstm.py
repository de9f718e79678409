"""The LSTM with a loop of its own: what it computes is what Keras' LSTM computes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from skser.networks import _lstm
from skser.networks._lstm import LSTM


def _frames(*shape):
    return tf.constant(np.random.default_rng(0).normal(size=shape), tf.float32)


def _outputs_and_gradients(layer, frames):
    """Return the outputs, and the gradients of frames and weights."""
    with tf.GradientTape() as tape:
        tape.watch(frames)
        outputs = layer(frames)
        # Each output has another share in the loss.
        loss = tf.reduce_sum(outputs * _frames(*outputs.shape))
    return [outputs, *tape.gradient(loss, [frames, *layer.trainable_weights])]


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 9, 3), (3, 1, 2), (5, 13, 7)])
def test_outputs_and_gradients_are_those_of_keras(shape):
    frames = _frames(*shape)
    reference, own = keras.layers.LSTM(4, return_sequences=True), LSTM(4)
    reference.build(shape)
    own.build(shape)
    own.set_weights([w + 0.3 * _frames(*w.shape) for w in reference.get_weights()])
    reference.set_weights(own.get_weights())
    pairs = zip(
        _outputs_and_gradients(own, frames),
        _outputs_and_gradients(reference, frames),
        strict=True,
    )
    for actual, expected in pairs:
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


def test_one_graph_serves_all_lengths():
    layer = LSTM(4)
    run = tf.function(layer, [tf.TensorSpec((None, None, 3))], autograph=False)
    for shape in [(2, 5, 3), (1, 1, 3), (4, 9, 3)]:
        frames = _frames(*shape)
        np.testing.assert_allclose(run(frames), layer(frames), atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_in_mixed_precision_outputs_are_half_and_gradients_single(policy):
    half, single = LSTM(4, dtype=policy), LSTM(4)
    frames = _frames(2, 5, 3)
    half.build(frames.shape)
    single.build(frames.shape)
    single.set_weights(half.get_weights())
    assert half(frames).dtype == keras.DTypePolicy(policy).compute_dtype
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(half(frames))
    gradients = tape.gradient(loss, half.trainable_weights)
    assert {gradient.dtype for gradient in gradients} == {tf.float32}
    outputs = tf.cast(half(frames), tf.float32)
    np.testing.assert_allclose(outputs, single(frames), atol=0.02)


@pytest.mark.parametrize(
    ("kind", "layer", "options"),
    [
        ("graphics card", LSTM(4), {}),
        ("double precision", LSTM(4, dtype="float64"), {}),
        ("mask", LSTM(4), {"mask": np.ones((2, 5), dtype=bool)}),
    ],
)
def test_what_the_loop_is_not_for_is_left_to_keras(monkeypatch, kind, layer, options):
    frames = _frames(2, 5, 3)
    if kind == "graphics card":
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["one"])
    monkeypatch.setattr(_lstm, "_run", None)
    assert layer(frames, **options).shape == (2, 5, 4)


def test_it_is_rebuilt_from_its_configuration():
    layer = LSTM(4, kernel_initializer=keras.initializers.GlorotUniform(3))
    again = LSTM.from_config(layer.get_config())
    layer.build((None, None, 3))
    again.build((None, None, 3))
    np.testing.assert_array_equal(again.get_weights()[0], layer.get_weights()[0])
    assert again.return_sequences
