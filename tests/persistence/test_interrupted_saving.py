"""Saving that fails or is killed leaves the file that was there."""

import errno
import json
import os
import subprocess
import sys
import textwrap

import pytest
from sklearn.preprocessing import StandardScaler

import skser

# Kills twenty processes that do nothing but save, each at a random moment, and loads
# what they have left. One process starts all others: importing takes seconds.
KILLER = """
    import glob, json, os, random, signal, sys, time
    import numpy as np
    from sklearn.preprocessing import StandardScaler
    import skser

    path, n_kills = sys.argv[1], int(sys.argv[2])
    rows = np.random.default_rng(0).normal(size=(10, 20_000))
    systems = [StandardScaler().fit(rows), StandardScaler().fit(2 * rows)]
    answers = [system.transform(rows) for system in systems]
    skser.save(systems[0], path)
    random.seed(0)
    found, n_unfinished = [], 0
    for _ in range(n_kills):
        child = os.fork()
        while child == 0:
            for system in systems:
                skser.save(system, path)
        time.sleep(random.uniform(0.001, 0.1))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        answer = skser.load(path).transform(rows)
        found += [i for i in (0, 1) if np.array_equal(answer, answers[i])]
        for name in glob.glob(path + ".*.unfinished"):
            n_unfinished += 1
            os.unlink(name)
    print(json.dumps([found, n_unfinished, os.listdir(os.path.dirname(path))]))
"""


@pytest.mark.case("F15")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_process_killed_while_saving_leaves_the_old_or_the_new_file(tmp_path):
    code = textwrap.dedent(KILLER)
    output = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "model"), "20"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found, n_unfinished, files = json.loads(output)
    assert len(found) == 20
    assert set(found) == {0, 1}
    # Otherwise no process was killed while it wrote, and nothing was shown.
    assert n_unfinished > 0
    assert files == ["model"]


@pytest.fixture
def old_file(tmp_path):
    """A file that must not be lost, alone in its folder, and what is in it."""
    path = tmp_path / "model"
    skser.save(StandardScaler().fit([[0.0], [2.0]]), path)
    return path, path.read_bytes()


@pytest.mark.case("F16")
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_disk_that_is_full_costs_neither_the_old_file_nor_more_space(
    share, table_system, model_file, old_file, full_disk
):
    path, content = old_file
    size = model_file.stat().st_size
    model_file.unlink()
    full_disk(int(share * size))
    with pytest.raises(OSError, match="No space left"):
        skser.save(table_system, path)
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


# Of files that the process writes, and so in a process of its own: the limit would hold
# for the log of the tests, too.
LIMITED = """
    import resource, sys
    import numpy as np
    from sklearn.preprocessing import StandardScaler
    import skser

    system = StandardScaler().fit(np.ones((2, 1000)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
    try:
        skser.save(system, sys.argv[1])
    except OSError as error:
        print(error.strerror)
"""


@pytest.mark.case("F16")
def test_a_file_that_may_not_grow_any_more_costs_nothing_either(old_file):
    pytest.importorskip("resource")
    path, content = old_file
    code = textwrap.dedent(LIMITED)
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == os.strerror(errno.EFBIG)
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_an_interruption_while_saving_leaves_nothing_behind(
    table_system, old_file, monkeypatch
):
    def interrupt(*args):
        raise KeyboardInterrupt

    path, content = old_file
    monkeypatch.setattr("skser.persistence._archive._digest", interrupt)
    with pytest.raises(KeyboardInterrupt):
        skser.save(table_system, path)
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_does_not_exist_is_named(table_system, tmp_path):
    with pytest.raises(FileNotFoundError, match="none"):
        skser.save(table_system, tmp_path / "none" / "model")
    with pytest.raises(FileNotFoundError, match="none"):
        skser.load(tmp_path / "none" / "model")
    assert not any(tmp_path.iterdir())
