"""Slopes over neighbouring frames, and neighbours side by side."""

import numpy as np
import pytest
from sklearn.base import clone

from skser.features import ContextWindows, Deltas
from skser.features._context import context_windows


@pytest.fixture
def utterances():
    generator = np.random.default_rng(0)
    return [generator.normal(size=(n, 3)).astype(np.float32) for n in (1, 4, 30)]


def test_the_slope_of_a_straight_line_is_its_own():
    line = 0.5 * np.arange(20.0)[:, np.newaxis] + 7
    [extended] = Deltas(order=2, n_context=3).fit_transform([line])
    np.testing.assert_allclose(extended[:, 0], line[:, 0])
    np.testing.assert_allclose(extended[3:-3, 1], 0.5)
    np.testing.assert_allclose(extended[6:-6, 2], 0, atol=1e-12)


def test_slopes_are_those_of_htks_formula(utterances):
    x = utterances[2]
    t = 10
    expected = sum(k * (x[t + k] - x[t - k]) for k in (1, 2)) / 10
    slopes = Deltas().fit_transform(utterances)[2][:, 3:]
    np.testing.assert_allclose(slopes[t], expected, rtol=1e-5)


def test_an_utterance_of_one_frame_has_no_slope(utterances):
    assert (Deltas(order=2).fit_transform(utterances)[0][:, 3:] == 0).all()


def test_a_window_holds_the_neighbours_in_order(utterances):
    windows = ContextWindows(2).fit_transform(utterances)
    assert [w.shape for w in windows] == [(1, 15), (4, 15), (30, 15)]
    expected = utterances[2][8:13].ravel()
    np.testing.assert_array_equal(windows[2][10], expected)


def test_beyond_its_ends_an_utterance_repeats_its_end_frames(utterances):
    first = ContextWindows(2).fit_transform(utterances)[1][0].reshape(5, 3)
    np.testing.assert_array_equal(first[0], utterances[1][0])
    np.testing.assert_array_equal(first[2:], utterances[1][:3])


def test_windows_of_chosen_frames_are_rows_of_all_windows(utterances):
    rows = np.array([0, 7, 29])
    [*_, every] = ContextWindows(4).fit_transform(utterances)
    np.testing.assert_array_equal(context_windows(utterances[2], rows, 4), every[rows])


def test_names_tell_the_slope_and_the_distance(utterances):
    deltas = Deltas(order=2).fit(utterances)
    assert deltas.get_feature_names_out(["pitch"]).tolist() == [
        "pitch",
        "delta_pitch",
        "delta2_pitch",
    ]
    windows = ContextWindows(1).fit(utterances)
    assert windows.get_feature_names_out()[[0, 3, 8]].tolist() == [
        "x0_-1",
        "x0_+0",
        "x2_+1",
    ]


@pytest.mark.parametrize("transformer", [Deltas(order=2), ContextWindows(3)])
def test_precision_is_kept_and_bad_utterances_are_named(transformer, utterances):
    for sequence in clone(transformer).fit_transform(utterances):
        assert sequence.dtype == np.float32
    with pytest.raises(ValueError, match=r"X\[1\] contains NaN"):
        clone(transformer).transform([np.zeros((2, 2)), np.full((2, 2), np.nan)])


@pytest.mark.parametrize(
    "transformer", [Deltas(order=0), Deltas(n_context=0), ContextWindows(-1)]
)
def test_parameters_out_of_range_are_refused(transformer, utterances):
    with pytest.raises(ValueError, match="must be an int in the range"):
        transformer.fit(utterances)
