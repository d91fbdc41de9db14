"""Forks a turn into a trial: it is played again on a copy, and sends nothing and writes nothing."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict, dataclass, field
from string import Template
from typing import Any, cast
from uuid import UUID

from psycopg.rows import DictRow

from graph.clients import Clients
from graph.inspection.conversation import names_in
from graph.inspection.masking import hidden
from graph.repair.copies import Copy, as_state, copied, copy_of, edited, fresh_graph, thread_config
from graph.repair.dry import Noted, dry_context
from graph.repair.operations import Press, standing_of
from graph.repair.sides import side_of
from graph.repair.values import edit_faults
from graph.trajectory import trajectory_of
from graph.worker import STEPS, turn_of
from nodes.prompts import prompt, trying, versions
from nodes.state import State
from tools.context import Caller, LanguageModel
from tools.errors import OperationRefused, TriaError
from tools.operators.repairs import Repairs
from tools.operators.trials import Trials
from tools.screening.personal import restore
from tools.turns import Turns

TRIAL_SECONDS = 120.0
LONGEST_PROMPT = 20_000
WITHOUT = "none"
MODEL_NAME = re.compile(r"[\w./:@-]{1,100}")


@dataclass(frozen=True)
class Wanted:
    """What a trial is to do otherwise: nothing, or with other texts, another model, other values.

    `checkpoint_id` is from where; without it from the turn's beginning. `model` is empty for the
    same, or "none".
    """

    checkpoint_id: str | None = None
    prompts: Mapping[str, str] = field(default_factory=dict)
    model: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


async def fork(clients: Clients, run_id: UUID, wanted: Wanted, press: Press) -> UUID:
    """Play the turn again, once for each press, and keep what came of it; the trial's id.

    Raises OperationRefused, and NoSuchRun where there is no such run.
    """
    run = await standing_of(Repairs(clients.pool), run_id)
    _check(wanted)
    trials = Trials(clients.pool)
    known = {"trial_id": press.once, "staff_id": press.staff_id, "wanted": asdict(wanted)}
    if not await trials.begin(run, known):
        return press.once
    try:
        async with asyncio.timeout(TRIAL_SECONDS):
            await trials.end(press.once, await _compared(clients, run, wanted))
    except OperationRefused:
        await trials.forget(press.once)
        raise
    except Exception as error:  # noqa: BLE001 (whatever a turn raises is what the trial shows)
        code = error.code if isinstance(error, TriaError) else type(error).__name__
        await trials.fail(press.once, code)
    return press.once


async def draft_reply(clients: Clients, thread_id: UUID, *, masked: bool = False) -> str:
    """What the assistant would answer to the customer's last message, for a person to edit.

    Who is to send it needs it with the customer's data; for others it is masked. Raises
    OperationRefused where there is nothing to answer.
    """
    run = await Trials(clients.pool).last_asked(thread_id)
    if run is None:
        raise OperationRefused("The customer has not written anything yet.")
    try:
        async with asyncio.timeout(TRIAL_SECONDS):
            state, _ = await _played(clients, run, Wanted())
    except TimeoutError:
        raise OperationRefused("No draft came in time. Write the answer yourself.") from None
    except OperationRefused:
        raise
    except Exception as error:  # whatever a turn raises, a person can still write
        raise OperationRefused("No draft could be made. Write the answer yourself.") from error
    text = str((state.get("reply") or {}).get("text", ""))
    if masked:
        return str(hidden(text, await names_in(clients, run["scope"])))
    return restore(text, (state.get("screened") or {}).get("personal", {}))


async def _compared(clients: Clients, run: DictRow, wanted: Wanted) -> dict[str, Any]:
    was = await trajectory_of(clients.graph, run["graph_thread"])
    _, now = await _played(clients, run, wanted)
    return {"was": side_of(was.state, was.nodes), "now": now}


async def _played(
    clients: Clients, run: DictRow, wanted: Wanted
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The state that it led to, and it as one side of a comparison."""
    noted = Noted()
    caller = Caller.of(run["scope"])
    start, copy = await _beginning(clients, run, wanted)
    config = thread_config(run["graph_thread"])
    config["recursion_limit"] = STEPS
    async with (
        _model(clients, wanted.model) as model,
        dry_context(clients, caller, model, noted) as context,
    ):
        with trying(wanted.prompts):
            stream = copy.astream(start, config, context=context, stream_mode="values")
            async with aclosing(cast(Any, stream)) as parts:
                async for _ in parts:
                    pass
    played = await trajectory_of(copy, run["graph_thread"])
    return played.state, side_of(played.state, played.nodes, noted.would)


