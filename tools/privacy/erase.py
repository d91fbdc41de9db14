"""Erases one customer: what goes, what must stay and why, and what stands in the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql
from redis.asyncio import Redis

from tools.audit import note
from tools.database import Pool
from tools.errors import OperationRefused
from tools.privacy.bare import HAS_WRITTEN, strip_cards
from tools.privacy.fast_copies import FastCopies, Traces
from tools.privacy.kinds import days_of
from tools.privacy.places import OWN_CONTACTS, Connection, Place, Whose, places

MOST_NAMED = 20
STAYING = f"a.customer_id = %(customer)s and {HAS_WRITTEN}"
# These say whose the others are, so they go last, in this order.
LAST = ("actions", "action_writes", "tickets", "runs", "threads")
STAYS = ("audit",)
LOCKS = (
    "select pg_advisory_xact_lock(hashtextextended('erase:' || %(customer)s, 0))",
    "select 1 from threads where customer_id = %(customer)s order by thread_id for update",
)
HINDRANCES = """
select 'turn' as what, r.run_id::text as id, r.thread_id, r.status from runs r
  join threads t using (thread_id)
  where t.customer_id = %(customer)s and r.status in ('queued', 'running')
union all select 'card', a.action_id::text, a.thread_id, a.status from actions a
  where a.customer_id = %(customer)s and a.status in ('confirmed', 'approved')
union all select 'ticket', 'T-' || lpad(k.ticket_id::text, 6, '0'), k.thread_id, k.status
  from tickets k where k.customer_id = %(customer)s and k.status = 'open'
union all select 'conversation', t.thread_id::text, t.thread_id, 'with a person'
  from threads t where t.customer_id = %(customer)s and t.person is not null
