"""Conversations: create, read, list, update, delete; their state and history."""

from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, HTTPException, Path, Response
from psycopg.rows import DictRow

from api.auth import SignedIn
from api.dependencies import ClientsOf
from api.errors import not_found
from api.presentation import state_json, thread_json
from api.schemas import HistorySearch, ThreadCreate, ThreadSearch, ThreadUpdate
from graph.checkpoints import turn_thread
from graph.clients import Clients
from graph.public import public_values
from tools.context import Caller

router = APIRouter(prefix="/threads", tags=["threads"])
ThreadId = Annotated[UUID, Path(description="The conversation's id")]


@router.post("")
async def create_thread(body: ThreadCreate, clients: ClientsOf, caller: SignedIn) -> dict[str, Any]:
    """Open a conversation."""
    thread_id = body.thread_id or uuid4()
    made = await clients.conversations.create(thread_id, caller.customer_id, body.metadata)
    if made is None and body.if_exists == "do_nothing":
        made = await clients.conversations.get(thread_id, caller.customer_id)
    if made is None:
        raise HTTPException(409, f"Thread with ID {thread_id} already exists")
    return thread_json(made)


@router.post("/search")
async def search_threads(
    body: ThreadSearch, clients: ClientsOf, caller: SignedIn, response: Response
) -> list[dict[str, Any]]:
    """The customer's conversations, latest first."""
    rows = await clients.conversations.search(
        caller.customer_id, body.metadata, body.limit, body.offset
    )
    response.headers["x-pagination-total"] = str(body.offset + len(rows))
    return [thread_json(row) for row in rows]


@router.get("/{thread_id}")
async def get_thread(thread_id: ThreadId, clients: ClientsOf, caller: SignedIn) -> dict[str, Any]:
    """One conversation with its latest values."""
    thread = await own_thread(thread_id, clients, caller)
    return thread_json(thread, await latest_values(thread, clients))


@router.patch("/{thread_id}")
async def update_thread(
    thread_id: ThreadId, body: ThreadUpdate, clients: ClientsOf, caller: SignedIn
) -> dict[str, Any]:
    """Merge metadata."""
    thread = await clients.conversations.update(thread_id, caller.customer_id, body.metadata)
    if thread is None:
        raise not_found("Thread", thread_id)
    return thread_json(thread)


@router.delete("/{thread_id}", status_code=204)
async def delete_thread(thread_id: ThreadId, clients: ClientsOf, caller: SignedIn) -> None:
    """Delete a conversation that has nothing under way."""
    await own_thread(thread_id, clients, caller)
    if not await clients.conversations.delete(thread_id, caller.customer_id):
        raise HTTPException(409, "The thread has a turn, order or ticket under way; try later.")


@router.get("/{thread_id}/state")
async def get_state(thread_id: ThreadId, clients: ClientsOf, caller: SignedIn) -> dict[str, Any]:
    """The latest checkpoint with the conversation."""
    thread = await own_thread(thread_id, clients, caller)
    messages = await clients.conversations.window(thread_id)
    snapshot = await clients.graph.aget_state(
        {"configurable": {"thread_id": turn_thread(thread_id, thread["turns"])}}
    )
    return state_json(snapshot, messages, thread_id)


@router.post("/{thread_id}/history")
async def get_history(
    thread_id: ThreadId, body: HistorySearch, clients: ClientsOf, caller: SignedIn
) -> list[dict[str, Any]]:
    """Checkpoints, latest first, back through as many turns as are asked for."""
    thread = await own_thread(thread_id, clients, caller)
    found: list[dict[str, Any]] = []
    for turn in range(thread["turns"], 0, -1):
        if len(found) >= body.limit:
            break
        messages = await clients.conversations.window(thread_id, through_turn=turn)
        config = {"configurable": {"thread_id": turn_thread(thread_id, turn)}}
        snapshots = clients.graph.aget_state_history(
            config,  # type: ignore[arg-type]  # a plain dict serves as RunnableConfig
            limit=body.limit - len(found),
        )
        async for snapshot in snapshots:
            is_last = not (snapshot.next or snapshot.tasks)
            shown = messages if is_last else [m for m in messages if not _is_answer(m, messages)]
            found.append(state_json(snapshot, shown, thread_id))
    return found


def _is_answer(message: Any, messages: list[Any]) -> bool:
    return message is messages[-1] and message["role"] == "ai"


async def own_thread(thread_id: UUID, clients: Clients, caller: Caller) -> DictRow:
    """The caller's thread, else 404: missing and foreign alike."""
    thread = await clients.conversations.get(thread_id, caller.customer_id)
    if thread is None:
        raise not_found("Thread", thread_id)
    return thread


async def latest_values(thread: DictRow, clients: Clients) -> dict[str, Any] | None:
    """The public values after the latest turn; None for a conversation without one."""
    if not thread["turns"]:
        return None
    messages = await clients.conversations.window(thread["thread_id"])
    snapshot = await clients.graph.aget_state(
        {"configurable": {"thread_id": turn_thread(thread["thread_id"], thread["turns"])}}
    )
    return public_values(snapshot.values, messages)
