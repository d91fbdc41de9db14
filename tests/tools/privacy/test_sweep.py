"""What has been kept long enough goes, and nothing else."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.tools.conftest import a_thread
from tools.database import Pool, fetch_all, fetch_one
from tools.privacy.kinds import days_of, kinds
from tools.privacy.sweep import BATCH, BATCHES, Keeping
from tools.privacy.trail import Trail

CHECKPOINT_DAYS = 14
OVER = {name: days_of(name) + 1 for name in ("conversations", "tickets", "cards", "accounts")}
CARD = {"kind": "order", "title": "Order for Ah Beng", "total": "54.50", "notes": ["ring Ah Beng"]}


@pytest.fixture
def keeping(pool: Pool) -> Keeping:
    return Keeping(pool, CHECKPOINT_DAYS)


async def aged(pool: Pool, days: int, status: str = "succeeded") -> UUID:
    """A conversation that nobody has touched for so many days."""
    thread_id = await a_thread(pool)
    await fetch_one(
        pool,
        "with t as (update threads set updated_at = now() - %s * interval '1 day'"
        " where thread_id = %s returning thread_id)"
        " insert into runs (run_id, thread_id, turn, status, request, scope, graph_thread,"
        " updated_at) select gen_random_uuid(), thread_id, 1, %s, '{}', '{}', thread_id || ':1',"
        " now() - %s * interval '1 day' from t returning 1",
        [days, thread_id, status, days],
    )
    return thread_id


async def ticketed(pool: Pool, thread_id: UUID, status: str, days: int) -> None:
    await fetch_one(
        pool,
        "insert into tickets (task_key, thread_id, customer_id, reason, levels, packet, deadline,"
        " status, created_at) values (%s, %s, 'x', 'asked', '{2}', '{}', now(), %s,"
        " now() - %s * interval '1 day') returning 1",
        [str(uuid4()), thread_id, status, days],
    )


async def carded(pool: Pool, status: str, days: int, *, has_written: bool) -> UUID:
    """A card whose conversation has gone."""
    action_id = uuid4()
    await fetch_one(
        pool,
        "with a as (insert into actions (action_id, customer_id, kind, status, card, hash,"
        " document_number, expires_at, scope, updated_at) values (%s, 'x', 'order', %s, %s, 'h',"
        " %s, now(), %s, now() - %s * interval '1 day') returning action_id)"
        " insert into action_writes (action_id, position, operation, target, body, status)"
        " select action_id, 0, 'create_invoice', 'n', 'Ah Beng', %s from a returning 1",
        [
            *(action_id, status, Jsonb(CARD), str(action_id)[:13], Jsonb({"name": "Ah Beng"})),
            *(days, "done" if has_written else "pending"),
        ],
    )
    return action_id


async def left(pool: Pool, ids: list[UUID]) -> set[UUID]:
    """Which of some conversations and cards are still there."""
    rows = await fetch_all(
        pool,
        "select thread_id as id from threads where thread_id = any(%(ids)s)"
        " union all select action_id from actions where action_id = any(%(ids)s)",
        {"ids": ids},
    )
    return {row["id"] for row in rows}


async def due_of(keeping: Keeping) -> Mapping[str, int | None]:
    return {each.kind.name: each.count for each in await keeping.due()}


async def test_conversations_without_activity_go_unless_something_is_open(
    pool: Pool, keeping: Keeping
) -> None:
    over = OVER["conversations"]
    old, young = await aged(pool, over), await aged(pool, over - 2)
    running, asked = await aged(pool, over, "interrupted"), await aged(pool, over)
    await ticketed(pool, asked, "open", over)
    assert (await due_of(keeping))["conversations"] == 1
    assert (await keeping.drop())["conversations"] == 1
    ids = [old, young, running, asked]
    assert await left(pool, ids) == {young, running, asked}
    assert (await due_of(keeping))["conversations"] == 0


async def test_closed_tickets_go_before_their_conversation(pool: Pool, keeping: Keeping) -> None:
    thread_id = await a_thread(pool)
    for status, days in (("closed", OVER["tickets"]), ("closed", 1), ("open", OVER["tickets"])):
        await ticketed(pool, thread_id, status, days)
    assert (await keeping.drop())["tickets"] == 1
    rows = await fetch_all(pool, "select status from tickets where thread_id = %s", [thread_id])
    assert sorted(row["status"] for row in rows) == ["closed", "open"]


async def test_of_old_cards_only_the_figures_of_what_was_written_stay(
    pool: Pool, keeping: Keeping
) -> None:
    days = OVER["cards"]
    written = await carded(pool, "committed", days, has_written=True)
    in_vain = await carded(pool, "declined", days, has_written=False)
    young = await carded(pool, "committed", 1, has_written=True)
    assert (await keeping.drop())["cards"] == 2
    rows = await fetch_all(
        pool,
        "select action_id, card, scope, body from actions join action_writes using (action_id)"
        " where action_id = any(%s) order by updated_at",
        [[written, in_vain, young]],
    )
    kept: dict[UUID, Any] = {row["action_id"]: row for row in rows}
    assert set(kept) == {written, young}
    assert "Ah Beng" in str(kept[young]["card"])
    assert kept[written]["card"]["total"] == "54.50"
    assert "Ah Beng" not in str([kept[written]["card"], kept[written]["scope"]])
    assert bytes(kept[written]["body"]) == b""
    assert "cards" not in await keeping.drop()


async def test_the_figures_go_when_the_law_needs_them_no_more(pool: Pool, keeping: Keeping) -> None:
    card = await carded(pool, "committed", OVER["accounts"], has_written=True)
    gone = await keeping.drop_all()
    assert (gone["cards"], gone["accounts"]) == (1, 1)
    assert await left(pool, [card]) == set()


async def test_one_sweep_does_not_do_everything_at_once(pool: Pool, keeping: Keeping) -> None:
    most = BATCH * BATCHES
    await fetch_one(
        pool,
        "with made as (insert into payments_told (payment_id, customer_id, told_at)"
        " select gen_random_uuid(), 'x', now() - interval '3 years' from generate_series(1, %s)"
        " returning 1) select count(*) from made",
        [most + 1],
    )
    assert (await keeping.drop())["payments_told"] == most
    assert (await keeping.drop())["payments_told"] == 1


async def without_a_trail(pool: Pool) -> None:
    """What other tests left would stand before what is old; only a superuser can do this."""
    async with pool.connection() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        await connection.execute("delete from audit")
        await connection.execute("delete from audit_seals")


async def test_the_audit_trail_goes_seal_by_seal(pool: Pool, keeping: Keeping) -> None:
    await without_a_trail(pool)
    for number in range(3):
        await fetch_one(
            pool,
            "insert into audit (at, actor, event, subject)"
            " values (now() - interval '20 years', 'Mei', 'run.resumed', %s) returning 1",
            [f"old {number}"],
        )
        await Trail(pool).seal()
    assert (await due_of(keeping))["audit"] == 3
    assert (await keeping.drop())["audit"] == 3
    assert (await Trail(pool).verify()).faults == ()


async def test_every_kind_can_be_counted(keeping: Keeping) -> None:
    due = await keeping.due()
    assert [each.kind.name for each in due] == [k.name for k in kinds(CHECKPOINT_DAYS)]
    assert all(each.count is not None for each in due)
    assert due[0].kind.days == CHECKPOINT_DAYS
