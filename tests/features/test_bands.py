"""Features in the bands of hearing, and the bands themselves."""

import itertools

import numpy as np
import pytest
from scipy import fft, signal

from skser.features import CATALOGUE, FrameAnalysis, _bands, _spectrum, _waveform

loudness = CATALOGUE["Loudness"].function
mel_cepstrum = CATALOGUE["MFCC"].function
mel_spectrum = CATALOGUE["MelSpectrum"].function
octave_band_intensity = CATALOGUE["OBSI"].function
octave_band_intensity_ratio = CATALOGUE["OBSIR"].function
perceptual_sharpness = CATALOGUE["PerceptualSharpness"].function
envelope = CATALOGUE["Envelope"].function
spectral_flatness_per_band = CATALOGUE["SpectralFlatnessPerBand"].function
spectral_crest_factor_per_band = CATALOGUE["SpectralCrestFactorPerBand"].function
perceptual_spread = CATALOGUE["PerceptualSpread"].function


NOISE = np.random.default_rng(0).normal(size=(6, 1024))
ANALYSIS = FrameAnalysis(NOISE)
SILENCE = FrameAnalysis(np.zeros((1, 1024)))
POWER = ANALYSIS.magnitude**2


def test_mel_weights_equal_librosas():
    librosa = pytest.importorskip("librosa")
    expected = librosa.filters.mel(
        sr=16000,
        n_fft=1024,
        n_mels=40,
        fmin=130,
        fmax=6854,
        htk=True,
        norm="slaney",
        dtype=np.float64,
    )
    np.testing.assert_allclose(_bands.mel_weights(), expected.T, atol=1e-15)


def test_mel_bands_end_at_half_the_sample_rate():
    weights = _bands.mel_weights(sample_rate=8000)
    assert weights[-1].max() == pytest.approx(0, abs=1e-12)
    assert np.all(weights.max(axis=0) > 0)


def test_bark_limits_are_yaafes():
    expected = [0, 6, 12, 18, 24, 30, 37, 44, 51, 59, 68, 78, 89, 101, 116, 132, 152]
    expected += [176, 204, 238, 278, 325, 378, 439, 512]
    np.testing.assert_array_equal(_bands.bark_limits(), expected)


def test_quarter_octave_bands_are_yaafes():
    expected = "15-20 18-24 21-28 26-34 30-40 36-48 43-57 51-67 61-80 72-95 86-113 "
    expected += "102-135 122-161 145-192 172-227 205-268 243-322 289-384 344-455"
    bands = _spectrum.quarter_octave_bands()
    limits = [f"{first}-{first + n * size - 1}" for first, n, size in bands]
    assert limits == expected.split()
    assert [size for _, _, size in bands] == [1] * 8 + [2] * 4 + [4] * 4 + [8] * 3


@pytest.mark.parametrize(
    ("sample_rate", "n_bands"),
    [(8000, 15), (11025, 15), (22050, 19), (24000, 23), (32000, 23), (48000, 27)],
)
def test_number_of_quarter_octaves_at_other_rates(sample_rate, n_bands):
    assert len(_spectrum.quarter_octave_bands(sample_rate)) == n_bands


def test_octaves_peak_where_they_should():
    weights = _bands.octave_weights()
    np.testing.assert_allclose(weights[:, 0].nonzero()[0], [1, 2, 3])
    np.testing.assert_allclose(weights[1, 0], 2 / 1.76)
    # Between the first and the last peak neighbouring triangles add up to 2.
    np.testing.assert_allclose(weights[2:451].sum(axis=1), 2)


def test_envelope_filter_is_longest_for_the_oldest_sample():
    weights = _waveform.envelope_weights()
    assert weights.shape == (1024, 6)
    np.testing.assert_allclose(weights[:, 3].sum(), 1)
    assert np.all(np.diff(weights[:800, 3]) < 0)
    np.testing.assert_array_equal(weights[:200, 0], weights[600:800, 3])


@pytest.mark.parametrize(
    "weights",
    [
        _bands.mel_weights,
        _bands.bark_weights,
        _bands.octave_weights,
        _spectrum.quarter_octave_weights,
    ],
)
@pytest.mark.parametrize("n_together", [1, 8, 16])
def test_products_with_bands_are_those_with_all_their_weights(weights, n_together):
    sums = POWER @ _bands.BandedWeights(weights(), n_together)
    np.testing.assert_allclose(sums, POWER @ weights(), rtol=1e-12)


