"""Server-sent events from a run's log, in the byte form that the protocol's clients read."""

import asyncio
import contextlib
import json
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Mapping,
    Sequence,
)
from typing import Any
from uuid import UUID

from api.responses import Cut, PiecewiseResponse
from graph.clients import Clients
from graph.execution import DATABASE_ERRORS, config_of
from graph.public import public_values
from monitoring import metrics
from tools.events import END, HEARTBEAT, HOLE, RECONNECT, START, Event, LogUnavailable, order

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
ENDED = {"succeeded", "failed", "cancelled", "interrupted"}
POLL_SECONDS = 0.25
MOST_SECONDS = 600.0
FROM_START = "-1"
HEARTBEAT_PIECE = b": heartbeat\r\n\r\n"
RECONNECT_PIECE = b": reconnect\r\nretry: 500\r\n\r\n"
# Events that a client may leave out; all others are for everybody.
MODES = {"values", "updates", "messages", "custom", "debug", "tasks", "checkpoints", "events"}


class EventStream(PiecewiseResponse):
    """A stream of one run. Reading it or not changes nothing for the run itself."""

    media_type = "text/event-stream"

    def __init__(
        self,
        clients: Clients,
        run: Mapping[str, Any],
        after: str | None = START,
        *,
        modes: Collection[str] = (),
        on_disconnect: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        location = f"/threads/{run['thread_id']}/runs/{run['run_id']}"
        super().__init__(
            streamed(_encoded(clients, run, after, modes)),
            HEADERS | {"Location": f"{location}/stream", "Content-Location": location},
            on_disconnect=on_disconnect,
        )


def modes_of(stream_mode: Sequence[str]) -> set[str]:
    """The names of the events in the modes of a query; empty for all."""
    names = {name for text in stream_mode for name in text.split(",") if name}
    return {"messages" if name == "messages-tuple" else name for name in names}


def position_of(last_event_id: str | None) -> str | None:
    """Where a client's `Last-Event-ID` stands: -1 is the start, nothing means from now on."""
    return START if last_event_id == FROM_START else last_event_id


async def streamed(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """A stream's pieces; it tells the client to come again when it gets old or we stop."""
    end = time.monotonic() + MOST_SECONDS
    with metrics.STREAMS_ACTIVE.track_inprogress():
        async with contextlib.aclosing(pieces):
            try:
                async for piece in pieces:
                    yield piece
                    if time.monotonic() > end:
                        raise Cut
            except Cut:
                yield RECONNECT_PIECE
                raise


async def _encoded(
    clients: Clients, run: Mapping[str, Any], after: str | None, modes: Collection[str]
) -> AsyncGenerator[bytes, None]:
    is_resumable = bool(run["request"]["stream_resumable"])
    is_over = run["status"] in ENDED
    async for event in _events(clients, run["thread_id"], run["run_id"], after, is_over=is_over):
        if event.name != END and is_wanted(event, modes):
            yield encode(event, with_id=is_resumable)


def is_wanted(event: Event, modes: Collection[str]) -> bool:
    """Whether the event is of one of the modes, or of none."""
    name = event.name.partition("|")[0]
    return not modes or name in modes or name not in MODES


def encode(event: Event, *, with_id: bool) -> bytes:
    """One event; a heartbeat becomes a comment."""
    if event is HEARTBEAT:
        return HEARTBEAT_PIECE
    if with_id and event.event_id:
        return b"%sid: %s\r\n\r\n" % (event.wire, event.event_id.encode())
    return event.wire + b"\r\n"


async def events_of(
    clients: Clients, thread_id: UUID, run_id: UUID, after: str | None = START
) -> AsyncIterator[Event]:
    """A run's events to its end. Where the log is gone, a snapshot out of Postgres takes over.

    Raises Cut when the rest has to be read from another process.
    """
    is_over = await has_ended(clients, thread_id, run_id)
    async for event in _events(clients, thread_id, run_id, after, is_over=is_over):
        if event.name != END:
            yield event


async def whole_run(
    clients: Clients, thread_id: UUID, run_id: UUID, after: str | None = START
) -> AsyncIterator[Event]:
    """As `events_of`, with the END that the log holds."""
    is_over = await has_ended(clients, thread_id, run_id)
    async for event in _events(clients, thread_id, run_id, after, is_over=is_over):
        yield event


async def _events(
    clients: Clients, thread_id: UUID, run_id: UUID, after: str | None, *, is_over: bool
) -> AsyncIterator[Event]:
    """Events to END, or without it where the log does not have it."""
    end = await _end_of(clients, run_id) if is_over else None
    if is_over and (after is None or (end and order(after) >= order(end.event_id))):
        return
    if is_over and end is None:
        events = snapshot(clients, thread_id, run_id)
    else:
        events = _logged(clients, thread_id, run_id, after)
    async for event in events:
        yield event


async def _logged(
    clients: Clients, thread_id: UUID, run_id: UUID, after: str | None
) -> AsyncIterator[Event]:
    async with contextlib.aclosing(clients.events.read(run_id, after)) as events:
        async for event in events:
            if event is RECONNECT:
                raise Cut
            if event is not HOLE:
                yield event
            is_left = event is HEARTBEAT and await _is_left_open(clients, thread_id, run_id)
            if is_left or event is HOLE:
                async for shown in snapshot(clients, thread_id, run_id):
                    yield shown
            if is_left:
                return


async def _is_left_open(clients: Clients, thread_id: UUID, run_id: UUID) -> bool:
    """Whether the run ended and its END will not come: the worker died after its last write."""
    try:
        is_over = await has_ended(clients, thread_id, run_id)
    except DATABASE_ERRORS:
        return False
    return is_over and not await _end_of(clients, run_id)


async def _end_of(clients: Clients, run_id: UUID) -> Event | None:
    try:
        return await clients.events.end_of(run_id)
    except LogUnavailable:
        return None


async def wait_for(clients: Clients, thread_id: UUID, run_id: UUID) -> AsyncIterator[None]:
    """Yield now and then until the run has ended, by asking Postgres."""
    while not await has_ended(clients, thread_id, run_id):
        yield None
        await asyncio.sleep(POLL_SECONDS)


async def has_ended(clients: Clients, thread_id: UUID, run_id: UUID) -> bool:
    """Whether nothing more will happen in the run."""
    run = await clients.runs.get(run_id, thread_id)
    return run is None or run["status"] in ENDED


async def snapshot(clients: Clients, thread_id: UUID, run_id: UUID) -> AsyncIterator[Event]:
    """What the run came to, for a client whose stream was lost."""
    try:
        run = await clients.runs.get(run_id, thread_id)
        if run is None:
            return
        if run["status"] == "failed":
            reason = {"error": run["error"], "message": "The run failed."}
            yield Event("", "error", json.dumps(reason))
            return
        values = await values_after(clients, run)
    except DATABASE_ERRORS as error:
        raise Cut from error
    yield Event("", "values", json.dumps(values, ensure_ascii=False, default=str))


async def values_after(clients: Clients, run: Mapping[str, Any]) -> dict[str, Any]:
    """The public values at the end of a run."""
    messages = await clients.conversations.window(run["thread_id"], through_turn=run["turn"])
    state = await clients.graph.aget_state(config_of(run))
    return public_values(state.values, messages)
