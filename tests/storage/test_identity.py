"""What makes two computations the same: whatever is changed has another key."""

import copy
import os
import subprocess
import sys
import textwrap
import threading
from collections import namedtuple
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import Bunch

from skser.classifiers import ELMClassifier
from skser.model_selection import evaluate
from skser.storage import describe, digest, make_key

TABLE = np.arange(12.0).reshape(4, 3) % 5
NAMED = pd.DataFrame(TABLE, columns=["a", "b", "c"])


def changed(array):
    """Return a copy with another last number."""
    array = array.copy()
    array.flat[-1] += 1e-9
    return array


# Two values that differ as little as they can.
PAIRS = {
    "array": (TABLE, changed(TABLE)),
    "dtype": (np.ones(3), np.ones(3, dtype=np.float32)),
    "shape": (TABLE, TABLE.reshape(3, 4)),
    "list of arrays": ([TABLE, TABLE], [TABLE, changed(TABLE)]),
    "where utterances end": ([TABLE[:1], TABLE[1:]], [TABLE[:2], TABLE[2:]]),
    "csr": (sparse.csr_array(TABLE), sparse.csr_array(changed(TABLE))),
    "csr matrix": (sparse.csr_matrix(TABLE), sparse.csr_matrix(changed(TABLE))),
    "coo": (sparse.coo_array(TABLE), sparse.coo_array(TABLE[:, [1, 0, 2]])),
    "csc": (sparse.csc_array(TABLE), sparse.csc_array(TABLE[[1, 0, 2, 3]])),
    "size of a sparse matrix": (sparse.csr_array((3, 4)), sparse.csr_array((4, 3))),
    "list of sparse rows": ([sparse.csr_array(TABLE)], [sparse.csr_array(2 * TABLE)]),
    "frame": (NAMED, pd.DataFrame(changed(TABLE), columns=["a", "b", "c"])),
    "names of columns": (NAMED, NAMED.rename(columns={"a": "z"})),
    "index": (NAMED, NAMED.set_index(np.arange(1, 5))),
    "frame of objects": (
        pd.DataFrame({"a": ["x", None]}),
        pd.DataFrame({"a": ["x", "None"]}),
    ),
    "series": (NAMED["a"], NAMED["b"]),
    "mask": (np.ma.masked_equal(TABLE, 1), np.ma.masked_equal(TABLE, 2)),
    "objects": (
        np.array([TABLE, TABLE[:2]], dtype=object),
        np.array([TABLE, changed(TABLE)[:2] + 1], dtype=object),
    ),
    "text": (np.array(["a", "b"]), np.array(["a", "c"])),
    "where words end": (["ab", "c"], ["a", "bc"]),
    "number and text": ([1], ["1"]),
    "truth and number": ([True], [1]),
    "nothing and text": ([None], ["None"]),
    "set": ({1, 2}, {1, 3}),
    "values of a dict": ({"a": TABLE}, {"a": changed(TABLE)}),
    "keys of a dict": ({"a": 1}, {"b": 1}),
    "bytes": (b"ab", b"ac"),
    "nested": ([[[1], 2]], [[[1, 2]]]),
    "parameters": (LogisticRegression(C=1), LogisticRegression(C=2)),
    "estimators": (StandardScaler(), make_pipeline(StandardScaler())),
}


@pytest.mark.parametrize("name", PAIRS)
def test_other_content_has_another_digest(name):
    one, other = PAIRS[name]
    assert digest(one) != digest(other)
    assert digest([one]) != digest(one, one)


@pytest.mark.parametrize("name", PAIRS)
def test_copies_have_the_same_digest(name):
    one, _ = PAIRS[name]
    assert digest(one) == digest(copy.deepcopy(one))


def test_views_and_copies_have_the_same_digest():
    assert digest(TABLE.T) == digest(np.ascontiguousarray(TABLE.T))
    assert digest(TABLE[::2]) == digest(TABLE[::2].copy())


# Files


class Segment(os.PathLike):
    """A part of a recording."""

    def __init__(self, path, start):
        self.path, self.start = path, start

    def __fspath__(self):
        return str(self.path)


@pytest.fixture
def path(tmp_path):
    """A file that can be written again so that only its content tells."""
    path = tmp_path / "recording.wav"
    write(path, b"12345678")
    return path


def write(path, content):
    path.write_bytes(content)
    os.utime(path, (0, 0))


AS_PATHS = {
    "text": lambda path: [str(path)],
    "path": lambda path: [path],
    "array": lambda path: np.array([str(path)]),
    "objects": lambda path: np.array([path], dtype=object),
    "frame": lambda path: pd.DataFrame({"file": [str(path)], "start": [0.0]}),
    "series": lambda path: pd.Series([str(path)]),
    "tuples": lambda path: [(str(path), 0.5, 2.0)],
    "segments": lambda path: [Segment(path, 0.5)],
    "dicts": lambda path: [{"path": str(path)}],
    "a parameter": lambda path: FunctionTransformer(kw_args={"weights": str(path)}),
}


