"""A conversation and its turns as JSON, for staff: what was said, and how it came about."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel, Field

from api.dependencies import ClientsOf
from api.errors import not_found
from api.staff import StaffMember
from api.tokens import Staff
from graph.clients import Clients
from graph.inspection.conversation import TURNS, NoSuchConversation, conversation_view
from graph.inspection.turn import drawing_of_turn, turn_view
from tools.operators.looks import note_unmasked

router = APIRouter(prefix="/admin", tags=["console"])

LARGEST = 2**31 - 1  # that a turn's number can be
ThreadId = Annotated[UUID, Path(description="The conversation's id")]
RunId = Annotated[UUID, Path(description="The run's id")]


class Look(BaseModel):
    """Whether to show personal data: only supervisors may, and it is written down why."""

    unmasked: bool = False
    reason: Annotated[str, Field(max_length=200)] = ""


class Turns(Look):
    """The last turns, or those before one."""

    before: Annotated[int | None, Field(ge=0, le=LARGEST)] = None
    limit: Annotated[int, Field(ge=1, le=100)] = TURNS


@router.get("/conversations/{thread_id}")
async def get_conversation(
    thread_id: ThreadId,
    clients: ClientsOf,
    staff: StaffMember,
    look: Annotated[Turns, Query()],
) -> dict[str, Any]:
    """Its last turns with what was said, its cards and tickets. Personal data is masked."""
    if look.unmasked:
        await _note(clients, staff, thread_id, look.reason)
    try:
        return await conversation_view(
            clients, thread_id, masked=not look.unmasked, before=look.before, limit=look.limit
        )
    except NoSuchConversation as error:
        raise not_found("Conversation", thread_id) from error


@router.get("/runs/{run_id}")
async def get_run(
    run_id: RunId,
    clients: ClientsOf,
    staff: StaffMember,
    look: Annotated[Look, Query()],
) -> dict[str, Any]:
    """A turn with its way through the graph, and what it knew and did on it."""
    try:
        turn = await turn_view(clients, run_id, masked=True)
        if look.unmasked:
            await _note(clients, staff, turn["thread_id"], look.reason)
            turn = await turn_view(clients, run_id, masked=False)
    except NoSuchConversation as error:
        raise not_found("Run", run_id) from error
    drawing = drawing_of_turn(clients, turn)
    edges = [(line.source, line.target) for line in drawing.lines if line.is_taken]
    return turn | {"edges_taken": edges}


async def _note(clients: Clients, staff: Staff, thread_id: UUID, reason: str) -> None:
    """403 for whoever may not see personal data; else it is written down first."""
    if not (staff.is_supervisor or staff.is_admin):
        raise HTTPException(403, "Only a supervisor may see personal data: ask one.")
    if not reason.strip():
        raise HTTPException(422, "reason: say why you need to see personal data.")
    if not await note_unmasked(clients.pool, thread_id, staff.staff_id, reason.strip()):
        raise not_found("Conversation", thread_id)
