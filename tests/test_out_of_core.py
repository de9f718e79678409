"""ByUtterance: the results of a front end, with one utterance in memory at a time."""

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.base import clone
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skser import AcousticFeatures, AudioLoader, Framer, PCAWhitening
from skser.exceptions import AudioError, EmptyAudioError, TruncatedAudioError
from skser.features import Deltas, FrameStatistics
from skser.out_of_core import ByUtterance
from skser.systems import split_front_end


def front_end(**options):
    return make_pipeline(AudioLoader(**options), Framer(), AcousticFeatures(["MFCC"]))


@pytest.fixture
def paths(tmp_path):
    generator = np.random.default_rng(0)
    paths = [tmp_path / f"{i}.wav" for i in range(5)]
    for i, path in enumerate(paths):
        soundfile.write(path, generator.normal(0, 0.1, 2000 + 700 * i), 16000)
    return list(map(str, paths))


def assert_equal(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("has_folder", [False, True])
def test_results_are_those_of_the_front_end(paths, tmp_path, n_jobs, has_folder):
    temp_folder = tmp_path / "features" if has_folder else None
    streamed = ByUtterance(front_end(), temp_folder=temp_folder, n_jobs=n_jobs)
    found = streamed.transform(paths)
    assert_equal(found, front_end().transform(paths))
    assert isinstance(found[0], np.memmap) == has_folder


@pytest.mark.parametrize("has_folder", [False, True])
def test_processes_describe_long_recordings_to_the_same_bits(tmp_path, has_folder):
    generator = np.random.default_rng(0)
    X = [generator.normal(0, 0.1, 40_000 + 7_000 * i) for i in range(6)]
    steps = make_pipeline(Framer(), AcousticFeatures())
    streamed = ByUtterance(steps, temp_folder=tmp_path if has_folder else None)
    found = streamed.set_params(n_jobs=2).transform(X)
    assert_equal(found, steps.transform(X))
    assert min(features.nbytes for features in found) > 2**16
    if not has_folder:
        found[0][:] = 0  # not shared with anybody any more
        assert_equal(found[1:], steps.transform(X[1:]))
    assert_equal(clone(streamed).transform(X[1:]), found[1:])


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("has_folder", [False, True])
def test_rows_are_a_table_as_of_the_front_end(paths, tmp_path, n_jobs, has_folder):
    folder = tmp_path / "rows"
    steps = make_pipeline(*front_end(), FrameStatistics(["mean", "std"]))
    streamed = ByUtterance(steps, n_jobs=n_jobs)
    streamed.set_params(temp_folder=folder if has_folder else None)
    expected = steps.transform(paths)
    for X in (paths, paths[:1]):
        rows = streamed.transform(X)
        assert type(rows) is np.ndarray
        np.testing.assert_array_equal(rows, expected[: len(X)])
    assert not has_folder or list(folder.iterdir()) == []
    y = [0, 1, 0, 1, 1]
    linear = make_pipeline(streamed, StandardScaler(), RidgeClassifier()).fit(paths, y)
    plain = make_pipeline(steps, StandardScaler(), RidgeClassifier()).fit(paths, y)
    np.testing.assert_array_equal(linear[-1].coef_, plain[-1].coef_)


def test_signals_and_single_frames_are_no_rows(paths):
    signals = ByUtterance(AudioLoader()).transform([paths[0]] * 2)
    assert isinstance(signals, list)
    assert_equal(signals, AudioLoader().transform([paths[0]] * 2))
    short = [np.full(400, 0.1), np.full(500, 0.2)]
    frames = ByUtterance(Framer()).transform(short)
    assert isinstance(frames, list)
    assert_equal(frames, Framer().transform(short))
    assert frames[0].shape == (1, 1024)


def test_it_takes_what_the_first_step_takes(paths):
    expected = front_end().transform(paths)
    streamed = ByUtterance(front_end())
    for X in (tuple(paths), np.array(paths), pd.Series(paths, index=list("abcde"))):
        assert_equal(streamed.transform(X), expected)
    signals = AudioLoader().transform(paths)
    assert_equal(ByUtterance(front_end()[1:]).transform(signals), expected)
    table = np.random.default_rng(0).normal(size=(3, 2000))
    assert_equal(ByUtterance(Framer()).transform(table), Framer().transform(table))


def test_steps_see_one_utterance_at_a_time(paths):
    class Nosy(AcousticFeatures):
        def transform(self, X):
            sizes.append(len(X))
            return super().transform(X)

    sizes = []
    ByUtterance(make_pipeline(AudioLoader(), Framer(), Nosy())).transform(paths)
    assert sizes == [1] * 5


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("has_folder", [False, True])
def test_a_bad_utterance_has_its_place_in_the_whole_batch(tmp_path, n_jobs, has_folder):
    waveforms = [np.full(2000, 0.1 * i) for i in range(5)]
    waveforms[3][7] = np.nan
    streamed = ByUtterance(front_end(input_sample_rate=16000)[1:], n_jobs=n_jobs)
    streamed.set_params(temp_folder=tmp_path if has_folder else None)
    with pytest.raises(ValueError, match=r"^X\[3\] contains NaN"):
        streamed.transform(waveforms)
    assert list(tmp_path.iterdir()) == []


def test_headers_of_all_files_are_looked_at_before_anything_is_decoded(paths, tmp_path):
    open(paths[1], "w").close()
    open(paths[4], "w").close()
    streamed = ByUtterance(front_end(), temp_folder=tmp_path / "features")
    with pytest.raises(EmptyAudioError) as found:
        streamed.transform(paths)
    with pytest.raises(EmptyAudioError) as expected:
        front_end().transform(paths)
    assert str(found.value) == str(expected.value)
    assert "2 of 5 recordings" in str(found.value)
    assert not (tmp_path / "features").exists()


def test_a_file_that_only_decoding_finds_bad_is_named(paths, tmp_path):
    samples = np.full(3000, np.nan, dtype=np.float32)
    soundfile.write(paths[2], samples, 16000, subtype="FLOAT")
    folder = tmp_path / "features"
    with pytest.raises(AudioError, match=r"2\.wav"):
        ByUtterance(front_end(), temp_folder=folder).transform(paths)
    assert list(folder.iterdir()) == []


def test_a_missing_and_a_truncated_file_are_errors_of_their_kinds(paths):
    with pytest.raises(FileNotFoundError, match=r"missing\.wav"):
        ByUtterance(front_end()).transform([*paths, "missing.wav"])
    with open(paths[0], "r+b") as file:
        file.truncate(1000)
    with pytest.raises(TruncatedAudioError, match=r"0\.wav"):
        ByUtterance(front_end()).transform(paths)


def test_a_waveform_without_its_rate_is_named_among_paths(paths):
    with pytest.raises(ValueError, match=r"X\[5\] is a waveform, so its .* rate"):
        ByUtterance(front_end()).transform([*paths, np.ones(2000)])


@pytest.mark.parametrize("method", ["fit", "transform", "get_feature_names_out"])
def test_steps_that_learn_are_refused(paths, method):
    learning = make_pipeline(front_end(), PCAWhitening())
    arguments = [] if method.startswith("get") else [paths]
    with pytest.raises(ValueError, match=r"PCAWhitening.*split_front_end"):
        getattr(ByUtterance(learning), method)(*arguments)


def test_a_front_end_without_steps_is_refused(paths):
    with pytest.raises(ValueError, match="no steps"):
        ByUtterance(Pipeline([("nothing", "passthrough")])).transform(paths)


def test_what_is_no_transformer_is_refused(paths):
    with pytest.raises(ValueError, match="'front_end' parameter of ByUtterance"):
        ByUtterance("features").fit(paths)


def test_labels_of_another_number_are_refused_by_fit(paths):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ByUtterance(front_end()).fit(paths, ["calm"])


def test_parameters_of_its_steps_are_set_and_cloned_through_it():
    streamed = ByUtterance(front_end(), temp_folder="features")
    streamed.set_params(front_end__audioloader__max_duration=5.0)
    copy = clone(streamed)
    assert copy.get_params()["front_end__audioloader__max_duration"] == 5.0
    assert copy.temp_folder == "features"
    assert copy.front_end is not streamed.front_end


def test_columns_are_named_as_by_the_last_step():
    names = ByUtterance(front_end()).get_feature_names_out()
    assert list(names) == list(AcousticFeatures(["MFCC"]).get_feature_names_out())


def test_columns_are_named_from_step_to_step():
    steps = make_pipeline(Framer(), AcousticFeatures(["LPC"]), Deltas())
    names = ByUtterance(steps).get_feature_names_out().tolist()
    assert names == ["LPC_1", "LPC_2", "delta_LPC_1", "delta_LPC_2"]


def test_a_system_with_it_learns_the_same_and_is_split_behind_it(
    small_system, fitted_system, speech, tmp_path
):
    first, rest = split_front_end(clone(small_system))
    rest.set_params(whiten__temp_folder=tmp_path)
    streamed = Pipeline(
        [("front_end", ByUtterance(first, temp_folder=tmp_path)), *rest.steps]
    )
    assert list(split_front_end(streamed)[0].named_steps) == ["front_end"]
    streamed.fit(speech.paths, speech.target)
    np.testing.assert_array_equal(
        streamed.predict_proba(speech.paths), fitted_system.predict_proba(speech.paths)
    )
    assert list(tmp_path.iterdir()) == []
