"""UA, WA, calibration, coverage, soft labels and CCC, as functions and as scorers."""

import copy
import pickle
import warnings

import numpy as np
import pandas
import pytest
import sklearn
from scipy.spatial.distance import jensenshannon
from scipy.stats import pearsonr
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.calibration import calibration_curve
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    get_scorer,
    log_loss,
    make_scorer,
    r2_score,
    recall_score,
    root_mean_squared_error,
)
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skser.metrics import (
    DISTRIBUTION_SCORERS,
    PROBABILITY_SCORERS,
    REGRESSION_SCORERS,
    SCORERS,
    accuracy_coverage_curve,
    concordance_correlation_coefficient,
    expected_calibration_error,
    jensen_shannon_divergence,
    pearson_correlation_coefficient,
    soft_cross_entropy,
    unweighted_accuracy_score,
    weighted_accuracy_score,
)

EMOTIONS = np.array(["anger", "neutral", "sadness"])


@pytest.fixture
def problem():
    """Two classes more or less apart; the third is absent from the last group."""
    generator = np.random.default_rng(0)
    y = np.tile(EMOTIONS, 20)
    groups = np.repeat([0, 1, 2], 20)
    y[groups == 2] = np.resize(EMOTIONS[:2], 20)
    X = (y[:, np.newaxis] == EMOTIONS) + generator.normal(size=(60, 3))
    return X, y, groups


def by_fold(problem, scoring, **kwargs):
    X, y, groups = problem
    return cross_validate(
        LogisticRegression(),
        X,
        y,
        groups=groups,
        cv=LeaveOneGroupOut(),
        scoring=scoring,
        error_score="raise",
        **kwargs,
    )


# The functions


def test_ua_is_the_mean_recall_and_wa_the_accuracy():
    y_true = ["anger"] * 8 + ["sadness"] * 2
    y_pred = ["anger"] * 8 + ["sadness", "anger"]
    assert unweighted_accuracy_score(y_true, y_pred) == (8 / 8 + 1 / 2) / 2
    assert weighted_accuracy_score(y_true, y_pred) == 9 / 10


def test_they_are_scikit_learns_metrics_where_all_classes_occur():
    generator = np.random.default_rng(0)
    y_true, y_pred = generator.choice(EMOTIONS, size=(2, 300))
    weight = generator.uniform(size=300)
    for sample_weight in (None, weight):
        ua = unweighted_accuracy_score(y_true, y_pred, sample_weight=sample_weight)
        wa = weighted_accuracy_score(y_true, y_pred, sample_weight=sample_weight)
        assert ua == pytest.approx(
            balanced_accuracy_score(y_true, y_pred, sample_weight=sample_weight)
        )
        assert wa == accuracy_score(y_true, y_pred, sample_weight=sample_weight)


@pytest.mark.case("C08")
@pytest.mark.filterwarnings("error")
def test_a_class_that_is_only_predicted_has_no_recall():
    y_true, y_pred = ["a", "a", "b", "b"], ["a", "c", "b", "b"]
    assert unweighted_accuracy_score(y_true, y_pred) == 0.75
    assert recall_score(y_true, y_pred, average="macro", zero_division=0.0) == 0.5


def test_a_class_of_the_list_without_samples_is_named_and_left_out():
    with pytest.warns(UndefinedMetricWarning, match=r"\['c', 'd'\].*other 2 class"):
        score = unweighted_accuracy_score(
            ["a", "a", "b", "b"], ["a", "c", "b", "b"], labels=["a", "b", "c", "d"]
        )
    assert score == 0.75


@pytest.mark.filterwarnings("error")
def test_the_list_of_classes_does_not_change_the_score():
    y_true, y_pred = np.random.default_rng(0).integers(3, size=(2, 50))
    score = unweighted_accuracy_score(y_true, y_pred, labels=[2, 1, 0])
    assert score == unweighted_accuracy_score(y_true, y_pred)


def test_a_label_outside_of_the_list_is_an_error():
    with pytest.raises(ValueError, match=r"\['fear'\].*known classes \['anger'"):
        unweighted_accuracy_score(
            ["anger", "fear"], ["anger", "anger"], labels=np.array(["anger", "sad"])
        )


