"""The command line: results to be piped, errors in a line, runs that go on."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import sklearn
import soundfile

import skser
from skser import datasets
from skser.__main__ import main
from skser.model_selection import LeaveOneSpeakerOut, evaluate
from skser.systems import SYSTEMS, make_system, split_front_end
from skser.timeline import predict_timeline

# Two systems that are trained in a moment: one without TensorFlow, one with posteriors.
IVECTOR = {"ivectors__n_components": 5, "ivectors__alignment__n_mixtures": 4}
NETWORK = {
    "whiten__n_components": 5,
    "classify__recurrent_units": 4,
    "classify__filters": (6,),
    "classify__kernel_sizes": (3,),
    "classify__hidden_units": (6,),
    "classify__max_epochs": 2,
}
PAPER = ["evaluate", "synthetic", "--system", "attention_blstm_fcn"]
COMMANDS = ["evaluate", "extract", "train", "predict", "list"]


def as_arguments(parameters):
    """Return parameters as they are typed."""
    return ["--set", *(f"{name}={value!r}" for name, value in parameters.items())]


def run(*arguments):
    """Run a command in a process of its own, where nothing has been set up."""
    environment = dict(os.environ)
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    return subprocess.run(
        [sys.executable, "-m", "skser", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


def read_csv(text):
    """Return the rows of a CSV text."""
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Write a corpus of twelve short recordings, and return its table of files."""
    folder = tmp_path_factory.mktemp("corpus")
    corpus = datasets.make_emotional_speech(
        n_speakers=3, n_utterances=1, duration=1.0, random_state=0
    )
    paths = datasets.write_corpus(corpus, folder)
    rows = zip(paths, corpus.target, corpus.groups, strict=True)
    lines = ["file,label,speaker", *(",".join(map(str, row)) for row in rows)]
    path = folder / "table.csv"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def corpus(table):
    """Return the corpus as the package reads it."""
    return datasets.load_table(table)


@pytest.fixture(scope="module")
def expected(corpus):
    """Evaluate the whole system by the package's own function."""
    system = SYSTEMS["ivector"]().set_params(**IVECTOR)
    return evaluate(system, corpus, LeaveOneSpeakerOut(), seeds=[0])


@pytest.fixture(scope="module")
def network(corpus):
    """Fit a small network by the package's own functions. Not to be changed."""
    system = SYSTEMS["attention_blstm_fcn"](random_state=3).set_params(**NETWORK)
    return system.fit(corpus.paths, corpus.target)


@pytest.fixture(scope="module")
def model(table, tmp_path_factory):
    """Train the same network by the command line."""
    path = tmp_path_factory.mktemp("model") / "network.skser"
    arguments = ["train", "table", str(table), "--seed", "3", "--output", str(path)]
    arguments += ["--system", "attention_blstm_fcn"]
    assert main([*arguments, *as_arguments(NETWORK), "--quiet"]) == 0
    return path


@pytest.fixture(scope="module")
def quick_model(table, tmp_path_factory):
    """Train a system without TensorFlow by the command line."""
    path = str(tmp_path_factory.mktemp("model") / "ivector.skser")
    arguments = ["train", "table", str(table), "--system", "ivector", "--quiet"]
    assert main([*arguments, *as_arguments(IVECTOR), "--output", path]) == 0
    return path


@pytest.fixture
def evaluation(table):
    """Return the arguments of a quick evaluation."""
    arguments = ["evaluate", "table", str(table), "--system", "ivector"]
    return [*arguments, *as_arguments(IVECTOR)]


