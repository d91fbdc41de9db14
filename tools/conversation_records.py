"""Everything that one conversation left behind, for those who look into it; never for customers."""

import json
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from tools.database import Pool, fetch_all, fetch_one

SAID = """
select m.seq, m.role, m.content, m.extra, m.created_at, m.run_id, r.turn, r.status, r.notice,
  r.graph_thread, r.scope
from messages m join runs r using (run_id) where m.thread_id = %s order by m.seq"""
CARDS = """
select action_id, kind, status, card, hash, document_number, run_id, approval_level, confirmed_by,
  confirmed_in, decided_by, decided_at, document_id, error, created_at, updated_at
from actions where thread_id = %s order by created_at, document_number"""
WRITES = """
select w.action_id, w.position, w.operation, w.target, w.body, w.status, w.epoch, w.document_id,
  w.total
from action_writes w join actions a using (action_id) where a.thread_id = %s
order by a.created_at, w.action_id, w.position"""
TICKETS = """
select ticket_id, task_key, reason, levels, packet, deadline, status, created_at from tickets
where thread_id = %s order by ticket_id"""
TRAIL = """
select subject, actor, event, detail, at from audit where subject in
  (select action_id::text from actions where thread_id = %s) order by audit_id"""

CAPTURED = """
insert into audit (actor, event, subject) values (%s, 'conversation.captured', %s)
returning audit_id"""


class ConversationRecords:
    """Reads of one conversation across its tables."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def said(self, thread_id: UUID) -> list[DictRow]:
        """Every message with its run, oldest first."""
        return await fetch_all(self._pool, SAID, [thread_id])

    async def note_capture(self, thread_id: UUID, who: str) -> None:
        """Write into the audit trail that somebody took a copy of the conversation."""
        await fetch_one(self._pool, CAPTURED, [who, str(thread_id)])

    async def tickets(self, thread_id: UUID) -> list[DictRow]:
        """Every ticket, oldest first."""
        return await fetch_all(self._pool, TICKETS, [thread_id])

    async def cards(self, thread_id: UUID) -> list[DictRow]:
        """Every card, oldest first, with `writes` (their frozen bodies read) and its `trail`."""
        writes = await fetch_all(self._pool, WRITES, [thread_id])
        trail = await fetch_all(self._pool, TRAIL, [thread_id])
        return [
            card
            | {
                "writes": [_read(w) for w in writes if w["action_id"] == card["action_id"]],
                "trail": [t for t in trail if t["subject"] == str(card["action_id"])],
            }
            for card in await fetch_all(self._pool, CARDS, [thread_id])
        ]


def _read(write: DictRow) -> dict[str, Any]:
    """A write with its frozen bytes as the document that they are."""
    body = bytes(write["body"])
    return write | {"body": json.loads(body) if body else {}}