def test_a_class_whose_samples_weigh_nothing_counts_as_absent():
    score = unweighted_accuracy_score(
        ["a", "a", "b"], ["a", "b", "a"], sample_weight=[1, 1, 0]
    )
    assert score == 0.5


@pytest.mark.case("K29")
@pytest.mark.parametrize("score", [unweighted_accuracy_score, weighted_accuracy_score])
def test_weights_that_are_none_are_refused(score, bad_weights):
    sample_weight, message = bad_weights
    with pytest.raises(ValueError, match=message):
        score(["a", "a", "b"], ["a", "b", "b"], sample_weight=sample_weight)


@pytest.mark.parametrize("labels", [["b", "a"], [1, -3], [True, False]])
def test_labels_of_other_types(labels):
    y_true = np.array(labels)[[0, 0, 1, 1]]
    y_pred = np.array(labels)[[0, 1, 1, 1]]
    assert unweighted_accuracy_score(y_true, y_pred, labels=labels) == 0.75


@pytest.mark.parametrize("score", [unweighted_accuracy_score, weighted_accuracy_score])
def test_the_scores_are_plain_numbers_and_lengths_must_agree(score):
    assert type(score(["a", "b"], ["a", "b"])) is float
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        score(["a", "b"], ["a"])


# The scorers


def test_cross_validation_gives_both_scores(problem):
    with pytest.warns(UndefinedMetricWarning, match="sadness"):
        scores = by_fold(problem, SCORERS)
    assert {"test_UA", "test_WA"} <= set(scores)
    np.testing.assert_array_equal(
        scores["test_WA"], by_fold(problem, "accuracy")["test_score"]
    )


@pytest.mark.case("C08")
def test_a_fold_without_a_class_keeps_the_list_and_says_so(problem):
    X, y, groups = problem
    model = LogisticRegression().fit(X[groups < 2], y[groups < 2])
    X_test, y_test = X[groups == 2], y[groups == 2]
    with pytest.warns(UndefinedMetricWarning, match=r"\['sadness'\]") as caught:
        score = SCORERS["UA"](model, X_test, y_test)
    assert len(caught) == 1
    y_pred = model.predict(X_test)
    expected = [(y_pred[y_test == label] == label).mean() for label in EMOTIONS[:2]]
    assert score == pytest.approx(np.mean(expected))


@pytest.mark.parametrize("name", SCORERS)
@pytest.mark.case("K13")
def test_a_label_the_classifier_never_saw_counts_as_wrong(problem, name):
    X, y, _ = problem
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(X[y != "anger"], y[y != "anger"])
    function = {"UA": unweighted_accuracy_score, "WA": weighted_accuracy_score}[name]
    predicted = model.predict(X)
    assert SCORERS[name](model, X, y) == function(y, predicted)
    recalls = [np.mean(predicted[y == label] == label) for label in EMOTIONS]
    assert recalls[0] == 0
    assert SCORERS["UA"](model, X, y) == pytest.approx(np.mean(recalls))


@pytest.mark.parametrize("name", SCORERS)
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda s: s, "pickle"])
def test_scorers_can_be_copied_and_sent_to_workers(problem, name, duplicate):
    X, y, _ = problem
    scorer = SCORERS[name]
    if duplicate == "pickle":
        other = pickle.loads(pickle.dumps(scorer))
    else:
        other = duplicate(scorer)
    model = LogisticRegression().fit(X, y)
    assert other(model, X, y) == scorer(model, X, y) > 0.5
    assert get_scorer(scorer) is scorer


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_scorers_work_in_two_processes_and_in_a_grid_search(problem):
    X, y, _ = problem
    np.testing.assert_array_equal(
        by_fold(problem, SCORERS, n_jobs=2)["test_UA"],
        by_fold(problem, SCORERS)["test_UA"],
    )
    search = GridSearchCV(
        LogisticRegression(), {"C": [1e-6, 1]}, scoring=SCORERS, refit="UA", cv=3
    )
    assert search.fit(X, y).best_params_ == {"C": 1}


