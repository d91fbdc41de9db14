"""The pages on which a turn is looked into and repaired: its steps, a form, a preview."""

from typing import Annotated, Any
from uuid import UUID, uuid4

import orjson
from fastapi import APIRouter, Form, Query, Request, Response
from psycopg.rows import DictRow
from pydantic import BaseModel, Field

from api.console.rendering import render, see
from api.console.session import Operator, SupervisorOperator
from api.console.unmasking import may_unmask, sees_all
from api.dependencies import ClientsOf
from api.errors import not_found
from api.operations.repair import check_role, press_of, run_of
from api.tokens import Staff
from graph.clients import Clients
from graph.repair.examples import EXAMPLES
from graph.repair.operations import Repair, carry_out
from graph.repair.previews import preview
from graph.repair.standing import Operation, is_stuck, refusal
from graph.repair.steps import Look, checkpoints_of, look_at, pretty
from graph.repair.values import EDITABLE, GUARDED
from nodes.prompts import prompt, versions
from tools.errors import OperationRefused
from tools.operators.repairs import Repairs
from tools.operators.trials import Trials

router = APIRouter(include_in_schema=False, prefix="/console/runs/{run_id}")

LONGEST_JSON = 200_000
LONGEST_MESSAGE = 4000
DONE: dict[Operation, str] = {
    "resume": "Resumed. The turn goes on.",
    "retry": "Sent back. The turn goes on from there.",
    "skip": "Skipped. The turn goes on behind that step.",
    "edit": "Changed. The turn goes on.",
    "abandon": "Abandoned. The customer has its answer.",
}
AGAIN = "This was done already. Nothing was done a second time."
NO_JSON = "The values are no JSON object. Write one, as in the example."


class Filled(BaseModel):
    """A form for a repair, as far as somebody has filled it."""

    operation: Operation
    checkpoint_id: str = Field("", max_length=100)
    node: str = Field("", max_length=100)
    values: str = Field("", max_length=LONGEST_JSON)
    message: str = Field("", max_length=LONGEST_MESSAGE)

    def repair(self) -> Repair:
        """What it asks for; raises OperationRefused where its JSON is none."""
        where = (self.checkpoint_id or None, self.node or None)
        return Repair(self.operation, *where, json_object(self.values), self.message)


class Confirmed(Filled):
    """The same, once its preview was read."""

    once: UUID


class Changing(BaseModel):
    """Which step is to be skipped, or which key of the state changed."""

    operation: Operation
    checkpoint_id: str = Field("", max_length=100)
    node: str = Field("", max_length=100)
    key: str = Field("", max_length=100)


@router.get("")
async def run_page(
    request: Request, run_id: UUID, clients: ClientsOf, staff: Operator, at: str = ""
) -> Response:
    """A turn's steps in order, one checkpoint's state, and what can be done."""
    run = await run_of(clients, run_id)
    kept = await checkpoints_of(clients, run)
    chosen = at or (kept[-1].checkpoint_id if kept else "")
    is_masked = not sees_all(request, staff, run["thread_id"])
    look = await look_at(clients, run, chosen, masked=is_masked) if chosen else None
    if at and look is None:
        raise not_found("Checkpoint", at)
    return render(
        request,
        "run.html",
        staff=staff,
        here="conversations",
        run=run,
        checkpoints=kept,
        look=look,
        state={key: pretty(value) for key, value in look.state.items()} if look else {},
        is_masked=is_masked,
        **_may(run, staff),
        **await _around(clients, run),
    )


@router.get("/change")
async def change_page(
    request: Request,
    run_id: UUID,
    clients: ClientsOf,
    staff: SupervisorOperator,
    asked: Annotated[Changing, Query()],
) -> Response:
    """A form for a step's result, for other values, or for a message."""
    run = await run_of(clients, run_id)
    begun = EXAMPLES.get(asked.node, {})
    if asked.operation == "edit":
        is_masked = not sees_all(request, staff, run["thread_id"])
        look = await look_at(clients, run, asked.checkpoint_id, masked=is_masked)
        begun = {asked.key: _value(look, asked.key)} if asked.key in EDITABLE else {}
    filled = Filled(
        operation=asked.operation,
        checkpoint_id=asked.checkpoint_id,
        node=asked.node,
        values=pretty(begun) if begun else "",
    )
    return _form(request, staff, run, filled)


@router.post("/preview")
async def preview_page(
    request: Request,
    run_id: UUID,
    clients: ClientsOf,
    staff: Operator,
    filled: Annotated[Filled, Form()],
) -> Response:
    """What would be done, to be confirmed. A refusal leaves what was written in its form."""
    check_role(staff, filled.operation)
    run = await run_of(clients, run_id)
    try:
        shown = await preview(clients, run_id, filled.repair())
    except OperationRefused as error:
        return _form(request, staff, run, filled, problem=str(error))
    return render(
        request,
        "repair/preview.html",
        staff=staff,
        here="conversations",
        run=run,
        filled=filled,
        shown=shown,
        once=uuid4(),
    )


@router.post("/repairs")
async def repair_run(
    request: Request,
    run_id: UUID,
    clients: ClientsOf,
    staff: Operator,
    filled: Annotated[Confirmed, Form()],
) -> Response:
    """Do what was previewed, once."""
    check_role(staff, filled.operation)
    run = await run_of(clients, run_id)
    try:
        done = await carry_out(clients, run_id, filled.repair(), press_of(staff, filled.once))
    except OperationRefused as error:
        return _form(request, staff, run, filled, problem=str(error))
    return see(request, f"runs/{run_id}", AGAIN if done.is_repeat else DONE[done.operation])


def json_object(text: str) -> dict[str, Any]:
    """What a form holds as JSON; nothing is an empty object. Raises OperationRefused."""
    if not text.strip():
        return {}
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise OperationRefused(f"{NO_JSON} It ends to make sense in line {error.lineno}.") from None
    if not isinstance(value, dict):
        raise OperationRefused(NO_JSON)
    return value


def _form(
    request: Request, staff: Staff, run: DictRow, filled: Filled, problem: str = ""
) -> Response:
    return render(
        request,
        "repair/change.html",
        staff=staff,
        status=409 if problem else 200,
        here="conversations",
        run=run,
        filled=filled,
        problem=problem,
    )


def _value(look: Look | None, key: str) -> Any:
    """What stands under a key; of the focus, in the turn."""
    state = look.state if look else {}
    return (state.get("turn") or {}).get("focus") if key == "focus" else state.get(key)


def _may(run: DictRow, staff: Staff) -> dict[str, Any]:
    """What can be done to the run, and by whom who looks at it."""
    return {
        "refusals": {operation: refusal(run, operation) for operation in DONE},
        "is_stuck": is_stuck(run),
        "may_change": staff.is_supervisor or staff.is_admin,
        "may_unmask": may_unmask(staff),
        "editable": EDITABLE,
        "guarded": GUARDED,
    }


async def _around(clients: Clients, run: DictRow) -> dict[str, Any]:
    """Its writes, what was done to it, and what can be tried with it."""
    repairs = Repairs(clients.pool)
    return {
        "cards": await repairs.cards(run),
        "trail": await repairs.trail(run["run_id"]),
        "trials": await Trials(clients.pool).of_run(run["run_id"]),
        "prompts": {name: prompt(name).template for name in versions()},
        "model": clients.model.name if clients.model else "",
    }
