"""Whether the benchmarks of costs would see a difference, a leak and what a prompt consists of."""

import numpy as np
import pytest

from evals.bench.memory import slope
from evals.bench.tokens import parts_of
from evals.bench.turns import ratio

TURNS = [n / 10 for n in range(41)]


def test_a_cost_that_was_cut_shows_though_the_machine_is_noisy() -> None:
    chance = np.random.default_rng(5)
    there = [chance.uniform(50, 150) for _ in range(8)]
    mean, low, high = ratio([0.4 * cost * chance.uniform(0.9, 1.1) for cost in there], there)
    assert low < mean < high
    assert (low, high) == pytest.approx((0.4, 0.4), abs=0.04)


def test_what_costs_the_same_is_not_called_cheaper() -> None:
    chance = np.random.default_rng(6)
    there = [chance.uniform(50, 150) for _ in range(8)]
    _, low, high = ratio([cost * chance.uniform(0.9, 1.1) for cost in there], there)
    assert low < 1 < high


@pytest.mark.parametrize(("leak", "is_seen"), [(0, False), (900, True)])
def test_a_leak_is_told_from_noise(leak: int, *, is_seen: bool) -> None:
    chance = np.random.default_rng(7)
    kib = [round(400_000 + leak * x + chance.uniform(-300, 300)) for x in TURNS]
    _, low, _ = slope(TURNS, kib)
    assert (low > 0) is is_seen


def test_one_reading_far_off_is_no_leak() -> None:
    kib = [400_000] * 40 + [900_000]
    assert slope(TURNS, kib)[0] == 0


def test_a_prompt_is_told_apart() -> None:
    system = "rules <facts>\nthree facts here\n</facts> <passages>\npassage\n</passages>"
    said = [("system", system), ("user", "earlier"), ("assistant", "answer"), ("user", "now?")]
    body = {"messages": [{"role": role, "content": text} for role, text in said]}
    parts = parts_of(body)
    assert parts["facts"] == 6
    assert parts["passages"] == 3
    assert parts["history"] == 5
    assert parts["question"] == 2
