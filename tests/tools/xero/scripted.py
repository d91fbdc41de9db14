"""Xero as a script: each call gets the next answer, and the last one again and again."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
from typing_extensions import override

JSON = {"Content-Type": "application/json; charset=utf-8"}


@dataclass(frozen=True)
class Reply:
    """What Xero answers."""

    status: int = 200
    body: bytes = b'{"Invoices":[]}'
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)


Act = Callable[[httpx.Request], Awaitable[Reply]]


def limited(problem: str, retry_after: str | None) -> Reply:
    """A 429 of that kind."""
    headers = {"X-Rate-Limit-Problem": problem, "Content-Type": "text/plain"}
    return Reply(429, b"", headers | ({"Retry-After": retry_after} if retry_after else {}))


class Scripted(httpx.AsyncBaseTransport):
    """Counts what reaches it. Tokens are given to everybody who asks, unless told otherwise."""

    def __init__(self, *answers: Reply | Exception | Act) -> None:
        self.answers = list(answers or [Reply()])
        self.requests: list[httpx.Request] = []
        self.token_answers: list[Reply | Exception] = []
        self.token_requests: list[httpx.Request] = []

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        if request.url.path.endswith("/connect/token"):
            self.token_requests.append(request)
            return await self._played(self._next_token(), request)
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await self._played(answer, request)

    def _next_token(self) -> Reply | Exception:
        if self.token_answers:
            return self.token_answers.pop(0)
        return Reply(200, tokens())

    async def _played(
        self, answer: Reply | Exception | Act, request: httpx.Request
    ) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        reply = answer if isinstance(answer, Reply) else await answer(request)
        return httpx.Response(
            reply.status, headers=dict(reply.headers), content=reply.body, request=request
        )


def tokens(**changes: Any) -> bytes:
    """A token endpoint's answer."""
    fields: dict[str, Any] = {
        "access_token": f"access-{uuid4().hex}",
        "refresh_token": f"refresh-{uuid4().hex}",
        "expires_in": 1800,
        "scope": "offline_access accounting.invoices",
    }
    return httpx.Response(200, json=fields | changes).content
