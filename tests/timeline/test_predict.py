"""predict_timeline: what a window is, and that its answer is that of its Segment."""

import io
from functools import partial
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC

from skser import AudioLoader, Segment
from skser.ensembles import RejectOption
from skser.exceptions import (
    EmptyAudioError,
    ImplausibleAudioWarning,
    NonFiniteAudioError,
    SegmentError,
    TooLongAudioError,
)
from skser.systems import SYSTEMS
from skser.timeline import EnergyActivityDetector, predict_timeline, smooth_median

everywhere = partial(predict_timeline, activity=None)


def assert_answers_are_those_of_segments(timeline, system, **tolerance):
    rows = zip(timeline.file, timeline.start, timeline.end, strict=True)
    segments = [Segment(*row) for row in rows]
    answered = ~np.isnan(timeline.posteriors).any(axis=1)
    assert answered.any()
    for i in np.flatnonzero(answered):
        (expected,) = system.predict_proba([segments[i]])
        np.testing.assert_allclose(timeline.posteriors[i], expected, atol=1e-6)
        assert timeline.label[i] == system.classes_[expected.argmax()]
    assert [label is None for label in timeline.label] == (~answered).tolist()


def assert_answers_sum_to_one(timeline):
    np.testing.assert_allclose(timeline.posteriors.sum(axis=1), 1)


def write(path, signal, rate, **options):
    soundfile.write(path, signal, rate, **options)
    return str(path)


class TestWindows:
    def test_they_begin_a_hop_apart_and_the_last_one_is_what_is_left(
        self, linear_system, talk
    ):
        timeline = everywhere(linear_system, talk[: 16000 * 7 + 8000])
        assert timeline.start.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
        assert timeline.end.tolist() == [3.0, 4.0, 5.0, 6.0, 7.0, 7.5]
        assert timeline.duration == {"recordings[0]": 7.5}

    @pytest.mark.filterwarnings("ignore::skser.exceptions.ShortAudioWarning")
    @pytest.mark.parametrize(
        ("n_samples", "ends"),
        [
            (16000 * 5, [3.0, 4.0, 5.0]),  # nothing is left
            (16000 * 5 + 1599, [3.0, 4.0, 5.0]),  # less than 0.1 s
            (16000 * 5 + 1600, [3.0, 4.0, 5.0, 5.1]),
            (16000 * 3, [3.0]),
            (16000, [1.0]),  # shorter than a window
            (800, [0.05]),
        ],
    )
    def test_a_rest_of_a_tenth_of_a_second_is_a_window(
        self, linear_system, talk, n_samples, ends
    ):
        assert everywhere(linear_system, talk[:n_samples]).end.tolist() == ends

    def test_there_may_be_gaps_between_them(self, linear_system, talk):
        timeline = everywhere(linear_system, talk[: 16000 * 8], window=1, hop=3)
        assert timeline.start.tolist() == [0.0, 3.0, 6.0]
        assert timeline.end.tolist() == [1.0, 4.0, 7.0]

    @pytest.mark.parametrize("rate", [16000, 44100, 8000])
    def test_an_answer_is_that_of_the_segment(
        self, linear_system, talk, tmp_path, rate
    ):
        signal = np.stack([talk, 0.5 * talk], axis=1)[: 12 * rate]
        path = write(tmp_path / "talk.flac", signal, rate)
        timeline = everywhere(linear_system, path, window=2.3, hop=0.7)
        assert len(timeline) == len(talk[: 12 * rate]) // int(0.7 * rate) - 2
        assert_answers_are_those_of_segments(timeline, linear_system)

    def test_of_a_part_of_a_file_times_are_those_of_the_file(
        self, linear_system, talk_path
    ):
        timeline = everywhere(linear_system, Segment(talk_path, 2.5, 8.0))
        assert timeline.start.tolist() == [2.5, 3.5, 4.5, 5.5]
        assert timeline.end.tolist() == [5.5, 6.5, 7.5, 8.0]
        assert_answers_are_those_of_segments(timeline, linear_system)

    def test_many_blocks_of_decoding_give_the_same(self, linear_system, talk, tmp_path):
        # A block has 2 ** 20 values: 32 of these seconds in 2 channels.
        long = np.tile(talk, 3)[:, np.newaxis].repeat(2, axis=1)
        path = write(tmp_path / "long.wav", long, 16000, subtype="FLOAT")
        timeline = predict_timeline(linear_system, path, window=4, hop=4)
        assert timeline.end[-1] > 70
        assert_answers_are_those_of_segments(timeline, linear_system)

    def test_waveforms_are_taken_at_the_rate_of_the_loader(
        self, linear_system, talk, talk_path
    ):
        of_path = predict_timeline(linear_system, talk_path)
        of_waveform = predict_timeline(linear_system, [talk])
        np.testing.assert_array_equal(of_waveform.posteriors, of_path.posteriors)
        halved = clone(linear_system[0]).set_params(input_sample_rate=8000)
        other = make_pipeline(halved, *linear_system[1:])
        slow = everywhere(other, (talk[:64000] * 32767).astype(np.int16))
        assert slow.end[-1] == 8.0

    def test_contents_open_files_and_pairs_are_taken(self, linear_system, talk):
        expected = predict_timeline(linear_system, talk).posteriors
        content = io.BytesIO()
        soundfile.write(content, talk, 16000, format="WAV", subtype="FLOAT")
        for recording in (content.getvalue(), content, (talk, 16000)):
            for recordings in (recording, [recording]):
                timeline = predict_timeline(linear_system, recordings)
                np.testing.assert_array_equal(timeline.posteriors, expected)
                assert timeline.file[0] == "recordings[0]"
        with pytest.raises(
            NonFiniteAudioError, match=r"^recordings\[1\] has 9999 sample"
        ):
            predict_timeline(linear_system, [talk, np.full(9999, np.nan)])

    def test_several_recordings_stand_one_behind_the_other(
        self, linear_system, speech, talk_path
    ):
        paths = [talk_path, *speech.paths[:3]]
        together = predict_timeline(linear_system, paths)
        alone = [predict_timeline(linear_system, path) for path in paths]
        assert together.file == [name for one in alone for name in one.file]
        np.testing.assert_allclose(
            together.posteriors, np.concatenate([a.posteriors for a in alone])
        )
        lengths = {key: d for one in alone for key, d in one.duration.items()}
        assert together.duration == lengths

    def test_several_threads_give_the_same(self, linear_system, talk):
        long = np.tile(talk, 4)
        timeline = everywhere(linear_system, long, n_jobs=2)
        expected = everywhere(linear_system, long)
        assert len(timeline) > 64  # more than a batch
        np.testing.assert_array_equal(timeline.posteriors, expected.posteriors)
        assert timeline.start.tolist() == expected.start.tolist()


