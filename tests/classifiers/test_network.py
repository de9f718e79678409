"""The classifier as an estimator: fitting, stopping, predicting, bad input."""

import copy
import inspect
import pickle
import re
import threading

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.model_selection import cross_val_score

from skser import AttentionBLSTMFCNClassifier, NetworkClassifier, NetworkRegressor
from skser.classifiers import (
    AttentionBLSTMClassifier,
    AttentiveCNNClassifier,
    BaseNetworkClassifier,
)
from skser.networks import feedforward

SMALL = {
    "recurrent_units": 6,
    "filters": (8, 6),
    "kernel_sizes": (3, 3),
    "hidden_units": (8,),
    "batch_size": 15,
    "learning_rate": 5e-3,
    "random_state": 0,
}


def small(**parameters):
    """Return a classifier that is quick to train."""
    return AttentionBLSTMFCNClassifier(**{**SMALL, "max_epochs": 12, **parameters})


@pytest.fixture(scope="module")
def fitted(sequences):
    """A classifier fitted on the three separable classes. Not to be changed."""
    return small().fit(*sequences)


def test_it_learns_classes_that_differ(fitted, sequences):
    X, y = sequences
    assert fitted.score(X, y) > 0.9
    assert fitted.classes_.tolist() == ["calm", "glad", "wild"]
    assert fitted.history_["loss"][-1] < fitted.history_["loss"][0]


@pytest.mark.case("D07")
def test_posteriors_are_probabilities(fitted, sequences):
    probabilities = fitted.predict_proba(sequences[0])
    assert probabilities.shape == (60, 3)
    assert probabilities.min() >= 0
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-12)
    labels = fitted.classes_[probabilities.argmax(axis=1)]
    np.testing.assert_array_equal(fitted.predict(sequences[0]), labels)


@pytest.mark.case("B18")
def test_posteriors_do_not_depend_on_batch_mates_or_order(fitted, sequences):
    X = sequences[0]
    together = fitted.predict_proba(X)
    long = np.random.default_rng(1).normal(size=(10 * len(X[0]), 6))
    with_a_long_one = fitted.predict_proba([X[0], long])[:1]
    np.testing.assert_allclose(with_a_long_one, together[:1], atol=1e-6)
    alone = np.concatenate([fitted.predict_proba([x]) for x in X[:10]])
    np.testing.assert_allclose(alone, together[:10], atol=1e-6)
    np.testing.assert_array_equal(fitted.predict_proba(X[::-1]), together[::-1])


@pytest.mark.case("B20")
def test_frames_of_zeros_are_real_frames(fitted):
    short, long = np.zeros((3, 6)), np.zeros((30, 6))
    probabilities = fitted.predict_proba([short, long])
    assert np.isfinite(probabilities).all()
    assert not np.allclose(probabilities[0], probabilities[1], atol=1e-4)


def test_attention_gives_each_frame_a_weight(fitted, sequences):
    X = sequences[0]
    for weights, x in zip(fitted.attention_weights(X), X, strict=True):
        assert weights.shape == (len(x),)
        assert weights.min() >= 0
        np.testing.assert_allclose(weights.sum(), 1, rtol=1e-5)


@pytest.mark.parametrize("parameters", [{"pooling": "mean"}, {"recurrent": None}])
def test_without_attention_there_are_no_weights_to_ask_for(parameters):
    classifier = small(**parameters)
    assert not hasattr(classifier, "attention_weights")
    with pytest.raises(AttributeError, match="attention_weights"):
        classifier.attention_weights([np.ones((2, 2))])


@pytest.mark.slow
@pytest.mark.parametrize("view", ["variables", "flat"])
def test_views_of_fixed_length_pad_and_cut(view, sequences):
    X, y = sequences
    classifier = small(view=view, max_epochs=2, max_frames=10).fit(X, y)
    assert classifier.n_frames_ == 10
    longer = [np.concatenate([x[:10], x[:10]]) for x in X if len(x) >= 10]
    cut = [x[:10] for x in X if len(x) >= 10]
    np.testing.assert_allclose(
        classifier.predict_proba(longer), classifier.predict_proba(cut), atol=1e-6
    )
    n_weights = {"variables": 6, "flat": 1}[view]
    assert classifier.attention_weights(X)[0].shape == (n_weights,)
    longest = max(map(len, X))
    assert small(view=view, max_epochs=1).fit(X, y).n_frames_ == longest


