"""What a person does in a conversation, as JSON: take over, write, note, assign, hand back."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from api.dependencies import ClientsOf
from api.errors import not_found
from api.idempotency import KeyOf
from api.schemas import Body, Text
from api.staff import StaffMember
from api.threads import ThreadId
from api.tokens import Staff
from graph import persons
from graph.clients import Clients
from graph.person_view import person_view
from graph.repair.trial import draft_reply
from tools.operators.notes import Notes
from tools.operators.person_turns import Person
from tools.operators.replies import LONGEST
from tools.operators.tickets import ThreadTickets

router = APIRouter(prefix="/admin/conversations/{thread_id}", tags=["console"])


class Said(Body):
    """What a person writes."""

    content: Annotated[Text, Field(min_length=1, max_length=LONGEST)]


class Ending(Body):
    """How the matter ended; empty where its tickets stay open."""

    resolution: Annotated[Text, Field(max_length=500)] = ""


class Resolution(Body):
    """How the matter ended."""

    resolution: Annotated[Text, Field(min_length=1, max_length=500)]


class Assignment(Body):
    """Who looks after the conversation: a colleague's id, or nobody."""

    to: Annotated[Text, Field(min_length=1, max_length=100)] | None


@router.get("/person")
async def get_person(thread_id: ThreadId, clients: ClientsOf, staff: StaffMember) -> dict[str, Any]:
    """Who has the conversation, tickets with their packets (masked), balance, and the notes."""
    return await _shown(thread_id, clients, staff, asks_books=True)


@router.post("/take-over")
async def take_over(thread_id: ThreadId, clients: ClientsOf, staff: StaffMember) -> dict[str, Any]:
    """Write in the conversation from now on; the assistant is silent until it is handed back."""
    await persons.take_over(clients, thread_id, person_of(staff))
    return await _shown(thread_id, clients, staff)


@router.post("/hand-back")
async def hand_back(
    thread_id: ThreadId, body: Ending, clients: ClientsOf, staff: StaffMember, key: KeyOf
) -> dict[str, Any]:
    """Let the assistant answer again; with a resolution the tickets are closed."""
    await persons.hand_back(
        clients, thread_id, person_of(staff), key.identity, body.resolution.strip()
    )
    return await _shown(thread_id, clients, staff)


@router.post("/messages")
async def write(
    thread_id: ThreadId, body: Said, clients: ClientsOf, staff: StaffMember, key: KeyOf
) -> dict[str, Any]:
    """Say something to the customer. Under the same `Idempotency-Key` it is said once."""
    await persons.reply(clients, thread_id, body.content, person_of(staff), key.identity)
    return await _shown(thread_id, clients, staff)


@router.post("/draft")
async def draft(thread_id: ThreadId, clients: ClientsOf, staff: StaffMember) -> dict[str, str]:
    """What the assistant would have answered to the last message; nothing is sent or written."""
    shown = await _shown(thread_id, clients, staff)
    return {"content": await draft_reply(clients, thread_id, masked=not shown["may"]["write"])}


@router.post("/notes")
async def add_note(
    thread_id: ThreadId, body: Said, clients: ClientsOf, staff: StaffMember, key: KeyOf
) -> dict[str, Any]:
    """Keep something for colleagues; the customer never sees it."""
    await Notes(clients.pool).add(thread_id, body.content, person_of(staff), key.identity)
    return await _shown(thread_id, clients, staff)


@router.put("/assignment")
async def assign(
    thread_id: ThreadId, body: Assignment, clients: ClientsOf, staff: StaffMember
) -> dict[str, Any]:
    """Say who looks after the conversation; agents can take it or let it go themselves."""
    await ThreadTickets(clients.pool).assign(thread_id, body.to, person_of(staff))
    return await _shown(thread_id, clients, staff)


@router.post("/tickets/close")
async def close_tickets(
    thread_id: ThreadId, body: Resolution, clients: ClientsOf, staff: StaffMember
) -> dict[str, Any]:
    """Close the open tickets of the conversation, and say how it ended."""
    await ThreadTickets(clients.pool).close(thread_id, body.resolution, person_of(staff))
    return await _shown(thread_id, clients, staff)


def person_of(staff: Staff) -> Person:
    """One of the staff, as those who write in conversations."""
    return Person(staff.staff_id, staff.name, staff.is_supervisor or staff.is_admin)


async def _shown(
    thread_id: ThreadId, clients: Clients, staff: Staff, *, asks_books: bool = False
) -> dict[str, Any]:
    person = person_of(staff)
    shown = await person_view(clients, thread_id, person, asks_books=asks_books)
    if shown is None:
        raise not_found("Thread", thread_id)
    return shown
