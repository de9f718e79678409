"""A system on every fold: what reaches it, what is kept, and what a kill does."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    cross_val_predict,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.utils import Bunch

from skser import AttentionBLSTMFCNClassifier, PCAWhitening
from skser.model_selection import (
    IncompleteEvaluationError,
    LeaveOneSpeakerOut,
    SpeakerFolds,
    evaluate,
    load_result,
)

SCRIPT = Path(__file__).with_name("slow_classifier.py")


def load_script():
    """Import the script from its path, as the tests have no package."""
    specification = importlib.util.spec_from_file_location("slow_classifier", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    sys.modules["slow_classifier"] = module
    specification.loader.exec_module(module)
    return module


slow = load_script()


class Spy(ClassifierMixin, BaseEstimator):
    """Keep what `fit` was given, in a list that all copies share."""

    __metadata_request__fit = {"groups": True}
    seen = []

    def fit(self, X, y, groups=None, X_val=None, y_val=None):
        self.seen.append({"X": X, "groups": groups, "X_val": X_val, "y_val": y_val})
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


@pytest.fixture
def spy():
    """Return a spy that has seen nothing yet."""
    Spy.seen.clear()
    return Spy()


def pairs(result):
    """Return what was predicted for each file, in a form to compare."""
    return result.predictions()


class TestPredictions:
    def test_they_are_those_of_scikit_learn(self, corpus):
        system = make_pipeline(StandardScaler(), SVC())
        result = evaluate(system, corpus, LeaveOneSpeakerOut())
        expected = cross_val_predict(
            system,
            corpus.data,
            corpus.target,
            groups=corpus.groups,
            cv=LeaveOneGroupOut(),
        )
        columns = result.predictions()
        order = [int(name) for name in columns["file"]]
        assert columns["predicted"] == expected[order].tolist()
        assert columns["speaker"] == corpus.groups[order].tolist()

    def test_every_recording_has_one_with_its_posteriors(self, corpus):
        result = evaluate(LogisticRegression(), corpus, GroupKFold(3))
        columns = result.predictions()
        assert sorted(map(int, columns["file"])) == list(range(40))
        np.testing.assert_allclose(result.posteriors.sum(axis=1), 1)
        assert set(columns) >= {"p(calm)", "p(glad)", "fold", "seed", "true"}

    def test_a_system_without_posteriors_has_none(self, corpus):
        result = evaluate(SVC(), corpus, LeaveOneSpeakerOut())
        assert result.posteriors is None
        assert result.ua > 0.5

    def test_the_system_given_stays_unfitted_and_unchanged(self, corpus):
        system = Pipeline([("scale", StandardScaler()), ("classify", Spy())])
        evaluate(system, corpus, LeaveOneSpeakerOut(validation="rotate"))
        assert system.transform_input is None
        assert not hasattr(system["scale"], "mean_")

    @pytest.mark.case("H08")
    def test_n_jobs_changes_nothing(self, corpus):
        results = [
            evaluate(LogisticRegression(), corpus, LeaveOneSpeakerOut(), n_jobs=n_jobs)
            for n_jobs in (None, 2)
        ]
        assert pairs(results[0]) == pairs(results[1])

    @pytest.mark.case("C07")
    def test_a_class_that_was_not_trained_has_posterior_0(self, corpus):
        corpus.target = corpus.target.astype(object)
        corpus.target[:3] = "rare"
        with pytest.warns(UserWarning, match=r"Fold 1 .*'s0'.* tests \['rare'\]"):
            result = evaluate(LogisticRegression(), corpus, LeaveOneSpeakerOut())
        # target_names lack the class, so that the labels are those that occur.
        assert result.labels == ["calm", "glad", "rare"]
        assert (result.posteriors[result.folds == 0, 2] == 0).all()
        assert result.recalls()["rare"] == 0

    @pytest.mark.case("C09")
    @pytest.mark.filterwarnings("ignore:Fold")
    def test_a_speaker_of_one_recording_is_a_fold_with_a_score(self, corpus):
        corpus.groups = corpus.groups.astype(object)
        corpus.groups[0] = "alone"
        result = evaluate(LogisticRegression(), corpus, LeaveOneSpeakerOut())
        assert np.isfinite(result.ua)
        scores = {row["speaker"]: row for row in result.scores_by("speaker")}
        assert scores["alone"]["n"] == 1
        assert scores["alone"]["UA"] in (0.0, 1.0)

    @pytest.mark.case("C02")
    def test_a_recording_without_a_label_is_located(self, corpus):
        corpus.target = corpus.target.astype(object)
        corpus.target[5] = None
        with pytest.raises(ValueError, match=r"corpus\.target\[5\] is missing"):
            evaluate(LogisticRegression(), corpus, LeaveOneSpeakerOut())

    def test_lists_of_arrays_and_other_inputs_are_taken(self, corpus):
        class MeanOverTime(TransformerMixin, BaseEstimator):
            def fit(self, X, y=None):
                return self

            def transform(self, X):
                return np.array([np.mean(x, axis=0) for x in X])

        corpus.paths = np.array([f"/nowhere/{i}.wav" for i in range(40)])
        sequences = [np.tile(row, (3 + i % 4, 1)) for i, row in enumerate(corpus.data)]
        system = make_pipeline(MeanOverTime(), LogisticRegression())
        result = evaluate(system, corpus, LeaveOneSpeakerOut(), X=sequences)
        plain = evaluate(
            LogisticRegression(), corpus, LeaveOneSpeakerOut(), X=corpus.data
        )
        assert pairs(result)["predicted"] == pairs(plain)["predicted"]
        assert result.files[0] == "/nowhere/0.wav"

    def test_pandas_columns_are_taken(self, corpus):
        pandas = pytest.importorskip("pandas")
        expected = evaluate(LogisticRegression(), corpus, LeaveOneSpeakerOut())
        corpus.target = pandas.Series(corpus.target, index=range(5, 45))
        corpus.groups = pandas.Series(corpus.groups, dtype="string")
        result = evaluate(LogisticRegression(), corpus, LeaveOneSpeakerOut())
        assert pairs(result) == pairs(expected)


class TestRouting:
    def test_validation_speaker_reaches_fit_transformed(self, corpus, spy):
        system = Pipeline([("scale", StandardScaler()), ("classify", spy)])
        evaluate(system, corpus, LeaveOneSpeakerOut(validation="rotate"))
        first = Spy.seen[0]
        train = np.isin(corpus.groups, ["s2", "s3", "s4"])
        scaler = StandardScaler().fit(corpus.data[train])
        validation = corpus.groups == "s1"
        np.testing.assert_allclose(
            first["X_val"], scaler.transform(corpus.data[validation])
        )
        assert first["y_val"].tolist() == corpus.target[validation].tolist()
        assert sorted(set(first["groups"])) == ["s2", "s3", "s4"]

    def test_a_pipeline_in_a_pipeline_gets_it_too(self, corpus, spy):
        inner = Pipeline([("scale", StandardScaler()), ("classify", spy)])
        evaluate(
            Pipeline([("first", StandardScaler()), ("rest", inner)]),
            corpus,
            LeaveOneSpeakerOut(validation="rotate"),
        )
        assert Spy.seen[0]["X_val"].shape == (8, 3)
        assert abs(Spy.seen[0]["X"].mean()) < 1e-9

    def test_without_validation_only_speakers_reach_fit(self, corpus, spy):
        evaluate(spy, corpus, LeaveOneSpeakerOut())
        assert Spy.seen[0]["X_val"] is None
        assert sorted(set(Spy.seen[0]["groups"])) == ["s1", "s2", "s3", "s4"]

    def test_who_takes_no_validation_is_told_so(self, corpus):
        folds = LeaveOneSpeakerOut(validation="rotate")
        with pytest.warns(UserWarning, match="LogisticRegression takes no X_val"):
            evaluate(make_pipeline(LogisticRegression()), corpus, folds)

    def test_inner_folds_of_a_search_get_speakers(self, corpus):
        search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=SpeakerFolds(2))
        assert evaluate(search, corpus, LeaveOneSpeakerOut()).ua > 0.5

    def test_the_setting_of_routing_is_left_as_it_was(self, corpus):
        evaluate(LogisticRegression(), corpus, LeaveOneSpeakerOut())
        assert not sklearn.get_config()["enable_metadata_routing"]

    @pytest.mark.slow
    def test_a_network_stops_by_the_validation_speaker(self, sequences, tmp_path):
        X, y = sequences
        groups = np.array(["anna", "bea", "carl"])[np.arange(60) // 20]
        network = AttentionBLSTMFCNClassifier(
            recurrent_units=4,
            filters=(6,),
            kernel_sizes=(3,),
            hidden_units=(6,),
            max_epochs=3,
            learning_rate=0.02,
            batch_size=10,
        )
        system = Pipeline([("whiten", PCAWhitening()), ("classify", network)])
        corpus = Bunch(data=X, target=y, groups=groups)
        result, again = (
            evaluate(
                system,
                corpus,
                LeaveOneSpeakerOut(validation="rotate"),
                seeds=[0],
                checkpoint=tmp_path,
            )
            for _ in range(2)
        )
        assert pairs(result) == pairs(again)
        assert result.protocol["speaker_independent"] is True
        assert result.ua > 0.4


class TestProtocol:
    @pytest.mark.parametrize("cv", [KFold(3), 3])
    @pytest.mark.case("K12")
    def test_a_leak_is_refused(self, corpus, cv):
        message = r"Fold 1 is not speaker-independent.* SpeakerFolds.* allow_leaks=True"
        with pytest.raises(ValueError, match=message):
            evaluate(DummyClassifier(), corpus, cv)

    def test_a_leak_that_is_allowed_is_told_and_recorded(self, corpus):
        with pytest.warns(UserWarning, match="Fold 1 is not speaker-independent"):
            result = evaluate(DummyClassifier(), corpus, KFold(3), allow_leaks=True)
        assert result.protocol["speaker_independent"] is False
        assert "Speaker-independent: NO" in result.to_markdown()

    def test_without_speakers_it_is_not_known(self, corpus):
        del corpus["groups"]
        result = evaluate(DummyClassifier(), corpus, KFold(3))
        assert result.protocol["speaker_independent"] is None
        assert "not known" in result.to_markdown()

    def test_the_saved_file_describes_itself(self, corpus, tmp_path):
        system = make_pipeline(StandardScaler(), SVC(C=3))
        result = evaluate(system, corpus, LeaveOneSpeakerOut())
        result.save(tmp_path / "result.npz")
        protocol = load_result(tmp_path / "result.npz").protocol
        assert protocol["splitter"].startswith("LeaveOneSpeakerOut(")
        assert protocol["pipeline"]["steps"][1][1]["C"] == 3
        assert protocol["versions"]["scikit-learn"] == sklearn.__version__

    def test_seeds_are_set_on_every_random_state(self, corpus):
        forest = RandomForestClassifier(3)
        result = evaluate(forest, corpus, LeaveOneSpeakerOut(), seeds=[0, 1])
        alone = evaluate(forest, corpus, LeaveOneSpeakerOut(), seeds=[1])
        assert [row["seed"] for row in result.scores_by("seed")] == [0, 1]
        second = result.predicted[result.runs == 1].tolist()
        assert second == alone.predicted.tolist()
        assert second != result.predicted[result.runs == 0].tolist()

    def test_seeds_without_any_use_are_refused(self, corpus):
        system = make_pipeline(StandardScaler(), Spy())
        with pytest.raises(ValueError, match=r"Spy and the steps .* no parameter rand"):
            evaluate(system, corpus, LeaveOneSpeakerOut(), seeds=[0, 1])

    @pytest.mark.parametrize("seeds", [[], [1, 1]])
    def test_seeds_must_be_different(self, corpus, seeds):
        with pytest.raises(ValueError, match="seeds must be different"):
            evaluate(SVC(), corpus, LeaveOneSpeakerOut(), seeds=seeds)

    def test_a_corpus_without_labels_is_refused(self):
        with pytest.raises(ValueError, match=r"must have target.* it has \['data'\]"):
            evaluate(SVC(), Bunch(data=[1, 2]), 2)

    @pytest.mark.case("C10")
    def test_missing_groups_are_asked_for(self, corpus):
        del corpus["groups"]
        with pytest.raises(ValueError, match=r"LeaveOneSpeakerOut .* groups is None"):
            evaluate(SVC(), corpus, LeaveOneSpeakerOut())

    def test_a_fold_with_nothing_to_train_on_is_refused(self, corpus):
        with pytest.raises(ValueError, match="Fold 1 of cv has 0 recordings to train"):
            evaluate(SVC(), corpus, [([], [0, 1])])

    @pytest.mark.parametrize("n_jobs", [None, 2])
    def test_verbose_prints_a_line_a_fold(self, corpus, n_jobs, capsys):
        # capsys sees what this process prints: who redirects it gets all lines.
        splitter = LeaveOneSpeakerOut()
        evaluate(DummyClassifier(), corpus, splitter, n_jobs=n_jobs, verbose=1)
        output, errors = capsys.readouterr()
        # Where it all takes over two seconds, a progress bar has lines of its own.
        lines = sorted(x for x in errors.splitlines() if x.startswith("fold "))
        assert output == ""
        assert len(lines) == 5
        assert lines[0].startswith("fold 1 of 5 (test speaker 's0'): WA")


class TestArguments:
    def test_separate_arguments_do_what_a_corpus_does(self, corpus):
        folds = LeaveOneSpeakerOut()
        expected = pairs(evaluate(LogisticRegression(), corpus, folds))
        separate = (LogisticRegression(), corpus.data, corpus.target)
        for result in (
            evaluate(*separate, folds, groups=corpus.groups),
            evaluate(*separate, groups=corpus.groups, cv=folds),
            evaluate(*separate, groups=corpus.groups.tolist()),
            evaluate(LogisticRegression(), corpus),
            evaluate(LogisticRegression(), dict(corpus), cv=folds),
        ):
            assert pairs(result) == expected

    def test_lists_of_paths_name_the_files_of_the_result(self, corpus):
        paths = [Path(f"{i}.wav") for i in range(40)]
        result = evaluate(
            DummyClassifier(), paths, corpus.target.tolist(), groups=corpus.groups
        )
        assert result.files == [f"{i}.wav" for i in range(40)]
        assert result.labels == ["calm", "glad"]

    @pytest.mark.case("K05")
    def test_parts_of_files_are_taken_for_recordings(self, corpus):
        @dataclass(frozen=True)
        class Part:
            path: str
            start: float

        parts = [Part("dialogue.wav", i / 2) for i in range(40)]
        result = evaluate(DummyClassifier(), parts, corpus.target, groups=corpus.groups)
        assert len(set(result.files)) == 40
        assert "dialogue.wav" in result.files[1]

    def test_a_table_of_features_is_taken_with_its_labels(self, corpus):
        pandas = pytest.importorskip("pandas")
        table = pandas.DataFrame(corpus.data, columns=["a", "b", "c"])
        expected = evaluate(LogisticRegression(), corpus)
        result = evaluate(
            LogisticRegression(), table, corpus.target, groups=corpus.groups
        )
        assert pairs(result)["predicted"] == pairs(expected)["predicted"]
        assert pairs(result)["file"] == pairs(expected)["file"]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (lambda c: ("recordings", c.target), "load_folder, .*or a list of record"),
            (lambda c: (list(c.data),), r"evaluate\(system, paths, emotions, groups="),
            (
                lambda c: (list(c.data), KFold(2)),
                "y must be the emotion of each, or .*; got K",
            ),
            (lambda c: (c, c.target), r"cv must be a splitter, .* got \["),
            (lambda c: (c, c.target, KFold(2)), "A corpus has its own target"),
            (lambda c: (list(c.data), c.target[:3]), "inconsistent numbers of samples"),
        ],
    )
    @pytest.mark.case("K18")
    def test_what_cannot_be_meant_gets_an_answer_that_helps(
        self, corpus, arguments, message
    ):
        with pytest.raises(ValueError, match=message):
            evaluate(DummyClassifier(), *arguments(corpus))

    @pytest.mark.parametrize("where", ["groups", "target"])
    @pytest.mark.case("K12")
    def test_numbers_beside_texts_are_refused(self, corpus, where):
        corpus[where] = [1, *corpus[where].tolist()[1:-1], "1"]
        with pytest.raises(ValueError, match=rf"{where} has both texts and numbers"):
            evaluate(DummyClassifier(), corpus)

    def test_nan_beside_texts_is_missing_and_no_name(self, corpus):
        corpus.groups = [float("nan"), *corpus.groups.tolist()[1:]]
        with pytest.raises(ValueError, match=r"groups\[0\] is missing"):
            evaluate(DummyClassifier(), corpus)

    @pytest.mark.parametrize(
        ("names", "message"),
        [
            (["01 ", "01", "2", "3"], "groups has names .*'01' and '01 '"),
            (["Anna", "anna", "bea", "carl"], "'Anna' and 'anna'"),
            (["s1", "s01", "s2", "s10"], "'s01' and 's1'"),
        ],
    )
    @pytest.mark.filterwarnings("ignore:Fold")
    @pytest.mark.case("K12")
    def test_names_that_a_person_takes_for_one_are_named(self, corpus, names, message):
        corpus.groups = np.repeat(names, 10)
        with pytest.warns(UserWarning, match=message):
            result = evaluate(DummyClassifier(), corpus)
        assert len(result.scores_by("speaker")) == 4

    def test_names_that_differ_are_left_alone(self, corpus):
        corpus.groups = np.repeat(["s1", "s10", "s100", "s2", "S1a"], 8)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            evaluate(LogisticRegression(), corpus)


class FailsOnce(slow.SlowClassifier):
    """Fail where speaker s2 is not in training, unless a file says it is mended."""

    def fit(self, X, y):
        if not self.path.with_name("mended").exists() and self.is_third(X):
            raise RuntimeError("out of patience")
        return super().fit(X, y)

    def is_third(self, X):
        third = slow.make_corpus().data[16]
        return not any(np.array_equal(row, third) for row in X)


class TestFailures:
    def test_it_names_fold_and_speaker_and_keeps_the_others(self, tmp_path):
        log, folder = tmp_path / "log", tmp_path / "checkpoint"
        corpus, system = slow.make_corpus(), FailsOnce(log.as_uri())
        message = (
            r"1 of 5 folds failed.* fold 3 of 5 \(test speaker 's2'\): RuntimeError: "
            "out of patience.* The 4 finished ones"
        )
        with pytest.raises(IncompleteEvaluationError, match=message) as caught:
            evaluate(system, corpus, LeaveOneSpeakerOut(), checkpoint=folder)
        assert len(caught.value.result.predicted) == 32
        assert "in fit" in caught.value.__notes__[0]  # the traceback
        (tmp_path / "mended").touch()
        n_before = len(log.read_text().splitlines())
        result = evaluate(system, corpus, LeaveOneSpeakerOut(), checkpoint=folder)
        assert len(log.read_text().splitlines()) == n_before + 1
        assert len(result.predicted) == 40

    def test_if_all_fail_there_is_no_result(self, corpus):
        with pytest.raises(IncompleteEvaluationError, match="None was fin") as caught:
            evaluate(LogisticRegression(C=-1), corpus, LeaveOneSpeakerOut())
        assert caught.value.result is None

    @pytest.mark.slow
    @pytest.mark.case("G10")
    def test_a_killed_worker_does_not_take_the_finished_folds_along(self, tmp_path):
        system = KillsItself((tmp_path / "log").as_uri(), random_state=0)
        corpus, folder = slow.make_corpus(), tmp_path / "checkpoint"

        def attempt():
            return evaluate(
                system, corpus, LeaveOneSpeakerOut(), checkpoint=folder, n_jobs=2
            )

        message = (
            r"1 of 5 folds.* was killed, most likely for lack of memory, while fold 3 "
            r"of 5 \(test speaker 's2'\) was being run.* The 4 finished ones.* The "
            "same call"
        )
        with pytest.raises(IncompleteEvaluationError, match=message) as caught:
            attempt()
        assert len(caught.value.result.predicted) == 32
        assert len(list(folder.glob("*.npz"))) == 4
        # The same process goes on, with new workers.
        (tmp_path / "mended").touch()
        (tmp_path / "log").write_text("")
        result = attempt()
        assert len((tmp_path / "log").read_text().splitlines()) == 1
        whole = evaluate(system, corpus, LeaveOneSpeakerOut())
        assert pairs(result) == pairs(whole)


class KillsItself(FailsOnce):
    """Die as for lack of memory, once the four other folds are finished."""

    def fit(self, X, y):
        folder = self.path.parent
        if not (folder / "mended").exists() and self.is_third(X):
            deadline = time.monotonic() + 60
            while len(list(folder.glob("checkpoint/*.npz"))) < 4:
                assert time.monotonic() < deadline, "the other folds do not finish"
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGKILL)
        return slow.SlowClassifier.fit(self, X, y)


def count_bytes(paths):
    return np.array([[path.stat().st_size] for path in paths])


class TestCheckpoints:
    @pytest.fixture
    def attempt(self, tmp_path):
        """Evaluate, and return the result and the number of fits it took."""
        log, corpus = tmp_path / "log", slow.make_corpus()

        def run(cv=None, seeds=(0,), corpus=corpus, folder="checkpoint", **params):
            log.write_text("")
            result = evaluate(
                slow.SlowClassifier(log.as_uri(), **params),
                corpus,
                cv or LeaveOneSpeakerOut(),
                seeds=seeds,
                checkpoint=tmp_path / folder,
            )
            return result, len(log.read_text().splitlines())

        return run

    def test_finished_folds_are_not_run_again(self, attempt):
        first, n_fits = attempt()
        again, n_more = attempt()
        assert (n_fits, n_more) == (5, 0)
        assert pairs(first) == pairs(again)
        assert first.protocol == again.protocol

    def test_more_seeds_run_only_what_is_new(self, attempt):
        attempt()
        assert attempt(seeds=(0, 1))[1] == 5

    def test_verbosity_does_not_matter(self, attempt):
        attempt()
        assert attempt(verbose=1)[1] == 0

    def test_a_changed_parameter_is_run_again(self, attempt):
        attempt()
        assert attempt(seconds=0.001)[1] == 5
        assert attempt(seeds=(3,))[1] == 5

    def test_a_changed_label_speaker_or_value_is_run_again(self, attempt):
        attempt()
        corpus = slow.make_corpus()
        corpus.target[0] = "glad"
        assert attempt(corpus=corpus)[1] == 5
        corpus = slow.make_corpus()
        corpus.data[0, 0] += 1e-9
        assert attempt(corpus=corpus)[1] == 5

    def test_changed_folds_are_run_again(self, attempt):
        attempt()
        assert attempt(cv=SpeakerFolds(4))[1] == 4

    def test_a_changed_version_is_run_again(self, attempt, monkeypatch):
        attempt()
        monkeypatch.setattr("skser.storage._identity.__version__", "99")
        assert attempt()[1] == 5

    def test_a_changed_order_is_run_again(self, attempt):
        attempt()
        corpus = slow.make_corpus()
        corpus.data = corpus.data[::-1]
        assert attempt(corpus=corpus)[1] == 5

    @pytest.mark.case("K01")
    def test_a_changed_file_is_run_again(self, tmp_path):
        corpus, log = slow.make_corpus(), tmp_path / "log"
        paths = [tmp_path / f"{i}.wav" for i in range(40)]
        for i, path in enumerate(paths):
            path.write_bytes(b"1" * (i + 1))
        system = make_pipeline(
            FunctionTransformer(count_bytes), slow.SlowClassifier(log.as_uri())
        )

        def attempt():
            log.write_text("")
            evaluate(
                system,
                paths,
                corpus.target,
                groups=corpus.groups,
                checkpoint=tmp_path / "checkpoint",
            )
            return len(log.read_text().splitlines())

        assert [attempt(), attempt()] == [5, 0]
        paths[0].write_bytes(b"222")
        assert [attempt(), attempt()] == [5, 0]

    @pytest.mark.parametrize("harm", ["truncated", "empty", "flipped"])
    def test_a_damaged_file_is_run_again_with_a_warning(self, attempt, tmp_path, harm):
        expected, _ = attempt()
        victim = sorted((tmp_path / "checkpoint").iterdir())[1]
        content = bytearray(victim.read_bytes())
        content[content.index(b"SHA-256 of") - 60] ^= 0x01
        harmed = {"truncated": content[:-50], "empty": b"", "flipped": content}
        victim.write_bytes(harmed[harm])
        with pytest.warns(
            UserWarning, match="checkpoint=.*could not be read.*the fold is run again"
        ):
            result, n_fits = attempt()
        assert n_fits == 1
        assert pairs(result) == pairs(expected)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert attempt()[1] == 0

    def test_a_folder_that_cannot_be_written_only_warns(self, attempt, tmp_path):
        (tmp_path / "file").touch()
        with pytest.warns(UserWarning, match="could not be kept"):
            result, _ = attempt(folder="file/folder")
        assert len(result.predicted) == 40

    def test_what_killed_processes_left_is_removed_after_an_hour(
        self, attempt, tmp_path
    ):
        attempt()
        names = [
            tmp_path / "checkpoint" / f"{age}.unfinished" for age in ("old", "new")
        ]
        for name in names:
            name.touch()
        os.utime(names[0], (0, 0))
        attempt()
        assert [name.exists() for name in names] == [False, True]

    @pytest.mark.case("G02")
    def test_a_kill_in_the_middle_and_a_second_start_give_the_same(self, tmp_path):
        whole = slow.run(str(tmp_path / "log"), tmp_path / "whole", 0.2)
        log, folder = tmp_path / "log", tmp_path / "checkpoint"
        log.unlink()
        code = "import sys, slow_classifier; slow_classifier.run(*sys.argv[1:])"
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(log), str(folder), "0.2"],
            env={**os.environ, "PYTHONPATH": str(SCRIPT.parent)},
        )
        deadline = time.monotonic() + 60
        # Killed while it sleeps in the fourth of ten fits.
        while not log.exists() or len(log.read_text().splitlines()) < 4:
            assert time.monotonic() < deadline, "the child does not run"
            assert child.poll() is None, "the child has ended by itself"
            time.sleep(0.005)
        child.send_signal(signal.SIGKILL)
        child.wait()
        n_kept = len(list(folder.glob("*.npz")))
        assert 3 <= n_kept < 10
        log.unlink()
        resumed = slow.run(str(log), folder, 0.2)
        assert len(log.read_text().splitlines()) == 10 - n_kept
        assert pairs(resumed) == pairs(whole)
        assert resumed.to_markdown() == whole.to_markdown()


DESCRIBED = """
import json
import numpy as np
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC
from skser.model_selection import evaluate

