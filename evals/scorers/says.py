"""Whether the reply says what it must, in words, and nothing that it must not."""

import re
from collections.abc import Iterator

from evals.cases.schema import Case, Expect
from evals.outcome import Outcome, Turn, Verdict
from evals.scorers.reading import check, folded, spoken, steps

SHOWN = 160


def says(case: Case, outcome: Outcome) -> Iterator[Verdict]:
    """One verdict for each text, and one for an answer that must equal another."""
    for number, step, turn in steps(case, outcome):
        for faults, good in _checks(step.expect, turn):
            yield check("says", faults=faults, good=good, turn=number)


def _checks(expect: Expect, turn: Turn) -> Iterator[tuple[list[str], str]]:
    reply = folded(spoken(turn))
    for wanted in expect.says:
        either = (wanted,) if isinstance(wanted, str) else wanted
        said = [text for text in either if _stands(text, reply)]
        names = " or ".join(f"'{text}'" for text in either)
        yield ([] if said else [f"expected {names}, found '{reply[:SHOWN]}'"]), f"says {said}"
    for text in expect.never_says:
        is_said = _stands(text, reply)
        yield ([f"says '{text}'"] if is_said else []), f"does not say '{text}'"
    if expect.same_answer_as:
        yield _unlike(reply, turn.other_answer), "the same answer"


def _stands(text: str, reply: str) -> bool:
    """Anywhere; but figures are not part of longer ones: SGD 330.00 does not say 30.00."""
    wanted = folded(text)
    before = r"(?<!\d)(?<!\d[.,])" if wanted[:1].isdigit() else ""
    after = r"(?!\d|\.\d|,\d{3}(?!\d))" if wanted[-1:].isdigit() else ""
    return bool(re.search(f"{before}{re.escape(wanted)}{after}", reply))


def _unlike(reply: str, other: str | None) -> list[str]:
    if other is None:
        return ["the other question was not asked"]
    if folded(other) == reply:
        return []
    return [f"expected '{folded(other)[:SHOWN]}', found '{reply[:SHOWN]}'"]
