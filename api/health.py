"""Liveness, readiness and the state of each part, answered from probes in the background."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, cast

import psycopg
from fastapi import APIRouter, Depends, Request, Response

from graph.clients import Clients
from monitoring import metrics
from tools.errors import TriaError

PROBE_EVERY_SECONDS = 2.0
PROBE_AGAIN_SECONDS = 1.0  # while a part is away, to see it back soon
PROBE_SECONDS = 1.0
CONNECT_SECONDS = 2
STALE_SECONDS = 15.0
ESSENTIAL = "postgres"
# What each outage means: what stops, and what still works.
OUTAGES = {
    "postgres": (
        "New messages and everything that reads a conversation: 503 with Retry-After.",
        "Turns under way wait, and go on when it is back. Nothing that was acknowledged is lost.",
    ),
    "redis": (
        "Text while it is written: clients get the answer when it is complete. Limits hold for"
        " each replica alone, answers are not kept.",
        "Turns, orders, answers.",
    ),
    "chroma": (
        "Answers out of the policies: customers are told, and offered a colleague.",
        "Accounts, documents, orders, computed answers.",
    ),
    "xero": (
        "Accounts, prices and new orders: customers are told. Confirmed cards wait.",
        "Answers out of the policies, hand-over to people. Confirmed cards are written later.",
    ),
}

router = APIRouter(tags=["health"])
Probe = Callable[[], Awaitable[bool]]


@dataclass
class Part:
    """The last finding about one part. `up` is None before the first probe."""

    up: bool | None = None
    ms: float = 0
    checked: float = 0
    since: float = field(default_factory=time.monotonic)
    silent: int = 0  # probes in a row without an answer


class PostgresProbe:
    """Asks over a connection of its own: a pool that is busy is not a database that is away."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def ask(self) -> bool:
        """Whether the database answers; raises what keeps it from that.

        A query that hangs keeps its connection to itself: the next one asks over another.
        """
        connection, self._connection = self._connection, None
        if connection is None or connection.closed:
            connection = await psycopg.AsyncConnection.connect(
                self._url, autocommit=True, connect_timeout=CONNECT_SECONDS
            )
        try:
            await connection.execute("select 1")
        except BaseException:
            await connection.close()
            raise
        await self.aclose()
        self._connection = connection
        return True

    async def aclose(self) -> None:
        """Let go of the connection."""
        if self._connection:
            await self._connection.close()


class Probes:
    """Asks each part now and then, each within a second, and remembers what it said."""

    def __init__(self, clients: Clients) -> None:
        self._postgres = PostgresProbe(clients.settings.database_url.get_secret_value())
        self._probes: dict[str, Probe] = {
            "postgres": self._postgres.ask,
            "redis": clients.events.ping,
            "chroma": lambda: _chroma(clients),
            "xero": lambda: _xero(clients),
        }
        self.parts = {name: Part() for name in self._probes}
        self.has_model = clients.model is not None
        self.is_draining = False
        self._task: asyncio.Task[None] | None = None
        self._left_behind: set[asyncio.Task[bool]] = set()

    async def start(self) -> None:
        """Probe everything once, then go on in the background."""
        await self._probe_all()
        self._task = asyncio.create_task(self._forever())

    async def stop(self) -> None:
        """Stop probing."""
        for task in [*self._left_behind, *([self._task] if self._task else [])]:
            task.cancel()
        await self._postgres.aclose()

    async def _forever(self) -> None:
        while True:
            is_whole = all(part.up for part in self.parts.values())
            await asyncio.sleep(PROBE_EVERY_SECONDS if is_whole else PROBE_AGAIN_SECONDS)
            await self._probe_all()

    async def _probe_all(self) -> None:
        await asyncio.gather(*(self._probe(name) for name in self._probes))

    async def _probe(self, name: str) -> None:
        part, started = self.parts[name], time.monotonic()
        task = asyncio.ensure_future(self._probes[name]())
        # A paused database keeps a cancelled query hanging: leave the task behind instead.
        done, _ = await asyncio.wait({task}, timeout=PROBE_SECONDS)
        if not done:
            self._left_behind.add(task)
            task.add_done_callback(self._forget)
        # This process itself may have been too busy: only a second silence counts.
        part.silent = 0 if done else part.silent + 1
        if part.silent == 1 and part.up:
            return
        up = bool(done) and task.exception() is None and task.result()
        if up != part.up:
            part.since = time.monotonic()
        part.up, part.checked = up, time.monotonic()
        part.ms = round((part.checked - started) * 1000, 1)
        metrics.PART_UP.labels(name).set(up)

    def _forget(self, task: "asyncio.Task[bool]") -> None:
        self._left_behind.discard(task)
        if not task.cancelled():
            task.exception()  # read it, or asyncio complains that nobody did


def probes_of(request: Request) -> Probes:
    """The probes that the application's lifespan started."""
    return cast(Probes, request.app.state.probes)


ProbesOf = Annotated[Probes, Depends(probes_of)]


@router.get("/health/live")
async def live() -> dict[str, str]:
    """The process answers; says nothing about its parts."""
    return {"status": "pass"}


@router.get("/health/ready")
async def ready(response: Response, probes: ProbesOf) -> dict[str, str]:
    """Whether to send new messages here: 200 while Postgres answers and it stays, else 503."""
    is_ready = bool(probes.parts[ESSENTIAL].up) and not probes.is_draining
    response.status_code = 200 if is_ready else 503
    return {"status": "pass" if is_ready else "fail"}


@router.get("/health")
async def health(response: Response, probes: ProbesOf) -> dict[str, Any]:
    """Each part: pass, or fail with since when, what stops and what still works.

    The whole warns while only parts are away that it can do without.
    """
    now = time.monotonic()
    parts = {name: _described(name, part, now) for name, part in probes.parts.items()}
    status = _overall({name: part["status"] for name, part in parts.items()})
    response.status_code = 503 if status == "fail" else 200
    model = "configured" if probes.has_model else "not configured: replies come from templates"
    return {
        "status": status,
        "parts": parts,
        "model": model,
        "is_draining": probes.is_draining,
    }


def _described(name: str, part: Part, now: float) -> dict[str, Any]:
    is_fresh = part.up is not None and now - part.checked < STALE_SECONDS
    is_up = bool(part.up and is_fresh)
    stops, works = OUTAGES[name]
    return {
        "status": "pass" if is_up else "fail",
        "ms": part.ms,
        "age_s": round(now - part.checked, 1),
        "for_s": round(now - part.since),
        **({} if is_up else {"stops": stops, "still_works": works}),
    }


def _overall(statuses: dict[str, str]) -> str:
    if statuses[ESSENTIAL] == "fail":
        return "fail"
    return "warn" if "fail" in statuses.values() else "pass"


async def _chroma(clients: Clients) -> bool:
    try:
        await clients.knowledge.ping()
    except TriaError:
        return False
    return True


async def _xero(clients: Clients) -> bool:
    """No call of its own, which would use up the day's limit: how did the last real call go?"""
    return clients.xero.is_up
