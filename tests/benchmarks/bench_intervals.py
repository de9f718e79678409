"""How often do 95 % intervals over speakers hold the truth: coverage in simulations.

Each repetition draws speakers, each with a skill of its own (normal on the logit
scale), and their recordings. The truth is the score over all speakers there could be.
The studentised bootstrap of ``EvaluationResult.confidence_interval`` is compared with
the percentile bootstrap on the same data. A second table is of all other scores of a
result, whose speakers have posteriors, and of the gap between five groups of
recordings; a third of CCC, PCC, RMSE and MAE of numbers. Run from the repository with

    python tests/benchmarks/bench_intervals.py [number of repetitions]

It takes about four minutes for 1000 repetitions; the command fails if the studentised
interval of ten speakers covers the truth in less than 90 or more than 98 % of cases.
Distances, which are never negative (ECE, gap), may be covered more often: the lower end
of their interval allows for chance.
"""

import sys

import numpy as np
from scipy.special import expit, softmax

from skser.model_selection._bootstrap import Counts, bootstrap_speakers, estimate
from skser.model_selection._calibration import ACCURACY
from skser.model_selection._groups import find_gap
from skser.model_selection._measures import CLASS_MEASURES, MEASURES, Tally
from skser.model_selection._regression_measures import REGRESSION_MEASURES, NumberTally

N_RECORDINGS = 50
N_RESAMPLES = 999
# (speakers, classes, mean of the skill, its sd over speakers): 0.3 on the logit scale
# is an accuracy of 57 %, 1.5 one of 82 %.
SETTINGS = [
    (10, 4, 0.3, 0.3),
    (10, 4, 0.3, 0.8),
    (10, 4, 1.5, 0.5),
    (10, 7, 1.5, 1.0),
    (5, 4, 0.3, 0.5),
    (24, 8, 0.3, 0.5),
]
CLASS_SD = 0.5
# (speakers, classes, mean of the skill, its sd over speakers, sd of a speaker's liking
# for single classes, sharpness of the posteriors). Without speakers that differ, the
# posteriors are the true ones if the sharpness is the skill.
POSTERIOR_SETTINGS = [
    (10, 4, 1.0, 0.0, 0.0, 1.0),
    (10, 4, 1.0, 0.5, 0.5, 0.3),
    (10, 4, 2.0, 0.5, 0.5, 1.9),
    (10, 7, 2.5, 0.8, 0.5, 6.0),
    (24, 6, 2.0, 0.5, 0.5, 1.0),
]
N_GROUPS = 5
# Speakers, and the sd over speakers of bias and of gain: predictions are gain times
# truth plus bias plus noise.
NUMBER_SETTINGS = [(10, 0.3, 0.15), (10, 0.0, 0.0), (24, 0.3, 0.15)]
GAIN, NOISE = 0.6, 0.5
UA = MEASURES["UA"]
# All scores that need no soft labels.
SCORES = {n: one for n, one in MEASURES.items() if not one.needs_soft_labels}


def simulate(n_speakers, n_classes, mean, sd, generator):
    """Return counts of correct and of all recordings, and each speaker's recalls."""
    skill = mean + sd * generator.normal(size=(n_speakers, 1))
    skill = skill + CLASS_SD * generator.normal(size=(n_speakers, n_classes))
    shares = np.full(n_classes, 1 / n_classes)
    total = generator.multinomial(N_RECORDINGS, shares, size=n_speakers)
    correct = generator.binomial(total, expit(skill))
    return Counts(correct.astype(float), total.astype(float))


def find_truth(mean, sd):
    """Return the expected recall, by quadrature over the normal distribution."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(100)
    values = expit(mean + np.hypot(sd, CLASS_SD) * nodes)
    return float(values @ weights / weights.sum())


def percentile_interval(counts, generator):
    """Return the interval that is too narrow for few speakers."""
    n_speakers = len(counts.total)
    share = np.full(n_speakers, 1 / n_speakers)
    weights = generator.multinomial(n_speakers, share, size=N_RESAMPLES)
    return np.quantile(estimate(counts, weights)[0], [0.025, 0.975])


def measure_single(setting, n_repetitions, generator):
    """Return coverage of both methods for UA and WA, and the mean width of UA's."""
    truth = find_truth(*setting[2:])
    covered = np.zeros(4)
    width = 0.0
    for _ in range(n_repetitions):
        by_class = simulate(*setting, generator)
        pooled = Counts(*(part.sum(axis=1, keepdims=True) for part in by_class))
        for column, counts in enumerate((by_class, pooled)):
            seed = generator.integers(2**31)
            bootstrap = bootstrap_speakers(
                counts, n_resamples=N_RESAMPLES, random_state=seed
            )
            _, low, high = bootstrap.interval(0.95, (0, 1))
            covered[column] += low <= truth <= high
            width += (high - low) * (column == 0)
            low, high = percentile_interval(counts, generator)
            covered[2 + column] += low <= truth <= high
    return covered / n_repetitions, width / n_repetitions


