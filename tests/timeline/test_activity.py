"""EnergyActivityDetector: what is louder than the quietest of the last seconds."""

import numpy as np
import pytest

from skser.timeline import EnergyActivityDetector

RATE = 16000


def noise(seconds, level=-60, seed=0):
    """Return noise of a level in dB."""
    generator = np.random.default_rng(seed)
    return generator.normal(0, 10 ** (level / 20), round(seconds * RATE))


def test_speech_is_what_is_louder_than_the_threshold():
    signal = noise(3)
    signal[RATE : 2 * RATE] = noise(1, level=-50)
    assert EnergyActivityDetector(threshold=12).detect(signal, RATE) == []
    assert EnergyActivityDetector(threshold=7, hangover=0).detect(signal, RATE) == [
        (1.0, 2.0)
    ]


def test_pauses_within_words_do_not_count():
    signal = noise(4)
    for start in (1.0, 1.5, 3.0):
        first = round(start * RATE)
        signal[first : first + RATE // 4] = noise(0.25, level=-20)
    found = EnergyActivityDetector(hangover=0.3).detect(signal, RATE)
    assert found == [(1.0, 2.06), (3.0, 3.56)]


@pytest.mark.parametrize("level", [-80, -40, -10])
def test_steady_noise_is_never_speech(level):
    assert EnergyActivityDetector().detect(noise(15, level), RATE) == []


def test_noise_that_rises_is_forgotten_after_the_memory():
    signal = np.concatenate([noise(1, -60), noise(6, -30)])
    found = EnergyActivityDetector(memory=2, hangover=0).detect(signal, RATE)
    assert found == [(1.0, 2.98)]


def test_what_is_near_digital_silence_is_no_speech():
    signal = np.zeros(2 * RATE)
    signal[RATE:] = noise(1, -60)
    assert EnergyActivityDetector().detect(signal, RATE) == []
    assert EnergyActivityDetector(silence=-80).detect(signal, RATE) == [(1.0, 2.0)]


def test_a_constant_offset_changes_nothing():
    signal = noise(3)
    signal[RATE : 2 * RATE] *= 100
    detector = EnergyActivityDetector()
    assert detector.detect(signal + 0.25, RATE) == detector.detect(signal, RATE)


def test_nothing_that_comes_later_changes_what_was_found():
    signal = noise(6)
    signal[2 * RATE : 3 * RATE] *= 100
    later = np.concatenate([signal, noise(5, -20), np.zeros(RATE)])
    detector = EnergyActivityDetector()
    before = [part for part in detector.detect(later, RATE) if part[1] < 6]
    assert before == detector.detect(signal, RATE)


@pytest.mark.parametrize("rate", [8000, 44100])
def test_times_are_seconds_at_any_rate(rate):
    signal = np.random.default_rng(0).normal(0, 1e-3, 3 * rate)
    signal[rate : 2 * rate] *= 100
    ((start, end),) = EnergyActivityDetector(hangover=0).detect(signal, rate)
    assert (start, end) == (1.0, 2.0)


def test_recorded_speech_is_active(speech):
    detector = EnergyActivityDetector()
    shares = []
    for signal in speech.data:
        parts = detector.detect(signal, RATE)
        shares.append(sum(b - a for a, b in parts) / (len(signal) / RATE))
    assert np.mean(shares) > 0.5


@pytest.mark.parametrize(
    "parameters",
    [{"threshold": -1}, {"memory": np.nan}, {"silence": -np.inf}, {"hangover": "1"}],
)
def test_parameters_are_checked(parameters):
    (name,) = parameters
    with pytest.raises(ValueError, match=f"{name} must be a finite number"):
        EnergyActivityDetector(**parameters)


def test_what_is_no_signal_is_refused():
    with pytest.raises(ValueError, match=r"signal must have the shape \(n_samples,\)"):
        EnergyActivityDetector().detect(np.zeros((5, 2)))
