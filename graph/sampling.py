"""Every so often reads what all processes know, for the gauges of which each tells the same.

Outside any request, each source within a second: what cannot be read in time has no series until
it can, as an old value would look like a good one.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import structlog

from graph.clients import Clients
from monitoring import metrics
from tools.figures import Watched
from tools.model.budget import DailyBudget

log = structlog.get_logger()

EVERY_SECONDS = 15.0
PATIENCE_SECONDS = 1.0
OF_LIMITS = frozenset({"tria_xero_day_left", "tria_xero_minute_left"})
OF_BUDGET = frozenset({"tria_model_budget_usd", "tria_model_budget_left_usd"})

Found = Mapping[str, Mapping[str, float]]


@runtime_checkable
class Budgeted(Protocol):
    """A model whose calls may cost so much in a day."""

    @property
    def budget(self) -> DailyBudget | None: ...


@dataclass
class Source:
    """Where some gauges come from, and the reading that has not ended yet."""

    gauges: frozenset[str]
    read: Callable[[], Awaitable[Found]]
    task: "asyncio.Task[Found] | None" = None


@asynccontextmanager
async def sampling(clients: Clients) -> AsyncIterator[None]:
    """Sample for as long as this is open."""
    sampler = Sampler(clients)
    sampler.start()
    try:
        yield
    finally:
        await sampler.stop()


class Sampler:
    """Samples for as long as the process works."""

    def __init__(self, clients: Clients) -> None:
        settings = clients.settings
        self._clients = clients
        self._day_limit = settings.xero_day_limit
        self._tenant = settings.xero_tenant_id
        has_token = bool(settings.xero_tenant_id and settings.xero_refresh_token)
        url = settings.database_url.get_secret_value()
        self._watched = Watched(url, self._tenant, has_token=has_token)
        of_database = metrics.SHARED.names - OF_LIMITS - OF_BUDGET
        self._sources: tuple[Source, ...] = (
            Source(of_database, self._database),
            Source(OF_LIMITS, self._limits),
            Source(OF_BUDGET, self._budget),
        )
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to sample."""
        self._task = asyncio.create_task(self._forever(), name="sampler")

    async def stop(self) -> None:
        """End at once; nothing is told any more."""
        reading = [source.task for source in self._sources if source.task]
        for task in (*([self._task] if self._task else []), *reading):
            task.cancel()
        if self._task:
            await asyncio.wait({self._task, *reading}, timeout=PATIENCE_SECONDS)
        metrics.SHARED.forget(metrics.SHARED.names)
        await self._watched.aclose()

    async def sample(self) -> None:
        """Read every source once, at the same time."""
        stats = self._clients.pool.get_stats()
        size = stats.get("pool_size", 0)
        metrics.DB_POOL_SIZE.set(size)
        metrics.DB_POOL_IN_USE.set(size - stats.get("pool_available", 0))
        metrics.DB_POOL_WAITING.set(stats.get("requests_waiting", 0))
        await asyncio.gather(*(self._take(source) for source in self._sources))

    async def _forever(self) -> None:
        while True:
            try:
                await self.sample()
            except Exception as error:  # noqa: BLE001 (what one sample meets must not end them)
                log.warning("sample failed", error=type(error).__name__)
            await asyncio.sleep(EVERY_SECONDS)

    async def _take(self, source: Source) -> None:
        """Tell what it says. One that hangs is left alone until it ends, and says nothing then."""
        if source.task and not source.task.done():
            metrics.SHARED.forget(source.gauges)
            return
        source.task = asyncio.ensure_future(_read(source))
        source.task.add_done_callback(_seen)
        # Not a timeout, which would wait for a query that does not even hear that it is cancelled.
        done, _ = await asyncio.wait({source.task}, timeout=PATIENCE_SECONDS)
        is_read = done and not source.task.cancelled() and source.task.exception() is None
        found = source.task.result() if is_read else {}
        metrics.SHARED.forget(source.gauges - found.keys())
        metrics.SHARED.tell(found)

    async def _database(self) -> Found:
        figures, signed_in = await self._watched.figures()
        self._tenant = signed_in.tenant_id
        found = {
            "tria_xero_connected": {"": float(signed_in.is_connected)},
            "tria_xero_day_limit": {"": float(self._day_limit)},
        }
        if signed_in.age_s is not None:
            found["tria_xero_token_age_seconds"] = {"": signed_in.age_s}
        return {**figures, **found}

    async def _limits(self) -> Found:
        if self._tenant is None:
            return {}
        seen = await self._clients.xero_parts.status.limits_of(self._tenant)
        left = {
            "tria_xero_day_left": seen.day_left if seen else None,
            "tria_xero_minute_left": seen.minute_left if seen else None,
        }
        return {name: {"": float(value)} for name, value in left.items() if value is not None}

    async def _budget(self) -> Found:
        model = self._clients.model
        if not isinstance(model, Budgeted) or model.budget is None:
            return {}
        found = {"tria_model_budget_usd": {"": float(model.budget.limit)}}
        left = await model.budget.left()
        return found if left is None else {**found, "tria_model_budget_left_usd": {"": float(left)}}


async def _read(source: Source) -> Found:
    return await source.read()


def _seen(task: "asyncio.Task[Found]") -> None:
    if not task.cancelled():
        task.exception()  # read it, or asyncio complains that nobody did
