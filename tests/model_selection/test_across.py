"""Training on one corpus and testing on another: labels, speakers, matrix, resuming."""

import csv
import os

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.utils import Bunch

from skser.datasets import Corpus, merge, share_labels
from skser.metrics import unweighted_accuracy_score
from skser.model_selection import (
    CrossCorpusResult,
    IncompleteEvaluationError,
    SpeakerFolds,
    compare,
    evaluate,
    evaluate_across,
    load_result,
)

LABELS = {
    "German": ["joy", "Angry", "boredom"],
    "Polish": ["happy", "anger", "surprised"],
    "French": ["happiness", "ang", "calm"],
}


def draw_corpus(labels, seed):
    """Make a corpus of four speakers, whose names all corpora share."""
    generator = np.random.default_rng(seed)
    target = np.tile(labels, 16)
    is_glad = np.isin(target, ["joy", "happy", "happiness"])
    data = generator.normal(0, 1, (48, 3)) + is_glad[:, np.newaxis]
    return Bunch(data=data, target=target, groups=np.repeat(["a", "b", "c", "d"], 12))


@pytest.fixture(scope="module")
def corpora():
    return {
        name: draw_corpus(labels, seed)
        for seed, (name, labels) in enumerate(LABELS.items())
    }


@pytest.fixture(scope="module")
def result(corpora):
    return evaluate_across(LogisticRegression(), corpora)


class Unlucky(LogisticRegression):
    """Fail to learn whole corpora, if the environment says so."""

    def fit(self, X, y):
        if "OUT_OF_LUCK" in os.environ and len(X) == 32:
            raise RuntimeError("out of luck")
        return super().fit(X, y)


def share(corpus):
    """Return the rows of the two shared classes, by hand."""
    glad = np.isin(corpus.target, ["joy", "happy", "happiness"])
    angry = np.isin(corpus.target, ["Angry", "anger", "ang"])
    rows = np.flatnonzero(glad | angry)
    return corpus.data[rows], np.where(glad, "happiness", "anger")[rows], rows


class TestMatrix:
    @pytest.mark.parametrize(
        ("train", "test"), [("German", "Polish"), ("French", "German")]
    )
    def test_a_cell_is_what_scikit_learn_gives(self, corpora, result, train, test):
        X, y, _ = share(corpora[train])
        X_test, y_test, _ = share(corpora[test])
        predicted = LogisticRegression().fit(X, y).predict(X_test)
        row, column = (list(corpora).index(name) for name in (train, test))
        expected = unweighted_accuracy_score(y_test, predicted)
        assert result.matrix()[row, column] == pytest.approx(expected)
        assert result.matrix("WA")[row, column] == np.mean(predicted == y_test)

    def test_the_diagonal_leaves_one_speaker_out_of_the_same_classes(
        self, corpora, result
    ):
        X, y, rows = share(corpora["Polish"])
        alone = evaluate(
            LogisticRegression(), X, y, groups=corpora["Polish"].groups[rows]
        )
        assert result.matrix()[1, 1] == alone.ua
        assert len(result.cells["Polish", "Polish"].scores_by("fold")) == 4

    def test_all_others_are_trained_on_together(self, corpora):
        found = evaluate_across(LogisticRegression(), corpora, train="others")
        parts = [share(corpora[name])[:2] for name in ("Polish", "French")]
        X, y = (np.concatenate(part) for part in zip(*parts, strict=True))
        X_test, y_test, _ = share(corpora["German"])
        predicted = LogisticRegression().fit(X, y).predict(X_test)
        expected = unweighted_accuracy_score(y_test, predicted)
        assert found.trained_on == ["itself", "all others"]
        assert found.matrix()[1, 0] == pytest.approx(expected)

    def test_cells_are_results_that_can_be_compared(self, corpora, result):
        chance = evaluate_across(DummyClassifier(), corpora, cv=[])
        pair = "German", "French"
        row = compare(result.cells[pair], {"chance": chance.cells[pair]}).rows[0]
        assert row["difference"] == result.cells[pair].ua - 0.5
        assert ("German", "German") not in chance.cells
        assert np.isnan(np.diag(chance.matrix())).all()

    def test_what_was_trained_on_never_holds_a_speaker_who_is_tested(self, corpora):
        class Suspicious(DummyClassifier):
            def fit(self, X, y):
                self.seen_ = {tuple(row) for row in X}
                return super().fit(X, y)

            def predict(self, X):
                assert not self.seen_ & {tuple(row) for row in X}
                assert len(self.seen_) == n_trained
                return super().predict(X)

        # Speakers of one name are four persons, or else nobody is left to train on.
        n_trained = 32
        evaluate_across(Suspicious(), corpora, cv=[])
        with pytest.raises(ValueError, match="0 recordings to train on"):
            evaluate_across(Suspicious(), corpora, cv=[], same_speakers=True)
        corpora = dict(corpora)
        corpora["German"] = Bunch(**corpora["German"])
        corpora["German"].groups = np.repeat(["a", "x", "y", "z"], 12)
        n_trained = 24
        pair = {name: corpora[name] for name in ("German", "Polish")}
        evaluate_across(Suspicious(), pair, cv=[], same_speakers=True)


