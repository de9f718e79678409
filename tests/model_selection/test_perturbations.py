"""Gain, filters, noise, resampling and MP3: what they do, and to what."""

import numpy as np
import pytest
import soundfile
from scipy.signal import welch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils import Bunch

from skser import AudioLoader
from skser.model_selection import (
    IncompleteEvaluationError,
    LeaveOneSpeakerOut,
    evaluate,
    evaluate_under,
)
from skser.model_selection.perturbations import (
    PERTURBATIONS,
    add_noise,
    apply_shelf,
    change_gain,
    compress_mp3,
    limit_band,
    perturb,
    reduce_sample_rate,
)

RATE = 16000
NOISE = 0.1 * np.random.default_rng(0).standard_normal(4 * RATE)


def response(function, **options):
    """Return frequencies, and by how many decibels white noise is changed at each."""
    frequencies, before = welch(NOISE, RATE, nperseg=1024)
    _, after = welch(function(NOISE, RATE, **options), RATE, nperseg=1024)
    return frequencies, 10 * np.log10(after / before)


def at(hertz, frequencies, decibels):
    """Return the change around a frequency."""
    return decibels[abs(frequencies - hertz) < 100].mean()


@pytest.mark.parametrize("name", PERTURBATIONS)
@pytest.mark.parametrize("length", [1, 2, 1000, 16001])
def test_a_signal_of_any_length_keeps_it(name, length):
    signal = NOISE[:length].astype(np.float32)
    [perturbed] = perturb([signal], name, RATE)
    assert perturbed.shape == signal.shape
    assert perturbed.dtype == np.float32
    assert np.isfinite(perturbed).all()


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_silence_stays_silence_and_the_original_as_it_was(name):
    silence, copy = np.zeros(3000), NOISE.copy()
    assert abs(perturb([silence], name, RATE)[0]).max() < 1e-6
    perturb([NOISE], name, RATE)
    np.testing.assert_array_equal(NOISE, copy)


@pytest.mark.parametrize("decibels", [-18, -6, 12])
def test_a_gain_changes_every_frequency_alike_and_clips_nothing(decibels):
    _, change = response(change_gain, decibels=decibels)
    np.testing.assert_allclose(change, decibels, atol=1e-3)
    assert abs(change_gain([0.9], RATE, decibels=12)).max() > 3


def test_the_telephone_keeps_300_to_3400_hz():
    change = response(limit_band)
    assert abs(at(1000, *change)) < 0.1
    assert at(3400, *change) == pytest.approx(-3, abs=0.7)
    assert at(6800, *change) < -35
    assert at(100, *change) < -30
    with pytest.raises(ValueError, match="half of sample_rate=6000"):
        limit_band(NOISE, 6000)


@pytest.mark.parametrize("decibels", [-12, 6])
def test_a_shelf_changes_the_high_frequencies_by_its_gain(decibels):
    change = response(apply_shelf, decibels=decibels, frequency=1000)
    assert abs(at(100, *change)) < 0.5
    assert at(1000, *change) == pytest.approx(decibels / 2, abs=0.5)
    assert at(6500, *change) == pytest.approx(decibels, abs=0.3)
    with pytest.raises(ValueError, match="frequency=9000 Hz"):
        apply_shelf(NOISE, RATE, frequency=9000)


@pytest.mark.parametrize("color", ["white", "pink"])
@pytest.mark.parametrize("decibels", [20, 10])
def test_noise_has_the_ratio_and_the_spectrum_that_its_name_says(color, decibels):
    signal = np.sin(np.arange(4 * RATE))
    noise = add_noise(signal, RATE, decibels=decibels, color=color) - signal
    ratio = np.mean(signal**2) / np.mean(noise**2)
    assert 10 * np.log10(ratio) == pytest.approx(decibels, abs=1e-3)
    frequencies, power = welch(noise, RATE, nperseg=1024)
    octave = np.mean(power[abs(frequencies - 1000) < 50]) / np.mean(
        power[abs(frequencies - 2000) < 50]
    )
    assert octave == pytest.approx({"white": 1, "pink": 2}[color], rel=0.3)
    with pytest.raises(ValueError, match="color must be one of"):
        add_noise(signal, RATE, decibels=10, color="brown")


