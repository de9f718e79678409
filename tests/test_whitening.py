"""Whitening: what is learnt, from which frames, and how far it can be undone."""

import os
import subprocess
import sys
import textwrap
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
import threadpoolctl
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skser import PCAWhitening


@pytest.fixture
def utterances():
    """Correlated frames of five features on scales from 1 to 10,000."""
    generator = np.random.default_rng(0)
    mixing = generator.normal(size=(5, 5))
    return [
        generator.normal(size=(n, 5)) @ mixing * [1, 10, 100, 1e3, 1e4] + 7
        for n in (30, 200, 1, 90)
    ]


def test_components_of_the_training_frames_have_the_identity_as_covariance(utterances):
    Z = np.concatenate(PCAWhitening().fit_transform(utterances))
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(Z.T @ Z / len(Z), np.eye(5), atol=1e-9)


@pytest.mark.parametrize("whiten", [True, False])
def test_without_clipping_it_is_scikit_learns_scaler_and_pca(utterances, whiten):
    frames = np.concatenate(utterances)
    reference = make_pipeline(StandardScaler(), PCA(whiten=whiten)).fit(frames)
    ours = PCAWhitening(clip=None, whiten=whiten).fit(utterances)
    np.testing.assert_allclose(
        ours.explained_variance_ratio_, reference[-1].explained_variance_ratio_
    )
    # scikit-learn divides the variance by n - 1; signs of eigenvectors are free.
    factor = np.sqrt(len(frames) / (len(frames) - 1)) if whiten else 1.0
    np.testing.assert_allclose(
        np.abs(np.concatenate(ours.transform(utterances))),
        np.abs(reference.transform(frames)) * factor,
        rtol=1e-6,
        atol=1e-9,
    )


def test_lists_tables_and_batches_give_the_same(utterances):
    table = np.concatenate(utterances)
    batch = table[:300].reshape(10, 30, 5)
    whitening = PCAWhitening().fit(utterances)
    np.testing.assert_allclose(PCAWhitening().fit(table).mean_, whitening.mean_)
    expected = whitening.transform(table)
    np.testing.assert_allclose(
        np.concatenate(whitening.transform(utterances)), expected, atol=1e-12
    )
    np.testing.assert_allclose(
        np.concatenate(whitening.transform(batch)), expected[:300], atol=1e-12
    )


def test_bounds_are_the_percentiles_of_the_training_frames(utterances):
    whitening = PCAWhitening(clip=(1, 95)).fit(utterances)
    frames = np.concatenate(utterances)
    np.testing.assert_allclose(whitening.lower_, np.percentile(frames, 1, axis=0))
    np.testing.assert_allclose(whitening.upper_, np.percentile(frames, 95, axis=0))


def test_one_click_of_huge_value_changes_nothing_much(utterances):
    clean = PCAWhitening(clip=(0.5, 99.5)).fit(utterances)
    utterances[1][17, 2] = -1e75
    clicked = PCAWhitening(clip=(0.5, 99.5)).fit(utterances)
    np.testing.assert_allclose(clicked.scale_, clean.scale_, rtol=0.05)
    assert np.abs(np.concatenate(clicked.transform(utterances))).max() < 10


def test_frames_beyond_the_bounds_are_clipped_in_transform(utterances):
    whitening = PCAWhitening().fit(utterances)
    np.testing.assert_array_equal(
        whitening.transform(whitening.upper_[np.newaxis] * 1e3),
        whitening.transform(whitening.upper_[np.newaxis]),
    )


@pytest.mark.case("D02")
def test_dependent_and_constant_features_are_left_out_not_divided_by(utterances):
    copies = [
        np.column_stack(
            [frames, frames[:, 0] - 2 * frames[:, 1], np.full(len(frames), 3.7)]
        )
        for frames in utterances
    ]
    whitening = PCAWhitening(clip=None).fit(copies)
    assert whitening.n_components_ == 5
    assert np.abs(np.concatenate(whitening.transform(copies))).max() < 10


@pytest.mark.case("D03")
def test_components_without_variance_are_not_kept_even_if_asked_for(utterances):
    copies = [np.column_stack([frames, frames[:, 0]]) for frames in utterances]
    with pytest.warns(UserWarning, match="n_components=6, but only 5"):
        assert PCAWhitening(n_components=6).fit(copies).n_components_ == 5


