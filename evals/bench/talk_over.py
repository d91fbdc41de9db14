"""`make bench-talk-over`: does the assistant ever speak after a person has taken over?

Two replicas on shared parts, and a stand-in for the model that writes slowly. In each trial a
customer writes (a question, a burst, a yes to a card) or news arrives, and a colleague takes the
conversation over at a random moment of that turn, through any replica. Then streams and tables are
read: after the line that says who has joined, nothing of the assistant may stand or be shown.
"""

import argparse
import asyncio
import json
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from evals.bench.talk.trials import KINDS, Kind, People, Trial, play, thread_ids
from evals.service import Service, prepared_parts, wait_until_ready
from graph.clients import chroma_folder
from tools.database import Pool, fetch_all, make_pool
from tools.embedded.parts import running_sandbox
from tools.embedded.process import free_port, spawn, stop
from tools.sandbox.company import demo_customers, demo_staff

REPLICAS = 2
AT_ONCE = 8
SEED = 20261128
START_SECONDS = 180.0
SETTLE_SECONDS = 3.0  # in which a late answer would still come
SPANS: dict[Kind, float] = {"question": 1.2, "burst": 1.6, "yes": 0.5, "news": 0.8}
PACE = {"mode": "slow", "first_seconds": 0.15, "seconds": 0.01}

STORED_AFTER = """
select m.thread_id, m.run_id, m.content from messages m
where m.thread_id = any(%(threads)s) and m.role = 'ai' and not m.extra ? 'person'
  and m.seq > (select min(j.seq) from messages j where j.thread_id = m.thread_id
    and j.extra -> 'person' ->> 'event' = 'joined')
  and m.seq < coalesce((select min(l.seq) from messages l where l.thread_id = m.thread_id
    and l.extra -> 'person' ->> 'event' = 'left'), 9223372036854775807)"""
MOMENTS = """
select case when exists (select 1 from runs where thread_id = t and for_person
      and status = 'cancelled' and attempts > 0) then 'while it worked'
    when exists (select 1 from runs where thread_id = t and for_person and status = 'cancelled')
      then 'while it waited'
    else 'before or after' end as moment, count(*) as many
from unnest(%(threads)s::uuid[]) t group by 1"""
LEFT_OPEN = """
select count(*) as many from runs where thread_id = any(%(threads)s)
and status in ('queued', 'running') and due_at is null"""


def main() -> None:
    """Play the trials and print what was found; the last line is one JSON object."""
    options = _options()
    figures = asyncio.run(_raced(options.trials, options.seed))
    print(json.dumps(figures))
    if figures["stored_after"] or figures["shown_after"] or figures["unfinished"]:
        sys.exit("Somebody was talked over.")


async def _raced(count: int, seed: int) -> dict[str, Any]:
    with _replicas() as (service, urls):
        url = service.environment["DATABASE_URL"]
        async with make_pool(url, max_size=AT_ONCE) as pool, _people(service, urls, pool) as people:
            started = time.monotonic()
            trials = await _all(people, count, random.Random(seed))
            await asyncio.sleep(SETTLE_SECONDS)
            found = await _figures(pool, trials)
    return found | {"seconds": round(time.monotonic() - started)}


async def _all(people: People, count: int, chance: random.Random) -> list[Trial]:
    """Every trial, some at once."""
    places, trials = asyncio.Semaphore(AT_ONCE), []

    async def one(number: int, kind: Kind, offset: float) -> None:
        async with places:
            trials.append(await play(people, number, kind, offset))
        if len(trials) % 100 == 0:
            print(f"{len(trials)} trials", flush=True)

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            kind = KINDS[number % len(KINDS)]
            group.create_task(one(number, kind, chance.uniform(0, SPANS[kind])))
    return trials


