"""Action cards: what the assistant proposes to write, and what became of it.

proposed -> confirmed by the customer -> (approved by a person) -> committed; or declined, expired,
cancelled, failed. One that a person made of another is prepared before it is proposed. Each step
leaves a row in the audit table, in the same transaction.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Literal
from uuid import UUID

from psycopg.rows import DictRow

from tools.actions.ledger import Ledger
from tools.actions.proposing import Kind as Kind
from tools.actions.proposing import Proposal as Proposal
from tools.actions.proposing import card_hash as card_hash
from tools.actions.proposing import replace_open, store_card
from tools.actions.selected import (
    AS_AGREED,
    CANCELLED,
    COLUMNS,
    IN_FORCE,
    OPEN,
    UNFINISHED,
    WAITING,
)
from tools.actions.trail import OnEnd, audit, close_ticket, nobody
from tools.database import Pool, fetch_all, fetch_one
from tools.restores import left_out

End = Literal["committed", "declined", "expired", "cancelled", "failed"]

COMMITS = 4


class Actions:
    """The actions table: from a card to its end, of which `on_end` is told."""

    def __init__(self, pool: Pool, on_end: OnEnd = nobody) -> None:
        self._pool = pool
        self._on_end = on_end
        # Each holds a connection while Xero thinks: they must never take the whole pool.
        self._commits = asyncio.Semaphore(COMMITS)

    async def next_number(self) -> str:
        """A document number of our own series. Gaps do no harm, repeats would."""
        async with self._pool.connection() as connection, connection.transaction():
            await left_out(connection)  # also after a failover, when nobody migrates
            found = await connection.execute("select nextval('document_numbers') as number")
            row = await found.fetchone()
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
        async with self._pool.connection() as connection, connection.transaction():
            replaced = await replace_open(connection, proposal.thread_id, proposal.action_id)
            if digest := await store_card(connection, proposal, "proposed"):
                await audit(connection, "assistant", "proposed", proposal.action_id, digest)
        self._tell(replaced)

    async def present(self, action_id: UUID, customer_id: str) -> DictRow | None:
        """Show the customer a card that a person prepared: from here on it can be answered.

        None when it is theirs no more to answer. Safe to repeat.
        """
        replaced: list[str] = []
        async with self._pool.connection() as connection, connection.transaction():
            shown = await connection.execute(
                "select thread_id from actions where action_id = %s and customer_id = %s"
                " and status = 'prepared' for update",
                [action_id, customer_id],
            )
            if row := await shown.fetchone():
                replaced = await replace_open(connection, row["thread_id"], action_id)
                await connection.execute(
                    "update actions set status = 'proposed', updated_at = now()"
                    " where action_id = %s",
                    [action_id],
                )
                await audit(connection, "assistant", "proposed", action_id, "")
            found = await connection.execute(
                f"select {COLUMNS} from actions where action_id = %s and customer_id = %s"
                " and status = 'proposed'",
                [action_id, customer_id],
            )
            card = await found.fetchone()
        self._tell(replaced)
        return card

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
        confirmed before is returned again, so that a turn can be resumed. One that a person made
        of another has that person's yes already.
        """
        async with self._pool.connection() as connection, connection.transaction():
            found = await connection.execute(
                "update actions set status = case when agreed_by is null or approval_level is null"
                " then 'confirmed' else 'approved' end, decided_by = agreed_by,"
                " decided_at = case when agreed_by is null then decided_at else now() end,"
                " confirmed_by = %s, confirmed_at = %s, confirmed_in = %s, updated_at = now()"
                " where action_id = %s and customer_id = %s and hash = %s"
                f" and status = 'proposed' and expires_at > %s returning {COLUMNS}",
                [customer_id, now, run_id, action_id, customer_id, digest, now],
            )
            row = await found.fetchone()
            if row:
                await audit(connection, customer_id, "confirmed", action_id, digest)
                if agreed := row["agreed_by"]:
                    await audit(connection, agreed, "approved", action_id, "when it was changed")
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
                " and customer_id = %s and hash = %s and status = 'proposed' returning kind",
                [action_id, customer_id, digest],
            )
            if row := await ended.fetchone():
                await audit(connection, customer_id, "declined", action_id, digest)
        return self._is_ended(row, "declined")

    async def withdraw(self, action_id: UUID, customer_id: str) -> bool:
        """Let the customer's own card go while it waits for a person; False once that is over."""
        async with self._pool.connection() as connection, connection.transaction():
            ended = await connection.execute(
                "update actions set status = 'cancelled', decided_by = %s, decided_at = now(),"
                f" updated_at = now() where action_id = %s and customer_id = %s and {WAITING}"
                " returning run_id, kind",
                [customer_id, action_id, customer_id],
            )
            if row := await ended.fetchone():
                await audit(connection, customer_id, "cancelled", action_id, "")
                await close_ticket(connection, row["run_id"])
        return self._is_ended(row, "cancelled")

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
                " to_tell = %s, updated_at = now() where action_id = %s and status = any(%s)"
                " returning kind",
                [end, document_id, error, not is_told, action_id, list(UNFINISHED)],
            )
            if row := await ended.fetchone():
                await audit(connection, "assistant", end, action_id, error)
        return self._is_ended(row, end)

    def _is_ended(self, row: DictRow | None, end: End) -> bool:
        """Tell of it once the transaction that ends it stands."""
        self._tell([row["kind"]] if row else [], end)
        return row is not None

    def _tell(self, kinds: Sequence[str], end: End = "expired") -> None:
        for kind in kinds:
            self._on_end(kind, end)

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
