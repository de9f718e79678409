"""Features of change: what the two previous frames do to a frame."""

import itertools

import numpy as np

from skser.features import CATALOGUE, FrameAnalysis

complex_domain_onset_detection = CATALOGUE["ComplexDomainOnsetDetection"].function
spectral_flux = CATALOGUE["SpectralFlux"].function
spectral_variation = CATALOGUE["SpectralVariation"].function


FUNCTIONS = (spectral_flux, spectral_variation, complex_domain_onset_detection)
NOISE = np.random.default_rng(0).normal(size=(8, 1024))
WINDOW = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
SPECTRUM = np.fft.rfft(NOISE * WINDOW)


def test_flux_and_variation_follow_their_definitions():
    magnitude = np.abs(SPECTRUM)
    flux, variation = [0.0], [0.0]
    for before, now in itertools.pairwise(magnitude):
        product = np.linalg.norm(before) * np.linalg.norm(now)
        flux.append(((now - before) ** 2).sum() / product)
        variation.append(1 - before @ now / product)
    analysis = FrameAnalysis(NOISE)
    np.testing.assert_allclose(spectral_flux(analysis), flux, rtol=1e-9)
    np.testing.assert_allclose(spectral_variation(analysis), variation, rtol=1e-9)


def test_onset_detection_follows_its_definition():
    history = np.vstack([np.zeros((2, 513)), SPECTRUM])
    unit = np.ones_like(history)
    unit[2:] = SPECTRUM / np.abs(SPECTRUM)
    predicted = history[1:-1] * unit[1:-1] * np.conj(unit[:-2])
    expected = np.abs(SPECTRUM - predicted).sum(axis=1)
    np.testing.assert_allclose(
        complex_domain_onset_detection(FrameAnalysis(NOISE)), expected, rtol=1e-9
    )


def test_a_steady_tone_is_no_onset():
    # 50.5 cycles in 1024 samples: its phase turns from frame to frame.
    tone = np.sin(2 * np.pi * 50.5 * np.arange(512 * 8) / 1024)
    frames = np.lib.stride_tricks.sliding_window_view(tone, 1024)[::512]
    steady = complex_domain_onset_detection(FrameAnalysis(frames))
    assert steady[2:].max() < 1e-3 * steady[0]


def test_the_first_frame_has_no_change_but_is_an_onset():
    analysis = FrameAnalysis(NOISE[:1])
    assert spectral_flux(analysis) == 0
    assert spectral_variation(analysis) == 0
    np.testing.assert_allclose(
        complex_domain_onset_detection(analysis), np.abs(SPECTRUM[0]).sum()
    )


def test_previous_frames_are_context_only():
    for n_previous in (1, 2):
        for function in FUNCTIONS:
            whole = function(FrameAnalysis(NOISE[: n_previous + 3]))
            part = function(FrameAnalysis(NOISE[: n_previous + 3], n_previous))
            np.testing.assert_allclose(part, whole[n_previous:], rtol=1e-12)


def test_silence_does_not_change_and_sound_after_it_changes_much():
    frames = np.zeros((4, 1024))
    frames[3] = NOISE[0]
    analysis = FrameAnalysis(frames)
    np.testing.assert_array_equal(spectral_flux(analysis)[:3], 0)
    np.testing.assert_allclose(spectral_variation(analysis)[:3], 0, atol=1e-15)
    np.testing.assert_array_equal(complex_domain_onset_detection(analysis)[:3], 0)
    assert spectral_flux(analysis)[3] > 1e13
    np.testing.assert_allclose(
        complex_domain_onset_detection(analysis)[3], np.abs(SPECTRUM[0]).sum()
    )