async def _figures(pool: Pool, trials: Sequence[Trial]) -> dict[str, Any]:
    threads = {"threads": thread_ids(trials)}
    stored = await fetch_all(pool, STORED_AFTER, threads)
    moments = await fetch_all(pool, MOMENTS, threads)
    [open_runs] = await fetch_all(pool, LEFT_OPEN, threads)
    for row in stored:
        print(f"stored after the take-over: {row['thread_id']} {row['run_id']}", file=sys.stderr)
    return {
        "trials": len(trials),
        "kinds": Counter(trial.kind for trial in trials),
        "moments": {row["moment"]: row["many"] for row in moments},
        "stored_after": len(stored),
        "shown_after": sum(trial.shown_after for trial in trials),
        "unfinished": sum(trial.unfinished for trial in trials) + open_runs["many"],
        "news_not_told_once": sum(trial.told is False for trial in trials),
        "take_over_ms_p50": round(1000 * statistics.median(t.seconds for t in trials)),
        "take_over_ms_max": round(1000 * max(t.seconds for t in trials)),
        "silence_ms_max": round(1000 * max(t.silence_seconds for t in trials)),
    }


@asynccontextmanager
async def _people(service: Service, urls: Sequence[str], pool: Pool) -> AsyncIterator[People]:
    """A customer and a colleague, with a client for each replica."""
    async with AsyncExitStack() as stack:

        async def client(url: str, headers: dict[str, str]) -> httpx.AsyncClient:
            made = httpx.AsyncClient(base_url=url, headers=headers, timeout=60)
            return await stack.enter_async_context(made)

        customer = demo_customers()[0].customer_id
        yield People(
            [await client(url, replace(service, url=url).sign_in(customer)) for url in urls],
            [await client(url, _staff(url)) for url in urls],
            pool,
        )


def _staff(url: str) -> dict[str, str]:
    answer = httpx.post(f"{url}/demo/staff-sign-in", json={"staff_id": demo_staff()[0].staff_id})
    answer.raise_for_status()
    return {"Authorization": f"Bearer {answer.json()['token']}"}


@contextmanager
def _replicas() -> Iterator[tuple[Service, list[str]]]:
    """The service in several processes on the same parts, and a model that writes slowly."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tria-model-")))
        found = stack.enter_context(running_sandbox(folder))
        stand_in = found["XERO_API_URL"].removesuffix("/xero")
        httpx.post(f"{stand_in}/control/model", json=PACE).raise_for_status()
        model = {"OPENAI_API_KEY": "any-key", "OPENAI_BASE_URL": f"{stand_in}/openai/v1"}
        unlimited = {"TRIA_USER_READS": "0", "TRIA_USER_TURNS": "0", "TRIA_USER_STREAMS": "0"}
        more = {"OPENAI_DAILY_USD": "1000", "TRIA_DEMO": "true"}
        service = stack.enter_context(prepared_parts(**model, **unlimited, **more))
        yield service, [_replica(stack, service, number) for number in range(REPLICAS)]


def _replica(stack: ExitStack, service: Service, number: int) -> str:
    """One more process. Each has a folder of its own, as Chroma's must not be shared."""
    shared = Path(service.environment["TRIA_DATA"])
    own, port = shared / f"replica-{number}", free_port()
    own.mkdir()
    (own / "minilm").symlink_to((shared / "minilm").resolve())
    if number:  # what the first one has indexed
        shutil.copytree(chroma_folder(shared / "replica-0"), chroma_folder(own))
    variables = service.environment | {"TRIA_DATA": str(own), "TRIA_PORT": str(port)}
    process = spawn([sys.executable, "-m", "api"], own / "service.log", signal.SIGTERM, variables)
    stack.callback(stop, process, signal.SIGTERM)
    url = f"http://127.0.0.1:{port}"
    wait_until_ready(url, process, own / "service.log", START_SECONDS)
    return url


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Does the assistant speak after a take-over?")
    parser.add_argument("--trials", type=int, default=1000, help="conversations")
    parser.add_argument("--seed", type=int, default=SEED, help="of the moments")
    return parser.parse_args()


if __name__ == "__main__":
    main()
