"""`make bench-inbox`: the inbox, its filters, the search and the list with 100,000 conversations.

Each figure beside the same with 1,000 conversations, asked in turns: the machine's load is not one
size's alone. Then what the indexes for it cost a turn, on the large database.
"""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from evals.bench.desk.filling import fill
from graph.checkpoints import migrate_checkpoints
from graph.inspection.masking import mask
from tools.database import Pool, make_pool, migrate
from tools.embedded.postgres import Postgres
from tools.intake import NewRun
from tools.operators.finding import Finding
from tools.operators.inbox import Inbox, Key, Wish
from tools.operators.listing import Choice, Listing, Place
from tools.runs import Answer, Runs

FEW, MANY = 1_000, 100_000
TIMES = 40
TURNS = 400  # for each of the two ways to write
ADDED = (
    *("messages_by_word", "threads_by_activity", "runs_of_concern", "runs_failed"),
    *("tickets_of_thread", "actions_of_thread", "actions_of_invoice", "action_writes_sent"),
)
LARGE = ("threads", "runs", "messages", "tickets", "actions", "action_writes")
Ask = Callable[[], Awaitable[Any]]


def main() -> None:
    """Fill, measure and print the figures."""
    with tempfile.TemporaryDirectory(prefix="tria-") as folder:
        server = Postgres(Path(folder))
        url = server.start()
        try:
            figures = asyncio.run(_measure(url))
        finally:
            server.stop()
    print(json.dumps(figures))


async def _measure(url: str) -> dict[str, Any]:
    few, many = [await _database(url, size) for size in (FEW, MANY)]
    async with AsyncExitStack() as stack:
        pools = [await stack.enter_async_context(make_pool(u, max_size=2)) for u in (few, many)]
        asked = [await _questions(pool) for pool in pools]
        reads = {name: await _compared(name, *(each[name] for each in asked)) for name in asked[0]}
    read_whole = await _read_whole(many)
    sizes = _sizes(many)
    without = _copied(url, many)
    written = await _written({"with": many, "without": without})
    worst = max(reads.values(), key=lambda read: float(read["p95_ms"]))
    return {
        "conversations": MANY,
        "worst_p95_ms": worst["p95_ms"],
        "reads": reads,
        "tables_read_whole": read_whole,
        "turn": written,
        "index_mb": sizes,
    }


async def _database(url: str, size: int) -> str:
    own = _created(url, f"create database inbox_{size}", f"inbox_{size}")
    await migrate(own)
    await migrate_checkpoints(own)
    started = time.perf_counter()
    with psycopg.connect(own, autocommit=True) as database:
        fill(database, size)
    print(f"{size} conversations in {time.perf_counter() - started:.0f} s", flush=True)
    return own


def _created(url: str, statement: str, name: str) -> str:
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(statement.encode())
    return f"{url.rsplit('/', 1)[0]}/{name}"


async def _questions(pool: Pool) -> dict[str, Ask]:
    """Everything that somebody at the desk asks, by name."""
    inbox, listing, finding = Inbox(pool, mask), Listing(pool, mask), Finding(pool, mask)
    newest = (await listing.page()).rows[0]["thread_id"]
    first, second = await inbox.page(), await listing.page()
    key: Key | None = first.following
    place: Place | None = second.following

    def wished(**wish: Any) -> Ask:
        return lambda: inbox.page(Wish(**wish))

    def chosen(**choice: Any) -> Ask:
        return lambda: listing.page(Choice(**choice))

    def sought(words: str) -> Ask:
        return lambda: finding.search(words)

    return {
        "inbox": wished(),
        "inbox_page_2": lambda: inbox.page(after=key),
        "inbox_failed": wished(reason="failed"),
        "inbox_level": wished(level=3),
        "inbox_mine": wished(mine="mei"),
        "inbox_unassigned": wished(is_unassigned=True),
        "inbox_language": wished(language="zh"),
        "inbox_customer": wished(customer="c3"),
        "list": chosen(),
        "list_page_2": lambda: listing.page(after=place),
        "list_failed": chosen(status="error"),
        "list_busy": chosen(status="busy"),
        "list_waiting": chosen(status="interrupted"),
        "list_customer": chosen(customer="c3"),
        "find_id": sought(str(newest)),
        "find_beginning_of_id": sought(str(newest)[:8]),
        "find_ticket": sought("T-000010"),
        "find_document_of_card": sought("TRIA-0000030"),
        "find_document_in_message": sought("INV-10014"),
        "find_customer": sought("Company c3 "),
        "find_rare_word": sought("c51ce41"),
        "find_frequent_word": sought("order"),
        "find_two_words": sought("kotak esok"),
        "find_chinese": sought("发票"),
        "find_one_sign": sought("箱"),
        "find_tamil": sought("விலைப்பட்டியல்"),
        "find_nothing": sought("zebra"),
    }


