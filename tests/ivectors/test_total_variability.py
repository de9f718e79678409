"""The factor analysis: against joint Gaussians, and on data drawn from the model."""

import pickle

import numpy as np
import pytest
from scipy.linalg import block_diag, subspace_angles
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skser.ivectors import Statistics, TotalVariability, collect_statistics


def draw(n_utterances=300, n_frames=(20, 60), n_mixtures=3, n_features=4, rank=2):
    """Draw utterances, their hard alignments, factors and loadings from the model."""
    generator = np.random.default_rng(0)
    means = generator.normal(0, 5, (n_mixtures, n_features))
    loadings = generator.normal(0, 1, (n_mixtures, n_features, rank))
    scales = generator.uniform(0.3, 1, (n_mixtures, n_features))
    factors = generator.normal(size=(n_utterances, rank))
    utterances, posteriors = [], []
    for factor in factors:
        mixtures = generator.integers(n_mixtures, size=generator.integers(*n_frames))
        noise = generator.normal(size=(len(mixtures), n_features)) * scales[mixtures]
        utterances.append(means[mixtures] + loadings[mixtures] @ factor + noise)
        posteriors.append(np.eye(n_mixtures)[mixtures])
    return utterances, posteriors, factors, loadings, scales


@pytest.fixture(scope="module")
def drawn():
    return draw()


def stack(model, frames, mixtures):
    """Return mean, loadings and noise of all frames of an utterance as one Gaussian."""
    means = model.means_[mixtures].ravel()
    loadings = model.loadings_[mixtures].reshape(frames.size, -1)
    noise = block_diag(*(np.diag(model.covariances_[c]) for c in mixtures))
    return means, loadings, noise


def test_an_ivector_is_the_mean_of_the_factor_given_all_frames():
    utterances, posteriors, *_ = draw(12, (4, 9))
    statistics = collect_statistics(utterances, posteriors)
    model = TotalVariability(2, n_iterations=3, random_state=0).fit(statistics)
    ivectors = model.transform(statistics)
    for frames, weights, ivector in zip(utterances, posteriors, ivectors, strict=True):
        means, loadings, noise = stack(model, frames, weights.argmax(axis=1))
        covariance = loadings @ loadings.T + noise
        deviations = frames.ravel() - means
        expected = loadings.T @ np.linalg.solve(covariance, deviations)
        np.testing.assert_allclose(ivector, expected, rtol=1e-8)


def test_the_posterior_covariance_is_that_of_the_joint_gaussian():
    utterances, posteriors, *_ = draw(3, (4, 9))
    statistics = collect_statistics(utterances, posteriors)
    model = TotalVariability(2, n_iterations=3, random_state=0).fit(statistics)
    centred = statistics.centre(model.means_)
    covariances = next(iter(model._posteriors(centred)))[2]
    for frames, weights, ours in zip(utterances, posteriors, covariances, strict=True):
        _, loadings, noise = stack(model, frames, weights.argmax(axis=1))
        covariance = loadings @ loadings.T + noise
        expected = np.eye(2) - loadings.T @ np.linalg.solve(covariance, loadings)
        np.testing.assert_allclose(ours, expected, atol=1e-10)


def test_the_log_likelihood_is_that_of_the_joint_gaussian():
    utterances, posteriors, *_ = draw(12, (4, 9))
    statistics = collect_statistics(utterances, posteriors)
    before = TotalVariability(2, n_iterations=3, random_state=0).fit(statistics)
    after = TotalVariability(2, n_iterations=4, random_state=0).fit(statistics)
    total = 0.0
    for frames, weights in zip(utterances, posteriors, strict=True):
        means, loadings, noise = stack(before, frames, weights.argmax(axis=1))
        covariance = loadings @ loadings.T + noise
        total += multivariate_normal.logpdf(frames.ravel(), means, covariance)
    n_frames = sum(map(len, utterances))
    np.testing.assert_allclose(after.log_likelihoods_[3], total / n_frames)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_likelihood_never_falls(drawn, seed):
    utterances, _, *_ = drawn
    generator = np.random.default_rng(seed)
    soft = [generator.dirichlet(np.ones(5), size=len(frames)) for frames in utterances]
    statistics = collect_statistics(utterances, soft)
    model = TotalVariability(4, n_iterations=15, random_state=seed).fit(statistics)
    assert (np.diff(model.log_likelihoods_) > -1e-9).all()
    assert model.log_likelihoods_[-1] > model.log_likelihoods_[0]


