"""Pretrained speech models as a front end: PretrainedFeatures over ONNX Runtime."""

import os
import pickle
import shutil
import subprocess
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pytest
import soundfile
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skser import AudioLoader, load, save
from skser.exceptions import ModelFileError
from skser.features import FrameStatistics, PretrainedFeatures
from skser.out_of_core import ByUtterance
from skser.systems import split_front_end

onnx = pytest.importorskip("onnx", reason="onnx, to make models, is not installed")
pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")

FLOAT = onnx.TensorProto.FLOAT
WHISPER = Path(__file__).parents[3] / "shared" / "data" / "whisper"
GENERATOR = np.random.default_rng(0)
SIGNALS = [GENERATOR.normal(0, 0.1, n) for n in (1600, 16000, 2345)]
# The tiny models average this many samples, from one frame to the next this many on.
LENGTH, HOP = 200, 80
GAINS = {"first": [1, 2], "second": [10, 20], "third": [-5, 7]}


def save_model(path, nodes, outputs, inputs=(("wave", ["batch", "samples"]),), **more):
    """Write an ONNX file: its nodes, and the name and shape of each output."""
    types = more.get("types", {})
    values = [
        [
            onnx.helper.make_tensor_value_info(name, types.get(name, FLOAT), shape)
            for name, shape in group
        ]
        for group in (inputs, outputs)
    ]
    initializers = [
        onnx.numpy_helper.from_array(np.asarray(array), name)
        for name, array in more.get("arrays", {}).items()
    ]
    graph = onnx.helper.make_graph(nodes, "tiny", *values, initializers)
    imports = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("own", 1)]
    model = onnx.helper.make_model(graph, opset_imports=imports, ir_version=8)
    onnx.helper.set_model_props(model, more.get("metadata", {}))
    onnx.save(model, path, **more.get("how", {}))
    return path


def save_encoder(path, gains=GAINS, is_pooled=False, samples="samples", **metadata):
    """Write an encoder: means of frames, times the gains of each output."""
    node = onnx.helper.make_node
    nodes = [node("Unsqueeze", ["wave", "axis"], ["channel"])]
    for name in gains:
        nodes += [
            node("Conv", ["channel", f"{name}_w"], [f"{name}_c"], strides=[HOP]),
            node("Transpose", [f"{name}_c"], [f"{name}_f"], perm=[0, 2, 1]),
            node("ReduceMean", [f"{name}_f"], [name], axes=[1], keepdims=0)
            if is_pooled
            else node("Identity", [f"{name}_f"], [name]),
        ]
    kernels = {
        f"{name}_w": np.outer(values, np.full(LENGTH, 1 / LENGTH))[:, None].astype("f4")
        for name, values in gains.items()
    }
    shape = ["batch", 2] if is_pooled else ["batch", "frames", 2]
    return save_model(
        path,
        nodes,
        [(name, shape) for name in gains],
        [("wave", ["batch", samples])],
        arrays={"axis": np.array([1]), **kernels},
        metadata={key: str(value) for key, value in metadata.items()},
    )


def means(signal, gains):
    """Return what such an encoder gives, by hand."""
    starts = range(0, len(signal) - LENGTH + 1, HOP)
    return np.outer([signal[s : s + LENGTH].mean() for s in starts], gains)


def assert_equal(got, expected, **tolerance):
    assert len(got) == len(expected)
    for mine, other in zip(got, expected, strict=True):
        if tolerance:
            np.testing.assert_allclose(mine, other, **tolerance)
        else:
            np.testing.assert_array_equal(mine, other)


@pytest.fixture
def encoder(tmp_path):
    return save_encoder(tmp_path / "tiny.onnx")


@pytest.fixture(scope="module")
def whisper():
    if not WHISPER.is_dir():
        pytest.skip("there is no real encoder in the shared data")
    return WHISPER