def test_max_frames_cuts_long_utterances(sequences):
    X, y = sequences
    classifier = small(max_frames=5, max_epochs=2).fit(X, y)
    np.testing.assert_allclose(
        classifier.predict_proba(X), classifier.predict_proba([x[:5] for x in X])
    )


@pytest.mark.case("H01", "H08")
def test_the_same_seed_gives_the_same_network_whatever_ran_before(sequences):
    X, y = sequences
    first = small(max_epochs=3).fit(X, y).predict_proba(X)
    small(max_epochs=2, random_state=5).fit(X, y)
    np.random.default_rng().normal(size=9)
    np.testing.assert_array_equal(small(max_epochs=3).fit(X, y).predict_proba(X), first)
    other = small(max_epochs=3, random_state=1).fit(X, y).predict_proba(X)
    assert not np.allclose(other, first)


@pytest.mark.case("H04")
def test_without_a_seed_fits_differ(sequences):
    X, y = sequences
    fits = [small(random_state=None, max_epochs=1).fit(X, y) for _ in range(2)]
    assert not np.allclose(*(fit.predict_proba(X) for fit in fits))


def test_global_random_states_are_left_alone(sequences):
    import random

    states = random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    small(max_epochs=1).fit(*sequences).predict(sequences[0])
    assert random.getstate() == states[0]
    np.testing.assert_array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002


