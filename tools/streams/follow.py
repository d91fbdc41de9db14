"""Follows one stream for one reader: what was, then what comes, no event lost or given twice."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable

from tools.streams.channel import Channel, Reader
from tools.streams.event import END, HOLE, RECONNECT, START, Event
from tools.streams.hub import Hub
from tools.streams.log import PAGE_EVENTS, Log, LogUnavailable
from tools.streams.position import Position


class Ahead:
    """Tells a reader whether the next event is there already, so that both may go out together."""

    has_more = False


async def follow(
    hub: Hub, log: Log, key: str, after: str | None, ahead: Ahead
) -> AsyncGenerator[Event, None]:
    """Events after an id, or without one those from now on, until END or RECONNECT."""
    if hub.is_draining:
        yield RECONNECT
        return
    channel = hub.channel(key)
    with hub.joined(channel) as reader:  # first, so that nothing falls between the two
        follower = Follower(log, channel, reader, Position(after or START))
        async for event in follower.past(after):
            yield event
            if event.name == END:
                return
        if not channel.writer:
            hub.tail.follow(channel, follower.position.event_id)
        async for event in follower.live(ahead):
            yield event
            if event.name == END or event is RECONNECT:
                return


class Follower:
    """One reader's way through a stream."""

    def __init__(self, log: Log, channel: Channel, reader: Reader, position: Position) -> None:
        self.position = position
        self._log = log
        self._channel = channel
        self._reader = reader

    async def past(self, after: str | None) -> AsyncIterator[Event]:
        """What was before the reader came."""
        if after is None:
            last = await self._last()
            if last and last.name == END:
                yield last
            return
        recent = self._channel.recent_after(after)
        if recent is None and not self._channel.is_broken:
            async for event in self._logged(is_known=after == START):
                yield event
            return
        if recent is None:
            self.position.take_any()
            yield HOLE
            return
        if after != START:
            self.position.take(recent.pop(0))
        for event in self.position.following(recent):
            yield event

    async def live(self, ahead: Ahead) -> AsyncIterator[Event]:
        """What is delivered; where the reader fell behind, the log fills in."""
        while True:
            events = await self._reader.next()
            if events is None:
                self._reader.catch_up()
                async for missed in self._logged():
                    yield missed
                continue
            unseen = [each for event in events for each in self._unseen(event)]
            for number, event in enumerate(unseen, 1):
                ahead.has_more = number < len(unseen)
                yield event

    def _unseen(self, event: Event) -> Iterable[Event]:
        return self.position.following([event]) if event.name else [event]

    async def _last(self) -> Event | None:
        """The last event so far; the reader stands after it."""
        self.position.take_any()
        if self._channel.writer:
            return None
        try:
            if last := await self._log.last(self._channel.key):
                self.position.take(last)
        except LogUnavailable:
            return None
        return last

    async def _logged(self, *, is_known: bool = True) -> AsyncIterator[Event]:
        """The log after where the reader stands, to its end."""
        try:
            if not is_known and not await self._is_found():
                self.position.take_any()
                yield HOLE
            while page := await self._page():
                for event in self.position.following(page):
                    yield event
                if len(page) < PAGE_EVENTS:
                    return
        except LogUnavailable:
            if self.position.event_id != START:
                self.position.take_any()
                yield HOLE

    async def _page(self) -> list[Event]:
        return await self._log.page(self._channel.key, self.position.event_id, is_after=True)

    async def _is_found(self) -> bool:
        """Whether the log still holds the event that the reader has seen last."""
        event_id = self.position.event_id
        page = await self._log.page(self._channel.key, event_id, is_after=False, most=1)
        if not page or page[0].event_id != event_id:
            return False
        self.position.take(page[0])
        return True
