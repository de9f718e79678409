"""A file is written as a whole or not at all."""

import os
import stat

import pytest

from skser.storage import replacing


@pytest.fixture
def path(tmp_path):
    """A file with something in it, alone in its folder."""
    path = tmp_path / "precious"
    path.write_bytes(b"old")
    return path


def test_a_file_is_replaced_once_it_is_complete(path):
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("fault", [OSError("disk full"), KeyboardInterrupt()], ids=repr)
def test_whatever_happens_the_old_file_stays_and_nothing_else(path, fault):
    def fail(file):
        file.write(b"ne")
        raise fault

    with pytest.raises(type(fault)), replacing(path) as file:
        fail(file)
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_a_missing_folder_is_not_made(tmp_path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "none" / "file"):
        pass
    assert not any(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="files have no such mode")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
@pytest.mark.case("K24")
def test_a_file_that_is_replaced_keeps_its_permissions(path, mode):
    path.chmod(mode)
    with replacing(path) as file:
        (temporary,) = path.parent.glob("*.unfinished")
        # Nobody else may read it meanwhile, either.
        assert stat.S_IMODE(temporary.stat().st_mode) == mode
        file.write(b"new")
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_new_file_has_the_permissions_of_any_other(tmp_path):
    (tmp_path / "other").touch()
    with replacing(tmp_path / "new") as file:
        file.write(b"new")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.case("K24")
def test_remains_of_the_same_file_are_removed_once_they_are_an_hour_old(path):
    names = ["precious.1.unfinished", "precious.2.unfinished", "other.3.unfinished"]
    for name in names:
        (path.parent / name).touch()
    for name in (names[0], names[2]):
        os.utime(path.parent / name, (0, 0))
    with replacing(path) as file:
        file.write(b"new")
    left = {entry.name for entry in path.parent.iterdir()}
    assert left == {"precious", names[1], names[2]}
