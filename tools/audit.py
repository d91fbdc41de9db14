"""The audit trail: who did what to what, written in the transaction that does it."""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb


async def note(
    connection: psycopg.AsyncConnection[DictRow],
    actor: str,
    event: str,
    subject: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write one row. `detail` holds ids, counts and reasons of staff, never a customer's words."""
    await connection.execute(
        "insert into audit (actor, event, subject, detail) values (%s, %s, %s, %s)",
        [actor, event, subject, Jsonb(dict(detail or {}))],
    )
