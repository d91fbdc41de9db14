"""An address that is looked at from outside, with the credentials of a customer or two."""

import ipaddress
import json
import socket
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from api.doctor.findings import NotRun
from api.doctor.prometheus import Prometheus, without_login

NO_CREDENTIAL = "there is no credential: --token-file FILE, and no demo customer can sign in"
SECONDS = 60.0


@dataclass(frozen=True)
class Asked:
    """What the person at the terminal gives along."""

    url: str
    tokens: tuple[str, ...] = ()
    ca: str | None = None
    log: Path | None = None
    turns: int = 20
    may_write: bool = False
    plain_port: int = 0


@dataclass(frozen=True)
class Event:
    """One event of a stream, and when it came."""

    at: float
    id: str
    name: str
    data: Any


@dataclass
class Turn:
    """One message and what came of it."""

    thread_id: str
    started: float = field(default_factory=time.monotonic)
    run: str = ""
    events: list[Event] = field(default_factory=list)
    ended: float = 0.0

    @property
    def values(self) -> Mapping[str, Any]:
        """The last values of the turn."""
        return next((e.data for e in reversed(self.events) if e.name == "values"), {})

    @property
    def answer(self) -> Mapping[str, Any]:
        """The last message, if it is the assistant's."""
        last = (self.values.get("messages") or [{}])[-1]
        return last if last.get("type") == "ai" else {}

    @property
    def text(self) -> str:
        """What it says."""
        return str(self.answer.get("content", ""))

    @property
    def extra(self) -> Mapping[str, Any]:
        """What belongs to it: citations, card, ticket."""
        found: Mapping[str, Any] = self.answer.get("additional_kwargs", {})
        return found

    @property
    def seconds(self) -> float:
        """From the message to the end of the stream."""
        return self.ended - self.started

    @property
    def first_seconds(self) -> float:
        """From the message to the first words of its answer."""
        words = (event.at for event in self.events if event.name.startswith("messages"))
        return next(words, self.ended) - self.started


class Customer:
    """A signed-in customer."""

    def __init__(self, http: httpx.AsyncClient, token: str) -> None:
        self._http = http
        self.headers = {"Authorization": f"Bearer {token}"}

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Any request, signed."""
        headers = self.headers | more.pop("headers", {})
        return await self._http.request(method, path, headers=headers, **more)

    async def thread(self) -> str:
        """A new conversation."""
        answer = (await self.ask("POST", "/threads", json={})).raise_for_status()
        return str(answer.json()["thread_id"])

    async def say(
        self, text: str, thread_id: str | None = None, extra: Mapping[str, Any] | None = None
    ) -> Turn:
        """A message, and its whole turn."""
        turn = Turn(thread_id or await self.thread())
        path = f"/threads/{turn.thread_id}/runs/stream"
        await self._read(turn, "POST", path, json=message(text, extra))
        return turn

    async def join(self, turn: Turn, after: str) -> Turn:
        """The events of a turn after one of them."""
        again = Turn(turn.thread_id, run=turn.run)
        path = f"/threads/{turn.thread_id}/runs/{turn.run}/stream"
        await self._read(again, "GET", path, headers={"Last-Event-ID": after})
        return again

    async def _read(self, turn: Turn, method: str, path: str, **more: Any) -> None:
        headers = self.headers | more.pop("headers", {})
        async with self._http.stream(method, path, headers=headers, **more) as answer:
            answer.raise_for_status()
            turn.run = answer.headers.get("content-location", "").rpartition("/")[2] or turn.run
            async for event in events_in(answer.aiter_lines()):
                turn.events.append(event)
        turn.ended = time.monotonic()


class Outside:
    """One service as its customers reach it. Every answer's status is counted."""

    def __init__(self, asked: Asked, http: httpx.AsyncClient, prometheus: Prometheus) -> None:
        self.asked, self.http, self.prometheus = asked, http, prometheus
        self.statuses: Counter[int] = Counter()
        self.turns: list[Turn] = []
        self.host = urlsplit(asked.url).hostname or ""
        self.is_tls = urlsplit(asked.url).scheme == "https"
        self.port = urlsplit(asked.url).port or (443 if self.is_tls else 80)
        self.tokens: tuple[str, ...] = asked.tokens
        http.event_hooks["response"].append(self._note)

    async def sign_in(self) -> None:
        """As demo customers, where no credential is given and the service lets them in."""
        if self.tokens:
            return
        listed = await self.http.get("/demo/customers")
        if listed.status_code != 200:
            return
        names = [each["customer_id"] for each in listed.json()[:2]]
        bodies = [{"customer_id": name} for name in names]
        answers = [await self.http.post("/demo/sign-in", json=body) for body in bodies]
        self.tokens = tuple(a.json()["token"] for a in answers if a.is_success)

    def customer(self, number: int = 0) -> Customer:
        """One of the customers; raises NotRun where there is no credential for that many."""
        if not self.tokens:
            raise NotRun(NO_CREDENTIAL)
        if number >= len(self.tokens):
            raise NotRun("this needs another customer: a second line in the file of tokens")
        return Customer(self.http, self.tokens[number])

    def need_tls(self) -> None:
        """Raises NotRun where there is none to look at."""
        if not self.is_tls:
            raise NotRun(f"{without_login(self.asked.url)} has no TLS: name an https:// address")

    @cached_property
    def is_here(self) -> bool:
        """Whether the address is on this machine."""
        try:
            return ipaddress.ip_address(socket.gethostbyname(self.host)).is_loopback
        except (OSError, ValueError):
            return False

    def anew(self) -> httpx.AsyncClient:
        """A client that has no connection yet."""
        return _client(self.asked)

    async def stamp(self, metric: str) -> float | None:
        """As Prometheus has it."""
        return await self.prometheus.number(f"max({metric})")

    async def _note(self, answer: httpx.Response) -> None:
        self.statuses[answer.status_code] += 1


@asynccontextmanager
async def outside(asked: Asked, prometheus: Prometheus) -> AsyncIterator[Outside]:
    """Ready to be asked; nothing has to answer."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(_client(asked))
        place = Outside(asked, http, prometheus)
        try:
            await place.sign_in()
        except (httpx.HTTPError, ValueError, KeyError):
            place.tokens = ()  # each check says for itself that nobody answers
        yield place


def _client(asked: Asked) -> httpx.AsyncClient:
    trust = ssl.create_default_context(cafile=asked.ca)
    return httpx.AsyncClient(base_url=asked.url, timeout=SECONDS, verify=trust)


def message(text: str, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A turn to run, as the chat page sends it."""
    said: dict[str, Any] = {"id": str(uuid4()), "role": "user", "content": text}
    said |= {"additional_kwargs": dict(extra)} if extra else {}
    return {
        "assistant_id": "tria",
        "input": {"messages": [said]},
        "stream_mode": ["values", "messages-tuple"],
        "stream_resumable": True,
    }


async def events_in(lines: AsyncIterator[str]) -> AsyncIterator[Event]:
    """The events of a stream; comments are none."""
    fields: dict[str, str] = {}
    async for line in lines:
        name, colon, value = line.partition(":")
        if name and colon:
            fields[name] = value.strip()
        elif not line and "event" in fields:
            data = json.loads(fields.get("data") or "null")
            yield Event(time.monotonic(), fields.get("id", ""), fields["event"], data)
            fields = {}
