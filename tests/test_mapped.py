"""Results in a temporary file: what is read back, who may read it, when it goes."""

import os
import pickle
import re
import stat
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest
from joblib import Parallel, delayed

from skser._sequences import Batch, map_utterances


def square(n):
    """Return an array whose shape and precision depend on the utterance."""
    return np.full((n, 2), n * n, dtype=np.float32 if n % 2 else np.float64)


def keep(numbers, folder, n_jobs=None, function=square):
    return map_utterances(function, numbers, n_jobs, temp_folder=folder)


def root(array):
    """Return the map that an array is a view of, or None."""
    found = None
    while array is not None:
        found = array if isinstance(array, np.memmap) else found
        array = getattr(array, "base", None)
    return found


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_results_are_those_in_memory_in_their_order(tmp_path, n_jobs):
    expected = map_utterances(square, range(1, 60))
    found = keep(range(1, 60), tmp_path, n_jobs)
    assert isinstance(found, Batch)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


def test_arrays_are_aligned_read_only_views_of_one_map(tmp_path):
    found = keep(range(1, 9), tmp_path)
    assert all(isinstance(array, np.memmap) for array in found)
    assert len({id(root(array)) for array in found}) == 1
    assert {array.ctypes.data % 64 for array in found} == {0}
    with pytest.raises(ValueError, match="read-only"):
        found[0][0] = 1


def test_nobody_else_may_read_the_file(tmp_path):
    folder = tmp_path / "new" / "private"
    found = keep([3], folder)
    (path,) = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    del found


def test_the_file_lives_as_long_as_a_view_of_one_of_its_arrays(tmp_path):
    found = keep([2, 3], tmp_path)
    view = np.asarray(found[1])[1:]
    del found
    assert len(list(tmp_path.iterdir())) == 1
    assert view.tolist() == [[9, 9], [9, 9]]
    del view
    assert list(tmp_path.iterdir()) == []


def test_the_file_goes_with_the_process(tmp_path):
    code = (
        "import os, sys, numpy as np\n"
        "from skser._sequences import map_utterances\n"
        "kept = map_utterances(np.ones, [3, 4], temp_folder=sys.argv[1])\n"
        "print(len(os.listdir(sys.argv[1])))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, tmp_path],
        check=True,
        capture_output=True,
        text=True,
    )
    assert run.stdout.split() == ["1"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_does_not_take_the_file_away(tmp_path):
    found = keep([2], tmp_path)
    child = os.fork()
    if child == 0:
        del found
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert len(list(tmp_path.iterdir())) == 1
    assert found[0].tolist() == [[4, 4], [4, 4]]


def inspect(batch):
    """Return the files of a batch's arrays, how many maps these are, and the sums."""
    roots = [root(array) for array in batch]
    names = [str(getattr(found, "filename", None)) for found in roots]
    return names, len({id(found) for found in roots}), [x.sum() for x in batch]


def test_other_processes_map_the_file_once_and_get_no_copies(tmp_path):
    found = keep([30, 40, 50], tmp_path)
    (path,) = tmp_path.iterdir()
    views = Batch(np.asarray(array)[1:] for array in found)
    for batch in (found, views):
        (answer,) = Parallel(n_jobs=2)([delayed(inspect)(batch)])
        assert answer == ([str(path)] * 3, 1, [x.sum() for x in batch])


def test_lists_of_the_arrays_are_no_copies_in_other_processes_either(tmp_path):
    found = keep([30, 40], tmp_path)
    (path,) = tmp_path.iterdir()
    (answer,) = Parallel(n_jobs=2)([delayed(inspect)(found[:])])
    assert answer[0] == [str(path)] * 2


def test_arrays_that_were_put_in_their_place_reach_other_processes(tmp_path):
    found = keep([3, 4, 5], tmp_path)
    found[1] = np.ones((2, 2))
    found[2] = found[2][:, ::2]
    (answer,) = Parallel(n_jobs=2)([delayed(inspect)(found)])
    assert answer[2] == [x.sum() for x in found]
    assert answer[0][1] == "None"


def test_pickles_hold_the_arrays(tmp_path):
    found = keep([3, 4], tmp_path)
    pickled = pickle.dumps(found)
    del found
    assert list(tmp_path.iterdir()) == []
    assert [x.sum() for x in pickle.loads(pickled)] == [54, 128]


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_an_error_of_the_function_is_its_own_and_leaves_no_file(tmp_path, n_jobs):
    def fail(n):
        if n == 5:
            raise FileNotFoundError(2, "No such file or directory", "5.wav")
        return square(n)

    with pytest.raises(FileNotFoundError, match=r"directory: '5\.wav'$"):
        keep(range(1, 9), tmp_path, n_jobs, fail)
    assert list(tmp_path.iterdir()) == []


# A limit of the system's own, in its own process: the tests write files as well.
LIMITED = """
    import os, resource, sys
    import numpy as np
    from skser._sequences import map_utterances

    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
    folder, n_jobs = sys.argv[1], int(sys.argv[2])
    try:
        map_utterances(np.ones, range(100, 200), n_jobs, temp_folder=folder)
    except OSError as error:
        print(error, os.listdir(folder))
"""


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_full_disk_is_an_error_that_names_the_folder(tmp_path, n_jobs):
    pytest.importorskip("resource")
    command = [sys.executable, "-c", textwrap.dedent(LIMITED), tmp_path, str(n_jobs)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert re.search(rf"temp_folder='{tmp_path}' .*too large.* \[\]$", done.stdout)


def test_a_folder_that_is_a_file_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(FileExistsError, match=f"temp_folder='{path}' cannot keep"):
        keep([1], path)


def test_no_more_than_one_result_a_thread_is_in_memory(tmp_path):
    alive, most = 0, 0
    lock = threading.Lock()

    class Counted(np.ndarray):
        def __del__(self):
            nonlocal alive
            if self.base is None:
                with lock:
                    alive -= 1

    def count(n):
        nonlocal alive, most
        with lock:
            alive += 1
            most = max(most, alive)
        return Counted((1000, 10))

    keep(range(50), tmp_path, 2, count)
    assert most <= 2
