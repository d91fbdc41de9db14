"""What a repair would do: from which step, what the customer will see, and which writes stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from graph.clients import Clients
from graph.repair.copies import as_state, behind
from graph.repair.operations import Plan, Repair, language_of, planned, standing_of
from graph.repair.standing import Operation, is_stuck
from nodes.replies import render
from tools.operators.repairs import Repairs, under_way

Run = Mapping[str, Any]
WRITING = "commit_action"


@dataclass(frozen=True)
class Preview:
    """What an operation would do; it does nothing.

    `steps` are where the run goes on, `effects` sentences of what happens, `customer_sees` what
    the customer will read, `writes` the cards of this run with how far their writes have got.
    """

    run_id: UUID
    thread_id: UUID
    operation: Operation
    steps: tuple[str, ...]
    effects: tuple[str, ...]
    customer_sees: str
    writes: tuple[Mapping[str, Any], ...]


async def preview(clients: Clients, run_id: UUID, repair: Repair) -> Preview:
    """What it would do; raises OperationRefused where it cannot be done, NoSuchRun."""
    repairs = Repairs(clients.pool)
    run = await standing_of(repairs, run_id)
    plan = await planned(clients, run, repair)
    cards = await repairs.cards(run)
    steps = await _steps(run, repair, plan)
    return Preview(
        run_id=run_id,
        thread_id=run["thread_id"],
        operation=repair.operation,
        steps=steps,
        effects=(
            *_effects(run, repair, steps),
            *_beside(repair, await repairs.asked_beside(run)),
            *_of_writes(cards, steps),
        ),
        customer_sees=await _seen(clients, run, repair),
        writes=tuple(cards),
    )


async def _steps(run: Run, repair: Repair, plan: Plan) -> tuple[str, ...]:
    """Which steps come next, found out on a copy."""
    if repair.operation == "abandon":
        return ()
    if plan.copy is None:
        return ("report_outcome" if run["notice"] else "screen_message",)
    if plan.writes and repair.node:
        state = plan.copy.saved.checkpoint["channel_values"]
        return await behind(plan.copy, repair.node, as_state(repair.values, state))
    snapshot = await plan.copy.snapshot()
    waiting = [task.name for task in snapshot.tasks if not task.result]
    return tuple(dict.fromkeys([*snapshot.next, *waiting]))


def _effects(run: Run, repair: Repair, steps: Sequence[str]) -> list[str]:
    told = [_what(repair, steps)]
    if is_stuck(run):
        told.append(
            f"Its worker has had it for {round(run['age_s'])} s. It is taken from that worker,"
            " which can store nothing more."
        )
    if run["status"] == "cancelled":
        told.append("The turn was cancelled. It is answered all the same.")
    if repair.operation != "abandon" and {"screened", "understanding"} & set(repair.values):
        told.append("The message is read anew, so that it says yes to no card any more.")
    if run["newer"]:
        told.append(
            f"The customer has had {run['newer']} further answers since. This one stands under its"
            " own question, above them, and nobody points to it: write to the customer as well."
        )
    return told


def _beside(repair: Repair, title: str | None) -> list[str]:
    if title is None or repair.operation == "abandon":
        return []
    return [
        f"The customer is being asked about another card ({title}). Should this turn make a card,"
        " that one ends: better wait for their answer."
    ]


def _what(repair: Repair, steps: Sequence[str]) -> str:
    at = " and ".join(steps) or "the answer, which is ready and only has to be stored"
    match repair.operation:
        case "resume":
            return f"The turn goes on at {at}. What was finished is not done again."
        case "retry":
            return f"The turn goes on from this checkpoint, at {at}. What came after it is left."
        case "skip":
            return f"{repair.node} is not run: it counts as having given your result. Next: {at}."
        case "edit":
            changed = ", ".join(sorted(repair.values))
            return f"In the state {changed} is replaced. Then the turn goes on at {at}."
        case "abandon":
            return "The turn ends for good. Nothing of it is run any more."


def _of_writes(cards: Sequence[Mapping[str, Any]], steps: Sequence[str]) -> list[str]:
    """Which writes to Xero are involved, and why none is made twice."""
    if not cards:
        return ["No write to Xero is involved."]
    told = []
    for card in cards:
        name = f"{card['title'] or card['kind']} ({card['document_number']})"
        match card["status"]:
            case "committed":
                told.append(f"{name} stands in Xero. It is not written again.")
            case "confirmed" | "approved" if under_way(card["writes"]):
                told.append(
                    f"{name} was sent to Xero and its outcome is not known. It is looked up there"
                    " before anything is sent, and sent at most once."
                )
            case "confirmed" | "approved":
                told.append(f"{name} has its yes and is not sent yet. {_by_whom(steps)}")
            case status:
                told.append(f"{name} is {status}: nothing of it is written without a yes.")
    return told


def _by_whom(steps: Sequence[str]) -> str:
    by = "This turn sends it" if WRITING in steps else "It is sent in the background"
    return f"{by}, once, and the customer is told."


async def _seen(clients: Clients, run: Run, repair: Repair) -> str:
    if repair.operation != "abandon":
        return (
            "Nothing: the customer had an answer, and is told how the card ended."
            if run["resume"]
            else "The assistant's answer to this message, as soon as the turn is through."
        )
    return repair.message.strip() or render("abandoned", await language_of(clients, run))
