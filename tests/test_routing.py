"""Metadata: speakers, weights and validation data on their way to the classifier."""

import copy
import warnings

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, LeaveOneGroupOut, cross_validate
from sklearn.pipeline import Pipeline

from skser import AttentionBLSTMFCNClassifier, PCAWhitening
from skser.metrics import SCORERS

pytestmark = pytest.mark.slow

GROUPS = np.array(["anna", "bea", "carl", "dora"])[np.arange(60) // 15]


@pytest.fixture
def routing():
    """Turn metadata routing on for one test."""
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.fixture
def pipeline():
    """Whitening and a small classifier, without what takes longest to compile."""
    classifier = AttentionBLSTMFCNClassifier(
        recurrent=None,
        filters=(6,),
        kernel_sizes=(3,),
        hidden_units=(6,),
        max_epochs=2,
        batch_size=15,
        random_state=0,
    )
    return Pipeline([("whiten", PCAWhitening()), ("classify", classifier)])


@pytest.mark.usefixtures("routing")
def test_speakers_reach_fit_through_cross_validation_without_a_request(
    pipeline, sequences
):
    results = cross_validate(
        pipeline,
        *sequences,
        params={"groups": GROUPS},
        cv=LeaveOneGroupOut(),
        scoring=SCORERS,
        return_estimator=True,
        error_score="raise",
    )
    for fitted in results["estimator"]:
        assert "val_UA" in fitted["classify"].history_
    assert len(results["test_UA"]) == 4


@pytest.mark.usefixtures("routing")
def test_speakers_reach_fit_through_nested_cross_validation(pipeline, sequences):
    search = GridSearchCV(
        pipeline,
        {"whiten__n_components": [2, 3]},
        cv=LeaveOneGroupOut(),
        error_score="raise",
    )
    results = cross_validate(
        search,
        *sequences,
        params={"groups": GROUPS},
        cv=LeaveOneGroupOut(),
        return_estimator=True,
        error_score="raise",
    )
    for fitted in results["estimator"]:
        assert "val_UA" in fitted.best_estimator_["classify"].history_


def test_without_routing_speakers_reach_fit_by_the_steps_name(pipeline, sequences):
    pipeline.fit(*sequences, classify__groups=GROUPS)
    assert "val_UA" in pipeline["classify"].history_


def test_without_routing_groups_of_cross_validation_only_make_folds(
    pipeline, sequences
):
    results = cross_validate(
        pipeline,
        *sequences,
        groups=GROUPS,
        cv=LeaveOneGroupOut(),
        return_estimator=True,
        error_score="raise",
    )
    for fitted in results["estimator"]:
        assert "val_UA" not in fitted["classify"].history_


@pytest.mark.usefixtures("routing")
def test_the_speaker_that_stops_training_is_not_trained_on(
    pipeline, sequences, monkeypatch
):
    seen = {}

    def spy(network, plan, training, validation, *others):
        seen["training"], seen["validation"] = training, validation
        return {"loss": [0.0]}, 0

    monkeypatch.setattr("skser.classifiers._base.train", spy)
    X, y = sequences
    # A feature that no transformation of this pipeline can hide: the speaker.
    speaker = np.unique(GROUPS, return_inverse=True)[1]
    marked = [
        np.column_stack([x, np.full(len(x), s)])
        for x, s in zip(X, speaker, strict=True)
    ]
    pipeline["classify"].fit(marked, y, groups=GROUPS)
    speakers = [
        {sequence[0, -1] for sequence in seen[part].sequences}
        for part in ("training", "validation")
    ]
    assert len(speakers[0]) == 3
    assert len(speakers[1]) == 1
    assert not speakers[0] & speakers[1]


@pytest.mark.usefixtures("routing")
def test_weights_reach_fit_and_the_scorers_when_requested(pipeline, sequences):
    X, y = sequences
    weighted = clone(pipeline)
    weighted["classify"].set_fit_request(sample_weight=True)
    scorers = {
        name: copy.deepcopy(scorer).set_score_request(sample_weight=True)
        for name, scorer in SCORERS.items()
    }
    weights = np.where(y == "wild", 0.0, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = cross_validate(
            weighted,
            X,
            y,
            params={"groups": GROUPS, "sample_weight": weights},
            cv=LeaveOneGroupOut(),
            scoring=scorers,
            error_score="raise",
        )
    assert np.isfinite(results["test_WA"]).all()


@pytest.mark.usefixtures("routing")
def test_validation_data_is_transformed_by_the_pipeline(pipeline, sequences):
    X, y = sequences
    pipeline.set_params(transform_input=["X_val"], whiten__n_components=3)
    pipeline["classify"].set_fit_request(X_val=True, y_val=True)
    pipeline.fit(X[:45], y[:45], X_val=X[45:], y_val=y[45:])
    assert "val_UA" in pipeline["classify"].history_
