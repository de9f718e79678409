import importlib.util
import io
import os
import pickle
import struct
import subprocess
import sys
import time
import tracemalloc
from datetime import timedelta
from pathlib import Path

import joblib
import numpy as np
import pytest
import soundfile
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skser import exceptions
from skser.audio import AudioLoader, Segment, load_audio
from skser.exceptions import (
    AudioError,
    EmptyAudioError,
    ImplausibleAudioWarning,
    NonFiniteAudioError,
    SegmentError,
    ShortAudioWarning,
    TooLongAudioError,
    TruncatedAudioError,
    UnreadableAudioError,
)

RATE = 16000
LOSSLESS = ["wav", "flac", "aiff", "au", "caf", "w64", "rf64"]
LOSSY = {"ogg": "VORBIS", "opus": "OPUS", "mp3": None}
CONTAINER = {"opus": "OGG"}


def tone(n_samples=RATE, rate=RATE, frequency=220):
    signal = 0.5 * np.sin(2 * np.pi * frequency * np.arange(n_samples) / rate)
    return np.round(signal * 32768).astype(np.int16)


def noise(n_samples=RATE, seed=0):
    generator = np.random.default_rng(seed)
    return (3000 * generator.standard_normal(n_samples)).astype(np.int16)


def write(path, signal, rate=RATE, **kwargs):
    soundfile.write(path, signal, rate, **kwargs)
    return str(path)


@pytest.fixture
def wav(tmp_path):
    return write(tmp_path / "noise.wav", noise())


def load(path):
    return AudioLoader().transform([path])[0]


# Files that are fine


def test_a_recording_comes_as_its_values_in_float32(wav):
    signal = load(wav)
    assert signal.dtype == np.float32
    np.testing.assert_array_equal(signal, noise() / 32768)


def test_the_order_of_the_files_is_kept_with_threads(tmp_path):
    paths = [write(tmp_path / f"{i}.wav", noise(2000 + i, i)) for i in range(20)]
    signals = AudioLoader(n_jobs=2).transform(paths)
    for i, signal in enumerate(signals):
        np.testing.assert_array_equal(signal, noise(2000 + i, i) / 32768)


@pytest.mark.case("A22")
@pytest.mark.parametrize("extension", LOSSLESS)
def test_lossless_formats_give_the_same_signal(tmp_path, extension):
    path = write(tmp_path / f"a.{extension}", noise(), format=extension.upper())
    np.testing.assert_array_equal(load(path), noise() / 32768)


@pytest.mark.case("A22")
@pytest.mark.parametrize(("extension", "subtype"), LOSSY.items())
def test_lossy_formats_keep_a_tone(tmp_path, extension, subtype):
    path = write(
        tmp_path / f"a.{extension}",
        tone(),
        format=CONTAINER.get(extension, extension.upper()),
        subtype=subtype,
    )
    signal = load(path)
    assert len(signal) == RATE
    spectrum = np.abs(np.fft.rfft(signal))
    assert spectrum.argmax() == 220
    assert np.std(signal) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


@pytest.mark.case("A21")
@pytest.mark.parametrize(
    ("subtype", "tolerance"),
    [
        ("PCM_U8", 1 / 128),
        ("PCM_16", 1 / 32768),
        ("PCM_24", 2**-23),
        ("PCM_32", 2**-24),
        ("FLOAT", 2**-24),
        ("DOUBLE", 2**-24),
        ("ALAW", 0.02),
        ("ULAW", 0.02),
    ],
)
def test_sample_types_agree_within_their_quantisation(tmp_path, subtype, tolerance):
    expected = 0.5 * np.sin(np.arange(4000) / 20)
    path = write(tmp_path / "a.wav", expected, subtype=subtype)
    np.testing.assert_allclose(load(path), expected, rtol=0, atol=tolerance)


@pytest.mark.case("A15", "A17")
@pytest.mark.parametrize("n_channels", [2, 6])
def test_channels_are_averaged(tmp_path, n_channels):
    channels = np.stack([noise(seed=i) for i in range(n_channels)], axis=1)
    path = write(tmp_path / "a.wav", channels)
    expected = (channels / 32768).mean(axis=1)
    np.testing.assert_allclose(load(path), expected, atol=1e-7)


@pytest.mark.case("A18")
@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000])
def test_other_rates_are_resampled(tmp_path, rate):
    path = write(tmp_path / "a.wav", tone(rate, rate), rate)
    signal = load(path)
    expected = tone() / 32768
    assert len(signal) == RATE
    # The filter rings at the two ends of the tone.
    np.testing.assert_allclose(signal[1000:-1000], expected[1000:-1000], atol=1e-3)


def test_what_lies_above_the_new_band_is_removed(tmp_path):
    path = write(tmp_path / "a.wav", tone(48000, 48000, frequency=12000), 48000)
    assert np.abs(load(path)[1000:-1000]).max() < 1e-3


def test_long_recordings_are_decoded_in_several_blocks(tmp_path):
    signal = np.tile(noise(), 80)
    path = write(tmp_path / "a.wav", signal)
    np.testing.assert_array_equal(load(path), (signal / 32768).astype(np.float32))


@pytest.mark.case("A24")
@pytest.mark.parametrize("name", ["a.mp3", "a", "a.WAV", "a.raw", "a.vox", "a.txt"])
def test_the_content_counts_and_not_the_extension(wav, name):
    path = Path(wav).rename(Path(wav).with_name(name))
    np.testing.assert_array_equal(load(path), noise() / 32768)


@pytest.mark.case("A24")
def test_an_mp3_that_is_called_a_wav_is_read_all_the_same(tmp_path):
    path = write(tmp_path / "a.mp3", tone(), format="MP3")
    expected = load(path)
    renamed = Path(path).rename(tmp_path / "a.wav")
    np.testing.assert_array_equal(load(renamed), expected)


@pytest.mark.case("A40")
@pytest.mark.parametrize("name", ["ä ö.wav", "two\nlines.wav", "n" * 246 + ".wav"])
def test_unusual_names_are_read(wav, name):
    path = Path(wav).rename(Path(wav).with_name(name))
    assert len(load(str(path))) == RATE


@pytest.mark.case("A40")
@pytest.mark.parametrize("kind", [str, Path, np.str_])
def test_kinds_of_paths(wav, kind):
    assert len(load(kind(wav))) == RATE
    assert len(load_audio(kind(wav))) == RATE


