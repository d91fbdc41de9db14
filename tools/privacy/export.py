"""Everything that is kept of one customer, as a ZIP that is made while it is sent."""

import io
import json
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from psycopg import sql
from psycopg.rows import DictRow
from typing_extensions import override

from tools.audit import note
from tools.database import Pool
from tools.privacy.places import TITLES, Connection, Place, Whose, places
from tools.rules import load_rules

BATCH = 500
SERIALISED = ("blob", "checkpoint_blobs", "checkpoint_writes")
ABOUT = """\
Personal data of customer {customer}
Written on {day} by {company}, for an access request under the Personal Data Protection Act {year}.

Each file below is a JSON list with one entry for each record. Times are UTC. Only what is this
customer's is in it. Invoices, quotes and credit notes themselves are in the accounts and are sent
as documents; their numbers are in actions.json. Proofs of secrets (of keys and links) are left out.
Questions go to our data protection officer, who replies within {days} business days.

"""


class Export:
    """Makes it. Who asked for it is in the audit trail before the first byte is out."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def counts(self, customer_id: str) -> dict[str, int]:
        """How many records there are of each kind that has any."""
        whose = Whose(customer_id)
        async with self._pool.connection() as connection:
            counted = [
                (place.table, await _count(connection, place, whose))
                for place in await places(connection)
            ]
        return {name: count for name, count in counted if count}

    async def note(self, customer_id: str, by: str) -> None:
        """Write down who takes a copy of whose data."""
        async with self._pool.connection() as connection:
            await note(connection, by, "customer.exported", customer_id)

    async def stream(self, customer_id: str, today: date) -> AsyncIterator[bytes]:
        """The ZIP in pieces, all of it as of one moment. The index is its last file."""
        whose, sink, counts = Whose(customer_id), _Sink(), dict[str, int]()
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute("set transaction isolation level repeatable read, read only")
            with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
                for place in await places(connection):
                    pieces = _file(archive, connection, place, whose)
                    async with aclosing(pieces):
                        async for count in pieces:
                            counts[place.table] = count
                            yield sink.taken()
                archive.writestr("index.txt", _index(customer_id, today, counts))
        yield sink.taken()


async def _count(connection: Connection, place: Place, whose: Whose) -> int:
    query = sql.SQL("select count(*) as n {}").format(place.where)
    row = await (await connection.execute(query, whose.values)).fetchone()
    return int(row["n"]) if row else 0


async def _file(
    archive: zipfile.ZipFile, connection: Connection, place: Place, whose: Whose
) -> AsyncGenerator[int]:
    """Write one file, and after each batch say how many records it has so far."""
    query = sql.SQL("select {} {}").format(place.shown, place.where)
    total = 0
    async with connection.cursor(name="export") as cursor:
        await cursor.execute(query, whose.values)
        rows = await cursor.fetchmany(BATCH)
        if not rows:
            return
        with archive.open(f"{place.table}.json", "w") as file:
            while rows:
                for row in rows:
                    file.write((b"[\n" if total == 0 else b",\n") + _line(place.table, row))
                    total += 1
                yield total
                rows = await cursor.fetchmany(BATCH)
            file.write(b"\n]\n")
    yield total


def _line(table: str, row: DictRow) -> bytes:
    return json.dumps(_readable(table, row), ensure_ascii=False, default=_plain).encode()


def _readable(table: str, row: DictRow) -> Mapping[str, Any]:
    """With what the assistant kept in its own form as values."""
    if table not in SERIALISED or row.get("blob") is None:
        return row
    return row | {"blob": SERDE.loads_typed((row["type"], bytes(row["blob"])))}


def _plain(value: object) -> Any:
    match value:
        case datetime() | date():
            return value.isoformat()
        case UUID() | Decimal():
            return str(value)
        case bytes() | bytearray() | memoryview():
            return _text(bytes(value))
        case set() | frozenset():
            return sorted(value, key=str)
        case _:
            return str(value)


def _text(value: bytes) -> Any:
    """Bytes that were frozen to be sent are JSON; whatever else there is, is shown as hex."""
    try:
        return json.loads(value)
    except ValueError:
        return value.hex()


def _index(customer_id: str, today: date, counts: Mapping[str, int]) -> str:
    rules = load_rules()
    about = ABOUT.format(
        customer=customer_id,
        day=today.isoformat(),
        company=rules.company.legal_name,
        year=rules.legal.pdpa_year,
        days=rules.legal.officer_days,
    )
    lines = [
        f"{f'{name}.json':<28}{count:>8}  {TITLES.get(name, name)}\n"
        for name, count in counts.items()
    ]
    return about + "".join(lines or ["There is nothing.\n"])


class _Sink(io.RawIOBase):
    """Takes what the archive writes, until it is taken on; like a socket it cannot go back."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces = bytearray()

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, data: Any) -> int:
        self._pieces += data
        return len(data)

    def taken(self) -> bytes:
        """Everything written since the last time."""
        found = bytes(self._pieces)
        self._pieces.clear()
        return found


# What was stored may name no Python object to import and call.
SERDE = JsonPlusSerializer(allowed_msgpack_modules=None)
