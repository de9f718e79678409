"""Lengths to which sequences are padded: few, and little longer."""

import numpy as np
import pytest

from skser.training import padded_lengths

pytestmark = pytest.mark.case("I03")
MAX_LENGTH = 2**30


def round_lengths(lengths):
    """Return to which lengths sequences of these lengths are padded."""
    return padded_lengths([range(length) for length in lengths], None)


@pytest.fixture(scope="module")
def all_lengths():
    """All lengths that a padded sequence can have, up to the longest, ascending."""
    lengths = []
    while not lengths or lengths[-1] < MAX_LENGTH:
        following = lengths[-1] + 1 if lengths else 1
        lengths.append(int(round_lengths([following])[0]))
    return lengths


def test_lengths_are_few_and_a_little_longer():
    lengths = np.arange(1, 5001)
    rounded = round_lengths(lengths)
    assert (rounded >= lengths).all()
    assert (rounded - lengths < np.maximum(16, lengths / 16)).all()
    assert (np.diff(rounded) >= 0).all()
    assert len(set(rounded)) < 90


def test_long_sequences_have_lengths_too(all_lengths):
    assert all_lengths[-1] == round_lengths([MAX_LENGTH])[0] == MAX_LENGTH
    assert (np.diff(all_lengths) > 0).all()
    assert len(all_lengths) < 400


def test_a_length_that_is_in_the_list_stays(all_lengths):
    assert round_lengths(all_lengths).tolist() == all_lengths
