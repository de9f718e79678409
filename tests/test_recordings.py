"""What a recording may be: contents of files, open files, waveforms with a rate."""

import asyncio
import contextlib
import gzip
import io
import os
import tempfile
import threading

import numpy as np
import pytest
import soundfile
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline

from skser import AudioLoader, Framer, Segment, load_audio
from skser.datasets import validate
from skser.exceptions import (
    AudioError,
    EmptyAudioError,
    ImplausibleAudioWarning,
    NonFiniteAudioError,
    ShortAudioWarning,
    TooLongAudioError,
    TruncatedAudioError,
    UnreadableAudioError,
)
from skser.features import FrameStatistics, SpeechDescriptors
from skser.model_selection import evaluate, evaluate_under
from skser.out_of_core import ByUtterance
from skser.storage import digest

RATE = 16000


def noise(n_samples=RATE, seed=0):
    generator = np.random.default_rng(seed)
    return (3000 * generator.standard_normal(n_samples)).astype(np.int16)


def encode(signal, rate=RATE, format="WAV", **kwargs):
    file = io.BytesIO()
    soundfile.write(file, signal, rate, format=format, **kwargs)
    return file.getvalue()


def spooled(content):
    file = tempfile.SpooledTemporaryFile(max_size=1000)  # noqa: SIM115
    file.write(content)
    return file


@pytest.fixture
def with_file(tmp_path):
    """Return a function that makes a recording of a kind that holds a content."""
    with contextlib.ExitStack() as files:

        def with_file(kind, content):
            recording = make_recording(kind, content, tmp_path)
            if hasattr(recording, "close"):
                files.callback(recording.close)
            return recording

        yield with_file


def make_recording(kind, content, folder):
    """Return a recording of a kind that holds a content, perhaps an open file."""
    path = folder / "recording"
    path.write_bytes(content)
    gzip_path = folder / "recording.gz"
    gzip_path.write_bytes(gzip.compress(content))
    return {
        "bytes": lambda: content,
        "bytearray": lambda: bytearray(content),
        "memoryview": lambda: memoryview(content),
        "BytesIO": lambda: io.BytesIO(content),
        "open file": lambda: path.open("rb"),
        "unbuffered file": lambda: path.open("rb", buffering=0),
        "spooled file": lambda: spooled(content),
        "compressed file": lambda: gzip.open(gzip_path),
    }[kind]()


KINDS = [
    "bytes",
    "bytearray",
    "memoryview",
    "BytesIO",
    "open file",
    "unbuffered file",
    "spooled file",
    "compressed file",
]


# The same signal, whatever a recording is passed as


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("format", ["WAV", "FLAC", "MP3", "OGG"])
def test_a_content_is_loaded_as_the_file_that_holds_it(
    tmp_path, with_file, kind, format
):
    content = encode(noise(22050), 22050, format)
    path = tmp_path / "expected"
    path.write_bytes(content)
    expected = load_audio(path)
    recording = with_file(kind, content)
    np.testing.assert_array_equal(load_audio(recording), expected)
    for signal in AudioLoader(n_jobs=2).transform([recording] * 4):
        np.testing.assert_array_equal(signal, expected)


@pytest.mark.parametrize("change", ["sizes of a pipe", "a tag before the header"])
def test_headers_are_repaired_in_memory_as_on_disk(change):
    content = encode(noise())
    if change == "sizes of a pipe":
        content = content[:4] + bytes(4) + content[8:40] + bytes(4) + content[44:]
    else:
        content = b"ID3\4\0\0\0\0\0\7" + bytes(7) + content
    for recording in (content, io.BytesIO(content)):
        np.testing.assert_array_equal(load_audio(recording), noise() / 32768)


@pytest.mark.parametrize("position", [0, 1, 44, 10**6])
def test_an_open_file_is_read_from_its_beginning_and_left_where_it_was(position):
    file = io.BytesIO(encode(noise()))
    file.seek(position)
    np.testing.assert_array_equal(load_audio(file), noise() / 32768)
    assert file.tell() == position
    assert not file.closed


