import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import Checkpoint, empty_checkpoint
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.capabilities import Capability
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.serde.types import ERROR, INTERRUPT, _DeltaSnapshot

from graph.checkpoints import GroupCommitSaver, make_saver, migrate_checkpoints
from tests.graph.killed import STEPS, graph_of
from tools.database import Pool, fetch_all, make_pool
from tools.group_commit import WritesClosed

TABLES = {
    "checkpoints": "checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata",
    "checkpoint_blobs": "checkpoint_ns, channel, version, type, blob",
    "checkpoint_writes": "checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type,"
    " blob",
}
VALUES: dict[str, Any] = {
    "text": "Prata 煎饼",
    "number": 3,
    "amount": 2.5,
    "is_known": True,
    "nothing": None,
    "turn": {"text": "hello"},
    "lines": [1, 2],
    "bytes": b"\x00\x01",
    "snapshot": _DeltaSnapshot([1, 2]),
}
SENT: list[tuple[str, Any]] = [("turn", {"text": "hello"}), ("number", 4), ("nothing", None)]
STOPPED: list[tuple[str, Any]] = [(ERROR, "it failed"), (INTERRUPT, ["a question"])]


@dataclass
class Foreign:
    """A type that no state names."""

    name: str


async def a_database(server_url: str) -> str:
    name = f"checkpoints_{uuid4().hex}"
    async with await psycopg.AsyncConnection.connect(server_url, autocommit=True) as connection:
        await connection.execute(f"create database {name}".encode())
    url = f"{server_url.rsplit('/', 1)[0]}/{name}"
    await migrate_checkpoints(url)
    return url


@pytest.fixture(scope="module")
async def url(postgres_url: str) -> str:
    return await a_database(postgres_url)


@pytest.fixture(scope="module")
async def pool(url: str) -> AsyncIterator[Pool]:
    async with make_pool(url, max_size=4) as pool:
        yield pool


@pytest.fixture
async def saver(pool: Pool) -> AsyncIterator[GroupCommitSaver]:
    saver = make_saver(pool)
    yield saver
    await saver.aclose()


@pytest.fixture
async def stock(pool: Pool) -> AsyncPostgresSaver:
    return AsyncPostgresSaver(pool, serde=JsonPlusSerializer(allowed_msgpack_modules=None))


def config_of(thread_id: str, checkpoint_id: str | None = None) -> RunnableConfig:
    return {
        "configurable": {"thread_id": thread_id, "checkpoint_ns": ""}
        | ({"checkpoint_id": checkpoint_id} if checkpoint_id else {})
    }


def a_checkpoint(**values: Any) -> Checkpoint:
    checkpoint = empty_checkpoint()
    checkpoint["channel_values"] = values
    checkpoint["channel_versions"] = dict.fromkeys(values, "1")
    return checkpoint


async def put(saver: AsyncPostgresSaver, thread_id: str, checkpoint: Checkpoint) -> RunnableConfig:
    versions = dict(checkpoint["channel_versions"])
    return await saver.aput(
        config_of(thread_id), checkpoint, {"source": "loop", "step": 1}, versions
    )


async def fill(saver: AsyncPostgresSaver, thread_id: str, checkpoint: Checkpoint) -> None:
    """One of everything that LangGraph stores."""
    saved = await put(saver, thread_id, checkpoint)
    await saver.aput_writes(saved, SENT, "task 1", "~path")
    await saver.aput_writes(saved, STOPPED, "task 2")


async def rows(pool: Pool, thread_id: str) -> dict[str, list[dict[str, Any]]]:
    return {
        table: await fetch_all(
            pool,
            f"select {columns} from {table} where thread_id = %s order by {columns}",  # noqa: S608
            [thread_id],
        )
        for table, columns in TABLES.items()
    }


@pytest.mark.parametrize("capability", [c.value for c in Capability])
async def test_conforms_to_langgraphs_suite(postgres_url: str, capability: str) -> None:
    @checkpointer_test(name="GroupCommitSaver")
    async def registered() -> AsyncGenerator[GroupCommitSaver, None]:
        async with make_pool(await a_database(postgres_url), max_size=2) as pool:
            saver = make_saver(pool)
            yield saver
            await saver.aclose()

    report = await validate(registered, capabilities={capability})
    result = report.results[capability]
    assert result.failures == []
    assert result.tests_passed > 0