class TestFeatures:
    def test_a_signal_gives_the_frames_of_the_model(self, encoder):
        features = PretrainedFeatures(encoder, "first").fit_transform(SIGNALS)
        expected = [means(signal, [1, 2]) for signal in SIGNALS]
        assert_equal(features, expected, atol=1e-7)
        assert {array.dtype for array in features} == {np.dtype("float32")}

    def test_several_outputs_stand_side_by_side(self, encoder):
        both = PretrainedFeatures(encoder, ["third", "first"])
        expected = [means(signal, [-5, 7, 1, 2]) for signal in SIGNALS]
        assert_equal(both.transform(SIGNALS), expected, atol=1e-6)
        names = both.get_feature_names_out()
        assert list(names) == ["third_0", "third_1", "first_0", "first_1"]

    @pytest.mark.parametrize(
        ("names", "default"), [("a", "a"), ("ab", "b"), ("abc", "b"), ("abcd", "c")]
    )
    def test_the_default_is_the_middle_output(self, tmp_path, names, default):
        path = save_encoder(tmp_path / "tiny.onnx", {name: [1, 2] for name in names})
        found = PretrainedFeatures(path).get_feature_names_out()
        assert list(found) == [f"{default}_0", f"{default}_1"]

    def test_a_model_that_pools_over_time_gives_rows(self, tmp_path):
        path = save_encoder(tmp_path / "tiny.onnx", is_pooled=True)
        rows = PretrainedFeatures(path)
        expected = [means(signal, [1, 2]).mean(axis=0) for signal in SIGNALS]
        table = rows.fit_transform(SIGNALS)
        assert isinstance(table, np.ndarray)
        assert table.shape == (3, 2)
        # Of several, the first: what comes later is most often a classification.
        np.testing.assert_allclose(table, expected, atol=1e-7)
        assert np.isnan(rows.frame_rate_)

    def test_the_frame_rate_is_found_by_trying_or_in_the_metadata(self, tmp_path):
        assert PretrainedFeatures(save_encoder(tmp_path / "a.onnx")).frame_rate_ == 200
        stated = save_encoder(tmp_path / "b.onnx", sample_rate=8000, hop_length=160)
        assert PretrainedFeatures(stated, sample_rate=8000).frame_rate_ == 50

    def test_the_folder_of_the_only_model_will_do(self, encoder):
        features = PretrainedFeatures(encoder.parent).transform(SIGNALS)
        assert_equal(features, PretrainedFeatures(str(encoder)).transform(SIGNALS))

    def test_a_model_exported_from_elsewhere_works_as_it_is(self, tmp_path):
        # Halves, an output of unknown width, and one that is no features.
        path = save_halves(tmp_path / "other.onnx")
        features = PretrainedFeatures(path)
        expected = [signal.reshape(-1, 5) for signal in (SIGNALS[0], SIGNALS[2])]
        got = features.transform([SIGNALS[0], SIGNALS[2]])
        assert_equal(got, expected, atol=1e-3)
        assert got[0].dtype == np.float32
        assert len(features.get_feature_names_out()) == 5


def save_halves(path):
    node = onnx.helper.make_node
    return save_model(
        path,
        [
            node("Reshape", ["input_values", "shape"], ["frames"]),
            node("Cast", ["frames"], ["half"], to=onnx.TensorProto.FLOAT16),
            node("Shape", ["input_values"], ["size"]),
        ],
        [("size", [2]), ("half", ["batch", "frames", "width"])],
        [("input_values", ["batch", "samples"])],
        arrays={"shape": np.array([1, -1, 5])},
        types={"half": onnx.TensorProto.FLOAT16, "size": onnx.TensorProto.INT64},
    )


