"""Whether every amount, percentage, day, number and address of the replies has a source."""

from collections.abc import Iterator
from datetime import datetime
from functools import cache

from evals.cases.schema import Case
from evals.outcome import Outcome, Turn, Verdict
from evals.scorers.figures import Known, figures, worded
from evals.scorers.reading import answers, check, now_at, spoken, steps, typed, understood
from tools.search.texts import load_policies

LANGUAGES = ("en", "zh", "ms", "ta")
# What the customer names may be said again; what amounts to something needs a source of ours.
SOURCES = ("facts", "passages", "card", "handoff", "calls", "order")
FROM_CUSTOMERS = ("day", "document", "contact")


def grounding(case: Case, outcome: Outcome) -> Iterator[Verdict]:
    """One verdict for each step with an answer."""
    for number, _, turn in steps(case, outcome):
        if answers(turn):
            found = [*figures(spoken(turn)), *worded(spoken(turn))]
            known = _known(outcome, turn, now_at(case, number)) if found else Known()
            faults = [f"no source for {f.kind} '{f.written}'" for f in found if not known.holds(f)]
            good = f"{len(found)} figures have a source"
            yield check("grounding", faults=faults, good=good, turn=number)


def _known(outcome: Outcome, turn: Turn, now: datetime) -> Known:
    known = Known(_of_policies())
    for key in SOURCES:
        known.add_data(turn.state.get(key))
    known.add_data([call.args for call in turn.calls])
    known.add_data([{k: a.extra.get(k) for k in ("card", "handoff")} for a in answers(turn)])
    if turn.told:  # told by turns of their own, of which the cards and books are known
        known.add_data([[a["card"], a.get("document_number")] for a in outcome.actions])
        known.add_data([document.after for document in outcome.books])
    said = [*typed(outcome), *(str(e["value"]) for e in understood(turn).get("entities", []))]
    for text in (*said, *(understood(turn).get("period") or ())):
        known.add_text(text, *FROM_CUSTOMERS)
    known.add_text(now.date().isoformat())
    return known


@cache
def _of_policies() -> Known:
    known = Known()
    for language in LANGUAGES:
        for section in load_policies(language):
            known.add_text(section.text)
    return known
