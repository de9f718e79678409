"""The adapter for scikeras: a true classifier, over utterances of any length.

It is left out where scikeras is missing or scikit-learn is too old; the messages that
say so are always tested.
"""

import copy
import importlib
import pickle
import random
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

from skser import AttentionBLSTMFCNClassifier, PCAWhitening
from skser.metrics import SCORERS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def small():
    """Return a function that makes classifiers which are quick to train."""
    try:
        from skser.scikeras import KerasSequenceClassifier
    except ImportError:
        pytest.skip("needs scikeras")

    def make(**parameters):
        options = {
            "model__recurrent": None,
            "model__filters": (8,),
            "model__kernel_sizes": (3,),
            "model__hidden_units": (8,),
            "optimizer__learning_rate": 0.05,
            "epochs": 6,
            "batch_size": 30,
            "random_state": 0,
            # For so few steps it does not pay to compile.
            "run_eagerly": True,
        }
        return KerasSequenceClassifier(**{**options, **parameters})

    return make


@pytest.fixture(scope="module")
def fitted(small, sequences):
    """The whole network, fitted on the three separable classes. Not to be changed."""
    whole = small(model__recurrent="blstm", model__recurrent_units=4)
    return whole.set_params(run_eagerly=False, epochs=12).fit(*sequences)


def test_the_adapter_is_there_where_its_needs_are_met():
    pytest.importorskip("scikeras")
    importlib.import_module("skser.scikeras")


def test_without_scikeras_the_error_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "skser.scikeras", raising=False)
    monkeypatch.setitem(sys.modules, "scikeras", None)
    monkeypatch.setitem(sys.modules, "scikeras.wrappers", None)
    with pytest.raises(ImportError, match=r'cannot be imported.*install "scikeras>='):
        importlib.import_module("skser.scikeras")


def test_scikit_learn_takes_it_for_a_classifier(small):
    tags = get_tags(small())
    assert is_classifier(small())
    assert is_classifier(make_pipeline(PCAWhitening(), small()))
    assert tags.classifier_tags is not None
    assert tags.target_tags.required
    assert tags.input_tags.three_d_array


def test_it_learns_classes_that_differ(fitted, sequences):
    X, y = sequences
    assert fitted.score(X, y) > 0.9
    assert fitted.classes_.tolist() == ["calm", "glad", "wild"]
    assert fitted.n_features_in_ == 6
    assert len(fitted.history_["loss"]) == 12


def test_posteriors_are_probabilities_in_the_order_of_the_classes(fitted, sequences):
    probabilities = fitted.predict_proba(sequences[0])
    assert probabilities.min() >= 0
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    labels = fitted.classes_[probabilities.argmax(axis=1)]
    np.testing.assert_array_equal(fitted.predict(sequences[0]), labels)


def test_posteriors_do_not_depend_on_batch_mates(fitted, sequences):
    X = sequences[0]
    together = fitted.predict_proba(X)
    alone = np.concatenate([fitted.predict_proba([x]) for x in X[:3]])
    assert alone.shape == (3, 3)
    np.testing.assert_allclose(alone, together[:3], atol=1e-5)


def test_an_array_is_a_batch_of_utterances_of_one_length(fitted, sequences):
    cut = [x[:5] for x in sequences[0]]
    np.testing.assert_allclose(
        fitted.predict_proba(np.stack(cut)), fitted.predict_proba(cut), atol=1e-6
    )


def test_folds_are_stratified_and_probability_scorers_work(small, sequences):
    X, y = sequences
    # With the labels sorted, folds that are not stratified would miss a class each.
    order = np.argsort(y, kind="stable")
    results = cross_validate(
        make_pipeline(PCAWhitening(), small()),
        [X[i] for i in order],
        y[order],
        cv=3,
        scoring={"loss": "neg_log_loss", "auc": "roc_auc_ovr", **SCORERS},
        error_score="raise",
    )
    assert results["test_UA"].mean() > 0.7
    assert results["test_auc"].mean() > 0.8
    assert np.isfinite(results["test_loss"]).all()


def test_posteriors_are_predicted_for_every_utterance_once(small, sequences):
    posteriors = cross_val_predict(small(), *sequences, cv=2, method="predict_proba")
    assert posteriors.shape == (60, 3)
    np.testing.assert_allclose(posteriors.sum(axis=1), 1, atol=1e-6)


def test_it_votes_beside_the_packages_own_classifier(small, sequences):
    X, y = sequences
    own = AttentionBLSTMFCNClassifier(
        recurrent=None, filters=(8,), kernel_sizes=(3,), max_epochs=2, random_state=0
    )
    voting = VotingClassifier([("adapter", small()), ("own", own)], voting="soft")
    assert voting.fit(X, y).predict_proba(X[:7]).shape == (7, 3)


def test_parameters_of_the_network_are_searched(small, sequences):
    search = GridSearchCV(
        make_pipeline(PCAWhitening(), small(epochs=2)),
        {"kerassequenceclassifier__model__filters": [(4,)]},
        cv=2,
        error_score="raise",
    )
    search.fit(*sequences)
    model = search.best_estimator_[-1].model_
    assert (3, 6, 4) in [weight.shape for weight in model.weights]


