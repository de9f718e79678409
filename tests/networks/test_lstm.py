"""The LSTM with a loop of its own: what it computes is what Keras' LSTM computes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from skser.networks import LSTM, _lstm


def _frames(*shape):
    return tf.constant(np.random.default_rng(0).normal(size=shape), tf.float32)


def _mask(lengths, n_frames=None):
    """Return a mask of utterances of these lengths."""
    return np.arange(n_frames or max(lengths)) < np.array(lengths)[:, np.newaxis]


def _all_real(frames):
    return np.ones(frames.shape[:2], dtype=bool)


def _one_by_one(layer, lengths):
    """Return a function that runs Keras' layer over each utterance without padding."""

    def run(frames):
        outputs = []
        for utterance, length in zip(frames, lengths, strict=True):
            output = layer(utterance[tf.newaxis, :length])[0]
            output = output[::-1] if layer.go_backwards else output
            outputs.append(tf.pad(output, [(0, len(utterance) - length), (0, 0)]))
        return tf.stack(outputs)

    return run


def _outputs_and_gradients(run, layer, frames, mask):
    """Return the outputs of real frames, and the gradients of frames and weights."""
    real = tf.cast(mask, tf.float32)[:, :, tf.newaxis]
    with tf.GradientTape() as tape:
        tape.watch(frames)
        outputs = run(frames) * real
        # Each output has another share in the loss.
        loss = tf.reduce_sum(outputs * _frames(*outputs.shape))
    return [outputs, *tape.gradient(loss, [frames, *layer.trainable_weights])]


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(
    "lengths",
    [
        [1],
        [9],
        [4, 4, 4],
        [3, 1, 2],
        [5, 13, 7, 7, 2, 13, 1],
        [1 + (7 * i) % 31 for i in range(30)],
    ],
    ids=str,
)
def test_outputs_and_gradients_are_those_of_keras(lengths, backwards):
    mask = _mask(lengths, max(lengths) + 2)
    frames = _frames(*mask.shape, 3)
    reference = keras.layers.LSTM(4, return_sequences=True, go_backwards=backwards)
    own = LSTM(4, backwards)
    for layer in (reference, own):
        layer.build(frames.shape)
    own.set_weights([w + 0.3 * _frames(*w.shape) for w in reference.get_weights()])
    reference.set_weights(own.get_weights())
    pairs = zip(
        _outputs_and_gradients(lambda x: own(x, mask), own, frames, mask),
        _outputs_and_gradients(
            _one_by_one(reference, lengths), reference, frames, mask
        ),
        strict=True,
    )
    for actual, expected in pairs:
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=2e-5)


def test_what_is_behind_the_end_of_an_utterance_does_not_matter():
    mask = _mask([3, 5])
    frames = _frames(2, 5, 3)
    loud = tf.where(mask[:, :, np.newaxis], frames, 1e3)
    for backwards in (False, True):
        layer = LSTM(4, backwards)
        outputs = [np.asarray(layer(x, mask)) for x in (frames, loud)]
        np.testing.assert_array_equal(*(output[mask] for output in outputs))
        assert np.isfinite(outputs[1]).all()


@pytest.mark.case("B07")
def test_the_loop_leaves_out_utterances_that_are_over():
    spread = np.random.default_rng(0).lognormal(0, 0.4, 50)
    lengths = np.round(80 * spread).astype(int)
    layout = _lstm._lay_out(_mask(lengths), backwards=False)
    n_read = int(sum(layout.n_rows))
    assert sum(lengths) <= n_read < 1.2 * sum(lengths) < 0.65 * max(lengths) * 50


def test_one_graph_serves_all_lengths():
    layer = LSTM(4)
    specs = [tf.TensorSpec((None, None, 3)), tf.TensorSpec((None, None), tf.bool)]
    run = tf.function(layer, specs, autograph=False)
    for lengths in [(2, 5), (1,), (4, 9, 3, 3)]:
        mask = _mask(lengths)
        frames = _frames(*mask.shape, 3)
        np.testing.assert_allclose(run(frames, mask), layer(frames, mask), atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_in_mixed_precision_outputs_are_half_and_gradients_single(policy):
    half, single = LSTM(4, dtype=policy), LSTM(4)
    frames = _frames(2, 5, 3)
    half.build(frames.shape)
    single.build(frames.shape)
    single.set_weights(half.get_weights())
    mask = _all_real(frames)
    assert half(frames, mask).dtype == keras.DTypePolicy(policy).compute_dtype
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(half(frames, mask))
    gradients = tape.gradient(loss, half.trainable_weights)
    assert {gradient.dtype for gradient in gradients} == {tf.float32}
    outputs = tf.cast(half(frames, mask), tf.float32)
    np.testing.assert_allclose(outputs, single(frames, mask), atol=0.02)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("kind", ["graphics card", "double precision"])
def test_what_the_loop_is_not_for_is_left_to_keras(monkeypatch, kind, backwards):
    mask = _mask([3, 5])
    frames = _frames(2, 5, 3)
    own = LSTM(4, backwards)
    expected = np.asarray(own(frames, mask))
    if kind == "graphics card":
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["one"])
    dtype = "float64" if kind == "double precision" else "float32"
    layer = LSTM(4, backwards, dtype=dtype)
    layer.build(frames.shape)
    layer.set_weights(own.get_weights())
    monkeypatch.setattr(_lstm, "_run", None)
    np.testing.assert_allclose(layer(frames, mask)[mask], expected[mask], atol=1e-6)


def test_it_is_rebuilt_from_its_configuration():
    layer = LSTM(4, True, kernel_initializer=keras.initializers.GlorotUniform(3))
    again = LSTM.from_config(layer.get_config())
    layer.build((None, None, 3))
    again.build((None, None, 3))
    np.testing.assert_array_equal(again.get_weights()[0], layer.get_weights()[0])
    assert again.return_sequences
    assert again.backwards
