"""What comes back from a model file is what went in."""

import io
import json
import os
import pickle
import subprocess
import sys
import textwrap
import warnings

import joblib
import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer, recall_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV, GroupKFold, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import SVC, LinearSVC

import skser
from skser.features import OpenSmileFunctionals
from skser.ivectors import WCCN
from skser.metrics import PROBABILITY_SCORERS, REGRESSION_SCORERS, SCORERS
from skser.normalization import FrameScaler, UtteranceNormalizer
from skser.out_of_core import ByUtterance

try:
    import cloudpickle
except ImportError:  # joblib before 1.6 brings its own
    from joblib.externals import cloudpickle

# A process that has imported nothing of skser when it unpickles.
FRESH_PROCESS = """
    import sys, joblib, numpy as np
    folder, *recordings = sys.argv[1:]
    systems = {"joblib": joblib.load(f"{folder}/model.joblib")}
    import pickle
    for name in ("pickle", "cloudpickle"):
        with open(f"{folder}/model.{name}", "rb") as file:
            systems[name] = pickle.load(file)
    import skser
    systems["skser"] = skser.load(f"{folder}/model.skser")
    answers = {name: s.predict_proba(recordings) for name, s in systems.items()}
    np.savez(f"{folder}/answers.npz", **answers)
"""


