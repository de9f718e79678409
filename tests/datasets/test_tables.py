import os
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skser import AudioLoader, Segment
from skser.datasets import load_cheavd, load_table, merge, validate
from skser.features import FrameStatistics, SpeechDescriptors
from skser.framing import Framer
from skser.model_selection import evaluate


@pytest.fixture
def write_table(tmp_path):
    """Write a table, and by default empty recordings a.wav, b.wav, c.wav beside it."""

    def write(text, name="table.csv", recordings=("a.wav", "b.wav", "c.wav"), **kwargs):
        for recording in recordings:
            file = tmp_path / recording
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        path = tmp_path / name
        path.write_text(text, **{"encoding": "utf-8", **kwargs})
        return path

    return write


WHOLE = """\
file,label,speaker,split,session,text_id,age
a.wav,joy,s1,train,1,t1,31
b.wav,fear,s2,test,1,t2,25
"""


def test_all_columns_are_read(write_table, tmp_path):
    corpus = load_table(write_table(WHOLE))
    assert corpus.paths.tolist() == [str(tmp_path / "a.wav"), str(tmp_path / "b.wav")]
    assert corpus.target.tolist() == ["joy", "fear"]
    assert corpus.target_names == ["fear", "joy"]
    assert corpus.groups.tolist() == ["s1", "s2"]
    assert corpus.splits.tolist() == ["train", "test"]
    assert corpus.sessions.tolist() == ["1", "1"]
    assert corpus.text_ids.tolist() == ["t1", "t2"]
    assert corpus.age.tolist() == ["31", "25"]
    assert corpus.expected_counts is None


def test_the_columns_can_have_any_names(write_table):
    table = write_table("path,emotion,who\na.wav,joy,s1\n")
    corpus = load_table(table, file="path", label="emotion", speaker="who")
    assert (corpus.target[0], corpus.groups[0]) == ("joy", "s1")
    assert corpus.splits is corpus.sessions is corpus.text_ids is None


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_tables_of_spreadsheet_programs_are_read(
    write_table, delimiter, encoding, newline
):
    text = WHOLE.replace(",", delimiter) + "\n" + delimiter * 6 + "\n"
    corpus = load_table(write_table(text, encoding=encoding, newline=newline))
    assert corpus.target.tolist() == ["joy", "fear"]


def test_quotes_hold_a_delimiter_and_blanks_do_not_count(write_table):
    table = write_table(
        'file, label, speaker\n"x, y.wav", joy , s1\n', recordings=["x, y.wav"]
    )
    corpus = load_table(table)
    assert os.path.basename(corpus.paths[0]) == "x, y.wav"
    assert (corpus.target[0], corpus.groups[0]) == ("joy", "s1")


def test_paths_are_relative_to_the_table_or_to_root(write_table, tmp_path):
    text = f"file,label,speaker\nwav/a.wav,joy,s1\n{tmp_path / 'b.wav'},joy,s1\n"
    table = write_table(text, recordings=["wav/a.wav", "b.wav"])
    expected = [str(tmp_path / "wav" / "a.wav"), str(tmp_path / "b.wav")]
    assert load_table(table).paths.tolist() == expected
    moved = tmp_path / "tables" / "table.csv"
    moved.parent.mkdir()
    table.rename(moved)
    assert load_table(moved, root=tmp_path).paths.tolist() == expected


def test_the_backslashes_of_windows_are_read_everywhere(write_table, tmp_path):
    table = write_table(
        "file,label,speaker\nwav\\a.wav,joy,s1\n", recordings=["wav/a.wav"]
    )
    assert Path(load_table(table).paths[0]) == tmp_path / "wav" / "a.wav"