@pytest.mark.case("A40")
def test_the_home_folder_is_expanded(wav, monkeypatch):
    monkeypatch.setenv("HOME", str(Path(wav).parent))
    monkeypatch.setenv("USERPROFILE", str(Path(wav).parent))
    assert len(load("~/noise.wav")) == RATE


@pytest.mark.case("A40")
def test_relative_paths_are_read(wav, monkeypatch):
    monkeypatch.chdir(Path(wav).parent)
    assert len(load("noise.wav")) == RATE


@pytest.mark.case("B05")
def test_kinds_of_batches_of_paths(wav):
    pandas = pytest.importorskip("pandas")
    batches = [
        [wav, wav],
        (wav, wav),
        np.array([wav, wav]),
        np.array([wav, wav], dtype=object),
        pandas.Series([wav, wav], index=[7, 3]),
        pandas.Series([wav, wav], dtype=object),
    ]
    for batch in batches:
        assert [len(s) for s in AudioLoader().transform(batch)] == [RATE, RATE]


def add_garbage(content):
    return content + bytes(range(256)) * 4


def add_chunk(content):
    return content + b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + b"\0" * 18


def add_broadcast_chunk(content):
    # "bext" of 602 bytes stands before the samples in files of radio stations.
    chunk = b"bext" + struct.pack("<I", 602) + b"speaker one".ljust(602, b"\0")
    return content[:36] + chunk + content[36:]


def announce(riff, data):
    def change(content):
        sizes = struct.pack("<I", riff), struct.pack("<I", data)
        return content[:4] + sizes[0] + content[8:40] + sizes[1] + content[44:]

    return change


@pytest.mark.case("A31", "A32")
@pytest.mark.parametrize(
    "change",
    [
        add_garbage,
        add_chunk,
        add_broadcast_chunk,
        announce(0xFFFFFFFF, 0xFFFFFFFF),
        announce(0x7FFFF024, 0x7FFFF000),
        announce(0, 0),
    ],
    ids=[
        "garbage behind",
        "LIST chunk",
        "bext chunk",
        "ffmpeg's pipe",
        "SoX's pipe",
        "no sizes",
    ],
)
def test_headers_of_pipes_and_what_follows_the_samples_do_no_harm(wav, change):
    Path(wav).write_bytes(change(Path(wav).read_bytes()))
    np.testing.assert_array_equal(load(wav), noise() / 32768)


@pytest.mark.case("A07", "A08", "A13")
@pytest.mark.filterwarnings("error")
def test_silence_an_offset_and_clipping_pass_without_a_warning(tmp_path):
    signals = [np.zeros(RATE), np.full(RATE, 0.25), np.clip(noise() / 1000, -1, 1)]
    paths = [
        write(tmp_path / f"{i}.wav", signal, subtype="FLOAT")
        for i, signal in enumerate(signals)
    ]
    for signal, loaded in zip(signals, AudioLoader().transform(paths), strict=True):
        np.testing.assert_array_equal(loaded, signal.astype(np.float32))


# Files that are bad


def bad_file(folder, kind):
    """Write a file of one of the kinds of `BAD_FILES`."""
    path = folder / f"{kind.replace(' ', '-')}.wav"
    path.write_bytes(BAD_FILES[kind][0](folder))
    return str(path)


def encoded(folder, signal, extension="wav", rate=RATE, **kwargs):
    path = folder / f"source.{extension}"
    write(path, signal, rate, **kwargs)
    content = path.read_bytes()
    path.unlink()
    return content


