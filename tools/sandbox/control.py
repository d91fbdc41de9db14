"""The sandbox's own controls, never part of Xero: reset, clock, faults, raw documents, counts."""

from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from tools.sandbox.desk import Desk
from tools.sandbox.faults import Fault, Mode
from tools.sandbox.history import seed
from tools.sandbox.openai.script import Script
from tools.sandbox.openai.settings import ModelSettings
from tools.sandbox.store import Json

CLOCK_KEY = "clock offset"


class ClockChange(BaseModel):
    """Set the clock, wind it on, or with neither return to real time."""

    model_config = ConfigDict(extra="forbid")

    now: AwareDatetime | None = None
    advance_seconds: float | None = None


class FaultOrder(BaseModel):
    """A fault for the next calls of an operation such as `PUT /Invoices`, or of all: `*`."""

    model_config = ConfigDict(extra="forbid")

    operation: str
    mode: Mode
    times: int = Field(1, ge=0)


def make_routes(desk: Desk, script: Script) -> APIRouter:
    """Everything under /control."""
    router = APIRouter(prefix="/control")
    _add_state(router, desk, script)
    _add_faults(router, desk)
    _add_model(router, script)
    return router


def _add_state(router: APIRouter, desk: Desk, script: Script) -> None:

    @router.get("/ready")
    async def ready() -> Json:
        return {"ready": True}

    @router.post("/reset")
    async def reset() -> Json:
        start_over(desk)
        script.forget()
        return {"invoices": len(desk.store.find("invoice"))}

    @router.get("/clock")
    async def read_clock() -> Json:
        return _clock(desk)

    @router.post("/clock")
    async def change_clock(change: ClockChange) -> Json:
        _change_clock(desk, change)
        return _clock(desk)

    @router.get("/invoices")
    async def invoices(
        contact_id: str | None = None, created_since: AwareDatetime | None = None
    ) -> list[Json]:
        return _invoices(desk, contact_id, created_since)


def _add_faults(router: APIRouter, desk: Desk) -> None:
    @router.get("/faults")
    async def read_faults() -> list[Fault]:
        return desk.faults.waiting

    @router.post("/faults")
    async def order_fault(order: FaultOrder) -> list[Fault]:
        desk.faults.order(Fault(order.operation, order.mode, order.times))
        return desk.faults.waiting

    @router.get("/requests")
    async def requests() -> list[Json]:
        counted = sorted(desk.requests.items())
        return [{"method": m, "path": path, "count": count} for (m, path), count in counted]


def _add_model(router: APIRouter, script: Script) -> None:
    @router.get("/model")
    async def read_model() -> ModelSettings:
        return script.settings

    @router.post("/model")
    async def change_model(settings: ModelSettings) -> ModelSettings:
        script.settings = settings
        return settings

    @router.get("/model/calls")
    async def model_calls() -> dict[str, Any]:
        return {"count": script.count, "bodies": list(script.bodies)}


def start_over(desk: Desk) -> None:
    """The demo company as on a first start, seen from the clock's day; tokens stay valid."""
    desk.faults.forget()
    desk.limits.forget()
    desk.requests.clear()
    desk.clock.follow_source()
    with desk.store.transaction():
        desk.store.clear()
        desk.store.write_meta(CLOCK_KEY, "0")
        seed(desk.store, desk.clock.now(), desk.clock.today())


def _change_clock(desk: Desk, change: ClockChange) -> None:
    if change.now is None and change.advance_seconds is None:
        desk.clock.follow_source()
    if change.now:
        desk.clock.set_to(change.now)
    if change.advance_seconds:
        desk.clock.advance(timedelta(seconds=change.advance_seconds))
    desk.limits.forget()
    desk.store.write_meta(CLOCK_KEY, str(desk.clock.offset.total_seconds()))


def _clock(desk: Desk) -> Json:
    return {"now": desk.clock.now().isoformat(), "today": desk.clock.today().isoformat()}


def _invoices(desk: Desk, contact_id: str | None, since: datetime | None) -> list[Json]:
    instant = since.astimezone(UTC).isoformat() if since else ""
    return [
        {**invoice, "created": created}
        for created, invoice in desk.store.created_since("invoice", instant)
        if contact_id in (None, invoice["Contact"]["ContactID"])
    ]
