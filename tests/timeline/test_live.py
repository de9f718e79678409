"""Live audio: chunks of any length give what the whole gives, in little memory."""

import tracemalloc
import warnings

import numpy as np
import pytest
import soundfile

from skser.exceptions import ImplausibleAudioWarning, NonFiniteAudioError
from skser.timeline import EnergyActivityDetector, LiveTimeline, predict_timeline


def listen(system, signal, rate, cuts=(), **options):
    """Give a signal in chunks, and return all answers."""
    live = LiveTimeline(system, rate, **options)
    answers = []
    for chunk in np.split(signal, cuts):
        answers += live.push(chunk)
    return answers + live.finish()


def assert_same(answers, timeline):
    assert [a.start for a in answers] == timeline.start.tolist()
    np.testing.assert_allclose([a.end for a in answers], timeline.end, atol=1e-12)
    assert [a.label for a in answers] == timeline.label.tolist()
    np.testing.assert_allclose(
        [a.posteriors for a in answers], timeline.posteriors, atol=1e-6
    )


def test_two_hundred_ways_to_cut_give_the_answers_of_the_whole(linear_system, talk):
    signal = talk[: 16000 * 5 + 5000]
    options = {"window": 2, "hop": 1.5}
    expected = predict_timeline(linear_system, signal, **options)
    assert len(expected) == 4
    generator = np.random.default_rng(0)
    for n_cuts in generator.integers(0, 60, 200):
        cuts = np.sort(generator.integers(0, len(signal) + 1, n_cuts))
        assert_same(listen(linear_system, signal, 16000, cuts, **options), expected)


@pytest.mark.parametrize("rate", [8000, 44100])
def test_at_any_rate_the_answers_are_those_of_a_file(
    linear_system, talk, rate, tmp_path
):
    path = tmp_path / "talk.wav"
    soundfile.write(path, talk[: 10 * rate], rate, subtype="FLOAT")
    cuts = np.arange(1000, 10 * rate, 1000)
    answers = listen(linear_system, talk[: 10 * rate], rate, cuts)
    assert_same(answers, predict_timeline(linear_system, path))


@pytest.mark.parametrize("length", [100, 333])
def test_pauses_are_heard_in_chunks_as_in_the_whole(linear_system, talk, length):
    cuts = np.arange(length, len(talk), length)
    answers = listen(linear_system, talk, 16000, cuts)
    assert None in [answer.label for answer in answers]
    assert_same(answers, predict_timeline(linear_system, talk))


def test_an_answer_comes_with_the_sample_that_completes_its_window(linear_system, talk):
    live = LiveTimeline(linear_system, 16000, window=1, hop=0.5)
    assert live.push(talk[:15999]) == []
    (answer,) = live.push(talk[15999:16000])
    assert (answer.start, answer.end) == (0.0, 1.0)
    assert live.push(talk[16000:23999]) == []
    assert [a.end for a in live.push(talk[23999:40000])] == [1.5, 2.0, 2.5]
    assert live.push(talk[:0]) == []


@pytest.mark.parametrize(
    ("n_samples", "ends"), [(8000, [0.5]), (0, []), (1, [1 / 16000])]
)
@pytest.mark.filterwarnings("ignore::skser.exceptions.ShortAudioWarning")
def test_what_is_shorter_than_a_window_is_answered_at_the_end(
    linear_system, talk, n_samples, ends
):
    answers = listen(linear_system, talk[:n_samples], 16000, activity=None)
    assert [answer.end for answer in answers] == ends


def test_channels_and_integers_are_taken_as_files_are(linear_system, talk, tmp_path):
    stereo = (np.stack([talk, -0.5 * talk], axis=1)[:80000] * 32767).astype(np.int16)
    path = tmp_path / "talk.wav"
    soundfile.write(path, stereo, 16000)
    answers = listen(linear_system, stereo, 16000, [1, 2, 50000])
    assert_same(answers, predict_timeline(linear_system, path))


def test_hours_take_no_more_memory_than_minutes(linear_system, talk):
    def peak(n_chunks):
        live = LiveTimeline(linear_system, 16000, window=1, hop=5)
        tracemalloc.start()
        for i in range(n_chunks):
            live.push(chunks[i % len(chunks)])
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    chunks = [talk[i : i + 80000] for i in range(0, 320000, 80000)]
    peak(4)  # what is made once
    # 40 s, and 7 minutes, which as samples are 25 MB.
    assert peak(80) < peak(8) + 2**20


def test_a_chunk_with_nan_is_left_out(linear_system, talk):
    live = LiveTimeline(linear_system, 16000, window=1, hop=1)
    bad = talk[:5000].copy()
    bad[123] = np.nan
    live.push(talk[:5000])
    with pytest.raises(NonFiniteAudioError, match="index 5123"):
        live.push(bad)
    answers = live.push(talk[5000:16000])
    expected = predict_timeline(linear_system, talk[:16000], window=1)
    assert_same(answers, expected)


def test_the_end_is_the_end(linear_system, talk):
    live = LiveTimeline(linear_system, 16000)
    live.push(talk[:20000])
    assert len(live.finish()) == 1
    assert live.finish() == []
    with pytest.raises(ValueError, match="Make a new LiveTimeline"):
        live.push(talk)


def test_unscaled_samples_are_told_once(linear_system, talk):
    live = LiveTimeline(linear_system, 16000, window=1, hop=1)
    with pytest.warns(ImplausibleAudioWarning, match=r"far outside of \[-1, 1\]") as w:
        live.push(np.tile(talk[:16000], 3) * 32768)
    assert len(w) == 1
    assert w[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        live.push(talk[:16000] * 32768)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activity": lambda signal, rate: []}, "'activity' parameter of LiveTimeline"),
        ({"activity": "loud"}, "activity must be 'energy'"),
        ({"window": 0}, "'window' parameter of LiveTimeline"),
        ({"sample_rate": 100}, "'sample_rate' parameter of LiveTimeline"),
        ({"sample_rate": 16000.0}, "'sample_rate' parameter of LiveTimeline"),
    ],
)
def test_parameters_are_checked(linear_system, options, message):
    with pytest.raises(ValueError, match=message):
        LiveTimeline(linear_system, **{"sample_rate": 16000} | options)


@pytest.mark.parametrize("samples", [np.zeros((2, 2, 2)), ["a"], np.float32(0.5)])
def test_what_are_no_samples_is_refused(linear_system, samples):
    live = LiveTimeline(linear_system, 16000, activity=EnergyActivityDetector())
    with pytest.raises(ValueError, match="samples must have the shape"):
        live.push(samples)
