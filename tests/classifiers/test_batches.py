"""Batches: every utterance once, of similar length, in another order each epoch."""

import numpy as np
import pytest

from skser.classifiers._batches import (
    padded_length,
    prediction_batches,
    training_batches,
)

LENGTHS = np.random.default_rng(0).integers(20, 1000, 503)


def _epoch(epoch, lengths=LENGTHS, batch_size=50):
    return training_batches(lengths, batch_size, np.random.default_rng([0, epoch]))


def test_each_utterance_is_in_one_batch():
    np.testing.assert_array_equal(np.sort(np.concatenate(_epoch(0))), np.arange(503))


def test_no_batch_is_larger_than_asked_for_or_much_smaller():
    sizes = [len(batch) for batch in _epoch(0)]
    assert max(sizes) <= 50
    assert min(sizes) >= max(sizes) - 1


@pytest.mark.case("B07")
def test_little_of_a_batch_is_padding():
    padded = sum(LENGTHS[batch].max() * len(batch) for batch in _epoch(0))
    at_random = np.random.default_rng(0).permutation(503)[:500].reshape(10, 50)
    padded_at_random = LENGTHS[at_random].max(axis=1).sum() * 50
    assert padded < 1.2 * LENGTHS.sum()
    assert padded < 0.7 * padded_at_random


@pytest.mark.case("H03")
def test_epochs_differ_in_batches_and_in_their_order():
    epochs = [_epoch(epoch) for epoch in range(3)]
    members = [{frozenset(batch.tolist()) for batch in epoch} for epoch in epochs]
    assert not members[0] & members[1]
    mean_lengths = [[LENGTHS[batch].mean() for batch in epoch] for epoch in epochs]
    orders = {tuple(np.argsort(means)) for means in mean_lengths}
    assert len(orders) == 3


@pytest.mark.case("H03")
def test_most_of_a_batch_is_with_others_in_the_next_epoch():
    numbers = []
    for epoch in range(2):
        numbers.append(np.empty(len(LENGTHS), dtype=int))
        for number, batch in enumerate(_epoch(epoch)):
            numbers[epoch][batch] = number
    before, after = (number[:, None] == number for number in numbers)
    assert (before & after).sum() < 0.6 * before.sum()


@pytest.mark.case("H03")
def test_the_same_epoch_of_the_same_seed_has_the_same_batches():
    for first, second in zip(_epoch(5), _epoch(5), strict=True):
        np.testing.assert_array_equal(first, second)


def test_utterances_of_equal_length_are_shuffled_too():
    batches = _epoch(0, lengths=np.full(100, 7), batch_size=10)
    assert np.concatenate(batches).tolist() != list(range(100))


@pytest.mark.case("I03")
def test_lengths_in_prediction_are_few_and_a_little_longer():
    lengths = np.arange(1, 5001)
    padded = np.array([padded_length(n) for n in lengths])
    assert (padded >= lengths).all()
    assert (padded - lengths < np.maximum(16, lengths / 8)).all()
    assert (np.diff(padded) >= 0).all()
    assert len(set(padded)) < 60


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
