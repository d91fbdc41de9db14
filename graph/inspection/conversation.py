"""A conversation for whoever looks into it: what was said and when, turn by turn."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from graph.clients import Clients
from graph.inspection.masking import as_text, mask
from tools.conversation_records import ConversationRecords
from tools.errors import TriaError
from tools.feedback.records import FeedbackRecords
from tools.operators.turns import TurnRecords
from tools.ordering.types import Outlet

Json = dict[str, Any]

TURNS = 20
OF_CONTACT = ("contact_person", "mobile", "address", "postal_code")
OF_TURN = (
    *("run_id", "turn", "status", "error", "attempts", "strikes", "strategy", "notice"),
    *("after_turn", "asked_in", "answered_by", "cancel", "due_at", "pruned_at", "for_person"),
    *("created_at", "updated_at"),
)
STREAMED = frozenset(("messages", "messages-tuple"))
OVER = frozenset(("succeeded", "failed", "cancelled"))
OF_CARD = (
    *("action_id", "kind", "status", "card", "document_number", "run_id", "approval_level"),
    *("confirmed_by", "confirmed_in", "decided_by", "decided_at", "error", "created_at"),
    "updated_at",
)


class NoSuchConversation(TriaError):
    """There is no such conversation, or no such turn in it."""


async def conversation_view(
    clients: Clients,
    thread_id: UUID,
    *,
    masked: bool,
    before: int | None = None,
    limit: int = TURNS,
) -> Json:
    """The last turns, or those before a turn, oldest first; raises NoSuchConversation.

    `before` in the answer asks for the page before this one; it is None where there is none.
    """
    records = TurnRecords(clients.pool)
    thread = await records.thread(thread_id)
    if thread is None:
        raise NoSuchConversation("There is no such conversation.")
    rows = await records.page(thread_id, before, limit + 1)
    shown = rows[:limit][::-1]
    said = await records.messages(thread_id, [row["run_id"] for row in shown])
    others = ConversationRecords(clients.pool)
    cards, tickets = await others.cards(thread_id), await others.tickets(thread_id)
    names = await names_in(clients, thread["scope"] or {})
    view = {
        **_about(thread),
        "turns": [turn_of(row, said) for row in shown],
        "before": shown[0]["turn"] if len(rows) > limit else None,
        "is_latest": before is None,
        "cards": [_card(card) for card in cards],
        "tickets": [_ticket(ticket, thread) for ticket in tickets],
        "feedback": await FeedbackRecords(clients.pool).of_thread(thread_id),
        "trail": await records.trail(thread_id),
        "masked": masked,
    }
    return fit(view, names, masked=masked)


def fit(view: Json, names: Sequence[str], *, masked: bool) -> Json:
    """What may be shown to staff: as text, and masked where it is to be."""
    shown: Json = as_text(mask(view, names) if masked else view)
    return shown


async def names_in(clients: Clients, scope: Mapping[str, Any]) -> list[str]:
    """What is the customer's or their contacts' for sure, as far as no company is called so."""
    outlets = await clients.outlets.of_contacts(scope.get("contact_ids", []))
    return personal_names(scope, outlets)


def personal_names(scope: Mapping[str, Any], outlets: Iterable[Outlet]) -> list[str]:
    """Whole names first; a part of a name only where no company or outlet is called so."""
    outlets = list(outlets)
    whole = [str(scope.get("name", "")), *(getattr(o, f) for o in outlets for f in OF_CONTACT)]
    persons = [str(scope.get("name", "")), *(o.contact_person for o in outlets)]
    business = " ".join([str(scope.get("company", "")), *(o.name for o in outlets)]).casefold()
    parts = [part for name in persons for part in name.split() if part.casefold() not in business]
    return [name for name in dict.fromkeys([*whole, *parts]) if name]


def _about(thread: DictRow) -> Json:
    scope = thread["scope"] or {}
    return {
        "thread_id": thread["thread_id"],
        "customer_id": thread["customer_id"],
        "customer": scope.get("name", ""),
        "company": scope.get("company", ""),
        "channel": scope.get("channel", ""),
        "roles": scope.get("roles", []),
        "created_at": thread["created_at"],
        "updated_at": thread["updated_at"],
        "count": thread["runs"],
        "resolution": thread["resolution"],
        "resolved_at": thread["resolved_at"],
        "metadata": thread["metadata"],
    }


def turn_of(row: DictRow, said: Sequence[DictRow]) -> Json:
    """One turn with its messages, and what the customer saw where there is no answer."""
    messages = [m for m in said if m["run_id"] == row["run_id"]]
    is_answered = any(m["role"] == "ai" for m in messages)
    span = (row["updated_at"] - row["created_at"]).total_seconds()
    return {key: row[key] for key in OF_TURN} | {
        "seconds": span if row["status"] in OVER else None,
        "messages": [_message(m) for m in messages],
        "intents": (row["focus"] or {}).get("intents", []),
        "is_streamed": not STREAMED.isdisjoint(row["request"].get("stream_mode", [])),
        "is_answered": is_answered,
        "by": row["scope"].get("name", ""),
    }


def _message(row: DictRow) -> Json:
    extra = row["extra"]
    known = ("citations", "card", "handoff", "action", "person")
    return {
        "message_id": row["message_id"],
        "role": row["role"],
        "content": row["content"],
        "created_at": row["created_at"],
        **{key: extra.get(key) for key in known},
        "extra": {key: value for key, value in extra.items() if key not in known},
    }


def _card(row: Mapping[str, Any]) -> Json:
    """A card with what was done to it."""
    trail = [
        {key: step[key] for key in ("at", "actor", "event")} | {"note": step["detail"].get("note")}
        for step in row["trail"]
    ]
    return {key: row[key] for key in OF_CARD} | {"trail": trail}


def _ticket(row: DictRow, thread: DictRow) -> Json:
    """A ticket with the time that is left of its clock, in seconds; negative when it is late."""
    left = (row["deadline"] - thread["now"]).total_seconds()
    return {key: row[key] for key in ("ticket_id", "reason", "levels", "status", "created_at")} | {
        "number": f"T-{row['ticket_id']:06}",
        "deadline": row["deadline"],
        "left_s": left if row["status"] == "open" else None,
        "run_id": row["task_key"].removesuffix(":hand_off"),
    }
