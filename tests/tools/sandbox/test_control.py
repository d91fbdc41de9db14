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