class TestLengths:
    def test_a_short_signal_gets_zeros_up_to_one_frame(self, encoder):
        short = [np.ones(n) for n in (1, 100, 199)]
        features = PretrainedFeatures(encoder, "first").transform(short)
        expected = [np.outer([n / LENGTH], [1, 2]) for n in (1, 100, 199)]
        assert_equal(features, expected, atol=1e-6)

    def test_a_fixed_length_is_filled_up_and_what_is_behind_is_cut_off(self, tmp_path):
        path = save_encoder(tmp_path / "fixed.onnx", {"only": [1, 2]}, samples=8000)
        features = PretrainedFeatures(path).transform([np.ones(800), np.ones(8000)])
        assert [len(array) for array in features] == [10, 98]
        np.testing.assert_allclose(features[1][:, 0], 1, atol=1e-6)

    @pytest.mark.parametrize("n_samples", [16001, 16079, 40000, 100_003])
    def test_windows_of_a_long_signal_are_joined_without_a_seam(
        self, tmp_path, n_samples
    ):
        signal = GENERATOR.normal(size=n_samples)
        path = save_encoder(tmp_path / "tiny.onnx", {"only": [1, 2]}, window=1)
        (frames,) = PretrainedFeatures(path).transform([signal])
        assert_equal([frames], [means(signal, [1, 2])], atol=1e-6)

    def test_rows_of_the_windows_of_a_long_signal_are_averaged(self, tmp_path):
        path = save_encoder(tmp_path / "tiny.onnx", is_pooled=True, window=1)
        signal = np.repeat([1.0, 3.0], 16000)
        row = PretrainedFeatures(path).transform([signal])[0]
        assert row[0] == pytest.approx(2, abs=0.02)

    def test_a_long_signal_in_a_model_of_fixed_length(self, tmp_path):
        path = save_encoder(tmp_path / "fixed.onnx", {"only": [1, 2]}, samples=8000)
        signal = np.repeat(GENERATOR.normal(size=60), 800)
        (frames,) = PretrainedFeatures(path).transform([signal])
        assert len(frames) == pytest.approx(len(signal) / HOP, abs=10)

    def test_ten_minutes_take_bounded_memory(self, tmp_path):
        # Every frame looks at every other: at once that would be 115 GB.
        node = onnx.helper.make_node
        save_model(
            tmp_path / "attention.onnx",
            [
                node("Reshape", ["wave", "shape"], ["frames"]),
                node("Transpose", ["frames"], ["turned"], perm=[0, 2, 1]),
                node("MatMul", ["frames", "turned"], ["scores"]),
                node("Softmax", ["scores"], ["weights"]),
                node("MatMul", ["weights", "frames"], ["attended"]),
            ],
            [("attended", ["batch", "frames", 80])],
            arrays={"shape": np.array([1, -1, 80])},
            metadata={"window": "2"},
        )
        script = """
import resource, sys
import numpy as np
from skser.features import PretrainedFeatures
signal = np.random.default_rng(0).normal(0, 0.1, 600 * 16000).astype("f4")
features = PretrainedFeatures(sys.argv[1], n_jobs=2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
(frames,) = features.transform([signal])
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(len(frames), after - before)
"""
        count, kilobytes = run(script, tmp_path / "attention.onnx").split()
        assert int(count) == 600 * 200
        assert int(kilobytes) < 300_000


def run(script, *arguments):
    """Return what a new process prints."""
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class TestLevel:
    def test_the_level_of_a_recording_does_not_matter(self, encoder):
        scaled = PretrainedFeatures(encoder, "first", rms=0.05)
        loud, quiet, shifted = scaled.transform(
            [SIGNALS[1], SIGNALS[1] / 50, SIGNALS[1] + 0.3]
        )
        np.testing.assert_allclose(quiet, loud, atol=1e-7)
        np.testing.assert_allclose(shifted, loud, atol=1e-7)
        signal = SIGNALS[1] - SIGNALS[1].mean()
        expected = means(0.05 * signal / signal.std(), [1, 2])
        np.testing.assert_allclose(loud, expected, atol=1e-7)

    def test_silence_stays_silence(self, encoder):
        (frames,) = PretrainedFeatures(encoder, rms=0.05).transform([np.full(900, 0.2)])
        np.testing.assert_array_equal(frames, 0)

    @pytest.mark.parametrize("rms", [0, -1, "loud"])
    def test_a_level_is_a_positive_number(self, encoder, rms):
        with pytest.raises(ValueError, match="'rms' parameter of PretrainedFeatures"):
            PretrainedFeatures(encoder, rms=rms).fit(SIGNALS)