async def test_stores_the_same_rows_as_the_stock_saver(
    saver: GroupCommitSaver, stock: AsyncPostgresSaver, pool: Pool
) -> None:
    checkpoint = a_checkpoint(**VALUES)
    ours, theirs = uuid4().hex, uuid4().hex
    await fill(saver, ours, checkpoint)
    await fill(stock, theirs, checkpoint)
    found = await rows(pool, ours)
    assert found == await rows(pool, theirs)
    assert [len(found[table]) for table in TABLES] == [1, 4, 5]


async def test_each_saver_reads_what_the_other_stored(
    saver: GroupCommitSaver, stock: AsyncPostgresSaver
) -> None:
    checkpoint = a_checkpoint(**VALUES)
    for writer in (saver, stock):
        thread_id = uuid4().hex
        await fill(writer, thread_id, checkpoint)
        ours = await saver.aget_tuple(config_of(thread_id))
        assert ours is not None
        assert ours == await stock.aget_tuple(config_of(thread_id))
        assert ours.checkpoint["channel_values"] == VALUES
        assert ours.pending_writes is not None
        assert {channel: v for _, channel, v in ours.pending_writes} == dict([*SENT, *STOPPED])


async def test_a_repeated_step_keeps_its_first_result_and_its_latest_error(
    saver: GroupCommitSaver, stock: AsyncPostgresSaver
) -> None:
    for writer in (saver, stock):
        saved = await put(writer, uuid4().hex, a_checkpoint())
        for attempt in ("first", "second"):
            await writer.aput_writes(saved, [("turn", {"text": attempt})], "task 1")
            await writer.aput_writes(saved, [(ERROR, attempt)], "task 2")
        found = await saver.aget_tuple(saved)
        assert found is not None
        assert found.pending_writes == [
            ("task 1", "turn", {"text": "first"}),
            ("task 2", ERROR, "second"),
        ]


async def test_a_value_changed_after_it_was_handed_over_is_stored_as_it_was(
    saver: GroupCommitSaver,
) -> None:
    checkpoint, thread_id = a_checkpoint(turn={"text": "as it was"}), uuid4().hex
    checkpoint["versions_seen"] = {"step": {"turn": "1"}}
    saving = asyncio.create_task(put(saver, thread_id, checkpoint))
    await asyncio.sleep(0)
    checkpoint["channel_values"]["turn"]["text"] = "changed"
    checkpoint["versions_seen"]["step"]["turn"] = "changed"
    await saving
    found = await saver.aget_tuple(config_of(thread_id))
    assert found is not None
    assert found.checkpoint["channel_values"] == {"turn": {"text": "as it was"}}
    assert found.checkpoint["versions_seen"] == {"step": {"turn": "1"}}


async def test_a_checkpoint_that_is_refused_fails_its_own_turn_alone(
    saver: GroupCommitSaver,
) -> None:
    threads = [uuid4().hex for _ in range(20)]
    texts = ["\x00" if i == 5 else "fine" for i in range(20)]
    outcomes = await asyncio.gather(
        *(
            put(saver, thread, a_checkpoint(text=text))
            for thread, text in zip(threads, texts, strict=True)
        ),
        return_exceptions=True,
    )
    failed = [i for i, outcome in enumerate(outcomes) if isinstance(outcome, BaseException)]
    assert failed == [5]
    assert isinstance(outcomes[5], psycopg.DataError)
    found = [await saver.aget_tuple(config_of(thread)) for thread in threads]
    assert [i for i, checkpoint in enumerate(found) if checkpoint is None] == [5]


async def test_looking_at_each_while_listing_never_waits_for_itself(
    saver: GroupCommitSaver, pool: Pool
) -> None:
    thread_id = uuid4().hex
    for _ in range(3):
        await put(saver, thread_id, a_checkpoint(turn={"text": "x"}))

    async def look() -> int:
        seen = 0
        async for listed in saver.alist(config_of(thread_id)):
            assert (await saver.aget_tuple(listed.config)) == listed
            seen += 1
        return seen

    async with asyncio.timeout(60):
        assert await asyncio.gather(*(look() for _ in range(pool.max_size * 5))) == [3] * 20


async def test_reads_leave_half_of_the_pool_to_others(saver: GroupCommitSaver, pool: Pool) -> None:
    thread_id, most = uuid4().hex, 0
    await put(saver, thread_id, a_checkpoint(turn={"text": "x"}))
    reads = [asyncio.create_task(saver.aget_tuple(config_of(thread_id))) for _ in range(200)]
    while not all(read.done() for read in reads):
        stats = pool.get_stats()
        most = max(most, stats["pool_size"] - stats["pool_available"])
        await asyncio.sleep(0)
    assert 0 < most <= pool.max_size // 2


