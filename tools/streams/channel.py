"""One stream as this process knows it: who reads it here, and what is written to it here."""

import asyncio
import time
from collections import deque

from tools.streams.event import END, HEARTBEAT, RECONNECT, START, Event

LOST_SECONDS = 60.0  # an attempt that lost its run says nothing for so long
RECENT_EVENTS = 32  # of a run under way here, for those who join it
RECENT_CHARACTERS = 64 * 1024
BUFFER_EVENTS = 256  # waiting for one reader; a slower one reads the log again
HEARTBEAT_SECONDS = 5.0


class Reader:
    """One reader's bounded buffer."""

    def __init__(self) -> None:
        self.is_behind = False
        self._buffer: deque[Event] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._heard = time.monotonic()

    def push(self, event: Event) -> None:
        """Never waits: a reader that is too slow loses its buffer and is marked."""
        if len(self._buffer) >= BUFFER_EVENTS:
            self._buffer.clear()
            self.is_behind = True
        if not self.is_behind:
            self._buffer.append(event)
        self.wake()

    def beat(self, now: float, seconds: float) -> None:
        """A heartbeat, if nothing was read for so long."""
        if self._waiting and now - self._heard >= seconds:
            self.push(HEARTBEAT)

    def send_away(self) -> None:
        """Whatever waits to be read comes first."""
        self._buffer.append(RECONNECT)
        self.wake()

    def catch_up(self) -> None:
        """The reader is about to read the log: what comes from now on is kept again."""
        self.is_behind = False

    async def next(self) -> list[Event] | None:
        """All that has come; None where the log has to be read instead."""
        if not self._buffer and not self.is_behind:
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        self._heard = time.monotonic()
        if self.is_behind or not self._buffer:
            return None
        events = list(self._buffer)
        self._buffer.clear()
        return events

    def wake(self) -> None:
        """Go on."""
        if self._waiting and not self._waiting.done():
            self._waiting.set_result(None)


class Channel:
    """A stream's readers and its writer in this process."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.readers: set[Reader] = set()
        self.writer = ""  # names the attempt that this process works on
        self.number = 0  # of that attempt's last event
        self.unsent = 0
        self.sent = asyncio.Event()
        self.is_broken = False  # readers here were given events that the log lacks
        self.lost_at = -1e9  # when another process turned out to have the run
        self.touched = time.monotonic()
        self.is_followed = False  # the log is read for it: what is written here comes from there
        self.last_id = self.written_id = START
        self._recent: deque[Event] = deque(maxlen=RECENT_EVENTS)
        self._characters = 0

    @property
    def is_idle(self) -> bool:
        """Whether nobody here needs it."""
        return not (self.readers or self.writer or self.unsent or self.is_lost)

    @property
    def is_lost(self) -> bool:
        """Whether an attempt here has just found that another process has the run."""
        return time.monotonic() - self.lost_at < LOST_SECONDS

    def begin(self, writer: str) -> None:
        """Another attempt is written here from now on."""
        self.writer, self.number, self.lost_at = writer, 0, -1e9
        self._forget()

    def deliver(self, event: Event) -> None:
        """Give an event to everybody who reads here."""
        if event.event_id:
            self.last_id = event.event_id
        for reader in self.readers:
            reader.push(event)

    def remember(self, event: Event) -> None:
        """Keep an event written here for those who join soon."""
        self.written_id = event.event_id
        if not self.writer or event.writer != self.writer:
            return
        if event.name == END:
            self.end()
            return
        if len(self._recent) == RECENT_EVENTS:
            self._characters -= len(self._recent[0].data)
        self._recent.append(event)
        self._characters += len(event.data)
        while self._characters > RECENT_CHARACTERS:
            self._characters -= len(self._recent.popleft().data)

    def end(self) -> None:
        """Nothing more is written here."""
        self.writer = ""
        self._forget()

    def lose(self) -> None:
        """Another process has the run: what this one still says of it counts no more."""
        self.lost_at = time.monotonic()
        self.end()

    def recent_after(self, event_id: str) -> list[Event] | None:
        """What was written here after an id; None where only the log can tell."""
        if event_id == START:
            is_whole = self.writer.startswith("1.") and (
                self._recent[0].number == 1 if self._recent else not self.number
            )
            return list(self._recent) if is_whole else None
        for index, event in enumerate(self._recent):
            if event.event_id == event_id:
                return list(self._recent)[index:]
        return None

    def _forget(self) -> None:
        self._recent.clear()
        self._characters = 0
