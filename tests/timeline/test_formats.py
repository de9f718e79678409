"""Timeline: segments, and files as other tools read them, against text by hand."""

import csv
import io
import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from skser.timeline import EmotionSegment, Timeline

NAN = np.nan


def make(label, start, end, **others):
    """Return a timeline of labels alone."""
    n_rows = len(label)
    known = {
        "classes": ["joy", "fear"],
        "file": ["a/my talk.wav"] * n_rows,
        "start": np.array(start, dtype=float),
        "end": np.array(end, dtype=float),
        "label": np.array(label, dtype=object),
        "posteriors": None,
        "speaker": None,
        "duration": {"a/my talk.wav": 8.0},
    }
    return Timeline(**known | others)


@pytest.fixture
def timeline():
    """Six windows of 3 s, a second apart; the fourth without speech."""
    return make(
        ["joy", "joy", "fear", None, "fear", "fear"],
        range(6),
        range(3, 9),
        posteriors=np.array(
            [[0.9, 0.1], [0.75, 0.25], [0.4, 0.6], [NAN, NAN], [0, 1], [1 / 3, 2 / 3]]
        ),
    )


def spans(timeline):
    return [segment[1:4] for segment in timeline.to_segments()]


class TestSegments:
    def test_windows_take_over_halfway_between_their_middles(self, timeline):
        assert spans(timeline) == [
            (0.0, 3.0, "joy"),
            (3.0, 4.0, "fear"),
            (5.0, 8.0, "fear"),
        ]
        assert timeline.to_segments()[0] == EmotionSegment(
            "a/my talk.wav", 0.0, 3.0, "joy", None
        )

    def test_windows_that_do_not_overlap_keep_their_times(self):
        apart = make(["joy", "joy", "fear"], [0, 2, 5], [2, 4, 6])
        assert spans(apart) == [(0.0, 4.0, "joy"), (5.0, 6.0, "fear")]

    def test_of_each_speaker_there_are_parts_of_their_own(self):
        talk = make(
            ["joy", "fear", "joy"], [0, 1, 3], [3, 4, 5], speaker=["ann", "bob", "ann"]
        )
        assert [(s.speaker, s.start, s.end) for s in talk.to_segments()] == [
            ("ann", 0.0, 5.0),
            ("bob", 1.0, 4.0),
        ]

    def test_recordings_do_not_touch(self):
        two = make(["joy", "joy"], [0, 0], [3, 3], file=["b", "a"])
        two = replace(two, duration={"b": 3.0, "a": 3.0})
        assert [s.file for s in two.to_segments()] == ["b", "a"]

    def test_they_never_overlap_or_turn_around(self):
        generator = np.random.default_rng(0)
        for _ in range(50):
            start = generator.uniform(0, 9, 6)
            end = start + generator.uniform(0.1, 4, 6)
            found = spans(make(["joy", "fear"] * 3, start, end))
            assert all(a < b for a, b, _ in found)
            assert all(x[1] <= y[0] for x, y in itertools.pairwise(found))


class TestTables:
    def test_frames_have_a_row_for_each_window(self, timeline):
        frame = timeline.to_frame()
        assert list(frame) == ["file", "start", "end", "label", "p(joy)", "p(fear)"]
        np.testing.assert_array_equal(frame[["p(joy)", "p(fear)"]], timeline.posteriors)
        assert frame["label"].isna().tolist() == [False] * 3 + [True, False, False]
        assert len(timeline) == len(frame) == 6
        speakers = replace(timeline, speaker=list("aabbaa")).to_frame()
        assert speakers["speaker"].tolist() == list("aabbaa")

    def test_csv_reads_back(self, timeline):
        rows = list(csv.DictReader(io.StringIO(timeline.to_csv())))
        assert rows[5] == {
            "file": "a/my talk.wav",
            "start": "5.0",
            "end": "8.0",
            "label": "fear",
            "p(joy)": "0.333333",
            "p(fear)": "0.666667",
        }
        assert list(rows[3].values()) == ["a/my talk.wav", "3.0", "6.0", "", "", ""]
        frame = pd.read_csv(io.StringIO(timeline.to_csv()))
        pd.testing.assert_frame_equal(frame, timeline.to_frame(), atol=1e-6)

    def test_the_index_is_audformat_s_segmented_one(self, timeline):
        index = timeline.to_index()
        assert index.names == ["file", "start", "end"]
        assert [str(dtype) for dtype in index.dtypes] == [
            "string",
            "timedelta64[ns]",
            "timedelta64[ns]",
        ]
        assert index[2] == ("a/my talk.wav", pd.Timedelta("2s"), pd.Timedelta("5s"))

    def test_without_windows_there_is_a_header(self):
        nothing = make([], [], [], posteriors=np.empty((0, 2)))
        assert nothing.to_csv() == "file,start,end,label,p(joy),p(fear)\n"
        assert nothing.to_rttm() == ""
        assert nothing.to_frame().shape == (0, 6)

    def test_it_says_what_it_is(self, timeline):
        assert repr(timeline) == (
            "<Timeline: 6 windows of 1 recording(s), 0.00 h; 1 windows without speech>"
        )


