import time

import httpx
import pytest

from tests.tools.sandbox.conftest import Xero, a_number, an_invoice
from tools.sandbox.company import demo_customers

ON_HOLD = demo_customers()[1].contact_ids[0]


def put(xero: Xero, number: str) -> httpx.Response:
    headers = {"Idempotency-Key": number}
    return xero.send("PUT", "/Invoices", an_invoice(InvoiceNumber=number), headers=headers)


def is_written(xero: Xero, number: str) -> bool:
    return bool(xero.get("/Invoices", InvoiceNumbers=number).json()["Invoices"])


def test_an_answer_lost_after_the_write(xero: Xero) -> None:
    number = a_number()
    xero.control("/faults", operation="PUT /Invoices", mode="drop_after_commit")

    with pytest.raises(httpx.RemoteProtocolError):
        put(xero, number)
    assert is_written(xero, number)
    assert put(xero, number).json()["Invoices"][0]["InvoiceNumber"] == number


def test_an_error_after_the_write_is_kept_under_the_key(xero: Xero) -> None:
    number = a_number()
    xero.control("/faults", operation="PUT /Invoices", mode="error_after_commit")

    assert [put(xero, number).status_code for _ in range(2)] == [500, 500]
    assert is_written(xero, number)


@pytest.mark.parametrize(
    ("mode", "status"), [("unavailable", 503), ("html_error", 502), ("rate_limit", 429)]
)
def test_a_refusal_before_the_write(xero: Xero, mode: str, status: int) -> None:
    number = a_number()
    xero.control("/faults", operation="PUT /Invoices", mode=mode, times=2)

    assert [put(xero, number).status_code for _ in range(2)] == [status, status]
    assert not is_written(xero, number)
    assert put(xero, number).status_code == 200


def test_a_call_that_hangs_does_nothing(xero: Xero) -> None:
    number = a_number()
    xero.control("/faults", operation="PUT /Invoices", mode="hang")
    body = an_invoice(InvoiceNumber=number)
    begin = time.monotonic()

    with pytest.raises(httpx.ReadTimeout):
        xero.send("PUT", "/Invoices", body, timeout=0.2)
    assert time.monotonic() - begin < 2
    assert not is_written(xero, number)


def test_filters_that_are_ignored(xero: Xero) -> None:
    xero.control("/faults", operation="GET /Invoices", mode="ignore_filters")

    asked = [xero.get("/Invoices", ContactIDs=ON_HOLD).json()["Invoices"] for _ in range(2)]
    owners = [{i["Contact"]["ContactID"] for i in found} for found in asked]
    assert len(owners[0]) > 1
    assert owners[1] == {ON_HOLD}


def test_a_fault_meets_only_its_operation(xero: Xero) -> None:
    xero.control("/faults", operation="GET /Invoices/{InvoiceID}", mode="unavailable")

    assert xero.get("/Invoices", ContactIDs=ON_HOLD).status_code == 200
    assert xero.get("/Invoices/INV-1001").status_code == 503


def test_an_unknown_fault_is_refused(http: httpx.Client) -> None:
    order = {"operation": "*", "mode": "explode"}

    assert http.post("/control/faults", json=order).status_code == 422
