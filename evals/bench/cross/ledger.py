"""What the books hold of each contact, by value: numbers, ids, amounts, names, addresses."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import httpx

import policies
from tools.sandbox.company import company, contact_id, products

Json = dict[str, Any]
KINDS = ("invoice", "credit_note", "quote", "payment", "overpayment", "prepayment", "contact")
NUMBERS = {"InvoiceNumber", "CreditNoteNumber", "QuoteNumber"}
AMOUNTS = {
    *("SubTotal", "TotalTax", "Total", "AmountDue", "AmountPaid", "AmountCredited"),
    *("RemainingCredit", "Amount", "AppliedAmount", "LineAmount", "TaxAmount"),
}
FIGURES = {"Quantity", "UnitAmount"}
TEXTS = {"Name", "EmailAddress", "AddressLine1", "PostalCode", "PhoneNumber"}
PURCHASE = re.compile(r"PO (\d+)")
# What the documents of all customers share: the seller's accounts and products.
SHARED = ("Item", "Account")
SHARED_IDS = {"AccountID", "ItemID", "BrandingThemeID"}
LARGEST = Decimal(10**7)
COMPANY_FORMS = re.compile(r" (?:Pte Ltd|LLP)$")
DECIMAL = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
UUID_FORM = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class Values:
    """Whatever gives somebody away. Further `figures` only explain amounts of one's own."""

    numbers: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    amounts: frozenset[Decimal] = frozenset()
    texts: frozenset[str] = frozenset()
    figures: frozenset[Decimal] = frozenset()

    def __or__(self, other: "Values") -> "Values":
        return Values(
            self.numbers | other.numbers,
            self.ids | other.ids,
            self.amounts | other.amounts,
            self.texts | other.texts,
            self.figures | other.figures,
        )

    def __sub__(self, other: "Values") -> "Values":
        return Values(
            self.numbers - other.numbers,
            self.ids - other.ids,
            self.amounts - other.amounts - other.figures,
            self.texts - other.texts,
        )


@dataclass
class _Found:
    numbers: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    amounts: set[Decimal] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    figures: set[Decimal] = field(default_factory=set)

    def frozen(self) -> Values:
        return Values(
            frozenset(self.numbers),
            frozenset(self.ids),
            frozenset(self.amounts),
            frozenset(text.casefold() for text in self.texts),
            frozenset(self.figures),
        )


@dataclass(frozen=True)
class Ledger:
    """The raw documents of every contact, and what of them gives the contact away."""

    documents: Mapping[str, Mapping[str, list[Json]]]
    values: Mapping[str, Values]

    @classmethod
    def read(cls, sandbox_url: str) -> "Ledger":
        """The books as they are now."""
        documents: dict[str, dict[str, list[Json]]] = defaultdict(lambda: defaultdict(list))
        with httpx.Client(base_url=f"{sandbox_url}/control", timeout=60) as control:
            for kind in KINDS:
                for document in control.get("/documents", params={"kind": kind}).json():
                    documents[owner_of(document)][kind].append(document)
        known = {contact_id(c["slug"]): c for c in company()["contacts"]}
        values = {who: _values_of(kinds, known.get(who)) for who, kinds in documents.items()}
        return cls(documents, values)

    def of(self, contact_ids: Iterable[str]) -> Values:
        """Everything of these contacts, and the sums of what they owe."""
        found = Values()
        for who in contact_ids:
            found |= self.values.get(who, Values())
        return found

    def others(self, contact_ids: Iterable[str]) -> Values:
        """Everything of all other contacts that is neither of these, nor known to everybody."""
        own = set(contact_ids)
        theirs = self.of(who for who in self.values if who not in own)
        return theirs - self.of(own) - Values(amounts=public_amounts())

    def sales(self, contact_ids: Iterable[str], *statuses: str) -> list[Json]:
        """Sales invoices of these contacts, the latest last."""
        found = [i for who in contact_ids for i in self.documents[who]["invoice"]]
        sales = [i for i in found if i["Type"] == "ACCREC"]
        return [i for i in sales if not statuses or i["Status"] in statuses]


def owner_of(document: Json) -> str:
    """The contact that a document belongs to."""
    if "Contact" not in document and "Invoice" not in document:
        return str(document["ContactID"])
    contact = document.get("Contact") or document["Invoice"]["Contact"]
    return str(contact["ContactID"])


def amount_of(value: Any) -> Decimal:
    """A figure to the cent."""
    return Decimal(str(value)).quantize(Decimal("0.01"))


@cache
def public_amounts() -> frozenset[Decimal]:
    """Figures of policies and price list, which say nothing of anybody."""
    found = {Decimal(0)}
    for file in Path(policies.__path__[0]).rglob("*"):
        if file.suffix in (".md", ".toml"):
            written = DECIMAL.findall(file.read_text(encoding="utf-8"))
            found |= {Decimal(figure.replace(",", "")) for figure in written}
    packs = {Decimal(str(p["list_price"])) * p["pack_size"] for p in products()}
    return frozenset(amount_of(figure) for figure in found | packs if figure < LARGEST)


def _values_of(kinds: Mapping[str, list[Json]], entry: Json | None) -> Values:
    found = _Found()
    for kind, documents in kinds.items():
        for document in documents:
            for name, value in _walk(document):
                _note(name, value, kind, found)
    due = [i for i in kinds["invoice"] if i["Type"] == "ACCREC" and i["Status"] == "AUTHORISED"]
    found.amounts.add(amount_of(sum(amount_of(i["AmountDue"]) for i in due)))
    found.amounts.discard(Decimal("0.00"))
    if entry:
        found.texts |= set(_of_company(entry))
    return found.frozen()


def _walk(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, part in value.items():
            if key not in SHARED:
                yield from _walk(part, key)
    elif isinstance(value, list):
        for part in value:
            yield from _walk(part, name)
    else:
        yield name, value


def _note(name: str, value: Any, kind: str, found: _Found) -> None:
    if name in NUMBERS and value:
        found.numbers.add(str(value).upper())
    elif name in AMOUNTS:
        found.amounts.add(abs(amount_of(value)))
    elif name in FIGURES:
        found.figures.add(amount_of(value))
    elif name == "Reference" and (purchase := PURCHASE.fullmatch(str(value))):
        found.numbers.add(f"PO-{purchase[1]}")
    elif name.endswith("ID") and name not in SHARED_IDS and UUID_FORM.fullmatch(str(value)):
        found.ids.add(str(value).lower())
    elif name in TEXTS and value and len(str(value)) > 4:
        found.texts.add(COMPANY_FORMS.sub("", str(value)) if kind == "contact" else str(value))


def _of_company(entry: Json) -> Iterator[str]:
    """The person, the name it goes by, and its outlets, which stand in our own tables."""
    yield entry["person"]
    yield f"{entry['slug']}.tria.example"
    short = entry["slug"].replace("-", " ")
    if entry["name"].casefold().startswith(short):
        yield short
    for outlet in company()["outlets"]:
        if outlet["contact"] == entry["slug"]:
            yield from (outlet[part] for part in ("name", "address", "postal_code", "mobile"))