# Systems without TensorFlow that are trained in a moment, of each kind: votes, one
# level, functionals, no posteriors, speakers, encoders.
CHEAP_ROWS = [
    "egemaps_svm",
    "ivector",
    "recommended",
    "statistics_ivector_vote_transductive",
    "pretrained_statistics",
    "pretrained_statistics_transductive",
]


class TestSystems:
    @pytest.mark.parametrize("name", CHEAP_ROWS)
    def test_systems_of_each_kind_answer_as_for_segments(
        self, name, speech, talk_path, shrink, request
    ):
        if name.startswith("egemaps") and find_spec("opensmile") is None:
            pytest.skip("openSMILE is not installed")
        arguments = {}
        if name.startswith("pretrained"):
            arguments["model"] = request.getfixturevalue("tiny_encoder")
        system = shrink(SYSTEMS[name](random_state=0, **arguments))
        system.fit(speech.paths[::2], speech.target[::2])
        timeline = predict_timeline(system, Segment(talk_path, 0, 4.5))
        assert len(timeline) == 3
        if hasattr(system, "predict_proba"):
            assert_answers_are_those_of_segments(timeline, system)
            return
        assert timeline.posteriors is None
        rows = zip(timeline.file, timeline.start, timeline.end, strict=True)
        for row, label in zip(rows, timeline.label, strict=True):
            assert system.predict([Segment(*row)]) == label

    def test_the_paper_s_network_answers_as_for_segments(
        self, fitted_system, talk_path
    ):
        timeline = predict_timeline(fitted_system, Segment(talk_path, 0, 5.5))
        assert_answers_are_those_of_segments(timeline, fitted_system)

    def test_a_search_is_its_best_system(self, linear_system, speech, talk):
        search = GridSearchCV(linear_system, {"logisticregression__C": [0.1]}, cv=2)
        search.fit(speech.paths, speech.target)
        found = everywhere(search, talk)
        expected = everywhere(search.best_estimator_, talk)
        np.testing.assert_array_equal(found.posteriors, expected.posteriors)

    @pytest.mark.parametrize("is_around", [False, True])
    def test_labels_are_what_predict_says(
        self, linear_system, speech, talk_path, is_around
    ):
        if is_around:
            system = RejectOption(linear_system, error_rate=0.4, cv=3)
        else:
            unsure = RejectOption(linear_system[-1], error_rate=0.4, cv=3)
            system = make_pipeline(*linear_system[:-1], unsure)
        system.fit(speech.paths, speech.target)
        timeline = everywhere(system, talk_path, window=1)
        rows = zip(timeline.file, timeline.start, timeline.end, strict=True)
        expected = system.predict([Segment(*row) for row in rows])
        assert timeline.label.tolist() == expected.tolist()
        n_refused = np.isin(expected, system.classes_, invert=True).sum()
        assert 0 < n_refused < len(expected)
        assert_answers_sum_to_one(timeline)

    def test_what_does_not_begin_with_a_loader_is_refused(self, linear_system, talk):
        for system in (linear_system[1:], linear_system[-1], linear_system[:1]):
            with pytest.raises(TypeError, match="begins with an AudioLoader"):
                predict_timeline(system, talk)

    def test_a_system_of_numbers_is_refused(self, linear_system, talk):
        ridge = make_pipeline(*linear_system[:-1], Ridge().fit([[0.0]], [0.0]))
        with pytest.raises(TypeError, match=r"system is a regressor.*predict\("):
            predict_timeline(ridge, talk)

    def test_what_is_not_fitted_says_so_before_anything_is_read(self, linear_system):
        with pytest.raises(NotFittedError, match="not fitted"):
            predict_timeline(clone(linear_system), "no.wav")


