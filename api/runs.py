"""Runs: a message goes in, a turn runs, its events stream out or its result is waited for."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Annotated, Any, Literal
from uuid import UUID, uuid5

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Query, Response
from fastapi.responses import JSONResponse
from psycopg.rows import DictRow
from pydantic import Field

from api.auth import Reader, RunWriter, demand_kind
from api.dependencies import ClientsOf
from api.errors import not_found
from api.idempotency import Keyed, KeyOf
from api.presentation import STATUSES, run_json
from api.principals import Principal
from api.responses import PiecewiseResponse
from api.run_requests import Made, check_run, start_run
from api.schemas import Body, RunCreate, RunsCancel
from api.streaming import EventStream, events_of, modes_of, position_of, values_after
from api.threads import ThreadId, own_thread
from graph.clients import Clients
from tools.run_endings import HowToCancel

router = APIRouter(tags=["runs"])

MOST_RUNS = 100  # of a thread that one request cancels
EVENT_ID = r"^(-1|\d{1,20}(-\d{1,20})?)$"
Status = Literal["pending", "running", "error", "success", "timeout", "interrupted"]
RunId = Annotated[UUID, Path(description="The run's id")]
Batch = Annotated[list[RunCreate], Field(min_length=1, max_length=20)]


class Page(Body):
    """Which of a conversation's runs to list."""

    limit: int = Field(10, ge=1, le=100)
    offset: int = Field(0, ge=0, le=100_000)
    status: Status | None = None


class Cancelling(Body):
    """How to end a run: it stops where it is, or it never was."""

    action: HowToCancel = "interrupt"
    wait: bool = False


class Joining(Body):
    """Which events are wanted, and what becomes of the run when whoever joins it goes away."""

    cancel_on_disconnect: bool = False
    stream_mode: Annotated[list[str], Field(default_factory=list, max_length=20)]


async def own_run(
    thread_id: ThreadId, run_id: RunId, clients: ClientsOf, principal: Reader
) -> DictRow:
    """A run of a thread that the caller may see, else 404."""
    await own_thread(thread_id, clients, principal)
    run = await clients.runs.get(run_id, thread_id)
    if run is None:
        raise not_found("Run", run_id)
    return run


OwnRun = Annotated[DictRow, Depends(own_run)]


@router.post("/threads/{thread_id}/runs")
async def create_run(
    thread_id: ThreadId, body: RunCreate, clients: ClientsOf, principal: RunWriter, key: KeyOf
) -> JSONResponse:
    """Store the message and start the turn; answers at once."""
    return _created(await start_run(thread_id, body, clients, principal, made_by(key)))


@router.post("/threads/{thread_id}/runs/stream", response_class=EventStream, status_code=200)
async def stream_run(
    thread_id: ThreadId, body: RunCreate, clients: ClientsOf, principal: RunWriter, key: KeyOf
) -> EventStream:
    """Start the turn and stream its events."""
    run = await start_run(thread_id, body, clients, principal, made_by(key))
    return EventStream(clients, run, on_disconnect=_policy(clients, run, body.on_disconnect))


@router.post("/threads/{thread_id}/runs/wait")
async def wait_run(
    thread_id: ThreadId, body: RunCreate, clients: ClientsOf, principal: RunWriter, key: KeyOf
) -> PiecewiseResponse:
    """Start the turn and answer with its values when it has ended."""
    run = await start_run(thread_id, body, clients, principal, made_by(key))
    return _joined(clients, run, _policy(clients, run, body.on_disconnect))


@router.post("/runs")
async def create_stateless_run(
    body: RunCreate, clients: ClientsOf, principal: RunWriter, key: KeyOf
) -> JSONResponse:
    """One question without a conversation, which goes when it is answered."""
    return _created(await _stateless(body, clients, principal, made_by(key)))


@router.post("/runs/stream", response_class=EventStream, status_code=200)
async def stream_stateless_run(
    body: RunCreate, clients: ClientsOf, principal: RunWriter, key: KeyOf
) -> EventStream:
    """The same, streamed."""
    run = await _stateless(body, clients, principal, made_by(key))
    return EventStream(clients, run, on_disconnect=_policy(clients, run, body.on_disconnect))


@router.post("/runs/wait")
async def wait_stateless_run(
    body: RunCreate, clients: ClientsOf, principal: RunWriter, key: KeyOf
) -> PiecewiseResponse:
    """The same, waited for."""
    run = await _stateless(body, clients, principal, made_by(key))
    return _joined(clients, run, _policy(clients, run, body.on_disconnect))


@router.post("/runs/batch")
async def create_runs(
    body: Batch, clients: ClientsOf, principal: RunWriter, key: KeyOf
) -> list[dict[str, Any]]:
    """Several questions without a conversation, each on its own."""
    for each in body:
        check_run(each, clients)
    made = [Made(uuid5(key.identity, str(n)), key.is_repeat) for n in range(len(body))]
    return [
        run_json(await _stateless(each, clients, principal, one))
        for each, one in zip(body, made, strict=True)
    ]


@router.post("/runs/cancel", status_code=204)
async def cancel_runs(
    body: RunsCancel,
    clients: ClientsOf,
    principal: RunWriter,
    how: Annotated[Cancelling, Query()],
) -> None:
    """End several runs of a conversation early."""
    await own_thread(body.thread_id, clients, principal)
    wanted = {"pending": ["queued"], "running": ["running"], "all": ["queued", "running"]}
    run_ids = body.run_ids
    if run_ids is None:
        statuses = wanted[body.status or "all"]
        found = await clients.runs.of_thread(body.thread_id, MOST_RUNS, 0, statuses)
        run_ids = [run["run_id"] for run in found]
    await clients.executor.cancel(run_ids, body.thread_id, how.action)