def test_the_home_folder_is_expanded(write_table, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write_table("file,label,speaker\n~/a.wav,joy,s1\n")
    assert load_table("~/table.csv").paths.tolist() == [str(tmp_path / "a.wav")]


def test_labels_are_translated_without_regard_to_capitals(write_table):
    table = write_table("file,label,speaker\na.wav,Joy,s1\nb.wav,EXC,s1\n")
    labels = {"joy": "happiness", "exc": "happiness", "sad": "sadness"}
    corpus = load_table(table, labels=labels)
    assert corpus.target.tolist() == ["happiness", "happiness"]
    assert corpus.target_names == ["happiness", "sadness"]
    with pytest.raises(ValueError, match=r"Unknown value.* 'EXC'\. Expected: 'joy'"):
        load_table(table, labels={"joy": "happiness"})


def test_without_speakers_there_is_a_warning_unless_it_is_meant(write_table, recwarn):
    table = write_table("file,label\na.wav,joy\n")
    with pytest.warns(UserWarning, match="cannot keep speakers apart") as caught:
        assert load_table(table).groups is None
    assert caught[0].filename == __file__
    recwarn.clear()
    assert load_table(table, speaker=None).groups is None
    assert not recwarn


@pytest.mark.parametrize("parameter", ["file", "label", "speaker", "split", "text_id"])
def test_a_column_that_was_named_must_be_there(write_table, parameter):
    with pytest.raises(
        ValueError, match=rf"no column 'x'; its columns are 'file'.*{parameter}=\.\.\."
    ):
        load_table(write_table(WHOLE), **{parameter: "x"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.wav,joy\n", "no column 'file'"),
        ("file,label\n", "lists no recording"),
        ("", "lists no recording"),
        ("file,label,speaker\na.wav,joy,s1\nb.wav,,s1\n", "Line 3 .* column 'label'"),
        ("file,label,speaker\n,joy,s1\n", "Line 2 .* no value in the column 'file'"),
        ("file,label,speaker\na.wav,joy\n", "Line 2 .* has 2 values, expected 3"),
        ("file,label,label\na.wav,joy,joy\n", "several columns of one name"),
    ],
)
def test_bad_tables_are_answered_with_the_line_at_fault(write_table, text, message):
    if "\n" in text and text.count("\n") == 1 and "label" not in text:
        text += "b.wav,fear\n"
    with pytest.raises(ValueError, match=message):
        load_table(write_table(text))


def test_another_encoding_is_named(write_table):
    table = write_table("file,label,speaker\na.wav,Ärger,s1\n", encoding="latin-1")
    with pytest.raises(ValueError, match=r"not in UTF-8 .* Save it"):
        load_table(table)


def test_a_missing_table_is_answered_with_an_example(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"(?s)no table .*file,label,speaker"):
        load_table(tmp_path / "table.csv")


def test_a_wrong_root_is_found_at_once(write_table, tmp_path):
    table = write_table(WHOLE)
    with pytest.raises(FileNotFoundError, match=r"None of the first 2 .* root=\.\.\."):
        load_table(table, root=tmp_path / "elsewhere")


@pytest.mark.case("K20")
def test_absolute_paths_of_another_machine_are_not_answered_with_root(write_table):
    table = write_table("file,label,speaker\n/mnt/elsewhere/a.wav,joy,s1\n")
    with pytest.raises(FileNotFoundError, match="absolute paths, perhaps of another"):
        load_table(table)


def test_single_recordings_may_be_missing_until_they_are_validated(write_table):
    table = write_table(WHOLE, recordings=["b.wav"])
    assert len(load_table(table).paths) == 2


def test_columns_that_a_corpus_has_already_do_not_replace_them(write_table):
    pandas = pytest.importorskip("pandas")
    text = "file,emotion,speaker,label,paths,DESCR\na.wav,joy,s1,L7,p,d\n"
    corpus = load_table(write_table(text), label="emotion")
    assert corpus.target.tolist() == ["joy"]
    assert corpus.paths[0].endswith("a.wav")
    assert corpus.DESCR.startswith("Corpus of the table")
    assert isinstance(corpus.frame, pandas.DataFrame)
    assert corpus.frame["label"].tolist() == ["joy"]


CHEAVD = """\
file,label,speaker,split
a.wav,angry,p1,train
b.wav,Worried,p2,val
c.wav,anxious,p3,Test
"""


@pytest.mark.filterwarnings("ignore:.*not all of CHEAVD")
def test_cheavd_has_one_name_for_each_class_and_split(write_table):
    corpus = load_cheavd(write_table(CHEAVD))
    assert corpus.target.tolist() == ["anger", "worry", "anxiety"]
    assert corpus.splits.tolist() == ["train", "validation", "test"]
    assert corpus.target_names == [
        "anger",
        "anxiety",
        "disgust",
        "happiness",
        "neutral",
        "sadness",
        "surprise",
        "worry",
    ]
    assert "MEC 2017" in corpus.DESCR


@pytest.mark.filterwarnings("ignore:.*not all of CHEAVD")
def test_cheavd_needs_no_speakers(write_table):
    table = write_table("file,label,split\na.wav,happy,train\n")
    assert load_cheavd(table).groups is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label,split\na.wav,bored,train\n", "labels of .* 'bored'.*'angry'"),
        (
            "file,label,split\na.wav,sad,fold1\n",
            "column 'split' of .* 'fold1'.*'train'",
        ),
        ("file,label\na.wav,sad\n", "no column 'split'"),
        ("file,label,split\na.wav,sad,\n", "Line 2 .* no value in the column 'split'"),
    ],
)
def test_bad_tables_of_cheavd_are_answered_with_what_is_expected(
    write_table, text, message
):
    with pytest.raises(ValueError, match=message):
        load_cheavd(write_table(text))


