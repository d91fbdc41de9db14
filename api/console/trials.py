"""Pages for trials, and for all that failed for one reason."""

from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query, Request, Response
from pydantic import BaseModel, Field

from api.console.rendering import render, see
from api.console.repair import LONGEST_JSON, json_object
from api.console.session import Operator, SupervisorOperator
from api.console.unmasking import sees_all
from api.dependencies import ClientsOf
from api.operations.repair import failed_of, press_of, run_of, trial_json, trial_of
from graph.repair.bulk import MOST, Failed, find_failed, resume_all
from graph.repair.sides import compared
from graph.repair.trial import TRIAL_SECONDS, Wanted, fork
from nodes.prompts import prompt, versions
from tools.errors import OperationRefused
from tools.rules import load_rules

router = APIRouter(include_in_schema=False, prefix="/console")

LONGEST_PROMPT = 20_000
When = Annotated[str, Field(max_length=40)]


class ForkForm(BaseModel):
    """What is to be otherwise in a trial."""

    once: UUID
    checkpoint_id: str = Field("", max_length=100)
    prompt: str = Field("", max_length=100)
    text: str = Field("", max_length=LONGEST_PROMPT)
    model: str = Field("", max_length=100)
    values: str = Field("", max_length=LONGEST_JSON)

    def wanted(self) -> Wanted:
        """The trial; a prompt whose text was left as it is counts as none."""
        text = self.text.replace("\r\n", "\n")
        is_known = self.prompt in versions() and text == prompt(self.prompt).template
        prompts = {} if is_known or not self.prompt else {self.prompt: text}
        where = self.checkpoint_id or None
        return Wanted(where, prompts, self.model.strip(), json_object(self.values))


class FailedForm(BaseModel):
    """All runs that failed with an error in a span of time, in Singapore's."""

    error: str = Field("", max_length=100)
    since: When = ""
    until: When = ""

    def failed(self) -> Failed:
        """What is meant; raises OperationRefused for a time that is none."""
        return failed_of(self.error.strip(), _time(self.since), _time(self.until))


class AllForm(FailedForm):
    """The same, once the list was read."""

    once: UUID


@router.post("/runs/{run_id}/trials")
async def fork_run(
    request: Request,
    run_id: UUID,
    clients: ClientsOf,
    staff: SupervisorOperator,
    form: Annotated[ForkForm, Form()],
) -> Response:
    """Play the turn again without sending or writing anything."""
    await run_of(clients, run_id)
    trial_id = await fork(clients, run_id, form.wanted(), press_of(staff, form.once))
    return see(request, f"trials/{trial_id}")


@router.get("/trials/{trial_id}")
async def trial_page(
    request: Request, trial_id: UUID, clients: ClientsOf, staff: Operator
) -> Response:
    """A trial beside what happened."""
    trial = await trial_of(clients, trial_id)
    is_masked = not sees_all(request, staff, trial["thread_id"])
    shown = await trial_json(clients, trial, masked=is_masked)
    outcome = shown["outcome"] or {}
    return render(
        request,
        "trial.html",
        staff=staff,
        here="conversations",
        trial=shown,
        rows=compared(outcome["was"], outcome["now"]) if outcome else [],
        is_lost=not trial["done_at"] and trial["age_s"] > TRIAL_SECONDS,
    )


@router.get("/failed")
async def failed_page(
    request: Request,
    clients: ClientsOf,
    staff: SupervisorOperator,
    asked: Annotated[FailedForm, Query()],
) -> Response:
    """What failed with one error: the dry run before it is resumed."""
    problem, found = "", []
    try:
        found = await find_failed(clients, asked.failed()) if asked.error else []
    except OperationRefused as error:
        problem = str(error)
    return render(
        request,
        "repair/failed.html",
        staff=staff,
        here="inbox",
        asked=asked,
        found=found,
        most=MOST,
        problem=problem,
    )


@router.post("/failed")
async def resume_failed(
    request: Request,
    clients: ClientsOf,
    staff: SupervisorOperator,
    form: Annotated[AllForm, Form()],
) -> Response:
    """Resume what was listed, at a pace."""
    came = await resume_all(clients, form.failed(), press_of(staff, form.once))
    told = f"{len(came.done)} resumed."
    if came.refused:
        told += f" {len(came.refused)} not: {came.refused[0][1]}"
    # The same list again: what could not be resumed, and what has failed once more.
    again = urlencode(form.model_dump(include={"error", "since", "until"}))
    return see(
        request,
        f"failed?{again}",
        told if came.is_all else f"{told} Some are left: see below.",
    )


def _time(text: str) -> datetime | None:
    """A time as a form's field has it."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise OperationRefused("Write times like 2026-11-28T03:00.") from None
    return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(load_rules().company.timezone))
