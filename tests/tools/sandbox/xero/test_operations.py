from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.tools.sandbox.conftest import Json, Xero, a_number
from tools.sandbox.company import demo_customers

ESTABLISHED, ON_HOLD = (c.contact_ids[0] for c in demo_customers()[:2])
LEDGER = ("/Invoices", "/Payments", "/CreditNotes", "/Quotes", "/Contacts", "/Items")


def documents(xero: Xero, path: str, **query: object) -> list[Json]:
    answer = xero.get(path, **query)
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()[path.strip("/")]
    return found


def owners(invoices: list[Json]) -> set[str]:
    return {i["Contact"]["ContactID"] for i in invoices}


@pytest.mark.parametrize("path", [*LEDGER, "/TaxRates", "/Accounts"])
def test_a_list_has_an_envelope(xero: Xero, path: str) -> None:
    answer = xero.get(path).json()

    assert answer["Status"] == "OK"
    assert answer["DateTimeUTC"].startswith("/Date(")
    assert answer[path.strip("/")]


def test_invoices_by_contact_and_status(xero: Xero) -> None:
    found = documents(xero, "/Invoices", ContactIDs=ON_HOLD, Statuses="AUTHORISED,PAID")

    assert owners(found) == {ON_HOLD}
    assert {i["Status"] for i in found} == {"AUTHORISED", "PAID"}


def test_filters_are_combined(xero: Xero) -> None:
    number = a_number()
    created = xero.create(InvoiceNumber=number)

    assert len(documents(xero, "/Invoices", InvoiceNumbers=number, ContactIDs=ESTABLISHED)) == 1
    assert documents(xero, "/Invoices", InvoiceNumbers=number, ContactIDs=ON_HOLD) == []
    assert len(documents(xero, "/Invoices", IDs=created["InvoiceID"])) == 1


def test_only_pages_carry_line_items(xero: Xero) -> None:
    assert "LineItems" not in documents(xero, "/Invoices", ContactIDs=ON_HOLD)[0]
    assert documents(xero, "/Invoices", ContactIDs=ON_HOLD, page=1)[0]["LineItems"]
    summary = documents(xero, "/Invoices", ContactIDs=ON_HOLD, page=1, summaryOnly="true")[0]
    assert not {"LineItems", "Payments"} & set(summary)


def test_pages_follow_each_other_without_overlap(xero: Xero) -> None:
    first = xero.get("/Invoices", page=1, pageSize=50).json()
    second = xero.get("/Invoices", page=2, pageSize=50).json()
    ids = [i["InvoiceID"] for page in (first, second) for i in page["Invoices"]]

    assert len(ids) == len(set(ids)) == 100
    assert first["pagination"]["pageSize"] == 50
    assert first["pagination"]["itemCount"] > 100


@pytest.mark.parametrize(
    "query",
    [
        {"page": "abc"},
        {"page": "0"},
        {"page": "1", "pageSize": "1001"},
        {"IDs": "INV-1001"},
        {"where": "1==1"},
        {"order": "Colour"},
    ],
)
def test_a_query_that_is_refused(xero: Xero, query: dict[str, str]) -> None:
    assert xero.get("/Invoices", **query).status_code == 400


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        ('Type=="ACCPAY"', lambda i: i["Type"] == "ACCPAY"),
        (f'Contact.ContactID==guid("{ON_HOLD}")', lambda i: owners([i]) == {ON_HOLD}),
        ('Status=="PAID" AND Type=="ACCREC"', lambda i: i["Status"] == "PAID"),
        ("Date>=DateTime(2026,06,01)", lambda i: i["DateString"] >= "2026-06"),
        ("AmountDue>500", lambda i: i["AmountDue"] > 500),
        ("Total<400 AND SentToContact==true", lambda i: i["Total"] < 400 and i["SentToContact"]),
    ],
)
def test_where(xero: Xero, where: str, holds: Callable[[Json], bool]) -> None:
    found = documents(xero, "/Invoices", where=where)

    assert found
    assert all(holds(invoice) for invoice in found)


