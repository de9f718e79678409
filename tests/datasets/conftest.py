"""What the tests of the corpora share: trees of empty files."""

import os

import pytest


def link_files(root, names):
    """Make empty files of the given names, with their folders.

    They are links to one file, which is made fifty times as fast as thousands of
    files are: unlink one before writing to it.
    """
    empty = root / ".empty"
    root.mkdir(parents=True, exist_ok=True)
    empty.touch()
    for parent in {(root / name).parent for name in names}:
        parent.mkdir(parents=True, exist_ok=True)
    for name in dict.fromkeys(names):
        os.link(empty, root / name)
    return root


@pytest.fixture
def make_files(tmp_path):
    """Return a function that makes empty files of some names in a new folder."""

    def make(names, folder="copy"):
        return link_files(tmp_path / folder, names)

    return make


@pytest.fixture(scope="session")
def make_shared_files(tmp_path_factory):
    """Return a function that makes empty files in a folder that outlives the test."""

    def make(names):
        return link_files(tmp_path_factory.mktemp("copy"), names)

    return make
