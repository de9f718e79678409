"""Learning-rate schedules: pure functions of the epoch and of the losses so far."""

import itertools
import math

import pytest

from skser.training import SCHEDULES


@pytest.mark.parametrize("schedule", SCHEDULES.values())
def test_every_schedule_starts_at_the_full_rate_and_stays_positive(schedule):
    assert schedule(0, 30, []) == 1.0
    assert all(schedule(epoch, 30, [1.0] * epoch) > 0 for epoch in range(30))


def test_the_cosine_falls_without_a_jump():
    cosine = SCHEDULES["cosine"]
    factors = [cosine(epoch, 100, []) for epoch in range(100)]
    assert factors == sorted(factors, reverse=True)
    assert max(a - b for a, b in itertools.pairwise(factors)) < 0.02


def test_the_plateau_waits_for_five_epochs_without_a_lower_loss():
    plateau = SCHEDULES["plateau"]
    falling = [1 / (1 + epoch) for epoch in range(20)]
    assert plateau(20, 30, falling) == 1.0
    stuck = falling + [falling[-1]] * 4
    assert plateau(24, 30, stuck) == 1.0
    assert plateau(25, 30, [*stuck, falling[-1]]) == 0.5
    assert plateau(30, 60, stuck + [falling[-1]] * 6) == 0.25


def test_the_plateau_does_not_vanish():
    plateau = SCHEDULES["plateau"]
    assert plateau(900, 1000, [1.0] * 900) == 1e-3
    assert math.isclose(plateau(6, 1000, [1.0] * 6), 0.5)
