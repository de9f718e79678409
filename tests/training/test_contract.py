"""Networks of the user's own: what is checked before they are trained, and identity."""

import functools
import os
import types

import keras
import numpy as np
import pytest
from keras import layers

from skser import NetworkClassifier
from skser.networks import AttentionPooling, zero_padding

RNG = np.random.default_rng(0)
X = [RNG.normal(i % 2, 1, (6 + i % 4, 3)) for i in range(40)]
Y = np.array(["calm", "wild"] * 20)


def dense(n_units, seed, activation=None):
    """Return a dense layer that draws its weights with a seed."""
    start = keras.initializers.GlorotUniform(seed)
    return layers.Dense(n_units, activation, kernel_initializer=start)


def masked(n_features, n_classes, *, seed, n_units=4, activation="tanh", end=None):
    """Build a network of frames and mask."""
    frames = keras.Input((None, n_features))
    mask = keras.Input((None,), dtype="bool")
    average = layers.GlobalAveragePooling1D()(frames, mask=mask)
    hidden = dense(n_units, seed, activation)(average)
    return keras.Model([frames, mask], dense(n_classes, seed + 1, end)(hidden))


def frames_alone(n_features, n_classes, *, seed, n_frames=None):
    """Build a network without a mask."""
    convolution = layers.Conv1D(
        4, 3, kernel_initializer=keras.initializers.GlorotUniform(seed)
    )
    pool = layers.GlobalAveragePooling1D() if n_frames is None else layers.Flatten()
    return keras.Sequential(
        [
            keras.Input((n_frames, n_features)),
            convolution,
            pool,
            dense(n_classes, seed + 1),
        ]
    )


def classify(network, **params):
    """Return a classifier that is quick to train."""
    training = {"max_epochs": 2, "learning_rate": 0.05, "random_state": 0}
    return NetworkClassifier(network, **{**training, **params})


def test_a_network_of_frames_alone_is_trained_without_padding():
    groups = np.arange(40) // 8
    classifier = classify(frames_alone, max_epochs=20).fit(X, Y, groups=groups)
    assert classifier.score(X, Y) > 0.9
    # As the model itself answers, for each utterance alone.
    model = frames_alone(3, 2, seed=0)
    model.set_weights(classifier.weights_)
    scores = np.concatenate([np.asarray(model(x[np.newaxis])) for x in X])
    expected = keras.ops.softmax(scores)
    np.testing.assert_allclose(classifier.predict_proba(X), expected, atol=1e-5)
    again = classify(frames_alone, max_epochs=20).fit(X, Y, groups=groups)
    np.testing.assert_array_equal(classifier.predict_proba(X), again.predict_proba(X))


def test_a_network_of_frames_alone_may_be_of_one_length():
    classifier = classify(frames_alone, network_params={"n_frames": 6})
    batch = np.stack([x[:6] for x in X])
    assert classifier.fit(batch, Y).predict_proba(batch).shape == (40, 2)
    with pytest.raises(ValueError, match=r"takes utterances of 6 frames, but .* of 7"):
        classifier.predict(X)
    with pytest.raises(ValueError, match=r"takes utterances of 6 frames, but .* of 7"):
        classifier.fit(X, Y)
    assert classifier.predict_proba(batch).shape == (40, 2)


def no_seed(n_features, n_classes):
    return masked(n_features, n_classes, seed=0)


def ends_in_softmax(n_features, n_classes, *, seed):
    return masked(n_features, n_classes, seed=seed, end="softmax")


def no_pooling(n_features, n_classes, *, seed):
    frames = keras.Input((None, n_features))
    return keras.Model(frames, dense(n_classes, seed)(frames))


def one_sigmoid(n_features, n_classes, *, seed):
    return masked(n_features, 1, seed=seed, end="sigmoid")


def mask_first(n_features, n_classes, *, seed):
    model = masked(n_features, n_classes, seed=seed)
    frames, mask = model.inputs
    return keras.Model([mask, frames], model.output)


def three_inputs(n_features, n_classes, *, seed):
    model = masked(n_features, n_classes, seed=seed)
    more = keras.Input((1,))
    return keras.Model([*model.inputs, more], model.output + 0 * more)


def two_outputs(n_features, n_classes, *, seed):
    model = masked(n_features, n_classes, seed=seed)
    return keras.Model(model.inputs, [model.output, model.output])


