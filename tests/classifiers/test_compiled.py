"""Shared networks: lent to one user at a time, reset for each, never in a fork."""

import os

import keras
import numpy as np
import pytest

from skser.classifiers._compiled import CompiledNetwork, _Pool
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


def test_a_forked_process_is_refused_rather_than_left_to_hang(monkeypatch):
    pool = _Pool(max_idle=2)
    with pool.lend("a", object):
        pass
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(RuntimeError, match=r"forked .* already used TensorFlow.*loky"):
        pool.lend("a", object).__enter__()
