"""The descriptors of the baselines on signals that are known."""

import librosa
import numpy as np
import pytest
from sklearn.base import clone

from skser.features import SpeechDescriptors
from skser.framing import Framer

# Those that the tests below go through, and all that there are.
NAMES = [
    "mfcc",
    "log_mel",
    "log_energy",
    "zero_crossing_rate",
    "pitch",
    "voicing",
    "harmonics_to_noise",
]
ALL_NAMES = [*NAMES, "voiced", "log_pitch", "flux"]


@pytest.fixture(scope="module")
def frames():
    """Frames of a tone of 250 Hz, of noise and of silence."""
    time = np.arange(8000) / 16000
    noise = np.random.default_rng(0).normal(0, 0.1, 8000)
    signals = [np.sin(2 * np.pi * 250 * time), noise, np.zeros(8000)]
    return Framer(400, 160).transform(signals)


@pytest.mark.parametrize("rate", [1600, 8000, 16000, 44100])
def test_log_mel_energies_are_librosas(frames, rate):
    descriptors = SpeechDescriptors(["log_mel"], n_mels=20, sample_rate=rate)
    [energies] = descriptors.transform(frames[1:2])
    window = np.hamming(401)[:-1]
    spectrum = np.abs(np.fft.rfft(frames[1] * window, 512, axis=1)) ** 2
    bands = librosa.filters.mel(sr=rate, n_fft=512, n_mels=20)
    expected = np.log(spectrum / np.sum(window**2) @ bands.T)
    np.testing.assert_allclose(energies[2:-2], expected[2:-2], atol=1e-4)


def test_cepstra_are_the_cosine_transform_of_log_mel_energies(frames):
    both = SpeechDescriptors(["log_mel", "mfcc"], n_mels=20, n_mfcc=5)
    values = both.transform(frames[:1])[0][30]
    n, k = np.arange(20), np.arange(1, 5)[:, np.newaxis]
    basis = np.sqrt(2 / 20) * np.cos(np.pi * k * (2 * n + 1) / 40)
    np.testing.assert_allclose(values[21:], basis @ values[:20], atol=1e-4)
    np.testing.assert_allclose(values[20], values[:20].sum() / np.sqrt(20), rtol=1e-5)


def test_a_tone_has_its_energy_its_crossings_and_its_pitch(frames):
    names = ["log_energy", "zero_crossing_rate", "pitch", "voicing"]
    values = SpeechDescriptors(names).transform(frames[:1])[0][25]
    assert values[0] == pytest.approx(np.log(0.5), abs=0.05)
    assert values[1] == pytest.approx(2 * 250 / 16000, abs=0.003)
    assert values[2] == pytest.approx(250, rel=0.005)
    assert values[3] > 0.99


def test_pitch_is_on_a_straight_line_where_there_is_no_voice():
    time = np.arange(8000) / 16000
    parts = [np.sin(2 * np.pi * 125 * time), np.zeros(8000)]
    parts += [np.sin(2 * np.pi * 250 * time)]
    frames = Framer(400, 160).transform([np.concatenate(parts)])
    [values] = SpeechDescriptors(["log_pitch", "voiced", "pitch"]).transform(frames)
    log_pitch, voiced, pitch = values.T
    np.testing.assert_array_equal(voiced, pitch > 0)
    is_voiced = voiced == 1
    np.testing.assert_allclose(log_pitch[is_voiced], np.log2(pitch[is_voiced]))
    gap = np.flatnonzero(~is_voiced & (np.arange(150) > 20) & (np.arange(150) < 130))
    assert len(gap) > 40
    line = log_pitch[gap[0] - 1 : gap[-1] + 2]
    np.testing.assert_allclose(np.diff(line), np.diff(line)[0], atol=1e-4)
    assert log_pitch[10] == pytest.approx(np.log2(125), abs=0.02)
    assert log_pitch[-10] == pytest.approx(np.log2(250), abs=0.02)


