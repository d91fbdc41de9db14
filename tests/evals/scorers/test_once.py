"""Once, or not at all."""

from typing import Any

import pytest

from evals.cases.schema import Case
from evals.outcome import Outcome
from tests.evals.scorers.building import (
    ORDER,
    a_case,
    a_document,
    a_ticket,
    a_turn,
    a_write,
    an_action,
    an_outcome,
    failures,
    ordered,
)

CASE = a_case(*ORDER)
LETTER = {"invoice_id": "i-1", "to": ["accounts@forno-rosso.tria.example"]}
NOTE = {"kind": "history", "number": "", "after": {"Details": "TRIA-000031: paid"}}
TWICE = a_case({"user": "hello", "twice": True})


def carried(ended: str, books: list[Any], letters: Any = (), **write: Any) -> Outcome:
    action = an_action(ended, writes=[a_write(**write)])
    return ordered(actions=[action], books=books, letters=list(letters))


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        pytest.param(CASE, ordered(), id="an-order"),
        pytest.param(CASE, carried("failed", [], status="undone"), id="failed"),
        pytest.param(
            CASE,
            carried("failed", [a_document(after={"Status": "DELETED"})], status="undone"),
            id="taken-back",
        ),
        pytest.param(
            CASE,
            carried("committed", [], [LETTER], operation="email_invoice", target="i-1"),
            id="mail",
        ),
        pytest.param(
            CASE,
            carried(
                "committed",
                [a_document(**NOTE)],
                operation="note_on_invoice",
                target="i:TRIA-000031",
            ),
            id="note",
        ),
        pytest.param(TWICE, an_outcome(a_turn(is_twice_same=True)), id="sent-twice"),
    ],
)
def test_once(case: Case, outcome: Outcome) -> None:
    assert not failures("once", case, outcome)


@pytest.mark.parametrize(
    ("case", "outcome", "reason"),
    [
        pytest.param(
            CASE,
            ordered(books=[a_document(), a_document(id="b")]),
            "done 2 times",
            id="two-invoices",
        ),
        pytest.param(CASE, ordered(books=[]), "is committed and not there", id="none"),
        pytest.param(
            CASE, carried("failed", [a_document()]), "there though its card is failed", id="failed"
        ),
        pytest.param(
            CASE, carried("declined", [a_document()]), "though its card is declined", id="declined"
        ),
        pytest.param(
            CASE,
            carried("committed", [], [LETTER, LETTER], operation="email_invoice", target="i-1"),
            "done 2 times",
            id="two-letters",
        ),
        pytest.param(
            CASE,
            carried(
                "committed",
                [a_document(**NOTE), a_document(**NOTE | {"id": "b"})],
                operation="note_on_invoice",
                target="i:TRIA-000031",
            ),
            "done 2 times",
            id="two-notes",
        ),
        pytest.param(
            TWICE, an_outcome(a_turn(is_twice_same=False)), "made two runs", id="two-runs"
        ),
        pytest.param(TWICE, an_outcome(), "made two runs", id="nobody-looked"),
        pytest.param(
            a_case(), an_outcome(tickets=[a_ticket(), a_ticket()]), "is there 2 times", id="tickets"
        ),
        pytest.param(
            CASE,
            an_outcome(a_turn(), a_turn()),
            "run run-1 answered 2 steps",
            id="one-run-two-steps",
        ),
        pytest.param(
            a_case({"staff": "approve"}),
            an_outcome(a_turn("", kind="staff", told=[{"reply": "Placed.", "extra": {}}] * 2)),
            "tells 'Placed.' 2 times",
            id="told-twice",
        ),
    ],
)
def test_not_once(case: Case, outcome: Outcome, reason: str) -> None:
    assert reason in failures("once", case, outcome)