async def _compared(name: str, few: Ask, many: Ask) -> dict[str, float]:
    taken: tuple[list[float], list[float]] = ([], [])
    for turn in range(TIMES + 2):
        for ask, times in zip((few, many), taken, strict=True):
            started = time.perf_counter()
            await ask()
            if turn > 1:  # the first ones find nothing in memory
                times.append((time.perf_counter() - started) * 1000)
    p50, p95 = statistics.median(taken[1]), statistics.quantiles(taken[1], n=20)[-1]
    ratio = p50 / statistics.median(taken[0])
    found = {"p50_ms": round(p50, 1), "p95_ms": round(p95, 1), "of_few": round(ratio, 2)}
    print(name, found, flush=True)
    return found


async def _read_whole(url: str) -> list[str]:
    """Large tables that some question reads from end to end: there should be none."""
    before = _scans(url)
    async with make_pool(url, max_size=2) as pool:
        for ask in (await _questions(pool)).values():
            await ask()
    after = _scans(url)  # a connection tells what it did when it closes
    return [table for table in LARGE if after[table] > before[table]]


def _scans(url: str) -> dict[str, int]:
    with psycopg.connect(url, autocommit=True) as database:
        rows = database.execute("select relname, seq_scan from pg_stat_user_tables").fetchall()
    return dict(rows)


def _sizes(url: str) -> dict[str, float]:
    with psycopg.connect(url, autocommit=True) as database:
        return {
            name: round(row[0] / 2**20, 1)
            for name in ADDED
            if (row := database.execute("select pg_relation_size(%s)", [name]).fetchone())
        }


def _copied(url: str, many: str) -> str:
    """The same database without the indexes."""
    name = many.rsplit("/", 1)[-1]
    bare = _created(url, f"create database bare template {name}", "bare")
    with psycopg.connect(bare, autocommit=True) as database:
        for index in ADDED:
            database.execute(f"drop index {index}".encode())
    return bare


async def _written(urls: Mapping[str, str]) -> dict[str, Any]:
    """A turn's own transactions, with the indexes and without: time, and what Postgres wrote."""
    taken: dict[str, list[float]] = {name: [] for name in urls}
    wal: dict[str, int] = dict.fromkeys(urls, 0)
    async with AsyncExitStack() as stack:
        pools = {
            name: await stack.enter_async_context(make_pool(url, max_size=2))
            for name, url in urls.items()
        }
        threads = {name: await _threads(pool) for name, pool in pools.items()}
        for turn in range(TURNS):
            for name, pool in pools.items():
                before = await _wal(pool)
                started = time.perf_counter()
                await _turn(pool, threads[name][turn % 20], turn)
                taken[name].append((time.perf_counter() - started) * 1000)
                wal[name] += await _wal(pool) - before
    medians = {f"{name}_ms": round(statistics.median(each), 2) for name, each in taken.items()}
    return medians | {f"{name}_wal_bytes": round(total / TURNS) for name, total in wal.items()}


async def _threads(pool: Pool) -> list[Any]:
    async with pool.connection() as connection:
        found = await connection.execute(
            "select thread_id from threads where person is null and not exists (select 1 from"
            " runs where runs.thread_id = threads.thread_id and status in ('queued', 'running'))"
            " order by thread_id limit 20"
        )
        return [row["thread_id"] for row in await found.fetchall()]


async def _wal(pool: Pool) -> int:
    async with pool.connection() as connection:
        found = await connection.execute(
            "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint as at"
        )
        row = await found.fetchone()
    return int(row["at"]) if row else 0


async def _turn(pool: Pool, thread_id: Any, number: int) -> None:
    """Take a message in and store its answer, as a service does."""
    runs, run_id = Runs(pool, "the bench"), uuid4()
    async with pool.connection() as connection:
        found = await connection.execute(
            "select customer_id from threads where thread_id = %s", [thread_id]
        )
        row = await found.fetchone()
    assert row is not None
    customer = row["customer_id"]
    await runs.create(
        NewRun(
            run_id=run_id,
            thread_id=thread_id,
            customer_id=customer,
            message_id=str(uuid4()),
            content=f"can you deliver {number} bundles to Tampines tomorrow morning, please?",
            extra={},
            strategy="enqueue",
            request={"stream_mode": ["values"]},
            scope={"customer_id": customer, "name": f"Person {customer}", "company": "Company"},
            metadata={},
            starts=True,
        )
    )
    reply = {
        "content": f"Your order of {number} bundles comes tomorrow between 09:00 and 12:00. " * 3,
        "extra": {},
    }
    signals = {"sentiment": "neutral", "language": "en", "intents": [{"name": "delivery"}]}
    stored = await runs.answer(run_id, Answer(str(uuid4()), reply, {}, signals), "succeeded")
    assert stored is not None


if __name__ == "__main__":
    main()
