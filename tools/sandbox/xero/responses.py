"""Replies as HTTP responses, among them the ways in which an answer fails to arrive."""

import asyncio
from collections.abc import Mapping

from fastapi import Request, Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from tools.sandbox.faults import Fault
from tools.sandbox.xero.limits import too_many
from tools.sandbox.xero.wire import Reply

LONGEST_HANG_SECONDS = 60
ERROR_PAGE = b"<html><head><title>502</title></head><body><h1>Bad Gateway</h1></body></html>"

UNAVAILABLE = Reply(503, b"The Xero API is currently offline for maintenance", "text/plain")
BAD_GATEWAY = Reply(502, ERROR_PAGE, "text/html")
LOGIN_PAGE = Reply(200, b"<html><body><h1>Log in to Xero</h1></body></html>", "text/html")


class BrokenOff(Response):
    """A connection that ends before the answer has come."""

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The server closes the connection when less is sent than was announced.
        headers = [(b"content-length", b"4096")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


def respond(reply: Reply, headers: Mapping[str, str] | None = None) -> Response:
    """The reply with further headers."""
    together = {**(headers or {}), **reply.headers}
    return Response(reply.body, reply.status, together, reply.media_type or None)


async def failure(request: Request, fault: Fault | None) -> Response | None:
    """The answer of a fault that strikes before anything is done; None if none does."""
    if fault is None:
        return None
    match fault.mode:
        case "hang":
            return await _hang(request)
        case "unavailable" | "plain_503":
            return respond(UNAVAILABLE)
        case "html_error":
            return respond(BAD_GATEWAY)
        case "rate_limit":
            return respond(too_many(fault.problem, fault.retry_after).reply)
        case "slow":
            await asyncio.sleep(fault.seconds)
        case _:
            pass
    return None


def delivered(reply: Reply, fault: Fault | None) -> Response:
    """The answer to what was done, unless the fault keeps it from arriving."""
    match fault.mode if fault else None:
        case "drop_after_commit":
            return BrokenOff()
        case "not_json":
            return respond(LOGIN_PAGE)
        case _:
            return respond(reply)


async def _hang(request: Request) -> Response:
    try:
        async with asyncio.timeout(LONGEST_HANG_SECONDS):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        pass
    return BrokenOff()
