"""Checkpoints in Postgres: one LangGraph thread for each turn, commits shared by all turns."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import psycopg
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_serializable_checkpoint_metadata,
)
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.serde.types import _DeltaSnapshot
from typing_extensions import override

from monitoring import metrics
from tools.database import Pool
from tools.group_commit import GroupCommit, Statement

PLAIN = (str, int, float, bool, type(None))  # stand in the checkpoint's own row

# Says in a configuration that its thread is new: there is nothing to look for. LangGraph keeps what
# begins with two underscores out of the metadata that it stores.
FRESH = "__fresh"

COPY_THREAD = (
    "insert into checkpoints (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type,"
    " checkpoint, metadata) select %(target)s, checkpoint_ns, checkpoint_id, parent_checkpoint_id,"
    " type, checkpoint, metadata from checkpoints where thread_id = %(source)s"
    " on conflict do nothing",
    "insert into checkpoint_blobs (thread_id, checkpoint_ns, channel, version, type, blob)"
    " select %(target)s, checkpoint_ns, channel, version, type, blob from checkpoint_blobs"
    " where thread_id = %(source)s on conflict do nothing",
    "insert into checkpoint_writes (thread_id, checkpoint_ns, checkpoint_id, task_id, idx, channel,"
    " type, blob, task_path) select %(target)s, checkpoint_ns, checkpoint_id, task_id, idx,"
    " channel, type, blob, task_path from checkpoint_writes where thread_id = %(source)s"
    " on conflict do nothing",
)
DELETE_RUNS = """
with gone as (delete from checkpoints where metadata ->> 'run_id' = any(%s)
  returning thread_id, checkpoint_ns, checkpoint_id)
delete from checkpoint_writes w using gone g where w.thread_id = g.thread_id
  and w.checkpoint_ns = g.checkpoint_ns and w.checkpoint_id = g.checkpoint_id"""


class GroupCommitSaver(AsyncPostgresSaver):
    """LangGraph's saver, on its tables, with its statements: only when they commit differs.

    Writes return once they are committed, together with all others that came meanwhile. Reads wait
    for no one. A copy (LangGraph makes one to restrict what may be restored) shares all of that.
    """

    def __init__(self, pool: Pool) -> None:
        # An empty allow-list: nothing stored may name a Python object to import and call.
        super().__init__(pool, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        # Where the stock lock lets one statement through at a time, reads get half of the pool.
        self.lock = cast(asyncio.Lock, asyncio.Semaphore(max(1, pool.max_size // 2)))
        self._commits = GroupCommit(pool)

    async def aclose(self) -> None:
        """Write what waits, then refuse more."""
        await self._commits.aclose()

    @override
    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        if config["configurable"].get(FRESH):
            return None
        return await super().aget_tuple(config)

    @override
    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        place = config["configurable"]
        thread_id, namespace = place["thread_id"], place["checkpoint_ns"]
        inline, blobs = _split(checkpoint["channel_values"])
        versions = {name: v for name, v in new_versions.items() if name in blobs}
        row = (
            *(thread_id, namespace, checkpoint["id"], place.get("checkpoint_id")),
            # As text already: the caller may change its values before they are written.
            json.dumps({**checkpoint, "channel_values": inline}),
            json.dumps(get_serializable_checkpoint_metadata(config, metadata)),
        )
        stored = self._dump_blobs(thread_id, namespace, blobs, versions)
        metrics.CHECKPOINT_BYTES.observe(_size([row, *stored]))
        await self._write(
            [
                Statement(self.UPSERT_CHECKPOINT_BLOBS_SQL, stored),
                Statement(self.UPSERT_CHECKPOINTS_SQL, [row]),
            ]
        )
        return {
            "configurable": {
                "thread_id": thread_id,
                "checkpoint_ns": namespace,
                "checkpoint_id": checkpoint["id"],
            }
        }

    @override
    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        place = config["configurable"]
        is_special = all(channel in WRITES_IDX_MAP for channel, _ in writes)
        rows = self._dump_writes(
            *(place["thread_id"], place["checkpoint_ns"], place["checkpoint_id"]),
            *(task_id, task_path, writes),
        )
        query = (
            self.UPSERT_CHECKPOINT_WRITES_SQL if is_special else self.INSERT_CHECKPOINT_WRITES_SQL
        )
        await self._write([Statement(query, rows)])

    async def _write(self, statements: Sequence[Statement]) -> None:
        started = time.monotonic()
        await self._commits.write(statements)
        metrics.CHECKPOINT_SECONDS.observe(time.monotonic() - started)

    @override
    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """List checkpoints, holding no connection while the caller looks at one of them."""
        stock = super().alist(config, filter=filter, before=before, limit=limit)
        for found in [checkpoint async for checkpoint in stock]:
            yield found

    @override
    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all of a thread's checkpoints and writes."""
        names = {"source": str(source_thread_id), "target": str(target_thread_id)}
        async with self._cursor() as cursor, cursor.connection.transaction():
            for query in COPY_THREAD:
                await cursor.execute(query, names)

    @override
    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints and writes of these runs. Reads the whole table."""
        async with self._cursor() as cursor:
            await cursor.execute(DELETE_RUNS, [list(run_ids)])


def make_saver(pool: Pool) -> GroupCommitSaver:
    """A saver that restores plain data only; close it before the pool."""
    return GroupCommitSaver(pool)


async def migrate_checkpoints(url: str) -> None:
    """Create or update LangGraph's own tables."""
    async with await psycopg.AsyncConnection.connect(
        url, autocommit=True, row_factory=psycopg.rows.dict_row
    ) as connection:
        await AsyncPostgresSaver(connection).setup()


def _size(rows: Sequence[tuple[Any, ...]]) -> int:
    return sum(len(value) for row in rows for value in row if isinstance(value, str | bytes))


def _split(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Channel values that stand in the checkpoint's row, and those that get rows of their own."""
    inline = {name: v for name, v in values.items() if isinstance(v, PLAIN)}
    blobs = {name: v for name, v in values.items() if name not in inline}
    snapshots = {name: True for name, v in blobs.items() if isinstance(v, _DeltaSnapshot)}
    return inline | snapshots, blobs
