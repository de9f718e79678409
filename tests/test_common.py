"""scikit-learn's own checks, over every public estimator; and that they did run."""

import inspect
import re

import keras
import numpy as np
import pytest
from sklearn.base import is_classifier
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
from skser.features import ContextWindows, Deltas, FrameAveraging, FrameStatistics
from skser.ivectors import (
    WCCN,
    DeepBeliefAlignment,
    DeepBeliefNetwork,
    GaussianBernoulliRBM,
    IVectors,
    MixtureAlignment,
)
from skser.normalization import FrameScaler, SpeakerNormalizer, UtteranceNormalizer

# Small, so that 60 checks take a minute; long enough to learn what the checks ask for.
CLASSIFIER = skser.AttentionBLSTMFCNClassifier(
    recurrent_units=8,
    filters=(16, 8),
    hidden_units=(16,),
    max_epochs=60,
    random_state=0,
)


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
_NEIGHBOURS = dict.fromkeys(
    ["check_methods_subset_invariance", "check_methods_sample_order_invariance"],
    "The rows of a table are the frames of one utterance and see their neighbours.",
)
EXPECTED_FAILURES = {
    "AttentionBLSTMClassifier": _WEIGHTS,
    "AttentionBLSTMFCNClassifier": _WEIGHTS,
    "AttentiveCNNClassifier": _WEIGHTS,
    "NetworkClassifier": _WEIGHTS,
    **dict.fromkeys(["Deltas", "ContextWindows"], _NEIGHBOURS),
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

# How many checks scikit-learn has at least (1.6.1). With one wrong tag it would run a
# single one, and all would look well.
N_CHECKS = {
    "Framer": 40,
    "PCAWhitening": 40,
    "FrameScaler": 40,
    "UtteranceNormalizer": 40,
    "SpeakerNormalizer": 40,
    "FrameAveraging": 40,
    "FrameStatistics": 40,
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
    "AudioLoader": 1,
    "AcousticFeatures": 1,
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
    skser.PCAWhitening(),
    FrameScaler(),
    UtteranceNormalizer(),
    SpeakerNormalizer(without_groups="one_speaker"),
    FrameAveraging(2),
    FrameStatistics(),
    CLASSIFIER,
    AttentionBLSTMClassifier(
        recurrent_units=(4,), learning_rate=0.05, max_epochs=60, random_state=0
    ),
    AttentiveCNNClassifier(
        n_filters=8, kernel_size=3, learning_rate=0.05, max_epochs=60, random_state=0
    ),
    ELMClassifier(random_state=0),
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
    skser.NetworkClassifier(
        averaging_network, learning_rate=0.05, max_epochs=60, random_state=0
    ),
]


def _name(estimator):
    return type(estimator).__name__


@pytest.mark.case("E01", "E02", "E04")
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=_name)
@pytest.mark.filterwarnings("ignore")  # the checks provoke them
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
    assert not unexpected
    n_passed = sum(result["status"] == "passed" for result in results)
    assert n_passed >= N_CHECKS[_name(estimator)]
    failed = {r["check_name"] for r in results if r["status"] == "xfail"}
    assert failed == set(expected)


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


def test_tags_tell_what_each_estimator_is():
    tags = {_name(estimator): get_tags(estimator) for estimator in ESTIMATORS}
    assert is_classifier(CLASSIFIER)
    assert tags["AudioLoader"].input_tags.string
    assert not tags["AudioLoader"].requires_fit
    assert not tags["Framer"].requires_fit
    assert not tags["AcousticFeatures"].requires_fit
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
