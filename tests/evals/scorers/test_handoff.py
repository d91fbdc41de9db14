"""Tickets: opened where they must be, and there when they are told of."""

from typing import Any

import pytest

from evals.outcome import Outcome
from tests.evals.scorers.building import a_case, a_ticket, a_turn, an_outcome, failures

TOLD = {"ticket": "T-000013", "reason": "damage", "level": 2}
REPLY = "I have opened ticket T-000013."
WITH_TICKET = an_outcome(a_turn(REPLY, extra={"handoff": TOLD}), tickets=[a_ticket()])


def judged(expected: dict[str, Any] | None, outcome: Outcome) -> str:
    expect = {} if expected is None else {"handoff": expected}
    return failures("handoff", a_case({"user": "crushed!", "expect": expect}), outcome)


@pytest.mark.parametrize(
    "expected",
    [
        pytest.param({}, id="any"),
        pytest.param({"reason": "damage"}, id="reason"),
        pytest.param({"reason": "damage", "level": 2}, id="level"),
    ],
)
def test_handed_over(expected: dict[str, Any]) -> None:
    assert not judged(expected, WITH_TICKET)


def test_no_ticket_where_none_is_expected() -> None:
    assert not judged(None, an_outcome())


@pytest.mark.parametrize(
    ("expected", "outcome", "reason"),
    [
        pytest.param(None, WITH_TICKET, "expected no ticket", id="unexpected"),
        pytest.param({}, an_outcome(), "expected a ticket", id="missing"),
        pytest.param({"reason": "refund"}, WITH_TICKET, "expected reason refund", id="reason"),
        pytest.param({"level": 4}, WITH_TICKET, "expected level 4, found 2", id="level"),
        pytest.param(
            {},
            an_outcome(a_turn(REPLY, extra={"handoff": TOLD})),
            "T-000013 does not exist",
            id="told-and-not-there",
        ),
        pytest.param(
            None, an_outcome(a_turn(REPLY)), "T-000013 does not exist", id="only-in-words"
        ),
        pytest.param(
            {},
            an_outcome(
                a_turn(REPLY, extra={"handoff": TOLD}),
                tickets=[a_ticket(packet={"customer": {"id": "laksa-lane"}, "message": "x"})],
            ),
            "the packet is of laksa-lane",
            id="of-another-customer",
        ),
        pytest.param(
            {},
            an_outcome(
                a_turn(REPLY, extra={"handoff": TOLD}),
                tickets=[a_ticket(packet={"customer": {"id": "forno-rosso"}})],
            ),
            "no message; the packet does not say what was understood",
            id="an-empty-packet",
        ),
    ],
)
def test_not_handed_over(expected: Any, outcome: Outcome, reason: str) -> None:
    assert reason in judged(expected, outcome)
