"""Results in a temporary file: what is read back, who may read it, when it goes."""

import copy
import os
import pickle
import re
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
from concurrent.futures import BrokenExecutor
from pathlib import Path

import numpy as np
import pytest
from joblib import Parallel, delayed

from skser._parallel import map_utterances

# How code that runs in a process of its own gets the function.
IMPORT = f"from {map_utterances.__module__} import map_utterances\n"
Batch = type(map_utterances(str, []))


def square(n):
    """Return an array whose shape and precision depend on the utterance."""
    return np.full((n, 2), n * n, dtype=np.float32 if n % 2 else np.float64)


def keep(numbers, folder, n_jobs=None, function=square, prefer="threads"):
    return map_utterances(function, numbers, n_jobs, temp_folder=folder, prefer=prefer)


def large(n):
    """Return an array that pays to be written to a file."""
    return np.full((n + 1, 20_000), n, dtype=np.float32)


def share(numbers, function=large):
    """Return what processes compute, without a folder."""
    return map_utterances(function, numbers, n_jobs=2, prefer="processes")


def find_maps():
    """Return which temporary files of results this process has mapped, by inode."""
    maps = Path("/proc/self/maps").read_text().splitlines()
    return {line.split()[4] for line in maps if "/skser-" in line}


@pytest.fixture(autouse=True)
def earlier_maps():
    """Note what other tests in this process still hold."""
    if Path("/proc/self/maps").exists():
        count_maps.earlier = find_maps()


def count_maps():
    """Return how many temporary files of results a test has mapped."""
    return len(find_maps() - count_maps.earlier)


def root(array):
    """Return the map that an array is a view of, or None."""
    found = None
    while array is not None:
        found = array if isinstance(array, np.memmap) else found
        array = getattr(array, "base", None)
    return found


needs_proc = pytest.mark.skipif(
    not os.path.exists("/proc/self/maps"), reason="the system has no list of maps"
)
WORKERS = [(None, "threads"), (2, "threads"), (2, "processes")]


@pytest.mark.parametrize(("n_jobs", "prefer"), WORKERS)
def test_results_are_those_in_memory_in_their_order(tmp_path, n_jobs, prefer):
    expected = map_utterances(square, range(1, 60))
    found = keep(range(1, 60), tmp_path, n_jobs, prefer=prefer)
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


@pytest.mark.parametrize(("n_jobs", "prefer"), WORKERS)
def test_nobody_else_may_read_the_files(tmp_path, n_jobs, prefer):
    folder = tmp_path / "new" / "private"
    found = keep([3, 4, 5], folder, n_jobs, prefer=prefer)
    paths = list(folder.iterdir())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    del found


def test_each_process_has_a_file_that_lives_as_long_as_its_arrays(tmp_path):
    found = keep(range(1, 60), tmp_path, 2, prefer="processes")
    paths = {root(array).filename for array in found}
    assert set(map(str, tmp_path.iterdir())) == paths
    assert 1 <= len(paths) <= 2
    last = found[-1]
    del found
    assert list(map(str, tmp_path.iterdir())) == [root(last).filename]
    del last
    assert list(tmp_path.iterdir()) == []


def test_processes_find_a_folder_that_is_relative_to_that_of_the_caller(
    tmp_path, monkeypatch
):
    keep([1], tmp_path / "before", 2, prefer="processes")  # the processes stay
    monkeypatch.chdir(tmp_path)
    found = keep([3], "here", 2, prefer="processes")
    assert len(list((tmp_path / "here").iterdir())) == 1
    assert found[0].sum() == 54


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
        f"{IMPORT}import os, sys, numpy as np\n"
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


def test_pickles_hold_no_more_than_the_arrays(tmp_path):
    found = keep([3, 400, 500], tmp_path)
    part = pickle.dumps(Batch(found[:1]))
    assert len(part) < 2000
    del found
    assert [x.sum() for x in pickle.loads(part)] == [54]


