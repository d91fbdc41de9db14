"""`make bench-growth`: what a turn costs as one conversation grows to 500 turns, on Postgres."""

import json
import statistics
import time
from collections.abc import Sequence
from itertools import pairwise

import httpx
import psycopg

from evals.service import running_service

TURNS = 500
AROUND = 5  # turns that one figure is the median of
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
    with (
        running_service() as service,
        psycopg.connect(service.environment["DATABASE_URL"], autocommit=True) as database,
        httpx.Client(
            base_url=service.url, headers=service.sign_in("forno-rosso"), timeout=60
        ) as client,
    ):
        _say(client, client.post("/threads", json={}).json()["thread_id"], 0)  # warm up
        stored_before = _number(database, STORED)
        thread = client.post("/threads", json={}).json()["thread_id"]
        seconds, answers, written = [], [], [_wal(database)]
        for turn in range(TURNS):
            started = time.perf_counter()
            answers.append(_say(client, thread, turn))
            seconds.append(time.perf_counter() - started)
            written.append(_wal(database))
            if (turn + 1) % 100 == 0:
                print(f"{turn + 1} turns, the last in {seconds[-1] * 1000:.0f} ms", flush=True)
        costs = [after - before for before, after in pairwise(written)]
        figures = {
            "ms_turn_1": _ms(seconds, 0),
            "ms_turn_100": _ms(seconds, 100),
            "ms_turn_500": _ms(seconds, TURNS),
            "bytes_turn_1": _around(costs, 0),
            "bytes_turn_500": _around(costs, TURNS),
            "stored_bytes": _number(database, STORED) - stored_before,
            "answer_bytes_turn_1": _around(answers, 0),
            "answer_bytes_turn_500": _around(answers, TURNS),
        }
    print(json.dumps(figures))


def _say(client: httpx.Client, thread: str, turn: int) -> int:
    question = QUESTIONS[turn % len(QUESTIONS)]
    body = {
        "assistant_id": "tria",
        "input": {"messages": [{"role": "user", "content": question}]},
    }
    answer = client.post(f"/threads/{thread}/runs/wait", json=body)
    answer.raise_for_status()
    return len(answer.content)


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
    start = min(max(turn - AROUND // 2, 0), len(values) - AROUND)
    return statistics.median(values[start : start + AROUND])


if __name__ == "__main__":
    main()
