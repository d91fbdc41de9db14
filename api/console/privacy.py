"""The pages of admins: one customer's data, what is kept how long, and the audit trail."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response

from api.console.rendering import render, see
from api.console.session import AdminOperator
from api.dependencies import ClientsOf
from api.operations.privacy import (
    CustomerId,
    LookedFor,
    erased,
    erasure_of,
    exported,
    keeping_of,
)
from api.schemas import Text
from graph.clients import Clients
from tools.privacy.erase import Preview
from tools.privacy.trail import Looked, Trail
from tools.rules import load_rules

router = APIRouter(include_in_schema=False)
Asked = Annotated[Text, Query(max_length=200)]


@router.get("/console/privacy")
async def privacy_page(
    request: Request, clients: ClientsOf, staff: AdminOperator, customer: Asked = ""
) -> Response:
    """One customer's data, if somebody is asked for; and how long each kind is kept."""
    customer_id = customer.strip()
    found = await _found(clients, customer_id) if customer_id else None
    return render(
        request,
        "privacy.html",
        staff=staff,
        here="privacy",
        asked=customer_id,
        found=found,
        kinds=await keeping_of(clients).due(),
        access_days=load_rules().legal.access_days,
    )


@router.post("/console/privacy/export")
async def export(
    request: Request,
    clients: ClientsOf,
    staff: AdminOperator,
    customer_id: Annotated[CustomerId, Form()],
) -> Response:
    """Everything that is kept of the customer, to be saved."""
    return await exported(clients, customer_id, staff.staff_id)


@router.post("/console/privacy/erase")
async def erase(
    request: Request,
    clients: ClientsOf,
    staff: AdminOperator,
    customer_id: Annotated[CustomerId, Form()],
    typed: Annotated[Text, Form(max_length=200)] = "",
) -> Response:
    """Erase the customer whose id was typed."""
    gone = await erased(clients, customer_id, typed, staff.staff_id)
    said = (
        f"Erased: {gone.total} records of {customer_id}."
        if gone.total
        else f"There was nothing (more) to erase of {customer_id}."
    )
    return see(request, "privacy", said)


@router.get("/console/audit")
async def audit_page(
    request: Request, clients: ClientsOf, staff: AdminOperator, looked: LookedFor
) -> Response:
    """Who did what, the latest first."""
    rows = await Trail(clients.pool).rows(looked)
    return render(
        request,
        "audit.html",
        staff=staff,
        here="audit",
        looked=looked,
        rows=rows,
        earlier=rows[-1]["audit_id"] if len(rows) == looked.limit else None,
        verified=None,
    )


@router.post("/console/audit/verify")
async def verify(request: Request, clients: ClientsOf, staff: AdminOperator) -> Response:
    """Whether every row of the trail is as it was when it was sealed."""
    trail = Trail(clients.pool)
    verified = await trail.verify()
    return render(
        request,
        "audit.html",
        staff=staff,
        here="audit",
        looked=Looked(),
        rows=await trail.rows(Looked()),
        earlier=None,
        verified=verified,
    )


async def _found(clients: Clients, customer_id: str) -> Preview:
    async with erasure_of(clients) as erasure:
        return await erasure.preview(customer_id)
