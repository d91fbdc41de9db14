"""What the person sees who answers: who has the conversation, tickets with packets, notes."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from graph.account import account_of
from graph.clients import Clients
from graph.inspection.conversation import fit, names_in
from tools.operators.notes import Notes
from tools.operators.person_turns import Person
from tools.operators.takeover import Takeovers
from tools.operators.tickets import ThreadTickets
from tools.rules import load_rules

Json = dict[str, Any]

OF_TICKET = (
    *("reason", "levels", "deadline", "status", "created_at", "assigned_to", "answered_at"),
    *("closed_at", "closed_by", "resolution", "seconds_left"),
)


async def person_view(
    clients: Clients,
    thread_id: UUID,
    person: Person,
    *,
    masked: bool = True,
    asks_books: bool = True,
) -> Json | None:
    """All of it, and what that person may do; None where there is no such conversation."""
    state = await Takeovers(clients.pool).state(thread_id)
    if state is None:
        return None
    tickets = await ThreadTickets(clients.pool).of_thread(thread_id)
    notes = await Notes(clients.pool).of_thread(thread_id)
    scope = state["scope"]
    names = await names_in(clients, scope or {}) if masked else []
    is_open = state["person"] or any(ticket["status"] == "open" for ticket in tickets)
    is_needed = asks_books and scope and is_open
    return {
        "thread_id": thread_id,
        "person": state["person"],
        "seconds": state["seconds"],
        "assigned_to": state["assigned_to"],
        "waiting_news": state["waiting_news"],
        "may": _may(state, person, tickets),
        "account": await account_of(clients, scope) if is_needed else None,
        "tickets": [_ticket(ticket, names, masked=masked) for ticket in tickets],
        "notes": notes,
    }


def _may(state: DictRow, person: Person, tickets: Sequence[DictRow]) -> dict[str, bool]:
    has, assigned_to = state["person"], state["assigned_to"]
    is_theirs = bool(has) and has["staff_id"] != person.staff_id
    return {
        "take_over": bool(state["scope"]) and (not has or (is_theirs and person.leads)),
        "write": bool(has) and not is_theirs,
        "hand_back": bool(has) and (not is_theirs or person.leads),
        "assign_self": person.leads or assigned_to is None,
        "let_go": assigned_to is not None and (person.leads or assigned_to == person.staff_id),
        "assign_others": person.leads,
        "close": any(t["status"] == "open" and t["reason"] != "approval" for t in tickets),
    }


def _ticket(row: DictRow, names: Sequence[str], *, masked: bool) -> Json:
    levels = load_rules().escalation.levels
    return {key: row[key] for key in OF_TICKET} | {
        "number": f"T-{row['ticket_id']:06}",
        "who": levels[min(row["levels"])].who if row["levels"] else "",
        "packet": fit(packet_of(row["packet"]), names, masked=masked),
    }


def packet_of(packet: Mapping[str, Any]) -> Json:
    """A packet in the order in which it is read, whichever step opened the ticket."""
    customer, understood = packet.get("customer") or {}, packet.get("understood") or {}
    account = (packet.get("account") or [{}])[0]
    return {
        "customer": customer if isinstance(customer, Mapping) else {"company": customer},
        "segment": account.get("segment", ""),
        "account": account,
        "message": packet.get("message", ""),
        "history": packet.get("history") or [],
        "intents": understood.get("intents") or [],
        "understood": understood,
        "tried": packet.get("facts") or [],
        "card": packet.get("card"),
    }