class TestFaults:
    """What is wrong, what the model has, and what to do."""

    def refuse(self, path, match, error=ValueError, **params):
        with pytest.raises(error, match=match):
            PretrainedFeatures(path, **params).fit(SIGNALS)

    def test_a_model_that_is_not_there(self, tmp_path):
        self.refuse(tmp_path / "no.onnx", "nothing is downloaded", FileNotFoundError)

    def test_a_name_of_a_hub(self):
        self.refuse("openai/whisper-base", "export-encoder", FileNotFoundError)

    def test_a_folder_without_a_model_or_with_two(self, encoder):
        self.refuse(encoder.parent.parent, r"it holds 0 \(none\)")
        shutil.copy(encoder, encoder.with_name("other.onnx"))
        self.refuse(encoder.parent, r"it holds 2 \(other.onnx, tiny.onnx\)")

    @pytest.mark.parametrize("content", [b"", b"RIFF....WAVE", b"\x80\x04\x95"])
    def test_a_file_of_another_kind(self, tmp_path, content):
        path = tmp_path / "sound.onnx"
        path.write_bytes(content)
        self.refuse(path, "sound.onnx cannot be loaded: it is not an ONNX file")

    def test_half_a_file(self, encoder):
        encoder.write_bytes(encoder.read_bytes()[:-100])
        self.refuse(encoder, "or not a whole one")

    def test_custom_operators(self, tmp_path):
        nodes = [onnx.helper.make_node("Strange", ["wave"], ["out"], domain="own")]
        path = save_model(tmp_path / "own.onnx", nodes, [("out", [1, "n", 2])])
        self.refuse(path, "Custom operators .* are not loaded")

    @pytest.mark.parametrize(
        "place", ["weights.bin", "{}/weights.bin", "sub/../weights.bin"]
    )
    def test_weights_in_a_second_file(self, tmp_path, monkeypatch, place):
        path = save_model(
            tmp_path / "split.onnx",
            [onnx.helper.make_node("MatMul", ["wave", "weights"], ["out"])],
            [("out", ["batch", 2])],
            arrays={"weights": np.ones((4000, 2), "f4")},
            how={
                "save_as_external_data": True,
                "location": "weights.bin",
                "size_threshold": 0,
            },
        )
        # It would be found here.
        monkeypatch.chdir(tmp_path)
        place = place.format(tmp_path)
        model = onnx.load(path, load_external_data=False)
        for entry in model.graph.initializer[0].external_data:
            if entry.key == "location":
                entry.value = place
        path.write_bytes(model.SerializeToString())
        self.refuse(path, "its weights are in a second file")

    @pytest.mark.parametrize(
        ("inputs", "kind", "match"),
        [
            ([("wave", [1, "samples"]), ("mask", [1, "samples"])], FLOAT, "only input"),
            ([("wave", [1, 80, 3000])], FLOAT, "want a spectrogram"),
            ([("wave", ["samples"])], FLOAT, "Export it again with such an input"),
            ([("wave", [1, "samples"])], onnx.TensorProto.DOUBLE, r"tensor\(double\)"),
            ([("wave", [4, "samples"])], FLOAT, "any number of signals"),
        ],
    )
    def test_inputs_that_are_no_waveform(self, tmp_path, inputs, kind, match):
        nodes = [onnx.helper.make_node("Identity", ["wave"], ["out"])]
        types = {"wave": kind, "out": kind}
        path = save_model(
            tmp_path / "x.onnx", nodes, [("out", inputs[0][1])], inputs, types=types
        )
        self.refuse(path, r"needs one float32 input of shape \(batch, samples\)")
        self.refuse(path, match)

    def test_an_output_that_is_not_there(self, encoder):
        self.refuse(
            encoder, r"the model: first, second, third; got 'last'", output="last"
        )
        self.refuse(encoder, r"got \['first', 'last'\]", output=["first", "last"])
        self.refuse(encoder, r"got \[\]", output=[])

    def test_frames_and_rows_side_by_side(self, tmp_path):
        node = onnx.helper.make_node
        path = save_model(
            tmp_path / "mixed.onnx",
            [
                node("Reshape", ["wave", "shape"], ["frames"]),
                node("ReduceMean", ["frames"], ["row"], axes=[1], keepdims=0),
            ],
            [("frames", ["batch", "n", 5]), ("row", ["batch", 5])],
            arrays={"shape": np.array([1, -1, 5])},
        )
        self.refuse(path, "cannot stand side by side", output=["frames", "row"])

    def test_no_output_with_features(self, tmp_path):
        nodes = [onnx.helper.make_node("ReduceSum", ["wave"], ["sum"], keepdims=0)]
        path = save_model(tmp_path / "sum.onnx", nodes, [("sum", [])])
        self.refuse(path, "gives no features")

    def test_another_sample_rate(self, tmp_path):
        path = save_encoder(tmp_path / "tiny.onnx", sample_rate=8000)
        self.refuse(path, r"takes signals of 8000 Hz, got sample_rate=16000.* AudioL")

    def test_metadata_that_says_nothing(self, tmp_path):
        path = save_encoder(tmp_path / "tiny.onnx", sample_rate="fast")
        self.refuse(path, "sample_rate='fast' in its metadata")

    def test_a_model_that_fails(self, tmp_path):
        # It takes an even number of samples.
        path = save_model(
            tmp_path / "even.onnx",
            [onnx.helper.make_node("Reshape", ["wave", "shape"], ["out"])],
            [("out", ["batch", "frames", 2])],
            arrays={"shape": np.array([1, -1, 2])},
        )
        with pytest.raises(ValueError, match="model fails on a signal of 2345"):
            PretrainedFeatures(path).transform(SIGNALS)

    def test_features_that_are_not_finite(self, tmp_path):
        path = save_model(
            tmp_path / "divide.onnx",
            [
                onnx.helper.make_node("Reshape", ["wave", "shape"], ["frames"]),
                onnx.helper.make_node("Div", ["frames", "frames"], ["out"]),
            ],
            [("out", ["batch", "frames", 5])],
            arrays={"shape": np.array([1, -1, 5])},
        )
        with pytest.raises(ValueError, match=r"NaN or infinity for X\[1\]"):
            PretrainedFeatures(path).transform([SIGNALS[0], np.zeros(100)])

    def test_signals_that_are_not_signals(self, encoder):
        features = PretrainedFeatures(encoder)
        with pytest.raises(ValueError, match=r"X\[0\] contains NaN"):
            features.fit([np.full(900, np.nan)])
        with pytest.raises(ValueError, match=r"X\[1\] must have the shape"):
            features.transform([SIGNALS[0], np.zeros((2, 900))])
        with pytest.raises(ValueError, match=r"X\[0\] holds integers .* by 32768"):
            features.transform([(SIGNALS[0] * 32768).astype(np.int16)])

    def test_an_onnxruntime_that_reads_any_file(self, tmp_path, monkeypatch):
        path = save_encoder(tmp_path / "tiny.onnx", {"unknown": [5, 6]})
        monkeypatch.setattr("onnxruntime.__version__", "1.23.2")
        with pytest.raises(
            ImportError, match=r'needs 1\.24 or newer: .* "onnxruntime>=1\.24'
        ):
            PretrainedFeatures(path).fit(SIGNALS)

    def test_onnxruntime_that_is_not_installed(self, tmp_path, monkeypatch):
        path = save_encoder(tmp_path / "tiny.onnx", {"unseen": [3, 4]})
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
        with pytest.raises(ImportError, match='pip install "onnxruntime>='):
            PretrainedFeatures(path).fit(SIGNALS)


