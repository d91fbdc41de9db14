from typing import Any

import pytest

from tests.tools.sandbox.conftest import Json, Xero, a_number, an_invoice
from tools.sandbox.company import demo_customers

ESTABLISHED = demo_customers()[0].contact_ids[0]
BOX = "CNP-015-FB-01"


def refusals(xero: Xero, body: Json, method: str = "PUT", path: str = "/Invoices") -> str:
    answer = xero.send(method, path, body)
    assert answer.status_code == 400, answer.text
    error = answer.json()
    assert (error["ErrorNumber"], error["Type"]) == (10, "ValidationException")
    return " ".join(e["Message"] for d in error["Elements"] for e in d["ValidationErrors"])


def test_a_draft_is_priced_from_the_item(xero: Xero) -> None:
    invoice = xero.create()

    assert (invoice["SubTotal"], invoice["TotalTax"], invoice["Total"]) == (325.0, 29.25, 354.25)
    assert (invoice["Status"], invoice["AmountDue"]) == ("DRAFT", 354.25)
    assert invoice["LineItems"][0]["TaxType"] == "OUTPUTY24"
    assert invoice["Date"] == "/Date(1772409600000+0000)/"
    assert invoice["DateString"] == "2026-03-02T00:00:00"


def test_the_tax_of_2023_was_eight_percent(xero: Xero) -> None:
    invoice = xero.create(Date="2023-06-01", DueDate="2023-07-01")

    assert (invoice["LineItems"][0]["TaxType"], invoice["TotalTax"]) == ("OUTPUTY23", 26.0)


@pytest.mark.parametrize(("unitdp", "total"), [("4", 265.69), ("2", 267.05)])
def test_unit_prices_below_a_cent_need_unitdp(xero: Xero, unitdp: str, total: float) -> None:
    line = {"Description": "Box", "Quantity": 500, "UnitAmount": 0.4875}
    body = an_invoice(LineItems=[line])
    answer = xero.send("PUT", "/Invoices", body, params={"unitdp": unitdp})

    assert answer.json()["Invoices"][0]["Total"] == total


def test_a_number_is_given_when_none_is_sent(xero: Xero) -> None:
    numbers = [xero.create()["InvoiceNumber"] for _ in range(2)]

    assert all(n.startswith("INV-") for n in numbers)
    assert len(set(numbers)) == 2


def test_a_number_is_used_once(xero: Xero) -> None:
    number = a_number()
    first = xero.create(InvoiceNumber=number)

    assert "already in use" in refusals(xero, an_invoice(InvoiceNumber=number))
    xero.update(first, Status="DELETED").raise_for_status()
    assert "already in use" in refusals(xero, an_invoice(InvoiceNumber=number))


def test_two_documents_of_one_request_cannot_share_a_number(xero: Xero) -> None:
    number = a_number()
    twice = {"Invoices": [an_invoice(InvoiceNumber=number)] * 2}

    assert "already in use" in refusals(xero, twice)
    found = xero.get("/Invoices", InvoiceNumbers=number).json()["Invoices"]
    assert found == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Type": "BOGUS"}, "Type must be one of"),
        ({"Contact": {"ContactID": "00000000-0000-4000-8000-000000000000"}}, "Contact must"),
        ({"LineItems": []}, "line items must be specified"),
        ({"LineItems": [{"Quantity": 1}]}, "Description is required"),
        ({"LineItems": [{"ItemCode": "NO-SUCH"}]}, "'NO-SUCH' is not valid"),
        ({"LineItems": [{"ItemCode": BOX, "Quantity": "5"}]}, "must be a number"),
        ({"LineItems": [{"ItemCode": BOX, "Quantity": 1e12}]}, "out of range"),
        ({"LineItems": [{"ItemCode": BOX, "Quantity": -1}]}, "cannot be negative"),
        ({"LineItems": [{"ItemCode": BOX, "TaxType": "GST"}]}, "TaxType code 'GST'"),
        ({"LineItems": [{"ItemCode": BOX, "AccountCode": "999"}]}, "Account code '999'"),
        ({"LineItems": [{"ItemCode": BOX, "LineAmount": 1}]}, "does not match"),
        ({"LineItems": [{"ItemCode": BOX, "Colour": "red"}]}, "Colour"),
        ({"LineAmountTypes": "EXCLUSIVE"}, "LineAmountTypes"),
        ({"Status": "PAID"}, "Status cannot go"),
        ({"Status": "AUTHORISED", "DueDate": None}, "due date is needed"),
        ({"Status": ["DRAFT"]}, "Status must be a text"),
        ({"LineItems": [{"ItemCode": BOX, "TaxType": {}}]}, "TaxType must be a text"),
        ({"Date": "yesterday"}, "is not a date"),
        ({"CurrencyCode": "USD"}, "not subscribed"),
        ({"Total": 1}, "cannot be set: Total"),
        ({"InvoiceNumber": 5}, "must be a text"),
    ],
)
def test_what_a_draft_may_not_hold(xero: Xero, changes: Json, message: str) -> None:
    assert message in refusals(xero, an_invoice(**changes))


