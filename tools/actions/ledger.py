"""How far the writes of one card have got, on the connection that holds the card."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import DictRow

from tools.actions.trail import audit
from tools.errors import OutcomeUnknown
from tools.xero.writes import Write, Written

# Xero keeps an answer for six minutes under its key, a failure too. Under the same key a write may
# be sent again for four; after a failure it needs a new key, once the look-up has been empty long
# enough for a late document to show.
SAME_KEY_SECONDS = 240
QUIET_SECONDS = 60

_IS_STALE = (
    f"coalesce(failed_at < now() - interval '{QUIET_SECONDS} seconds'"
    f" or sent_at < now() - interval '{SAME_KEY_SECONDS} seconds', false)"
)


@dataclass(frozen=True)
class StoredWrite:
    """A frozen request and what became of it."""

    position: int
    write: Write
    status: str
    written: Written | None


class Ledger:
    """The writes of one card. Every step is stored before the next one begins."""

    def __init__(self, connection: psycopg.AsyncConnection[DictRow], action_id: UUID) -> None:
        self._connection = connection
        self.action_id = action_id

    async def writes(self) -> list[StoredWrite]:
        """Every write of the card, in the order in which they are sent."""
        found = await self._connection.execute(
            "select position, operation, target, body, seen, status, document_id, total"
            " from action_writes where action_id = %s order by position",
            [self.action_id],
        )
        return [_stored(row) for row in await found.fetchall()]

    async def key_for(self, position: int) -> str:
        """Note that a write is about to be sent, and under which key.

        Raises OutcomeUnknown while it is too early to send again.
        """
        async with self._connection.transaction():
            return await self._key_for(position)

    async def _key_for(self, position: int) -> str:
        sent = await self._connection.execute(
            f"update action_writes set epoch = epoch + (status = 'sent' and {_IS_STALE})::int,"
            f" sent_at = case when status = 'sent' and not {_IS_STALE} then sent_at"
            "  else clock_timestamp() end, status = 'sent', failed_at = null"
            " where action_id = %s and position = %s and status in ('pending', 'sent')"
            f" and (failed_at is null or {_IS_STALE}) returning epoch",
            [self.action_id, position],
        )
        row = await sent.fetchone()
        if row is None:
            raise OutcomeUnknown("Xero failed on this write a moment ago")
        name = f"{self.action_id}|{position}|{row['epoch']}"
        await self._audit("sending", f"write {position}, try {row['epoch'] + 1}")
        return key_of(name)

    async def failed(self, position: int) -> None:
        """Xero answered with a failure of its own, which it repeats under the same key."""
        await self._connection.execute(
            "update action_writes set failed_at = now() where action_id = %s and position = %s",
            [self.action_id, position],
        )

    async def done(self, position: int, written: Written) -> None:
        """The write stands in the books."""
        await self._step(
            "update action_writes set status = 'done', document_id = %s, total = %s"
            " where action_id = %s and position = %s",
            [written.document_id, written.total, self.action_id, position],
            ("written", f"write {position}"),
        )

    async def undone(self, position: int) -> None:
        """The write was taken back."""
        await self._step(
            "update action_writes set status = 'undone' where action_id = %s and position = %s",
            [self.action_id, position],
            ("undone", f"write {position}"),
        )

    async def give_up(self, reason: str) -> None:
        """From here on the card is only taken back, whoever goes on with it."""
        await self._step(
            "update actions set error = %s, updated_at = now() where action_id = %s",
            [reason, self.action_id],
            ("taking_back", reason),
        )

    async def card(self) -> DictRow:
        """The card as it is now; its `error` says why it is being taken back, if it is."""
        found = await self._connection.execute(
            "select action_id, kind, status, card, document_number, approval_level, confirmed_at,"
            " error from actions"
            " where action_id = %s",
            [self.action_id],
        )
        row = await found.fetchone()
        assert row is not None  # noqa: S101 (rows of actions are never deleted)
        return row

    async def _step(self, sql: str, values: Sequence[Any], trail: tuple[str, str]) -> None:
        async with self._connection.transaction():
            await self._connection.execute(sql.encode(), values)
            await self._audit(*trail)

    async def _audit(self, event: str, note: str) -> None:
        await audit(self._connection, "assistant", event, self.action_id, note)


def key_of(name: str) -> str:
    """An idempotency key, below Xero's 128 characters."""
    return f"tria-{hashlib.sha256(name.encode()).hexdigest()}"


def _stored(row: DictRow) -> StoredWrite:
    written = Written(row["document_id"], row["total"]) if row["document_id"] else None
    write = Write(row["operation"], row["target"], bytes(row["body"]), row["seen"])
    return StoredWrite(row["position"], write, row["status"], written)
