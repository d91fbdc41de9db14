"""Growth is found where there is some, and nowhere else."""

from collections.abc import Sequence

import numpy as np
import pytest

from tests.load.leak import HOUR, slope_of

SERIES = 40
WARM_UP_MB, WARM_UP_HOURS = 40.0, 0.1
NOISE_MB, STEP_MB, REMEMBERED = 2.0, 3.0, 0.9


def memory(hours: float, growth: float, seed: int) -> tuple[Sequence[float], Sequence[float]]:
    """A process that warms up, breathes, takes memory in steps, and perhaps leaks."""
    chance = np.random.default_rng(seed)
    times = np.linspace(0, hours * HOUR, 720)
    noise = np.zeros(len(times))
    for at in range(1, len(times)):
        noise[at] = REMEMBERED * noise[at - 1] + chance.normal(0, NOISE_MB * (1 - REMEMBERED))
    steps = STEP_MB * np.cumsum(chance.random(len(times)) < 0.004 * np.exp(-times / HOUR * 3))
    warm = WARM_UP_MB * (1 - np.exp(-times / HOUR / WARM_UP_HOURS))
    return times.tolist(), (400 + warm + steps + noise + growth * times / HOUR).tolist()


def found(hours: float, growth: float, bound: float) -> int:
    slopes = [slope_of(*memory(hours, growth, seed)) for seed in range(SERIES)]
    return sum(slope is not None and slope.exceeds(bound) for slope in slopes)


@pytest.mark.parametrize(("hours", "bound"), [(2, 5.0), (24, 0.5)])
def test_what_only_breathes_is_no_leak(hours: float, bound: float) -> None:
    assert found(hours, 0, bound) == 0


@pytest.mark.parametrize(("hours", "growth", "bound"), [(2, 10.0, 5.0), (24, 1.0, 0.5)])
def test_a_leak_is_found(hours: float, growth: float, bound: float) -> None:
    assert found(hours, growth, bound) >= 0.95 * SERIES


def test_the_slope_lies_between_its_bounds() -> None:
    slope = slope_of(*memory(6, 12, 1))
    assert slope is not None
    assert slope.low <= 12 <= slope.high
    assert slope.high - slope.low < 3


def test_a_short_series_tells_nothing() -> None:
    short = slope_of(*memory(0.1, 500, 1))
    assert short is not None
    assert not short.can_tell
    assert slope_of([0, 1, 2], [1, 2, 3]) is None


def test_what_never_changes_has_no_slope() -> None:
    slope = slope_of(list(range(100)), [7.0] * 100)
    assert slope is not None
    assert (slope.an_hour, slope.p) == (0, 1)
