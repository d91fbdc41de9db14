"""The audit trail of actions: who did what to which card. Rows are only ever added."""

from uuid import UUID

import psycopg
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb


async def audit(
    connection: psycopg.AsyncConnection[DictRow], actor: str, event: str, subject: UUID, note: str
) -> None:
    """One step in the life of a card, in the transaction that makes it."""
    await connection.execute(
        "insert into audit (actor, event, subject, detail) values (%s, %s, %s, %s)",
        [actor, f"action.{event}", str(subject), Jsonb({"note": note})],
    )
