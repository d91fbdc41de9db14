"""Writes in the books of one caller: each is looked up, sent and taken back through here only."""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from tools.errors import OutcomeUnknown, WriteImpossible
from tools.xero.client import XeroClient
from tools.xero.documents import CreditNote, HistoryRecord, Invoice, Quote
from tools.xero.scope import Scope, ScopedReads, nobody
from tools.xero.writes import Operation, Write, Written

Document = TypeVar("Document", Invoice, Quote, CreditNote)
Look = Callable[["Books", Write], Awaitable[Written | None]]
# How Xero names an e-mail in a document's history. Notes of customers stand in the details.
EMAILED = {"sent", "emailed", "invoice sent"}
GONE = frozenset({"DELETED", "VOIDED"})


class Books:
    """The write side. A document of somebody else is never changed, whatever a write names.

    `on_doubled` is told where one write has more than one document that stands.
    """

    def __init__(
        self,
        client: XeroClient,
        scope: Scope,
        on_alarm: Callable[[str], None] = nobody,
        on_doubled: Callable[[str], None] = nobody,
    ) -> None:
        self._client = client
        self._on_doubled = on_doubled
        self._reads = ScopedReads(client, scope, on_alarm)
        self._on_alarm = on_alarm

    async def find(self, write: Write) -> Written | None:
        """Whether this write is done already; raises WriteImpossible where it cannot be.

        For a document that changes this is also where it is checked to be the caller's, and
        still in a state in which we may change it.
        """
        self._check_payers(write)
        return await SPECS[write.operation].look(self, write)

    async def send(self, write: Write, key: str) -> Written:
        """Send the frozen bytes once; raises what XeroClient's writes raise."""
        self._check_payers(write)
        spec = SPECS[write.operation]
        path = spec.path.format(write.target.partition(":")[0])
        call = self._client.put if spec.method == "PUT" else self._client.post
        tags = [str(contact) for contact in self._reads.scope.contact_ids]
        answer = await call(path, write.body, key, tags)
        if spec.plural is None or write.operation.startswith("delete_"):
            return Written(UUID(write.target.partition(":")[0]))
        return self._written(answer, spec.plural)

    async def invoice(self, invoice_id: str) -> Invoice:
        """A document that a write changes; raises WriteImpossible when it is gone."""
        found = await self._reads.invoices({"IDs": str(UUID(invoice_id))})
        if not found:
            raise WriteImpossible("the document is not there")
        return found[0]

    async def invoice_numbered(self, number: str) -> Invoice | None:
        """The document with our number, whatever became of it."""
        found = await self._reads.invoices({"InvoiceNumbers": number})
        return self._only([i for i in found if i.invoice_number == number])

    async def quote(self, **filters: str) -> Quote | None:
        """One quote by its number or id."""
        wanted = filters.pop("QuoteID", None)
        found = await self._reads.quotes(filters)
        return self._only([q for q in found if wanted in (None, str(q.quote_id))])

    async def credit_note(self, wanted: Callable[[CreditNote], bool]) -> CreditNote | None:
        """The caller's first credit note that fits."""
        return self._only([c for c in await self.credit_notes() if wanted(c)])

    async def credit_notes(self) -> list[CreditNote]:
        """The caller's credit notes, whatever became of them."""
        return await self._reads.credit_notes()

    async def history(self, invoice: Invoice) -> list[HistoryRecord]:
        """What happened to an invoice."""
        return await self._reads.history(invoice)

    def _only(self, found: Sequence[Document]) -> Document | None:
        """The first: there should be no other one."""
        if sum(document.status not in GONE for document in found) > 1:
            self._on_doubled(type(found[0]).__name__.lower())
        return found[0] if found else None

    def _check_payers(self, write: Write) -> None:
        """Nothing is ever written for a contact that is not the caller's."""
        if not _contacts_in(json.loads(write.body)) <= self._reads.scope.contact_ids:
            self._on_alarm(f"foreign contact in {write.operation}")
            raise WriteImpossible("the document would be somebody else's")

    def _written(self, answer: Mapping[str, Any], plural: str) -> Written:
        documents = answer.get(plural) or []
        if len(documents) != 1 or documents[0].get("HasErrors"):
            raise OutcomeUnknown("Xero answered a write without the document")
        match plural:
            case "Invoices":
                [invoice] = self._reads.own([Invoice.model_validate(documents[0])])
                return _of_invoice(invoice)
            case "Quotes":
                [quote] = self._reads.own([Quote.model_validate(documents[0])])
                return Written(quote.quote_id, quote.total)
            case _:
                [note] = self._reads.own([CreditNote.model_validate(documents[0])])
                return Written(note.credit_note_id, note.total)


async def _created_invoice(books: Books, write: Write) -> Written | None:
    found = await books.invoice_numbered(write.target)
    return _of_invoice(found) if found else None


async def _changed_invoice(books: Books, write: Write) -> Written | None:
    invoice_id, _, total = write.target.partition(":")
    invoice = await books.invoice(invoice_id)
    [wanted] = json.loads(write.body, parse_float=Decimal)["Invoices"]
    if _is_as_wanted(invoice, wanted):
        return _of_invoice(invoice)
    _check_draft(invoice, total)
    return None


async def _deleted_invoice(books: Books, write: Write) -> Written | None:
    invoice_id, _, total = write.target.partition(":")
    invoice = await books.invoice(invoice_id)
    if invoice.status == "DELETED":
        return Written(invoice.invoice_id)
    _check_draft(invoice, total)
    return None