@pytest.mark.parametrize("name", SCORERS)
def test_sample_weights_reach_the_score_without_routing(problem, name):
    X, y, _ = problem
    weight = np.random.default_rng(1).uniform(size=len(y))
    model = LogisticRegression().fit(X, y)
    function = {"UA": unweighted_accuracy_score, "WA": weighted_accuracy_score}[name]
    with warnings.catch_warnings():
        # scikit-learn 1.9 would rather see sample_weight routed.
        warnings.simplefilter("ignore", FutureWarning)
        score = SCORERS[name](model, X, y, sample_weight=weight)
    assert score == function(y, model.predict(X), sample_weight=weight)
    assert score != SCORERS[name](model, X, y)


@pytest.mark.parametrize("name", SCORERS)
def test_sample_weights_are_routed_on_request(problem, name):
    X, y, _ = problem
    weight = np.random.default_rng(1).uniform(size=len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = copy.deepcopy(SCORERS[name]).set_score_request(sample_weight=True)
        model = LogisticRegression().set_fit_request(sample_weight=False)
        params = {"sample_weight": weight}
        weighted = cross_val_score(model, X, y, scoring=scorer, params=params)
        reference = {"UA": balanced_accuracy_score, "WA": accuracy_score}[name]
        expected = cross_val_score(
            model,
            X,
            y,
            scoring=make_scorer(reference).set_score_request(sample_weight=True),
            params=params,
        )
    plain = cross_val_score(LogisticRegression(), X, y, scoring=SCORERS[name])
    np.testing.assert_allclose(weighted, expected)
    assert not np.allclose(weighted, plain)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_the_dictionary_works_with_routing_enabled(problem):
    plain = by_fold(problem, SCORERS)
    X, y, groups = problem
    with sklearn.config_context(enable_metadata_routing=True):
        routed = cross_validate(
            LogisticRegression(),
            X,
            y,
            params={"groups": groups},
            cv=LeaveOneGroupOut(),
            scoring=SCORERS,
            error_score="raise",
        )
    for name in ("test_UA", "test_WA"):
        np.testing.assert_array_equal(routed[name], plain[name])


# Probabilities

PROBABILITIES = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3]])
TRUTH = np.array(["calm", "calm", "joy", "joy"])


def test_the_calibration_error_is_that_computed_by_hand():
    # Sorted: 0.6 right, 0.7 wrong; 0.8 right, 0.9 right.
    found = expected_calibration_error(TRUTH, PROBABILITIES, n_bins=2)
    assert found == pytest.approx((abs(1.3 - 1) + abs(1.7 - 2)) / 4)
    # From 0.5 to 0.75 there are two, above two.
    found = expected_calibration_error(
        TRUTH, PROBABILITIES, n_bins=4, strategy="uniform"
    )
    assert found == pytest.approx((abs(1.3 - 1) + abs(1.7 - 2)) / 4)


def test_the_calibration_error_is_the_distance_of_scikit_learns_curve():
    generator = np.random.default_rng(0)
    y_proba = generator.dirichlet([1, 1, 1], 500)
    y_true = generator.integers(3, size=500)
    for strategy in ("quantile", "uniform"):
        right, said = calibration_curve(
            y_true == y_proba.argmax(1), y_proba.max(1), n_bins=1, strategy=strategy
        )
        found = expected_calibration_error(y_true, y_proba, n_bins=1, strategy=strategy)
        assert found == pytest.approx(abs(right - said)[0])