@pytest.fixture(scope="module")
def answers(fitted_system, speech, tmp_path_factory):
    """Posteriors of the paper's system, saved in four ways, from a fresh process."""
    folder = tmp_path_factory.mktemp("saved")
    joblib.dump(fitted_system, folder / "model.joblib")
    (folder / "model.pickle").write_bytes(pickle.dumps(fitted_system))
    (folder / "model.cloudpickle").write_bytes(cloudpickle.dumps(fitted_system))
    skser.save(fitted_system, folder / "model.skser")
    code = textwrap.dedent(FRESH_PROCESS)
    subprocess.run(
        [sys.executable, "-c", code, folder, *speech.paths[:6]],
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )
    with np.load(folder / "answers.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def expected(fitted_system, speech):
    return fitted_system.predict_proba(speech.paths[:6])


@pytest.mark.case("F02")
def test_the_papers_system_answers_bit_for_bit_the_same_in_a_fresh_process(
    answers, expected
):
    np.testing.assert_array_equal(answers["skser"], expected)


@pytest.mark.case("F01")
@pytest.mark.parametrize("name", ["pickle", "cloudpickle"])
def test_pickles_answer_bit_for_bit_the_same_in_a_fresh_process(
    answers, expected, name
):
    np.testing.assert_array_equal(answers[name], expected)


@pytest.mark.case("F18")
def test_joblib_loads_where_nothing_else_was_imported(answers, expected):
    np.testing.assert_array_equal(answers["joblib"], expected)


@pytest.mark.case("F02")
def test_the_file_holds_no_pickle_and_nothing_of_keras(network_forgery):
    path, members = network_forgery.path, network_forgery.read()
    manifest = json.loads(members.pop("manifest.json"))
    assert len(members) == len(manifest["arrays"]) > 20
    for content in members.values():
        assert isinstance(np.load(io.BytesIO(content), allow_pickle=False), np.ndarray)
    # As a pickle or a network of Keras would have them.
    words = (b"sklearn.", b"csklearn", b"cskser", b"HDF", b"class_name", b"Lambda")
    assert not [word for word in words if word in path.read_bytes()]


def test_loading_a_system_without_network_does_not_import_tensorflow(model_file):
    code = (
        "import sys, skser; skser.load(sys.argv[1]); "
        "assert not {'tensorflow', 'keras', 'skser.networks', 'skser.ensembles'} "
        "& set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, model_file], check=True)


TABLE_ESTIMATORS = [
    SVC(kernel="poly", degree=2),
    SVC(kernel="linear", class_weight="balanced"),
    SVC(probability=True, random_state=0),
    LinearSVC(random_state=3),
    LogisticRegression(C=np.float32(0.1)),
    LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto"),
    GaussianMixture(2, random_state=0),
    PCA(0.9),
    StandardScaler(with_mean=False),
    Normalizer("l1"),
    skser.PCAWhitening(3, clip=(1.0, 99)),
    FrameScaler(),
    UtteranceNormalizer(with_std=False),
    WCCN(),
    make_pipeline(make_pipeline(StandardScaler(), "passthrough"), PCA(2), SVC()),
]


def outputs(estimator, X):
    """Return all that an estimator computes of a table."""
    methods = ("transform", "predict", "decision_function", "predict_proba")
    usable = [name for name in methods if hasattr(estimator, name)]
    return {name: getattr(estimator, name)(X) for name in usable}


@pytest.mark.filterwarnings("ignore:.*probability:FutureWarning")
@pytest.mark.parametrize("estimator", TABLE_ESTIMATORS, ids=repr)
def test_estimators_on_tables_come_back_whole(estimator, table, tmp_path):
    fitted = clone(estimator).fit(*table)
    skser.save(fitted, tmp_path / "model")
    loaded = skser.load(tmp_path / "model")
    assert type(loaded) is type(fitted)
    assert repr(loaded) == repr(fitted)
    assert vars(loaded).keys() == vars(fitted).keys()
    expected, actual = outputs(fitted, table[0]), outputs(loaded, table[0])
    assert expected.keys() == actual.keys()
    assert expected
    for name in expected:
        np.testing.assert_array_equal(actual[name], expected[name])
        assert actual[name].dtype == expected[name].dtype


def test_a_support_vector_machine_on_a_kernel_comes_back_whole(table, tmp_path):
    X, y = table
    machine = SVC(kernel="precomputed").fit(X @ X.T, y)
    skser.save(machine, tmp_path / "model")
    loaded = skser.load(tmp_path / "model")
    np.testing.assert_array_equal(
        loaded.decision_function(X @ X.T), machine.decision_function(X @ X.T)
    )


@pytest.mark.parametrize(
    "system",
    [
        skser.systems.attention_blstm_fcn(random_state=0),
        skser.systems.egemaps_svm(),
        OpenSmileFunctionals("GeMAPS"),
        skser.AcousticFeatures(["ZCR", "LPC"], exact=True),
        skser.Framer(400, 160),
        GridSearchCV(SVC(), [{"C": [1.0]}, {"kernel": ["linear"]}], scoring="f1_macro"),
    ],
    ids=lambda system: type(system).__name__,
)
def test_systems_that_are_not_fitted_can_be_saved_too(system, tmp_path):
    skser.save(system, tmp_path / "model")
    assert repr(skser.load(tmp_path / "model")) == repr(system)


def test_every_kind_of_value_keeps_its_type(table, tmp_path):
    scaler = StandardScaler().fit(table[0])
    values = {
        "a_": (1, [2, (3.5, None)], {"x": True, 7: {"y": []}}),
        "b_": [float("nan"), float("-inf"), 0.1, 1e-320],
        "c_": [np.float32(0.1), np.int64(-(2**63)), np.bool_(True), np.str_("ä")],
        "e_": np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3)),
        "f_": np.zeros((0, 3), dtype=bool),
        "g_": np.array(0.25, dtype=np.float16),
    }
    # The only place for objects and masks.
    objects = {
        "d_": np.array([["sad", "glücklich\0"], [None, 3]], dtype=object),
        "h_": np.ma.masked_array(["a", 1], [False, True], dtype=object, fill_value="?"),
    }
    search = GridSearchCV(scaler, {"with_mean": [True]}, scoring="accuracy")
    vars(scaler).update(values)
    vars(search).update(cv_results_=objects)
    skser.save(search, tmp_path / "model")
    search = skser.load(tmp_path / "model")
    loaded = vars(search.estimator) | search.cv_results_
    values |= objects
    assert repr(loaded["a_"]) == repr(values["a_"])
    for name in ("b_", "c_"):
        assert repr(loaded[name]) == repr(values[name])
        assert [*map(type, loaded[name])] == [*map(type, values[name])]
    assert loaded["h_"].fill_value == values["h_"].fill_value
    for name in ("d_", "e_", "f_", "g_", "h_"):
        np.testing.assert_array_equal(loaded[name], values[name])
        assert loaded[name].dtype == values[name].dtype
        assert loaded[name].shape == values[name].shape
    assert loaded["e_"].flags.f_contiguous


