"""Xero as a script, on a port of its own: each call gets the next answer, and the last again.

It answers HTTP by hand, because breaking off, falling silent and nonsense are part of the script.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    ExitStack,
    asynccontextmanager,
    suppress,
)
from dataclasses import dataclass, field
from typing import Any, Literal, Self
from uuid import uuid4

import httpx

HOST = "127.0.0.1"
JSON = {"Content-Type": "application/json; charset=utf-8"}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
RESET_AT_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Reply:
    """What Xero answers."""

    status: int = 200
    body: bytes = b'{"Invoices":[]}'
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)

    @property
    def wire(self) -> bytes:
        lines = [f"{name}: {value}\r\n" for name, value in self.headers.items()]
        if self.status != 204:
            lines.append(f"Content-Length: {len(self.body)}\r\n")
        return f"HTTP/1.1 {self.status} -\r\n{''.join(lines)}\r\n".encode() + self.body


@dataclass(frozen=True)
class Broken:
    """These bytes as they are, and what comes then in place of a whole answer."""

    sent: bytes = b""
    then: Literal["closed", "reset", "silent", "dripping"] = "closed"
    is_read: bool = True  # the body of the request, before


Act = Callable[[httpx.Request], Awaitable[Reply]]
Answer = Reply | Broken | Act

DROPPED = Broken()
RESET = Broken(then="reset")
HALF_READ = Broken(then="reset", is_read=False)
CUT = Broken(HEAD + b'Content-Length: 100\r\n\r\n{"Invoices": [{"Inv')
CUT_BY_RESET = Broken(CUT.sent, "reset")
HANGING = Broken(then="silent")
HANGING_HALFWAY = Broken(CUT.sent, "silent")
ENDLESS = Broken(HEAD + b"\r\n", "dripping")
NO_HTTP = Broken(b"220 mail.example ESMTP\r\n")
NO_HEADERS = Broken(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n{}")


def limited(problem: str, retry_after: str | None) -> Reply:
    """A 429 of that kind."""
    headers = {"X-Rate-Limit-Problem": problem, "Content-Type": "text/plain"}
    return Reply(429, b"", headers | ({"Retry-After": retry_after} if retry_after else {}))


class Scripted:
    """Counts what reaches it. Tokens are given to everybody who asks, unless told otherwise."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers or [Reply()])
        self.requests: list[httpx.Request] = []
        self.token_answers: list[Answer] = []
        self.token_requests: list[httpx.Request] = []
        self._port = 0
        self._opening: asyncio.Task[asyncio.Server] | None = None
        self._conversations: list[asyncio.Task[None]] = []

    @property
    def address(self) -> tuple[str, int]:
        return HOST, self._port

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._port}"

    @property
    def token_url(self) -> str:
        return f"{self.url}/connect/token"

    @property
    def connections_url(self) -> str:
        return f"{self.url}/connections"

    def open(self) -> None:
        """Listen, on the same port each time; opening it twice changes nothing."""
        if self._opening:
            return
        listening = socket.create_server(self.address)
        self._port = listening.getsockname()[1]
        self._opening = asyncio.create_task(asyncio.start_server(self._accept, sock=listening))

    async def close(self) -> None:
        """End every connection and refuse new ones; raises what an act has raised."""
        if not self._opening:
            return
        (await self._opening).close()
        self._opening = None
        conversations, self._conversations = self._conversations, []
        for conversation in conversations:
            conversation.cancel()
        for ended in await asyncio.gather(*conversations, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._conversations.append(asyncio.create_task(self._converse(reader, writer)))

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(0)  # so that what is drained has been sent
        gone = suppress(ConnectionError, asyncio.IncompleteReadError)  # whoever asked
        try:
            with gone:
                while await self._answered(reader, writer):
                    pass
        finally:
            writer.transport.abort()
            with gone:
                await writer.wait_closed()

    async def _answered(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether another one may follow."""
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = httpx.Headers([(n, v) for n, _, v in (ln.partition(": ") for ln in lines if ln)])
        answer, requests = self._next(target)
        length = int(headers.get("Content-Length", 0))
        is_read = not isinstance(answer, Broken) or answer.is_read
        content = await reader.readexactly(length) if is_read else b""
        request = httpx.Request(method, self.url + target, headers=headers, content=content)
        requests.append(request)
        if isinstance(answer, Broken):
            await _break(answer, reader, writer)
            return False
        reply = answer if isinstance(answer, Reply) else await answer(request)
        writer.write(reply.wire)
        await writer.drain()
        return True

    def _next(self, target: str) -> tuple[Answer, list[httpx.Request]]:
        if target.endswith("/connect/token"):
            answer = self.token_answers.pop(0) if self.token_answers else Reply(200, tokens())
            return answer, self.token_requests
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0], self.requests


async def _break(
    answer: Broken, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(answer.sent)
    await writer.drain()
    match answer.then:
        case "closed":
            pass
        case "reset":
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
        case "silent":
            await reader.read()  # until the other side gives up
        case "dripping":
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)


# While it lasts, nothing that this client sends reaches the script.
Obstacle = Callable[[Scripted, httpx.AsyncClient], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def nobody_listens(script: Scripted, _http: httpx.AsyncClient) -> AsyncIterator[None]:
    await script.close()
    yield
    script.open()


@asynccontextmanager
async def nobody_accepts(script: Scripted, _http: httpx.AsyncClient) -> AsyncIterator[None]:
    """The line of those who wait to be accepted is full, and the kernel answers nobody else."""
    await script.close()
    with ExitStack() as line:
        line.enter_context(socket.create_server(script.address, backlog=0))
        for _ in range(2):
            waiting = line.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(script.address)
        yield
    script.open()


@asynccontextmanager
async def no_connection_is_free(_script: Scripted, http: httpx.AsyncClient) -> AsyncIterator[None]:
    """Answers that nobody reads to their end keep all connections of the pool."""
    async with Scripted() as other, AsyncExitStack() as held:
        with suppress(httpx.PoolTimeout):
            while True:
                await held.enter_async_context(http.stream("GET", other.url))
        yield


def tokens(**changes: Any) -> bytes:
    """A token endpoint's answer."""
    fields: dict[str, Any] = {
        "access_token": f"access-{uuid4().hex}",
        "refresh_token": f"refresh-{uuid4().hex}",
        "expires_in": 1800,
        "scope": "offline_access accounting.invoices",
    }
    return httpx.Response(200, json=fields | changes).content
