"""A file is written as a whole or not at all."""

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