@pytest.mark.parametrize("kind", AS_PATHS)
def test_a_file_of_the_same_name_size_and_time_has_another_digest(kind, path):
    values = AS_PATHS[kind](path)
    before = digest(values)
    assert digest(values) == before
    write(path, b"12345679")
    assert digest(values) != before
    path.unlink()
    assert digest(values) != before


def test_a_log_that_grows_is_the_same_parameter(tmp_path):
    system = FunctionTransformer(kw_args={"log": str(tmp_path / "log")})
    before = digest(system)
    (tmp_path / "log").write_text("1")
    assert digest(system) == before


def test_a_folder_of_weights_that_a_parameter_names_is_looked_into(path):
    system = FunctionTransformer(kw_args={"model": str(path.parent)})
    before = digest(system)
    write(path, b"12345679")
    assert digest(system) != before


def test_a_segment_is_more_than_its_file(path):
    assert digest(Segment(path, 0.5)) == digest(Segment(path, 0.5))
    assert digest(Segment(path, 0.5)) != digest(Segment(path, 0.6))


def test_the_home_folder_is_found(path, monkeypatch):
    monkeypatch.setenv("HOME", str(path.parent))
    before = digest("~/recording.wav")
    write(path, b"12345679")
    assert digest("~/recording.wav") != before


def test_a_folder_of_weights_is_what_is_in_it(path):
    before = digest(path.parent)
    assert digest(str(path.parent)) != digest("folder")
    (path.parent / "more").touch()
    assert digest(path.parent) != before


def test_what_cannot_be_read_is_equal_to_nothing():
    lock = [threading.Lock()]
    assert digest(lock) != digest(lock)


# Code


SIZE = 4
TABLE_OF_SIZES = {"units": [4, 5]}


class Base(ClassifierMixin, BaseEstimator):
    """An estimator of the user's."""

    def __init__(self, scale=1):
        self.scale = scale

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self._choose(X)

    def _choose(self, X):
        return self.classes_[np.zeros(len(X), dtype=int)]


class Derived(Base):
    """One that inherits all it does."""

    limit = 3

    @property
    def bound(self):
        return self.limit

    @staticmethod
    def helper(x):
        return x + SIZE


def broken(self, X):
    return self.classes_[np.full(len(X), -1)]


@pytest.mark.parametrize(
    ("owner", "name", "value"),
    [
        (Base, "_choose", broken),
        (Base, "predict", broken),
        (Derived, "predict", broken),
        (Derived, "limit", 4),
        (Derived, "bound", property(lambda self: 4)),
        (Derived, "helper", staticmethod(lambda x: x + SIZE + 1)),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_changed_method_of_the_users_is_another_computation(
    owner, name, value, monkeypatch
):
    before = make_key(make_pipeline(StandardScaler(), Derived()))
    monkeypatch.setattr(owner, name, value, raising=False)
    assert make_key(make_pipeline(StandardScaler(), Derived())) != before


@pytest.mark.parametrize("owner", [ELMClassifier, LinearDiscriminantAnalysis])
def test_a_method_that_was_replaced_is_another_computation(owner, monkeypatch):
    before = make_key(owner())
    assert make_key(clone(owner())) == before
    monkeypatch.setattr(owner, "predict", broken)
    assert make_key(owner()) != before


def reads_globals(x):
    return helps(x) * SIZE + TABLE_OF_SIZES["units"][0]


def helps(x):
    return x + 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIZE", 5),
        ("TABLE_OF_SIZES", {"units": [4, 6]}),
        ("helps", lambda x: x + 2),
    ],
)
def test_what_a_function_reads_is_a_part_of_it(name, value, monkeypatch):
    before = digest(reads_globals), digest(FunctionTransformer(reads_globals))
    monkeypatch.setitem(globals(), name, value)
    assert digest(reads_globals) != before[0]
    assert digest(FunctionTransformer(reads_globals)) != before[1]


def make(value):
    """Return a function with something of its surroundings."""

    def inner(x, default=1):
        return x * value + default

    return inner


def test_surroundings_of_functions_count():
    assert digest(make(1)) == digest(make(1))
    assert digest(make(1)) != digest(make(2))
    assert digest(partial(make, 1)) != digest(partial(make, 2))
    assert digest(Derived(1).fit) != digest(Derived(2).fit)
    other = make(1)
    other.__defaults__ = (2,)
    assert digest(make(1)) != digest(other)


def circle(x):
    return reversed_circle(x - 1) if x else 0


def reversed_circle(x):
    return circle(x - 1) if x else 1


def test_functions_that_call_each_other_are_described():
    assert digest(circle) == digest(circle)
    assert digest(circle) != digest(reversed_circle)


def test_a_frozen_estimator_is_what_it_has_learnt():
    one = LogisticRegression().fit(TABLE, [0, 1, 0, 1])
    other = LogisticRegression().fit(TABLE, [1, 0, 0, 1])
    again = clone(one).fit(TABLE, [0, 1, 0, 1])
    assert digest(FrozenEstimator(one)) == digest(FrozenEstimator(again))
    assert digest(FrozenEstimator(one)) != digest(FrozenEstimator(other))