def measure_paired(n_repetitions, generator):
    """Return how often the interval of the difference of two systems covers it.

    Both see the same speakers; the second is better by 0.3 on the logit scale.
    """
    truth = find_truth(0.3, 0.8) - find_truth(0.6, 0.8)
    n_covered = n_rejected = 0
    for _ in range(n_repetitions):
        skill = 0.8 * generator.normal(size=(10, 1))
        skill = skill + CLASS_SD * generator.normal(size=(10, 4))
        total = generator.multinomial(N_RECORDINGS, np.full(4, 0.25), size=10)
        systems = [
            Counts(generator.binomial(total, expit(mean + skill)) * 1.0, total * 1.0)
            for mean in (0.3, 0.6, 0.3)
        ]
        bootstrap = bootstrap_speakers(*systems[:2], n_resamples=N_RESAMPLES)
        _, low, high = bootstrap.interval(0.95, (-1, 1))
        n_covered += low <= truth <= high
        equal = bootstrap_speakers(systems[0], systems[2], n_resamples=N_RESAMPLES)
        n_rejected += equal.p_value() < 0.05
    return n_covered / n_repetitions, n_rejected / n_repetitions


def simulate_posteriors(
    n_speakers, n_classes, mean, sd, class_sd, sharpness, generator
):
    """Return predictions of speakers with skills and habits of their own."""
    units = np.repeat(np.arange(n_speakers), N_RECORDINGS)
    true = generator.integers(n_classes, size=len(units))
    logits = generator.normal(size=(len(units), n_classes))
    logits += class_sd * generator.normal(size=(n_speakers, n_classes))[units]
    skill = mean + sd * generator.normal(size=n_speakers)
    logits[np.arange(len(units)), true] += skill[units]
    posteriors = softmax(sharpness * logits, axis=1)
    predicted = posteriors.argmax(axis=1)
    return Tally(
        true=true,
        predicted=predicted,
        posteriors=posteriors,
        units=units,
        n_units=n_speakers,
        n_classes=n_classes,
    )


def list_intervals(tally, threshold, draws):
    """Return the interval of each score, and of the accuracy above a threshold."""
    found = {name: measure.interval(tally, **draws) for name, measure in SCORES.items()}
    for name in ("recall", "precision"):
        which = {"label": slice(0, 1)}
        found[name] = CLASS_MEASURES[name].interval(tally, **draws, **which)
    is_answered = tally.confidence >= threshold
    found["half coverage"] = ACCURACY.interval(tally, which=is_answered, **draws)
    # Groups that do not differ: the truth is 0.
    names = (np.arange(len(tally.true)) % N_GROUPS).tolist()
    found["gap"] = find_gap(tally, names, list(range(N_GROUPS)), UA, **draws)[2:]
    return found


def find_true_scores(setting):
    """Return the scores of 4000 speakers, and the median of the confidence."""
    everybody = simulate_posteriors(4000, *setting[1:], np.random.default_rng(1))
    threshold = np.median(everybody.confidence)
    truth = {name: measure.value(everybody) for name, measure in SCORES.items()}
    for name in ("recall", "precision"):
        truth[name] = CLASS_MEASURES[name].value(everybody, label=slice(0, 1))
    which = everybody.confidence >= threshold
    truth["half coverage"] = ACCURACY.value(everybody, which=which)
    return {**truth, "gap": 0.0}, threshold


