"""What a trace of a turn is found by, where turns are traced."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid5

from langsmith.run_helpers import tracing_context

from nodes.prompts import versions

TRACE = "trace"  # in what a run was asked for with: the request's own trace


def trace_id(run: Mapping[str, Any]) -> UUID:
    """The trace's id: the run's own for its first attempt, so that one leads to the other."""
    run_id: UUID = run["run_id"]
    is_first = run["attempts"] == 1 and not run["resume"]
    return run_id if is_first else uuid5(run_id, f"{run['attempts']} {bool(run['resume'])}")


def trace_of(run: Mapping[str, Any]) -> tuple[str, str]:
    """The id of the run's trace, and the span of whoever asked for it, or "".

    It is the trace of the request that made the run; every attempt at it adds to that one.
    """
    asked = run["request"].get(TRACE) or {}
    run_id: UUID = run["run_id"]
    return asked.get("id") or run_id.hex, asked.get("parent") or ""


@contextmanager
def told_to_tracers(run: Mapping[str, Any]) -> Iterator[None]:
    """Whatever is traced inside says which run it is and which prompts there were.

    In the graph's own configuration this would be stored with every checkpoint.
    """
    prompts = {f"prompt_{name}": version for name, version in versions().items()}
    trace, _ = trace_of(run)
    about = {"run_id": str(run["run_id"]), "attempt": run["attempts"], "trace_id": trace}
    with tracing_context(metadata=prompts | about):
        yield
