"""The findings for people, for machines, and as the list of a document."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from api.doctor.findings import Check, Found, exit_code, go_or_not

RULE = (
    "Go: every check passes, or did not run and is waived by name. A check that fails is not waived"
)
WIDTH = 34


def as_json(found: Sequence[Found], about: Mapping[str, str]) -> str:
    """Everything, as one document."""
    whole: dict[str, Any] = {
        **about,
        "verdict": go_or_not(found),
        "rule": RULE,
        "exit_code": exit_code(found),
        "counts": _counts(found),
        "checks": [_row(each) for each in found],
    }
    return json.dumps(whole, indent=2, ensure_ascii=False)


def as_table(found: Sequence[Found]) -> str:
    """One line for each check under its group, with what to do under what is not well."""
    return "\n".join(_lines(found))


def as_markdown(checks: Iterable[Check[Any]]) -> str:
    """The list of checks for a document."""
    rows = [f"| `{check.id}` | {check.looks_at} | {check.to_do} |" for check in checks]
    return "\n".join(("| check | looks at | else |", "|---|---|---|", *rows))


def _row(each: Found) -> dict[str, Any]:
    return {
        "id": each.check.id,
        "group": each.check.group,
        "looks_at": each.check.looks_at,
        "result": each.finding.result,
        "evidence": each.finding.evidence,
        "to_do": each.finding.to_do,
        "waived": each.waived or None,
    }


def _counts(found: Iterable[Found]) -> dict[str, int]:
    kinds = Counter(each.finding.result for each in found)
    waived = sum(bool(each.waived) for each in found)
    return {name: kinds[name] for name in ("pass", "fail", "not run")} | {"waived": waived}


def _lines(found: Sequence[Found]) -> Iterator[str]:
    for group, those in groupby(found, lambda each: each.check.group):
        yield f"\n{group}"
        for each in those:
            name = each.check.id.partition(".")[2]
            yield f"  {_mark(each):<9}{name:<{WIDTH - 11}}{each.finding.evidence}"
            if each.waived:
                yield f"{'':<{WIDTH}}waived: {each.waived}"
            elif each.finding.to_do:
                yield f"{'':<{WIDTH}}-> {each.finding.to_do}"
    counts = ", ".join(f"{number} {name}" for name, number in _counts(found).items() if number)
    yield f"\n{go_or_not(found).upper()}: {counts}. {RULE}."


def _mark(each: Found) -> str:
    return {"pass": "pass", "fail": "FAIL", "not run": "not run"}[each.finding.result]
