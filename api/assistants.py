"""Assistants, and what clients ask a server first. There is one assistant: this service."""

from importlib.metadata import version
from typing import Any
from uuid import UUID

from fastapi import APIRouter, HTTPException, Request, Response

from api.auth import SignedIn
from api.dependencies import ClientsOf
from api.errors import not_found
from api.presentation import ASSISTANT_ID, GRAPH, assistant_json
from api.schemas import AssistantSearch

router = APIRouter(tags=["assistants"])


@router.get("/ok", include_in_schema=False)
async def ok() -> dict[str, bool]:
    """Whether the server answers."""
    return {"ok": True}


@router.get("/info")
async def info() -> dict[str, Any]:
    """Versions and what is served."""
    return {
        "version": version("tria"),
        "langgraph_py_version": version("langgraph"),
        "flags": {"assistants": True, "crons": False, "langsmith": False},
        "host": {"kind": "self-hosted"},
    }


@router.post("/assistants/search")
async def search_assistants(
    body: AssistantSearch, request: Request, response: Response, caller: SignedIn
) -> list[dict[str, Any]]:
    """List the assistant."""
    is_asked_for = body.graph_id in (None, GRAPH) and body.offset == 0
    found = [assistant_json(request.app.state.since)] if is_asked_for else []
    response.headers["x-pagination-total"] = str(len(found))
    return found


@router.post("/assistants/count")
async def count_assistants(body: AssistantSearch, caller: SignedIn) -> int:
    """How many assistants there are."""
    return int(body.graph_id in (None, GRAPH))


@router.get("/assistants/{assistant_id}")
async def get_assistant(assistant_id: str, request: Request, caller: SignedIn) -> dict[str, Any]:
    """The assistant by its id or name."""
    check_assistant(assistant_id)
    found: dict[str, Any] = assistant_json(request.app.state.since)
    return found


@router.get("/assistants/{assistant_id}/graph")
async def get_graph(assistant_id: str, clients: ClientsOf, caller: SignedIn) -> dict[str, Any]:
    """The state machine's nodes and edges."""
    check_assistant(assistant_id)
    graph: dict[str, Any] = clients.graph.get_graph().to_json()
    return graph


@router.get("/assistants/{assistant_id}/schemas")
async def get_schemas(assistant_id: str, clients: ClientsOf, caller: SignedIn) -> dict[str, Any]:
    """JSON schemas of what goes in and comes out."""
    check_assistant(assistant_id)
    messages = {
        "type": "object",
        "properties": {"messages": {"type": "array", "items": {"type": "object"}}},
    }
    return {
        "graph_id": GRAPH,
        "input_schema": messages,
        "output_schema": messages,
        "state_schema": clients.graph.get_output_jsonschema(),
        "config_schema": {},
        "context_schema": None,
    }


def check_assistant(assistant_id: str) -> None:
    """Accept the assistant's name or id; else 422 or 404 as clients expect."""
    if assistant_id in (GRAPH, ASSISTANT_ID):
        return
    try:
        UUID(assistant_id)
    except ValueError:
        raise HTTPException(
            422, f"Invalid assistant: must be its UUID or the registered graph: {GRAPH}"
        ) from None
    raise not_found("Assistant", assistant_id)
