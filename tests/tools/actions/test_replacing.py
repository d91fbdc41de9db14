"""Two colleagues change two cards of one conversation: the customer is asked about one of them."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.conftest import customer
from tests.tools.actions.conftest import a_confirmed, a_number, an_invoice, status_of
from tools.actions.proposing import Proposal
from tools.actions.replacing import LOCK, Agreed, Replacing, replacement_of
from tools.actions.store import Actions
from tools.database import Pool, fetch_one
from tools.errors import OperationRefused
from tools.operators.person_turns import Connection


async def a_waiting_card(actions: Actions, pool: Pool, thread_id: UUID | None) -> dict[str, Any]:
    """A card that waits for a person, in a conversation where there is one."""
    number = a_number()
    card = await a_confirmed(actions, pool, [an_invoice(number)], number, level=2)
    if thread_id is None:
        return card
    moved = "update actions set thread_id = %s where action_id = %s returning thread_id"
    return card | (await fetch_one(pool, moved, [thread_id, card["action_id"]]) or {})


def instead_of(card: dict[str, Any]) -> Proposal:
    number = a_number()
    return Proposal(
        action_id=replacement_of(card["action_id"]),
        thread_id=card["thread_id"],
        customer_id=customer().customer_id,
        kind="order",
        card=card["card"] | {"title": "Another"},
        writes=[an_invoice(number)],
        document_number=number,
        expires_at=datetime.now(UTC) + timedelta(hours=1),
        scope=card["scope"],
    )


async def waiting_for_a_lock(connection: Connection, count: int) -> None:
    for _ in range(200):
        found = await connection.execute(
            "select count(*) as n from pg_stat_activity"
            " where datname = current_database() and wait_event_type = 'Lock'"
        )
        row = await found.fetchone()
        if row and row["n"] >= count:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("nobody waits")


async def test_the_second_of_two_at_once_is_refused(actions: Actions, pool: Pool) -> None:
    first = await a_waiting_card(actions, pool, None)
    second = await a_waiting_card(actions, pool, first["thread_id"])
    told: list[tuple[str, str]] = []
    replacing = Replacing(pool, lambda kind, end: told.append((kind, end)))
    async with pool.connection() as watching, pool.connection() as connection:
        async with connection.transaction():
            await connection.execute(LOCK, [first["thread_id"]])
            changes = [
                asyncio.create_task(
                    replacing.replace(card["action_id"], instead_of(card), Agreed(who, 2))
                )
                for card, who in ((first, "mei"), (second, "ali"))
            ]
            await waiting_for_a_lock(watching, 2)
        done = await asyncio.gather(*changes, return_exceptions=True)
    assert sorted(isinstance(each, OperationRefused) for each in done) == [False, True], done
    ends = [await status_of(actions, card["action_id"]) for card in (first, second)]
    assert sorted(ends) == ["cancelled", "confirmed"]
    assert told == [(first["kind"], "cancelled")]