folds = KFold(3, shuffle=True, random_state=0)
search = GridSearchCV(SVC(class_weight={"a": 2}), {"C": np.array([1, 2])}, cv=folds)
system = make_pipeline(FunctionTransformer(lambda x: x + 1), search)
X, y = np.arange(24.0).reshape(12, 2), ["a", "b"] * 6
result = evaluate(system, X, y, groups=[*"aaaabbbbcccc"])
description = json.dumps(result.protocol["pipeline"])
"""


def test_the_description_of_a_system_is_the_same_in_every_process():
    here = {"__name__": "__main__"}
    exec(DESCRIBED, here)
    child = subprocess.run(
        [sys.executable, "-c", DESCRIBED + "print(description)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert child.stdout.strip() == here["description"]
    assert "0x" not in here["description"]


def test_a_function_that_was_edited_is_described_differently(corpus):
    def describe(function):
        system = make_pipeline(FunctionTransformer(function), DummyClassifier())
        protocol = evaluate(system, corpus, LeaveOneSpeakerOut()).protocol
        return protocol["pipeline"]["steps"][0][1]["func"]

    assert describe(lambda x: x + 1) != describe(lambda x: x + 2)
    assert describe(np.float32) == "numpy.float32"


class TestParams:
    @pytest.fixture
    def weighted(self):
        """Return a system that takes weights."""
        with sklearn.config_context(enable_metadata_routing=True):
            return LogisticRegression().set_fit_request(sample_weight=True)

    def test_they_reach_fit_each_with_its_recording(self, corpus, weighted):
        weights = np.where(corpus.target == "calm", 0.001, 1.0)
        light = evaluate(weighted, corpus, params={"sample_weight": weights})
        plain = evaluate(weighted, corpus, params={"sample_weight": np.ones(40)})
        assert (plain.predicted == evaluate(weighted, corpus).predicted).all()
        calm = plain.labels.index("calm")
        assert (light.predicted == calm).sum() < (plain.predicted == calm).sum()
        assert light.protocol["params"] == ["sample_weight"]

    def test_another_value_is_another_checkpoint(self, corpus, weighted, tmp_path):
        for last in (1.0, 2.0):
            weights = np.r_[np.ones(39), last]
            options = {"params": {"sample_weight": weights}, "checkpoint": tmp_path}
            evaluate(weighted, corpus, **options)
        assert len(list(tmp_path.iterdir())) == 2 * 5  # speakers

    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"ratings": np.ones(40)}, "has 'ratings', which no step .* set_fit_requ"),
            ({"sample_weight": [1.0] * 39}, "an entry for each of the 40 recordings"),
            ({"groups": ["anna"] * 40}, "evaluate passes itself"),
        ],
    )
    def test_what_nobody_takes_is_refused(self, params, message, corpus, weighted):
        with pytest.raises(ValueError, match=message):
            evaluate(weighted, corpus, params=params)
