import json
from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from graph.clients import now
from tests.conftest import customer
from tests.tools.conftest import Control
from tests.tools.xero.conftest import accounts_of, own_sales
from tools.errors import BackendRejected, ForeignDocument
from tools.sandbox.company import DemoCustomer, demo_customers
from tools.xero.client import XeroClient
from tools.xero.documents import invoice_payload
from tools.xero.scoped import Accounts

BY_ID = {c.customer_id: c for c in demo_customers()}
SUPPLIER = BY_ID["kopi-collective"]
OTHER = BY_ID["laksa-lane"]


def a_number() -> str:
    return f"TRIA-9{uuid4().int % 10**8:08}"


def a_draft(who: DemoCustomer, number: str) -> bytes:
    line = {"ItemCode": "CNP-014-FB-01", "Quantity": 100, "UnitAmount": 0.45}
    return invoice_payload(
        {
            "Contact": {"ContactID": who.contact_ids[0]},
            "InvoiceNumber": number,
            "Date": now().date().isoformat(),
            "DueDate": (now().date() + timedelta(days=30)).isoformat(),
            "LineItems": [line | {"Description": "box", "AccountCode": "200"}],
        }
    )


@pytest.mark.parametrize("who", demo_customers(), ids=lambda c: c.customer_id)
async def test_open_invoices_are_the_customers_own_and_oldest_first(
    client: XeroClient, control: Control, who: DemoCustomer
) -> None:
    found = await accounts_of(client, who).open_invoices()
    assert sorted(str(i.invoice_number) for i in found) == sorted(
        own_sales(control, who, "AUTHORISED")
    )
    assert [i.due_date for i in found] == sorted(i.due_date for i in found if i.due_date)
    assert all(i.amount_due > 0 for i in found)


async def test_amounts_are_those_of_the_books_to_the_cent(
    accounts: Accounts, control: Control
) -> None:
    booked = {i["InvoiceNumber"]: i for i in control.sales(customer().contact_ids)}
    for invoice in await accounts.open_invoices():
        written = booked[str(invoice.invoice_number)]
        assert invoice.amount_due == Decimal(str(written["AmountDue"]))
        assert invoice.total == Decimal(str(written["Total"]))


async def test_a_number_is_found_however_it_is_written(
    accounts: Accounts, control: Control
) -> None:
    number = own_sales(control, customer(), "PAID")[0]
    found = await accounts.invoice_by_number(number.lower())
    assert found is not None
    assert found.invoice_number == number


async def test_an_invoice_of_somebody_else_reads_like_a_missing_one(
    accounts: Accounts, control: Control
) -> None:
    foreign = own_sales(control, OTHER, "AUTHORISED")[0]
    assert await accounts.invoice_by_number(foreign) is None
    assert await accounts.invoice_by_number("INV-999999") is None


@pytest.mark.parametrize("number", ["", "INV-1001,INV-1002", '" OR 1==1', "INV-", "1001"])
async def test_what_is_no_number_is_never_asked_for(
    accounts: Accounts, control: Control, number: str
) -> None:
    before = control.calls("GET", "/Invoices")
    assert await accounts.invoice_by_number(number) is None
    assert control.calls("GET", "/Invoices") == before


async def test_bills_and_drafts_of_the_office_are_hidden(
    client: XeroClient, control: Control
) -> None:
    accounts = accounts_of(client, SUPPLIER)
    hidden = [
        i["InvoiceNumber"]
        for i in control.invoices(contact_id=SUPPLIER.contact_ids[0])
        if i["Type"] == "ACCPAY" or i["Status"] == "VOIDED"
    ]
    hidden += [n for c in demo_customers() for n in own_sales(control, c, "DRAFT")]
    assert hidden
    for number in hidden:
        assert await accounts.invoice_by_number(number) is None


@pytest.mark.parametrize("read", ["open_invoices", "standing", "payments"])
async def test_a_filter_that_xero_ignores_lets_nothing_foreign_through(
    accounts: Accounts, control: Control, read: str
) -> None:
    control.fault("GET /Invoices", "ignore_filters")
    with pytest.raises(ForeignDocument):
        await getattr(accounts, read)()


