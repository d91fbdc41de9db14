"""What a trace of a turn is found by, where turns are traced."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid5

from langsmith.run_helpers import tracing_context

from nodes.prompts import versions

GAVE_UP = "attempts_exhausted"  # the error of a run whose processes died once too often
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


def untold(run: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> int:
    """Of how many attempts at a run there is no part, as their processes died before they ended.

    Attempts are counted anew once a person has decided. What was pruned is not counted.
    """
    about = [part["spans"][0]["attributes"] for part in parts]
    told = {(one["tria.turn.is_resumed"], one["tria.run.attempt"]) for one in about}
    highest: dict[bool, int] = {}
    for is_resumed, attempt in told:
        highest[is_resumed] = max(attempt, highest.get(is_resumed, 0))
    is_running = run["status"] == "running"
    if parts or is_running or run["error"] == GAVE_UP:
        over, is_resumed = run["attempts"] - is_running, bool(run["resume"])
        highest[is_resumed] = max(over, highest.get(is_resumed, 0))
    return sum(highest.values()) - len(told)


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
