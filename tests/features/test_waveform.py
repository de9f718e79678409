"""Features of the samples on signals whose values are known."""

import itertools

import numpy as np
import pytest

from skser.features import CATALOGUE, FrameAnalysis

amplitude_modulation = CATALOGUE["AmplitudeModulation"].function
autocorrelation = CATALOGUE["AutoCorrelation"].function
energy = CATALOGUE["Energy"].function
envelope = CATALOGUE["Envelope"].function
envelope_shape = CATALOGUE["EnvelopeShapeStatistics"].function
temporal_shape = CATALOGUE["TemporalShapeStatistics"].function
zero_crossing_rate = CATALOGUE["ZCR"].function


NOISE = np.random.default_rng(0).normal(size=(5, 1024))
SILENCE = np.zeros((2, 1024))


def test_energy_of_a_sine_is_its_effective_value():
    sine = 0.5 * np.sin(2 * np.pi * 8 * np.arange(1024) / 1024)
    np.testing.assert_allclose(energy(FrameAnalysis([sine])), 0.5 / np.sqrt(2))


def count_sign_changes(frame):
    """Count as the definition says, sample by sample."""
    signs = [np.sign(sample) for sample in frame if sample != 0]
    return sum(a != b for a, b in itertools.pairwise(signs))


@pytest.mark.parametrize("share_of_zeros", [0, 0.1, 0.5, 0.99, 0.999, 1])
def test_zero_crossings_skip_zeros(share_of_zeros):
    rng = np.random.default_rng(1)
    frames = rng.normal(size=(50, 1024))
    frames[rng.random(frames.shape) < share_of_zeros] = 0
    frames[::7, :100] = 0
    frames[::5, -100:] = 0
    expected = [count_sign_changes(frame) / 1024 for frame in frames]
    np.testing.assert_array_equal(zero_crossing_rate(FrameAnalysis(frames)), expected)


def test_zero_crossings_do_not_see_the_neighbouring_frames():
    frames = np.stack([np.ones(1024), -np.ones(1024), np.zeros(1024), np.ones(1024)])
    np.testing.assert_array_equal(zero_crossing_rate(FrameAnalysis(frames)), 0)


def test_negative_zeros_are_zeros():
    frames = np.ones((1, 1024))
    frames[0, ::2] = -0.0
    np.testing.assert_array_equal(zero_crossing_rate(FrameAnalysis(frames)), 0)


def test_the_fastest_alternation_changes_sign_1023_times():
    frames = np.tile([1.0, -1.0], (1, 512))
    np.testing.assert_array_equal(
        zero_crossing_rate(FrameAnalysis(frames)) * 1024, 1023
    )


def test_autocorrelation_equals_the_sum_of_products():
    values = autocorrelation(FrameAnalysis(NOISE))
    expected = [np.correlate(x, x, mode="full")[1023 : 1023 + 49] for x in NOISE]
    np.testing.assert_allclose(values, expected, atol=1e-11)


def test_autocorrelation_equals_librosa():
    librosa = pytest.importorskip("librosa")
    expected = librosa.autocorrelate(NOISE, max_size=49, axis=-1)
    np.testing.assert_allclose(
        autocorrelation(FrameAnalysis(NOISE)), expected, atol=1e-11
    )


def test_autocorrelation_does_not_wrap_around():
    ends = np.zeros((1, 1024))
    ends[0, [0, 1, 1022, 1023]] = 1, 2, 3, 4
    values = autocorrelation(FrameAnalysis(ends))[0]
    np.testing.assert_allclose(values[:2], [30, 14], atol=1e-13)
    np.testing.assert_allclose(values[2:], 0, atol=1e-13)


def test_envelope_scales_with_the_signal():
    np.testing.assert_allclose(
        envelope(FrameAnalysis(8 * NOISE)), 8 * envelope(FrameAnalysis(NOISE))
    )


def test_amplitude_modulation_follows_its_definition():
    values = envelope(FrameAnalysis(NOISE))
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1, 7) / 7)
    spectrum = np.abs(np.fft.fft(values * window, 1024))[:, :512]
    expected = []
    for low, high in ((51, 102), (127, 511)):
        band = spectrum[:, low : high + 1]
        frequency = (low + band.argmax(axis=1)) * 80 / 1024
        strength = np.maximum(band.max(axis=1) - spectrum.mean(axis=1), 0)
        in_band = band.max(axis=1) - band.mean(axis=1)
        expected += [frequency, strength, in_band, frequency * strength]
    np.testing.assert_allclose(
        amplitude_modulation(FrameAnalysis(NOISE)), np.transpose(expected), rtol=1e-12
    )


def test_silence_has_neither_level_nor_envelope():
    analysis = FrameAnalysis(SILENCE)
    for function in (energy, zero_crossing_rate, autocorrelation, envelope):
        np.testing.assert_array_equal(function(analysis), 0)
    eps = np.finfo(float).eps
    for function in (temporal_shape, envelope_shape):
        np.testing.assert_array_equal(function(analysis), [[0, eps, 0, -3]] * 2)
    expected = [[3.984375, 0, 0, 0, 9.921875, 0, 0, 0]] * 2
    np.testing.assert_array_equal(amplitude_modulation(analysis), expected)


# In 7 and 28 a third times the position, divided by a third, is another number.
@pytest.mark.parametrize("position", [0, 1, 7, 28, 500, 1023])
def test_a_single_sample_has_no_spread(position):
    frames = np.zeros((1, 1024))
    frames[0, position] = -1 / 3
    centroid, spread, skewness, kurtosis = temporal_shape(FrameAnalysis(frames))[0]
    assert centroid == position
    assert spread == np.finfo(float).eps
    assert skewness == 0
    expected = 6 * position**3 - 6.0 * position**4
    np.testing.assert_allclose(kurtosis, expected / spread**4 - 3)


def test_temporal_shape_ignores_sign_and_level():
    expected = temporal_shape(FrameAnalysis(NOISE))
    np.testing.assert_allclose(temporal_shape(FrameAnalysis(-4 * NOISE)), expected)


def test_moments_of_two_equal_values():
    # m1 = 1/2, m2 = m3 = m4 = 1/2, s = 1/2.
    expected = [[0.5, 0.5, 0, (-3 / 16 + 6 / 4 - 4 / 4 + 1 / 2) * 16 - 3]]
    frame = np.zeros((1, 1024))
    frame[0, :2] = 1
    shape = temporal_shape(FrameAnalysis(frame))
    np.testing.assert_allclose(shape, expected, atol=1e-14)


def test_moments_follow_yaafe_in_the_kurtosis_only():
    values = np.zeros((1, 1024))
    values[0, :20] = np.random.default_rng(2).random(20)
    weights, index = values[0] / values.sum(), np.arange(1024)
    centroid = index @ weights
    central = [weights @ (index - centroid) ** order for order in range(5)]
    spread = np.sqrt(central[2])
    result = temporal_shape(FrameAnalysis(values))[0]
    textbook = [centroid, spread, central[3] / spread**3]
    np.testing.assert_allclose(result[:3], textbook)
    second = weights @ index**2
    difference = 6 * centroid * second * (1 - centroid) / spread**4
    np.testing.assert_allclose(result[3], central[4] / spread**4 - 3 + difference)
