"""Classes of the user's own in model files: named on both sides, or refused."""

import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import skser
from skser.__main__ import main
from skser.classifiers import BaseNetworkClassifier
from skser.exceptions import ModelFileError


class Centred(TransformerMixin, BaseEstimator):
    """Take the mean off; a scaler of one's own, with one inside."""

    def __init__(self, factor=1.0, inner=None):
        self.factor = factor
        self.inner = inner

    def fit(self, X, y=None):
        self.mean_ = np.mean(X, axis=0)
        self.inner_ = StandardScaler().fit(X)
        self.labels_ = {"seen": sorted(set(y)), "shape": X.shape}
        return self

    def transform(self, X):
        return self.factor * (X - self.mean_)


class Nested:
    """A place for a class with a longer name."""

    class Constant(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.classes_ = np.unique(y)
            return self

        def predict(self, X):
            return np.full(len(X), self.classes_[0])


class Rotation(PCA):
    """A subclass of a class that files may hold anyway."""


class Machine(SVC):
    """Another, whose fitted arrays compiled code follows."""


def average(n_features, n_classes, *, seed, n_units):
    """Build a network of Keras' layers."""
    import keras

    frames = keras.Input((None, n_features))
    mask = keras.Input((None,), dtype="bool")
    pooled = keras.layers.GlobalAveragePooling1D()(frames, mask=mask)
    start = keras.initializers.GlorotUniform(seed)
    hidden = keras.layers.Dense(n_units, kernel_initializer=start)(pooled)
    scores = keras.layers.Dense(n_classes, kernel_initializer=start)(hidden)
    return keras.Model([frames, mask], scores)


class AverageClassifier(BaseNetworkClassifier):
    """A classifier with a network of one's own."""

    builder = staticmethod(average)

    def __init__(self, n_units=4, *, max_epochs=1, random_state=None):
        super().__init__(max_epochs=max_epochs, random_state=random_state)
        self.n_units = n_units


class OpenFile(TransformerMixin, BaseEstimator):
    """One whose `fit` leaves what is no data."""

    def fit(self, X, y=None):
        self.function_ = print
        return self

    def transform(self, X):
        return X


class Noisy(TransformerMixin, BaseEstimator):
    """One with an infinite number."""

    def fit(self, X, y=None):
        self.highest_ = np.array([np.inf])
        return self

    def transform(self, X):
        return X


@pytest.fixture
def own_system(table):
    """A Pipeline with a class of one's own, fitted."""
    steps = [("centre", Centred(2.0, StandardScaler())), ("line", LogisticRegression())]
    return Pipeline(steps).fit(*table)


@pytest.fixture
def own_file(own_system, tmp_path):
    """The Pipeline in a file."""
    path = tmp_path / "own.skser"
    skser.save(own_system, path, trusted=[Centred])
    return path


def test_a_class_that_is_named_comes_back_with_all_that_it_holds(
    own_file, own_system, table
):
    loaded = skser.load(own_file, trusted=[Centred])
    X, _ = table
    np.testing.assert_array_equal(loaded.predict_proba(X), own_system.predict_proba(X))
    centre, before = loaded["centre"], own_system["centre"]
    assert type(centre) is Centred
    assert centre.factor == 2.0
    assert centre.labels_ == before.labels_
    np.testing.assert_array_equal(centre.inner_.scale_, before.inner_.scale_)


@pytest.mark.parametrize(
    ("estimator", "classes"),
    [
        (Nested.Constant(), [Nested.Constant]),
        (Rotation(2), [Rotation]),
        (make_pipeline(Rotation(2), Machine()), [Machine, Rotation]),
    ],
    ids=["nested", "subclass", "two"],
)
def test_classes_inside_others_and_subclasses_are_named_alike(
    estimator, classes, table, tmp_path
):
    X, y = table
    estimator.fit(X, y)
    skser.save(estimator, tmp_path / "model", trusted=classes)
    loaded = skser.load(tmp_path / "model", trusted=classes)
    method = "predict" if hasattr(estimator, "predict") else "transform"
    results = (getattr(system, method)(X) for system in (loaded, estimator))
    np.testing.assert_array_equal(*results)


def test_a_network_classifier_of_ones_own_comes_back(table, tmp_path):
    X, y = table
    fitted = AverageClassifier(3, random_state=0).fit(X, y)
    skser.save(fitted, tmp_path / "model", trusted=[AverageClassifier])
    loaded = skser.load(tmp_path / "model", trusted=[AverageClassifier])
    np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))


def test_the_file_has_no_code_and_the_classes_name(own_file):
    content = own_file.read_bytes()
    assert f"{Centred.__module__}:Centred".encode() in content
    assert b"take the mean off" not in content.lower()


def test_a_class_that_is_not_named_is_not_saved(own_system, tmp_path):
    path = tmp_path / "own.skser"
    with pytest.raises(TypeError, match=r"step 'centre' .*trusted=\[MyFeature\]"):
        skser.save(own_system, path)
    assert not path.exists()


