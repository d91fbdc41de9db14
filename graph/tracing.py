"""Traces turns: a span for every node, call of the model, call of Xero, tool and gate.

Tools are also timed, whether or not anything is traced.

Nodes and tools know nothing of it: nodes are heard of by the graph's stream, calls by the hooks
that count them, and tools are wrapped where the context is built.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar, cast

from langchain_core.runnables.config import var_child_runnable_config

from graph.traces import trace_of
from monitoring import genai
from monitoring.spans import Span, Trace, Value, kept
from tools.context import Context
from tools.errors import TriaError
from tools.synthetic import MARK

AGENT = "tria"
OTHER = "other"
T = TypeVar("T")
Export = Callable[[Trace], None]

_trace: ContextVar[Trace | None] = ContextVar("trace", default=None)
_inside: ContextVar[str] = ContextVar("inside", default="")  # the span that is under way here
_nodes: ContextVar[Mapping[str, Span] | None] = ContextVar("nodes", default=None)


def exported_to_nobody(_: Trace) -> None:
    """Traces that are only stored."""


@contextmanager
def tracing(run: Mapping[str, Any], export: Export) -> Iterator[None]:
    """Trace what is done inside as one attempt at this run, and pass it on when it is over."""
    trace_id, parent = trace_of(run)
    trace = Trace(trace_id, parent, f"invoke_agent {AGENT}", _about(run))
    tokens = (_trace.set(trace), _nodes.set({}))
    try:
        yield
    finally:
        _trace.reset(tokens[0])
        _nodes.reset(tokens[1])
        trace.end("handed_over")
        export(trace)


def _about(run: Mapping[str, Any]) -> dict[str, Value]:
    return kept(
        {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": AGENT,
            "gen_ai.conversation.id": str(run["thread_id"]),
            "tria.run.id": str(run["run_id"]),
            "tria.run.attempt": run["attempts"],
            "tria.run.is_synthetic": run["metadata"].items() >= MARK.items(),
            "tria.turn.number": run["turn"],
            "tria.turn.is_resumed": bool(run["resume"]),
        }
    )


def ended(outcome: str, error: str = "") -> dict[str, Any] | None:
    """This attempt is over: what is to be stored of it; None where nothing is traced."""
    if (trace := _trace.get()) is None:
        return None
    trace.outcome = ""  # the last word counts: an answer that was to be stored may not have been
    trace.end(outcome, error)
    return trace.as_json()


def node_began(task_id: str, node: str) -> None:
    """A node has begun."""
    if (trace := _trace.get()) is not None:
        span = trace.begin(node, "")
        span.attributes["langgraph.node"] = node
        cast(dict[str, Span], _nodes.get())[task_id] = span


def node_ended(task_id: str, result: Mapping[str, Any], error: object) -> None:
    """It has ended. What the gate found is told by a span of its own."""
    trace, span = _trace.get(), (_nodes.get() or {}).get(task_id)
    if trace is None or span is None:
        return
    span.ended = time.monotonic()
    span.error = _class_of(error) if error else ""
    if verdict := result.get("verdict"):
        gate = trace.begin("gate", span.span_id, at=span.began)
        gate.ended = span.ended
        gate.attributes = kept(
            {
                "tria.gate.passed": verdict["passed"],
                "tria.gate.tries": verdict["tries"],
                "tria.gate.problems": len(verdict["problems"]),
            }
        )


def note_call(
    name: str, seconds: float, error: str, attributes: Mapping[str, Value | None]
) -> None:
    """A call to another service has ended just now."""
    if (trace := _trace.get()) is None:
        return
    now = time.monotonic()
    span = trace.begin(name, _parent(), at=now - seconds)
    span.kind, span.ended, span.error = "client", now, error
    span.attributes = kept(attributes)


@contextmanager
def tool_span(tool: str) -> Iterator[None]:
    """Around one use of a tool; calls inside it are its children."""
    if (trace := _trace.get()) is None:
        yield
        return
    span = trace.begin(f"execute_tool {tool}", _parent())
    span.attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool}
    token = _inside.set(span.span_id)
    try:
        yield
    except BaseException as error:
        span.error = error.code if isinstance(error, TriaError) else type(error).__name__
        raise
    finally:
        _inside.reset(token)
        span.ended = time.monotonic()


@contextmanager
def _timed(tool: str) -> Iterator[None]:
    """Count how long one use of a tool took, and how it failed if it did."""
    began, failed = time.monotonic(), ""
    try:
        yield
    except BaseException as error:
        failed = error.code if isinstance(error, TriaError) else OTHER
        raise
    finally:
        genai.TOOL_DURATION.labels(tool, failed).observe(time.monotonic() - began)


def _parent() -> str:
    """The tool that is at work here, else the node; "" for the turn itself."""
    if inside := _inside.get():
        return inside
    about = (var_child_runnable_config.get() or {}).get("metadata") or {}
    _, _, task_id = about.get("langgraph_checkpoint_ns", "").rpartition(":")
    span = (_nodes.get() or {}).get(task_id)
    return span.span_id if span else ""


def _class_of(error: object) -> str:
    """Its class alone: what it says may quote a customer."""
    return error.partition("(")[0][:60] if isinstance(error, str) else type(error).__name__


class _Traced:
    """A tool whose every asynchronous method is timed, and a span."""

    def __init__(self, inside: object, name: str) -> None:
        self._inside = inside
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(self._inside, attribute)
        if not iscoroutinefunction(found):
            return found
        tool = f"{self._name}.{attribute}"

        @wraps(found)
        async def told(*args: Any, **named: Any) -> Any:
            with _timed(tool), tool_span(tool):
                return await found(*args, **named)

        return told


def in_spans(context: Context) -> Context:
    """The same context; each use of one of its tools is a span of the turn that uses it."""
    return replace(
        context,
        accounts=_traced(context.accounts, "accounts"),
        books=_traced(context.books, "books"),
        knowledge=_traced(context.knowledge, "policies"),
        actions=_traced(context.actions, "cards"),
        tickets=_traced(context.tickets, "tickets"),
    )


def _traced(tool: T, name: str) -> T:
    return cast(T, _Traced(tool, name))