class TestActivity:
    def test_windows_of_silence_get_no_answer(self, linear_system, talk, speech):
        timeline = predict_timeline(linear_system, talk)
        start = sum(len(signal) for signal in speech.data[:7]) / 16000
        inside = (timeline.start > start) & (timeline.end < start + 6)
        outside = (timeline.end < start) | (timeline.start > start + 6)
        assert inside.sum() >= 3
        assert np.isnan(timeline.posteriors[inside]).all()
        assert np.isfinite(timeline.posteriors[outside]).all()
        assert set(timeline.label[inside]) == {None}

    def test_nothing_is_heard_in_silence(self, linear_system):
        timeline = predict_timeline(linear_system, np.zeros(80000))
        assert timeline.label.tolist() == [None] * 3
        assert timeline.to_segments() == []
        assert np.isnan(timeline.posteriors).all()

    def test_a_detector_of_the_user_s_takes_its_place(
        self, linear_system, talk, talk_path
    ):
        def detect(signal, rate):
            seen.append((signal.shape, signal.dtype, rate))
            return [(1.0, 2.0), (1.5, 3.5), (8.75, 9.0)]

        seen = []
        hear = partial(predict_timeline, linear_system, activity=detect, window=1)
        timeline = hear(talk_path, min_speech=0.5)
        assert seen == [((len(talk),), np.float32, 16000)]
        answered = [label is not None for label in timeline.label]
        assert timeline.start[answered].tolist() == [1.0, 2.0, 3.0]
        enough = hear(talk_path, min_speech=0.25).label
        assert enough[8] is not None
        # Of a part of a file, its times are those of the part.
        part = hear(Segment(talk_path, 10, 16))
        answered = [label is not None for label in part.label]
        assert part.start[answered].tolist() == [11.0, 12.0, 13.0]

    def test_its_mistakes_are_named(self, linear_system, talk):
        with pytest.raises(ValueError, match=r"activity.*0 <= start < end.*start=3"):
            predict_timeline(linear_system, talk, activity=lambda *_: [(3, 2)])

    def test_a_detector_with_other_parameters_hears_other_windows(
        self, linear_system, talk
    ):
        deaf = EnergyActivityDetector(threshold=200)
        timeline = predict_timeline(linear_system, talk, activity=deaf)
        assert set(timeline.label) == {None}


