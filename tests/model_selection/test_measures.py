"""Scores of results: scikit-learn's values, baselines, intervals over speakers."""

import dataclasses

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import t
from sklearn.calibration import calibration_curve
from sklearn.dummy import DummyClassifier
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    cohen_kappa_score,
    f1_score,
    log_loss,
    precision_recall_fscore_support,
    precision_score,
)

from skser.metrics import accuracy_coverage_curve, expected_calibration_error
from skser.model_selection import (
    EvaluationResult,
    compare,
    load_result,
    paired_difference,
    wilcoxon_test,
)
from skser.storage import read_archive, write_archive

LABELS = ["anger", "calm", "joy"]
PROBABILISTIC = ["log loss", "Brier score", "ECE", "overconfidence"]


def make_result(seed=0, n_speakers=8, n=240, skill=1.5, sd=0.5, sharpness=2.0):
    """Make predictions of speakers who differ, by a system too sure of itself."""
    generator = np.random.default_rng(seed)
    speakers = np.arange(n) % n_speakers
    true = generator.choice(3, n, p=[0.5, 0.3, 0.2])
    logits = generator.normal(size=(n, 3))
    skills = skill + sd * generator.normal(size=n_speakers)
    logits[np.arange(n), true] += skills[speakers]
    posteriors = softmax(sharpness * logits, axis=1)
    return EvaluationResult(
        labels=LABELS,
        files=[f"{i}.wav" for i in range(n)],
        speakers=[f"s{i}" for i in speakers],
        true=true,
        recordings=np.arange(n),
        folds=speakers,
        runs=np.zeros(n, dtype=int),
        predicted=posteriors.argmax(axis=1),
        posteriors=posteriors,
        seeds=[0],
        protocol={"splitter": "by hand", "n_folds": n_speakers},
        columns={
            "sex": ["female" if i % 2 else "male" for i in speakers],
            "text": [f"t{i % 5}" for i in range(n)],
        },
    )


@pytest.fixture(scope="module")
def result():
    return make_result()


@pytest.fixture(scope="module")
def scores(result):
    return {row["score"]: row for row in result.scores()}


def brier(true, posteriors):
    """The definition: scikit-learn has that of several classes since 1.7."""
    return np.mean(np.sum((np.eye(posteriors.shape[1])[true] - posteriors) ** 2, 1))


def measure_by_scikit_learn(true, predicted, posteriors):
    bins = {"n_bins": 10, "strategy": "quantile"}
    confidence = posteriors[np.arange(len(true)), predicted]
    right, said = calibration_curve(true == predicted, confidence, **bins)
    edges = np.quantile(confidence, np.linspace(0, 1, 11))
    sizes = np.bincount(np.searchsorted(edges[1:-1], confidence))
    return {
        "UA": balanced_accuracy_score(true, predicted),
        "WA": accuracy_score(true, predicted),
        "macro F1": f1_score(true, predicted, average="macro"),
        "macro precision": precision_score(
            true, predicted, average="macro", zero_division=0
        ),
        "Cohen's kappa": cohen_kappa_score(true, predicted),
        "log loss": log_loss(true, posteriors),
        "Brier score": brier(true, posteriors),
        "ECE": np.sum(sizes[sizes > 0] * np.abs(right - said)) / len(true),
        "overconfidence": np.mean(confidence) - accuracy_score(true, predicted),
    }


def test_every_score_is_that_of_scikit_learn(result, scores):
    expected = measure_by_scikit_learn(result.true, result.predicted, result.posteriors)
    assert list(scores) == list(expected)
    for name, value in expected.items():
        assert scores[name]["pooled"] == pytest.approx(value, rel=1e-12)
        assert result.score(name) == scores[name]["pooled"]


def test_the_majority_is_a_dummy_classifier(result, scores):
    dummy = DummyClassifier(strategy="prior").fit(result.true, result.true)
    expected = measure_by_scikit_learn(
        result.true, dummy.predict(result.true), dummy.predict_proba(result.true)
    )
    for name in ("UA", "WA", "macro F1", "Cohen's kappa", "log loss", "Brier score"):
        assert scores[name]["majority"] == pytest.approx(expected[name], rel=1e-12)


def test_chance_is_what_guessing_reaches_on_average(result, scores):
    expected = {"UA": 1 / 3, "WA": 1 / 3, "Cohen's kappa": 0, "log loss": np.log(3)}
    for name, value in (expected | {"Brier score": 2 / 3, "ECE": 0}).items():
        assert scores[name]["chance"] == pytest.approx(value, abs=1e-12)
    generator = np.random.default_rng(0)
    true = np.tile(result.true, 200)
    guessed = f1_score(true, generator.integers(3, size=len(true)), average="macro")
    assert scores["macro F1"]["chance"] == pytest.approx(guessed, abs=0.005)


