"""Initial values: those of a newly built network in all but the seed."""

import keras
import numpy as np
import pytest

from skser.classifiers._initial_state import InitialState
from skser.networks import attention_blstm_fcn


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
    assert InitialState(build, build(0))._is_complete


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
