"""How many speakers are needed: against formulas and against what is reached."""

import numpy as np
import pytest
from scipy.stats import norm

from skser.model_selection import (
    EvaluationResult,
    compare,
    paired_difference,
    speakers_needed,
)

N = 200


def by_hits(hits):
    """Make a result of N recordings a speaker from their numbers of right answers."""
    n_speakers = len(hits)
    right = np.concatenate([np.arange(N) < n for n in hits])
    true = np.tile([0, 1], n_speakers * N // 2)
    return EvaluationResult(
        labels=["A", "B"],
        files=[f"{i}.wav" for i in range(len(true))],
        speakers=np.repeat([f"s{i:02}" for i in range(n_speakers)], N).tolist(),
        true=true,
        recordings=np.arange(len(true)),
        folds=np.repeat(np.arange(n_speakers), N),
        runs=np.zeros(len(true), int),
        predicted=np.where(right, true, 1 - true),
        posteriors=None,
        seeds=[None],
        protocol={},
    )


@pytest.fixture(scope="module")
def pair():
    """Two systems on 20 speakers, whose differences are normal, sd 0.1, mean 0.2."""
    quantiles = norm.ppf((np.arange(20) + 0.5) / 20)
    quantiles /= np.std(quantiles, ddof=1)
    hits = np.round(N * (0.5 + 0.2 + 0.1 * quantiles)).astype(int)
    return by_hits(hits), by_hits([N // 2] * 20)


def test_it_is_near_the_number_of_the_paired_t_test(pair):
    # n = ((z_0.975 + z_0.8) sd / d)^2 + z_0.975^2 / 2, of normal differences.
    for difference in (0.05, 0.03):
        needed = speakers_needed(*pair, difference=difference, score="WA")
        ratio = (norm.ppf(0.975) + norm.ppf(0.8)) * 0.1 / difference
        assert needed.n_speakers == pytest.approx(ratio**2 + 1.92, rel=0.12)


def test_what_is_observed_has_no_part_in_it(pair):
    first, second = pair
    better = by_hits(np.asarray(first.speaker_counts("WA")[1][0][:, 0] + 10, int))
    one = speakers_needed(first, second, score="WA", difference=0.1)
    assert one == speakers_needed(second, better, score="WA", difference=0.1)


def test_more_is_needed_for_less_and_for_more_power(pair):
    usual = speakers_needed(*pair, difference=0.1)
    assert speakers_needed(*pair, difference=0.08).n_speakers > usual.n_speakers
    assert speakers_needed(*pair, difference=0.1, power=0.95, alpha=0.02) > usual
    assert usual.low < usual.n_speakers < usual.high
    assert usual.n_tested == 20
    assert usual.power_now > 0.9


def test_few_speakers_know_less_of_the_variance(pair):
    few = [by_hits([n, n + 20, n + 50, n]) for n in (40, 60)]
    few[0] = by_hits([70, 60, 110, 50])
    narrow, wide = speakers_needed(*pair), speakers_needed(*few)
    assert wide.high / wide.low > 5 * narrow.high / narrow.low


def test_the_power_stated_is_that_reached(pair):
    # Experiments as the test sees them, of speakers drawn from a normal distribution.
    generator = np.random.default_rng(0)
    needed = speakers_needed(*pair, difference=0.1, power=0.8, score="WA")
    n, n_found = needed.n_speakers, 0
    for _ in range(150):
        hits = np.round(N * (0.6 + 0.1 * generator.normal(size=n))).astype(int)
        found = paired_difference(
            by_hits(hits.clip(0, N)), by_hits([N // 2] * n), score="WA", n_resamples=299
        )
        n_found += found.p_value < 0.05
    # 3.3 % is the standard error of 150 experiments.
    assert n_found / 150 == pytest.approx(0.8, abs=0.11)


def test_speakers_who_differ_alike_need_as_many_as_signs_that_agree():
    # 2 / 2^n < 0.05 from six speakers on.
    alike = by_hits([120] * 5), by_hits([100] * 5)
    assert speakers_needed(*alike).n_speakers == 6


def test_compare_says_how_many_it_takes(pair):
    first, second = pair
    row = compare(first, {"other": second}, difference=0.1).rows[0]
    needed = speakers_needed(first, second, difference=0.1)
    assert row["speakers to find 0.1"] == needed.n_speakers
    assert "speakers to" not in str(compare(first, {"o": second}, difference=None))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"difference": 5}, "difference must be above 0 .* 0.05 for 5 points, got 5"),
        ({"difference": 0.0}, "difference must be above 0"),
        ({"power": 1.0}, "power must be between 0 and 1"),
        ({"alpha": 0}, "alpha must be between 0 and 1"),
        ({"score": "F2"}, "score must be one of"),
    ],
)
def test_what_is_out_of_range_is_refused(pair, options, message):
    with pytest.raises(ValueError, match=message):
        speakers_needed(*pair, **options)


def test_too_few_or_other_speakers_are_refused(pair):
    two = by_hits([100, 150])
    with pytest.raises(ValueError, match="3 speakers or more"):
        speakers_needed(two, two)
    with pytest.raises(ValueError, match="on the same recordings"):
        speakers_needed(pair[0], two)
