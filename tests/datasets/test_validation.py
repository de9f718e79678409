import os
import re

import numpy as np
import pytest
import soundfile

from skser.datasets import Corpus, load_emovo, make_emotional_speech, validate
from skser.exceptions import AudioError


def write_tone(path, seconds=1.0, frequency=220.0, **kwargs):
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(16000 * seconds)) / 16000
    signal = 0.5 * np.sin(2 * np.pi * frequency * time)
    soundfile.write(path, signal, 16000, **kwargs)
    return str(path)


def cut(path, share):
    with open(path, "r+b") as file:
        file.truncate(int(os.path.getsize(path) * share))


@pytest.fixture
def bad_files(tmp_path):
    """One file of each kind, by kind; "good" is the good one."""
    files = {kind: tmp_path / f"{kind.replace(' ', '_')}.wav" for kind in (
        "good", "missing", "unreadable", "empty", "truncated", "too short", "too long",
        "duplicate",
    )}  # fmt: skip
    write_tone(files["good"])
    files["unreadable"].write_text("version https://example.org/spec/v1\nsize 31\n")
    files["empty"].touch()
    write_tone(files["truncated"], 2.0)
    cut(files["truncated"], 0.5)
    write_tone(files["too short"], 0.05)
    write_tone(files["too long"], 3.0)
    files["duplicate"].write_bytes(files["good"].read_bytes())
    return {kind: str(path) for kind, path in files.items()}


@pytest.mark.case("I05")
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_each_kind_of_bad_file_is_found(bad_files, n_jobs):
    report = validate(list(bad_files.values()), max_duration=2.5, n_jobs=n_jobs)
    assert {finding.path: finding.kind for finding in report.findings} == {
        path: kind for kind, path in bad_files.items() if kind != "good"
    }
    assert report.n_files == 8
    assert report.bad_paths == [p for k, p in bad_files.items() if k != "good"]
    for finding in report.findings:
        assert repr(finding.path) in finding.message


def test_good_files_give_a_clean_report(tmp_path):
    paths = [write_tone(tmp_path / f"{f}.wav", frequency=f) for f in (100, 200)]
    report = validate(paths)
    assert report.is_clean
    assert report.counts == {}
    report.raise_if_any()
    assert str(report) == "2 files, nothing found."


def test_the_report_can_be_read_raised_and_put_into_a_table(bad_files):
    report = validate(list(bad_files.values()), max_duration=2.5)
    text = str(report)
    assert text.startswith("8 files, 7 finding(s):\nmissing (there is no such file): 1")
    with pytest.raises(AudioError, match=re.escape(text)):
        report.raise_if_any()
    with pytest.raises(AudioError, match=r"(?s)1 finding.*truncated"):
        report.raise_if_any(["truncated"])
    report.raise_if_any(["silent", "count"])
    pytest.importorskip("pandas")
    frame = report.to_frame()
    assert list(frame) == ["kind", "path", "message", "row"]
    assert len(frame) == 7


@pytest.mark.case("I05")
def test_what_is_good_is_kept_when_it_is_asked_for(bad_files):
    names = ["missing", "good", "duplicate", "too short", "good"]
    corpus = Corpus(
        paths=np.array([bad_files[name] for name in names]),
        target=np.array(["anger", "fear", "fear", "anger", "fear"]),
        groups=None,
        target_names=["anger", "fear", "joy", "sadness", "surprise"],
        names=names,
    )
    report = validate(corpus)
    assert report.good_rows().tolist() == [1]
    assert report.good_rows(["missing"]).tolist() == [1, 2, 3, 4]
    good = corpus.take(report.good_rows(["missing", "duplicate"]))
    assert good.names == ["good", "too short"]
    assert good.target.tolist() == ["fear", "anger"]
    assert good.groups is None
    assert len(good.target_names) == 5
    assert validate(good).counts == {"too short": 1}
    # Nothing is left out by itself.
    assert len(corpus.paths) == 5
    with pytest.raises(ValueError, match="kinds must be a list of some of"):
        report.good_rows("missing")


