"""Words of the reply."""

from typing import Any

import pytest

from evals.outcome import Turn
from tests.evals.scorers.building import a_case, a_turn, an_outcome, failures

REPLY = "You owe SGD 54.50.\nNothing is   overdue."


def judged(expect: dict[str, Any], turn: Turn | None = None) -> str:
    case = a_case({"user": "what do I owe", "expect": expect})
    return failures("says", case, an_outcome(turn or a_turn(REPLY)))


@pytest.mark.parametrize(
    "expect",
    [
        pytest.param({"says": ["you OWE", "nothing is overdue"]}, id="in-any-case-and-spacing"),
        pytest.param({"says": [["you have", "you owe"]]}, id="any-of-a-list"),
        pytest.param({"never_says": ["TRIA-"]}, id="not"),
        pytest.param({"never_says": ["4.50", "54.5"]}, id="part-of-a-figure"),
    ],
)
def test_says(expect: dict[str, Any]) -> None:
    assert not judged(expect)


@pytest.mark.parametrize(
    ("expect", "reason"),
    [
        pytest.param({"says": ["you owe", "ticket"]}, "expected 'ticket'", id="missing"),
        pytest.param({"says": [["b-c", "T-"]]}, "expected 'b-c' or 'T-'", id="none-of-a-list"),
        pytest.param({"says": ["4.50"]}, "expected '4.50'", id="part-of-a-figure"),
        pytest.param({"never_says": ["Overdue"]}, "says 'Overdue'", id="forbidden"),
    ],
)
def test_does_not_say(expect: dict[str, Any], reason: str) -> None:
    assert reason in judged(expect)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        pytest.param("you owe SGD 54.50. nothing is overdue.", "", id="the-same"),
        pytest.param("That is another customer's.", "expected 'that is another", id="another"),
        pytest.param(None, "was not asked", id="never-asked"),
    ],
)
def test_the_same_answer(other: str | None, reason: str) -> None:
    turn = a_turn(REPLY, other_answer=other)
    found = judged({"same_answer_as": "show me INV-999999"}, turn)
    assert reason in found
    assert bool(found) == bool(reason)


def test_what_is_told_later_is_said_too() -> None:
    turn = a_turn("", kind="staff", told=[{"reply": "Your order is placed.", "extra": {}}])
    assert not judged({"says": ["order is placed"]}, turn)
