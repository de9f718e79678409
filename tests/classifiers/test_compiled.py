"""Shared networks: lent to one user at a time, reset for each, never in a fork."""

import os

import keras
import numpy as np
import pytest

from skser.classifiers._compiled import CompiledNetwork, _Pool, weight_shapes
from skser.networks import attention_blstm_fcn

FRAMES = np.random.default_rng(0).normal(size=(4, 7, 3)).astype(np.float32)
MASK = np.ones((4, 7), dtype=bool)
CLASSES = np.array([[0], [1], [0], [1]], dtype=np.int32)
WEIGHTS = np.ones(4, dtype=np.float32)


@pytest.fixture(scope="module")
def network():
    """A compiled network that tests reset before they use it."""

    def build(seed):
        return attention_blstm_fcn(
            3, 2, recurrent_units=4, filters=(5,), kernel_sizes=(3,), seed=seed
        )

    return CompiledNetwork(build, keras.optimizers.Adam)


def _train(network, seed, n_steps=3):
    network.reset(seed)
    network.set_learning_rate(0.01)
    return [
        float(network.train_step(FRAMES, MASK, CLASSES, WEIGHTS))
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
        network.train_step(FRAMES[:, :n_frames], MASK[:, :n_frames], CLASSES, WEIGHTS)
        network.scores(FRAMES[:2, :n_frames], MASK[:2, :n_frames])
    assert network.train_step.experimental_get_tracing_count() == 1
    assert network.scores.experimental_get_tracing_count() == 1


def test_a_network_is_lent_to_one_user_at_a_time_and_used_again():
    pool = _Pool(max_idle=2)
    with pool.lend("a", object) as first, pool.lend("a", object) as second:
        assert first is not second
    with pool.lend("a", object) as third:
        assert third in (first, second)


def test_networks_of_other_keys_are_not_mixed_up():
    pool = _Pool(max_idle=2)
    with pool.lend("a", lambda: "network a"):
        pass
    with pool.lend("b", lambda: "network b") as network:
        assert network == "network b"


def test_only_the_most_recent_networks_are_kept():
    pool = _Pool(max_idle=2)
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
    pool = _Pool(max_idle=2)
    with pytest.raises(KeyError), pool.lend("a", object) as first:
        raise KeyError
    with pool.lend("a", object) as second:
        assert second is first


@pytest.mark.case("G14")
def test_a_forked_process_is_refused_rather_than_left_to_hang(monkeypatch):
    pool = _Pool(max_idle=2)
    with pool.lend("a", object):
        pass
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(RuntimeError, match=r"forked .* already used TensorFlow.*loky"):
        pool.lend("a", object).__enter__()


@pytest.mark.parametrize("view", ["frames", "variables", "flat"])
def test_the_shapes_of_weights_are_known_before_a_network_is_built(view):
    params = {"view": view, "filters": (8, 4), "kernel_sizes": (3, 3)}
    sizes = {"n_features": 3, "n_classes": 2}
    if view != "frames":
        sizes["n_frames"] = 7
    network = attention_blstm_fcn(**sizes, **params, seed=0)
    expected = [weights.shape for weights in network.get_weights()]
    assert weight_shapes(attention_blstm_fcn, params, sizes) == expected


def test_knowing_the_shapes_takes_no_memory_and_leaves_nothing_to_be_made():
    sizes = {"n_features": 3, "n_classes": 2}
    shapes = weight_shapes(attention_blstm_fcn, {"recurrent_units": 10**6}, sizes)
    # As floats of 32 bits, 16 terabytes.
    assert (10**6, 4 * 10**6) in shapes
    # Keras makes here what it has noted as not yet made.
    with keras.StatelessScope():
        pass


def test_the_names_of_the_layers_to_come_do_not_depend_on_it():
    before = keras.layers.Dense(1).name
    weight_shapes(attention_blstm_fcn, {}, {"n_features": 3, "n_classes": 2})
    number = int(before.removeprefix("dense").strip("_") or 0)
    assert keras.layers.Dense(1).name == f"dense_{number + 1}"