def test_threads_that_fit_at_once_do_not_disturb_each_other(sequences):
    X, y = sequences
    expected = [small(max_epochs=3, random_state=s).fit(X, y) for s in (0, 1)]
    results = [None, None]

    def fit(seed):
        results[seed] = small(max_epochs=3, random_state=seed).fit(X, y)

    threads = [threading.Thread(target=fit, args=(seed,)) for seed in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result, reference in zip(results, expected, strict=True):
        for mine, others in zip(result.weights_, reference.weights_, strict=True):
            np.testing.assert_array_equal(mine, others)


def test_a_later_fit_of_another_estimator_changes_nothing(fitted, sequences):
    X, y = sequences
    before = fitted.predict_proba(X)
    small(random_state=9, max_epochs=1).fit(X, y)
    np.testing.assert_array_equal(fitted.predict_proba(X), before)


def test_early_stopping_holds_out_speakers_and_keeps_the_best_epoch(sequences):
    X = sequences[0]
    y = np.random.default_rng(0).permutation(sequences[1])  # nothing to learn
    groups = np.arange(60) // 12
    classifier = small(n_iter_no_change=3, max_epochs=40).fit(X, y, groups=groups)
    validated = classifier.history_["val_UA"]
    assert classifier.n_iter_ == len(validated) < 40
    assert classifier.n_iter_ - 1 - classifier.best_epoch_ == 3
    assert validated[classifier.best_epoch_] == max(validated)


def test_early_stopping_keeps_the_weights_of_that_epoch(sequences):
    X, y = sequences
    options = {"X_val": X[:12], "y_val": y[:12]}
    stopped = small(n_iter_no_change=2, max_epochs=30).fit(X, y, **options)
    shorter = small(max_epochs=stopped.best_epoch_ + 1).fit(X, y, **options)
    if shorter.best_epoch_ == stopped.best_epoch_:
        np.testing.assert_array_equal(
            shorter.predict_proba(X), stopped.predict_proba(X)
        )


def test_auto_early_stopping_needs_groups(sequences):
    X, y = sequences
    assert "val_UA" not in small(max_epochs=1).fit(X, y).history_
    one = small(max_epochs=1).fit(X, y, groups=["anna"] * 60)
    assert "val_UA" not in one.history_
    off = small(max_epochs=1, early_stopping=False).fit(X, y, groups=np.arange(60) % 4)
    assert "val_UA" not in off.history_


def test_early_stopping_without_groups_warns_of_shared_speakers(sequences):
    with pytest.warns(UserWarning, match="may be of speakers"):
        small(max_epochs=1, early_stopping=True).fit(*sequences)


def test_an_utterance_of_weight_zero_might_as_well_not_be_there(sequences):
    X, y = sequences
    weights = np.r_[np.ones(50), np.zeros(10)]
    weighted = small(max_epochs=2).fit(X, y, sample_weight=weights)
    without = small(max_epochs=2).fit(X[:50], y[:50])
    np.testing.assert_allclose(
        weighted.predict_proba(X), without.predict_proba(X), atol=1e-6
    )


def test_weights_only_count_relative_to_each_other(sequences):
    X, y = sequences
    weighted = small(max_epochs=2).fit(X, y, sample_weight=np.full(60, 7.0))
    plain = small(max_epochs=2).fit(X, y)
    np.testing.assert_allclose(weighted.predict_proba(X), plain.predict_proba(X))


def test_a_heavy_class_is_predicted_more_often(sequences):
    X, y = sequences
    shift = {"calm": 1.0, "glad": 1.0, "wild": 50.0}
    heavy = small(max_epochs=4, class_weight=shift).fit(X, y)
    plain = small(max_epochs=4).fit(X, y)
    assert heavy.predict_proba(X)[:, 2].mean() > plain.predict_proba(X)[:, 2].mean()


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("schedule", ["constant", "cosine", "plateau"])
def test_optimizers_and_schedules_lower_the_loss(optimizer, schedule, sequences):
    classifier = small(
        optimizer=optimizer, learning_rate_schedule=schedule, recurrent=None
    )
    history = classifier.fit(*sequences).history_
    assert history["loss"][-1] < 0.9 * history["loss"][0]
    assert history["learning_rate"][0] == 5e-3
    if schedule == "cosine":
        assert history["learning_rate"][-1] < 1e-4


@pytest.mark.case("C05")
@pytest.mark.parametrize(
    "labels", [[3, 7, -1], [True, False, True], ["b", "c", "a"], [2.0, 1.0, 0.0]]
)
def test_labels_come_back_in_their_own_type(labels, sequences):
    X = sequences[0]
    y = np.array(labels)[np.arange(60) % 3]
    classifier = small(max_epochs=1, recurrent=None).fit(X, y)
    assert classifier.classes_.tolist() == sorted(set(labels))
    assert classifier.predict(X).dtype == y.dtype


def test_columns_of_pandas_are_taken_with_any_index(fitted, sequences):
    X, y = sequences
    index = np.arange(60)[::-1]
    column = pd.Series(X, index=index)
    labels = pd.Series(y, index=index, dtype="str")
    classifier = small().fit(column, labels)
    np.testing.assert_array_equal(
        classifier.predict_proba(column), fitted.predict_proba(X)
    )


def test_rows_of_a_table_are_utterances_of_one_frame(sequences):
    X, y = sequences
    table = np.array([x[0] for x in X])
    classifier = small(max_epochs=2).fit(table, y)
    as_list = classifier.predict_proba([row[np.newaxis] for row in table])
    np.testing.assert_array_equal(classifier.predict_proba(table), as_list)


def test_a_batch_of_equal_length_may_be_one_array(fitted):
    batch = np.random.default_rng(0).normal(size=(4, 9, 6))
    np.testing.assert_array_equal(
        fitted.predict_proba(batch), fitted.predict_proba(list(batch))
    )


def test_pickles_and_copies_predict_the_same_without_a_keras_object(fitted, sequences):
    pickled = pickle.dumps(fitted)
    assert b"keras" not in pickled
    np.testing.assert_array_equal(
        pickle.loads(pickled).predict_proba(sequences[0]),
        fitted.predict_proba(sequences[0]),
    )


@pytest.mark.case("C22", "E05")
def test_clones_are_unfitted_and_keep_the_parameters(fitted):
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        copy.predict([np.ones((2, 6))])


def test_progress_is_shown_only_when_asked_for(sequences, capsys, monkeypatch):
    monkeypatch.setattr("skser._progress.DELAY", 0)
    monkeypatch.setattr("skser._progress.LOG_INTERVAL", 0)
    small(max_epochs=2).fit(*sequences)
    assert capsys.readouterr() == ("", "")
    small(max_epochs=2, verbose=1).fit(*sequences)
    output, errors = capsys.readouterr()
    assert output == ""
    assert "2/2" in errors


def test_a_line_is_written_for_each_epoch(sequences, capsys):
    small(max_epochs=3, verbose=2).fit(*sequences)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" - ")[0] for line in lines] == ["1/3", "2/3", "3/3"]
    assert all("learning_rate: 0.0" in line and "loss: " in line for line in lines)