class TestLabels:
    def test_only_shared_classes_are_used_and_the_rest_is_noted(self, result):
        assert result.predictions.labels == ["anger", "happiness"]
        assert {
            "corpus": "Polish",
            "label": "surprised",
            "class": None,
        } in result.labels
        assert {
            "corpus": "German",
            "label": "joy",
            "class": "happiness",
        } in result.labels
        assert [row["dropped"] for row in result.corpora] == [16, 16, 16]
        assert [row["recordings"] for row in result.corpora] == [32, 32, 32]

    def test_a_mapping_of_the_user_comes_before_the_synonyms(self, corpora):
        mapping = {
            "German": {"boredom": "rest"},
            "Polish": {"surprised": "rest", "happy": None},
            "French": {"calm": "rest"},
        }
        found = evaluate_across(DummyClassifier(), corpora, mapping, cv=[])
        assert found.predictions.labels == ["anger", "rest"]

    @pytest.mark.parametrize(
        ("mapping", "message"),
        [
            ({"Germn": {}}, "corpus 'Germn'"),
            ({"German": {"jy": "joy"}}, "the label 'jy', but German has 'Angry', "),
            ({"German": {"joy": None}}, r"share 1 class.*Their labels: German: Angry"),
            ({"German": {"joy": 1}}, "share 1 class"),
        ],
    )
    def test_a_mapping_that_does_not_fit_is_refused(self, corpora, mapping, message):
        with pytest.raises(ValueError, match=message):
            evaluate_across(DummyClassifier(), corpora, mapping)

    def test_corpora_of_one_vocabulary_can_be_merged(self):
        first, second = (
            Corpus(
                paths=np.array([f"{name}{i}.wav" for i in range(3)]),
                target=np.array(labels),
                groups=np.array(["s", "s", "t"]),
            )
            for name, labels in (
                ("a", ["Joy", "sad", "calm"]),
                ("b", ["fear", "happy", "sadness"]),
            )
        )
        merged = merge(share_labels({"a": first, "b": second}))
        assert merged.target.tolist() == ["happiness", "sadness"] * 2
        assert merged.target_names == ["happiness", "sadness"]
        assert merged.groups.tolist() == ["a/s", "a/s", "b/s", "b/t"]


class TestColumns:
    def test_what_all_corpora_know_of_recordings_is_kept(self, corpora):
        known = {name: Bunch(**corpus) for name, corpus in corpora.items()}
        for corpus in known.values():
            corpus.text_ids = np.tile(["t1", "t2", "t3"], 16)
        known["German"].sex = np.repeat(["female", "male"], 24)
        found = evaluate_across(DummyClassifier(), known, cv=[])
        assert list(found.predictions.columns) == ["text_id"]
        rows = found.cells["German", "Polish"].scores_by("text_id")
        assert [row["text_id"] for row in rows] == ["Polish/t1", "Polish/t2"]
        # Texts of two corpora are different ones, whatever they are called.
        assert found.predictions.protocol["shared"]["sentences"] == 0