def test_pickles_hold_the_arrays(tmp_path):
    found = keep([3, 4], tmp_path)
    pickled = pickle.dumps(found)
    del found
    assert list(tmp_path.iterdir()) == []
    assert [x.sum() for x in pickle.loads(pickled)] == [54, 128]


@pytest.mark.parametrize(("n_jobs", "prefer"), WORKERS)
def test_an_error_of_the_function_is_its_own_and_leaves_no_file(
    tmp_path, n_jobs, prefer
):
    def fail(n):
        if n == 5:
            raise FileNotFoundError(2, "No such file or directory", "5.wav")
        return square(n)

    with pytest.raises(FileNotFoundError, match=r"directory: '5\.wav'$"):
        keep(range(1, 9), tmp_path, n_jobs, fail, prefer)
    assert list(tmp_path.iterdir()) == []


def kill_the_third(n):
    """Return an array, or end the process."""
    if n == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return large(n)


@needs_proc
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.parametrize("has_folder", [False, True])
def test_a_killed_worker_leaves_nothing_and_says_what_happened(
    tmp_path, has_folder, monkeypatch
):
    folder = tmp_path if has_folder else None
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(BrokenExecutor, match=r"memory usage(.|\n)*SIGKILL"):
        keep(range(9), folder, 2, kill_the_third, "processes")
    assert list(tmp_path.iterdir()) == []
    assert count_maps() == 0
    assert keep([2], folder, 2, prefer="processes")[0].sum() == 16


# A limit of the system's own, in its own process: the tests write files as well.
LIMITED = """
    import os, resource, sys
    import numpy as np

    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
    folder, n_jobs, prefer = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    try:
        map_utterances(np.ones, range(100, 200), n_jobs, folder, prefer)
    except OSError as error:
        print(error, os.listdir(folder))
"""


@pytest.mark.parametrize(("n_jobs", "prefer"), WORKERS)
def test_a_full_disk_is_an_error_that_names_the_folder(tmp_path, n_jobs, prefer):
    pytest.importorskip("resource")
    # Without bytecode, which the limit would cut off as well, for all later processes.
    command = [sys.executable, "-B", "-c", IMPORT + textwrap.dedent(LIMITED)]
    command += [tmp_path, str(n_jobs or 1), prefer]
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


# Without a folder: processes write to the system's