class TestEvaluate:
    def test_json_holds_the_figures_of_the_package(self, evaluation, expected, capsys):
        assert main([*evaluation, "--format", "json"]) == 0
        report = json.loads(capsys.readouterr().out)
        assert report["summary"] == expected.summary()
        assert report["scores"] == expected.scores()
        assert report["classes"] == expected.class_scores()
        assert report["speakers"] == expected.scores_by("speaker")
        assert report["labels"] == expected.labels
        assert report["confusion_matrix"] == expected.confusion_matrix().tolist()
        assert report["recalls"] == expected.recalls()

    def test_csv_holds_the_same_figures(self, evaluation, expected, capsys):
        assert main([*evaluation, "--format", "csv"]) == 0
        pooled, *rows = read_csv(capsys.readouterr().out)
        assert (float(pooled["UA"]), float(pooled["WA"])) == (expected.ua, expected.wa)
        speakers = [row for row in rows if row["of"] == "speaker"]
        assert [(row["name"], float(row["UA"])) for row in speakers] == [
            (row["speaker"], row["UA"]) for row in expected.scores_by("speaker")
        ]

    def test_markdown_is_the_report_of_the_package(
        self, evaluation, expected, capsys, monkeypatch
    ):
        monkeypatch.setattr("skser._progress.DELAY", 0)
        monkeypatch.setattr("skser._progress.LOG_INTERVAL", 0)
        assert main(evaluation) == 0
        output, errors = capsys.readouterr()
        assert output.startswith(expected.to_markdown())
        assert "System: `ivector` with `ivectors__n_components=5`" in output
        assert re.search(r"Features: 100%.* 12/12 ", errors)
        assert "fold 1 of 3 (test speaker 's01'), seed 0: WA" in errors

    def test_quiet_leaves_nothing_but_the_result(self, evaluation, capsys):
        assert main([*evaluation, "--quiet", "--format", "json"]) == 0
        output, errors = capsys.readouterr()
        assert json.loads(output)
        assert errors == ""

    def test_a_finished_run_is_read_from_its_checkpoint(
        self, evaluation, tmp_path, capsys
    ):
        arguments = [*evaluation, "--checkpoint", str(tmp_path), "--seed", "0", "1"]
        assert main(arguments) == 0
        first, errors = capsys.readouterr()
        assert "from its checkpoint" not in errors
        assert main(arguments) == 0
        second, errors = capsys.readouterr()
        assert errors.count("from its checkpoint") == 6
        assert second == first
        assert "## Seeds" in first

    def test_a_report_goes_to_a_file_if_one_is_named(
        self, evaluation, expected, tmp_path, capsys
    ):
        file = tmp_path / "report.json"
        arguments = [*evaluation, "--format", "json", "--output", str(file)]
        assert main(arguments) == 0
        assert capsys.readouterr().out == ""
        assert json.loads(file.read_text())["summary"] == expected.summary()

    def test_a_folder_gets_the_report_of_the_package(
        self, evaluation, expected, tmp_path, capsys
    ):
        folder = tmp_path / "results"
        assert main([*evaluation, "--report", str(folder)]) == 0
        errors = capsys.readouterr().err
        assert "Written: report.html, report.md, tables.tex, predictions.csv" in errors
        rows = read_csv((folder / "predictions.csv").read_text("utf-8"))
        predicted = expected.to_frame()["predicted"].tolist()
        assert [row["predicted"] for row in rows] == predicted
        for name in ("report.html", "report.md"):
            report = (folder / name).read_text("utf-8")
            assert "System: `ivector` with `ivectors__n_components=5`" in report
        pictures = {path.name for path in (folder / "figures").iterdir()}
        assert {"confusion.pdf", "confusion.svg"} <= pictures

    def test_a_validation_speaker_can_be_held_out(self, table, capsys):
        arguments = ["evaluate", "table", str(table), "--validation", "rotate"]
        arguments += ["--system", "attention_blstm_fcn", "--format", "json"]
        arguments += as_arguments(NETWORK)
        assert main(arguments) == 0
        report = json.loads(capsys.readouterr().out)
        assert "validation='rotate'" in report["protocol"]["splitter"]

    def test_the_synthetic_corpus_takes_options_but_no_path(self, capsys):
        arguments = ["evaluate", "synthetic", "--system", "ivector"]
        arguments += ["--option", "n_speakers=2", "n_utterances=1", "duration=0.3"]
        assert main([*arguments, *as_arguments(IVECTOR), "--format", "csv"]) == 0
        output, errors = capsys.readouterr()
        assert read_csv(output)[0]["n"] == "8"
        assert "figures say nothing about real voices" in errors


