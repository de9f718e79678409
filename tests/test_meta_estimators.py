"""scikit-learn's meta-estimators over lists of arrays of unequal length."""

import numpy as np
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    learning_curve,
    permutation_test_score,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.svm import SVC

from skser import AttentionBLSTMFCNClassifier, PCAWhitening

pytestmark = pytest.mark.slow

GROUPS = np.arange(60) % 5


def pipeline(**parameters):
    """Return whitening and a classifier that is quick to compile and to train."""
    options = {"max_epochs": 3, "batch_size": 20, "random_state": 0, **parameters}
    classifier = AttentionBLSTMFCNClassifier(
        recurrent=None,
        filters=(6,),
        kernel_sizes=(3,),
        hidden_units=(6,),
        learning_rate=1e-2,
        **options,
    )
    return make_pipeline(PCAWhitening(), classifier)


def _check_posteriors(fitted, X, n_classes=3):
    posteriors = fitted.predict_proba(X)
    assert posteriors.shape == (len(X), n_classes)
    np.testing.assert_allclose(posteriors.sum(axis=1), 1)


@pytest.mark.case("C23")
@pytest.mark.parametrize(
    "wrap",
    [
        lambda e: VotingClassifier(
            [("a", e), ("b", pipeline(random_state=1))], voting="soft"
        ),
        lambda e: StackingClassifier([("a", e)], LogisticRegression(), cv=2),
        lambda e: CalibratedClassifierCV(e, cv=2),
        lambda e: CalibratedClassifierCV(e, cv=2, ensemble=False),
        OneVsRestClassifier,
    ],
    ids=["voting", "stacking", "calibrated", "calibrated-alone", "one-vs-rest"],
)
def test_wrappers_of_classifiers_take_lists_of_arrays(wrap, sequences):
    X, y = sequences
    _check_posteriors(wrap(pipeline()).fit(X, y), X[:7])


def test_a_frozen_system_is_not_trained_again(sequences):
    X, y = sequences
    fitted = pipeline().fit(X, y)
    before = fitted.predict_proba(X)
    frozen = FrozenEstimator(fitted).fit(X[:10], y[:10])
    np.testing.assert_array_equal(frozen.predict_proba(X), before)


def test_thresholds_of_two_classes_are_tuned(sequences):
    X, y = sequences
    tuned = TunedThresholdClassifierCV(pipeline(), cv=2).fit(X, y == "wild")
    assert set(tuned.predict(X)) <= {True, False}


@pytest.mark.case("C22")
@pytest.mark.parametrize("search", [GridSearchCV, HalvingGridSearchCV])
def test_parameters_of_any_step_are_searched(search, sequences):
    parameters = {
        "pcawhitening__n_components": [2, 4],
        "attentionblstmfcnclassifier__learning_rate": [5e-3],
    }
    found = search(pipeline(), parameters, cv=GroupKFold(2), error_score="raise")
    found.fit(*sequences, groups=GROUPS)
    _check_posteriors(found, sequences[0])


@pytest.mark.case("C20")
def test_posteriors_are_predicted_for_every_utterance_once(sequences):
    posteriors = cross_val_predict(
        pipeline(), *sequences, groups=GROUPS, cv=GroupKFold(3), method="predict_proba"
    )
    assert posteriors.shape == (60, 3)


def test_learning_curves_and_permutation_tests_run(sequences):
    X, y = sequences
    options = {"groups": GROUPS, "cv": GroupKFold(2)}
    _, _, scores = learning_curve(
        pipeline(), X, y, train_sizes=[0.7, 1.0], error_score="raise", **options
    )
    assert scores.shape == (2, 2)
    score, permuted, _ = permutation_test_score(
        pipeline(max_epochs=15), X, y, n_permutations=3, random_state=0, **options
    )
    assert score > permuted.mean()


def test_results_of_transformers_are_cached(sequences, tmp_path):
    X, y = sequences
    cached = Pipeline(pipeline().steps, memory=str(tmp_path))
    np.testing.assert_array_equal(
        cached.fit(X, y).predict_proba(X), pipeline().fit(X, y).predict_proba(X)
    )


@pytest.mark.case("E11")
def test_sequences_stay_lists_when_pandas_output_is_asked_for(sequences):
    X, y = sequences
    with sklearn.config_context(transform_output="pandas"):
        system = pipeline().fit(X, y)
        Z = system[:-1].transform(X)
    assert isinstance(Z, list)
    assert Z[0].shape[0] == len(X[0])


@pytest.mark.case("C23")
@pytest.mark.parametrize("lengths", [(20, 30), (20, 20)])
def test_what_needs_one_array_says_so_instead_of_joining_frames(lengths):
    generator = np.random.default_rng(0)
    X = [generator.normal(size=(n, 4)) for n in lengths]
    union = FeatureUnion([("a", PCAWhitening(2)), ("b", PCAWhitening(3))])
    message = "FeatureUnion, BaggingClassifier .* cannot take it"
    with pytest.raises(TypeError, match=message):
        union.fit_transform(X)
    with pytest.raises(TypeError, match=message):
        make_pipeline(PCAWhitening(), SVC()).fit(X, [0, 1])
    with pytest.raises(TypeError, match=message):
        BaggingClassifier(pipeline()).fit(PCAWhitening().fit_transform(X), [0, 1])


def test_a_table_of_frames_may_be_joined(sequences):
    table = np.concatenate(sequences[0])
    union = FeatureUnion([("a", PCAWhitening(2)), ("b", PCAWhitening(3))])
    assert union.fit_transform(table).shape == (len(table), 5)


def test_the_diagram_shows_the_steps():
    html = pipeline()._repr_html_()
    assert "PCAWhitening" in html
    assert "AttentionBLSTMFCNClassifier" in html
