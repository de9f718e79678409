"""The Gaussian-Bernoulli Boltzmann machine: what it models and what CD-1 does."""

import numpy as np
import pytest
from scipy.special import expit

from skser.ivectors import GaussianBernoulliRBM


@pytest.fixture(scope="module")
def correlated():
    """Standardised features that depend on two hidden causes."""
    generator = np.random.default_rng(0)
    causes = generator.integers(0, 2, (1000, 2)) - 0.5
    X = 2 * causes @ generator.normal(size=(2, 8)) + generator.normal(0, 0.5, (1000, 8))
    return (X - X.mean(axis=0)) / X.std(axis=0)


def energy(rbm, visible, hidden):
    """Return the energy as the equation of the docstring has it."""
    deviation = visible - rbm.intercept_visible_
    interaction = hidden @ rbm.components_ @ visible
    return 0.5 * deviation @ deviation - rbm.intercept_hidden_ @ hidden - interaction


def test_contrastive_divergence_lowers_the_reconstruction_error(correlated):
    rbm = GaussianBernoulliRBM(16, n_iter=40, batch_size=50, random_state=0)
    errors = rbm.fit(correlated).reconstruction_errors_
    assert len(errors) == 40
    assert errors[0] > 0.9  # small weights: little but the mean is reconstructed
    assert errors[-1] < 0.6
    restored = rbm.inverse_transform(rbm.transform(correlated))
    assert np.mean((restored - correlated) ** 2) < 0.5


def test_conditionals_follow_from_the_energy(correlated):
    rbm = GaussianBernoulliRBM(3, n_iter=5, random_state=0).fit(correlated)
    visible = correlated[0]
    off, on = np.array([0.0, 1, 0]), np.array([0.0, 1, 1])
    gap = energy(rbm, visible, off) - energy(rbm, visible, on)
    np.testing.assert_allclose(rbm.transform(visible[np.newaxis])[0, 2], expit(gap))
    # The visible units' mean has the lowest energy.
    mean = rbm.inverse_transform(on)
    lowest = energy(rbm, mean, on)
    for step in 1e-2 * np.eye(8):
        np.testing.assert_allclose(energy(rbm, mean + step, on), lowest + 0.5e-4)


def test_weights_move_towards_the_data_and_away_from_the_reconstruction():
    rbm = GaussianBernoulliRBM(1, learning_rate=0.1, momentum=0, n_iter=1)
    rbm.n_components = 1
    rbm.components_ = np.array([[0.0, 0.0]])
    rbm.intercept_hidden_ = np.array([0.0])
    rbm.intercept_visible_ = np.array([1.0, 0.0])
    visible = np.array([[3.0, 2.0], [1.0, 0.0]])
    (weights, hidden_bias, visible_bias), reconstruction = rbm._diverge(
        visible, np.random.RandomState(0)
    )
    # All hidden probabilities are 1/2, so reconstructions are the bias (1, 0).
    np.testing.assert_allclose(reconstruction, [[1, 0], [1, 0]])
    np.testing.assert_allclose(weights, [[0.5, 0.5]])
    np.testing.assert_allclose(hidden_bias, [0])
    np.testing.assert_allclose(visible_bias, [1, 1])


def test_a_seed_repeats_the_fit_and_another_does_not(correlated):
    def components(seed):
        rbm = GaussianBernoulliRBM(4, n_iter=2, random_state=seed)
        return rbm.fit(correlated).components_

    np.testing.assert_array_equal(components(0), components(0))
    assert not np.allclose(components(0), components(1))


def test_single_precision_stays_single(correlated):
    rbm = GaussianBernoulliRBM(4, n_iter=2, random_state=0)
    rbm.fit(correlated.astype(np.float32))
    learnt = rbm.components_, rbm.intercept_hidden_, rbm.intercept_visible_
    assert {a.dtype for a in learnt} == {np.dtype(np.float32)}


def test_runaway_weights_are_reported(correlated):
    rbm = GaussianBernoulliRBM(16, learning_rate=10.0, n_iter=200, random_state=0)
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match=r"Standardise X or lower learning_rate.* 10"),
    ):
        rbm.fit(1e3 * correlated)


def test_progress_is_printed_only_if_asked_for(correlated, capsys):
    GaussianBernoulliRBM(2, n_iter=2).fit(correlated)
    assert capsys.readouterr().out == ""
    GaussianBernoulliRBM(2, n_iter=2, verbose=1).fit(correlated)
    assert "epoch 2 of 2" in capsys.readouterr().err
