"""Small cases and outcomes to judge: what is not given is as in an ordinary question."""

from typing import Any

from evals.cases.schema import Case
from evals.outcome import BookDocument, Outcome, Stream, Turn
from evals.scorers.every import SCORERS

Json = dict[str, Any]
HASH = "a" * 64
ACTION = "4807eb8b-24f4-5467-a167-14eb30700c2b"
SECTION = "delivery#delivery-fee-and-areas"
FEE = "For Sentosa, Tuas and offshore locations the delivery charge is SGD 30 before GST."
PASSAGE = {"id": SECTION, "section": "Delivery fee and areas", "text": FEE, "language": "en"}


def a_case(*turns: Json, **more: Any) -> Case:
    form = {
        "schema_version": 1,
        "id": "a-case",
        "suite": "tests",
        "owner": "tests",
        "origin": {"reviewer": "tests"},
        "customer": "forno-rosso",
        "clock": "2026-11-28T09:00:00+08:00",
        "turns": list(turns) or [{"user": "what do I owe?"}],
    }
    return Case.model_validate(form | more)


def a_turn(reply: str = "You owe SGD 54.50.", **more: Any) -> Turn:
    """A message with its answer, which came as a stream."""
    streamed = Stream(
        first_event_ms=5.0,
        first_text_ms=20.0,
        total_ms=40.0,
        pieces=1,
        text=reply,
        events=["metadata", "messages", "values"],
    )
    given: Json = {"said": "what do I owe?", "run_id": "run-1", "status": "succeeded"}
    return Turn(**(given | {"reply": reply, "stream": streamed} | more))


def understood(*intents: str, **more: Any) -> Json:
    return {"understanding": {"intents": [{"name": name} for name in intents]} | more}


def an_outcome(*turns: Turn, **more: Any) -> Outcome:
    return Outcome(turns=list(turns) or [a_turn()], **more)


def a_card(status: str = "proposed", **more: Any) -> Json:
    card = {"action_id": ACTION, "hash": HASH, "status": status, "kind": "order", "total": "141.70"}
    return card | {"title": "Order for Forno Rosso Tampines"} | more


def a_write(**more: Any) -> Json:
    write = {"operation": "create_invoice", "target": "TRIA-000003", "status": "done"}
    return write | {"document_id": "cc28f98b", "body": {}} | more


def an_action(status: str = "committed", **more: Any) -> Json:
    """A card's row, as the trail has it when all went well."""
    steps = {"proposed": HASH, "confirmed": HASH, "sending": "write 0, try 1", "written": ""}
    trail = [{"event": f"action.{name}", "detail": {"note": note}} for name, note in steps.items()]
    row = {
        "action_id": ACTION,
        "kind": "order",
        "status": status,
        "hash": HASH,
        "document_number": "TRIA-000003",
        "approval_level": None,
        "confirmed_in": "run-2",
        "decided_by": None,
        "card": {"total": "141.70"},
        "writes": [a_write()],
        "trail": trail,
    }
    return row | more


def a_document(**more: Any) -> BookDocument:
    after = {
        "Status": "DRAFT",
        "Total": 141.7,
        "Reference": "Forno Rosso Tampines, 2026-12-01 09:00-12:00",
        "LineItems": [{"ItemCode": "CNP-015-FB-01", "Quantity": 200.0}],
    }
    given = {"kind": "invoice", "id": "cc28f98b", "number": "TRIA-000003", "after": after}
    return BookDocument(**(given | more))


def a_ticket(**more: Any) -> Json:
    packet = {
        "customer": {"id": "forno-rosso"},
        "message": "the boxes came crushed",
        "understood": {"intents": [{"name": "damage"}]},
    }
    row = {"ticket_id": 13, "task_key": "run-1:hand_off", "reason": "damage", "levels": [2]}
    return row | {"status": "open", "packet": packet} | more


def ordered(*later: Turn, **more: Any) -> Outcome:
    """An order: its card, a yes, and the invoice."""
    turns = [
        a_turn("Shall I place this order?", extra={"card": a_card()}, state=understood("order")),
        a_turn("Placed.", run_id="run-2", said="yes", state=understood("confirm")),
    ]
    given: Json = {"actions": [an_action()], "books": [a_document()]}
    return an_outcome(*turns, *later, **(given | more))


ORDER = (
    {"user": "200 12 inch boxes for tampines"},
    {"user": "yes", "expect": {"intents": ["confirm"]}},
)


def failures(scorer: str, case: Case, outcome: Outcome) -> str:
    """The reasons of everything that one scorer fails; empty when all of it passes."""
    found = list(SCORERS[scorer](case, outcome))
    assert all(verdict.scorer == scorer for verdict in found)
    return " | ".join(verdict.reason for verdict in found if not verdict.passed)


def count(scorer: str, case: Case, outcome: Outcome) -> int:
    """How many checks one scorer makes."""
    return len(list(SCORERS[scorer](case, outcome)))
