"""How many speakers it takes to tell two systems apart: power, by simulation.

Whether a difference is found depends on how much it varies from speaker to speaker. Two
results on the same speakers say how much; speakers are drawn from them, shifted to the
difference that is to be found, and tested as :func:`compare` tests.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.stats import chi2
from scipy.stats import t as student
from sklearn.utils import check_random_state

# Simulated experiments, and draws of the bootstrap in each.
_N_EXPERIMENTS, _N_RESAMPLES = 500, 299
_MIN_SPEAKERS, _MAX_SPEAKERS = 3, 100_000
# Of a standard error that is 0 but for rounding.
_FLAT = 1e-12


class SpeakersNeeded(NamedTuple):
    """How many speakers are needed to find a difference, as `speakers_needed` says.

    `low` and `high` are the numbers if the variance over speakers, which is estimated
    from those at hand, is at the lower or upper end of its 95 % interval. `n_tested` is
    the number of speakers at hand, and `power_now` the power with as many.
    """

    n_speakers: int
    low: int
    high: int
    difference: float
    power: float
    n_tested: int
    power_now: float


def search_speakers(deviations, difference, power, alpha, random_state):
    """Return how many speakers are needed, of whom some are at hand.

    Parameters
    ----------
    deviations : ndarray of shape (n_speakers,)
        By how much the difference between two systems deviates with each speaker.
    difference, power, alpha, random_state
        As of :func:`speakers_needed`.

    Returns
    -------
    needed : SpeakersNeeded
    """
    seed = check_random_state(random_state).randint(2**31 - 1)
    test = PairedTest(difference, deviations, alpha, seed)
    needed = test.search(power)
    # The interval of a variance over speakers, of which differences are nearly normal.
    n_tested = len(deviations)
    tails = chi2.ppf([0.975, 0.025], n_tested - 1) / (n_tested - 1)
    low, high = (
        max(_MIN_SPEAKERS, round(needed * extreme / test.search_student(power)))
        for extreme in (
            test._replace(deviations=deviations / np.sqrt(tail)).search_student(power)
            for tail in tails
        )
    )
    return SpeakersNeeded(
        needed, low, high, difference, power, n_tested, test.find_power(n_tested)
    )


class PairedTest(NamedTuple):
    """A test of a difference, of which speakers deviate; and its power."""

    difference: float
    deviations: np.ndarray
    alpha: float
    seed: int

    def search(self, power):
        """Return the smallest number of speakers that is enough, to 5 %."""
        n_speakers = self.search_student(power)
        while n_speakers < _MAX_SPEAKERS and self.find_power(n_speakers) < power:
            n_speakers += math.ceil(n_speakers / 20)
        return min(n_speakers, _MAX_SPEAKERS)

    def search_student(self, power):
        """Return the smallest number of speakers that is enough for Student's t."""
        low, high = _MIN_SPEAKERS, _MAX_SPEAKERS
        while low < high:
            middle = math.isqrt(low * high)
            is_enough = self.find_power(middle, has_bootstrap=False) >= power
            low, high = (low, middle) if is_enough else (middle + 1, high)
        return high

    def find_power(self, n_speakers, has_bootstrap=True):
        """Return the share of experiments that find the difference.

        Samples, and their bootstraps, are numbers of how often each speaker was drawn,
        so that the cost does not depend on `n_speakers`.
        """
        generator = np.random.default_rng(self.seed)
        n_values = len(self.deviations)
        share = np.full(n_values, 1 / n_values)
        counts = generator.multinomial(n_speakers, share, size=_N_EXPERIMENTS)
        means, errors = self._studentise(counts)
        # Speakers who differ alike are as surprising as signs that agree.
        p_values = np.full(_N_EXPERIMENTS, 2.0 ** (1 - n_speakers))
        is_varied = errors > _FLAT
        ratios = np.abs(means) / np.where(is_varied, errors, 1)
        p_values[is_varied] = 2 * student.sf(ratios[is_varied], n_speakers - 1)
        undecided = np.flatnonzero(is_varied & (p_values < self.alpha))
        if has_bootstrap and len(undecided):
            drawn = generator.multinomial(
                n_speakers,
                counts[undecided, np.newaxis] / n_speakers,
                size=(len(undecided), _N_RESAMPLES),
            )
            drawn_means, drawn_errors = self._studentise(drawn)
            distances = np.abs(drawn_means - means[undecided, np.newaxis])
            is_usable = drawn_errors > _FLAT
            is_farther = distances >= ratios[undecided, np.newaxis] * drawn_errors
            n_farther = np.sum(is_farther & is_usable, axis=1)
            p_drawn = (n_farther + 1) / (is_usable.sum(axis=1) + 1)
            p_values[undecided] = np.maximum(p_values[undecided], p_drawn)
        return float(np.mean(p_values < self.alpha))

    def _studentise(self, counts):
        """Return means and standard errors of samples of speakers."""
        n_speakers = counts.sum(axis=-1)
        means = counts @ self.deviations / n_speakers
        squares = counts @ self.deviations**2 / n_speakers
        variances = np.maximum(squares - means**2, 0) / (n_speakers - 1)
        return means + self.difference, np.sqrt(variances)
