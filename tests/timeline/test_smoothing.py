"""Smoothing: by hand, and against the probabilities of all paths."""

import itertools

import numpy as np
import pytest

from skser.timeline import smooth_markov, smooth_median

NAN = np.nan


@pytest.fixture
def posteriors():
    return np.random.default_rng(0).dirichlet(np.ones(3), 6)


class TestMedian:
    def test_one_window_out_of_line_is_put_back(self):
        rows = [[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.9, 0.1]]
        assert smooth_median(rows, 3).tolist() == [[0.9, 0.1]] * 5

    def test_medians_are_divided_by_their_sum(self):
        rows = [[0.6, 0.3, 0.1], [0.3, 0.6, 0.1], [0.1, 0.1, 0.8]]
        # Medians of the second: .3, .3, .1.
        np.testing.assert_allclose(smooth_median(rows, 3)[1], [3 / 7, 3 / 7, 1 / 7])

    def test_windows_without_answers_count_nowhere(self):
        rows = [[0.9, 0.1], [NAN, NAN], [0.7, 0.3], [0.2, 0.8]]
        smooth = smooth_median(rows, 5)
        np.testing.assert_allclose(smooth[0], [0.8, 0.2])
        assert np.isnan(smooth[1]).all()
        np.testing.assert_allclose(smooth[2:], [[0.7, 0.3], [0.45, 0.55]])

    def test_one_window_changes_nothing(self, posteriors):
        np.testing.assert_allclose(smooth_median(posteriors, 1), posteriors)

    def test_windows_that_are_sure_of_different_classes_stay(self):
        assert smooth_median(np.eye(3), 3)[1].tolist() == [0, 1, 0]

    @pytest.mark.parametrize("n_windows", [0, 2, 1.5])
    def test_the_number_must_be_odd(self, posteriors, n_windows):
        with pytest.raises(ValueError, match="n_windows"):
            smooth_median(posteriors, n_windows)


class TestMarkov:
    def test_it_is_the_sum_over_all_paths(self, posteriors):
        stay = 0.8
        expected = np.zeros((6, 3))
        for path in itertools.product(range(3), repeat=6):
            weight = np.prod([posteriors[t, state] for t, state in enumerate(path)])
            for before, after in itertools.pairwise(path):
                weight *= stay if before == after else (1 - stay) / 2
            expected[range(6), path] += weight
        expected /= expected.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(smooth_markov(posteriors, stay), expected)

    def test_states_that_are_drawn_anew_change_nothing(self, posteriors):
        np.testing.assert_allclose(smooth_markov(posteriors, 1 / 3), posteriors)

    def test_time_has_no_direction(self, posteriors):
        backwards = smooth_markov(posteriors[::-1])[::-1]
        np.testing.assert_allclose(backwards, smooth_markov(posteriors))

    def test_a_window_without_an_answer_passes_on_what_it_does_not_know(self):
        gap = smooth_markov([[0.9, 0.1], [NAN, NAN], [0.5, 0.5]], 0.9)
        # After two steps, .9 is .9 * .82 + .1 * .18.
        np.testing.assert_allclose(gap[2], [0.756, 0.244])
        assert np.isnan(gap[1]).all()

    def test_ten_thousand_sure_windows_do_not_underflow(self):
        rows = np.tile(np.eye(2)[[0] * 50 + [1] * 50], (100, 1))
        smooth = smooth_markov(rows)
        np.testing.assert_allclose(smooth, rows, atol=1e-6)

    def test_one_class_is_certain(self):
        assert smooth_markov([[1.0], [1.0]]).tolist() == [[1.0], [1.0]]

    @pytest.mark.parametrize("stay", [0, 1, 1.5])
    def test_the_probability_lies_between(self, posteriors, stay):
        with pytest.raises(ValueError, match="'stay' parameter of smooth_markov"):
            smooth_markov(posteriors, stay)


@pytest.mark.parametrize("smooth", [smooth_median, smooth_markov])
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([0.5, 0.5], "must have the shape"),
        ([[0.5, NAN]], "NaN as a whole, or not at all"),
        ([[1.5, -0.5]], "0 or more, and finite"),
    ],
)
def test_what_are_no_posteriors_is_refused(smooth, rows, message):
    with pytest.raises(ValueError, match=message):
        smooth(rows)
