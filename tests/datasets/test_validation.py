import os
import re

import numpy as np
import pytest
import soundfile

from skser import Segment
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
    headers_only = "headers only; decode=True looks at samples"
    assert str(report) == f"2 files ({headers_only}), nothing found."
    assert str(validate(paths, decode=True)) == "2 files, nothing found."


def test_the_report_can_be_read_raised_and_put_into_a_table(bad_files):
    report = validate(list(bad_files.values()), max_duration=2.5)
    text = str(report)
    assert re.match(r"8 files \(headers only.*\), 7 finding\(s\):\n", text)
    assert text.splitlines()[1] == "missing (there is no such file): 1"
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


def name_files(corpus_or_report):
    """Return (kind, name of the file) of the findings of a report."""
    return [(f.kind, os.path.basename(f.path or "")) for f in corpus_or_report.findings]


@pytest.fixture
def make_corpus(tmp_path):
    """Return a function that makes a corpus, of missing files, from some counts."""

    def make(counts):
        rows = [row for row, n in counts.items() for _ in range(n)]
        labels, speakers = zip(*rows, strict=True)
        paths = [str(tmp_path / f"{i}.wav") for i in range(len(rows))]
        return Corpus(
            paths=np.array(paths), target=np.array(labels), groups=np.array(speakers)
        )

    return make


def find(corpus, kind):
    return [f.message for f in validate(corpus).findings if f.kind == kind]


def test_a_misspelt_label_is_found(make_corpus):
    corpus = make_corpus({("happy", "a"): 60, ("sad", "b"): 50, ("hapy", "a"): 1})
    assert find(corpus, "similar labels") == [
        "'hapy' (1 recording(s)) and 'happy' (60)."
    ]
    assert find(corpus, "rare label") == ["'hapy': 1 of 111 recordings."]
    with pytest.raises(ValueError, match="similar labels") as error:
        validate(corpus).raise_if_any(["similar labels"])
    assert not isinstance(error.value, AudioError)


@pytest.mark.parametrize(
    ("one", "other", "are_similar"),
    [
        ("Anger", "anger", True),
        ("anger", "anger ", True),
        ("high_arousal", "high-arousal", True),
        ("angry", "anger", True),
        ("surprise", "surprised", True),
        ("happy", "unhappy", False),
        ("class1", "class2", False),
        ("happy_male", "happy_female", False),
        ("anger", "fear", False),
        ("sadness", "happiness", False),
    ],
)
def test_labels_are_similar_where_a_person_would_think_so(
    make_corpus, one, other, are_similar
):
    corpus = make_corpus({(one, "a"): 20, (other, "a"): 20, ("neutral", "b"): 20})
    assert bool(find(corpus, "similar labels")) == are_similar


def test_the_emotions_of_the_published_corpora_are_not_similar(make_corpus):
    labels = ["anger", "boredom", "calm", "disgust", "fear", "happiness", "neutral"]
    labels += ["sadness", "surprise", "anxiety", "worry"]
    corpus = make_corpus({(label, s): 2 for label in labels for s in "abc"})
    assert not find(corpus, "similar labels")
    assert not find(corpus, "rare label")


def test_a_corpus_of_one_class_is_the_first_finding(make_corpus):
    report = validate(make_corpus({("joy", "a"): 2, ("joy", "b"): 1}))
    assert report.findings[0].message == "all 3 recordings are 'joy'."
    assert next(iter(report.counts)) == "one class"


def test_labels_of_few_recordings_or_of_one_speaker_are_rare(make_corpus):
    corpus = make_corpus(
        {("joy", s): 40 for s in "abc"} | {("fear", "a"): 30, ("awe", "b"): 3}
    )
    assert find(corpus, "rare label") == [
        "'awe': 3 of 153 recordings.",
        "'fear' is of one speaker only, 'a': the fold that tests this one has nothing "
        "to learn it from.",
        "'awe' is of one speaker only, 'b': the fold that tests this one has nothing "
        "to learn it from.",
    ]


def test_speakers_of_one_emotion_are_named(make_corpus):
    corpus = make_corpus({("joy", "a"): 2, ("fear", "a"): 2, ("fear", "b"): 3})
    assert find(corpus, "one emotion") == [
        "1 of 2 speaker(s): b (fear, 3 recording(s))."
    ]


@pytest.mark.parametrize(
    ("one", "other", "are_similar"),
    [
        ("01 ", "1", True),
        ("Anna", "anna", True),
        ("spk_01", "spk-1", True),
        ("spk 1", "SPK1", True),
        ("1", "11", False),
        ("1-1", "11", False),
        ("Anna", "Hanna", False),
    ],
)
def test_speakers_that_a_person_takes_for_one_are_named(
    make_corpus, one, other, are_similar
):
    corpus = make_corpus({(e, s): 2 for e in ("joy", "fear") for s in (one, other)})
    expected = [f"{one!r} (4) and {other!r} (4) recording(s)."] if are_similar else []
    assert find(corpus, "similar speakers") == expected