def test_at_8_khz_nothing_above_4_khz_is_left():
    change = response(reduce_sample_rate)
    assert abs(at(2000, *change)) < 0.1
    assert at(5000, *change) < -60


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100])
@pytest.mark.parametrize("compression", [0.5, 0.8])
def test_mp3_gives_nearly_the_same_at_the_same_time(rate, compression):
    times = np.arange(2 * rate) / rate
    signal = 0.3 * np.sin(2 * np.pi * 440 * times) * np.hanning(len(times))
    decoded = compress_mp3(signal, rate, compression=compression)
    assert np.corrcoef(signal, decoded)[0, 1] > 0.99
    assert not np.array_equal(decoded, signal.astype(np.float32))


def test_what_mp3_cannot_do_is_said(monkeypatch):
    with pytest.raises(ValueError, match=r"sample_rate=20000 .* MP3 has 8, 11"):
        compress_mp3(NOISE, 20000)
    monkeypatch.setattr(soundfile, "available_formats", lambda: {"WAV": ""})
    with pytest.raises(RuntimeError, match="was built without MP3"):
        compress_mp3(NOISE, RATE)


class TestPerturb:
    def test_noise_is_another_for_each_recording_and_the_same_again(self):
        signals = [NOISE[:500]] * 3
        noisy = perturb(signals, "white noise 10 dB", RATE, groups=["a", "a", "b"])
        assert not np.array_equal(noisy[0], noisy[1])
        again = perturb(signals[:1], "white noise 10 dB", RATE)
        np.testing.assert_array_equal(noisy[0], again[0])
        other = perturb(signals[:1], "white noise 10 dB", RATE, random_state=1)
        assert not np.array_equal(noisy[0], other[0])

    def test_noise_belongs_to_the_name_and_not_to_the_place(self):
        signals, names = [NOISE[:500], NOISE[500:900]], ["x.wav", "y.wav"]
        there = perturb(signals, "white noise 20 dB", RATE, names=names)
        back = perturb(signals[::-1], "white noise 20 dB", RATE, names=names[::-1])
        np.testing.assert_array_equal(there[0], back[1])

    def test_a_shelf_is_that_of_the_speaker(self):
        signals = [NOISE[:500]] * 3
        first, second, other = perturb(
            signals, "shelf per speaker", RATE, groups=["a", "a", "b"]
        )
        np.testing.assert_array_equal(first, second)
        assert not np.array_equal(first, other)

    def test_functions_that_break_the_signal_are_refused(self):
        with pytest.raises(ValueError, match=r"'halve' must return .* \(500,\)"):
            perturb([NOISE[:1000]], halve, RATE)
        with pytest.raises(ValueError, match="1000 of them not finite"):
            perturb([NOISE[:1000]], lambda signal, rate: np.nan * signal, RATE)
        with pytest.raises(ValueError, match="must be a function or one of"):
            perturb([NOISE], "echo", RATE)


def halve(signal, sample_rate):
    return signal[::2]


def silence(signal, sample_rate):
    return 0 * signal


class Levels(TransformerMixin, BaseEstimator):
    """Two numbers for each recording, and a list of what was seen."""

    seen = []

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        self.seen.append([np.asarray(x) for x in X])
        return np.array([[np.log(np.std(x) + 1e-9), np.mean(np.abs(x))] for x in X])


@pytest.fixture
def loud_and_soft(tmp_path):
    """Twelve files of four speakers at 8 kHz, loud when angry."""
    generator = np.random.default_rng(1)
    target = np.tile(["anger", "calm", "anger"], 4)
    paths = []
    for i, label in enumerate(target):
        scale = 0.3 if label == "anger" else 0.03
        paths.append(str(tmp_path / f"{i}.wav"))
        soundfile.write(paths[-1], scale * generator.standard_normal(4000), 8000)
    groups = np.repeat(["a", "b", "c", "d"], 3)
    return Bunch(paths=paths, target=target, groups=groups)


def make_system():
    Levels.seen.clear()
    return make_pipeline(
        AudioLoader(input_sample_rate=RATE), Levels(), LogisticRegression(C=100)
    )