class TestTools:
    """scikit-learn, joblib and Dask handle it as they handle any transformer."""

    def test_threads_and_processes_do_not_change_the_features(self, encoder):
        alone = PretrainedFeatures(encoder).transform(SIGNALS)
        threaded = PretrainedFeatures(encoder, n_jobs=3)
        assert_equal(threaded.transform(SIGNALS), alone)
        with joblib.parallel_config("loky"):
            assert_equal(threaded.transform(SIGNALS), alone)

    def test_workers_of_dask_compute_the_same(self, encoder):
        distributed = pytest.importorskip("distributed", reason="needs Dask")
        alone = PretrainedFeatures(encoder).transform(SIGNALS)
        with (
            distributed.LocalCluster(
                n_workers=1, threads_per_worker=1, dashboard_address=None
            ) as cluster,
            distributed.Client(cluster),
            joblib.parallel_config("dask"),
        ):
            got = PretrainedFeatures(encoder, n_jobs=2).transform(SIGNALS)
        assert_equal(got, alone)

    def test_it_belongs_to_the_front_end_which_learns_nothing(self, encoder, tmp_path):
        system = make_pipeline(
            PretrainedFeatures(encoder), FrameStatistics(), LogisticRegression()
        )
        front_end, rest = split_front_end(system)
        assert len(front_end.steps) == 2
        assert len(rest.steps) == 1
        streamed = ByUtterance(PretrainedFeatures(encoder), temp_folder=tmp_path)
        expected = PretrainedFeatures(encoder).transform(SIGNALS)
        assert_equal(streamed.fit_transform(SIGNALS), expected)

    def test_the_output_is_searched_for(self, encoder):
        signals = [GENERATOR.normal(0.1 * (i % 2), 0.1, 2000) for i in range(12)]
        y = [i % 2 for i in range(12)]
        system = make_pipeline(
            PretrainedFeatures(encoder), FrameStatistics(), LogisticRegression()
        )
        grid = {"pretrainedfeatures__output": ["first", ["second", "third"]]}
        search = GridSearchCV(system, grid, cv=3, n_jobs=2).fit(signals, y)
        assert search.score(signals, y) == 1
        assert search.best_estimator_[0].sha256_

    def test_a_clone_is_not_fitted_and_a_pickle_holds_no_session(self, encoder):
        features = PretrainedFeatures(encoder).fit(SIGNALS)
        assert not hasattr(clone(features), "sha256_")
        pickled = pickle.dumps(features)
        assert len(pickled) < 1000
        assert_equal(
            pickle.loads(pickled).transform(SIGNALS), features.transform(SIGNALS)
        )

    def test_another_model_than_in_fit_is_refused(self, encoder, tmp_path):
        features = PretrainedFeatures(encoder).fit(SIGNALS)
        joblib.dump(features, tmp_path / "features.joblib")
        save_encoder(encoder, {"first": [3, 4]})
        os.utime(encoder, ns=(1, 1))
        loaded = joblib.load(tmp_path / "features.joblib")
        with pytest.raises(ValueError, match="is another one than in fit: its sha256"):
            loaded.transform(SIGNALS)
        assert len(loaded.fit(SIGNALS).transform(SIGNALS)) == 3

    def test_features_are_kept_by_the_content_of_the_model(self, encoder, tmp_path):
        folder = tmp_path / "cache"
        expected = PretrainedFeatures(encoder, "first").transform(SIGNALS)
        features = PretrainedFeatures(encoder, "first", cache=folder)
        assert_equal(features.transform(SIGNALS), expected)
        assert len(list(folder.iterdir())) == 3
        moved = encoder.rename(tmp_path / "moved.onnx")
        features.set_params(model=moved, n_jobs=2)
        assert_equal(features.transform(SIGNALS), expected)
        assert len(list(folder.iterdir())) == 3
        for changed in ({"output": "second"}, {"output": "first", "rms": 0.1}):
            features.set_params(**changed).transform(SIGNALS)
        assert len(list(folder.iterdir())) == 9
        save_encoder(moved, {"first": [3, 4]})
        features.set_params(rms=None)
        expected = [means(signal, [3, 4]) for signal in SIGNALS]
        assert_equal(features.transform(SIGNALS), expected, atol=1e-6)
        assert len(list(folder.iterdir())) == 12

    def test_what_is_kept_is_read_and_not_computed(self, encoder, tmp_path):
        features = PretrainedFeatures(encoder, cache=tmp_path / "cache")
        signal = [GENERATOR.normal(0, 0.1, 16000 * 25)]
        expected = features.transform(signal)
        again = PretrainedFeatures(encoder, cache=tmp_path / "cache", n_jobs=1)
        assert_equal(again.transform(signal), expected)
        (kept,) = (tmp_path / "cache").iterdir()
        before = kept.stat()
        again.transform(signal)
        assert kept.stat().st_mtime_ns == before.st_mtime_ns


