"""Regressors of standardised targets, one or several."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression, Ridge, SGDRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from sklearn.utils.estimator_checks import parametrize_with_checks

import skser
from skser.ensembles import ScaledTargetRegressor


@pytest.fixture(scope="module")
def table():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(60, 4))
    y = X @ generator.normal(size=(4, 2)) + generator.normal(0, 0.3, (60, 2))
    return X, 3 + y * [1, 100]


@parametrize_with_checks([ScaledTargetRegressor(Ridge())])
def test_scikit_learn_s_checks_pass(estimator, check):
    check(estimator)


def test_each_target_is_that_of_a_transformed_target(table):
    X, y = table
    machine = SVR(kernel="linear", C=0.5)
    predicted = ScaledTargetRegressor(machine).fit(X, y).predict(X)
    for target, found in zip(y.T, predicted.T, strict=True):
        alone = TransformedTargetRegressor(machine, transformer=StandardScaler())
        assert_allclose(found, alone.fit(X, target).predict(X))
        single = ScaledTargetRegressor(machine).fit(X, target)
        assert_allclose(single.predict(X), found)


def test_the_unit_of_a_target_does_not_matter(table):
    X, y = table
    regressor = ScaledTargetRegressor(SVR(kernel="linear", epsilon=0.5))
    one, other = (regressor.fit(X, s * y).predict(X) / s for s in (1, 1e-3))
    assert_allclose(one, other)


def test_a_constant_target_is_predicted(table):
    regressor = ScaledTargetRegressor(LinearRegression()).fit(table[0], np.full(60, 2))
    assert_allclose(regressor.predict(table[0]), 2)


def test_it_is_searched_like_any_other(table):
    search = GridSearchCV(
        ScaledTargetRegressor(SVR(kernel="linear")), {"estimator__C": [0.01, 1]}
    )
    assert search.fit(*table).best_params_ == {"estimator__C": 1}


def test_it_cannot_be_fitted_by_parts(table):
    assert not hasattr(ScaledTargetRegressor(SGDRegressor()), "partial_fit")


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
@pytest.mark.parametrize("n_targets", [1, 2])
def test_it_is_saved_and_loaded(table, tmp_path, kernel, n_targets):
    X, y = table
    y = y[:, 0] if n_targets == 1 else y
    regressor = ScaledTargetRegressor(SVR(kernel=kernel)).fit(X, y)
    skser.save(regressor, tmp_path / "model")
    loaded = skser.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(X), regressor.predict(X))
    ridge = Ridge().fit(X, y)
    skser.save(ridge, tmp_path / "ridge")
    loaded = skser.load(tmp_path / "ridge")
    np.testing.assert_array_equal(loaded.predict(X), ridge.predict(X))


@pytest.mark.parametrize(
    ("attribute", "change", "message"),
    [
        ("_n_support", lambda counts: counts + 1, "does not add up"),
        ("support_vectors_", lambda vectors: vectors[:, :2].copy(), "has the shape"),
        ("support_", lambda numbers: numbers + 1000, "beyond the training samples"),
        ("_dual_coef_", lambda values: values[:, 1:].copy(), "has the shape"),
    ],
)
def test_a_machine_whose_parts_do_not_fit_is_not_loaded(
    table, tmp_path, attribute, change, message
):
    X, y = table
    machine = SVR(kernel="linear").fit(X, y[:, 0])
    setattr(machine, attribute, change(getattr(machine, attribute)))
    with pytest.raises(ValueError, match=message):
        _ = skser.save(machine, tmp_path / "model") or skser.load(tmp_path / "model")
