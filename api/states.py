"""The states of a conversation: how things stand, how they stood, and what staff change in them."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, HTTPException, Path, Query
from langchain_core.runnables import RunnableConfig
from langgraph.errors import InvalidUpdateError
from psycopg.rows import DictRow

from api.auth import Operator, Reader
from api.dependencies import ClientsOf
from api.presentation import MARKS, checkpoint_json, state_json
from api.principals import Principal
from api.selection import selected
from api.thread_schemas import HistorySearch, StateAt, StateUpdate
from api.threads import ThreadId, history_of, own_thread
from graph.clients import Clients
from graph.history import Moment
from graph.repair.values import faults_of
from tools.histories import Cut, Histories

router = APIRouter(prefix="/threads/{thread_id}", tags=["threads"])
CheckpointId = Annotated[str, Path(max_length=100, pattern=r"^[^\x00]+$")]
Names = Annotated[list[str] | None, Query(max_length=20)]
# What a write stands on changes by the customer's yes and the console's decision alone: what the
# customer said and was understood to say, the card it was said to, and what was decided about it.
FROZEN = frozenset(("turn", "screened", "understanding", "card", "action", "decision"))
# Nobody acts for these: they take the customer's answer to a card, or carry it out.
GUARDED = frozenset(("confirm_action", "await_approval", "commit_action"))
ELSEWHERE = "is not changed this way: cards are for the customer's yes and the console's decision."


@router.get("/state")
async def get_state(
    thread_id: ThreadId, clients: ClientsOf, principal: Reader, select: Names = None
) -> dict[str, Any]:
    """How things stand: the whole conversation, at its latest checkpoint."""
    return await _state(thread_id, StateAt(select=select), clients, principal)


@router.post("/state/checkpoint")
async def get_state_at(
    thread_id: ThreadId, body: StateAt, clients: ClientsOf, principal: Reader
) -> dict[str, Any]:
    """How things stood at a checkpoint; without one, how they stand."""
    return await _state(thread_id, body, clients, principal)


@router.get("/state/{checkpoint_id}")
async def get_state_at_checkpoint(
    thread_id: ThreadId,
    checkpoint_id: CheckpointId,
    clients: ClientsOf,
    principal: Reader,
    select: Names = None,
) -> dict[str, Any]:
    """The same."""
    at = StateAt.model_validate({"checkpoint": {"checkpoint_id": checkpoint_id}, "select": select})
    return await _state(thread_id, at, clients, principal)


@router.post("/history")
async def get_history(
    thread_id: ThreadId, body: HistorySearch, clients: ClientsOf, principal: Reader
) -> list[dict[str, Any]]:
    """Checkpoints across turns and branches, the last turn's first."""
    return await _history(thread_id, body, clients, principal)


@router.get("/history")
async def list_history(
    thread_id: ThreadId,
    clients: ClientsOf,
    principal: Reader,
    limit: Annotated[int, Query(ge=1, le=1000)] = 10,
    before: Annotated[str | None, Query(max_length=100)] = None,
) -> list[dict[str, Any]]:
    """The same."""
    return await _history(thread_id, HistorySearch(limit=limit, before=before), clients, principal)


@router.post("/state")
async def update_state(
    thread_id: ThreadId, body: StateUpdate, clients: ClientsOf, principal: Operator
) -> dict[str, Any]:
    """Change a state as if a node had; for staff, and never what a write stands on."""
    thread = await own_thread(thread_id, clients, principal)
    _check_update(body, clients)
    histories = Histories(clients.pool)
    row = await _to_change(thread, body, histories)
    change = {"as_node": body.as_node, "keys": sorted(body.values or ())}
    checkpoint_id = await _changed(row, body, clients)
    await histories.note_change(
        thread_id, principal.key, change | {"checkpoint": body.from_checkpoint}
    )
    here = checkpoint_json(thread_id, checkpoint_id)
    return {"checkpoint": here, "configurable": here, "checkpoint_id": checkpoint_id}


async def _changed(row: DictRow, body: StateUpdate, clients: Clients) -> str:
    """The checkpoint that the change made."""
    config: RunnableConfig = {"configurable": {"thread_id": row["graph_thread"]}}
    if body.from_checkpoint:
        config["configurable"] |= {"checkpoint_ns": "", "checkpoint_id": body.from_checkpoint}
    try:
        changed = await clients.graph.aupdate_state(config, body.values, body.as_node)
    except InvalidUpdateError:
        raise HTTPException(422, "as_node: name the node that this update is of.") from None
    except KeyError:  # of a route, which goes by what is not there yet
        raise HTTPException(422, "as_node: the state does not hold what follows it.") from None
    return str(changed["configurable"]["checkpoint_id"])


async def _state(
    thread_id: UUID, at: StateAt, clients: Clients, principal: Principal
) -> dict[str, Any]:
    await own_thread(thread_id, clients, principal)
    history, wanted = history_of(clients, principal), at.checkpoint.checkpoint_id
    if wanted is None:
        moment = await history.latest(thread_id)
    else:
        found = await history.at(thread_id, wanted)
        if found is None:
            return selected(_unknown(thread_id, wanted), at.select)
        moment = found
    return selected(state_json(moment, is_public=principal.kind == "customer"), at.select)


def _unknown(thread_id: UUID, checkpoint_id: str) -> dict[str, Any]:
    """At a checkpoint that there is not, nothing was."""
    here = checkpoint_json(thread_id, checkpoint_id)
    return state_json(Moment(thread_id, [])) | {"checkpoint": here, "checkpoint_id": checkpoint_id}


async def _history(
    thread_id: UUID, body: HistorySearch, clients: Clients, principal: Principal
) -> list[dict[str, Any]]:
    await own_thread(thread_id, clients, principal)
    history, one = history_of(clients, principal), body.checkpoint and body.checkpoint.checkpoint_id
    if one:
        found = await history.at(thread_id, one)
        moments = [found] if found else []
    else:
        cut = Cut(body.limit, body.earlier_than, body.metadata or {}, MARKS)
        moments = await history.page(thread_id, cut)
    is_public = principal.kind == "customer"
    return [selected(state_json(each, is_public=is_public), body.select) for each in moments]


def _check_update(body: StateUpdate, clients: Clients) -> None:
    """422 for a node or a key that there is not, and for what is not changed this way."""
    if body.as_node and body.as_node not in clients.graph.nodes:
        raise HTTPException(422, f"as_node: there is no node '{body.as_node}'.")
    check_values(body.values or {})
    if body.as_node in GUARDED:
        raise HTTPException(422, f"as_node: '{body.as_node}' {ELSEWHERE}")


def check_values(values: Mapping[str, Any]) -> None:
    """422 for a key or a form that the state does not have, and for what a write stands on."""
    for fault in _faults(values):
        raise HTTPException(422, fault)


def _faults(values: Mapping[str, Any]) -> Iterator[str]:
    if frozen := set(values) & FROZEN:
        yield f"values: '{min(frozen)}' {ELSEWHERE}"
    yield from faults_of(values)


async def _to_change(thread: DictRow, body: StateUpdate, histories: Histories) -> DictRow:
    """The run whose state changes; 409 while one is under way."""
    if thread["status"] == "busy":
        raise HTTPException(409, "Thread is already running a task. Wait for it, or cancel it.")
    thread_id: UUID = thread["thread_id"]
    if body.from_checkpoint:
        row = await histories.at(thread_id, body.from_checkpoint)
    else:
        row = await histories.last(thread_id)
    if row is None:
        raise HTTPException(404, "The thread has no such state to change.")
    return row
