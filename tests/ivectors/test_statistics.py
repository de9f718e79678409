"""Baum-Welch statistics: what is counted and summed, by hand."""

import numpy as np

from skser.ivectors import collect_statistics
from skser.ivectors._mixture import sample_frames
from skser.ivectors._total_variability import floor_variances

FRAMES = [np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0, 6.0]])]
POSTERIORS = [np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.0, 1.0]])]


def test_counts_sums_and_squares_are_weighted_by_the_posteriors():
    statistics = collect_statistics(FRAMES, POSTERIORS)
    np.testing.assert_allclose(statistics.counts, [[1.5, 0.5], [0, 1]])
    np.testing.assert_allclose(statistics.sums[0], [[2.5, 4], [1.5, 2]])
    np.testing.assert_allclose(statistics.sums[1], [[0, 0], [5, 6]])
    # Mixture 0: 1 and 9 / 2; mixture 1: 9 / 2 and 25.
    np.testing.assert_allclose(statistics.squares, [[5.5, 12], [29.5, 44]])


def test_means_and_variances_are_those_of_the_weighted_frames():
    statistics = collect_statistics(FRAMES, POSTERIORS)
    frames, weights = np.concatenate(FRAMES), np.concatenate(POSTERIORS)
    means = statistics.means()
    variances = statistics.centre(means).covariances()
    for c in range(2):
        expected = np.average(frames, axis=0, weights=weights[:, c])
        np.testing.assert_allclose(means[c], expected)
        squares = np.average((frames - expected) ** 2, axis=0, weights=weights[:, c])
        np.testing.assert_allclose(variances[c], squares)


def test_centred_statistics_are_those_of_centred_frames():
    means = np.array([[1.0, -2.0], [0.5, 3.0]])
    centred = collect_statistics(FRAMES, POSTERIORS).centre(means)
    for c in range(2):
        moved = collect_statistics([frames - means[c] for frames in FRAMES], POSTERIORS)
        np.testing.assert_allclose(centred.sums[:, c], moved.sums[:, c])
        np.testing.assert_allclose(centred.squares[c], moved.squares[c])


def test_a_mixture_without_frames_gets_no_nan():
    statistics = collect_statistics(FRAMES[:1], [np.array([[1.0, 0], [1, 0]])])
    means = statistics.means()
    np.testing.assert_array_equal(means[1], 0)
    assert (statistics.centre(means).covariances(1e-3) > 0).all()


def test_variances_are_not_below_the_floor():
    squares, totals = np.array([[8.0], [0.0]]), np.array([4.0, 4.0])
    # The average variance within mixtures is 8 / 8 = 1.
    np.testing.assert_allclose(floor_variances(squares, totals, 0.1), [[2], [0.1]])


def test_frames_are_drawn_from_all_utterances_without_replacement():
    sequences = [np.zeros((n, 1)) for n in (50, 1, 200)]
    rows = sample_frames(sequences, 100, np.random.RandomState(0))
    assert sum(map(len, rows)) == 100
    for row, sequence in zip(rows, sequences, strict=True):
        assert len(set(row)) == len(row)
        assert (row < len(sequence)).all()
    assert 60 < len(rows[2]) < 95


def test_all_frames_are_taken_where_there_are_no_more():
    sequences = [np.zeros((3, 1)), np.zeros((2, 1))]
    rows = sample_frames(sequences, 5, np.random.RandomState(0))
    assert [row.tolist() for row in rows] == [[0, 1, 2], [0, 1]]
