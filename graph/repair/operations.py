"""What operators do to a run: resume, retry, skip, edit, abandon; for page, API and terminal.

Each is safe to press twice, and of two operators who press at once one is told that the other was
quicker. Whatever an operator may not do (any more) raises OperationRefused with what to do instead.

A late answer stands under its question, and not at the conversation's end: what the turns after it
knew, and where the conversation may branch, stays as it was. The preview says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from graph.clients import Clients
from graph.persons import show_abandoned
from graph.public import answer_id
from graph.repair.copies import Copy, Writes, as_state, copied, edited, skipped, thread_config
from graph.repair.standing import Operation, refusal, refusal_of_cards
from graph.repair.values import edit_faults, result_faults
from nodes.replies import LANGUAGES, render
from tools.audit import note
from tools.errors import OperationRefused
from tools.operators.repairs import (
    Connection,
    Repairs,
    done,
    end_with,
    locked,
    made_by,
    pressed,
    requeue,
)

LONGEST_MESSAGE = 4000
OVERTAKEN = "A colleague was quicker: load the page to see what was done, and go on from there."
EVENTS: Mapping[Operation, str] = {
    "resume": "run.resumed",
    "retry": "run.retried",
    "skip": "run.step_skipped",
    "edit": "run.edited",
    "abandon": "run.abandoned",
}


class NoSuchRun(LookupError):
    """There is no such run."""


class Overtaken(OperationRefused):
    """A colleague's press was carried out since this one was begun."""


@dataclass(frozen=True)
class Press:
    """Who pressed a button, and which press it is: the same `once` is done once."""

    staff_id: str
    name: str
    once: UUID


