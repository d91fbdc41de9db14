from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tools.rules import load_rules
from tools.sandbox.company import DemoCustomer, company, demo_customers
from tools.sandbox.history import seed
from tools.sandbox.store import Store
from tools.sandbox.xero.wire import day_of

TODAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
Json = dict[str, Any]


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return seeded(tmp_path_factory.mktemp("books"))


def seeded(folder: Path) -> Store:
    store = Store(folder / "books.sqlite3")
    with store.transaction():
        seed(store, NOW, TODAY)
    return store


def sales_of(store: Store, customer: DemoCustomer) -> list[Json]:
    return [
        invoice
        for invoice in store.find("invoice")
        if invoice["Type"] == "ACCREC"
        and invoice["Contact"]["ContactID"] in customer.contact_ids
        and invoice["Status"] in ("AUTHORISED", "PAID")
    ]


def test_the_company_is_as_large_as_the_demo_needs() -> None:
    outlets = company()["outlets"]
    bill_tos = defaultdict(set)
    for outlet in outlets:
        bill_tos[outlet["name"].split()[0]].add(outlet["contact"])

    assert len(company()["contacts"]) >= 12
    assert len(outlets) >= 20
    assert max(Counter(o["contact"] for o in outlets).values()) >= 3
    assert len(bill_tos["Slice"]) == 2


def test_the_first_customer_is_established_with_the_two_outlets_of_the_order_forms() -> None:
    first = demo_customers()[0]

    assert first.segment == "established"
    assert {"Pasir Ris", "Tampines"} == {o["area"] for o in first.outlets}
    form = next(o for o in first.outlets if o["postal_code"] == "510012")
    assert (form["address"], form["contact_person"]) == ("12 Example Street 4, #01-06", "Mei")


def test_one_customer_pays_for_two_contacts() -> None:
    assert [c.customer_id for c in demo_customers() if len(c.contact_ids) == 2] == ["golden-crust"]


def test_no_outlet_is_listed_under_two_customers() -> None:
    ids = [o["outlet_id"] for c in demo_customers() for o in c.outlets]

    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("customer", demo_customers(), ids=lambda c: c.customer_id)
def test_the_segment_is_the_one_that_the_books_tell(books: Store, customer: DemoCustomer) -> None:
    rules = load_rules()
    sales = sales_of(books, customer)
    year = [i for i in sales if day_of(i["Date"]) >= TODAY - timedelta(days=365)]
    spent = sum(i["SubTotal"] for i in year)
    late = TODAY - timedelta(days=rules.payment.credit_hold_days)
    is_on_hold = any(i["AmountDue"] > 0 and day_of(i["DueDate"]) < late for i in sales)

    assert is_on_hold == (customer.segment == "on hold")
    assert (len(sales) < rules.segments.new_below_orders) == (customer.segment == "new")
    assert (spent > rules.segments.major_over) == (customer.segment == "major")
    assert (spent > rules.segments.vip_over) == (customer.segment in ("vip", "major"))


def test_the_established_customer_owes_but_is_not_late(books: Store) -> None:
    unpaid = [i for i in sales_of(books, demo_customers()[0]) if i["AmountDue"] > 0]

    assert unpaid
    assert all(day_of(i["DueDate"]) >= TODAY for i in unpaid)


def test_every_state_of_a_document_occurs(books: Store) -> None:
    invoices = books.find("invoice")
    quotes = books.find("quote")

    assert {i["Status"] for i in invoices} == {"DRAFT", "AUTHORISED", "PAID", "VOIDED"}
    assert any(i["AmountPaid"] > 0 and i["AmountDue"] > 0 for i in invoices)
    assert {q["Status"] for q in quotes} == {"DRAFT", "SENT", "ACCEPTED", "DECLINED"}
    assert any(q["Status"] == "SENT" and day_of(q["ExpiryDate"]) < TODAY for q in quotes)
    assert {c["Status"] for c in books.find("credit_note")} == {"DRAFT", "AUTHORISED", "PAID"}


def test_the_first_customer_has_something_of_everything(books: Store) -> None:
    mine = demo_customers()[0].contact_ids

    def own(kind: str) -> list[Json]:
        return [d for d in books.find(kind) if d["Contact"]["ContactID"] in mine]

    expiries = [day_of(q["ExpiryDate"]) for q in own("quote") if q["Status"] == "SENT"]
    assert sorted(day < TODAY for day in expiries) == [False, True]
    left = {c["Status"]: c["RemainingCredit"] for c in own("credit_note")}
    assert left["AUTHORISED"] > 0
    assert left["PAID"] == 0
    assert any(i["AmountPaid"] > 0 and i["AmountDue"] > 0 for i in own("invoice"))


def test_the_last_customer_only_buys_for_a_contact_with_another_person(books: Store) -> None:
    *others, buyer = demo_customers()
    contact = books.get("contact", buyer.contact_ids[0]) or {}

    assert all(customer.roles == ("buyer", "accounts") for customer in others)
    assert (buyer.customer_id, buyer.roles) == ("green-bowl-orchard", ("buyer",))
    assert f"{contact['FirstName']} {contact['LastName']}" != buyer.name
    assert buyer.email in {p["EmailAddress"] for p in contact["ContactPersons"]}
    assert contact["EmailAddress"] != buyer.email


def test_nobody_is_told_of_what_was_there_before(books: Store) -> None:
    assert books.take_events() == []


def test_what_is_paid_credited_and_due_adds_up(books: Store) -> None:
    payments: dict[str, Decimal] = defaultdict(Decimal)
    for payment in books.find("payment"):
        payments[payment["Invoice"]["InvoiceID"]] += Decimal(str(payment["Amount"]))

    for invoice in books.find("invoice"):
        if invoice["Status"] in ("AUTHORISED", "PAID"):
            total, due, paid, credited = (
                Decimal(str(invoice[name]))
                for name in ("Total", "AmountDue", "AmountPaid", "AmountCredited")
            )
            assert total == due + paid + credited
            assert paid == payments[invoice["InvoiceID"]]
            assert (due == 0) == (invoice["Status"] == "PAID")


def test_the_same_first_day_gives_the_same_books(books: Store, tmp_path: Path) -> None:
    again = seeded(tmp_path)

    for kind in ("invoice", "payment", "credit_note", "quote", "contact", "item"):
        assert again.find(kind) == books.find(kind)