def test_every_broken_rule_is_named(xero: Xero) -> None:
    said = refusals(xero, an_invoice(Type="BOGUS", Date="x"))

    assert "Type must" in said
    assert "not a date" in said


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'{"Invoices": []}', b'{"A": NaN}'])
def test_a_body_without_documents(xero: Xero, body: bytes) -> None:
    answer = xero.http.put("/xero/api.xro/2.0/Invoices", content=body)

    assert (answer.status_code, answer.json()["Type"]) == (400, "PostDataInvalidException")


def test_errors_in_place_when_they_are_not_summarised(xero: Xero) -> None:
    body = {"Invoices": [an_invoice(), an_invoice(Type="BOGUS")]}
    answer = xero.send("PUT", "/Invoices", body, params={"summarizeErrors": "false"})
    good, bad = answer.json()["Invoices"]

    assert answer.status_code == 200
    assert good["InvoiceID"]
    assert (bad["HasErrors"], bad["StatusAttributeString"]) == (True, "ERROR")


def test_a_draft_can_be_changed(xero: Xero) -> None:
    draft = xero.create()
    answer = xero.update(draft, LineItems=[{"ItemCode": BOX, "Quantity": 100}], Reference="PO 9")
    changed = answer.json()["Invoices"][0]

    assert (changed["Total"], changed["AmountDue"], changed["Reference"]) == (70.85, 70.85, "PO 9")
    assert changed["InvoiceNumber"] == draft["InvoiceNumber"]


def test_the_life_of_an_invoice(xero: Xero) -> None:
    invoice = xero.create()
    statuses = [
        xero.update(invoice, Status=status).json()["Invoices"][0]["Status"]
        for status in ("SUBMITTED", "AUTHORISED", "VOIDED")
    ]

    assert statuses == ["SUBMITTED", "AUTHORISED", "VOIDED"]
    assert xero.update(invoice, Status="DRAFT").status_code == 400
    assert xero.update(invoice, Reference="late").status_code == 400


def test_an_approved_invoice_is_voided_and_not_deleted(xero: Xero) -> None:
    invoice = xero.create(Status="AUTHORISED")

    assert xero.update(invoice, Status="DELETED").status_code == 400
    voided = xero.update(invoice, Status="VOIDED").json()["Invoices"][0]
    assert (voided["Status"], voided["AmountDue"], voided["Total"]) == ("VOIDED", 0, 354.25)


@pytest.mark.parametrize("changes", [{"Status": "VOIDED"}, {"Reference": "x"}])
def test_a_paid_invoice_stays_as_it_is(xero: Xero, changes: dict[str, Any]) -> None:
    paid = xero.get("/Invoices", Statuses="PAID", page=1, pageSize=1).json()["Invoices"][0]

    assert xero.update(paid, **changes).status_code == 400


def test_post_updates_what_has_the_number_and_creates_the_rest(xero: Xero) -> None:
    number = a_number()
    created = xero.send("POST", "/Invoices", an_invoice(InvoiceNumber=number)).json()
    changed = xero.send("POST", "/Invoices", {"InvoiceNumber": number, "Reference": "r"}).json()

    assert changed["Invoices"][0]["InvoiceID"] == created["Invoices"][0]["InvoiceID"]
    assert changed["Invoices"][0]["Reference"] == "r"


def test_the_life_of_a_quote(xero: Xero) -> None:
    quote = {
        "Contact": {"ContactID": ESTABLISHED},
        "LineAmountTypes": "EXCLUSIVE",
        "LineItems": [{"ItemCode": BOX, "Quantity": 10_000}],
        "ExpiryDate": "2027-01-31",
    }
    created = xero.send("PUT", "/Quotes", quote).json()["Quotes"][0]
    path = f"/Quotes/{created['QuoteID']}"
    accepted_early = xero.send("POST", path, {"Status": "ACCEPTED"})
    sent = xero.send("POST", path, {"Status": "SENT"}).json()["Quotes"][0]
    accepted = xero.send("POST", path, {"Status": "ACCEPTED"}).json()["Quotes"][0]

    assert (created["Status"], created["Total"]) == ("DRAFT", 7085.0)
    assert accepted_early.status_code == 400
    assert (sent["Status"], accepted["Status"]) == ("SENT", "ACCEPTED")
    assert "LineAmountTypes" in refusals(
        xero, {**quote, "LineAmountTypes": "Exclusive"}, path="/Quotes"
    )