def test_accuracy_over_coverage_is_that_computed_by_hand():
    coverage, accuracy, thresholds = accuracy_coverage_curve(TRUTH, PROBABILITIES)
    np.testing.assert_allclose(coverage, [0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(accuracy, [1, 1, 2 / 3, 3 / 4])
    np.testing.assert_allclose(thresholds, [0.9, 0.8, 0.7, 0.6])


def test_equal_confidences_share_a_threshold():
    coverage, accuracy, _ = accuracy_coverage_curve(TRUTH, np.full((4, 2), 0.5))
    assert (coverage.tolist(), accuracy.tolist()) == ([1], [0.5])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y_proba": PROBABILITIES[:, :1]}, "1 columns, but there are 2 classes"),
        ({"labels": ["calm", "fear"]}, r"label\(s\) \['joy'\]"),
        ({"y_proba": 2 * PROBABILITIES}, "the sum 1"),
        ({"y_proba": PROBABILITIES - 0.5}, "not negative"),
        ({"y_proba": PROBABILITIES[:3]}, "inconsistent numbers"),
        ({"n_bins": 0}, "n_bins must be an integer"),
        ({"strategy": "kmeans"}, "equal mass or of equal width"),
    ],
)
def test_what_are_no_probabilities_is_refused(arguments, message):
    whole = {"y_true": TRUTH, "y_proba": PROBABILITIES, **arguments}
    with pytest.raises(ValueError, match=message):
        expected_calibration_error(**whole)


def test_the_scorer_of_the_calibration_error_is_told_the_classes(problem):
    # The last group lacks a class, and the function alone would not know which.
    found = by_fold(problem, PROBABILITY_SCORERS, return_estimator=True)
    X, y, groups = problem
    for fold, estimator in enumerate(found["estimator"]):
        test = groups == fold
        error = expected_calibration_error(
            y[test], estimator.predict_proba(X[test]), labels=estimator.classes_
        )
        assert found["test_neg_ECE"][fold] == -error


def test_a_class_that_training_never_saw_has_no_probability():
    X, y = np.array([[0.0], [1.0], [2.0]]), np.array(["calm", "joy", "fear"])
    classifier = LogisticRegression(C=1e6).fit(X[:2], y[:2])
    score = PROBABILITY_SCORERS["neg_ECE"](classifier, X[2:], y[2:])
    assert score == -classifier.predict_proba(X[2:]).max()


# Dimensions

# Peak flow by two meters: J. M. Bland and D. G. Altman, The Lancet, 1986.
LARGE_METER = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478]
LARGE_METER += [178, 423, 427]
MINI_METER = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477]
MINI_METER += [259, 350, 451]
CORRELATIONS = [concordance_correlation_coefficient, pearson_correlation_coefficient]


@pytest.fixture(scope="module")
def ratings():
    """Two targets, their predictions, and weights."""
    generator = np.random.default_rng(0)
    y_true = generator.normal([3, 0], size=(40, 2))
    y_pred = 0.6 * y_true + generator.normal(scale=[0.5, 2], size=(40, 2)) + [1, -1]
    return y_true, y_pred, generator.integers(4, size=40)


def test_ccc_is_that_which_others_publish_for_two_meters_of_peak_flow():
    # R's packages DescTools and epiR have these data in the examples of Lin's CCC.
    found = concordance_correlation_coefficient(LARGE_METER, MINI_METER)
    assert found == pytest.approx(0.942742, abs=1e-6)


def test_ccc_is_that_computed_by_hand():
    # Means 2 and 3, variances 2 / 3 and 8 / 3, covariance 4 / 3, all divided by n.
    found = concordance_correlation_coefficient([1, 2, 3], [1, 3, 5])
    assert found == pytest.approx(2 * (4 / 3) / (2 / 3 + 8 / 3 + 1))


def test_pcc_is_scipys(ratings):
    y_true, y_pred, _ = ratings
    found = pearson_correlation_coefficient(y_true, y_pred, multioutput="raw_values")
    expected = [
        pearsonr(*pair).statistic for pair in zip(y_true.T, y_pred.T, strict=True)
    ]
    np.testing.assert_allclose(found, expected)


def test_a_shift_or_a_scale_costs_ccc_but_not_pcc(ratings):
    y_true = ratings[0][:, 0]
    for y_pred in (y_true + 1, 3 * y_true, y_true):
        assert pearson_correlation_coefficient(y_true, y_pred) == pytest.approx(1)
    assert concordance_correlation_coefficient(y_true, y_true) == pytest.approx(1)
    assert concordance_correlation_coefficient(y_true, y_true + 1) < 0.8
    assert concordance_correlation_coefficient(y_true, 3 * y_true) < 0.8
    turned = 2 * y_true.mean() - y_true
    assert concordance_correlation_coefficient(y_true, turned) == pytest.approx(-1)


