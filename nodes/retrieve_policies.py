"""Find the passages of the company's policies that the message is about."""

import asyncio
from typing import Any

from langgraph.runtime import Runtime

from nodes.state import State
from tools.context import Context
from tools.errors import BackendUnavailable
from tools.intents import parts_of

PASSAGES = 3


async def retrieve_policies(state: State, runtime: Runtime[Context]) -> State:
    """Search for each part of the message; without the search engine the turn goes on."""
    text = state["screened"]["masked"]
    parts = parts_of(text)
    asked = [text, *parts] if len(parts) > 1 else [text]
    try:
        passages = await asyncio.gather(*(_search(part, runtime.context) for part in asked))
    except BackendUnavailable:
        return {
            "passages": [],
            "facts": [{"kind": "unavailable", "source": "policies", "data": {"part": "policies"}}],
        }
    return {"passages": [passage for found in passages for passage in found]}


async def _search(asked: str, context: Context) -> list[dict[str, Any]]:
    """Passages, each with the part of the message that it answers."""
    return [dict(p) | {"asked": asked} for p in await context.knowledge.search(asked, k=PASSAGES)]