@pytest.fixture
def system_folder(tmp_path, monkeypatch):
    """A folder that is taken for the system's temporary one."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_processes_share_what_one_process_would_return():
    found = share(range(30))
    assert isinstance(found, Batch)
    for one, other in zip(found, map(large, range(30)), strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


@needs_proc
def test_shared_arrays_have_a_map_a_process_that_is_freed_with_the_last(system_folder):
    found = share(range(30))
    assert list(system_folder.iterdir()) == []
    assert 1 <= count_maps() <= 2
    view = found[7][2:]
    del found
    assert count_maps() == 1
    assert view.tolist() == large(7)[2:].tolist()
    del view
    assert count_maps() == 0


def test_shared_arrays_are_ordinary_aligned_ones_that_can_be_written():
    found = share(range(9))
    assert {type(array) for array in found} == {np.ndarray}
    assert {array.ctypes.data % 16 for array in found} == {0}
    for i, array in enumerate(found):
        array += 100 * i
    assert [np.unique(array).tolist() for array in found] == [
        [101.0 * i] for i in range(9)
    ]


def test_shared_arrays_can_be_pickled_copied_and_sent():
    found = share(range(9))
    expected = [array.sum() for array in found]
    pickled = pickle.dumps(found)
    copies = copy.deepcopy(found)
    (sent,) = Parallel(n_jobs=2)([delayed(inspect)(found)])
    for array in found:
        array[:] = 0
    assert [array.sum() for array in pickle.loads(pickled)] == expected
    assert [array.sum() for array in copies] == expected
    assert sent[2] == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_what_a_forked_process_writes_is_its_own():
    found = share([1, 2])
    child = os.fork()
    if child == 0:
        found[0][:] = 7
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert found[0].max() == 1


MIXED = {
    "small": lambda: np.arange(3),
    "empty": lambda: np.empty((0, 4)),
    "columns first": lambda: np.asfortranarray(large(3)),
    "a part": lambda: large(3)[:, ::2],
    "objects": lambda: np.array(["a", None] * 50_000, dtype=object),
    "words": lambda: np.array(["calm", "angry"] * 50_000),
    "no dimension": lambda: np.float64(3),
    "pair": lambda: (large(2), None),
    "large": lambda: large(2),
}


@pytest.mark.parametrize("name", MIXED)
def test_whatever_is_returned_comes_back(name):
    found = share([name, "large", name], lambda name: MIXED[name]())
    for one, expected in zip(found, [name, "large", name], strict=True):
        expected = MIXED[expected]()
        assert type(one) is type(expected)
        if isinstance(one, tuple):
            (one, _), (expected, _) = one, expected
        np.testing.assert_array_equal(one, expected)
        assert one.flags.f_contiguous == expected.flags.f_contiguous


@needs_proc
def test_after_an_error_no_file_is_left(system_folder):
    with pytest.raises(KeyError, match="unknown"):
        share(["large", "large", "unknown"], lambda name: MIXED[name]())
    assert count_maps() == 0
    assert list(system_folder.iterdir()) == []


FULL = """
    import mmap, os, resource, sys, tempfile
    import numpy as np

    def is_mapped(array):
        while getattr(array, "base", None) is not None:
            array = array.base
        return isinstance(getattr(array, "obj", array), mmap.mmap)

    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
    tempfile.tempdir = sys.argv[1]
    found = map_utterances(np.ones, [10_000] * 100, n_jobs=2, prefer="processes")
    print(sum(array.sum() for array in found), sum(map(is_mapped, found)))
"""


def test_without_room_on_the_disk_arrays_are_sent(tmp_path):
    pytest.importorskip("resource")
    # As above, without bytecode.
    command = [sys.executable, "-B", "-c", IMPORT + textwrap.dedent(FULL), tmp_path]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    total, n_mapped = done.stdout.split()
    assert total == "1000000.0"
    # Of 80 kB each, in the files of two processes.
    assert 25 <= int(n_mapped) <= 50
    assert list(tmp_path.iterdir()) == []


def test_without_a_temporary_folder_arrays_are_sent(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    (tmp_path / "file").touch()
    for one, other in zip(share(range(5)), map(large, range(5)), strict=True):
        np.testing.assert_array_equal(one, other)


def name_of(number, ending=""):
    """Return a name that only a temporary file of results has."""
    return f"skser-{number:032x}{ending}.arrays"


@pytest.mark.parametrize("prefer", ["threads", "processes"])
def test_what_killed_processes_left_is_removed_after_a_week(system_folder, prefer):
    names = [name_of(1), name_of(2), name_of(3, "-77"), name_of(4, "-77")]
    names += ["skser-corpus", "skser.arrays"]
    for name in names[:2]:
        (system_folder / name).mkdir()
        (system_folder / name / "file").touch()
    for name in names[2:]:
        (system_folder / name).touch()
    for name in (names[0], names[2], *names[4:]):
        os.utime(system_folder / name, (0, 0))
    keep([2], None if prefer == "processes" else system_folder, 2, prefer=prefer)
    left = {path.name for path in system_folder.iterdir()}
    assert left == {names[1], names[3], *names[4:]}


def test_utterances_are_mapped_in_order_by_several_threads():
    seen = set()

    def double(number):
        seen.add(threading.get_ident())
        return 2 * number

    assert map_utterances(double, range(50), n_jobs=2) == list(range(0, 100, 2))
    assert map_utterances(double, range(5)) == [0, 2, 4, 6, 8]


def test_n_jobs_must_be_a_whole_number():
    with pytest.raises(TypeError, match=r"n_jobs must be an integer.*1\.5"):
        map_utterances(str, [1], n_jobs=1.5)
