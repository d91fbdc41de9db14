"""The sandbox's state in one SQLite file: every write is committed before it is answered."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]

SCHEMA = """
create table if not exists documents (
  kind text not null, id text not null, contact_id text, parent_id text, number text,
  reference text, status text, type text, day text, due text, total real,
  created text not null, updated text not null, body text not null,
  primary key (kind, id));
create index if not exists documents_contact on documents (kind, contact_id, day);
create index if not exists documents_parent on documents (kind, parent_id);
create index if not exists documents_number on documents (kind, number);
create table if not exists idempotency (
  key text primary key, fingerprint text not null, at real not null,
  status integer not null, media_type text not null, body blob not null);
create table if not exists tokens (
  token text primary key, kind text not null, consent text not null, scope text not null,
  expires real not null, used real);
create table if not exists meta (key text primary key, value text not null);
create table if not exists events (
  sequence integer primary key autoincrement, kind text not null, id text not null,
  type text not null, at text not null);
create table if not exists seeded as select * from documents where 0;
create table if not exists seeded_meta as select * from meta where 0;
create trigger if not exists made after insert on documents
  when new.kind in ('invoice', 'contact', 'credit_note') begin
    insert into events (kind, id, type, at) values (new.kind, new.id, 'CREATE', new.updated);
  end;
create trigger if not exists changed after update on documents
  when new.kind in ('invoice', 'contact', 'credit_note') begin
    insert into events (kind, id, type, at) values (new.kind, new.id, 'UPDATE', new.updated);
  end;
