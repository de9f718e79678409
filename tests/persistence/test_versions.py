"""A file says with what it was written, and is compared with what is installed."""

import re
import warnings
from importlib.metadata import version

import numpy as np
import pytest

import skser
from skser.exceptions import ModelFileError
from skser.persistence import _versions


def set_version(package, text):
    """Return what writes the version of a package into a manifest."""
    return lambda manifest: manifest["versions"].update({package: text})


@pytest.mark.case("F17")
@pytest.mark.parametrize("package", ["numpy", "scikit-learn", "skser"])
def test_another_minor_version_is_warned_of_with_both_versions(
    package, forgery, table, table_system
):
    here = skser.__version__ if package == "skser" else version(package)
    forgery.edit(set_version(package, "0.77.0"))
    expected = re.escape(f"{package} 0.77.0 (here {here})")
    with pytest.warns(UserWarning, match=expected) as caught:
        loaded = skser.load(forgery.path)
    assert [warning.filename for warning in caught] == [__file__]
    np.testing.assert_array_equal(
        loaded.predict(table[0]), table_system.predict(table[0])
    )


@pytest.mark.case("F17")
def test_another_version_of_keras_matters_to_networks_only(network_forgery, forgery):
    network_forgery.edit(set_version("keras", "3.77.0"))
    with pytest.warns(UserWarning, match=r"keras 3\.77\.0 \(here 3"):
        skser.load(network_forgery.path)
    assert b"keras" not in forgery.read()["manifest.json"]


@pytest.mark.case("F17")
def test_versions_that_differ_in_the_patch_alone_are_the_same(forgery):
    major, minor, *_ = version("numpy").split(".")
    forgery.edit(set_version("numpy", f"{major}.{minor}.99"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        skser.load(forgery.path)


@pytest.mark.case("F17")
def test_a_newer_minor_version_of_the_format_is_warned_of(forgery):
    forgery.edit(lambda manifest: manifest.update(format="1.1"))
    with pytest.warns(UserWarning, match=r"version 1\.1 of the format \(here 1\.0\)"):
        skser.load(forgery.path)


@pytest.mark.case("F17")
def test_an_unknown_major_version_of_the_format_is_refused(forgery):
    forgery.edit(lambda manifest: manifest.update(format="2.0"))
    with pytest.raises(ModelFileError, match=r"2\.0 of the format.*reads 1\.0"):
        skser.load(forgery.path)


def test_features_of_other_names_are_refused(tmp_path, monkeypatch):
    skser.save(skser.AcousticFeatures(), tmp_path / "model")
    monkeypatch.setattr(_versions, "hash_features", lambda: "another")
    with pytest.raises(ModelFileError, match="features of other names"):
        skser.load(tmp_path / "model")