@pytest.mark.parametrize("verbose", [1, 2])
def test_the_last_epoch_of_a_training_that_stops_early_is_shown(
    sequences, capsys, monkeypatch, verbose
):
    monkeypatch.setattr("skser._progress.DELAY", 0)
    monkeypatch.setattr("skser._progress.LOG_INTERVAL", 0)
    X, y = sequences
    # Labels of their neighbours: what is learnt makes them worse.
    options = {"X_val": X[:12], "y_val": y[1:13]}
    stopped = small(n_iter_no_change=2, max_epochs=30, verbose=verbose)
    n_epochs = len(stopped.fit(X, y, **options).history_["loss"])
    shown = capsys.readouterr().err
    assert n_epochs < 30
    assert f"{n_epochs}/30" in shown.splitlines()[-1]
    assert shown.endswith("\n")


def missing(values, gap):
    """Put a gap of some kind where the fourth value is."""
    values = np.asarray(values)
    if values.dtype.kind != "f":
        values = values.astype(object)
    values = values.copy()
    values[3] = gap
    return values


@pytest.mark.case("B09", "B13", "C01", "C02", "C04", "D05")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: (X, y[:-1]), r"inconsistent numbers of samples: \[60, 59\]"),
        (lambda X, y: (X, ["calm"] * 60), "one class only: .*'calm'"),
        (lambda X, y: (X, np.linspace(0, 1, 60)), "Unknown label type|continuous"),
        (lambda X, y: (X, np.stack([y, y], axis=1)), r"y should be a 1d array"),
        (lambda X, y: ([], []), r"0 sample\(s\)"),
        (
            lambda X, y: (X, missing(y, None)),
            r"Input y contains NaN.* y\[3\] is missing",
        ),
        (lambda X, y: (X, missing(y, np.nan)), r"Input y contains NaN.* y\[3\]"),
        (lambda X, y: (X, missing(y, pd.NA)), r"Input y contains NaN.* y\[3\]"),
        (lambda X, y: (X, np.r_[np.nan, np.ones(59)]), "Input y contains NaN"),
        (lambda X, y: (X, pd.Series(missing(y, None), dtype="str")), "contains NaN"),
        (lambda X, y: ([*X[:9], X[9] * np.nan, *X[10:]], y), r"X\[9\] contains NaN"),
        (lambda X, y: ([*X[:9], X[9][:, :5], *X[10:]], y), r"X\[0\] has 6, but X\[9\]"),
        (lambda X, y: ([*X[:9], X[9][0], *X[10:]], y), r"X\[9\] must have the shape"),
        (lambda X, y: ([*X[:9], X[9][:0], *X[10:]], y), r"X\[9\] is empty"),
    ],
)
def test_bad_training_data_is_refused_with_the_place(change, message, sequences):
    with pytest.raises(ValueError, match=message):
        small().fit(*change(*sequences))


