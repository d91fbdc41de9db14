"""What becomes of Xero's events, against the sandbox's books and a database without a worker."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from graph.clients import now
from graph.settings import Settings
from graph.webhooks import WebhookWork
from graph.xero import XeroParts, make_xero
from tests.conftest import customer
from tests.tools.conftest import Control, a_thread, control, pool
from tools.database import Pool, fetch_all, fetch_one
from tools.events import make_redis
from tools.sandbox.company import DemoCustomer
from tools.watches import Watches
from tools.xero.events import Category, Event
from tools.xero.exchange import make_http

__all__ = ["control", "pool"]


@pytest.fixture
async def xero(pool: Pool, settings: Settings) -> AsyncIterator[XeroParts]:
    redis = make_redis(settings.redis_url.get_secret_value())
    async with make_http() as http:
        yield make_xero(settings, pool, redis, http, now)
    await redis.aclose()
    async with pool.connection() as connection:
        await connection.execute("delete from xero_events")
        await connection.execute("delete from payment_watches")


@pytest.fixture
def watches(pool: Pool) -> Watches:
    return Watches(pool)


@pytest.fixture
def work(xero: XeroParts, watches: Watches) -> WebhookWork:
    return WebhookWork(xero.events, watches, xero.client)


def open_invoice(control: Control, who: DemoCustomer) -> dict[str, Any]:
    """One that can be paid in parts for a while, and that no other test pays."""
    sales = control.sales(who.contact_ids)
    unpaid = [i for i in sales if i["Status"] == "AUTHORISED" and i["AmountDue"] > 100]
    return min(unpaid, key=lambda i: i["AmountDue"])


def pay(control: Control, invoice: dict[str, Any], amount: str) -> None:
    payment = {"invoice_number": invoice["InvoiceNumber"], "amount": amount}
    httpx.post(f"{control.root}/control/payments", json=payment).raise_for_status()


def a_credit_note(control: Control, contact: str) -> dict[str, Any]:
    wanted = {"kind": "credit_note", "contact_id": contact}
    found: list[dict[str, Any]] = httpx.get(
        f"{control.root}/control/documents", params=wanted
    ).json()
    return found[0]


def scope_of(who: DemoCustomer) -> dict[str, Any]:
    return {
        "customer_id": who.customer_id,
        "contact_ids": list(who.contact_ids),
        "roles": list(who.roles),
    }


async def came(xero: XeroParts, category: Category, resource_id: str) -> None:
    tenant_id = UUID(await xero.tokens.tenant())
    event = Event(
        tenant_id=tenant_id,
        resource_id=UUID(resource_id),
        category=category,
        at=datetime.now(UTC),
        type="UPDATE",
    )
    assert await xero.events.store([event], tenant_id) == 1


async def is_done(xero: XeroParts) -> bool:
    seen = await xero.events.seen()
    return seen.waiting == 0 and not seen.parked


async def notices(pool: Pool, thread_id: UUID) -> list[dict[str, Any]]:
    rows = await fetch_all(
        pool, "select notice from runs where thread_id = %s order by turn", [thread_id]
    )
    return [row["notice"] for row in rows]


@pytest.fixture
async def waiting(pool: Pool, watches: Watches, control: Control) -> tuple[UUID, dict[str, Any]]:
    """A conversation that waits for a payment of the customer's invoice, and that invoice."""
    who = customer()
    thread_id, invoice = await a_thread(pool, who.customer_id), open_invoice(control, who)
    await watches.watch(thread_id, scope_of(who), invoice["InvoiceNumber"])
    return thread_id, invoice


async def test_a_payment_is_told_once_to_the_conversation_that_waits_for_it(
    work: WebhookWork,
    xero: XeroParts,
    pool: Pool,
    control: Control,
    waiting: tuple[UUID, dict[str, Any]],
) -> None:
    thread_id, invoice = waiting
    pay(control, invoice, "12.34")
    for _ in range(3):
        await came(xero, "INVOICE", invoice["InvoiceID"])
        await work.work_on_events()
        assert await is_done(xero)
    [notice] = await notices(pool, thread_id)
    due = f"{float(invoice['AmountDue']) - 12.34:.2f}"
    assert notice["kind"] == "payment"
    assert notice["payment"] == {
        "amount": "12.34",
        "invoice": invoice["InvoiceNumber"],
        "date": now().date().isoformat(),
        "amount_due": due,
        "currency": "SGD",
    }

    pay(control, invoice, "1.00")
    await came(xero, "INVOICE", invoice["InvoiceID"])
    await work.work_on_events()
    assert [n["payment"]["amount"] for n in await notices(pool, thread_id)] == ["12.34", "1.00"]