async def test_a_restricted_copy_shares_commits_and_end(saver: GroupCommitSaver) -> None:
    """LangGraph makes one of a graph that names types of its own in its state."""
    copy = saver.with_allowlist([("pathlib", "PurePath")])
    assert copy is not saver
    thread_id = uuid4().hex
    await asyncio.gather(
        *(s.aput(config_of(thread_id), a_checkpoint(), {}, {}) for s in (saver, copy))
    )
    assert len([c async for c in saver.alist(config_of(thread_id))]) == 2
    await saver.aclose()
    with pytest.raises(WritesClosed):
        await copy.aput(config_of(thread_id), a_checkpoint(), {}, {})


async def test_what_is_stored_names_no_object_to_import(saver: GroupCommitSaver) -> None:
    thread_id = uuid4().hex
    await put(saver, thread_id, a_checkpoint(turn={"text": Foreign("x")}))
    found = await saver.aget_tuple(config_of(thread_id))
    assert found is not None
    assert found.checkpoint["channel_values"] == {"turn": {"text": {"name": "x"}}}


async def test_the_blocking_interface_works_from_another_thread(saver: GroupCommitSaver) -> None:
    thread_id, checkpoint = uuid4().hex, a_checkpoint(turn={"text": "x"})
    saved = await asyncio.to_thread(saver.put, config_of(thread_id), checkpoint, {}, {})
    await asyncio.to_thread(saver.put_writes, saved, SENT, "task")
    found = await asyncio.to_thread(saver.get_tuple, config_of(thread_id))
    assert found is not None
    assert found.pending_writes is not None
    assert len(found.pending_writes) == len(SENT)
    listed = await asyncio.to_thread(lambda: list(saver.list(config_of(thread_id))))
    assert [c.config for c in listed] == [saved]


async def test_fifty_turns_at_once_keep_to_themselves(
    saver: GroupCommitSaver, tmp_path: Path
) -> None:
    graph = graph_of(saver, tmp_path / "journal")
    threads = [f"{uuid4()}:1" for _ in range(50)]
    await asyncio.gather(
        *(graph.ainvoke({"first": [t]}, config_of(t)) for t in threads),
    )
    for thread_id in threads:
        snapshot = await graph.aget_state(config_of(thread_id))
        assert snapshot.next == ()
        assert snapshot.values["third"] == ["first", "second", "third"]
        assert len([s async for s in graph.aget_state_history(config_of(thread_id))]) == 5


async def test_turns_go_on_when_the_writing_connection_is_ended(
    saver: GroupCommitSaver, pool: Pool, tmp_path: Path
) -> None:
    graph, threads = graph_of(saver, tmp_path / "journal"), [uuid4().hex for _ in range(20)]
    turns = asyncio.gather(*(graph.ainvoke({}, config_of(t)) for t in threads))
    ended = 0
    while not turns.done():
        found = await fetch_all(
            pool,
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where query in ('begin', 'commit') and datname = current_database()",
        )
        ended += len(found)
        await asyncio.sleep(0.01)
    assert [state["third"] for state in await turns] == [["first", "second", "third"]] * 20
    assert ended > 0
    assert all([(await graph.aget_state(config_of(t))).values for t in threads])


async def test_a_killed_turn_goes_on_without_repeating_a_finished_step(
    saver: GroupCommitSaver, url: str, tmp_path: Path
) -> None:
    thread_id, journal = uuid4().hex, tmp_path / "journal"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.graph.killed", url, thread_id, str(journal)),
        env=os.environ | {"LANGSMITH_TRACING": "false"},
    )
    assert await process.wait() == -signal.SIGKILL
    graph = graph_of(saver, journal)
    assert (await graph.aget_state(config_of(thread_id))).next == ("third",)
    state = await graph.ainvoke(None, config_of(thread_id))
    assert state["third"] == ["first", "second", "third"]
    assert journal.read_text().split() == [*STEPS, "third"]


async def test_a_cancelled_turn_keeps_its_finished_steps(
    saver: GroupCommitSaver, tmp_path: Path
) -> None:
    thread_id, journal = uuid4().hex, tmp_path / "journal"
    is_there = asyncio.Event()

    async def wait() -> None:
        is_there.set()
        await asyncio.Event().wait()

    graph = graph_of(saver, journal, {"second": wait})
    turn = asyncio.create_task(graph.ainvoke({}, config_of(thread_id)))
    await is_there.wait()
    turn.cancel()
    await asyncio.gather(turn, return_exceptions=True)
    assert (await graph.aget_state(config_of(thread_id))).next == ("second",)
    await graph_of(saver, journal).ainvoke(None, config_of(thread_id))
    assert journal.read_text().split() == ["first", "second", "second", "third"]
