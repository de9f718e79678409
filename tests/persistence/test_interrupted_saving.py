"""Saving that fails leaves the file that was there. (Kills: tests/test_kills.py.)"""

import errno
import os
import subprocess
import sys
import textwrap

import pytest
from sklearn.preprocessing import StandardScaler

import skser


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
    # Without bytecode, which the limit would cut off as well, for all later processes.
    command = [sys.executable, "-B", "-c", code, str(path)]
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
    monkeypatch.setattr("skser.storage._archive._digest", interrupt)
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
