"""Held-out utterances: of other speakers, or drawn with a warning."""

import numpy as np
import pytest

from skser._sequences import check_groups
from skser.classifiers._validation import hold_out

CLASSES = np.arange(60) % 3
SPEAKERS = np.array(["anna", "bea", "carl", "dora", "emil"])[np.arange(60) // 12]


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


@pytest.mark.parametrize("missing", [None, np.nan])
def test_a_missing_speaker_is_an_error_that_names_the_place(missing):
    groups = np.array(["a", "b", missing], dtype=object)
    with pytest.raises(ValueError, match=r"groups\[2\] is missing"):
        check_groups(groups, [1, 2, 3])


def test_as_many_speakers_as_utterances_are_needed():
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[3, 2\]"):
        check_groups(["a", "b"], [1, 2, 3])
