"""Repairing runs over HTTP, for staff: look, preview, do, fork, and resume all of a kind."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, HTTPException, Path
from psycopg.rows import DictRow
from pydantic import AwareDatetime, Field

from api.dependencies import ClientsOf
from api.errors import not_found
from api.schemas import Body, Text
from api.staff import StaffMember, Supervisor
from api.tokens import Staff
from graph.clients import Clients, now
from graph.inspection.conversation import fit, names_in
from graph.repair.bulk import Failed, find_failed, resume_all
from graph.repair.operations import NoSuchRun, Press, Repair, carry_out
from graph.repair.previews import preview
from graph.repair.standing import Operation
from graph.repair.steps import checkpoints_of, look_at
from graph.repair.trial import Wanted, fork
from tools.operators.repairs import Repairs
from tools.operators.trials import Trials

router = APIRouter(prefix="/admin", tags=["console"])

RunId = Annotated[UUID, Path(description="The run's id")]
CheckpointId = Annotated[str, Field(max_length=100, pattern=r"^[^\x00]+$")]
Name = Annotated[str, Field(max_length=100)]
# What agents do too: it changes nothing of what a turn knew.
OF_AGENTS: frozenset[Operation] = frozenset(("resume", "retry"))
FOR_SUPERVISORS = "Only a supervisor may do this: ask one. You may resume and retry."
SINCE = timedelta(hours=24)


class Asked(Body):
    """An operation on a run. `once` makes it safe to send again."""

    operation: Literal["resume", "retry", "skip", "edit", "abandon"]
    checkpoint_id: CheckpointId | None = None
    node: Name | None = None
    values: dict[str, Any] = Field(default_factory=dict)
    message: Annotated[Text, Field(max_length=4000)] = ""
    once: UUID = Field(default_factory=uuid4)


class Forked(Body):
    """A trial: from where, and what is otherwise in it."""

    checkpoint_id: CheckpointId | None = None
    prompts: dict[Name, Text] = Field(default_factory=dict)
    model: Name = ""
    values: dict[str, Any] = Field(default_factory=dict)
    once: UUID = Field(default_factory=uuid4)


class All(Body):
    """All runs that failed with one error; since a day ago unless told else."""

    error: Name
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    dry_run: bool = True
    once: UUID = Field(default_factory=uuid4)


@router.get("/runs/{run_id}/checkpoints")
async def list_checkpoints(run_id: RunId, clients: ClientsOf, staff: StaffMember) -> dict[str, Any]:
    """The turn's checkpoints in order, and what operators did to it."""
    run = await run_of(clients, run_id)
    kept = await checkpoints_of(clients, run)
    trail = await Repairs(clients.pool).trail(run_id)
    return {"checkpoints": [asdict(each) for each in kept], "repairs": trail}


@router.get("/runs/{run_id}/checkpoints/{checkpoint_id}")
async def get_checkpoint(
    run_id: RunId, checkpoint_id: str, clients: ClientsOf, staff: StaffMember
) -> dict[str, Any]:
    """One checkpoint's state, masked, and what is different from the one before it."""
    run = await run_of(clients, run_id)
    look = await look_at(clients, run, checkpoint_id, masked=True)
    if look is None:
        raise not_found("Checkpoint", checkpoint_id)
    return asdict(look)


@router.post("/runs/{run_id}/repairs/preview")
async def preview_repair(
    run_id: RunId, body: Asked, clients: ClientsOf, staff: StaffMember
) -> dict[str, Any]:
    """What an operation would do. It does nothing."""
    check_role(staff, body.operation)
    try:
        return asdict(await preview(clients, run_id, repair_of(body)))
    except NoSuchRun as error:
        raise not_found("Run", run_id) from error


@router.post("/runs/{run_id}/repairs")
async def repair(
    run_id: RunId, body: Asked, clients: ClientsOf, staff: StaffMember
) -> dict[str, Any]:
    """Resume, retry, skip, edit or abandon; 409 says why it cannot be done and what can."""
    check_role(staff, body.operation)
    try:
        done = await carry_out(clients, run_id, repair_of(body), press_of(staff, body.once))
    except NoSuchRun as error:
        raise not_found("Run", run_id) from error
    return asdict(done)


@router.post("/runs/{run_id}/trials")
async def begin_trial(
    run_id: RunId, body: Forked, clients: ClientsOf, staff: Supervisor
) -> dict[str, Any]:
    """Play the turn again with nothing sent or written, and compare."""
    wanted = Wanted(body.checkpoint_id, body.prompts, body.model, body.values)
    try:
        trial_id = await fork(clients, run_id, wanted, press_of(staff, body.once))
    except NoSuchRun as error:
        raise not_found("Run", run_id) from error
    return await trial_json(clients, await trial_of(clients, trial_id), masked=True)


@router.get("/trials/{trial_id}")
async def get_trial(
    trial_id: Annotated[UUID, Path(description="The trial's id")],
    clients: ClientsOf,
    staff: StaffMember,
) -> dict[str, Any]:
    """A trial beside what happened, masked."""
    return await trial_json(clients, await trial_of(clients, trial_id), masked=True)


@router.post("/runs/resume-all")
async def resume_all_failed(body: All, clients: ClientsOf, staff: Supervisor) -> dict[str, Any]:
    """List all runs that failed with an error, or resume them (`dry_run` false)."""
    failed = failed_of(body.error, body.since, body.until)
    if body.dry_run:
        return {"dry_run": True, "runs": await find_failed(clients, failed)}
    return {"dry_run": False} | asdict(
        await resume_all(clients, failed, press_of(staff, body.once))
    )


def failed_of(error: str, since: datetime | None, until: datetime | None) -> Failed:
    """What is meant by an error and two times, either of which may be missing."""
    end = until or now()
    return Failed(error, since or end - SINCE, end)


def check_role(staff: Staff, operation: Operation) -> None:
    """403 for an agent who would change what a turn knew, or end it."""
    if operation not in OF_AGENTS and not (staff.is_supervisor or staff.is_admin):
        raise HTTPException(403, FOR_SUPERVISORS)


def repair_of(body: Asked) -> Repair:
    """What a request asks for."""
    return Repair(body.operation, body.checkpoint_id, body.node, body.values, body.message)


def press_of(staff: Staff, once: UUID) -> Press:
    """Who asks, and which press it is."""
    return Press(staff.staff_id, staff.name, once)


async def run_of(clients: Clients, run_id: UUID) -> DictRow:
    """The run as it stands, else 404."""
    run = await Repairs(clients.pool).standing(run_id)
    if run is None:
        raise not_found("Run", run_id)
    return run


async def trial_of(clients: Clients, trial_id: UUID) -> DictRow:
    """The trial, else 404."""
    found = await Trials(clients.pool).get(trial_id)
    if found is None:
        raise not_found("Trial", trial_id)
    return found


async def trial_json(clients: Clients, trial: DictRow, *, masked: bool) -> dict[str, Any]:
    """A trial as it may be shown. Texts that were tried are shown as they are."""
    run = await run_of(clients, trial["run_id"])
    names = await names_in(clients, run["scope"])
    shown = {key: trial[key] for key in ("outcome",)} | {"values": trial["wanted"]["values"]}
    fitted = fit(shown, names, masked=masked)
    return {
        **trial,
        "outcome": fitted["outcome"],
        "wanted": {**trial["wanted"], "values": fitted["values"]},
    }