def half(folder, extension, signal=None):
    content = encoded(
        folder, noise() if signal is None else signal, extension, format=extension
    )
    return content[: len(content) // 2]


def with_value(value):
    signal = np.zeros(2000, np.float32)
    signal[100] = value
    return signal


BAD_FILES = {
    "0 bytes": (lambda f: b"", EmptyAudioError, "0 bytes"),
    "no samples": (lambda f: encoded(f, []), EmptyAudioError, "no samples"),
    "NaN": (
        lambda f: encoded(f, with_value(np.nan), subtype="FLOAT"),
        NonFiniteAudioError,
        r"1 sample\(s\).*index 100 \(nan\)",
    ),
    "infinity": (
        lambda f: encoded(f, with_value(np.inf), subtype="FLOAT"),
        NonFiniteAudioError,
        r"1 sample\(s\).*index 100 \(inf\)",
    ),
    "m4a": (
        lambda f: b"\0\0\0\x20ftypM4A " + bytes(200),
        UnreadableAudioError,
        "MPEG-4.*Convert it to WAV or FLAC",
    ),
    "mp4": (
        lambda f: b"\0\0\0\x20ftypisom" + bytes(200),
        UnreadableAudioError,
        "MPEG-4.*Convert it to WAV or FLAC",
    ),
    "wma": (
        lambda f: b"\x30\x26\xb2\x75\x8e\x66\xcf\x11" + bytes(99),
        UnreadableAudioError,
        "Windows Media.*Convert it to WAV or FLAC",
    ),
    "webm": (lambda f: b"\x1a\x45\xdf\xa3" + bytes(99), UnreadableAudioError, "WebM"),
    "text": (lambda f: b"not a sound\n" * 9, UnreadableAudioError, "b'not a sound"),
    "web page": (
        lambda f: b"<!DOCTYPE html><html></html>",
        UnreadableAudioError,
        "DOCTYPE.*Convert",
    ),
    "random": (
        lambda f: np.random.default_rng(0).bytes(4000),
        UnreadableAudioError,
        "begins with",
    ),
    "half a WAV": (
        lambda f: half(f, "wav"),
        TruncatedAudioError,
        "header says 16000 samples, the file has 7989",
    ),
    "half an AIFF": (lambda f: half(f, "aiff"), TruncatedAudioError, "says 16000 sam"),
    "half an AU": (lambda f: half(f, "au"), TruncatedAudioError, "says 16000 samples"),
    "half a W64": (lambda f: half(f, "w64"), TruncatedAudioError, "says 16000 samples"),
    "half an RF64": (lambda f: half(f, "rf64"), TruncatedAudioError, "says 16000 samp"),
    "half a CAF": (lambda f: half(f, "caf"), TruncatedAudioError, "says 32000 bytes"),
    "half a FLAC": (lambda f: half(f, "flac"), TruncatedAudioError, "says 16000 sampl"),
    "half an MP3": (lambda f: half(f, "mp3"), TruncatedAudioError, "says 16000 sample"),
    "11 minutes": (
        lambda f: encoded(f, np.zeros(1000 * 660, np.int16), rate=1000),
        TooLongAudioError,
        "660.0 s.*max_duration=600.0",
    ),
    "absurd rate": (
        lambda f: encoded(f, noise(), rate=2_000_000),
        UnreadableAudioError,
        "2000000 Hz",
    ),
    "0 channels": (
        lambda f: patched(encoded(f, noise()), 22, 0),
        UnreadableAudioError,
        "cannot be read",
    ),
    "65535 channels": (
        lambda f: patched(encoded(f, noise()), 22, 65535),
        UnreadableAudioError,
        "cannot be read",
    ),
    "unknown codec": (
        lambda f: patched(encoded(f, noise()), 20, 0x7777),
        UnreadableAudioError,
        "cannot be read",
    ),
    "40 bits": (
        lambda f: patched(encoded(f, noise()), 34, 40),
        UnreadableAudioError,
        "cannot be read",
    ),
    "half an Ogg Vorbis": (
        lambda f: half(f, "ogg"),
        TruncatedAudioError,
        "page that ends an Ogg stream is missing",
    ),
    "an Ogg without its last page": (
        lambda f: without_last_page(encoded(f, noise(60 * RATE), "ogg")),
        TruncatedAudioError,
        "page that ends an Ogg stream is missing",
    ),
    "half a SPHERE": (
        lambda f: half(f, "nist"),
        TruncatedAudioError,
        "says 16000 samples, the file has 7744",
    ),
    "half an 8SVX": (lambda f: half(f, "svx"), TruncatedAudioError, "says 160.. samp"),
    "half a VOC": (lambda f: half(f, "voc"), TruncatedAudioError, "says 160.. sampl"),
    "half an AVR": (lambda f: half(f, "avr"), TruncatedAudioError, "says 16000 sampl"),
    "half a tagged WAV": (
        lambda f: id3_tag(2000) + half(f, "wav"),
        TruncatedAudioError,
        "header says 16000 samples, the file has 7989",
    ),
    "a WAV that lacks 65 bytes": (
        lambda f: encoded(f, noise())[:-65],
        TruncatedAudioError,
        "header says 16000 samples, the file has 15967",
    ),
    "huge values, resampled": (
        lambda f: encoded(f, steps(3e38), rate=22050, subtype="FLOAT"),
        NonFiniteAudioError,
        "resampled to 16000 Hz.*NaN or infinite",
    ),
    "Git LFS pointer": (
        lambda f: b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n",
        UnreadableAudioError,
        "pointer of Git LFS.*git lfs pull",
    ),
    "FLAC from a pipe": (
        lambda f: without_total(encoded(f, noise(), "flac")),
        UnreadableAudioError,
        "does not say how long",
    ),
}


def id3_tag(n_bytes):
    """Return a tag as some programs put it before files of any format."""
    sizes = [(n_bytes >> shift) % 128 for shift in (21, 14, 7, 0)]
    return b"ID3\4\0\0" + bytes(sizes) + bytes(n_bytes)


def without_last_page(ogg):
    return ogg[: ogg.rindex(b"OggS")]


def steps(height):
    """Return values that a filter overshoots."""
    return np.tile(np.repeat([height, -height], 50), 40)


def patched(content, offset, value):
    return content[:offset] + struct.pack("<H", value) + content[offset + 2 :]


def without_total(flac):
    # The last 36 bits before the checksum of STREAMINFO are the number of samples.
    return flac[:21] + bytes([flac[21] & 0xF0]) + bytes(4) + flac[26:]


@pytest.mark.parametrize(
    ("loudness", "error", "match"),
    [
        ([1, 0], UnreadableAudioError, r"variable bit rate .* Convert it"),
        ([0, 1], TruncatedAudioError, "header says"),
    ],
)
def test_an_mp3_of_which_the_length_is_guessed_wrongly_is_refused(
    tmp_path, loudness, error, match
):
    path = tmp_path / "variable.mp3"
    signal = noise(44100 * 20) * np.repeat(loudness, 44100 * 10).astype(np.int16)
    write(path, signal, 44100, bitrate_mode="VARIABLE", compression_level=0.5)
    content = path.read_bytes()
    tag = content.index(b"Xing")
    path.write_bytes(content[content.index(b"\xff\xfb", tag) :])
    with pytest.raises(error, match=match):
        load(path)


@pytest.mark.case("A01", "A02", "A10", "A11", "A23", "A25", "A26", "A28", "A33")
@pytest.mark.parametrize("kind", BAD_FILES)
@pytest.mark.parametrize("function", [load, load_audio])
@pytest.mark.case("K08")
def test_a_bad_file_has_an_error_of_its_own_that_names_it(tmp_path, kind, function):
    path = bad_file(tmp_path, kind)
    _, error, match = BAD_FILES[kind]
    with pytest.raises(error, match=match) as caught:
        function(path)
    assert Path(path).name in str(caught.value)


@pytest.mark.case("A33")
def test_samples_of_an_odd_number_of_bits_are_decoded_or_refused(tmp_path):
    path = tmp_path / "13.wav"
    path.write_bytes(patched(encoded(tmp_path, noise()), 34, 13))
    # 13 bits are the upper ones of the 16 that each sample takes.
    np.testing.assert_allclose(load(path), noise() / 32768, atol=2**-12)


@pytest.mark.case("A23", "A28")
@pytest.mark.parametrize("kind", ["m4a", "mp4", "webm", "wma", "half a FLAC"])
def test_no_other_decoder_is_asked_even_where_one_is_installed(
    tmp_path, kind, monkeypatch
):
    # A decoder that takes anything takes half a file, too.
    folder, asked = tmp_path / "bin", tmp_path / "asked"
    folder.mkdir()
    for name in ("ffmpeg", "avconv", "ffprobe"):
        (folder / name).write_text(f"#!/bin/sh\ntouch {asked}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    path = bad_file(tmp_path, kind)
    _, error, match = BAD_FILES[kind]
    with pytest.raises(error, match=match):
        load(path)
    assert not asked.exists()


@pytest.mark.case("A42")
@pytest.mark.parametrize("kind", BAD_FILES)
def test_the_errors_come_back_from_a_worker_process(tmp_path, kind):
    with pytest.raises(AudioError) as caught:
        load(bad_file(tmp_path, kind))
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is type(caught.value)
    assert str(copy) == str(caught.value)


@pytest.mark.case("A42")
@pytest.mark.parametrize("name", exceptions.__all__)
def test_every_exception_survives_pickling(name):
    error = getattr(exceptions, name)("a.wav is bad")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy)) == (type(error), "a.wav is bad")