def test_an_incomplete_cheavd_says_which_parts_and_classes_lack(write_table):
    with pytest.warns(UserWarning, match="not all of CHEAVD") as caught:
        load_cheavd(write_table(CHEAVD))
    message = str(caught[0].message)
    assert "1 in train (published: 4917), 1 in validation (published: 707)" in message
    assert "none of disgust, happiness, neutral, sadness, surprise" in message
    assert caught[0].filename == __file__


@pytest.mark.filterwarnings("error")
def test_a_whole_cheavd_gives_no_warning(write_table):
    labels = [
        "angry",
        "anxious",
        "disgust",
        "happy",
        "neutral",
        "sad",
        "surprise",
        "worried",
    ]
    sizes = {"train": 4917, "validation": 707, "test": 1406}
    lines = [
        f"{split}/{i}.wav,{labels[i % 8]},{split}"
        for split, n in sizes.items()
        for i in range(n)
    ]
    text = "\n".join(["file,label,split", *lines])
    corpus = load_cheavd(write_table(text, recordings=["train/0.wav"]))
    assert {split: int(np.sum(corpus.splits == split)) for split in sizes} == sizes


SEGMENTS = """\
file,start,end,label,speaker
a.wav,0,1.5,joy,s1
a.wav,1.5,3,fear,s2
b.wav,,,joy,s1
c.wav,0.25,,fear,s2
"""


def as_rows(corpus):
    return [(os.path.basename(s.path), s.start, s.end) for s in corpus.paths]


def test_rows_with_times_are_segments(write_table, tmp_path):
    corpus = load_table(write_table(SEGMENTS))
    assert corpus.paths[0] == Segment(tmp_path / "a.wav", 0, 1.5)
    assert as_rows(corpus) == [
        ("a.wav", 0.0, 1.5),
        ("a.wav", 1.5, 3.0),
        ("b.wav", None, None),
        ("c.wav", 0.25, None),
    ]
    assert corpus.target.tolist() == ["joy", "fear", "joy", "fear"]
    assert "start" not in corpus


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1.5", 1.5),
        ("0 days 00:00:01.500000", 1.5),
        ("0 days 00:00:01.500000001", 1.500000001),
        ("1 days 01:00:00", 90000.0),
        ("00:01:02.25", 62.25),
        ("1e-3", 0.001),
    ],
)
def test_times_are_seconds_or_what_pandas_writes(write_table, text, seconds):
    table = write_table(f"file,end,label,speaker\na.wav,{text},joy,s1\n")
    assert as_rows(load_table(table)) == [("a.wav", None, seconds)]


@pytest.mark.parametrize("nothing", ["", "NaT", "nan", "None"])
def test_a_table_without_any_time_lists_files(write_table, nothing):
    text = f"file,start,end,label,speaker\na.wav,{nothing},{nothing},joy,s1\n"
    assert load_table(write_table(text)).paths.dtype.kind == "U"


