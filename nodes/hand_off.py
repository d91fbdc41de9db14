"""Open a ticket for a person, with everything they need and the time they must answer by."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from langgraph.runtime import Runtime

from nodes.state import Intent, State, entities_named, facts_of, intents_of
from tools.context import Context
from tools.escalation import damaged_pieces, levels_for, triggers_of
from tools.ordering.delivery import business_deadline, is_open
from tools.ordering.signs import is_emergency
from tools.rules import load_rules
from tools.tickets import NewTicket

# First match decides what the ticket is about.
BY_INTENT: tuple[Intent, ...] = (
    *("food_safety", "account_change", "damage", "complaint", "person", "order_cancel"),
    *("order_change", "refund", "credit", "privacy", "quote"),
)
ON_CALL, OFFICER = "manager on call", "data protection officer"


async def hand_off(state: State, runtime: Runtime[Context]) -> State:
    """Open one ticket for this turn; running again finds the same one."""
    context = runtime.context
    reason = _reason(state)
    levels = _levels(state, reason, context)
    who, deadline = _answered_by(state, reason, levels[0], context.now())
    ticket = await context.tickets.open(
        NewTicket(
            task_key=_task_key(state, reason, context.now()),
            thread_id=UUID(state["turn"]["thread_id"]),
            customer_id=context.caller.customer_id,
            reason=reason,
            levels=levels,
            packet=_packet(state, context),
            deadline=deadline,
        )
    )
    deadline = ticket.deadline.astimezone(context.now().tzinfo)
    return {
        "handoff": {
            "ticket": ticket.number,
            "reason": reason,
            "level": levels[0],
            "who": who,
            "deadline": deadline.isoformat(),
            "deadline_text": f"{deadline:%a %-d %b, %H:%M}",
        }
    }


def _task_key(state: State, reason: str, now: datetime) -> str:
    """Whoever goes on guessing numbers has one ticket a day."""
    turn = state["turn"]
    once = f"{turn['thread_id']}:{now:%F}:{reason}"
    return once if reason == "guessing" else f"{turn['run_id']}:hand_off"


def _reason(state: State) -> str:
    """Somebody's health comes first, then what an action needs, then what the message is about."""
    intents = intents_of(state)
    if "food_safety" in intents:
        return "food_safety"
    if needed := facts_of(state, "needs_person"):
        return str(needed[0]["reason"])
    if by_intent := next((i for i in BY_INTENT if i in intents), None):
        return by_intent
    is_urgent = state["understanding"]["is_urgent"] or "unclear" not in intents
    return "urgent" if is_urgent else "misunderstood"


def _levels(state: State, reason: str, context: Context) -> tuple[int, ...]:
    text = state["screened"]["text"]
    needed = [fact["level"] for fact in facts_of(state, "needs_person") if "level" in fact]
    if needed and reason != "food_safety":
        return (needed[0],)
    return levels_for(
        reason,
        triggers_of(text),
        segment=next((s["segment"] for s in facts_of(state, "standing")), ""),
        amounts=[Decimal(amount) for amount in entities_named(state, "amount")],
        pieces=damaged_pieces(text, context.catalogue, context.now()),
    )


def _answered_by(state: State, reason: str, level: int, now: datetime) -> tuple[str, datetime]:
    """Who answers, and when at the latest. In an emergency nobody waits for the next opening."""
    rules = load_rules()
    row = rules.escalation.levels[level]
    if reason == "food_safety":
        return row.who, now + timedelta(minutes=rules.quality.food_safety_call_minutes)
    if not is_open(now) and is_emergency(state["screened"]["text"]):
        return ON_CALL, now + timedelta(hours=rules.escalation.on_call_hours)
    if reason == "privacy":
        return OFFICER, business_deadline(now, rules.legal.officer_days * _minutes_of_a_day())
    return row.who, business_deadline(now, row.first_reply_minutes)


def _minutes_of_a_day() -> int:
    """From opening to closing."""
    ordering = load_rules().ordering
    opens, closes = (datetime.combine(date.min, t) for t in (ordering.open, ordering.close))
    return (closes - opens) // timedelta(minutes=1)


def _packet(state: State, context: Context) -> dict[str, Any]:
    return {
        "customer": {
            "id": context.caller.customer_id,
            "name": context.caller.name,
            "company": context.caller.company,
        },
        "account": facts_of(state, "standing"),
        "message": state["screened"]["masked"],
        "history": state["turn"]["history"],
        "understood": state["understanding"],
        "facts": state.get("facts", []),
    }