def test_a_clone_has_the_parameters_and_nothing_else(fitted):
    copied = clone(fitted)
    assert copied.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        copied.predict([np.zeros((3, 6))])


def test_the_same_seed_gives_the_same_posteriors(small, sequences):
    X, y = sequences
    first, second, third = (
        small(random_state=seed, epochs=1).fit(X, y).predict_proba(X)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - third).max() > 1e-3


def test_the_generators_of_python_and_numpy_are_left_as_they_were(small, sequences):
    numpy_state = np.random.get_state
    before = random.getstate(), numpy_state()[1]
    small(epochs=1).fit(*sequences)
    assert random.getstate() == before[0]
    np.testing.assert_array_equal(numpy_state()[1], before[1])


@pytest.mark.parametrize(
    "make_copy", [copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))]
)
def test_a_copy_predicts_the_same(make_copy, fitted, sequences):
    X = sequences[0]
    np.testing.assert_array_equal(
        make_copy(fitted).predict_proba(X), fitted.predict_proba(X)
    )


def test_a_pickle_is_read_by_a_new_process(fitted, sequences, tmp_path):
    X = sequences[0][:5]
    (tmp_path / "both.pickle").write_bytes(pickle.dumps((fitted, X)))
    code = (
        "import pickle, numpy; "
        "classifier, X = pickle.load(open('both.pickle', 'rb')); "
        "numpy.save('posteriors.npy', classifier.predict_proba(X))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    np.testing.assert_allclose(
        np.load(tmp_path / "posteriors.npy"), fitted.predict_proba(X), atol=1e-6
    )


def test_a_classifier_with_callbacks_can_be_copied_and_trained_on(small, sequences):
    import keras

    stopped = small(
        callbacks=keras.callbacks.EarlyStopping,
        callbacks__monitor="loss",
        callbacks__min_delta=100.0,
    )
    stopped.fit(*sequences)
    assert len(stopped.history_["loss"]) == 2
    copied = pickle.loads(pickle.dumps(stopped))
    copied.partial_fit(*sequences)
    assert len(copied.history_["loss"]) == 3


def test_an_utterance_of_weight_zero_is_left_out(small, sequences):
    X, y = sequences
    weights = np.r_[np.ones(45), np.zeros(15)]
    weighted = small(epochs=2).fit(X, y, sample_weight=weights)
    without = small(epochs=2).fit(X[:45], y[:45], sample_weight=np.ones(45))
    np.testing.assert_allclose(
        weighted.predict_proba(X), without.predict_proba(X), atol=1e-6
    )
    assert weighted.score(X, y, weights) == weighted.score(X[:45], y[:45])


def test_two_classes_of_unequal_frequency_are_balanced(small, sequences):
    X, y = sequences
    balanced = small(class_weight="balanced").fit(X, y == "wild")
    assert balanced.predict_proba(X).shape == (60, 2)
    assert balanced.predict(X).dtype == bool
    assert balanced.score(X, y == "wild") > 0.7


@pytest.mark.parametrize("container", [list, pd.Series])
def test_labels_come_from_lists_and_pandas(container, small, sequences):
    X, y = sequences
    classifier = small(epochs=1).fit(X, container(y))
    assert set(classifier.predict(X)) <= set(y)
    # A label unknown to the classifier, and longer than all of them, is just wrong.
    assert classifier.score(X[:2], container(["astonished"] * 2)) == 0


def test_a_fit_without_a_seed_works_after_one_with_a_seed(small, sequences):
    small(epochs=1).fit(*sequences)
    unseeded = small(epochs=1, random_state=None).fit(*sequences)
    assert np.isfinite(unseeded.history_["loss"]).all()


def test_other_networks_are_given_by_name(small, sequences):
    from keras import Input, Model, layers

    def average_then_dense(n_features, n_classes, *, seed, activation):
        frames, mask = Input((None, n_features)), Input((None,), dtype="bool")
        average = layers.GlobalAveragePooling1D()(frames, mask=mask)
        hidden = layers.Dense(5, activation=activation)(average)
        return Model([frames, mask], layers.Dense(n_classes)(hidden))

    from skser.scikeras import KerasSequenceClassifier

    classifier = KerasSequenceClassifier(
        model__network=average_then_dense, model__activation="tanh"
    )
    assert classifier.fit(*sequences).model_.count_params() == 6 * 5 + 5 + 5 * 3 + 3


@pytest.mark.parametrize(
    ("spoil", "match"),
    [
        (lambda X, y: ([*X[:-1], X[-1][:, :4]], y), r"X\[0\] has 6, but X\[59\] has 4"),
        (lambda X, y: ([*X[:-1], X[-1] * np.nan], y), r"X\[59\] contains NaN"),
        (lambda X, y: (X, y[:-1]), "inconsistent numbers of samples"),
        (lambda X, y: (X, None), "requires y to be passed"),
    ],
)
def test_errors_say_what_is_wrong_with_the_data(spoil, match, small, sequences):
    with pytest.raises(ValueError, match=match):
        small().fit(*spoil(*sequences))


def test_utterances_of_another_width_are_refused(fitted):
    with pytest.raises(ValueError, match=r"X has 5 features.*expecting 6"):
        fitted.predict([np.zeros((3, 5))])