async def test_a_foreign_document_is_refused_when_looked_up_by_number(
    accounts: Accounts, control: Control
) -> None:
    foreign = own_sales(control, OTHER, "AUTHORISED")[0]
    control.fault("GET /Invoices", "ignore_filters")
    with pytest.raises(ForeignDocument):
        await accounts.invoice_by_number(foreign)


async def test_payments_of_others_are_left_out_even_unfiltered(
    accounts: Accounts, control: Control
) -> None:
    control.fault("GET /Payments", "ignore_filters")
    own = {UUID(i["InvoiceID"]) for i in control.sales(customer().contact_ids)}
    payments = await accounts.payments()
    assert payments
    assert {p.invoice.invoice_id for p in payments if p.invoice} <= own


async def test_payments_come_latest_first(accounts: Accounts) -> None:
    days = [p.date for p in await accounts.payments() if p.date]
    assert days == sorted(days, reverse=True)
    assert days[-1] >= now().date() - timedelta(days=365)


async def test_a_caller_without_contacts_sees_nothing(client: XeroClient, control: Control) -> None:
    nobody = Accounts(client, (), lambda: now().date())
    before = control.calls("GET", "/Invoices")
    assert await nobody.open_invoices() == []
    assert await nobody.payments() == []
    assert await nobody.invoice_by_number("INV-1001") is None
    assert control.calls("GET", "/Invoices") == before


# The sandbox's own tests write to the books of the first customer.
@pytest.mark.parametrize("who", demo_customers()[1:], ids=lambda c: c.customer_id)
async def test_the_standing_follows_from_the_books(client: XeroClient, who: DemoCustomer) -> None:
    standing = await accounts_of(client, who).standing()
    assert standing.segment == who.segment
    assert standing.on_hold == (who.segment == "on hold")
    assert (standing.completed_orders < 3) == (who.segment == "new")


async def test_prices_are_exact(accounts: Accounts) -> None:
    listed = await accounts.price_list()
    assert listed["CNP-015-FB-01"].price == Decimal("0.65")
    assert listed["CUT-W"].on_hand == 0


async def test_past_orders_are_the_callers_own_and_the_latest_first(accounts: Accounts) -> None:
    past = await accounts.past_orders()
    days = [i.date for i in past if i.date]
    assert days == sorted(days, reverse=True)
    assert all(any(line.item_code for line in i.line_items) for i in past)


async def test_the_sales_tax_is_found_by_its_rate(accounts: Accounts) -> None:
    assert await accounts.sales_tax(Decimal(9)) == "OUTPUTY24"
    with pytest.raises(BackendRejected):
        await accounts.sales_tax(Decimal(42))


async def test_a_draft_of_ours_can_be_found_again(accounts: Accounts) -> None:
    number = a_number()
    assert await accounts.find_draft(number) is None
    created = await accounts.create_draft(a_draft(customer(), number), f"key-{number}")
    found = await accounts.find_draft(number)
    assert found is not None
    assert (found.invoice_id, found.status) == (created.invoice_id, "DRAFT")
    assert found == await accounts.invoice_by_number(number)


async def test_the_same_key_writes_once(accounts: Accounts, control: Control) -> None:
    number = a_number()
    payload = a_draft(customer(), number)
    first = await accounts.create_draft(payload, f"key-{number}")
    again = await accounts.create_draft(payload, f"key-{number}")
    assert again.invoice_id == first.invoice_id
    assert sum(i["InvoiceNumber"] == number for i in control.invoices()) == 1


async def test_a_draft_for_somebody_else_is_never_returned(accounts: Accounts) -> None:
    number = a_number()
    with pytest.raises(ForeignDocument):
        await accounts.create_draft(a_draft(OTHER, number), f"key-{number}")


async def test_only_numbers_of_our_series_are_looked_up_as_drafts(accounts: Accounts) -> None:
    with pytest.raises(ValueError, match="not a number of ours"):
        await accounts.find_draft("INV-1001")


def test_a_draft_is_never_anything_but_a_draft_in_sgd() -> None:
    [sent] = json.loads(a_draft(customer(), "TRIA-000001"))["Invoices"]
    assert (sent["Type"], sent["Status"], sent["CurrencyCode"]) == ("ACCREC", "DRAFT", "SGD")
