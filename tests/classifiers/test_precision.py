"""Mixed precision: Keras' policy is followed, and a fitted estimator is free of it."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from skser import AttentionBLSTMFCNClassifier, NetworkClassifier
from skser.classifiers import AttentiveCNNClassifier
from skser.networks import attention_blstm_fcn, feedforward, masked_average
from skser.training import CompiledNetwork, NetworkDesign

pytestmark = pytest.mark.slow

POLICIES = ["mixed_float16", "mixed_bfloat16"]
GENERATOR = np.random.default_rng(0)
X = [GENERATOR.normal(i % 2, 1, size=(8 + i % 5, 5)) for i in range(24)]
Y = np.array(["calm", "angry"] * 12)


@pytest.fixture
def set_policy():
    """Keras' function, which another test does not notice."""
    before = keras.config.dtype_policy().name
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


def _classifier(**params):
    return AttentionBLSTMFCNClassifier(
        recurrent_units=4,
        filters=(8,),
        kernel_sizes=(3,),
        max_epochs=5,
        learning_rate=0.01,
        **{"random_state": 0, **params},
    )


@pytest.mark.parametrize("policy", POLICIES)
def test_a_fit_in_mixed_precision_learns_and_keeps_single_weights(set_policy, policy):
    single = _classifier().fit(X, Y)
    set_policy(policy)
    mixed = _classifier().fit(X, Y)
    assert {weights.dtype for weights in mixed.weights_} == {np.dtype(np.float32)}
    assert mixed.history_["loss"][-1] < mixed.history_["loss"][0]
    # Rounding differs, so it was another precision, and nothing else.
    assert mixed.history_["loss"] != single.history_["loss"]
    np.testing.assert_allclose(
        mixed.history_["loss"], single.history_["loss"], atol=0.06
    )


@pytest.mark.case("K29")
@pytest.mark.parametrize("policy", ["bfloat16", "float16", "int8_from_float32"])
@pytest.mark.parametrize(
    "classifier", [_classifier(), NetworkClassifier(feedforward, max_epochs=1)]
)
def test_a_precision_that_cannot_be_trained_is_refused(set_policy, policy, classifier):
    set_policy(policy)
    with pytest.raises(ValueError, match=f"Keras' dtype policy is '{policy}'.*Set one"):
        classifier.fit(X, Y)


@pytest.fixture
def keep_settings():
    """Settings of Keras and TensorFlow are for one test only."""
    floatx, images = keras.config.floatx(), keras.config.image_data_format()
    yield
    keras.config.set_floatx(floatx)
    keras.config.set_image_data_format(images)
    keras.config.enable_traceback_filtering()
    tf.config.run_functions_eagerly(False)


@pytest.mark.case("K29")
@pytest.mark.parametrize("floatx", ["float16", "bfloat16"])
def test_numbers_of_half_precision_are_refused(keep_settings, floatx, set_policy):
    set_policy("float32")
    keras.config.set_floatx(floatx)
    with pytest.raises(ValueError, match=f"Keras' floatx is '{floatx}'.*set_floatx"):
        _classifier().fit(X, Y)


@pytest.mark.case("K29")
@pytest.mark.parametrize(
    "change",
    [
        lambda: keras.config.set_image_data_format("channels_first"),
        lambda: keras.config.set_floatx("float64"),
        keras.config.disable_traceback_filtering,
        lambda: tf.config.run_functions_eagerly(True),
    ],
    ids=["image_data_format", "floatx", "traceback_filtering", "eagerly"],
)
@pytest.mark.parametrize(
    "make",
    [
        lambda seed: _classifier(random_state=seed),
        lambda seed: AttentiveCNNClassifier(max_epochs=1, random_state=seed),
    ],
    ids=["AttentionBLSTMFCNClassifier", "AttentiveCNNClassifier"],
)
def test_other_settings_of_keras_change_nothing(
    change, make, keep_settings, set_policy
):
    set_policy("float32")
    expected = make(3).fit(X, Y).predict_proba(X)
    change()
    # Of other sizes, so that no network that was built before is taken.
    other = [utterance[:, :4] for utterance in X]
    assert np.isfinite(make(3).fit(other, Y).predict_proba(other)).all()
    np.testing.assert_allclose(make(3).fit(X, Y).predict_proba(X), expected, atol=1e-4)


