"""A fit that fails or is interrupted leaves the estimator as it was, never mixed."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skser import AttentionBLSTMFCNClassifier, NetworkClassifier
from skser.classifiers import (
    AttentionBLSTMClassifier,
    AttentiveCNNClassifier,
    ELMClassifier,
    SegmentPosteriors,
)
from skser.ivectors import DeepBeliefAlignment, DeepBeliefNetwork, GaussianBernoulliRBM
from skser.networks import feedforward
from skser.training import CompiledNetwork

pytestmark = pytest.mark.slow

TRAINING = {"max_epochs": 2, "random_state": 0}
NETWORKS = [
    AttentionBLSTMFCNClassifier(
        recurrent_units=3, filters=(4,), kernel_sizes=(3,), **TRAINING
    ),
    AttentionBLSTMClassifier(recurrent_units=(3,), **TRAINING),
    AttentiveCNNClassifier(n_filters=4, kernel_size=3, pool_size=4, **TRAINING),
    NetworkClassifier(feedforward, network_params={"hidden_units": (4,)}, **TRAINING),
]
X = [np.random.default_rng(i).normal(i % 2, 1, (8, 4)) for i in range(20)]
Y = np.array(["calm", "angry"] * 10)
OTHER = np.array(["glad", "sad", "wild", "calm"] * 5)


def _name(estimator):
    return type(estimator).__name__


def _answers(estimator):
    """Return what a fitted estimator says, and what it has learnt."""
    says = getattr(estimator, "predict_proba", None) or estimator.transform
    table = np.array([x[0] for x in X])
    takes_rows = isinstance(
        estimator, (ELMClassifier, GaussianBernoulliRBM, DeepBeliefNetwork)
    )
    answers = says(table if takes_rows else X)
    return np.concatenate([np.atleast_2d(a) for a in answers])


FAILURES = {
    "speakers of another number": {"groups": ["anna"]},
    "labels of another number": {"y": OTHER[:-1]},
    "one speaker held out of one": {"early_stopping": True, "groups": ["anna"] * 20},
    "validation without labels": {"X_val": X[:3]},
    "weights of zero": {"sample_weight": np.zeros(20)},
    "divergence": {"learning_rate": 1e30, "optimizer": "sgd"},
    "no random state": {"checkpoint": "folder", "random_state": None},
    "another number of features": {"X": [x[:, :3] for x in X], "y": OTHER[:3]},
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("classifier", NETWORKS, ids=_name)
def test_a_failed_fit_leaves_the_fitted_network_whole(
    classifier, failure, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    given = {"X": X, "y": OTHER, **FAILURES[failure]}
    params = {k: v for k, v in given.items() if k in classifier.get_params()}
    data = {k: v for k, v in given.items() if k not in params}
    fitted = clone(classifier).fit(X, Y)
    before, answers = dict(vars(fitted)), _answers(fitted)
    fitted.set_params(**params)
    with pytest.raises(ValueError, match=r"\S"):
        fitted.fit(**data)
    fitted.set_params(**{name: before[name] for name in params})
    assert vars(fitted) == before
    np.testing.assert_array_equal(_answers(fitted), answers)
    unfitted = clone(classifier).set_params(**params)
    with pytest.raises(ValueError, match=r"\S"):
        unfitted.fit(**data)
    with pytest.raises(NotFittedError):
        unfitted.predict(X)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("classifier", NETWORKS, ids=_name)
def test_an_interrupted_fit_leaves_the_fitted_network_whole(
    classifier, method, monkeypatch
):
    fitted = clone(classifier).fit(X, Y)
    answers, history = _answers(fitted), {k: [*v] for k, v in fitted.history_.items()}

    def interrupt(network):
        raise KeyboardInterrupt

    # What is read when all epochs are over.
    monkeypatch.setattr(CompiledNetwork, "get_weights", interrupt)
    with pytest.raises(KeyboardInterrupt):
        getattr(fitted, method)(X, OTHER if method == "fit" else Y)
    monkeypatch.undo()
    assert fitted.classes_.tolist() == ["angry", "calm"]
    assert fitted.history_ == history
    np.testing.assert_array_equal(_answers(fitted), answers)


OTHERS = [
    (ELMClassifier(8, random_state=0), "skser.classifiers._elm.linalg.solve"),
    (ELMClassifier(kernel="rbf"), "skser.classifiers._elm.linalg.solve"),
    (
        SegmentPosteriors(1, hidden_units=(4,), max_epochs=2, random_state=0),
        "skser.training.CompiledNetwork.get_weights",
    ),
    (
        GaussianBernoulliRBM(4, n_iter=2, random_state=0),
        "skser.ivectors.GaussianBernoulliRBM.transform",
    ),
    (
        DeepBeliefNetwork((4,), fine_tuning_epochs=1, random_state=0),
        "skser.training.CompiledNetwork.get_weights",
    ),
    (
        DeepBeliefAlignment(
            2,
            n_class_mixtures=1,
            network=DeepBeliefNetwork((4,), fine_tuning_epochs=1),
            random_state=0,
        ),
        "skser.training.CompiledNetwork.get_weights",
    ),
]


@pytest.mark.parametrize(("estimator", "last"), OTHERS, ids=lambda x: _name(x))
def test_an_interruption_at_the_last_moment_leaves_what_was_fitted(
    estimator, last, monkeypatch
):
    takes_rows = isinstance(
        estimator, (ELMClassifier, GaussianBernoulliRBM, DeepBeliefNetwork)
    )
    data = np.array([x[0] for x in X]) if takes_rows else X
    other = [3 * x for x in X] if not takes_rows else 3 * data
    fitted = clone(estimator).fit(data, Y)
    before, answers = dict(vars(fitted)), _answers(fitted)

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    if isinstance(estimator, GaussianBernoulliRBM):
        fitted.set_params(n_iter=3)
        monkeypatch.setattr("skser.ivectors._deep_belief.say", interrupt)
        before = dict(vars(fitted.set_params(verbose=1)))
    else:
        monkeypatch.setattr(last, interrupt)
    with pytest.raises(KeyboardInterrupt):
        fitted.fit(other, OTHER)
    monkeypatch.undo()
    assert vars(fitted) == before
    np.testing.assert_array_equal(_answers(fitted), answers)