def test_what_has_no_influence_does_not_count():
    one = make_pipeline(StandardScaler(), LogisticRegression(n_jobs=2), memory="here")
    assert digest(one) == digest(make_pipeline(StandardScaler(), LogisticRegression()))


def test_keys_are_the_same_in_every_process(tmp_path):
    code = """
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import FunctionTransformer
        from skser import AcousticFeatures
        from skser.storage import make_key

        WORDS = {"calm", "angry", "sad"}

        def choose(x):
            return x in {"a", "b", ("c", frozenset("de"))} or x in WORDS

        system = make_pipeline(FunctionTransformer(choose), AcousticFeatures())
        print(make_key(system, {"b": 1, "a": {"x", "y"}}, WORDS))
    """
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(code))
    keys = {
        subprocess.run(
            [sys.executable, path],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "77")
    }
    assert len(keys) == 1


@pytest.mark.parametrize(
    ("target", "value"),
    [
        ("skser.storage._identity.__version__", "9.9.dev0"),
        ("skser.storage._identity.digest_source", lambda: "other"),
        ("skser.storage._identity._find_version", lambda package: "9.9"),
    ],
)
def test_other_code_and_other_versions_have_other_keys(target, value, monkeypatch):
    # The code of a release is known by its version.
    monkeypatch.setattr("skser.storage._identity.__version__", "9.8.dev0")
    before = make_key("x")
    monkeypatch.setattr(target, value)
    assert make_key("x") != before


def test_the_code_of_a_release_is_its_version(monkeypatch):
    monkeypatch.setattr("skser.storage._identity.__version__", "1.0")
    before = make_key("x")
    monkeypatch.setattr("skser.storage._identity.digest_source", lambda: "other")
    assert make_key("x") == before


def test_descriptions_of_libraries_are_names():
    assert describe(np.float32) == "numpy.float32"
    assert describe(StandardScaler()) == {
        "class": "sklearn.preprocessing._data.StandardScaler",
        "copy": True,
        "with_mean": True,
        "with_std": True,
    }


# Evaluations never answer with an old result


Point = namedtuple("Point", "corpus cv")


@pytest.fixture
def point():
    """A corpus of forty rows, and two folds."""
    generator = np.random.default_rng(0)
    y = np.array(["calm", "sad"])[np.arange(40) % 2]
    X = generator.normal(size=(40, 3)) + (np.arange(40) % 2)[:, np.newaxis]
    halves = np.array_split(generator.permutation(40), 2)
    corpus = Bunch(data=X, target=y)
    return Point(corpus, [(halves[0], halves[1]), (halves[1], halves[0])])


KINDS = {
    "array": np.asarray,
    "csr": sparse.csr_array,
    "csr matrix": sparse.csr_matrix,
    "frame": pd.DataFrame,
    "list": lambda X: X.tolist(),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.case("K01")
def test_other_values_of_any_kind_of_input_are_evaluated_again(kind, point, tmp_path):
    def run(X, folder):
        corpus = Bunch(data=KINDS[kind](X), target=point.corpus.target)
        system = LogisticRegression(random_state=0)
        return evaluate(system, corpus, point.cv, checkpoint=folder).posteriors

    first = run(point.corpus.data, tmp_path)
    np.testing.assert_array_equal(run(point.corpus.data, tmp_path), first)
    other = point.corpus.data * [1, 0, 1]
    found = run(other, tmp_path)
    np.testing.assert_array_equal(found, run(other, None))
    assert (found != first).any()


def test_a_broken_classifier_does_not_get_its_old_score(point, tmp_path, monkeypatch):
    def run():
        system = ELMClassifier(5, random_state=0)
        return evaluate(system, point.corpus, point.cv, checkpoint=tmp_path).ua

    assert run() > 0.5
    monkeypatch.setattr(ELMClassifier, "predict", lambda self, X: ["sad"] * len(X))
    assert run() == 0.5


@pytest.mark.case("K01")
def test_recordings_that_were_replaced_are_evaluated_again(tmp_path):
    paths = [tmp_path / f"{i}.txt" for i in range(8)]

    def write_numbers(numbers):
        for path, number in zip(paths, numbers, strict=True):
            path.write_text(str(number))
            os.utime(path, (0, 0))

    def read(files):
        return np.array([[float(Path(file).read_text())] for file in files])

    system = make_pipeline(FunctionTransformer(read), LogisticRegression())
    corpus = Bunch(paths=[str(path) for path in paths], target=["a", "b"] * 4)
    cv = [(np.arange(4), np.arange(4, 8))]
    write_numbers([1, 9] * 4)
    before = evaluate(system, corpus, cv, checkpoint=tmp_path / "folds").ua
    write_numbers([1, 9, 1, 9, 9, 1, 9, 1])
    after = evaluate(system, corpus, cv, checkpoint=tmp_path / "folds").ua
    assert (before, after) == (1.0, 0.0)
