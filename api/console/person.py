"""The forms by which a person works in a conversation, and what their panel shows."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response

from api.console.rendering import render, see
from api.console.session import Operator
from api.dependencies import ClientsOf
from api.errors import not_found
from api.operations.conversations import person_of
from api.threads import ThreadId
from api.tokens import Staff
from graph import person_view as view
from graph import persons
from graph.clients import Clients
from graph.repair.trial import draft_reply
from tools.operators.notes import Notes
from tools.operators.replies import LONGEST
from tools.operators.tickets import ThreadTickets

router = APIRouter(prefix="/console/conversations/{thread_id}", include_in_schema=False)

Once = Annotated[UUID, Form()]
Content = Annotated[str, Form(min_length=1, max_length=LONGEST)]
Resolution = Annotated[str, Form(max_length=500)]


async def person_view(
    clients: Clients, thread_id: UUID, staff: Staff, *, masked: bool = True
) -> dict[str, Any]:
    """Values of `conversation/person.html`; empty where there is no such conversation."""
    shown = await view.person_view(clients, thread_id, person_of(staff), masked=masked)
    return (shown or {}) | {"staff_id": staff.staff_id}


@router.post("/take-over")
async def take_over(
    request: Request, thread_id: ThreadId, clients: ClientsOf, staff: Operator
) -> Response:
    """Write here from now on."""
    await persons.take_over(clients, thread_id, person_of(staff))
    return _back(request, thread_id, "You have the conversation. The assistant is silent.")


@router.post("/messages")
async def write(  # noqa: PLR0913, PLR0917 (FastAPI fills them by their types)
    request: Request,
    thread_id: ThreadId,
    clients: ClientsOf,
    staff: Operator,
    content: Content,
    once: Once,
) -> Response:
    """Say something to the customer."""
    await persons.reply(clients, thread_id, content, person_of(staff), once)
    return _back(request, thread_id, "Sent.")


@router.post("/draft")
async def draft(
    request: Request, thread_id: ThreadId, clients: ClientsOf, staff: Operator
) -> Response:
    """What the assistant would have answered, to be changed and sent, or not."""
    place = await view.person_view(clients, thread_id, person_of(staff))
    if place is None:
        raise not_found("Thread", thread_id)
    text = await draft_reply(clients, thread_id, masked=not place["may"]["write"])
    return render(
        request,
        "conversation/draft.html",
        staff=staff,
        here="conversations",
        thread_id=thread_id,
        may_write=place["may"]["write"],
        draft=text,
    )


@router.post("/hand-back")
async def hand_back(  # noqa: PLR0913, PLR0917 (FastAPI fills them by their types)
    request: Request,
    thread_id: ThreadId,
    clients: ClientsOf,
    staff: Operator,
    once: Once,
    resolution: Resolution = "",
) -> Response:
    """Let the assistant answer again."""
    await persons.hand_back(clients, thread_id, person_of(staff), once, resolution.strip())
    return _back(request, thread_id, "Handed back. The assistant answers again.")


@router.post("/notes")
async def add_note(  # noqa: PLR0913, PLR0917 (FastAPI fills them by their types)
    request: Request,
    thread_id: ThreadId,
    clients: ClientsOf,
    staff: Operator,
    content: Content,
    once: Once,
) -> Response:
    """Keep something for colleagues."""
    await Notes(clients.pool).add(thread_id, content, person_of(staff), once)
    return _back(request, thread_id, "Noted. Only colleagues see it.")


@router.post("/assignment")
async def assign(
    request: Request,
    thread_id: ThreadId,
    clients: ClientsOf,
    staff: Operator,
    to: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Say who looks after the conversation; nobody for an empty name."""
    wanted = to.strip() or None
    await ThreadTickets(clients.pool).assign(thread_id, wanted, person_of(staff))
    told = f"Assigned to {wanted}." if wanted else "Assigned to nobody."
    return _back(request, thread_id, told)


@router.post("/tickets/close")
async def close_tickets(
    request: Request,
    thread_id: ThreadId,
    clients: ClientsOf,
    staff: Operator,
    resolution: Annotated[str, Form(min_length=1, max_length=500)],
) -> Response:
    """Close the open tickets, and say how it ended."""
    await ThreadTickets(clients.pool).close(thread_id, resolution, person_of(staff))
    return _back(request, thread_id, "Closed.")


def _back(request: Request, thread_id: UUID, notice: str) -> Response:
    return see(request, f"conversations/{thread_id}", notice)
