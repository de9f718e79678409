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
