"""The trace of a turn, for staff and services: where its time went and what failed."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from psycopg.rows import DictRow

from api.auth import Operator
from api.dependencies import ClientsOf
from api.errors import not_found
from api.runs import RunId
from api.threads import ThreadId, own_thread
from graph.traces import trace_of, untold

router = APIRouter(tags=["runs"])


async def operated_run(
    thread_id: ThreadId, run_id: RunId, clients: ClientsOf, principal: Operator
) -> DictRow:
    """A run of a thread, for whoever operates it."""
    await own_thread(thread_id, clients, principal)
    run = await clients.runs.get(run_id, thread_id)
    if run is None:
        raise not_found("Run", run_id)
    return run


@router.get("/threads/{thread_id}/runs/{run_id}/trace")
async def get_trace(
    run: Annotated[DictRow, Depends(operated_run)], clients: ClientsOf
) -> dict[str, Any]:
    """Every attempt with its spans: names, times and counts, never what was said.

    The first span of a part is the turn itself; the others name their parent. Of `untold` attempts
    there is no part, as their processes died. What is kept of a turn goes with its checkpoints:
    then there are no parts. Messages that were answered together are told of by `answered_by`.
    """
    trace_id, _ = trace_of(run)
    parts = await clients.runs.trace_of(run["run_id"])
    return {
        "thread_id": str(run["thread_id"]),
        "run_id": str(run["run_id"]),
        "trace_id": trace_id,
        "answered_by": run["answered_by"] and str(run["answered_by"]),
        "untold": untold(run, parts),
        "parts": parts,
    }
