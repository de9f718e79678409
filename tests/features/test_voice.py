"""Pitch, voicing and harmonics-to-noise ratio on voices that are known."""

import numpy as np
import pytest
from scipy.signal import lfilter

from skser.features._descriptors import HNR_LIMITS, periodicity
from skser.framing import frame

RATE = 16000


def make_vowel(pitch, noise=0.0, seconds=0.5):
    """Filter a pulse train by the formants of an /a/."""
    n_samples = int(seconds * RATE)
    phase = np.cumsum(np.full(n_samples, pitch / RATE))
    pulses = np.diff(np.floor(phase), prepend=0.0)
    signal = pulses
    for formant, width in [(700, 80), (1220, 90), (2600, 120)]:
        radius = np.exp(-np.pi * width / RATE)
        angle = 2 * np.pi * formant / RATE
        signal = lfilter([1], [1, -2 * radius * np.cos(angle), radius**2], signal)
    signal = 0.3 * signal / np.abs(signal).max()
    generator = np.random.default_rng(0)
    return signal + noise * signal.std() * generator.normal(size=n_samples)


def analyse(signal):
    """Analyse frames of 25 ms, without those at the ends."""
    frames = frame(signal, 400, 160)[5:-5]
    return periodicity(frames, RATE)


@pytest.mark.parametrize("pitch", [80, 100, 123, 157, 200, 256, 311, 400])
def test_the_pitch_of_a_vowel_is_found_within_two_per_cent(pitch):
    found = analyse(make_vowel(pitch))
    assert (found.voicing > 0.8).all()
    np.testing.assert_allclose(found.pitch, pitch, rtol=0.02)


@pytest.mark.parametrize("pitch", [80, 150, 400])
def test_the_pitch_of_a_hoarse_vowel_is_found_in_most_frames(pitch):
    found = analyse(make_vowel(pitch, noise=0.3))
    assert np.mean(np.abs(found.pitch / pitch - 1) < 0.03) > 0.9


def test_noise_has_no_pitch():
    found = analyse(np.random.default_rng(1).normal(0, 0.1, RATE))
    assert np.mean(found.pitch == 0) > 0.95


def test_silence_has_no_pitch_and_gives_no_warning():
    found = periodicity(np.zeros((3, 400)))
    assert (found.pitch == 0).all()
    assert (found.voicing == 0).all()
    assert (found.harmonics_to_noise == HNR_LIMITS[0]).all()


def test_a_constant_offset_changes_nothing():
    signal = make_vowel(140)
    np.testing.assert_allclose(
        analyse(signal + 0.2).voicing, analyse(signal).voicing, atol=1e-9
    )


@pytest.mark.parametrize("ratio", [0.0, 10.0])
def test_the_ratio_of_harmonics_to_noise_is_that_of_the_mixture(ratio):
    noise = 10 ** (-ratio / 20)
    found = analyse(make_vowel(200, noise=noise, seconds=4))
    assert abs(np.median(found.harmonics_to_noise) - ratio) < 3


def test_loudness_does_not_matter():
    signal = make_vowel(220, noise=0.1)
    loud, quiet = analyse(signal), analyse(0.01 * signal)
    np.testing.assert_allclose(loud.pitch, quiet.pitch, rtol=1e-6)
    np.testing.assert_allclose(loud.harmonics_to_noise, quiet.harmonics_to_noise)


def test_frames_too_short_for_a_period_are_refused():
    with pytest.raises(ValueError, match="at least 64 samples at 16000 Hz, got 40"):
        periodicity(np.zeros((1, 40)))
