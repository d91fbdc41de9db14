import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from langchain_core.runnables import RunnableConfig
from psycopg.rows import DictRow

from graph.builder import build_graph
from graph.checkpoints import GroupCommitSaver, make_saver
from nodes.state import State
from tests.tools.conftest import a_run, a_thread
from tools.conversations import Conversations
from tools.database import Pool, fetch_all, fetch_one
from tools.retention import BATCH, BATCHES, Retention
from tools.runs import Runs

DAYS = 14
LEFT = (
    "select distinct thread_id from checkpoints union select thread_id from checkpoint_blobs"
    " union select thread_id from checkpoint_writes"
)


@pytest.fixture
async def saver(pool: Pool) -> AsyncIterator[GroupCommitSaver]:
    saver = make_saver(pool)
    yield saver
    await saver.aclose()


@pytest.fixture
def retention(pool: Pool) -> Retention:
    return Retention(pool, DAYS)


def place(run: DictRow) -> RunnableConfig:
    return {"configurable": {"thread_id": run["graph_thread"], "checkpoint_ns": ""}}


async def a_turn(
    pool: Pool, saver: GroupCommitSaver, thread_id: UUID, status: str = "succeeded", **changes: Any
) -> DictRow:
    """A turn with checkpoints that came to its status `days` ago."""
    days = changes.pop("days", DAYS + 1)
    run = await Runs(pool, "a worker").create(a_run(thread_id))
    row = await fetch_one(
        pool,
        "update runs set status = %s, updated_at = now() - %s * interval '1 day',"
        " graph_thread = coalesce(%s, graph_thread) where run_id = %s returning *",
        [status, days, changes.pop("graph_thread", None), run["run_id"]],
    )
    assert row
    assert not changes
    await build_graph(saver).aupdate_state(
        place(row),
        State(reply={"text": "Tuesday", "by": "templates", "citations": [], "is_shared": False}),
        "adapt_tone",
    )
    await saver.aput_writes(
        {"configurable": place(row)["configurable"] | {"checkpoint_id": "1"}},
        [("turn", {"text": "hello"})],
        "task",
    )
    return row


async def kept(pool: Pool, *runs: DictRow) -> list[bool]:
    rows = await fetch_all(pool, LEFT)
    left = {row["thread_id"] for row in rows}
    return [run["graph_thread"] in left for run in runs]


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
async def test_the_checkpoints_of_an_old_turn_go(
    pool: Pool, saver: GroupCommitSaver, retention: Retention, thread_id: UUID, status: str
) -> None:
    run = await a_turn(pool, saver, thread_id, status)
    assert await kept(pool, run) == [True]
    await retention.prune()
    assert await kept(pool, run) == [False]


async def test_the_trace_of_a_turn_goes_with_its_checkpoints(
    pool: Pool, saver: GroupCommitSaver, retention: Retention
) -> None:
    gone = await a_turn(pool, saver, await a_thread(pool))
    left = await a_turn(pool, saver, await a_thread(pool), days=DAYS - 1)
    for run in (gone, left):
        await fetch_all(
            pool,
            'update runs set trace = \'[{"outcome": "succeeded"}]\' where run_id = %s returning 1',
            [run["run_id"]],
        )
    await retention.prune()
    runs = Runs(pool, "a worker")
    assert await runs.trace_of(gone["run_id"]) == []
    assert await runs.trace_of(left["run_id"]) == [{"outcome": "succeeded"}]


async def test_a_turn_can_be_gone_into_for_as_long_as_is_set(
    pool: Pool, saver: GroupCommitSaver, retention: Retention, thread_id: UUID
) -> None:
    young = await a_turn(pool, saver, thread_id, days=DAYS - 1)
    old = await a_turn(pool, saver, thread_id, days=DAYS + 1)
    await retention.prune()
    assert await kept(pool, young, old) == [True, False]


async def test_no_days_keep_nothing_that_is_over(
    pool: Pool, saver: GroupCommitSaver, thread_id: UUID
) -> None:
    over = await a_turn(pool, saver, thread_id, days=0)
    waiting = await a_turn(pool, saver, thread_id, "interrupted", days=0)
    await Retention(pool, 0).prune()
    assert await kept(pool, over, waiting) == [False, True]


