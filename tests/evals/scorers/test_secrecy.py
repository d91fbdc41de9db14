"""Logs hold nothing of what customers wrote, nor who they are."""

import json
from typing import Any

import pytest

from tests.evals.scorers.building import a_case, a_turn, an_outcome, failures

SAID = "my boxes arrived crushed and wet"
UUID = "7286a7f1-7e36-4ee4-aaab-4d9242a2e7b9"


def judged(line: Any, said: str = SAID) -> str:
    log = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)]
    owned = ["INV-1657", "mei tan", "cacf1bac-a0e7-5d14-9cea-4d5d53efa122"]
    outcome = an_outcome(a_turn("Sorry.", said=said), log=log, owned=owned)
    return failures("secrecy", a_case({"user": said}), outcome)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(
            {
                "event": "turn",
                "outcome": "succeeded",
                "ms": 448,
                "intents": ["damage"],
                "run_id": UUID,
            },
            id="a-turn",
        ),
        pytest.param(
            {"event": "xero", "path": "/Invoices/{id}", "timestamp": "2026-11-27T21:17:31.761045Z"},
            id="a-call",
        ),
        pytest.param({"run_id": "91234567-7e36-4ee4-aaab-4d9242a2e7b9"}, id="digits-of-an-id"),
        pytest.param({"minute_left": 999999, "ms": 81}, id="counts"),
    ],
)
def test_secret(line: Any) -> None:
    assert not judged(line)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param({"text": "boxes arrived crushed and"}, "words of the customer", id="words"),
        pytest.param(
            {"error": "cannot read 'MY BOXES  arrived crushed'"}, "words", id="in-an-error"
        ),
        pytest.param({"to": "mei@forno.tria.example"}, "an e-mail address", id="e-mail"),
        pytest.param({"phone": "9123 4567"}, "a phone number", id="phone"),
        pytest.param({"phone": "+6591234567"}, "a phone number", id="phone-with-code"),
        pytest.param({"ic": "S1234567D"}, "an NRIC", id="nric"),
        pytest.param({"auth": "Bearer abcdefghijklmnop"}, "a token", id="bearer"),
        pytest.param(
            "GET /documents/VjgZZ4Zbca-DV9OSCgaRoNpqKf 200", "a document's link", id="link"
        ),
        pytest.param({"where": "Number=='INV-1657'"}, "names 'inv-1657'", id="a-number"),
        pytest.param({"who": "Mei Tan"}, "names 'mei tan'", id="a-name"),
        pytest.param({"id": "cacf1bac-a0e7-5d14-9cea-4d5d53efa122"}, "names 'cacf", id="a-contact"),
    ],
)
def test_not_secret(line: Any, reason: str) -> None:
    assert reason in judged(line)


def test_short_messages_count_whole() -> None:
    assert "words" in judged({"text": "crushed boxes again"}, "crushed boxes again")
    assert not judged({"event": "turn"}, "turn")
