"""The sandbox's own controls, never part of Xero: reset, clock, faults, limits, counts."""

from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from tools.sandbox.desk import Answered, Connection, Desk, demo_connections
from tools.sandbox.faults import Fault, Mode, Problem
from tools.sandbox.history import seed
from tools.sandbox.openai.script import Script
from tools.sandbox.openai.settings import ModelSettings
from tools.sandbox.store import Change, Json, Search

CLOCK_KEY = "clock offset"
SEEDED_KEY = "seeded on"


class Reset(BaseModel):
    """The moment that the demo company is seen from; real time without one."""

    model_config = ConfigDict(extra="forbid")

    now: AwareDatetime | None = None


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
    after: int = Field(0, ge=0)
    seconds: float = Field(1.0, ge=0, le=60)
    problem: Problem = "minute"
    retry_after: int | None = Field(2, ge=0)


class LimitsChange(BaseModel):
    """New limits and what of them is used up; with nothing, those of the start and none used."""

    model_config = ConfigDict(extra="forbid")

    concurrent: int | None = Field(None, ge=0)
    per_minute: int | None = Field(None, ge=0)
    per_day: int | None = Field(None, ge=0)
    per_app_minute: int | None = Field(None, ge=0)
    minute_used: int | None = Field(None, ge=0)
    day_used: int | None = Field(None, ge=0)
    app_minute_used: int | None = Field(None, ge=0)


class ConnectionsChange(BaseModel):
    """The organisations that the app is connected to; the demo company alone when null."""

    model_config = ConfigDict(extra="forbid")

    connections: list[Connection] | None = None


def make_routes(desk: Desk, script: Script) -> APIRouter:
    """Everything under /control."""
    router = APIRouter(prefix="/control")
    _add_state(router, desk, script)
    _add_faults(router, desk)
    _add_limits(router, desk)
    _add_model(router, script)
    return router


def _add_state(router: APIRouter, desk: Desk, script: Script) -> None:

    @router.get("/ready")
    async def ready() -> Json:
        return {"ready": True}

    @router.post("/reset")
    async def reset(wanted: Reset | None = None) -> Json:
        start_over(desk, wanted.now if wanted else None)
        script.forget()
        return {"invoices": desk.store.count("invoice", Search())}

    @router.get("/changes")
    async def changes() -> list[Change]:
        return desk.store.changes()

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
        desk.faults.order(Fault(**order.model_dump()))
        return desk.faults.waiting

    @router.get("/requests")
    async def requests() -> list[Json]:
        counted = sorted(desk.requests.items())
        return [{"method": m, "path": path, "count": count} for (m, path), count in counted]

    @router.get("/calls")
    async def calls(after: int = 0) -> list[Answered]:
        return [call for call in desk.calls if call.number > after]


def _add_limits(router: APIRouter, desk: Desk) -> None:
    @router.get("/limits")
    async def read_limits() -> Json:
        return _limits(desk)

    @router.post("/limits")
    async def change_limits(change: LimitsChange) -> Json:
        _change_limits(desk, change)
        return _limits(desk)

    @router.post("/connections")
    async def change_connections(change: ConnectionsChange) -> list[Connection]:
        wanted = change.connections
        desk.connections = demo_connections() if wanted is None else wanted
        return desk.connections


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


def start_over(desk: Desk, now: datetime | None = None) -> None:
    """The demo company as on a first start, seen from the clock's day.

    Tokens stay valid and whoever listens to webhooks goes on listening.
    """
    desk.faults.forget()
    desk.limits.restore()
    desk.connections = demo_connections()
    desk.webhooks.log.clear()
    desk.requests.clear()
    desk.calls.clear()
    desk.clock.follow_source()
    if now:
        desk.clock.set_to(now)
    with desk.store.transaction():
        if desk.store.read_meta(SEEDED_KEY) == desk.clock.today().isoformat():
            desk.store.go_back_to_seeded()
        else:
            desk.store.clear()
            seed_again(desk)
        desk.store.write_meta(CLOCK_KEY, str(desk.clock.offset.total_seconds()))


def seed_again(desk: Desk) -> None:
    """Fill the empty store from the clock's day; the caller holds the transaction."""
    seed(desk.store, desk.clock.now(), desk.clock.today())
    desk.store.write_meta(SEEDED_KEY, desk.clock.today().isoformat())
    desk.store.keep_as_seeded()


def _change_clock(desk: Desk, change: ClockChange) -> None:
    before = desk.clock.now()
    if change.now is None and change.advance_seconds is None:
        desk.clock.follow_source()
    if change.now:
        desk.clock.set_to(change.now)
    if change.advance_seconds:
        desk.clock.advance(timedelta(seconds=change.advance_seconds))
    if desk.clock.now() < before:
        desk.limits.forget()  # calls that are still to come cannot grow old
    desk.store.write_meta(CLOCK_KEY, str(desk.clock.offset.total_seconds()))


def _clock(desk: Desk) -> Json:
    return {"now": desk.clock.now().isoformat(), "today": desk.clock.today().isoformat()}


def _change_limits(desk: Desk, change: LimitsChange) -> None:
    limits, now = desk.limits, desk.clock.now()
    if not change.model_fields_set:
        limits.restore()
    if change.concurrent is not None:
        limits.concurrent = change.concurrent
    windows: list[tuple[Problem, int | None, int | None]] = [
        ("minute", change.per_minute, change.minute_used),
        ("day", change.per_day, change.day_used),
        ("appminute", change.per_app_minute, change.app_minute_used),
    ]
    for name, allowed, used in windows:
        if allowed is not None:
            limits.allowed[name] = allowed
        if used is not None:
            limits.use_up(name, used, now)


def _limits(desk: Desk) -> Json:
    limits, now = desk.limits, desk.clock.now()
    return {
        "concurrent": limits.concurrent,
        "per_minute": limits.allowed["minute"],
        "per_day": limits.allowed["day"],
        "per_app_minute": limits.allowed["appminute"],
        "minute_used": limits.used("minute", now),
        "day_used": limits.used("day", now),
        "app_minute_used": limits.used("appminute", now),
    }


def _invoices(desk: Desk, contact_id: str | None, since: datetime | None) -> list[Json]:
    instant = since.astimezone(UTC).isoformat() if since else ""
    return [
        invoice
        for invoice in desk.store.raw("invoice", Search("created >= ?", (instant,)))
        if contact_id in (None, invoice["Contact"]["ContactID"])
    ]
