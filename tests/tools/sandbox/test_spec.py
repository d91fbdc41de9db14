"""The sandbox's answers held against the official description of Xero, where it is at hand."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from openapi_schema_validator import OAS30Validator

from tests.tools.sandbox.conftest import Xero, an_invoice
from tools.sandbox.company import demo_customers
from tools.sandbox.xero.operations import OPERATIONS

SPEC = Path(__file__).parents[4] / "shared" / "xero" / "xero_accounting_trimmed.yaml"

CONTACT = demo_customers()[0].contact_ids[0]
pytestmark = pytest.mark.skipif(
    not SPEC.exists(), reason=f"The description of Xero's API is not at {SPEC}"
)


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    text = SPEC.read_text("utf-8").replace("#/components/schemas/", "#/definitions/")
    loaded: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return loaded


@pytest.fixture(scope="module")
def schemas(description: dict[str, Any]) -> dict[str, Any]:
    loaded = description
    found: dict[str, Any] = json.loads(json.dumps(loaded["components"]["schemas"], default=str))
    return found


def check(answer: httpx.Response, name: str, schemas: dict[str, Any]) -> None:
    schema = {"$ref": f"#/definitions/{name}", "definitions": schemas}
    errors = [e.message[:200] for e in OAS30Validator(schema).iter_errors(answer.json())]
    assert not errors


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/Organisation", "Organisations"),
        ("/Contacts", "Contacts"),
        ("/Items?unitdp=4", "Items"),
        ("/TaxRates", "TaxRates"),
        ("/Accounts", "Accounts"),
        ("/Invoices?page=1&pageSize=20", "Invoices"),
        ("/Payments?page=1&pageSize=20", "Payments"),
        ("/CreditNotes?page=1", "CreditNotes"),
        ("/Quotes", "Quotes"),
        ("/PurchaseOrders", "PurchaseOrders"),
        ("/Overpayments", "Overpayments"),
        ("/Prepayments?page=1", "Prepayments"),
        ("/BrandingThemes", "BrandingThemes"),
        ("/Currencies", "Currencies"),
        ("/RepeatingInvoices", "RepeatingInvoices"),
        (f"/Reports/AgedReceivablesByContact?contactId={CONTACT}", "ReportWithRows"),
    ],
)
def test_a_read(xero: Xero, schemas: dict[str, Any], path: str, name: str) -> None:
    answer = xero.http.get(f"/xero/api.xro/2.0{path}")

    assert answer.status_code == 200
    check(answer, name, schemas)


def test_a_written_invoice_and_a_refused_one(xero: Xero, schemas: dict[str, Any]) -> None:
    check(xero.send("PUT", "/Invoices", an_invoice()), "Invoices", schemas)
    check(xero.send("PUT", "/Invoices", an_invoice(Type="X")), "Error", schemas)


def test_every_operation_is_served(description: dict[str, Any]) -> None:
    described = {
        f"{method.upper()} {path}"
        for path, entry in description["paths"].items()
        for method in entry.keys() & {"get", "put", "post", "delete"}
    }

    assert len(described) == 46
    assert described <= set(OPERATIONS)


def test_the_check_can_fail(schemas: dict[str, Any]) -> None:
    wrong = httpx.Response(200, json={"Invoices": [{"Type": "BOGUS", "Total": "12.00"}]})

    with pytest.raises(AssertionError):
        check(wrong, "Invoices", schemas)
