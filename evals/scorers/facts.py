"""Whether the reply states the amounts, days, counts and numbers that it must, by value."""

import re
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

from evals.cases.schema import Case
from evals.outcome import Outcome, Verdict
from evals.scorers.reading import check, folded, now_at, spoken, steps
from tools.grounding.claim import Claim
from tools.grounding.claims import claims
from tools.grounding.values import Values


def facts(case: Case, outcome: Outcome) -> Iterator[Verdict]:
    """One verdict for each fact; of a list any one will do."""
    for number, step, turn in steps(case, outcome):
        now, reply = now_at(case, number), spoken(turn)
        for wanted in step.expect.facts:
            either = (wanted,) if isinstance(wanted, str) else wanted
            said = [text for text in either if _is_stated(text, now, reply)]
            names = " or ".join(f"'{text}'" for text in either)
            found = [] if said else sorted({claim.written for claim in _claims(reply, now)})
            faults = [] if said else [f"expected {names}, found {found}"]
            yield check("facts", faults=faults, good=f"states {said}", turn=number)


def _is_stated(text: str, now: datetime, reply: str) -> bool:
    """As it is written, or by kind and value."""
    if re.search(rf"(?<![\w.,]){re.escape(folded(text))}(?!\w|[.,]\d)", folded(reply)):
        return True
    wanted = _claims(text, now)
    held = Values()
    for claim in _claims(reply, now):
        held.add(claim.kind, claim.value, claim.unit)
    return bool(wanted) and all(held.hold(claim) for claim in wanted)


@lru_cache(maxsize=256)
def _claims(text: str, now: datetime) -> tuple[Claim, ...]:
    """Reading a text takes long, and a reply is asked for several facts."""
    return tuple(claims(text, now))
