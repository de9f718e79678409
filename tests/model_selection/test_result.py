"""Figures that follow from predictions, by hand and against scikit-learn."""

import builtins
import contextlib
import dataclasses

import numpy as np
import pytest
from scipy.stats import t
from sklearn.metrics import confusion_matrix, precision_score

from skser.metrics import unweighted_accuracy_score, weighted_accuracy_score
from skser.model_selection import EvaluationResult, load_result

# anna: A 2 of 3, B 1 of 1. bert: A 1 of 1, B 1 of 3. Pooled: A 3/4, B 2/4.
TABLE = {"anna": ("AAAB", "AABB"), "bert": ("ABBB", "AAAB")}


@pytest.fixture
def random_result():
    """Three classes, six speakers, two seeds, posteriors."""
    generator = np.random.default_rng(0)
    n = 90
    posteriors = generator.dirichlet([1, 1, 1], 2 * n)
    return EvaluationResult(
        labels=["a", "b", "c"],
        files=[f"{i}.wav" for i in range(n)],
        speakers=[f"s{i % 6}" for i in range(n)],
        true=generator.integers(3, size=n),
        recordings=np.tile(np.arange(n), 2),
        folds=np.tile(np.arange(n) % 6, 2),
        runs=np.repeat([0, 1], n),
        predicted=posteriors.argmax(axis=1),
        posteriors=posteriors,
        seeds=[7, 8],
        protocol={"splitter": "by hand", "versions": {"skser": "0"}},
    )


def test_pooled_figures_are_those_computed_by_hand(make_result):
    result = make_result(TABLE)
    np.testing.assert_array_equal(result.confusion_matrix(), [[3, 1], [2, 2]])
    assert result.ua == pytest.approx((3 / 4 + 2 / 4) / 2)
    assert result.wa == pytest.approx(5 / 8)
    assert result.recalls() == {"A": 0.75, "B": 0.5}
    assert result.macro_precision == pytest.approx((3 / 5 + 2 / 3) / 2)


def test_scores_of_speakers_are_those_computed_by_hand(make_result):
    anna, bert = make_result(TABLE).scores_by("speaker")
    assert anna == {"speaker": "anna", "n": 4, "UA": pytest.approx(5 / 6), "WA": 0.75}
    assert bert == {"speaker": "bert", "n": 4, "UA": pytest.approx(2 / 3), "WA": 0.5}


def test_mean_and_deviation_over_speakers_stand_beside_the_pooled_score(make_result):
    row = make_result(TABLE).summary()[0]
    assert row["pooled"] == pytest.approx(0.625)
    assert row["mean over speakers"] == pytest.approx(0.75)
    assert row["sd over speakers"] == pytest.approx(np.std([5 / 6, 2 / 3], ddof=1))
    assert row["sd over seeds"] is None


def test_figures_agree_with_scikit_learn(random_result):
    columns = random_result.predictions()
    pair = columns["true"], columns["predicted"]
    assert random_result.ua == pytest.approx(unweighted_accuracy_score(*pair))
    assert random_result.wa == pytest.approx(weighted_accuracy_score(*pair))
    assert random_result.macro_precision == pytest.approx(
        precision_score(*pair, average="macro", zero_division=0)
    )
    np.testing.assert_array_equal(
        random_result.confusion_matrix(), confusion_matrix(*pair)
    )


def test_a_class_that_is_never_predicted_has_precision_0(make_result):
    result = make_result({"x": ("AAB", "AAA")})
    assert result.macro_precision == pytest.approx((2 / 3 + 0) / 2)


def test_a_class_without_recordings_has_no_recall(make_result):
    result = make_result({"x": ("AAB", "AAC")}, labels="ABC")
    assert result.ua == 0.5
    assert np.isnan(result.recalls()["C"])


def test_the_pooled_score_of_several_seeds_is_the_mean_of_theirs(random_result):
    per_seed = [row["UA"] for row in random_result.scores_by("seed")]
    assert random_result.ua == pytest.approx(np.mean(per_seed))
    assert [row["seed"] for row in random_result.scores_by("seed")] == [7, 8]


def test_a_saved_result_comes_back_whole(random_result, tmp_path):
    path = tmp_path / "new folder" / "result.npz"
    random_result.save(path)
    loaded = load_result(path)
    assert loaded.predictions() == random_result.predictions()
    assert loaded.protocol == random_result.protocol
    assert loaded.to_markdown() == random_result.to_markdown()
    assert [file.name for file in path.parent.iterdir()] == ["result.npz"]


