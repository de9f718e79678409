"""A file says with what it was written, and is compared with what is installed."""

import re
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import skser
from skser.exceptions import ModelFileError
from skser.persistence import _origin


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
    monkeypatch.setattr(_origin, "hash_features", lambda: "another")
    with pytest.raises(ModelFileError, match="features of other names"):
        skser.load(tmp_path / "model")


# Files that were written under these versions of scikit-learn, by `save` on the systems
# and the table below.
MODELS = Path(__file__).parents[1] / "data" / "models"
SYSTEMS = {
    "logistic": Pipeline(
        [
            ("scale", StandardScaler()),
            ("rotate", PCA(3, random_state=0)),
            ("classify", LogisticRegression(C=0.5)),
        ]
    ),
    "machines": Pipeline(
        [("search", GridSearchCV(SVC(random_state=0), {"C": [1.0, 2.0]}, cv=2))]
    ),
    "sigmoids": SVC(probability=True, random_state=0),
}


@pytest.mark.case("F17")
@pytest.mark.filterwarnings("ignore:The `probability` parameter:FutureWarning")
@pytest.mark.parametrize("written", ["1.7.2", "1.9.1"])
@pytest.mark.parametrize("name", SYSTEMS)
def test_files_of_other_versions_of_scikit_learn_predict_the_same(
    name, written, tmp_path
):
    X = np.round(np.random.default_rng(0).normal(size=(30, 4)), 3)
    X += np.arange(30)[:, np.newaxis] % 3
    y = np.array(["angry", "calm", "sad"])[np.arange(30) % 3]
    with warnings.catch_warnings():
        # Of other minor versions than those here.
        warnings.filterwarnings("ignore", ".*was saved with", UserWarning)
        loaded = skser.load(MODELS / f"{name}-{written}.skser")
    expected = clone(SYSTEMS[name]).fit(X, y)
    methods = ["predict", "decision_function"]
    methods += ["predict_proba"] if name != "machines" else []
    for method in methods:
        found, wanted = getattr(loaded, method)(X), getattr(expected, method)(X)
        if method == "predict":
            np.testing.assert_array_equal(found, wanted)
        else:
            np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-9)
    # What nobody has changed is what it is here, and a copy can be fitted.
    clone(loaded).fit(X, y)
    skser.save(loaded, tmp_path / "again")


@pytest.mark.parametrize(
    ("parameter", "value", "is_default", "message"),
    [
        ("multi_class", "deprecated", True, None),
        ("penalty", "of another version", True, None),
        pytest.param(
            "multi_class",
            "deprecated",
            False,
            "multi_class",
            marks=pytest.mark.skipif(
                "multi_class" in LogisticRegression().get_params(),
                reason="is a parameter of this scikit-learn",
            ),
        ),
        ("penalty", "of another version", False, "penalty"),
    ],
)
def test_parameters_of_other_versions_are_left_out_if_nobody_changed_them(
    parameter, value, is_default, message, forgery
):
    skser.save(LogisticRegression(C=3.0), forgery.path)

    def change(node):
        node["params"][parameter] = value
        node["defaults"] = [parameter] if is_default else []

    forgery.edit_estimator("LogisticRegression", change)
    if message is None:
        assert repr(skser.load(forgery.path)) == repr(LogisticRegression(C=3.0))
    else:
        with pytest.raises(ModelFileError, match=message):
            skser.load(forgery.path)


# What stands in tests/data/model_files was written in environments of these versions,
# and read in each of them; the answers are those of the version that wrote the file.
MODEL_FILES = MODELS.with_name("model_files")
ROWS = np.round(np.random.default_rng(0).normal(size=(30, 4)), 3)
ROWS += np.arange(30)[:, np.newaxis] % 3
UTTERANCES = [
    np.round(np.random.default_rng(i).normal(i % 3, 1, (6, 1)), 3) for i in range(30)
]


@pytest.mark.case("K15")
@pytest.mark.filterwarnings("ignore:The `probability` parameter:FutureWarning")
@pytest.mark.filterwarnings("ignore:.*was saved with:UserWarning")
@pytest.mark.parametrize("written", ["1.6.1", "1.7.2", "1.8.0", "1.9.0"])
@pytest.mark.parametrize(
    "name",
    [
        "discriminant",
        "ivectors",
        "logistic",
        "machine",
        "mixture",
        "search",
        "statistics",
    ],
)
def test_golden_files_of_four_versions_answer_as_where_they_were_written(
    name, written, tmp_path
):
    loaded = skser.load(MODEL_FILES / f"{name}-{written}.skser")
    X = UTTERANCES if name in ("ivectors", "statistics") else ROWS
    with np.load(MODEL_FILES / f"{name}.npz") as file:
        answers = dict(file)
    for method, expected in answers.items():
        found = getattr(loaded, method)(X)
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
        else:
            np.testing.assert_array_equal(found, expected)
    skser.save(loaded, tmp_path / "again")


@pytest.mark.case("K15")
def test_a_classifier_that_would_have_other_posteriors_here_is_refused(forgery, table):
    skser.save(LogisticRegression().fit(*table), forgery.path)

    def change(node):
        node["params"]["solver"] = "liblinear"

    forgery.edit_estimator("LogisticRegression", change)
    if hasattr(LogisticRegression(), "multi_class"):  # scikit-learn up to 1.7
        skser.load(forgery.path)
    else:
        with pytest.raises(ModelFileError, match="other posteriors"):
            skser.load(forgery.path)
