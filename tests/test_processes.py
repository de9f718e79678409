"""Several processes or threads: the same results, no fight for processors, no hang."""

import multiprocessing
import os
import subprocess
import sys
from types import SimpleNamespace

import joblib
import numpy as np
import pytest
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skser import AttentionBLSTMFCNClassifier, AudioLoader
from skser.training import find_n_threads

pytestmark = pytest.mark.slow


def small():
    """Return a classifier that is quick to train."""
    return AttentionBLSTMFCNClassifier(
        recurrent_units=4,
        filters=(6,),
        kernel_sizes=(3,),
        hidden_units=(6,),
        max_epochs=3,
        random_state=0,
    )


def _fit_in_worker(X, y):
    import tensorflow as tf

    posteriors = small().fit(X, y).predict_proba(X)
    return posteriors, tf.config.threading.get_intra_op_parallelism_threads()


@pytest.mark.case("H01")
def test_worker_processes_fit_the_same_network_with_their_share_of_threads(sequences):
    expected = small().fit(*sequences).predict_proba(sequences[0])
    results = joblib.Parallel(n_jobs=2)(
        joblib.delayed(_fit_in_worker)(*sequences) for _ in range(2)
    )
    np.testing.assert_array_equal(results[0][0], results[1][0])
    for posteriors, n_threads in results:
        # Sums are rounded otherwise if they are divided among fewer threads.
        np.testing.assert_allclose(posteriors, expected, atol=1e-6)
        assert 0 < n_threads <= max(1, joblib.cpu_count() // 2)


@pytest.fixture(scope="module")
def cross_validate_small(sequences):
    """Give a function that returns the posteriors of four folds."""

    def cross_validate_small(n_jobs):
        return cross_val_predict(
            small(),
            *sequences,
            groups=np.arange(60) % 4,
            cv=GroupKFold(4),
            method="predict_proba",
            n_jobs=n_jobs,
        )

    return cross_validate_small


@pytest.fixture(scope="module")
def expected(cross_validate_small):
    """The posteriors without any parallelism; TensorFlow has been used afterwards."""
    return cross_validate_small(n_jobs=1)


@pytest.mark.case("G13")
@pytest.mark.case("H08")
def test_two_processes_cross_validate_like_one(cross_validate_small, expected):
    np.testing.assert_allclose(cross_validate_small(2), expected, atol=1e-6)


@pytest.mark.case("H01")
@pytest.mark.case("H08")
def test_processes_of_as_many_threads_give_the_same_to_the_last_bit(
    cross_validate_small, expected
):
    import tensorflow as tf

    here = tf.config.threading.get_intra_op_parallelism_threads()
    n_threads = here or joblib.cpu_count()
    with joblib.parallel_config(backend="loky", inner_max_num_threads=n_threads):
        np.testing.assert_array_equal(cross_validate_small(2), expected)


@pytest.mark.case("H08")
def test_two_threads_cross_validate_like_one(cross_validate_small, expected):
    with joblib.parallel_config(backend="threading"):
        threaded = cross_validate_small(2)
    np.testing.assert_array_equal(threaded, expected)


@pytest.mark.case("G19")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_bad_recording_costs_its_fold_and_is_named(n_jobs, speech, tmp_path):
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"not a recording")
    X = [*speech.paths[:12], str(bad)]
    y = np.arange(13) % 2
    system = make_pipeline(
        AudioLoader(), FunctionTransformer(loudest), LogisticRegression()
    )
    folds = [(range(8), range(8, 12)), ([*range(8), 12], range(8, 12))]
    folds.append((range(4, 12), range(4)))
    with pytest.warns(FitFailedWarning, match=r"1 fits failed(.|\n)*bad\.wav"):
        scores = cross_val_score(system, X, y, cv=folds, n_jobs=n_jobs)
    assert np.isnan(scores).tolist() == [False, True, False]
    assert scores[0] == cross_val_score(system, X, y, cv=folds[:1])[0]


def loudest(signals):
    """Return one row a signal."""
    return np.array([[np.abs(signal).max()] for signal in signals])


FIT_AND_ANSWER = """
import joblib, os, sys
if sys.argv[3] == "one processor":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
classifier, X, y = joblib.load(sys.argv[1])
joblib.dump(classifier.fit(X, y).predict_proba(X), sys.argv[2])
"""