@pytest.mark.case("C12", "C13", "C15", "C17", "K29")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sample_weight": np.zeros(60)}, "zero for every sample|at least one"),
        ({"sample_weight": -np.ones(60)}, "[Nn]egative"),
        ({"sample_weight": np.ones(3)}, "sample_weight.shape == "),
        ({"sample_weight": np.ones((60, 2))}, "must be 1D array"),
        ({"sample_weight": missing(np.ones(60), np.nan)}, "sample_weight contains NaN"),
        ({"sample_weight": missing(np.ones(60), np.inf)}, "sample_weight contains inf"),
        ({"sample_weight": np.nan}, "sample_weight contains NaN"),
        ({"sample_weight": np.inf}, "sample_weight contains inf"),
        ({"sample_weight": "balanced"}, "sample_weight must be a number for each"),
        ({"sample_weight": np.full(60, 1j)}, "sample_weight must be a number for each"),
        ({"sample_weight": np.full(60, 1e308)}, "sample_weight adds up to more than"),
        ({"groups": np.arange(3)}, "inconsistent numbers of samples"),
        ({"groups": [None] * 60}, r"groups\[0\] is missing"),
        ({"groups": missing(np.ones(60), np.nan)}, r"groups\[3\] is missing"),
        ({"groups": missing(["anna"] * 60, np.nan)}, r"groups\[3\] is missing"),
        ({"X_val": [np.ones((2, 6))]}, "X_val and y_val must be given together"),
        (
            {"X_val": [np.ones((2, 6))], "y_val": ["sad"]},
            "y_val contains 'sad', which is not among the classes",
        ),
        (
            {"X_val": [np.ones((2, 6))], "y_val": [None]},
            r"Input y_val contains NaN or None.* y_val\[0\]",
        ),
        ({"X_val": [np.ones((2, 5))], "y_val": ["calm"]}, "X has 5 features"),
    ],
)
def test_bad_arguments_of_fit_are_refused_by_name(arguments, message, sequences):
    with pytest.raises(ValueError, match=message):
        small(max_epochs=1).fit(*sequences, **arguments)


@pytest.mark.parametrize(
    "parameters",
    [
        {"recurrent": "gru"},
        {"pooling": "sum"},
        {"view": "rows"},
        {"dropout": 1.0},
        {"optimizer": "adagrad"},
        {"learning_rate": 0},
        {"learning_rate_schedule": "steps"},
        {"batch_size": 0},
        {"max_epochs": 0},
        {"early_stopping": "yes"},
        {"class_weight": "heavy"},
    ],
)
def test_impossible_parameters_are_refused_by_name(parameters, sequences):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        small(**parameters).fit(*sequences)


NETWORK_CLASSIFIERS = [
    AttentionBLSTMFCNClassifier,
    AttentionBLSTMClassifier,
    AttentiveCNNClassifier,
    lambda **params: NetworkClassifier(feedforward, **params),
]


@pytest.mark.case("K29")
@pytest.mark.parametrize("make", NETWORK_CLASSIFIERS)
@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        (
            {"calm": np.nan},
            r"class_weight\['calm'\] must be a finite number .* got nan",
        ),
        ({"calm": np.inf}, r"class_weight\['calm'\] must be .* got inf"),
        ({"wild": -1}, r"class_weight\['wild'\] must be .* of 0 or more, got -1"),
        ({"wild": "2"}, r"class_weight\['wild'\] must be .* got '2'"),
        ({"glad": None}, r"class_weight\['glad'\] must be .* got None"),
        ({"glad": [1, 2]}, r"class_weight\['glad'\] must be .* got \[1, 2\]"),
        (
            {"glda": 2},
            r"class_weight has \['glda'\], which is no class of y, and lacks",
        ),
        ({"calm": 0, "glad": 0, "wild": 0}, "times class_weight is zero for every"),
        ({"calm": 1e308}, "times class_weight adds up to more than a float can hold"),
    ],
)
def test_a_class_weight_that_is_none_is_refused(make, class_weight, message, sequences):
    classifier = make(class_weight=class_weight)
    with pytest.raises(ValueError, match=message):
        classifier.fit(*sequences)
    with pytest.raises(ValueError, match=message):
        classifier.partial_fit(*sequences, classes=["calm", "glad", "wild"])