@pytest.mark.case("K29")
def test_eager_execution_that_is_off_is_named():
    code = """
import tensorflow as tf
tf.compat.v1.disable_eager_execution()
from skser import AttentionBLSTMFCNClassifier
AttentionBLSTMFCNClassifier().fit([[[0.0]], [[1.0]]], [0, 1])
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "RuntimeError: TensorFlow's eager execution was switched off" in run.stderr


@pytest.mark.parametrize("policy", POLICIES)
def test_a_fitted_estimator_predicts_in_whatever_precision_is_set(set_policy, policy):
    set_policy(policy)
    classifier = _classifier().fit(X, Y)
    mixed = classifier.predict_proba(X)
    attention = classifier.attention_weights(X)
    set_policy("float32")
    np.testing.assert_allclose(classifier.predict_proba(X), mixed, atol=0.03)
    for ours, half in zip(classifier.attention_weights(X), attention, strict=True):
        assert half.dtype == np.float32
        np.testing.assert_allclose(ours, half, atol=0.01)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_fit_in_mixed_precision_is_repeatable(set_policy, policy):
    set_policy(policy)
    first = _classifier().fit(X, Y).history_
    assert _classifier().fit(X, Y).history_ == first


def test_small_gradients_do_not_vanish_in_float16(set_policy):
    set_policy("mixed_float16")
    arguments = {"n_features": 5, "n_classes": 2, "recurrent_units": 4}
    network = CompiledNetwork(NetworkDesign(attention_blstm_fcn, arguments), "sgd")
    network.reset(0)
    network.set_learning_rate(1e5)
    before = network.get_weights()
    frames = np.stack([x[:8] for x in X]).astype(np.float32)
    # Gradients of this size have no number in float16.
    weights = np.full(len(X), 1e-7, dtype=np.float32)
    mask = np.ones(frames.shape[:2], dtype=bool)
    classes = np.arange(len(X), dtype=np.int32)[:, None] % 2
    network.train_step([frames, mask], classes, weights)
    changes = [
        np.abs(a - b).max() for a, b in zip(network.get_weights(), before, strict=True)
    ]
    # The first is the kernel of the first convolution, farthest from the loss.
    assert changes[0] > 1e-6


def test_averages_over_many_frames_do_not_overflow_in_half():
    frames = tf.fill((1, 4000, 1), tf.constant(100, tf.float16))
    assert masked_average(frames, np.ones((1, 4000), dtype=bool)).numpy() == 100


def test_training_cannot_go_on_in_another_kind_of_precision(set_policy):
    classifier = _classifier().partial_fit(X, Y, classes=["angry", "calm"])
    set_policy("mixed_float16")
    with pytest.raises(ValueError, match=r"another precision than 'mixed_float16'"):
        classifier.partial_fit(X, Y)
    set_policy("float32")
    assert classifier.partial_fit(X, Y).n_iter_ == 2


def test_a_checkpoint_of_another_precision_is_not_resumed(set_policy, tmp_path):
    classifier = _classifier(checkpoint=tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        # Ends in the third epoch.
        set_rate, rates = CompiledNetwork.set_learning_rate, []

        def stop_in_third_epoch(network, learning_rate):
            rates.append(learning_rate)
            if len(rates) == 3:
                raise KeyboardInterrupt
            set_rate(network, learning_rate)

        patch.setattr(CompiledNetwork, "set_learning_rate", stop_in_third_epoch)
        with pytest.raises(KeyboardInterrupt):
            classifier.fit(X, Y)
    assert list(tmp_path.iterdir())
    set_policy("mixed_bfloat16")
    assert classifier.fit(X, Y).history_ == _classifier().fit(X, Y).history_
