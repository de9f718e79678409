"""Frames to zero mean and unit variance, by all training frames or by their own."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import StandardScaler

from skser.normalization import FrameScaler, SpeakerNormalizer, UtteranceNormalizer


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


def test_kept_features_stand_before_their_normalised_copies(utterances):
    normalizer = UtteranceNormalizer(keep=True).fit(utterances)
    plain = UtteranceNormalizer().fit_transform(utterances)
    for both, given, normalized in zip(
        normalizer.transform(utterances), utterances, plain, strict=True
    ):
        np.testing.assert_array_equal(both, np.hstack([given, normalized]))
    names = normalizer.get_feature_names_out(["pitch", "a", "b", "c"])
    assert names[[0, 4]].tolist() == ["pitch", "normalized_pitch"]


@pytest.fixture
def speakers():
    """Rows of three speakers of very different voices: X and who speaks."""
    generator = np.random.default_rng(2)
    groups = np.repeat(["ann", "bob", "eve"], [40, 30, 50])
    level = np.repeat([0.0, 50.0, -20.0], [40, 30, 50])[:, np.newaxis]
    spread = np.repeat([1.0, 5.0, 0.2], [40, 30, 50])[:, np.newaxis]
    return level + spread * generator.normal(size=(120, 3)), groups


def test_all_speakers_come_to_the_same_mean_and_deviation(speakers):
    X, groups = speakers
    normalizer = SpeakerNormalizer(prior_strength=0)
    moved = normalizer.fit_transform(X, groups=groups)
    for speaker in np.unique(groups):
        own = moved[groups == speaker]
        np.testing.assert_allclose(own.mean(axis=0), normalizer.mean_)
        np.testing.assert_allclose(own.std(axis=0), normalizer.scale_)
    assert normalizer.n_speakers_seen_ == 3


def test_speakers_count_alike_in_what_is_learnt(speakers):
    X, groups = speakers
    normalizer = SpeakerNormalizer().fit(X, groups=groups)
    own = [X[groups == speaker] for speaker in np.unique(groups)]
    np.testing.assert_allclose(normalizer.mean_, np.mean([x.mean(0) for x in own], 0))
    np.testing.assert_allclose(
        normalizer.scale_, np.sqrt(np.mean([x.var(0) for x in own], axis=0))
    )


def test_the_fewer_recordings_the_less_a_speaker_is_moved(speakers):
    X, groups = speakers
    normalizer = SpeakerNormalizer(prior_strength=2).fit(X, groups=groups)
    offset = X + 1000
    one = normalizer.transform(offset[:1], groups=["new"])
    many = normalizer.transform(offset, groups=["new"] * 120)
    # One recording counts a third against the two that training is worth.
    mean = offset[0] / 3 + 2 / 3 * normalizer.mean_
    scale = np.sqrt(2 / 3) * normalizer.scale_
    expected = (offset[0] - mean) / scale * normalizer.scale_ + normalizer.mean_
    np.testing.assert_allclose(one[0], expected)
    assert np.abs(many.mean(axis=0) - normalizer.mean_).max() < 20 < one.min()


def test_two_recordings_of_a_speaker_keep_their_direction_only_with_a_prior(speakers):
    X, groups = speakers
    pair = np.array([[3.0, 0.0, 0.0], [5.0, 0.0, 0.0]])
    trusting = SpeakerNormalizer(prior_strength=0).fit(X, groups=groups)
    both = trusting.transform(pair, groups=["new", "new"])
    # Whatever the two were, they become each other's opposites.
    np.testing.assert_allclose(both.mean(axis=0), trusting.mean_)
    careful = SpeakerNormalizer(prior_strength=20).fit(X, groups=groups)
    moved = careful.transform(pair, groups=["new", "new"])
    np.testing.assert_allclose(moved - pair, 0, atol=12)
    assert moved[0, 0] < moved[1, 0]


def test_a_new_speaker_has_no_part_in_the_others(speakers):
    X, groups = speakers
    normalizer = SpeakerNormalizer().fit(X, groups=groups)
    alone = normalizer.transform(X[:40], groups=groups[:40])
    beside = normalizer.transform(X, groups=groups)[:40]
    np.testing.assert_array_equal(alone, beside)


def test_sequences_are_moved_frame_by_frame_by_all_frames_of_the_speaker(utterances):
    normalizer = SpeakerNormalizer(prior_strength=0)
    moved = normalizer.fit_transform(utterances, groups=["a", "b", "a", "b"])
    assert [m.shape for m in moved] == [u.shape for u in utterances]
    assert {m.dtype for m in moved} == {np.dtype(np.float32)}
    own = np.concatenate([moved[0], moved[2]])
    np.testing.assert_allclose(own.mean(axis=0), normalizer.mean_, rtol=1e-4)


def test_what_is_constant_stays_finite_and_is_only_moved():
    X = np.array([[1.0, 0.0], [1.0, 2.0], [5.0, 0.0], [5.0, 2.0]])
    moved = SpeakerNormalizer(prior_strength=0).fit_transform(X, groups=list("aabb"))
    np.testing.assert_array_equal(moved[:, 0], 3.0)
    assert np.isfinite(moved).all()


def test_not_to_be_told_who_speaks_is_an_error_unless_it_is_said_to_be_one(speakers):
    X, groups = speakers
    with pytest.raises(ValueError, match="must be told who speaks: pass groups"):
        SpeakerNormalizer().fit(X)
    fitted = SpeakerNormalizer().fit(X, groups=groups)
    with pytest.raises(ValueError, match="without_groups='one_speaker'"):
        fitted.transform(X)
    with pytest.raises(ValueError, match=r"groups\[1\] is missing"):
        fitted.transform(X[:2], groups=["ann", None])
    fitted.set_params(without_groups="one_speaker")
    np.testing.assert_array_equal(
        fitted.transform(X), fitted.transform(X, groups=[0] * len(X))
    )


@pytest.mark.parametrize(
    "scaler", [FrameScaler(), SpeakerNormalizer(without_groups="one_speaker")]
)
def test_what_overflows_is_refused_with_its_place(scaler):
    tiny = np.array([[1e-30], [-1e-30]], dtype=np.float32)
    scaler.fit([tiny, tiny])
    huge = np.array([[3e38], [-3e38]], dtype=np.float32)
    if isinstance(scaler, FrameScaler):
        with pytest.raises(ValueError, match=r"makes of X\[1\] contains NaN or inf"):
            scaler.transform([tiny, huge])
    else:
        assert np.isfinite(scaler.transform([tiny, huge])[1]).all()