@pytest.mark.case("K29")
def test_a_class_weight_may_leave_out_classes_and_have_digits_as_names(sequences):
    X, y = sequences
    numbered = np.array(["1", "2", "3"])[np.unique(y, return_inverse=True)[1]]
    options = {"max_epochs": 2}
    all_classes = {"calm": 4.0, "glad": 1.0, "wild": 1.0, "of another corpus": 9.0}
    expected = small(class_weight=all_classes, **options).fit(X, y).predict_proba(X)
    some = small(class_weight={"calm": 4.0}, **options).fit(X, y)
    digits = small(class_weight={"1": 4.0}, **options).fit(X, numbered)
    np.testing.assert_array_equal(some.predict_proba(X), expected)
    np.testing.assert_array_equal(digits.predict_proba(X), expected)


@pytest.mark.case("C04")
def test_a_column_of_labels_is_taken_with_a_warning(sequences):
    X, y = sequences
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        classifier = small(max_epochs=1).fit(X, y[:, np.newaxis])
    assert classifier.predict(X).shape == (60,)


@pytest.mark.case("C16")
def test_a_class_of_weight_zero_stays_a_class_that_is_not_trained(sequences):
    X, y = sequences
    classifier = small().fit(X, y, sample_weight=np.where(y == "wild", 0.0, 1.0))
    assert classifier.classes_.tolist() == ["calm", "glad", "wild"]
    probabilities = classifier.predict_proba(X)
    assert np.isfinite(probabilities).all()
    assert (classifier.predict(X) != "wild").all()


@pytest.mark.case("C20")
@pytest.mark.parametrize(
    "scoring", ["roc_auc_ovr", "neg_log_loss", "balanced_accuracy"]
)
def test_scorers_of_posteriors_are_finite(scoring, sequences):
    options = {"cv": 2, "scoring": scoring, "error_score": "raise"}
    scores = cross_val_score(small(max_epochs=2), *sequences, **options)
    assert scores.shape == (2,)
    assert np.isfinite(scores).all()


@pytest.mark.case("E08")
def test_a_deep_copy_that_is_fitted_again_leaves_the_original_alone(fitted, sequences):
    X, y = sequences
    before = fitted.predict_proba(X)
    copied = copy.deepcopy(fitted)
    np.testing.assert_array_equal(copied.predict_proba(X), before)
    copied.set_params(random_state=3, max_epochs=1).fit(X[::-1], y)
    assert not np.allclose(copied.predict_proba(X), before)
    np.testing.assert_array_equal(fitted.predict_proba(X), before)


@pytest.mark.case("H05")
def test_a_random_state_may_be_an_instance_and_is_cloned_with_its_position(sequences):
    X, y = sequences
    classifier = small(max_epochs=1, random_state=np.random.RandomState(0))
    first, second = (clone(classifier).fit(X, y).predict_proba(X) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    classifier.fit(X, y)
    # As everywhere in scikit-learn, a fit moves the generator on.
    assert not np.array_equal(classifier.fit(X, y).predict_proba(X), first)


@pytest.mark.case("H05")
def test_a_generator_of_numpy_is_refused_as_by_scikit_learn(sequences):
    with pytest.raises(ValueError, match=r"'random_state' .*RandomState' or None"):
        small(random_state=np.random.default_rng(0)).fit(*sequences)


@pytest.mark.case("E05")
@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "score", "attention_weights"]
)
def test_what_needs_a_fit_says_so(method, sequences):
    X, y = sequences
    arguments = (X, y) if method == "score" else (X,)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(small(), method)(*arguments)


@pytest.mark.case("B15")
def test_another_number_of_features_at_predict_is_refused(fitted):
    with pytest.raises(ValueError, match=r"X has 5 features, but .* expecting 6"):
        fitted.predict([np.ones((4, 5))])


@pytest.mark.case("B10")
@pytest.mark.parametrize("X", ["a.wav", {"a": 1}, (x for x in "ab"), 3])
def test_what_is_no_batch_is_refused(fitted, X):
    with pytest.raises(TypeError, match="must be a list"):
        fitted.predict(X)


