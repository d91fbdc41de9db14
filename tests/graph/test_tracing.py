"""Which span is a part of which, and that nothing happens where nothing is traced."""

import asyncio
from contextlib import nullcontext
from typing import Any
from uuid import UUID, uuid4

import pytest

from graph.tracing import (
    _Traced,
    ended,
    exported_to_nobody,
    node_began,
    node_ended,
    note_call,
    tool_span,
    tracing,
)
from monitoring import genai
from monitoring.spans import Trace
from tools.errors import BackendUnavailable
from tools.synthetic import MARK

RUN: dict[str, Any] = {
    "run_id": UUID(int=7),
    "thread_id": UUID(int=8),
    "attempts": 2,
    "turn": 3,
    "resume": None,
    "request": {},
    "metadata": {},
}


class Books:
    """A tool."""

    limit = 3

    async def send(self, words: str) -> str:
        note_call("PUT /Invoices", 0.01, "", {"http.response.status_code": 200})
        return words.upper()

    async def fail(self) -> None:
        raise BackendUnavailable("Mei Lin 9123 4567")


@pytest.fixture
def traces() -> list[Trace]:
    return []


def parents(trace: Trace) -> dict[str, str]:
    """What each span is a part of, by names."""
    names = {span.span_id: span.name for span in trace.spans}
    return {span.name: names.get(span.parent, "") for span in trace.spans}


async def test_calls_are_parts_of_the_tool_at_work_also_at_the_same_time(
    traces: list[Trace],
) -> None:
    first, second = _Traced(Books(), "books"), _Traced(Books(), "others")
    with tracing(RUN, traces.append):
        assert [*await asyncio.gather(first.send("a"), second.send("b"))] == ["A", "B"]
        assert first.limit == 3
        note_call("chat some-model", 0.01, "", {})
    [trace] = traces
    calls = [span for span in trace.spans if span.name == "PUT /Invoices"]
    tools = [span for span in trace.spans if span.name.startswith("execute_tool")]
    assert {call.parent for call in calls} == {tool.span_id for tool in tools}
    assert parents(trace)["chat some-model"] == "invoke_agent tria"


async def test_a_tool_that_fails_tells_its_error_s_code_and_not_its_words(
    traces: list[Trace],
) -> None:
    with tracing(RUN, traces.append), pytest.raises(BackendUnavailable):
        await _Traced(Books(), "books").fail()
    [trace] = traces
    assert trace.spans[1].error == BackendUnavailable.code
    assert "9123" not in str(trace.as_json())


def test_a_node_tells_the_class_of_its_error_and_the_gate_its_verdict(
    traces: list[Trace],
) -> None:
    verdict = {"passed": False, "tries": 2, "problems": ["no source for SGD 5.00"]}
    with tracing(RUN, traces.append):
        node_began("one", "validate_output")
        node_ended("one", {"verdict": verdict}, None)
        node_began("two", "hand_off")
        node_ended("two", {}, "KeyError('Mei Lin')")
        node_ended("never begun", {}, None)
        kept = ended("succeeded")
    [trace] = traces
    assert kept == trace.as_json()
    assert parents(trace)["gate"] == "validate_output"
    [gate] = [span for span in trace.spans if span.name == "gate"]
    assert gate.attributes == {
        "tria.gate.passed": False,
        "tria.gate.tries": 2,
        "tria.gate.problems": 1,
    }
    assert [s.error for s in trace.spans if s.name == "hand_off"] == ["KeyError"]
    assert "SGD" not in str(kept)


@pytest.mark.parametrize("asked", [{}, {"trace": {"id": uuid4().hex, "parent": "0" * 15 + "7"}}])
def test_a_trace_is_that_of_its_request_else_the_run_s_own(
    traces: list[Trace], asked: dict[str, Any]
) -> None:
    with tracing(RUN | {"request": asked}, traces.append):
        pass
    [trace] = traces
    said = asked.get("trace", {})
    assert trace.trace_id == said.get("id", RUN["run_id"].hex)
    assert trace.root.parent == said.get("parent", "")
    assert trace.root.attributes["tria.run.attempt"] == 2
    assert trace.root.attributes["tria.run.is_synthetic"] is False
    assert trace.outcome == "handed_over"


async def test_where_nothing_is_traced_tools_work_as_ever() -> None:
    node_began("one", "hand_off")
    node_ended("one", {}, None)
    with tool_span("books.send"):
        assert await _Traced(Books(), "books").send("a") == "A"
    assert ended("succeeded") is None


@pytest.mark.parametrize("is_traced", [True, False])
async def test_each_use_of_a_tool_is_timed_by_name_and_error(*, is_traced: bool) -> None:
    name = f"books{is_traced}"
    books = _Traced(Books(), name)
    with tracing(RUN, exported_to_nobody) if is_traced else nullcontext():
        assert await books.send("a") == "A"
        with pytest.raises(BackendUnavailable):
            await books.fail()
    counts = {
        (sample.labels["gen_ai_tool_name"], sample.labels["error_type"]): sample.value
        for metric in genai.TOOL_DURATION.collect()
        for sample in metric.samples
        if sample.name.endswith("_count") and sample.labels["gen_ai_tool_name"].startswith(name)
    }
    assert counts == {(f"{name}.send", ""): 1, (f"{name}.fail", BackendUnavailable.code): 1}


def test_a_synthetic_conversation_says_that_it_is_one(traces: list[Trace]) -> None:
    with tracing(RUN | {"metadata": MARK | {"more": 1}}, traces.append):
        pass
    assert traces[0].root.attributes["tria.run.is_synthetic"] is True


def test_the_last_word_on_an_attempt_counts(traces: list[Trace]) -> None:
    with tracing(RUN, traces.append):
        ended("succeeded")  # and then the database did not take it
        told = ended("handed_over")
    assert told
    assert told["outcome"] == traces[0].outcome == "handed_over"
