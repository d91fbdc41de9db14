"""`make bench-checkpoints`: LangGraph's saver, the same without its lock, and ours, on Postgres."""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import psycopg
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from graph.checkpoints import make_saver, migrate_checkpoints
from tools.database import Pool, make_pool
from tools.embedded.postgres import Postgres

STEPS = ("classify", "retrieve", "call", "draft", "tone", "validate")
AT_ONCE = (1, 20)
TURNS = {1: 60, 20: 240}
ROUNDS = 3  # each saver has its turn in every round: the machine's load is not one saver's alone


class State(TypedDict, total=False):
    """What the steps of a turn leave behind, about as large as a real one's."""

    turn: dict[str, str]
    classify: dict[str, str]
    retrieve: list[dict[str, str]]
    call: dict[str, str]
    draft: dict[str, str]
    tone: dict[str, str]
    validate: dict[str, str]


@dataclass
class Cost:
    """What a turn costs; the median of the rounds."""

    turns_per_s: float
    ms_per_turn: float
    cpu_ms_per_turn: float
    commits_per_turn: float


async def _stock(pool: Pool) -> AsyncIterator[AsyncPostgresSaver]:
    yield AsyncPostgresSaver(pool, serde=JsonPlusSerializer(allowed_msgpack_modules=None))


async def _widened(pool: Pool) -> AsyncIterator[AsyncPostgresSaver]:
    saver = AsyncPostgresSaver(pool, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
    saver.lock = cast(asyncio.Lock, asyncio.Semaphore(pool.max_size))
    yield saver


async def _ours(pool: Pool) -> AsyncIterator[AsyncPostgresSaver]:
    saver = make_saver(pool)
    yield saver
    await saver.aclose()


SAVERS = {"stock": _stock, "widened": _widened, "ours": _ours}


def main() -> None:
    """Measure and print the figures."""
    with tempfile.TemporaryDirectory(prefix="tria-") as folder:
        server = Postgres(Path(folder))
        url = server.start()
        try:
            figures = asyncio.run(_measure(url))
        finally:
            server.stop()
    print(json.dumps(figures))


async def _measure(url: str) -> dict[str, Any]:
    await migrate_checkpoints(url)
    seen: dict[tuple[int, str], list[Cost]] = {}
    for round_ in range(ROUNDS):
        for at_once in AT_ONCE:
            for name in SAVERS:
                cost = await _round(url, name, at_once)
                seen.setdefault((at_once, name), []).append(cost)
                print(f"round {round_ + 1}, {at_once} at once, {name}: {cost}", flush=True)
    return {str(n): _figures({s: _median(seen[n, s]) for s in SAVERS}) for n in AT_ONCE}


async def _round(url: str, name: str, at_once: int) -> Cost:
    before = await _commits(url)
    async with make_pool(url) as pool, asynccontextmanager(SAVERS[name])(pool) as saver:
        cost = await _run(_turn_of(saver), at_once)
    # Only now: a connection tells what it did when it closes.
    commits = await _commits(url) - before
    return replace(cost, commits_per_turn=round(commits / (TURNS[at_once] + at_once), 1))


async def _run(turn: Callable[[], Awaitable[None]], at_once: int) -> Cost:
    await asyncio.gather(*(turn() for _ in range(at_once)))  # warm up
    lasted: list[float] = []

    async def converse() -> None:
        for _ in range(TURNS[at_once] // at_once):
            began = time.perf_counter()
            await turn()
            lasted.append(time.perf_counter() - began)

    cpu, started = time.process_time(), time.perf_counter()
    await asyncio.gather(*(converse() for _ in range(at_once)))
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    return Cost(
        turns_per_s=round(len(lasted) / seconds, 1),
        ms_per_turn=round(statistics.median(lasted) * 1000, 1),
        cpu_ms_per_turn=round(cpu / len(lasted) * 1000, 1),
        commits_per_turn=0,
    )


async def _commits(url: str) -> int:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        found = await connection.execute(
            "select xact_commit from pg_stat_database where datname = current_database()"
        )
        row = await found.fetchone()
    return int(row[0]) if row else 0


def _turn_of(saver: AsyncPostgresSaver) -> Callable[[], Awaitable[None]]:
    wiring = StateGraph(State)
    for step in STEPS:
        wiring.add_node(step, _step(step))
    for before, after in zip((START, *STEPS), (*STEPS, END), strict=True):
        wiring.add_edge(before, after)
    graph = wiring.compile(checkpointer=saver)

    async def turn() -> None:
        await graph.ainvoke(
            {"turn": {"text": "x" * 200}},
            {"configurable": {"thread_id": f"{uuid4()}:1"}},
            durability="async",
        )

    return turn


def _step(name: str) -> Any:
    made: Any = {"text": "x" * 800}
    if name == "retrieve":
        made = [{"text": "x" * 400} for _ in range(5)]

    async def step(_: State) -> dict[str, Any]:
        return {name: made}

    return step


def _median(costs: list[Cost]) -> Cost:
    return Cost(**{k: statistics.median(asdict(c)[k] for c in costs) for k in asdict(costs[0])})


def _figures(costs: dict[str, Cost]) -> dict[str, Any]:
    ours, stock = costs["ours"], costs["stock"]
    return {name: asdict(cost) for name, cost in costs.items()} | {
        "turns_per_s_to_stock": round(ours.turns_per_s / stock.turns_per_s, 2),
        "turns_per_s_to_widened": round(ours.turns_per_s / costs["widened"].turns_per_s, 2),
        "ms_to_stock": round(ours.ms_per_turn / stock.ms_per_turn, 2),
        "cpu_to_stock": round(ours.cpu_ms_per_turn / stock.cpu_ms_per_turn, 2),
        "commits_to_stock": round(ours.commits_per_turn / stock.commits_per_turn, 2),
    }


if __name__ == "__main__":
    main()
