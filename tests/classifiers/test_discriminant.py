"""Linear discriminant analysis with shrinkage and balanced classes."""

import tracemalloc

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.utils.estimator_checks import parametrize_with_checks

from skser.classifiers import ShrunkenDiscriminantAnalysis


@pytest.mark.parametrize("n_features", [5, 90])
@pytest.mark.parametrize("shrinkage", [0.1, 0.7, 1.0])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_it_is_scikit_learn_s_with_equal_priors(n_features, shrinkage, n_classes):
    generator = np.random.default_rng(0)
    codes = generator.integers(0, n_classes, 60)
    X = generator.normal(10, 1, (60, n_features)) + codes[:, np.newaxis] / 3
    y = np.array(["angry", "bored", "calm", "sad"])[codes]
    mine = ShrunkenDiscriminantAnalysis(shrinkage).fit(X[:50], y[:50])
    other = LinearDiscriminantAnalysis(
        solver="lsqr", shrinkage=shrinkage, priors=np.full(n_classes, 1 / n_classes)
    ).fit(X[:50], y[:50])
    np.testing.assert_array_equal(mine.predict(X), other.predict(X))
    np.testing.assert_allclose(
        mine.predict_proba(X), other.predict_proba(X), 1e-6, 1e-9
    )
    assert mine.decision_function(X).shape == other.decision_function(X).shape


@parametrize_with_checks([ShrunkenDiscriminantAnalysis()])
def test_it_is_an_estimator_as_scikit_learn_wants_it(estimator, check):
    check(estimator)


def test_rows_that_do_not_vary_within_classes_are_told_apart():
    analysis = ShrunkenDiscriminantAnalysis().fit([[0.0], [0.0], [1.0]], [0, 0, 1])
    assert analysis.predict([[0.2], [0.9]]).tolist() == [0, 1]


def test_one_class_is_an_error():
    with pytest.raises(ValueError, match="at least two classes"):
        ShrunkenDiscriminantAnalysis().fit([[0.0], [1.0]], ["sad", "sad"])


def test_beside_the_rows_it_needs_memory_for_one_class_only():
    X = np.random.default_rng(0).normal(size=(40_000, 20))
    y = np.arange(len(X)) % 8
    tracemalloc.start()
    try:
        ShrunkenDiscriminantAnalysis().fit(X, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < X.nbytes / 2
