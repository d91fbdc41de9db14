"""Lets a model pick what to read where no fixed plan does."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from tools.errors import BackendUnavailable
from tools.model.usage import Usage
from tools.xero.toolset import TOOLS, Fact, Toolset

MOST_CALLS = 3  # at a time
ROUNDS = 2

OnUsage = Callable[[Usage], None]
Call = tuple[str, dict[str, Any]]


class Picker(Protocol):
    """What choosing tools needs of the model."""

    async def pick(
        self,
        messages: Sequence[BaseMessage],
        tools: Sequence[Mapping[str, Any]],
        most: int = 3,
        on_usage: OnUsage | None = None,
    ) -> list[Call]: ...


async def read_long_tail(
    model: Picker,
    messages: Sequence[BaseMessage],
    toolset: Toolset,
    on_usage: OnUsage | None = None,
) -> list[Fact]:
    """What the model reads to answer these messages: nothing, or the facts of a few tools.

    After the first tools it sees what they found and may pick once more. A model that fails ends
    the reading, and what was read until then stays.
    """
    asked, facts, done = list(messages), list[Fact](), set[str]()
    for _ in range(ROUNDS):
        try:
            picked = await model.pick(asked, toolset.schemas(), MOST_CALLS, on_usage)
        except BackendUnavailable:
            break
        calls = [c for c in picked[:MOST_CALLS] if c[0] in TOOLS and _key(c) not in done]
        if not calls:
            break
        done |= {_key(call) for call in calls}
        found = [await toolset.call(*call) for call in calls]
        facts += found
        asked += _told(calls, found)
    return [_without_handles(fact) for fact in facts if fact["kind"] != "tool_error"]


def _told(calls: Sequence[Call], found: Sequence[Fact]) -> list[BaseMessage]:
    """The calls and their results as a model expects to see them."""
    requests = [
        {"name": name, "args": arguments, "id": f"call_{n}"}
        for n, (name, arguments) in enumerate(calls)
    ]
    results = [
        ToolMessage(json.dumps(fact, ensure_ascii=False), tool_call_id=f"call_{n}")
        for n, fact in enumerate(found)
    ]
    return [AIMessage("", tool_calls=requests), *results]


def _key(call: Call) -> str:
    return json.dumps(call, sort_keys=True, default=str)


def _without_handles(fact: Fact) -> Fact:
    """Handles mean something to the tools only."""
    return Fact(kind=fact["kind"], source=fact["source"], data=_less(fact["data"]))


def _less(value: Any) -> Any:
    if isinstance(value, list):
        return [_less(part) for part in value]
    if isinstance(value, dict):
        return {name: _less(part) for name, part in value.items() if name != "handle"}
    return value
