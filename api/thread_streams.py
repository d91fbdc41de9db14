"""A conversation's stream: every run of it, one after another, for as long as the client stays."""

import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query

from api.auth import Reader
from api.dependencies import ClientsOf
from api.responses import Cut, PiecewiseResponse
from api.streaming import HEADERS, encode, has_ended, position_of, streamed, whole_run
from api.threads import ThreadId, own_thread
from graph.clients import Clients
from tools.events import END, HEARTBEAT, HOLE, RECONNECT, START, Event, LogUnavailable, order

router = APIRouter(tags=["threads"])
# The place of the run in the conversation, then that of the event in the run.
THREAD_EVENT_ID = r"^(-1|\d{1,19}-\d{1,19}(\.\d{1,19}-\d{1,19}(\.end)?)?)$"


class ThreadStream(PiecewiseResponse):
    """A stream without an end."""

    media_type = "text/event-stream"

    def __init__(self, clients: Clients, thread_id: UUID, after: str | None) -> None:
        pieces = streamed(_encoded(clients, thread_id, after))
        super().__init__(pieces, HEADERS | {"Location": f"/threads/{thread_id}/stream"})


async def _encoded(
    clients: Clients, thread_id: UUID, after: str | None
) -> AsyncGenerator[bytes, None]:
    async with contextlib.aclosing(follow_thread(clients, thread_id, after)) as events:
        async for event in events:
            yield encode(event, with_id=True)


async def follow_thread(
    clients: Clients, thread_id: UUID, after: str | None
) -> AsyncGenerator[Event, None]:
    """The events of all runs after a position, each run once; without one those from now on."""
    runs = _Runs(clients, thread_id)
    place, event_id, is_done = _parts(after)
    under_way, place = await _run_at(clients, thread_id, place)
    if under_way:
        is_old = not after and await has_ended(clients, thread_id, UUID(under_way.data))
        if is_done or is_old:
            runs.ends[under_way.data] = event_id
        else:
            async for event in runs.follow(under_way, event_id or (START if after else None)):
                yield event
    async for begun in _begun(clients, thread_id, place or None):
        if begun is HEARTBEAT:
            yield begun
        elif since := runs.since(begun):
            async for event in runs.follow(begun, since):
                yield event


async def _begun(clients: Clients, thread_id: UUID, place: str | None) -> AsyncGenerator[Event]:
    """The attempts that begin after a place, with heartbeats between."""
    async for announced in clients.events.announcements(thread_id, place):
        if announced is RECONNECT:
            raise Cut
        if announced is not HOLE:
            yield announced
        elif latest := await _latest(clients, thread_id):
            yield latest


def _parts(after: str | None) -> tuple[str, str, bool]:
    """The run's place in the conversation, the event's in the run, and whether it was the last."""
    place, _, rest = (after or "").partition(".")
    event_id, _, last = rest.partition(".")
    return place, event_id, bool(last)


async def _run_at(clients: Clients, thread_id: UUID, place: str) -> tuple[Event | None, str]:
    """The run that a client was reading, or for one that comes without a place the latest.

    And the place that later ones come after, empty where only those from now on can be told.
    """
    log = clients.events
    try:
        if place:
            found = await log.announcement(thread_id, place)
        else:
            found = await log.last_announcement(thread_id)
    except LogUnavailable:
        return None, place
    return found, found.event_id if found else place or START


async def _latest(clients: Clients, thread_id: UUID) -> Event | None:
    """The latest run, where the log no longer says which runs there were."""
    latest = await clients.runs.of_thread(thread_id, 1, 0)
    return Event("", "run", str(latest[0]["run_id"])) if latest else None


class _Runs:
    """The runs that one client was shown, and where each of them ended."""

    def __init__(self, clients: Clients, thread_id: UUID) -> None:
        self.ends: dict[str, str] = {}
        self._clients = clients
        self._thread_id = thread_id

    def since(self, begun: Event) -> str | None:
        """From where on the run is to be shown; None if it was shown: it was only taken over."""
        if begun.data not in self.ends:
            return START
        end = self.ends[begun.data]
        goes_on = end and begun.event_id and order(begun.event_id) > order(end)
        return end if goes_on else None

    async def follow(self, begun: Event, after: str | None) -> AsyncIterator[Event]:
        """One run's events, and that it is done."""
        self.ends[begun.data] = ""
        run_id, has_news = UUID(begun.data), False
        async for event in whole_run(self._clients, self._thread_id, run_id, after):
            if event.name == END:
                self.ends[begun.data], has_news = event.event_id, True
            else:
                has_news |= bool(event.name)
                yield _placed(event, begun)
        if has_news:
            done = json.dumps({"status": "run_done", "run_id": begun.data})
            end = Event(self.ends[begun.data], "metadata", done)
            yield _placed(end, begun, ".end")


def _placed(event: Event, begun: Event, last: str = "") -> Event:
    """The event with an id that says which run it belongs to."""
    if event is HEARTBEAT:
        return event
    is_logged = event.event_id and begun.event_id
    place = f"{begun.event_id}.{event.event_id}{last}" if is_logged else ""
    return Event(place, event.name, event.data)


@router.get("/threads/{thread_id}/stream", response_class=ThreadStream, status_code=200)
async def stream_thread(
    thread_id: ThreadId,
    clients: ClientsOf,
    principal: Reader,
    stream_mode: Annotated[
        list[Literal["run_modes", "lifecycle", "state_update"]] | None, Query()
    ] = None,
    last_event_id: Annotated[str | None, Header(pattern=THREAD_EVENT_ID)] = None,
) -> ThreadStream:
    """Stream the conversation's runs as they come; every mode brings the same events."""
    await own_thread(thread_id, clients, principal)
    return ThreadStream(clients, thread_id, position_of(last_event_id))