def test_the_segmented_index_of_audformat_is_read(write_table, tmp_path):
    pandas = pytest.importorskip("pandas")
    index = pandas.MultiIndex.from_arrays(
        [
            ["a.wav", "a.wav", "b.wav"],
            pandas.to_timedelta([0.0, 1.25, 0.0], unit="s"),
            pandas.to_timedelta([1.25, 2.5, None], unit="s"),
        ],
        names=["file", "start", "end"],
    )
    columns = {"emotion": ["joy", "fear", "joy"], "speaker": ["s1", "s1", "s2"]}
    write_table("")
    pandas.DataFrame(columns, index).to_csv(tmp_path / "table.csv")
    corpus = load_table(tmp_path / "table.csv", label="emotion")
    assert as_rows(corpus) == [
        ("a.wav", 0.0, 1.25),
        ("a.wav", 1.25, 2.5),
        ("b.wav", 0.0, None),
    ]


def test_a_start_and_a_duration_give_the_end(write_table):
    text = "file,offset,duration,label,speaker\na.wav,0.1,0.2,joy,s1\nb.wav,,,joy,s1\n"
    corpus = load_table(write_table(text), start="offset")
    assert as_rows(corpus) == [("a.wav", 0.1, 0.3), ("b.wav", None, None)]


def test_the_duration_of_a_file_is_a_column_like_others(write_table):
    corpus = load_table(write_table("file,label,speaker,duration\na.wav,joy,s1,2.5\n"))
    assert corpus.paths.dtype.kind == "U"
    assert corpus.duration.tolist() == ["2.5"]


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ("1.5,0.5", r"Line 2 .*0 <= start < end.*start=1\.5, end=0\.5"),
        ("1.5,1.5", r"Line 2 .*0 <= start < end"),
        ("-1,2", r"Line 2 .* column 'start' the time '-1'\. Expected seconds"),
        ("0,soon", r"Line 2 .* column 'end' the time 'soon'\. Expected seconds"),
        ("-1 days +23:59:59,1", "Line 2 .* column 'start' the time"),
        ("0,inf", "Line 2 .* column 'end' the time 'inf'"),
    ],
)
def test_times_that_make_no_segment_are_answered_with_the_line(
    write_table, times, message
):
    with pytest.raises(ValueError, match=message):
        load_table(write_table(f"file,start,end,label,speaker\na.wav,{times},joy,s1\n"))


@pytest.mark.parametrize(
    "name",
    [
        *("offset", "begin", "onset", "Start", "start_time", "start_ms"),
        *("segment_start", "startTime", "END", "stop", "end (s)", "t_end", "xmax"),
    ],
)
def test_columns_that_seem_to_be_times_are_refused_unless_named(write_table, name):
    table = write_table(f"file,label,speaker,{name}\na.wav,joy,s1,1\n")
    message = rf"column '{re.escape(name)}'.*start='.*start=None, end=None"
    with pytest.raises(ValueError, match=message):
        load_table(table)
    assert as_rows(load_table(table, start=name)) == [("a.wav", 1.0, None)]
    corpus = load_table(table, start=None, end=None)
    assert (corpus.paths.dtype.kind, corpus[name][0]) == ("U", "1")


def test_a_start_beside_a_length_of_another_name_is_refused(write_table):
    table = write_table("file,label,speaker,start,dur_ms\na.wav,joy,s1,1,200\n")
    with pytest.raises(ValueError, match=r"'dur_ms'.*rename it to 'duration'"):
        load_table(table)


@pytest.mark.parametrize(
    "name", ["age", "tone", "style", "gender", "stopwords", "origin"]
)
def test_other_columns_are_no_times(write_table, name):
    corpus = load_table(write_table(f"file,label,speaker,{name}\na.wav,joy,s1,1\n"))
    assert corpus[name].tolist() == ["1"]


def test_a_recording_listed_again_is_warned_of(write_table):
    text = "file,label,speaker,where\na.wav,joy,s1,1\na.wav,fear,s1,2\n"
    with pytest.warns(
        UserWarning, match=r"1 recording\(s\) more than once.*start=\.\.\."
    ):
        load_table(write_table(text))