def test_a_class_that_is_not_named_is_not_loaded(own_file):
    message = r"holds '\S+:Centred'.*names nothing.*load\(path, trusted=\[Centred\]\)"
    with pytest.raises(ModelFileError, match=message):
        skser.load(own_file)
    with pytest.raises(ModelFileError, match=r"names sklearn.*_pca:PCA"):
        skser.load(own_file, trusted=[PCA])


@pytest.mark.parametrize(
    "trusted", [[Centred()], ["Centred"], [os.system], [dict], "Centred", [Nested]]
)
def test_what_is_no_class_of_an_estimator_cannot_be_trusted(
    trusted, own_file, own_system, tmp_path
):
    with pytest.raises(TypeError, match="trusted must be a list of classes"):
        skser.load(own_file, trusted=trusted)
    with pytest.raises(TypeError, match="trusted must be a list of classes"):
        skser.save(own_system, tmp_path / "model", trusted=trusted)


@pytest.mark.parametrize("name", ["os:system", "os.system", "builtins:eval", "posix:x"])
@pytest.mark.parametrize("trusted", [[], [Centred]], ids=["none", "another"])
def test_a_forged_name_is_refused_and_nothing_is_called(
    name, trusted, forgery, tmp_path
):
    trap = str(tmp_path / "trap")

    def change(description):
        description["class"] = name
        description["params"] = {"command": f"touch {trap}"}

    forgery.edit_estimator("PCA", change)
    with pytest.raises(ModelFileError, match=name.replace(".", r"\.")):
        skser.load(forgery.path, trusted=trusted)
    assert not os.path.exists(trap)


def test_a_module_that_a_file_names_is_not_imported(forgery, tmp_path, monkeypatch):
    (tmp_path / "trap.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    forgery.edit_estimator("PCA", lambda found: found.update({"class": "trap:Trap"}))
    with pytest.raises(ModelFileError, match="trap:Trap"):
        skser.load(forgery.path, trusted=[Centred])
    assert "trap" not in sys.modules


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["params"].update(factr=1.0), "factr"),
        (lambda d: d["attributes"].update(transform=1.0), "'transform' cannot be"),
        (lambda d: d["attributes"].update(__class__=1.0), "'__class__' cannot be"),
        (lambda d: d["attributes"].update(mean_={"code": "1 + 1"}), "unknown kind"),
    ],
    ids=["parameter", "method", "class", "kind"],
)
def test_a_forged_state_of_an_own_class_is_refused(change, message, own_file, forge):
    forge(own_file).edit_estimator(f"{Centred.__module__}:Centred", change)
    with pytest.raises(ModelFileError, match=message):
        skser.load(own_file, trusted=[Centred])


def test_what_compiled_code_follows_is_checked_in_subclasses(table, forge, tmp_path):
    X, y = table
    path = tmp_path / "machine.skser"
    skser.save(Machine().fit(X, y), path, trusted=[Machine])

    def change(description):
        description["attributes"]["shape_fit_"] = {"tuple": [1, 5]}

    forge(path).edit_estimator(f"{Machine.__module__}:Machine", change)
    with pytest.raises(ModelFileError, match="indices beyond the training samples"):
        skser.load(path, trusted=[Machine])


@pytest.mark.parametrize(
    ("estimator", "error", "message"),
    [
        (OpenFile(), TypeError, "OpenFile.function_ is a builtin_function"),
        (Noisy(), ValueError, "Noisy.highest_ contains NaN or infinity"),
        (KNeighborsClassifier(algorithm="kd_tree"), TypeError, "_tree is a KDTree"),
    ],
    ids=["function", "infinity", "tree"],
)
def test_what_is_no_data_is_refused_when_it_is_saved(
    estimator, error, message, table, tmp_path
):
    with pytest.raises(error, match=message):
        skser.save(estimator.fit(*table), tmp_path / "model", trusted=[type(estimator)])


def test_a_class_of_a_script_may_have_moved_into_a_module(table, tmp_path):
    script = (
        "import sys, skser\n"
        "from sklearn.base import BaseEstimator\n"
        "class Centred(BaseEstimator):\n"
        "    def __init__(self, factor=1.0, inner=None):\n"
        "        self.factor, self.inner = factor, inner\n"
        "skser.save(Centred(3.0), sys.argv[1], trusted=[Centred])\n"
    )
    path = tmp_path / "model"
    subprocess.run([sys.executable, "-c", script, path], check=True)
    assert skser.load(path, trusted=[Centred]).factor == 3.0


def test_the_command_line_says_that_python_can(own_file, tmp_path, capsys):
    (tmp_path / "one.wav").write_bytes(b"")
    assert main(["predict", "--model", str(own_file), str(tmp_path / "one.wav")]) == 1
    error = capsys.readouterr().err
    assert "Centred" in error
    assert "trusted=[Centred]" in error