class TestExtract:
    def test_npz_holds_the_features_of_the_package(
        self, corpus, monkeypatch, tmp_path, capsys
    ):
        monkeypatch.chdir(Path(corpus.paths[0]).parent)
        monkeypatch.setattr("skser._progress.DELAY", 0)
        monkeypatch.setattr("skser._progress.LOG_INTERVAL", 0)
        names = [Path(path).name for path in corpus.paths[:3]]
        file = tmp_path / "features.npz"
        assert main(["extract", *names, "--output", str(file)]) == 0
        output, errors = capsys.readouterr()
        assert output == ""
        assert " 3/3 " in errors
        front_end, _ = split_front_end(SYSTEMS["attention_blstm_fcn"]())
        features = front_end.fit_transform(names)
        with np.load(file) as arrays:
            assert arrays["files"].tolist() == names
            assert arrays["n_frames"].tolist() == list(map(len, features))
            assert arrays["columns"].tolist() == list(
                skser.AcousticFeatures().get_feature_names_out()
            )
            np.testing.assert_array_equal(arrays["features"], np.concatenate(features))

    def test_csv_holds_a_line_a_frame_in_full_precision(self, corpus, tmp_path):
        file = tmp_path / "features.csv"
        paths = list(map(str, corpus.paths[:2]))
        arguments = ["extract", *paths, "--system", "dnn_elm", "--output", str(file)]
        assert main(arguments) == 0
        with open(file, newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        front_end, _ = split_front_end(SYSTEMS["dnn_elm"]())
        features = front_end.fit_transform(paths)
        assert [row["file"] for row in rows] == [
            path
            for path, table in zip(paths, features, strict=True)
            for _ in range(len(table))
        ]
        assert list(rows[0])[-1] == "delta_harmonics_to_noise"
        values = np.array([list(row.values())[2:] for row in rows], features[0].dtype)
        np.testing.assert_array_equal(values, np.concatenate(features))

    def test_a_folder_stands_for_its_recordings(self, corpus, monkeypatch, tmp_path):
        folder = Path(corpus.paths[0]).parent
        monkeypatch.chdir(folder.parent)
        file = tmp_path / "features.npz"
        arguments = ["extract", folder.name, "--output", str(file), "--jobs", "2"]
        assert main([*arguments, "--set", "features__features=['ZCR']"]) == 0
        with np.load(file) as arrays:
            assert arrays["files"].tolist() == [
                f"{folder.name}/{Path(path).name}" for path in corpus.paths
            ]
            assert arrays["columns"].tolist() == ["ZCR"]

    @pytest.mark.skipif(find_spec("opensmile") is None, reason="needs openSMILE")
    def test_functionals_are_a_row_a_recording(self, corpus, tmp_path):
        file = tmp_path / "functionals.npz"
        paths = list(map(str, corpus.paths[:2]))
        arguments = ["extract", *paths, "--system", "egemaps_svm"]
        assert main([*arguments, "--output", str(file)]) == 0
        with np.load(file) as arrays:
            assert arrays["features"].shape == (2, 88)
            assert arrays["n_frames"].tolist() == [1, 1]


class TestTrainAndPredict:
    def test_posteriors_are_those_of_the_system_fitted_by_hand(
        self, model, network, corpus, capsys
    ):
        paths = list(map(str, corpus.paths))
        arguments = ["predict", *paths, "--model", str(model), "--proba"]
        assert main([*arguments, "--format", "json"]) == 0
        rows = json.loads(capsys.readouterr().out)
        assert [row["file"] for row in rows] == paths
        assert [row["label"] for row in rows] == network.predict(paths).tolist()
        assert list(rows[0])[2:] == [f"p({label})" for label in network.classes_]
        posteriors = np.array([list(row.values())[2:] for row in rows])
        expected = network.predict_proba(paths)
        np.testing.assert_allclose(posteriors, expected, rtol=0, atol=0.51e-6)
        assert all(len(repr(value)) <= 8 for value in posteriors.ravel().tolist())

    def test_a_pipe_gets_csv_and_nothing_that_tensorflow_says(
        self, model, network, corpus
    ):
        paths = list(map(str, corpus.paths[:2]))
        done = run("predict", *paths, "--model", model, "--format", "csv")
        assert done.returncode == 0
        assert [row["label"] for row in read_csv(done.stdout)] == list(
            network.predict(paths)
        )
        assert done.stderr == ""

    def test_a_table_is_for_reading(self, model, network, corpus, capsys):
        path = str(corpus.paths[0])
        assert main(["predict", path, "--model", str(model)]) == 0
        header, line = capsys.readouterr().out.splitlines()
        assert header.split() == ["file", "label"]
        assert line.split() == [path, network.predict([path])[0]]

    def test_a_table_of_markdown_can_be_pasted(self, quick_model, corpus, capsys):
        path = str(corpus.paths[0])
        arguments = ["predict", path, "--model", quick_model, "--format", "markdown"]
        assert main(arguments) == 0
        header, rule, line = capsys.readouterr().out.splitlines()
        assert (header, rule) == ("| file | label |", "| --- | --- |")
        assert line.startswith(f"| {path} | ")

    def test_training_is_shown_on_the_standard_error(
        self, table, tmp_path, capsys, monkeypatch
    ):
        monkeypatch.setattr("skser._progress.DELAY", 0)
        monkeypatch.setattr("skser._progress.LOG_INTERVAL", 0)
        arguments = ["train", "table", str(table), "--system", "attention_blstm_fcn"]
        arguments += as_arguments(NETWORK)
        assert main([*arguments, "--output", str(tmp_path / "model")]) == 0
        output, errors = capsys.readouterr()
        assert output == ""
        assert "12 recordings, 3 speakers, 4 emotions" in errors
        assert "2/2" in errors
        assert skser.load(tmp_path / "model")["classify"].verbose == 0

    def test_an_old_model_stays_if_training_fails(self, table, tmp_path, capsys):
        (tmp_path / "silent.wav").touch()
        bad = tmp_path / "bad.csv"
        bad.write_text(table.read_text() + f"\n{tmp_path / 'silent.wav'},anger,s1")
        model = tmp_path / "model"
        model.write_text("old")
        assert main(["train", "table", str(bad), "--output", str(model)]) == 1
        assert "is empty: a file of 0 bytes" in capsys.readouterr().err
        assert model.read_text() == "old"

    def test_a_system_without_posteriors_says_so(self, quick_model, table, capsys):
        recording = str(next(table.parent.glob("*.wav")))
        assert main(["predict", recording, "--model", quick_model]) == 0
        assert recording in capsys.readouterr().out
        assert main(["predict", recording, "--model", quick_model, "--proba"]) == 1
        output, errors = capsys.readouterr()
        assert output == ""
        assert "has no posteriors. Leave --proba out" in errors

    @pytest.mark.case("K21")
    def test_parameters_of_a_saved_system_can_be_set(self, model, corpus, capsys):
        arguments = ["predict", str(corpus.paths[0]), "--model", str(model)]
        assert main([*arguments, "--set", "load__max_duration=0.5"]) == 1
        assert "max_duration=0.5" in capsys.readouterr().err
        assert main([*arguments, "--set", "load__max_duration=None"]) == 0
        assert main([*arguments, "--set", "load__max_durations=1"]) == 2
        errors = capsys.readouterr().err
        assert "network.skser' has no parameter 'load__max_durations'" in errors
        assert "did you mean 'load__max_duration'?" in errors

    @pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
    @pytest.mark.case("K16")
    def test_results_are_utf_8_whatever_the_terminal_takes(
        self, quick_model, corpus, tmp_path, encoding, capsys
    ):
        recording = tmp_path / "Z\u0142o\u015b\u0107.wav"
        recording.write_bytes(Path(corpus.paths[0]).read_bytes())
        typed = ["predict", str(recording), "--model", quick_model, "--format", "csv"]
        done = subprocess.run(
            [sys.executable, "-m", "skser", *typed],
            capture_output=True,
            env=os.environ | {"PYTHONIOENCODING": encoding},
            check=True,
        )
        [row] = read_csv(done.stdout.decode("utf-8"))
        assert row["file"] == str(recording)
        assert main([*typed, "--output", str(tmp_path / "out")]) == 0
        assert (tmp_path / "out").read_bytes() == done.stdout

    @pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux")
    @pytest.mark.case("K16")
    def test_a_file_whose_name_is_not_in_utf_8_loses_nothing(
        self, quick_model, corpus, tmp_path, capfdbinary
    ):
        name = os.fsencode(tmp_path) + b"/Z\xb3o\xb6\xe6.wav"
        with open(name, "wb") as file:
            file.write(Path(corpus.paths[0]).read_bytes())
        arguments = ["predict", os.fsdecode(name), "--model", quick_model, "--quiet"]
        assert main([*arguments, "--format", "csv"]) == 0
        assert name in capfdbinary.readouterr().out
        assert main([*arguments, "--output", str(tmp_path / "out")]) == 0
        assert name in (tmp_path / "out").read_bytes()

    def test_predictions_go_to_a_file_if_one_is_named(
        self, quick_model, corpus, tmp_path, capsys
    ):
        arguments = ["predict", str(corpus.paths[0]), "--model", quick_model]
        assert main(arguments) == 0
        printed = capsys.readouterr().out
        assert main([*arguments, "--output", str(tmp_path / "out.txt")]) == 0
        output, errors = capsys.readouterr()
        assert output == ""
        assert f"Written: {tmp_path / 'out.txt'}" in errors
        assert (tmp_path / "out.txt").read_text("utf-8") == printed

    def test_formats_of_a_folder_that_cannot_be_read_are_said(
        self, quick_model, corpus, tmp_path, capsys
    ):
        (tmp_path / "a.wav").write_bytes(Path(corpus.paths[0]).read_bytes())
        (tmp_path / "b.m4a").touch()
        assert main(["predict", str(tmp_path), "--model", quick_model]) == 0
        output, errors = capsys.readouterr()
        assert len(output.splitlines()) == 2
        assert "warning: 1 audio file(s) in" in errors
        assert "does not read their format: b.m4a. Convert" in errors

    def test_what_is_no_classifier_of_recordings_is_refused(self, tmp_path, capsys):
        front_end, _ = split_front_end(SYSTEMS["fcn"]())
        skser.save(front_end, tmp_path / "model")
        assert main(["predict", "x.wav", "--model", str(tmp_path / "model")]) == 1
        assert (
            "ends with a classifier or regressor, as 'python -m skser"
            in capsys.readouterr().err
        )


@pytest.fixture(scope="module")
def small_table(tmp_path_factory):
    """Write a corpus of very short recordings, in a folder for each speaker."""
    folder = tmp_path_factory.mktemp("small")
    corpus = datasets.make_emotional_speech(
        2, n_utterances=2, duration=0.3, random_state=0
    )
    lines = ["file,label,speaker,arousal"]
    columns = (corpus.target, corpus.groups, corpus.arousal)
    paths = datasets.write_corpus(corpus, folder)
    for path, label, speaker, arousal in zip(paths, *columns, strict=True):
        (folder / speaker).mkdir(exist_ok=True)
        moved = Path(path).rename(folder / speaker / Path(path).name)
        lines.append(f"{moved},{label},{speaker},{arousal}")
    (folder / "table.csv").write_text("\n".join(lines))
    return folder / "table.csv"


@pytest.mark.slow
@pytest.mark.case("K14")
def test_every_system_goes_through_every_command(
    row, encoder_of_row, shrink, small_table, tmp_path, capsys
):
    usual = SYSTEMS[row](**encoder_of_row).get_params()
    small = {
        name: value
        for name, value in shrink(SYSTEMS[row](**encoder_of_row)).get_params().items()
        # Whole steps are no parameters; who speaks, the command line has to say itself.
        if isinstance(value, int | float | tuple)
        and repr(value) != repr(usual[name])
        and not name.endswith("__without_groups")
    }
    if row == "mec2017_svm":
        small["classify__cv"] = 2
    is_transductive = row.endswith("transductive")
    options = ["--system", row, *(as_arguments(small) if small else []), "--quiet"]
    if encoder_of_row:
        options += ["--encoder", encoder_of_row["model"]]
    model = str(tmp_path / "model")
    assert main(["train", str(small_table), "--output", model, *options]) == 0

    predict = ["predict", str(small_table.parent), "--model", model, "--quiet"]
    if is_transductive:
        assert main(predict) == 2
        assert "--speakers folders if each person" in capsys.readouterr().err
        predict += ["--speakers", "folders"]
    assert main([*predict, "--format", "csv"]) == 0
    rows = read_csv(capsys.readouterr().out)
    assert [r["file"] for r in rows] == sorted(
        map(str, small_table.parent.glob("*/*.wav"))
    )
    if SYSTEMS[row].row.task == "classification":
        emotions = {"anger", "happiness", "neutral", "sadness"}
        assert {r["label"] for r in rows} <= emotions
    else:
        assert np.isfinite([float(r["arousal"]) for r in rows]).all()
    recordings = [r["file"] for r in rows]
    if is_transductive:
        groups = [os.path.dirname(path) for path in recordings]
        with sklearn.config_context(enable_metadata_routing=True):
            labels = skser.load(model).predict(recordings, groups=groups)
        assert [r["label"] for r in rows] == labels.tolist()

    evaluate_it = ["evaluate", str(small_table), "--format", "json", *options]
    assert main(evaluate_it) == 0
    report = json.loads(capsys.readouterr().out)
    assert {s["speaker"] for s in report["speakers"]} == {"s01", "s02"}

    file = str(tmp_path / "features.npz")
    assert main(["extract", recordings[0], "--output", file, *options]) == 0
    with np.load(file) as arrays:
        assert len(arrays["features"]) == arrays["n_frames"][0] > 0
        assert arrays["features"].shape[1] == len(arrays["columns"]) > 0
        assert np.isfinite(arrays["features"]).all()


@pytest.fixture(scope="module")
def talk(corpus, tmp_path_factory):
    """Two recordings one behind the other, and two seconds of silence."""
    signals = skser.AudioLoader().transform([corpus.paths[0], corpus.paths[5]])
    path = str(tmp_path_factory.mktemp("talk") / "talk.wav")
    soundfile.write(path, np.concatenate([*signals, np.zeros(32000)]), 16000)
    return path


class TestAlongTime:
    """``predict`` with --window or --segments."""

    def test_a_row_is_a_window_with_the_answer_of_its_segment(
        self, talk, model, network, capsys
    ):
        options = ["--window", "1", "--hop", "0.5", "--proba", "--format", "csv"]
        assert main(["predict", talk, "--model", str(model), *options]) == 0
        rows = read_csv(capsys.readouterr().out)
        names = [f"p({label})" for label in network.classes_]
        assert list(rows[0]) == ["file", "start", "end", "label", *names]
        assert rows[-1]["label"] == rows[-1][names[0]] == ""
        segment = skser.Segment(talk, float(rows[1]["start"]), float(rows[1]["end"]))
        (expected,) = network.predict_proba([segment])
        found = [float(rows[1][name]) for name in names]
        np.testing.assert_allclose(found, expected, atol=1e-5)

    def test_labels_alone_and_every_window(self, talk, quick_model, capsys):
        arguments = ["predict", talk, "--model", quick_model, "--window", "1"]
        assert main([*arguments, "--format", "json"]) == 0
        rows = json.loads(capsys.readouterr().out)
        assert list(rows[0]) == ["file", "start", "end", "label"]
        assert rows[-1]["label"] is None
        assert main([*arguments, "--format", "json", "--activity", "none"]) == 0
        assert None not in [r["label"] for r in json.loads(capsys.readouterr().out)]
        assert main(arguments) == 0
        header, *lines = capsys.readouterr().out.splitlines()
        assert header.split() == ["file", "start", "end", "label"]
        assert lines[-1].split()[1:] == [
            f"{len(rows) - 1}.000",
            f"{rows[-1]['end']:.3f}",
        ]

    def test_textgrid_and_rttm_are_those_of_the_package(
        self, talk, quick_model, tmp_path, capsys
    ):
        timeline = predict_timeline(skser.load(quick_model), talk, window=1)
        arguments = ["predict", talk, "--model", quick_model, "--window", "1"]
        assert main([*arguments, "--format", "rttm"]) == 0
        assert capsys.readouterr().out == timeline.to_rttm()
        path = tmp_path / "talk.TextGrid"
        assert main([*arguments, "--format", "textgrid", "--output", str(path)]) == 0
        assert path.read_text("utf-8") == timeline.to_textgrid()

    def test_segments_of_others_are_answered(self, talk, quick_model, tmp_path, capsys):
        path = tmp_path / "turns.rttm"
        path.write_text("SPEAKER talk 1 0.5 1.0 <NA> <NA> ann <NA> <NA>\n")
        arguments = ["predict", talk, "--model", quick_model, "--format", "csv"]
        assert main([*arguments, "--segments", str(path)]) == 0
        (row,) = read_csv(capsys.readouterr().out)
        assert (row["start"], row["end"], row["speaker"]) == ("0.5", "1.5", "ann")

    def test_silence_is_a_file_without_lines(self, quick_model, tmp_path):
        soundfile.write(tmp_path / "still.wav", np.zeros(32000), 16000)
        path = tmp_path / "still.rttm"
        arguments = ["predict", str(tmp_path / "still.wav"), "--model", quick_model]
        arguments += ["--window", "1", "--format", "rttm", "--output", str(path)]
        assert main(arguments) == 0
        assert path.read_text().split() == []

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--format", "textgrid"], "--format textgrid is for answers along time"),
            (["--smoothing", "median"], "--smoothing is for answers along time: add"),
            (["--jobs", "2"], "--jobs is for answers along time: add --window S"),
            (["--window", "x"], "expected a number of seconds above 0, got 'x'"),
            (["--window", "0.05"], "'window' parameter of predict_timeline"),
            (["--segments", "a.csv", "--hop", "1"], "the place of --window and --hop"),
            (["--segments", "a.csv", "--activity", "none"], "the place of --activity"),
            (
                ["b.wav", "--window", "1", "--format", "textgrid"],
                "of one recording, got 2",
            ),
        ],
    )
    def test_options_that_do_not_go_together_are_named(
        self, options, message, talk, quick_model, capsys
    ):
        try:
            code = main(["predict", talk, *options, "--model", quick_model])
        except SystemExit as stop:
            code = stop.code
        output, errors = capsys.readouterr()
        assert (code, output) == (2, "")
        assert message in errors.splitlines()[-1]


