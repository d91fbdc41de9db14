"""Whether the message was understood: its intents, and the finer things that it wants."""

from collections.abc import Iterator

from evals.cases.schema import Case
from evals.outcome import Outcome, Verdict
from evals.scorers.reading import check, intents_in, steps, understood


def intents(case: Case, outcome: Outcome) -> Iterator[Verdict]:
    """One verdict each for intents that must be found, that must not, and for wants."""
    for number, step, turn in steps(case, outcome):
        expect, found = step.expect, intents_in(turn)
        if expect.intents:
            faults = _missing("intents", set(expect.intents), found)
            yield check("intents", faults=faults, good=f"understood {sorted(found)}", turn=number)
        if expect.no_intents:
            faults = [f"'{name}' was understood" for name in sorted(found & set(expect.no_intents))]
            yield check("intents", faults=faults, good=f"understood {sorted(found)}", turn=number)
        if expect.wants:
            wanted = set(understood(turn).get("wants", []))
            faults = _missing("wants", set(expect.wants), wanted)
            yield check("intents", faults=faults, good=f"wants {sorted(wanted)}", turn=number)


def _missing(what: str, expected: set[str], found: set[str]) -> list[str]:
    if expected <= found:
        return []
    return [f"expected {what} {sorted(expected)}, found {sorted(found)}"]
