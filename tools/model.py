"""The language model, over any OpenAI-compatible HTTP API."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, TypeVar

import httpx
import openai
from langchain_core.messages import BaseMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, SecretStr, ValidationError

from tools.errors import BackendUnavailable

FIRST_TOKEN_SECONDS = 20
BETWEEN_TOKENS_SECONDS = 15
LONGEST_REPLY_TOKENS = 800

T = TypeVar("T", bound=BaseModel)
# What the SDK lets through when an answer is cut off, garbled or refused.
FAILURES = (openai.OpenAIError, httpx.HTTPError, UnicodeDecodeError, ValueError, ValidationError)


class Model:
    """Streams replies and fills schemas; every failure is BackendUnavailable."""

    def __init__(self, api_key: str, base_url: str | None, name: str) -> None:
        self.name = name
        self._chat = ChatOpenAI(
            api_key=SecretStr(api_key),
            base_url=base_url,
            model=name,
            temperature=0,
            max_retries=0,
            max_completion_tokens=LONGEST_REPLY_TOKENS,
            timeout=httpx.Timeout(FIRST_TOKEN_SECONDS, connect=5),
            stream_chunk_timeout=BETWEEN_TOKENS_SECONDS,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._chat.root_async_client.close()

    async def stream(self, messages: Sequence[BaseMessage]) -> AsyncIterator[str]:
        """Pieces of the reply. A stream that ends without a finish reason was cut off."""
        finish: str | None = None
        try:
            async for chunk in self._chat.astream(list(messages)):
                finish = chunk.response_metadata.get("finish_reason", finish)
                if chunk.text:
                    yield str(chunk.text)
        except FAILURES as error:
            raise BackendUnavailable("the model failed") from error
        if finish != "stop":
            raise BackendUnavailable(f"the model's reply ended with {finish}")

    async def fill(self, schema: type[T], messages: Sequence[BaseMessage]) -> T:
        """One structured answer."""
        structured: Any = self._chat.with_structured_output(schema)
        try:
            answer = await structured.ainvoke(list(messages))
        except FAILURES as error:
            raise BackendUnavailable("the model failed") from error
        if not isinstance(answer, schema):
            raise BackendUnavailable("the model did not fill the form")
        return answer
