"""Within-class covariance normalisation: what becomes the identity."""

import numpy as np
import pytest

from skser.ivectors import WCCN


@pytest.fixture
def vectors():
    """Three classes whose vectors vary most in one direction."""
    generator = np.random.default_rng(0)
    y = np.arange(90) % 3
    X = generator.normal(size=(90, 4)) @ generator.normal(size=(4, 4)) * [9, 1, 1, 1]
    return X + 3 * y[:, np.newaxis], np.array(["a", "b", "c"])[y]


def within(X, y):
    """Return the covariance within classes, averaged by the classes' shares."""
    return sum(np.mean(y == k) * np.cov(X[y == k].T, bias=True) for k in np.unique(y))


def test_the_covariance_within_classes_becomes_the_identity(vectors):
    X, y = vectors
    Z = WCCN(shrinkage=0).fit_transform(X, y)
    np.testing.assert_allclose(within(Z, y), np.eye(4), atol=1e-9)


def test_scalar_products_are_weighted_by_the_inverse_covariance(vectors):
    X, y = vectors
    Z = WCCN(shrinkage=0).fit_transform(X, y)
    np.testing.assert_allclose(Z @ Z.T, X @ np.linalg.inv(within(X, y)) @ X.T)


def test_full_shrinkage_only_scales(vectors):
    X, y = vectors
    scale = np.sqrt(np.trace(within(X, y)) / 4)
    np.testing.assert_allclose(WCCN(shrinkage=1).fit_transform(X, y), X / scale)


def test_moving_whole_classes_changes_nothing(vectors):
    X, y = vectors
    moved = X + 100 * (y == "b")[:, np.newaxis]
    np.testing.assert_allclose(
        WCCN().fit(moved, y).projection_, WCCN().fit(X, y).projection_
    )


def test_more_dimensions_than_vectors_give_finite_results():
    generator = np.random.default_rng(0)
    X, y = generator.normal(size=(6, 20)), [0, 0, 0, 1, 1, 1]
    for shrinkage in (0, 0.1):
        assert np.isfinite(WCCN(shrinkage).fit_transform(X, y)).all()


def test_vectors_that_do_not_vary_within_classes_are_left_alone():
    X, y = np.array([[1.0, 2], [1, 2], [3, 4], [3, 4]]), [0, 0, 1, 1]
    np.testing.assert_array_equal(WCCN().fit_transform(X, y), X)


def test_the_input_is_not_changed(vectors):
    X, y = vectors
    X.flags.writeable = False
    WCCN().fit_transform(X, y)


def test_shares_beyond_one_are_refused(vectors):
    with pytest.raises(ValueError, match="shrinkage"):
        WCCN(1.5).fit(*vectors)
