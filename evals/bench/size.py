"""`make bench-size`: what turns and reads cost in a database of 1,000,000 messages.

The same version runs on a small and on a large database, both filled as if a desk had worked for
months, with their checkpoints. One customer has as many conversations in both, so that what
differs is everybody else. `--messages` sets the size of the large one.
"""

import argparse
import asyncio
import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import httpx
import psycopg

from evals.bench.desk.filling import fill
from evals.bench.turn.served import Side, Spent, running_side
from evals.bench.turn.talks import Talks
from evals.bench.turns import AT_ONCE, a_round, medians, ratio, ratios
from evals.lanes.tree import ROOT, Tree

FEW, MANY = 10_000, 1_000_000
OF_CONVERSATION = 4  # messages
CUSTOMER = "forno-rosso"
THEIRS = 50  # conversations
KEPT_SHARE = 20  # one turn in so many still has its checkpoints
TURNS_BEFORE = 10
ROUNDS, TIMES = 4, 30
# As many rows of about the sizes that a turn leaves.
CHECKPOINTS = (
    """
insert into checkpoints (thread_id, checkpoint_ns, checkpoint_id, checkpoint, metadata)
select graph_thread, '', md5(graph_thread || n), jsonb_build_object('v', 4, 'id', n,
  'channel_versions', repeat(md5(graph_thread), 20)), jsonb_build_object('step', n)
from runs, generate_series(1, 8) n where abs(hashtext(run_id::text)) %% %(share)s = 0""",
    """
insert into checkpoint_blobs (thread_id, checkpoint_ns, channel, version, type, blob)
select graph_thread, '', 'channel ' || n, md5(graph_thread || n), 'msgpack',
  decode(repeat(md5(graph_thread), 20), 'hex')
from runs, generate_series(1, 16) n where abs(hashtext(run_id::text)) %% %(share)s = 0""",
    """
insert into checkpoint_writes (thread_id, checkpoint_ns, checkpoint_id, task_id, idx, channel,
  type, blob)
select graph_thread, '', md5(graph_thread || n %% 8), md5('t' || n %% 8), n, 'channel ' || n,
  'msgpack', decode(repeat(md5(graph_thread), 10), 'hex')
from runs, generate_series(1, 22) n where abs(hashtext(run_id::text)) %% %(share)s = 0""",
)
Ask = Callable[[httpx.Client, str], httpx.Response]
READS: dict[str, Ask] = {
    "state": lambda client, thread: client.get(f"/threads/{thread}/state"),
    "history": lambda client, thread: client.post(f"/threads/{thread}/history", json={"limit": 10}),
    "runs": lambda client, thread: client.get(f"/threads/{thread}/runs"),
    "search": lambda client, _: client.post("/threads/search", json={"limit": 10}),
    "count": lambda client, _: client.post("/threads/count", json={}),
}


def main() -> None:
    """Fill both, measure both, print the figures; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description="What a large database costs.")
    parser.add_argument("--messages", type=int, default=MANY)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    tree = Tree(ROOT)
    with (
        running_side("few", tree, {}, lambda url: _filled(url, FEW)) as few,
        running_side("many", tree, {}, lambda url: _filled(url, options.messages)) as many,
    ):
        reads = _reads(few, many)
        turns = asyncio.run(_turns(few, many, options.rounds))
        figures = {
            "messages": _number(many, "select count(*) from messages"),
            "database_mib": _number(many, "select pg_database_size(current_database()) >> 20"),
            "load": round(os.getloadavg()[0], 1),
            "reads": reads,
            **turns,
        }
    print(json.dumps(figures))


def _filled(url: str, messages: int) -> None:
    began = time.perf_counter()
    with psycopg.connect(url, autocommit=True) as database:
        fill(database, messages // OF_CONVERSATION)
        for statement in CHECKPOINTS:
            database.execute(statement.encode(), {"share": KEPT_SHARE})
        database.execute(
            "update threads set customer_id = %s where thread_id in (select thread_id from threads"
            " where person is null order by md5(thread_id::text) limit %s)",
            [CUSTOMER, THEIRS],
        )
        database.execute("vacuum analyze")
    print(f"{messages} messages in {time.perf_counter() - began:.0f} s", flush=True)


def _reads(few: Side, many: Side) -> dict[str, Any]:
    """What each read takes, one side after the other; the ratio is that of the medians."""
    clients = [
        httpx.Client(base_url=side.service.url, headers=side.service.sign_in(CUSTOMER), timeout=60)
        for side in (few, many)
    ]
    threads = [_conversed(client) for client in clients]
    found = {}
    for name, ask in READS.items():
        taken: tuple[list[float], list[float]] = ([], [])
        for time_ in range(TIMES + 2):
            for client, thread, ms in zip(clients, threads, taken, strict=True):
                began = time.perf_counter()
                ask(client, thread).raise_for_status()
                if time_ > 1:  # the first ones find nothing in memory
                    ms.append(1000 * (time.perf_counter() - began))
        p50 = [statistics.median(ms) for ms in taken]
        found[name] = {"ms_p50": round(p50[1], 1), "of_few": ratio(taken[1], taken[0])}
        print(f"{name}: {found[name]}", flush=True)
    for client in clients:
        client.close()
    return found


def _conversed(client: httpx.Client) -> str:
    """A conversation of some turns."""
    thread: str = client.post("/threads", json={}).json()["thread_id"]
    body = {
        "assistant_id": "tria",
        "input": {"messages": [{"role": "user", "content": "which days do you deliver?"}]},
    }
    for _ in range(TURNS_BEFORE):
        client.post(f"/threads/{thread}/runs/wait", json=body).raise_for_status()
    return thread


async def _turns(few: Side, many: Side, rounds: int) -> dict[str, Any]:
    talks = {side.name: Talks(side.service, AT_ONCE) for side in (few, many)}
    costs: dict[str, list[Spent]] = {"few": [], "many": []}
    for number in range(rounds + 1):
        for side in (few, many)[:: 1 if number % 2 else -1]:
            costs[side.name].append(await a_round(side, talks[side.name]))
    warm = {name: each[1:] for name, each in costs.items()}
    return {
        "a_turn": medians(warm["many"]),
        "a_turn_of_few": medians(warm["few"]),
        "ratios": ratios(warm["many"], warm["few"]),
    }


def _number(side: Side, query: str) -> int:
    row = side.database.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


if __name__ == "__main__":
    main()