def test_without_any_voice_the_logarithm_of_the_pitch_is_a_constant(frames):
    [values] = SpeechDescriptors(["log_pitch"]).transform(frames[2:])
    np.testing.assert_allclose(values, 7.3)


def test_flux_is_the_change_of_the_spectrum_and_of_its_parts(frames):
    both = SpeechDescriptors(["flux", "log_mel", "mfcc"], n_mels=40, n_mfcc=13)
    [values] = both.transform(frames[1:2])
    flux, bands, cepstra = np.split(values, [4, 44], axis=1)
    change = np.abs(np.diff(bands, axis=0))
    expected = [change.mean(axis=1), change[:, :13].mean(axis=1)]
    expected += [change[:, 26:].mean(axis=1)]
    expected += [np.linalg.norm(np.diff(cepstra[:, 1:], axis=0), axis=1)]
    np.testing.assert_allclose(flux[1:], np.transpose(expected), rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(flux[0], 0)


def test_flux_and_pitch_do_not_depend_on_where_long_recordings_are_divided():
    noise = np.random.default_rng(0).normal(0, 0.1, 160 * 600)
    frames = Framer(400, 160).transform([noise])
    descriptors = SpeechDescriptors(["flux", "log_pitch"])
    [values] = descriptors.transform(frames)
    [later] = descriptors.transform([frames[0][200:]])
    np.testing.assert_allclose(values[201:, :4], later[1:, :4], rtol=1e-4)


def test_silence_is_finite_and_without_warnings(frames):
    [silent] = SpeechDescriptors(NAMES).transform(frames[2:])
    assert np.isfinite(silent).all()


def test_names_count_the_columns_in_the_order_that_was_asked_for(frames):
    names = ["pitch", "mfcc", "log_energy"]
    descriptors = SpeechDescriptors(names, n_mfcc=2)
    assert descriptors.get_feature_names_out().tolist() == [
        "pitch",
        "mfcc_0",
        "mfcc_1",
        "log_energy",
    ]
    assert [x.shape[1] for x in descriptors.transform(frames)] == [4, 4, 4]


def test_every_descriptor_has_as_many_names_as_columns(frames):
    for name in NAMES:
        descriptors = SpeechDescriptors([name])
        [values] = descriptors.transform(frames[:1])
        assert values.shape == (50, len(descriptors.get_feature_names_out()))
        assert values.dtype == np.float32


def test_threads_and_neighbours_do_not_change_the_values(frames):
    alone = [SpeechDescriptors().transform([x])[0] for x in frames]
    together = clone(SpeechDescriptors(n_jobs=2)).fit_transform(frames)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("chunk_length", [1, 7])
def test_chunks_do_not_change_the_values(chunk_length, frames, monkeypatch):
    describe = SpeechDescriptors(NAMES)
    [expected] = describe.transform(frames[1:2])
    monkeypatch.setattr("skser.features._descriptors._CHUNK_LENGTH", chunk_length)
    [values] = describe.transform(frames[1:2])
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"descriptors": ["jitter"]},
            rf"some of {', '.join(ALL_NAMES)}, got \['jitter'\]",
        ),
        ({"descriptors": []}, "got none"),
        ({"n_mfcc": 30}, "n_mfcc=30 must be at most n_mels=26"),
    ],
)
def test_what_cannot_be_computed_is_refused(params, message, frames):
    with pytest.raises(ValueError, match=message):
        SpeechDescriptors(**params).fit(frames)


def test_frames_that_are_not_finite_are_named(frames):
    with pytest.raises(ValueError, match=r"X\[1\] contains NaN"):
        SpeechDescriptors().transform([frames[0], np.full((2, 400), np.inf)])


def test_a_description_that_is_not_finite_is_refused_with_its_place(frames):
    with pytest.raises(ValueError, match=r"makes of X\[1\] contains NaN or infinity"):
        SpeechDescriptors().transform([frames[0], np.full((3, 400), 1e300)])