class TestSegments:
    SPANS = ((4.0, 6.5, "anna"), (1.0, 3.25, "ben"), (5.0, 6.0, "ben"))

    def check(self, timeline, system, talk_path):
        assert timeline.start.tolist() == [1.0, 4.0, 5.0]
        assert timeline.end.tolist() == [3.25, 6.5, 6.0]
        assert timeline.speaker == ["ben", "anna", "ben"]
        timeline.file = [talk_path] * 3
        assert_answers_are_those_of_segments(timeline, system)

    def test_lists_of_tuples(self, linear_system, talk_path, talk):
        for recordings, segments in (
            (talk_path, self.SPANS),
            ([talk_path], [self.SPANS]),
            (talk, list(map(list, self.SPANS))),
        ):
            timeline = predict_timeline(linear_system, recordings, segments=segments)
            self.check(timeline, linear_system, talk_path)

    def test_nothing_may_have_been_found(self, linear_system, talk_path, talk):
        with pytest.warns(UserWarning, match="1 of 1 recordings have no segments"):
            timeline = predict_timeline(linear_system, talk_path, segments=[])
        assert len(timeline) == 0
        assert timeline.to_segments() == []
        with pytest.warns(UserWarning, match="1 of 2 recordings have no segments"):
            timeline = predict_timeline(
                linear_system, [talk, talk_path], segments=[[], [(0, 1)]]
            )
        assert timeline.file == [talk_path]

    def test_arrays_and_a_table_for_each_recording(self, linear_system, talk_path):
        array = np.array([[0.0, 1.0], [2.0, 3.5]])
        table = pd.DataFrame(array, columns=["start", "end"])
        for segments in (array, [table], [array.tolist()]):
            timeline = predict_timeline(linear_system, talk_path, segments=segments)
            assert timeline.end.tolist() == [1.0, 3.5]

    def test_tables_and_their_files(self, linear_system, talk_path, tmp_path):
        table = pd.DataFrame(self.SPANS, columns=["start", "end", "speaker"])
        table.to_csv(tmp_path / "turns.csv", index=False)
        audformat = table.assign(file="talk.wav")
        for name in ("start", "end"):
            audformat[name] = pd.to_timedelta(audformat[name], unit="s")
        audformat = audformat.set_index(["file", "start", "end"])
        for segments in (table, str(tmp_path / "turns.csv"), audformat):
            timeline = predict_timeline(linear_system, talk_path, segments=segments)
            self.check(timeline, linear_system, talk_path)
        timeline = predict_timeline(linear_system, talk_path, segments=audformat.index)
        assert timeline.speaker is None
        assert timeline.end.tolist() == [3.25, 6.5, 6.0]

    def test_rttm(self, linear_system, talk_path, speech, tmp_path):
        lines = [
            f"SPEAKER talk 1 {start} {end - start} <NA> <NA> {who} <NA> <NA>"
            for start, end, who in self.SPANS
        ]
        path = tmp_path / "turns.rttm"
        path.write_text("\n".join([";; a comment", *lines, ""]))
        timeline = predict_timeline(linear_system, talk_path, segments=path)
        self.check(timeline, linear_system, talk_path)
        with pytest.warns(UserWarning, match="1 of 2 recordings have no segments"):
            timeline = predict_timeline(
                linear_system, [speech.paths[0], talk_path], segments=path
            )
        self.check(timeline, linear_system, talk_path)

    def test_quiet_segments_are_answered(self, linear_system):
        noise = np.random.default_rng(0).normal(0, 1e-5, 48000)
        timeline = predict_timeline(linear_system, noise, segments=[(0, 1), (1, 2)])
        assert None not in timeline.label

    @pytest.mark.parametrize(
        ("segments", "error", "message"),
        [
            ([(0, 999)], SegmentError, r"from 0 s to 999 s' is not in the recording"),
            ([(2, 1)], ValueError, r"talk\.wav: .* 0 <= start < end"),
            ([(0, 1, "a", "b")], ValueError, r"\(start, end, speaker\)"),
            ([("0", "1")], ValueError, "2 lists for 1|in seconds"),
            ([[(0, 1)], [(0, 1)]], ValueError, "2 lists for 1 recordings"),
            ({"a": 1}, TypeError, "segments must be a list of"),
            (pd.DataFrame({"start": [1.0]}), ValueError, "no column end"),
        ],
    )
    def test_what_is_no_segment_is_named(
        self, linear_system, talk_path, segments, error, message
    ):
        with pytest.raises(error, match=message):
            predict_timeline(linear_system, talk_path, segments=segments)

    def test_a_table_must_say_which_recording_is_meant(
        self, linear_system, talk_path, speech
    ):
        two = [talk_path, speech.paths[0]]
        table = pd.DataFrame({"start": [0.0], "end": [1.0]})
        with pytest.raises(ValueError, match=r"does not say.*2 recordings"):
            predict_timeline(linear_system, two, segments=table)
        other = table.assign(file="other.wav")
        with pytest.raises(ValueError, match=r"has segments of other\.wav, but none"):
            predict_timeline(linear_system, two, segments=other)

    def test_a_line_of_rttm_that_cannot_be_read_is_named(
        self, linear_system, talk_path, tmp_path
    ):
        path = tmp_path / "turns.rttm"
        path.write_text("SPEAKER talk 1 zero 1 <NA> <NA> a <NA> <NA>\n")
        with pytest.raises(ValueError, match=r"turns\.rttm', line 1: expected SPEAKER"):
            predict_timeline(linear_system, talk_path, segments=path)


