"""Frames to zero mean and unit variance, by all training frames or by their own."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import StandardScaler

from skser.normalization import FrameScaler, UtteranceNormalizer


@pytest.fixture
def utterances():
    generator = np.random.default_rng(0)
    lengths = (3, 40, 1, 17)
    return [generator.normal(5, 3, (n, 4)).astype(np.float32) for n in lengths]


def test_frames_are_scaled_as_scikit_learn_scales_rows(utterances):
    scaled = FrameScaler().fit(utterances).transform(utterances)
    expected = StandardScaler().fit_transform(np.concatenate(utterances))
    np.testing.assert_allclose(np.concatenate(scaled), expected, atol=1e-5)
    assert [len(s) for s in scaled] == [len(u) for u in utterances]


def test_only_frames_seen_in_fit_count(utterances):
    scaler = FrameScaler().fit(utterances[:2])
    assert scaler.n_frames_seen_ == 43
    before = scaler.transform(utterances[3:])[0]
    after = scaler.transform([1e3 * utterances[1], utterances[3]])[1]
    np.testing.assert_array_equal(before, after)


def test_a_constant_feature_is_only_centred():
    utterances = [np.full((5, 1), 7.0), np.full((2, 1), 7.0)]
    scaled = FrameScaler().fit_transform(utterances)
    assert all((frames == 0).all() for frames in scaled)


def test_blocks_do_not_change_the_statistics():
    long = np.random.default_rng(1).normal(100, 1e-3, (20000, 2))
    scaler = FrameScaler().fit([long[:9000], long[9000:]])
    np.testing.assert_allclose(scaler.mean_, long.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(scaler.scale_, long.std(axis=0), rtol=1e-6)


def test_an_utterance_gets_zero_mean_and_unit_variance_by_itself(utterances):
    normalized = UtteranceNormalizer().fit_transform(utterances)
    for frames in (normalized[0], normalized[1], normalized[3]):
        np.testing.assert_allclose(frames.mean(axis=0), 0, atol=1e-6)
        np.testing.assert_allclose(frames.std(axis=0), 1, atol=1e-5)
    np.testing.assert_array_equal(normalized[2], np.zeros((1, 4)))


def test_a_louder_or_shifted_utterance_is_normalised_to_the_same(utterances):
    normalizer = UtteranceNormalizer().fit(utterances)
    moved = [3 * frames + 10 for frames in utterances]
    for one, other in zip(
        normalizer.transform(utterances), normalizer.transform(moved), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_level_differences_can_be_kept(utterances):
    centred = UtteranceNormalizer(with_std=False).fit_transform(utterances)
    expected = utterances[1] - utterances[1].mean(axis=0)
    np.testing.assert_allclose(centred[1], expected, atol=1e-5)


@pytest.mark.parametrize("normalizer", [FrameScaler(), UtteranceNormalizer()])
def test_what_is_not_fitted_or_of_another_width_is_refused(normalizer, utterances):
    with pytest.raises(NotFittedError):
        type(normalizer)().transform(utterances)
    normalizer.fit(utterances)
    with pytest.raises(ValueError, match=r"X has 2 features, but .* 4 features"):
        normalizer.transform([np.zeros((3, 2))])
    with pytest.raises(ValueError, match=r"X\[1\] contains NaN"):
        normalizer.transform([np.zeros((3, 4)), np.full((2, 4), np.nan)])
