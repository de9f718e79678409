"""scikit-learn's own checks, over every public estimator; and that they did run."""

import copy
import importlib
import inspect
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import (
    check_estimator,
    estimator_checks_generator,
)

import skser
from skser.classifiers import (
    AttentionBLSTMClassifier,
    AttentiveCNNClassifier,
    ELMClassifier,
)
from skser.ensembles import RejectOption
from skser.features import (
    ContextWindows,
    Deltas,
    FrameAveraging,
    FrameStatistics,
    FrameUnion,
)
from skser.ivectors import (
    WCCN,
    DeepBeliefAlignment,
    DeepBeliefNetwork,
    GaussianBernoulliRBM,
    IVectors,
    MixtureAlignment,
)
from skser.normalization import FrameScaler, SpeakerNormalizer, UtteranceNormalizer
from skser.out_of_core import ByUtterance

PUBLIC_MODULES = [
    importlib.import_module(name)
    for name in (
        "skser",
        "skser.classifiers",
        "skser.features",
        "skser.ivectors",
        "skser.normalization",
        "skser.out_of_core",
        "skser.regressors",
    )
]

# Small, so that 60 checks take half a minute, most of it compiling; trained for long
# enough to learn what the checks ask for.
SMALL = {
    "recurrent_units": 4,
    "filters": (8,),
    "kernel_sizes": (3,),
    "hidden_units": (8,),
}
TRAINING = {"learning_rate": 0.05, "max_epochs": 20, "random_state": 0}
CLASSIFIER = skser.AttentionBLSTMFCNClassifier(**TRAINING, **SMALL)


def averaging_network(n_features, n_classes, *, seed):
    """Build the smallest network: the average frame, and a dense layer or two."""
    start = keras.initializers.GlorotUniform(seed)
    frames = keras.Input((None, n_features))
    mask = keras.Input((None,), dtype="bool")
    average = keras.layers.GlobalAveragePooling1D()(frames, mask=mask)
    hidden = keras.layers.Dense(16, "tanh", kernel_initializer=start)(average)
    scores = keras.layers.Dense(n_classes, kernel_initializer=start)(hidden)
    return keras.Model([frames, mask], scores)


# Everything that a check is known to find, with the reason. Nothing else may fail.
_WEIGHTS = {
    "check_sample_weight_equivalence_on_dense_data": (
        "A weight of 2 is not two copies: batches are drawn, and batch "
        "normalisation counts, utterances. As for scikit-learn's own SGD."
    ),
}
# Asks for differences below 1e-7, which is less than a rounding step of float32: on
# some processors a product of one row is rounded otherwise than one of many. What is
# asked of networks is 1e-6: test_posteriors_do_not_depend_on_batch_mates_or_order.
_MAY_ROUND = {"check_methods_subset_invariance"}
_NEIGHBOURS = dict.fromkeys(
    ["check_methods_subset_invariance", "check_methods_sample_order_invariance"],
    "The rows of a table are the frames of one utterance and see their neighbours.",
)
EXPECTED_FAILURES = {
    "AttentionBLSTMClassifier": _WEIGHTS,
    "AttentionBLSTMFCNClassifier": _WEIGHTS,
    "AttentiveCNNClassifier": _WEIGHTS,
    "NetworkClassifier": _WEIGHTS,
    "AttentionBLSTMFCNRegressor": _WEIGHTS,
    "NetworkRegressor": _WEIGHTS,
    **dict.fromkeys(["Deltas", "ContextWindows"], _NEIGHBOURS),
    "FrameUnion": dict.fromkeys(
        ["check_estimators_overwrite_params", "check_dont_overwrite_parameters"],
        "fit fits the members themselves, which are a parameter, as FeatureUnion does.",
    ),
    "UtteranceNormalizer": {
        "check_methods_subset_invariance": (
            "The rows of a table are the frames of one utterance, and each is "
            "standardised by all of them: that is what the estimator is for."
        ),
    },
    "SpeakerNormalizer": {
        "check_methods_subset_invariance": (
            "The rows of a call are moved by what is known of their speaker, which is "
            "these rows: that is what the estimator is for."
        ),
    },
}

