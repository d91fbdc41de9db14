"""What was measured is held against what was asked for, and only that decides."""

from typing import Any

import pytest

from tests.load.judging import Verdict, judged
from tests.load.leak import Slope
from tests.load.scenarios import SCENARIOS, Bars, Scenario

BARS = Bars(errors=0.05, turn_p95=10, recovery=1.5, growth=5)
SCENARIO = Scenario("any", "", [(1, 60)], [(1, 5)], BARS)
GOOD: dict[str, Any] = {
    "turns": 100,
    "error_share": 0.0,
    "turn_p95": 3.0,
    "first_word_p95": 0.9,
    "recovery": 1.01,
    "client_cpu_share": 0.2,
    "disturbed": {"postgres": 12, "redis": 3},
    "growth": {"service_anonymous_mb": Slope(0.1, -0.2, 0.3, 0.5, 2.0, 500).as_json},
}
LEAK = Slope(20, 18, 22, 0.0001, 2.0, 500)
SHORT = Slope(200, 180, 220, 0.0001, 0.01, 40)


def verdict(**changed: Any) -> Verdict:
    return judged(SCENARIO, GOOD | changed, {"lost": []})


def test_a_good_run_passes_both() -> None:
    assert verdict().passes
    assert verdict().meets_ours


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("turns", 3),
        ("error_share", 0.051),
        ("turn_p95", 10.1),
        ("turn_p95", None),
        ("recovery", 1.6),
        ("recovery", None),
        ("client_cpu_share", 0.8),
        ("disturbed", {"postgres": 12, "redis": 0}),
        ("growth", {"service_anonymous_mb": LEAK.as_json}),
    ],
)
def test_each_criterion_can_fail(name: str, value: Any) -> None:
    found = verdict(**{name: value})
    assert not found.passes
    failed = [each.name for each in found.criteria if each.passes is False]
    assert failed == [name]


@pytest.mark.parametrize("name", ["lost", "doubled", "books", "foreign"])
def test_a_broken_promise_fails_whatever_the_figures_are(name: str) -> None:
    assert not judged(SCENARIO, GOOD, {name: ["a message"]}).passes


@pytest.mark.parametrize(
    ("name", "value"),
    [("error_share", 0.02), ("first_word_p95", 1.2), ("first_word_p95", None), ("recovery", 1.2)],
)
def test_our_own_bars_are_told_and_fail_nothing(name: str, value: Any) -> None:
    found = verdict(**{name: value})
    assert found.passes
    assert not found.meets_ours


def test_growth_of_minutes_is_not_judged() -> None:
    found = verdict(growth={"service_anonymous_mb": SHORT.as_json})
    assert found.passes
    [growth] = [each for each in found.criteria if each.name == "growth"]
    assert (growth.passes, growth.remark) == (None, "too short to tell")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_our_own_bars_are_ten_times_stricter(scenario: Scenario) -> None:
    asked, ours = scenario.bars, scenario.bars.stricter
    assert ours.errors == pytest.approx(asked.errors / 10)
    assert not asked.turn_p95 or ours.first_word_p95 == pytest.approx(asked.turn_p95 / 10)
    assert not asked.recovery or ours.recovery == pytest.approx(1 + (asked.recovery - 1) / 10)
    assert not asked.growth or ours.growth == pytest.approx(asked.growth / 10)