@pytest.mark.parametrize("function", CORRELATIONS)
def test_several_targets_are_averaged_as_scikit_learn_averages_them(function, ratings):
    y_true, y_pred, _ = ratings
    each = [function(*pair) for pair in zip(y_true.T, y_pred.T, strict=True)]
    np.testing.assert_allclose(
        function(y_true, y_pred, multioutput="raw_values"), each, rtol=1e-12
    )
    assert function(y_true, y_pred) == pytest.approx(np.mean(each))
    weighted = function(y_true, y_pred, multioutput=[1, 3])
    assert weighted == pytest.approx((each[0] + 3 * each[1]) / 4)
    assert type(function(y_true, y_pred)) is float
    assert function([[1], [2]], [[1], [2]], multioutput="raw_values").shape == (1,)


@pytest.mark.parametrize("function", CORRELATIONS)
def test_a_weight_counts_as_so_many_samples(function, ratings):
    y_true, y_pred, weight = ratings
    found = function(y_true, y_pred, sample_weight=weight)
    repeated = function(np.repeat(y_true, weight, axis=0), np.repeat(y_pred, weight, 0))
    assert found == pytest.approx(repeated)
    assert found != pytest.approx(function(y_true, y_pred))


@pytest.mark.filterwarnings("error")
def test_ccc_of_constants_is_defined():
    constant = [0.1] * 3
    assert concordance_correlation_coefficient([1, 2, 3], constant) == 0
    assert concordance_correlation_coefficient(constant, [1, 2, 3]) == 0
    assert concordance_correlation_coefficient(constant, [0.2] * 3) == 0
    same = concordance_correlation_coefficient(constant, constant)
    assert same == r2_score(constant, constant) == 1


def test_pcc_of_constants_is_0_and_a_warning_names_the_target():
    y_true = [[1, 0.1], [2, 0.1], [3, 0.1]]
    with pytest.warns(UndefinedMetricWarning, match=r"target\(s\) \[1\]") as caught:
        found = pearson_correlation_coefficient(
            y_true, [[1, 5], [2, 6], [3, 9]], multioutput="raw_values"
        )
    assert caught[0].filename == __file__
    np.testing.assert_allclose(found, [1, 0])


@pytest.mark.parametrize("function", CORRELATIONS)
def test_one_sample_has_no_correlation(function):
    with pytest.warns(UndefinedMetricWarning, match="fewer than two samples"):
        assert np.isnan(function([1], [1]))
    with pytest.warns(UndefinedMetricWarning, match="fewer than two samples"):
        assert np.isnan(function([1, 2], [1, 2], sample_weight=[0, 1]))


@pytest.mark.parametrize("function", CORRELATIONS)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, np.nan], [1, 2]), "y_true contains NaN"),
        (([1, 2], [1, np.inf]), "y_pred contains infinity"),
        (([1, 2], [1, 2, 3]), "inconsistent numbers of samples"),
        (([[1], [2]], [[1, 1], [2, 2]]), r"1 target\(s\) and y_pred 2"),
    ],
)
def test_what_has_no_correlation_is_refused(function, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(*arguments)


@pytest.mark.parametrize("function", CORRELATIONS)
def test_unknown_averages_of_targets_are_refused(function):
    with pytest.raises(ValueError, match=r"raw_values.*one per target"):
        function([1, 2], [1, 2], multioutput="variance_weighted")
    with pytest.raises(ValueError, match="one weight per target"):
        function([1, 2], [1, 2], multioutput=[0.5, 0.5])


def test_cross_validation_gives_all_scores_of_regressors(ratings):
    y, X, _ = ratings
    model = make_pipeline(StandardScaler(), Ridge())
    given = {"groups": np.arange(40) % 4, "cv": LeaveOneGroupOut()}
    found = cross_validate(model, X, y, scoring=REGRESSION_SCORERS, **given)
    np.testing.assert_allclose(
        found["test_neg_RMSE"],
        cross_val_score(model, X, y, scoring="neg_root_mean_squared_error", **given),
    )
    model.fit(X[10:], y[10:])
    y_pred = model.predict(X[:10])
    for name, function in zip(("CCC", "PCC"), CORRELATIONS, strict=True):
        score = REGRESSION_SCORERS[name](model, X[:10], y[:10])
        assert score == function(y[:10], y_pred) > 0.2
    search = GridSearchCV(
        Ridge(), {"alpha": [1e6, 1]}, scoring=REGRESSION_SCORERS, refit="CCC"
    )
    assert search.fit(X, y).best_params_ == {"alpha": 1}


class MeanOfSpeaker(RegressorMixin, BaseEstimator):
    """Predict the mean of the features of whoever speaks; all are one without names."""

    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X, groups=None):
        if groups is None:
            groups = np.zeros(len(X))
        values, speakers = np.unique(groups, return_inverse=True)
        means = [X[speakers == k].mean() for k in range(len(values))]
        return np.array(means)[speakers]


