"""What a request for a run asks for: something said, a card's answer, a decision, or to go on."""

import contextlib
from collections.abc import Mapping
from typing import Annotated, Any, cast
from uuid import UUID, uuid4

from fastapi import HTTPException
from psycopg.rows import DictRow
from pydantic import Field, ValidationError

from api.approvals import decide_card
from api.assistants import check_assistant
from api.auth import demand
from api.errors import not_found
from api.principals import Principal
from api.run_webhooks import check_webhook
from api.schemas import Body, Decision, RunCreate, Text
from api.states import check_values
from graph.clients import Clients
from graph.execution import DATABASE_ERRORS
from tools.intake import NewRun, Place, RunRepeated, ThreadBusy
from tools.places import Places

KEPT = {
    *("stream_mode", "stream_subgraphs", "stream_resumable", "config", "context", "webhook"),
    *("interrupt_before", "interrupt_after", "durability", "after_seconds", "command"),
}
WORDS = {"confirm": "Yes", "decline": "No"}
FOR_STAFF = "This waits for one of our colleagues, who will answer you here."


class Approval(Body):
    """What a colleague resumes a thread with that waits for one."""

    approved: bool = Field(strict=True)
    reason: Annotated[Text, Field(max_length=500)] = ""


async def start_run(
    thread_id: UUID,
    body: RunCreate,
    clients: Clients,
    principal: Principal,
    run_id: UUID | None = None,
) -> DictRow:
    """Store, then execute in the background: what is acknowledged is never lost.

    With the `run_id` of a request that comes again, the run that is there already.
    """
    check_assistant(body.assistant_id)
    _check_nodes(body, clients)
    check_webhook(body.webhook, clients.settings)
    if body.if_not_exists == "create" and principal.customer_id:
        await clients.conversations.create(thread_id, principal.customer_id, {})
    if not principal.customer_id:
        return await _operated(thread_id, body, clients, principal)
    wanted = _said(body) or {"place": await _place(thread_id, body, clients)}
    if body.input and body.from_checkpoint:
        places = Places(clients.pool)
        wanted["place"] = await places.of_input(thread_id, body.from_checkpoint)
    scope = cast(Mapping[str, Any], principal.caller and principal.caller.scope)
    run = _new_run(thread_id, body, principal.customer_id, scope, run_id)
    return await _begin(clients, run, wanted)


async def _begin(clients: Clients, run: dict[str, Any], wanted: dict[str, Any]) -> DictRow:
    has_room = clients.executor.has_room
    try:
        stored = await clients.runs.create(NewRun(**(run | wanted), starts=has_room))
    except (RunRepeated, ThreadBusy):  # a repeat is not refused for its own run
        found = await clients.runs.get(run["run_id"], run["thread_id"])
        if found is None:
            raise
        return found
    if stored["status"] == "running":
        clients.executor.work_on(stored)
    return stored


def _new_run(
    thread_id: UUID,
    body: RunCreate,
    customer_id: str,
    scope: Mapping[str, Any],
    run_id: UUID | None = None,
) -> dict[str, Any]:
    request = body.model_dump(mode="json", include=KEPT, exclude_none=True)
    return {
        "run_id": run_id or uuid4(),
        "thread_id": thread_id,
        "customer_id": customer_id,
        "message_id": "",
        "content": None,
        "extra": {},
        "strategy": body.multitask_strategy,
        "request": request,
        "scope": scope,
        "metadata": body.metadata,
        "after_seconds": body.after_seconds,
        "webhook": body.webhook,
    }


def _said(body: RunCreate) -> dict[str, Any] | None:
    """The message of a run: the input's, or what a card's button says."""
    if body.input:
        last = body.input.messages[-1]
        return {
            "message_id": last.id or str(uuid4()),
            "content": "\n".join(m.text for m in body.input.messages),
            "extra": last.additional_kwargs.model_dump(mode="json", exclude_none=True),
        }
    if body.command is None or body.command.resume is None:
        return None
    try:
        pressed = Decision.model_validate(body.command.resume)
    except ValidationError:
        raise HTTPException(403, FOR_STAFF) from None
    return {
        "message_id": str(uuid4()),
        "content": WORDS[pressed.decision],
        "extra": {"action": pressed.model_dump(mode="json")},
    }


async def _place(thread_id: UUID, body: RunCreate, clients: Clients) -> Place:
    """Where a customer's run goes on that says nothing."""
    if body.command and (body.command.update or body.command.goto):
        raise HTTPException(403, "Changing a turn's state is for staff.")
    return await Places(clients.pool).of_nothing(thread_id, body.from_checkpoint)


async def _operated(
    thread_id: UUID, body: RunCreate, clients: Clients, principal: Principal
) -> DictRow:
    """A run that staff resume, correct or send on, as the customer whose conversation it is."""
    demand(principal, "operate")
    if body.input:
        raise HTTPException(403, "Only customers say something in their conversations.")
    last = await Places(clients.pool).last(thread_id)
    if last is None:
        raise not_found("Thread", thread_id)
    command = body.command
    if command and command.resume is not None:
        return await _decided(last, command.resume, clients, principal)
    if command and command.update:
        check_values(command.update)
    place = (
        Place(last["after_turn"], last["asked_in"] or last["run_id"], last["graph_thread"])
        if command and (command.update or command.goto)
        else await Places(clients.pool).of_nothing(thread_id, body.from_checkpoint)
    )
    run = _new_run(thread_id, body, last["scope"]["customer_id"], last["scope"])
    return await _begin(clients, run, {"place": place})


async def _decided(
    last: DictRow, resume: object, clients: Clients, principal: Principal
) -> DictRow:
    """A colleague's decision about the card that the thread waits with."""
    if principal.staff is None:
        raise HTTPException(403, "A card is decided by a person.")
    waiting = await clients.actions.waiting_of(last["thread_id"], last["scope"]["customer_id"])
    if waiting is None:
        raise HTTPException(409, "No card of this thread waits for a person.")
    try:
        decision = Approval.model_validate(
            resume if isinstance(resume, dict) else {"approved": resume}
        )
    except ValidationError:
        raise HTTPException(
            422, "command.resume: send true, false or {approved, reason}."
        ) from None
    await decide_card(
        waiting["action_id"],
        clients,
        principal.staff,
        approved=decision.approved,
        reason=decision.reason,
    )
    with contextlib.suppress(*DATABASE_ERRORS):
        await clients.executor.take(last["thread_id"])
    run = await clients.runs.get(waiting["run_id"], last["thread_id"])
    return run or last


def _check_nodes(body: RunCreate, clients: Clients) -> None:
    """422 for a node that the graph does not have."""
    goto = body.command.goto if body.command and body.command.goto else []
    asked = {
        "interrupt_before": body.interrupt_before,
        "interrupt_after": body.interrupt_after,
        "command.goto": [goto] if isinstance(goto, str) else goto,
    }
    for field, nodes in asked.items():
        unknown = set(nodes or ()) - set(clients.graph.nodes) - {"*"}
        if unknown:
            raise HTTPException(422, f"{field}: there is no node '{min(unknown)}'.")
