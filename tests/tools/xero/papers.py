"""Xero in memory: documents as it writes them, found by the filters that we use."""

import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from tools.xero.scope import Scope
from tools.xero.scoped import Accounts

Json = dict[str, Any]

TODAY = date(2026, 11, 27)
OWN, SECOND, FOREIGN = UUID(int=0xA1), UUID(int=0xA2), UUID(int=0xB1)
GUID = re.compile(r'guid\("([0-9a-f-]{36})"\)')
# Which field of a document each typed filter is about.
FILTERS = {
    "ContactIDs": ("Contact", "ContactID"),
    "ContactID": ("Contact", "ContactID"),
    "InvoiceNumbers": ("InvoiceNumber",),
    "QuoteNumber": ("QuoteNumber",),
    "Statuses": ("Status",),
}


class Papers:
    """Answers like Xero and remembers what it was asked. A foolish one ignores every filter."""

    def __init__(self, *, foolish: bool = False) -> None:
        self.foolish = foolish
        self.lists: dict[str, list[Json]] = defaultdict(list)
        self.single: dict[str, Json] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.kept: list[tuple[str, int, tuple[str, ...]]] = []
        self.forgotten: list[str] = []
        self.size: int | None = None
        self.file = b"%PDF-1.4 made up"

    def add(self, *documents: Json) -> None:
        for document in documents:
            self.lists[_plural(document)].append(document)

    async def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        keep_seconds: int = 0,
        tags: Sequence[str] = (),
    ) -> Json:
        asked = dict(params or {})
        self.asked.append((path, asked))
        self.kept.append((path, keep_seconds, tuple(tags)))
        if path in self.single:
            return self.single[path]
        plural = path.removeprefix("/")
        found = self.lists[plural]
        if not self.foolish:
            found = [d for d in found if _fits(plural, d, asked)]
        size = self.size or int(asked.get("pageSize", "100"))
        start = (int(asked.get("page", "1")) - 1) * size
        return {plural: found[start : start + size]}

    async def forget(self, *tags: str) -> bool:
        self.forgotten += tags
        return True

    @asynccontextmanager
    async def stream(
        self, path: str, accept: str = "application/pdf"
    ) -> AsyncIterator[Iterator[bytes]]:
        self.asked.append((path, {"accept": accept}))
        yield iter([self.file])

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    def accounts(self, *contacts: UUID, roles: Sequence[str] = ("owner",)) -> Accounts:
        return Accounts(self, scope(*contacts, roles=roles), lambda: TODAY)


def scope(*contacts: UUID, roles: Sequence[str] = ("owner",)) -> Scope:
    return Scope("a customer", frozenset(contacts or (OWN,)), frozenset(roles))


def _plural(document: Json) -> str:
    for name in ("Invoice", "CreditNote", "Overpayment", "Prepayment", "Quote", "Payment"):
        if f"{name}ID" in document:
            return f"{name}s"
    return "Contacts"


def _fits(plural: str, document: Json, asked: Mapping[str, str]) -> bool:
    if "IDs" in asked and plural == "Contacts":
        return document["ContactID"] in asked["IDs"].split(",")
    if "where" in asked:
        part = document["Invoice"]["InvoiceID"] if plural == "Payments" else _contact(document)
        return part in GUID.findall(asked["where"])
    for name, way in FILTERS.items():
        if name in asked and _part(document, way) not in asked[name].split(","):
            return False
    return True


def _contact(document: Json) -> str:
    return str(document["Contact"]["ContactID"])


def _part(document: Json, way: Sequence[str]) -> Any:
    for name in way:
        document = document[name]
    return document


def document(number: str, contact: UUID = OWN, **changes: Any) -> Json:
    """What documents have in common."""
    return {
        "Contact": {"ContactID": str(contact), "Name": "Forno Rosso"},
        "Date": "/Date(1793491200000+0000)/",  # 1 November 2026
        "Status": "AUTHORISED",
        "CurrencyCode": "SGD",
        "Total": 109,
        **changes,
    }


def invoice(number: str, contact: UUID = OWN, **changes: Any) -> Json:
    given = {"Type": "ACCREC", "InvoiceID": str(uuid4()), "InvoiceNumber": number}
    amounts = {"SubTotal": 100, "TotalTax": 9, "AmountDue": 109, "AmountPaid": 0}
    due = {"DueDate": "/Date(1796083200000+0000)/"}  # 1 December 2026
    return document(number, contact) | given | amounts | due | changes


def credit_note(number: str, contact: UUID = OWN, **changes: Any) -> Json:
    given = {"Type": "ACCRECCREDIT", "CreditNoteID": str(uuid4()), "CreditNoteNumber": number}
    return document(number, contact, RemainingCredit=109) | given | changes


def quote(number: str, contact: UUID = OWN, **changes: Any) -> Json:
    given = {"QuoteID": str(uuid4()), "QuoteNumber": number, "Status": "SENT"}
    return document(number, contact, ExpiryDate="2026-12-01T00:00:00") | given | changes


def early(kind: str, contact: UUID = OWN, **changes: Any) -> Json:
    """An Overpayment or a Prepayment."""
    given = {"Type": f"RECEIVE-{kind.upper()}", f"{kind}ID": str(uuid4()), "RemainingCredit": 109}
    return document("", contact) | given | changes


def payment(of: Json, amount: Any, **changes: Any) -> Json:
    paid = {name: of[name] for name in ("InvoiceID", "InvoiceNumber", "Contact")}
    given = {"PaymentID": str(uuid4()), "Invoice": paid, "Amount": amount}
    return {**given, "Status": "AUTHORISED", "Date": "2026-11-10"} | changes


def contact(contact_id: UUID = OWN, **changes: Any) -> Json:
    given = {"ContactID": str(contact_id), "Name": "Forno Rosso", "ContactStatus": "ACTIVE"}
    return given | {"EmailAddress": "accounts@forno-rosso.tria.example"} | changes
