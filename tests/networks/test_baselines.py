"""The networks of Table 4: their sizes, their parts, and padding that never counts."""

import keras
import numpy as np
import pytest

from skser.networks import PackedConvolution, attention_blstm, attentive_cnn
from skser.training import InitialState

NETWORKS = {
    "huang2016": (attention_blstm, {"recurrent_units": (5, 4)}),
    "mirsamadi2017": (
        attention_blstm,
        {"frame_units": (7, 6), "recurrent_units": (4,), "attention": "linear"},
    ),
    "uniform": (attention_blstm, {"recurrent_units": (4,), "attention": "uniform"}),
    "attentive_cnn": (
        attentive_cnn,
        {"n_filters": 6, "kernel_size": 4, "pool_size": 3},
    ),
    "overlapping windows": (
        attentive_cnn,
        {"n_filters": 6, "kernel_size": 5, "pool_size": 4, "pool_stride": 2},
    ),
    "ratings": (
        attentive_cnn,
        {"n_filters": 6, "kernel_size": 4, "pool_size": 3, "n_ratings": 2},
    ),
}


@pytest.fixture(params=NETWORKS)
def network(request):
    """Give each network, small, for five features and three classes."""
    build, params = NETWORKS[request.param]
    return build(5, 3, **params, seed=0)


def flatten(scores):
    """Return the scores of all heads as one array."""
    return np.concatenate([np.asarray(s) for s in keras.tree.flatten(scores)], axis=1)


@pytest.mark.parametrize("n_padded", [1, 2, 3, 50])
def test_padding_does_not_change_the_scores(network, n_padded):
    generator = np.random.default_rng(0)
    frames = generator.normal(size=(1, 11, 5)).astype("float32")
    padded = np.concatenate([frames, np.full((1, n_padded, 5), 9, "float32")], axis=1)
    mask = np.arange(11 + n_padded)[None] < 11
    np.testing.assert_allclose(
        flatten(network([padded, mask])),
        flatten(network([frames, mask[:, :11]])),
        atol=1e-6,
    )


def test_an_utterance_of_one_frame_has_scores(network):
    scores = flatten(network([np.ones((1, 1, 5), "float32"), np.ones((1, 1), bool)]))
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_the_seed_determines_all_weights(name):
    build, params = NETWORKS[name]
    weights = [build(5, 3, **params, seed=s).get_weights() for s in (1, 1, 2)]
    for first, second in zip(weights[0], weights[1], strict=True):
        np.testing.assert_array_equal(first, second)
    assert any((a != b).any() for a, b in zip(weights[0], weights[2], strict=True))


@pytest.mark.parametrize("name", NETWORKS)
def test_no_network_is_built_again_for_another_seed(name):
    build, params = NETWORKS[name]

    def build_with(seed):
        return build(5, 3, **params, seed=seed)

    assert InitialState(build_with, build_with(0)).is_complete


def test_the_recurrent_baseline_has_as_many_weights_as_its_layers_need():
    def lstm(n_inputs, n_units):
        return 4 * n_units * (n_inputs + n_units + 1)

    expected = 2 * lstm(40, 128) + 2 * lstm(256, 128)
    expected += 256 * 256 + 256 + 256 + 4 * (256 + 1)
    assert attention_blstm(40, 4).count_params() == expected


def test_the_attentive_cnn_has_as_many_weights_as_its_layers_need():
    expected = 200 * (10 * 26 + 1) + 200 + 4 * 201
    assert attentive_cnn(26, 4).count_params() == expected
    assert attentive_cnn(26, 4, n_ratings=2).count_params() == expected + 2 * 3 * 201


@pytest.mark.parametrize(
    ("size", "stride", "maxima"), [(2, 2, [4, 3, 5]), (3, 2, [4, 5, 5])]
)
def test_maxima_are_taken_from_the_first_frame_on(size, stride, maxima):
    network = attentive_cnn(
        1, 2, n_filters=1, kernel_size=1, pool_size=size, pool_stride=stride, seed=0
    )
    convolution = next(x for x in network.layers if isinstance(x, PackedConvolution))
    convolution.set_weights([np.ones((1, 1, 1)), np.zeros(1)])
    frames = np.array([[[1.0], [4], [2], [3], [5], [0]]], dtype="float32")
    mask = np.array([[True] * 5 + [False]])
    attention = network.get_layer("attention")
    inputs = keras.Model(network.inputs, attention.input)([frames, mask])
    assert np.asarray(inputs[0])[0, :, 0].tolist() == maxima
    assert np.asarray(inputs[1]).tolist() == [[True, True, True]]


def test_uniform_attention_is_the_mean():
    network = attention_blstm(5, 3, recurrent_units=(4,), attention="uniform", seed=0)
    assert all(layer.name != "attention" for layer in network.layers)
