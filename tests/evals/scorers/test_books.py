"""The end of the world, in one of the ways in which it may stand."""

from typing import Any

import pytest

from evals.outcome import Outcome
from tests.evals.scorers.building import (
    a_case,
    a_document,
    a_ticket,
    an_action,
    an_outcome,
    failures,
    ordered,
)

INVOICE = {"kind": "invoice", "status": "DRAFT", "total": "141.70"}
NOTE = {"kind": "history", "id": "h", "number": "", "after": {"Details": "TRIA-000031: paid"}}


def judged(final: Any, outcome: Outcome) -> str:
    return failures("books", a_case(final=final), outcome)


@pytest.mark.parametrize(
    ("final", "outcome"),
    [
        pytest.param({}, an_outcome(), id="nothing"),
        pytest.param({"books": [INVOICE]}, ordered(), id="an-invoice"),
        pytest.param({"books": [INVOICE], "cards": {"committed": 1}}, ordered(), id="its-card"),
        pytest.param([{}, {"books": [{"kind": "invoice"}]}], ordered(), id="the-second-end"),
        pytest.param(
            {"books": [INVOICE | {"pieces": {"CNP-015-FB-01": 200}}]}, ordered(), id="goods"
        ),
        pytest.param({"books": [INVOICE | {"reference": "tampines"}]}, ordered(), id="reference"),
        pytest.param(
            {"books": [{"kind": "invoice"}, {"kind": "invoice", "total": "141.7"}]},
            ordered(books=[a_document(), a_document(number="X", after={"Total": 5})]),
            id="each-with-one-of-its-own",
        ),
        pytest.param(
            {"books": [{"kind": "invoice", "count": 2}]},
            ordered(books=[a_document(), a_document(number="X")]),
            id="two",
        ),
        pytest.param(
            {"books": [{"kind": "history", "reference": "paid"}]},
            an_outcome(books=[a_document(**NOTE)]),
            id="a-note",
        ),
        pytest.param({"tickets": None}, an_outcome(tickets=[a_ticket()]), id="any-ticket"),
        pytest.param(
            {"tickets": [{"reason": "damage", "level": 2}]},
            an_outcome(tickets=[a_ticket()]),
            id="a-ticket",
        ),
        pytest.param(
            {}, an_outcome(tickets=[a_ticket(status="closed")]), id="a-ticket-that-is-over"
        ),
        pytest.param({"letters": 1}, an_outcome(letters=[{"to": []}]), id="a-letter"),
        pytest.param({"cards": {}}, an_outcome(actions=[an_action("expired")]), id="lapsed-card"),
    ],
)
def test_an_end_that_may_be(final: Any, outcome: Outcome) -> None:
    assert not judged(final, outcome)


@pytest.mark.parametrize(
    ("final", "outcome", "reason"),
    [
        pytest.param({}, ordered(), "new invoice TRIA-000003 DRAFT 141.70", id="unexpected"),
        pytest.param({"books": [INVOICE]}, an_outcome(), "expected invoice", id="missing"),
        pytest.param(
            {"books": [INVOICE | {"total": "141.71"}]}, ordered(), "141.71", id="another-total"
        ),
        pytest.param(
            {"books": [INVOICE | {"status": "DELETED"}]}, ordered(), "DELETED", id="another-status"
        ),
        pytest.param(
            {"books": [INVOICE | {"pieces": {"CNP-015-FB-01": 100}}]},
            ordered(),
            "expected invoice",
            id="other-goods",
        ),
        pytest.param(
            {"books": [INVOICE]},
            ordered(books=[a_document(), a_document()]),
            "beside what was expected",
            id="one-too-many",
        ),
        pytest.param([{}, {"letters": 1}], ordered(), "nearest of 2 ends", id="no-end-fits"),
        pytest.param({}, an_outcome(letters=[{}]), "expected 0 letters, found 1", id="a-letter"),
        pytest.param(
            {},
            an_outcome(tickets=[a_ticket()]),
            "expected no ticket, found ['damage",
            id="a-ticket",
        ),
        pytest.param(
            {"tickets": [{"reason": "damage", "level": 3}]},
            an_outcome(tickets=[a_ticket()]),
            "of level 3",
            id="another-level",
        ),
        pytest.param(
            {"books": [INVOICE], "cards": {"committed": 2}}, ordered(), "expected cards", id="cards"
        ),
    ],
)
def test_another_end(final: Any, outcome: Outcome, reason: str) -> None:
    assert reason in judged(final, outcome)
