"""The Xero page, which is also where Xero sends an admin's browser back to."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response

from api.console.rendering import render, see
from api.console.session import AdminOperator, Operator
from api.dependencies import ClientsOf
from api.tokens import TERMINAL
from api.xero import Chosen, choose, get_status
from tools.actions.records import ActionRecords
from tools.errors import BackendRejected, BackendUnavailable
from tools.xero.connect import Connecting, Pending, SignInInvalid

router = APIRouter(include_in_schema=False)

AGAIN = "Begin again with Connect Xero on the console, or with: tria xero connect"
MOST_IN_TROUBLE = 20


@router.get("/console/xero")
async def xero_page(request: Request, clients: ClientsOf, staff: Operator) -> Response:
    """How Xero fares, and the cards that went wrong there."""
    status = await get_status(clients, staff)
    trouble = await ActionRecords(clients.pool).cards("trouble", MOST_IN_TROUBLE)
    return render(
        request, "xero.html", staff=staff, here="xero", xero=status, trouble=trouble, problem=""
    )


@router.post("/console/xero/connect")
async def connect(request: Request, clients: ClientsOf, staff: AdminOperator) -> Response:
    """The way to Xero's sign-in. It is a link: a form may lead to no other site from here."""
    address = await clients.xero_parts.connecting.begin(staff.staff_id)
    return render(request, "xero_connect.html", staff=staff, here="xero", address=address)


@router.post("/console/xero/tenant")
async def choose_tenant(
    request: Request,
    clients: ClientsOf,
    staff: AdminOperator,
    state: Annotated[str, Form(max_length=200)],
    tenant_id: Annotated[UUID, Form()],
) -> Response:
    """Work in this organisation from now on."""
    chosen = await choose(Chosen(state=state, tenant_id=tenant_id), clients, staff)
    return see(request, "xero", f"Connected to {chosen['name']}.")


@router.post("/console/xero/events/retry")
async def retry_events(request: Request, clients: ClientsOf, staff: AdminOperator) -> Response:
    """Work once more on events that were given up."""
    count = await clients.xero_parts.events.retry_parked(staff.staff_id)
    return see(request, "xero", f"{count} events are worked on again.")


@router.get("/admin/xero/callback")
async def come_back(
    request: Request, clients: ClientsOf, state: str = "", code: str = "", error: str = ""
) -> Response:
    """Offer the organisations of the sign-in. Nothing is connected before one is chosen.

    The browser comes from Xero without our cookie: the state proves that one of us began, and
    only that admin can choose.
    """
    if error or not code:
        return _problem(request, 400, f"Xero was not connected: nobody agreed there. {AGAIN}")
    try:
        pending = await _pending(clients.xero_parts.connecting, state, code)
    except SignInInvalid:
        return _problem(request, 400, f"This sign-in is unknown, used or too old. {AGAIN}")
    except BackendRejected:
        return _problem(request, 400, f"Xero does not accept the code it gave. {AGAIN}")
    except BackendUnavailable:
        return _problem(request, 503, f"Xero's sign-in does not answer right now. {AGAIN}")
    is_for_terminal = pending.admin.startswith(TERMINAL)
    return render(
        request, "xero_choose.html", state=state, pending=pending, is_for_terminal=is_for_terminal
    )


async def _pending(connecting: Connecting, state: str, code: str) -> Pending:
    """The code is used once; a page that is loaded again finds what it brought."""
    found = await connecting.pending(state)
    if found is None:
        await connecting.finish(state, code)
        found = await connecting.pending(state)
    if found is None:
        raise SignInInvalid("it ended meanwhile")
    return found


def _problem(request: Request, status: int, detail: str) -> Response:
    return render(request, "error.html", title="Not connected", detail=f"{detail}.", status=status)
