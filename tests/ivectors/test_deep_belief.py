"""The deep belief network: its loss, its steps, its targets, and what it learns."""

import pickle

import numpy as np
import pytest
from scipy.special import rel_entr, softmax

from skser.ivectors import DeepBeliefNetwork


@pytest.fixture(scope="module")
def frames():
    """Frames in six clusters, three of each label; soft posteriors of the clusters."""
    generator = np.random.default_rng(0)
    centres = generator.normal(0, 3, (6, 10))
    clusters = generator.integers(6, size=1500)
    X = centres[clusters] + generator.normal(size=(1500, 10))
    distances = ((X[:, np.newaxis] - centres) ** 2).sum(axis=2)
    labels = np.array(["calm", "angry"])[clusters % 2]
    return X, labels, softmax(-0.5 * distances, axis=1)


@pytest.mark.parametrize("weight", [0.3, 0.5])
def test_the_first_loss_is_the_weighted_divergence_of_both_heads(frames, weight):
    # Heads start at 0, and a tiny learning rate keeps them there: all is as likely.
    X, labels, posteriors = frames
    network = DeepBeliefNetwork(
        (4,), posterior_weight=weight, learning_rate=1e-12, fine_tuning_epochs=1
    ).fit(X, labels, posteriors=posteriors)
    mixtures = rel_entr(posteriors, 1 / 6).sum(axis=1).mean()
    expected = weight * mixtures + (1 - weight) * np.log(2)
    np.testing.assert_allclose(network.losses_, [expected], rtol=1e-6)


def test_the_first_step_of_adam_is_the_learning_rate_against_the_gradient(frames):
    X, labels, _ = frames
    options = {"batch_size": len(X), "pretraining_epochs": 1, "random_state": 0}
    before, after = (
        DeepBeliefNetwork(
            (4,), learning_rate=0.01, fine_tuning_epochs=n_epochs, **options
        ).fit(X, labels)
        for n_epochs in (0, 1)
    )
    # With heads of 0, only these have a gradient.
    np.testing.assert_array_equal(after.layers_[0][0], before.layers_[0][0])
    error = 0.5 - (labels[:, np.newaxis] == after.classes_)
    gradients = before.transform(X).T @ error / len(X), error.mean(axis=0)
    heads = before.heads_["labels"], after.heads_["labels"]
    for old, new, gradient in zip(*heads, gradients, strict=True):
        np.testing.assert_allclose(new - old, -0.01 * np.sign(gradient), rtol=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_small_steps_on_all_samples_lower_the_loss_of_deep_layers(frames, dtype):
    X, labels, posteriors = (np.asarray(part[:100]) for part in frames)
    options = {"pretraining_epochs": 1, "batch_size": 100, "random_state": 0}
    losses = (
        DeepBeliefNetwork((5, 4), fine_tuning_epochs=60, learning_rate=1e-2, **options)
        .fit(X.astype(dtype), labels, posteriors=posteriors.astype(dtype))
        .losses_
    )
    assert len(losses) == 60
    # Of all samples at once, so that every step is downhill.
    assert (np.diff(losses) < 0).all()


def test_both_heads_learn_their_targets(frames):
    X, labels, posteriors = frames
    network = DeepBeliefNetwork(
        (32, 32), batch_size=20, fine_tuning_epochs=30, random_state=0
    )
    network.fit(X[:1000], labels[:1000], posteriors=posteriors[:1000])
    mixtures = network.predict_posteriors(X[1000:])
    np.testing.assert_allclose(mixtures.sum(axis=1), 1)
    assert np.abs(mixtures - posteriors[1000:]).mean() < 0.03
    emotions = network.predict_posteriors(X[1000:], head="labels").argmax(axis=1)
    assert (network.classes_[emotions] == labels[1000:]).mean() > 0.9
    assert network.losses_[-1] < 0.5 * network.losses_[0]


@pytest.mark.parametrize(("weight", "untouched"), [(1.0, "labels"), (0.0, "mixtures")])
def test_a_target_of_weight_zero_is_not_learnt(frames, weight, untouched):
    X, labels, posteriors = frames
    network = DeepBeliefNetwork(
        (8,), posterior_weight=weight, fine_tuning_epochs=2, pretraining_epochs=1
    ).fit(X, labels, posteriors=posteriors)
    uniform = network.predict_posteriors(X, head=untouched)
    np.testing.assert_allclose(uniform, 1 / uniform.shape[1])


def test_a_single_target_counts_alone_whatever_its_weight(frames):
    X, _, posteriors = frames
    tables = [
        DeepBeliefNetwork(
            (8,), posterior_weight=weight, fine_tuning_epochs=2, random_state=0
        )
        .fit(X, posteriors=posteriors)
        .predict_posteriors(X)
        for weight in (0.1, 0.9)
    ]
    np.testing.assert_array_equal(*tables)


def test_without_targets_the_layers_are_only_pretrained(frames):
    X = frames[0]
    network = DeepBeliefNetwork((8, 4), pretraining_epochs=2, random_state=0).fit(X)
    assert network.transform(X).shape == (1500, 4)
    assert network.heads_ == {}
    with pytest.raises(ValueError, match=r"heads \[\], not 'mixtures'.*posteriors"):
        network.predict_posteriors(X)


def test_the_scale_of_the_features_does_not_matter(frames):
    X, labels, _ = frames
    scales = 10.0 ** np.arange(-5, 5)
    results = [
        DeepBeliefNetwork((8,), random_state=0).fit(table, labels).transform(table)
        for table in (X, X * scales + 7)
    ]
    np.testing.assert_allclose(*results, atol=1e-5)


def test_a_seed_repeats_the_fit_and_global_state_is_left_alone(frames):
    X, labels, _ = frames
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    results = [
        DeepBeliefNetwork((8, 8), random_state=seed, pretraining_epochs=2)
        .fit(X, labels)
        .transform(X)
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(results[0], results[1])
    assert not np.allclose(results[0], results[2])
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_a_fitted_network_holds_arrays_only_and_can_be_pickled(frames):
    X, labels, posteriors = frames
    network = DeepBeliefNetwork((8, 8), random_state=0, pretraining_epochs=1)
    network.fit(X.astype(np.float32), labels, posteriors=posteriors)
    for weights, biases in [*network.layers_, *network.heads_.values()]:
        assert type(weights) is type(biases) is np.ndarray
        assert weights.dtype == biases.dtype == np.float32
    restored = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(
        restored.predict_posteriors(X), network.predict_posteriors(X)
    )


@pytest.mark.parametrize("units", [(), (8, 0), (8, 2.5)])
def test_layers_without_units_are_refused(frames, units):
    with pytest.raises(ValueError, match="hidden_units must be one or more positive"):
        DeepBeliefNetwork(units).fit(frames[0])


def test_targets_of_another_length_are_refused(frames):
    X, labels, posteriors = frames
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        DeepBeliefNetwork((4,)).fit(X, labels[:-1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        DeepBeliefNetwork((4,)).fit(X, posteriors=posteriors[:-1])
