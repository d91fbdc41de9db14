"""Assistants, and what clients ask a server first. There is one assistant: this service."""

from importlib.metadata import version
from typing import Any
from uuid import UUID

from fastapi import APIRouter, HTTPException, Request, Response

from api.auth import Reader
from api.dependencies import ClientsOf
from api.errors import not_found
from api.presentation import ASSISTANT_ID, GRAPH, assistant_json
from api.thread_schemas import AssistantCreate, AssistantLatest, AssistantSearch

router = APIRouter(tags=["assistants"])
ONLY_ONE = f"There is one assistant, and whoever runs this service configures it: use '{GRAPH}'."


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
    body: AssistantSearch, request: Request, response: Response, principal: Reader
) -> list[dict[str, Any]]:
    """List the assistant."""
    shown = assistant_json(request.app.state.since)
    found = [shown] if _is_wanted(body) and body.offset == 0 else []
    response.headers["x-pagination-total"] = str(len(found))
    return found


@router.post("/assistants/count")
async def count_assistants(body: AssistantSearch, principal: Reader) -> int:
    """How many assistants there are."""
    return int(_is_wanted(body))


@router.post("/assistants")
async def create_assistant(
    body: AssistantCreate, request: Request, principal: Reader
) -> dict[str, Any]:
    """The assistant, where a client makes sure that it is there; else there is only this one."""
    if body.graph_id != GRAPH or body.if_exists != "do_nothing":
        raise HTTPException(403, ONLY_ONE)
    return assistant_json(request.app.state.since)


@router.get("/assistants/{assistant_id}")
async def get_assistant(assistant_id: str, request: Request, principal: Reader) -> dict[str, Any]:
    """The assistant by its id or name."""
    check_assistant(assistant_id)
    return assistant_json(request.app.state.since)


@router.patch("/assistants/{assistant_id}")
@router.delete("/assistants/{assistant_id}")
async def change_assistant(assistant_id: str, principal: Reader) -> None:
    """Nobody changes the assistant."""
    check_assistant(assistant_id)
    raise HTTPException(403, ONLY_ONE)


@router.post("/assistants/{assistant_id}/versions")
async def list_versions(
    assistant_id: str, request: Request, principal: Reader
) -> list[dict[str, Any]]:
    """The assistant's only version."""
    check_assistant(assistant_id)
    return [assistant_json(request.app.state.since)]


@router.post("/assistants/{assistant_id}/latest")
async def set_latest(
    assistant_id: str, body: AssistantLatest, request: Request, principal: Reader
) -> dict[str, Any]:
    """Use the assistant's only version."""
    check_assistant(assistant_id)
    if body.version != 1:
        raise HTTPException(404, f"Version {body.version} of the assistant not found")
    return assistant_json(request.app.state.since)


@router.get("/assistants/{assistant_id}/graph")
async def get_graph(assistant_id: str, clients: ClientsOf, principal: Reader) -> dict[str, Any]:
    """The state machine's nodes and edges."""
    check_assistant(assistant_id)
    graph: dict[str, Any] = clients.graph.get_graph().to_json()
    for node in graph["nodes"]:
        node.get("data", {}).pop("id", None)  # where the code is, is nobody's business
    return graph


@router.get("/assistants/{assistant_id}/subgraphs")
@router.get("/assistants/{assistant_id}/subgraphs/{namespace}")
async def get_subgraphs(assistant_id: str, principal: Reader) -> dict[str, Any]:
    """There are none inside it."""
    check_assistant(assistant_id)
    return {}


@router.get("/assistants/{assistant_id}/schemas")
async def get_schemas(assistant_id: str, clients: ClientsOf, principal: Reader) -> dict[str, Any]:
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


def _is_wanted(body: AssistantSearch) -> bool:
    made_by = body.metadata or {}
    is_named = body.graph_id in (None, GRAPH) and (body.name or "").lower() in GRAPH
    return is_named and made_by.items() <= {"created_by": "system"}.items()


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
