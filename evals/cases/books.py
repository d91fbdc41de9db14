"""What the seeded books hold of a customer, for cases to name: `{own}`, `{own.due}`, `{credit}`."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import httpx

from tools.sandbox.company import DemoCustomer
from tools.sandbox.xero.wire import day_of

Json = dict[str, Any]
KINDS = ("invoice", "credit_note", "quote", "payment")


def values_of(customer: DemoCustomer, sandbox_url: str) -> dict[str, str]:
    """Placeholders and what stands for them; amounts as replies write them."""
    with httpx.Client(base_url=f"{sandbox_url}/control", timeout=30) as control:
        documents = {k: control.get("/documents", params={"kind": k}).json() for k in KINDS}
    own = set(customer.contact_ids)
    mine = {k: [d for d in found if _payer(d) in own] for k, found in documents.items()}
    sales = [i for i in mine["invoice"] if i["Type"] == "ACCREC"]
    foreign = next(
        i for i in documents["invoice"] if _payer(i) not in own and i["Status"] == "AUTHORISED"
    )
    named = dict(_of_invoices(sales, mine["payment"]))
    named |= _of_others(mine) | {
        "foreign": foreign["InvoiceNumber"],
        "foreign.payer.id": _payer(foreign),
    }
    return {f"{{{name}}}": value for name, value in named.items()}


def _of_invoices(sales: list[Json], payments: list[Json]) -> Iterator[tuple[str, str]]:
    unpaid = [i for i in sales if i["Status"] == "AUTHORISED"]
    paid = [i for i in sales if i["Status"] == "PAID"]
    yield "outstanding", _money(sum(_decimal(i["AmountDue"]) for i in unpaid))
    for name, found in (("own", unpaid), ("paid", paid)):
        if found:
            yield name, found[0]["InvoiceNumber"]
            yield f"{name}.due", _money(found[0]["AmountDue"])
            yield f"{name}.total", _money(found[0]["Total"])
            yield f"{name}.gst", _money(found[0]["TotalTax"])
            yield f"{name}.payer", found[0]["Contact"]["Name"]
    if payments:
        yield "payment", f"{payments[-1]['Amount']}"
        yield "payment.invoice", payments[-1]["Invoice"]["InvoiceNumber"]


def _of_others(mine: Mapping[str, list[Json]]) -> dict[str, str]:
    credits_left = [c for c in mine["credit_note"] if c["Status"] == "AUTHORISED"]
    sent = [q for q in mine["quote"] if q["Status"] == "SENT"]
    latest = max(sent, key=lambda q: day_of(q["ExpiryDate"]), default=None)
    found: dict[str, str] = {}
    if credits_left:
        left = sum(_decimal(c["RemainingCredit"]) for c in credits_left)
        found |= {"credit": credits_left[0]["CreditNoteNumber"], "credit.left": _money(left)}
    if latest:
        found |= {"quote": latest["QuoteNumber"], "quote.total": _money(latest["Total"])}
    return found


def _payer(document: Json) -> str:
    contact = document.get("Contact") or document["Invoice"]["Contact"]
    return str(contact["ContactID"])


def _decimal(amount: Any) -> Decimal:
    return Decimal(str(amount))


def _money(amount: Any) -> str:
    return f"SGD {_decimal(amount):,.2f}"
