"""Conversations in every state, put into a database directly."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from tools.database import Pool

SOMEBODY = {"name": "Aisyah Rahman", "company": "Kopi Lane Pte Ltd"}


async def execute(pool: Pool, query: str, **values: Any) -> None:
    async with pool.connection() as connection:
        await connection.execute(query.encode(), values)


async def a_conversation(pool: Pool, customer: str | None = None) -> UUID:
    """Of a customer of its own unless one is named."""
    thread_id = uuid4()
    await execute(
        pool,
        "insert into threads (thread_id, customer_id) values (%(id)s, %(customer)s)",
        id=thread_id,
        customer=customer or f"customer-{thread_id}",
    )
    return thread_id


async def a_turn(
    pool: Pool, thread_id: UUID, said: str = "where is it?", ago_s: float = 0, **columns: Any
) -> UUID:
    """A turn of so long ago with the customer's message; answered when it has succeeded."""
    run_id = uuid4()
    row = {"status": "succeeded", "scope": Jsonb(SOMEBODY | {"customer_id": "c"})} | columns
    names, marks = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    await execute(
        pool,
        "with counted as (update threads set turns = turns + 1,"  # noqa: S608 (own column names)
        " updated_at = now() - %(ago)s"
        " where thread_id = %(thread_id)s returning turns)"
        " insert into runs (run_id, thread_id, turn, after_turn, graph_thread, request,"
        f" created_at, updated_at, {names}) select %(run_id)s, %(thread_id)s, turns,"
        " nullif(turns - 1, 0), %(thread_id)s || ':' || turns, '{}', now() - %(ago)s,"
        f" now() - %(ago)s, {marks} from counted",
        run_id=run_id,
        thread_id=thread_id,
        ago=timedelta(seconds=ago_s),
        **row,
    )
    roles = [("human", said)] + ([("ai", "Here it is.")] if row["status"] == "succeeded" else [])
    for role, content in roles:
        await execute(
            pool,
            "insert into messages (message_id, thread_id, run_id, role, content, created_at)"
            " values (%(message_id)s, %(thread_id)s, %(run_id)s, %(role)s, %(content)s,"
            " now() - %(ago)s)",
            message_id=str(uuid4()),
            thread_id=thread_id,
            run_id=run_id,
            role=role,
            content=content,
            ago=timedelta(seconds=ago_s),
        )
    return run_id


async def a_ticket(pool: Pool, thread_id: UUID, left_s: float = 600, **columns: Any) -> None:
    """An open ticket whose deadline is that far away."""
    row = {"reason": "damage", "levels": [2], "status": "open", "task_key": str(uuid4())} | columns
    names, marks = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    await execute(
        pool,
        f"insert into tickets (thread_id, customer_id, packet, deadline, {names})"  # noqa: S608
        f" values (%(thread_id)s, 'c', '{{}}', now() + %(left)s, {marks})",
        thread_id=thread_id,
        left=timedelta(seconds=left_s),
        **row,
    )


async def a_card(pool: Pool, thread_id: UUID, ago_s: float = 0, **columns: Any) -> UUID:
    """A card that its customer has said yes to."""
    row = {
        "action_id": uuid4(),
        "kind": "order",
        "status": "confirmed",
        "document_number": f"TRIA-{uuid4().int % 10**9}",
        "card": Jsonb({"title": "Order"}),
    } | columns
    names, marks = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    await execute(
        pool,
        "insert into actions (thread_id, customer_id, hash, expires_at, confirmed_at,"  # noqa: S608
        f" updated_at, {names}) values (%(thread_id)s, 'c', 'h', now() + interval '1 day',"
        f" now() - %(ago)s, now() - %(ago)s, {marks})",
        thread_id=thread_id,
        ago=timedelta(seconds=ago_s),
        **row,
    )
    card_id: UUID = row["action_id"]  # type: ignore[assignment]
    return card_id