def not_a_model(n_features, n_classes, *, seed):
    return dense(n_classes, seed)


def ignores_mask(n_features, n_classes, *, seed):
    frames = keras.Input((None, n_features))
    mask = keras.Input((None,), dtype="bool")
    average = layers.GlobalAveragePooling1D()(frames)
    return keras.Model([frames, mask], dense(n_classes, seed)(average))


def convolve_twice(n_features, n_classes, *, seed, clean):
    """Build convolutions that see their own output behind an utterance, or zeros."""
    frames = keras.Input((None, n_features))
    mask = keras.Input((None,), dtype="bool")
    outputs = frames
    for i in range(2):
        outputs = layers.Conv1D(
            4,
            3,
            padding="same",
            kernel_initializer=keras.initializers.GlorotUniform(seed + i),
            bias_initializer="ones",
        )(outputs)
        if clean:
            outputs = zero_padding(outputs, mask)
    average = layers.GlobalAveragePooling1D()(outputs, mask=mask)
    return keras.Model([frames, mask], dense(n_classes, seed)(average))


def attention_of_features(n_features, n_classes, *, seed):
    frames = keras.Input((None, n_features))
    mask = keras.Input((None,), dtype="bool")
    weights = layers.Softmax(name="attention")(dense(3, seed)(frames))
    average = layers.GlobalAveragePooling1D()(weights, mask=mask)
    return keras.Model([frames, mask], dense(n_classes, seed)(average))


