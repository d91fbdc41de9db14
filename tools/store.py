"""What clients keep beside conversations: small items, each owner's seen by nobody else."""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from langgraph.store.base import (
    GetOp,
    Item,
    ListNamespacesOp,
    MatchCondition,
    PutOp,
    SearchItem,
    SearchOp,
    TTLConfig,
)
from langgraph.store.postgres.aio import AsyncPostgresStore
from psycopg.rows import DictRow

from tools.database import Pool, fetch_one

LARGEST_VALUE = 16 * 1024
MOST_ITEMS = 500  # of one owner
LOCK = 7_384_116_023  # any fixed number: one process creates the tables, the others wait
LOCK_SECONDS = 0.1
OCCUPIED = """
select count(*) filter (where prefix <> %(at)s or key <> %(key)s) as others from store
where prefix = %(root)s or prefix like %(root)s || '.%%'"""

Namespace = tuple[str, ...]
TTL: TTLConfig = {"refresh_on_read": False, "omit_expired": True}


class StoreFull(Exception):
    """The owner keeps as many items already as there may be."""


class ValueTooLarge(Exception):
    """The value is larger than an item may be."""


@dataclass(frozen=True)
class NewItem:
    """An item to keep, for some minutes or for good."""

    namespace: Namespace
    key: str
    value: dict[str, Any]
    ttl: float | None = None


@dataclass(frozen=True)
class Search:
    """Which items are looked for."""

    prefix: Namespace
    filter: Mapping[str, Any] = field(default_factory=dict)
    limit: int = 10
    offset: int = 0


@dataclass(frozen=True)
class Listing:
    """Which namespaces are looked for."""

    prefix: Namespace = ()
    suffix: Namespace = ()
    max_depth: int | None = None
    limit: int = 100
    offset: int = 0


class Store:
    """LangGraph's store in Postgres. Every owner's items are under a name that nobody sees."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._store = AsyncPostgresStore(pool, ttl=TTL)

    async def aclose(self) -> None:
        """End the store's background task."""
        task = self._store._task
        if task and task.cancel():
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def put(self, owner: str, item: NewItem) -> None:
        """Keep an item; raises ValueTooLarge, StoreFull."""
        if len(json.dumps(item.value, ensure_ascii=False).encode()) > LARGEST_VALUE:
            raise ValueTooLarge
        root = _root(owner)
        namespace = (root, *item.namespace)
        place = {"root": root, "at": ".".join(namespace), "key": item.key}
        row = await fetch_one(self._pool, OCCUPIED, place)
        if row and row["others"] >= MOST_ITEMS:
            raise StoreFull
        await self._store.abatch([PutOp(namespace, item.key, item.value, ttl=item.ttl)])

    async def drop_expired(self) -> None:
        """Delete the items whose time is over."""
        await self._store.sweep_ttl()

    async def get(self, owner: str, namespace: Namespace, key: str) -> Item | None:
        """The owner's item; None for none."""
        operation = GetOp((_root(owner), *namespace), key, refresh_ttl=False)
        [found] = await self._store.abatch([operation])
        return found if isinstance(found, Item) else None

    async def delete(self, owner: str, namespace: Namespace, key: str) -> None:
        """Delete an item, if it is there."""
        await self._store.abatch([PutOp((_root(owner), *namespace), key, None)])

    async def search(self, owner: str, search: Search) -> Sequence[SearchItem]:
        """The owner's items below a namespace, latest first."""
        operation = SearchOp(
            (_root(owner), *search.prefix),
            filter=dict(search.filter) or None,
            limit=search.limit,
            offset=search.offset,
            refresh_ttl=False,
        )
        [found] = await self._store.abatch([operation])
        return [each for each in _all(found) if isinstance(each, SearchItem)]

    async def namespaces(self, owner: str, listing: Listing) -> list[Namespace]:
        """The namespaces in which the owner keeps items."""
        root = _root(owner)
        match = [MatchCondition("prefix", (root, *listing.prefix))]
        if listing.suffix:
            # At least one part of the owner's own before it: the hidden name is no suffix.
            match.append(MatchCondition("suffix", listing.suffix))
            match.append(MatchCondition("prefix", (root, *("*" for _ in listing.suffix))))
        depth = listing.max_depth and listing.max_depth + 1
        operation = ListNamespacesOp(tuple(match), depth, listing.limit, listing.offset)
        [found] = await self._store.abatch([operation])
        return [each[1:] for each in _all(found) if isinstance(each, tuple)]


def shown(item: Item) -> dict[str, Any]:
    """An item as its owner sees it."""
    return item.dict() | {"namespace": list(item.namespace[1:])}


async def migrate_store(url: str) -> None:
    """Create or update LangGraph's own tables, one process at a time.

    Waits without an open statement: an index that is built concurrently would wait for that.
    """
    async with await psycopg.AsyncConnection[DictRow].connect(
        url, autocommit=True, row_factory=psycopg.rows.dict_row
    ) as connection:
        while True:
            cursor = await connection.execute("select pg_try_advisory_lock(%s) as got", [LOCK])
            row = await cursor.fetchone()
            if row and row["got"]:
                break
            await asyncio.sleep(LOCK_SECONDS)
        await AsyncPostgresStore(connection).setup()


def _root(owner: str) -> str:
    """Names the owner in the store; the same for the same owner, and never shown."""
    return hashlib.sha256(owner.encode()).hexdigest()


def _all(found: object) -> list[Any]:
    return found if isinstance(found, list) else []
