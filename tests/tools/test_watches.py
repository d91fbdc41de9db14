from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.tools.conftest import CUSTOMER, a_thread
from tools.conversations import Conversations
from tools.database import Pool, fetch_all, fetch_one
from tools.watches import WATCH_DAYS, Watches, is_awaited
from tools.xero.documents import ContactRef, Invoice, Payment

CONTACT = UUID("00000000-0000-4000-8000-0000000000aa")
SINCE = datetime(2026, 11, 27, 2, 30, tzinfo=UTC)


@pytest.fixture
async def watches(pool: Pool) -> AsyncIterator[Watches]:
    yield Watches(pool)
    async with pool.connection() as connection:
        await connection.execute("delete from payment_watches")


def scope_of(*contacts: UUID, customer_id: str = CUSTOMER) -> dict[str, Any]:
    return {"customer_id": customer_id, "contact_ids": [str(c) for c in contacts]}


def a_payment(**changes: Any) -> Payment:
    fields: dict[str, Any] = {
        "payment_id": uuid4(),
        "date": SINCE.date(),
        "amount": Decimal("20.50"),
        "updated_date_utc": SINCE + timedelta(hours=1),
    }
    return Payment(**(fields | changes))


def an_invoice(number: str = "INV-1") -> Invoice:
    return Invoice(
        invoice_id=uuid4(),
        type="ACCREC",
        invoice_number=number,
        contact=ContactRef(contact_id=CONTACT),
        status="AUTHORISED",
        amount_due=Decimal("79.50"),
    )


async def notices(pool: Pool, thread_id: UUID) -> list[dict[str, Any]]:
    rows = await fetch_all(
        pool, "select notice from runs where thread_id = %s order by turn", [thread_id]
    )
    return [row["notice"]["payment"] for row in rows]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, True),
        ({"date": date(2026, 11, 20)}, True),
        ({"updated_date_utc": SINCE - timedelta(hours=1)}, False),
        ({"date": date(2026, 6, 1)}, False),
        ({"updated_date_utc": None}, True),
        ({"updated_date_utc": None, "date": date(2026, 11, 20)}, False),
        ({"date": None}, False),
    ],
    ids=[
        "entered after",
        "dated before and entered after",
        "entered before",
        "an old one that changed",
        "entered nobody knows when, dated after",
        "entered nobody knows when, dated before",
        "without a day",
    ],
)
def test_only_a_payment_that_was_entered_since_is_awaited(
    changed: dict[str, Any], *, expected: bool
) -> None:
    assert is_awaited(a_payment(**changed), {"since": SINCE}) is expected


async def test_a_watch_is_found_by_the_contact_and_the_invoice(
    watches: Watches, pool: Pool
) -> None:
    of_one, of_any = await a_thread(pool), await a_thread(pool)
    for _ in range(2):  # a turn that runs again changes nothing
        await watches.watch(of_one, scope_of(CONTACT), "INV-1")
    await watches.watch(of_any, scope_of(uuid4(), CONTACT))
    found = await watches.of_invoice(CONTACT, "inv-1")
    assert {w["thread_id"] for w in found} == {of_one, of_any}
    assert len(found) == 2
    assert [w["thread_id"] for w in await watches.of_invoice(CONTACT, "INV-2")] == [of_any]
    assert await watches.of_invoice(uuid4(), "INV-1") == []


async def test_a_watch_ends(watches: Watches, pool: Pool) -> None:
    thread_id = await a_thread(pool)
    await watches.watch(thread_id, scope_of(CONTACT))
    days = timedelta(days=WATCH_DAYS + 1)
    await fetch_one(
        pool, "update payment_watches set since = since - %s returning watch_id", [days]
    )
    assert await watches.of_invoice(CONTACT, "INV-1") == []
    await watches.watch(thread_id, scope_of(CONTACT))
    assert len(await watches.of_invoice(CONTACT, "INV-1")) == 1


@pytest.mark.parametrize(("status", "count"), [("committed", 1), ("proposed", 0), ("declined", 0)])
async def test_a_payment_that_was_reported_is_waited_for(
    watches: Watches, pool: Pool, status: str, count: int
) -> None:
    thread_id, number = await a_thread(pool), f"INV-{uuid4().int % 10**6}"
    await fetch_one(
        pool,
        "insert into actions (action_id, thread_id, customer_id, kind, status, card, hash,"
        " document_number, expires_at, scope) values (gen_random_uuid(), %s, %s,"
        " 'payment_report', %s, jsonb_build_object('invoice', %s::text), 'h', %s, now(),"
        " jsonb_build_object('customer_id', %s::text, 'contact_ids', jsonb_build_array(%s::text)))"
        " returning 1",
        [
            *(thread_id, CUSTOMER, status, number, f"TRIA-{uuid4().int % 10**9}"),
            *(CUSTOMER, str(CONTACT)),
        ],
    )
    assert len(await watches.of_invoice(CONTACT, number)) == count
    assert await watches.of_invoice(CONTACT, "INV-0") == []


async def test_a_payment_is_told_once_to_each_customer(watches: Watches, pool: Pool) -> None:
    threads = [await a_thread(pool) for _ in range(2)]
    other = await a_thread(pool, "a colleague")
    payment, invoice = a_payment(), an_invoice()
    for thread_id in threads:
        await watches.watch(thread_id, scope_of(CONTACT))
    await watches.watch(other, scope_of(CONTACT, customer_id="a colleague"))
    told = [
        await watches.tell(watch, payment, invoice)
        for _ in range(3)
        for watch in await watches.of_invoice(CONTACT, "INV-1")
    ]
    assert told.count(True) == 2
    of_customer = [n for thread_id in threads for n in await notices(pool, thread_id)]
    assert of_customer == await notices(pool, other)
    assert of_customer == [
        {
            "amount": "20.50",
            "invoice": "INV-1",
            "date": "2026-11-27",
            "amount_due": "79.50",
            "currency": "SGD",
        }
    ]


async def test_a_deleted_conversation_is_told_nothing_and_nothing_is_told_again(
    watches: Watches, pool: Pool
) -> None:
    thread_id = await a_thread(pool)
    await watches.watch(thread_id, scope_of(CONTACT))
    [watch] = await watches.of_invoice(CONTACT, "INV-1")
    assert await Conversations(pool).delete(thread_id, CUSTOMER)
    payment = a_payment()
    assert await watches.tell(watch, payment, an_invoice())
    assert await watches.of_invoice(CONTACT, "INV-1") == []
    later = await a_thread(pool)
    await watches.watch(later, scope_of(CONTACT))
    [watch] = await watches.of_invoice(CONTACT, "INV-1")
    assert not await watches.tell(watch, payment, an_invoice())