def test_a_pair_is_the_waveform_at_its_rate():
    pairs = [(noise(44100), 44100), [noise(8000).tolist(), 8000.0], (noise(), RATE)]
    pairs[1][0] = np.array(pairs[1][0], dtype=np.int16)
    signals = AudioLoader().transform(pairs)
    for (waveform, rate), signal in zip(pairs, signals, strict=True):
        loader = AudioLoader(input_sample_rate=int(rate))
        np.testing.assert_array_equal(signal, loader.transform([waveform])[0])
    np.testing.assert_array_equal(load_audio(pairs[0]), signals[0])
    (floats,) = AudioLoader().transform([([0.5] * 2000, np.int64(RATE))])
    assert floats.tolist() == [0.5] * 2000


def test_what_soundfile_reads_is_a_pair(tmp_path):
    stereo = np.stack([noise(seed=1), noise(seed=2)], axis=1)
    path = tmp_path / "stereo.wav"
    soundfile.write(path, stereo, 22050)
    pair = soundfile.read(path)
    np.testing.assert_array_equal(load_audio(pair), load_audio(path))


def test_kinds_and_rates_may_be_mixed(tmp_path):
    path = tmp_path / "noise.wav"
    soundfile.write(path, noise(), RATE)
    content = path.read_bytes()
    batch = [
        str(path),
        path,
        Segment(path, 0, 0.5),
        content,
        io.BytesIO(content),
        (noise(), RATE),
        (noise(48000), 48000),
        noise(8000),
    ]
    signals = AudioLoader(input_sample_rate=8000, n_jobs=2).transform(batch)
    assert [len(signal) for signal in signals] == [RATE] * 2 + [8000] + [RATE] * 5
    for i in (1, 3, 4, 5):
        np.testing.assert_array_equal(signals[i], signals[0])