@pytest.mark.parametrize("fit", ["fit", "partial_fit"])
def test_weights_that_are_not_finite_are_an_error(fit, sequences):
    hopeless = small(optimizer="sgd", learning_rate=1e30, recurrent=None)
    classes = {"classes": np.unique(sequences[1])} if fit == "partial_fit" else {}
    with pytest.raises(ValueError, match=r"Training has diverged .* Lower learning_r"):
        getattr(hopeless, fit)(*sequences, **classes)
    assert not hasattr(hopeless, "weights_")


@pytest.mark.case("B17")
def test_the_input_is_not_changed(sequences):
    X = [x.copy() for x in sequences[0]]
    for x in X:
        x.flags.writeable = False
    small(max_epochs=1).fit(X, sequences[1]).predict(X)
    for x, original in zip(X, sequences[0], strict=True):
        np.testing.assert_array_equal(x, original)


class Averaging(BaseNetworkClassifier):
    """A user's own class, with two parameters of the network and two of training."""

    builder = staticmethod(lambda *sizes, **params: averaging_network(*sizes, **params))

    def __init__(self, n_units=4, *, scale=1.0, max_epochs=2, random_state=None):
        super().__init__(max_epochs=max_epochs, random_state=random_state)
        self.n_units = n_units
        self.scale = scale


def test_a_network_of_ones_own_class_names_its_builder(sequences):
    classifier = Averaging(3, random_state=0)
    copy = clone(classifier.set_params(scale=2.0))
    assert (copy.n_units, copy.scale, copy.max_epochs) == (3, 2.0, 2)
    assert copy.fit(*sequences).n_iter_ == 2
    assert copy.weights_[0].shape == (6, 3)
    design = copy.design_network()
    assert design.arguments == {
        "n_units": 3,
        "scale": 2.0,
        "n_features": 6,
        "n_classes": 3,
    }
    assert copy.predict_proba(sequences[0]).shape == (60, 3)


def test_a_parameter_of_ones_own_may_be_called_view(sequences):
    class Viewing(BaseNetworkClassifier):
        builder = staticmethod(
            lambda *sizes, view, **params: averaging_network(*sizes, **params)
        )

        def __init__(self, view="from above", *, max_epochs=1, random_state=None):
            super().__init__(max_epochs=max_epochs, random_state=random_state)
            self.view = view

    classifier = Viewing(random_state=0).fit(*sequences)
    assert classifier.n_frames_ is None
    assert "n_frames" not in classifier.design_network().arguments


@pytest.mark.parametrize(
    "class_",
    [
        AttentionBLSTMFCNClassifier,
        AttentionBLSTMClassifier,
        AttentiveCNNClassifier,
        NetworkClassifier,
    ],
)
def test_every_parameter_is_in_the_signature_and_documented(class_):
    parameters = list(inspect.signature(class_).parameters)
    training = list(inspect.signature(BaseNetworkClassifier).parameters)
    assert parameters[-len(training) :] == training
    documentation = inspect.getdoc(class_)
    names = documentation.split("Parameters\n---")[1].split("\n\n")[0]
    for name in parameters:
        assert re.search(rf"\b{name}\b", names), name
    given = {name: object() for name in parameters}
    made = class_(**given)
    assert {name: getattr(made, name) for name in parameters} == given


def averaging_network(n_features, n_classes, *, seed, n_units=4, scale=1.0):
    """Build the simplest network that knows its mask."""
    start = keras.initializers.GlorotUniform(seed)
    frames = keras.Input((None, n_features))
    mask = keras.Input((None,), dtype="bool")
    average = keras.layers.GlobalAveragePooling1D()(frames, mask=mask)
    hidden = keras.layers.Dense(n_units, "relu", kernel_initializer=start)(average)
    return keras.Model(
        [frames, mask], keras.layers.Dense(n_classes, kernel_initializer=start)(hidden)
    )