@pytest.mark.case("A42")
def test_a_real_worker_process_reports_the_file(tmp_path):
    paths = [bad_file(tmp_path, "0 bytes")] * 2
    parallel = joblib.Parallel(n_jobs=2)
    with pytest.raises(EmptyAudioError, match=r"0-bytes\.wav"):
        parallel(joblib.delayed(load_audio)(path) for path in paths)


@pytest.mark.case("A42")
def test_the_bad_file_of_a_hundred_is_named_in_cross_validation(tmp_path):
    paths = [write(tmp_path / f"{i}.wav", noise(1024, i)) for i in range(100)]
    paths[37] = bad_file(tmp_path, "half a WAV")
    model = make_pipeline(AudioLoader(), FunctionTransformer(), LogisticRegression())
    with pytest.raises(TruncatedAudioError, match=r"half-a-WAV\.wav"):
        cross_validate(model, paths, [0, 1] * 50, n_jobs=2, cv=2, error_score="raise")


@pytest.mark.case("A37")
def test_missing_files_and_folders_keep_the_names_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.wav"):
        load(tmp_path / "nowhere.wav")
    with pytest.raises(IsADirectoryError, match=tmp_path.name):
        load(tmp_path)


@pytest.mark.case("A37")
def test_a_dangling_link_is_a_missing_file(tmp_path):
    link = tmp_path / "link.wav"
    link.symlink_to(tmp_path / "nowhere.wav")
    with pytest.raises(FileNotFoundError, match=r"link\.wav"):
        load(link)


