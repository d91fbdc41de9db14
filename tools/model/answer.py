"""One answer of the model as it arrives, and what is to be paid for it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage

from tools.breaker import NotThePartsFault
from tools.errors import BackendUnavailable
from tools.model.budget import Reservation
from tools.model.failures import FAILURES, Passing, failure_of
from tools.model.usage import Usage, counted, estimated, tokens_of

CUT_SHORT = ("length", "content_filter")


@dataclass
class Bill:
    """What one call is known to use. `is_open`: the service may charge and has not said what."""

    model: str
    messages: Sequence[BaseMessage]
    reserved: Reservation | None = None
    reported: Usage | None = None
    is_open: bool = False
    tokens_seen: int = 0

    @property
    def usage(self) -> Usage:
        """What the service reported; else an estimate of what it may charge."""
        if self.reported:
            return self.reported
        if not self.is_open:
            return Usage()
        return estimated(self.model, self.messages, self.tokens_seen)

    def note(self, message: AIMessage) -> None:
        """Count a piece or a whole answer; a call that is tried again adds up."""
        self.is_open = True
        self.tokens_seen += tokens_of(str(message.text))
        if message.usage_metadata:
            self.reported = (self.reported or Usage()) + counted(self.model, message.usage_metadata)


class Answer:
    """The pieces of a streamed answer."""

    def __init__(self, chunks: AsyncIterator[AIMessageChunk], bill: Bill) -> None:
        self._chunks = chunks
        self._bill = bill
        self._finish: str | None = None

    async def next(self, seconds: float) -> str:
        """The next words, or "" at the end; raises Passing where they do not come in time."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                return await self._next()
        except FAILURES as error:
            if self._finish == "stop" and isinstance(error, TimeoutError):
                return ""  # all has been said, and only the end of the stream is missing
            self._bill.is_open |= isinstance(error, TimeoutError)
            raise failure_of(error) from error

    def check_finish(self) -> None:
        """Raise BackendUnavailable unless the answer came to its end."""
        if self._finish in CUT_SHORT:
            raise NotThePartsFault(f"the model's reply ended with {self._finish}")
        if self._finish != "stop":
            raise BackendUnavailable(f"the model's reply ended with {self._finish}")

    async def _next(self) -> str:
        with suppress(StopAsyncIteration):
            while True:
                chunk = await anext(self._chunks)
                self._finish = chunk.response_metadata.get("finish_reason", self._finish)
                self._bill.note(chunk)
                if text := str(chunk.text):
                    return text
        if self._finish is None:
            raise Passing("the model's reply broke off")
        return ""
