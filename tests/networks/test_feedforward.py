"""The dense network of DNN-ELM."""

import numpy as np

from skser.networks import feedforward


def test_it_has_the_layers_of_han_et_al():
    network = feedforward(750, 5, seed=0)
    weights = [w.shape for w in network.weights if len(w.shape) == 2]
    assert weights == [(750, 256), (256, 256), (256, 256), (256, 5)]


def test_a_segment_is_scored_by_rectified_layers():
    network = feedforward(4, 2, hidden_units=(3,), seed=0)
    first, bias, second, last_bias = network.get_weights()
    x = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    scores = network([x[:, np.newaxis], np.ones((6, 1), bool)]).numpy()
    expected = np.maximum(x @ first + bias, 0) @ second + last_bias
    np.testing.assert_allclose(scores, expected, atol=1e-5)


def test_equal_seeds_give_equal_weights():
    one, same, other = (feedforward(4, 2, seed=s).get_weights() for s in (1, 1, 2))
    np.testing.assert_array_equal(one[0], same[0])
    assert not np.array_equal(one[0], other[0])