def test_scorers_of_regressors_tell_who_speaks():
    groups = np.repeat([0, 1, 2, 3], 5)
    y = np.array([1.0, 2.0, 3.0, 4.0])[groups]
    X = y[:, np.newaxis] + np.tile([-1, 1, 0, 2, -2], 4)[:, np.newaxis]
    with sklearn.config_context(enable_metadata_routing=True):
        found = cross_validate(
            MeanOfSpeaker().set_predict_request(groups=True),
            X,
            y,
            params={"groups": groups},
            cv=GroupKFold(2),
            scoring=REGRESSION_SCORERS,
            error_score="raise",
        )
    for name, perfect in (("CCC", 1), ("PCC", 1), ("neg_RMSE", 0)):
        np.testing.assert_allclose(found[f"test_{name}"], perfect, atol=1e-12)


@pytest.mark.parametrize("name", REGRESSION_SCORERS)
def test_scorers_of_regressors_take_weights_and_can_be_copied(name, ratings):
    y, X, weight = ratings
    functions = dict(zip(("CCC", "PCC"), CORRELATIONS, strict=True))
    function = functions.get(name, root_mean_squared_error)
    sign = -1 if name == "neg_RMSE" else 1
    model = Ridge().fit(X, y)
    scorer = pickle.loads(pickle.dumps(copy.deepcopy(REGRESSION_SCORERS[name])))
    with warnings.catch_warnings():
        # scikit-learn 1.9 would rather see sample_weight routed.
        warnings.simplefilter("ignore", FutureWarning)
        score = scorer(model, X, y, sample_weight=weight)
    assert score == sign * function(y, model.predict(X), sample_weight=weight)
    assert score != scorer(model, X, y)


# Soft labels

DISTANCES = [soft_cross_entropy, jensen_shannon_divergence]


@pytest.fixture(scope="module")
def opinions():
    """Distributions of annotators, posteriors, and weights."""
    generator = np.random.default_rng(0)
    y_true = generator.multinomial(5, [0.5, 0.3, 0.2], size=30) / 5
    weight = generator.integers(4, size=30)
    return y_true, generator.dirichlet([2, 1, 1], size=30), weight


def test_with_one_label_per_sample_the_cross_entropy_is_the_log_loss(opinions):
    _, y_proba, weight = opinions
    labels = np.arange(30) % 3
    found = soft_cross_entropy(np.eye(3)[labels], y_proba, sample_weight=weight)
    assert found == pytest.approx(log_loss(labels, y_proba, sample_weight=weight))


def test_the_cross_entropy_is_least_for_the_annotators_distribution(opinions):
    y_true, y_proba, _ = opinions
    entropy = soft_cross_entropy(y_true, y_true)
    by_hand = -np.sum(y_true * np.log(np.where(y_true > 0, y_true, 1))) / 30
    assert entropy == pytest.approx(by_hand)
    assert soft_cross_entropy(y_true, y_proba) > entropy
    # What the annotators chose and the system excludes is costly, not infinite.
    assert soft_cross_entropy([[0.5, 0.5]], [[1, 0]]) == pytest.approx(18.02, abs=0.01)