@dataclass(frozen=True)
class Repair:
    """What is to be done to a run.

    `checkpoint_id` is where (None: where it stopped). `node` is skipped with `values` as its
    result; or `values` replace what the state holds. `message` is what an abandoned customer reads
    in a colleague's words; without it fixed words are sent.
    """

    operation: Operation
    checkpoint_id: str | None = None
    node: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of it. `is_repeat`: the same press had been done before."""

    run_id: UUID
    thread_id: UUID
    operation: Operation
    is_repeat: bool = False


@dataclass(frozen=True)
class Plan:
    """How a repair is done: from which copied checkpoint, with which values, or what a step left.

    Without a copy the turn begins at its beginning.
    """

    copy: Copy | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    task_id: str = ""
    writes: Writes = field(default_factory=list)


async def carry_out(clients: Clients, run_id: UUID, repair: Repair, press: Press) -> Outcome:
    """Do it, once; raises OperationRefused, and NoSuchRun where there is no such run."""
    repairs = Repairs(clients.pool)
    run = await standing_of(repairs, run_id)
    row = {
        "once": press.once,
        "run_id": run_id,
        "operation": repair.operation,
        "staff_id": press.staff_id,
        "detail": _detail(repair),
    }
    kept = await repairs.begin(row)
    if (kept["run_id"], kept["operation"]) != (run_id, repair.operation):
        raise OperationRefused("This form was sent before, for something else. Load the page.")
    if kept["done_at"]:
        return _outcome(run, repair, is_repeat=True)
    try:
        is_repeat = await _held(clients, run_id, repair, press)
    except Overtaken:  # kept, so that the same press stays late however often it is sent
        raise
    except OperationRefused:
        await repairs.let_go(press.once)
        raise
    if repair.operation == "abandon" and not is_repeat:
        await show_abandoned(clients, run, await standing_of(repairs, run_id))
    return _outcome(run, repair, is_repeat=is_repeat)


async def standing_of(repairs: Repairs, run_id: UUID) -> DictRow:
    """The run with what decides about its repair; raises NoSuchRun."""
    run = await repairs.standing(run_id)
    if run is None:
        raise NoSuchRun(str(run_id))
    return run


async def planned(clients: Clients, run: Mapping[str, Any], repair: Repair) -> Plan:
    """How it would be done; raises OperationRefused where it cannot be."""
    if why := refusal(run, repair.operation):
        raise OperationRefused(why)
    if repair.operation == "abandon":
        _check_message(repair.message)
        return Plan()
    cards = await Repairs(clients.pool).cards(run)
    if why := refusal_of_cards(cards, made_by(run)):
        raise OperationRefused(why)
    copy = await copied(clients.saver, run["graph_thread"], repair.checkpoint_id)
    if copy is None:
        return _from_the_beginning(repair)
    match repair.operation:
        case "skip":
            return await _skipping(copy, repair)
        case "edit":
            return await _editing(copy, repair)
        case _:
            return Plan(copy)


async def _held(clients: Clients, run_id: UUID, repair: Repair, press: Press) -> bool:
    """Do it while the run is held; whether another press with the same number was quicker."""
    async with (
        clients.repairs,
        clients.pool.connection() as connection,
        connection.transaction(),
    ):
        run = await locked(connection, run_id)
        kept = await pressed(connection, press.once)
        if run is None or kept is None:
            raise OperationRefused("This run was deleted just now.")
        if kept["done_at"]:
            return True
        if kept["is_late"]:
            raise Overtaken(OVERTAKEN)
        plan = await planned(clients, run, repair)
        if repair.operation == "abandon":
            await _abandon(clients, connection, run, (repair, press))
        else:
            # Its checkpoint is stored before the run goes on from it. Should this process die in
            # between, the run stands still, and its trail shows who began.
            await _prepare(clients, run, repair, plan)
            await requeue(connection, run)
            await clients.events.forget(run_id)  # before anybody takes it: its end was none
        await note(
            connection, press.staff_id, EVENTS[repair.operation], str(run_id), _detail(repair)
        )
        await done(connection, press.once)
    return False


async def _prepare(clients: Clients, run: Mapping[str, Any], repair: Repair, plan: Plan) -> None:
    """Store the checkpoint from which the run is to go on, where that is not its last one."""
    if plan.copy is None:
        return
    saved = plan.copy.saved
    if plan.values or not plan.copy.is_last:
        behind = await edited(clients.saver, saved, plan.values)
        if plan.writes:  # of the copy's own task: the one behind has tasks of its own
            again = await copied(clients.saver, run["graph_thread"], behind)
            assert again is not None  # noqa: S101 (stored just now)
            plan = await _skipping(again, repair)
            saved = again.saved
    if plan.writes:
        place = saved.config["configurable"]
        config = thread_config(place["thread_id"], place["checkpoint_id"])
        await clients.saver.aput_writes(config, plan.writes, plan.task_id)


async def _abandon(
    clients: Clients,
    connection: Connection,
    run: Mapping[str, Any],
    what: tuple[Repair, Press],
) -> None:
    repair, press = what
    own = repair.message.strip()
    message = {
        "message_id": answer_id(run["run_id"]),
        "content": own or render("abandoned", await language_of(clients, run)),
        "extra": {"person": {"name": press.name}} if own else {},
    }
    await end_with(connection, run, message)


async def language_of(clients: Clients, run: Mapping[str, Any]) -> str:
    """The language in which the customer is answered, as far as the turn knows it."""
    copy = await copied(clients.saver, run["graph_thread"], None)
    values = copy.saved.checkpoint["channel_values"] if copy else {}
    turn = values.get("turn") or {}
    known = values.get("screened") or turn.get("focus") or run["focus"] or {}
    language = known.get("language") if isinstance(known, dict) else None
    return language if language in LANGUAGES else "en"


async def _skipping(copy: Copy, repair: Repair) -> Plan:
    node = repair.node or ""
    for fault in result_faults(node, repair.values):
        raise OperationRefused(fault)
    state = copy.saved.checkpoint["channel_values"]
    task_id, writes = await skipped(copy, node, as_state(repair.values, state))
    return Plan(copy, task_id=task_id, writes=writes)


async def _editing(copy: Copy, repair: Repair) -> Plan:
    state = copy.saved.checkpoint["channel_values"]
    for fault in edit_faults(repair.values, state):
        raise OperationRefused(fault)
    return Plan(copy, as_state(repair.values, state))


def _from_the_beginning(repair: Repair) -> Plan:
    if repair.checkpoint_id:
        raise OperationRefused("This checkpoint is not kept any more. Resume the turn instead.")
    if repair.operation in ("skip", "edit"):
        raise OperationRefused("Nothing of this turn is kept to change: resume it, or abandon it.")
    return Plan()


def _check_message(message: str) -> None:
    if len(message) > LONGEST_MESSAGE:
        raise OperationRefused(f"The message is too long, above {LONGEST_MESSAGE:,} characters.")


def _outcome(run: Mapping[str, Any], repair: Repair, *, is_repeat: bool) -> Outcome:
    return Outcome(run["run_id"], run["thread_id"], repair.operation, is_repeat)


def _detail(repair: Repair) -> dict[str, Any]:
    """What stays known of a repair: names, never what customers wrote."""
    known = {"checkpoint": repair.checkpoint_id, "node": repair.node}
    detail: dict[str, Any] = {name: value for name, value in known.items() if value}
    if repair.values:
        detail["keys"] = sorted(repair.values)
    if repair.operation == "abandon":
        detail["words"] = "own" if repair.message.strip() else "fixed"
    return detail