@pytest.mark.parametrize("kinds", [["short"], "missing"])
def test_unknown_kinds_are_answered_with_the_known_ones(bad_files, kinds):
    report = validate([bad_files["good"]])
    with pytest.raises(
        ValueError, match=r"kinds must be a list of some of .*'truncated'"
    ):
        report.raise_if_any(kinds)


def test_many_findings_of_a_kind_are_cut_short(tmp_path):
    report = validate([tmp_path / f"{i}.wav" for i in range(9)])
    assert report.counts == {"missing": 9}
    assert str(report).count("\n") == 1 + 5 + 1
    assert str(report).endswith("- and 4 more")


def test_the_same_content_under_another_label_is_said(bad_files):
    paths = [bad_files["good"], bad_files["duplicate"]]
    corpus = Corpus(paths=paths, target=["anger", "fear"], groups=["s1", "s1"])
    (finding,) = validate(corpus).findings
    assert finding.path == bad_files["duplicate"]
    assert "is labelled fear of s1 and not anger of s1" in finding.message
    corpus.target = ["anger", "anger"]
    assert "labelled" not in validate(corpus).findings[0].message


def test_a_file_listed_twice_is_a_duplicate(bad_files):
    report = validate([bad_files["good"]] * 3)
    assert report.counts == {"duplicate": 2}


def test_equal_sizes_are_no_duplicates(tmp_path):
    paths = [write_tone(tmp_path / f"{f}.wav", frequency=f) for f in (100, 200, 300)]
    assert len({os.path.getsize(path) for path in paths}) == 1
    assert validate(paths).is_clean


@pytest.mark.case("K09")
def test_decoding_finds_silence_and_what_headers_do_not_tell(tmp_path):
    silent = tmp_path / "silent.wav"
    soundfile.write(silent, np.zeros(16000), 16000)
    infinite = tmp_path / "infinite.wav"
    soundfile.write(infinite, np.full(16000, np.inf), 16000, subtype="FLOAT")
    noise = np.random.default_rng(0).normal(0, 0.1, 32000)
    damaged = tmp_path / "damaged.flac"
    soundfile.write(damaged, noise, 16000)
    cut(damaged, 0.5)
    paths = [silent, infinite, damaged]
    assert validate(paths).is_clean
    report = validate(paths, decode=True)
    assert {os.path.basename(f.path): f.kind for f in report.findings} == {
        "silent.wav": "silent",
        "infinite.wav": "not finite",
        "damaged.flac": "truncated",
    }


def test_a_folder_is_unreadable(tmp_path):
    assert validate([tmp_path]).counts == {"unreadable": 1}


@pytest.mark.filterwarnings("ignore:.*the published")
def test_numbers_that_are_not_the_published_ones_are_findings(tmp_path):
    write_tone(tmp_path / "gio-f1-b1.wav")
    report = validate(load_emovo(tmp_path))
    assert report.counts == {"count": 42}
    assert report.bad_paths == []
    messages = [finding.message for finding in report.findings]
    assert (
        "speaker f1, happiness: 1 recording(s), the published EMOVO has 14." in messages
    )
    with pytest.raises(ValueError, match="count") as error:
        report.raise_if_any()
    assert not isinstance(error.value, AudioError)


def test_a_corpus_without_paths_is_refused():
    corpus = make_emotional_speech(1, n_utterances=1, random_state=0)
    with pytest.raises(TypeError, match=r"no paths, only data, target.*write_corpus"):
        validate(corpus)
    with pytest.raises(TypeError, match="Wrap"):
        validate("a.wav")
    with pytest.raises(ValueError, match="0 sample"):
        validate([])


@pytest.mark.parametrize(
    "parameters",
    [{"min_duration": -1}, {"max_duration": 0}, {"decode": "no"}, {"n_jobs": 1.5}],
)
def test_bad_parameters_are_named(parameters):
    with pytest.raises(ValueError, match=f"'{next(iter(parameters))}' parameter of"):
        validate(["a.wav"], **parameters)


def test_every_length_is_accepted_with_the_widest_bounds(tmp_path):
    paths = [write_tone(tmp_path / "a.wav", 0.01), write_tone(tmp_path / "b.wav", 61.0)]
    assert validate(paths).counts == {"too short": 1, "too long": 1}
    assert validate(paths, min_duration=0, max_duration=None).is_clean
