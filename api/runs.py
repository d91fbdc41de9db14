"""Runs: a message goes in, a turn runs, its events stream out or its result is waited for."""

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse
from psycopg.rows import DictRow

from api.assistants import check_assistant
from api.auth import SignedIn
from api.dependencies import ClientsOf
from api.errors import not_found
from api.presentation import run_json
from api.schemas import RunCreate
from api.streaming import EventStream, events_of, values_after
from api.threads import ThreadId, own_thread
from graph.clients import Clients
from graph.execution import DATABASE_ERRORS
from tools.context import Caller
from tools.runs import NewRun

router = APIRouter(tags=["runs"])


@router.post("/threads/{thread_id}/runs")
async def create_run(
    thread_id: ThreadId, body: RunCreate, clients: ClientsOf, caller: SignedIn, response: Response
) -> dict[str, Any]:
    """Store the message and start the turn; answers at once."""
    run = await start_run(thread_id, body, clients, caller)
    response.headers["Content-Location"] = f"/threads/{thread_id}/runs/{run['run_id']}"
    return run_json(run)


@router.post("/threads/{thread_id}/runs/stream", response_class=EventStream, status_code=200)
async def stream_run(
    thread_id: ThreadId, body: RunCreate, clients: ClientsOf, caller: SignedIn
) -> EventStream:
    """Start the turn and stream its events."""
    return EventStream(clients, await start_run(thread_id, body, clients, caller))


@router.post("/threads/{thread_id}/runs/wait")
async def wait_run(
    thread_id: ThreadId, body: RunCreate, clients: ClientsOf, caller: SignedIn
) -> StreamingResponse:
    """Start the turn and answer with its values when it has ended."""
    return _joined(clients, await start_run(thread_id, body, clients, caller))


@router.get("/threads/{thread_id}/runs")
async def list_runs(
    thread_id: ThreadId,
    clients: ClientsOf,
    caller: SignedIn,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
    offset: Annotated[int, Query(ge=0, le=100_000)] = 0,
) -> list[dict[str, Any]]:
    """The conversation's runs, latest first."""
    await own_thread(thread_id, clients, caller)
    return [run_json(run) for run in await clients.runs.of_thread(thread_id, limit, offset)]


@router.get("/threads/{thread_id}/runs/{run_id}")
async def get_run(
    thread_id: ThreadId, run_id: UUID, clients: ClientsOf, caller: SignedIn
) -> dict[str, Any]:
    """One run."""
    return run_json(await _own_run(thread_id, run_id, clients, caller))


@router.get("/threads/{thread_id}/runs/{run_id}/join")
async def join_run(
    thread_id: ThreadId, run_id: UUID, clients: ClientsOf, caller: SignedIn
) -> StreamingResponse:
    """Wait for a run that was started before."""
    return _joined(clients, await _own_run(thread_id, run_id, clients, caller))


@router.get(
    "/threads/{thread_id}/runs/{run_id}/stream", response_class=EventStream, status_code=200
)
async def join_stream(
    thread_id: ThreadId,
    run_id: UUID,
    clients: ClientsOf,
    caller: SignedIn,
    last_event_id: Annotated[str, Header(pattern=r"^(-1|\d{1,20}(-\d{1,20})?)$")] = "-1",
) -> EventStream:
    """Stream a run's events after `Last-Event-ID`, whether it is under way or has ended."""
    run = await _own_run(thread_id, run_id, clients, caller)
    return EventStream(clients, run, "0-0" if last_event_id == "-1" else last_event_id)


async def start_run(thread_id: UUID, body: RunCreate, clients: Clients, caller: Caller) -> DictRow:
    """Store, then execute in the background: what is acknowledged is never lost."""
    check_assistant(body.assistant_id)
    if body.if_not_exists == "create":
        await clients.conversations.create(thread_id, caller.customer_id, {})
    last = body.input.messages[-1]
    run = await clients.runs.create(
        NewRun(
            run_id=uuid4(),
            thread_id=thread_id,
            customer_id=caller.customer_id,
            message_id=last.id or str(uuid4()),
            content="\n".join(m.text for m in body.input.messages),
            extra=last.additional_kwargs.model_dump(mode="json", exclude_none=True),
            strategy=body.multitask_strategy,
            request=body.model_dump(mode="json", include={"stream_mode", "stream_resumable"}),
            scope=caller.scope,
            metadata=body.metadata,
        )
    )
    with contextlib.suppress(*DATABASE_ERRORS):  # it is stored: the next sweep takes it
        await clients.executor.take(thread_id)
    return run


async def _own_run(thread_id: UUID, run_id: UUID, clients: Clients, caller: Caller) -> DictRow:
    await own_thread(thread_id, clients, caller)
    run = await clients.runs.get(run_id, thread_id)
    if run is None:
        raise not_found("Run", run_id)
    return run


def _joined(clients: Clients, run: DictRow) -> StreamingResponse:
    location = f"/threads/{run['thread_id']}/runs/{run['run_id']}"
    return StreamingResponse(
        _result(clients, run),
        media_type="application/json",
        headers={"Location": f"{location}/join", "Content-Location": location},
    )


async def _result(clients: Clients, run: DictRow) -> AsyncIterator[bytes]:
    """White space while the run goes on, then its values or its error."""
    async for _ in events_of(clients, run["thread_id"], run["run_id"]):
        yield b"\n"
    ended = await clients.runs.get(run["run_id"], run["thread_id"])
    if ended is None or ended["status"] == "failed":
        reason = ended["error"] if ended else "deleted"
        failure = {"error": reason, "message": "The run failed."}
        yield json.dumps({"__error__": failure}).encode()
        return
    values = await values_after(clients, ended)
    yield json.dumps(values, ensure_ascii=False, default=str).encode()
