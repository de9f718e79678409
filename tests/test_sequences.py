"""The data convention: what counts as a batch, and how it is cut and padded."""

import threading

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from skser._parallel import map_utterances
from skser._sequences import (
    check_groups,
    check_labels,
    is_table,
    iterate_blocks,
    pad_sequences,
)


@pytest.mark.parametrize(
    ("X", "expected"),
    [
        (np.ones((3, 2)), True),
        (pd.DataFrame({"a": [1.0], "b": [2.0]}), True),
        (sparse.csr_matrix(np.eye(3)), True),
        ([[1.0, 2.0], [3.0, 4.0]], True),
        (np.ones((3, 5, 2)), False),
        ([np.ones((4, 2)), np.ones((6, 2))], False),
        (pd.Series([np.ones((4, 2)), np.ones((6, 2))], index=[7, 9]), False),
        ([[[1.0, 2.0], [3.0, 4.0]]], False),
    ],
)
def test_a_table_is_told_from_a_batch_of_utterances(X, expected):
    assert is_table(X) is expected


@pytest.mark.parametrize("block_size", [1, 3, 7, 100])
def test_blocks_hold_all_frames_in_order_and_none_is_too_large(block_size):
    sequences = [np.arange(n)[:, np.newaxis] for n in (5, 1, 12, 3)]
    blocks = list(iterate_blocks(sequences, block_size))
    np.testing.assert_array_equal(np.concatenate(blocks), np.concatenate(sequences))
    assert max(map(len, blocks)) <= block_size


def test_padding_stands_behind_the_real_frames_and_the_mask_tells():
    padded, mask = pad_sequences([np.ones((2, 3)), np.ones((4, 3))])
    assert padded.shape == (2, 4, 3)
    assert mask.tolist() == [[True, True, False, False], [True] * 4]
    assert padded[0, 2:].sum() == 0
    assert pad_sequences([np.ones((2, 3))], n_frames=5)[1].sum() == 2


def test_utterances_are_mapped_in_order_by_several_threads():
    seen = set()

    def double(number):
        seen.add(threading.get_ident())
        return 2 * number

    assert map_utterances(double, range(50), n_jobs=2) == list(range(0, 100, 2))
    assert map_utterances(double, range(5)) == [0, 2, 4, 6, 8]


@pytest.mark.case("C02", "C13")
@pytest.mark.parametrize("gap", [None, float("nan"), np.nan, pd.NA])
@pytest.mark.parametrize(
    ("check", "match"),
    [
        (check_labels, r"Input y contains NaN or None.*y\[1\] is missing \(2 of 3"),
        (check_groups, r"groups must name .*groups\[1\] is missing \(2 of 3"),
    ],
)
def test_a_class_or_speaker_that_is_missing_is_located(check, match, gap):
    values = np.array(["a", gap, gap], dtype=object)
    with pytest.raises(ValueError, match=match):
        check(values, "xyz")
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        check(["a", "b"], "xyz")
    assert check(pd.Series(["a", "b", "c"], index=[3, 1, 2]), "xyz").tolist() == [
        *"abc"
    ]


def test_n_jobs_must_be_a_whole_number():
    with pytest.raises(TypeError, match=r"n_jobs must be an integer.*1\.5"):
        map_utterances(str, [1], n_jobs=1.5)
