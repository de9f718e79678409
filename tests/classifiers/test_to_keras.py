"""Fitted networks as Keras models: the same scores, also from a file elsewhere."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import softmax
from sklearn.exceptions import NotFittedError

import skser
from skser.classifiers import (
    AttentionBLSTMClassifier,
    AttentionBLSTMFCNClassifier,
    AttentiveCNNClassifier,
    BaseNetworkClassifier,
    NetworkClassifier,
)

pytestmark = pytest.mark.slow

TRAINING = {"max_epochs": 1, "random_state": 0}
SMALL = {
    "recurrent_units": 4,
    "filters": (6, 4),
    "kernel_sizes": (3, 2),
    "hidden_units": (5,),
    **TRAINING,
}


def average_then_dense(n_features, n_classes, *, seed):
    """Build a network of one's own, of Keras' layers alone."""
    frames = keras.Input((None, n_features))
    mask = keras.Input((None,), dtype="bool")
    average = keras.layers.GlobalAveragePooling1D()(frames, mask=mask)
    start = keras.initializers.GlorotUniform(seed)
    scores = keras.layers.Dense(n_classes, kernel_initializer=start)(average)
    return keras.Model([frames, mask], scores)


CLASSIFIERS = {
    "the paper's": AttentionBLSTMFCNClassifier(**SMALL),
    "mean": AttentionBLSTMFCNClassifier(pooling="mean", **SMALL),
    "max": AttentionBLSTMFCNClassifier(pooling="max", **SMALL),
    "last": AttentionBLSTMFCNClassifier(recurrent="lstm", pooling="last", **SMALL),
    "squeezed": AttentionBLSTMFCNClassifier(squeeze_excite=True, **SMALL),
    "convolutional": AttentionBLSTMFCNClassifier(recurrent=None, **SMALL),
    "variables": AttentionBLSTMFCNClassifier(view="variables", **SMALL),
    "flat": AttentionBLSTMFCNClassifier(view="flat", **SMALL),
    "additive": AttentionBLSTMClassifier(
        frame_units=(5,), recurrent_units=(3, 3), **TRAINING
    ),
    "linear": AttentionBLSTMClassifier(
        attention="linear", recurrent_units=(3,), **TRAINING
    ),
    "uniform": AttentionBLSTMClassifier(
        attention="uniform", recurrent_units=(3,), **TRAINING
    ),
    "attentive": AttentiveCNNClassifier(
        n_filters=4, kernel_size=3, pool_size=4, pool_stride=2, **TRAINING
    ),
    "own": NetworkClassifier(average_then_dense, **TRAINING),
}
# Loads what it is told to, and prints the scores; it knows nothing of classifiers.
SCRIPT = """
import json, sys
import keras, numpy as np
import skser.networks

scores = {}
for path, inputs in json.load(sys.stdin):
    arrays = np.load(inputs)
    network = keras.models.load_model(path)
    scores[path] = np.asarray(network([arrays["frames"], arrays["mask"]])).tolist()
print(json.dumps(scores))
"""


@pytest.fixture(scope="module")
def utterances():
    """Ten utterances of unequal length, of two classes."""
    generator = np.random.default_rng(0)
    X = [generator.normal(i % 2, 1, (9 + i, 3)).astype(np.float32) for i in range(10)]
    return X, ["calm", "wild"] * 5


@pytest.fixture(scope="module")
def fitted(utterances):
    """All classifiers, fitted. Not to be changed."""
    return {name: c.fit(*utterances) for name, c in CLASSIFIERS.items()}


def pad(X, n_frames=None):
    """Return frames, with zeros behind the shorter ones, and mask."""
    n_frames = n_frames or max(map(len, X))
    frames = np.stack([np.pad(x, [(0, n_frames - len(x)), (0, 0)]) for x in X])
    mask = np.arange(n_frames) < np.array([len(x) for x in X])[:, np.newaxis]
    return frames, mask


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_the_softmax_of_the_scores_are_the_posteriors(name, fitted, utterances):
    X, _ = utterances
    classifier = fitted[name]
    scores = classifier.to_keras()(list(pad(X, classifier.n_frames_)))
    posteriors = softmax(np.asarray(scores, dtype=float), axis=1)
    np.testing.assert_allclose(posteriors, classifier.predict_proba(X), atol=1e-6)


def test_files_are_loaded_in_a_process_that_knows_only_the_layers(
    fitted, utterances, tmp_path
):
    X, _ = utterances
    jobs, expected = [], {}
    for number, (name, classifier) in enumerate(fitted.items()):
        network = classifier.to_keras()
        frames, mask = pad(X, classifier.n_frames_)
        path, inputs = str(tmp_path / f"{number}.keras"), tmp_path / f"{number}.npz"
        network.save(path)
        np.savez(inputs, frames=frames, mask=mask)
        jobs.append([path, str(inputs)])
        expected[path] = name, np.asarray(network([frames, mask]))
    answer = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr
    scores = json.loads(answer.stdout.splitlines()[-1])
    for path, (name, values) in expected.items():
        np.testing.assert_allclose(scores[path], values, atol=1e-6, err_msg=name)


# Knows nothing but TensorFlow.
SERVE = """
import sys
import numpy as np
import tensorflow as tf

