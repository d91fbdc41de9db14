"""A trace as it is drawn, and the steps that take their times from it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from graph.inspection.path import Step
from graph.inspection.waterfall import timed, waterfalls_of

BEGAN = datetime(2026, 11, 28, 1, tzinfo=UTC)


def span(name: str, parent: str, start_ms: float, ms: float, **more: Any) -> dict[str, Any]:
    return {"id": name, "parent": parent, "name": name, "start_ms": start_ms, "ms": ms} | more


def node(name: str, start_ms: float, ms: float, **more: Any) -> dict[str, Any]:
    about = {"attributes": {"langgraph.node": name}}
    return span(name, "turn", start_ms, ms, **about | more)


def part(*spans: dict[str, Any], outcome: str = "succeeded") -> dict[str, Any]:
    return {
        "trace_id": "7" * 32,
        "outcome": outcome,
        "began_at": BEGAN.isoformat(),
        "left_out": 0,
        "spans": [span("turn", "", 0, 200), *spans],
    }


def step(node: str, stage: int) -> Step:
    return Step(stage, node, stage, BEGAN - timedelta(hours=1), 9.0, "done", ())


def test_every_bar_stands_below_what_it_is_a_part_of_in_the_order_of_time() -> None:
    call = {"http.response.status_code": 503}
    tool = {"gen_ai.operation.name": "execute_tool"}
    model = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 900}
    [fall] = waterfalls_of(
        [
            part(
                node("compose_reply", 100, 100),
                node("call_xero_tools", 0, 100),
                span("chat m", "compose_reply", 110, 80, attributes=model),
                span("GET /Invoices", "tool", 20, 0, attributes=call, error="failed"),
                span("tool", "call_xero_tools", 10, 50, attributes=tool),
                span("gate", "compose_reply", 190, 10, attributes={"tria.gate.passed": False}),
            )
        ]
    )
    told = [(bar.name, bar.sort, bar.depth, bar.detail) for bar in fall.bars]
    assert told == [
        ("turn", "turn", 0, ""),
        ("call_xero_tools", "node", 1, ""),
        ("tool", "tool", 2, ""),
        ("GET /Invoices", "call", 3, "503"),
        ("compose_reply", "node", 1, ""),
        ("chat m", "model", 2, "900 in, 0 out"),
        ("gate", "gate", 2, "refused"),
    ]
    assert [(bar.x, bar.width) for bar in fall.bars[:4]] == [(0, 100), (0, 50), (5, 25), (10, 0.5)]
    assert fall.bars[3].error == "failed"


def test_no_bar_reaches_over_the_edge() -> None:
    [fall] = waterfalls_of([part(node("late", 199.9, 500), node("later", 900, 1))])
    assert all(bar.x + bar.width <= 100.01 and bar.width > 0 for bar in fall.bars)


def test_steps_take_the_times_that_were_measured() -> None:
    steps = [step("screen_message", 1), step("compose_reply", 2), step("compose_reply", 3)]
    spans = [
        node("screen_message", 0, 5),
        node("compose_reply", 10, 40),
        node("compose_reply", 60, 20),
    ]
    assert timed(steps, [part(*spans)]) == [
        replace(steps[0], started_at=BEGAN, seconds=0.005),
        replace(steps[1], started_at=BEGAN + timedelta(milliseconds=10), seconds=0.04),
        replace(steps[2], started_at=BEGAN + timedelta(milliseconds=60), seconds=0.02),
    ]


def test_where_it_is_not_plain_which_span_is_whose_steps_stay_as_they_were() -> None:
    steps = [step("screen_message", 1), step("compose_reply", 2)]
    again = part(node("compose_reply", 0, 30))
    first = part(node("screen_message", 0, 5), node("compose_reply", 10, 40), outcome="failed")
    measured, kept = timed(steps, [first, again])
    assert measured.seconds == 0.005
    assert kept == steps[1]
    assert timed(steps, []) == steps


def test_a_span_that_failed_is_of_no_step_that_was_done() -> None:
    first = part(node("compose_reply", 0, 30, error="BackendUnavailable"), outcome="failed")
    [done] = timed([step("compose_reply", 1)], [first, part(node("compose_reply", 0, 20))])
    assert done.seconds == 0.02
