"""A keyed store: whatever is wrong with its folder costs no more than time."""

import errno
import os
import pickle
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from skser.storage import ContentMemory, Store

ARRAYS = {"a": np.arange(6.0).reshape(2, 3), "b": np.array(["x", "yz"])}


@pytest.fixture
def store(tmp_path):
    """A store with one result."""
    store = Store(tmp_path / "folder", "cache")
    store.put("key", {"n": [1, None]}, ARRAYS)
    return store


def test_what_was_put_comes_back(store):
    content, arrays = store.get("key")
    assert content == {"n": [1, None]}
    assert set(arrays) == {"a", "b"}
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, ARRAYS[name])
        assert array.dtype == ARRAYS[name].dtype
    assert store.get("other") is None
    assert store.take_faults() == []


def test_what_was_put_last_counts_until_it_is_removed(store):
    store.put("key", {}, {})
    assert store.get("key") == ({}, {})
    store.remove("key")
    store.remove("key")
    assert store.get("key") is None
    assert list(store.folder.iterdir()) == []
    assert store.take_faults() == []


def test_without_a_folder_nothing_is_kept():
    store = Store(None, "cache")
    store.put("key", {}, ARRAYS)
    assert store.get("key") is None
    store.remove("key")


@pytest.mark.parametrize("harm", [b"", b"PK", None], ids=["empty", "short", "cut"])
def test_damage_is_no_result_and_one_warning(store, harm):
    path = store.path("key")
    path.write_bytes(path.read_bytes()[:-70] if harm is None else harm)
    assert store.get("key") is None
    assert store.get("key") is None
    with pytest.warns(UserWarning, match=r"^2 file\(s\) of cache=.*key.npz") as caught:
        store.warn()
    assert len(caught) == 1
    assert store.get("key") is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store.warn()


# Not by the folder's mode, which does not stop an administrator.
FAULTS = {
    "cannot be written": ("skser.storage._archive.open", "w+b"),
    "cannot be entered": ("skser.storage._archive.open", "rb"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_folder_that_is_closed_costs_one_warning(store, fault, monkeypatch):
    target, refused = FAULTS[fault]

    def refuse(name, mode):
        if mode == refused:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(name))
        return open(name, mode)

    monkeypatch.setattr(target, refuse, raising=False)
    store.put("other", {}, ARRAYS)
    store.get("key")
    with pytest.warns(UserWarning, match="Permission denied") as caught:
        store.warn()
    assert len(caught) == 1


def test_a_folder_that_cannot_be_listed_is_used_all_the_same(store, monkeypatch):
    def refuse(folder):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))

    monkeypatch.setattr("skser.storage._archive.os.scandir", refuse)
    store.remove_unfinished()
    store.put("other", {}, ARRAYS)
    assert store.get("other") is not None
    assert store.take_faults() == []


@pytest.mark.parametrize("mode", [0o300, 0o500, 0o000])
@pytest.mark.case("K25")
def test_a_folder_of_any_mode_ends_nothing(mode, open_folder, as_nobody):
    with as_nobody(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        store = Store(open_folder / "folder", "cache")
        store.put("key", {}, ARRAYS)
        store.folder.chmod(mode)
        store.remove_unfinished()
        store.get("key")
        store.put("other", {}, ARRAYS)
        store.remove("key")
        store.warn()
        store.folder.chmod(0o700)


def test_what_json_or_a_file_cannot_hold_is_no_fault_of_the_disk(store):
    store.put("objects", {}, {"a": np.array([object()])})
    [(kind, message)] = store.take_faults()
    assert "could not be kept" in kind
    assert "dtype" in message


# The memory of Pipelines


# No plain value, so that it is no part of the code that reads it.
CALLS = SimpleNamespace(sizes=[])


class Reader(TransformerMixin, BaseEstimator):
    """Read a number from each file, and note how many."""

    def __init__(self, scale=1):
        self.scale = scale

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        CALLS.sizes.append(len(X))
        return np.array([[self.scale * float(Path(path).read_text())] for path in X])


@pytest.fixture
def paths(tmp_path):
    """Eight files with a number each."""
    CALLS.sizes.clear()
    paths = [str(tmp_path / f"{i}.txt") for i in range(8)]
    write(paths, [1, 9] * 4)
    return paths


def write(paths, numbers):
    """Write files so that only their content tells that they are others."""
    for path, number in zip(paths, numbers, strict=True):
        Path(path).write_text(str(number))
        os.utime(path, (0, 0))


Y = ["a", "b"] * 4


def fit(paths, memory, y=Y, scale=1):
    """Return a fitted Pipeline, all but the last step of which is kept."""
    steps = [("read", Reader(scale)), ("classify", LogisticRegression())]
    return Pipeline(steps, memory=memory).fit(paths, y)


def test_the_same_recordings_are_read_once(paths, tmp_path):
    memory = ContentMemory(tmp_path / "memory")
    first = fit(paths, memory)
    assert CALLS.sizes == [8]
    again = fit(paths, ContentMemory(str(tmp_path / "memory")))
    assert CALLS.sizes == [8]
    np.testing.assert_array_equal(again[-1].coef_, first[-1].coef_)


def test_recordings_that_were_overwritten_are_learnt_anew(paths, tmp_path):
    memory = ContentMemory(tmp_path / "memory")
    before = fit(paths, memory)[-1].coef_
    write(paths, [9, 1] * 4)
    after = fit(paths, memory)[-1].coef_
    np.testing.assert_allclose(after, -before)
    assert CALLS.sizes == [8, 8]


def test_a_method_that_was_changed_is_run_again(paths, tmp_path, monkeypatch):
    memory = ContentMemory(tmp_path / "memory")
    fit(paths, memory)
    monkeypatch.setattr(Reader, "transform", lambda self, X: np.ones((len(X), 1)))
    assert np.abs(fit(paths, memory)[-1].coef_).max() < 1e-6


def test_other_parameters_and_labels_are_other_steps(paths, tmp_path):
    memory = ContentMemory(tmp_path / "memory")
    fit(paths, memory)
    fit(paths, memory, y=Y[::-1])
    fit(paths, memory, scale=2)
    assert CALLS.sizes == [8, 8, 8]


def test_clones_and_pickles_share_the_folder(paths, tmp_path):
    system = fit(paths, ContentMemory(tmp_path / "memory"))
    for copy in (clone(system), pickle.loads(pickle.dumps(system))):
        copy.fit(paths, Y)
    assert CALLS.sizes == [8]
    assert repr(system.memory) == f"ContentMemory({str(tmp_path / 'memory')!r})"


@pytest.mark.skipif(os.name != "posix", reason="folders have no such mode")
def test_only_the_owner_may_look_into_the_folder(paths, tmp_path):
    fit(paths, ContentMemory(tmp_path / "memory"))
    assert (tmp_path / "memory").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made_costs_one_warning(paths, tmp_path):
    (tmp_path / "file").touch()
    with pytest.warns(UserWarning, match="memory=.*could not be kept") as caught:
        system = fit(paths, ContentMemory(tmp_path / "file" / "memory"))
    assert len(caught) == 1
    assert system.predict(paths).tolist() == Y


def test_a_damaged_file_is_computed_again(paths, tmp_path):
    memory = ContentMemory(tmp_path / "memory")
    expected = fit(paths, memory)[-1].coef_
    for path in (tmp_path / "memory").rglob("*.pkl"):
        path.write_bytes(path.read_bytes()[:20])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_array_equal(fit(paths, memory)[-1].coef_, expected)
    assert CALLS.sizes == [8, 8]
