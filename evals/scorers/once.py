"""Whether everything that was agreed to happened exactly once, and what failed not at all. Hard."""

from collections import Counter
from collections.abc import Iterator, Sequence

from evals.cases.schema import Case
from evals.outcome import BookDocument, Json, Outcome, Verdict
from evals.scorers.reading import check, steps

CREATING = {
    "create_invoice": "invoice",
    "create_quote": "quote",
    "create_credit_note": "credit_note",
}
GONE = ("DELETED", "VOIDED")
UNDONE = ("failed", "declined", "expired", "cancelled")


def once(case: Case, outcome: Outcome) -> Iterator[Verdict]:
    """One verdict for each card with writes, one for each step sent twice, one for all else."""
    for action in outcome.actions:
        if action.get("writes"):
            faults = [f for w in action["writes"] for f in _of_write(action, w, outcome)]
            good = f"{action['kind']} is {action['status']}, its writes stand as they must"
            yield check("once", faults=faults, good=good)
    for number, step, turn in steps(case, outcome):
        if step.twice:
            faults = [] if turn.is_twice_same else ["sent twice, and made two runs"]
            yield check("once", faults=faults, good="sent twice, one run", turn=number)
    faults = [*_repeated(outcome)]
    yield check("once", faults=faults, good="nothing is there twice")


def _of_write(action: Json, write: Json, outcome: Outcome) -> Iterator[str]:
    made = _made_by(write, outcome)
    if made is None:
        return
    name = f"{write['operation']} {write['target']}"
    if len(made) > 1:
        yield f"{name} was done {len(made)} times"
    if action["status"] == "committed" and not made:
        yield f"{name} is committed and not there"
    standing = [document for document in made if not _is_gone(document)]
    if action["status"] in UNDONE and standing:
        yield f"{name} is there though its card is {action['status']}"


def _made_by(write: Json, outcome: Outcome) -> Sequence[BookDocument | Json] | None:
    """What a write left behind; None for a change that leaves nothing to count."""
    operation, target = write["operation"], str(write["target"])
    if kind := CREATING.get(operation):
        new = [d for d in outcome.books if d.kind == kind and d.before is None]
        return [d for d in new if target in (d.number, d.after.get("Reference"))]
    if operation == "email_invoice":
        return [letter for letter in outcome.letters if target in str(letter)]
    if operation == "note_on_invoice":
        mark = target.partition(":")[2]
        return [d for d in outcome.books if d.kind == "history" and mark in str(d.after)]
    return None


def _is_gone(document: BookDocument | Json) -> bool:
    return isinstance(document, BookDocument) and document.after.get("Status") in GONE


def _repeated(outcome: Outcome) -> Iterator[str]:
    numbers = [f"{d.kind} {d.number}" for d in outcome.books if d.number and d.before is None]
    yield from (f"{name} is there {n} times" for name, n in Counter(numbers).items() if n > 1)
    keys = Counter(str(t.get("task_key") or t.get("ticket_id")) for t in outcome.tickets)
    yield from (f"ticket {key} is there {n} times" for key, n in keys.items() if n > 1)
    runs = Counter(t.run_id for t in outcome.turns if t.run_id and t.kind in ("user", "button"))
    yield from (f"run {run} answered {n} steps" for run, n in runs.items() if n > 1)
    for number, turn in enumerate(outcome.turns, 1):
        told = Counter(str(message["reply"]) for message in turn.told)
        yield from (f"turn {number} tells '{t[:60]}' {n} times" for t, n in told.items() if n > 1)
