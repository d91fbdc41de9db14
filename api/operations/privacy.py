"""Privacy for admins: one customer's data exported or erased, what is kept how long, the trail."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from api.dependencies import ClientsOf
from api.errors import not_found
from api.schemas import Body, Text
from api.staff import Admin
from graph.clients import Clients, now
from tools.events import make_redis
from tools.privacy.erase import Erasure, Preview
from tools.privacy.export import Export
from tools.privacy.sweep import Due, Keeping
from tools.privacy.trail import PAGE, Looked, Trail

router = APIRouter(prefix="/admin", tags=["console"])
CustomerId = Annotated[Text, Field(min_length=1, max_length=200)]
SAVED = {"Content-Disposition": 'attachment; filename="customer-data.zip"'}


class Customer(Body):
    """Whose data."""

    customer_id: CustomerId


class Confirmed(Customer):
    """Whose data, and their id once more, as a person typed it."""

    confirm: Annotated[Text, Field(max_length=200)]


@router.post("/privacy/preview")
async def preview_erasure(body: Customer, clients: ClientsOf, staff: Admin) -> dict[str, Any]:
    """What is kept of a customer: what would go, what must stay and why, what is in the way."""
    return asdict(await preview_of(clients, body.customer_id))


@router.post("/privacy/export", response_class=Response)
async def export_customer(body: Customer, clients: ClientsOf, staff: Admin) -> Response:
    """Everything that is kept of a customer, as a ZIP. Who asks is in the audit trail."""
    return await exported(clients, body.customer_id, staff.staff_id)


@router.post("/privacy/erase")
async def erase_customer(body: Confirmed, clients: ClientsOf, staff: Admin) -> dict[str, Any]:
    """Erase a customer. Doing it again finds nothing more."""
    return asdict(await erased(clients, body.customer_id, body.confirm, staff.staff_id))


@router.get("/privacy/retention")
async def preview_retention(clients: ClientsOf, staff: Admin) -> list[dict[str, Any]]:
    """How much of each kind of data has been kept long enough, since when the oldest is there."""
    return [told(each) for each in await keeping_of(clients).due()]


def looked_for(
    subject: Annotated[Text, Query(max_length=200)] = "",
    event: Annotated[Text, Query(max_length=100)] = "",
    actor: Annotated[Text, Query(max_length=200)] = "",
    before: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = PAGE,
) -> Looked:
    """Which rows of the trail are asked for; an empty field asks for nothing."""
    about, what, who = (text.strip() or None for text in (subject, event, actor))
    return Looked(about, what, who, before, limit)


LookedFor = Annotated[Looked, Depends(looked_for)]


@router.get("/audit")
async def list_audit(clients: ClientsOf, staff: Admin, looked: LookedFor) -> list[dict[str, Any]]:
    """Who did what, the latest first."""
    return list(await Trail(clients.pool).rows(looked))


@router.get("/audit/verify")
async def verify_audit(clients: ClientsOf, staff: Admin) -> dict[str, Any]:
    """Whether every row of the trail is as it was when it was sealed."""
    return asdict(await Trail(clients.pool).verify())


@asynccontextmanager
async def erasure_of(clients: Clients) -> AsyncIterator[Erasure]:
    """Erasing, on a connection to Redis of its own."""
    redis = make_redis(clients.settings.redis_url.get_secret_value())
    try:
        yield Erasure(clients.pool, redis)
    finally:
        await redis.aclose()


async def preview_of(clients: Clients, customer_id: str) -> Preview:
    """What an erasure would do now; 404 where there is nothing of such a customer."""
    async with erasure_of(clients) as erasure:
        found = await erasure.preview(customer_id)
    if not found.is_known:
        raise not_found("Customer", customer_id)
    return found


async def erased(clients: Clients, customer_id: str, typed: str, by: str) -> Preview:
    """Erase a customer's data, and say what went."""
    async with erasure_of(clients) as erasure:
        return await erasure.erase(customer_id, typed, by)


async def exported(clients: Clients, customer_id: str, by: str) -> Response:
    """The ZIP, streamed; 404 where there is nothing of such a customer."""
    export = Export(clients.pool)
    if not await export.counts(customer_id):
        raise not_found("Customer", customer_id)
    await export.note(customer_id, by)
    pieces = export.stream(customer_id, now().date())
    return StreamingResponse(pieces, media_type="application/zip", headers=SAVED)


def keeping_of(clients: Clients) -> Keeping:
    """What is kept how long."""
    return Keeping(clients.pool, clients.settings.tria_checkpoint_days)


def told(due: Due) -> dict[str, Any]:
    """One kind of data, and how much of it is due."""
    return {
        "kind": due.kind.name,
        "title": due.kind.title,
        "days": due.kind.days,
        "due": due.count,
        "oldest": due.oldest,
        "has_more": due.is_cut,
    }