class TestSaving:
    """skser.save and skser.load: the model inside the file, or its checksum alone."""

    @pytest.fixture
    def system(self, encoder):
        signals = [GENERATOR.normal(0.1 * (i % 2), 0.1, 2000) for i in range(12)]
        system = make_pipeline(
            PretrainedFeatures(encoder, "first"),
            FrameStatistics(),
            LogisticRegression(),
        )
        return system.fit(signals, [i % 2 for i in range(12)])

    def test_the_file_holds_the_model(self, system, encoder, tmp_path):
        save(system, tmp_path / "system.skser")
        expected = system.predict_proba(SIGNALS)
        encoder.unlink()
        loaded = load(tmp_path / "system.skser")
        np.testing.assert_array_equal(loaded.predict_proba(SIGNALS), expected)
        assert "tiny.onnx" in repr(loaded)
        assert len(repr(loaded)) < 1000
        # It can be cloned, pickled, sent to processes, and saved again.
        save(clone(loaded), tmp_path / "again.skser")
        assert load(tmp_path / "again.skser")[0].transform(SIGNALS)
        copy = pickle.loads(pickle.dumps(loaded)).set_params(
            pretrainedfeatures__n_jobs=2
        )
        with joblib.parallel_config("loky"):
            np.testing.assert_array_equal(copy.predict_proba(SIGNALS), expected)
        with pytest.raises(ValueError, match="has no path: save it with embed=True"):
            save(loaded, tmp_path / "again.skser", embed=False)

    def test_the_file_holds_its_checksum_alone(self, system, encoder, tmp_path):
        save(system, tmp_path / "system.skser", embed=False)
        assert (tmp_path / "system.skser").stat().st_size < 10_000
        expected = system.predict_proba(SIGNALS)
        loaded = load(tmp_path / "system.skser")
        np.testing.assert_array_equal(loaded.predict_proba(SIGNALS), expected)
        moved = encoder.rename(tmp_path / "moved.onnx")
        with pytest.raises(FileNotFoundError, match="nothing is downloaded"):
            loaded.predict(SIGNALS)
        loaded.set_params(pretrainedfeatures__model=moved)
        np.testing.assert_array_equal(loaded.predict_proba(SIGNALS), expected)
        save_encoder(encoder, {"first": [3, 4]})
        with pytest.raises(ValueError, match="is another one than in fit: its sha256"):
            load(tmp_path / "system.skser").predict(SIGNALS)

    def test_a_model_that_has_changed_since_fit_is_not_saved(
        self, system, encoder, tmp_path
    ):
        save_encoder(encoder, {"first": [3, 4]})
        with pytest.raises(ValueError, match="is another one than in fit"):
            save(system, tmp_path / "system.skser")

    def test_a_system_that_is_not_fitted_is_saved_as_well(self, encoder, tmp_path):
        features = PretrainedFeatures(encoder, ["first", "third"], rms=0.05)
        save(features, tmp_path / "features.skser")
        loaded = load(tmp_path / "features.skser")
        assert_equal(loaded.transform(SIGNALS), features.transform(SIGNALS))

    def test_the_content_of_the_model_is_compared_with_its_checksum(
        self, encoder, tmp_path
    ):
        file = PretrainedFeatures(encoder).refer_to_model(embed=True)
        file.sha256 = "0" * 64
        save(PretrainedFeatures(file), tmp_path / "forged.skser")
        with pytest.raises(ModelFileError, match=r"sha256 of its encoder 'tiny.onnx'"):
            load(tmp_path / "forged.skser")


