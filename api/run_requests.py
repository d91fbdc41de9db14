"""What a request for a run asks for: something said, a card's answer, a decision, or to go on."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import HTTPException
from psycopg.rows import DictRow
from pydantic import Field, ValidationError

from api.approvals import decide_card
from api.assistants import check_assistant
from api.auth import demand
from api.principals import Principal
from api.run_webhooks import check_webhook
from api.schemas import Body, Command, Decision, RunCreate, Text
from api.states import GUARDED, check_values
from api.threads import own_thread
from graph.clients import Clients
from graph.execution import DATABASE_ERRORS
from graph.persons import show_unanswered
from graph.traces import TRACE
from monitoring.requests import request_trace
from tools.histories import Histories
from tools.intake import NewRun, Place, RunRepeated, ThreadBusy
from tools.places import NothingToContinue, Places

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


@dataclass(frozen=True)
class Made:
    """The id of a run that a request makes. Of one that comes again it may be there already."""

    run_id: UUID
    is_repeat: bool = False


async def start_run(
    thread_id: UUID, body: RunCreate, clients: Clients, principal: Principal, made: Made
) -> DictRow:
    """Store, then execute in the background: what is acknowledged is never lost."""
    check_run(body, clients)
    if made.is_repeat and (found := await clients.runs.get(made.run_id, thread_id)):
        await own_thread(thread_id, clients, principal)
        return found
    if principal.caller is None:
        return await _operated(thread_id, body, clients, principal, made)
    if body.command and (body.command.update or body.command.goto):
        raise HTTPException(403, "Changing a turn's state is for staff.")
    if body.if_not_exists == "create":
        await clients.conversations.create(thread_id, principal.subject, {})
    wanted = _said(body) or {}
    if not wanted or body.from_checkpoint:
        await own_thread(thread_id, clients, principal)
        wanted["place"] = await _place(thread_id, body, clients)
    run = _new_run(thread_id, body, principal.subject, principal.caller.scope, made.run_id)
    return await _begin(clients, run, wanted)


async def _place(thread_id: UUID, body: RunCreate, clients: Clients) -> Place | None:
    """Where in the conversation a run belongs that names a checkpoint, or says nothing."""
    places = Places(clients.pool)
    if _said(body) and body.from_checkpoint:
        return await places.of_input(thread_id, body.from_checkpoint)
    return await places.of_nothing(thread_id, body.from_checkpoint)


def check_run(body: RunCreate, clients: Clients) -> None:
    """What is wrong with a request before anything of its thread is looked at."""
    check_assistant(body.assistant_id)
    _check_nodes(body, clients)
    check_webhook(body.webhook, clients.settings)
    if body.after_seconds is not None and (body.from_checkpoint or not body.input):
        raise HTTPException(422, "after_seconds: only something said can be put off.")


async def _begin(clients: Clients, run: dict[str, Any], wanted: dict[str, Any]) -> DictRow:
    has_room = clients.executor.has_room
    try:
        stored = await clients.runs.create(NewRun(**(run | wanted), starts=has_room))
    except (RunRepeated, ThreadBusy):
        found = await clients.runs.get(run["run_id"], run["thread_id"])
        if found is None:
            raise
        return found
    await clients.executor.tell_ended({"run_id": each} for each in stored["stopped"])
    if stored["status"] == "running":
        clients.executor.work_on(stored)
    elif stored["for_person"]:
        await show_unanswered(clients, stored)
    return stored


def _new_run(
    thread_id: UUID,
    body: RunCreate,
    customer_id: str,
    scope: Mapping[str, Any],
    run_id: UUID,
) -> dict[str, Any]:
    request = body.model_dump(mode="json", include=KEPT, exclude_none=True)
    if origin := request_trace.get():
        request[TRACE] = {"id": origin.trace_id, "parent": origin.parent}
    return {
        "run_id": run_id,
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
        *_, last = said = body.input.said
        return {
            "message_id": last.id or str(uuid4()),
            "content": "\n".join(m.text for m in said),
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


async def _operated(
    thread_id: UUID, body: RunCreate, clients: Clients, principal: Principal, made: Made
) -> DictRow:
    """A run that staff resume, correct or send on, as the customer whose conversation it is."""
    demand(principal, "operate")
    await own_thread(thread_id, clients, principal)
    if body.input:
        raise HTTPException(403, "Only customers say something in their conversations.")
    last, command = await Places(clients.pool).last(thread_id), body.command
    if last is None:
        raise NothingToContinue
    if command and command.resume is not None:
        return await _decided(last, command.resume, clients, principal)
    run = _new_run(thread_id, body, last["scope"]["customer_id"], last["scope"], made.run_id)
    if command and (command.update or command.goto):
        await _note_command(last, command, clients, principal)
        place = Place(last["after_turn"], last["asked_in"] or last["run_id"], last["graph_thread"])
    else:
        place = await Places(clients.pool).of_nothing(thread_id, body.from_checkpoint)
    return await _begin(clients, run, {"place": place})


async def _note_command(
    last: DictRow, command: Command, clients: Clients, principal: Principal
) -> None:
    """Who sends a turn where, or changes what in it; never to where a customer's yes counts."""
    check_values(command.update or {})
    goto = [command.goto] if isinstance(command.goto, str) else command.goto or []
    if answering := sorted(GUARDED & set(goto)):
        raise HTTPException(422, f"command.goto: nobody goes to '{answering[0]}' for a customer.")
    change = {"goto": goto, "keys": sorted(command.update or ())}
    await Histories(clients.pool).note_change(last["thread_id"], principal.key, change)


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