def a_quote(xero: Xero, **changes: Any) -> Json:
    sent = {
        "Contact": {"ContactID": ESTABLISHED},
        "Date": "2026-03-02",
        "LineItems": [{"ItemCode": BOX, "Quantity": 10_000}],
        **changes,
    }
    answer = xero.send("PUT", "/Quotes", sent)
    assert answer.status_code == 200, answer.text
    quote: Json = answer.json()["Quotes"][0]
    return quote


def walk(xero: Xero, quote: Json, *statuses: str) -> list[int]:
    path = f"/Quotes/{quote['QuoteID']}"
    return [xero.send("POST", path, {"Status": status}).status_code for status in statuses]


@pytest.mark.parametrize(
    ("statuses", "answers"),
    [
        (("SENT", "ACCEPTED", "INVOICED", "SENT"), [200, 200, 200, 400]),
        (("SENT", "DECLINED", "ACCEPTED"), [200, 200, 400]),
        (("INVOICED",), [400]),
        (("SENT", "INVOICED"), [200, 400]),
        (("DELETED", "SENT"), [200, 400]),
    ],
)
def test_the_ways_of_a_quote(xero: Xero, statuses: tuple[str, ...], answers: list[int]) -> None:
    assert walk(xero, a_quote(xero), *statuses) == answers


def test_an_accepted_quote_makes_no_invoice_and_stays_as_it_is(xero: Xero) -> None:
    before = len(xero.http.get("/control/invoices").json())
    quote = a_quote(xero)
    assert walk(xero, quote, "SENT", "ACCEPTED") == [200, 200]
    path = f"/Quotes/{quote['QuoteID']}"

    assert len(xero.http.get("/control/invoices").json()) == before
    assert xero.send("POST", path, {"Reference": "late"}).status_code == 400


def test_what_already_is_so_may_be_sent_again(xero: Xero) -> None:
    quote = a_quote(xero)
    assert walk(xero, quote, "SENT", "ACCEPTED") == [200, 200]
    same = {"Contact": {"ContactID": ESTABLISHED}, "Date": "2026-03-02", "LineItems": []}
    sent = {"QuoteID": quote["QuoteID"].upper(), **same, "Status": "INVOICED"}

    assert xero.send("POST", f"/Quotes/{quote['QuoteID']}", sent).status_code == 200


def test_an_invoice_cannot_become_a_bill(xero: Xero) -> None:
    invoice = xero.create()
    path = f"/Invoices/{invoice['InvoiceID']}"

    assert "cannot be changed" in refusals(xero, {"Type": "ACCPAY"}, "POST", path)


def test_the_life_of_a_purchase_order(xero: Xero) -> None:
    sent = {
        "Contact": {"ContactID": ESTABLISHED},
        "LineItems": [{"Description": "Flour", "Quantity": 2, "UnitAmount": 20}],
        "DeliveryDate": "2026-03-09",
    }
    order = xero.send("PUT", "/PurchaseOrders", sent).json()["PurchaseOrders"][0]
    path = f"/PurchaseOrders/{order['PurchaseOrderID']}"
    answers = [
        xero.send("POST", path, changes)
        for changes in ({"AttentionTo": "Ah Hock", "Status": "AUTHORISED"}, {"Status": "BILLED"})
    ]
    changed, billed = (a.json()["PurchaseOrders"][0] for a in answers)

    assert order["PurchaseOrderNumber"].startswith("PO-")
    assert (order["Status"], order["Total"]) == ("DRAFT", 43.6)
    assert (changed["AttentionTo"], billed["Status"]) == ("Ah Hock", "BILLED")
    assert xero.one(path)["Status"] == "BILLED"
    assert order["PurchaseOrderNumber"] in {
        o["PurchaseOrderNumber"]
        for o in xero.get("/PurchaseOrders", Status="BILLED").json()["PurchaseOrders"]
    }


def test_a_refusal_repeats_only_plain_fields_that_exist(xero: Xero) -> None:
    sent = an_invoice(Type="BOGUS", FullyPaidOnDate="x", Date="never", Reference="PO 5")
    answer = xero.send("PUT", "/Invoices", sent, params={"summarizeErrors": "false"})
    [refused] = answer.json()["Invoices"]

    assert refused["Reference"] == "PO 5"
    assert not {"FullyPaidOnDate", "Date", "LineItems"} & set(refused)


def test_a_draft_credit_note(xero: Xero) -> None:
    sent = an_invoice(Type="ACCRECCREDIT", Reference="damaged")
    created = xero.send("PUT", "/CreditNotes", sent).json()["CreditNotes"][0]
    path = f"/CreditNotes/{created['CreditNoteID']}"
    deleted = xero.send("POST", path, {"Status": "DELETED"}).json()["CreditNotes"][0]

    assert (created["Status"], created["RemainingCredit"]) == ("DRAFT", 354.25)
    assert deleted["Status"] == "DELETED"
