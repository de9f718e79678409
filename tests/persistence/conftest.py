"""What the tests of model files share: a small fitted system, and forged files."""

import io
import json
import zipfile

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import skser
from skser.storage import _archive


@pytest.fixture(scope="session")
def table():
    """Sixty rows of five features and their classes, strings."""
    generator = np.random.default_rng(0)
    y = np.array(["angry", "calm", "sad"])[np.arange(60) % 3]
    return generator.normal(size=(60, 5)) + np.arange(60)[:, None] % 3, y


@pytest.fixture(scope="session")
def table_system(table):
    """A small Pipeline of scikit-learn's, fitted. Not to be changed."""
    steps = [
        ("scale", StandardScaler()),
        ("rotate", PCA(3, random_state=0)),
        ("classify", SVC(class_weight={"angry": 2.0, "calm": 1.0, "sad": 1.0})),
    ]
    return Pipeline(steps).fit(*table)


@pytest.fixture
def model_file(table_system, tmp_path):
    """The small Pipeline in a file."""
    path = tmp_path / "model.skser"
    skser.save(table_system, path)
    return path


class Forgery:
    """A model file that is changed and sealed again, as an attacker would do it.

    Parameters
    ----------
    path : pathlib.Path
        Of a file that `skser.save` has written.
    """

    def __init__(self, path):
        self.path = path

    def read(self):
        """Return names and data of the members."""
        with zipfile.ZipFile(self.path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    def write(self, members, compression=zipfile.ZIP_STORED):
        """Write members, pairs of a name or ZipInfo and data, with a right checksum."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", compression) as archive:
            for member, data in members:
                if isinstance(member, str):
                    member = _archive._make_member(member)
                    member.compress_type = compression
                archive.writestr(member, data)
            archive.comment = _archive._COMMENT + b"0" * 64
        self.seal(buffer.getvalue())

    def seal(self, content):
        """Write bytes with the right checksum at their end."""
        content = content[:-64]
        digest = _archive._digest(io.BytesIO(content), len(content))
        self.path.write_bytes(content + digest)

    def edit(self, change):
        """Change the manifest by a function."""
        members = self.read()
        manifest = json.loads(members["manifest.json"])
        change(manifest)
        members["manifest.json"] = json.dumps(manifest).encode()
        self.write(members.items())

    def edit_estimator(self, name, change):
        """Change the description of the estimator of a class by a function."""
        self.edit(lambda manifest: change(_find(manifest["model"], name)))

    def replace_array(self, ending, npy, **description):
        """Put other bytes in the place of an array, and describe them in the manifest.

        The array is the one whose name has this ending.
        """
        members = self.read()
        (member,) = (name for name in members if name.endswith(f"{ending}.npy"))
        members[member] = npy
        self.write(members.items())
        key = member.removeprefix("arrays/").removesuffix(".npy")
        self.edit(lambda manifest: manifest["arrays"][key].update(description))


def _find(node, name):
    """Return the description of the estimator of a class in a manifest."""
    if isinstance(node, dict):
        if node.get("class") == name:
            return node
        node = list(node.values())
    if not isinstance(node, list):
        return None
    found = (_find(item, name) for item in node)
    return next((description for description in found if description), None)


@pytest.fixture
def forgery(model_file):
    """The small Pipeline's file, to be changed."""
    return Forgery(model_file)


@pytest.fixture
def forge():
    """What makes a forgery of the file of a path."""
    return Forgery


@pytest.fixture
def network_forgery(fitted_system, tmp_path):
    """The file of the paper's classifier, to be changed."""
    path = tmp_path / "network.skser"
    skser.save(fitted_system["classify"], path)
    return Forgery(path)
