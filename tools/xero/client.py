"""The client of Xero: reads are tried again where that is safe, a write is sent exactly once."""

import asyncio
import copy
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from tools.breaker import Breaker
from tools.errors import (
    BackendRejected,
    BackendUnavailable,
    FailedAfterSending,
    OutcomeUnknown,
)
from tools.xero.answers import Answer, has_errors, messages, parsed, problem_of
from tools.xero.cache import Cache
from tools.xero.exchange import AnswerHopeless, AnswerLost, Exchange, NotSent
from tools.xero.limits import Busy, DaySpent, Lane, retry_after
from tools.xero.requests import Ask, read_of, write_of

READS = 3
READ_SECONDS = 30  # with all its tries: a turn's node has 40
WRITE_SECONDS = 35
LONGEST_WAIT_SECONDS = 10.0
PIECE_BYTES = 64 * 1024
LARGEST_FILE_BYTES = 10 * 2**20
PASSING = frozenset({502, 503, 504})
MAGIC: Mapping[str, bytes] = {"application/pdf": b"%PDF"}

OnState = Callable[[Breaker], Awaitable[None]]


async def nobody(_: Breaker) -> None:
    """States that are told to nobody."""


class XeroClient:
    """Speaks with one organisation in Xero. Knows nothing of customers: see scope.py.

    Raises BackendUnavailable when surely nothing was done, BackendRejected when Xero refused, and
    for writes OutcomeUnknown when nobody can say.
    """

    def __init__(
        self, exchange: Exchange, cache: Cache, breaker: Breaker, on_state: OnState = nobody
    ) -> None:
        self._exchange = exchange
        self._cache = cache
        self._breaker = breaker
        self._on_state = on_state
        self._lane: Lane = "chat"

    @property
    def is_up(self) -> bool:
        """Whether the last call got a usable answer."""
        return self._exchange.is_up

    def for_background(self) -> "XeroClient":
        """The same client for work that nobody waits for.

        It waits behind the chat, up to two minutes, and raises DaySpent for what is left of the
        day when that is less than a fifth.
        """
        view = copy.copy(self)
        view._lane = "background"
        return view

    async def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        keep_seconds: int = 0,
        tags: Sequence[str] = (),
        modified_since: datetime | None = None,
    ) -> dict[str, Any]:
        """Read, within 30 s. With `keep_seconds` an answer of up to that age will do.

        `tags` name what a kept answer tells of; `forget` of one of them ends it early.
        """
        ask = read_of(path, params, modified_since)
        if not keep_seconds:
            return (await self._read_json(ask))[1]
        asked = {**ask.params, **ask.headers}
        tenant = await self._exchange.tokens.tenant()
        recalled = await self._cache.recall(tenant, path, asked, tags)
        if recalled and recalled.body is not None:
            return parsed(Answer(200, {}, recalled.body))
        answer, document = await self._read_json(ask)
        if recalled:
            await self._cache.keep(recalled.name, answer.body, keep_seconds)
        return document

    async def forget(self, *tags: str) -> bool:
        """Let nobody find kept answers with these tags again; False where Redis is away."""
        return await self._cache.forget(*tags)

    async def put(
        self, path: str, body: bytes, key: str | None, tags: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Create. The tags' kept answers are forgotten, whatever becomes of it."""
        return await self._write(write_of("PUT", path, body, key), tags)

    async def post(
        self, path: str, body: bytes, key: str | None, tags: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Change, or do what the path says; {} where Xero answers without a document."""
        return await self._write(write_of("POST", path, body, key), tags)

    async def delete(
        self, path: str, body: bytes = b"", key: str | None = None, tags: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Remove; most documents in Xero are not deleted but get a status by `post`."""
        return await self._write(write_of("DELETE", path, body, key), tags)

    @asynccontextmanager
    async def stream(
        self, path: str, accept: str = "application/pdf"
    ) -> AsyncIterator[Iterator[bytes]]:
        """A file in pieces, never on disk; BackendUnavailable unless it is what was asked for.

        It is whole before the first piece: a slow reader must not keep one of Xero's few slots.
        """
        ask = Ask("GET", path, accept=accept, largest=LARGEST_FILE_BYTES)
        async with self._guarded():
            answer = await self._read(ask)
            if answer.status == 200 and not answer.body.startswith(MAGIC.get(accept, b"")):
                raise BackendUnavailable(f"Xero's answer to {ask.template} is no {accept}")
        _check(ask, answer)
        yield (
            answer.body[start : start + PIECE_BYTES]
            for start in range(0, len(answer.body), PIECE_BYTES)
        )

    async def _read_json(self, ask: Ask) -> tuple[Answer, dict[str, Any]]:
        async with self._guarded():
            answer = await self._read(ask)
            try:
                document = parsed(answer) if answer.status == 200 else {}
            except ValueError as error:
                raise BackendUnavailable(f"Xero's answer to {ask.template} is no JSON") from error
        _check(ask, answer)
        return answer, document

    async def _read(self, ask: Ask) -> Answer:
        """The first good answer, or the refusal that a repetition would not change."""
        try:
            async with asyncio.timeout(READ_SECONDS if self._lane == "chat" else None):
                for attempt in range(1, READS):
                    answer = await self._attempt(ask, attempt)
                    if answer is not None:
                        return answer
                answer, _ = await self._exchange.send(ask, self._lane)
        except TimeoutError as error:
            raise BackendUnavailable(f"Xero does not answer GET {ask.template}") from error
        return _settled(ask, answer)

    async def _attempt(self, ask: Ask, attempt: int) -> Answer | None:
        """An answer that counts; None where the next attempt may bring a better one."""
        try:
            answer, access = await self._exchange.send(ask, self._lane)
        except AnswerHopeless:
            raise
        except (NotSent, AnswerLost):
            await asyncio.sleep(_backoff(attempt))
            return None
        if answer.status == 401 and attempt == 1:
            await self._exchange.tokens.expire(access)
            return None
        pause = _pause(answer, attempt)
        if pause is None:
            return _settled(ask, answer)
        await asyncio.sleep(pause)
        return None

    async def _write(self, ask: Ask, tags: Sequence[str]) -> dict[str, Any]:
        told = f"the answer to {ask.method} {ask.template}"
        try:
            answer = await self._sent_once(ask)
        except AnswerFailed as error:
            raise FailedAfterSending(f"{told} was a failure") from error
        except (AnswerLost, TimeoutError) as error:
            raise OutcomeUnknown(f"{told} was lost") from error
        finally:
            if tags:
                await self._cache.forget(*tags)
        return _written(ask, answer)

    async def _sent_once(self, ask: Ask) -> Answer:
        """Sent again only after a 401, with which Xero refuses before it does anything."""
        seconds = WRITE_SECONDS if self._lane == "chat" else None
        async with asyncio.timeout(seconds), self._guarded():
            answer, access = await self._exchange.send(ask, self._lane)
            if answer.status == 401:
                await self._exchange.tokens.expire(access)
                answer, _ = await self._exchange.send(ask, self._lane)
            problem = problem_of(answer, ask.accept)
            if problem == "failed":
                raise AnswerFailed(f"Xero answered {answer.status}")
            if problem == "unusable":
                raise AnswerLost("Xero answered with something that is no JSON")
            return _settled(ask, answer)

    @asynccontextmanager
    async def _guarded(self) -> AsyncIterator[None]:
        try:
            with self._breaker.call():
                yield
        finally:
            await self._on_state(self._breaker)


class AnswerFailed(AnswerLost):
    """Xero answered a write with a failure."""


def _settled(ask: Ask, answer: Answer) -> Answer:
    """The answer, unless it leaves the question open: then BackendUnavailable."""
    what = f"{ask.method} {ask.template}"
    match problem_of(answer, ask.accept):
        case "limit_day":
            raise DaySpent("the calls that Xero allows in a day are used up")
        case "limit_minute" | "limit_concurrent":
            raise Busy(f"Xero is busy and did not take {what}")
        case "unauthorised":
            raise BackendUnavailable(f"Xero refuses our access token for {what}")
        case "failed" | "unusable":
            raise BackendUnavailable(f"Xero does not answer {what}: {answer.status}")
        case _:
            return answer


def _check(ask: Ask, answer: Answer) -> None:
    """Raise BackendRejected where Xero refused, with all its reasons."""
    if problem_of(answer, ask.accept) is not None:
        raise _rejected(ask, answer)


def _rejected(ask: Ask, answer: Answer) -> BackendRejected:
    reasons = messages(answer.body)
    told = "; ".join(reasons) or str(answer.status)
    return BackendRejected(f"Xero refused {ask.method} {ask.template}: {told}", reasons)


def _written(ask: Ask, answer: Answer) -> dict[str, Any]:
    _check(ask, answer)
    try:
        document = parsed(answer)
    except ValueError as error:
        raise OutcomeUnknown(f"the answer to {ask.method} {ask.template} is no JSON") from error
    if has_errors(document):
        raise _rejected(ask, answer)
    return document


def _pause(answer: Answer, attempt: int) -> float | None:
    """Seconds until another attempt has prospects; None where it has none."""
    if answer.status in PASSING:
        return _backoff(attempt)
    if answer.status != 429 or answer.headers.get("X-Rate-Limit-Problem", "").lower() == "day":
        return None
    seconds = retry_after(answer.headers, 1)
    return seconds + _backoff(0) if seconds <= LONGEST_WAIT_SECONDS else None


def _backoff(attempt: int) -> float:
    """Half to one and a half times 0.2 s, twice that for each further attempt."""
    return 0.2 * 2.0**attempt * (0.5 + random.random())  # noqa: S311 (no secret)
