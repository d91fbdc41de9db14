"""The HTTP service."""

import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import (
    admin,
    assistants,
    captures,
    commands,
    crons,
    documents,
    feedback,
    log_level,
    runs,
    scrape,
    site,
    states,
    store,
    thread_events,
    thread_socket,
    thread_streams,
    threads,
    traces,
    webhooks,
    xero,
)
from api.admission import add_admission, open_admission
from api.console.errors import add_page_errors
from api.console.pages import add_pages
from api.cors import add_cors
from api.credentials import open_credentials
from api.errors import add_error_handlers
from api.health import routes as health
from api.health.probes import Probes
from api.openapi import describe
from api.operations.every import add_operations
from api.responses import CONNECTION
from api.run_webhooks import telling
from api.safe_headers import SafeHeaders
from api.trace_ids import Traced
from api.tracers import mask_tracers
from graph.clients import Clock, now, open_clients
from graph.sampling import sampling
from graph.settings import Settings, read_settings
from graph.synthetic import conversing
from monitoring import metrics
from monitoring.lag import measuring_lag

VERSION = "0.1.0"
metrics.VERSION_INFO.labels(VERSION).set(1)
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def create_app(settings: Settings | None = None, clock: Clock = now) -> FastAPI:
    """The application; without settings they are read from the environment."""
    settings = settings or read_settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        mask_tracers()
        async with (
            open_clients(settings, clock) as clients,
            open_credentials(settings, clients.pool) as app.state.credentials,
            open_admission(app, clients),
            telling(clients),
            conversing(clients),
            sampling(clients),
            measuring_lag(),
        ):
            app.state.clients, app.state.since = clients, now()
            app.state.probes = Probes(clients)
            await app.state.probes.start()
            settle_memory()
            yield
            await app.state.probes.stop()

    app = FastAPI(
        title="Tria",
        description="Customer service that speaks the LangGraph Server protocol.",
        version=VERSION,
        lifespan=lifespan,
    )
    add_error_handlers(app)
    add_admission(app, settings)
    _add_edge(app, settings)
    for module in (health, assistants, threads, states, crons, runs, store, documents, webhooks):
        app.include_router(module.router)
    for module in (commands, feedback, traces, thread_events, thread_socket, thread_streams):
        app.include_router(module.router)
    for module in (admin, captures, log_level, xero, scrape, site):
        app.include_router(module.router)
    add_operations(app)
    add_pages(app)
    if settings.tria_demo:
        _add_demo(app)
    add_page_errors(app)
    describe(app)
    return app


def _add_edge(app: FastAPI, settings: Settings) -> None:
    app.add_middleware(Measured)
    if settings.tria_cors_origins:
        add_cors(app, settings.tria_cors_origins)
    app.add_middleware(SafeHeaders)
    app.add_middleware(Traced)


def settle_memory() -> None:
    """Keep what start-up built out of garbage collection: it causes the longest pauses."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _add_demo(app: FastAPI) -> None:
    from api import demo  # noqa: PLC0415 (the demo company is not part of a real service)

    app.include_router(demo.router)


class Measured:
    """Times each request by its route. Plain ASGI, so that streams pass through untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on and note its status when its answer begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        scope[CONNECTION] = getattr(receive, "__self__", None)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "none")
                method = scope["method"] if scope["method"] in METHODS else "other"
                labels = (method, route, str(message["status"]))
                metrics.REQUEST_SECONDS.labels(*labels).observe(time.monotonic() - started)
            await send(message)

        await self._app(scope, receive, noting)
