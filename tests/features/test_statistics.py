"""Utterances of any length as one row of statistics each."""

import numpy as np
import pytest
from scipy import stats

from skser.features import FrameAveraging, FrameStatistics


@pytest.fixture
def utterances():
    generator = np.random.default_rng(0)
    return [generator.gamma(2, 3, (n, 2)) for n in (1, 2, 60, 7)]


def column(utterances, statistic):
    """Return one statistic of the contours themselves."""
    return FrameStatistics([statistic], []).fit_transform(utterances)


REFERENCES = {
    "mean": lambda x: x.mean(axis=0),
    "std": lambda x: x.std(axis=0),
    "skewness": lambda x: stats.skew(x),
    "kurtosis": lambda x: stats.kurtosis(x, fisher=False),
    "percentile_90": lambda x: np.percentile(x, 90, axis=0),
    "quartile_range": lambda x: stats.iqr(x, axis=0),
    "magnitude": lambda x: np.abs(x).mean(axis=0),
}


@pytest.mark.parametrize("statistic", REFERENCES)
def test_statistics_are_those_of_numpy_and_scipy(statistic, utterances):
    expected = REFERENCES[statistic](utterances[2])
    np.testing.assert_allclose(column(utterances, statistic)[2], expected, rtol=1e-12)


def test_a_ramp_has_its_slope_and_a_bow_its_curvature():
    time = np.linspace(-1, 1, 41)[:, np.newaxis]
    utterances = [5 + 3 * time, 5 - 2 * time**2, np.full((9, 1), 5.0)]
    np.testing.assert_allclose(
        column(utterances, "slope").ravel(), [3, 0, 0], atol=1e-9
    )
    bows = column(utterances, "curvature").ravel()
    np.testing.assert_allclose(bows, [0, -2, 0], atol=1e-9)


def test_the_time_above_half_the_range_is_a_share_of_frames():
    contour = np.repeat([0.0, 1.0], [30, 10])[:, np.newaxis]
    assert column([contour], "time_above_50") == 0.25


def test_changes_are_central_differences():
    squares = (np.arange(6.0) ** 2)[:, np.newaxis]
    rows = FrameStatistics(["mean"], ["percentile_50"]).fit_transform([squares])
    # 0.5, 2, 4, 6, 8 and 4.5: at the ends half of the one difference there is.
    np.testing.assert_allclose(rows, [[squares.mean(), 4.25]])


def test_the_order_of_frames_counts_only_for_what_is_over_time(utterances):
    names = ["mean", "kurtosis", "range", "time_above_75"]
    backward = [frames[::-1] for frames in utterances]
    for a, b in zip(
        FrameStatistics(names, []).fit_transform(utterances),
        FrameStatistics(names, []).fit_transform(backward),
        strict=True,
    ):
        np.testing.assert_allclose(a, b)
    slopes = column(utterances, "slope"), column(backward, "slope")
    np.testing.assert_allclose(slopes[0], -slopes[1])


def test_constant_and_single_frames_give_finite_rows():
    rows = FrameStatistics().fit_transform([np.full((4, 3), 0.1), np.ones((1, 3))])
    assert rows.shape == (2, 40 * 3)
    assert np.isfinite(rows).all()


def test_every_column_has_a_name_of_its_own(utterances):
    statistics = FrameStatistics().fit(utterances)
    names = statistics.get_feature_names_out(["pitch", "energy"])
    assert len(set(names)) == statistics.transform(utterances).shape[1] == 80
    assert names[0] == "pitch_mean"
    assert names[-1] == "delta_energy_time_above_75"


def test_only_the_columns_that_are_asked_for_are_described(utterances):
    utterances = [np.hstack([x, x**2]) for x in utterances]
    some = FrameStatistics(["mean"], ["std"], columns=[2, 0]).fit(utterances)
    chosen = [utterance[:, [2, 0]] for utterance in utterances]
    expected = FrameStatistics(["mean"], ["std"]).fit_transform(chosen)
    np.testing.assert_array_equal(some.transform(utterances), expected)
    names = ["x2_mean", "x0_mean", "delta_x2_std", "delta_x0_std"]
    assert some.get_feature_names_out().tolist() == names


@pytest.mark.parametrize("columns", [[], [-1], [0, 99]])
def test_columns_that_no_frame_has_are_refused(utterances, columns):
    with pytest.raises(ValueError, match="columns must be places from 0 to"):
        FrameStatistics(columns=columns).fit(utterances)


def test_an_unknown_statistic_is_refused_with_those_there_are(utterances):
    with pytest.raises(ValueError, match=r"out of mean, std, .*; got \['median'\]"):
        FrameStatistics(["median"], []).fit(utterances)
    with pytest.raises(ValueError, match="got none"):
        FrameStatistics([], []).transform(utterances)


def test_frames_are_averaged_in_groups_and_the_rest_by_itself():
    frames = np.arange(14.0, dtype=np.float32).reshape(7, 2)
    [means] = FrameAveraging(3).fit_transform([frames])
    np.testing.assert_array_equal(means, [[2, 3], [8, 9], [12, 13]])
    assert means.dtype == np.float32
    [same] = FrameAveraging(1).fit_transform([frames])
    np.testing.assert_array_equal(same, frames)