@pytest.mark.case("A39")
def test_a_file_that_may_not_be_read_is_a_permission_error(open_folder, as_nobody):
    path = write(open_folder / "noise.wav", noise())
    Path(path).chmod(0)
    with as_nobody(), pytest.raises(PermissionError, match=r"noise\.wav"):
        load(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(UnreadableAudioError, match="not a regular file"):
        load(tmp_path / "pipe.wav")


def test_a_path_cannot_hold_a_null_byte(wav):
    with pytest.raises(UnreadableAudioError, match="contents of files as bytes"):
        load("RIFF\0\0")


@pytest.mark.case("I05")
def test_all_bad_files_are_reported_at_once(wav, tmp_path):
    paths = [
        wav,
        bad_file(tmp_path, "0 bytes"),
        str(tmp_path / "nowhere.wav"),
        bad_file(tmp_path, "half a WAV"),
    ]
    with pytest.raises(AudioError, match="3 of 4 recordings") as caught:
        AudioLoader().transform(paths)
    assert type(caught.value) is AudioError
    for word in ["0-bytes.wav", "nowhere.wav", "half-a-WAV.wav", "truncated"]:
        assert word in str(caught.value)


def test_many_bad_files_of_one_kind_give_that_kind_and_a_short_list(tmp_path):
    paths = [str(tmp_path / f"{i}.wav") for i in range(30)]
    with pytest.raises(FileNotFoundError, match="30 of 30 recordings") as caught:
        AudioLoader(n_jobs=2).transform(paths)
    assert "19.wav" in str(caught.value)
    assert "20.wav" not in str(caught.value)
    assert "and 10 more; skser.datasets.validate lists" in str(caught.value)


@pytest.mark.case("I05")
def test_a_single_recording_is_opened_once(wav, monkeypatch):
    opened = []

    def open_and_count(file, open_file=soundfile.SoundFile):
        opened.append(file)
        return open_file(file)

    monkeypatch.setattr(soundfile, "SoundFile", open_and_count)
    AudioLoader().transform([wav])
    assert len(opened) == 1


def test_nothing_is_decoded_before_all_headers_are_checked(wav, tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError("decoded")

    monkeypatch.setattr(soundfile.SoundFile, "read", fail)
    with pytest.raises(FileNotFoundError):
        AudioLoader().transform([wav] * 5 + [str(tmp_path / "nowhere.wav")])


@pytest.mark.case("I05")
def test_a_bad_path_behind_thousands_is_found_before_any_work(wav, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    paths = [str(folder / f"{i}.wav") for i in range(4999)]
    for path in paths:
        os.link(wav, path)
    paths.append(str(tmp_path / "nowhere.wav"))
    loader = AudioLoader(n_jobs=2)
    start = time.process_time()
    with pytest.raises(FileNotFoundError, match=r"nowhere\.wav"):
        loader.transform(paths)
    assert time.process_time() - start < 10


def test_the_longest_duration_can_be_raised_or_left_open(tmp_path):
    path = bad_file(tmp_path, "11 minutes")
    for max_duration in (700, None):
        loader = AudioLoader(1000, max_duration=max_duration)
        assert len(loader.transform([path])[0]) == 660_000


@pytest.fixture(scope="module")
def fuzz_audio():
    """The command that reads mutated files: ``python tests/fuzz_audio.py``."""
    path = Path(__file__).with_name("fuzz_audio.py")
    specification = importlib.util.spec_from_file_location("fuzz_audio", path)
    module = importlib.util.module_from_spec(specification)
    sys.modules["fuzz_audio"] = module  # where dataclasses look
    specification.loader.exec_module(module)
    return module


@pytest.mark.case("A44")
def test_mutated_files_give_named_errors_or_finite_signals(fuzz_audio):
    tally = fuzz_audio.read_in_child(range(200))
    assert tally.faults == []
    assert tally.n_files == tally.n_accepted + sum(tally.refused.values()) == 200
    assert 20 < tally.n_accepted < 180
    assert {"TruncatedAudioError", "UnreadableAudioError"} <= set(tally.refused)
    assert tally.peak_megabytes < 1000


@pytest.mark.case("A44")
@pytest.mark.parametrize(
    ("code", "n_crashes", "n_hangs"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", 1, 0),
        ("import time; time.sleep(60)", 0, 1),
    ],
)
def test_a_crash_and_a_hang_of_the_reader_would_be_found(
    fuzz_audio, monkeypatch, code, n_crashes, n_hangs
):
    child = subprocess.Popen([sys.executable, "-c", code])
    monkeypatch.setattr(fuzz_audio.subprocess, "Popen", lambda *_, **__: child)
    tally = fuzz_audio.read_in_child([7], seconds=1)
    assert (tally.n_crashes, tally.n_hangs) == (n_crashes, n_hangs)
    assert [seed for seed, _ in tally.faults] == [7]


@pytest.mark.case("A44")
def test_a_header_that_points_before_the_file_prints_nothing(fuzz_audio, monkeypatch):
    printed = []
    monkeypatch.setattr(sys, "unraisablehook", printed.append)
    # The length of a chunk is negative in this file, for who takes it as signed.
    assert fuzz_audio.read_all([124]).refused == {"UnreadableAudioError": 1}
    assert printed == []


@pytest.mark.parametrize("extension", ["wav", "aiff", "flac", "ogg"])
@pytest.mark.case("K07")
def test_a_tag_before_the_header_costs_no_sample(tmp_path, extension):
    content = encoded(tmp_path, noise(), extension)
    Path(tmp_path, "plain").write_bytes(content)
    Path(tmp_path, "tagged").write_bytes(id3_tag(2000) + id3_tag(37) + content)
    tagged = load(tmp_path / "tagged")
    assert len(tagged) == RATE
    np.testing.assert_array_equal(tagged, load(tmp_path / "plain"))


@pytest.mark.parametrize("n_missing", [1, 2, 8, 44, 64])
@pytest.mark.parametrize("extension", ["wav", "aiff", "au", "nist"])
@pytest.mark.case("K17")
def test_some_bytes_too_many_in_a_header_are_no_truncation(
    tmp_path, extension, n_missing
):
    path = tmp_path / "a"
    path.write_bytes(encoded(tmp_path, noise(), extension)[:-n_missing])
    n_samples = RATE - -(-n_missing // 2)
    np.testing.assert_array_equal(load(path), noise()[:n_samples] / 32768)


def mp3_in_wav(mp3, n_samples):
    """Return a file as ffmpeg writes it: format 0x55, number of samples in "fact"."""
    layout = struct.pack(
        "<HHIIHHHHIHHH", 0x55, 1, RATE, 8000, 1, 0, 12, 1, 2, 288, 1, 0
    )
    chunks = {b"fmt ": layout, b"fact": struct.pack("<I", n_samples), b"data": mp3}
    body = b"".join(k + struct.pack("<I", len(v)) + v for k, v in chunks.items())
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body


def without_tag(mp3):
    """Leave out the first frame, which says how long the recording is."""
    return mp3[mp3.index(mp3[:2], 2) :]


@pytest.mark.parametrize("change", [bytes, without_tag])
def test_an_mp3_inside_a_wav_is_complete(tmp_path, change):
    how = {"bitrate_mode": "CONSTANT", "compression_level": 0.5}
    mp3 = encoded(tmp_path, noise(3 * RATE), "mp3", **how)
    path = tmp_path / "a.wav"
    path.write_bytes(mp3_in_wav(change(mp3), 3 * RATE))
    assert len(load(path)) == pytest.approx(3 * RATE, rel=0.1)


def test_an_mp3_inside_a_wav_of_which_only_a_part_would_be_read_is_refused(tmp_path):
    mp3 = encoded(tmp_path, noise(3 * RATE), "mp3", bitrate_mode="VARIABLE")
    path = tmp_path / "a.wav"
    path.write_bytes(mp3_in_wav(without_tag(mp3), 3 * RATE))
    with pytest.raises(UnreadableAudioError, match=r"variable bit rate .* Convert it"):
        load(path)


def test_a_picture_behind_an_mp3_that_says_how_long_it_is_is_no_sound(tmp_path):
    path = tmp_path / "a.mp3"
    write(path, noise())
    expected = load(path)
    path.write_bytes(path.read_bytes() + b"APETAGEX" + bytes(200_000))
    np.testing.assert_array_equal(load(path), expected)


@pytest.mark.case("K26")
def test_a_sparse_file_without_sizes_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "sparse.wav"
    path.write_bytes(announce(0, 0)(encoded(tmp_path, noise())))
    with path.open("r+b") as file:
        file.truncate(3 * 2**29)
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(TooLongAudioError, match=r"sparse\.wav"):
        load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.process_time() - start < 1
    assert peak < 10 * 2**20


@pytest.mark.case("K26")
def test_a_file_that_does_not_fit_into_memory_is_named(wav, monkeypatch):
    def exhaust(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr(soundfile.SoundFile, "read", exhaust)
    with pytest.raises(MemoryError, match=r"noise\.wav' does not fit into memory"):
        load(wav)


# Files that are read, with a warning


@pytest.mark.parametrize("rate", [RATE, 22050])
@pytest.mark.parametrize("leftover", [0, 0.02])
@pytest.mark.case("K09")
def test_channels_that_cancel_each_other_are_warned_of(tmp_path, rate, leftover):
    left = noise(40000) / 32768
    path = write(tmp_path / "a.wav", np.stack([left, (leftover - 1) * left], 1), rate)
    with pytest.warns(ImplausibleAudioWarning, match=r"a\.wav \(opposite phase\)"):
        load(path)
    with pytest.warns(ImplausibleAudioWarning, match=r"X\[1\] \(opposite phase"):
        from_waveforms([left, np.stack([left, -left], axis=1)])


@pytest.mark.filterwarnings("error")
@pytest.mark.case("K09")
def test_channels_that_are_alike_unrelated_or_silent_are_not_warned_of():
    one, other = noise(seed=1) / 32768, noise(seed=2) / 32768
    silence = np.zeros(RATE)
    pairs = [(one, one), (one, other), (one, silence), (silence, silence)]
    many = np.stack([one] + [silence] * 15, axis=1)
    from_waveforms([*(np.stack(pair, axis=1) for pair in pairs), many])


@pytest.mark.case("K11")
def test_integers_that_were_not_scaled_are_warned_of(tmp_path):
    path = write(tmp_path / "a.wav", noise().astype("f4"), subtype="FLOAT")
    with pytest.warns(ImplausibleAudioWarning, match=r"a\.wav \(up to 1.*32768"):
        load(path)
    with pytest.warns(ImplausibleAudioWarning, match=r"1 recording.*X\[1\] \(up to"):
        from_waveforms([noise(), noise().astype(float)])


@pytest.mark.case("K10")
def test_values_that_overflow_in_resampling_are_not_finite():
    loader = AudioLoader(input_sample_rate=22050)
    with pytest.raises(NonFiniteAudioError, match=r"X\[1\], resampled .*NaN or inf"):
        loader.transform([np.zeros(4000), steps(3e38)])


# Parts of files


@pytest.mark.parametrize("extension", [*LOSSLESS, "nist"])
@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ((None, None), slice(None)),
        ((0.25, 0.75), slice(4000, 12000)),
        ((0.5, None), slice(8000, None)),
        ((None, 0.125), slice(0, 2000)),
        ((0.9, 1.005), slice(14400, None)),
    ],
)
@pytest.mark.case("K05")
def test_a_segment_is_that_part_of_the_file(tmp_path, extension, times, expected):
    path = write(tmp_path / f"a.{extension}", noise(), format=extension.upper())
    segment = Segment(path, *times)
    np.testing.assert_array_equal(load(segment), noise()[expected] / 32768)
    np.testing.assert_array_equal(load_audio(segment), noise()[expected] / 32768)


@pytest.mark.parametrize("extension", LOSSY)
def test_a_segment_of_a_lossy_format_is_that_part_of_its_signal(tmp_path, extension):
    path = write(
        tmp_path / f"a.{extension}",
        noise(5 * RATE),
        format=CONTAINER.get(extension, extension.upper()),
        subtype=LOSSY[extension],
    )
    part = load(Segment(path, 2, 3))
    np.testing.assert_allclose(part, load(path)[2 * RATE : 3 * RATE], atol=1e-3)


def test_only_the_part_is_decoded_and_measured(tmp_path, monkeypatch):
    path = write(tmp_path / "long.wav", np.zeros(1000 * 700, np.int16), 1000)
    lengths = []

    def read_and_note(self, frames, read=soundfile.SoundFile.read, **kwargs):
        lengths.append(frames)
        return read(self, frames, **kwargs)

    monkeypatch.setattr(soundfile.SoundFile, "read", read_and_note)
    loader = AudioLoader(1000)
    assert len(loader.transform([Segment(path, 600, 603.5)])[0]) == 3500
    assert lengths == [3500]
    with pytest.raises(TooLongAudioError, match="from 50 s to its end' lasts 650"):
        loader.transform([Segment(path, 50)])


@pytest.mark.parametrize("times", [(1.0, None), (0.5, 1.02), (3, 4), (0.5, 0.50001)])
@pytest.mark.case("K05")
def test_a_segment_outside_of_its_file_is_an_error(wav, times):
    with pytest.raises(SegmentError, match=rf"noise\.wav from {times[0]:g} s to "):
        load(Segment(wav, *times))
    with pytest.raises(SegmentError, match="2 of 3 recordings"):
        AudioLoader().transform([Segment(wav, *times), wav, Segment(wav, *times)])


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ((b"a.wav",), TypeError, r"got bytes.*os\.fsdecode\(path\)"),
        (("a.wav", -1), ValueError, "0 <= start < end"),
        (("a.wav", 2, 2), ValueError, "start=2.0, end=2.0"),
        (("a.wav", float("nan")), ValueError, "start must be a finite number"),
        (("a.wav", 0, "1"), ValueError, "end must be a finite number .* got '1'"),
        ((7,), TypeError, "path must be a path, got int"),
        ((Segment("a.wav"),), TypeError, "got Segment"),
    ],
)
@pytest.mark.case("K05")
def test_impossible_segments_are_refused(arguments, error, match):
    with pytest.raises(error, match=match):
        Segment(*arguments)


def test_times_may_be_those_of_pandas_and_of_python(wav):
    pandas = pytest.importorskip("pandas")
    expected = Segment(wav, 0.25, 0.5)
    times = pandas.to_timedelta([0.25, 0.5], unit="s")
    assert Segment(Path(wav), *times) == expected
    assert Segment(wav, timedelta(seconds=0.25), np.float32(0.5)) == expected
    assert hash(pickle.loads(pickle.dumps(expected))) == hash(expected)
    assert os.fspath(expected) == wav


def test_the_bad_part_of_a_file_does_no_harm_to_the_others(tmp_path):
    signal = np.zeros(RATE, np.float32)
    signal[12000] = np.nan
    path = write(tmp_path / "a.wav", signal, subtype="FLOAT")
    assert not load(Segment(path, 0, 0.5)).any()
    with pytest.raises(NonFiniteAudioError, match=r"from 0\.5 s to 1 s.*index 4000"):
        load(Segment(path, 0.5, 1))


@pytest.mark.filterwarnings("ignore::skser.exceptions.ShortAudioWarning")
def test_segments_are_indexed_cloned_and_searched_like_paths(tmp_path):
    pandas = pytest.importorskip("pandas")
    levels = np.repeat([0.1, 0.2] * 10, 2000)
    path = write(tmp_path / "a.wav", levels, subtype="FLOAT")
    segments = [Segment(path, i / 8, (i + 1) / 8) for i in range(20)]
    level = FunctionTransformer(lambda signals: np.array([[s.mean()] for s in signals]))
    model = make_pipeline(AudioLoader(), level, LogisticRegression(C=1e6))
    labels = np.array(["quiet", "loud"] * 10)
    for X in (segments, np.array(segments), pandas.Series(segments, range(5, 25))):
        assert len(X) == 20
        assert cross_validate(model, X, labels, cv=5)["test_score"].tolist() == [1] * 5
    search = GridSearchCV(model, {"audioloader__sample_rate": [8000, 16000]}, cv=2)
    assert (
        search.fit(segments, labels).predict(segments[::2]).tolist() == ["quiet"] * 10
    )
    assert clone(search).get_params()["estimator__audioloader"].sample_rate == 16000


# Short ones


@pytest.mark.case("A04")
@pytest.mark.parametrize("n_samples", [1, 80, 1023])
def test_a_recording_shorter_than_a_frame_warns(tmp_path, n_samples):
    path = write(tmp_path / "a.wav", noise(n_samples))
    with pytest.warns(ShortAudioWarning, match=rf"a\.wav \({n_samples} samples\)"):
        assert len(load(path)) == n_samples
    with pytest.warns(ShortAudioWarning, match=r"a\.wav"):
        load_audio(path)


@pytest.mark.case("A05")
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n_samples", [1024, 1536])
def test_a_whole_frame_does_not_warn(tmp_path, n_samples):
    assert len(load(write(tmp_path / "a.wav", noise(n_samples)))) == n_samples


def test_a_batch_warns_once_for_all_its_short_recordings():
    loader = AudioLoader(input_sample_rate=RATE)
    batch = [np.zeros(5), np.zeros(2000), np.zeros(7)]
    with pytest.warns(ShortAudioWarning, match=r"2 recording.*X\[0\] .*X\[2\] ") as all:
        loader.transform(batch)
    assert len(all) == 1


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
def test_long_recordings_are_resampled_as_librosa_does_it_in_one_piece(tmp_path, rate):
    import librosa

    # Longer than a block.
    signal = noise(2**20 + 4321)
    path = write(tmp_path / "long.wav", signal, rate)
    whole = (signal / 32768).astype(np.float32)
    expected = librosa.resample(whole, orig_sr=rate, target_sr=RATE, res_type="soxr_hq")
    np.testing.assert_array_equal(load_audio(path), expected)
    (of_waveform,) = AudioLoader(input_sample_rate=rate).transform([signal])
    np.testing.assert_array_equal(of_waveform, expected)


@pytest.mark.case("K26")
def test_a_long_recording_of_another_rate_takes_the_memory_of_its_result(tmp_path):
    path = write(tmp_path / "long.wav", noise(120 * 48000), 48000)
    load_audio(path)
    tracemalloc.start()
    loaded = load_audio(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # 23 MB at 48 kHz.
    assert peak < loaded.nbytes + 12e6


def test_resampling_imports_neither_librosa_nor_numba(tmp_path):
    path = write(tmp_path / "other.wav", noise(), 48000)
    code = (
        "import sys, skser; skser.load_audio(sys.argv[1]);"
        "assert not {'librosa', 'numba', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, path], check=True)


def test_one_sample_can_be_resampled():
    with pytest.warns(ShortAudioWarning):
        (signal,) = AudioLoader(input_sample_rate=8000).transform([np.ones(1)])
    assert signal.shape == (2,)


# Waveforms


def from_waveforms(X, **kwargs):
    return AudioLoader(input_sample_rate=RATE, **kwargs).transform(X)


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4", "f2"])
def test_floating_point_values_are_taken_as_they_are(dtype):
    waveform = np.linspace(-2, 2, 2000).astype(dtype)
    (signal,) = from_waveforms([waveform])
    assert signal.dtype == np.float32
    np.testing.assert_array_equal(signal, waveform.astype(np.float32))


@pytest.mark.case("B01", "B02")
@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("int16", [-32768, 0, 16384]),
        (">i2", [-32768, 0, 16384]),
        ("int32", [-(2**31), 0, 2**30]),
        ("uint8", [0, 128, 192]),
    ],
)
def test_integers_are_scaled_by_the_range_of_their_type(dtype, values):
    (signal,) = from_waveforms([np.tile(np.array(values, dtype), 400)])
    np.testing.assert_array_equal(signal[:3], [-1, 0, 0.5])


@pytest.mark.case("B02")
@pytest.mark.parametrize(
    "dtype", ["bool", "complex64", "object", "int64", "int8", "uint16", "U1"]
)
def test_other_types_of_samples_are_refused_by_name(dtype):
    with pytest.raises(TypeError, match=rf"X\[1\] must hold .* dtype .*{dtype[:3]}"):
        from_waveforms([np.zeros(2000), np.zeros(2000).astype(dtype)])


def test_the_channels_of_a_waveform_are_averaged():
    waveform = np.stack([np.full(2000, 1.0), np.full(2000, 0.5)], axis=1)
    (signal,) = from_waveforms([waveform])
    np.testing.assert_array_equal(signal, np.full(2000, 0.75))


def test_integer_channels_do_not_overflow():
    (signal,) = from_waveforms([np.full((2000, 2), 32767, np.int16)])
    np.testing.assert_allclose(signal, 32767 / 32768)


@pytest.mark.parametrize("gain", [0.1, 1, 4])
def test_all_signals_are_brought_to_one_level_and_to_mean_0(gain):
    noise = np.random.default_rng(0).normal(0.02, 0.1, (2, 44100, 2))
    signals = from_waveforms(gain * noise, rms=0.05)
    for signal in signals:
        assert signal.dtype == np.float32
        np.testing.assert_allclose(np.sqrt(np.mean(signal**2)), 0.05, rtol=1e-4)
        assert abs(signal.mean()) < 1e-5
    expected = from_waveforms(noise, rms=0.05)
    np.testing.assert_allclose(np.stack(signals), np.stack(expected), atol=1e-6)


def test_silence_and_constants_stay_silent_at_any_level():
    signals = from_waveforms([np.zeros(2000), np.full(2000, 0.5)], rms=0.05)
    assert not np.any(np.stack(signals))


def test_a_file_is_brought_to_the_level_behind_resampling(tmp_path):
    path = tmp_path / "tone.wav"
    soundfile.write(path, 0.9 * np.sin(np.arange(48000) / 20), 48000)
    [signal] = AudioLoader(rms=0.1).transform([path])
    assert len(signal) == RATE
    np.testing.assert_allclose(np.sqrt(np.mean(signal**2)), 0.1, rtol=1e-4)


def test_a_table_holds_waveforms_of_equal_length():
    table = np.random.default_rng(0).uniform(-1, 1, size=(3, 2000))
    signals = from_waveforms(table)
    np.testing.assert_array_equal(np.stack(signals), table.astype(np.float32))


@pytest.mark.filterwarnings("error")
def test_waveforms_of_other_rates_are_resampled():
    (signal,) = AudioLoader(input_sample_rate=48000).transform([tone(48000, 48000)])
    np.testing.assert_allclose(
        signal[1000:-1000], tone()[1000:-1000] / 32768, atol=1e-3
    )


@pytest.mark.case("B03")
def test_waveforms_need_their_rate():
    with pytest.raises(ValueError, match=r"AudioLoader\(input_sample_rate="):
        AudioLoader().transform([np.zeros(2000)])


@pytest.mark.parametrize(
    ("waveform", "error", "match"),
    [
        (np.zeros(0), EmptyAudioError, r"X\[0\] has no samples"),
        (np.zeros((2000, 0)), EmptyAudioError, r"X\[0\] has no samples"),
        (np.zeros((2, 2000)), ValueError, "Transpose it"),
        (np.zeros((5, 5, 5)), ValueError, r"shape \(n_samples,\) or"),
        (with_value(np.nan), NonFiniteAudioError, r"X\[0\] has 1 .*index 100"),
        (np.full(2000, 1e300), NonFiniteAudioError, r"X\[0\] has 2000"),
        (np.zeros(RATE * 601), TooLongAudioError, r"X\[0\] lasts 601"),
    ],
)
def test_a_bad_waveform_is_named(waveform, error, match):
    with pytest.raises(error, match=match):
        from_waveforms([waveform])


@pytest.mark.case("B17")
@pytest.mark.filterwarnings("ignore::skser.exceptions.ShortAudioWarning")
def test_the_input_is_never_changed(tmp_path):
    base = (0.1 * np.random.default_rng(0).standard_normal((4000, 2))).astype("f4")
    mapped = np.memmap(tmp_path / "map", "f4", "w+", shape=(2000,))
    read_only = base[:, 0].copy()
    read_only.flags.writeable = False
    batch = [
        base,
        np.asfortranarray(base),
        base[::2, 0],
        read_only,
        mapped,
        (base[:, 0] * 999).astype(np.int16),
    ]
    before = [np.array(waveform) for waveform in batch]
    for rate in (RATE, 8000):
        AudioLoader(rate, input_sample_rate=RATE).transform(batch)
    with pytest.raises(TypeError):
        from_waveforms([*batch, np.zeros(2000, bool)])
    for waveform, copy in zip(batch, before, strict=True):
        np.testing.assert_array_equal(waveform, copy)


# Batches of the wrong kind


@pytest.mark.case("A40", "B02", "B09", "B10", "B11")
@pytest.mark.parametrize("method", ["fit", "transform"])
@pytest.mark.parametrize(
    ("X", "error", "match"),
    [
        ([], ValueError, r"0 sample\(s\)"),
        (np.array([]), (ValueError, TypeError), "0 sample|single waveform"),
        ("a.wav", TypeError, "Wrap a single utterance in a list"),
        (Path("a.wav"), TypeError, "must be a list"),
        ({"a": "a.wav"}, TypeError, "dict"),
        ({"a.wav"}, TypeError, "set"),
        ((path for path in ["a.wav"]), TypeError, "generator"),
        (np.zeros(2000), TypeError, r"single waveform.*\[X\]"),
        (np.zeros(2000, "f4"), TypeError, "single waveform"),
        ([0.1, 0.2], TypeError, r"X\[0\] must be a path.* waveform, got float"),
        (["a.wav", None], TypeError, r"X\[1\] must be a path.* NoneType"),
        (["a.wav", float("nan")], TypeError, r"X\[1\] must be .* float: nan"),
        (np.array([["a.wav"]]), TypeError, r"one-dim.*shape \(1, 1\).*X\[:, 0\]"),
        ([["a.wav"]], TypeError, r"X\[0\] must be a path.* waveform, got list"),
        (
            [(RATE, np.zeros(8000))],
            TypeError,
            r"got tuple.*\(waveform, rate\), in this",
        ),
        ([("a.wav", 0.5, 1.0)], TypeError, r"got tuple.*skser\.Segment"),
        (np.zeros((8000, 2)), TypeError, r"8000 waveforms of 2 samples.*\[X\]"),
        ([np.array(["a.wav"])], TypeError, r"X\[0\] must hold .* dtype <U5"),
        ((np.zeros(8000), RATE), TypeError, r"single recording.*\[X\]"),
        (b"RIFF", TypeError, "Wrap a single utterance in a list"),
        (io.BytesIO(b"RIFF"), TypeError, r"single recording, as BytesIO.*\[X\]"),
        (np.array([b"RIFF\0\0"]), TypeError, r"dtype \|S6, which cuts zeros"),
    ],
)
def test_what_is_no_batch_is_refused_at_once(method, X, error, match):
    with pytest.raises(error, match=match):
        getattr(AudioLoader(input_sample_rate=RATE), method)(X)


def test_a_data_frame_is_refused(wav):
    pandas = pytest.importorskip("pandas")
    with pytest.raises(TypeError, match="pass the column"):
        AudioLoader().transform(pandas.DataFrame({"path": [wav]}))


# The estimator


@pytest.mark.parametrize(
    "parameters",
    [
        {"sample_rate": 16000.0},
        {"sample_rate": 0},
        {"input_sample_rate": -1},
        {"max_duration": 0},
        {"n_jobs": "two"},
    ],
)
def test_bad_parameters_are_named(wav, parameters):
    (name,) = parameters
    for method in ("fit", "transform"):
        with pytest.raises(ValueError, match=f"'{name}' parameter of AudioLoader"):
            getattr(AudioLoader(**parameters), method)([wav])


def test_load_audio_checks_its_parameters(wav):
    with pytest.raises(ValueError, match="'sample_rate' parameter of load_audio"):
        load_audio(wav, sample_rate=0)
    with pytest.raises(TypeError, match=r"recording must be a path, .*got list"):
        load_audio([wav])
    with pytest.raises(ValueError, match=r"recording is a waveform.*pass \(waveform"):
        load_audio(np.zeros(RATE))


def test_the_loader_is_a_scikit_learn_transformer_without_state(wav):
    loader = AudioLoader(8000, input_sample_rate=RATE, max_duration=9.0, n_jobs=2)
    assert clone(loader).get_params() == loader.get_params()
    assert loader.fit([wav]) is loader
    assert [name for name in vars(loader) if name.endswith("_")] == []
    assert not loader.__sklearn_tags__().requires_fit
    copy = pickle.loads(pickle.dumps(loader))
    np.testing.assert_array_equal(copy.fit_transform([wav])[0], load_audio(wav, 8000))
    # There is no table that a list of signals could be turned into: nothing changes.
    assert loader.set_output(transform="pandas") is loader
    assert isinstance(loader.transform([wav]), list)
    assert loader.get_feature_names_out().tolist() == ["signal"]


def test_numba_and_tensorflow_wait_until_they_are_needed(wav):
    program = (
        "import sys; from skser.audio import AudioLoader; import skser.datasets;"
        f"AudioLoader().transform([{wav!r}]);"
        "print([m for m in ('numba', 'tensorflow') if m in sys.modules])"
    )
    root = Path(__file__).parents[1]
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "[]"
