"""Controls of the webhooks: who listens, events sent by hand, and what became of each."""

from typing import Literal

from fastapi import APIRouter, HTTPException
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from tools.sandbox.company import stable_id
from tools.sandbox.desk import Desk
from tools.sandbox.store import Json
from tools.sandbox.webhooks import (
    Delivery,
    Signature,
    Target,
    batch,
    described,
    is_on_this_machine,
)

# As Xero probes a new listener: it must tell the rightly signed ones from the others.
INTENT: tuple[Signature, ...] = ("wrong", "good", "missing", "good")


class Registration(BaseModel):
    """Who listens; nobody when `url` is null."""

    model_config = ConfigDict(extra="forbid")

    url: str | None
    key: str = Field("", description="signs every delivery")


class ChosenEvent(BaseModel):
    """An event to be sent, whether it happened or not."""

    model_config = ConfigDict(extra="forbid")

    category: Literal["INVOICE", "CONTACT", "CREDITNOTE", "SUBSCRIPTION"] = "INVOICE"
    type: Literal["CREATE", "UPDATE"] = "UPDATE"
    resource_id: str = stable_id("event", "by hand")
    tenant_id: str = ""
    at: AwareDatetime | None = None


class Batch(BaseModel):
    """Events for one POST, in this order, sent `times` times over."""

    model_config = ConfigDict(extra="forbid")

    events: list[ChosenEvent] = Field(min_length=1)
    signature: Signature = "good"
    times: int = Field(1, ge=1, le=20)
    first_sequence: int | None = None


def make_routes(desk: Desk) -> APIRouter:
    """Everything under /control/webhooks."""
    router = APIRouter(prefix="/control/webhooks")

    @router.post("")
    async def register(wanted: Registration) -> Json:
        return _register(desk, wanted)

    @router.post("/send")
    async def send(wanted: Batch) -> list[Delivery]:
        target = _target(desk)
        first = wanted.first_sequence or desk.webhooks.sequence + 1
        body = batch([_event(desk, chosen) for chosen in wanted.events], first)
        return [
            await desk.webhooks.deliver(target, body, wanted.signature) for _ in range(wanted.times)
        ]

    @router.post("/intent")
    async def intend() -> Json:
        target = _target(desk)
        sent = [await desk.webhooks.deliver(target, batch([], 0), how) for how in INTENT]
        return {"passed": all(map(_is_right, sent)), "deliveries": sent}

    @router.get("/log")
    async def read_log() -> list[Delivery]:
        await desk.webhooks.settle()
        return list(desk.webhooks.log)

    return router


def _register(desk: Desk, wanted: Registration) -> Json:
    if wanted.url is None:
        desk.webhooks.register(None)
    elif not is_on_this_machine(wanted.url) or not wanted.key:
        raise HTTPException(400, "A key is needed, and an address on this machine.")
    else:
        desk.webhooks.register(Target(wanted.url, wanted.key))
    return {"url": wanted.url}


def _target(desk: Desk) -> Target:
    if desk.webhooks.target is None:
        raise HTTPException(409, "Nobody listens: POST /control/webhooks first.")
    return desk.webhooks.target


def _event(desk: Desk, chosen: ChosenEvent) -> Json:
    at = chosen.at or desk.clock.now()
    return described(chosen.category, chosen.type, chosen.resource_id, at, chosen.tenant_id)


def _is_right(delivery: Delivery) -> bool:
    expected = 200 if delivery.signature == "good" else 401
    chatty = delivery.answered_with_body or delivery.answered_with_cookies
    return delivery.status == expected and not chatty