@pytest.mark.parametrize("status", ["queued", "running", "interrupted"])
async def test_a_turn_that_is_not_over_keeps_its_checkpoints(
    pool: Pool, saver: GroupCommitSaver, retention: Retention, thread_id: UUID, status: str
) -> None:
    run = await a_turn(pool, saver, thread_id, status)
    await retention.prune()
    assert await kept(pool, run) == [True]


@pytest.mark.parametrize("status", ["queued", "running"])
async def test_what_a_turn_under_way_may_begin_from_is_kept(
    pool: Pool, saver: GroupCommitSaver, retention: Retention, thread_id: UUID, status: str
) -> None:
    earlier = await a_turn(pool, saver, thread_id)
    now = await a_turn(pool, saver, thread_id, status, days=0)
    await retention.prune()
    assert await kept(pool, earlier, now) == [True, True]


@pytest.mark.parametrize(
    ("status", "days"), [("interrupted", DAYS + 1), ("succeeded", 1)], ids=["waits", "young"]
)
async def test_shared_checkpoints_stay_until_every_turn_on_them_is_old(
    pool: Pool,
    saver: GroupCommitSaver,
    retention: Retention,
    thread_id: UUID,
    status: str,
    days: int,
) -> None:
    asked = await a_turn(pool, saver, thread_id)
    again = await a_turn(
        pool, saver, thread_id, status, days=days, graph_thread=asked["graph_thread"]
    )
    await retention.prune()
    assert await kept(pool, asked) == [True]
    await fetch_one(
        pool,
        "update runs set status = 'succeeded', updated_at = now() - interval '15 days'"
        " where run_id = %s returning run_id",
        [again["run_id"]],
    )
    await retention.prune()
    assert await kept(pool, asked) == [False]


async def test_an_old_turn_still_has_a_state_without_values_and_its_messages(
    pool: Pool, saver: GroupCommitSaver, retention: Retention, thread_id: UUID
) -> None:
    run, graph = await a_turn(pool, saver, thread_id), build_graph(saver)
    assert (await graph.aget_state(place(run))).values
    await retention.prune()
    snapshot = await graph.aget_state(place(run))
    assert (snapshot.values, snapshot.next, snapshot.created_at) == ({}, (), None)
    assert [s async for s in graph.aget_state_history(place(run))] == []
    assert len(await Conversations(pool).window(thread_id)) == 1


async def test_replicas_share_the_work_and_get_all_of_it_done(
    pool: Pool, saver: GroupCommitSaver
) -> None:
    threads = [await a_thread(pool) for _ in range(8)]
    runs = [await a_turn(pool, saver, thread) for thread in threads for _ in range(3)]
    await asyncio.gather(*(Retention(pool, DAYS).prune() for _ in range(6)))
    await Retention(pool, DAYS).prune()
    assert await kept(pool, *runs) == [False] * 24


async def test_a_thread_in_use_is_left_for_the_next_sweep(
    pool: Pool, saver: GroupCommitSaver, retention: Retention, thread_id: UUID
) -> None:
    run = await a_turn(pool, saver, thread_id)
    async with pool.connection() as connection, connection.transaction():
        await connection.execute(
            "update threads set turns = turns + 1 where thread_id = %s", [thread_id]
        )
        async with asyncio.timeout(30):
            await retention.prune()
        assert await kept(pool, run) == [True]
    await retention.prune()
    assert await kept(pool, run) == [False]


async def test_a_sweep_is_bounded_and_the_next_one_goes_on(
    pool: Pool, retention: Retention, thread_id: UUID
) -> None:
    await retention.prune()
    most, more = BATCH * BATCHES, 7
    await fetch_all(
        pool,
        "insert into runs (run_id, thread_id, turn, graph_thread, status, updated_at, request,"
        " scope) select gen_random_uuid(), %(thread)s, n, %(mark)s || n, 'succeeded',"
        " now() - interval '30 days', '{}', '{}' from generate_series(1, %(n)s) n returning run_id",
        {"thread": thread_id, "mark": uuid4().hex, "n": most + more},
    )
    left = "select count(*) as n from runs where thread_id = %s and pruned_at is null"
    counts = []
    for _ in range(2):
        await retention.prune()
        row = await fetch_one(pool, left, [thread_id])
        counts.append(row and row["n"])
    assert counts == [more, 0]