def test_invoices_by_reference(xero: Xero) -> None:
    reference = a_number()
    xero.create(Reference=reference)

    assert len(documents(xero, "/Invoices", where=f'Reference=="{reference}"')) == 1


def test_an_order(xero: Xero) -> None:
    days = [i["DateString"] for i in documents(xero, "/Invoices", order="Date DESC")]

    assert days == sorted(days, reverse=True)


def test_what_changed_since(xero: Xero) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    created = xero.create()
    answer = xero.get_with({"If-Modified-Since": before.isoformat()}, "/Invoices")

    found = [i["InvoiceID"] for i in answer.json()["Invoices"]]
    assert created["InvoiceID"] in found
    assert len(found) < 100


def test_payments_of_an_invoice(xero: Xero) -> None:
    paid = documents(xero, "/Invoices", Statuses="PAID", page=1, pageSize=1)[0]
    where = f'Invoice.InvoiceID==guid("{paid["InvoiceID"]}")'
    payments = documents(xero, "/Payments", where=where)

    assert [p["Amount"] for p in payments] == [paid["AmountPaid"]]
    assert payments[0]["Invoice"]["InvoiceNumber"] == paid["InvoiceNumber"]
    one = xero.get(f"/Payments/{payments[0]['PaymentID']}").json()["Payments"]
    assert one == payments


def test_credit_notes_of_a_contact(xero: Xero) -> None:
    found = documents(xero, "/CreditNotes", where=f'Contact.ContactID==guid("{ESTABLISHED}")')

    assert found
    assert owners(found) == {ESTABLISHED}
    left = {c["Status"]: c["RemainingCredit"] for c in found}
    assert left["AUTHORISED"] > 0
    assert left["PAID"] == 0


def test_quotes_know_a_contact_but_no_where(xero: Xero) -> None:
    every = documents(xero, "/Quotes")

    assert owners(documents(xero, "/Quotes", ContactID=ESTABLISHED)) == {ESTABLISHED}
    assert documents(xero, "/Quotes", where='Status=="SENT"') == every


def test_a_contact_has_balances(xero: Xero) -> None:
    contact = xero.get(f"/Contacts/{ON_HOLD}").json()["Contacts"][0]
    unpaid = documents(xero, "/Invoices", ContactIDs=ON_HOLD, Statuses="AUTHORISED")
    owed = contact["Balances"]["AccountsReceivable"]

    assert owed["Outstanding"] == round(sum(i["AmountDue"] for i in unpaid), 2)
    assert 0 < owed["Overdue"] <= owed["Outstanding"]


def test_items_carry_the_catalogue(xero: Xero) -> None:
    prices = {i["Code"]: i["SalesDetails"]["UnitPrice"] for i in documents(xero, "/Items")}

    assert len(prices) == 18
    assert prices["CNP-015-FB-01"] == 0.65


def test_tax_rates_of_singapore(xero: Xero) -> None:
    rates = {r["TaxType"]: r["EffectiveRate"] for r in documents(xero, "/TaxRates")}

    assert rates["OUTPUTY24"] == 9
    assert rates["OUTPUTY23"] == 8


def test_one_invoice_by_id_or_number(xero: Xero) -> None:
    created = xero.create()

    for name in (created["InvoiceID"], created["InvoiceNumber"]):
        found = xero.get(f"/Invoices/{name}", unitdp="4").json()["Invoices"]
        assert [i["InvoiceID"] for i in found] == [created["InvoiceID"]]


@pytest.mark.parametrize("path", ["/Invoices/nothing", "/Contacts/nothing", "/Journals"])
def test_what_does_not_exist(xero: Xero, path: str) -> None:
    assert xero.get(path).status_code == 404


