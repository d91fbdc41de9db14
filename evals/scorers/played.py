"""Whether the case could be played: no crash, no failed run, no refusal that was not expected."""

from collections.abc import Iterator

from evals.cases.schema import Case
from evals.outcome import Outcome, Turn, Verdict
from evals.scorers.reading import check, steps


def played(case: Case, outcome: Outcome) -> Iterator[Verdict]:
    """One verdict for a crash, else one for each step."""
    if outcome.crash:
        yield check("played", faults=[f"the case crashed: {outcome.crash}"])
        return
    if len(outcome.turns) < len(case.turns):
        missing = f"{len(outcome.turns)} of {len(case.turns)} steps were played"
        yield check("played", faults=[missing])
    for number, step, turn in steps(case, outcome):
        faults = _faults(step.expect.refused, turn)
        good = f"refused with {turn.refused}" if turn.refused else "answered"
        yield check("played", faults=faults, good=good, turn=number)


def _faults(expected: int | None, turn: Turn) -> Iterator[str]:
    if turn.refused != expected:
        yield f"expected {_told(expected)}, found {_told(turn.refused)}"
    elif turn.refused:
        return
    if turn.error:
        yield f"the run failed: {turn.error}"
    elif turn.status in ("failed", "error", "timeout"):
        yield f"the run ended as {turn.status}"
    elif turn.kind in ("user", "button") and turn.refused is None and not turn.reply:
        yield "the customer got no answer"


def _told(status: int | None) -> str:
    return f"HTTP {status}" if status else "an answer"