# How many checks scikit-learn has at least (1.7.0). With one wrong tag it would run a
# single one, and all would look well.
N_CHECKS = {
    "Framer": 40,
    "PCAWhitening": 40,
    "FrameScaler": 40,
    "UtteranceNormalizer": 40,
    "SpeakerNormalizer": 40,
    "FrameAveraging": 40,
    "FrameStatistics": 40,
    "FrameUnion": 40,
    "ELMClassifier": 50,
    "Deltas": 40,
    "ContextWindows": 40,
    "WCCN": 40,
    "GaussianBernoulliRBM": 40,
    "DeepBeliefNetwork": 40,
    "MixtureAlignment": 40,
    "DeepBeliefAlignment": 40,
    "IVectors": 40,
    "AttentionBLSTMClassifier": 50,
    "AttentionBLSTMFCNClassifier": 50,
    "AttentiveCNNClassifier": 50,
    "NetworkClassifier": 50,
    "AttentionBLSTMFCNRegressor": 50,
    "NetworkRegressor": 50,
    "RejectOption": 50,
    "AudioLoader": 1,
    "AcousticFeatures": 1,
    "ByUtterance": 1,
}

# Of estimators that take no tables, by name: the checks that need no data.
CHECKS_WITHOUT_DATA = [
    "check_do_not_raise_errors_in_init_or_set_param",
    "check_estimator_cloneable",
    "check_estimator_get_tags_default_keys",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_valid_tag_types",
]

ESTIMATORS = [
    skser.AudioLoader(),
    skser.Framer(),
    skser.AcousticFeatures(),
    ByUtterance(skser.AcousticFeatures()),
    skser.PCAWhitening(),
    FrameScaler(),
    UtteranceNormalizer(),
    SpeakerNormalizer(without_groups="one_speaker"),
    FrameAveraging(2),
    FrameStatistics(),
    FrameUnion([("rotated", skser.PCAWhitening()), ("same", "passthrough")]),
    CLASSIFIER,
    AttentionBLSTMClassifier(recurrent_units=(4,), **TRAINING),
    AttentiveCNNClassifier(n_filters=8, kernel_size=3, **TRAINING),
    ELMClassifier(random_state=0),
    # So much error is allowed that all is answered, as the checks expect.
    RejectOption(LogisticRegression(), error_rate=0.9, cv=2),
    Deltas(order=2),
    ContextWindows(2),
    WCCN(),
    GaussianBernoulliRBM(8),
    DeepBeliefNetwork((8, 8), fine_tuning_epochs=3),
    MixtureAlignment(2),
    DeepBeliefAlignment(
        2,
        n_class_mixtures=1,
        network=DeepBeliefNetwork((4,), fine_tuning_epochs=2),
    ),
    IVectors(2, alignment=MixtureAlignment(2), n_iterations=2),
    skser.NetworkClassifier(averaging_network, **TRAINING | {"max_epochs": 60}),
    skser.AttentionBLSTMFCNRegressor(**TRAINING, **SMALL),
    skser.NetworkRegressor(averaging_network, **TRAINING | {"max_epochs": 60}),
]


ARRAY_API_CHECK = "check_array_api_input"


def _name(estimator):
    return type(estimator).__name__


@pytest.mark.case("E01", "E02", "E04")
def find_largest_difference(error):
    """Return the absolute difference that an error of assert_allclose reports."""
    return float(re.search(r"Max absolute difference[^:]*: (\S+)", str(error))[1])


def _is_network(estimator):
    return EXPECTED_FAILURES.get(_name(estimator)) is _WEIGHTS


def _is_slow(estimator):
    return _is_network(estimator) or _name(estimator).startswith("DeepBelief")


@pytest.mark.parametrize(
    "estimator",
    [
        pytest.param(e, marks=pytest.mark.slow if _is_slow(e) else ())
        for e in ESTIMATORS
    ],
    ids=_name,
)
@pytest.mark.filterwarnings("ignore")  # the checks provoke them
@pytest.mark.usefixtures("many_networks")
def test_scikit_learns_checks_pass_and_are_not_skipped(estimator):
    expected = EXPECTED_FAILURES.get(_name(estimator), {})
    results = check_estimator(
        estimator, expected_failed_checks=expected, on_fail=None, on_skip=None
    )
    unexpected = {
        result["check_name"]: result["exception"]
        for result in results
        if result["status"] == "failed"
    }
    if _is_network(estimator):
        for check in _MAY_ROUND & set(unexpected):
            assert find_largest_difference(unexpected.pop(check)) < 1e-6
    assert not unexpected
    n_passed = sum(result["status"] == "passed" for result in results)
    assert n_passed >= N_CHECKS[_name(estimator)]
    skipped = {r["check_name"] for r in results if r["status"] == "skipped"}
    assert skipped <= {ARRAY_API_CHECK}
    failed = {r["check_name"] for r in results if r["status"] == "xfail"}
    assert failed == set(expected)


