"""Soft labels: distributions over the classes, from several annotators."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from skser import NetworkClassifier
from skser.classifiers import AttentiveCNNClassifier
from skser.networks import feedforward

NAMES = ["calm", "glad", "wild"]


def small(**parameters):
    """Return a classifier that is quick to train."""
    return NetworkClassifier(
        feedforward,
        network_params={"hidden_units": (6,)},
        **{"learning_rate": 0.03, "max_epochs": 3, "random_state": 0, **parameters},
    )


@pytest.fixture(scope="module")
def one_hot(sequences):
    """The labels as distributions, in a table with the names of the classes."""
    return pd.get_dummies(sequences[1]).astype(float)


GROUPS = np.arange(60) // 12


@pytest.mark.parametrize(
    ("parameters", "given"),
    [
        ({}, {}),
        ({}, {"groups": GROUPS}),
        ({"class_weight": "balanced"}, {"sample_weight": 1 + GROUPS}),
        ({"class_weight": {"calm": 5.0}}, {"groups": GROUPS}),
        ({"early_stopping": True}, {}),
    ],
)
@pytest.mark.filterwarnings("ignore:Early stopping validates")
def test_certain_labels_give_the_same_network(parameters, given, sequences, one_hot):
    X, y = sequences
    hard = small(**parameters).fit(X, y, **given)
    soft = small(**parameters).fit(X, one_hot, **given)
    assert soft.classes_.tolist() == hard.classes_.tolist() == NAMES
    assert soft.best_epoch_ == hard.best_epoch_
    for mine, others in zip(soft.weights_, hard.weights_, strict=True):
        np.testing.assert_allclose(mine, others, atol=1e-5)
    for name, values in hard.history_.items():
        np.testing.assert_allclose(soft.history_[name], values, rtol=1e-5)


def test_columns_of_an_array_are_numbered(sequences, one_hot):
    X = sequences[0]
    classifier = small().fit(X, one_hot.to_numpy())
    assert classifier.classes_.tolist() == [0, 1, 2]
    named = small().fit(X, one_hot)
    np.testing.assert_array_equal(classifier.predict_proba(X), named.predict_proba(X))


def test_classes_are_sorted_whatever_the_order_of_the_columns(sequences, one_hot):
    X = sequences[0]
    expected = small().fit(X, one_hot)
    turned = small().fit(X, one_hot[["wild", "calm", "glad"]])
    assert turned.classes_.tolist() == NAMES
    np.testing.assert_array_equal(turned.predict_proba(X), expected.predict_proba(X))


def test_doubt_is_learnt(sequences, one_hot):
    X, y = sequences
    doubtful = 0.6 * one_hot + 0.4 / 3
    classifier = small(max_epochs=60).fit(X, doubtful)
    assert classifier.score(X, y) > 0.9
    sure = small(max_epochs=60).fit(X, one_hot).predict_proba(X).max(axis=1).mean()
    # The highest probability of the labels is 0.73.
    assert classifier.predict_proba(X).max(axis=1).mean() < 0.85 < sure


def test_class_weights_are_expected_ones(sequences, one_hot):
    X = sequences[0]
    shares = np.random.default_rng(0).dirichlet([1, 1, 1], 60)
    table = pd.DataFrame(shares, columns=NAMES)
    weighted = small(class_weight={"calm": 3.0, "wild": 0.5}).fit(X, table)
    by_sample = small().fit(X, table, sample_weight=shares @ [3.0, 1.0, 0.5])
    np.testing.assert_allclose(
        weighted.predict_proba(X), by_sample.predict_proba(X), atol=1e-6
    )


def test_validation_labels_may_be_soft_or_not(sequences, one_hot):
    X, y = sequences
    y_val = one_hot[:9]
    fits = [
        small().fit(X, labels, X_val=X[:9], y_val=validation)
        for labels in (y, one_hot)
        for validation in (y[:9], y_val, y_val.to_numpy())
    ]
    for fit in fits[1:]:
        np.testing.assert_allclose(
            fit.history_["val_loss"], fits[0].history_["val_loss"], rtol=1e-4
        )
        assert fit.history_["val_UA"] == fits[0].history_["val_UA"]


def test_partial_fit_takes_both_kinds(sequences, one_hot):
    X, y = sequences
    steps = small().partial_fit(X, one_hot).partial_fit(X, y)
    expected = small().partial_fit(X, y, classes=NAMES).partial_fit(X, y)
    assert steps.classes_.tolist() == NAMES
    np.testing.assert_allclose(
        steps.predict_proba(X), expected.predict_proba(X), atol=1e-5
    )
    # Of a table that lacks a class, it has the probability 0.
    two = one_hot.loc[y != "wild", ["calm", "glad"]]
    steps.partial_fit([X[i] for i in two.index], two)


def test_ratings_are_learnt_beside_them(sequences, one_hot):
    X, y = sequences
    ratings = np.where(y == "wild", 5.0, 1.0)[:, np.newaxis]
    ratings[:5] = np.nan
    training = {"n_filters": 6, "kernel_size": 3, "max_epochs": 2, "random_state": 0}
    classifier = AttentiveCNNClassifier(learning_rate=0.01, **training)
    hard = clone(classifier).fit(X, y, ratings=ratings)
    soft = clone(classifier).fit(X, one_hot, ratings=ratings)
    np.testing.assert_allclose(soft.predict_proba(X), hard.predict_proba(X), atol=1e-5)


def changed(table, row, values):
    """Return a table with another row."""
    table = table.copy()
    table.iloc[row] = values
    return table


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: changed(y, 4, [1.5, -0.5, 0]), r"y\[4\] has a negative probability"),
        (
            lambda y: changed(y, 4, [0.5, 0.2, 0]),
            r"y\[4\] sums to 0.7, not to 1",
        ),
        (lambda y: 5 * y, r"y\[0\] sums to 5, not to 1 \(60 of 60"),
        (lambda y: changed(y, 4, [np.nan, 1, 0]), "Input y contains NaN"),
        (lambda y: y.astype(str), "y should be a 1d array"),
        (lambda y: y[:59], r"inconsistent numbers of samples: \[60, 59\]"),
        (lambda y: y.set_axis(["calm", "calm", "wild"], axis=1), "name a class twice"),
        (lambda y: np.eye(3)[np.zeros(60, int)], "y has one class only: 0"),
    ],
)
def test_what_is_no_distribution_is_refused(change, message, sequences, one_hot):
    with pytest.raises(ValueError, match=message):
        small().fit(sequences[0], change(one_hot))


def test_other_classes_than_before_are_refused(sequences, one_hot):
    X, y = sequences
    fitted = small(warm_start=True, max_epochs=1).fit(X, y)
    sad = one_hot.rename(columns={"wild": "sad"})
    with pytest.raises(ValueError, match="columns of y contains 'sad', which is not"):
        fitted.fit(X, sad)
    with pytest.raises(ValueError, match="y_val has 2 columns, but there are 3 cl"):
        fitted.fit(X, y, X_val=X[:2], y_val=np.eye(2))