async def _created_quote(books: Books, write: Write) -> Written | None:
    quote = await books.quote(QuoteNumber=write.target)
    return Written(quote.quote_id, quote.total) if quote else None


async def _accepted_quote(books: Books, write: Write) -> Written | None:
    quote = await _known_quote(books, write)
    if quote.status in ("ACCEPTED", "INVOICED"):
        return Written(quote.quote_id)
    _, _, total = write.target.partition(":")
    if quote.status != "SENT" or quote.total != Decimal(total):
        raise WriteImpossible(f"the quote is {quote.status} over {quote.total}")
    return None


async def _deleted_quote(books: Books, write: Write) -> Written | None:
    quote = await _known_quote(books, write)
    return Written(quote.quote_id) if quote.status == "DELETED" else None


async def _known_quote(books: Books, write: Write) -> Quote:
    quote = await books.quote(QuoteID=write.target.partition(":")[0])
    if quote is None:
        raise WriteImpossible("the quote is not there")
    return quote


async def _created_credit_note(books: Books, write: Write) -> Written | None:
    note = await books.credit_note(lambda c: c.reference == write.target)
    return Written(note.credit_note_id, note.total) if note else None


async def _deleted_credit_note(books: Books, write: Write) -> Written | None:
    note = await books.credit_note(lambda c: str(c.credit_note_id) == write.target)
    if note is None:
        raise WriteImpossible("the credit note is not there")
    return Written(note.credit_note_id) if note.status == "DELETED" else None


async def _allocated(books: Books, write: Write) -> Written | None:
    [wanted] = json.loads(write.body, parse_float=Decimal)["Allocations"]
    note = await books.credit_note(lambda c: str(c.credit_note_id) == write.target)
    if note is None:
        raise WriteImpossible("the credit note is not there")
    invoice = await books.invoice(wanted["Invoice"]["InvoiceID"])
    amount = Decimal(wanted["Amount"])
    equal = [
        a
        for a in note.allocations
        if a.invoice and a.invoice.invoice_id == invoice.invoice_id and a.amount == amount
    ]
    return Written(note.credit_note_id) if len(equal) > write.seen else None


async def _emailed(books: Books, write: Write) -> Written | None:
    invoice = await books.invoice(write.target)
    is_sent = times_sent(await books.history(invoice)) > write.seen
    return Written(invoice.invoice_id) if is_sent else None


async def _noted(books: Books, write: Write) -> Written | None:
    invoice_id, _, mark = write.target.partition(":")
    invoice = await books.invoice(invoice_id)
    is_there = any((h.details or "").startswith(f"{mark}:") for h in await books.history(invoice))
    return Written(invoice.invoice_id) if is_there else None


def times_sent(history: Iterable[HistoryRecord]) -> int:
    """How often an invoice's history says that it was sent by e-mail."""
    return sum((record.changes or "").lower() in EMAILED for record in history)


def _contacts_in(body: Any) -> set[UUID]:
    """Every contact that a request names, wherever in it."""
    if isinstance(body, list):
        return {contact for part in body for contact in _contacts_in(part)}
    if not isinstance(body, dict):
        return set()
    own = {UUID(body["ContactID"])} if "ContactID" in body else set()
    return own | _contacts_in(list(body.values()))


def _of_invoice(invoice: Invoice) -> Written:
    return Written(invoice.invoice_id, invoice.total)


def _check_draft(invoice: Invoice, total: str) -> None:
    """What the office has approved or changed since is no longer ours to change."""
    if invoice.status != "DRAFT" or f"{invoice.total:.2f}" != total:
        raise WriteImpossible(f"the document is {invoice.status} over {invoice.total}")


def _is_as_wanted(invoice: Invoice, wanted: Mapping[str, Any]) -> bool:
    lines = [
        (line.get("ItemCode"), Decimal(line["Quantity"]), Decimal(line["UnitAmount"]))
        for line in wanted.get("LineItems", [])
    ]
    stands = [(x.item_code, x.quantity, x.unit_amount) for x in invoice.line_items]
    return stands == lines and invoice.reference == wanted.get("Reference", invoice.reference)


class Spec(NamedTuple):
    """How a write is sent and found again. `plural` is None where no document comes back."""

    method: str
    path: str
    plural: str | None
    look: Look


SPECS: dict[Operation, Spec] = {
    "create_invoice": Spec("PUT", "/Invoices", "Invoices", _created_invoice),
    "change_invoice": Spec("POST", "/Invoices/{}", "Invoices", _changed_invoice),
    "delete_invoice": Spec("POST", "/Invoices/{}", "Invoices", _deleted_invoice),
    "create_quote": Spec("PUT", "/Quotes", "Quotes", _created_quote),
    "accept_quote": Spec("POST", "/Quotes/{}", "Quotes", _accepted_quote),
    "delete_quote": Spec("POST", "/Quotes/{}", "Quotes", _deleted_quote),
    "create_credit_note": Spec("PUT", "/CreditNotes", "CreditNotes", _created_credit_note),
    "delete_credit_note": Spec("POST", "/CreditNotes/{}", "CreditNotes", _deleted_credit_note),
    "allocate_credit": Spec("PUT", "/CreditNotes/{}/Allocations", None, _allocated),
    "email_invoice": Spec("POST", "/Invoices/{}/Email", None, _emailed),
    "note_on_invoice": Spec("PUT", "/Invoices/{}/History", None, _noted),
}
