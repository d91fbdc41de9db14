"""Find the passages of the company's policies that the message is about."""

import asyncio
from collections.abc import Sequence
from typing import Any

from langgraph.runtime import Runtime

from nodes.state import Fact, State, Turn
from tools.context import Context
from tools.errors import BackendUnavailable
from tools.policy.answers import compute
from tools.understanding.follow_up import is_follow_up
from tools.understanding.intents import parts_of

PASSAGES = 3


async def retrieve_policies(state: State, runtime: Runtime[Context]) -> State:
    """Search for each part of the message, and compute what a rule computes.

    Without the search engine the turn goes on.
    """
    text, language = state["screened"]["masked"], state["screened"]["language"]
    parts = parts_of(text)
    asked = [text, *parts] if len(parts) > 1 else [text]
    context = runtime.context
    found = _computed([_newest_first(part, state["turn"]) for part in asked], context)
    try:
        passages = await asyncio.gather(
            *(
                _search(part, _standing_alone(part, state["turn"]), language, context)
                for part in asked
            )
        )
    except BackendUnavailable:
        gone = Fact(kind="unavailable", source="policies", data={"part": "policies"})
        return {"passages": [], "facts": [*found, gone]}
    return {"passages": [p for some in passages for p in some], "facts": found}


async def _search(asked: str, query: str, language: str, context: Context) -> list[dict[str, Any]]:
    """Passages, each with the part of the message that it answers."""
    passages = await context.knowledge.search(query, k=PASSAGES, language=language)
    return [dict(p) | {"asked": asked} for p in passages]


def _standing_alone(part: str, turn: Turn) -> str:
    """A message that leans on the one before it, together with that one."""
    before = _leans_on(part, turn)
    return f"{before} {part}" if before else part


def _newest_first(part: str, turn: Turn) -> str:
    """The same for a computation, which takes the first figure that it finds."""
    before = _leans_on(part, turn)
    return f"{part} {before}" if before else part


def _leans_on(part: str, turn: Turn) -> str:
    asked = [m["content"] for m in turn["history"] if m["role"] == "user"]
    return asked[-1] if asked and is_follow_up(part) else ""


def _computed(asked: Sequence[str], context: Context) -> list[Fact]:
    """The figures of the first part that asks for a rule which computes."""
    answers = (compute(part, context.now()) for part in asked)
    found = next(filter(None, answers), None)
    if found is None:
        return []
    data = {"rule": found.rule, "section_id": found.section_id}
    figures = {"inputs": dict(found.inputs), "result": dict(found.result)}
    return [Fact(kind="computed", source=found.section_id, data=data | figures)]
