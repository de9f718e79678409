"""Batches: every utterance once, with others in each epoch."""

import numpy as np
import pytest

from skser.classifiers._batches import (
    prediction_batches,
    training_batches,
)

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
