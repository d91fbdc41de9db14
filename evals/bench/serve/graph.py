"""The graph that is served: five nodes and a model that writes forty tokens at a known pace."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime

from nodes.state import State

TOKENS = tuple(f"word{number} " for number in range(40))
REPLY = "".join(TOKENS).strip()
PACE = re.compile(r"every (\d+) ms")
PASSAGE = "Orders placed before noon are delivered on the next working day. " * 6


def question(pace_ms: int) -> str:
    """A message that is answered at a pace; 0 is a model without delay."""
    return f"Write forty words, one every {pace_ms} ms."


def wiring(schema: Any = State, last: Any = None) -> StateGraph[Any, Any, Any, Any]:
    """The graph before it is compiled; whoever keeps more than ours has a last node of its own."""
    graph = StateGraph(schema)
    steps: list[Any] = [load_context, classify, retrieve, respond, ("finalize", last or finalize)]
    graph.add_sequence(steps)
    graph.add_edge(START, "load_context")
    return graph


def build_graph(saver: BaseCheckpointSaver[str]) -> Any:
    """The graph as our service runs it."""
    return wiring().compile(checkpointer=saver, name="bench")


async def load_context(state: State) -> State:
    """Take the message in."""
    text = state["turn"]["text"]
    return {
        "screened": {
            "text": text,
            "masked": text,
            "language": "en",
            "injection": 0.0,
            "personal": {},
        }
    }


async def classify(state: State) -> State:
    """Find the one intent."""
    part = state["screened"]["text"]
    return {
        "understanding": {
            "intents": [{"name": "policy", "confidence": 0.9, "part": part}],
            "entities": [],
            "order": None,
            "is_urgent": False,
            "sentiment": "neutral",
            "misunderstood": 0,
            "by": "classifier",
        }
    }


async def retrieve(_: State) -> State:
    """Find five passages."""
    return {
        "passages": [
            {"id": f"delivery-{n}", "title": "Delivery", "section": str(n), "text": PASSAGE}
            for n in range(5)
        ]
    }


async def respond(state: State, runtime: Runtime[Any]) -> State:
    """Stream the model's tokens as they come."""
    runtime.stream_writer({"type": "reset"})
    async for token in _model(state["screened"]["text"]):
        runtime.stream_writer({"type": "sentence", "text": token})
    cited = [passage["id"] for passage in state["passages"][:1]]
    return {"reply": {"text": REPLY, "by": "model", "citations": cited, "is_shared": False}}


async def finalize(_: State) -> State:
    """Let the reply pass."""
    return {"verdict": {"passed": True, "problems": [], "tries": 1}}


async def _model(text: str) -> AsyncIterator[str]:
    """Tokens on the model's own clock: it does not wait for whoever reads it."""
    found = PACE.search(text)
    between = int(found[1]) / 1000 if found else 0.0
    started = time.monotonic()
    for number, token in enumerate(TOKENS, 1):
        due = started + number * between
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        yield token
