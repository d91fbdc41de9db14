"""The sandbox as one HTTP application: Xero, an OpenAI-compatible model, and its controls."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from fastapi import FastAPI

from tools.sandbox import control, office, webhook_routes
from tools.sandbox.clock import Clock, Now, real_time
from tools.sandbox.desk import Desk
from tools.sandbox.openai import routes as openai
from tools.sandbox.openai.script import Script
from tools.sandbox.store import Store
from tools.sandbox.webhooks import Webhooks
from tools.sandbox.xero import auth, gate
from tools.sandbox.xero.limits import Limits

DATABASE = "sandbox.sqlite3"


def create_sandbox(
    data: Path, clock: Now = real_time, limits: Limits | None = None, latency_seconds: float = 0
) -> FastAPI:
    """A sandbox on the state in `data`, filled with the demo company if there is none yet."""
    data.mkdir(parents=True, exist_ok=True)
    desk = _open(Store(data / DATABASE), clock, limits or Limits())
    desk.latency_seconds = latency_seconds
    script = Script()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await desk.webhooks.close()
        desk.store.close()

    app = FastAPI(title="Tria sandbox", lifespan=lifespan)
    app.include_router(control.make_routes(desk, script))
    app.include_router(office.make_routes(desk))
    app.include_router(webhook_routes.make_routes(desk))
    app.include_router(auth.make_routes(desk))
    app.include_router(gate.make_routes(desk))
    app.include_router(openai.make_routes(desk, script))
    return app


def _open(store: Store, source: Now, limits: Limits) -> Desk:
    offset = timedelta(seconds=float(store.read_meta(control.CLOCK_KEY) or 0))
    clock = Clock(source, offset)
    desk = Desk(store, clock, limits, Webhooks(store, clock.now))
    if store.read_meta("link key") is None:
        with store.transaction():
            control.seed_again(desk)
    return desk
