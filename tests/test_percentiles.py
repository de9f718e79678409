"""Percentiles found digit by digit: those of NumPy, to the last bit."""

import numpy as np
import pytest

from skser import _percentiles
from skser._percentiles import compute_percentiles

PERCENTILES = [0, 0.1, 10, 50, 99.9, 100]


def distributions(n_frames):
    """Return columns of many kinds; side by side they share the passes."""
    generator = np.random.default_rng(0)
    normal = generator.normal(size=n_frames)
    return np.column_stack(
        [
            normal,
            np.exp(20 * normal),
            1e9 + normal,
            np.round(normal),
            np.full(n_frames, 3.7),
            np.where(normal < 0, -0.0, 0.0),
            np.copysign(np.finfo(np.float32).tiny / 4, normal),
            np.sign(normal) * np.finfo(np.float32).max,
        ]
    )


@pytest.fixture(params=[2**20, 0], ids=["rest sorted", "all digits"])
def n_sorted(request, monkeypatch):
    """Find the last digits by sorting few values, or as the first."""
    monkeypatch.setattr(_percentiles, "_N_SORTED", request.param)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_frames", [1, 2, 3, 1000, 5001])
def test_percentiles_are_numpys(n_frames, dtype, n_sorted):
    frames = distributions(n_frames).astype(dtype)
    pieces = np.split(frames, [n_frames // 3, n_frames // 2])
    sequences = [piece for piece in pieces if len(piece)]
    with np.errstate(
        over="ignore", invalid="ignore"
    ):  # from the lowest number to the highest
        found = compute_percentiles(sequences, PERCENTILES)
        expected = np.percentile(frames, PERCENTILES, axis=0)
    np.testing.assert_array_equal(found, expected)


def test_blocks_do_not_matter(monkeypatch, n_sorted):
    frames = distributions(300)
    expected = compute_percentiles([frames], PERCENTILES)
    monkeypatch.setattr(_percentiles, "_N_VALUES", 7 * frames.shape[1])
    found = compute_percentiles([frames[:100], frames[100:]], PERCENTILES)
    np.testing.assert_array_equal(found, expected)


def test_sequences_of_two_precisions_are_one_distribution():
    frames = np.random.default_rng(0).normal(size=(100, 2))
    sequences = [frames[:40].astype(np.float32), frames[40:]]
    expected = np.percentile(np.concatenate(sequences), PERCENTILES, axis=0)
    found = compute_percentiles(sequences, PERCENTILES)
    np.testing.assert_array_equal(found, expected)


def test_sequences_are_read_a_few_times_only(monkeypatch):
    generator = np.random.default_rng(0)
    sequences = [generator.normal(size=(5000, 20)).astype(np.float32)]
    readings = []
    iterate = _percentiles.iterate_blocks

    def count(*arguments):
        readings.append(arguments)
        return iterate(*arguments)

    monkeypatch.setattr(_percentiles, "iterate_blocks", count)
    monkeypatch.setattr(_percentiles, "_N_SORTED", 100)
    compute_percentiles(sequences, [0.1, 99.9])
    assert len(readings) <= 4
