"""Whether a run may be repaired as it stands, and what to do where it may not."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal
from uuid import UUID

Operation = Literal["resume", "retry", "skip", "edit", "abandon"]
Run = Mapping[str, Any]

# A run that is worked on for longer hangs: the steps of a turn have limits that add up to less.
STUCK_SECONDS = 180.0
ANSWERED = (
    "This turn has its answer. Fork it to see what would come now, or take the conversation over"
    " and write to the customer."
)
DECIDED = "This turn waits for a person's decision: approve or decline its card under Approvals."
WITH_ANOTHER = "This message is answered together with a later one: look at that turn."
NEWS = "This turn brings news that nobody asked for: resume it, there is no message to answer."

# A card is made once for each turn, so whoever goes on would show this one again.
OVER = (
    "Its card is {status}, so the customer would be asked for a yes that does nothing. Abandon the"
    " turn in your own words, or take the conversation over."
)


def is_stuck(run: Run) -> bool:
    """Whether a worker has it and gets nowhere."""
    return bool(run["status"] == "running" and run["age_s"] >= STUCK_SECONDS)


def refusal(run: Run, operation: Operation) -> str | None:
    """Why an operation cannot be done to the run, and what to do instead; None: it can be."""
    if run["person"]:
        name = run["person"].get("name", "A colleague")
        return f"{name} has this conversation. Hand it back first, or answer the customer yourself."
    if run["is_answered"] and not (run["resume"] and run["status"] == "failed"):
        return DECIDED if run["status"] == "interrupted" else ANSWERED
    return BY_STATUS[run["status"]](run, operation)


def refusal_of_cards(cards: Collection[Run], made: Collection[UUID]) -> str | None:
    """Why a turn cannot go on: the card that it made ended before the customer said yes to it."""
    for card in cards:
        is_over = card["status"] in ("cancelled", "declined", "expired")
        if card["action_id"] in made and is_over and card["confirmed_at"] is None:
            return OVER.format(status=card["status"])
    return None


def _queued(run: Run, operation: Operation) -> str | None:
    if run["due_at"]:
        return "The customer has put this message off; it is not part of the conversation yet."
    if run["answered_by"]:
        return WITH_ANOTHER
    if operation == "abandon":
        return _abandoned(run, operation)
    return "It is waiting for a worker already. See on Health whether all replicas are well."


def _running(run: Run, operation: Operation) -> str | None:
    age = round(run["age_s"])
    if not is_stuck(run):
        return (
            f"It has been worked on for {age} s. Wait: after {STUCK_SECONDS:.0f} s it counts as"
            " stuck, and a worker that died is replaced by itself."
        )
    if operation not in ("resume", "abandon"):
        return "Its worker still has it. Resume or abandon it: both take it from that worker."
    return _abandoned(run, operation)


def _ended(run: Run, operation: Operation) -> str | None:
    if run["resume"] and operation != "resume":
        return "Its customer has an answer, and a person has decided: it can only be resumed."
    return _abandoned(run, operation)


def _abandoned(run: Run, operation: Operation) -> str | None:
    return NEWS if operation == "abandon" and run["notice"] else None


def _succeeded(run: Run, _: Operation) -> str | None:
    return WITH_ANOTHER if run["answered_by"] else "It is over: there is nothing to go on with."


BY_STATUS: Mapping[str, Callable[[Run, Operation], str | None]] = {
    "queued": _queued,
    "running": _running,
    "failed": _ended,
    "cancelled": _ended,
    "interrupted": _ended,
    "succeeded": _succeeded,
}
