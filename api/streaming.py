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
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from api.responses import Cut, PiecewiseResponse
from graph.clients import Clients, now
from graph.execution import DATABASE_ERRORS, config_of
from graph.public import public_values
from monitoring import metrics
from tools.events import (
    END,
    HEARTBEAT,
    HOLE,
    RECONNECT,
    START,
    Ahead,
    Event,
    LogUnavailable,
    order,
)

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
ENDED = {"succeeded", "failed", "cancelled", "interrupted"}
MOST_SECONDS = 600.0
END_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
JUST_ENDED = timedelta(seconds=10)
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
    reading = Reading(clients, run["thread_id"], run["run_id"], after)
    pieces: list[bytes] = []
    try:
        async for event in reading.events(run):
            if event.name != END and is_wanted(event, modes):
                pieces.append(encode(event, with_id=is_resumable))
            if pieces and not reading.ahead.has_more:
                yield b"".join(pieces)
                pieces = []
    except Cut:
        if pieces:
            yield b"".join(pieces)
        raise
    if pieces:
        yield b"".join(pieces)


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
    async for event in whole_run(clients, thread_id, run_id, after):
        if event.name != END:
            yield event


async def whole_run(
    clients: Clients, thread_id: UUID, run_id: UUID, after: str | None = START
) -> AsyncIterator[Event]:
    """As `events_of`, with the END that the log holds."""
    run = await clients.runs.get(run_id, thread_id)
    async for event in Reading(clients, thread_id, run_id, after).events(run):
        yield event


@dataclass
class Reading:
    """One reader's way through a run: out of the log, and where that is gone out of Postgres."""

    clients: Clients
    thread_id: UUID
    run_id: UUID
    after: str | None
    ahead: Ahead = field(default_factory=Ahead)

    async def events(self, run: Mapping[str, Any] | None) -> AsyncIterator[Event]:
        """Events to END, or without it where the log does not have it. `run` is as it is now."""
        is_over = is_ended(run)
        end = await self._end(*_pauses(run)) if is_over else None
        if end and self.after and order(self.after) >= order(end.event_id):
            return
        events = self._snapshot() if is_over and end is None else self._logged()
        async for event in events:
            yield event

    async def _logged(self) -> AsyncIterator[Event]:
        log = self.clients.events.read(self.run_id, self.after, self.ahead)
        is_late = self.after is None  # until something comes: all may have been told by now
        async with contextlib.aclosing(log) as events:
            async for event in events:
                if event is RECONNECT:
                    raise Cut
                is_left = event is HEARTBEAT and await self._is_left_open()
                if is_left or event is HOLE or (is_late and event.name == END):
                    async for shown in self._snapshot():
                        yield shown
                if is_left:
                    return
                if event is not HOLE:
                    yield event
                is_late &= not event.name

    def _snapshot(self) -> AsyncIterator[Event]:
        return snapshot(self.clients, self.thread_id, self.run_id)

    async def _is_left_open(self) -> bool:
        """Whether the run ended and its END will not come: the worker died after its last write."""
        try:
            is_over = await has_ended(self.clients, self.thread_id, self.run_id)
        except DATABASE_ERRORS:
            return False
        return is_over and not await self._end(*END_PAUSES)

    async def _end(self, *pauses: float) -> Event | None:
        """The END of a run, waited for so long; None too where the log is empty or away."""
        with contextlib.suppress(LogUnavailable):
            for pause in (*pauses, 0):
                last = await self.clients.events.last_of(self.run_id)
                if last is None or last.name == END:
                    return last
                await asyncio.sleep(pause)
        return None


async def has_ended(clients: Clients, thread_id: UUID, run_id: UUID) -> bool:
    """Whether nothing more will happen in the run."""
    return is_ended(await clients.runs.get(run_id, thread_id))


def is_ended(run: Mapping[str, Any] | None) -> bool:
    """The same of a run as it was read; None is one that is deleted."""
    return run is None or run["status"] in ENDED


def _pauses(run: Mapping[str, Any] | None) -> Sequence[float]:
    """How long to wait for the END of a run that is over: it is told just after the answer."""
    has_just_ended = run and now() - run["updated_at"] < JUST_ENDED
    return END_PAUSES if has_just_ended else ()


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
    """The public values at the end of a run. Where a person came in between, that is its end."""
    if run["for_person"]:
        return public_values({}, await clients.conversations.window(run["thread_id"]))
    messages = await clients.conversations.window(run["thread_id"], through_turn=run["turn"])
    state = await clients.graph.aget_state(config_of(run))
    return public_values(state.values, messages)