def test_every_score_has_an_interval_that_holds_it(scores):
    for row in scores.values():
        assert row["low"] <= row["pooled"] <= row["high"]
        assert row["low"] < row["high"]


def test_classes_have_recall_and_precision_of_scikit_learn(result):
    expected = precision_recall_fscore_support(result.true, result.predicted)
    rows = result.class_scores()
    for number, row in enumerate(rows):
        found = row["precision"], row["recall"], row["F1"], row["n"]
        assert found == pytest.approx([part[number] for part in expected])
        assert row["recall low"] <= row["recall"] <= row["recall high"]
        interval = result.confidence_interval("precision", label=row["class"])
        assert interval[1:] == (row["precision low"], row["precision high"])


def test_a_class_that_is_never_predicted_has_no_precision(result):
    predicted = np.where(result.predicted == 2, 0, result.predicted)
    row = dataclasses.replace(result, predicted=predicted).class_scores()[2]
    assert row["precision"] is None
    assert row["precision low"] is None
    assert row["recall"] == row["F1"] == 0


def test_the_interval_of_a_mean_over_predictions_is_that_of_their_sums(result):
    # Of equally many recordings each: Student's t over the speakers' own means, or
    # wider where draws say so.
    losses = -np.log(result.posteriors[np.arange(240), result.true])
    means = [losses[np.array(result.speakers) == f"s{i}"].mean() for i in range(8)]
    _, low, high = result.confidence_interval("log loss")
    half = t.ppf(0.975, 7) * np.std(means, ddof=1) / np.sqrt(8)
    assert low <= np.mean(means) - half + 1e-12
    assert high >= np.mean(means) + half - 1e-12
    assert high - low < 4 * half


def drop(result, speaker):
    """Leave out a speaker."""
    kept = np.array(result.speakers) != speaker
    fields = ("recordings", "folds", "runs", "predicted", "posteriors")
    parts = {name: getattr(result, name)[kept] for name in fields}
    return dataclasses.replace(result, **parts)


