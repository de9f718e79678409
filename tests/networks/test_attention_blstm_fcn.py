"""The paper's network: its size, its ablations, and its blindness to padding."""

import itertools

import numpy as np
import pytest

from skser.networks import attention_blstm_fcn, seed_stream

SMALL = {
    "recurrent_units": 4,
    "filters": (6, 5),
    "kernel_sizes": (4, 3),
    "hidden_units": (7,),
}


def _batch(n_features=3, lengths=(9, 4, 6), seed=0):
    generator = np.random.default_rng(seed)
    mask = np.arange(max(lengths)) < np.array(lengths)[:, np.newaxis]
    frames = generator.normal(size=(*mask.shape, n_features)).astype(np.float32)
    return frames * mask[..., np.newaxis], mask


@pytest.mark.parametrize(("n_features", "n_parameters"), [(64, 198852), (743, 1241796)])
def test_the_default_has_the_size_worked_out_from_the_paper(n_features, n_parameters):
    assert attention_blstm_fcn(n_features, 4).count_params() == n_parameters


def test_branches_are_concatenated_to_192_values():
    network = attention_blstm_fcn(10, 4)
    dense = [layer for layer in network.layers if layer.name == "dense"]
    dense = dense or [x for x in network.layers if x.__class__.__name__ == "Dense"]
    assert dense[0].kernel.shape == (2 * 64 + 64, 128)


@pytest.mark.parametrize(
    ("recurrent", "convolutional", "pooling", "view"),
    [
        combination
        for combination in itertools.product(
            ["blstm", "lstm", None],
            [True, False],
            ["attention", "mean", "max"],
            ["frames", "variables"],
        )
        if combination[:2] != (None, False)
    ],
)
def test_every_ablation_gives_a_score_per_class_blind_to_padding(
    recurrent, convolutional, pooling, view
):
    fixed = None if view == "frames" else 12
    network = attention_blstm_fcn(
        3,
        4,
        recurrent=recurrent,
        convolutional=convolutional,
        pooling=pooling,
        view=view,
        n_frames=fixed,
        seed=0,
        **SMALL,
    )
    frames, mask = _batch(lengths=(12, 4, 6) if fixed else (9, 4, 6))
    scores = np.asarray(network([frames, mask]))
    assert scores.shape == (3, 4)
    if view == "frames":
        alone = np.asarray(network([frames[1:2, :4], mask[1:2, :4]]))
        np.testing.assert_allclose(scores[1:2], alone, atol=1e-6)
    dirty = np.where(mask[..., np.newaxis], frames, 77.0).astype(np.float32)
    if view == "frames":
        np.testing.assert_allclose(network([dirty, mask]), scores, atol=1e-6)


def test_in_training_too_padding_leaves_the_batch_statistics_alone():
    network = attention_blstm_fcn(3, 4, recurrent=None, seed=0, **SMALL)
    frames, mask = _batch()
    longer = np.pad(frames, ((0, 0), (0, 20), (0, 0)))
    longer_mask = np.pad(mask, ((0, 0), (0, 20)))
    short = network([frames, mask], training=True)
    long = network([longer, longer_mask], training=True)
    np.testing.assert_allclose(short, long, atol=1e-5)


def test_with_one_step_the_three_poolings_are_the_same_function():
    frames, mask = _batch(lengths=(9, 9, 9))
    outputs = [
        np.asarray(
            attention_blstm_fcn(
                3, 4, pooling=pooling, view="flat", n_frames=9, seed=0, **SMALL
            )([frames, mask])
        )
        for pooling in ("max", "mean")
    ]
    np.testing.assert_allclose(outputs[0], outputs[1], atol=1e-6)
    network = attention_blstm_fcn(3, 4, view="flat", n_frames=9, seed=0, **SMALL)
    pooled, weights = network.get_layer("attention")(
        np.ones((2, 1, 8), dtype=np.float32), np.ones((2, 1), dtype=bool)
    )
    np.testing.assert_array_equal(weights, [[1.0], [1.0]])
    np.testing.assert_array_equal(pooled, np.ones((2, 8)))


def test_the_backward_direction_reads_the_frames_backwards():
    network = attention_blstm_fcn(
        1, 2, convolutional=False, pooling="max", seed=0, **SMALL
    )
    frames = np.zeros((2, 6, 1), dtype=np.float32)
    frames[0, 0], frames[1, 5] = 3.0, 3.0
    scores = np.asarray(network([frames, np.ones((2, 6), dtype=bool)]))
    one_way = attention_blstm_fcn(
        1, 2, recurrent="lstm", convolutional=False, pooling="max", seed=0, **SMALL
    )
    assert not np.allclose(scores[0], scores[1])
    assert one_way.count_params() < network.count_params()


