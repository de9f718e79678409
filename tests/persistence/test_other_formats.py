"""Formats of others: Keras' archives never reach Keras, skops' files need trust."""

import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import skser
from skser.exceptions import ModelFileError

PACKAGE = Path(skser.__file__).parent


def layer(module, class_name, **config):
    return {
        "module": module,
        "class_name": class_name,
        "config": {"name": "trap", **config},
        "registered_name": None,
    }


def function(module, name):
    return {"class_name": "function", "config": name, "module": module}


# What has been used to run code, read files or fetch them from a .keras archive.
ATTACKS = {
    "Lambda": layer(
        "keras.layers",
        "Lambda",
        function={
            "class_name": "__lambda__",
            "config": {"code": "4wAAAAA=", "defaults": None, "closure": None},
        },
    ),
    "TFSMLayer": layer("keras.layers", "TFSMLayer", filepath="saved_model"),
    "get_file": layer(
        "keras.layers", "Activation", activation=function("keras.utils", "get_file")
    ),
    "enable_unsafe_deserialization": layer(
        "keras.layers",
        "Activation",
        activation=function("keras.config", "enable_unsafe_deserialization"),
    ),
    "StringLookup": layer("keras.layers", "StringLookup", vocabulary="/etc/hostname"),
}


@pytest.fixture(params=ATTACKS)
def attack(request, tmp_path):
    """Write a .keras archive with one layer that it ought not to have."""
    start = layer("keras.layers", "InputLayer", batch_shape=[None, 2], dtype="float32")
    start["config"]["name"] = "start"
    layers = [start, ATTACKS[request.param]]
    model = layer("keras", "Sequential", trainable=True, layers=layers)
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.15.0"}))
        archive.writestr("config.json", json.dumps(model))
        archive.writestr("model.weights.h5", b"\x89HDF\r\n\x1a\n")
    return path


@pytest.mark.case("F12")
def test_an_archive_of_keras_is_refused_without_asking_keras(attack, monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError("Keras was asked")

    for name in ("load_model", "deserialize_keras_object", "load_weights"):
        monkeypatch.setattr(keras.saving, name, never)
    monkeypatch.setattr(keras.Sequential, "from_config", never)
    with pytest.raises(ModelFileError, match=r"a \.keras file.*never run"):
        skser.load(attack)


@pytest.mark.case("F12")
def test_keras_of_the_versions_allowed_refuses_such_an_archive_too(attack):
    with pytest.raises((ValueError, TypeError), match="disallowed"):
        keras.saving.load_model(attack)


@pytest.mark.case("F12")
def test_the_package_never_has_keras_read_a_description_of_a_network():
    words = (
        "load_model",
        "load_weights",
        "model_from_json",
        "deserialize_keras_object",
        "enable_unsafe_deserialization",
        "pickle.load",
        "joblib.load",
    )
    for path in PACKAGE.rglob("*.py"):
        code = path.read_text("utf-8")
        assert not [word for word in words if f"{word}(" in code], path


@pytest.mark.case("F20")
def test_skops_saves_and_loads_a_system_by_trusting_this_package_only(
    fitted_system, speech, tmp_path
):
    skops = pytest.importorskip("skops.io")
    path = tmp_path / "system.skops"
    skops.dump(fitted_system, path)
    untrusted = skops.get_untrusted_types(file=path)
    assert len(untrusted) == 5
    assert all(name.startswith("skser.") for name in untrusted)
    loaded = skops.load(path, trusted=untrusted)
    np.testing.assert_array_equal(
        loaded.predict_proba(speech.paths), fitted_system.predict_proba(speech.paths)
    )
