"""One request to Xero and its answer: signed in, within the limits, timed and reported."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import httpx

from tools.errors import BackendUnavailable
from tools.xero.answers import Answer, Problem, problem_of
from tools.xero.limits import Heard, Lane, Limits, heard
from tools.xero.oauth import Access, Tokens
from tools.xero.requests import Ask

ACCOUNTING = "/api.xro/2.0"
TIMEOUT = httpx.Timeout(20, connect=3, pool=2)
EXCHANGE_SECONDS = 20  # in all: httpx's limits are for each piece of an answer
ACCESS_SECONDS = 15
CORRELATION = "Xero-Correlation-Id"
# After these nobody should count on the next call.
DOWN: frozenset[Problem | None] = frozenset(
    {"not_sent", "answer_lost", "failed", "unusable", "unauthorised", "limit_day"}
)


class NotSent(BackendUnavailable):
    """Xero could not be reached; surely nothing was done."""

    problem: Problem = "not_sent"


class AnswerLost(BackendUnavailable):
    """The request went out and no whole answer came back."""

    problem: Problem = "answer_lost"


class AnswerHopeless(AnswerLost):
    """No whole answer came in time, or it is far too long: asking again would be no better."""


@dataclass(frozen=True)
class Call:
    """What may be known of a call outside: nothing of its contents. `status` is 0 without one."""

    at: datetime
    method: str
    path: str  # without ids
    status: int
    problem: Problem | None
    ms: int
    lane: Lane
    minute_left: int | None = None
    day_left: int | None = None
    correlation_id: str = ""


OnCall = Callable[[Call], Awaitable[None]]


async def nobody(_: Call) -> None:
    """Calls that are reported to nobody."""


def make_http() -> httpx.AsyncClient:
    """The connection pool for Xero."""
    return httpx.AsyncClient(timeout=TIMEOUT, limits=httpx.Limits(max_connections=10))


@dataclass(frozen=True)
class Place:
    """Where Xero answers, and the clock that calls are reported by."""

    http: httpx.AsyncClient
    url: str
    now: Callable[[], datetime]


class Exchange:
    """Sends a request once. `is_up` says whether the last one got a usable answer."""

    def __init__(
        self, place: Place, tokens: Tokens, limits: Limits, on_call: OnCall = nobody
    ) -> None:
        self.now = place.now
        self.tokens = tokens
        self.is_up = True
        self._http = place.http
        self._url = place.url.rstrip("/") + ACCOUNTING
        self._limits = limits
        self._on_call = on_call

    async def send(self, ask: Ask, lane: Lane) -> tuple[Answer, Access]:
        """The answer, whatever it says, and the access it was asked with.

        Raises NotSent, AnswerLost, and what Tokens and Limits raise before anything is sent.
        """
        access = await self._access()
        async with self._limits.slot(access.tenant_id, lane) as slot:
            started = time.monotonic()
            try:
                answer = await self._exchanged(ask, access)
            except (NotSent, AnswerLost) as error:
                await self._report(ask, lane, started, error.problem)
                raise
            slot.heard = heard(answer.status, answer.headers)
        await self._report(ask, lane, started, answer)
        return answer, access

    async def _access(self) -> Access:
        try:
            async with asyncio.timeout(ACCESS_SECONDS):
                return await self.tokens.access()
        except TimeoutError as error:
            self.is_up = False
            raise NotSent("Xero's sign-in takes too long") from error
        except BackendUnavailable:
            self.is_up = False
            raise

    async def _report(
        self, ask: Ask, lane: Lane, started: float, outcome: Answer | Problem
    ) -> None:
        answer = outcome if isinstance(outcome, Answer) else None
        problem = problem_of(outcome, ask.accept) if isinstance(outcome, Answer) else outcome
        self.is_up = problem not in DOWN
        said = heard(answer.status, answer.headers) if answer else Heard()
        await self._on_call(
            Call(
                at=self.now(),
                method=ask.method,
                path=ask.template,
                status=answer.status if answer else 0,
                problem=problem,
                ms=round((time.monotonic() - started) * 1000),
                lane=lane,
                minute_left=said.minute_left,
                day_left=said.day_left,
                correlation_id=answer.headers.get(CORRELATION, "") if answer else "",
            )
        )

    async def _exchanged(self, ask: Ask, access: Access) -> Answer:
        request = self._http.build_request(
            ask.method,
            self._url + ask.path,
            params=dict(ask.params),
            content=ask.body,
            headers={
                **ask.headers,
                "Authorization": f"Bearer {access.token}",
                "xero-tenant-id": access.tenant_id,
                "Accept": ask.accept,
            },
        )
        try:
            async with asyncio.timeout(EXCHANGE_SECONDS):
                response = await self._http.send(request, stream=True)
                try:
                    body = await _whole(response, ask.largest)
                finally:
                    await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotSent("Xero could not be reached; nothing was sent") from error
        except (httpx.TimeoutException, TimeoutError) as error:
            raise AnswerHopeless("Xero did not answer in time") from error
        except (httpx.HTTPError, AttributeError) as error:
            # The latter is anyio's, on uvloop, of a connection that is reset as it is made.
            raise AnswerLost("Xero's answer was lost") from error
        return Answer(response.status_code, response.headers, body)


async def _whole(response: httpx.Response, largest: int) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > largest:
            raise AnswerHopeless(f"Xero's answer is longer than {largest} bytes")
    return bytes(body)