@pytest.fixture(scope="module")
def many():
    """Forty speakers, each with a habit and with other shares of the classes.

    The posteriors say too much where the system is unsure, and too little where it is
    sure. Half of the recordings are noisy, which some speakers bear better.
    """
    result = make_result(n_speakers=40, n=4000, skill=2.5)
    generator = np.random.default_rng(1)
    speakers = np.arange(4000) % 40
    is_habit = generator.random(4000) < generator.random(40)[speakers]
    result.true = np.where(is_habit, speakers % 3 // 2, result.true)
    shown = np.where(is_habit, speakers % 3 // 2, result.posteriors.argmax(axis=1))
    result.predicted = np.where(generator.random(4000) < 0.7, shown, result.predicted)
    confidence = 0.6 + 0.2 * result.posteriors.max(axis=1)
    result.posteriors = np.tile((1 - confidence)[:, np.newaxis] / 2, (1, 3))
    result.posteriors[np.arange(4000), result.predicted] = confidence
    fails = np.arange(4000) >= 2000
    noise = generator.random(4000) < 0.2 + 0.4 * generator.random(40)[speakers]
    result.columns["noise"] = fails.tolist()
    result.predicted = np.where(fails & noise, (result.true + 1) % 3, result.predicted)
    return result


def test_intervals_are_as_wide_as_the_jackknife_over_speakers_says(many):
    # Leaving out one speaker at a time needs no derivatives.
    rests = [drop(many, speaker) for speaker in sorted(set(many.speakers))]
    for name in [row["score"] for row in many.scores()]:
        error = np.sqrt(39) * np.std([rest.score(name) for rest in rests])
        interval = many.confidence_interval(name, level=0.6827)
        width = interval.high - interval.estimate
        assert 0.85 * error < width < 1.2 * error, name


def test_the_interval_of_a_gap_is_as_wide_as_the_jackknife_says(many):
    gaps = [drop(many, name).gap("noise").estimate for name in set(many.speakers)]
    gap = many.gap("noise")
    # With 39 degrees of freedom.
    expected = t.ppf(0.975, 39) * np.sqrt(39) * np.std(gaps)
    assert gap.low > 0
    assert 0.85 * expected < gap.high - gap.estimate < 1.2 * expected


def test_predictions_twice_are_no_new_information(result):
    fields = ("recordings", "folds", "runs", "predicted", "posteriors")
    doubled = {name: np.concatenate(2 * [getattr(result, name)]) for name in fields}
    twice = {
        row["score"]: row for row in dataclasses.replace(result, **doubled).scores()
    }
    for row in result.scores():
        for key in ("pooled", "low", "high", "majority"):
            assert twice[row["score"]][key] == pytest.approx(row[key], abs=1e-9)


@pytest.mark.parametrize("order", [[2, 0, 1], [1, 2, 0]])
def test_the_order_of_the_classes_does_not_matter(result, order):
    renamed = dataclasses.replace(
        result,
        labels=[LABELS[i] for i in order],
        true=np.argsort(order)[result.true],
        predicted=np.argsort(order)[result.predicted],
        posteriors=result.posteriors[:, order],
    )
    for row, other in zip(result.scores(), renamed.scores(), strict=True):
        for key in ("pooled", "low", "high", "chance", "majority"):
            assert row[key] == pytest.approx(other[key], abs=1e-9)


def test_without_posteriors_there_are_no_scores_of_them(result):
    silent = dataclasses.replace(result, posteriors=None)
    names = [row["score"] for row in silent.scores()]
    assert not set(PROBABILISTIC) & set(names)
    for ask in (silent.calibration, silent.coverage, lambda: silent.score("ECE")):
        with pytest.raises(ValueError, match="no predict_proba"):
            ask()


def test_two_speakers_have_scores_but_no_intervals(result):
    few = dataclasses.replace(result, speakers=["a", "b"] * 120)
    assert {row["low"] for row in few.scores()} == {None}
    assert "## Scores" in few.to_markdown()


def test_kappa_of_one_class_is_not_defined(result):
    silent = dataclasses.replace(
        result, true=np.zeros(240, int), predicted=np.zeros(240, int), posteriors=None
    )
    rows = {row["score"]: row for row in silent.scores()}
    assert rows["Cohen's kappa"]["pooled"] is None
    assert rows["UA"]["pooled"] == 1


def test_unknown_scores_and_labels_are_named(result):
    with pytest.raises(ValueError, match=r"score must be one of .*'macro F1'"):
        result.score("F2")
    with pytest.raises(ValueError, match=r"label must be one of \['anger'"):
        result.score("recall", label="fear")
    with pytest.raises(ValueError, match="Of one class there are"):
        result.score("UA", label="joy")


def test_systems_can_be_compared_by_every_score(result):
    other = make_result(skill=0.5)
    other.true = result.true
    for name in ("macro F1", "Cohen's kappa", "log loss"):
        difference = paired_difference(result, other, score=name)
        expected = result.score(name) - other.score(name)
        assert difference.interval.estimate == pytest.approx(expected)
        assert difference.p_value < 0.05
        assert wilcoxon_test(result, other, score=name) < 0.05
    assert compare(result, {"other": other}, score="macro F1").rows[0]["low"] > 0


class TestCalibration:
    def test_bins_are_those_of_scikit_learn(self, result):
        confidence = result.posteriors.max(axis=1)
        is_right = result.true == result.predicted
        for strategy in ("quantile", "uniform"):
            rows = result.calibration(n_bins=5, strategy=strategy)
            right, said = calibration_curve(
                is_right, confidence, n_bins=5, strategy=strategy
            )
            np.testing.assert_allclose([row["accuracy"] for row in rows], right)
            np.testing.assert_allclose([row["confidence"] for row in rows], said)
            assert sum(row["n"] for row in rows) == 240

    def test_the_error_of_a_result_is_that_of_the_metric(self, result):
        truth = np.array(LABELS)[result.true]
        error = expected_calibration_error(truth, result.posteriors, labels=LABELS)
        assert result.score("ECE") == pytest.approx(error)

    def test_a_system_that_is_too_sure_is_said_to_be(self):
        low, high = make_result(sharpness=6).confidence_interval("overconfidence")[1:]
        assert 0 < low < high
        sober = make_result(sharpness=1.5, sd=0)
        low, high = sober.confidence_interval("overconfidence")[1:]
        assert low < 0 < high

    def test_the_interval_of_the_error_holds_0_where_posteriors_are_right(self):
        # The posteriors are the true ones: softmax(1.5 x) for a shift of 1.5.
        n_covered = 0
        for seed in range(40):
            result = make_result(seed, sharpness=1.5, sd=0)
            interval = result.confidence_interval("ECE", n_resamples=199)
            assert interval.estimate > 0.01
            n_covered += interval.low <= 0.003
        assert n_covered >= 37


class TestCoverage:
    def test_the_most_confident_are_answered_first(self, result):
        truth = np.array(LABELS)[result.true]
        coverage, accuracy, thresholds = accuracy_coverage_curve(
            truth, result.posteriors, labels=LABELS
        )
        for row in result.coverage():
            place = np.flatnonzero(np.isclose(coverage, row["coverage"]))[0]
            assert row["accuracy"] == pytest.approx(accuracy[place])
            assert row["threshold"] == thresholds[place]
            assert row["low"] <= row["accuracy"] <= row["high"]

    def test_all_answers_have_wa_and_its_interval(self, result):
        row = result.coverage([1.0])[0]
        assert (row["n"], row["accuracy"]) == (240, pytest.approx(result.wa))
        _, low, high = result.confidence_interval("WA")
        assert (row["low"], row["high"]) == pytest.approx((low, high))

    def test_equal_confidences_are_answered_together(self, result):
        posteriors = np.tile([0.8, 0.1, 0.1], (240, 1))
        flat = dataclasses.replace(
            result, posteriors=posteriors, predicted=np.zeros(240, int)
        )
        assert [row["coverage"] for row in flat.coverage([0.1, 0.5])] == [1]
        assert len(flat.calibration()) == 1

    @pytest.mark.parametrize("coverage", [0, 1.1, -0.5])
    def test_coverages_are_shares(self, result, coverage):
        with pytest.raises(ValueError, match="above 0 and up to 1"):
            result.coverage([coverage])


class TestGroups:
    def test_a_group_is_scored_as_if_it_were_alone(self, result):
        rows = {row["sex"]: row for row in result.scores_by("sex")}
        which = np.array(result.columns["sex"]) == "female"
        alone = dataclasses.replace(
            result,
            recordings=result.recordings[which],
            predicted=result.predicted[which],
            posteriors=result.posteriors[which],
            folds=result.folds[which],
            runs=result.runs[which],
        )
        row = rows["female"]
        assert (row["n"], row["speakers"]) == (120, 4)
        assert (row["UA"], row["WA"]) == pytest.approx((alone.ua, alone.wa))
        interval = alone.confidence_interval()
        assert (row["low"], row["high"]) == pytest.approx(interval[1:])

    def test_groups_of_four_speakers_are_small_and_those_of_eight_are_not(self, result):
        assert all(row["small"] for row in result.scores_by("sex"))
        assert not any(row["small"] for row in result.scores_by("text"))

    def test_a_gap_needs_two_groups_that_are_not_small(self, result):
        with pytest.raises(ValueError, match="there are 0 of 2"):
            result.gap("sex")
        with pytest.raises(ValueError, match="one of the columns"):
            result.gap("speaker")

    def test_the_gap_is_that_between_the_best_and_the_worst(self, result):
        rows = {row["text"]: row["UA"] for row in result.scores_by("text")}
        gap = result.gap("text")
        assert gap.estimate == pytest.approx(max(rows.values()) - min(rows.values()))
        assert rows[gap.best] == max(rows.values())
        assert rows[gap.worst] == min(rows.values())
        assert gap.low <= gap.estimate <= gap.high

    def test_the_best_group_has_the_lowest_loss(self, result):
        losses = {}
        for text in set(result.columns["text"]):
            which = np.array(result.columns["text"]) == text
            losses[text] = log_loss(
                result.true[which], result.posteriors[which], labels=[0, 1, 2]
            )
        gap = result.gap("text", "log loss")
        assert gap.best == min(losses, key=losses.get)
        assert gap.estimate == pytest.approx(
            max(losses.values()) - min(losses.values())
        )

    def test_chance_alone_makes_no_gap_and_a_group_that_fails_does(self):
        n_covered = 0
        for seed in range(20):
            result = make_result(seed)
            n_covered += result.gap("text").low == 0
        assert n_covered >= 17
        worse = np.where(
            np.array(result.columns["text"]) == "t1",
            (result.true + 1) % 3,
            result.predicted,
        )
        gap = dataclasses.replace(result, predicted=worse).gap("text")
        assert gap.worst == "t1"
        assert gap.low > 0.3

    def test_columns_may_be_added_and_have_a_value_for_each_recording(self, result):
        own = dataclasses.replace(result, columns={})
        own.columns["half"] = [1] * 120 + [2] * 120
        assert [row["half"] for row in own.scores_by("half")] == [1, 2]
        assert len(own.to_frame("half")) == 2
        own.columns["half"] = [1, 2]
        with pytest.raises(ValueError, match="has 2 values, but there are 240"):
            own.scores_by("half")
        with pytest.raises(ValueError, match=r"result.columns\['age'\]"):
            own.scores_by("age")

    def test_what_is_not_known_of_a_recording_is_a_group_that_stands_last(self, result):
        own = dataclasses.replace(result, columns={"age": [30, None, 20] * 80})
        assert [row["age"] for row in own.scores_by("age")] == [20, 30, None]

    def test_columns_survive_saving_and_files_from_before_there_were_any_load(
        self, result, tmp_path
    ):
        result.save(tmp_path / "result.npz")
        loaded = load_result(tmp_path / "result.npz")
        assert loaded.columns == result.columns
        metadata, arrays = read_archive(tmp_path / "result.npz")
        del metadata["columns"]
        write_archive(tmp_path / "old.npz", metadata, arrays)
        old = load_result(tmp_path / "old.npz")
        assert old.columns == {}
        assert old.scores() == result.scores()