inputs = np.load(sys.argv[2])
served = tf.saved_model.load(sys.argv[1])
np.save(sys.argv[3], served.serve([inputs["frames"], inputs["mask"]]))
assert "skser" not in sys.modules
"""


def test_exported_graphs_run_where_there_is_but_tensorflow(
    fitted, utterances, tmp_path
):
    X, _ = utterances
    frames, mask = pad(X)
    network = fitted["the paper's"].to_keras()
    network.export(tmp_path / "exported", verbose=False)
    np.savez(tmp_path / "inputs.npz", frames=frames, mask=mask)
    names = ("exported", "inputs.npz", "scores.npy")
    answer = subprocess.run(
        [sys.executable, "-c", SERVE, *(str(tmp_path / name) for name in names)],
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr
    scores = np.load(tmp_path / "scores.npy")
    np.testing.assert_allclose(scores, network([frames, mask]), atol=1e-6)


@pytest.mark.filterwarnings("ignore")  # of the interpreter, which is to move
def test_a_network_of_keras_layers_runs_in_tflite(fitted, utterances):
    X, _ = utterances
    network = fitted["own"].to_keras()
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    inputs = {"float32": X[3][np.newaxis], "bool": np.ones((1, len(X[3])), bool)}
    details = interpreter.get_input_details()
    for detail in details:
        array = inputs[np.dtype(detail["dtype"]).name]
        interpreter.resize_tensor_input(detail["index"], array.shape)
    interpreter.allocate_tensors()
    for detail in details:
        array = inputs[np.dtype(detail["dtype"]).name]
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    scores = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    expected = network([inputs["float32"], inputs["bool"]])
    np.testing.assert_allclose(scores, expected, atol=1e-6)


def test_the_model_shares_nothing_with_the_classifier(fitted, utterances):
    X, _ = utterances
    classifier = fitted["the paper's"]
    before = classifier.predict_proba(X)
    one, other = classifier.to_keras(), classifier.to_keras()
    one.set_weights([np.zeros_like(w) for w in one.get_weights()])
    np.testing.assert_array_equal(classifier.predict_proba(X), before)
    for weights, kept in zip(other.get_weights(), classifier.weights_, strict=True):
        np.testing.assert_array_equal(weights, kept)


def test_ratings_are_further_outputs(utterances):
    X, y = utterances
    classifier = AttentiveCNNClassifier(n_filters=4, kernel_size=3, **TRAINING)
    ratings = np.arange(20).reshape(10, 2) % 5
    network = classifier.fit(X, y, ratings=ratings).to_keras()
    scores, *levels = network(list(pad(X)))
    assert [len(x[0]) for x in (scores, *levels)] == [2, 3, 3]


def test_a_network_of_an_own_class_is_a_model_too(utterances):
    class FeedforwardClassifier(BaseNetworkClassifier):
        builder = "feedforward"

        def __init__(self, hidden_units=(4,), *, max_epochs=1):
            super().__init__(max_epochs=max_epochs)
            self.hidden_units = hidden_units

    X, y = utterances
    classifier = FeedforwardClassifier().fit(X, y)
    scores = classifier.to_keras()(list(pad(X)))
    posteriors = softmax(np.asarray(scores, dtype=float), axis=1)
    np.testing.assert_allclose(posteriors, classifier.predict_proba(X), atol=1e-6)


def test_a_classifier_that_is_not_fitted_has_no_network():
    with pytest.raises(NotFittedError, match="AttentionBLSTMFCNClassifier"):
        skser.AttentionBLSTMFCNClassifier().to_keras()


def test_a_function_that_builds_another_network_now_is_refused(utterances):
    sizes = [4]

    def build(n_features, n_classes, *, seed):
        frames = keras.Input((None, n_features))
        mask = keras.Input((None,), dtype="bool")
        average = keras.layers.GlobalAveragePooling1D()(frames, mask=mask)
        start = keras.initializers.GlorotUniform(seed)
        hidden = keras.layers.Dense(sizes[0], kernel_initializer=start)(average)
        scores = keras.layers.Dense(n_classes, kernel_initializer=start)(hidden)
        return keras.Model([frames, mask], scores)

    classifier = NetworkClassifier(build, **TRAINING).fit(*utterances)
    sizes[0] = 5
    with pytest.raises(ValueError, match="builds another one now"):
        classifier.to_keras()
