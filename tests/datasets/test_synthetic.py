import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import (
    LeaveOneGroupOut,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from skser.audio import AudioLoader
from skser.datasets import make_emotional_speech, write_corpus
from skser.metrics import concordance_correlation_coefficient
from skser.model_selection import evaluate

SEVEN = ["anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness"]


def spectrum_in_bands(signal, sample_rate=16000):
    """Return the level in dB of 24 bands, from 50 to 8000 Hz."""
    power = np.abs(np.fft.rfft(signal)) ** 2 / len(signal)
    frequencies = np.fft.rfftfreq(len(signal), 1 / sample_rate)
    edges = np.geomspace(50, sample_rate / 2, 25)
    band = np.digitize(frequencies, edges)
    return np.array([10 * np.log10(power[band == i].mean()) for i in range(1, 25)])


def level(signal):
    return 10 * np.log10(np.mean(signal**2))


def brightness(signal, sample_rate=16000):
    """Return the level in dB of 1 to 3 kHz, relative to what lies below 1 kHz."""
    power = np.abs(np.fft.rfft(signal)) ** 2
    frequencies = np.fft.rfftfreq(len(signal), 1 / sample_rate)
    low, high = (
        power[(frequencies >= start) & (frequencies < stop)].sum()
        for start, stop in [(80, 1000), (1000, 3000)]
    )
    return 10 * np.log10(high / low)


@pytest.fixture(scope="module")
def corpus():
    return make_emotional_speech(4, n_utterances=6, random_state=0)


def test_every_speaker_says_every_emotion_as_often(corpus):
    assert len(corpus.data) == len(corpus.target) == len(corpus.groups) == 96
    pairs, counts = np.unique(
        np.char.add(corpus.groups, corpus.target), return_counts=True
    )
    assert len(pairs) == 16
    assert set(counts) == {6}
    assert corpus.target_names == ["anger", "happiness", "neutral", "sadness"]
    assert "no evidence" in corpus.DESCR


def test_the_signals_are_finite_float32_within_full_scale(corpus):
    for signal in corpus.data:
        assert signal.dtype == np.float32
        assert signal.ndim == 1
        assert np.abs(signal).max() <= 1
        assert 0.8 * 1.5 * 16000 - 1 <= len(signal) <= 1.2 * 1.5 * 16000
        assert np.std(signal) > 1e-3


def test_one_seed_makes_one_corpus():
    first, second, other = (
        make_emotional_speech(2, n_utterances=1, random_state=seed)
        for seed in (1, np.random.RandomState(1), 2)
    )
    for one, two, three in zip(first.data, second.data, other.data, strict=True):
        np.testing.assert_array_equal(one, two)
        assert not np.array_equal(one, three)


def test_a_seed_makes_the_signals_of_the_first_release():
    corpus = make_emotional_speech(random_state=3)
    assert [len(signal) for signal in corpus.data[:3]] == [28189, 26353, 19779]
    np.testing.assert_allclose(
        [np.std(signal) for signal in corpus.data[:5]],
        [0.067438, 0.092004, 0.084185, 0.137054, 0.118780],
        rtol=2e-4,
    )


@pytest.fixture(scope="module")
def dimensions():
    corpus = make_emotional_speech(8, SEVEN, n_utterances=4, random_state=0)
    means = {
        name: {label: corpus[name][corpus.target == label].mean() for label in SEVEN}
        for name in ("arousal", "valence")
    }
    return corpus, means


def test_every_utterance_has_an_arousal_and_a_valence_of_its_own(dimensions):
    corpus, _ = dimensions
    for values in (corpus.arousal, corpus.valence):
        assert values.shape == (224,)
        assert (np.abs(values) < 1).all()
        assert len(np.unique(values)) == 224
    assert np.corrcoef(corpus.arousal, corpus.valence)[0, 1] < 0.6


def test_emotions_lie_where_they_lie_in_the_plane_of_arousal_and_valence(dimensions):
    arousal, valence = dimensions[1]["arousal"], dimensions[1]["valence"]
    excited = min(arousal[label] for label in ("anger", "fear", "happiness"))
    calm = max(arousal[label] for label in ("boredom", "disgust", "sadness"))
    assert excited > 0.3 > abs(arousal["neutral"]) + 0.1 > 0.1 > calm
    assert max(valence, key=valence.get) == "happiness"
    assert valence["happiness"] > 0.4
    assert valence["neutral"] == pytest.approx(0, abs=0.2)
    assert all(
        valence[label] < -0.1
        for label in SEVEN
        if label not in ("happiness", "neutral")
    )


def test_arousal_is_heard_within_an_emotion(dimensions):
    corpus, _ = dimensions
    levels = np.array([level(signal) for signal in corpus.data])
    for label in SEVEN:
        rows = corpus.target == label
        distances = [
            values[rows] - values[rows].reshape(8, 4).mean(axis=1).repeat(4)
            for values in (levels, corpus.arousal)
        ]
        assert np.corrcoef(*distances)[0, 1] > 0


def test_arousal_is_learned_across_speakers(corpus):
    X = np.array([spectrum_in_bands(signal) for signal in corpus.data])
    model = make_pipeline(StandardScaler(), SVR())
    given = {"groups": corpus.groups, "cv": LeaveOneGroupOut()}
    predicted = cross_val_predict(model, X, corpus.arousal, **given)
    assert concordance_correlation_coefficient(corpus.arousal, predicted) > 0.6
    shuffled = np.random.default_rng(0).permutation(corpus.arousal)
    predicted = cross_val_predict(model, X, shuffled, **given)
    assert abs(concordance_correlation_coefficient(shuffled, predicted)) < 0.25


def test_an_evaluation_keeps_arousal_and_valence(corpus):
    result = evaluate(DummyClassifier(), corpus, cv=LeaveOneGroupOut())
    for name in ("arousal", "valence"):
        assert result.predictions()[name] == corpus[name].tolist()


def test_the_global_generator_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    make_emotional_speech(1, n_utterances=1, random_state=0)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_no_two_utterances_are_equal(corpus):
    assert len({signal.tobytes() for signal in corpus.data}) == len(corpus.data)


@pytest.mark.parametrize("emotion", SEVEN)
@pytest.mark.parametrize("sample_rate", [8000, 16000, 44100])
def test_every_emotion_at_every_rate(emotion, sample_rate):
    corpus = make_emotional_speech(
        1, [emotion], 2, sample_rate=sample_rate, duration=0.2, random_state=0
    )
    assert corpus.sample_rate == sample_rate
    for signal in corpus.data:
        assert np.isfinite(signal).all()
        assert len(signal) == pytest.approx(0.2 * sample_rate, rel=0.21)


@pytest.mark.parametrize(("measure", "difference"), [(level, 6), (brightness, 1)])
def test_anger_is_louder_and_brighter_than_sadness_for_every_speaker(
    corpus, measure, difference
):
    values = np.array([measure(signal) for signal in corpus.data])
    for speaker in np.unique(corpus.groups):
        anger, sadness = (
            values[(corpus.groups == speaker) & (corpus.target == emotion)].mean()
            for emotion in ("anger", "sadness")
        )
        assert anger > sadness + difference


def test_a_voice_repeats_itself_after_a_glottal_period():
    corpus = make_emotional_speech(3, ["neutral"], 3, random_state=0)
    for signal in corpus.data:
        loudest = np.convolve(signal**2, np.ones(1024), "valid").argmax()
        frame = signal[loudest : loudest + 1024].astype(float)
        correlations = [
            np.corrcoef(frame[lag:], frame[:-lag])[0, 1] for lag in range(50, 230)
        ]
        assert max(correlations) > 0.7


def test_emotions_are_learned_across_speakers_but_not_perfectly(corpus):
    X = np.array([spectrum_in_bands(signal) for signal in corpus.data])
    score = cross_val_score(
        make_pipeline(StandardScaler(), SVC()),
        X,
        corpus.target,
        groups=corpus.groups,
        cv=LeaveOneGroupOut(),
        scoring="balanced_accuracy",
    ).mean()
    assert 0.4 < score < 0.95  # chance is 0.25


def test_a_hundred_utterances_take_less_than_three_seconds():
    start = time.process_time()
    make_emotional_speech(5, n_utterances=5, random_state=0)
    assert time.process_time() - start < 3


@pytest.mark.parametrize("emotions", [["anger", "joy"], [], [1]])
def test_unknown_emotions_are_answered_with_the_known_ones(emotions):
    with pytest.raises(ValueError, match=r"emotions must be some of .*'boredom'"):
        make_emotional_speech(emotions=emotions)


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_speakers": 0},
        {"n_utterances": 1.5},
        {"sample_rate": 4000},
        {"duration": 0.0},
        {"random_state": "seed"},
        {"emotions": "anger"},
    ],
)
def test_bad_parameters_are_named(parameters):
    with pytest.raises(ValueError, match=f"'{next(iter(parameters))}' parameter of"):
        make_emotional_speech(**parameters)


def test_a_written_corpus_is_read_back(tmp_path):
    corpus = make_emotional_speech(2, ["fear", "anger"], 1, random_state=0)
    paths = write_corpus(corpus, tmp_path / "new" / "folder")
    assert [Path(path).name for path in paths] == [
        "0000_s01_fear.wav",
        "0001_s01_anger.wav",
        "0002_s02_fear.wav",
        "0003_s02_anger.wav",
    ]
    for read, signal in zip(AudioLoader().transform(paths), corpus.data, strict=True):
        np.testing.assert_allclose(read, signal, atol=2 / 32768)