def measure_scores(n_repetitions, generator):
    """Print truth, mean and coverage of every score; return whether all is well."""
    is_good = True
    for setting in POSTERIOR_SETTINGS:
        print(
            "\n{} speakers, {} classes, skill {} (sd {}, of classes {}), posteriors of "
            "sharpness {}".format(*setting)
        )
        truth, threshold = find_true_scores(setting)
        estimates = {name: [] for name in truth}
        for _ in range(n_repetitions):
            tally = simulate_posteriors(*setting, generator)
            seed = int(generator.integers(2**31))
            draws = {"n_resamples": N_RESAMPLES, "random_state": seed}
            for name, found in list_intervals(tally, threshold, draws).items():
                estimates[name].append(found)
        print(f"{'score':16} {'truth':>6} {'mean':>6} {'coverage':>8} {'width':>6}")
        for name, found in estimates.items():
            values, low, high = np.array(found, dtype=float).T
            coverage = np.mean((low <= truth[name]) & (truth[name] <= high))
            print(
                f"{name:16} {truth[name]:6.3f} {values.mean():6.3f} {coverage:8.3f} "
                f"{np.mean(high - low):6.3f}",
                flush=True,
            )
            is_distance = name in ("ECE", "gap")
            is_good &= coverage >= 0.90 and (is_distance or coverage <= 0.98)
    return is_good


def simulate_numbers(n_speakers, bias_sd, gain_sd, generator):
    """Return predictions of numbers, by speakers with a bias and a gain each."""
    units = np.repeat(np.arange(n_speakers), N_RECORDINGS)
    true = generator.normal(size=len(units))
    bias = bias_sd * generator.normal(size=n_speakers)
    gain = GAIN + gain_sd * generator.normal(size=n_speakers)
    noise = NOISE * generator.normal(size=len(units))
    predicted = gain[units] * true + bias[units] + noise
    return NumberTally(
        true=true[:, np.newaxis],
        predicted=predicted[:, np.newaxis],
        units=units,
        n_units=n_speakers,
    )


def measure_numbers(n_repetitions, generator):
    """Print truth and coverage of the scores of numbers; return whether all is well."""
    is_good = True
    for setting in NUMBER_SETTINGS:
        print("\nnumbers: {} speakers, sd of bias {}, of gain {}".format(*setting))
        everybody = simulate_numbers(20000, *setting[1:], np.random.default_rng(1))
        tallies = [simulate_numbers(*setting, generator) for _ in range(n_repetitions)]
        seeds = generator.integers(2**31, size=n_repetitions).tolist()
        for name, measure in REGRESSION_MEASURES.items():
            truth, n_covered = measure.value(everybody), 0
            for tally, seed in zip(tallies, seeds, strict=True):
                draws = {"n_resamples": N_RESAMPLES, "random_state": seed}
                _, low, high = measure.interval(tally, **draws)
                n_covered += low <= truth <= high
            coverage = n_covered / n_repetitions
            print(f"{name:5} {truth:6.3f} {coverage:6.3f}", flush=True)
            is_good &= 0.90 <= coverage <= 0.98
    return is_good


def main(n_repetitions=1000):
    """Print a line a setting; return whether all is as promised."""
    generator = np.random.default_rng(0)
    print(f"{n_repetitions} repetitions, {N_RECORDINGS} recordings a speaker")
    print("                             studentised      percentile    mean width")
    print("speakers classes mean  sd     UA     WA       UA     WA     (UA, stud.)")
    is_good = True
    for setting in SETTINGS:
        (ua, wa, plain_ua, plain_wa), width = measure_single(
            setting, n_repetitions, generator
        )
        numbers = "{:>8} {:>7} {:>4} {:>4}".format(*setting)
        print(
            f"{numbers}  {ua:6.3f} {wa:6.3f}   {plain_ua:6.3f} {plain_wa:6.3f}"
            f"      {width:.3f}",
            flush=True,
        )
        if setting[0] == 10:
            is_good &= min(ua, wa) >= 0.90 and max(ua, wa) <= 0.98
    coverage, false_findings = measure_paired(n_repetitions, generator)
    print(f"paired difference, 10 speakers: coverage {coverage:.3f}; ", end="")
    print(f"p < 0.05 between equal systems in {false_findings:.3f}")
    is_good &= measure_scores(n_repetitions, generator)
    is_good &= measure_numbers(n_repetitions, generator)
    return is_good and 0.90 <= coverage <= 0.98


if __name__ == "__main__":
    sys.exit(0 if main(*map(int, sys.argv[1:])) else 1)