class TestTables:
    def test_rows_have_intervals_over_test_speakers(self, result):
        row = result.rows()[1]
        cell = result.cells[row["trained on"], row["tested on"]]
        _, low, high = cell.confidence_interval("UA")
        assert (row["low"], row["high"], row["speakers"]) == (low, high, 4)
        assert low < row["UA"] < high

    def test_they_are_csv_markdown_and_html(self, result, tmp_path):
        result.to_csv(tmp_path / "across.csv")
        with open(tmp_path / "across.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == 9
        assert float(rows[0]["UA"]) == result.rows()[0]["UA"]
        ua = result.matrix()[0, 1]
        assert f"| German | {result.matrix()[0, 0]:.3f}" in result.to_markdown()
        assert f"{ua:.3f} (" in result.to_html()

    def test_tables_are_frames(self, result):
        pytest.importorskip("pandas")
        matrix = result.to_frame("matrix")
        assert matrix.loc["German", "French"] == result.matrix()[0, 2]
        assert len(result.to_frame("labels")) == 9
        with pytest.raises(ValueError, match="table must be one of"):
            result.to_frame("speakers")

    def test_level_and_duration_are_those_of_the_files(self, tmp_path):
        soundfile = pytest.importorskip("soundfile")
        corpora = {}
        for name, level, seconds in (("loud", 0.5, 1.0), ("soft", 0.05, 0.5)):
            paths = [str(tmp_path / f"{name}{i}.wav") for i in range(4)]
            for path in paths:
                soundfile.write(path, np.full(int(16000 * seconds), level), 16000)
            corpora[name] = Bunch(
                paths=np.array(paths),
                target=np.array(["joy", "sad"] * 2),
                groups=np.array(["a", "a", "b", "b"]),
            )
        X = {name: np.zeros((4, 1)) for name in corpora}
        loud, soft = evaluate_across(DummyClassifier(), corpora, X=X).corpora
        assert loud["level (dB)"] == pytest.approx(20 * np.log10(0.5), abs=0.01)
        assert soft["level (dB)"] == pytest.approx(20 * np.log10(0.05), abs=0.01)
        assert (loud["duration (s)"], soft["duration (s)"]) == (1.0, 0.5)

    def test_the_display_shows_the_matrix(self, result):
        pyplot = pytest.importorskip("matplotlib.pyplot")
        from skser.plotting import CrossCorpusDisplay

        pyplot.switch_backend("agg")
        display = CrossCorpusDisplay.from_result(result)
        row = result.rows()[1]
        text = display.text_[row["trained on"], row["tested on"]].get_text()
        assert text == f"{row['UA']:.2f}\n{row['low']:.2f}-{row['high']:.2f}"
        np.testing.assert_array_equal(display.image_.get_array(), result.matrix())
        pyplot.close("all")


class TestRuns:
    def test_an_interrupted_run_goes_on_where_it_was(
        self, corpora, tmp_path, monkeypatch
    ):
        monkeypatch.setenv("OUT_OF_LUCK", "1")
        with pytest.raises(IncompleteEvaluationError, match="3 of 15") as caught:
            evaluate_across(Unlucky(), corpora, checkpoint=tmp_path)
        assert set(caught.value.result.cells) == {(name, name) for name in corpora}
        kept = {path.name for path in tmp_path.iterdir()}
        times = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
        monkeypatch.delenv("OUT_OF_LUCK")
        finished = evaluate_across(Unlucky(), corpora, checkpoint=tmp_path)
        assert len(finished.cells) == 9
        assert len({path.name for path in tmp_path.iterdir()} - kept) == 3
        assert {path: path.stat().st_mtime_ns for path in times} == times

    def test_a_result_is_kept_in_a_file(self, result, tmp_path):
        result.predictions.save(tmp_path / "across.zip")
        again = CrossCorpusResult(load_result(tmp_path / "across.zip"))
        assert again.rows() == result.rows()
        assert again.to_markdown() == result.to_markdown()

    def test_folds_within_may_differ_by_corpus(self, corpora):
        cv = {"German": SpeakerFolds(2), "Polish": []}
        found = evaluate_across(DummyClassifier(), corpora, cv=cv)
        assert ("Polish", "Polish") not in found.cells
        assert found.cells["German", "German"].protocol["n_folds"] == 2
        assert ("French", "French") in found.cells

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"train": "all"}, "train must be one of"),
            ({"cv": {"Latin": 3}}, "cv names the corpus 'Latin'"),
            ({"cv": KFold(3)}, "not speaker-independent"),
            ({"X": {"German": []}}, "X must have an entry for each"),
        ],
    )
    def test_what_cannot_be_used_is_refused(self, corpora, options, message):
        with pytest.raises(ValueError, match=message):
            evaluate_across(DummyClassifier(), corpora, **options)

    def test_corpora_that_cannot_be_kept_apart_are_refused(self, corpora):
        one = corpora["German"]
        with pytest.raises(ValueError, match="2 corpora or more"):
            evaluate_across(DummyClassifier(), {"German": one})
        with pytest.raises(ValueError, match="must be a dict of names"):
            evaluate_across(DummyClassifier(), one)
        nameless = Bunch(data=one.data, target=one.target)
        with pytest.raises(ValueError, match="No speakers are known of other"):
            evaluate_across(DummyClassifier(), {"German": one, "other": nameless})
        files = Bunch(paths=np.array([f"{i}.wav" for i in range(48)]), **one)
        with pytest.raises(ValueError, match=r"'0.wav' is in first and in second"):
            evaluate_across(DummyClassifier(), {"first": files, "second": files})
        with pytest.raises(ValueError, match="evaluation of one corpus"):
            CrossCorpusResult(evaluate(DummyClassifier(), one))
