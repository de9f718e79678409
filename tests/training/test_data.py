"""Utterances to train on: batches, held-out speakers, ratings."""

import numpy as np
import pytest

from skser import AttentionBLSTMFCNClassifier
from skser.training import (
    discretize_ratings,
    hold_out,
    prediction_batches,
    training_batches,
)

CLASSES = np.arange(60) % 3
SPEAKERS = np.array(["anna", "bea", "carl", "dora", "emil"])[np.arange(60) // 12]
LENGTHS = np.random.default_rng(0).integers(20, 1000, 503)


def _epoch(epoch):
    return training_batches(503, 50, np.random.default_rng([0, epoch]))


def test_each_utterance_is_in_one_batch():
    np.testing.assert_array_equal(np.sort(np.concatenate(_epoch(0))), np.arange(503))


def test_no_batch_is_larger_than_asked_for_or_much_smaller():
    sizes = [len(batch) for batch in _epoch(0)]
    assert max(sizes) <= 50
    assert min(sizes) >= max(sizes) - 1


def test_batches_do_not_depend_on_length():
    shortest = [LENGTHS[batch].min() for batch in _epoch(0)]
    longest = [LENGTHS[batch].max() for batch in _epoch(0)]
    assert max(shortest) < np.percentile(LENGTHS, 20)
    assert min(longest) > np.percentile(LENGTHS, 80)


@pytest.mark.case("H03")
def test_epochs_differ_in_batches():
    epochs = [_epoch(epoch) for epoch in range(3)]
    members = [{frozenset(batch.tolist()) for batch in epoch} for epoch in epochs]
    assert not members[0] & members[1]
    assert not members[1] & members[2]


@pytest.mark.case("H03")
def test_few_of_a_batch_are_together_in_the_next_epoch():
    numbers = []
    for epoch in range(2):
        numbers.append(np.empty(len(LENGTHS), dtype=int))
        for number, batch in enumerate(_epoch(epoch)):
            numbers[epoch][batch] = number
    before, after = (number[:, None] == number for number in numbers)
    # Of eleven batches one in eleven by chance, and each utterance with itself.
    assert (before & after).sum() - 503 < 0.12 * (before.sum() - 503)


@pytest.mark.case("H03")
def test_the_same_epoch_of_the_same_seed_has_the_same_batches():
    for first, second in zip(_epoch(5), _epoch(5), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.case("B07")
@pytest.mark.parametrize("max_frames", [1, 1000, 5000, 10**9])
def test_prediction_batches_cover_all_and_are_bounded(max_frames):
    batches = prediction_batches(LENGTHS, np.zeros(503), max_frames)
    np.testing.assert_array_equal(np.sort(np.concatenate(batches)), np.arange(503))
    for batch in batches:
        assert len(batch) == 1 or LENGTHS[batch].max() * len(batch) <= max_frames
    if max_frames == 10**9:
        assert len(batches) == 1


@pytest.mark.case("B18")
def test_prediction_batches_do_not_depend_on_the_order_of_the_utterances():
    generator = np.random.default_rng(0)
    lengths, keys = generator.integers(1, 9, 200), generator.normal(size=200)
    order = generator.permutation(200)
    straight = prediction_batches(lengths, keys, max_frames=50)
    shuffled = prediction_batches(lengths[order], keys[order], max_frames=50)
    for first, second in zip(straight, shuffled, strict=True):
        np.testing.assert_array_equal(first, order[second])


@pytest.mark.parametrize("batch_size", [1, 4, 50])
def test_without_padding_only_utterances_of_one_length_share_a_batch(batch_size):
    lengths = np.random.default_rng(0).integers(3, 9, 100)
    batches = training_batches(100, batch_size, np.random.default_rng(1), lengths)
    np.testing.assert_array_equal(np.sort(np.concatenate(batches)), np.arange(100))
    assert all(len(set(lengths[batch])) == 1 for batch in batches)
    assert max(map(len, batches)) <= batch_size
    # Lengths come in random order, not one after the other.
    of_batches = [lengths[batch[0]] for batch in batches]
    assert of_batches != sorted(of_batches)
    keys = np.zeros(100)
    for batch in prediction_batches(lengths, keys, 20, padded=False):
        assert len(set(lengths[batch])) == 1
        assert lengths[batch].sum() <= 20


def test_ratings_are_low_up_to_2_and_high_from_4_on():
    ratings = [[1, 2, 2.1, 3.9, 4, 5, np.nan]]
    assert discretize_ratings(ratings).tolist() == [[0, 0, 1, 1, 2, 2, -1]]


@pytest.mark.parametrize("seed", range(5))
def test_no_speaker_is_on_both_sides(seed):
    train, held_out = hold_out(CLASSES, SPEAKERS, 0.1, seed)
    assert not set(SPEAKERS[train]) & set(SPEAKERS[held_out])
    assert len(set(SPEAKERS[held_out])) == 1
    assert sorted([*train, *held_out]) == list(range(60))


def test_the_fraction_is_one_of_speakers():
    held_out = hold_out(CLASSES, SPEAKERS, 0.4, 0)[1]
    assert len(set(SPEAKERS[held_out])) == 2


def test_the_seed_chooses_the_speaker():
    chosen = {
        SPEAKERS[hold_out(CLASSES, SPEAKERS, 0.1, seed)[1]][0] for seed in range(20)
    }
    assert len(chosen) > 2


def test_a_speaker_without_whom_a_class_is_lost_stays_in_training():
    classes = np.where(SPEAKERS == "carl", 2, np.arange(60) % 2)
    for seed in range(10):
        train, _ = hold_out(classes, SPEAKERS, 0.1, seed)
        assert set(classes[train]) == {0, 1, 2}


def test_without_speakers_each_class_is_held_out_in_proportion_with_a_warning():
    with pytest.warns(UserWarning, match="may be of speakers that .* trained on"):
        train, held_out = hold_out(CLASSES, None, 0.2, 0)
    assert np.bincount(CLASSES[held_out]).tolist() == [4, 4, 4]
    assert not set(train) & set(held_out)


def test_one_speaker_cannot_be_divided():
    with pytest.raises(ValueError, match="at least two speakers in groups"):
        hold_out(CLASSES, np.full(60, "anna"), 0.1, 0)


@pytest.mark.filterwarnings("ignore:Early stopping validates on utterances")
def test_too_few_utterances_cannot_be_divided():
    with pytest.raises(ValueError, match="at least two utterances of each class"):
        hold_out(np.array([0, 1, 1, 1]), None, 0.1, 0)


def fit_with_speakers(groups):
    X = [np.ones((4, 2))] * 3
    AttentionBLSTMFCNClassifier().fit(X, ["a", "b", "a"], groups=groups)


@pytest.mark.parametrize("missing", [None, np.nan])
def test_a_missing_speaker_is_an_error_that_names_the_place(missing):
    groups = np.array(["a", "b", missing], dtype=object)
    with pytest.raises(ValueError, match=r"groups\[2\] is missing"):
        fit_with_speakers(groups)


def test_as_many_speakers_as_utterances_are_needed():
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[3, 2\]"):
        fit_with_speakers(["a", "b"])
