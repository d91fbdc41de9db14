"""Checkpoints in Postgres: one LangGraph thread for each turn."""

import asyncio
from typing import cast
from uuid import UUID

import psycopg
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from tools.database import Pool


def make_saver(pool: Pool) -> AsyncPostgresSaver:
    """A saver that restores plain data only and uses the whole pool."""
    # An empty allow-list: nothing stored may name a Python object to import and call.
    saver = AsyncPostgresSaver(pool, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
    # The stock lock lets one statement through at a time, whatever the size of the pool.
    saver.lock = cast(asyncio.Lock, asyncio.Semaphore(pool.max_size))
    return saver


async def migrate_checkpoints(url: str) -> None:
    """Create or update LangGraph's own tables."""
    async with await psycopg.AsyncConnection.connect(
        url, autocommit=True, row_factory=psycopg.rows.dict_row
    ) as connection:
        await AsyncPostgresSaver(connection).setup()


def turn_thread(thread_id: UUID | str, turn: int) -> str:
    """The checkpoint thread of one turn of a conversation."""
    return f"{thread_id}:{turn}"
