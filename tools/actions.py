"""Action cards: what the assistant proposes to write, and what became of it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tools.database import Pool, fetch_all, fetch_one

OPEN = ("proposed", "confirmed")
COLUMNS = "action_id, thread_id, kind, status, card, hash, payload, document_number, expires_at"


@dataclass(frozen=True)
class Proposal:
    """A card and the exact bytes that a yes to it will send."""

    action_id: UUID
    thread_id: UUID
    customer_id: str
    kind: str
    card: Mapping[str, Any]
    payload: bytes
    document_number: str
    expires_at: datetime


def card_hash(card: Mapping[str, Any], payload: bytes) -> str:
    """What the customer says yes to: any change of the card or of the bytes changes it."""
    shown = json.dumps(card, sort_keys=True, ensure_ascii=False).encode()
    return hashlib.sha256(shown + b"\0" + payload).hexdigest()


class Actions:
    """The actions table. Each step leaves a row in the audit table, in the same transaction."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def next_number(self) -> str:
        """A document number of our own series. Gaps do no harm, repeats would."""
        row = await fetch_one(self._pool, "select nextval('document_numbers') as number")
        assert row is not None  # noqa: S101 (nextval always answers)
        return f"TRIA-{row['number']:06}"

    async def open_of(self, thread_id: UUID, customer_id: str) -> DictRow | None:
        """The thread's card that still waits for an answer or for its write."""
        return await fetch_one(
            self._pool,
            f"select {COLUMNS} from actions where thread_id = %s and customer_id = %s"
            " and status = any(%s)",
            [thread_id, customer_id, list(OPEN)],
        )

    async def get(self, action_id: UUID, customer_id: str) -> DictRow | None:
        """The customer's own action."""
        return await fetch_one(
            self._pool,
            f"select {COLUMNS} from actions where action_id = %s and customer_id = %s",
            [action_id, customer_id],
        )

    async def committed_of(self, customer_id: str, limit: int) -> list[DictRow]:
        """The customer's latest orders that are in the books, latest first."""
        return await fetch_all(
            self._pool,
            f"select {COLUMNS} from actions where customer_id = %s and status = 'committed'"
            " order by updated_at desc limit %s",
            [customer_id, limit],
        )

    async def propose(self, proposal: Proposal) -> None:
        """Store a card; one proposed before it in the same thread expires. Safe to repeat."""
        digest = card_hash(proposal.card, proposal.payload)
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(
                "update actions set status = 'expired', updated_at = now()"
                " where thread_id = %s and status = 'proposed' and action_id <> %s",
                [proposal.thread_id, proposal.action_id],
            )
            stored = await connection.execute(
                "insert into actions (action_id, thread_id, customer_id, kind, card, hash, payload,"
                " document_number, expires_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
                " on conflict (action_id) do nothing",
                [
                    *(proposal.action_id, proposal.thread_id, proposal.customer_id),
                    *(proposal.kind, Jsonb(dict(proposal.card)), digest, proposal.payload),
                    *(proposal.document_number, proposal.expires_at),
                ],
            )
            if stored.rowcount:
                await _audit(connection, "assistant", "proposed", proposal.action_id, digest)

    async def confirm(
        self, action_id: UUID, customer_id: str, digest: str, now: datetime
    ) -> DictRow | None:
        """Record the customer's yes to exactly this hash; None when that card is not open.

        A card that was confirmed before is returned again, so that a turn can be resumed.
        """
        async with self._pool.connection() as connection, connection.transaction():
            found = await connection.execute(
                "update actions set status = 'confirmed', confirmed_by = %s,"
                " confirmed_at = coalesce(confirmed_at, %s), updated_at = now()"
                " where action_id = %s and customer_id = %s and hash = %s"
                " and (status = 'confirmed' or status = 'proposed' and expires_at > %s)"
                f" returning {COLUMNS}",
                [customer_id, now, action_id, customer_id, digest, now],
            )
            row = await found.fetchone()
            if row:
                await _audit(connection, customer_id, "confirmed", action_id, digest)
        return row

    async def decline(self, action_id: UUID, customer_id: str, digest: str) -> bool:
        """Let the customer's own proposed card go; False for any other, or once it is confirmed."""
        async with self._pool.connection() as connection, connection.transaction():
            ended = await connection.execute(
                "update actions set status = 'declined', updated_at = now() where action_id = %s"
                " and customer_id = %s and hash = %s and status = 'proposed'",
                [action_id, customer_id, digest],
            )
            if ended.rowcount:
                await _audit(connection, customer_id, "declined", action_id, digest)
        return bool(ended.rowcount)

    async def settle(
        self, action_id: UUID, status: str, *, document_id: UUID | None = None, error: str = ""
    ) -> bool:
        """Move an open card to one of its ends; False when it had ended before."""
        async with self._pool.connection() as connection, connection.transaction():
            ended = await connection.execute(
                "update actions set status = %s, document_id = %s, error = nullif(%s, ''),"
                " updated_at = now() where action_id = %s and status = any(%s)",
                [status, document_id, error, action_id, list(OPEN)],
            )
            if ended.rowcount:
                await _audit(connection, "assistant", status, action_id, error)
        return bool(ended.rowcount)


async def _audit(
    connection: psycopg.AsyncConnection[DictRow],
    actor: str,
    event: str,
    subject: UUID,
    note: str,
) -> None:
    await connection.execute(
        "insert into audit (actor, event, subject, detail) values (%s, %s, %s, %s)",
        [actor, f"action.{event}", str(subject), Jsonb({"note": note})],
    )
