"""Evaluation against soft labels: distributions over the classes."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils import Bunch

from skser.metrics import jensen_shannon_divergence, soft_cross_entropy
from skser.model_selection import evaluate, load_result

CLASSES = ["anger", "joy", "sadness"]


@pytest.fixture(scope="module")
def data():
    """Rows of five speakers, and what listeners said of them."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(60, 3))
    soft = np.exp(2 * X)
    soft /= soft.sum(axis=1, keepdims=True)
    y = pd.DataFrame(soft, columns=CLASSES)
    return Bunch(X=X, y=y, groups=np.repeat(list("abcde"), 12))


@pytest.fixture(scope="module")
def result(data):
    return evaluate(LogisticRegression(), data.X, data.y, groups=data.groups)


def test_the_most_likely_class_is_the_truth(data, result):
    labels = data.y.to_numpy().argmax(axis=1)
    assert result.labels == CLASSES
    assert_array_equal(result.true, labels)
    names = np.array(CLASSES)[labels]
    of_labels = evaluate(LogisticRegression(), data.X, names, groups=data.groups)
    assert_array_equal(result.predicted, of_labels.predicted)
    assert result.ua == of_labels.ua


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("soft cross-entropy", soft_cross_entropy),
        ("Jensen-Shannon divergence", jensen_shannon_divergence),
    ],
)
def test_posteriors_are_compared_with_the_distributions(data, result, name, metric):
    soft = data.y.to_numpy()[result.recordings]
    assert_allclose(result.score(name), metric(soft, result.posteriors))
    (row,) = [row for row in result.scores() if row["score"] == name]
    assert row["low"] < row["pooled"] < row["high"]
    assert_allclose(row["chance"], metric(soft, np.full(soft.shape, 1 / 3)))


def test_an_array_has_classes_from_0_on(data):
    y = data.y.to_numpy()
    result = evaluate(LogisticRegression(), data.X, y, groups=data.groups)
    assert result.labels == [0, 1, 2]


def test_classes_may_be_numbers(data):
    y = data.y.set_axis([3, 1, 2], axis=1)
    result = evaluate(LogisticRegression(), data.X, y, groups=data.groups)
    assert result.labels == [3, 1, 2]
    assert result.ua > 0.6


def test_they_are_saved(result, tmp_path):
    result.save(tmp_path / "result.npz")
    assert load_result(tmp_path / "result.npz").scores() == result.scores()


def test_without_them_there_are_no_such_scores(data):
    labels = data.y.idxmax(axis=1)
    result = evaluate(LogisticRegression(), data.X, labels, groups=data.groups)
    assert "soft cross-entropy" not in [row["score"] for row in result.scores()]
    with pytest.raises(ValueError, match="needs soft labels: pass y to evaluate"):
        result.score("soft cross-entropy")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: y.assign(anger=0.4, joy=0.4, sadness=0.2), "60 of 60 .*anger, joy"),
        (lambda y: 2 * y, "is a classifier, but y should .* the sum 1"),
        (lambda y: y[:10], "10 rows, but there are 60 recordings"),
        (lambda y: y.set_axis(["joy", "joy", "fear"], axis=1), "a class twice"),
    ],
)
def test_what_is_no_distribution_is_told(data, change, message):
    with pytest.raises(ValueError, match=message):
        evaluate(LogisticRegression(), data.X, change(data.y), groups=data.groups)


def test_regressors_predict_them_as_numbers(data):
    result = evaluate(Ridge(), data.X, data.y, groups=data.groups)
    assert result.targets == CLASSES


def test_networks_learn_the_distributions(data):
    from skser import NetworkClassifier
    from skser.networks import feedforward

    class Watched(NetworkClassifier):
        def fit(self, X, y, **params):
            assert list(y.columns) == CLASSES
            return super().fit(X, y, **params)

    network = Watched(
        feedforward, network_params={"hidden_units": (4,)}, max_epochs=2, random_state=0
    )
    X = data.X[:, np.newaxis]
    halves = [(np.arange(36), np.arange(36, 60))]
    result = evaluate(network, X, data.y, halves, groups=data.groups)
    assert result.score("soft cross-entropy") > 0
