"""A conversation's events on channels, over server-sent events: what the newest clients follow."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from psycopg.rows import DictRow
from pydantic import Field, StringConstraints

from api.auth import Reader
from api.dependencies import ClientsOf
from api.protocol_events import RunEvents, ThreadEvent, channel_of
from api.responses import Cut, PiecewiseResponse
from api.schemas import Body
from api.streaming import ENDED, HEADERS, HEARTBEAT_PIECE, events_of, has_ended, streamed
from api.threads import ThreadId, own_thread
from graph.clients import Clients, now
from tools.events import HEARTBEAT, RECONNECT, START, LogUnavailable

router = APIRouter(tags=["runs"])

# How far back a new stream goes: earlier turns are in the thread's state and history.
REPLAYED_RUNS = 20
# In silence the table is looked at every so many heartbeats: an announcement may be lost.
LOOK_BEATS = 4
LARGEST_SEQ = 2**53 - 1

Channel = Annotated[
    str,
    StringConstraints(
        pattern=r"^(values|updates|checkpoints|messages|tools|lifecycle|input|tasks|custom(:.{1,100})?)$"
    ),
]
Segment = Annotated[str, StringConstraints(max_length=200)]
Namespace = Annotated[list[Segment], Field(max_length=10)]


class Subscription(Body):
    """Which of a conversation's events a client wants, and after which of them it begins."""

    channels: Annotated[list[Channel], Field(min_length=1, max_length=50)]
    namespaces: Annotated[list[Namespace], Field(max_length=100)] | None = None
    depth: Annotated[int, Field(ge=0, le=100)] | None = None
    since: Annotated[int, Field(ge=0, le=LARGEST_SEQ)] = 0

    def wants(self, event: ThreadEvent) -> bool:
        """Whether an event belongs to this subscription."""
        channel = channel_of(event)
        is_asked = channel in self.channels or channel.partition(":")[0] in self.channels
        return (
            event["seq"] > self.since and is_asked and self._is_near(event["params"]["namespace"])
        )

    def _is_near(self, namespace: Sequence[str]) -> bool:
        if not self.namespaces:
            return True
        return any(
            _leads_to(prefix, namespace)
            and (self.depth is None or len(namespace) - len(prefix) <= self.depth)
            for prefix in self.namespaces
        )


def _leads_to(prefix: Sequence[str], namespace: Sequence[str]) -> bool:
    """A part without a task's id stands for each task of that node."""
    return len(prefix) <= len(namespace) and all(
        part == wanted or (":" not in wanted and part.partition(":")[0] == wanted)
        for wanted, part in zip(prefix, namespace, strict=False)
    )


class ThreadEvents(PiecewiseResponse):
    """A stream that only the client ends."""

    media_type = "text/event-stream"

    def __init__(self, clients: Clients, thread_id: UUID, subscription: Subscription) -> None:
        super().__init__(streamed(_encoded(clients, thread_id, subscription)), HEADERS)


@router.post("/threads/{thread_id}/stream/events", response_class=ThreadEvents, status_code=200)
async def stream_events(
    thread_id: ThreadId, body: Subscription, clients: ClientsOf, principal: Reader
) -> ThreadEvents:
    """Stream the conversation's events on channels, run after run."""
    await own_thread(thread_id, clients, principal)
    return ThreadEvents(clients, thread_id, body)


async def _encoded(
    clients: Clients, thread_id: UUID, subscription: Subscription
) -> AsyncGenerator[bytes]:
    async with aclosing(follow(clients, thread_id, subscription)) as events:
        async for event in events:
            yield encode(event) if event else HEARTBEAT_PIECE


def encode(event: ThreadEvent) -> bytes:
    """One event, numbered."""
    data = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return f"event: {event['method']}\r\ndata: {data}\r\nid: {event['seq']}\r\n\r\n".encode()


async def follow(
    clients: Clients, thread_id: UUID, subscription: Subscription
) -> AsyncGenerator[ThreadEvent | None]:
    """The subscribed events of a conversation's runs, with None in silence.

    Raises Cut when this process will stop: another one goes on from there.
    """
    told: set[UUID] = set()
    async for has_news in _news(clients, thread_id):
        if not has_news:
            yield None
            continue
        while runs := await _untold(clients, thread_id, told):
            async for event in _events_of_runs(clients, runs, subscription.since):
                if event is None or subscription.wants(event):
                    yield event


async def _news(clients: Clients, thread_id: UUID) -> AsyncIterator[bool]:
    """True at once and whenever there may be another run, False in silence."""
    try:
        last = await clients.events.last_announcement(thread_id)
        after = last.event_id if last else START
    except LogUnavailable:
        after = None
    yield True
    beats = 0
    async for announced in clients.events.announcements(thread_id, after):
        if announced is RECONNECT:
            raise Cut
        beats = 0 if announced.name else beats + 1
        yield bool(announced.name) or beats % LOOK_BEATS == 0


async def _untold(clients: Clients, thread_id: UUID, told: set[UUID]) -> list[DictRow]:
    """The latest runs in their order; of the past ones those that the log still holds."""
    latest = [
        run
        for run in await clients.runs.of_thread(thread_id, REPLAYED_RUNS, 0)
        if run["run_id"] not in told and run["due_at"] is None
    ]
    told.update(run["run_id"] for run in latest)
    return [
        run
        for run in reversed(latest)
        if run["status"] not in ENDED
        or run is latest[0]
        or not await _is_forgotten(clients, run["run_id"])
    ]


async def _is_forgotten(clients: Clients, run_id: UUID) -> bool:
    try:
        return await clients.events.last_of(run_id) is None
    except LogUnavailable:
        return True


async def _events_of_runs(
    clients: Clients, runs: Sequence[DictRow], since: int
) -> AsyncIterator[ThreadEvent | None]:
    for run in runs:
        async for event in _events_of_run(clients, run, since):
            yield event


async def _events_of_run(
    clients: Clients, run: DictRow, since: int
) -> AsyncIterator[ThreadEvent | None]:
    translated = RunEvents(str(run["run_id"]), run["turn"], since)
    async for entry in events_of(clients, run["thread_id"], run["run_id"]):
        if entry is HEARTBEAT:
            yield None
            continue
        is_shown = not (entry.event_id or entry.number)  # as the database has it
        is_over = is_shown and await has_ended(clients, run["thread_id"], run["run_id"])
        for event in translated.of(entry, _now_ms(), is_over=is_over):
            yield event
    ended = await clients.runs.get(run["run_id"], run["thread_id"])
    ended_ms = int(ended["updated_at"].timestamp() * 1000) if ended else _now_ms()
    for event in translated.ending(ended, ended_ms):
        yield event


def _now_ms() -> int:
    return int(now().timestamp() * 1000)