@pytest.mark.parametrize(
    ("plural", "title"),
    [("CreditNotes", "Credit note"), ("Quotes", "Quote"), ("Invoices", "Tax invoice")],
)
def test_the_pdf_of_other_documents(xero: Xero, plural: str, title: str) -> None:
    document = documents(xero, f"/{plural}", page=1)[0]
    number = document[f"{plural.removesuffix('s')}Number"]
    path = f"/{plural}/{document[plural.removesuffix('s') + 'ID']}"
    answer = xero.get_with({"Accept": "application/pdf"}, path)

    assert answer.content.startswith(b"%PDF-")
    assert f"{title} {number}".encode() in answer.content


@pytest.mark.parametrize(("plural", "total"), [("Overpayments", 60), ("Prepayments", 150)])
def test_money_that_came_too_early(xero: Xero, plural: str, total: int) -> None:
    [listed] = documents(xero, f"/{plural}")
    owner = listed["Contact"]["ContactID"]
    mine, others = (
        documents(xero, f"/{plural}", where=f'Contact.ContactID==guid("{contact}")')
        for contact in (owner, ESTABLISHED)
    )

    assert (listed["RemainingCredit"], listed["Status"]) == (total, "AUTHORISED")
    assert (mine, others) == ([listed], [])
    name = plural.removesuffix("s")
    assert xero.one(f"/{plural}/{listed[f'{name}ID']}")["Total"] == total


def test_the_settings_of_the_organisation(xero: Xero) -> None:
    accounts = documents(xero, "/Accounts", where='Type=="BANK"')

    assert [a["Code"] for a in accounts] == ["090"]
    assert [c["Code"] for c in documents(xero, "/Currencies")] == ["SGD"]
    assert documents(xero, "/Currencies", where='Code=="USD"') == []
    assert [t["Name"] for t in documents(xero, "/BrandingThemes")] == ["Standard"]
    assert documents(xero, "/RepeatingInvoices") == []
    rates = documents(xero, "/TaxRates", where='Status=="ACTIVE" AND EffectiveRate==9')
    assert [r["TaxType"] for r in rates] == ["OUTPUTY24"]


def test_a_search_term_in_numbers_and_references(xero: Xero) -> None:
    number, reference = a_number(), a_number()
    xero.create(InvoiceNumber=number, Reference=f"PO {reference}")

    for term in (number[2:], reference):
        found = documents(xero, "/Invoices", searchTerm=term)
        assert [i["InvoiceNumber"] for i in found] == [number]


def test_the_pdf_of_an_invoice(xero: Xero) -> None:
    number = a_number()
    invoice = xero.create(InvoiceNumber=number)
    accept = {"Accept": "application/pdf"}
    answer = xero.get_with(accept, f"/Invoices/{invoice['InvoiceID']}")

    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert number.encode() in answer.content
    start = int(answer.content.split(b"startxref\n")[1].split()[0])
    assert answer.content[start:].startswith(b"xref")


def test_a_link_to_pay_is_the_invoices_own_and_not_for_drafts(xero: Xero) -> None:
    draft = xero.create()
    assert xero.get(f"/Invoices/{draft['InvoiceID']}/OnlineInvoice").status_code == 400

    links = set()
    for invoice in (draft, xero.create()):
        xero.update(invoice, Status="AUTHORISED").raise_for_status()
        answer = xero.get(f"/Invoices/{invoice['InvoiceID']}/OnlineInvoice").json()
        links.add(answer["OnlineInvoices"][0]["OnlineInvoiceUrl"])
    assert len(links) == 2
    assert all(len(link) > 64 for link in links)


def test_a_note_in_the_history(xero: Xero) -> None:
    path = f"/Invoices/{xero.create()['InvoiceID']}/History"
    note = {"HistoryRecords": [{"Details": "Customer says it is paid"}]}
    xero.send("PUT", path, note).raise_for_status()

    records = xero.get(path).json()["HistoryRecords"]
    assert [r["Details"] for r in records] == ["Customer says it is paid"]
    assert xero.send("PUT", path, {"HistoryRecords": [{"Details": " "}]}).status_code == 400
