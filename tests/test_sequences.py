"""The data convention: what counts as a batch, and how it is cut and padded."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from skser._sequences import check_groups, check_labels, is_table, iterate_blocks
from skser.training import pad_sequences


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


@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=6), st.integers(1, 20))
def test_blocks_are_bounded_and_hold_every_frame_once(lengths, block_size):
    rng = np.random.default_rng(0)
    batch = [rng.normal(size=(n, 3)).astype(np.float32) for n in lengths]
    blocks = list(iterate_blocks(batch, block_size))
    np.testing.assert_array_equal(np.concatenate(blocks), np.concatenate(batch))
    assert max(map(len, blocks)) <= block_size


def test_padding_stands_behind_the_real_frames_and_the_mask_tells():
    padded, mask = pad_sequences([np.ones((2, 3)), np.ones((4, 3))])
    assert padded.shape == (2, 4, 3)
    assert mask.tolist() == [[True, True, False, False], [True] * 4]
    assert padded[0, 2:].sum() == 0
    assert pad_sequences([np.ones((2, 3))], n_frames=5)[1].sum() == 2


@pytest.mark.case("C02", "C13")
@pytest.mark.parametrize("gap", [None, float("nan"), np.nan, pd.NA])
@pytest.mark.parametrize(
    ("check", "match"),
    [
        (check_labels, r"Input y contains NaN or None.*y\[1\] is missing \(2 of 3"),
        (check_groups, r"groups .* needs a speaker.*groups\[1\] is missing \(2 of 3"),
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
