"""The baseline: FastAPI, LangGraph and its stock saver on a pool. No queue and no resume.

A turn lives in its request: when the client or the process goes, so does the turn.
"""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import uuid4

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.graph import add_messages

from evals.bench.serve.graph import finalize, wiring
from graph.public import chunk_json
from nodes.state import State
from tools.database import make_pool

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Conversation(State):
    """What a chat keeps from turn to turn: the whole state, with its messages."""

    messages: Annotated[list[AnyMessage], add_messages]


def main() -> None:
    """Serve on the given port and database until SIGTERM."""
    port, database = sys.argv[1:]
    uvicorn.run(_app(database), host="127.0.0.1", port=int(port), log_level="warning")


def _app(database: str) -> FastAPI:
    pool = make_pool(database)
    graphs: list[Any] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with pool:
            saver = AsyncPostgresSaver(pool)
            graphs.append(wiring(Conversation, _finalize).compile(checkpointer=saver))
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/health/ready")
    async def ready() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/threads")
    async def create_thread() -> dict[str, str]:
        return {"thread_id": str(uuid4())}

    @app.post("/threads/{thread_id}/runs/stream")
    async def stream_run(thread_id: str, body: dict[str, Any]) -> StreamingResponse:
        events = _events(graphs[0], thread_id, body["input"]["messages"][-1]["content"])
        return StreamingResponse(events, media_type="text/event-stream", headers=HEADERS)

    return app


async def _events(graph: Any, thread_id: str, text: str) -> AsyncIterator[bytes]:
    """A turn as it goes: a `messages` event for each token, `values` after each superstep."""
    run_id, answer_id = str(uuid4()), str(uuid4())
    meta = {"run_id": run_id, "thread_id": thread_id, "langgraph_node": "respond"}
    yield _event("metadata", {"run_id": run_id, "attempt": 1})
    async for mode, data in graph.astream(
        {"turn": {"text": text, "run_id": answer_id}, "messages": [HumanMessage(text)]},
        {"configurable": {"thread_id": thread_id}},
        stream_mode=["custom", "values"],
    ):
        if mode == "values":
            yield _event("values", data | {"messages": [m.model_dump() for m in data["messages"]]})
        elif data["type"] == "sentence":
            yield _event("messages", [chunk_json(answer_id, data["text"]), meta])


async def _finalize(state: Conversation) -> dict[str, Any]:
    """Let the reply pass and keep it."""
    answer = AIMessage(state["reply"]["text"], id=state["turn"]["run_id"])
    return {**await finalize(state), "messages": [answer]}


def _event(name: str, data: object) -> bytes:
    return f"event: {name}\r\ndata: {json.dumps(data)}\r\n\r\n".encode()


if __name__ == "__main__":
    main()
