import copy
import importlib.abc
import pickle
import sys

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

from skser import datasets

pytestmark = pytest.mark.filterwarnings("ignore:.*the published")


@pytest.fixture
def corpus(make_files):
    names = ["f1/dis-f1-b1.wav", "f2/gio-f2-b2.wav", "m1/neu-m1-l4.wav"]
    return datasets.load_emovo(make_files(names))


def test_the_frame_has_the_columns_that_a_table_is_read_from(corpus, tmp_path):
    pytest.importorskip("pandas")
    assert list(corpus.frame) == ["file", "label", "speaker", "text_id"]
    corpus.frame.to_csv(tmp_path / "table.csv", index=False)
    again = datasets.load_table(tmp_path / "table.csv")
    for key in ("paths", "target", "groups", "text_ids"):
        np.testing.assert_array_equal(again[key], corpus[key])


def test_the_frame_is_made_once_and_only_when_asked_for(corpus):
    pytest.importorskip("pandas")
    assert "frame" not in corpus
    assert corpus.frame is corpus["frame"]
    assert {dtype.name for dtype in corpus.frame.dtypes} == {"object"}  # not Arrow


class Majority(ClassifierMixin, BaseEstimator):
    """Predicts the most frequent class; needs no numbers."""

    def fit(self, X, y):
        self.classes_, counts = np.unique(y, return_counts=True)
        self.answer_ = self.classes_[counts.argmax()]
        return self

    def predict(self, X):
        return np.full(len(X), self.answer_)


def test_the_columns_of_the_frame_go_through_cross_val_predict(corpus):
    pytest.importorskip("pandas")
    frame = corpus.frame
    for X, y, groups in [
        (frame["file"], frame["label"], frame["speaker"]),
        (frame["file"].values, frame["label"].values, frame["speaker"].values),
    ]:
        predictions = cross_val_predict(
            Majority(), X, y, groups=groups, cv=LeaveOneGroupOut()
        )
        assert predictions.shape == (3,)


def test_without_pandas_only_the_frame_is_missing(corpus, monkeypatch):
    class NoPandas(importlib.abc.MetaPathFinder):
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] == "pandas":
                raise ModuleNotFoundError(name)

    for name in [name for name in sys.modules if name.split(".")[0] == "pandas"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [NoPandas(), *sys.meta_path])
    with pytest.raises(ImportError, match="frame needs pandas: install it, or use"):
        corpus.frame  # noqa: B018
    assert len(corpus.paths) == 3


def test_an_unknown_entry_is_an_attribute_error(corpus):
    with pytest.raises(AttributeError):
        corpus.audio  # noqa: B018
    with pytest.raises(KeyError):
        corpus["audio"]
    assert corpus.get("audio") is None


def test_copies_and_pickles_are_the_same_corpus(corpus):
    for other in (copy.deepcopy(corpus), pickle.loads(pickle.dumps(corpus))):
        assert type(other) is datasets.Corpus
        assert other.keys() == corpus.keys()
        np.testing.assert_array_equal(other.paths, corpus.paths)
        assert other.expected_counts == corpus.expected_counts


def test_rows_can_be_taken_by_position_or_mask(corpus):
    for rows in ([2, 0], np.array([2, 0])):
        assert corpus.take(rows).paths.tolist() == corpus.paths[[2, 0]].tolist()
    few = corpus.take(corpus.paths == corpus.paths[1])
    assert type(few) is datasets.Corpus
    assert few.paths.tolist() == [corpus.paths[1]]
    assert few.target_names == corpus.target_names
    assert few.frame.shape[0] == 1
    assert corpus.take([]).paths.tolist() == []
    with pytest.raises(IndexError):
        corpus.take([3])


def test_the_names_of_the_package_are_there_and_sorted():
    assert sorted(datasets.__all__) == datasets.__all__
    assert all(hasattr(datasets, name) for name in datasets.__all__)


def make_corpus(name, speakers, **entries):
    """A corpus of a recording of each speaker."""
    paths = np.array([f"/{name}/{i}.wav" for i, _ in enumerate(speakers)])
    target = np.array(["anger", "fear"] * len(speakers))[: len(speakers)]
    entries = {
        "groups": np.array(speakers),
        "name": name,
        "DESCR": f"{name}.",
        **entries,
    }
    return datasets.Corpus(
        paths=paths, target=target, target_names=["anger", "fear"], **entries
    )


