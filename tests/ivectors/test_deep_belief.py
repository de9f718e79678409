"""The deep belief network: its gradient, its targets, and what it learns."""

import pickle

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.special import softmax

from skser.ivectors import DeepBeliefNetwork
from skser.ivectors._fine_tuning import divergence, fine_tune, gradients

SHARES = [0.3, 0.7]


@pytest.fixture
def network():
    """Two hidden layers, two heads and targets, all random."""
    generator = np.random.default_rng(0)

    def layer(n_inputs, n_outputs):
        return generator.normal(size=(n_inputs, n_outputs)), generator.normal(
            size=n_outputs
        )

    layers, heads = [layer(4, 3), layer(3, 5)], [layer(5, 6), layer(5, 2)]
    X = generator.normal(size=(7, 4))
    labels = np.eye(2)[generator.integers(2, size=7)]
    return layers, heads, X, [generator.dirichlet(np.ones(6), 7), labels]


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


def test_the_loss_is_the_weighted_divergence_of_both_heads(network):
    layers, heads, X, targets = network
    hidden = X
    for weights, biases in layers:
        hidden = 1 / (1 + np.exp(-(hidden @ weights + biases)))
    expected = 0.0
    for (weights, biases), target, share in zip(heads, targets, SHARES, strict=True):
        q = softmax(hidden @ weights + biases, axis=1)
        logs = np.log(np.where(target > 0, target / q, 1.0))
        expected += share * (target * logs).sum(axis=1).mean()
    np.testing.assert_allclose(divergence(layers, heads, X, targets, SHARES), expected)


def test_the_gradient_agrees_with_finite_differences(network):
    layers, heads, X, targets = network
    layer_gradients, head_gradients = gradients(layers, heads, X, targets, SHARES)
    pairs = zip([*layers, *heads], [*layer_gradients, *head_gradients], strict=True)
    for parameters, analytic in pairs:
        for array, gradient in zip(parameters, analytic, strict=True):

            def loss(values, array=array):
                kept = array.copy()
                array[...] = values.reshape(array.shape)
                value = divergence(layers, heads, X, targets, SHARES)
                array[...] = kept
                return value

            numeric = approx_fprime(array.ravel().copy(), loss, 1e-6)
            np.testing.assert_allclose(gradient.ravel(), numeric, atol=1e-5)


def test_the_first_step_of_adam_is_the_learning_rate_against_the_gradient(network):
    layers, heads, X, targets = network
    bias = heads[0][1]
    before, gradient = (
        bias.copy(),
        gradients(layers, heads, X, targets, SHARES)[1][0][1],
    )
    steps = fine_tune(
        layers,
        heads,
        X,
        targets,
        SHARES,
        learning_rate=0.01,
        batch_size=7,
        n_epochs=1,
        generator=np.random.RandomState(0),
    )
    next(steps)
    np.testing.assert_allclose(bias - before, -0.01 * np.sign(gradient), rtol=1e-4)


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
