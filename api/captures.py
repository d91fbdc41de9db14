"""A conversation as the draft of an eval case, for staff."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path

from api.dependencies import ClientsOf
from api.errors import not_found
from api.staff import StaffMember
from graph.capture import NothingToCapture, capture
from tools.conversation_records import ConversationRecords
from tools.sandbox.company import demo_customers

router = APIRouter(prefix="/admin", tags=["console"])
ThreadId = Annotated[UUID, Path(description="The conversation's id")]


@router.get("/conversations/{thread_id}/case")
async def draft_case(thread_id: ThreadId, clients: ClientsOf, staff: StaffMember) -> dict[str, Any]:
    """Its turns with stand-ins for persons and documents, and what happened as expectations.

    Who asks is in the audit trail. A person has to read the draft before it is a case.
    """
    try:
        draft = await capture(clients.pool, clients.graph, thread_id, demo_customers())
    except NothingToCapture as error:
        raise not_found("Conversation", thread_id) from error
    await ConversationRecords(clients.pool).note_capture(thread_id, staff.staff_id)
    return draft