class TestEvaluateUnder:
    def test_clean_is_what_evaluate_finds_and_gain_is_another_level(
        self, loud_and_soft
    ):
        results = evaluate_under(
            make_system(), loud_and_soft, perturbations=["gain -18 dB", "gain +12 dB"]
        )
        assert list(results) == ["clean", "gain -18 dB", "gain +12 dB"]
        expected = evaluate(make_system(), loud_and_soft)
        assert results["clean"].predictions() == expected.predictions()
        assert results["clean"].ua == 1
        assert set(results["gain -18 dB"].predictions()["predicted"]) == {"calm"}
        assert set(results["gain +12 dB"].predictions()["predicted"]) == {"anger"}
        assert results["gain -18 dB"].protocol["test"] == "gain -18 dB"
        assert "gain -18 dB" in results["gain -18 dB"].to_markdown()

    def test_only_test_recordings_are_perturbed_and_each_fold_is_fitted_once(
        self, loud_and_soft
    ):
        evaluate_under(make_system(), loud_and_soft, perturbations={"silence": silence})
        # Of each of the four folds: training, test as it is, test perturbed.
        assert [len(batch) for batch in Levels.seen] == 4 * [9, 3, 3]
        for fold in range(4):
            train, clean, perturbed = Levels.seen[3 * fold : 3 * fold + 3]
            assert all(x.any() for x in [*train, *clean])
            assert not any(x.any() for x in perturbed)

    def test_paths_and_their_waveforms_give_the_same(self, loud_and_soft):
        by_path = evaluate_under(
            make_system(), loud_and_soft, perturbations=["white noise 10 dB"]
        )
        data = AudioLoader(RATE).transform(loud_and_soft.paths)
        by_signal = evaluate_under(
            make_system(),
            data,
            loud_and_soft.target,
            groups=loud_and_soft.groups,
            perturbations=["white noise 10 dB"],
        )
        for name, result in by_path.items():
            np.testing.assert_allclose(
                result.posteriors, by_signal[name].posteriors, rtol=1e-9
            )

    def test_checkpoints_know_the_perturbations(self, loud_and_soft, tmp_path):
        def attempt(**options):
            results = evaluate_under(
                make_system(), loud_and_soft, checkpoint=tmp_path / "kept", **options
            )
            return results, len(Levels.seen)

        first, n_seen = attempt(perturbations=["gain +12 dB"])
        assert n_seen == 12
        again, n_seen = attempt(perturbations=["gain +12 dB"])
        assert n_seen == 0
        for name in first:
            assert first[name].predictions() == again[name].predictions()
        assert attempt(perturbations=["gain -18 dB"])[1] == 12
        assert attempt(perturbations=["gain +12 dB"], random_state=1)[1] == 12

    def test_two_processes_and_seeds_change_nothing(self, loud_and_soft):
        options = {"perturbations": ["MP3", "shelf per speaker"], "seeds": [0, 1]}
        alone = evaluate_under(make_system(), loud_and_soft, **options)
        shared = evaluate_under(make_system(), loud_and_soft, n_jobs=2, **options)
        for name in alone:
            assert alone[name].predictions() == shared[name].predictions()
            assert alone[name].seeds == [0, 1]

    def test_finished_folds_are_in_the_error(self, loud_and_soft):
        soundfile.write(loud_and_soft.paths[0], np.zeros(0), 8000)
        message = r"4 of 4 .*0\.wav"
        with pytest.raises(IncompleteEvaluationError, match=message) as caught:
            evaluate_under(make_system(), loud_and_soft, perturbations=["8 kHz"])
        assert caught.value.result == {}

    @pytest.mark.parametrize(
        ("perturbations", "message"),
        [
            (["echo"], "unknown name 'echo'; there are .*telephone band"),
            ({"clean": halve}, "must not name one 'clean'"),
        ],
    )
    def test_wrong_perturbations_are_refused(
        self, loud_and_soft, perturbations, message
    ):
        with pytest.raises(ValueError, match=message):
            evaluate_under(
                make_system(),
                loud_and_soft,
                cv=LeaveOneSpeakerOut(),
                perturbations=perturbations,
            )
