"""An approval that nobody gives goes to the next level after a day, once."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import customer
from tests.tools.actions.conftest import a_confirmed, a_number, an_invoice
from tools.actions.desk import ApprovalDesk
from tools.actions.dossier import dossiers
from tools.actions.forgotten import Forgotten
from tools.actions.records import ActionRecords
from tools.actions.store import Actions
from tools.database import Pool, fetch_one
from tools.rules import load_rules
from tools.tickets import NewTicket, Tickets

HOURS = load_rules().escalation.forgotten_hours


async def a_waiting_card(actions: Actions, pool: Pool, level: int, hours: float) -> dict[str, Any]:
    """A card with its ticket that has waited for so long."""
    number = a_number()
    lines = [{"code": "CNP-014-FB-01", "name": "box", "pieces": 100, "amount": "45.00"}]
    card = await a_confirmed(
        actions, pool, [an_invoice(number)], number, level=level, card={"lines": lines}
    )
    run_id = uuid4()
    await actions.wait_for_person(card["action_id"], run_id)
    await fetch_one(
        pool,
        "update actions set confirmed_at = now() - %s * interval '1 hour' where action_id = %s"
        " returning 1",
        [hours, card["action_id"]],
    )
    await Tickets(pool).open(
        NewTicket(
            task_key=f"{run_id}:hand_off",
            thread_id=card["thread_id"],
            customer_id=customer().customer_id,
            reason="approval",
            levels=(level,),
            packet={},
            deadline=datetime(2026, 1, 1, tzinfo=UTC),
        )
    )
    return card | {"run_id": run_id}


async def ticket_of(pool: Pool, card: dict[str, Any]) -> dict[str, Any]:
    row = await fetch_one(
        pool,
        "select levels, deadline, status from tickets where task_key = %s",
        [f"{card['run_id']}:hand_off"],
    )
    assert row
    return row


async def escalated(pool: Pool, card: dict[str, Any]) -> list[str]:
    trail = await ActionRecords(pool).trail(card["action_id"])
    return [step["note"] for step in trail if step["event"] == "action.escalated"]


@pytest.mark.parametrize(("level", "to"), [(2, 3), (3, 4), (4, 4)])
async def test_the_next_level_hears_of_it_once(
    actions: Actions, pool: Pool, level: int, to: int
) -> None:
    card = await a_waiting_card(actions, pool, level, HOURS + 1)
    forgotten = Forgotten(pool, lambda: datetime.now(UTC))
    for _ in range(2):
        await forgotten.escalate()
    ticket = await ticket_of(pool, card)
    assert ticket["levels"] == [to]
    assert ticket["deadline"] > datetime.now(UTC) - timedelta(minutes=1)
    assert await escalated(pool, card) == [f"to level {to}"]
    row = await ActionRecords(pool).card(card["action_id"])
    assert row
    assert (row["status"], row["approval_level"]) == ("confirmed", level)


async def test_neither_what_waits_for_less_nor_what_is_decided(
    actions: Actions, pool: Pool
) -> None:
    early = await a_waiting_card(actions, pool, 2, HOURS - 1)
    decided = await a_waiting_card(actions, pool, 2, HOURS + 1)
    await ApprovalDesk(pool).decide(decided["action_id"], "wei", approved=True, reason="")
    await Forgotten(pool, lambda: datetime.now(UTC)).escalate()
    for card in (early, decided):
        assert await escalated(pool, card) == []
    assert (await ticket_of(pool, early))["levels"] == [2]


async def test_a_dossier_says_how_urgent_a_card_is_and_what_came_before(
    actions: Actions, pool: Pool
) -> None:
    before = await a_waiting_card(actions, pool, 2, 0)
    card = await a_waiting_card(actions, pool, 2, HOURS * 7)
    records = ActionRecords(pool)
    row = await records.card(card["action_id"])
    assert row
    [fresh] = await dossiers(records, [row], row["confirmed_at"])
    [old] = await dossiers(records, [row], datetime.now(UTC))
    assert (fresh.is_late, fresh.is_forgotten) == (False, False)
    assert (old.is_late, old.is_forgotten) == (True, True)
    assert [step["event"] for step in old.trail] == ["action.proposed", "action.confirmed"]
    assert before["action_id"] in [each["action_id"] for each in old.earlier]
    assert card["action_id"] not in [each["action_id"] for each in old.earlier]
