"""Server-sent events from a run's log, in the byte form that the protocol's clients read."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

from fastapi.responses import StreamingResponse

from graph.clients import Clients
from graph.execution import config_of
from graph.public import public_values
from monitoring import metrics
from tools.events import END, HEARTBEAT, Event, LogUnavailable

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
ENDED = {"succeeded", "failed", "cancelled", "interrupted"}
POLL_SECONDS = 0.25


class EventStream(StreamingResponse):
    """A stream of one run. Reading it or not changes nothing for the run itself."""

    media_type = "text/event-stream"

    def __init__(self, clients: Clients, run: Mapping[str, Any], after: str = "0-0") -> None:
        location = f"/threads/{run['thread_id']}/runs/{run['run_id']}"
        super().__init__(
            _encoded(clients, run, after),
            headers=HEADERS | {"Location": f"{location}/stream", "Content-Location": location},
        )


async def _encoded(clients: Clients, run: Mapping[str, Any], after: str) -> AsyncIterator[bytes]:
    is_resumable = bool(run["request"]["stream_resumable"])
    with metrics.STREAMS_ACTIVE.track_inprogress():
        async for event in events_of(clients, run["thread_id"], run["run_id"], after):
            yield encode(event, with_id=is_resumable)


def encode(event: Event, *, with_id: bool) -> bytes:
    """One event; a heartbeat becomes a comment."""
    if event is HEARTBEAT:
        return b": heartbeat\r\n\r\n"
    identity = f"id: {event.event_id}\r\n" if with_id and event.event_id else ""
    return f"event: {event.name}\r\ndata: {event.data}\r\n{identity}\r\n".encode()


async def events_of(
    clients: Clients, thread_id: UUID, run_id: UUID, after: str = "0-0"
) -> AsyncIterator[Event]:
    """A run's events to its end. Where the log is gone, a snapshot out of Postgres takes over."""
    try:
        run = await clients.runs.get(run_id, thread_id)
        if run and run["status"] in ENDED and not await clients.events.exists(run_id):
            raise LogUnavailable
        async for event in clients.events.read(run_id, after):
            if event.name == END:
                return
            yield event
            if event is HEARTBEAT and await _has_ended(clients, thread_id, run_id):
                break  # the worker died after its last write: nothing more will come
    except LogUnavailable:
        async for _ in wait_for(clients, thread_id, run_id):
            yield HEARTBEAT
    async for event in _snapshot(clients, thread_id, run_id):
        yield event


async def wait_for(clients: Clients, thread_id: UUID, run_id: UUID) -> AsyncIterator[None]:
    """Yield now and then until the run has ended, by asking Postgres."""
    while not await _has_ended(clients, thread_id, run_id):
        yield None
        await asyncio.sleep(POLL_SECONDS)


async def _has_ended(clients: Clients, thread_id: UUID, run_id: UUID) -> bool:
    run = await clients.runs.get(run_id, thread_id)
    return run is None or run["status"] in ENDED


async def _snapshot(clients: Clients, thread_id: UUID, run_id: UUID) -> AsyncIterator[Event]:
    """What the run came to, for a client whose stream was lost."""
    run = await clients.runs.get(run_id, thread_id)
    if run is None:
        return
    if run["status"] == "failed":
        yield Event("", "error", json.dumps({"error": run["error"], "message": "The run failed."}))
        return
    values = await values_after(clients, run)
    yield Event("", "values", json.dumps(values, ensure_ascii=False, default=str))


async def values_after(clients: Clients, run: Mapping[str, Any]) -> dict[str, Any]:
    """The public values at the end of a run."""
    messages = await clients.conversations.window(run["thread_id"], through_turn=run["turn"])
    snapshot = await clients.graph.aget_state(config_of(run))
    return public_values(snapshot.values, messages)
