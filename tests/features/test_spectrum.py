"""Features of the magnitude spectrum on known signals, and against librosa."""

import numpy as np
import pytest

from skser.features import CATALOGUE, FrameAnalysis

magnitude_spectrum = CATALOGUE["MagnitudeSpectrum"].function
spectral_crest_factor_per_band = CATALOGUE["SpectralCrestFactorPerBand"].function
spectral_decrease = CATALOGUE["SpectralDecrease"].function
spectral_flatness = CATALOGUE["SpectralFlatness"].function
spectral_flatness_per_band = CATALOGUE["SpectralFlatnessPerBand"].function
spectral_rolloff = CATALOGUE["SpectralRolloff"].function
spectral_shape = CATALOGUE["SpectralShapeStatistics"].function
spectral_slope = CATALOGUE["SpectralSlope"].function


EPS = np.finfo(float).eps
NOISE = np.random.default_rng(0).normal(size=(6, 1024))
ANALYSIS = FrameAnalysis(NOISE)
# Flat spectra: all magnitudes are 1.
IMPULSE = FrameAnalysis(np.eye(1, 1024, 512))
SILENCE = FrameAnalysis(np.zeros((1, 1024)))
MAGNITUDE = np.abs(
    np.fft.rfft(NOISE * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)))
)


def test_spectrum_is_hann_windowed_and_not_scaled():
    np.testing.assert_allclose(magnitude_spectrum(ANALYSIS), MAGNITUDE, rtol=1e-10)


def test_spectrum_equals_librosas():
    librosa = pytest.importorskip("librosa")
    signal = np.random.default_rng(1).normal(size=4000)
    from skser.framing import frame

    frames = frame(signal)
    expected = librosa.stft(signal, n_fft=1024, hop_length=512, pad_mode="constant")
    np.testing.assert_allclose(
        magnitude_spectrum(FrameAnalysis(frames)),
        np.abs(expected).T[: len(frames)],
        rtol=1e-8,
    )


def test_magnitudes_of_zero_count_as_epsilon():
    np.testing.assert_array_equal(magnitude_spectrum(SILENCE), EPS)


def test_a_sine_on_a_bin_fills_three_bins():
    sine = np.sin(2 * np.pi * 100 * np.arange(1024) / 1024)
    magnitude = magnitude_spectrum(FrameAnalysis([sine]))[0]
    np.testing.assert_allclose(magnitude[99:102], [128, 256, 128])
    assert np.delete(magnitude, [99, 100, 101]).max() < 1e-10
    centroid, spread, skewness, _ = spectral_shape(FrameAnalysis([sine]))[0]
    np.testing.assert_allclose([centroid, spread], [100, np.sqrt(0.5)], rtol=1e-8)
    assert abs(skewness) < 1e-4


def test_centroid_and_spread_equal_librosas():
    librosa = pytest.importorskip("librosa")
    shape = spectral_shape(ANALYSIS)
    centroid = librosa.feature.spectral_centroid(S=MAGNITUDE.T, sr=16000)
    spread = librosa.feature.spectral_bandwidth(S=MAGNITUDE.T, sr=16000)
    np.testing.assert_allclose(15.625 * shape[:, 0], centroid[0], rtol=1e-10)
    np.testing.assert_allclose(15.625 * shape[:, 1], spread[0], rtol=1e-10)


def test_rolloff_and_flatness_equal_librosas_with_the_right_options():
    librosa = pytest.importorskip("librosa")
    rolloff = librosa.feature.spectral_rolloff(
        S=MAGNITUDE.T**2, sr=16000, roll_percent=0.99
    )
    flatness = librosa.feature.spectral_flatness(S=MAGNITUDE.T, power=1, amin=1e-30)
    np.testing.assert_allclose(spectral_rolloff(ANALYSIS), rolloff[0])
    np.testing.assert_allclose(spectral_flatness(ANALYSIS), flatness[0], rtol=1e-10)


def test_slope_is_that_of_the_regression_line():
    frequencies = 15.625 * np.arange(513)
    expected = [np.polyfit(frequencies, a, 1)[0] / a.sum() for a in MAGNITUDE]
    np.testing.assert_allclose(spectral_slope(ANALYSIS), expected, rtol=1e-8)


def test_decrease_follows_its_definition():
    steps = np.arange(1, 513)
    expected = [((a[1:] - a[0]) / steps).sum() / a[1:].sum() for a in MAGNITUDE]
    np.testing.assert_allclose(spectral_decrease(ANALYSIS), expected, rtol=1e-8)


def test_flat_spectra_are_flat_by_every_measure():
    for flat in (IMPULSE, SILENCE):
        np.testing.assert_allclose(spectral_flatness(flat), 1)
        np.testing.assert_allclose(spectral_flatness_per_band(flat), 1)
        np.testing.assert_allclose(spectral_crest_factor_per_band(flat), 1)
        np.testing.assert_allclose(spectral_slope(flat), 0, atol=1e-18)
        np.testing.assert_allclose(spectral_decrease(flat), 0, atol=1e-14)
        np.testing.assert_allclose(spectral_rolloff(flat), 7921.875)
        expected = [[256, 148.0889, 0, -72.43]]
        np.testing.assert_allclose(spectral_shape(flat), expected, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize(
    "function",
    [
        spectral_shape,
        spectral_slope,
        spectral_decrease,
        spectral_rolloff,
        spectral_flatness,
        spectral_crest_factor_per_band,
    ],
)
def test_shape_does_not_depend_on_the_level(function):
    np.testing.assert_allclose(
        function(FrameAnalysis(64 * NOISE)), function(ANALYSIS), rtol=1e-9
    )
