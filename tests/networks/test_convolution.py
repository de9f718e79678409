"""The convolution of packed frames: it computes what Keras' layer computes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from skser.networks import PackedConvolution


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


@pytest.mark.parametrize("n_frames", [1, 3, 40])
@pytest.mark.parametrize("kernel_size", [1, 2, 5, 8])
def test_outputs_and_gradients_are_those_of_keras(kernel_size, n_frames):
    frames = _frames(1, n_frames, 3)
    reference = keras.layers.Conv1D(4, kernel_size, padding="same", activation="tanh")
    own = PackedConvolution(4, kernel_size, activation="tanh")
    for layer in (reference, own):
        layer.build(frames.shape)
    own.set_weights([_frames(*w.shape) for w in reference.get_weights()])
    reference.set_weights(own.get_weights())
    pairs = zip(
        _outputs_and_gradients(own, frames),
        _outputs_and_gradients(reference, frames),
        strict=True,
    )
    for actual, expected in pairs:
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


def test_one_frame_of_gradient_reaches_all_that_the_filters_have_seen(wrap):
    calls = []
    wrap(
        "skser.networks._layers.convolve",
        lambda convolve: lambda *x: calls.append(x) or convolve(*x),
    )
    layer = PackedConvolution(1, 3, kernel_initializer="ones")
    frames = tf.reshape(tf.range(1.0, 6.0), (1, 5, 1))
    with tf.GradientTape() as tape:
        tape.watch(frames)
        loss = layer(frames)[0, 1, 0]
    of_frames, of_kernel = tape.gradient(loss, [frames, layer.kernel])
    assert len(calls) == 1
    assert float(loss) == 6
    assert np.ravel(of_frames).tolist() == [1, 1, 1, 0, 0]
    assert np.ravel(of_kernel).tolist() == [1, 2, 3]


def test_one_graph_serves_all_lengths():
    layer = PackedConvolution(4, 3)
    run = tf.function(layer, [tf.TensorSpec((1, None, 3))], autograph=False)
    for n_frames in (5, 1, 9):
        frames = _frames(1, n_frames, 3)
        np.testing.assert_allclose(run(frames), layer(frames), atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "policy"),
    [
        ("graphics card", "float32"),
        ("processor", "mixed_float16"),
        ("processor", "mixed_bfloat16"),
        ("processor", "float64"),
    ],
)
def test_what_the_products_are_not_for_is_left_to_keras(monkeypatch, kind, policy):
    if kind == "graphics card":
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["one"])
    monkeypatch.setattr("skser.networks._layers.convolve", None)
    layer = PackedConvolution(4, 3, dtype=keras.DTypePolicy(policy))
    assert layer(_frames(1, 5, 3)).shape == (1, 5, 4)


def test_it_is_rebuilt_from_its_configuration():
    layer = PackedConvolution(4, 3, kernel_initializer=keras.initializers.HeUniform(3))
    again = PackedConvolution.from_config(layer.get_config())
    layer.build((1, None, 3))
    again.build((1, None, 3))
    np.testing.assert_array_equal(again.get_weights()[0], layer.get_weights()[0])
    assert again.padding == "same"
