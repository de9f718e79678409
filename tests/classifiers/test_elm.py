"""Extreme learning machines against the solutions that they are defined by."""

import numpy as np
import pytest
from sklearn.datasets import load_iris, make_moons
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.utils.estimator_checks import check_estimator

from skser.classifiers import ELMClassifier


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return X, np.array(["setosa", "versicolor", "virginica"])[y]


def targets(y):
    return np.where(y[:, np.newaxis] == np.unique(y), 1.0, -1.0)


def test_the_ordinary_machine_is_a_ridge_on_its_hidden_units(iris):
    X, y = iris
    machine = ELMClassifier(30, C=10.0, random_state=0).fit(X, y)
    hidden = 1 / (1 + np.exp(-(X @ machine.hidden_weights_ + machine.hidden_bias_)))
    ridge = Ridge(alpha=0.1, fit_intercept=False).fit(hidden, targets(y))
    expected = ridge.predict(hidden)
    np.testing.assert_allclose(machine.decision_function(X), expected, atol=1e-8)
    by_hand = np.linalg.solve(hidden.T @ hidden + np.eye(30) / 10, hidden.T)
    np.testing.assert_allclose(machine.coef_, by_hand @ targets(y), atol=1e-8)


def test_the_kernel_machine_is_a_kernel_ridge(iris):
    X, y = iris
    machine = ELMClassifier(kernel="rbf", gamma=0.5, C=20.0).fit(X, y)
    ridge = KernelRidge(kernel="rbf", gamma=0.5, alpha=1 / 20).fit(X, targets(y))
    np.testing.assert_allclose(
        machine.decision_function(X), ridge.predict(X), atol=1e-8
    )


def test_the_scale_of_the_kernel_is_that_of_scikit_learns_machines(iris):
    X, y = iris
    machine = ELMClassifier(kernel="rbf").fit(X, y)
    assert machine.gamma_ == pytest.approx(1 / (4 * X.var()))


@pytest.mark.parametrize("kernel", [None, "rbf"])
def test_what_is_not_linear_is_learnt(kernel):
    X, y = make_moons(300, noise=0.1, random_state=0)
    machine = ELMClassifier(kernel=kernel, random_state=0).fit(X[:200], y[:200])
    assert machine.score(X[200:], y[200:]) > 0.95


@pytest.mark.parametrize("kernel", [None, "rbf"])
def test_a_weight_of_two_is_two_copies_and_of_zero_none(kernel, iris):
    X, y = iris
    weights = np.random.default_rng(0).integers(0, 3, len(y))
    weighted = ELMClassifier(20, kernel=kernel, gamma=0.3, random_state=1)
    weighted.fit(X, y, sample_weight=weights)
    copied = ELMClassifier(20, kernel=kernel, gamma=0.3, random_state=1)
    copied.fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    np.testing.assert_allclose(
        weighted.decision_function(X), copied.decision_function(X), atol=1e-5
    )


def test_probabilities_are_the_softmax_of_the_scores(iris):
    X, y = iris
    machine = ELMClassifier(random_state=0).fit(X, y)
    exponentials = np.exp(machine.decision_function(X))
    np.testing.assert_allclose(
        machine.predict_proba(X), exponentials / exponentials.sum(1, keepdims=True)
    )


@pytest.mark.filterwarnings("ignore")  # the checks provoke them
@pytest.mark.parametrize("kernel", [None, "rbf"])
def test_scikit_learns_checks_pass(kernel):
    # "scale" counts the copies of rows, as in SVC, which fails the same check.
    expected = {
        "check_sample_weight_equivalence_on_dense_data": "gamma='scale' sees X only"
    }
    results = check_estimator(
        ELMClassifier(kernel=kernel, random_state=0),
        expected_failed_checks=expected if kernel else None,
        on_fail=None,
        on_skip=None,
    )
    assert not [r["check_name"] for r in results if r["status"] == "failed"]
    assert sum(r["status"] == "passed" for r in results) > 50


def test_one_class_and_weights_of_zero_are_refused(iris):
    X, y = iris
    with pytest.raises(ValueError, match=r"one class only: 'setosa'"):
        ELMClassifier().fit(X[:10], y[:10])
    with pytest.raises(ValueError, match=r"(?i)sample.weight.*zero"):
        ELMClassifier().fit(X, y, sample_weight=np.zeros(len(y)))


@pytest.mark.case("K29")
@pytest.mark.parametrize("parameters", [{}, {"kernel": "rbf"}])
def test_weights_that_are_none_are_refused(parameters, bad_weights):
    sample_weight, message = bad_weights
    with pytest.raises(ValueError, match=message):
        ELMClassifier(**parameters).fit([[0.0], [1], [2]], [0, 1, 1], sample_weight)
