"""Conversations: create, find, read, change, copy, delete."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID, uuid5

from fastapi import APIRouter, Header, HTTPException, Path, Response
from psycopg.rows import DictRow

from api.auth import Reader, ThreadOwner, ThreadWriter
from api.dependencies import ClientsOf
from api.errors import not_found
from api.idempotency import KeyOf
from api.presentation import MARKS, interrupts_json, state_json, thread_json
from api.principals import Principal
from api.selection import extracted, selected
from api.thread_schemas import ThreadCount, ThreadCreate, ThreadSearch, ThreadsPrune, ThreadUpdate
from graph.clients import Clients
from graph.copies import copy_state
from graph.history import History
from graph.public import PUBLIC, public_values
from tools.context import Caller
from tools.conversations import Message, Wanted
from tools.histories import Histories
from tools.threads import Threads

router = APIRouter(prefix="/threads", tags=["threads"])
ThreadId = Annotated[UUID, Path(description="The conversation's id")]
MINIMAL = "return=minimal"
BUSY = "The thread has a turn, order or ticket under way; try later."


@router.post("")
async def create_thread(
    body: ThreadCreate, clients: ClientsOf, caller: ThreadOwner, key: KeyOf
) -> dict[str, Any]:
    """Open a conversation."""
    thread_id = body.thread_id or key.identity
    made = await clients.conversations.create(
        thread_id, caller.customer_id, body.metadata, ttl_minutes=body.ttl_minutes
    )
    if made is None and (body.if_exists == "do_nothing" or key.is_repeat):
        made = await clients.conversations.get(thread_id, caller.customer_id)
    if made is None:
        raise HTTPException(409, f"Thread with ID {thread_id} already exists")
    return thread_json(made)


@router.post("/search")
async def search_threads(
    body: ThreadSearch, clients: ClientsOf, principal: Reader, response: Response
) -> list[dict[str, Any]]:
    """The conversations that the caller may see, latest first unless asked otherwise."""
    wanted = _wanted(body)
    customer_id, found = principal.customer_id, clients.conversations
    rows = await found.search(customer_id, wanted, body.limit, body.offset)
    is_whole = not body.offset and len(rows) < body.limit
    total = len(rows) if is_whole else await found.count(customer_id, wanted)
    response.headers["x-pagination-total"] = str(total)
    said = await found.last_windows([row["thread_id"] for row in rows if row["turns"]])
    return [_listed(row, said.get(row["thread_id"]), body) for row in rows]


@router.post("/count")
async def count_threads(body: ThreadCount, clients: ClientsOf, principal: Reader) -> int:
    """How many conversations there are; more than ten thousand are not counted."""
    return await clients.conversations.count(principal.customer_id, _wanted(body))


@router.post("/prune")
async def prune_threads(
    body: ThreadsPrune, clients: ClientsOf, principal: ThreadWriter
) -> dict[str, int]:
    """Delete conversations, or all of their checkpoints but the last turn's."""
    threads = Threads(clients.pool)
    is_delete = body.strategy == "delete"
    prune = clients.conversations.delete if is_delete else threads.keep_latest
    done = [await prune(thread_id, principal.customer_id) for thread_id in set(body.thread_ids)]
    return {"pruned_count": sum(done)}


@router.get("/{thread_id}")
async def get_thread(thread_id: ThreadId, clients: ClientsOf, principal: Reader) -> dict[str, Any]:
    """One conversation with its latest values."""
    return await _with_values(await own_thread(thread_id, clients, principal), clients, principal)


@router.patch(
    "/{thread_id}",
    response_model=None,
    responses={204: {"description": f"With `Prefer: {MINIMAL}`"}},
)
async def update_thread(  # noqa: PLR0913, PLR0917 (FastAPI fills them by their types)
    thread_id: ThreadId,
    body: ThreadUpdate,
    clients: ClientsOf,
    principal: ThreadWriter,
    key: KeyOf,
    prefer: Annotated[str | None, Header()] = None,
) -> dict[str, Any] | Response:
    """Merge metadata: once under a key, however it has changed since."""
    found, customer_id = clients.conversations, principal.customer_id
    if key.is_done:
        thread = await found.get(thread_id, customer_id)
    else:
        thread = await found.update(thread_id, customer_id, body.metadata, body.ttl_minutes)
    if thread is None:
        raise not_found("Thread", thread_id)
    if prefer == MINIMAL:
        return Response(status_code=204)
    return await _with_values(thread, clients, principal)


@router.delete("/{thread_id}", status_code=204)
async def delete_thread(thread_id: ThreadId, clients: ClientsOf, principal: ThreadWriter) -> None:
    """Delete a conversation that has nothing under way."""
    await own_thread(thread_id, clients, principal)
    if not await clients.conversations.delete(thread_id, principal.customer_id):
        raise HTTPException(409, BUSY)


@router.post("/{thread_id}/copy")
async def copy_thread(
    thread_id: ThreadId, clients: ClientsOf, principal: ThreadWriter, key: KeyOf
) -> dict[str, Any]:
    """Copy what was said: no cards, no tickets, nothing that is under way."""
    copy = uuid5(key.identity, "copy")
    is_made, last = await Threads(clients.pool).copy(thread_id, copy, principal.customer_id)
    if last:
        await copy_state(clients.graph, last, copy)
    thread = await clients.conversations.get(copy, principal.customer_id)
    if thread is None or not (is_made or key.is_repeat):
        raise not_found("Thread", thread_id)
    shown = thread_json(thread)
    return {name: shown[name] for name in shown if name not in ("values", "error", "interrupts")}


def history_of(clients: Clients, principal: Principal) -> History:
    """Reads conversations' states: for staff and services every step."""
    return History(
        clients.graph,
        clients.conversations,
        Histories(clients.pool),
        is_whole=principal.kind != "customer",
    )


async def own_thread(thread_id: UUID, clients: Clients, who: Caller | Principal) -> DictRow:
    """The caller's thread, else 404: missing and foreign alike."""
    thread = await clients.conversations.get(thread_id, who.customer_id)
    if thread is None:
        raise not_found("Thread", thread_id)
    return thread


async def _with_values(thread: DictRow, clients: Clients, principal: Principal) -> dict[str, Any]:
    if not thread["turns"]:
        return thread_json(thread)
    moment = await history_of(clients, principal).latest(thread["thread_id"])
    asked = {} if principal.customer_id else interrupts_json(moment)
    return thread_json(thread, state_json(moment)["values"], interrupts=asked)


def _wanted(body: ThreadCount) -> Wanted:
    more: dict[str, Any] = {}
    if isinstance(body, ThreadSearch):
        is_ascending = body.sort_order == "asc"
        more = {"ids": body.ids, "is_ascending": is_ascending}
        more |= {"sort_by": body.sort_by} if body.sort_by else {}
    return Wanted(metadata=body.metadata or {}, marks=MARKS, status=body.status, **more)


def _listed(row: DictRow, messages: Sequence[Message] | None, body: ThreadSearch) -> dict[str, Any]:
    """A conversation in a list: its values are what stands in its messages."""
    values = None
    if messages:
        last = messages[-1]["extra"]
        values = public_values({name: last.get(name) for name in PUBLIC}, messages)
    shown = thread_json(row, values)
    more = {"extracted": extracted(shown, body.extract)} if body.extract else {}
    return selected(shown, body.select) | more