class TestErrors:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ([], "the following arguments are required: COMMAND"),
            (["evaluate"], "the following arguments are required: CORPUS"),
            (["evaluate", "emodbb", "x"], "'emodbb', did you mean 'emodb'?"),
            (["evaluate", "emodb"], "emodb takes the path of your copy, got None"),
            (["evaluate", "synthetic", "x"], "synthetic takes no path, got 'x'"),
            (["evaluate", "emodb.txt"], "there is no corpus 'emodb.txt'"),
            (["evaluate", "a.csv", "b.csv"], "a.csv takes no further path, got 'b"),
            (["train", "synthetic"], "arguments are required: --output"),
            (
                ["train", "synthetic", "--output", "no/such/model"],
                "a folder that exists and can be written, got 'no/such/model'",
            ),
            (["extract", "x.wav", "--output", "x.txt"], "ends with .npz or .csv"),
            (["evaluate", "synthetic", "--system", "fcm"], "did you mean 'fcn'?"),
            (["evaluate", "synthetic", "--seed", "x"], "expected an integer from 0"),
            (["evaluate", "synthetic", "--seed", "1", "1"], "different integers"),
            (["evaluate", "synthetic", "--jobs", "0"], "expected a number of 1 or"),
            (["evaluate", "synthetic", "--set", "x"], "expected NAME=VALUE"),
            (
                [*PAPER, "--set", "classify__max_epoch=3"],
                "no parameter 'classify__max_epoch', did you mean "
                "'classify__max_epochs'?; 'python -m skser list attention_blstm_fcn'",
            ),
            (
                [*PAPER, "--set", "classify__max_epochs=many"],
                "The 'max_epochs' parameter of AttentionBLSTMFCNClassifier must be",
            ),
            (
                ["evaluate", "synthetic", "--option", "subset=dataset2"],
                "synthetic has no option 'subset'; expected: n_speakers, emotions",
            ),
            (["predict", "x.wav"], "the following arguments are required: --model"),
        ],
    )
    def test_a_wrong_command_is_explained_in_a_line(self, arguments, message, capsys):
        try:
            code = main(arguments)
        except SystemExit as stop:
            code = stop.code
        output, errors = capsys.readouterr()
        assert (code, output) == (2, "")
        *notes, line = errors.splitlines()
        assert line.startswith("python -m skser")
        assert "error: " in line
        assert message in line
        assert all(note.startswith(("Synthetic", "synthetic")) for note in notes)

    def test_all_bad_recordings_are_told_at_once(self, tmp_path, capsys):
        (tmp_path / "text.wav").write_text("no sound")
        (tmp_path / "empty.wav").touch()
        names = [str(tmp_path / name) for name in ("text.wav", "empty.wav", "none.wav")]
        arguments = ["extract", *names, "--output", str(tmp_path / "x.npz")]
        assert main(arguments) == 1
        errors = capsys.readouterr().err
        assert "error: 3 of 3 recordings cannot be used" in errors
        assert all(name in errors for name in names)
        assert not (tmp_path / "x.npz").exists()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["predict", "x.wav", "--model", "no"], "No such file or directory: 'no'"),
            (["predict", "x.wav", "--model", __file__], "cannot be loaded as a model"),
            (["evaluate", "emodb", "no"], "There is no such folder"),
            (["extract", "no.wav", "--output", "x.npz"], "directory: 'no.wav'. Check"),
            (
                ["extract", ".", "--output", "x.npz"],
                "No WAV, FLAC, MP3 or other recording in",
            ),
        ],
    )
    def test_bad_data_is_another_code(
        self, arguments, message, monkeypatch, tmp_path, capsys
    ):
        monkeypatch.chdir(tmp_path)
        assert main(arguments) == 1
        output, errors = capsys.readouterr()
        assert output == ""
        assert message in errors
        assert "Traceback" not in errors

    def test_a_traceback_is_shown_on_demand(self, capsys):
        assert main(["predict", "x", "--model", "no", "--traceback"]) == 1
        assert "Traceback (most recent call last)" in capsys.readouterr().err

    def test_missing_speakers_are_told_before_anything_is_computed(
        self, table, capsys, tmp_path
    ):
        lines = [line.rpartition(",")[0] for line in table.read_text().splitlines()]
        (tmp_path / "table.csv").write_text("\n".join(lines))
        assert main(["evaluate", "table", str(tmp_path / "table.csv")]) == 1
        warning, count, error = capsys.readouterr().err.splitlines()
        assert warning.startswith("python -m skser: warning: ")
        assert "has no column 'speaker'" in warning
        assert "with --option speaker=..., or pass --option speaker=None" in warning
        assert "12 recordings, unknown speakers" in count
        assert "LeaveOneSpeakerOut needs the speaker" in error

    def test_a_reader_that_stops_reading_is_no_error(self):
        reading, writing = os.pipe()
        os.close(reading)
        command = [sys.executable, "-m", "skser", "list"]
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE)
        os.close(writing)
        assert done.returncode == 1
        assert done.stderr == b""


