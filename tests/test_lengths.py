"""Lengths to which sequences are padded: few, and little longer."""

import numpy as np
import pytest

from skser._sequences import LENGTHS, MAX_LENGTH, round_length

pytestmark = pytest.mark.case("I03")


def test_lengths_are_few_and_a_little_longer():
    lengths = np.arange(1, 5001)
    rounded = np.array([round_length(n) for n in lengths])
    assert (rounded >= lengths).all()
    assert (rounded - lengths < np.maximum(16, lengths / 16)).all()
    assert (np.diff(rounded) >= 0).all()
    assert len(set(rounded)) < 90


def test_long_sequences_have_lengths_too():
    assert LENGTHS[-1] == round_length(MAX_LENGTH) == MAX_LENGTH
    assert (np.diff(LENGTHS) > 0).all()
    assert len(LENGTHS) < 400


def test_a_length_that_is_in_the_list_stays():
    assert all(round_length(n) == n for n in LENGTHS)
