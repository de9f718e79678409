"""Evaluation of numbers, such as arousal and valence."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from scipy.stats import pearsonr, wilcoxon
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import mean_absolute_error, root_mean_squared_error
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.neural_network import MLPRegressor
from sklearn.utils import Bunch

from skser.metrics import (
    concordance_correlation_coefficient,
    pearson_correlation_coefficient,
)
from skser.model_selection import (
    EvaluationResult,
    FixedSplit,
    IncompleteEvaluationError,
    LeaveOneSpeakerOut,
    RegressionResult,
    compare,
    compare_conditions,
    evaluate,
    evaluate_across,
    evaluate_under,
    load_result,
    mcnemar_test,
    paired_difference,
    speaker_learning_curve,
    speakers_needed,
    wilcoxon_test,
)
from skser.plotting import RegressionDisplay, ScoreDisplay

METRICS = {
    "CCC": concordance_correlation_coefficient,
    "PCC": pearson_correlation_coefficient,
    "RMSE": root_mean_squared_error,
    "MAE": mean_absolute_error,
}


def draw_corpus(n_speakers=12, n_recordings=10, seed=0):
    """Make rows that tell of arousal well, and of valence less."""
    generator = np.random.default_rng(seed)
    n = n_speakers * n_recordings
    X = generator.normal(size=(n, 4))
    habits = generator.normal(0, 0.3, n_speakers).repeat(n_recordings)
    return Bunch(
        data=X,
        target=np.tile(["calm", "glad"], n // 2),
        groups=np.repeat([f"s{i:02}" for i in range(n_speakers)], n_recordings),
        arousal=3 + X[:, 0] + habits + generator.normal(0, 0.5, n),
        valence=10 * (X[:, 1] + generator.normal(0, 1.5, n)),
        sex=np.repeat(["female", "male"], n // 2),
    )


@pytest.fixture(scope="module")
def corpus():
    return draw_corpus()


@pytest.fixture(scope="module")
def result(corpus):
    return evaluate(Ridge(), corpus, target=["arousal", "valence"])


@pytest.fixture(scope="module")
def worse(corpus):
    return evaluate(Ridge(300), corpus, target=["arousal", "valence"])


class TestFigures:
    @pytest.mark.parametrize("score", METRICS)
    def test_scores_are_those_of_the_metrics(self, result, score):
        true, predicted = result.true[result.recordings], result.predicted
        expected = METRICS[score](true, predicted, multioutput="raw_values")
        rows = [row for row in result.scores() if row["score"] == score]
        assert [row["target"] for row in rows] == ["arousal", "valence", "mean"]
        found = [row["pooled"] for row in rows]
        assert_allclose(found, [*expected, expected.mean()], rtol=1e-12)
        assert_allclose(result.score(score, target="valence"), expected[1])
        assert_allclose(getattr(result, score.lower()), expected.mean())

    def test_pearson_is_that_of_scipy(self, result):
        expected = pearsonr(result.true[result.recordings, 0], result.predicted[:, 0])
        assert_allclose(result.score("PCC", target="arousal"), expected.statistic)

    def test_predictions_are_those_of_scikit_learn(self, corpus, result):
        y = np.stack([corpus.arousal, corpus.valence], axis=1)
        expected = cross_val_predict(
            Ridge(), corpus.data, y, groups=corpus.groups, cv=GroupKFold(12)
        )
        order = np.argsort(result.recordings)
        assert_allclose(result.predicted[order], expected)
        assert_array_equal(result.true, y)

    def test_scores_of_a_speaker_are_of_the_recordings_of_the_speaker(self, result):
        rows = result.scores_by("speaker")
        assert len(rows) == 12 * 3
        which = np.array(result.predictions()["speaker"]) == "s03"
        true = result.true[result.recordings][which]
        (row,) = [
            row
            for row in rows
            if row["speaker"] == "s03" and row["target"] == "valence"
        ]
        for score, metric in METRICS.items():
            expected = metric(true[:, 1], result.predicted[which, 1])
            assert_allclose(row[score], expected)

    def test_groups_have_intervals_and_a_gap(self, result):
        rows = result.scores_by("sex")
        assert [row["sex"] for row in rows] == ["female"] * 3 + ["male"] * 3
        assert all(row["low"] < row["CCC"] < row["high"] for row in rows)
        gap = result.gap("sex")
        means = [row["CCC"] for row in rows if row["target"] == "mean"]
        assert_allclose(gap.estimate, abs(means[0] - means[1]))

    def test_the_baseline_is_the_mean_of_the_training_part(self, corpus):
        constant = evaluate(DummyRegressor(), corpus, target="arousal")
        for row in constant.scores():
            if row["score"] != "PCC":
                assert_allclose(row["training mean"], row["pooled"])
        assert -0.2 < constant.ccc <= 0

    def test_right_predictions_agree_and_constants_do_not(self, corpus):
        columns = {"first": corpus.data[:, 0].tolist()}
        right = evaluate(LinearRegression(), corpus, columns=columns, target="first")
        assert_allclose(right.ccc, 1)
        fixed = evaluate(
            DummyRegressor(strategy="constant", constant=2.0), corpus, target="arousal"
        )
        assert_allclose([fixed.ccc, fixed.pcc], 0, atol=1e-12)

    def test_scores_do_not_depend_on_where_the_scale_begins(self, result):
        true, predicted = result.true + 1e6, result.predicted + 1e6
        shifted = RegressionResult(
            **{**vars(result), "true": true, "predicted": predicted}
        )
        for score in METRICS:
            assert_allclose(shifted.score(score), result.score(score), rtol=1e-6)

    def test_one_recording_of_a_speaker_has_no_correlation(self):
        corpus = draw_corpus(n_speakers=6)
        keep = [*range(50), 50]
        rows = {k: np.asarray(v)[keep] for k, v in corpus.items()}
        result = evaluate(Ridge(), Bunch(**rows), target="arousal")
        last = result.scores_by("speaker")[-1]
        assert (last["n"], last["CCC"], last["PCC"]) == (1, None, None)
        assert last["RMSE"] > 0
        assert np.isfinite(result.summary()[0]["mean over speakers"])

    def test_several_seeds_are_pooled(self, corpus):
        network = MLPRegressor(hidden_layer_sizes=(2,), max_iter=20)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = evaluate(
                network, corpus, GroupKFold(2), target="arousal", seeds=[0, 1]
            )
        by_seed = [row["CCC"] for row in result.scores_by("seed")]
        assert len(result.predicted) == 240
        assert by_seed[0] != by_seed[1]
        assert_allclose(result.summary()[0]["mean over seeds"], np.mean(by_seed))


class TestIntervals:
    @pytest.mark.parametrize("score", METRICS)
    def test_slopes_are_those_of_finite_differences(self, result, score):
        measure = result.find_measure(score)
        _, (sums, totals) = result.speaker_counts(score)
        # Of a single speaker, since means of all are 0.
        ratios = sums[3] / totals[3]
        occurs = np.ones((1, len(ratios)), dtype=bool)
        _, slopes = measure.combine(ratios[np.newaxis], occurs)
        steps = 1e-6 * np.eye(len(ratios))
        high, low = (
            measure.combine(ratios + sign * steps, np.repeat(occurs, len(ratios), 0))[0]
            for sign in (1, -1)
        )
        assert_allclose(slopes[0], (high - low) / 2e-6, rtol=1e-5, atol=1e-6)

    def test_the_interval_is_near_that_of_brute_force(self):
        result = evaluate(Ridge(), draw_corpus(n_speakers=40), target="valence")
        units = np.array(result.predictions()["speaker"])
        parts = [np.flatnonzero(units == name) for name in sorted(set(units))]
        true = result.true[result.recordings, 0]
        generator = np.random.default_rng(0)
        drawn = []
        for _ in range(1000):
            rows = np.concatenate([parts[i] for i in generator.integers(40, size=40)])
            drawn.append(
                concordance_correlation_coefficient(
                    true[rows], result.predicted[rows, 0]
                )
            )
        interval = result.confidence_interval("CCC")
        expected = np.quantile(drawn, [0.025, 0.975])
        assert_allclose(interval[1:], expected, atol=0.15 * np.diff(expected)[0])
        assert_allclose(interval.estimate, result.ccc)

    def test_two_speakers_are_too_few(self):
        result = evaluate(Ridge(), draw_corpus(n_speakers=2), target="arousal")
        assert result.scores()[0]["low"] is None
        with pytest.raises(ValueError, match="at least 3 speakers"):
            result.confidence_interval()


class TestComparison:
    def test_the_difference_is_that_of_the_scores(self, result, worse):
        found = paired_difference(result, worse).interval
        assert_allclose(found.estimate, result.ccc - worse.ccc)
        assert found.low < found.estimate < found.high

    def test_wilcoxon_is_that_of_scipy(self, result, worse):
        one, other = result.of_target("arousal"), worse.of_target("arousal")
        scores = [[row["RMSE"] for row in r.scores_by("speaker")] for r in (one, other)]
        expected = wilcoxon(*scores).pvalue
        assert_allclose(wilcoxon_test(one, other, score="RMSE"), expected)

    def test_the_table_has_no_test_of_classes(self, result, worse):
        (row,) = compare(result, {"worse": worse}, difference=None).rows
        assert "bootstrap p" in row
        assert "McNemar p" not in row
        with pytest.raises(ValueError, match="for classes: a number is not right"):
            mcnemar_test(result, worse)

    def test_speakers_needed_takes_differences_of_errors_above_one(self, result, worse):
        assert speakers_needed(result, worse, score="RMSE", difference=2).n_speakers

    def test_targets_and_tasks_are_not_mixed(self, corpus, result):
        classes = evaluate(LogisticRegression(), corpus)
        with pytest.raises(ValueError, match="if both are of classes or both of n"):
            paired_difference(result, classes)
        with pytest.raises(ValueError, match="on the same targets"):
            paired_difference(result.of_target("arousal"), result.of_target("valence"))


class TestProtocols:
    def test_conditions_and_curves_take_regressors(self):
        corpus = draw_corpus(n_speakers=4)
        signals = np.repeat(corpus.data, 300, axis=1)
        results = evaluate_under(
            Ridge(),
            signals,
            corpus.arousal,
            groups=corpus.groups,
            perturbations={"silence": lambda signal, rate: 0 * signal},
        )
        clean, silence = compare_conditions(results).rows
        assert clean["CCC"] > 0.5
        assert_allclose(silence["CCC"], 0, atol=0.2)
        curve = speaker_learning_curve(
            Ridge(), corpus, target="arousal", n_speakers=[1, 3]
        )
        assert [type(one) for one in curve.values()] == [RegressionResult] * 2

    def test_a_checkpoint_is_of_its_targets(self, corpus, tmp_path, capsys):
        for target, n_kept in (("arousal", 0), ("arousal", 2), ("valence", 0)):
            evaluate(
                Ridge(),
                corpus,
                GroupKFold(2),
                target=target,
                checkpoint=tmp_path,
                verbose=1,
            )
            lines = capsys.readouterr().err
            assert lines.count("from its checkpoint") == n_kept
            assert lines.count("CCC 0.") == 2 - n_kept

    def test_a_number_of_folds_is_not_stratified(self, corpus):
        ratings = np.round(corpus.arousal)
        assert len(set(ratings)) < 10
        result = evaluate(Ridge(), corpus.data, ratings, cv=3)
        assert_array_equal(np.bincount(result.folds), 40)
        assert_array_equal(np.diff(result.recordings), 1)

    def test_a_share_for_validation_needs_no_classes(self, corpus):
        split = FixedSplit(np.repeat(["train", "test"], 60), validation=0.2)
        (parts,) = split.split_with_validation(corpus.data, corpus.arousal)
        assert [len(part) for part in parts] == [48, 12, 60]

    def test_validation_recordings_reach_the_system(self, corpus):
        class Validated(Ridge):
            def fit(self, X, y, X_val=None, y_val=None):
                assert y_val.shape == (10, 2)
                return super().fit(X, y)

        cv = LeaveOneSpeakerOut(validation="rotate")
        targets = ["arousal", "valence"]
        assert evaluate(Validated(), corpus, cv, target=targets).ccc > 0

    def test_a_classifier_can_be_given_another_column(self, corpus):
        result = evaluate(LogisticRegression(), corpus, target="sex")
        assert isinstance(result, EvaluationResult)
        assert result.labels == ["female", "male"]

    @pytest.mark.parametrize("shape", [(120,), (120, 1), (120, 2)])
    def test_targets_have_names(self, corpus, shape):
        y = np.resize(corpus.arousal, shape)
        result = evaluate(Ridge(), corpus.data, y, groups=corpus.groups)
        assert result.targets == (["y0", "y1"] if shape == (120, 2) else ["y"])
        names = ["dominance", "liking"][: len(result.targets)]
        named = evaluate(
            Ridge(),
            corpus.data,
            pd.DataFrame(y.reshape(120, -1), columns=names),
            groups=corpus.groups,
        )
        assert named.targets == names

    def test_texts_of_a_table_are_read_as_numbers(self, corpus):
        texts = {**corpus, "arousal": [f"{x:.6f}" for x in corpus.arousal]}
        result = evaluate(Ridge(), texts, target="arousal")
        assert_allclose(result.true[:, 0], corpus.arousal, atol=1e-6)

    def test_rows_may_be_sparse(self, corpus):
        X = csr_matrix(corpus.data)
        sparse, dense = (
            evaluate(Ridge(solver="lsqr"), table, corpus.arousal, groups=corpus.groups)
            for table in (X, corpus.data)
        )
        assert_allclose(sparse.predicted, dense.predicted, atol=1e-3)

    def test_predicted_columns_are_no_groups(self, result):
        assert list(result.columns) == ["sex"]


class TestWrongInput:
    @pytest.mark.parametrize(
        ("system", "options", "message"),
        [
            (Ridge(), {}, "corpus.target has classes, .* are arousal, valence"),
            (Ridge(), {"target": "dominance"}, "no column 'dominance'; .*arousal"),
            (Ridge(), {"target": "sex"}, "'sex' has 'female', which is no number"),
            (Ridge(), {"target": ["arousal"] * 2}, "must have different names"),
            (Ridge(), {"target": 3}, "target must be a name"),
            (Ridge(), {"target": []}, "must name a column"),
            (LogisticRegression(), {"target": "arousal"}, "is a classifier, but the c"),
            (LogisticRegression(), {"target": ["sex", "text"]}, "no column 'text'"),
            (
                LogisticRegression(),
                {"target": ["arousal", "valence"]},
                "is a classifier, but 2 targets .* make_system",
            ),
        ],
    )
    def test_a_target_that_cannot_be_predicted(self, corpus, system, options, message):
        with pytest.raises(ValueError, match=message):
            evaluate(system, corpus, **options)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda y: y[:5], r"a row for each of the 120 .*\(5,\)"),
            (lambda y: y[:, np.newaxis, np.newaxis], r"\(120, 1, 1\)"),
            (lambda y: [None, *y[1:]], "1 of 120 .*the first is number 0"),
            (lambda y: np.where(y > 3, y, np.nan), "of 120 recordings have no number"),
            (lambda y: np.full(120, np.nan), "all are missing"),
            (lambda y: np.where(y > 3, y, np.inf), "must be finite"),
            (lambda y: y.astype(str), "A regressor predicts numbers, but y has '"),
        ],
    )
    def test_numbers_that_cannot_be_learnt(self, corpus, change, message):
        with pytest.raises(ValueError, match=message):
            evaluate(Ridge(), corpus.data, change(corpus.arousal), groups=corpus.groups)

    def test_columns_of_a_corpus_of_waveforms_are_named(self, corpus):
        waveforms = [np.zeros(10 + i) for i in range(len(corpus.data))]
        with pytest.raises(ValueError, match=r"numbers are arousal, valence\. Or"):
            evaluate(Ridge(), Bunch(**{**corpus, "data": waveforms}))

    def test_a_classifier_is_not_given_fractions(self, corpus):
        with pytest.raises(ValueError, match="Pass a regressor"):
            evaluate(LogisticRegression(), corpus.data, corpus.arousal)

    def test_across_corpora_there_are_classes_only(self, corpus):
        with pytest.raises(ValueError, match="evaluate_across is for classifiers"):
            evaluate_across(Ridge(), {"one": corpus, "two": corpus})

    @pytest.mark.parametrize(
        ("answer", "message"),
        [(np.nan, "20 predictions of Broken are NaN"), ([[1, 2]], "predicts an array")],
    )
    def test_predictions_that_cannot_be_used_fail_their_fold(
        self, corpus, answer, message
    ):
        class Broken(Ridge):
            def predict(self, X):
                if X[0, 0] != corpus.data[0, 0]:
                    return super().predict(X)
                return np.repeat(answer, 20, axis=0)

        cv = GroupKFold(6)
        with pytest.raises(IncompleteEvaluationError, match=message) as failed:
            evaluate(Broken(), corpus, cv, target="arousal")
        assert len(failed.value.result.predicted) == 100


class TestFiles:
    def test_a_saved_result_is_read_as_it_was(self, result, tmp_path):
        result.save(tmp_path / "result.npz")
        again = load_result(tmp_path / "result.npz")
        assert isinstance(again, RegressionResult)
        assert again.scores() == result.scores()
        assert again.predictions() == result.predictions()

    def test_tables_are_data_frames(self, result):
        frame = result.to_frame()
        assert_allclose(frame["predicted valence"], result.predicted[:, 1])
        assert result.to_frame("summary").index.tolist()[-1] == "mean"
        assert set(result.to_frame("sex")["target"]) == {"arousal", "valence", "mean"}
        with pytest.raises(ValueError, match="table must be one of"):
            result.to_frame("confusion")

    def test_how_figures_came_about_is_said(self, result):
        assert "in arousal and valence" in result.methods()
        assert "CCC is the concordance" in result.methods()
        assert "| arousal | CCC |" in result.to_markdown()
        assert "<table>" in result._repr_html_()


class TestReport:
    def test_a_folder_has_all_documents(self, result, tmp_path):
        (tmp_path / "model.skser").write_bytes(b"model")
        curve = {2: result, 4: result}
        conditions = {"clean": result, "noise": result}
        paths = result.report(
            tmp_path / "report",
            conditions=conditions,
            learning_curve=curve,
            model=tmp_path / "model.skser",
        )
        names = [path.name for path in paths]
        for name in ("report.html", "report.md", "tables.tex", "predictions.csv"):
            assert name in names
        assert "bland_altman_2.svg" in names
        text = (tmp_path / "report" / "report.md").read_text()
        ccc = result.score("CCC", target="arousal")
        assert f"CCC of arousal is {ccc:.3f}, with a 95 % interval" in text
        assert "The gap in CCC between the best group" in text
        assert "Compared with 'clean' most is lost under" in text
        assert "UA" not in text
        card = (tmp_path / "report" / "README.md").read_text()
        assert "It predicts arousal and valence of recordings" in card
        header = (tmp_path / "report" / "predictions.csv").read_text().split("\n")[0]
        assert header.endswith("true valence,predicted valence")

    @pytest.mark.parametrize("name", ["report.html", "report.md", "report.tex"])
    def test_a_single_file_is_written(self, result, tmp_path, name):
        (path,) = result.of_target("valence").report(tmp_path / name)
        assert "CCC" in path.read_text()


class TestDisplays:
    @pytest.fixture(autouse=True)
    def close(self):
        yield
        pytest.importorskip("matplotlib.pyplot").close("all")

    def test_predictions_are_shown_over_true_values(self, result):
        display = RegressionDisplay.from_result(result, target="valence")
        offsets = np.asarray(display.points_.get_offsets())
        assert_allclose(offsets[:, 0], result.predicted[:, 1])
        assert_allclose(offsets[:, 1], result.true[result.recordings, 1])
        assert display.ax_.get_ylabel() == "True valence"

    def test_bland_altman_has_the_limits_of_agreement(self, result):
        display = RegressionDisplay.from_result(result, kind="bland_altman")
        difference = result.predicted[:, 0] - result.true[result.recordings, 0]
        heights = [line.get_ydata()[0] for line in display.lines_]
        bias, width = difference.mean(), 1.96 * difference.std()
        assert_allclose(heights, [bias, bias - width, bias + width])

    def test_scores_of_groups_are_shown(self, result):
        display = ScoreDisplay.from_result(result, "sex")
        expected = [
            row["CCC"] for row in result.scores_by("sex") if row["target"] == "mean"
        ]
        assert_allclose(display.points_.get_xdata(), expected)
        assert display.ax_.get_xlabel() == "CCC"

    def test_what_cannot_be_shown_is_said(self, result):
        with pytest.raises(ValueError, match="kind must be one of"):
            RegressionDisplay.from_result(result, kind="residuals")
        with pytest.raises(ValueError, match="target must be one of"):
            RegressionDisplay.from_result(result, target="liking")
        with pytest.raises(ValueError, match="1d array"):
            RegressionDisplay.from_predictions(result.true, result.predicted)