async def _beginning(clients: Clients, run: DictRow, wanted: Wanted) -> tuple[Any, Any]:
    """The input, and a graph whose memory holds where it begins."""
    if wanted.checkpoint_id:
        copy = await _from_checkpoint(clients, run, wanted)
        return None, copy.graph
    if wanted.values:
        raise OperationRefused("Choose the checkpoint from which these values are to stand.")
    first = await copied(clients.saver, run["graph_thread"], None)
    turn = first.saved.checkpoint["channel_values"].get("turn") if first else None
    if turn is None:
        turn = turn_of(run, await Turns(clients.pool).opening(run))
    return State(turn=turn), fresh_graph()


async def _from_checkpoint(clients: Clients, run: DictRow, wanted: Wanted) -> Copy:
    copy = await copied(clients.saver, run["graph_thread"], wanted.checkpoint_id)
    if copy is None:
        raise OperationRefused("This checkpoint is not kept any more: fork from the beginning.")
    if not (await copy.snapshot()).next:
        raise OperationRefused("Nothing comes after this checkpoint: choose an earlier one.")
    if not wanted.values:
        return copy
    state = copy.saved.checkpoint["channel_values"]
    for fault in edit_faults(wanted.values, state):
        raise OperationRefused(fault)
    changed = await edited(copy.memory, copy.saved, as_state(wanted.values, state))
    place = thread_config(run["graph_thread"], changed)
    saved = await copy.memory.aget_tuple(place)
    assert saved is not None  # noqa: S101 (stored just now)
    return await copy_of(saved)


@asynccontextmanager
async def _model(clients: Clients, name: str) -> AsyncIterator[LanguageModel | None]:
    """The model of that name, at the same service and within the same budget."""
    if not name or clients.model is None or name == clients.model.name:
        yield clients.model
        return
    if name == WITHOUT:
        yield None
        return
    from tools.model.client import Model  # noqa: PLC0415 (see tools/context.py)

    if not isinstance(clients.model, Model):
        raise OperationRefused("The configured model cannot be exchanged here.")
    model = clients.model.called(name)
    try:
        yield model
    finally:
        await model.aclose()


def _check(wanted: Wanted) -> None:
    """Raises OperationRefused for a prompt that nodes could not fill, or a name of no model."""
    if wanted.model and not MODEL_NAME.fullmatch(wanted.model):
        raise OperationRefused("model: a name has letters, digits and . / : @ - alone.")
    for name, text in wanted.prompts.items():
        if name not in versions():
            known = ", ".join(versions())
            raise OperationRefused(f"prompts: there is no '{name}'. There are {known}.")
        if not text.strip() or len(text) > LONGEST_PROMPT:
            raise OperationRefused(
                f"prompts.{name}: empty, or above {LONGEST_PROMPT:,} characters."
            )
        _check_places(name, Template(text))


def _check_places(name: str, tried: Template) -> None:
    if not tried.is_valid():
        raise OperationRefused(f"prompts.{name}: write $$ for a dollar sign.")
    if unknown := set(tried.get_identifiers()) - set(prompt(name).get_identifiers()):
        raise OperationRefused(f"prompts.{name}: nothing fills ${{{min(unknown)}}}.")