def test_remarks_make_no_recording_bad(tmp_path):
    clipped = np.clip(np.sin(np.arange(16000) / 10), -0.6, 0.6)
    soundfile.write(tmp_path / "clipped.wav", clipped, 16000)
    paths = [write_tone(tmp_path / "tone.wav"), str(tmp_path / "clipped.wav")]
    report = validate(paths, decode=True)
    assert name_files(report) == [("clipped", "clipped.wav")]
    assert report.findings[0].message.endswith("at its peak of 0.6.")
    assert not report.is_clean
    assert report.good_rows().tolist() == [0, 1]
    report.raise_if_any()
    assert report.good_rows(["clipped"]).tolist() == [0]
    with pytest.raises(AudioError, match="clipped"):
        report.raise_if_any(["clipped"])


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_U8", "ULAW", "FLOAT"])
@pytest.mark.parametrize("frequency", [60, 220, 4000])
def test_whole_waves_are_not_clipped(tmp_path, subtype, frequency):
    time = np.arange(16000) / 16000
    swell = 0.2 + 0.75 * time
    signal = swell * np.sin(2 * np.pi * frequency * time + 0.1)
    soundfile.write(tmp_path / "tone.wav", signal, 16000, subtype=subtype)
    assert validate([tmp_path / "tone.wav"], decode=True).is_clean


def test_clipping_at_full_scale_is_found_on_both_sides(tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.6, 16000)
    smooth = np.convolve(noise, np.ones(8) / 3, "same")
    soundfile.write(tmp_path / "noise.wav", np.clip(smooth, -1, 1), 16000)
    assert validate([tmp_path / "noise.wav"], decode=True).counts == {"clipped": 1}


def test_decoding_finds_samples_that_say_nothing(tmp_path):
    tone = 0.3 * np.sin(np.arange(16000) / 10)
    faint = 1e-5 * np.random.default_rng(0).normal(size=16000)
    for name, signal, subtype in [
        ("cancelled.wav", np.stack([tone, -tone], axis=1), "PCM_16"),
        ("faint.wav", faint, "FLOAT"),
        ("integers.wav", tone * 32768, "FLOAT"),
        ("stereo.wav", np.stack([tone, 0.5 * tone], axis=1), "PCM_16"),
    ]:
        soundfile.write(tmp_path / name, signal, 16000, subtype=subtype)
    paths = sorted(tmp_path.iterdir())
    assert name_files(validate(paths, decode=True)) == [
        ("unscaled", "integers.wav"),
        ("silent", "faint.wav"),
        ("cancelled", "cancelled.wav"),
    ]


def test_levels_that_differ_between_speakers_are_said_in_decibels(tmp_path):
    paths, speakers = [], []
    for speaker, level in {"near": 0.5, "middle": 0.1, "far": 0.02}.items():
        for i in range(3):
            tone = level * np.sin(np.arange(16000 + i) / 10)
            paths.append(tmp_path / f"{speaker}{i}.wav")
            soundfile.write(paths[-1], tone, 16000)
            speakers.append(speaker)
    corpus = Corpus(paths=paths, target=["joy", "fear", "awe"] * 3, groups=speakers)
    (finding,) = validate(corpus, decode=True).findings
    assert finding.kind == "level"
    # 20 log10(0.5 / 0.02), and a sine is 3 dB below its peak.
    assert "the spread is 28.0 dB" in finding.message
    assert "from -37.0 dB (far) to -9.0 dB (near)" in finding.message
    assert validate(corpus.take([0, 1, 2, 3, 4, 5]), decode=True).counts == {"level": 1}
    assert validate(corpus.take([0, 1, 2]), decode=True).is_clean


def test_equal_samples_are_duplicates_whatever_holds_them(tmp_path):
    write_tone(tmp_path / "a.wav")
    write_tone(tmp_path / "b.wav", frequency=221)
    samples, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    soundfile.write(tmp_path / "c.flac", samples, 16000)
    soundfile.write(tmp_path / "d.aiff", samples, 16000)
    soundfile.write(tmp_path / "e.wav", samples, 8000)
    paths = sorted(tmp_path.iterdir())
    assert validate(paths).is_clean
    report = validate(paths, decode=True)
    assert name_files(report) == [("duplicate", "c.flac"), ("duplicate", "d.aiff")]


@pytest.mark.parametrize("decode", [False, True])
def test_segments_are_looked_at_as_recordings_are(tmp_path, decode):
    path = write_tone(tmp_path / "a.wav", 3.0, 220.3)
    segments = [
        Segment(path, 0, 1),
        Segment(path, 1, 2),
        Segment(path, 1.5, 3),
        Segment(path, 2.5, 3.5),
        Segment(path, 0, 1),
        Segment(path, 1, 1.05),
        Segment(tmp_path / "no.wav", 0, 1),
    ]
    report = validate(np.array(segments, dtype=object), decode=decode)
    assert [(f.kind, f.row) for f in report.findings] == [
        ("missing", 6),
        ("outside", 3),
        ("too short", 5),
        ("duplicate", 4),
        ("overlap", 1),
        ("overlap", 2),
    ]
    assert report.findings[1].path == path
    assert "from 2.5 s to 3.5 s" in report.findings[1].message
    assert "from 1.5 s to 3 s' shares 0.50 s with" in report.findings[-1].message
    assert report.good_rows().tolist() == [0, 1, 2]


def test_a_report_is_shown_in_a_notebook(bad_files):
    html = validate(list(bad_files.values()), max_duration=2.5)._repr_html_()
    assert "<td>missing</td><td>there is no such file</td><td>1</td>" in html
    assert validate([bad_files["good"]])._repr_html_().endswith("nothing found.</p>")
    assert "<x>" not in validate(["<x>.wav"])._repr_html_()