class TestFaults:
    def test_headers_are_looked_at_before_anything_is_predicted(
        self, linear_system, talk_path, tmp_path
    ):
        (tmp_path / "empty.wav").touch()
        with pytest.raises(EmptyAudioError, match=r"empty\.wav"):
            predict_timeline(linear_system, [talk_path, tmp_path / "empty.wav"])

    def test_a_file_that_breaks_off_costs_no_answer_of_others(
        self, linear_system, talk, talk_path, tmp_path
    ):
        bad = talk.copy()
        bad[90000] = np.nan
        bad = write(tmp_path / "bad.wav", bad, 16000, subtype="FLOAT")
        with pytest.raises(
            NonFiniteAudioError, match=r"bad\.wav.*index 90000"
        ) as found:
            predict_timeline(linear_system, [bad, talk_path])
        expected = predict_timeline(linear_system, talk_path)
        timeline = found.value.timeline
        assert timeline.file == [talk_path] * len(expected)
        np.testing.assert_array_equal(timeline.posteriors, expected.posteriors)

    def test_the_longest_duration_is_that_of_a_window(self, linear_system, talk):
        loader = AudioLoader(max_duration=2.5)
        system = Pipeline([("load", loader), *linear_system.steps[1:]])
        assert len(everywhere(system, talk, window=2.5)) > 10
        with pytest.raises(TooLongAudioError, match="A window lasts 3"):
            predict_timeline(system, talk)
        with pytest.raises(TooLongAudioError, match=r"from 0 s to 2\.6 s"):
            predict_timeline(system, talk, segments=[(0, 2.6)])

    def test_implausible_levels_are_told_once(self, linear_system, talk):
        with pytest.warns(ImplausibleAudioWarning) as found:
            everywhere(linear_system, np.tile(talk, 3) * 1e4)
        assert len(found) == 1
        assert found[0].filename == __file__

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"window": 0.01}, "'window' parameter of predict_timeline"),
            ({"hop": 0}, "'hop' parameter"),
            ({"min_speech": 2}, "'min_speech' parameter"),
            ({"activity": "webrtc"}, "activity must be 'energy'"),
            ({"smoothing": "mean"}, r"smoothing must be one of \['median', 'markov'\]"),
        ],
    )
    def test_parameters_are_checked(self, linear_system, talk, options, message):
        with pytest.raises(ValueError, match=message):
            predict_timeline(linear_system, talk[:48000], **options)


class TestSmoothing:
    @pytest.mark.parametrize("smoothing", ["median", "markov", lambda p: p[::-1]])
    def test_labels_follow_the_smoothed_posteriors(
        self, linear_system, talk, smoothing
    ):
        raw = predict_timeline(linear_system, talk)
        smooth = predict_timeline(linear_system, talk, smoothing=smoothing)
        assert np.isnan(smooth.posteriors).any()
        silent = np.isnan(raw.posteriors).any(axis=1)
        assert (smooth.posteriors[~silent] != raw.posteriors[~silent]).any()
        for label, row in zip(smooth.label, smooth.posteriors, strict=True):
            best = None if np.isnan(row).any() else smooth.classes[row.argmax()]
            assert label == best
        assert silent[silent].size == sum(label is None for label in raw.label)

    def test_recordings_and_speakers_are_smoothed_by_themselves(
        self, linear_system, talk
    ):
        spans = [(i, i + 2.0, "ab"[i % 2]) for i in range(8)]
        segments = [spans, spans[:3]]
        raw = predict_timeline(linear_system, [talk, talk], segments=segments)
        smooth = raw.smooth("median").posteriors
        for part in ([0, 2, 4, 6], [1, 3, 5, 7], [8, 10], [9]):
            np.testing.assert_allclose(
                smooth[part], smooth_median(raw.posteriors[part])
            )

    def test_a_system_without_posteriors_cannot_be_smoothed(self, linear_system, talk):
        system = make_pipeline(*linear_system[:-1], LinearSVC())
        parts = np.split(talk[:64000], 4)
        system.set_params(audioloader__input_sample_rate=16000)
        system.fit(parts, ["a", "b", "a", "b"])
        timeline = predict_timeline(system, talk)
        assert timeline.posteriors is None
        assert {"a", "b", None} >= set(timeline.label)
        with pytest.raises(ValueError, match="no posteriors that could be smoothed"):
            timeline.smooth("median")

    def test_a_function_that_changes_the_shape_is_refused(self, linear_system, talk):
        with pytest.raises(ValueError, match="of the shape that it is given"):
            predict_timeline(linear_system, talk, smoothing=lambda p: p[1:])
