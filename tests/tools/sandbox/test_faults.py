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
    ("mode", "status"),
    [("unavailable", 503), ("plain_503", 503), ("html_error", 502), ("rate_limit", 429)],
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


def test_a_page_in_the_place_of_the_answer(xero: Xero) -> None:
    number = a_number()
    xero.control("/faults", operation="PUT /Invoices", mode="not_json")
    answer = put(xero, number)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert is_written(xero, number)
    assert put(xero, number).json()["Invoices"][0]["InvoiceNumber"] == number


def test_errors_inside_a_success(xero: Xero) -> None:
    number = a_number()
    xero.control("/faults", operation="PUT /Invoices", mode="has_errors")
    answers = [put(xero, number) for _ in range(2)]

    assert [a.status_code for a in answers] == [200, 200]
    assert all(a.json()["Invoices"][0]["HasErrors"] for a in answers)
    assert not is_written(xero, number)


def test_a_total_that_is_off_by_a_cent_and_stays_so(xero: Xero) -> None:
    number = a_number()
    xero.control("/faults", operation="PUT /Invoices", mode="wrong_total")
    answered = put(xero, number).json()["Invoices"][0]
    kept = xero.one("/Invoices", InvoiceNumbers=number)

    assert (answered["Total"], answered["AmountDue"]) == (354.26, 354.26)
    assert (kept["Total"], kept["SubTotal"]) == (354.26, 325.0)


@pytest.mark.parametrize(
    ("mode", "name", "value"),
    [
        ("extra_field", "SurpriseField", {"Nested": [1, "two", None]}),
        ("new_status", "Status", "UNDERREVIEW"),
        ("string_money", "Total", "354.25"),
    ],
)
def test_an_answer_of_another_shape(xero: Xero, mode: str, name: str, value: object) -> None:
    number = xero.create()["InvoiceNumber"]
    xero.control("/faults", operation="GET /Invoices", mode=mode)

    assert xero.one("/Invoices", InvoiceNumbers=number)[name] == value
    assert xero.one("/Invoices", InvoiceNumbers=number).get(name) != value


def test_a_slow_answer(xero: Xero) -> None:
    xero.control("/faults", operation="GET /Organisation", mode="slow", seconds=0.3)
    begin = time.monotonic()

    assert xero.get("/Organisation").status_code == 200
    assert time.monotonic() - begin >= 0.3


def test_a_fault_can_wait(xero: Xero) -> None:
    xero.control("/faults", operation="GET /Organisation", mode="unavailable", after=2)
    statuses = [xero.get("/Organisation").status_code for _ in range(4)]

    assert statuses == [200, 200, 503, 200]


def test_a_fault_that_waits_hides_no_other(xero: Xero) -> None:
    xero.control("/faults", operation="GET /Organisation", mode="unavailable", after=1)
    xero.control("/faults", operation="*", mode="html_error")
    statuses = [xero.get("/Organisation").status_code for _ in range(3)]

    assert statuses == [502, 503, 200]


def test_a_fault_meets_only_its_operation(xero: Xero) -> None:
    xero.control("/faults", operation="GET /Invoices/{InvoiceID}", mode="unavailable")

    assert xero.get("/Invoices", ContactIDs=ON_HOLD).status_code == 200
    assert xero.get("/Invoices/INV-1001").status_code == 503


def test_an_unknown_fault_is_refused(http: httpx.Client) -> None:
    order = {"operation": "*", "mode": "explode"}

    assert http.post("/control/faults", json=order).status_code == 422