def test_the_same_system_gives_the_same_bytes(table_system, model_file, tmp_path):
    skser.save(skser.load(model_file), tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == model_file.read_bytes()


def test_saving_changes_nothing_in_the_system(table_system, table, tmp_path):
    before = pickle.dumps(table_system)
    skser.save(table_system, tmp_path / "model")
    assert pickle.dumps(table_system) == before


def test_data_frames_are_asked_for_and_named_as_before(table, tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(table[0], columns=list("abcde"))
    scaler = StandardScaler().set_output(transform="pandas").fit(frame)
    skser.save(scaler, tmp_path / "model")
    loaded = skser.load(tmp_path / "model")
    assert list(loaded.transform(frame).columns) == list("abcde")
    with pytest.raises(ValueError, match="feature names"):
        loaded.transform(frame[list("edcba")])


def test_a_temporary_folder_of_this_machine_is_left_behind(table, tmp_path):
    whitening = skser.PCAWhitening(temp_folder=str(tmp_path / "x")).fit(table[0])
    front_end = ByUtterance(skser.Framer(), temp_folder="temporary", n_jobs=2)
    skser.save(make_pipeline(front_end, whitening), tmp_path / "model")
    loaded = skser.load(tmp_path / "model")
    assert [step.temp_folder for _, step in loaded.steps] == [None, None]
    assert isinstance(loaded[0].front_end, skser.Framer)
    assert loaded[0].n_jobs == 2


def test_a_cache_of_this_machine_is_left_behind(table, tmp_path):
    system = make_pipeline(PCA(2), SVC(), memory=str(tmp_path / "cache"))
    skser.save(system.fit(*table), tmp_path / "model")
    assert skser.load(tmp_path / "model").memory is None
    assert system.memory is not None


@pytest.mark.parametrize(
    "scoring",
    [None, "f1_macro", SCORERS["UA"], SCORERS, ["accuracy", "f1_macro"]],
    ids=str,
)
def test_a_search_comes_back_with_its_results_and_its_scorer(scoring, table, tmp_path):
    system = GridSearchCV(
        make_pipeline(StandardScaler(), SVC()),
        [{"svc__C": [0.1, 1.0]}, {"svc__kernel": ["linear"], "svc__C": [1]}],
        scoring=scoring,
        refit="UA" if scoring is SCORERS else "accuracy",
        cv=3,
    )
    # A copy, as every search in a cross-validation has it.
    search = clone(system).fit(*table)
    skser.save(search, tmp_path / "model")
    loaded = skser.load(tmp_path / "model")
    assert repr(loaded) == repr(search)
    assert loaded.best_params_ == search.best_params_
    assert loaded.score(*table) == search.score(*table)
    np.testing.assert_array_equal(loaded.predict(table[0]), search.predict(table[0]))
    assert str(loaded.cv_results_) == str(search.cv_results_)
    assert str(loaded.scorer_) == str(search.scorer_)
    assert clone(loaded).fit(*table).best_params_ == search.best_params_


@pytest.mark.parametrize("scorers", [PROBABILITY_SCORERS, REGRESSION_SCORERS])
def test_a_search_by_any_of_our_scorers_can_be_saved(scorers, table, tmp_path):
    X, _ = table
    y = np.digitize(X[:, 0], [-0.5, 0.5])
    given = {"scoring": scorers, "refit": next(iter(scorers)), "cv": 3}
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, **given).fit(X, y)
    skser.save(search, tmp_path / "model")
    loaded = skser.load(tmp_path / "model")
    assert loaded.score(X, y) == search.score(X, y)
    assert str(loaded.scorer_) == str(search.scorer_)


def average_frames(n_features, n_classes, *, seed, n_units=3):
    """Build a network of a user's own."""
    import keras

    frames = keras.Input((None, n_features))
    mask = keras.Input((None,), dtype="bool")
    average = keras.layers.GlobalAveragePooling1D()(frames, mask=mask)
    start = keras.initializers.GlorotUniform(seed)
    hidden = keras.layers.Dense(n_units, kernel_initializer=start)(average)
    scores = keras.layers.Dense(n_classes, kernel_initializer=start)(hidden)
    return keras.Model([frames, mask], scores)


@pytest.fixture(scope="module")
def own_network(sequences):
    """A classifier with a network of the user's own, fitted."""
    classifier = skser.NetworkClassifier(
        average_frames, network_params={"n_units": 4}, max_epochs=2, random_state=0
    )
    return classifier.fit(*sequences)


def test_a_network_of_ones_own_comes_back_if_its_function_is_given(
    own_network, sequences, tmp_path
):
    skser.save(own_network, tmp_path / "model")
    loaded = skser.load(tmp_path / "model", networks={"average_frames": average_frames})
    np.testing.assert_array_equal(
        loaded.predict_proba(sequences[0]), own_network.predict_proba(sequences[0])
    )
    with pytest.raises(skser.exceptions.ModelFileError, match="function 'average_fra"):
        skser.load(tmp_path / "model")


@pytest.mark.case("F09")
def test_weights_that_a_network_of_ones_own_does_not_have_are_refused(
    own_network, tmp_path
):
    def another(n_features, n_classes, *, seed, n_units):
        return average_frames(n_features, n_classes, seed=seed, n_units=n_units + 1)

    skser.save(own_network, tmp_path / "model")
    with pytest.raises(skser.exceptions.ModelFileError, match="weights of the shapes"):
        skser.load(tmp_path / "model", networks={"average_frames": another})


def test_training_goes_on_from_loaded_weights_with_a_new_optimizer(
    own_network, sequences, tmp_path
):
    original = clone(own_network).fit(*sequences)
    original.partial_fit(*sequences)
    skser.save(original, tmp_path / "model")
    loaded = skser.load(tmp_path / "model", networks={"average_frames": average_frames})
    assert not hasattr(loaded, "_training_state")
    loaded.partial_fit(*sequences)
    assert loaded.n_iter_ == original.n_iter_ + 1
    change = np.abs(loaded.weights_[0] - original.weights_[0]).max()
    assert 0 < change < 0.1


def test_numbers_of_single_precision_are_saved_without_a_word(table, tmp_path):
    X, y = table
    system = make_pipeline(PCA(2), SVC()).fit(np.asarray(X, dtype=np.float32), y)
    assert system[0].components_.dtype == np.float32
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        skser.save(system, tmp_path / "model")
        skser.load(tmp_path / "model")


def test_callbacks_are_left_behind(own_network, sequences, tmp_path):
    callback = pytest.importorskip("sklearn.callback")
    watched = clone(own_network).set_callbacks(callback.ProgressBar())
    watched.fit(*sequences)
    skser.save(watched, tmp_path / "model")
    loaded = skser.load(tmp_path / "model", networks={"average_frames": average_frames})
    np.testing.assert_array_equal(
        loaded.predict_proba(sequences[0]), watched.predict_proba(sequences[0])
    )
    loaded.fit(*sequences)


class Whatever(PCA):
    """An estimator of a user's own."""


def double(X):
    """Be a function where a name is expected."""
    return 2 * X


@pytest.mark.parametrize(
    ("system", "message"),
    [
        (make_pipeline(SVC(kernel=double)), "SVC.kernel of step 'svc' is a function"),
        (make_pipeline(Whatever()), "step 'whatever' is a Whatever.*no subclass"),
        (
            make_pipeline(StandardScaler(), make_pipeline(Whatever())),
            "of step 'pipeline__whatever' is a Whatever",
        ),
        (
            RandomizedSearchCV(SVC(), {"C": [1]}),
            "the model is a RandomizedSearchCV.*save its best_estimator_",
        ),
        (
            make_pipeline(GridSearchCV(SVC(), {"C": [1]}, cv=GroupKFold(3))),
            "GridSearchCV.cv of step 'gridsearchcv' is a GroupKFold.*number of folds",
        ),
        (
            GridSearchCV(SVC(), {"C": [1]}, scoring=make_scorer(recall_score)),
            "GridSearchCV.scoring is a _Scorer.*Set it to a name, such as 'recall_m",
        ),
        (
            SVC(random_state=np.random.RandomState(0)),
            "SVC.random_state is a RandomState.*Set it to an integer or None",
        ),
        (StandardScaler, "save takes an estimator, got type"),
        ([SVC()], "save takes an estimator, got list"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_file_cannot_hold_is_refused_by_step_and_attribute(
    system, message, tmp_path
):
    with pytest.raises(TypeError, match=message):
        skser.save(system, tmp_path / "model")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.array([1, {2}], dtype=object), r"StandardScaler.x_\[1\] is a set"),
        (np.array([1j]), "dtype.*complex128.*cannot be"),
        (np.datetime64("2020-01-01"), "dtype.*datetime64"),
        (np.array([(1, 2.0)], dtype="i4,f8"), "dtype"),
        ({"a": [b"bytes"]}, r"x_\['a'\]\[0\] is a bytes"),
    ],
    ids=repr,
)
def test_attributes_that_are_not_plain_data_are_refused(value, message, tmp_path):
    scaler = StandardScaler()
    scaler.x_ = value
    with pytest.raises(TypeError, match=message):
        skser.save(scaler, tmp_path / "model")


def test_requests_for_metadata_are_refused_with_advice(tmp_path):
    with config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=True)
    with pytest.raises(TypeError, match="set them after loading"):
        skser.save(scaler, tmp_path / "model")


def test_illegal_parameters_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"C.*parameter of SVC"):
        skser.save(SVC(C=-1.0), tmp_path / "model")
    assert not any(tmp_path.iterdir())


def test_what_could_not_be_loaded_is_not_saved(table_system, tmp_path, monkeypatch):
    monkeypatch.setattr("skser.storage._archive.MAX_BYTES", 1000)
    with pytest.raises(ValueError, match="more than the 1000"):
        skser.save(table_system, tmp_path / "model")


def test_paths_may_be_strings_or_relative_to_home(table_system, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    skser.save(table_system, "~/model")
    assert repr(skser.load(str(tmp_path / "model"))) == repr(table_system)
