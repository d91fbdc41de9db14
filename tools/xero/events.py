"""Events that Xero sends by webhook: their signature, their form, and those still to be worked on.

An event says only that something changed. It may come late, twice or out of order.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from tools.database import Pool, fetch_all, fetch_one

Category = Literal["INVOICE", "CONTACT", "CREDITNOTE"]

FIRST_RETRY_SECONDS = 10
LONGEST_RETRY_SECONDS = 7200
MOST_TRIES = 16  # over some fifteen hours; then an event is parked until somebody looks
AT_ONCE = 40
KEPT_DAYS = 30  # after they are done; Xero repeats an event for a day at most

_KEY = "tenant_id, resource_id, category, event_at, event_type"
_IS_PARKED = f"done_at is null and tries >= {MOST_TRIES}"
_IS_OPEN = f"done_at is null and tries < {MOST_TRIES}"


def _in_utc(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


class Event(BaseModel):
    """Something of ours in Xero was made or changed."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    tenant_id: UUID
    resource_id: UUID
    category: Category = Field(alias="eventCategory")
    at: Annotated[datetime, AfterValidator(_in_utc)] = Field(alias="eventDateUtc")
    type: str = Field(alias="eventType", pattern=r"^[A-Z]{1,20}$")


@dataclass(frozen=True)
class EventsSeen:
    """How the events fare; `last_at` is when the last one came in."""

    last_at: datetime | None
    waiting: int
    parked: tuple[dict[str, Any], ...]


def is_signed(body: bytes, signature: str, key: str) -> bool:
    """Whether Xero made the signature over exactly these bytes. The key is not base64-decoded."""
    made = base64.b64encode(hmac.digest(key.encode(), body, hashlib.sha256))
    return hmac.compare_digest(made, signature.encode())


def events_in(body: bytes) -> list[Event]:
    """The events that we know what to do with. What is not understood is left out, never refused.

    A body without events is Xero's question whether anybody listens.
    """
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        return []
    found = sent.get("events") if isinstance(sent, dict) else None
    events = [_event(each) for each in found] if isinstance(found, list) else []
    return [event for event in events if event]


def _event(sent: Any) -> Event | None:
    try:
        return Event.model_validate(sent)
    except ValidationError:
        return None


class XeroEvents:
    """The xero_events table. Each event stands in it once, however often it was sent."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def store(self, events: Sequence[Event], tenant_id: UUID) -> int:
        """Keep the events of our organisation; how many were not known before."""
        ours = [event for event in events if event.tenant_id == tenant_id]
        if not ours:
            return 0
        async with self._pool.connection() as connection:
            stored = await connection.execute(
                f"insert into xero_events ({_KEY}) select * from unnest(%s::uuid[], %s::uuid[],"
                " %s::text[], %s::timestamptz[], %s::text[]) on conflict do nothing",
                [
                    [event.tenant_id for event in ours],
                    [event.resource_id for event in ours],
                    [event.category for event in ours],
                    [event.at for event in ours],
                    [event.type for event in ours],
                ],
            )
        return stored.rowcount

    async def claim(self) -> list[Event]:
        """Take events that are due, the oldest first; nobody else gets them before the next try."""
        rows = await fetch_all(
            self._pool,
            "update xero_events set tries = tries + 1, error = 'not finished', try_after = now()"
            f" + interval '1 second' * least({FIRST_RETRY_SECONDS} * power(2, tries),"
            f" {LONGEST_RETRY_SECONDS}) where ({_KEY}) in (select {_KEY} from xero_events"
            f" where {_IS_OPEN} and try_after <= now() order by received_at"
            f" for update skip locked limit {AT_ONCE}) returning {_KEY}",
        )
        return [
            Event(
                tenant_id=row["tenant_id"],
                resource_id=row["resource_id"],
                category=row["category"],
                at=row["event_at"],
                type=row["event_type"],
            )
            for row in rows
        ]

    async def done(self, events: Sequence[Event]) -> None:
        """Nothing is left to do for them."""
        await self._note(events, "done_at = now(), error = null", [])

    async def failed(self, events: Sequence[Event], reason: str) -> None:
        """They are tried again later, until they have been tried too often."""
        await self._note(events, "error = %s", [reason])

    async def forget_done(self) -> None:
        """Let go of what was done long ago."""
        async with self._pool.connection() as connection:
            await connection.execute(
                f"delete from xero_events where done_at < now() - interval '{KEPT_DAYS} days'"
            )

    async def retry_parked(self, who: str) -> int:
        """Try again what was given up; how many."""
        async with self._pool.connection() as connection, connection.transaction():
            retried = await connection.execute(
                f"update xero_events set tries = 0, try_after = now() where {_IS_PARKED}"
            )
            await connection.execute(
                "insert into audit (actor, event, subject, detail)"
                " values (%s, 'xero.events_retried', '', jsonb_build_object('count', %s::int))",
                [who, retried.rowcount],
            )
        return retried.rowcount

    async def seen(self) -> EventsSeen:
        """What came in, what waits, and what was given up, latest first."""
        counted = await fetch_one(
            self._pool,
            "select (select max(received_at) from xero_events) as last_at,"
            f" (select count(*) from xero_events where {_IS_OPEN}) as waiting",
        )
        parked = await fetch_all(
            self._pool,
            "select category, resource_id, event_type, event_at, tries, error from xero_events"
            f" where {_IS_PARKED} order by received_at desc limit {AT_ONCE}",
        )
        found = counted or {"last_at": None, "waiting": 0}
        return EventsSeen(found["last_at"], found["waiting"], tuple(parked))

    async def _note(self, events: Sequence[Event], changes: str, values: list[Any]) -> None:
        if not events:
            return
        async with self._pool.connection() as connection, connection.cursor() as cursor:
            await cursor.executemany(
                f"update xero_events set {changes} where tenant_id = %s and resource_id = %s"
                " and category = %s and event_at = %s and event_type = %s".encode(),
                [[*values, e.tenant_id, e.resource_id, e.category, e.at, e.type] for e in events],
            )
