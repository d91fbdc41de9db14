"""Open a ticket for a person, with everything they need and the time they must answer by."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from langgraph.runtime import Runtime

from nodes.state import State, facts_of, intents_of
from tools.context import Context
from tools.delivery import business_deadline
from tools.rules import load_rules
from tools.tickets import NewTicket

# First match decides what the ticket is about.
BY_INTENT = ("food_safety", "complaint", "person", "order_cancel", "order_change")
EVERYBODY = [2, 3, 4]


async def hand_off(state: State, runtime: Runtime[Context]) -> State:
    """Open one ticket for this turn; running again finds the same one."""
    context = runtime.context
    reason = _reason(state)
    levels = EVERYBODY if reason == "food_safety" else [2]
    ticket = await context.tickets.open(
        NewTicket(
            task_key=f"{state['turn']['run_id']}:hand_off",
            thread_id=UUID(state["turn"]["thread_id"]),
            customer_id=context.caller.customer_id,
            reason=reason,
            levels=levels,
            packet=_packet(state, context),
            deadline=_deadline(reason, context.now()),
        )
    )
    deadline = ticket.deadline.astimezone(context.now().tzinfo)
    return {
        "handoff": {
            "ticket": ticket.number,
            "reason": reason,
            "level": levels[0],
            "who": load_rules().escalation.levels[levels[0]].who,
            "deadline": deadline.isoformat(),
            "deadline_text": f"{deadline:%a %-d %b, %H:%M}",
        }
    }


def _reason(state: State) -> str:
    intents = intents_of(state)
    by_intent = next((i for i in BY_INTENT if i in intents), None)
    by_fact = facts_of(state, "needs_person")
    return by_intent or (by_fact[0]["reason"] if by_fact else "person")


def _deadline(reason: str, now: datetime) -> datetime:
    rules = load_rules()
    if reason == "food_safety":
        return now + timedelta(minutes=rules.quality.food_safety_call_minutes)
    return business_deadline(now, rules.escalation.levels[2].first_reply_minutes)


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