order by 1, 2 limit 50"""
TO_DO = {
    "turn": "wait until it is answered, or cancel it",
    "card": "its write is under way or waits for a person: decide about it, and let it end",
    "ticket": "a person is to answer: close it first",
    "conversation": "a colleague has it: hand it back first",
}
NUMBERS = f"""
select a.document_number from actions a where {STAYING} and a.status = 'committed'
order by a.created_at desc limit {MOST_NAMED}"""


@dataclass(frozen=True)
class Counted:
    """How many of a kind."""

    name: str
    title: str
    count: int
    why: str = ""


@dataclass(frozen=True)
class Hindrance:
    """What has to end before anything is erased."""

    what: str
    id: str
    thread_id: str
    to_do: str


@dataclass(frozen=True)
class Preview:
    """What an erasure would do now. `numbers` are documents that stay in the books."""

    customer_id: str
    goes: tuple[Counted, ...]
    stays: tuple[Counted, ...]
    numbers: tuple[str, ...]
    hindrances: tuple[Hindrance, ...]

    @property
    def total(self) -> int:
        """How many things go."""
        return sum(each.count for each in self.goes)

    @property
    def is_known(self) -> bool:
        """Whether there is anything of such a customer."""
        return bool(self.total or any(each.count for each in self.stays))


class Erasure:
    """Previews and does it. Doing it again finds nothing, and changes nothing."""

    def __init__(self, pool: Pool, redis: Redis) -> None:
        self._pool = pool
        self._copies = FastCopies(redis)

    async def preview(self, customer_id: str) -> Preview:
        """What would go and what would stay; nothing changes."""
        whose = Whose(customer_id)
        async with self._pool.connection() as connection, connection.transaction():
            found = await _counted(connection, whose)
            copies = await self._copies.count(await _traces(connection, whose))
        return _with_copies(found, copies)

    async def erase(self, customer_id: str, typed: str, by: str) -> Preview:
        """Erase it all in one transaction, and say what went.

        `typed` is the customer's id, as a person typed it. Raises OperationRefused where that is
        another, and while something is under way.
        """
        if typed.strip() != customer_id:
            raise OperationRefused(f"Type the customer's id, {customer_id}, to confirm.")
        whose = Whose(customer_id)
        async with self._pool.connection() as connection, connection.transaction():
            for lock in LOCKS:
                await connection.execute(lock, whose.values)
            found = await _counted(connection, whose)
            _check_free(found)
            traces = await _traces(connection, whose)
            if found.total:
                await _delete(connection, whose)
                await note(connection, by, "customer.erased", customer_id, _told(found))
            # Before the end: where Redis is away, nothing is erased, and nothing forgotten.
            copies = await self._copies.delete(traces)
        await self._copies.delete(traces)  # what a turn that had just ended still wrote
        return _with_copies(found, copies)


def _check_free(found: Preview) -> None:
    if found.hindrances:
        named = "; ".join(f"{h.what} {h.id} ({h.to_do})" for h in found.hindrances[:MOST_NAMED])
        raise OperationRefused(f"Nothing was erased, as something is under way: {named}.")


async def _counted(connection: Connection, whose: Whose) -> Preview:
    goes, stays = [], []
    staying = await _staying(connection, whose)
    for place in await places(connection):
        count = await _count(connection, place, whose)
        match place.table:
            case "audit":
                stays.append(Counted(place.table, place.title, count, _why("audit")))
            case "actions" | "action_writes":
                kept = staying[place.table]
                goes.append(Counted(place.table, place.title, count - kept))
                stays.append(Counted(place.table, f"{place.title} (figures)", kept, _why("books")))
            case _:
                goes.append(Counted(place.table, place.title, count))
    numbers = await (await connection.execute(NUMBERS, whose.values)).fetchall()
    return Preview(
        whose.customer_id,
        tuple(each for each in goes if each.count),
        tuple(each for each in stays if each.count),
        tuple(row["document_number"] for row in numbers),
        await _hindrances(connection, whose),
    )


async def _count(connection: Connection, place: Place, whose: Whose) -> int:
    query = sql.SQL("select count(*) as n {}").format(place.where)
    row = await (await connection.execute(query, whose.values)).fetchone()
    return int(row["n"]) if row else 0


async def _staying(connection: Connection, whose: Whose) -> dict[str, int]:
    found = await connection.execute(
        f"select count(*) as actions, coalesce(sum((select count(*) from action_writes w"
        f" where w.action_id = a.action_id)), 0)::integer as action_writes from actions a"
        f" where {STAYING}",
        whose.values,
    )
    return await found.fetchone() or {}


async def _hindrances(connection: Connection, whose: Whose) -> tuple[Hindrance, ...]:
    found = await (await connection.execute(HINDRANCES, whose.values)).fetchall()
    return tuple(
        Hindrance(row["what"], row["id"], str(row["thread_id"] or ""), TO_DO[row["what"]])
        for row in found
    )


async def _traces(connection: Connection, whose: Whose) -> Traces:
    of_thread = "select {} as id from threads t {} where t.customer_id = %(customer)s"
    threads = of_thread.format("t.thread_id", "")
    runs = of_thread.format("r.run_id", "join runs r using (thread_id)")
    contacts = f"select contact as id from ({OWN_CONTACTS}) found(contact)"
    ids = [
        [row["id"] for row in await (await connection.execute(query, whose.values)).fetchall()]
        for query in (threads, runs, contacts)
    ]
    return Traces(whose.customer_id, *ids)


async def _delete(connection: Connection, whose: Whose) -> None:
    found = {place.table: place for place in await places(connection)}
    for table in [name for name in found if name not in LAST + STAYS]:
        await _delete_from(connection, found[table], whose)
    await connection.execute(
        "update actions set replaces = null where customer_id = %(customer)s", whose.values
    )
    await strip_cards(connection, STAYING, whose.values)
    await connection.execute(
        f"delete from actions a where a.customer_id = %(customer)s and not {HAS_WRITTEN}",
        whose.values,
    )
    for table in LAST[2:]:
        await _delete_from(connection, found[table], whose)


async def _delete_from(connection: Connection, place: Place, whose: Whose) -> None:
    await connection.execute(sql.SQL("delete {}").format(place.where), whose.values)


def _told(found: Preview) -> dict[str, Any]:
    return {
        "erased": {each.name: each.count for each in found.goes},
        "kept": {each.name: each.count for each in found.stays},
    }


def _with_copies(found: Preview, copies: int) -> Preview:
    if not copies:
        return found
    told = Counted("redis", "Copies in Redis: streams of turns, answers of Xero", copies)
    goes: Sequence[Counted] = (*found.goes, told)
    return Preview(found.customer_id, tuple(goes), found.stays, found.numbers, found.hindrances)


def _why(what: str) -> str:
    if what == "audit":
        return (
            "who did what stays, by ids and without anybody's words, until its time is over"
            f" ({days_of('audit'):,} days)"
        )
    return (
        "the law asks for accounts: document numbers, amounts and days stay for"
        f" {days_of('accounts'):,} days; names, addresses and words go"
    )