@pytest.mark.case("D02")
def test_all_frames_alike_give_one_component_of_zeros():
    Z = PCAWhitening().fit_transform(np.full((10, 3), 0.1))
    assert Z.shape == (10, 1)
    assert not Z.any()


@pytest.mark.parametrize(("share", "expected"), [(0.5, 1), (0.7, 2), (0.9999, 3)])
def test_a_share_of_the_variance_chooses_the_number_of_components(share, expected):
    # Standardised features that are equal in pairs: variances of 3, 2 and 1 in 6.
    generator = np.random.default_rng(0)
    a, b, c = np.linalg.qr(generator.normal(size=(500, 4)) - 0)[0].T[:3]
    table = np.column_stack([a, a, a, b, b, c])
    table -= table.mean(axis=0)
    whitening = PCAWhitening(n_components=share, clip=None).fit(table)
    assert whitening.n_components_ == expected
    assert whitening.explained_variance_ratio_.sum() >= share


def test_the_inverse_restores_frames_that_were_inside_the_bounds(utterances):
    whitening = PCAWhitening(clip=None).fit(utterances)
    restored = whitening.inverse_transform(whitening.transform(utterances))
    for frames, back in zip(utterances, restored, strict=True):
        np.testing.assert_allclose(back, frames, rtol=1e-8)
    table = utterances[0]
    np.testing.assert_allclose(
        whitening.inverse_transform(whitening.transform(table)), table, rtol=1e-8
    )


def test_single_precision_stays_single_and_loses_little(utterances):
    single = [frames.astype(np.float32) for frames in utterances]
    Z32 = PCAWhitening().fit(single).transform(single)
    Z64 = PCAWhitening().fit(utterances).transform(utterances)
    assert Z32[0].dtype == np.float32
    np.testing.assert_allclose(np.concatenate(Z32), np.concatenate(Z64), atol=1e-3)


def test_large_features_that_vary_little_keep_their_digits():
    generator = np.random.default_rng(0)
    noise = generator.normal(size=(1000, 2))
    whitening = PCAWhitening(clip=None).fit(noise + 1e9)
    np.testing.assert_allclose(whitening.scale_, noise.std(axis=0), rtol=1e-6)


def test_the_fit_does_not_depend_on_the_block_size(utterances, monkeypatch):
    expected = PCAWhitening().fit(utterances).components_
    monkeypatch.setattr("skser.whitening.BLOCK_SIZE", 7)
    np.testing.assert_allclose(PCAWhitening().fit(utterances).components_, expected)


def test_memory_does_not_hold_a_second_copy_of_all_frames():
    utterances = [np.random.default_rng(0).random((2000, 200), dtype=np.float32)] * 40
    total = sum(frames.nbytes for frames in utterances)
    tracemalloc.start()
    PCAWhitening(n_components=20).fit(utterances)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.75 * total  # in double precision a copy would be twice `total`


def test_components_in_a_folder_are_those_in_memory(utterances, tmp_path):
    expected = PCAWhitening().fit_transform(utterances)
    found = PCAWhitening(temp_folder=tmp_path).fit_transform(utterances)
    for one, other in zip(found, expected, strict=True):
        assert isinstance(one, np.memmap)
        np.testing.assert_array_equal(one, other)
    del found, one
    assert list(tmp_path.iterdir()) == []


def test_only_the_frames_seen_in_fit_count(utterances):
    whitening = PCAWhitening().fit(utterances[:2])
    before = whitening.mean_.copy()
    whitening.transform(utterances[2:])
    np.testing.assert_array_equal(whitening.mean_, before)
    assert whitening.n_frames_seen_ == 230


@pytest.mark.case("B17")
def test_the_input_is_not_changed(utterances):
    originals = [frames.copy() for frames in utterances]
    for frames in utterances:
        frames.flags.writeable = False
    PCAWhitening().fit(utterances).transform(utterances)
    for frames, original in zip(utterances, originals, strict=True):
        np.testing.assert_array_equal(frames, original)


