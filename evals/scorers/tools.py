"""Whether the turn called what it must, with these arguments, and nothing that is forbidden."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from evals.cases.schema import Case, ToolCall
from evals.outcome import Call, Outcome, Verdict
from evals.scorers.reading import check, decimal_of, folded, steps

ANYTHING = "*"
XERO_DATE = re.compile(r"/Date\((-?\d+)")
DAY_SECONDS = 86_400_000


def tools(case: Case, outcome: Outcome) -> Iterator[Verdict]:
    """One verdict for each expected call, and one for the forbidden ones."""
    for number, step, turn in steps(case, outcome):
        for wanted in step.expect.tools:
            good = f"called {wanted.name}"
            yield check("tools", faults=_faults(wanted, turn.calls), good=good, turn=number)
        if forbidden := step.expect.tools_forbidden:
            faults = [f"called {c.name}({c.args})" for c in turn.calls if c.name in forbidden]
            good = f"none of {list(forbidden)} called"
            yield check("tools", faults=faults, good=good, turn=number)


def _faults(wanted: ToolCall, calls: list[Call]) -> list[str]:
    named = [call for call in calls if call.name == wanted.name]
    matching = [call for call in named if _holds(wanted.args, call.args)]
    if (wanted.count is None and matching) or len(matching) == wanted.count:
        return []
    often = "at least once" if wanted.count is None else f"{wanted.count} times"
    found = [f"{call.name}({call.args})" for call in named] or [call.name for call in calls]
    return [f"expected {wanted.name}({wanted.args}) {often}, found {found}"]


def _holds(wanted: Any, found: Any) -> bool:
    """Whether all that is wanted is there, by value; lists without regard to order."""
    if wanted == ANYTHING:
        return found is not None
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_holds(v, found.get(k)) for k, v in wanted.items())
    if isinstance(wanted, list | tuple):
        return isinstance(found, list | tuple) and _holds_all(list(wanted), list(found))
    return bool(_value(wanted) == _value(found))


def _holds_all(wanted: list[Any], found: list[Any]) -> bool:
    left = list(found)
    for one in wanted:
        match = next((n for n, other in enumerate(left) if _holds(one, other)), None)
        if match is None:
            return False
        del left[match]
    return True


def _value(value: Any) -> Any:
    """Amounts, days and texts so that equal ones are equal."""
    if value is None or isinstance(value, bool):
        return value
    if (number := decimal_of(value)) is not None:
        return number
    text = str(value)
    if found := XERO_DATE.match(text):
        return date.fromordinal(date(1970, 1, 1).toordinal() + int(found[1]) // DAY_SECONDS)
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return folded(text)