def test_speakers_sessions_and_texts_of_merged_corpora_stay_apart():
    ids = {key: np.array(["1", "2"]) for key in ("sessions", "text_ids", "turn")}
    first = make_corpus("one", ["03", "04"], **ids, splits=np.array(["train", "test"]))
    second = make_corpus("two", ["03", "05"], **ids, splits=np.array(["test", "test"]))
    merged = datasets.merge([first, second])
    assert type(merged) is datasets.Corpus
    assert merged.groups.tolist() == ["one/03", "one/04", "two/03", "two/05"]
    for key in ids:
        assert merged[key].tolist() == ["one/1", "one/2", "two/1", "two/2"]
    assert merged.paths.tolist() == [*first.paths, *second.paths]
    assert merged.target.tolist() == ["anger", "fear"] * 2
    assert merged.splits.tolist() == ["train", "test", "test", "test"]
    assert merged.corpus.tolist() == ["one", "one", "two", "two"]
    assert merged.name == "one + two"
    assert merged.DESCR == "one.\n\ntwo."
    assert merged.target_names == ["anger", "fear"]
    assert len(list(LeaveOneGroupOut().split(merged.paths, groups=merged.groups))) == 4
    assert merged.take([3]).groups.tolist() == ["two/05"]


def test_merged_corpora_can_be_named_and_go_through_a_table(make_files, tmp_path):
    pytest.importorskip("pandas")
    copies = [
        datasets.load_emovo(make_files(["f1/dis-f1-b1.wav"], folder))
        for folder in ("a", "b")
    ]
    merged = datasets.merge(dict(zip(("old", "new"), copies, strict=True)))
    merged.frame.to_csv(tmp_path / "table.csv", index=False)
    again = datasets.load_table(tmp_path / "table.csv")
    for key in ("paths", "target", "groups", "text_ids", "corpus"):
        np.testing.assert_array_equal(again[key], merged[key])
    assert set(again.groups) == {"old/f1", "new/f1"}


def test_entries_of_one_of_the_merged_corpora_are_kept():
    first = make_corpus("one", ["a"], age=np.array([31.0]), dialect=np.array(["x"]))
    merged = datasets.merge([first, make_corpus("two", ["a"])])
    np.testing.assert_array_equal(merged.age, [31.0, np.nan])
    assert merged.dialect.tolist() == ["x", ""]


def test_what_only_some_of_the_merged_corpora_know_is_said():
    first = make_corpus("one", ["a"], text_ids=np.array(["t1"]))
    with pytest.warns(UserWarning, match=r"without text_ids \(not known of two\)") as w:
        merged = datasets.merge([first, make_corpus("two", ["a"])])
    assert merged.text_ids is None
    assert w[0].filename == __file__


def test_published_numbers_of_merged_corpora_are_those_of_each(make_files):
    emodb = datasets.load_emodb(make_files(["03a01Fa.wav"], "emodb"))
    emovo = datasets.load_emovo(make_files(["f1/dis-f1-b1.wav"], "emovo"))
    merged = datasets.merge([emodb, emovo])
    assert sum(merged.expected_counts.values()) == 535 + 588
    assert merged.expected_counts["EMOVO/f1", "disgust"] == 14


@pytest.mark.parametrize(
    ("corpora", "error", "message"),
    [
        ([], ValueError, "takes one corpus or more"),
        ([make_corpus("one", ["a"])] * 2, ValueError, "need different names"),
        (
            {"a": make_corpus("one", ["a"]), "b": make_corpus("one", ["a"])},
            ValueError,
            r"1 file\(s\) are listed twice: /one/0\.wav",
        ),
        (
            [make_corpus("one", ["a"]), make_corpus("two", ["a"], groups=None)],
            ValueError,
            "No speakers are known of two",
        ),
        (
            {"made": datasets.make_emotional_speech(1, n_utterances=1, random_state=0)},
            TypeError,
            "'made' has no paths, only data, .*write_corpus",
        ),
    ],
)
def test_corpora_that_cannot_be_merged_are_refused(corpora, error, message):
    with pytest.raises(error, match=message):
        datasets.merge(corpora)


def test_corpora_without_any_speakers_are_merged_without():
    corpora = [make_corpus(name, ["a"], groups=None) for name in ("one", "two")]
    assert datasets.merge(corpora).groups is None


def test_a_corpus_prints_its_size_and_not_its_arrays(corpus):
    assert repr(corpus) == "<Corpus 'EMOVO': 3 recordings, 3 emotions, 3 speakers>"
    assert str(corpus) == (
        "Corpus 'EMOVO': 3 recordings, 3 emotions, 3 speakers\n"
        "emotions: disgust 1, happiness 1, neutral 1\n"
        "speakers: f1 1, f2 1, m1 1"
    )
    html = corpus._repr_html_()
    assert "<caption>emotions</caption>" in html
    assert "disgust" in html


def test_a_corpus_of_many_speakers_or_of_strange_names_prints_short(corpus):
    n = 5000
    many = datasets.Corpus(
        paths=np.arange(n).astype(str),
        target=np.array(["<b>"] * n),
        groups=np.arange(n) % 500,
        name="many",
    )
    assert str(many).endswith("and 490 more")
    assert len(str(many)) < 500
    assert "<td>4900</td>" in many._repr_html_()
    assert "<b>" not in many._repr_html_()
    assert repr(corpus.take([])) == (
        "<Corpus 'EMOVO': 0 recordings, 0 emotions, 0 speakers>"
    )
