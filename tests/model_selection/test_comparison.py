"""Two systems on the same recordings: tests, by hand and against references."""

import numpy as np
import pytest

from skser.model_selection import (
    compare,
    holm_adjust,
    mcnemar_test,
    paired_difference,
    wilcoxon_test,
)


def by_hits(make_result, hits):
    """Make a result from strings of 1 (right) and 0 (wrong), one a speaker."""
    table = {}
    for name, row in zip("abcdefghij", hits, strict=False):
        truth = ("AB" * len(row))[: len(row)]
        other = {"A": "B", "B": "A"}
        said = [t if h == "1" else other[t] for t, h in zip(truth, row, strict=True)]
        table[name] = truth, "".join(said)
    return make_result(table)


class TestMcNemar:
    def test_the_exact_p_value_is_that_computed_by_hand(self, make_result):
        # 7 against 1 of 8 discordant: 2 (C(8,0) + C(8,1)) / 2**8 = 18 / 256.
        first = by_hits(make_result, ["1111", "1110", "1111"])
        second = by_hits(make_result, ["0000", "0001", "1111"])
        test = mcnemar_test(first, second)
        assert (test.only_first, test.only_second) == (7, 1)
        assert test.p_value == pytest.approx(18 / 256)

    def test_it_is_symmetric(self, make_result):
        first = by_hits(make_result, ["1110"])
        second = by_hits(make_result, ["0001"])
        assert mcnemar_test(first, second).p_value == mcnemar_test(second, first)[2]

    def test_equal_systems_have_p_1(self, make_result):
        result = by_hits(make_result, ["1010"])
        assert mcnemar_test(result, result) == (0, 0, 1.0)

    def test_one_seed_is_compared(self, make_result):
        table = {"a": ("AABB", "AABA")}
        first = make_result(table, seeds=(0, 1))
        second = make_result(table, seeds=(5,))
        assert mcnemar_test(first, second, run=0).p_value == 1
        with pytest.raises(ValueError, match="run=1, but there are only 1"):
            mcnemar_test(first, second, run=1)

    def test_a_recording_that_was_tested_twice_is_refused(self, make_result):
        result = by_hits(make_result, ["1010"])
        result.recordings[1] = 0
        with pytest.raises(ValueError, match="in several folds"):
            mcnemar_test(result, result)


class TestWilcoxon:
    def test_the_exact_p_value_is_that_computed_by_hand(self, make_result):
        # All five speakers gain, by different amounts: 2 / 2**5.
        worse = by_hits(make_result, ["0000000000"] * 5)
        gains = ["1" * n + "0" * (10 - n) for n in (2, 4, 6, 8, 10)]
        better = by_hits(make_result, gains)
        assert wilcoxon_test(better, worse) == pytest.approx(2 / 32)
        assert wilcoxon_test(worse, better) == pytest.approx(2 / 32)

    def test_one_small_loss_weighs_little(self, make_result):
        # Ranks 1 (a loss) to 5: 2 P(W <= 1) = 2 * 2 / 2**5.
        base = by_hits(make_result, ["1100000000", *["0000000000"] * 4])
        gains = ["1" * n + "0" * (10 - n) for n in (0, 4, 6, 8, 10)]
        other = by_hits(make_result, gains)
        assert wilcoxon_test(other, base, score="WA") == pytest.approx(4 / 32)

    def test_equal_systems_have_p_1(self, make_result):
        result = by_hits(make_result, ["1010", "1111"])
        assert wilcoxon_test(result, result) == 1


class TestPairedDifference:
    def test_the_estimate_is_the_difference_of_the_pooled_scores(self, make_result):
        first = by_hits(make_result, ["1111", "1110", "1101", "1011"])
        second = by_hits(make_result, ["1010", "0110", "0101", "1011"])
        interval, p_value = paired_difference(first, second)
        assert interval.estimate == pytest.approx(first.ua - second.ua)
        assert interval.low < interval.estimate < interval.high
        assert 0 < p_value <= 1
        mirrored = paired_difference(second, first).interval
        np.testing.assert_allclose(
            mirrored, [-interval.estimate, -interval.high, -interval.low]
        )

    def test_pairing_makes_it_narrower_than_either_score(self, make_result):
        # Speakers differ a lot, the systems by one recording each.
        rows = ["1" * n + "0" * (20 - n) for n in (4, 8, 12, 16, 19)]
        better = [
            "1" * (n + m) + "0" * (20 - n - m)
            for n, m in zip((4, 8, 12, 16, 19), (1, 2, 1, 2, 1), strict=True)
        ]
        first, second = by_hits(make_result, better), by_hits(make_result, rows)
        interval, p_value = paired_difference(first, second, score="WA")
        single = first.confidence_interval("WA")
        assert interval.high - interval.low < (single.high - single.low) / 3
        assert interval.low > 0
        assert p_value < 0.05

    def test_equal_systems_do_not_differ(self, make_result):
        result = by_hits(make_result, ["1010", "1111", "1100"])
        assert paired_difference(result, result) == ((0, 0, 0), 1)


class TestHolm:
    @pytest.mark.parametrize(
        ("p_values", "adjusted"),
        [
            ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
            ([0.6, 0.7], [1, 1]),
            ([0.02], [0.02]),
            ([0.02, 0.02], [0.04, 0.04]),
        ],
    )
    def test_adjusted_values_are_those_computed_by_hand(self, p_values, adjusted):
        np.testing.assert_allclose(holm_adjust(p_values), adjusted)

    @pytest.mark.parametrize("p_values", [[0.1, 1.2], [np.nan], 0.5])
    def test_what_is_no_p_value_is_refused(self, p_values):
        with pytest.raises(ValueError, match="p_values must be a list"):
            holm_adjust(p_values)


def test_compare_adjusts_over_all_systems(make_result):
    best = by_hits(make_result, ["1111"] * 5)
    others = {
        "poor": by_hits(make_result, ["0000", "0001", "0011", "0010", "0000"]),
        "good": by_hits(make_result, ["1111", "1110", "1111", "1011", "1111"]),
    }
    comparison = compare(best, others)
    poor, good = comparison.rows
    assert poor["difference"] > good["difference"] > 0
    assert poor["McNemar p (Holm)"] == pytest.approx(2 * poor["McNemar p"])
    assert good["McNemar p (Holm)"] == pytest.approx(good["McNemar p"])
    assert "| poor |" in comparison.to_markdown()
    pytest.importorskip("pandas")
    assert list(comparison.to_frame().index) == ["poor", "good"]


def test_different_recordings_cannot_be_compared(make_result):
    first = by_hits(make_result, ["1010", "11"])
    second = by_hits(make_result, ["1010", "111"])
    for test in (mcnemar_test, wilcoxon_test, paired_difference):
        with pytest.raises(ValueError, match=r"first has 6, the second 7.* share 6"):
            test(first, second)
    with pytest.raises(ValueError, match="at least one result"):
        compare(first, {})
