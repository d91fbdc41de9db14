"""Reads along what a client is sent: the client itself tells no event without an id from others."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
from typing_extensions import override

END_OF_EVENT = b"\r\n\r\n"
# An event's name, its data, and the id that it came with itself.
Tell = Callable[[str, Any, str | None], None]


class Overheard(httpx.AsyncBaseTransport):
    """Passes everything on, and tells of each event when all of it has come.

    `on_late` is told when a stream begins that brings only what comes from now on.
    """

    def __init__(self, tell: Tell, on_late: Callable[[], None] = lambda: None) -> None:
        # No certificates are read: everything is on loopback, and clients are many.
        self._transport = httpx.AsyncHTTPTransport(verify=False, retries=5)
        self._tell = tell
        self._on_late = on_late

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, read along if it is a stream."""
        answer = await self._transport.handle_async_request(request)
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            assert isinstance(answer.stream, httpx.AsyncByteStream)
            if request.method == "GET" and "Last-Event-ID" not in request.headers:
                self._on_late()
            answer.stream = _Read(answer.stream, self._tell)
        return answer

    @override
    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()


class _Read(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, tell: Tell) -> None:
        self._stream = stream
        self._tell = tell

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        rest = b""
        async for piece in self._stream:
            *events, rest = (rest + piece).split(END_OF_EVENT)
            for event in events:
                self._hear(event.decode())
            yield piece

    @override
    async def aclose(self) -> None:
        await self._stream.aclose()

    def _hear(self, event: str) -> None:
        fields = dict(line.split(": ", 1) for line in event.split("\r\n"))
        if "event" in fields:  # anything else is a comment
            self._tell(fields["event"], json.loads(fields["data"]), fields.get("id"))
