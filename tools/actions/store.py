"""Action cards: what the assistant proposes to write, and what became of it.

proposed -> confirmed by the customer -> (approved by a person) -> committed; or declined, expired,
cancelled, failed. Each step leaves a row in the audit table, in the same transaction.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tools.actions.ledger import Ledger
from tools.actions.selected import (
    AS_AGREED,
    CANCELLED,
    COLUMNS,
    IN_FORCE,
    OPEN,
    UNFINISHED,
    WAITING,
)
from tools.actions.trail import audit, close_ticket
from tools.database import Pool, fetch_all, fetch_one
from tools.xero.writes import Write

Kind = Literal[
    "order",
    "order_change",
    "order_cancel",
    "quote",
    "quote_accept",
    "credit",
    "allocation",
    "email",
    "payment_report",
]
End = Literal["committed", "declined", "expired", "cancelled", "failed"]

COMMITS = 4


@dataclass(frozen=True)
class Proposal:
    """A card and the exact bytes that a yes to it will send.

    `scope` is who asked, so that any process can finish the write. With an `approval_level` a
    person of that level or above must agree after the customer has.
    """

    action_id: UUID
    thread_id: UUID
    customer_id: str
    kind: Kind
    card: Mapping[str, Any]
    writes: Sequence[Write]
    document_number: str
    expires_at: datetime
    scope: Mapping[str, Any] = field(default_factory=dict)
    approval_level: int | None = None


def card_hash(card: Mapping[str, Any], writes: Sequence[Write]) -> str:
    """What the customer says yes to: any change of the card or of a write changes it."""
    shown = json.dumps(card, sort_keys=True, ensure_ascii=False).encode()
    sent = [b"\0".join((w.operation.encode(), w.target.encode(), w.body)) for w in writes]
    return hashlib.sha256(b"\0\0".join((shown, *sent))).hexdigest()


class Actions:
    """The actions table: from a card to its end."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        # Each holds a connection while Xero thinks: they must never take the whole pool.
        self._commits = asyncio.Semaphore(COMMITS)

    async def next_number(self) -> str:
        """A document number of our own series. Gaps do no harm, repeats would."""
        row = await fetch_one(self._pool, "select nextval('document_numbers') as number")
        assert row is not None  # noqa: S101 (nextval always answers)
        return f"TRIA-{row['number']:06}"

    async def open_of(self, thread_id: UUID, customer_id: str) -> DictRow | None:
        """The thread's card that still waits for an answer or for its write."""
        return await fetch_one(
            self._pool,
            f"select {COLUMNS} from actions where thread_id = %s and customer_id = %s and {OPEN}"
            " order by created_at desc limit 1",
            [thread_id, customer_id],
        )

    async def waiting_of(self, thread_id: UUID, customer_id: str) -> DictRow | None:
        """The thread's latest card that waits for a person."""
        return await fetch_one(
            self._pool,
            f"select {COLUMNS} from actions where thread_id = %s and customer_id = %s"
            f" and {WAITING} order by created_at desc limit 1",
            [thread_id, customer_id],
        )

    async def get(self, action_id: UUID, customer_id: str) -> DictRow | None:
        """The customer's own action."""
        return await fetch_one(
            self._pool,
            f"select {COLUMNS} from actions where action_id = %s and customer_id = %s",
            [action_id, customer_id],
        )

    async def committed_of(self, customer_id: str, limit: int) -> list[DictRow]:
        """The customer's latest orders that are in the books, latest first, as last agreed to."""
        return await fetch_all(
            self._pool,
            f"select {AS_AGREED} from actions a where {IN_FORCE} and customer_id = %s"
            " order by updated_at desc limit %s",
            [customer_id, limit],
        )

    async def cancelled_of(self, customer_id: str, limit: int) -> list[DictRow]:
        """The customer's latest orders that were cancelled after all, latest first."""
        return await fetch_all(
            self._pool,
            f"select {COLUMNS} from actions a where {CANCELLED} and customer_id = %s"
            " order by updated_at desc limit %s",
            [customer_id, limit],
        )

    async def numbered(self, number: str, customer_id: str) -> DictRow | None:
        """The customer's own order in the books, as last agreed to; None once it is cancelled."""
        return await fetch_one(
            self._pool,
            f"select {AS_AGREED} from actions a where {IN_FORCE} and customer_id = %s"
            " and document_number = %s",
            [customer_id, number],
        )

    async def propose(self, proposal: Proposal) -> None:
        """Store a card; one proposed before it in the same thread expires. Safe to repeat."""
        digest = card_hash(proposal.card, proposal.writes)
        async with self._pool.connection() as connection, connection.transaction():
            await _replace_open(connection, proposal)
            stored = await connection.execute(
                "insert into actions (action_id, thread_id, customer_id, kind, card, hash,"
                " document_number, expires_at, scope, approval_level)"
                " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
                " on conflict (action_id) do nothing",
                [
                    *(proposal.action_id, proposal.thread_id, proposal.customer_id),
                    *(proposal.kind, Jsonb(dict(proposal.card)), digest),
                    *(proposal.document_number, proposal.expires_at),
                    *(Jsonb(dict(proposal.scope)), proposal.approval_level),
                ],
            )
            if stored.rowcount:
                await _store_writes(connection, proposal)
                await audit(connection, "assistant", "proposed", proposal.action_id, digest)

    async def confirm(
        self,
        action_id: UUID,
        customer_id: str,
        digest: str,
        now: datetime,
        run_id: UUID | None = None,
    ) -> DictRow | None:
        """Record the customer's yes to exactly this hash; None when that card is not open.

        `run_id` is the run whose message says it, which stays from then on. A card that was
        confirmed before is returned again, so that a turn can be resumed.
        """
        async with self._pool.connection() as connection, connection.transaction():
            found = await connection.execute(
                "update actions set status = 'confirmed', confirmed_by = %s, confirmed_at = %s,"
                " confirmed_in = %s, updated_at = now()"
                " where action_id = %s and customer_id = %s and hash = %s"
                f" and status = 'proposed' and expires_at > %s returning {COLUMNS}",
                [customer_id, now, run_id, action_id, customer_id, digest, now],
            )
            row = await found.fetchone()
            if row:
                await audit(connection, customer_id, "confirmed", action_id, digest)
                return row
            again = await connection.execute(
                f"select {COLUMNS} from actions where action_id = %s and customer_id = %s"
                " and hash = %s and status in ('confirmed', 'approved')",
                [action_id, customer_id, digest],
            )
            return await again.fetchone()

    async def wait_for_person(self, action_id: UUID, run_id: UUID) -> None:
        """Note which run waits for the decision about this card."""
        await fetch_one(
            self._pool,
            "update actions set run_id = %s where action_id = %s and run_id is null"
            " returning action_id",
            [run_id, action_id],
        )

    async def decline(self, action_id: UUID, customer_id: str, digest: str) -> bool:
        """Let the customer's own proposed card go; False for any other, or once it is confirmed."""
        async with self._pool.connection() as connection, connection.transaction():
            ended = await connection.execute(
                "update actions set status = 'declined', updated_at = now() where action_id = %s"
                " and customer_id = %s and hash = %s and status = 'proposed'",
                [action_id, customer_id, digest],
            )
            if ended.rowcount:
                await audit(connection, customer_id, "declined", action_id, digest)
        return bool(ended.rowcount)

    async def withdraw(self, action_id: UUID, customer_id: str) -> bool:
        """Let the customer's own card go while it waits for a person; False once that is over."""
        async with self._pool.connection() as connection, connection.transaction():
            ended = await connection.execute(
                "update actions set status = 'cancelled', decided_by = %s, decided_at = now(),"
                f" updated_at = now() where action_id = %s and customer_id = %s and {WAITING}"
                " returning run_id",
                [customer_id, action_id, customer_id],
            )
            if row := await ended.fetchone():
                await audit(connection, customer_id, "cancelled", action_id, "")
                await close_ticket(connection, row["run_id"])
        return bool(ended.rowcount)

    async def settle(
        self,
        action_id: UUID,
        end: End,
        *,
        document_id: UUID | None = None,
        error: str = "",
        is_told: bool = True,
    ) -> bool:
        """Move an unfinished card to one of its ends; False when it had ended before.

        Unless the turn that asks `is_told`, the customer is to be told by a turn of its own.
        """
        async with self._pool.connection() as connection, connection.transaction():
            ended = await connection.execute(
                "update actions set status = %s, document_id = %s, error = nullif(%s, ''),"
                " to_tell = %s, updated_at = now() where action_id = %s and status = any(%s)",
                [end, document_id, error, not is_told, action_id, list(UNFINISHED)],
            )
            if ended.rowcount:
                await audit(connection, "assistant", end, action_id, error)
        return bool(ended.rowcount)

    @asynccontextmanager
    async def held(self, action_id: UUID) -> AsyncIterator["Ledger | None"]:
        """The card's ledger, held against every other process; None while somebody else holds it.

        The lock belongs to a connection, so that it ends at once with a process that dies.
        """
        key = [f"action:{action_id}"]
        async with self._commits, self._pool.connection() as connection:
            asked = await connection.execute(
                "select pg_try_advisory_lock(hashtextextended(%s, 0)) as got", key
            )
            row = await asked.fetchone()
            is_held = bool(row and row["got"])
            try:
                yield Ledger(connection, action_id) if is_held else None
            finally:
                if is_held:
                    await connection.execute(
                        "select pg_advisory_unlock(hashtextextended(%s, 0))", key
                    )


async def _replace_open(connection: psycopg.AsyncConnection[DictRow], proposal: Proposal) -> None:
    replaced = await connection.execute(
        "update actions set status = 'expired', error = 'replaced by a newer card',"
        " updated_at = now() where thread_id = %s and status = 'proposed' and action_id <> %s"
        " returning action_id",
        [proposal.thread_id, proposal.action_id],
    )
    for row in await replaced.fetchall():
        await audit(connection, "assistant", "expired", row["action_id"], "replaced")


async def _store_writes(connection: psycopg.AsyncConnection[DictRow], proposal: Proposal) -> None:
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "insert into action_writes (action_id, position, operation, target, body, seen)"
            " values (%s, %s, %s, %s, %s, %s)",
            [
                (proposal.action_id, n, w.operation, w.target, w.body, w.seen)
                for n, w in enumerate(proposal.writes)
            ],
        )
