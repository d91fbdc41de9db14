"""The trace of each request: the caller's where it brings one, else its own; told in the answer."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitoring.requests import Origin, request_trace
from monitoring.spans import caller_of, new_trace_id

HEADER = "X-Trace-Id"
TRACEPARENT = b"traceparent"


class Traced:
    """Outermost, so that whatever answers a request tells its trace. Streams pass untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on as part of its trace."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        origin = origin_of(scope)

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = origin.trace_id
            await send(message)

        with part_of(origin):
            await self._app(scope, receive, telling)


@contextmanager
def part_of(origin: Origin) -> Iterator[None]:
    """What is done inside belongs to this trace, in runs that it makes and in the log."""
    token = request_trace.set(origin)
    try:
        with structlog.contextvars.bound_contextvars(trace_id=origin.trace_id):
            yield
    finally:
        request_trace.reset(token)


def origin_of(scope: Scope) -> Origin:
    """The trace that the caller brings, else one of its own each time."""
    said = next((value for name, value in scope["headers"] if name == TRACEPARENT), b"")
    caller = caller_of(said.decode("latin-1")) if said else None
    return Origin(*caller) if caller else Origin(new_trace_id())
