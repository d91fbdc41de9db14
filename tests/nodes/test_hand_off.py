from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from langgraph.runtime import Runtime

from graph.clients import Clients
from nodes.hand_off import hand_off
from nodes.state import Fact, Intent, State
from tests.nodes.conftest import a_state, naming, urgent
from tools.context import Context
from tools.database import fetch_all

SINGAPORE = ZoneInfo("Asia/Singapore")
MONDAY_MORNING = datetime(2026, 11, 23, 10, 0, tzinfo=SINGAPORE)
SATURDAY_EVENING = datetime(2026, 11, 28, 17, 50, tzinfo=SINGAPORE)


def at(context: Context, moment: datetime) -> Runtime[Context]:
    return Runtime(context=replace(context, now=lambda: moment))


async def handed(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """What the customer may know of the ticket."""
    handoff = (await hand_off(state, runtime))["handoff"]
    assert handoff is not None
    return handoff


async def tickets_of(clients: Clients, state: State) -> list[dict[str, object]]:
    thread_id = state["turn"]["thread_id"]
    return await fetch_all(clients.pool, "select * from tickets where thread_id = %s", [thread_id])


@pytest.mark.parametrize(
    ("intents", "reason"),
    [
        (("complaint",), "complaint"),
        (("complaint", "food_safety"), "food_safety"),
        (("person", "complaint"), "complaint"),
        (("order_cancel",), "order_cancel"),
        (("order_change", "person"), "person"),
        (("refund", "damage"), "damage"),
        (("account_change",), "account_change"),
        (("unclear",), "misunderstood"),
        (("order_status",), "urgent"),
    ],
)
async def test_the_gravest_reason_counts(
    context: Context, thread_id: str, intents: tuple[Intent, ...], reason: str
) -> None:
    state = a_state("help", *intents, thread_id=thread_id)
    assert (await handed(state, at(context, MONDAY_MORNING)))["reason"] == reason


async def test_an_action_that_needs_a_person_gives_its_reason(
    context: Context, thread_id: str
) -> None:
    state = a_state("200 boxes", "order", thread_id=thread_id)
    state["facts"] = [
        Fact(kind="needs_person", source="orders", data={"reason": "account_on_hold"})
    ]
    handoff = await handed(state, at(context, MONDAY_MORNING))
    assert handoff["reason"] == "account_on_hold"


@pytest.mark.parametrize(
    ("intent", "moment", "deadline"),
    [
        ("complaint", MONDAY_MORNING, MONDAY_MORNING + timedelta(minutes=30)),
        ("complaint", SATURDAY_EVENING, datetime(2026, 11, 30, 8, 20, tzinfo=SINGAPORE)),
        ("food_safety", SATURDAY_EVENING, SATURDAY_EVENING + timedelta(minutes=15)),
    ],
)
async def test_the_deadline_counts_opening_hours_unless_food_is_at_stake(
    context: Context, thread_id: str, intent: Intent, moment: datetime, deadline: datetime
) -> None:
    state = a_state("help", intent, thread_id=thread_id)
    handoff = await handed(state, at(context, moment))
    assert datetime.fromisoformat(handoff["deadline"]) == deadline
    assert handoff["deadline_text"] == f"{deadline:%a %-d %b, %H:%M}"


@pytest.mark.parametrize(
    ("text", "moment", "who", "minutes"),
    [
        (
            "EMERGENCY our store flooded",
            SATURDAY_EVENING + timedelta(hours=3),
            "manager on call",
            60,
        ),
        ("EMERGENCY our store flooded", MONDAY_MORNING, "service staff", 30),
    ],
)
async def test_an_emergency_after_hours_is_answered_by_the_manager_on_call(
    context: Context, thread_id: str, text: str, moment: datetime, who: str, minutes: int
) -> None:
    handoff = await handed(
        urgent(a_state(text, "unclear", thread_id=thread_id)), at(context, moment)
    )
    assert (handoff["reason"], handoff["who"]) == ("urgent", who)
    assert datetime.fromisoformat(handoff["deadline"]) == moment + timedelta(minutes=minutes)


async def test_haste_after_hours_waits_for_the_opening(context: Context, thread_id: str) -> None:
    state = urgent(a_state("urgent, where is my order", "order_status", thread_id=thread_id))
    handoff = await handed(state, at(context, SATURDAY_EVENING + timedelta(hours=3)))
    assert handoff["who"] == "service staff"
    assert datetime.fromisoformat(handoff["deadline"]).weekday() == 0


async def test_running_again_finds_the_same_ticket(
    clients: Clients, context: Context, thread_id: str
) -> None:
    state = a_state("help", "person", thread_id=thread_id)
    first = await hand_off(state, at(context, MONDAY_MORNING))
    later = await hand_off(state, at(context, MONDAY_MORNING + timedelta(minutes=5)))
    assert later == first
    assert len(await tickets_of(clients, state)) == 1


async def test_two_turns_open_two_tickets(context: Context, thread_id: str) -> None:
    runtime = at(context, MONDAY_MORNING)
    tickets = {
        (await handed(a_state("help", "person", thread_id=thread_id), runtime))["ticket"]
        for _ in range(2)
    }
    assert len(tickets) == 2


async def test_the_packet_holds_what_a_person_needs_without_personal_data(
    clients: Clients, context: Context, thread_id: str
) -> None:
    history = [{"role": "user", "content": "the boxes came today"}]
    text = "they are crushed, my ic is S1234567D"
    state = a_state(text, "complaint", thread_id=thread_id, history=history)
    state["facts"] = [Fact(kind="standing", source="xero:invoices", data={"segment": "vip"})]
    await hand_off(state, at(context, MONDAY_MORNING))
    [ticket] = await tickets_of(clients, state)
    packet = ticket["packet"]
    assert isinstance(packet, dict)
    assert packet["customer"]["id"] == context.caller.customer_id
    assert packet["message"] == "they are crushed, my ic is [nric_1]"
    assert packet["history"] == history
    assert packet["account"] == [{"segment": "vip"}]
    assert "S1234567D" not in str(ticket)


@pytest.mark.parametrize(
    ("text", "level", "who", "minutes"),
    [
        ("some boxes came crushed", 2, "service staff", 30),
        ("150 boxes came crushed", 3, "operations manager", 120),
        ("I want your manager", 3, "operations manager", 120),
        ("my lawyer and the newspapers will hear of it", 4, "director", 240),
    ],
)
async def test_what_is_at_stake_decides_who_answers_and_when(
    context: Context, thread_id: str, text: str, level: int, who: str, minutes: int
) -> None:
    state = a_state(text, "damage", thread_id=thread_id)
    handoff = await handed(state, at(context, MONDAY_MORNING))
    assert (handoff["level"], handoff["who"]) == (level, who)
    deadline = MONDAY_MORNING + timedelta(minutes=minutes)
    assert datetime.fromisoformat(handoff["deadline"]) == deadline


async def test_an_amount_at_stake_goes_above_service_staff(
    context: Context, thread_id: str
) -> None:
    state = naming(a_state("refund me $600", "refund", thread_id=thread_id), "amount", "600")
    assert (await handed(state, at(context, MONDAY_MORNING)))["level"] == 3


async def test_food_safety_counts_whatever_an_action_needs(
    clients: Clients, context: Context, thread_id: str
) -> None:
    state = a_state("mouldy", "damage", "food_safety", thread_id=thread_id)
    data = {"reason": "damage", "level": 2}
    state["facts"] = [Fact(kind="needs_person", source="actions", data=data)]
    handoff = await handed(state, at(context, SATURDAY_EVENING))
    assert handoff["reason"] == "food_safety"
    deadline = SATURDAY_EVENING + timedelta(minutes=15)
    assert datetime.fromisoformat(handoff["deadline"]) == deadline
    [ticket] = await tickets_of(clients, state)
    assert ticket["levels"] == [2, 3, 4]


async def test_food_safety_goes_to_every_level(
    clients: Clients, context: Context, thread_id: str
) -> None:
    state = a_state("an insect", "food_safety", thread_id=thread_id)
    await hand_off(state, at(context, MONDAY_MORNING))
    [ticket] = await tickets_of(clients, state)
    assert ticket["levels"] == [2, 3, 4]
