"""How each part is asked: over a connection of its own, without a paid call, or from memory."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, Protocol, runtime_checkable

import psycopg
from psycopg.rows import DictRow, dict_row

from graph.clients import Clients
from graph.settings import Settings
from tools.breaker import Breaker
from tools.database import migrations
from tools.log_level import READ as LEVEL
from tools.synthetic import LED_SECONDS
from tools.synthetic import READ as SYNTHETIC

CONNECT_SECONDS, SILENT_SECONDS = 2, 5
OFTEN, SELDOM = 2.0, 30.0  # seconds between two probes of a part that is well
LATE = 3  # times the time between two synthetic conversations, until nobody knows any more

SIGNED_IN = """
select tenant_id::text, broken_at is null and access_token is not null as is_well,
  broken_at is not null as is_broken
from xero_tokens order by connected_at desc"""

Ask = Callable[[], Awaitable[str]]


def _down() -> str:
    return "down"


def _unknown() -> str:
    return "unknown"


@dataclass(frozen=True)
class Check:
    """How a part is asked, how often, and what it is taken for when no answer comes.

    While the part that it `needs` is away it is not asked at all.
    """

    ask: Ask
    lost: Callable[[], str] = _down
    every_seconds: float = OFTEN
    needs: str | None = None


@runtime_checkable
class Guarded(Protocol):
    """A client that leaves its part alone for a while after failures."""

    @property
    def breaker(self) -> Breaker: ...


class Line:
    """A connection of its own: a pool that is busy is not a database that is away.

    A query that hangs keeps its connection to itself: the next one asks over another.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.AsyncConnection[DictRow] | None = None

    async def fetch(self, *queries: LiteralString) -> list[list[DictRow]]:
        """The rows of each query; raises what keeps the database from answering."""
        connection, self._connection = self._connection, None
        if connection is None or connection.closed:
            connection = await psycopg.AsyncConnection[DictRow].connect(
                self._url,
                autocommit=True,
                row_factory=dict_row,
                # A server that is not there any more is noticed without a word of it.
                connect_timeout=CONNECT_SECONDS,
                tcp_user_timeout=1000 * SILENT_SECONDS,
                keepalives_idle=SILENT_SECONDS,
            )
        try:
            found = [await (await connection.execute(q)).fetchall() for q in queries]
        except BaseException:
            await connection.close()
            raise
        await self.aclose()
        self._connection = connection
        return found

    async def aclose(self) -> None:
        """Let go of the connection."""
        if self._connection:
            await self._connection.close()


class Watch:
    """What the database knows: its schema, the last synthetic conversation, the log level, Xero."""

    def __init__(self, settings: Settings) -> None:
        self._line = Line(settings.database_url.get_secret_value())
        self.every_seconds = settings.tria_synthetic_seconds
        self._tenant = settings.xero_tenant_id
        self._has_token = bool(settings.xero_tenant_id and settings.xero_refresh_token)
        self._seen_at = time.monotonic()
        self.is_current = False
        self.is_connected = True
        self.synthetic: DictRow | None = None
        self.level: DictRow | None = None
        self.level_ends = 0.0  # by the monotonic clock: it ends without the database too

    async def look(self) -> str:
        """Read all of it; whether the schema is what this version needs.

        A newer schema is good as well: a release is rolled out beside the one before.
        """
        if not self.is_current:
            [rows] = await self._line.fetch("select name from migrations")
            needed = {name for name, _ in migrations()}
            self.is_current = needed <= {row["name"] for row in rows}
            if not self.is_current:
                return "behind"
        synthetic, level, signed_in = await self._line.fetch(SYNTHETIC, LEVEL, SIGNED_IN)
        self.is_connected = self._connected(signed_in)
        self.synthetic, self._seen_at = next(iter(synthetic), None), time.monotonic()
        self.take_level(next(iter(level), None))
        return "current"

    def take_level(self, row: DictRow | None) -> None:
        """The log level that is set, if any, which ends by this process's clock too."""
        self.level = row
        if row:
            self.level_ends = time.monotonic() + row["seconds_left"]

    def _connected(self, rows: Sequence[DictRow]) -> bool:
        """Whether a call of Xero has a prospect, as far as the sign-in goes."""
        ours = [row for row in rows if self._tenant in (None, row["tenant_id"])]
        if not ours:
            return self._has_token
        return ours[0]["is_well"] or (self._has_token and not ours[0]["is_broken"])

    def lost(self) -> str:
        """What is known of the migrations while the database does not answer."""
        return "current" if self.is_current else "unknown"

    def orders(self) -> str:
        """Whether orders work, as the last synthetic conversation found it."""
        row = self.synthetic
        if not self.every_seconds:
            return "unasked"
        if row is None or row["is_working"] is None:
            return "unknown"
        age = row["age_s"] + time.monotonic() - self._seen_at
        if age > LATE * self.every_seconds + LED_SECONDS:
            return "unknown"
        return "working" if row["is_working"] else "failing"

    async def aclose(self) -> None:
        """Let go of the connection."""
        await self._line.aclose()


def breakers_of(clients: Clients) -> Mapping[str, Breaker]:
    """Every breaker of this process, by its part."""
    found = {"xero": clients.xero_parts.breaker}
    if isinstance(clients.model, Guarded):
        found["model"] = clients.model.breaker
    return found


def checks_of(clients: Clients, line: Line, watch: Watch) -> Mapping[str, Check]:
    """How every part of the contract is asked."""

    async def postgres() -> str:
        await line.fetch("select 1")
        return "up"

    async def redis() -> str:
        return "up" if await clients.events.ping() else "down"

    async def chroma() -> str:
        await clients.knowledge.ping()
        return "up"

    async def index() -> str:
        return "partial" if await clients.knowledge.missing() else "whole"

    async def xero() -> str:
        return xero_state(clients, is_connected=watch.is_connected)

    async def model() -> str:
        return model_state(clients.model)

    async def orders() -> str:
        return watch.orders()

    return {
        "postgres": Check(postgres),
        "migrations": Check(watch.look, watch.lost),
        "redis": Check(redis),
        "chroma": Check(chroma),
        "index": Check(index, _unknown, SELDOM, needs="chroma"),
        "xero": Check(xero),
        "model": Check(model, _unknown),
        "orders": Check(orders, _unknown),
    }


def xero_state(clients: Clients, *, is_connected: bool) -> str:
    """No call of its own, which would use up the day's limit: how did the last real call go?"""
    if not is_connected:
        return "unconnected"
    if clients.xero_parts.breaker.state != "closed":
        return "resting"
    return "up" if clients.xero.is_up else "down"


def model_state(model: Any) -> str:
    """No call of its own, which would cost money: is it left alone?"""
    if model is None:
        return "absent"
    is_resting = isinstance(model, Guarded) and model.breaker.state != "closed"
    return "resting" if is_resting else "up"