def test_the_seed_determines_weights_and_dropout():
    first, same, other = (attention_blstm_fcn(3, 4, seed=s, **SMALL) for s in (1, 1, 2))
    for a, b in zip(first.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.allclose(first.get_weights()[0], other.get_weights()[0])
    frames, mask = _batch()
    dropped = [np.asarray(n([frames, mask], training=True)) for n in (first, same)]
    np.testing.assert_array_equal(*dropped)


def test_a_network_without_branches_is_refused():
    with pytest.raises(ValueError, match="no branch"):
        attention_blstm_fcn(3, 4, recurrent=None, convolutional=False)


@pytest.mark.parametrize("view", ["variables", "flat"])
def test_views_that_need_a_length_say_so(view):
    with pytest.raises(ValueError, match="needs n_frames"):
        attention_blstm_fcn(3, 4, view=view)


def test_seed_streams_are_repeatable_and_do_not_repeat_a_seed():
    stream = seed_stream(3)
    seeds = [next(stream) for _ in range(100)]
    again = seed_stream(3)
    assert seeds == [next(again) for _ in range(100)]
    assert len(set(seeds)) == 100


def test_running_statistics_forget_their_start_within_a_small_corpus():
    layers = attention_blstm_fcn(3, 4).layers
    momenta = [layer.momentum for layer in layers if hasattr(layer, "momentum")]
    # 300 steps are 30 epochs of 500 recordings in batches of 50.
    assert len(momenta) == 2
    assert max(momenta) ** 100 < 1e-4


def test_the_last_output_is_that_of_the_last_real_frame():
    import keras

    network = attention_blstm_fcn(
        3, 2, recurrent="lstm", convolutional=False, pooling="last", seed=0
    )
    lstm = next(x for x in network.layers if isinstance(x, keras.layers.LSTM))
    frames = np.random.default_rng(0).normal(size=(1, 6, 3)).astype("float32")
    longer = np.concatenate([frames, np.full((1, 4, 3), 9, "float32")], axis=1)
    mask = np.arange(10)[None] < 6
    alone = network([frames, mask[:, :6]]).numpy()
    np.testing.assert_allclose(network([longer, mask]).numpy(), alone, atol=1e-6)
    last = lstm(frames, mask[:, :6]).numpy()[:, -1]
    hidden, scores = network.layers[-2:]
    np.testing.assert_allclose(scores(hidden(last)).numpy(), alone, atol=1e-5)


def test_the_last_output_of_both_directions_is_refused():
    with pytest.raises(ValueError, match="pooling='last' needs recurrent='lstm'"):
        attention_blstm_fcn(3, 2, pooling="last")


def test_squeeze_and_excitation_weighs_all_blocks_but_the_last():
    params = {"recurrent": None, "filters": (32, 48, 16), "kernel_sizes": (3, 3, 3)}
    plain = attention_blstm_fcn(5, 2, **params, seed=0)
    excited = attention_blstm_fcn(5, 2, **params, squeeze_excite=True, seed=0)
    bottlenecks = 2 * 32 * 2 + 2 * 48 * 3
    assert excited.count_params() - plain.count_params() == bottlenecks


def test_squeeze_and_excitation_weighs_each_utterance_by_its_own_average():
    from keras import ops

    from skser.networks._layers import squeeze_and_excite

    def excite(frames, is_real, owners):
        excited = squeeze_and_excite(
            ops.array(frames[np.newaxis]),
            ops.array(is_real[np.newaxis]),
            ops.array(owners),
            seed_stream(0),
        )
        return ops.convert_to_numpy(excited)[0]

    frames = np.arange(1, 25, dtype="float32").reshape(12, 2) / 10
    owners = np.repeat([0, 1], [5, 7])
    is_real = np.ones(12, dtype=bool)
    is_real[[4, 11]] = False
    frames[~is_real] = 0
    excited = excite(frames, is_real, owners)
    assert (excited[~is_real] == 0).all()
    weights = excited[is_real] / frames[is_real]
    np.testing.assert_allclose(weights[:4], weights[:1].repeat(4, axis=0), rtol=1e-5)
    np.testing.assert_allclose(weights[4:], weights[4:5].repeat(6, axis=0), rtol=1e-5)
    assert ((weights > 0) & (weights < 1)).all()
    assert not np.allclose(weights[0], weights[4])
    # Neither the other utterance nor a gap counts.
    alone = excite(frames[:4], is_real[:4], owners[:4])
    np.testing.assert_allclose(alone, excited[:4], rtol=1e-5)


def test_padding_does_not_change_the_scores_of_an_excited_network():
    network = attention_blstm_fcn(4, 3, squeeze_excite=True, seed=0)
    generator = np.random.default_rng(0)
    frames = generator.normal(size=(1, 7, 4)).astype("float32")
    padded = np.concatenate([frames, np.full((1, 20, 4), 5, "float32")], axis=1)
    mask = np.arange(27)[None] < 7
    np.testing.assert_allclose(
        network([padded, mask]).numpy(),
        network([frames, mask[:, :7]]).numpy(),
        atol=1e-5,
    )