def test_threads_share_a_loader_and_a_file():
    contents = [encode(noise(seed=i), 22050) for i in range(4)]
    expected = [load_audio(content) for content in contents]
    files = [io.BytesIO(content) for content in contents]
    loader, seen = AudioLoader(), []
    before = dict(vars(loader))

    def load(i):
        for _ in range(20):
            signals = loader.transform([files[i % 4], (noise(8000 + i), 8000)])
            seen.append(
                np.array_equal(signals[0], expected[i % 4])
                and len(signals[1]) == 2 * (8000 + i)
            )

    threads = [threading.Thread(target=load, args=[i]) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 160
    assert vars(loader) == before


# What is wrong is said, and of which


def half(content):
    return content[: len(content) // 2]


def nan():
    signal = np.zeros(2000, np.float32)
    signal[100] = np.nan
    return signal


BAD = {
    "nothing": (b"", EmptyAudioError, r"X\[1\] \(0 bytes\) is empty"),
    "no samples": (encode([]), EmptyAudioError, r"\(WAV, 44 bytes\) has no samples"),
    "half a WAV": (
        half(encode(noise())),
        TruncatedAudioError,
        r"X\[1\] \(WAV, 16,022 bytes\) is truncated: its header says 16000 samples",
    ),
    "half a FLAC": (half(encode(noise(), format="FLAC")), TruncatedAudioError, "FLAC"),
    "half an Ogg": (half(encode(noise(), format="OGG")), TruncatedAudioError, "Ogg"),
    "NaN": (
        encode(nan(), subtype="FLOAT"),
        NonFiniteAudioError,
        r"\) has 1 .*index 100",
    ),
    "too long": (
        encode(np.zeros(660_000, np.int16), 1000),
        TooLongAudioError,
        r"bytes\) lasts 660\.0 s",
    ),
    "m4a": (
        b"\0\0\0\x20ftypM4A " + bytes(200),
        UnreadableAudioError,
        r"\(212 bytes\) cannot be read as audio: it is MPEG-4",
    ),
    "a path": (
        b"/no/such/file.wav",
        UnreadableAudioError,
        r"Bytes are the content of a file; of a path, pass os\.fsdecode",
    ),
}


@pytest.mark.parametrize("kind", ["bytes", "open file"])
@pytest.mark.parametrize("fault", BAD)
def test_a_bad_content_is_named_by_place_format_and_size(
    tmp_path, with_file, kind, fault
):
    content, error, match = BAD[fault]
    if (kind, fault) == ("open file", "a path"):
        match = "begins with b'/no/such"
    good, bad = encode(noise()), with_file(kind, content)
    with pytest.raises(error, match=match) as caught:
        AudioLoader().transform([good, bad])
    assert str(tmp_path) not in str(caught.value)
    with pytest.raises(error, match=r"^recording "):
        load_audio(with_file(kind, content))


def test_bad_recordings_of_all_kinds_are_reported_together():
    batch = [half(encode(noise())), (nan(), RATE), "nowhere.wav", (noise(), RATE)]
    # What only decoding can find comes second.
    with pytest.raises(AudioError, match="2 of 4 recordings") as caught:
        AudioLoader().transform(batch)
    assert "X[1]" not in str(caught.value)
    assert "X[0] (WAV, 16,022 bytes)" in str(caught.value)
    assert "nowhere.wav" in str(caught.value)
    with pytest.raises(NonFiniteAudioError, match=r"X\[0\] has 1 "):
        AudioLoader().transform([batch[1], batch[3]])


def test_warnings_name_contents_too():
    loud = encode(noise().astype("f4"), subtype="FLOAT")
    with pytest.warns(ImplausibleAudioWarning, match=r"X\[0\] \(WAV, .* \(up to"):
        AudioLoader().transform([io.BytesIO(loud), noise_pair := (noise(), RATE)])
    with pytest.warns(ShortAudioWarning, match=r"recording \(WAV, 46 bytes\) \(1 sam"):
        load_audio(encode(noise(1)))
    with pytest.warns(ShortAudioWarning, match=r"X\[1\] \(80 samples"):
        AudioLoader().transform([noise_pair, (noise(80), RATE)])


class Upload:
    """A file as asynchronous frameworks hand it over."""

    async def read(self, size=-1):
        return b""


def closed():
    file = io.BytesIO(encode(noise()))
    file.close()
    return file


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: io.StringIO("RIFF"), TypeError, r"open\(path, 'rb'\)"),
        (lambda: io.TextIOWrapper(io.BytesIO()), TypeError, r"open\(path, 'rb'\)"),
        (closed, ValueError, "is a file that is closed"),
        (lambda: os.fdopen(os.pipe()[0], "rb"), ValueError, r"pipe.*file\.read\(\)"),
        (Upload, TypeError, r"asynchronous file, Upload.*upload\.file"),
        (lambda: (noise(), 0), ValueError, "whole rate from 1000 to 768000 Hz, got 0"),
        (lambda: (noise(), 16000.5), ValueError, "whole rate .* got 16000.5"),
        (lambda: (noise(), True), ValueError, "whole rate .* got True"),
        (lambda: (noise(), float("nan")), ValueError, "whole rate .* got nan"),
        (lambda: (RATE, noise()), TypeError, r"\(waveform, rate\), in this order"),
        (lambda: (noise().astype(int), RATE), TypeError, "dtype int64"),
        (lambda: (noise().reshape(2, -1), RATE), ValueError, "Transpose it"),
        (lambda: (np.zeros(0), RATE), EmptyAudioError, "has no samples"),
        (lambda: (np.zeros(RATE * 601), RATE), TooLongAudioError, "lasts 601"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_place(make, error, match):
    recording = make()
    with pytest.raises(error, match=rf"(?s)X\[1\].*{match}"):
        AudioLoader().transform([(noise(), RATE), recording])
    if hasattr(recording, "close"):
        recording.close()


class Failing(io.BytesIO):
    """A file whose disk, or connection, breaks."""

    def read(self, size=-1):
        if self.tell() > 5000:
            raise ConnectionResetError("the connection is gone")
        return super().read(size)


def test_a_file_that_fails_while_it_is_read_is_not_called_truncated():
    file = Failing(encode(noise()))
    with pytest.raises(ConnectionResetError, match="the connection is gone"):
        load_audio(file)


def test_a_small_file_that_unpacks_to_hours_is_refused_before_it_is_decoded():
    silence = encode(np.zeros(1000 * 3600, np.int16), 1000, "FLAC")
    assert len(silence) < 100_000
    with pytest.raises(TooLongAudioError, match=r"recording \(FLAC, .* lasts 3600"):
        load_audio(silence)


# The other doors


@pytest.fixture(scope="module")
def emotional():
    """Recordings of two emotions, told by pitch, of four speakers."""
    times = np.arange(RATE // 4) / RATE
    pitches = [200, 400] * 8
    contents = [
        encode(np.sin(2 * np.pi * (pitch + i) * times))
        for i, pitch in enumerate(pitches)
    ]
    y = np.array(["low", "high"] * 8)
    return contents, y, np.repeat(["a", "b", "c", "d"], 4)


@pytest.fixture(scope="module")
def system():
    return make_pipeline(
        AudioLoader(),
        Framer(400, 160),
        SpeechDescriptors(["log_pitch"]),
        FrameStatistics(["mean"], []),
        LogisticRegression(),
    )


def as_pairs(contents):
    return [soundfile.read(io.BytesIO(content)) for content in contents]


def as_files(contents):
    return list(map(io.BytesIO, contents))


@pytest.mark.parametrize("kind", [list, as_pairs, as_files])
def test_systems_are_evaluated_on_contents_pairs_and_open_files(
    emotional, system, kind, tmp_path
):
    contents, y, speakers = emotional
    X = kind(contents)
    assert system.fit(X, y).predict(X).tolist() == y.tolist()
    assert cross_val_predict(system, X, y).tolist() == y.tolist()
    for _ in range(2):
        result = evaluate(system, X, y, groups=speakers, checkpoint=tmp_path)
        assert result.ua == 1
    assert len(list(tmp_path.iterdir())) == 4
    results = evaluate_under(
        system, X, y, groups=speakers, perturbations=["gain -6 dB"]
    )
    assert [result.ua for result in results.values()] == [1, 1]


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("kind", [list, as_pairs, as_files])
def test_processes_are_sent_contents(emotional, system, kind, n_jobs):
    contents, _, _ = emotional
    expected = system[:4].transform(contents)
    by_utterance = ByUtterance(system[:3], n_jobs=n_jobs)
    features = system[3].transform(by_utterance.transform(kind(contents)))
    np.testing.assert_array_equal(features, expected)
    bad = kind(contents)
    bad[3] = half(contents[3])
    with pytest.raises(TruncatedAudioError, match=r"X\[3\] \(WAV, 4,022 bytes\)"):
        by_utterance.transform(bad)


def test_the_content_of_an_open_file_is_its_identity():
    content = encode(noise())
    file = io.BytesIO(content)
    file.seek(7)
    assert digest(file) == digest(io.BytesIO(content))
    assert digest(file) != digest(io.BytesIO(content[:-1]))
    assert file.tell() == 7


def test_a_corpus_is_validated_by_its_paths():
    with pytest.raises(TypeError, match=r"corpus\[0\] is no path but bytes"):
        validate([encode(noise())])


def test_an_upload_of_a_framework_is_not_left_waiting(recwarn):
    with pytest.raises(TypeError, match="asynchronous"):
        load_audio(Upload())
    assert not recwarn.list  # "coroutine was never awaited"
    assert asyncio.run(Upload().read()) == b""
