import re
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from tests.tools.conftest import CUSTOMER
from tools.database import Pool, fetch_one
from tools.tickets import NewTicket, Tickets

DEADLINE = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


@pytest.fixture
def tickets(pool: Pool) -> Tickets:
    return Tickets(pool)


def a_ticket(thread_id: UUID) -> NewTicket:
    return NewTicket(
        task_key=f"{uuid4()}:hand_off",
        thread_id=thread_id,
        customer_id=CUSTOMER,
        reason="complaint",
        levels=[2],
        packet={"message": "crushed"},
        deadline=DEADLINE,
    )


async def test_a_ticket_has_a_number_and_a_deadline(tickets: Tickets, thread_id: UUID) -> None:
    ticket = await tickets.open(a_ticket(thread_id))
    assert re.fullmatch(r"T-\d{6}", ticket.number)
    assert ticket.deadline == DEADLINE


async def test_one_task_opens_one_ticket_and_keeps_its_first_form(
    tickets: Tickets, pool: Pool, thread_id: UUID
) -> None:
    wanted = a_ticket(thread_id)
    first = await tickets.open(wanted)
    later = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
    assert await tickets.open(replace(wanted, reason="person", deadline=later)) == first
    row = await fetch_one(
        pool,
        "select count(*) as count, min(reason) as reason from tickets where task_key = %s",
        [wanted.task_key],
    )
    assert row == {"count": 1, "reason": "complaint"}


async def test_other_tasks_open_other_tickets(tickets: Tickets, thread_id: UUID) -> None:
    numbers = {(await tickets.open(a_ticket(thread_id))).number for _ in range(3)}
    assert len(numbers) == 3


async def test_what_a_person_needs_is_stored(tickets: Tickets, pool: Pool, thread_id: UUID) -> None:
    wanted = a_ticket(thread_id)
    await tickets.open(wanted)
    row = await fetch_one(pool, "select * from tickets where task_key = %s", [wanted.task_key])
    assert row is not None
    assert (row["status"], row["levels"], row["packet"]) == ("open", [2], {"message": "crushed"})
    assert (row["thread_id"], row["customer_id"]) == (thread_id, CUSTOMER)
