"""A client of the sandbox's books, and the books of two customers."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from graph.clients import now
from graph.settings import Settings
from graph.xero import XeroParts, make_xero, xero_app
from tests.conftest import customer
from tests.tools.conftest import Control
from tests.tools.xero.scripted import Scripted
from tools.database import Pool
from tools.embedded.process import free_port
from tools.events import make_redis
from tools.sandbox.company import DemoCustomer
from tools.xero.client import XeroClient
from tools.xero.exchange import make_http
from tools.xero.scope import Scope, nobody, scope_of
from tools.xero.scoped import Accounts
from tools.xero.sign_in import XeroApp

SECRET = "seals the tokens of these tests"


@pytest.fixture(scope="session")
def app(settings: Settings) -> XeroApp:
    return xero_app(settings)


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with make_http() as client:
        yield client


@pytest.fixture
async def hasty() -> AsyncIterator[httpx.AsyncClient]:
    """The same with little patience."""
    async with make_http() as client:
        client.timeout = httpx.Timeout(0.5, pool=0.2)
        yield client


@pytest.fixture(scope="session")
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = make_redis(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def away() -> AsyncIterator[Redis]:
    """A Redis that is not there."""
    client = make_redis(f"redis://127.0.0.1:{free_port()}/0")
    yield client
    await client.aclose()


@pytest.fixture(scope="session")
def parts(pool: Pool, http: httpx.AsyncClient, redis: Redis, settings: Settings) -> XeroParts:
    return make_xero(settings, pool, redis, http, now)


@pytest.fixture(scope="session")
def client(parts: XeroParts) -> XeroClient:
    return parts.client


Scene = Callable[..., XeroParts]


@pytest.fixture
async def scene(
    pool: Pool, redis: Redis, away: Redis, http: httpx.AsyncClient, settings: Settings
) -> AsyncIterator[Scene]:
    """Everything that speaks with Xero, on a script, in an organisation of its own."""
    own = {
        "xero_tenant_id": str(uuid4()),
        "xero_refresh_token": SecretStr("the first refresh token"),
    }
    async with AsyncExitStack() as opened:

        def make(
            script: Scripted,
            *,
            by: httpx.AsyncClient = http,
            without_redis: bool = False,
            **changes: Any,
        ) -> XeroParts:
            script.open()
            opened.push_async_callback(script.close)
            there = {
                "xero_api_url": script.url,
                "xero_token_url": script.token_url,
                "xero_connections_url": script.connections_url,
            }
            changed = settings.model_copy(update=own | there | changes)
            return make_xero(changed, pool, away if without_redis else redis, by, now)

        yield make


@pytest.fixture
def accounts(client: XeroClient) -> Accounts:
    return accounts_of(client, customer())


class Fresh:
    """Asks Xero anew for everything, so that tests see what they have changed."""

    def __init__(self, client: XeroClient) -> None:
        self._client = client
        self.stream, self.forget = client.stream, client.forget

    async def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        keep_seconds: int = 0,
        tags: Sequence[str] = (),
    ) -> dict[str, Any]:
        return await self._client.get(path, params)


def scope_for(who: DemoCustomer) -> Scope:
    return scope_of(who.customer_id, who.contact_ids, who.roles)


def accounts_of(
    client: XeroClient, who: DemoCustomer, on_alarm: Callable[[str], None] = nobody
) -> Accounts:
    return Accounts(Fresh(client), scope_for(who), lambda: now().date(), on_alarm)


def own_sales(control: Control, who: DemoCustomer, *statuses: str) -> list[str]:
    """The numbers of a customer's sales invoices in these statuses."""
    return [i["InvoiceNumber"] for i in control.sales(who.contact_ids) if i["Status"] in statuses]
