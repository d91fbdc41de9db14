"""What is told of a turn, whatever it knew: model calls, a refusal, steps that are not kept."""

import html
import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from fastapi import Request

from api.console.rendering import environment
from graph.builder import build_graph
from graph.inspection.drawing import drawing_of
from graph.inspection.path import Step
from graph.inspection.waterfall import waterfalls_of

AT = datetime(2026, 11, 28, 1, tzinfo=UTC)
VISITS = (
    ("compose_reply", 5),
    ("validate_output", 6),
    ("compose_reply", 7),
    ("validate_output", 8),
)
STEPS = [Step(number, node, number, AT, 0.25, "done", ("reply",)) for node, number in VISITS]
CALL = {
    "purpose": "compose_reply",
    "prompt": "abc123",
    "model": "some-model",
    "tokens_in": 700,
    "tokens_out": 50,
    "usd": "0.0005",
}
TURN: dict[str, Any] = {
    "run_id": uuid4(),
    "thread_id": uuid4(),
    "turn": 3,
    "status": "succeeded",
    "created_at": AT,
    "updated_at": AT,
    "seconds": 1.25,
    "attempts": 2,
    "is_streamed": True,
    "is_kept": True,
    "untold": 0,
    "steps": STEPS,
    "path_seconds": 1.0,
    "passages": [],
    "model": {"calls": [CALL, CALL], "tokens_in": 1400, "tokens_out": 100, "usd": "0.0010"},
    "focus_after": {"documents": ["INV-1657"]},
    "state": {
        "text": "what do I owe?",
        "reply": {"by": "templates", "citations": [], "withheld": ["money: 5.00 has no source"]},
        "verdict": {"passed": False, "problems": ["<b>date</b> without a source"], "tries": 2},
        "understanding": {
            "intents": [{"name": "balance", "confidence": 0.41, "part": "what do I owe?"}],
            "entities": [],
            "sentiment": "neutral",
            "by": "model",
        },
        "facts": [{"kind": "balance", "source": "xero:invoices", "data": {"a": {"b": [1, None]}}}],
        "calls": [{"name": "read_balance", "kind": "pick", "args": {}, "outcome": "unavailable"}],
    },
}


def shown(*trace: dict[str, Any], **changed: Any) -> str:
    request = Request(
        {"type": "http", "method": "GET", "path": "/console/conversations/x", "headers": []}
    )
    turn = TURN | changed
    drawing = drawing_of(build_graph(), turn["steps"], is_over=True)
    page = environment().get_template("conversation/turn.html")
    marked = page.render(
        request=request, turn=turn, drawing=drawing, waterfalls=waterfalls_of(trace)
    )
    assert "<b>" not in marked
    assert "style=" not in marked
    return " ".join(html.unescape(re.sub(r"<[a-z/][^>]*>", " ", marked)).split())


@pytest.mark.parametrize(
    "told",
    [
        "compose reply abc123 some-model 700 in, 50 out 0.0005",
        "Together 1400 in, 100 out 0.0010",
        "refused after 2 tries <b>date</b> without a source",
        "Withheld, fixed words were shown instead: money: 5.00 has no source",
        "the first try was taken off the screen",
        "balance 0.41 what do I owe?",
        "read balance picked by the model the account unavailable",
        "balance xero:invoices a b 1 , none",
        "4 steps in 1.0 s",
        "compose reply 5, 7 · 500 ms",
    ],
)
def test_everything_it_went_by_is_told(told: str) -> None:
    assert told in shown()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"pruned_at": AT}, "The steps of this turn were deleted on 28 Nov 2026, 09:00"),
        ({"status": "queued"}, "No steps of its own."),
        ({"for_person": True}, "a colleague wrote here"),
    ],
    ids=["pruned", "not begun", "of a person"],
)
def test_where_there_are_no_steps_it_says_why(changed: dict[str, Any], told: str) -> None:
    page = shown(**{"steps": [], "is_kept": False, "state": {}} | changed)
    assert told in page
    assert "Understood" not in page


def a_trace(outcome: str, **more: Any) -> dict[str, Any]:
    spans = [
        {"id": "1", "parent": "", "name": "invoke_agent tria", "start_ms": 0, "ms": 80.0},
        {"id": "2", "parent": "1", "name": "GET /Invoices", "start_ms": 20.0, "ms": 30.0} | more,
    ]
    return {
        "trace_id": "7" * 32,
        "outcome": outcome,
        "began_at": AT.isoformat(),
        "left_out": 4,
        "spans": spans,
    }


def test_a_trace_is_drawn_with_its_times_and_errors() -> None:
    page = shown(a_trace("failed", error="<b>lost"))
    assert "Trace failed" in page
    assert "7" * 32 in page
    assert "GET /Invoices <b>lost 30 ms" in page
    assert "4 more were not kept." in page
    both = shown(a_trace("handed_over"), a_trace("succeeded"))
    assert "Trace, part 1 handed over" in both
    assert "Trace, part 2 succeeded" in both


def test_without_a_trace_nothing_is_said_of_one() -> None:
    assert "Trace" not in shown()
    assert "nothing is kept" not in shown()


def test_attempts_whose_processes_died_are_told_of() -> None:
    page = shown(a_trace("succeeded"), untold=2)
    assert "Of 2 attempts nothing is kept: the process that worked on the turn died." in page