def array_api_checks():
    """Return the checks that scikit-learn skips unless SCIPY_ARRAY_API is set."""
    return [
        (estimator, check)
        for estimator in ESTIMATORS
        for _, check in estimator_checks_generator(estimator)
        if getattr(check, "func", check).__name__ == ARRAY_API_CHECK
    ]


@pytest.mark.slow
@pytest.mark.case("E01")
@pytest.mark.filterwarnings("ignore:Can't test estimator")
def test_the_check_that_needs_an_environment_passes_in_it():
    n_checks = len(array_api_checks())
    if n_checks == 0:
        pytest.skip(f"this version of scikit-learn has no {ARRAY_API_CHECK}")
    code = (
        "import importlib.util, sys\n"
        "spec = importlib.util.spec_from_file_location('common', sys.argv[1])\n"
        "common = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(common)\n"
        "checks = common.array_api_checks()\n"
        "for estimator, check in checks:\n"
        "    check(estimator)\n"
        "print(len(checks))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, __file__],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
    )
    assert int(answer.stdout.split()[-1]) == n_checks


# Estimators that take no tables, or need more than a table: who tests them instead.
OWN_TESTS = {
    "SpeechDescriptors": "tests/features/test_descriptors.py",
    "OpenSmileFunctionals": "tests/features/test_functionals.py",
    "PretrainedFeatures": "tests/features/test_pretrained.py",
    "TotalVariability": "tests/ivectors/test_total_variability.py",
    "SegmentPosteriors": "tests/classifiers/test_segments.py",
    "SegmentStatistics": "tests/classifiers/test_segments.py",
    "ShrunkenDiscriminantAnalysis": "tests/classifiers/test_discriminant.py",
    "KerasSequenceClassifier": "tests/test_scikeras.py",
}


@pytest.mark.case("E04")
def test_every_public_estimator_is_checked_here_or_by_tests_of_its_own():
    public = {
        name
        for module in PUBLIC_MODULES
        for name, class_ in inspect.getmembers(module, inspect.isclass)
        if class_.__module__.startswith("skser.")
        and class_.__module__ != "skser._base"  # what estimators have in common
        and issubclass(class_, BaseEstimator)
        and not inspect.isabstract(class_)
    }
    checked = {_name(estimator) for estimator in ESTIMATORS}
    assert len(public) >= 22
    assert public - checked - set(OWN_TESTS) == set()
    for name, file in OWN_TESTS.items():
        assert name in (Path(__file__).parents[1] / file).read_text("utf-8")


@pytest.mark.case("E05")
@pytest.mark.parametrize(
    "estimator", [e for e in ESTIMATORS if get_tags(e).requires_fit], ids=_name
)
def test_what_is_not_fitted_says_so(estimator):
    method = "predict" if hasattr(estimator, "predict") else "transform"
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(clone(estimator), method)([np.ones((5, 3)), np.ones((6, 3))])


