"""What is wrong with the datasets beyond their form: words nobody knows, copies, empty cases."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import combinations

from rapidfuzz import fuzz

from evals.cases import known
from evals.cases.schema import Case, End, Expect, Step

ALIKE = 96.0  # percent of the same letters; from here on one case is a copy of another
REVIEWER = re.compile(r"[a-z]+ desk")


def lint(cases: Sequence[Case]) -> Iterator[str]:
    """One line for each problem, beginning with the case's id."""
    for case in cases:
        for problem in _of_case(case):
            yield f"{case.id}: {problem}"
    for one, other in _copies(cases):
        yield f"{one.id}: says the same as {other.id}: give both one family, or drop one"


def _of_case(case: Case) -> Iterator[str]:
    if case.customer not in known.customers():
        yield f"there is no demo customer {case.customer}"
    if not any(_asks_something(step.expect) for step in case.turns) and case.final == End():
        yield "it expects nothing, so it cannot fail"
    if case.origin.kind == "production" and case.origin.captured_at is None:
        yield "it comes from production: say when, in origin.captured_at"
    if not REVIEWER.fullmatch(case.origin.reviewer):
        yield "nobody has reviewed it: origin.reviewer names a desk"
    for number, step in enumerate(case.turns, 1):
        for problem in _of_step(step):
            yield f"turn {number}: {problem}"


def _asks_something(expect: Expect) -> bool:
    return expect != Expect()


def _of_step(step: Step) -> Iterator[str]:
    expect = step.expect
    yield from _unknown("tool", [call.name for call in expect.tools], known.tools())
    yield from _unknown("tool", expect.tools_forbidden, known.tools())
    for cited in expect.cites:
        if not any(section.startswith(cited) for section in known.sections()):
            yield f"no policy section begins with {cited}"
    if expect.card and expect.card.lines:
        yield from _unknown("product", list(expect.card.lines), known.codes())
    if step.by and step.by not in known.customers():
        yield f"there is no demo customer {step.by}"
    if step.staff and step.level not in known.levels():
        yield f"nobody of the demo's staff has level {step.level}"
    yield from _unknown("mode", [f.mode for f in step.faults], known.fault_modes())
    yield from _unknown("operation", [f.operation for f in step.faults], known.fault_operations())


def _unknown(what: str, named: Sequence[str], there: frozenset[str]) -> Iterator[str]:
    for name in named:
        if name not in there:
            yield f"there is no {what} {name}"


def _copies(cases: Sequence[Case]) -> Iterator[tuple[Case, Case]]:
    """Cases that say nearly the same to the same end, and are not meant to."""
    said = {case.id: _said(case) for case in cases}
    for one, other in combinations(cases, 2):
        if one.family and one.family == other.family:
            continue
        if (one.clock, one.customer, one.model) != (other.clock, other.customer, other.model):
            continue
        if any(step.faults for step in (*one.turns, *other.turns)):
            continue
        first, second = said[one.id], said[other.id]
        if fuzz.ratio(first, second, score_cutoff=ALIKE):
            yield one, other


def _said(case: Case) -> str:
    parts = [
        f"{step.user or step.button or step.staff or step.payment or ''}"
        f"{step.by or ''}{step.after_minutes or ''}"
        for step in case.turns
    ]
    return unicodedata.normalize("NFKC", "\n".join(parts)).casefold()