def test_integer_labels_and_unknown_speakers_survive_saving(make_result, tmp_path):
    result = make_result(TABLE)
    result.labels, result.speakers = [3, 5], None
    result.save(tmp_path / "result.npz")
    loaded = load_result(tmp_path / "result.npz")
    assert loaded.predictions()["true"][:4] == [3, 3, 3, 5]
    assert loaded.speakers is None
    assert "## Speakers" not in loaded.to_markdown()


def test_no_byte_of_a_file_can_change_unnoticed(make_result, tmp_path):
    path = tmp_path / "result.npz"
    result = make_result(TABLE)
    result.save(path)
    whole = path.read_bytes()
    for position in range(0, len(whole), 29):
        harmed = bytearray(whole)
        harmed[position] ^= 0x5A
        path.write_bytes(harmed)
        # Some bytes are without meaning, such as the times in the archive.
        with contextlib.suppress(ValueError):
            assert load_result(path).predictions() == result.predictions()


def test_a_truncated_file_and_another_file_are_refused(make_result, tmp_path):
    path = tmp_path / "result.npz"
    make_result(TABLE).save(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="damaged"):
        load_result(path)
    np.savez(path, x=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="not a file of skser's"):
        load_result(path)


def test_a_later_format_is_refused(make_result, tmp_path):
    result = make_result(TABLE)
    result.format_version = 2
    result.save(tmp_path / "result.npz")
    with pytest.raises(ValueError, match="Update skser"):
        load_result(tmp_path / "result.npz")


def test_a_failure_while_saving_leaves_the_old_file(make_result, tmp_path, monkeypatch):
    path = tmp_path / "result.npz"
    make_result(TABLE).save(path)

    def fail(*arguments, **keywords):
        raise OSError("no space left")

    monkeypatch.setattr("skser.storage._archive.zipfile.ZipFile", fail)
    with pytest.raises(OSError, match="no space left"):
        make_result({"x": ("AB", "AB")}).save(path)
    monkeypatch.undo()
    assert load_result(path).wa == 5 / 8
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("table", "n_rows"),
    [
        ("predictions", 180),
        ("summary", 3),
        ("scores", 9),
        ("classes", 3),
        ("calibration", 10),
        ("coverage", 10),
        ("speaker", 6),
        ("fold", 6),
        ("seed", 2),
        ("confusion", 3),
    ],
)
def test_every_table_is_a_data_frame(random_result, table, n_rows):
    pytest.importorskip("pandas")
    assert len(random_result.to_frame(table)) == n_rows


def test_the_confusion_frame_has_true_classes_as_rows(make_result):
    pytest.importorskip("pandas")
    frame = make_result(TABLE).to_frame("confusion")
    assert frame.loc["A", "B"] == 1
    assert frame.loc["B", "A"] == 2