def _answers_of_new_processes(sequences, folder, settings):
    """Fit in new processes, all at once, and return what each predicts.

    A setting is an environment, and perhaps the word that one processor must do.
    """
    joblib.dump((small(), *sequences), folder / "data")
    children = []
    for i, (environment, processors) in enumerate(settings):
        arguments = [folder / "data", folder / str(i), processors]
        children.append(
            subprocess.Popen(
                [sys.executable, "-c", FIT_AND_ANSWER, *arguments],
                env={**os.environ, **environment},
            )
        )
    assert [child.wait(300) for child in children] == [0] * len(children)
    return [joblib.load(folder / str(i)) for i in range(len(children))]


@pytest.mark.case("H01")
def test_new_processes_with_other_hash_seeds_fit_the_same_network(sequences, tmp_path):
    settings = [({"PYTHONHASHSEED": seed}, "all") for seed in ("0", "random")]
    expected = small().fit(*sequences).predict_proba(sequences[0])
    for answer in _answers_of_new_processes(sequences, tmp_path, settings):
        np.testing.assert_allclose(answer, expected, atol=1e-6)


@pytest.mark.case("H02")
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux only")
def test_without_onednn_the_number_of_threads_does_not_matter_bit_for_bit(
    sequences, tmp_path
):
    settings = [
        ({"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}, "one processor"),
        ({"OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "1"}, "all"),
        ({"OMP_NUM_THREADS": "8", "PYTHONHASHSEED": "random"}, "all"),
    ]
    for environment, _ in settings:
        environment["TF_ENABLE_ONEDNN_OPTS"] = "0"
    first, *others = _answers_of_new_processes(sequences, tmp_path, settings)
    for answer in others:
        np.testing.assert_array_equal(answer, first)
    with_onednn = small().fit(*sequences).predict_proba(sequences[0])
    np.testing.assert_allclose(with_onednn, first, atol=1e-6)


def _threading(intra, inter):
    """Stand in for ``tf.config.threading``, which can be set once a process only."""
    return SimpleNamespace(
        get_intra_op_parallelism_threads=lambda: intra,
        get_inter_op_parallelism_threads=lambda: inter,
    )


@pytest.mark.parametrize(
    ("environment", "chosen", "expected"),
    [
        ({}, (0, 0), 5),
        ({"OMP_NUM_THREADS": "3"}, (0, 0), 3),
        ({"OMP_NUM_THREADS": "3"}, (2, 0), 3),
        ({}, (2, 0), None),
        ({}, (0, 2), None),
        ({"TF_NUM_INTRAOP_THREADS": "2"}, (0, 0), None),
        ({"TF_NUM_INTEROP_THREADS": "2"}, (0, 0), None),
    ],
)
def test_tensorflow_gets_all_processors_unless_somebody_has_chosen(
    environment, chosen, expected, monkeypatch
):
    monkeypatch.setattr("joblib.cpu_count", lambda: 5)
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert find_n_threads(_threading(*chosen)) == expected


REPORT_THREADS = """
from skser.training import import_tensorflow
threading = import_tensorflow().config.threading
print(
    threading.get_intra_op_parallelism_threads(),
    threading.get_inter_op_parallelism_threads(),
)
"""


@pytest.mark.parametrize(("n_threads", "expected"), [("2", "1 2"), ("3", "3 3")])
def test_of_two_threads_each_has_its_own_operation(n_threads, expected):
    child = subprocess.run(
        [sys.executable, "-c", REPORT_THREADS],
        env={**os.environ, "OMP_NUM_THREADS": n_threads},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert child.stdout.split() == expected.split()


@pytest.mark.case("H02")
def test_one_and_two_threads_fit_the_same_network_to_the_last_bit(sequences, tmp_path):
    settings = [({"OMP_NUM_THREADS": n}, "all") for n in ("1", "2")]
    first, second = _answers_of_new_processes(sequences, tmp_path, settings)
    np.testing.assert_array_equal(first, second)


def _try_to_fit(connection, X, y):
    try:
        small().fit(X, y)
        connection.send("fitted")
    except RuntimeError as error:
        connection.send(str(error))


@pytest.mark.case("G14")
@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork on Windows")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_after_tensorflow_has_run_is_an_error_and_not_a_hang(sequences):
    small().fit(*sequences)
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    child = context.Process(target=_try_to_fit, args=(there, *sequences))
    child.start()
    try:
        assert here.poll(10), "the forked process hangs"
        assert "forked from one that had already used TensorFlow" in here.recv()
    finally:
        child.kill()
        child.join()
