"""Builds from the settings what speaks with Xero."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import httpx
import structlog
from redis.asyncio import Redis

from graph.part_counts import CountedCache, CountedExchange, count_xero_call
from graph.settings import Settings
from tools.breaker import Breaker
from tools.database import Pool
from tools.xero.client import XeroClient
from tools.xero.connect import Connecting
from tools.xero.events import XeroEvents
from tools.xero.exchange import Call, Place
from tools.xero.limits import Allowance, Limits
from tools.xero.oauth import Tokens
from tools.xero.shared import Shared
from tools.xero.sign_in import SignIn, XeroApp
from tools.xero.status import XeroStatus

log = structlog.get_logger()


@dataclass(frozen=True)
class XeroParts:
    """The client, and what its admin needs beside it."""

    client: XeroClient
    breaker: Breaker
    tokens: Tokens
    sign_in: SignIn
    connecting: Connecting
    events: XeroEvents
    status: XeroStatus


def make_xero(
    settings: Settings,
    pool: Pool,
    redis: Redis,
    http: httpx.AsyncClient,
    now: Callable[[], datetime],
) -> XeroParts:
    """One process's way to Xero; all of them share the tokens, the limits and the answers kept."""
    app, secret = xero_app(settings), settings.tria_secret.get_secret_value()
    tokens, sign_in = Tokens(pool, http, app, secret), SignIn(http, app)
    # Whoever works with another Xero, such as a sandbox, knows nothing that helps us.
    shared = Shared(redis, f"xero:{urlsplit(settings.xero_api_url).netloc}")
    limits = Limits(shared, Allowance(settings.xero_minute_limit, settings.xero_day_limit))
    status = XeroStatus(shared, tokens, limits, now)

    async def report(call: Call) -> None:
        _log(call)
        count_xero_call(call)
        await status.note(call)

    breaker = Breaker(now)
    exchange = CountedExchange(Place(http, settings.xero_api_url, now), tokens, limits, report)
    return XeroParts(
        client=XeroClient(exchange, CountedCache(shared), breaker, status.note_state),
        breaker=breaker,
        tokens=tokens,
        sign_in=sign_in,
        connecting=Connecting(pool, sign_in, secret, app.tenant_id),
        events=XeroEvents(pool),
        status=status,
    )


def _log(call: Call) -> None:
    """Everything is known of a call but its contents: ids, names and amounts stay out."""
    log.info(
        "xero",
        method=call.method,
        path=call.path,
        status=call.status,
        problem=call.problem,
        ms=call.ms,
        lane=call.lane,
        minute_left=call.minute_left,
        day_left=call.day_left,
        correlation_id=call.correlation_id,
    )


def xero_app(settings: Settings) -> XeroApp:
    """Xero's credentials from the settings."""
    first = settings.xero_refresh_token
    return XeroApp(
        token_url=settings.xero_token_url,
        client_id=settings.xero_client_id,
        client_secret=settings.xero_client_secret.get_secret_value(),
        tenant_id=settings.xero_tenant_id,
        first_refresh_token=first.get_secret_value() if first else None,
        authorize_url=settings.xero_authorize_url,
        connections_url=settings.xero_connections_url,
        redirect_url=settings.xero_redirect_url or _own_callback(settings),
    )


def _own_callback(settings: Settings) -> str:
    host = "127.0.0.1" if settings.tria_host in ("0.0.0.0", "::") else settings.tria_host  # noqa: S104 (read)
    return f"http://{host}:{settings.tria_port}/admin/xero/callback"