def test_tables_come_out_as_data_frames_where_asked_for(utterances):
    table = pd.DataFrame(utterances[0], columns=list("abcde"))
    whitening = PCAWhitening(n_components=2).set_output(transform="pandas").fit(table)
    names = ["pcawhitening0", "pcawhitening1"]
    assert list(whitening.transform(table).columns) == names
    assert list(whitening.get_feature_names_out()) == names


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_components": 6}, "n_components=6 must be at most .* 5"),
        ({"n_components": 1.5}, "n_components"),
        ({"clip": (99, 1)}, "clip must be None or a pair of percentiles"),
        ({"clip": (1, 2, 3)}, "clip must be None or a pair of percentiles"),
        ({"eigenvalue_floor": -1}, "eigenvalue_floor"),
    ],
)
def test_impossible_parameters_are_refused(utterances, parameters, message):
    with pytest.raises(ValueError, match=message):
        PCAWhitening(**parameters).fit(utterances)


@pytest.mark.case("B09", "B13", "D03", "D05")
@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([np.ones((1, 3))], "at least 2 frames"),
        ([np.ones((2, 3)), np.ones((2, 4))], r"X\[0\] has 3, but X\[1\] has 4"),
        ([np.ones((2, 3)), np.ones(3)], r"X\[1\] must have the shape"),
        ([np.ones((2, 3)), np.full((2, 3), np.nan)], r"X\[1\] contains NaN .*\(0, 0\)"),
        ([np.ones((2, 3)), np.empty((0, 3))], r"X\[1\] is empty"),
        ([], r"0 (sample|feature)"),
    ],
)
def test_bad_utterances_are_refused_by_their_index(X, message):
    with pytest.raises(ValueError, match=message):
        PCAWhitening().fit(X)


@pytest.mark.case("B15")
def test_another_number_of_features_than_in_fit_is_refused(utterances):
    whitening = PCAWhitening().fit(utterances)
    with pytest.raises(ValueError, match="X has 4 features, but PCAWhitening is expec"):
        whitening.transform([np.ones((2, 4))])


def test_no_warning_is_given_in_ordinary_use(utterances):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PCAWhitening(n_components=0.9).fit(utterances).transform(utterances)


@pytest.fixture
def skewed():
    """Utterances with a heavy-tailed, a signed and a bounded feature."""
    generator = np.random.default_rng(3)
    return [
        np.column_stack(
            [
                generator.lognormal(0, 2, n),
                generator.normal(0, 1, n),
                generator.uniform(0.5, 1, n),
            ]
        )
        for n in (400, 900)
    ]


def test_only_heavy_tailed_features_are_compressed(skewed):
    whitening = PCAWhitening(compress=True).fit(skewed)
    frames = np.concatenate(skewed)
    np.testing.assert_allclose(whitening.offset_[0], np.percentile(frames[:, 0], 10))
    assert np.isnan(whitening.offset_[1:]).all()
    logarithm = np.log(frames[:, 0] + whitening.offset_[0])
    low, high = np.percentile(logarithm, [0.1, 99.9])
    # Equal but for the interpolation between the two nearest of 1300 values.
    np.testing.assert_allclose(whitening.lower_[0], low, atol=0.1)
    np.testing.assert_allclose(whitening.upper_[0], high, atol=0.1)
    expected = np.clip(logarithm, whitening.lower_[0], whitening.upper_[0])
    np.testing.assert_allclose(whitening.mean_[0], expected.mean())


def test_a_feature_that_turns_negative_after_training_is_taken_for_zero(skewed):
    whitening = PCAWhitening(compress=True).fit(skewed)
    below, zero = whitening.transform([[[-5.0, 0, 0.7]], [[0.0, 0, 0.7]]])
    np.testing.assert_array_equal(below, zero)


def test_the_inverse_undoes_the_compression(skewed):
    whitening = PCAWhitening(compress=True, clip=None).fit(skewed)
    back = whitening.inverse_transform(whitening.transform(skewed))
    np.testing.assert_allclose(back[1], skewed[1], rtol=1e-8)


