"""Compiled networks: lent to one user at a time, reset for each, never in a fork."""

import gc
import os

import keras
import numpy as np
import pytest
import tensorflow as tf

from skser import AttentionBLSTMFCNClassifier
from skser.networks import attention_blstm_fcn
from skser.training import (
    CompiledNetwork,
    InitialState,
    NetworkDesign,
    NetworkPool,
    import_tensorflow,
)

FRAMES = np.random.default_rng(0).normal(size=(4, 7, 3)).astype(np.float32)
MASK = np.ones((4, 7), dtype=bool)
CLASSES = np.array([[0], [1], [0], [1]], dtype=np.int32)
WEIGHTS = np.ones(4, dtype=np.float32)


def design(n_features=3, n_classes=2, **params):
    """Return the design of the paper's network."""
    sizes = {"n_features": n_features, "n_classes": n_classes}
    return NetworkDesign(attention_blstm_fcn, sizes | params)


@pytest.fixture(scope="module")
def network():
    """A compiled network that tests reset before they use it."""
    params = {"recurrent_units": 4, "filters": (5,), "kernel_sizes": (3,)}
    return CompiledNetwork(design(**params), "adam")


def _train(network, seed, n_steps=3):
    network.reset(seed)
    network.set_learning_rate(0.01)
    return [
        float(network.train_step([FRAMES, MASK], CLASSES, WEIGHTS))
        for _ in range(n_steps)
    ]


def test_a_reset_network_repeats_its_losses_whatever_it_did_before(network):
    first = _train(network, seed=1)
    _train(network, seed=2, n_steps=20)
    assert _train(network, seed=1) == first


@pytest.mark.case("I03")
def test_steps_of_any_length_compile_nothing_again(network):
    network.reset(0)
    network.set_learning_rate(0.01)
    for n_frames in (1, 5, 7):
        inputs = [FRAMES[:, :n_frames], MASK[:, :n_frames]]
        network.train_step(inputs, CLASSES, WEIGHTS)
        network.scores([x[:2] for x in inputs])
    assert network.train_step.function.experimental_get_tracing_count() == 1
    assert network.scores.function.experimental_get_tracing_count() == 1


def count_graphs():
    """Return how many graphs of TensorFlow are in memory."""
    gc.collect()
    # Not isinstance, which a weak reference whose object is gone does not bear.
    return sum(issubclass(type(item), tf.Graph) for item in gc.get_objects())


@pytest.mark.case("K28")
@pytest.mark.parametrize("recurrent", ["blstm", None])
def test_a_network_that_nobody_holds_leaves_no_graph(recurrent):
    sizes = {"recurrent_units": 2, "filters": (3,), "kernel_sizes": (3,)}

    def use():
        """Return a network that has trained and predicted."""
        network = CompiledNetwork(design(recurrent=recurrent, **sizes), "adam")
        assert np.isfinite(_train(network, seed=0)).all()
        assert network.scores([FRAMES, MASK]).shape == (4, 2)
        return network

    # The first one of a process leaves a graph of TensorFlow's own.
    use()
    before = count_graphs()
    network = use()
    assert count_graphs() > before
    del network
    assert count_graphs() <= before


def test_a_network_is_lent_to_one_user_at_a_time_and_used_again():
    pool = NetworkPool(max_idle=2)
    with pool.lend("a", object) as first, pool.lend("a", object) as second:
        assert first is not second
    with pool.lend("a", object) as third:
        assert third in (first, second)


def test_networks_of_other_keys_are_not_mixed_up():
    pool = NetworkPool(max_idle=2)
    with pool.lend("a", lambda: "network a"):
        pass
    with pool.lend("b", lambda: "network b") as network:
        assert network == "network b"


def test_only_the_most_recent_networks_are_kept():
    pool = NetworkPool(max_idle=2)
    made = []

    def make():
        made.append(object())
        return made[-1]

    for key in "abc":
        with pool.lend(key, make):
            pass
    with pool.lend("c", make), pool.lend("b", make):
        pass
    assert len(made) == 3
    with pool.lend("a", make):
        pass
    assert len(made) == 4


def test_a_network_comes_back_even_if_its_use_failed():
    pool = NetworkPool(max_idle=2)
    with pytest.raises(KeyError), pool.lend("a", object) as first:
        raise KeyError
    with pool.lend("a", object) as second:
        assert second is first


