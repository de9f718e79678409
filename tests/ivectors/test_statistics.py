"""Baum-Welch statistics: what is counted and summed, by hand."""

import numpy as np
import pytest

from skser.ivectors import MixtureAlignment, Statistics, collect_statistics

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
    counts, sums = np.array([[4.0, 4.0]]), np.zeros((1, 2, 1))
    statistics = Statistics(counts, sums, np.array([[8.0], [0.0]]))
    # The average variance within mixtures is 8 / 8 = 1.
    np.testing.assert_allclose(statistics.covariances(0.1), [[2], [0.1]])


class Fitted(Exception):
    """Raised in place of a fit of the mixture."""


def frames_of_the_fit(lengths, n_frames, monkeypatch):
    """Return (utterance, row) of each frame that a background model is fitted to."""

    def spy(frames, *args, **kwargs):
        raise Fitted(frames)

    monkeypatch.setattr("skser.ivectors._mixture.fit_mixture", spy)
    sequences = [np.c_[np.full(n, i), range(n)] for i, n in enumerate(lengths)]
    with pytest.raises(Fitted) as fitted:
        MixtureAlignment(2, max_frames=n_frames, random_state=0).fit(sequences)
    return [tuple(map(int, frame)) for frame in fitted.value.args[0]]


def test_frames_are_drawn_from_all_utterances_without_replacement(monkeypatch):
    lengths = (50, 1, 200)
    frames = frames_of_the_fit(lengths, 100, monkeypatch)
    assert len(frames) == len(set(frames)) == 100
    assert all(row < lengths[utterance] for utterance, row in frames)
    assert 60 < sum(utterance == 2 for utterance, _ in frames) < 95


def test_all_frames_are_taken_where_there_are_no_more(monkeypatch):
    frames = frames_of_the_fit((3, 2), 5, monkeypatch)
    assert frames == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]
