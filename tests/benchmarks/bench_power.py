"""Is the power that is stated the power that is reached: simulation of whole studies.

There are two systems and a population of speakers, each with a skill and an advantage
of the second system of its own (normal on the logit scale). Power is reached in the
share of experiments with n speakers in which ``paired_difference`` finds p < 0.05. It
is stated by ``speakers_needed`` from a first study with fewer speakers, of which many
are simulated. Run from the repository with

    python tests/benchmarks/bench_power.py [number of experiments]

It takes some minutes for 1000 experiments; the command fails if the mean of what
studies with 24 speakers state is further than 0.06 from what is reached.
"""

import sys

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from skser.model_selection._bootstrap import Counts, bootstrap_speakers, estimate
from skser.model_selection._power import PairedTest

N_RECORDINGS, N_CLASSES = 50, 4
MEAN, SKILL_SD, CLASS_SD, ADVANTAGE_SD = 0.3, 0.8, 0.5, 0.3
N_RESAMPLES, N_STUDIES = 499, 40
# True difference of UA, and numbers of speakers of the experiment.
SETTINGS = [(0.05, 10), (0.05, 20), (0.05, 40), (0.10, 5), (0.10, 10)]
STUDIES = (10, 24)


def find_advantage(difference):
    """Return the mean advantage on the logit scale that makes a difference of UA."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(100)
    weights = weights / weights.sum()
    sd = np.hypot(SKILL_SD, CLASS_SD)
    ua = weights @ expit(MEAN + sd * nodes)

    def excess(advantage):
        spread = np.hypot(sd, ADVANTAGE_SD)
        return weights @ expit(MEAN + advantage + spread * nodes) - ua - difference

    return brentq(excess, 0, 5)


def simulate(n_speakers, advantage, generator):
    """Return the counts of both systems on the same recordings of some speakers."""
    shape = n_speakers, N_CLASSES
    skill = MEAN + SKILL_SD * generator.normal(size=(n_speakers, 1))
    skill = skill + CLASS_SD * generator.normal(size=shape)
    gain = advantage + ADVANTAGE_SD * generator.normal(size=(n_speakers, 1))
    share = np.full(N_CLASSES, 1 / N_CLASSES)
    total = generator.multinomial(N_RECORDINGS, share, size=n_speakers)
    # Recordings that one system gets right are easier for the other one, too.
    both = generator.binomial(total, expit(skill) * 0.7)
    rest = total - both
    one, other = (
        both
        + generator.binomial(
            rest, (expit(s) - 0.7 * expit(skill)).clip(0, 1) / (1 - 0.7 * expit(skill))
        )
        for s in (skill, skill + gain)
    )
    return [Counts(part.astype(float), total.astype(float)) for part in (other, one)]


def reach(n_speakers, advantage, n_experiments, generator):
    """Return in which share of experiments the difference is found."""
    n_found = 0
    for _ in range(n_experiments):
        pair = simulate(n_speakers, advantage, generator)
        seed = generator.integers(2**31)
        test = bootstrap_speakers(*pair, n_resamples=N_RESAMPLES, random_state=seed)
        n_found += test.p_value() < 0.05
    return n_found / n_experiments


def state(n_studied, difference, n_speakers, generator):
    """Return the power that studies state which find another difference themselves."""
    stated = []
    for _ in range(N_STUDIES):
        pair = simulate(n_studied, find_advantage(0.03), generator)
        influences = [estimate(counts)[1][0] for counts in pair]
        scale = n_studied * np.sqrt(n_studied / (n_studied - 1))
        deviations = scale * (influences[0] - influences[1])
        test = PairedTest(difference, deviations, 0.05, int(generator.integers(2**31)))
        stated.append(test.find_power(n_speakers))
    return np.mean(stated), *np.quantile(stated, [0.1, 0.9])


def main(n_experiments=1000):
    """Print a line a setting; return whether all is as promised."""
    generator = np.random.default_rng(0)
    titles = "".join(f"   by {n:3} speakers   " for n in STUDIES)
    print(f"difference speakers  reached{titles}")
    is_good = True
    for difference, n_speakers in SETTINGS:
        advantage = find_advantage(difference)
        reached = reach(n_speakers, advantage, n_experiments, generator)
        line = f"{difference:10} {n_speakers:8} {reached:8.2f}"
        for n_studied in STUDIES:
            mean, low, high = state(n_studied, difference, n_speakers, generator)
            line += f"   {mean:.2f} ({low:.2f}-{high:.2f})"
            if n_studied == 24:
                is_good &= abs(mean - reached) <= 0.06
        print(line, flush=True)
    return is_good


if __name__ == "__main__":
    sys.exit(0 if main(*map(int, sys.argv[1:])) else 1)