@pytest.mark.case("G14")
def test_a_forked_process_is_refused_rather_than_left_to_hang(monkeypatch):
    import_tensorflow()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    classifier = AttentionBLSTMFCNClassifier()
    with pytest.raises(RuntimeError, match=r"forked .* already used TensorFlow.*loky"):
        classifier.fit(FRAMES, ["calm", "glad"] * 2)
    assert not hasattr(classifier, "classes_")


@pytest.mark.parametrize("view", ["frames", "variables", "flat"])
def test_the_shapes_of_weights_are_known_before_a_network_is_built(view):
    params = {"view": view, "filters": (8, 4), "kernel_sizes": (3, 3)}
    if view != "frames":
        params["n_frames"] = 7
    expected = [weights.shape for weights in design(**params).build(0).get_weights()]
    assert design(**params).find_weight_shapes() == expected


def test_knowing_the_shapes_takes_no_memory_and_leaves_nothing_to_be_made():
    shapes = design(recurrent_units=10**6).find_weight_shapes()
    # As floats of 32 bits, 16 terabytes.
    assert (10**6, 4 * 10**6) in shapes
    # Keras makes here what it has noted as not yet made.
    with keras.StatelessScope():
        pass


def test_the_names_of_the_layers_to_come_do_not_depend_on_it():
    before = keras.layers.Dense(1).name
    design().find_weight_shapes()
    CompiledNetwork(design(recurrent=None), "adam").reset(0)
    number = int(before.removeprefix("dense").strip("_") or 0)
    assert keras.layers.Dense(1).name == f"dense_{number + 1}"


def build(seed):
    """Return the paper's network, small."""
    return attention_blstm_fcn(
        5, 3, recurrent_units=8, filters=(16, 12), kernel_sizes=(4, 3), seed=seed
    )


@pytest.fixture(scope="module")
def drawn():
    """The variables of one network, and their values for another seed."""
    model = build(0)
    return model.variables, [np.asarray(v) for v in InitialState(build, model).draw(7)]


def test_what_is_random_is_drawn_as_the_layers_would(drawn):
    variables, values = drawn
    kernels = [
        (old.numpy(), new)
        for old, new in zip(variables, values, strict=True)
        if "kernel" in old.name or old.name == "score"
    ]
    assert len(kernels) == 9  # 2 LSTM of 2, attention, 2 convolutions, 2 dense
    for old, new in kernels:
        assert not np.allclose(old, new)
        assert new.shape == old.shape
        assert 0.7 < new.std() / old.std() < 1.4


def test_recurrent_kernels_are_orthogonal(drawn):
    recurrent = [
        new for old, new in zip(*drawn, strict=True) if old.name == "recurrent_kernel"
    ]
    for kernel in recurrent:
        np.testing.assert_allclose(kernel @ kernel.T, np.eye(8), atol=1e-5)


def test_what_is_not_random_starts_as_it_was_built(drawn):
    for old, new in zip(*drawn, strict=True):
        if old.name in ("bias", "gamma", "beta", "moving_mean", "moving_variance"):
            np.testing.assert_array_equal(old.numpy(), new)


def test_the_seed_alone_decides():
    model = build(0)
    state, again = InitialState(build, model), InitialState(build, build(0))
    for first, second in zip(state.draw(3), again.draw(3), strict=True):
        np.testing.assert_array_equal(first, second)
    pairs = zip(state.draw(3), state.draw(4), strict=True)
    assert sum(not np.array_equal(first, second) for first, second in pairs) == 12


def test_the_paper_s_network_is_not_built_again():
    assert InitialState(build, build(0)).is_complete


def test_kernels_of_equal_shape_differ_from_each_other(drawn):
    lstm = [
        new for old, new in zip(*drawn, strict=True) if old.name == "recurrent_kernel"
    ]
    assert not np.allclose(*lstm)


class Shift(keras.layers.Layer):
    """A layer of the user's own that makes its variable in its own way."""

    def __init__(self, seed):
        super().__init__()
        self.seed = seed

    def build(self, shape):
        start = np.random.default_rng(self.seed).normal(size=shape[-1])
        self.shift = self.add_weight(shape=(shape[-1],), name="shift")
        self.shift.assign(start)

    def call(self, inputs):
        return inputs + self.shift


def test_a_layer_with_a_start_of_its_own_is_built_again():
    def build_with_shift(seed):
        inputs = keras.Input((3,))
        return keras.Model(inputs, Shift(seed)(inputs))

    state = InitialState(build_with_shift, build_with_shift(0))
    expected = np.random.default_rng(5).normal(size=3)
    np.testing.assert_allclose(state.draw(5)[0], expected, rtol=1e-6)
