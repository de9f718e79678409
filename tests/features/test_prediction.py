"""Linear prediction and line spectral frequencies against SciPy and eigenvalues."""

import numpy as np
import pytest
from scipy.linalg import solve_toeplitz

from skser.features import CATALOGUE, FrameAnalysis

line_spectral_frequencies = CATALOGUE["LSF"].function
linear_prediction = CATALOGUE["LPC"].function
autocorrelation = CATALOGUE["AutoCorrelation"].function


RNG = np.random.default_rng(0)


def frames_of_many_kinds():
    """Noise, coloured noise, tones of any frequency, their sums; 60 frames."""
    white = RNG.normal(size=(20, 1024))
    frequencies = np.linspace(0.01, 3.1, 20)[:, np.newaxis]
    tones = np.sin(frequencies * np.arange(1024))
    return np.concatenate([white, np.cumsum(white, axis=1), tones + 0.01 * white])


FRAMES = frames_of_many_kinds()


def prediction_of_order(order, analysis):
    """Solve the normal equations by SciPy, frame by frame."""
    lags = autocorrelation(analysis)[:, : order + 1]
    return np.stack([solve_toeplitz(r[:-1], -r[1:]) for r in lags])


def test_prediction_coefficients_solve_the_normal_equations():
    analysis = FrameAnalysis(FRAMES)
    expected = prediction_of_order(2, analysis)
    np.testing.assert_allclose(linear_prediction(analysis), expected, rtol=1e-6)


def test_second_order_by_hand():
    # Autocorrelation 2, 1, 0: a1 = -1 / 2 at first, then a2 = (1 / 4) / (3 / 4).
    frame = np.zeros((1, 1024))
    frame[0, 500:502] = 1
    coefficients = linear_prediction(FrameAnalysis(frame))
    np.testing.assert_allclose(coefficients, [[-2 / 3, 1 / 3]], rtol=1e-12)


def test_line_spectral_frequencies_are_the_angles_of_the_roots():
    analysis = FrameAnalysis(FRAMES)
    coefficients = prediction_of_order(10, analysis)
    expected = []
    for row in coefficients:
        forward = np.r_[1, row, 0]
        roots = [np.roots(forward + sign * forward[::-1]) for sign in (1, -1)]
        angles = np.sort(np.angle(np.concatenate(roots)))
        expected.append([a for a in angles if 1e-6 < a < np.pi - 1e-6])
    # np.roots on degree 11 is itself good to about 1e-7.
    np.testing.assert_allclose(line_spectral_frequencies(analysis), expected, rtol=1e-5)


def test_line_spectral_frequencies_ascend_between_0_and_pi():
    frequencies = line_spectral_frequencies(FrameAnalysis(FRAMES))
    assert np.all(np.diff(frequencies, axis=1) > 0)
    assert frequencies.min() > 0
    assert frequencies.max() < np.pi


def test_search_and_eigenvalues_agree(monkeypatch):
    # One by one: in a batch the slowest frame makes the search go on for all others.
    searched = [line_spectral_frequencies(FrameAnalysis([x]))[0] for x in FRAMES]
    monkeypatch.setattr("skser.features._prediction._ITERATIONS", (1,))
    monkeypatch.setattr("skser.features._prediction._TOLERANCE", 0.0)
    fallback = line_spectral_frequencies(FrameAnalysis(FRAMES))
    np.testing.assert_allclose(searched, fallback, rtol=1e-6)
    np.testing.assert_allclose(searched[:20], fallback[:20], rtol=1e-11)


def test_search_converges_without_the_fallback(monkeypatch):
    def refuse(polynomials):
        raise AssertionError("the search did not converge")

    monkeypatch.setattr("skser.features._prediction._angles_by_eigenvalues", refuse)
    assert np.isfinite(line_spectral_frequencies(FrameAnalysis(FRAMES))).all()


def test_silent_frames_are_undefined_and_harm_no_others():
    frames = FRAMES.copy()
    frames[[0, 3, -1]] = 0
    frequencies = line_spectral_frequencies(FrameAnalysis(frames))
    silent = np.isnan(frequencies).all(axis=1)
    np.testing.assert_array_equal(np.flatnonzero(silent), [0, 3, len(frames) - 1])
    np.testing.assert_allclose(
        frequencies[~silent],
        line_spectral_frequencies(FrameAnalysis(FRAMES))[~silent],
        rtol=1e-6,
    )
    assert np.isnan(linear_prediction(FrameAnalysis(frames))[silent]).all()


@pytest.mark.parametrize("function", [linear_prediction, line_spectral_frequencies])
def test_prediction_ignores_the_level(function):
    expected = function(FrameAnalysis(FRAMES))
    np.testing.assert_allclose(function(FrameAnalysis(1e-3 * FRAMES)), expected, 1e-6)