def test_loadings_factors_and_covariances_are_found_again(drawn):
    utterances, posteriors, factors, loadings, scales = drawn
    statistics = collect_statistics(utterances, posteriors)
    model = TotalVariability(2, n_iterations=30, random_state=0).fit(statistics)
    found = model.loadings_.reshape(-1, 2)
    assert np.rad2deg(subspace_angles(found, loadings.reshape(-1, 2))).max() < 2
    # The factors are known but for a rotation.
    ivectors = model.transform(statistics)
    predicted = ivectors @ np.linalg.lstsq(ivectors, factors)[0]
    assert np.corrcoef(predicted[:, 0], factors[:, 0])[0, 1] > 0.99
    np.testing.assert_allclose(np.sqrt(model.covariances_), scales, rtol=0.05)


def test_the_rank_of_the_data_shows_in_loadings_of_a_higher_rank(drawn):
    utterances, posteriors, *_ = drawn
    statistics = collect_statistics(utterances, posteriors)
    model = TotalVariability(5, n_iterations=30, random_state=0).fit(statistics)
    singular = np.linalg.svd(model.loadings_.reshape(-1, 5), compute_uv=False)
    assert singular[1] > 5 * singular[2]


def test_without_variability_the_ivectors_are_near_zero():
    generator = np.random.default_rng(0)
    utterances = [generator.normal(size=(200, 2)) for _ in range(100)]
    statistics = collect_statistics(utterances, [np.ones((200, 1))] * 100)
    model = TotalVariability(1, n_iterations=50, random_state=0).fit(statistics)
    assert np.abs(model.loadings_).max() < 0.1


def test_batches_of_utterances_change_nothing(drawn, monkeypatch):
    statistics = collect_statistics(*drawn[:2])
    expected = TotalVariability(2, random_state=0).fit_transform(statistics)
    monkeypatch.setattr("skser.ivectors._total_variability._BATCH_SIZE", 7)
    ours = TotalVariability(2, random_state=0).fit_transform(statistics)
    np.testing.assert_allclose(ours, expected, atol=1e-8)


def test_a_mixture_that_no_frame_belongs_to_does_no_harm(drawn):
    utterances, posteriors, *_ = drawn
    statistics = collect_statistics(utterances, posteriors)
    wider = [np.pad(weights, ((0, 0), (0, 1))) for weights in posteriors]
    extended = collect_statistics(utterances, wider)
    expected = TotalVariability(2, n_iterations=30, random_state=0).fit(statistics)
    ours = TotalVariability(2, n_iterations=30, random_state=0).fit(extended)
    assert np.isfinite(ours.transform(extended)).all()
    np.testing.assert_allclose(ours.covariances_[:3], expected.covariances_, rtol=1e-2)


def test_progress_is_printed_only_if_asked_for(drawn, capsys):
    statistics = collect_statistics(*drawn[:2])
    TotalVariability(2, n_iterations=2).fit(statistics)
    assert capsys.readouterr().out == ""
    TotalVariability(2, n_iterations=2, verbose=1).fit(statistics)
    assert "iteration 2 of 2" in capsys.readouterr().err


def test_it_can_be_cloned_and_pickled(drawn):
    statistics = collect_statistics(*drawn[:2])
    model = TotalVariability(2, n_iterations=2, random_state=0).fit(statistics)
    restored = pickle.loads(pickle.dumps(model))
    expected = model.transform(statistics)
    np.testing.assert_array_equal(restored.transform(statistics), expected)
    np.testing.assert_array_equal(clone(model).fit_transform(statistics), expected)


def test_what_cannot_be_used_is_refused(drawn):
    statistics = collect_statistics(*drawn[:2])
    with pytest.raises(NotFittedError):
        TotalVariability().transform(statistics)
    with pytest.raises(TypeError, match=r"collect_statistics.*got ndarray"):
        TotalVariability().fit(np.ones((3, 3)))
    model = TotalVariability(2, n_iterations=1).fit(statistics)
    narrow = Statistics(
        statistics.counts, statistics.sums[..., :2], statistics.squares[:, :2]
    )
    with pytest.raises(ValueError, match=r"\(3, 2\), but .* \(3, 4\)"):
        model.transform(narrow)
    with pytest.raises(ValueError, match="n_components"):
        TotalVariability(0).fit(statistics)