"""
TABLES = ("documents", "idempotency", "tokens", "meta", "events", "seeded", "seeded_meta")
FORMAT = 3

COLUMNS = (
    "kind, id, contact_id, parent_id, number, reference, status, type, day, due, total, "
    "created, updated, body"
)


@dataclass(frozen=True)
class Row:
    """A document with the fields it can be found by; `day` and `due` are ISO dates."""

    kind: str
    id: str
    body: Json
    updated: str
    contact_id: str | None = None
    parent_id: str | None = None
    number: str | None = None
    reference: str | None = None
    status: str | None = None
    type: str | None = None
    day: str | None = None
    due: str | None = None
    total: float | None = None
    created: str | None = None


@dataclass(frozen=True)
class Event:
    """A document of a kind was made (`CREATE`) or changed (`UPDATE`) at an instant, in ISO."""

    sequence: int
    kind: str
    id: str
    type: str
    at: str


@dataclass(frozen=True)
class Change:
    """A document before, if it was there, and now."""

    kind: str
    id: str
    before: Json | None
    after: Json


@dataclass(frozen=True)
class Search:
    """An SQL condition over the columns of `documents`, its values, order and page."""

    condition: str = "1"
    values: tuple[Any, ...] = ()
    order: str = "day, number, id"
    limit: int = -1
    offset: int = 0


class Store:
    """Documents as JSON rows; not for more than one thread at a time."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # With a write-ahead log a killed process loses nothing that was committed.
        self.db.execute("pragma journal_mode = wal")
        self.db.execute("pragma synchronous = normal")
        self._prepare()

    def _prepare(self) -> None:
        """Make the tables; what an earlier format left is demo data and is thrown away."""
        (found,) = self.db.execute("pragma user_version").fetchone()
        if found != FORMAT:
            for table in TABLES:
                self.db.execute(f"drop table if exists {table}")
            self.db.execute(f"pragma user_version = {FORMAT}")
        self.db.executescript(SCHEMA)

    def close(self) -> None:
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what happens inside, all or nothing."""
        self.db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self.db.execute("rollback")
            raise
        self.db.execute("commit")

    @contextmanager
    def undone_if(self, error: type[Exception]) -> Iterator[None]:
        """Inside a transaction: take back what happened inside when `error` is raised."""
        self.db.execute("savepoint inside")
        try:
            yield
        except error:
            self.db.execute("rollback to inside")
            raise
        finally:
            self.db.execute("release inside")

    def save(self, row: Row) -> None:
        """Insert or replace one document; its first `created` instant stays."""
        self.db.execute(
            f"insert into documents ({COLUMNS}) values (?,?,?,?,?,?,?,?,?,?,?,?,?,?) "
            "on conflict (kind, id) do update set contact_id = excluded.contact_id, "
            "parent_id = excluded.parent_id, number = excluded.number, "
            "reference = excluded.reference, status = excluded.status, type = excluded.type, "
            "day = excluded.day, due = excluded.due, total = excluded.total, "
            "updated = excluded.updated, body = excluded.body",
            _values(row),
        )

    def get(self, kind: str, document_id: str) -> Json | None:
        """One document by its id."""
        found = self.find(kind, Search("id = ?", (document_id,)))
        return found[0] if found else None

    def find(self, kind: str, search: Search = Search()) -> list[Json]:
        """The documents of a kind that meet the condition."""
        rows = self.db.execute(
            f"select body from documents where kind = ? and ({search.condition}) "
            f"order by {search.order} limit ? offset ?",
            (kind, *search.values, search.limit, search.offset),
        )
        return [json.loads(body) for (body,) in rows]

    def count(self, kind: str, search: Search) -> int:
        """How many documents meet the condition, whatever the page."""
        (found,) = self.db.execute(
            f"select count(*) from documents where kind = ? and ({search.condition})",
            (kind, *search.values),
        ).fetchone()
        return int(found)

    def raw(self, kind: str, search: Search) -> list[Json]:
        """The documents with when they were `created`, and the `parent_id` of those that have one.

        Oldest first, whatever order the search names.
        """
        rows = self.db.execute(
            "select created, parent_id, body from documents "
            f"where kind = ? and ({search.condition}) order by created, id",
            (kind, *search.values),
        )
        return [
            {**json.loads(body), "created": created} | ({"parent_id": parent} if parent else {})
            for created, parent, body in rows
        ]

    def take_events(self) -> list[Event]:
        """What has happened to invoices, contacts and credit notes since the last call."""
        rows = self.db.execute("select sequence, kind, id, type, at from events order by sequence")
        events = [Event(*row) for row in rows]
        if events:
            self.clear(("events",))
        return events

    def read_meta(self, key: str) -> str | None:
        found = self.db.execute("select value from meta where key = ?", (key,)).fetchone()
        return found[0] if found else None

    def write_meta(self, key: str, value: str) -> None:
        self.db.execute("insert or replace into meta values (?, ?)", (key, value))

    def keep_as_seeded(self) -> None:
        """Remember the documents as they are now, to go back to and to compare with."""
        self.clear(("seeded", "seeded_meta"))
        self.db.execute("insert into seeded select * from documents")
        self.db.execute("insert into seeded_meta select * from meta")

    def go_back_to_seeded(self) -> None:
        """The documents as they were remembered, and nothing that came after."""
        self.clear()
        self.db.execute("insert into documents select * from seeded")
        self.db.execute("insert or replace into meta select * from seeded_meta")
        self.clear(("events",))

    def changes(self) -> list[Change]:
        """The documents that are new or different since they were remembered, oldest first."""
        rows = self.db.execute(
            "select d.kind, d.id, s.body, d.body from documents d"
            " left join seeded s on s.kind = d.kind and s.id = d.id"
            " where s.body is null or s.body <> d.body order by d.updated, d.kind, d.id"
        )
        return [
            Change(kind, document_id, before and json.loads(before), json.loads(after))
            for kind, document_id, before, after in rows
        ]

    def clear(self, tables: Sequence[str] = ("documents", "idempotency", "events")) -> None:
        """Empty the tables named."""
        for table in tables:
            self.db.execute(f"delete from {table}")


def _values(row: Row) -> tuple[Any, ...]:
    # Decimals leave as JSON numbers, the way Xero writes money.
    body = json.dumps(row.body, default=float)
    return (
        *(row.kind, row.id, row.contact_id, row.parent_id, row.number, row.reference),
        *(row.status, row.type, row.day, row.due, row.total),
        *(row.created or row.updated, row.updated, body),
    )