def test_the_divergence_is_the_square_of_scipys_distance(opinions):
    y_true, y_proba, _ = opinions
    distances = jensenshannon(y_true, y_proba, base=2, axis=1)
    found = jensen_shannon_divergence(y_true, y_proba)
    assert found == pytest.approx(np.mean(distances**2))
    assert jensen_shannon_divergence(y_proba, y_true) == pytest.approx(found)
    assert jensen_shannon_divergence(y_true, y_true) == 0
    assert jensen_shannon_divergence([[1, 0]], [[0, 1]]) == 1


@pytest.mark.parametrize("function", DISTANCES)
def test_classes_are_matched_by_their_names(function, opinions):
    y_true, y_proba, weight = opinions
    table = pandas.DataFrame(y_true, columns=EMOTIONS)
    expected = function(y_true, y_proba)
    assert function(table, y_proba) == expected
    for order in ([2, 0, 1], [1, 0, 2]):
        turned = function(table, y_proba[:, order], labels=EMOTIONS[order])
        assert turned == pytest.approx(expected)
    more = function(table, np.c_[y_proba, np.zeros(30)], labels=[*EMOTIONS, "joy"])
    assert more == pytest.approx(expected)
    repeated = function(np.repeat(y_true, weight, 0), np.repeat(y_proba, weight, 0))
    weighted = function(table, y_proba, sample_weight=weight)
    assert weighted == pytest.approx(repeated)


@pytest.mark.parametrize("function", DISTANCES)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y_true": [[1, 1], [0, 1]]}, "y_true must have rows of probabilities"),
        ({"y_proba": [[1, 1], [0, 1]]}, "y_proba must have rows of probabilities"),
        ({"y_true": [[1, 0]]}, "inconsistent numbers"),
        ({"y_true": [[1, 0, 0], [0, 1, 0]]}, "y_true has 3 columns, .* 2 classes"),
        ({"labels": ["joy", "fear", "calm"]}, "y_true has 2 columns, .* 3 classes"),
        ({"y_true": [0, 1]}, "Expected 2D array"),
        (
            {"y_true": pandas.DataFrame({"joy": [1], "sad": [0]}), "labels": ["joy"]},
            r"column\(s\) \['sad'\], which are not among the known classes \['joy'\]",
        ),
    ],
)
def test_what_are_no_distributions_is_refused(function, change, message):
    whole = {"y_true": [[1, 0], [0, 1]], "y_proba": [[1, 0], [0, 1]], **change}
    with pytest.raises(ValueError, match=message):
        function(**whole)


class PriorOfSoftLabels(ClassifierMixin, BaseEstimator):
    """Predict the mean of the distributions seen in training, in turned columns."""

    def fit(self, X, y):
        self.classes_ = np.array(y.columns[::-1].tolist())
        self.prior_ = y[self.classes_].mean().to_numpy()
        return self

    def predict_proba(self, X):
        return np.tile(self.prior_, (len(X), 1))


def test_cross_validation_scores_against_soft_labels(opinions):
    y_true, _, _ = opinions
    table = pandas.DataFrame(y_true, columns=EMOTIONS)
    found = cross_validate(
        PriorOfSoftLabels(),
        np.zeros((30, 1)),
        table,
        cv=KFold(3),
        scoring=DISTRIBUTION_SCORERS,
        error_score="raise",
    )
    for name, function in zip(
        ("neg_soft_cross_entropy", "neg_JSD"), DISTANCES, strict=True
    ):
        expected = [
            -function(y_true[test], np.tile(y_true[train].mean(axis=0), (10, 1)))
            for train, test in KFold(3).split(y_true)
        ]
        np.testing.assert_allclose(found[f"test_{name}"], expected)


def test_a_class_that_annotators_know_and_training_does_not_has_no_probability():
    model = LogisticRegression().fit([[0.0], [1.0]], ["calm", "joy"])
    y_true = pandas.DataFrame({"calm": [0.5], "fear": [0.5], "joy": [0.0]})
    answers = [[*model.predict_proba([[0.0]])[0], 0]]
    score = DISTRIBUTION_SCORERS["neg_JSD"](model, [[0.0]], y_true)
    assert score == -jensen_shannon_divergence([[0.5, 0, 0.5]], answers)
