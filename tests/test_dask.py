"""Dask: extraction, cross-validation and search on its workers, as in one process."""

import functools
import os
import signal
import threading
import time

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skser import AcousticFeatures, AudioLoader, Framer
from skser.framing import frame
from skser.out_of_core import ByUtterance
from skser.systems import recommended, split_front_end

pytestmark = pytest.mark.slow

distributed = pytest.importorskip("distributed", reason="Dask is not installed")


@pytest.fixture(scope="module")
def client():
    """Two worker processes on this machine, one thread each."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def dask(client):
    """Give a context in which joblib uses these workers."""
    return lambda: joblib.parallel_config(backend="dask")


FRAMES = [
    frame(np.random.default_rng(i).normal(0, 0.1, 4000 + 900 * i)) for i in range(8)
]


@pytest.mark.parametrize("has_cache", [False, True])
def test_workers_extract_the_same_features(dask, has_cache, tmp_path):
    folder = tmp_path / "cache" if has_cache else None
    expected = AcousticFeatures().transform(FRAMES)
    for _ in range(1 + has_cache):
        with dask():
            features = AcousticFeatures(n_jobs=-1, cache=folder).transform(FRAMES)
        for mine, others in zip(features, expected, strict=True):
            np.testing.assert_array_equal(mine, others)
    assert not has_cache or len(list(folder.iterdir())) == 8


@pytest.mark.parametrize("has_folder", [False, True])
def test_workers_take_recordings_through_a_front_end(
    dask, speech, tmp_path, has_folder
):
    steps = make_pipeline(AudioLoader(), Framer(), AcousticFeatures())
    expected = steps.transform(speech.paths)
    streamed = ByUtterance(steps, temp_folder=tmp_path if has_folder else None)
    with dask():
        features = streamed.set_params(n_jobs=2).transform(speech.paths)
    for mine, others in zip(features, expected, strict=True):
        np.testing.assert_array_equal(mine, others)
    assert isinstance(features[0], np.memmap) == has_folder
    # Workers of a cluster need not see the folder: this process writes.
    written_by = {path.stem.rpartition("-")[2] for path in tmp_path.iterdir()}
    assert written_by == ({str(os.getpid())} if has_folder else set())


def pass_on_slowly(folder, batch):
    """Note in a file of this process how many rows it has made, and in what company."""
    time.sleep(0.05)
    with open(folder / f"{os.getpid()}.log", "a") as file:
        file.write(f"{joblib.effective_n_jobs(None)}\n")
    return batch


def read_notes(folder):
    """Return what all processes have noted."""
    return [line for log in folder.glob("*.log") for line in log.open()]


@pytest.fixture
def encoder_system(tiny_encoder, tmp_path):
    """An encoder's front end, slow enough that it can be interrupted."""
    front_end, _ = split_front_end(recommended(model=tiny_encoder))
    note = FunctionTransformer(functools.partial(pass_on_slowly, tmp_path))
    return ByUtterance(make_pipeline(*front_end, note), n_jobs=2)


def test_a_killed_worker_costs_an_encoder_no_more_than_what_it_was_at(
    client, dask, encoder_system, speech, tmp_path
):
    paths = np.resize(speech.paths, 100)
    expected = encoder_system.front_end[:-1].transform(paths)
    victim = next(iter(client.run(os.getpid).values()))

    def kill_half_way():
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and len(read_notes(tmp_path)) < 50:
            time.sleep(0.01)
        os.kill(victim, signal.SIGKILL)

    thread = threading.Thread(target=kill_half_way)
    thread.start()
    with dask():
        rows = encoder_system.transform(paths)
    thread.join()
    assert victim not in client.run(os.getpid).values()
    np.testing.assert_array_equal(rows, expected)
    notes = read_notes(tmp_path)
    # Dask sends several recordings at a time; those of the victim are done again.
    assert len(notes) - len(paths) <= 16
    # No step divides its single recording among the workers.
    assert set(notes) == {"1\n"}


@pytest.fixture(scope="module")
def short_system(small_system):
    """A system that is trained in a moment."""
    return clone(small_system).set_params(classify__max_epochs=2)


def predict_folds(system, speech, **options):
    """Return the posteriors of every recording from folds without its speaker."""
    return cross_val_predict(
        system,
        speech.paths,
        speech.target,
        groups=speech.groups,
        cv=LeaveOneGroupOut(),
        method="predict_proba",
        **options,
    )


# Workers divide sums among fewer threads, and training enlarges what is rounded.
TOLERANCE = 2e-3


def test_workers_cross_validate_like_one_process(dask, short_system, speech):
    expected = predict_folds(short_system, speech)
    with dask():
        posteriors = predict_folds(short_system, speech, n_jobs=-1)
    np.testing.assert_allclose(posteriors, expected, atol=TOLERANCE)


def test_workers_search_like_one_process(dask, short_system, speech):
    grid = {"whiten__n_components": [2, 10]}
    search = GridSearchCV(short_system, grid, cv=LeaveOneGroupOut(), n_jobs=-1)
    data = {"X": speech.paths, "y": speech.target, "groups": speech.groups}
    expected = clone(search).set_params(n_jobs=1).fit(**data)
    with dask():
        search.fit(**data)
    assert search.best_params_ == expected.best_params_
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
    )


def test_a_killed_worker_does_not_lose_the_run(
    client, dask, short_system, speech, tmp_path
):
    # The file that the first epoch leaves shows that the workers are at it.
    system = clone(short_system).set_params(
        classify__max_epochs=40, classify__random_state=0
    )
    expected = predict_folds(system, speech)
    system.set_params(classify__checkpoint=tmp_path / "fits")
    victim = next(iter(client.run(os.getpid).values()))
    killed = []

    def kill_in_the_middle():
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and not list(tmp_path.glob("fits/*.npz")):
            time.sleep(0.01)
        os.kill(victim, signal.SIGKILL)
        killed.append(len(list(tmp_path.glob("fits/*.npz"))))

    thread = threading.Thread(target=kill_in_the_middle)
    thread.start()
    with dask():
        posteriors = predict_folds(system, speech, n_jobs=-1)
    thread.join()
    assert killed[0] > 0
    assert victim not in client.run(os.getpid).values()
    np.testing.assert_allclose(posteriors, expected, atol=TOLERANCE)
