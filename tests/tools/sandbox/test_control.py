from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.tools.sandbox.conftest import Xero, a_number
from tools.sandbox.app import create_sandbox
from tools.sandbox.company import demo_customers

CONTACT = demo_customers()[0].contact_ids[0]


def test_the_clock_can_be_set_wound_and_given_up(xero: Xero) -> None:
    assert xero.control("/clock", now="2030-01-01T23:30:00+00:00")["today"] == "2030-01-02"
    assert xero.control("/clock", advance_seconds=86400)["today"] == "2030-01-03"
    real = datetime.fromisoformat(xero.control("/clock")["now"])
    assert abs(real - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_clock_without_a_zone_is_refused(http: httpx.Client) -> None:
    assert http.post("/control/clock", json={"now": "2030-01-01T00:00:00"}).status_code == 422


def test_the_raw_invoices_of_a_contact_since_an_instant(xero: Xero) -> None:
    since = datetime.now(UTC).isoformat()
    number = a_number()
    xero.create(InvoiceNumber=number)
    query = {"contact_id": CONTACT, "created_since": since}

    found = xero.http.get("/control/invoices", params=query).json()
    # Other tests wind the clock on: what they made then is younger still.
    assert number in [i["InvoiceNumber"] for i in found]
    assert {i["Contact"]["ContactID"] for i in found} == {CONTACT}
    other = {"contact_id": demo_customers()[1].contact_ids[0], "created_since": since}
    others = xero.http.get("/control/invoices", params=other).json()
    assert number not in [i["InvoiceNumber"] for i in others]


def test_requests_are_counted(xero: Xero) -> None:
    path = f"/Invoices/{a_number()}"
    for _ in range(2):
        xero.get(path)

    counts = xero.http.get("/control/requests").json()
    assert {"method": "GET", "path": path, "count": 2} in counts


@pytest.fixture
async def own(tmp_path: Path) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_sandbox(tmp_path))
    return httpx.AsyncClient(transport=transport, base_url="http://sandbox")


async def test_a_reset_brings_the_demo_company_back(own: httpx.AsyncClient) -> None:
    before = (await own.get("/control/invoices")).json()
    await own.post("/control/clock", json={"now": "2031-05-05T00:00:00Z"})
    await own.post("/control/faults", json={"operation": "*", "mode": "hang"})
    await own.post("/control/reset")

    after = (await own.get("/control/invoices")).json()
    assert [i["InvoiceID"] for i in after] == [i["InvoiceID"] for i in before]
    assert [i["Total"] for i in after] == [i["Total"] for i in before]
    assert (await own.get("/control/faults")).json() == []
    assert (await own.get("/control/requests")).json() == []


async def test_a_reset_can_be_seen_from_another_day(own: httpx.AsyncClient) -> None:
    await own.post("/control/reset", json={"now": "2026-09-02T02:15:00Z"})
    clock = (await own.get("/control/clock")).json()
    assert clock["today"] == "2026-09-02"
    first = (await own.get("/control/invoices")).json()
    assert max(i["DateString"] for i in first) < "2026-09-02T24"
    await own.post("/control/payments", json=await an_invoice_in_full(own))
    await own.post("/control/reset", json={"now": "2026-09-02T06:00:00Z"})
    assert (await own.get("/control/invoices")).json() == first


async def test_changes_are_what_is_new_or_different_since_the_reset(
    own: httpx.AsyncClient,
) -> None:
    assert (await own.get("/control/changes")).json() == []
    paid = await an_invoice_in_full(own)
    await own.post("/control/payments", json=paid)
    changes = (await own.get("/control/changes")).json()
    by_kind = {change["kind"]: change for change in changes}
    assert by_kind["payment"]["before"] is None
    assert by_kind["invoice"]["before"]["Status"] == "AUTHORISED"
    assert by_kind["invoice"]["after"]["Status"] == "PAID"
    assert by_kind["invoice"]["after"]["InvoiceNumber"] == paid["invoice_number"]
    await own.post("/control/reset")
    assert (await own.get("/control/changes")).json() == []


async def an_invoice_in_full(own: httpx.AsyncClient) -> dict[str, str]:
    invoices = (await own.get("/control/invoices")).json()
    unpaid = next(i for i in invoices if i["Status"] == "AUTHORISED" and i["Type"] == "ACCREC")
    return {"invoice_number": unpaid["InvoiceNumber"], "amount": str(unpaid["AmountDue"])}


def test_calls_are_kept_in_their_order_with_what_was_answered(xero: Xero) -> None:
    last = [call["number"] for call in xero.http.get("/control/calls").json()]
    missing = a_number()
    xero.get(f"/Invoices/{missing}")
    xero.get("/Items")
    query = {"after": max(last, default=0)}
    found = xero.http.get("/control/calls", params=query).json()
    assert [(c["method"], c["path"], c["status"]) for c in found] == [
        ("GET", f"/Invoices/{missing}", 404),
        ("GET", "/Items", 200),
    ]