def test_a_network_of_ones_own_is_trained_the_same_way(sequences):
    X, y = sequences
    classifier = NetworkClassifier(
        averaging_network,
        network_params={"n_units": 7},
        learning_rate=0.05,
        random_state=0,
    ).fit(X, y)
    assert classifier.score(X, y) > 0.9
    assert classifier.weights_[0].shape == (6, 7)
    assert isinstance(clone(classifier), NetworkClassifier)


@pytest.mark.parametrize("class_", [NetworkClassifier, NetworkRegressor])
def test_sizes_are_no_parameters_of_a_network_of_ones_own(class_):
    estimator = class_(averaging_network, network_params={"n_classes": 7})
    with pytest.raises(TypeError, match=r"multiple values .*'n_classes'"):
        estimator.fit([[[0.0]], [[1.0]]] * 5, [0, 1] * 5)


def test_partial_fit_goes_on_where_it_was_left(sequences):
    X, y = sequences
    classes = ["calm", "glad", "wild"]
    steps = small()
    for _ in range(4):
        steps.partial_fit(X, y, classes=classes)
    at_once = small(max_epochs=4, learning_rate_schedule="constant").fit(X, y)
    np.testing.assert_array_equal(steps.predict_proba(X), at_once.predict_proba(X))
    assert steps.history_["loss"] == at_once.history_["loss"]
    assert steps.n_iter_ == 4


def test_partial_fit_may_see_the_classes_one_by_one(sequences):
    X, y = sequences
    classifier = small()
    for _ in range(10):
        for label in ("calm", "wild"):
            own = np.flatnonzero(y == label)
            classifier.partial_fit(
                [X[i] for i in own], y[own], classes=["calm", "glad", "wild"]
            )
    assert classifier.predict_proba(X).shape == (60, 3)


def test_partial_fit_survives_a_pickle_between_two_calls(sequences):
    X, y = sequences
    classifier = small().partial_fit(X, y, classes=np.unique(y))
    copied = pickle.loads(pickle.dumps(classifier)).partial_fit(X, y)
    np.testing.assert_array_equal(
        copied.predict_proba(X), classifier.partial_fit(X, y).predict_proba(X)
    )


def test_partial_fit_continues_a_fit(sequences, fitted):
    X, y = sequences
    classifier = pickle.loads(pickle.dumps(fitted))
    before = classifier.history_["loss"][0]
    classifier.partial_fit(X, y)
    assert classifier.n_iter_ == 13
    assert classifier.history_["loss"][-1] < before


def test_partial_fit_needs_the_classes_and_refuses_others(sequences):
    X, y = sequences
    with pytest.raises(ValueError, match="classes must be passed"):
        small().partial_fit(X, y)
    with pytest.raises(ValueError, match="y contains 'wild', which is not among"):
        small().partial_fit(X, y, classes=["calm", "glad"])


def test_a_partial_fit_that_failed_leaves_nothing_behind(sequences):
    X, y = sequences
    classes = np.unique(y)
    classifier = small()
    with pytest.raises(ValueError, match="y contains 'sad', which is not among"):
        classifier.partial_fit(X, ["sad"] * 60, classes=classes)
    with pytest.raises(NotFittedError):
        classifier.predict(X)
    expected = small().partial_fit(X, y, classes=classes).predict_proba(X)
    classifier.partial_fit(X, y, classes=classes)
    np.testing.assert_array_equal(classifier.predict_proba(X), expected)


def test_a_warm_start_goes_on_from_the_last_weights(sequences):
    X, y = sequences
    classifier = small(max_epochs=6, warm_start=True).fit(X, y)
    first = classifier.history_["loss"]
    second = classifier.fit(X, y).history_["loss"]
    assert second[0] < first[0] * 0.8
    cold = small(max_epochs=6).fit(X, y)
    assert cold.fit(X, y).history_["loss"] == first


def test_a_warm_start_refuses_other_classes(sequences):
    X, y = sequences
    classifier = small(max_epochs=1, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="y contains 'sad', which is not among"):
        classifier.fit(X, np.where(y == "wild", "sad", y))
