"""The trace of a turn as it is drawn: every span a bar, below what it is a part of."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from graph.inspection.path import Step

DEEPEST = 4  # levels that are indented
NODE = "langgraph.node"
Part = Mapping[str, Any]
Sort = Literal["turn", "node", "model", "tool", "call", "gate"]


@dataclass(frozen=True)
class Bar:
    """One span. `x` and `width` are hundredths of its whole part."""

    name: str
    sort: Sort
    depth: int
    x: float
    width: float
    seconds: float
    error: str
    detail: str


@dataclass(frozen=True)
class Waterfall:
    """One attempt at a turn."""

    trace_id: str
    outcome: str
    began_at: datetime
    left_out: int
    bars: list[Bar]


def waterfalls_of(parts: Sequence[Part]) -> list[Waterfall]:
    """One for each attempt of which something is kept."""
    return [
        Waterfall(
            part["trace_id"],
            part["outcome"],
            datetime.fromisoformat(part["began_at"]),
            part["left_out"],
            _bars(part["spans"]),
        )
        for part in parts
    ]


def timed(steps: Sequence[Step], parts: Sequence[Part]) -> list[Step]:
    """The steps with the times that were measured, where it is plain which span is which step's."""
    measured: dict[str, list[tuple[datetime, float]]] = {}
    for part in parts:
        began_at = datetime.fromisoformat(part["began_at"])
        for span in part["spans"]:
            if (node := _about(span).get(NODE)) and not span.get("error"):
                began = began_at + timedelta(milliseconds=span["start_ms"])
                measured.setdefault(node, []).append((began, span["ms"] / 1000))
    visits: dict[str, int] = {}
    for step in steps:
        visits[step.node] = visits.get(step.node, 0) + 1
    plain = {n: iter(found) for n, found in measured.items() if len(found) == visits.get(n)}
    return [_at(step, next(plain[step.node])) if step.node in plain else step for step in steps]


def _at(step: Step, measured: tuple[datetime, float]) -> Step:
    return replace(step, started_at=measured[0], seconds=measured[1])


def _bars(spans: Sequence[Part]) -> list[Bar]:
    below: dict[str, list[Part]] = {}
    for span in spans[1:]:
        below.setdefault(span["parent"], []).append(span)
    root = spans[0]
    whole = max(root["ms"], 0.1)
    return [_bar(span, depth, whole) for span, depth in _walk(root, below, 0)]


def _walk(span: Part, below: Mapping[str, list[Part]], depth: int) -> Iterator[tuple[Part, int]]:
    yield span, depth
    for each in sorted(below.get(span["id"], []), key=lambda one: float(one["start_ms"])):
        yield from _walk(each, below, depth + 1)


def _bar(span: Part, depth: int, whole: float) -> Bar:
    x = min(100 * span["start_ms"] / whole, 99.5)
    return Bar(
        name=span["name"],
        sort=_sort(span, depth),
        depth=min(depth, DEEPEST),
        x=round(x, 2),
        width=round(min(max(100 * span["ms"] / whole, 0.5), 100 - x), 2),
        seconds=span["ms"] / 1000,
        error=span.get("error", ""),
        detail=_detail(_about(span)),
    )


def _sort(span: Part, depth: int) -> Sort:
    about = _about(span)
    if not depth:
        return "turn"
    if NODE in about:
        return "node"
    operation = about.get("gen_ai.operation.name")
    if operation:
        return "tool" if operation == "execute_tool" else "model"
    return "gate" if span["name"] == "gate" else "call"


def _detail(about: Mapping[str, Any]) -> str:
    """What is worth a glance: tokens of a model, the status of a call."""
    if tokens := about.get("gen_ai.usage.input_tokens"):
        return f"{tokens} in, {about.get('gen_ai.usage.output_tokens', 0)} out"
    if status := about.get("http.response.status_code"):
        return str(status)
    if "tria.gate.passed" in about:
        return "passed" if about["tria.gate.passed"] else "refused"
    return ""


def _about(span: Part) -> Mapping[str, Any]:
    found: Mapping[str, Any] = span.get("attributes", {})
    return found