async def test_other_invoices_and_other_customers_are_told_nothing(
    work: WebhookWork,
    xero: XeroParts,
    watches: Watches,
    pool: Pool,
    control: Control,
    waiting: tuple[UUID, dict[str, Any]],
) -> None:
    thread_id, invoice = waiting
    stranger = customer(1)
    other_thread = await a_thread(pool, stranger.customer_id)
    await watches.watch(other_thread, scope_of(stranger))
    await watches.watch(other_thread, scope_of(stranger), invoice["InvoiceNumber"])
    another = next(
        i
        for i in control.sales(customer().contact_ids)
        if i["Status"] == "AUTHORISED" and i["InvoiceID"] != invoice["InvoiceID"]
    )
    for paid in (invoice, another):
        pay(control, paid, "0.50")
        await came(xero, "INVOICE", paid["InvoiceID"])
    await work.work_on_events()
    assert await is_done(xero)
    assert await notices(pool, other_thread) == []
    told = await notices(pool, thread_id)
    assert [n["payment"]["invoice"] for n in told] == [invoice["InvoiceNumber"]]


async def test_a_payment_from_before_it_was_asked_for_is_not_told(
    work: WebhookWork, xero: XeroParts, watches: Watches, pool: Pool, control: Control
) -> None:
    who = customer()
    paid = next(i for i in control.sales(who.contact_ids) if i["Status"] == "PAID")
    thread_id = await a_thread(pool, who.customer_id)
    await watches.watch(thread_id, scope_of(who))
    await came(xero, "INVOICE", paid["InvoiceID"])
    await work.work_on_events()
    assert await is_done(xero)
    assert await notices(pool, thread_id) == []


@pytest.mark.parametrize("category", ["CONTACT", "INVOICE", "CREDITNOTE"])
async def test_what_was_kept_of_the_contact_is_asked_anew(
    work: WebhookWork, xero: XeroParts, control: Control, category: Category
) -> None:
    [contact] = customer().contact_ids
    resource = {
        "CONTACT": contact,
        "INVOICE": open_invoice(control, customer())["InvoiceID"],
        "CREDITNOTE": a_credit_note(control, contact)["CreditNoteID"],
    }[category]
    asked = {"IDs": contact, "mark": uuid4().hex}  # a question of this test's own

    async def ask() -> int:
        before = control.calls("GET", "/Contacts")
        await xero.client.get("/Contacts", asked, keep_seconds=60, tags=[contact])
        return control.calls("GET", "/Contacts") - before

    assert (await ask(), await ask()) == (1, 0)
    await came(xero, category, resource)
    await work.work_on_events()
    assert await is_done(xero)
    assert await ask() == 1


@pytest.mark.parametrize("category", ["CONTACT", "INVOICE", "CREDITNOTE"])
async def test_an_event_about_nothing_is_done(
    work: WebhookWork, xero: XeroParts, category: Category
) -> None:
    await came(xero, category, str(uuid4()))
    await work.work_on_events()
    assert await is_done(xero)


async def test_while_xero_is_away_events_wait_with_the_reason(
    work: WebhookWork,
    xero: XeroParts,
    pool: Pool,
    control: Control,
    waiting: tuple[UUID, dict[str, Any]],
) -> None:
    thread_id, invoice = waiting
    pay(control, invoice, "2.00")
    await came(xero, "INVOICE", invoice["InvoiceID"])
    await came(xero, "CONTACT", customer().contact_ids[0])
    control.fault("GET /Invoices", "unavailable", times=20)
    await work.work_on_events()
    control.fault("GET /Invoices", "unavailable", times=0)
    left = await fetch_all(pool, "select category, error from xero_events where done_at is null")
    assert [row["category"] for row in left] == ["INVOICE"]
    assert left[0]["error"].startswith("backend_unavailable")

    await fetch_one(pool, "update xero_events set try_after = now() returning 1")
    await work.work_on_events()
    assert await is_done(xero)
    assert [n["payment"]["amount"] for n in await notices(pool, thread_id)] == ["2.00"]