# Background jobs of a shell ignore Ctrl-C, and so do all processes that they start:
# the tests may run in one.
INTERRUPTIBLE = """
import signal, sys
from skser.__main__ import main
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main())
"""


@pytest.mark.case("G12")
def test_an_interrupted_evaluation_goes_on(evaluation, expected, tmp_path):
    # Enough iterations for the signal to come while a fold is being run.
    many = [*evaluation, "ivectors__n_iterations=2000", "--format", "json"]
    many += ["--checkpoint", str(tmp_path / "folds")]
    command = [sys.executable, "-c", INTERRUPTIBLE, *many]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stderr:
            if line.startswith("fold 1"):
                process.send_signal(signal.SIGINT)
                break
        output, errors = process.communicate()
    assert process.returncode == 130
    assert output == ""
    assert errors.splitlines()[-1].endswith("the same command goes on where it was.")
    assert "Traceback" not in errors
    resumed = run(*many)
    assert (
        "fold 1 of 3 (test speaker 's01'), seed 0: from its checkpoint"
        in resumed.stderr
    )
    whole = run(*many[:-2])
    assert json.loads(resumed.stdout) == json.loads(whole.stdout)


class TestHelp:
    @pytest.mark.parametrize("command", COMMANDS)
    def test_each_command_explains_itself(self, command, capsys):
        with pytest.raises(SystemExit) as stop:
            main([command, "--help"])
        assert stop.value.code == 0
        text = capsys.readouterr().out
        assert f"examples:\n  python -m skser {command}" in text
        for option in re.findall(r"^  (--[a-z-]+) [A-Z]", text, flags=re.MULTILINE):
            assert text.count(option) >= 2
        if "--system" in text:
            assert all(name in text for name in SYSTEMS)
            assert "(default:" in text

    def test_the_program_is_called_as_it_was_typed(self, tmp_path):
        program = tmp_path / "skser"
        program.write_text("import sys\nfrom skser.__main__ import main\nmain()")
        done = subprocess.run(
            [sys.executable, str(program), "predict", "--help"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert "usage: skser predict" in done.stdout
        assert "\n  skser predict a.wav b.wav" in done.stdout

    def test_it_is_shown_without_tensorflow(self):
        command = [sys.executable, "-X", "importtime", "-m", "skser", "--help"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert all(f"\n    {name} " in done.stdout for name in COMMANDS)
        imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
        assert "skser.systems" in imported
        assert not {"tensorflow", "keras", "librosa"} & imported

    def test_the_version_is_told_without_what_takes_time(self):
        command = [sys.executable, "-X", "importtime", "-m", "skser", "--version"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout == f"skser {skser.__version__}\n"
        imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
        assert not {"numpy", "sklearn", "pandas", "skser.systems"} & imported

    def test_the_version_is_that_of_the_package(self, capsys):
        with pytest.raises(SystemExit):
            main(["--version"])
        assert capsys.readouterr().out == f"skser {skser.__version__}\n"

    def test_all_systems_and_corpora_are_listed(self, capsys):
        assert main(["list"]) == 0
        listed = {
            line.split()[0] for line in capsys.readouterr().out.splitlines() if line
        }
        loaders = {n.removeprefix("load_") for n in dir(datasets) if n[:5] == "load_"}
        assert listed == {"Systems", "Corpora", "synthetic", *SYSTEMS, *loaders}

    def test_what_is_listed_says_what_it_is(self, capsys):
        assert main(["list"]) == 0
        lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.split("\n")]
        said = dict(line for line in lines if len(line) == 2)
        for name in ("fcn", "statistics_svr"):
            task, summary = said[name].split(maxsplit=1)
            assert (task, summary) == SYSTEMS[name].row[-1:] + SYSTEMS[name].row[1:2]
        assert said["emodb"] == "EmoDB, the Berlin database of emotional speech."
        assert not [text for text in said.values() if text.startswith("Return")]

    def test_parameters_are_listed_as_they_are_set(self, capsys):
        assert main(["list", "fcn"]) == 0
        assert "classify__max_epochs=30\n" in capsys.readouterr().out


@pytest.fixture(scope="module")
def numbers_table(tmp_path_factory):
    """Write a corpus of numbers, without emotions."""
    folder = tmp_path_factory.mktemp("numbers")
    corpus = datasets.make_emotional_speech(
        3, n_utterances=2, duration=0.5, random_state=0
    )
    lines = ["file,speaker,arousal,valence,mood"]
    for i, path in enumerate(datasets.write_corpus(corpus, folder)):
        numbers = f"{corpus.arousal[i]},{corpus.valence[i]}"
        lines.append(f"{path},{corpus.groups[i]},{numbers},{corpus.target[i]}")
    (folder / "table.csv").write_text("\n".join(lines))
    return folder / "table.csv"


class TestNumbers:
    """Regression, of tables that need not have emotions."""

    def test_figures_are_those_of_python(self, numbers_table, capsys):
        command = ["evaluate", str(numbers_table), "--task", "regression", "--quiet"]
        assert main([*command, "--format", "json"]) == 0
        report = json.loads(capsys.readouterr().out)
        corpus = datasets.load_table(numbers_table, label=None)
        expected = evaluate(
            make_system("recommended_regressor"),
            corpus,
            target=["arousal", "valence"],
        )
        assert report["system"] == "recommended_regressor"
        assert report["targets"] == ["arousal", "valence"]
        found = [row["pooled"] for row in report["scores"]]
        np.testing.assert_allclose(
            found, [row["pooled"] for row in expected.scores()], rtol=1e-6
        )

    @pytest.mark.parametrize("format_", ["markdown", "csv"])
    def test_the_target_alone_says_the_task(
        self, numbers_table, format_, tmp_path, capsys
    ):
        command = ["evaluate", str(numbers_table), "--target", "valence", "--quiet"]
        report = str(tmp_path / "report")
        assert main([*command, "--format", format_, "--report", report]) == 0
        assert "CCC of valence is" in Path(report, "report.md").read_text("utf-8")
        answer = capsys.readouterr().out
        if format_ == "markdown":
            assert "| valence | CCC |" in answer
            return
        rows = read_csv(answer)
        assert [row["of"] for row in rows[:4]] == ["pooled", *["speaker"] * 3]
        assert {row["target"] for row in rows} == {"valence"}

    def test_another_column_of_classes_is_predicted(self, numbers_table, capsys):
        command = ["evaluate", str(numbers_table), "--target", "mood", "--quiet"]
        options = ["--task", "classification", "--option", "label=None"]
        assert main([*command, *options, "--system", "ivector"]) == 0
        assert "| anger |" in capsys.readouterr().out

    @pytest.mark.parametrize("targets", [["valence"], ["valence", "arousal"]])
    def test_a_trained_system_names_what_it_predicts(
        self, numbers_table, targets, tmp_path, capsys
    ):
        model = str(tmp_path / "model")
        command = ["train", str(numbers_table), "--target", *targets, "--quiet"]
        assert main([*command, "--output", model]) == 0
        recordings = sorted(map(str, numbers_table.parent.glob("*.wav")))[:3]
        predict = ["predict", *recordings, "--model", model, "--quiet"]
        expected = skser.load(model).predict(recordings).reshape(3, -1)
        assert main([*predict, "--format", "csv"]) == 0
        rows = read_csv(capsys.readouterr().out)
        assert list(rows[0]) == ["file", *targets]
        found = [[float(row[name]) for name in targets] for row in rows]
        np.testing.assert_allclose(found, expected, atol=1e-6)
        assert main([*predict, "--format", "json"]) == 0
        rows = json.loads(capsys.readouterr().out)
        np.testing.assert_allclose(
            [[row[name] for name in targets] for row in rows], expected, atol=1e-6
        )

    def test_what_is_for_classes_is_told(self, numbers_table, tmp_path, capsys):
        corpus = datasets.load_table(numbers_table, label=None)
        system = make_system("recommended_regressor")
        system.fit(corpus.paths, np.stack([corpus.arousal, corpus.valence], axis=1))
        skser.save(system, tmp_path / "model")
        predict = ["predict", corpus.paths[0], "--model", str(tmp_path / "model")]
        assert main([*predict, "--format", "csv", "--quiet"]) == 0
        assert capsys.readouterr().out.startswith("file,y0,y1\n")
        assert main([*predict, "--proba"]) == 1
        assert "has no posteriors" in capsys.readouterr().err
        assert main([*predict, "--window", "1"]) == 1
        assert "Timelines are of emotions" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--system", "fcn", "--task", "regression"], "these are: .*pretrained_r"),
            (["--system", "statistics_svr", "--task", "classification"], "is not for"),
            (["--target", "dominance"], "no column 'dominance'; .* arousal, valence"),
            (["--target", "mood"], "'mood' has 'anger', which is no number"),
            ([], "has no column 'label'.*or pass --option label=None"),
            (["--option", "label=None"], "The corpus has no emotions. Name"),
            (
                [
                    *("--task", "classification", "--target", "mood", "arousal"),
                    *("--option", "label=None"),
                ],
                "--target takes one column of classes",
            ),
        ],
    )
    @pytest.mark.parametrize("command", ["evaluate", "train"])
    def test_what_cannot_be_predicted(
        self, numbers_table, command, options, message, tmp_path, capsys
    ):
        output = ["--output", str(tmp_path / "out")]
        assert main([command, str(numbers_table), *options, *output]) in (1, 2)
        assert re.search(message, capsys.readouterr().err)
        assert not (tmp_path / "out").exists()

    def test_a_corpus_without_dimensions_is_told(self, numbers_table, tmp_path, capsys):
        lines = numbers_table.read_text().split("\n")
        table = tmp_path / "table.csv"
        table.write_text("\n".join(",".join(line.split(",")[:2]) for line in lines))
        assert main(["evaluate", str(table), "--task", "regression"]) == 2
        assert "has none of arousal, valence, dominance" in capsys.readouterr().err

    def test_a_missing_number_is_told_before_features_are_computed(
        self, numbers_table, tmp_path, capsys
    ):
        lines = numbers_table.read_text().split("\n")
        lines[3] = lines[3].replace(lines[3].split(",")[2], "nan")
        table = tmp_path / "table.csv"
        table.write_text("\n".join(lines))
        assert main(["evaluate", str(table), "--target", "arousal"]) == 1
        error = capsys.readouterr().err
        assert "1 of 24 recordings have no number" in error
        assert "Features" not in error
