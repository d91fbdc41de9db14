"""A card as it is stored: what is shown, the frozen writes, and the hash over both."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tools.actions.trail import audit
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

Connection = psycopg.AsyncConnection[DictRow]


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


async def store_card(
    connection: Connection, proposal: Proposal, status: Literal["proposed", "prepared"]
) -> str | None:
    """Freeze a card with its writes: its hash; None where it was stored before."""
    digest = card_hash(proposal.card, proposal.writes)
    stored = await connection.execute(
        "insert into actions (action_id, thread_id, customer_id, kind, status, card, hash,"
        " document_number, expires_at, scope, approval_level)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " on conflict (action_id) do nothing",
        [
            *(proposal.action_id, proposal.thread_id, proposal.customer_id),
            *(proposal.kind, status, Jsonb(dict(proposal.card)), digest),
            *(proposal.document_number, proposal.expires_at),
            *(Jsonb(dict(proposal.scope)), proposal.approval_level),
        ],
    )
    if not stored.rowcount:
        return None
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "insert into action_writes (action_id, position, operation, target, body, seen)"
            " values (%s, %s, %s, %s, %s, %s)",
            [
                (proposal.action_id, n, w.operation, w.target, w.body, w.seen)
                for n, w in enumerate(proposal.writes)
            ],
        )
    return digest


async def replace_open(connection: Connection, thread_id: UUID, action_id: UUID) -> list[str]:
    """A conversation asks about one card at a time: the one before ends. Its kind, if there was."""
    replaced = await connection.execute(
        "update actions set status = 'expired', error = 'replaced by a newer card',"
        " updated_at = now() where thread_id = %s and status = 'proposed' and action_id <> %s"
        " returning action_id, kind",
        [thread_id, action_id],
    )
    rows = await replaced.fetchall()
    for row in rows:
        await audit(connection, "assistant", "expired", row["action_id"], "replaced")
    return [row["kind"] for row in rows]