@pytest.mark.slow
class TestRealEncoder:
    """The first layers of Whisper base, on real recordings where they are."""

    def test_from_a_file_to_a_label_nothing_is_imported_that_is_slow(
        self, whisper, tmp_path
    ):
        system = make_pipeline(
            AudioLoader(),
            PretrainedFeatures(whisper, "hidden_state_3", rms=0.05),
            FrameStatistics(["mean", "std"], []),
            StandardScaler(),
            LogisticRegression(),
        )
        for i, signal in enumerate(SIGNALS):
            soundfile.write(tmp_path / f"{i}.wav", signal, 16000)
        paths = [str(tmp_path / f"{i}.wav") for i in range(3)]
        system.fit(paths, ["calm", "angry", "calm"])
        save(system, tmp_path / "system.skser")
        assert (tmp_path / "system.skser").stat().st_size > 29e6
        script = """
import sys
import skser
print(skser.load(sys.argv[1]).predict([sys.argv[2]])[0])
slow = ["tensorflow", "keras", "torch", "transformers", "numba", "librosa", "onnx"]
print([name for name in slow if name in sys.modules])
"""
        printed = run(script, tmp_path / "system.skser", paths[1]).split()
        assert printed == ["angry", "[]"]

    def test_its_layers_have_50_frames_a_second(self, whisper):
        features = PretrainedFeatures(whisper)
        frames = features.transform([SIGNALS[1], SIGNALS[1][:100]])
        assert [array.shape for array in frames] == [(50, 512), (1, 512)]
        assert features.frame_rate_ == 50
        assert features.get_feature_names_out()[17] == "hidden_state_3_17"

    def test_joined_windows_are_those_of_the_whole_but_for_their_context(self, whisper):
        tone = np.sin(np.arange(16000 * 40) * 0.1) * 0.1
        (frames,) = PretrainedFeatures(whisper).transform([tone])
        assert frames.shape == (2000, 512)
        (first,) = PretrainedFeatures(whisper).transform([tone[: 16000 * 30]])
        np.testing.assert_array_equal(frames[:700], first[:700])

    def test_a_second_of_sound_takes_a_small_part_of_a_second(self, whisper):
        features = PretrainedFeatures(whisper)
        signals = [GENERATOR.normal(0, 0.1, 48000)]
        features.transform(signals)
        seconds = []
        for _ in range(4):
            start = time.process_time()
            features.transform(signals)
            seconds.append(time.process_time() - start)
        # 1/45 on one thread of a small server; others may be at work as well.
        assert min(seconds) / 3 < 1 / 20

    def test_emotions_of_a_speaker_that_was_not_heard_are_told_apart(
        self, whisper, emodb
    ):
        speakers = np.asarray(emodb.groups)
        rows = np.flatnonzero(
            np.isin(speakers, np.unique(speakers)[:4])
            & np.isin(emodb.target, ["anger", "neutral", "sadness"])
        )[::2]
        signals = AudioLoader().transform(np.asarray(emodb.paths)[rows])
        system = make_pipeline(
            PretrainedFeatures(whisper, "hidden_state_3"),
            FrameStatistics(["mean", "std"], []),
            StandardScaler(),
            LogisticRegression(C=0.01, class_weight="balanced"),
        )
        is_test = speakers[rows] == speakers[rows][0]
        target = np.asarray(emodb.target)[rows]
        train = [s for s, is_one in zip(signals, is_test, strict=True) if not is_one]
        test = [s for s, is_one in zip(signals, is_test, strict=True) if is_one]
        system.fit(train, target[~is_test])
        assert system.score(test, target[is_test]) > 0.8
