"""A process that works on one turn and is killed in the middle of it."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from typing_extensions import TypedDict

from graph.checkpoints import GroupCommitSaver, make_saver
from tools.database import make_pool

STEPS = ("first", "second", "third")


class Trail(TypedDict, total=False):
    """The steps that were done when each was."""

    first: list[str]
    second: list[str]
    third: list[str]


Graph = CompiledStateGraph[Trail, None, Trail, Trail]
Event = Callable[[], Awaitable[object]]


def graph_of(
    saver: GroupCommitSaver, journal: Path, events: Mapping[str, Event] | None = None
) -> Graph:
    """Three steps. Each notes in the journal that it begins; then its event happens, if any."""
    wiring = StateGraph(Trail)
    for step in STEPS:
        wiring.add_node(step, _step(step, journal, (events or {}).get(step)))
    for before, after in zip((START, *STEPS), (*STEPS, END), strict=True):
        wiring.add_edge(before, after)
    return wiring.compile(checkpointer=saver)


def _step(name: str, journal: Path, event: Event | None) -> Any:
    async def step(state: Trail) -> dict[str, list[str]]:
        with journal.open("a") as lines:
            lines.write(f"{name}\n")
        if event:
            await event()
        return {name: [*(done for done in STEPS if done in state), name]}

    return step


async def _work(url: str, thread_id: str, journal: Path) -> None:
    async def die() -> None:
        await asyncio.sleep(0.5)  # what came before is on its way to Postgres
        os.kill(os.getpid(), signal.SIGKILL)

    async with make_pool(url) as pool:
        graph = graph_of(make_saver(pool), journal, {"third": die})
        await graph.ainvoke({}, {"configurable": {"thread_id": thread_id}})


if __name__ == "__main__":
    asyncio.run(_work(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
