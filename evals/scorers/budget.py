"""Whether the answer was there in time."""

from collections.abc import Iterator

from evals.cases.schema import Case
from evals.outcome import Outcome, Verdict
from evals.scorers.reading import check, steps


def budget(case: Case, outcome: Outcome) -> Iterator[Verdict]:
    """One verdict for each step that has a limit."""
    for number, step, turn in steps(case, outcome):
        if (most := step.expect.max_seconds) is not None:
            took = turn.stream.total_ms / 1000
            faults = [f"expected at most {most} s, found {took:.2f} s"] if took > most else []
            yield check("budget", faults=faults, good=f"{took:.2f} s", turn=number)