def interrupt(estimator, X, y, step, monkeypatch):
    """Break a fit off as Ctrl-C would, when it comes to a step."""

    def break_off(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(step, break_off)
        with pytest.raises(KeyboardInterrupt):
            estimator.fit(X, y)


@pytest.mark.parametrize(
    ("estimator", "step"),
    [
        (FrameScaler(), "sklearn.preprocessing.StandardScaler.partial_fit"),
        (
            SpeakerNormalizer(without_groups="one_speaker"),
            "sklearn.preprocessing.StandardScaler.partial_fit",
        ),
        (MixtureAlignment(2), "sklearn.mixture.GaussianMixture.fit"),
        (
            IVectors(2, alignment=MixtureAlignment(2), n_iterations=2, random_state=0),
            "skser.ivectors.TotalVariability.fit",
        ),
        (WCCN(), "scipy.linalg.eigh"),
        (FrameStatistics(), None),
        (Deltas(), None),
        (UtteranceNormalizer(), None),
    ],
    ids=lambda value: _name(value) if isinstance(value, BaseEstimator) else "",
)
def test_a_fit_that_fails_or_is_interrupted_changes_nothing(
    estimator, step, monkeypatch
):
    generator = np.random.default_rng(0)
    X, other = generator.normal(size=(40, 3)), generator.normal(size=(40, 5))
    y = np.arange(40) % 2
    if step is not None:
        unfitted = clone(estimator)
        interrupt(unfitted, X, y, step, monkeypatch)
        with pytest.raises(NotFittedError):
            unfitted.transform(X)
    fitted = clone(estimator).fit(X, y)
    before, expected = vars(fitted).copy(), fitted.transform(X)
    if step is not None:
        interrupt(fitted, other, y, step, monkeypatch)
    for bad in (np.full((40, 5), np.nan), [], [np.ones((3, 5)), np.ones((3, 4))]):
        with pytest.raises((ValueError, TypeError)):
            fitted.fit(bad, y[: len(bad)])
    assert vars(fitted).keys() == before.keys()
    assert all(vars(fitted)[name] is value for name, value in before.items())
    np.testing.assert_array_equal(fitted.transform(X), expected)


@pytest.mark.case("E07")
def test_estimators_are_made_shown_and_cloned_without_tensorflow():
    code = (
        "import sys, skser\n"
        "from sklearn.base import clone\n"
        "from skser.systems import SYSTEMS\n"
        "for name in ('attention_blstm_fcn', 'lstm_fcn', 'dnn_elm', 'attentive_cnn'):\n"
        "    system = clone(SYSTEMS[name]())\n"
        "    system.set_params(**system.get_params())\n"
        "    assert repr(system) and system._repr_html_()\n"
        "print([m for m in ('tensorflow', 'keras') if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert answer.stdout.strip() == "[]"


@pytest.mark.case("E03")
@pytest.mark.parametrize(
    "estimator", [skser.AudioLoader(), skser.AcousticFeatures()], ids=_name
)
@pytest.mark.parametrize("name", CHECKS_WITHOUT_DATA)
def test_checks_that_need_no_data_pass_where_tables_make_no_sense(estimator, name):
    import sklearn.utils.estimator_checks as checks

    check = getattr(checks, name, None)
    if check is None:
        pytest.skip(f"this version of scikit-learn has no {name}")
    takes_a_class = name == "check_parameters_default_constructible"
    check(_name(estimator), type(estimator)() if takes_a_class else estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=_name)
def test_every_parameter_is_documented(estimator):
    parameters = set(estimator.get_params(deep=False))
    section = inspect.getdoc(type(estimator)).partition("Parameters\n")[2]
    section = section.split("Attributes\n")[0].split("See Also\n")[0]
    section = section.replace("\\\n", "")
    heads = re.findall(r"^(\w[\w, ]*?)(?: : .*)?$", section, flags=re.MULTILINE)
    names = {name.strip() for head in heads for name in head.split(",")}
    assert names == parameters


FRONT_END = {
    "AudioLoader": skser.AudioLoader(input_sample_rate=16000),
    "Framer": skser.Framer(),
    "AcousticFeatures": skser.AcousticFeatures(),
    "ByUtterance": ByUtterance(make_pipeline(skser.Framer(), skser.AcousticFeatures())),
}
# Of unequal length, as no table of scikit-learn's checks is.
SIGNALS = [
    0.1 * np.random.default_rng(n).standard_normal(n).astype(np.float32)
    for n in (3000, 1024, 5001)
]
BATCHES = {
    "AudioLoader": SIGNALS,
    "Framer": SIGNALS,
    "AcousticFeatures": [skser.frame(signal) for signal in SIGNALS],
    "ByUtterance": SIGNALS,
}


def _equal(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def fit_returns_self(step, X):
    assert step.fit(X) is step


def fit_transform_is_transform(step, X):
    _equal(step.fit_transform(X), step.transform(X))


def fit_is_optional(step, X):
    _equal(clone(step).transform(X), clone(step).fit(X).transform(X))


def a_second_transform_gives_the_same(step, X):
    _equal(step.transform(X), step.transform(X))


def transform_sets_no_attribute(step, X):
    before = dict(vars(step))
    step.transform(X)
    assert vars(step) == before


def parameters_are_not_changed(step, X):
    before = step.get_params()
    step.fit_transform(X)
    assert step.get_params() == before


def the_input_is_not_changed(step, X):
    before = pickle.dumps(X)
    step.fit_transform(X)
    assert pickle.dumps(X) == before


def an_utterance_does_not_depend_on_the_others(step, X):
    _equal(step.transform(X)[1:2], step.transform(X[1:2]))


def order_is_kept(step, X):
    _equal(step.transform(X)[::-1], step.transform(X[::-1]))


def a_tuple_and_an_array_of_objects_are_lists(step, X):
    objects = np.empty(len(X), dtype=object)
    objects[:] = X
    _equal(step.transform(tuple(X)), step.transform(X))
    _equal(step.transform(objects), step.transform(X))


def copies_and_pickles_give_the_same(step, X):
    for other in (clone(step), copy.deepcopy(step), pickle.loads(pickle.dumps(step))):
        _equal(other.transform(X), step.transform(X))


def no_samples_are_refused(step, X):
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        step.transform([])


def a_generator_is_refused(step, X):
    with pytest.raises(TypeError, match="generator"):
        step.transform(x for x in X)


def nan_is_refused_by_its_place(step, X):
    bad = [x.copy() for x in X]
    bad[2][5] = np.nan
    with pytest.raises(ValueError, match=r"X\[2\]"):
        step.transform(bad)


def an_empty_utterance_is_refused_by_its_place(step, X):
    with pytest.raises(ValueError, match=r"X\[1\]"):
        step.transform([X[0], X[0][:0]])


def results_are_a_list_of_as_many_arrays(step, X):
    result = step.transform(X)
    assert isinstance(result, list)
    assert len(result) == len(X)
    assert all(isinstance(array, np.ndarray) for array in result)


OWN_CHECKS = [
    fit_returns_self,
    fit_transform_is_transform,
    fit_is_optional,
    a_second_transform_gives_the_same,
    transform_sets_no_attribute,
    parameters_are_not_changed,
    the_input_is_not_changed,
    an_utterance_does_not_depend_on_the_others,
    order_is_kept,
    a_tuple_and_an_array_of_objects_are_lists,
    copies_and_pickles_give_the_same,
    no_samples_are_refused,
    a_generator_is_refused,
    nan_is_refused_by_its_place,
    an_empty_utterance_is_refused_by_its_place,
    results_are_a_list_of_as_many_arrays,
]


@pytest.mark.case("E03")
@pytest.mark.parametrize("name", FRONT_END)
@pytest.mark.parametrize("check", OWN_CHECKS, ids=lambda check: check.__name__)
def test_the_front_end_passes_checks_of_its_own(check, name):
    check(clone(FRONT_END[name]), BATCHES[name])


@pytest.mark.case("E03")
def test_the_front_end_has_at_least_twenty_checks():
    assert len(OWN_CHECKS) + len(CHECKS_WITHOUT_DATA) >= 20


def test_tags_tell_what_each_estimator_is():
    tags = {_name(estimator): get_tags(estimator) for estimator in ESTIMATORS}
    assert is_classifier(CLASSIFIER)
    assert tags["NetworkRegressor"].estimator_type == "regressor"
    assert tags["NetworkRegressor"].target_tags.multi_output
    assert tags["AudioLoader"].input_tags.string
    assert not tags["AudioLoader"].requires_fit
    assert not tags["Framer"].requires_fit
    assert not tags["AcousticFeatures"].requires_fit
    assert not tags["ByUtterance"].requires_fit
    assert tags["PCAWhitening"].requires_fit
    for name in ("AcousticFeatures", "PCAWhitening", "AttentionBLSTMFCNClassifier"):
        assert tags[name].input_tags.three_d_array


@pytest.mark.parametrize("estimator", [skser.Framer(), skser.PCAWhitening()], ids=_name)
def test_the_battery_is_the_one_for_transformers(estimator):
    names = [
        getattr(check, "func", check).__name__
        for _, check in estimator_checks_generator(estimator)
    ]
    assert "check_transformer_general" in names


def test_the_checks_can_fail():
    class Forgetful(skser.PCAWhitening):
        def transform(self, X):
            return np.asarray(super().transform(X))[:-1]

    results = check_estimator(Forgetful(), on_fail=None, on_skip=None)
    assert any(result["status"] == "failed" for result in results)