def test_blocks_of_features_count_alike():
    generator = np.random.default_rng(4)
    shared = generator.normal(size=(500, 1))
    # Four copies of one feature, and another: by numbers the copies would come first.
    frames = np.hstack([np.repeat(shared, 4, axis=1), generator.normal(size=(500, 1))])
    plain = PCAWhitening(clip=None).fit(frames)
    np.testing.assert_allclose(plain.explained_variance_, [4, 1], rtol=0.01)
    blocks = PCAWhitening(clip=None, blocks=[4, 1]).fit(frames)
    np.testing.assert_allclose(blocks.explained_variance_.sum(), 2)
    np.testing.assert_allclose(blocks.explained_variance_, [1, 1], rtol=0.1)


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([2, 2], "add up to the number of features, 3, but add up to 4"),
        ([3, 0], "positive integers"),
        ([1.5, 1.5], "positive integers"),
    ],
)
def test_blocks_that_do_not_fit_are_refused(skewed, blocks, message):
    with pytest.raises(ValueError, match=message):
        PCAWhitening(blocks=blocks).fit(skewed)


@pytest.mark.parametrize(("exponent", "power"), [(0, 1.0), (0.5, 0.5), (1, 0.0)])
def test_whitening_can_go_a_part_of_the_way(skewed, exponent, power):
    whitening = PCAWhitening(whiten=exponent).fit(skewed)
    components = np.concatenate(whitening.transform(skewed))
    expected = whitening.explained_variance_**power
    np.testing.assert_allclose(components.var(axis=0), expected, rtol=1e-6)


def test_products_of_utterances_leave_the_other_processors_alone(monkeypatch):
    seen = []

    def clip(self, sequence):
        seen.extend(blas_threads())
        return sequence.astype(float)

    def blas_threads():
        libraries = threadpoolctl.threadpool_info()
        return [x["num_threads"] for x in libraries if x["user_api"] == "blas"]

    whitening = PCAWhitening().fit([np.random.default_rng(0).normal(size=(20, 3))])
    monkeypatch.setattr(PCAWhitening, "_clip", clip)
    with threadpoolctl.threadpool_limits(limits=2, user_api="blas"):
        whitening.transform([np.ones((4, 3))])
        assert set(seen) == {1}
        assert set(blas_threads()) == {2}


OVERLAPPING = """
    import threading, time
    from concurrent.futures import ThreadPoolExecutor
    import numpy as np
    import threadpoolctl
    from skser import PCAWhitening

    def blas_threads():
        libraries = threadpoolctl.threadpool_info()
        return {x["num_threads"] for x in libraries if x["user_api"] == "blas"}

    started, clip = threading.Barrier(3), PCAWhitening._clip

    def wait_and_clip(self, sequence):
        started.wait(60)
        seen.append(blas_threads())
        started.wait(60)
        # The first thread to come is the first to go, while the others work.
        time.sleep(0.1 * len(sequence))
        return clip(self, sequence)

    frames = np.random.default_rng(0).normal(size=(9, 3))
    seen, whitening = [], PCAWhitening().fit(frames)
    PCAWhitening._clip = wait_and_clip
    before = blas_threads()
    with ThreadPoolExecutor(3) as pool:
        for _ in range(3):
            X = [[np.ones((n, 3))] for n in (1, 3, 6)]
            list(pool.map(whitening.transform, X))
            print(before == blas_threads(), seen == [{1}] * 3)
            seen.clear()
"""


