"""The page of one conversation: what was said, and how the assistant came to say it."""

import json
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Path, Query, Request, Response
from pydantic import BaseModel, Field

from api.captures import draft_case
from api.console import unmasking
from api.console.person import person_view
from api.console.rendering import render, see
from api.console.session import Operator, SupervisorOperator
from api.dependencies import ClientsOf
from api.errors import not_found
from graph.inspection.conversation import NoSuchConversation, conversation_view
from graph.inspection.masking import mask
from graph.inspection.turn import drawing_of_turn, turn_view
from graph.inspection.waterfall import waterfalls_of
from tools.operators.inbox import Inbox
from tools.operators.looks import note_unmasked
from tools.operators.words import told

router = APIRouter(prefix="/console/conversations/{thread_id}", include_in_schema=False)

LARGEST = 2**31 - 1  # that a turn's number can be
MASKED_AGAIN = "Personal data is masked again."


def identity(thread_id: Annotated[str, Path()]) -> UUID:
    """The conversation's id; what cannot be one is as missing as one that is unknown."""
    try:
        return UUID(thread_id)
    except ValueError:
        raise not_found("Conversation", thread_id) from None


ThreadId = Annotated[UUID, Depends(identity)]


class Look(BaseModel):
    """Which turns: those before one, or `part`, the inside of one."""

    before: Annotated[int | None, Field(ge=0, le=LARGEST)] = None
    part: UUID | None = None


@router.get("")
async def conversation_page(
    request: Request,
    clients: ClientsOf,
    staff: Operator,
    thread_id: ThreadId,
    look: Annotated[Look, Query()],
) -> Response:
    """The last turns, those before one, or only what is inside of one."""
    if look.part:
        which = (thread_id, look.part)
        return await _turn(request, clients, staff, "conversation/turn.html", which)
    masked = not unmasking.sees_all(request, staff, thread_id)
    try:
        view = await conversation_view(clients, thread_id, masked=masked, before=look.before)
    except NoSuchConversation as error:
        raise not_found("Conversation", thread_id) from error
    return render(
        request,
        "conversation.html",
        staff=staff,
        here="conversations",
        view=view,
        reasons=[told(row) for row in await Inbox(clients.pool, mask).of_thread(thread_id)],
        person=await person_view(clients, thread_id, staff, masked=masked),
        may_unmask=unmasking.may_unmask(staff),
    )


@router.get("/turns/{run_id}")
async def turn_page(
    request: Request, clients: ClientsOf, staff: Operator, thread_id: ThreadId, run_id: str
) -> Response:
    """The same of one turn as a page of its own, for browsers without scripts and for links."""
    try:
        turn = UUID(run_id)
    except ValueError:
        raise not_found("Turn", run_id) from None
    return await _turn(request, clients, staff, "conversation/turn_page.html", (thread_id, turn))


@router.post("/unmask")
async def unmask(
    request: Request,
    clients: ClientsOf,
    staff: SupervisorOperator,
    thread_id: ThreadId,
    reason: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Show personal data for ten minutes to whoever says why."""
    if not reason.strip():
        return see(request, f"conversations/{thread_id}", "Say why you need to see it.")
    if not await note_unmasked(clients.pool, thread_id, staff.staff_id, reason.strip()):
        raise not_found("Conversation", thread_id)
    notice = f"Personal data is shown to you for {unmasking.MINUTES} minutes. This was noted."
    answer = see(request, f"conversations/{thread_id}", notice)
    unmasking.allow(request, answer, staff, thread_id)
    return answer


@router.post("/mask")
async def mask_again(request: Request, staff: Operator, thread_id: ThreadId) -> Response:
    """Hide it again before the time is over."""
    answer = see(request, f"conversations/{thread_id}", MASKED_AGAIN)
    unmasking.end(answer, thread_id)
    return answer


@router.get("/case")
async def case_file(clients: ClientsOf, staff: Operator, thread_id: ThreadId) -> Response:
    """The draft of an eval case as a file; who took it is noted."""
    draft = await draft_case(thread_id, clients, staff)
    return Response(
        json.dumps(draft, ensure_ascii=False, indent=2, default=str),
        media_type="application/json",
        headers={
            "Content-Disposition": f'attachment; filename="case-{thread_id}.json"',
            "Cache-Control": "no-store",
        },
    )


async def _turn(
    request: Request, clients: ClientsOf, staff: Operator, template: str, which: tuple[UUID, UUID]
) -> Response:
    thread_id, run_id = which
    masked = not unmasking.sees_all(request, staff, thread_id)
    try:
        turn = await turn_view(clients, run_id, masked=masked, thread_id=thread_id)
    except NoSuchConversation as error:
        raise not_found("Turn", run_id) from error
    drawing = drawing_of_turn(clients, turn)
    return render(
        request,
        template,
        staff=staff,
        here="conversations",
        turn=turn,
        drawing=drawing,
        waterfalls=waterfalls_of(turn["trace"]),
    )
