"""The installation that is looked at from inside: its settings, parts and folder."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from psycopg.rows import DictRow
from redis.asyncio import Redis

from api.doctor.findings import NO_ANSWER, NotRun
from api.doctor.prometheus import Prometheus
from api.terminal import Refused, now
from graph.settings import Settings
from graph.xero import XeroParts, make_xero
from tools.database import Pool, fetch_all, make_pool
from tools.errors import SettingsInvalid
from tools.events import make_redis
from tools.rules import gst_percent
from tools.xero.check import Check as XeroCheck
from tools.xero.check import Expected, check
from tools.xero.exchange import make_http

if TYPE_CHECKING:
    from tools.search.knowledge import Knowledge

PART_SECONDS = 6.0
STAMP = re.compile(r"^(tria_\w+)(?:\{.*\})? (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Parts:
    """What there is only where the settings are whole."""

    settings: Settings
    pool: Pool
    redis: Redis
    xero: XeroParts


class Installation:
    """One installation. What is asked for twice is asked for once."""

    def __init__(
        self, folder: Path, parts: Parts | None, fault: str, prometheus: Prometheus
    ) -> None:
        self.folder, self.fault = folder, fault
        self.prometheus = prometheus
        self._parts = parts

    @property
    def parts(self) -> Parts:
        """The parts; raises NotRun where the settings are not whole."""
        if self._parts is None:
            raise NotRun("the settings are not complete")
        return self._parts

    @property
    def settings(self) -> Settings:
        """The settings; raises NotRun where they are not whole."""
        return self.parts.settings

    async def row(self, query: Any, parameters: Any = None) -> DictRow:
        """The only row of a query; raises NotRun where Postgres is away."""
        return (await self.rows(query, parameters))[0]

    async def rows(self, query: Any, parameters: Any = None) -> list[DictRow]:
        """The rows of a query; raises NotRun where Postgres is away."""
        await self.need("Postgres", self.postgres_answers)
        return await fetch_all(self.parts.pool, query, parameters)

    async def redis_info(self) -> dict[str, Any]:
        """What Redis says of itself; raises NotRun where it is away."""
        await self.need("Redis", self.redis_answers)
        found: dict[str, Any] = await self.parts.redis.info()
        return found

    async def get(self, path: str) -> httpx.Response:
        """An answer of the service that runs here."""
        settings = self.settings
        host = "127.0.0.1" if settings.tria_host in ("0.0.0.0", "::") else settings.tria_host  # noqa: S104 (read)
        async with httpx.AsyncClient(timeout=5) as http:
            return await http.get(f"http://{host}:{settings.tria_port}{path}")

    async def state(self, part: str) -> str:
        """How the service finds one of its parts; raises NotRun where there is no service."""
        try:
            page = await self.get("/health")
        except httpx.HTTPError as error:
            raise NotRun("the service does not run here") from error
        return str(page.json()["parts"][part]["state"])

    @cached_property
    def policies(self) -> "Knowledge":
        """The policies of this version in a Chroma that is a server."""
        from graph.clients import make_knowledge  # noqa: PLC0415 (takes seconds)
        from tools.search.embedder import Embedder  # noqa: PLC0415 (the same)

        return make_knowledge(self.settings, Embedder(self.settings.tria_data / "minilm"))

    async def stamp(self, metric: str) -> float | None:
        """From the files that are told to Prometheus, where they are here; else from itself."""
        files = sorted((self.folder / "monitoring" / "textfiles").glob("*.prom"))
        told = dict(pair for file in files for pair in STAMP.findall(file.read_text()))
        if metric in told:
            return float(told[metric])
        return await self.prometheus.number(f"max({metric})")

    async def xero_check(self, name: str) -> XeroCheck:
        """One line of the check that `tria xero check` makes."""
        await self.need("Postgres", self.postgres_answers)
        return next(each for each in await self._xero_checks if each.name == name)

    @cached_property
    def postgres_answers(self) -> "asyncio.Task[Any]":
        """A look at whether Postgres is there."""
        return asyncio.ensure_future(self._first(fetch_all(self.parts.pool, "select 1")))

    @cached_property
    def redis_answers(self) -> "asyncio.Task[Any]":
        """A look at whether Redis is there."""
        return asyncio.ensure_future(self._first(self.parts.redis.ping()))

    @cached_property
    def _xero_checks(self) -> "asyncio.Task[list[XeroCheck]]":
        settings, xero = self.settings, self.parts.xero
        percent = gst_percent(now().date())
        expected = Expected(percent, settings.xero_sales_account, settings.xero_tenant_id)
        return asyncio.ensure_future(check(xero.client, xero.tokens, xero.sign_in, expected))

    async def need(self, name: str, answers: "asyncio.Task[Any]") -> None:
        """Raises NotRun where a part that is needed here is away: its own check says so."""
        try:
            await asyncio.shield(answers)
        except NO_ANSWER as error:
            raise NotRun(f"{name} does not answer") from error

    async def _first(self, asking: Any) -> Any:
        async with asyncio.timeout(PART_SECONDS):
            return await asking


@asynccontextmanager
async def installation(
    folder: Path, read: Callable[[], Settings], prometheus: Prometheus
) -> AsyncIterator[Installation]:
    """The installation that these settings describe; nothing has to be there."""
    try:
        settings = read()
    except (SettingsInvalid, Refused) as error:
        yield Installation(folder, None, str(error), prometheus)
        return
    async with AsyncExitStack() as stack:
        pool = make_pool(settings.database_url.get_secret_value(), max_size=4)
        stack.push_async_callback(pool.close)
        await pool.open()
        redis = make_redis(settings.redis_url.get_secret_value())
        stack.push_async_callback(redis.aclose)
        http = make_http()
        stack.push_async_callback(http.aclose)
        parts = Parts(settings, pool, redis, make_xero(settings, pool, redis, http, now))
        yield Installation(folder, parts, "", prometheus)