@pytest.mark.case("K27")
def test_threads_that_overlap_leave_the_number_of_threads_as_it_was():
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(OVERLAPPING)],
        env={**os.environ, "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert run.stdout.split() == ["True"] * 6


# Percentiles


def distributions(n_frames):
    """Return columns of many kinds."""
    generator = np.random.default_rng(0)
    normal = generator.normal(size=n_frames)
    return np.column_stack(
        [
            normal,
            np.exp(20 * normal),
            1e9 + normal,
            np.round(normal),
            np.full(n_frames, 3.7),
            np.where(normal < 0, -0.0, 0.0),
            np.copysign(np.finfo(np.float32).tiny / 4, normal),
            np.sign(normal) * np.finfo(np.float32).max,
        ]
    )


def bounds(sequences, clip):
    """Return the percentiles at which frames are clipped."""
    whitening = PCAWhitening(clip=clip).fit(sequences)
    return np.stack([whitening.lower_, whitening.upper_])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_frames", [2, 3, 1000, 5001])
@pytest.mark.parametrize("clip", [(0, 0.1), (10, 50), (99.9, 100)], ids=str)
def test_percentiles_are_numpys(n_frames, dtype, clip):
    frames = distributions(n_frames).astype(dtype)[:, : 8 if n_frames > 9 else 7]
    pieces = np.split(frames, [n_frames // 3, n_frames // 2])
    sequences = [piece for piece in pieces if len(piece)]
    expected = np.percentile(frames, clip, axis=0)
    np.testing.assert_array_equal(bounds(sequences, clip), expected)


def test_sequences_of_two_precisions_are_one_distribution():
    frames = np.random.default_rng(0).normal(size=(100, 2))
    sequences = [frames[:40].astype(np.float32), frames[40:]]
    expected = np.percentile(np.concatenate(sequences), (0.1, 99.9), axis=0)
    np.testing.assert_array_equal(bounds(sequences, (0.1, 99.9)), expected)


def test_percentiles_of_many_frames_are_those_of_a_sample(monkeypatch):
    generator = np.random.default_rng(0)
    sequences = [generator.normal(size=(n, 40)) for n in (1, 700, 30_000, 9299)]
    frames = np.concatenate(sequences)
    exact = bounds(sequences, (1, 99))
    monkeypatch.setattr("skser.whitening.N_SAMPLED_FRAMES", len(frames))
    np.testing.assert_array_equal(bounds(sequences, (1, 99)), exact)
    monkeypatch.setattr("skser.whitening.N_SAMPLED_FRAMES", 10_000)
    found = bounds(sequences, (1, 99))
    np.testing.assert_array_equal(bounds(sequences, (1, 99)), found)
    assert (found != exact).any()
    # Four standard deviations of a binomial rank.
    ranks = 100 * (frames[:, np.newaxis] < found).mean(axis=0)
    np.testing.assert_allclose(ranks, [[1] * 40, [99] * 40], atol=0.4)


def test_a_sample_of_frames_goes_through_the_folder_and_changes_nothing(
    monkeypatch, tmp_path
):
    monkeypatch.setattr("skser.whitening.N_SAMPLED_FRAMES", 1000)
    generator = np.random.default_rng(0)
    X = [generator.normal(size=(n, 40)) for n in (1, 700, 3000, 2, 929)]
    folder = tmp_path / "sample"
    whitening = PCAWhitening(temp_folder=folder).fit(X)
    expected = PCAWhitening().fit(X)
    np.testing.assert_array_equal(whitening.lower_, expected.lower_)
    np.testing.assert_array_equal(whitening.upper_, expected.upper_)
    np.testing.assert_array_equal(whitening.components_, expected.components_)
    # It was there, and went with the last of its arrays.
    assert list(folder.iterdir()) == []


# A fit that fails


@pytest.mark.parametrize(
    ("X", "parameters"),
    [
        ([np.ones((1, 4))], {}),
        ([np.full((3, 4), np.nan)], {}),
        ([np.ones((3, 4))], {"n_components": 7}),
        ([np.ones((3, 4))], {"blocks": [9]}),
        ([np.ones((3, 4))], {"clip": (9, 1)}),
    ],
    ids=str,
)
def test_a_fit_that_fails_leaves_what_was_learnt_before(utterances, X, parameters):
    names = [f"f{i}" for i in range(5)]
    table = pd.DataFrame(np.concatenate(utterances), columns=names)
    whitening = PCAWhitening().fit(table)
    before = dict(vars(whitening))
    expected = whitening.transform(table)
    with pytest.raises(ValueError, match=r".+"):
        whitening.set_params(**parameters).fit(X)
    whitening.set_params(**{name: before[name] for name in parameters})
    assert vars(whitening) == before
    np.testing.assert_array_equal(whitening.transform(table), expected)


def test_a_fit_that_is_interrupted_leaves_what_was_learnt_before(
    utterances, monkeypatch
):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    whitening = PCAWhitening().fit(utterances)
    expected = whitening.transform(utterances)
    monkeypatch.setattr("skser.whitening.linalg.eigh", interrupt)
    with pytest.raises(KeyboardInterrupt):
        whitening.fit([np.random.default_rng(1).normal(size=(50, 7))])
    for one, other in zip(whitening.transform(utterances), expected, strict=True):
        np.testing.assert_array_equal(one, other)