@pytest.mark.parametrize(
    ("network", "error", "message"),
    [
        (no_seed, TypeError, "no_seed must take the keyword argument seed"),
        (not_a_model, TypeError, "must return a keras.Model .* got Dense"),
        (ends_in_softmax, ValueError, "outputs are posteriors.* remove the softmax"),
        (no_pooling, ValueError, r"of the shape \(None, 2\); got \(None, \d+, 2\)"),
        (one_sigmoid, ValueError, r"got \(None, 1\)\. Two classes need two scores"),
        (mask_first, ValueError, "frames and mask, of the shapes .* in this order"),
        (three_inputs, ValueError, "or of frames alone; got inputs of the shapes"),
        (two_outputs, ValueError, "one output.* got 2 outputs"),
        (ignores_mask, ValueError, "change by up to .* Pass the mask to all layers"),
        (
            functools.partial(convolve_twice, clean=False),
            ValueError,
            "set padding to zero before each convolution",
        ),
        (attention_of_features, ValueError, 'layer "attention" .* another name'),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_cannot_be_trained_is_refused_with_what_to_do(network, error, message):
    classifier = classify(network)
    with pytest.raises(error, match=message):
        classifier.fit(X, Y)
    assert not hasattr(classifier, "classes_")
    with pytest.raises(error, match=message):
        classifier.partial_fit(X, Y, classes=["calm", "wild"])


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_networks_that_know_their_mask_are_taken_in_all_precisions(policy):
    before = keras.config.dtype_policy().name
    keras.config.set_dtype_policy(policy)
    try:
        for network in (masked, functools.partial(convolve_twice, clean=True)):
            assert classify(network).fit(X, Y).n_iter_ == 2
    finally:
        keras.config.set_dtype_policy(before)


def test_the_mask_may_be_of_numbers():
    def build(n_features, n_classes, *, seed):
        frames, mask = keras.Input((None, n_features)), keras.Input((None,))
        total = keras.ops.sum(frames * mask[:, :, None], axis=1)
        average = total / keras.ops.sum(mask, axis=1, keepdims=True)
        return keras.Model([frames, mask], dense(n_classes, seed)(average))

    assert classify(build).fit(X, Y).predict_proba(X).shape == (40, 2)


def attentive(n_features, n_classes, *, seed):
    """Build a network whose attention can be asked for."""
    frames = keras.Input((None, n_features))
    mask = keras.Input((None,), dtype="bool")
    average, _ = AttentionPooling(seed=seed, name="attention")(frames, mask)
    return keras.Model([frames, mask], dense(n_classes, seed)(average))


def test_a_layer_of_the_name_attention_gives_attention_weights():
    assert not hasattr(classify(attentive), "attention_weights")
    weights = classify(attentive).fit(X, Y).attention_weights(X)
    assert [len(w) for w in weights] == [len(x) for x in X]
    np.testing.assert_allclose([w.sum() for w in weights], 1, atol=1e-5)
    fitted = classify(masked).fit(X, Y)
    with pytest.raises(AttributeError, match="has no attribute 'attention_weights'"):
        fitted.attention_weights(X)


def regularized(n_features, n_classes, *, seed, factor):
    frames = keras.Input((None, n_features))
    mask = keras.Input((None,), dtype="bool")
    average = layers.GlobalAveragePooling1D()(frames, mask=mask)
    start = keras.initializers.GlorotUniform(seed)
    scores = layers.Dense(
        n_classes,
        kernel_initializer=start,
        kernel_regularizer=keras.regularizers.L2(factor),
    )
    return keras.Model([frames, mask], scores(average))


def test_what_layers_add_to_the_loss_is_learnt():
    norms = [
        np.linalg.norm(
            classify(regularized, network_params={"factor": factor}, max_epochs=30)
            .fit(X, Y)
            .weights_[0]
        )
        for factor in (0.0, 10.0)
    ]
    assert norms[1] < 0.3 * norms[0]


SETTINGS = types.SimpleNamespace(n_units=4, activation="tanh")


class Settings:
    """What a function can read beside its arguments."""

    n_units = 4

    def __init__(self):
        self.activation = "tanh"

    def __call__(self, n_features, n_classes, *, seed):
        return masked(
            n_features,
            n_classes,
            seed=seed,
            n_units=self.n_units,
            activation=self.activation,
        )


def reads_global(n_features, n_classes, *, seed):
    return masked(n_features, n_classes, seed=seed, **vars(SETTINGS))


def reads_environment(n_features, n_classes, *, seed):
    n_units = int(os.environ.get("SKSER_TEST_WIDTH", "4"))
    return masked(n_features, n_classes, seed=seed, n_units=n_units)


class Gain(layers.Layer):
    """A layer whose computation, but not its configuration, depends on a global."""

    def call(self, inputs):
        return inputs * len(SETTINGS.activation)


def reads_global_in_call(n_features, n_classes, *, seed):
    model = masked(n_features, n_classes, seed=seed)
    return keras.Model(model.inputs, Gain()(model.output))


READERS = {
    "width": (reads_global, lambda patch: patch.setattr(SETTINGS, "n_units", 32)),
    "activation": (
        reads_global,
        lambda patch: patch.setattr(SETTINGS, "activation", "relu"),
    ),
    "environment": (
        reads_environment,
        lambda patch: patch.setenv("SKSER_TEST_WIDTH", "32"),
    ),
    "attribute": (Settings(), lambda patch: patch.setattr(Settings, "n_units", 32)),
    "layer": (
        reads_global_in_call,
        lambda patch: patch.setattr(SETTINGS, "activation", "softsign"),
    ),
}


@pytest.mark.parametrize("reader", READERS)
def test_what_a_function_reads_is_read_in_every_fit(reader, monkeypatch):
    network, change = READERS[reader]
    classifier = classify(network).fit(X, Y)
    before = classifier.predict_proba(X)
    change(monkeypatch)
    # The fitted one goes on as it is.
    np.testing.assert_array_equal(classifier.predict_proba(X), before)
    other = classify(network).fit(X, Y)
    model = network(3, 2, seed=0)
    assert [w.shape for w in model.get_weights()] == [w.shape for w in other.weights_]
    model.set_weights(other.weights_)
    batch = [x[:6] for x in X]
    scores = model([np.stack(batch).astype("float32"), np.ones((40, 6), bool)])
    expected = keras.ops.softmax(scores)
    np.testing.assert_allclose(other.predict_proba(batch), expected, atol=1e-5)
    monkeypatch.undo()
    again = classify(network).fit(X, Y)
    np.testing.assert_array_equal(again.predict_proba(X), before)


def test_equal_networks_are_compiled_once(wrap):
    made = []
    wrap(
        "skser.training._compiled.CompiledNetwork",
        lambda make: lambda *args: made.append(args) or make(*args),
    )

    def network(n_features, n_classes, *, seed):
        return attentive(n_features, n_classes, seed=seed)

    for seed in range(3):
        classify(network, random_state=seed).fit(X, Y).predict(X)
    assert len(made) == 1
