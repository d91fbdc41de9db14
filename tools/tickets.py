"""Hand-off tickets for people, with the packet they need and the time they must answer by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from tools.database import Pool, fetch_one


@dataclass(frozen=True)
class NewTicket:
    """What a person needs to take over. `task_key` makes opening it twice impossible."""

    task_key: str
    thread_id: UUID
    customer_id: str
    reason: str
    levels: Sequence[int]
    packet: Mapping[str, Any]
    deadline: datetime


@dataclass(frozen=True)
class Ticket:
    """An open ticket as the customer may see it."""

    number: str
    deadline: datetime


class Tickets:
    """The tickets table."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def open(self, ticket: NewTicket) -> Ticket:
        """Open a ticket, or return the one that the same task opened before."""
        row = await fetch_one(
            self._pool,
            "insert into tickets (task_key, thread_id, customer_id, reason, levels, packet,"
            " deadline) values (%s, %s, %s, %s, %s, %s, %s)"
            " on conflict (task_key) do update set task_key = excluded.task_key"
            " returning ticket_id, deadline",
            [
                *(ticket.task_key, ticket.thread_id, ticket.customer_id, ticket.reason),
                *(list(ticket.levels), Jsonb(dict(ticket.packet)), ticket.deadline),
            ],
        )
        assert row is not None  # noqa: S101 (an upsert that returns)
        return Ticket(number=f"T-{row['ticket_id']:06}", deadline=row["deadline"])
