"""What every request passes on its way to its route, and what a signed-in one passes besides."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.requests import HTTPConnection, Request
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api.bodies import Bodies
from api.deadline import Deadline
from api.idempotency import Idempotent, claim_key
from api.limits import Limited, Limits, count_user
from graph.clients import Clients
from graph.settings import Settings
from tools.idempotency import IdempotencyKeys
from tools.rates import Rates

PRUNE_SECONDS = 3600.0


def add_admission(app: FastAPI, settings: Settings) -> None:
    """The innermost first: a request passes them from the last to the first."""
    app.add_middleware(Idempotent)
    app.add_middleware(Bodies)
    app.add_middleware(Limited)
    app.add_middleware(Deadline)
    if settings.tria_trusted_proxies:
        trusted = settings.tria_trusted_proxies
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=trusted)


@asynccontextmanager
async def open_admission(app: FastAPI, clients: Clients) -> AsyncIterator[None]:
    """Keep counts and keys for the application while it runs."""
    settings = clients.settings
    rates, keys = Rates(settings.redis_url.get_secret_value()), IdempotencyKeys(clients.pool)
    app.state.limits, app.state.idempotency = Limits(settings, rates), keys
    clients.sweeper.add(keys.prune, PRUNE_SECONDS)
    yield
    await rates.aclose()


async def admit(connection: HTTPConnection, user: str) -> None:
    """Count the request of the user who was just recognised, and begin it under its key."""
    await count_user(connection.scope, user)
    if isinstance(connection, Request):
        await claim_key(connection, user)