@router.get("/threads/{thread_id}/runs")
async def list_runs(
    thread_id: ThreadId, clients: ClientsOf, principal: Reader, page: Annotated[Page, Query()]
) -> list[dict[str, Any]]:
    """The conversation's runs, latest first."""
    await own_thread(thread_id, clients, principal)
    ours = [name for name, theirs in STATUSES.items() if theirs == page.status]
    found = await clients.runs.of_thread(
        thread_id, page.limit, page.offset, ours if page.status else None
    )
    return [run_json(run) for run in found]


@router.get("/threads/{thread_id}/runs/{run_id}")
async def get_run(run: OwnRun) -> dict[str, Any]:
    """One run."""
    return run_json(run)


@router.delete("/threads/{thread_id}/runs/{run_id}", status_code=204)
async def delete_run(principal: RunWriter, run: OwnRun, clients: ClientsOf) -> None:
    """Forget a turn that has ended, led to no write, and that no person had a part in."""
    if not await clients.runs.forget(run["run_id"]):
        raise HTTPException(409, "This run is under way, a person's, or led to a write: it stays.")


@router.post(
    "/threads/{thread_id}/runs/{run_id}/cancel",
    status_code=202,
    responses={200: {"description": "With `wait`: what the run came to"}},
)
async def cancel_run(
    principal: RunWriter, run: OwnRun, clients: ClientsOf, how: Annotated[Cancelling, Query()]
) -> Response:
    """End a run early: its model and tool calls stop at once."""
    await clients.executor.cancel([run["run_id"]], run["thread_id"], how.action)
    return _joined(clients, run) if how.wait else Response(status_code=202)


@router.get("/threads/{thread_id}/runs/{run_id}/join")
async def join_run(
    run: OwnRun, clients: ClientsOf, principal: Reader, joining: Annotated[Joining, Query()]
) -> PiecewiseResponse:
    """Wait for a run that was started before."""
    return _joined(clients, run, _on_leaving(clients, run, principal, joining))


@router.get(
    "/threads/{thread_id}/runs/{run_id}/stream", response_class=EventStream, status_code=200
)
async def join_stream(
    run: OwnRun,
    clients: ClientsOf,
    principal: Reader,
    joining: Annotated[Joining, Query()],
    last_event_id: Annotated[str | None, Header(pattern=EVENT_ID)] = None,
) -> EventStream:
    """Stream a run's events after `Last-Event-ID`: from the start for -1, else from now on."""
    leaving = _on_leaving(clients, run, principal, joining)
    modes, after = modes_of(joining.stream_mode), position_of(last_event_id)
    return EventStream(clients, run, after, modes=modes, on_disconnect=leaving)


async def _stateless(
    body: RunCreate, clients: Clients, principal: Principal, made: Made
) -> DictRow:
    """A run in a thread of its own, which is deleted some time after it has ended."""
    demand_kind(principal, "customer")
    check_run(body, clients)
    thread_id, is_temporary = uuid5(made.run_id, "thread"), body.on_completion == "delete"
    await clients.conversations.create(thread_id, principal.subject, {}, is_temporary=is_temporary)
    return await start_run(thread_id, body, clients, principal, made)


def made_by(key: Keyed) -> Made:
    """The run that a request with this key makes."""
    return Made(key.identity, key.is_repeat)


def _created(run: DictRow) -> JSONResponse:
    location = {"Content-Location": f"/threads/{run['thread_id']}/runs/{run['run_id']}"}
    return JSONResponse(run_json(run), headers=location)


Leaving = Callable[[], Awaitable[None]]


def _policy(clients: Clients, run: DictRow, on_disconnect: str) -> Leaving | None:
    """What happens when the client who started a run goes away before its end."""
    if on_disconnect == "continue":
        return None

    async def cancel() -> None:
        await clients.executor.cancel([run["run_id"]], run["thread_id"], "interrupt")

    return cancel


def _on_leaving(
    clients: Clients, run: DictRow, principal: Principal, joining: Joining
) -> Leaving | None:
    may = "runs:write" if principal.kind == "customer" else "operate"
    is_meant = joining.cancel_on_disconnect and may in principal.scopes
    return _policy(clients, run, "cancel" if is_meant else "continue")


def _joined(clients: Clients, run: DictRow, leaving: Leaving | None = None) -> PiecewiseResponse:
    location = f"/threads/{run['thread_id']}/runs/{run['run_id']}"
    headers = {"Location": f"{location}/join", "Content-Location": location}
    return PiecewiseResponse(_result(clients, run), headers, "application/json", leaving)


async def _result(clients: Clients, run: DictRow) -> AsyncGenerator[bytes, None]:
    """White space while the run goes on, then its values or its error."""
    async for _ in events_of(clients, run["thread_id"], run["run_id"]):
        yield b"\n"
    ended = await clients.runs.get(run["run_id"], run["thread_id"])
    if ended is not None and ended["status"] == "failed":
        failure = {"error": ended["error"], "message": "The run failed."}
        yield json.dumps({"__error__": failure}).encode()
        return
    values = await values_after(clients, ended or run)
    yield json.dumps(values, ensure_ascii=False, default=str).encode()