def test_without_pandas_it_is_said_what_works(make_result, monkeypatch):
    real_import = builtins.__import__

    def no_pandas(name, *arguments, **keywords):
        if name == "pandas":
            raise ImportError(name)
        return real_import(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", no_pandas)
    with pytest.raises(ImportError, match=r"need pandas.* Without it, to_markdown"):
        make_result(TABLE).to_frame()


def test_markdown_shows_protocol_headline_and_confusion(random_result):
    report = random_result.to_markdown()
    for text in ("`by hand`", "skser 0", "| UA | ", "## Speakers", "## Seeds"):
        assert text in report
    assert f"{random_result.ua:.3f}" in report


def test_in_print_a_result_is_one_line_and_in_notebooks_its_tables(random_result):
    assert len(str(random_result).splitlines()) == 1
    assert len(str(random_result)) < 120
    random_result.labels[0] = "<b>"
    page = random_result._repr_html_()
    assert f"{random_result.ua:.3f}" in page
    assert page.count("<table>") == page.count("</table>") == 6
    assert "&lt;b&gt;" in page
    assert "<b>" not in page


def test_a_part_of_the_predictions_can_be_counted(random_result):
    first = random_result.confusion_matrix(random_result.runs == 0)
    second = random_result.confusion_matrix(random_result.runs == 1)
    assert first.sum() == second.sum() == 90
    np.testing.assert_array_equal(first + second, random_result.confusion_matrix())


def test_unknown_names_are_refused(make_result):
    result = make_result(TABLE)
    with pytest.raises(ValueError, match="by must be one of"):
        result.scores_by("text")
    with pytest.raises(ValueError, match="score must be one of"):
        result.speaker_counts("accuracy")
    with pytest.raises(ValueError, match="table must be one of"):
        result.to_frame("all")
    with pytest.raises(ValueError, match="level must be between 0 and 1"):
        result.confidence_interval(level=95)


class TestIntervals:
    def test_the_same_seed_gives_the_same_interval(self, random_result):
        first, second = (random_result.confidence_interval() for _ in range(2))
        assert first == second
        assert first.low < first.estimate < first.high
        assert first != random_result.confidence_interval(random_state=1)

    def test_a_higher_level_is_wider(self, random_result):
        narrow, wide = (
            random_result.confidence_interval(level=level) for level in (0.5, 0.99)
        )
        assert wide.low < narrow.low < narrow.high < wide.high

    def test_speakers_count_not_recordings(self, random_result):
        # Each prediction twice is no new information on speakers.
        fields = ("recordings", "folds", "runs", "predicted", "posteriors")
        doubled = {
            name: np.concatenate(2 * [getattr(random_result, name)]) for name in fields
        }
        twice = dataclasses.replace(random_result, **doubled)
        assert len(twice.speaker_counts("WA")[0]) == 6
        np.testing.assert_allclose(
            twice.confidence_interval("WA"), random_result.confidence_interval("WA")
        )

    @pytest.mark.parametrize("score", ["UA", "WA"])
    def test_a_speaker_counts_as_often_as_drawn(self, random_result, score):
        # The definition: repeat the speakers of each draw, with all their recordings.
        n, level = 200, 0.9
        found = random_result.confidence_interval(score, level=level, n_resamples=n)
        correct, total = random_result.speaker_counts(score)[1]

        def measure(chosen):
            right, all_ = correct[chosen], total[chosen]
            recalls = right.sum(axis=0) / all_.sum(axis=0)
            errors = (right - recalls * all_) / all_.sum(axis=0)
            spread = np.sum(errors.mean(axis=1) ** 2)
            return recalls.mean(), np.sqrt(6 / 5 * spread)

        draws = np.random.RandomState(0).multinomial(6, np.full(6, 1 / 6), size=n)
        estimate, error = measure(np.arange(6))
        measured = [measure(np.repeat(np.arange(6), draw)) for draw in draws]
        deviations = [(s - estimate) / e for s, e in measured if e > 1e-12]
        upper, lower = np.quantile(deviations, [0.95, 0.05])
        tail = t.ppf(0.95, 5)
        expected = (
            estimate,
            estimate - error * max(upper, tail),
            estimate - error * min(lower, -tail),
        )
        np.testing.assert_allclose(found, expected)

    def test_bounds_stay_within_0_and_1(self, make_result):
        table = {"a": ("AAAB", "AAAB"), "b": ("AAAB", "AAAB"), "c": ("AB", "BB")}
        interval = make_result(table).confidence_interval("WA")
        assert 0 <= interval.low <= interval.high <= 1

    def test_three_speakers_are_trusted_no_more_than_students_t_allows(
        self, make_result
    ):
        # Two of the three are alike, so that many draws have no spread at all.
        hits = {"x": 12, "y": 12, "z": 10}
        table = {name: ("A" * 24, "A" * n + "B" * (24 - n)) for name, n in hits.items()}
        interval = make_result(table).confidence_interval("WA")
        shares = np.array(list(hits.values())) / 24
        half = t.ppf(0.975, 2) * np.std(shares, ddof=1) / np.sqrt(3)
        assert interval.low <= shares.mean() - half + 1e-12
        assert interval.high >= shares.mean() + half - 1e-12

    def test_equal_speakers_leave_a_point(self, make_result):
        table = dict.fromkeys("abcd", ("AABB", "AABB"))
        assert make_result(table).confidence_interval() == (1, 1, 1)

    def test_two_speakers_are_not_enough(self, make_result):
        with pytest.raises(ValueError, match="at least 3 speakers, got 2"):
            make_result(TABLE).confidence_interval()

    def test_unknown_speakers_are_not_invented(self, make_result):
        result = make_result(TABLE)
        result.speakers = None
        with pytest.raises(ValueError, match="corpus had no groups"):
            result.confidence_interval()

    def test_ninety_five_percent_intervals_cover_the_truth_as_often(self, make_result):
        # The wide net; tests/benchmarks/bench_intervals.py is the fine one.
        generator = np.random.default_rng(0)
        n_covered = 0
        for _ in range(200):
            hits = generator.binomial(50, generator.beta(6, 4, size=10)).tolist()
            table = {
                i: ("A" * 50, "A" * n + "B" * (50 - n)) for i, n in enumerate(hits)
            }
            result = make_result(table)
            low, high = result.confidence_interval("WA", n_resamples=499)[1:]
            n_covered += low <= 0.6 <= high
        assert 0.9 <= n_covered / 200 <= 0.99