def test_quarter_octave_weights_sum_up_the_groups_of_bins():
    columns = iter(_spectrum.quarter_octave_weights().T)
    for first, n_groups, size in _spectrum.quarter_octave_bands():
        for group in range(n_groups):
            expected = first + size * group + np.arange(size)
            np.testing.assert_array_equal(np.flatnonzero(next(columns)), expected)
    assert next(columns, None) is None


def test_weights_that_someone_changes_are_his_own():
    expected = mel_spectrum(ANALYSIS)
    _bands.mel_weights()[:] = 1
    np.testing.assert_array_equal(_bands.mel_weights()[0], 0)
    np.testing.assert_array_equal(mel_spectrum(FrameAnalysis(NOISE)), expected)


def test_cepstra_are_the_cosine_transform_of_the_logarithm():
    logarithms = np.log10(ANALYSIS.magnitude @ _bands.mel_weights())
    expected = fft.dct(logarithms, norm="ortho")[:, 1:14]
    np.testing.assert_allclose(mel_cepstrum(ANALYSIS), expected, atol=1e-12)


def test_level_moves_the_mel_spectrum_but_not_the_cepstra():
    louder = FrameAnalysis(16 * NOISE)
    np.testing.assert_allclose(mel_spectrum(louder), 16 * mel_spectrum(ANALYSIS))
    np.testing.assert_allclose(mel_cepstrum(louder), mel_cepstrum(ANALYSIS), atol=1e-12)


def test_loudness_follows_its_definition():
    limits = _bands.bark_limits()
    bands = itertools.pairwise(limits)
    specific = np.stack([POWER[:, a:b].sum(axis=1) ** 0.23 for a, b in bands], axis=1)
    expected = specific / specific.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(loudness(ANALYSIS), expected, rtol=1e-10)
    np.testing.assert_allclose(loudness(ANALYSIS).sum(axis=1), 1)


def test_sharpness_grows_towards_high_frequencies():
    time = np.arange(1024) / 16000
    low, high = (np.sin(2 * np.pi * f * time) for f in (300, 6000))
    sharpness = perceptual_sharpness(FrameAnalysis([low, high]))
    assert sharpness[1] > 2 * sharpness[0]


def test_spread_is_small_where_one_band_holds_the_loudness():
    sine = np.sin(2 * np.pi * 100 * np.arange(1024) / 1024)
    assert perceptual_spread(FrameAnalysis([sine])) < 0.2
    assert perceptual_spread(SILENCE) > 0.88


def test_octave_intensity_has_a_floor_that_depends_on_the_level():
    sine = np.sin(2 * np.pi * 256 * np.arange(1024) / 1024)
    intensity = octave_band_intensity(FrameAnalysis([sine]))[0]
    # The highest magnitude is 256: no power in the low octaves but the floor.
    np.testing.assert_allclose(intensity[:5], np.log(1e-3 * 256))
    assert intensity.argmax() == 7


def test_octave_ratios_are_differences():
    np.testing.assert_allclose(
        octave_band_intensity_ratio(ANALYSIS),
        np.diff(octave_band_intensity(ANALYSIS), axis=1),
    )


def test_silence_has_the_documented_values():
    np.testing.assert_allclose(octave_band_intensity(SILENCE), -42.9514, rtol=1e-6)
    np.testing.assert_array_equal(octave_band_intensity_ratio(SILENCE), 0)
    np.testing.assert_allclose(perceptual_sharpness(SILENCE), 2.98063, rtol=1e-5)
    np.testing.assert_allclose(perceptual_spread(SILENCE), 0.88545, rtol=1e-5)
    np.testing.assert_allclose(mel_cepstrum(SILENCE), 0, atol=1e-2)


def test_bands_follow_their_definition():
    flatness, crest = [], []
    for first, n_groups, size in _spectrum.quarter_octave_bands():
        band = POWER[:, first : first + n_groups * size]
        groups = band.reshape(len(POWER), n_groups, size).sum(axis=2)
        shifted = groups + np.finfo(float).eps
        geometric = np.exp(np.log(shifted).mean(axis=1))
        flatness.append(geometric / shifted.mean(axis=1))
        crest.append(groups.max(axis=1) / groups.mean(axis=1))
    np.testing.assert_allclose(
        spectral_flatness_per_band(ANALYSIS), np.transpose(flatness), rtol=1e-9
    )
    np.testing.assert_allclose(
        spectral_crest_factor_per_band(ANALYSIS), np.transpose(crest), rtol=1e-9
    )


def test_envelope_is_the_smoothed_modulus_of_scipys_analytic_signal():
    expected = np.abs(signal.hilbert(NOISE, axis=1)) @ _waveform.envelope_weights()
    np.testing.assert_allclose(envelope(FrameAnalysis(NOISE)), expected, rtol=1e-12)