class TestRttm:
    def test_a_line_is_a_segment(self, timeline):
        assert timeline.to_rttm() == (
            "SPEAKER my_talk 1 0.000 3.000 <NA> <NA> joy <NA> <NA>\n"
            "SPEAKER my_talk 1 3.000 1.000 <NA> <NA> fear <NA> <NA>\n"
            "SPEAKER my_talk 1 5.000 3.000 <NA> <NA> fear <NA> <NA>\n"
        )

    def test_speakers_stand_before_emotions(self):
        talk = make(["joy", 1], [0, 3], [3, 4.5], speaker=["ann lee", None])
        assert talk.to_rttm() == (
            "SPEAKER my_talk 1 0.000 3.000 <NA> <NA> ann_lee:joy <NA> <NA>\n"
            "SPEAKER my_talk 1 3.000 1.500 <NA> <NA> 1 <NA> <NA>\n"
        )


class TestTextGrid:
    def test_a_tier_covers_the_recording(self):
        talk = make(['so-called "joy"', "fear"], [0.5, 4], [2.25, 8])
        assert talk.to_textgrid() == (
            'File type = "ooTextFile"\n'
            'Object class = "TextGrid"\n'
            "\n"
            "xmin = 0\n"
            "xmax = 8\n"
            "tiers? <exists>\n"
            "size = 1\n"
            "item []:\n"
            "    item [1]:\n"
            '        class = "IntervalTier"\n'
            '        name = "emotion"\n'
            "        xmin = 0\n"
            "        xmax = 8\n"
            "        intervals: size = 4\n"
            "        intervals [1]:\n"
            "            xmin = 0\n"
            "            xmax = 0.5\n"
            '            text = ""\n'
            "        intervals [2]:\n"
            "            xmin = 0.5\n"
            "            xmax = 2.25\n"
            '            text = "so-called ""joy"""\n'
            "        intervals [3]:\n"
            "            xmin = 2.25\n"
            "            xmax = 4\n"
            '            text = ""\n'
            "        intervals [4]:\n"
            "            xmin = 4\n"
            "            xmax = 8\n"
            '            text = "fear"\n'
        )

    def test_each_speaker_has_a_tier(self):
        talk = make(["joy", "fear", None], [0, 1, 2], [3, 4, 3], speaker=list("abc"))
        text = talk.to_textgrid()
        assert "size = 3\nitem []" in text
        for name in ("emotion (a)", "emotion (b)", "emotion (c)"):
            assert f'name = "{name}"' in text

    def test_a_recording_without_speech_is_one_empty_interval(self):
        text = make([None], [0], [3]).to_textgrid()
        assert "intervals: size = 1\n" in text
        assert 'xmax = 8\n            text = ""\n' in text

    def test_of_several_recordings_one_is_chosen(self):
        two = make(["joy", "fear"], [0, 0], [3, 3], file=["a", "b"])
        two = replace(two, duration={"a": 3.0, "b": 3.0})
        assert 'text = "fear"' in two.to_textgrid(file="b")
        for file in (None, "c"):
            with pytest.raises(ValueError, match="must be one of a, b; got"):
                two.to_textgrid(file=file)


@pytest.mark.parametrize("kind", ["csv", "rttm", "textgrid"])
def test_files_are_replaced_as_a_whole(timeline, kind, tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    write = getattr(timeline, f"to_{kind}")
    assert write(path) is None
    assert path.read_text("utf-8") == write()
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "no" / "file")
