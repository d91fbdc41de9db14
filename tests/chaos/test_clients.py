"""Clients that leave, come back all at once, or never finish what they begin to say."""

import asyncio
import contextlib
import json
import socket
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest

from evals.bench.fault.wire import Wire
from tests.chaos.conftest import Json, Stand, answered, open_thread, turn
from tests.conftest import customer, headers_of
from tools.events import order

OWED = "what do I owe?"
LORIS = 300
CUSTOMERS, READERS_EACH = 4, 50
STORM_SECONDS = 60.0


# T23
def test_a_client_that_leaves_at_any_event_changes_nothing_for_its_turn(stand: Stand) -> None:
    with stand.client() as client:
        thread = open_thread(client)
        whole = client.post(f"/threads/{thread}/runs/stream", json=turn(OWED)).text
        events = whole.count("event: ")
        assert events > 3
        for last in range(events):
            leave_after(client, thread, last)
        found = client.get(f"/threads/{thread}/state").json()["values"]["messages"]
        assert [m["type"] for m in found] == ["human", "ai"] * (events + 1)
        assert len({m["content"] for m in found if m["type"] == "ai"}) == 1


def leave_after(client: httpx.Client, thread: str, last: int) -> None:
    body = turn(OWED) | {"on_disconnect": "continue"}
    with client.stream("POST", f"/threads/{thread}/runs/stream", json=body) as stream:
        location = stream.headers["content-location"]
        seen = (line for line in stream.iter_lines() if line.startswith("event: "))
        for _ in zip(range(last), seen, strict=False):
            pass
    assert client.get(f"{location}/join").status_code == 200


@dataclass(frozen=True)
class Seen:
    """One event as it came; without an id where Redis did not say in time that it has it."""

    name: str
    data: str
    event_id: str


@dataclass
class Reader:
    """Reads a stream to its end, and comes back at once after the last event if it breaks off."""

    port: int
    head: str
    seen: list[Seen] = field(default_factory=list)
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)
    connections: int = 0
    pause: float = 0.05  # or as long as it was told to stay away

    @property
    def ids(self) -> list[str]:
        return [each.event_id for each in self.seen if each.event_id]

    @property
    def whole(self) -> Json:
        """The conversation as it was shown last."""
        shown = [each.data for each in self.seen if each.name == "values"]
        found: Json = json.loads(shown[-1])
        return found

    async def follow(self) -> None:
        while True:
            self.pause = 0.05
            if await self._is_over():
                return
            await asyncio.sleep(self.pause)

    def missed(self, late: "Reader") -> list[Seen]:
        """What one who came afterwards was told and this one was not, by its id or without."""
        ids, bare = set(self.ids), {(e.name, e.data) for e in self.seen if not e.event_id}
        return [e for e in late.seen if e.event_id not in ids and (e.name, e.data) not in bare]

    async def _is_over(self) -> bool:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            self.connections += 1
            after = self.ids[-1] if self.ids else "-1"
            writer.write(f"{self.head}Last-Event-ID: {after}\r\n\r\n".encode())
            with contextlib.closing(writer):
                return await self._read(reader)
        return False

    async def _read(self, reader: asyncio.StreamReader) -> bool:
        """Whether the answer came to its end."""
        lines: dict[str, str] = {}
        async for line in reader:
            if line == b"0\r\n":  # the last chunk of an answer that is complete
                return True
            name, _, rest = line.decode().partition(": ")
            lines |= {name.lower(): rest.rstrip()}
            if line == b"\r\n" and "event" in lines:
                self.seen.append(Seen(lines["event"], lines["data"], lines.get("id", "")))
                self.has_begun.set()
            if line == b"\r\n":
                self.pause = float(lines.get("retry-after", self.pause))
                lines = {}
        return False


def readers_of(stand: Stand, wire: Wire, who: int) -> list[Reader]:
    """Fifty of a customer's turn that takes three seconds."""
    with stand.client(who) as client:
        thread = open_thread(client)
        body = turn("which of my invoices are open?")
        run = client.post(f"/threads/{thread}/runs", json=body).json()["run_id"]
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers_of(customer(who)).items())
    path = f"/threads/{thread}/runs/{run}/stream"
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}"
    return [Reader(wire.port, head) for _ in range(READERS_EACH)]


@pytest.fixture
def slow_books(sandbox: dict[str, str]) -> Iterator[None]:
    """A look at the invoices takes three seconds."""
    control = sandbox["XERO_API_URL"].replace("/xero", "/control/faults")
    slow = {"operation": "GET /Invoices", "mode": "slow", "seconds": 3, "times": 1000}
    httpx.post(control, json=slow).raise_for_status()
    yield
    httpx.post(control, json=slow | {"times": 0}).raise_for_status()


# T24
@pytest.mark.usefixtures("slow_books")
async def test_two_hundred_clients_that_are_cut_off_and_come_back_miss_nothing(
    stand: Stand,
) -> None:
    port = int(stand.url.rsplit(":", 1)[1])
    with contextlib.closing(Wire(port)) as wire:
        made = [asyncio.to_thread(readers_of, stand, wire, who) for who in range(1, CUSTOMERS + 1)]
        groups = await asyncio.gather(*made)
        readers = [reader for group in groups for reader in group]
        following = [asyncio.create_task(reader.follow()) for reader in readers]
        async with asyncio.timeout(STORM_SECONDS):
            await asyncio.gather(*(reader.has_begun.wait() for reader in readers))
        cut = await asyncio.to_thread(wire.cut)
        async with asyncio.timeout(STORM_SECONDS):
            await asyncio.gather(*following)
    assert cut
    came_back = sum(reader.connections > 1 for reader in readers)
    assert came_back > len(readers) / 2  # not those whose turn was over by then
    for group in groups:
        late = Reader(port, group[0].head)
        async with asyncio.timeout(STORM_SECONDS):
            await late.follow()
        assert len(late.ids) > 3
        is_logged = len(late.ids) == len(late.seen)  # nothing was written while Redis was slow
        for reader in group:
            assert reader.ids == sorted(set(reader.ids), key=order)
            assert reader.whole == late.whole
            assert not (is_logged and reader.missed(late))


# T25
def test_hundreds_that_never_end_their_headers_hold_nobody_up(stand: Stand) -> None:
    port = int(stand.url.rsplit(":", 1)[1])
    with stand.client() as client, contextlib.ExitStack() as stack:
        thread = open_thread(client)
        answered(client, OWED, thread)
        before = seconds_of_turns(client, thread)
        for _ in range(LORIS):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            slow.sendall(b"POST /threads HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        assert seconds_of_turns(client, thread) < 2 * before + 1


def seconds_of_turns(client: httpx.Client, thread: str) -> float:
    taken = []
    for _ in range(4):
        began = time.monotonic()
        answered(client, OWED, thread)
        taken.append(time.monotonic() - began)
    return statistics.median(taken)
