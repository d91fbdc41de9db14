"""Commands to a conversation: start a run, answer what one asks. One JSON answer each."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, HTTPException
from psycopg.rows import DictRow
from pydantic import Field, ValidationError

from api.auth import RunWriter
from api.dependencies import ClientsOf
from api.idempotency import KeyOf
from api.presentation import ASSISTANT_ID
from api.principals import Principal
from api.run_requests import Made, start_run
from api.schemas import Body, RunCreate
from api.threads import ThreadId, own_thread
from graph.clients import Clients
from monitoring.requests import request_trace

router = APIRouter(tags=["runs"])

# What a thread's stream may be asked for, whoever started the run.
STREAM_MODES = ["values", "messages-tuple", "updates", "custom", "tasks", "checkpoints"]
STRATEGIES = {"reject", "enqueue", "interrupt", "rollback"}

# What is wrong with a command itself; the rest keeps its HTTP status.
CODES = {403: "permission_denied", 422: "invalid_argument"}

Params = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """Who commands which conversation, and the run that this makes."""

    thread_id: UUID
    clients: Clients
    principal: Principal
    made: Made


class CommandRefused(Exception):
    """The command cannot be followed; the answer says so in the protocol's words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Command(Body):
    """One command, numbered by the client."""

    id: Annotated[int, Field(ge=0, le=2**53 - 1)]
    method: Annotated[str, Field(max_length=100)]
    params: Annotated[Params, Field(default_factory=dict)]


@router.post("/threads/{thread_id}/commands")
async def command_thread(
    thread_id: ThreadId, body: Command, clients: ClientsOf, principal: RunWriter, key: KeyOf
) -> dict[str, Any]:
    """Follow one command. What is wrong with it stands in the answer, under status 200."""
    return await answer(
        Asked(thread_id, clients, principal, Made(key.identity, key.is_repeat)), body
    )


async def answer(asked: Asked, command: Command) -> dict[str, Any]:
    """The protocol's answer to a command."""
    try:
        follow = COMMANDS.get(command.method)
        if follow is None:
            raise CommandRefused("unknown_command", f"Unknown command: {command.method}")
        result = await follow(asked, command.params)
    except CommandRefused as refused:
        return refusal(command.id, refused)
    except HTTPException as refused:
        if refused.status_code not in CODES:
            raise
        code = CODES[refused.status_code]
        return refusal(command.id, CommandRefused(code, str(refused.detail)))
    return success(command.id, result)


def success(command_id: int, result: Params) -> dict[str, Any]:
    """The answer to a command that was followed."""
    # A stream always begins at the start: nothing is behind it.
    meta = {"applied_through_seq": 0} | _trace()
    return {"type": "success", "id": command_id, "result": result, "meta": meta}


def refusal(command_id: int | None, refused: CommandRefused) -> dict[str, Any]:
    """The answer to a command that was not."""
    told = {"error": refused.code, "message": str(refused), "meta": _trace()}
    return {"type": "error", "id": command_id, **told}


def _trace() -> dict[str, str]:
    """Over a socket nothing else tells it."""
    return {"trace_id": origin.trace_id} if (origin := request_trace.get()) else {}


async def _start_run(asked: Asked, params: Params) -> Params:
    strategy = params.get("multitaskStrategy")
    body = _run_create(
        params,
        input=params.get("input"),
        multitask_strategy=strategy if strategy in STRATEGIES else "enqueue",
    )
    run = await _begun(asked, body)
    return {"run_id": str(run["run_id"])}


async def _begun(asked: Asked, body: RunCreate) -> DictRow:
    return await start_run(asked.thread_id, body, asked.clients, asked.principal, asked.made)


async def _respond(asked: Asked, params: Params) -> Params:
    """Answer what the conversation asks: there is one thing at most, so its id says no more."""
    await own_thread(asked.thread_id, asked.clients, asked.principal)
    answers = params.get("responses") or [params]
    if not isinstance(answers, list) or len(answers) != 1 or not isinstance(answers[0], dict):
        raise CommandRefused("invalid_argument", "A conversation asks one thing at a time.")
    command = {
        "resume": answers[0].get("response"),
        "update": params.get("update"),
        "goto": params.get("goto"),
    }
    command = {key: value for key, value in command.items() if value is not None}
    body = _run_create(params | {"assistant_id": ASSISTANT_ID}, command=command)
    await _begun(asked, body)
    return {}


def _run_create(params: Params, **fields: object) -> RunCreate:
    config = params.get("config") or {}
    configurable = config.get("configurable", {}) if isinstance(config, dict) else {}
    checkpoint_id = configurable.get("checkpoint_id") if isinstance(configurable, dict) else None
    body = {
        "assistant_id": params.get("assistant_id"),
        "config": config,
        "metadata": params.get("metadata") or {},
        "checkpoint_id": checkpoint_id,
        "stream_mode": STREAM_MODES,
        "stream_resumable": True,
        "if_not_exists": "create",
        **fields,
    }
    try:
        return RunCreate.model_validate(body)
    except ValidationError as error:
        raise CommandRefused("invalid_argument", _faults(error)) from error


def _faults(error: ValidationError) -> str:
    """The fields and what is wrong with them, never their values."""
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())


async def _get_tree(asked: Asked, params: Params) -> Params:
    thread = await own_thread(asked.thread_id, asked.clients, asked.principal)
    status = {"busy": "running", "error": "failed", "interrupted": "interrupted"}
    tree = {"namespace": [], "graph_name": "tria"}
    return {"tree": tree | {"status": status.get(thread["status"], "completed")}}


COMMANDS: dict[str, Callable[[Asked, Params], Awaitable[Params]]] = {
    "run.start": _start_run,
    "input.respond": _respond,
    "agent.getTree": _get_tree,
}
