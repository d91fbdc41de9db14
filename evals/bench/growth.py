"""`make bench-growth`: what a turn costs as one conversation grows to 1,000 turns, on Postgres.

Time is told beside the processor's own, of the service and of Postgres: the latter does not rise
with what else the machine does. `--turns` sets how far it grows.
"""

import argparse
import json
import statistics
import time
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import httpx
import psycopg

from evals.bench.turn.served import Side, cpu_seconds, family, running_side
from evals.lanes.tree import ROOT, Tree

TURNS = 1000
AROUND = 25  # turns that one figure is of
QUESTIONS = (
    "which days do you deliver?",
    "how much is the fee if I cancel the day before delivery?",
    "what are your payment terms?",
)
STORED = (
    "select sum(pg_total_relation_size(c.oid))::bigint from pg_class c"
    " where c.relname in ('messages', 'runs', 'threads', 'checkpoints', 'checkpoint_blobs',"
    " 'checkpoint_writes')"
)


def main() -> None:
    """Hold one conversation and print the figures."""
    parser = argparse.ArgumentParser(description="What a turn costs as a conversation grows.")
    parser.add_argument("--turns", type=int, default=TURNS)
    turns = parser.parse_args().turns
    with (
        running_side("here", Tree(ROOT), {}) as side,
        psycopg.connect(side.service.environment["DATABASE_URL"], autocommit=True) as database,
        httpx.Client(
            base_url=side.service.url, headers=side.service.sign_in("forno-rosso"), timeout=60
        ) as client,
    ):
        figures = _grown(side, client, database, turns)
    print(json.dumps(figures))


def _grown(
    side: Side, client: httpx.Client, database: "psycopg.Connection[tuple[int]]", turns: int
) -> dict[str, Any]:
    deque(_conversation(client, AROUND), maxlen=0)  # warm up
    stored_before = _number(database, STORED)
    seconds, answers, written, cpu = [], [], [_wal(database)], [_cpu_ms(side)]
    started = time.perf_counter()
    for answer in _conversation(client, turns):
        seconds.append(time.perf_counter() - started)
        answers.append(answer)
        written.append(_wal(database))
        cpu.append(_cpu_ms(side))
        if len(answers) % 100 == 0:
            print(f"{len(answers)} turns, the last in {seconds[-1] * 1000:.0f} ms", flush=True)
        started = time.perf_counter()
    costs = [after - before for before, after in pairwise(written)]
    return {
        f"turn_{turn}": {
            "ms": _ms(seconds, turn),
            "cpu_ms": round(_mean_step(cpu, turn), 1),
            "bytes": _around(costs, turn),
            "answer_bytes": _around(answers, turn),
        }
        for turn in sorted({1, turns // 10, turns // 2, turns})
    } | {"stored_bytes": _number(database, STORED) - stored_before}


def _conversation(client: httpx.Client, turns: int) -> Iterator[int]:
    """The sizes of its answers, one after the other."""
    thread = client.post("/threads", json={}).json()["thread_id"]
    for turn in range(turns):
        yield _say(client, thread, turn)


def _say(client: httpx.Client, thread: str, turn: int) -> int:
    question = QUESTIONS[turn % len(QUESTIONS)]
    body = {
        "assistant_id": "tria",
        "input": {"messages": [{"role": "user", "content": question}]},
    }
    answer = client.post(f"/threads/{thread}/runs/wait", json=body)
    answer.raise_for_status()
    return len(answer.content)


def _cpu_ms(side: Side) -> float:
    """What the service and Postgres have computed so far."""
    return 1000 * sum(map(cpu_seconds, [side.pid, *family(side.postgres)]))


def _wal(database: "psycopg.Connection[tuple[int]]") -> int:
    """Bytes of write-ahead log so far: everything Postgres was made to write."""
    return _number(database, "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")


def _number(database: "psycopg.Connection[tuple[int]]", query: str) -> int:
    row = database.execute(query.encode()).fetchone()
    return row[0] if row else 0


def _around(values: list[int], turn: int) -> int:
    return round(_near(values, turn))


def _ms(seconds: list[float], turn: int) -> float:
    return round(_near(seconds, turn) * 1000, 1)


def _near(values: Sequence[float], turn: int) -> float:
    start = _start(len(values), turn)
    return statistics.median(values[start : start + AROUND])


def _mean_step(values: Sequence[float], turn: int) -> float:
    """By how much a growing figure rises with each turn around this one."""
    start = _start(len(values) - 1, turn)
    end = min(start + AROUND, len(values) - 1)
    return (values[end] - values[start]) / (end - start)


def _start(count: int, turn: int) -> int:
    return max(0, min(turn - 1 - AROUND // 2, count - AROUND))


if __name__ == "__main__":
    main()
