"""An answer that is sent piece by piece over a long time.

Plain ASGI: Starlette's own StreamingResponse costs a task group for each answer.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

SEND_SECONDS = 30.0  # a client that takes nothing for so long is left
CLOSE_SECONDS = 5.0
CONNECTION = "tria.connection"  # where the scope holds the server's side of the connection


class Cut(Exception):
    """The connection ends here and the answer does not: the client has to come again."""


class PiecewiseResponse(Response):
    """Sends pieces as they come; ends early when the client leaves or takes nothing."""

    def __init__(
        self,
        pieces: AsyncGenerator[bytes, None],
        headers: Mapping[str, str],
        media_type: str | None = None,
        on_disconnect: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.status_code = 200
        self.background = None
        self.media_type = media_type or self.media_type
        self.init_headers(headers)
        self._pieces = pieces
        self._on_disconnect = on_disconnect

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer. A client that leaves wakes us at once, however silent it is here."""
        sending = asyncio.current_task()
        gone = asyncio.create_task(_client_left(receive))
        is_sending = True

        def stop(_: "asyncio.Task[None]") -> None:
            if is_sending and sending:
                sending.cancel()

        gone.add_done_callback(stop)
        is_complete = False
        try:
            async with contextlib.aclosing(self._pieces):
                is_complete = await self._send(scope, send, gone)
        except asyncio.CancelledError:
            if not gone.done() or not sending:
                raise
            sending.uncancel()
        finally:
            is_sending = False
        if not is_complete:
            await self._leave(scope, gone)
        gone.cancel()

    async def _send(self, scope: Scope, send: Send, gone: "asyncio.Task[None]") -> bool:
        """Whether the whole answer was sent."""
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        try:
            async for piece in self._pieces:
                if gone.done():  # a query of Postgres may have swallowed the cancellation
                    return False
                async with asyncio.timeout(SEND_SECONDS):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        except TimeoutError:
            _connection(scope, "abort")
            return False
        except Cut:
            return False
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return True

    async def _leave(self, scope: Scope, gone: "asyncio.Task[None]") -> None:
        """End a connection whose answer is not complete."""
        if gone.done():
            if self._on_disconnect:
                await self._on_disconnect()
            return
        _connection(scope, "close")
        await asyncio.wait({gone}, timeout=CLOSE_SECONDS)
        if not gone.done():
            _connection(scope, "abort")


async def _client_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _connection(scope: Scope, action: str) -> None:
    """Close the connection, or drop it with what is unsent: ASGI itself has no word for either."""
    transport: Any = getattr(scope.get(CONNECTION), "transport", None)
    if transport:
        getattr(transport, action)()
