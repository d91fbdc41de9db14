"""The language model, over any OpenAI-compatible HTTP API."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
from langchain_core.messages import BaseMessage, SystemMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, SecretStr

from tools.breaker import Breaker
from tools.errors import BackendUnavailable
from tools.model.answer import Answer, Bill
from tools.model.budget import DailyBudget
from tools.model.calls import OnCall, nobody
from tools.model.failures import FAILURES, Passing, failure_of, trying
from tools.model.telling import telling
from tools.model.usage import Usage, estimated

# All below the limits of the nodes: 60 s for a reply, 10 s for a classification.
FIRST_TOKEN_SECONDS = 12.0  # further tries included
BETWEEN_TOKENS_SECONDS = 8.0
REPLY_SECONDS = 45.0
FILL_SECONDS = 6.0  # further tries included
CONNECT_SECONDS = 3.0
LONGEST_REPLY_TOKENS = 800

T = TypeVar("T", bound=BaseModel)
Got = TypeVar("Got")
OnUsage = Callable[[Usage], None]


def _real_time() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 (for those who bring no clock)


@dataclass(frozen=True)
class Bounds:
    """How long a call may take, in seconds, and what all calls of a day may cost.

    `on_call` is told of every call that was made, once it has ended.
    """

    first_token: float = FIRST_TOKEN_SECONDS
    between_tokens: float = BETWEEN_TOKENS_SECONDS
    reply: float = REPLY_SECONDS
    fill: float = FILL_SECONDS
    budget: DailyBudget | None = None
    now: Callable[[], datetime] = _real_time
    on_call: OnCall = nobody


class Model:
    """Streams replies, fills schemas and picks tools; every failure is BackendUnavailable.

    A call is tried again only while nothing of its answer has been passed on. `breaker` says
    whether the service is left alone at the moment.
    """

    def __init__(
        self, api_key: str, base_url: str | None, name: str, bounds: Bounds | None = None
    ) -> None:
        self.name = name
        self._service = (api_key, base_url)
        self._bounds = bounds or Bounds()
        self.breaker = Breaker(self._bounds.now)
        self._chat = ChatOpenAI(
            api_key=SecretStr(api_key),
            base_url=base_url,
            model=name,
            temperature=0,
            max_retries=0,
            max_completion_tokens=LONGEST_REPLY_TOKENS,
            timeout=httpx.Timeout(self._bounds.reply, connect=CONNECT_SECONDS),
            stream_chunk_timeout=None,
            stream_usage=True,
        )

    def called(self, name: str) -> "Model":
        """Another model of the same service, within the same budget. Its user closes it."""
        return Model(*self._service, name, self._bounds)

    @property
    def budget(self) -> DailyBudget | None:
        """What all calls of a day may cost, if there is a limit."""
        return self._bounds.budget

    async def aclose(self) -> None:
        """Close the connections."""
        await self._chat.root_async_client.close()

    async def stream(
        self, messages: Sequence[BaseMessage], on_usage: OnUsage | None = None
    ) -> AsyncGenerator[str]:
        """Pieces of the reply. A stream that ends without a finish reason was cut off."""
        clock = asyncio.get_running_loop().time
        end = clock() + self._bounds.reply
        async with self._billed(messages, on_usage) as bill:
            with self.breaker.call():
                await self._reserve(bill)
                with telling(self.name, self._bounds.on_call, lambda: bill.usage) as call:
                    answer, piece = await self._begun(messages, bill, clock)
                    call.began()
                    while piece:
                        yield piece
                        since = clock()
                        piece = await answer.next(min(self._bounds.between_tokens, end - since))
                        call.further += [clock() - since] if piece else []
                    answer.check_finish()

    async def fill(
        self, schema: type[T], messages: Sequence[BaseMessage], on_usage: OnUsage | None = None
    ) -> T:
        """One structured answer."""

        async def fill(bill: Bill) -> T:
            return await self._filled(schema, messages, bill)

        return await self._in_time(messages, on_usage, fill)

    async def pick(
        self,
        messages: Sequence[BaseMessage],
        tools: Sequence[Mapping[str, Any]],
        most: int = 3,
        on_usage: OnUsage | None = None,
    ) -> list[tuple[str, dict[str, Any]]]:
        """The tools it wants called, by name and arguments; none when it wants none.

        Neither has to be anything that was offered: the model may write what it likes.
        """
        offered = SystemMessage(json.dumps([dict(tool) for tool in tools]))  # is paid for as well

        async def pick(bill: Bill) -> list[tuple[str, dict[str, Any]]]:
            return await self._picked(messages, tools, bill)

        return (await self._in_time([*messages, offered], on_usage, pick))[:most]

    async def _in_time(
        self,
        messages: Sequence[BaseMessage],
        on_usage: OnUsage | None,
        ask: Callable[[Bill], Awaitable[Got]],
    ) -> Got:
        """One whole answer, tried again while that may help and there is time."""
        async with self._billed(messages, on_usage) as bill:
            with self.breaker.call():
                await self._reserve(bill)
                with telling(self.name, self._bounds.on_call, lambda: bill.usage):
                    return await self._asked(bill, ask)

    async def _asked(self, bill: Bill, ask: Callable[[Bill], Awaitable[Got]]) -> Got:
        try:
            async with asyncio.timeout(self._bounds.fill):
                return await trying(self._bounds.fill)(ask, bill)
        except TimeoutError as error:
            bill.is_open = True
            raise BackendUnavailable("the model did not answer in time") from error

    @asynccontextmanager
    async def _billed(
        self, messages: Sequence[BaseMessage], on_usage: OnUsage | None
    ) -> AsyncIterator[Bill]:
        """A bill for one call, settled and reported however the call ends."""
        bill = Bill(self.name, messages)
        try:
            yield bill
        finally:
            usage = bill.usage
            if on_usage and usage != Usage():
                on_usage(usage)
            if self._bounds.budget and bill.reserved:
                await self._bounds.budget.settle(bill.reserved, usage.cost)

    async def _reserve(self, bill: Bill) -> None:
        if budget := self._bounds.budget:
            most = estimated(self.name, bill.messages, LONGEST_REPLY_TOKENS)
            bill.reserved = await budget.reserve(most.cost)

    async def _begun(
        self, messages: Sequence[BaseMessage], bill: Bill, clock: Callable[[], float]
    ) -> tuple[Answer, str]:
        """The answer and its first piece; tried again while there is none."""
        end = clock() + self._bounds.first_token

        async def begin() -> tuple[Answer, str]:
            answer = Answer(self._chat.astream(list(messages)), bill)
            return answer, await answer.next(end - clock())

        return await trying(self._bounds.first_token)(begin)

    async def _filled(self, schema: type[T], messages: Sequence[BaseMessage], bill: Bill) -> T:
        structured: Any = self._chat.with_structured_output(schema, include_raw=True)
        try:
            answer = await structured.ainvoke(list(messages))
        except FAILURES as error:
            raise failure_of(error) from error
        bill.note(answer["raw"])
        form = answer["parsed"]
        if not isinstance(form, schema):
            raise Passing("the model did not fill the form")
        return form

    async def _picked(
        self, messages: Sequence[BaseMessage], tools: Sequence[Mapping[str, Any]], bill: Bill
    ) -> list[tuple[str, dict[str, Any]]]:
        chat = self._chat.bind_tools([dict(tool) for tool in tools])
        try:
            answer = await chat.ainvoke(list(messages))
        except (*FAILURES, AttributeError) as error:  # a call without its function
            raise failure_of(error) from error
        bill.note(answer)
        return [(call["name"], call["args"]) for call in answer.tool_calls]
