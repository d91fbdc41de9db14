"""What must be understood, and what must not."""

from typing import Any

import pytest

from tests.evals.scorers.building import a_case, a_turn, an_outcome, count, failures, understood


def judged(expect: dict[str, Any]) -> str:
    state = understood("balance", "delivery", wants=["overdue"])
    case = a_case({"user": "how much, and when do you come", "expect": expect})
    return failures("intents", case, an_outcome(a_turn(state=state)))


@pytest.mark.parametrize(
    "expect",
    [
        pytest.param({"intents": ["balance"]}, id="one-of-them"),
        pytest.param({"intents": ["delivery", "balance"]}, id="all-of-them"),
        pytest.param({"no_intents": ["order"]}, id="none"),
        pytest.param({"wants": ["overdue"]}, id="wants"),
    ],
)
def test_understood(expect: dict[str, Any]) -> None:
    assert not judged(expect)


@pytest.mark.parametrize(
    ("expect", "reason"),
    [
        pytest.param({"intents": ["balance", "order"]}, "['balance', 'order']", id="one-missing"),
        pytest.param({"no_intents": ["delivery"]}, "'delivery' was understood", id="forbidden"),
        pytest.param({"wants": ["pdf"]}, "expected wants ['pdf'], found ['overdue']", id="wants"),
    ],
)
def test_misunderstood(expect: dict[str, Any], reason: str) -> None:
    assert reason in judged(expect)


def test_a_step_without_understanding_fails_what_it_must_understand() -> None:
    case = a_case({"user": "hello", "expect": {"intents": ["small_talk"]}})
    assert failures("intents", case, an_outcome())


def test_nothing_is_judged_where_nothing_is_asked() -> None:
    assert not count("intents", a_case(), an_outcome(a_turn(state=understood("balance"))))
