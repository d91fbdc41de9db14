"""What belongs to every step of a card: its audit row, and the end of its ticket."""

from collections.abc import Callable
from uuid import UUID

import psycopg
from psycopg.rows import DictRow

from tools import audit as audit_trail

OnEnd = Callable[[str, str], None]  # told of a card's kind and how it ended


def nobody(_kind: str, _end: str) -> None:
    """Ends that are told to nobody."""


async def audit(
    connection: psycopg.AsyncConnection[DictRow], actor: str, event: str, subject: UUID, note: str
) -> None:
    """One step in the life of a card, in the transaction that makes it."""
    await audit_trail.note(connection, actor, f"action.{event}", str(subject), {"note": note})


async def close_ticket(connection: psycopg.AsyncConnection[DictRow], run_id: UUID | None) -> None:
    """The ticket that a run opened for a decision is over."""
    await connection.execute(
        "update tickets set status = 'closed', closed_at = coalesce(closed_at, now())"
        " where task_key = %s",
        [f"{run_id}:hand_off"],
    )