def test_a_column_of_channels_is_warned_of(write_table):
    text = "file,label,speaker,channel\na.wav,joy,s1,1\nb.wav,fear,s1,2\n"
    with pytest.warns(UserWarning, match="'channel', but the mean of all channels"):
        load_table(write_table(text))


def test_segments_outlive_the_frame_and_a_choice_of_rows(write_table, tmp_path):
    pandas = pytest.importorskip("pandas")
    corpus = load_table(write_table(SEGMENTS)).take([3, 2, 0])
    frame = corpus.frame
    assert list(frame)[:3] == ["file", "start", "end"]
    assert frame["start"].tolist()[::2] == [0.25, 0.0]
    assert pandas.isna(frame["end"][0])
    frame.to_csv(tmp_path / "again.csv", index=False)
    again = load_table(tmp_path / "again.csv")
    assert again.paths.tolist() == corpus.paths.tolist()
    assert again.target.tolist() == corpus.target.tolist()
    both = merge({"one": corpus.take([0]), "other": load_table(write_table(WHOLE))})
    assert list(both.frame["file"]) == [os.fspath(path) for path in both.paths]


@pytest.mark.filterwarnings("ignore::skser.exceptions.ShortAudioWarning")
def test_a_system_is_evaluated_on_segments(tmp_path):
    rng = np.random.default_rng(0)
    lines = ["file,start,end,label,speaker"]
    for speaker in ("s1", "s2", "s3"):
        # Noise and a tone in turn: only who reads the parts can tell them.
        tone = 0.3 * np.sin(np.arange(8000) / 10)
        parts = [rng.normal(0, 0.1, 8000), tone] * 3
        soundfile.write(tmp_path / f"{speaker}.wav", np.concatenate(parts), 16000)
        lines += [
            f"{speaker}.wav,{i / 2},{(i + 1) / 2},{('anger', 'calm')[i % 2]},{speaker}"
            for i in range(6)
        ]
    (tmp_path / "table.csv").write_text("\n".join(lines))
    corpus = load_table(tmp_path / "table.csv")
    system = make_pipeline(
        AudioLoader(),
        Framer(frame_length=400, hop_length=160),
        SpeechDescriptors(),
        FrameStatistics(),
        StandardScaler(),
        LogisticRegression(),
    )
    result = evaluate(system, corpus)
    assert result.ua == 1.0
    assert result.files[1].endswith("s1.wav from 0.5 s to 1 s")


def test_dimensions_are_read_as_numbers(tmp_path):
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).touch()
    table = tmp_path / "table.csv"
    lines = [
        "file,label,speaker,arousal,valence,dominance,note",
        "a.wav,joy,s1,4.5,,high,1",
        "b.wav,fear,s2,3,-1,,2",
    ]
    table.write_text("\n".join(lines))
    corpus = load_table(table)
    assert corpus.arousal.tolist() == [4.5, 3]
    np.testing.assert_array_equal(corpus.valence, [np.nan, -1])
    # Other texts and other columns stay what they are.
    assert corpus.dominance.tolist() == ["high", ""]
    assert corpus.note.tolist() == ["1", "2"]
    corpus.frame.to_csv(table, index=False)
    again = load_table(table)
    np.testing.assert_array_equal(again.valence, corpus.valence)
    table.write_text("\n".join(lines).replace("4.5", "4:5"))
    with pytest.raises(ValueError, match=r"Line 2 .*'arousal' '4:5', but other lines"):
        load_table(table)


def test_a_table_of_numbers_needs_no_emotions(write_table):
    table = write_table("file,speaker,arousal\na.wav,s1,0.5\na.wav,s2,\n")
    with pytest.raises(ValueError, match=r"has no column 'label'.*or pass label=None"):
        load_table(table)
    with pytest.warns(UserWarning, match="lists 1 recording"):
        corpus = load_table(table, label=None)
    assert corpus.target is None
    assert repr(corpus) == "<Corpus 'table.csv': 2 recordings, 2 speakers>"
    np.testing.assert_array_equal(corpus.arousal, [0.5, np.nan])
    assert corpus.take([0]).groups.tolist() == ["s1"]
    assert validate(corpus, decode=False) is not None
