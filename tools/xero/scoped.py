"""The customer's own books: the only view of Xero that a node ever gets.

The scope comes from the sign-in: all contacts of the customer, and no others. It is put into every
question and every document is checked against it again. One of somebody else reads like none.
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from tools.errors import BackendRejected
from tools.ordering.pricing import AccountStanding
from tools.rules import load_rules
from tools.screening.outside import scan_data
from tools.xero.documents import (
    ZERO,
    Contact,
    Credit,
    CreditNote,
    Invoice,
    PaidPart,
    Payment,
    Quote,
)
from tools.xero.scope import Alarm, Scope, ScopedReads, Xero, nobody
from tools.xero.seller import Seller
from tools.xero.statement import (
    HOME,
    AccountDocuments,
    Statement,
    StatementMismatch,
    is_settled,
    statement_of,
)

NUMBER = re.compile(r"[A-Z]{1,5}-?[0-9]{1,10}")
OURS = re.compile(r"TRIA-[0-9]{6,}")
SAFE_URL = re.compile(r"https://[A-Za-z0-9.-]+(?:/[!-~]*)?")
VISIBLE = frozenset({"AUTHORISED", "PAID"})
VISIBLE_QUOTES = frozenset({"SENT", "ACCEPTED", "DECLINED", "INVOICED"})
APPROVED = {"Statuses": "AUTHORISED,PAID"}
YEAR = timedelta(days=365)
# How old a list may be, in seconds. Look-ups by number, and what is asked `fresh`, never are.
LISTS = 60


class ContactMerged(BackendRejected):
    """A contact of the sign-in was merged into one that is not of the sign-in."""

    code = "contact_merged"


class Accounts(Seller):
    """Reads in the books of one caller's contacts, and no others.

    `on_alarm` is told of every document of somebody else that Xero sent all the same.
    """

    def __init__(
        self,
        client: Xero,
        scope: Scope,
        today: Callable[[], date],
        on_alarm: Alarm = nobody,
    ) -> None:
        super().__init__(client)
        self.scope = scope
        self._reads = ScopedReads(client, scope, on_alarm)
        self._today = today

    async def contacts(self, *, fresh: bool = False) -> list[Contact]:
        """The caller's contacts that are in use, by name.

        Archived contacts, and those to be erased, are left out: no invoice is e-mailed to them,
        while what they have still reads. Merged ones too, where what became of them is also of
        the sign-in; else ContactMerged is raised, for all that we said would lack what was moved.
        """
        found = await self._reads.contacts(0 if fresh else LISTS)
        moved = {c.merged_to_contact_id for c in found if c.merged_to_contact_id}
        if not moved <= self.scope.contact_ids:
            raise ContactMerged("a contact of the sign-in was merged into another one")
        used = [c for c in found if c.contact_status == "ACTIVE" and not c.merged_to_contact_id]
        return sorted(used, key=lambda c: (c.name, c.contact_id))

    async def email_on_file(self, contact_id: UUID) -> str | None:
        """Where Xero sends a contact's documents. It stays on this side: show it `masked`."""
        if contact_id not in self.scope.contact_ids:
            return None
        contacts = await self.contacts(fresh=True)
        return next((c.email_address for c in contacts if c.contact_id == contact_id), None) or None

    async def invoices(self, *, fresh: bool = False) -> list[Invoice]:
        """Every approved invoice, in any currency, latest first."""
        found = await self._reads.invoices(APPROVED, 0 if fresh else LISTS)
        approved = [i for i in found if i.status in VISIBLE]
        return sorted(approved, key=_latest, reverse=True)

    async def open_invoices(self, *, fresh: bool = False) -> list[Invoice]:
        """Invoices that are approved and not fully paid, in any currency, oldest due first."""
        found = await self._reads.invoices({"Statuses": "AUTHORISED"}, 0 if fresh else LISTS)
        due = [i for i in found if i.status == "AUTHORISED" and i.amount_due > ZERO]
        return sorted(due, key=lambda i: (i.due_date or date.max, i.invoice_number or ""))

    async def invoice_by_number(self, number: str) -> Invoice | None:
        """The caller's invoice with that printed number; None when missing or foreign."""
        if (wanted := number_of(number)) is None:
            return None
        invoices = await self._reads.invoices({"InvoiceNumbers": wanted})
        visible = [i for i in invoices if i.status in VISIBLE or is_our_draft(i)]
        return next((i for i in visible if number_of(i.invoice_number) == wanted), None)

    async def credit_notes(self, *, fresh: bool = False) -> list[CreditNote]:
        """Approved credit notes, used up or not, latest first."""
        found = await self._reads.credit_notes(0 if fresh else LISTS)
        visible = [c for c in found if c.status in VISIBLE]
        return sorted(visible, key=_latest, reverse=True)

    async def unused_credit(self) -> list[Credit]:
        """Whatever of the caller's money is still to be used: credits, over- and prepayments."""
        reads = self._reads
        notes, over, pre = await asyncio.gather(
            self.credit_notes(), reads.overpayments(LISTS), reads.prepayments(LISTS)
        )
        return [credit for credit in (*notes, *over, *pre) if credit.remaining_credit]

    async def credit_note_by_number(self, number: str) -> CreditNote | None:
        """The caller's credit note with that printed number; None when missing or foreign."""
        if (wanted := number_of(number)) is None:
            return None
        notes = await self.credit_notes(fresh=True)
        return next((c for c in notes if number_of(c.credit_note_number) == wanted), None)

    async def quotes(self, *, fresh: bool = False) -> list[Quote]:
        """Offers that were sent, and our drafts, latest first."""
        found = await self._reads.quotes({}, 0 if fresh else LISTS)
        return sorted((q for q in found if _is_visible(q)), key=_latest, reverse=True)

    async def quote_by_number(self, number: str) -> Quote | None:
        """The caller's quote with that printed number; None when missing or foreign."""
        if (wanted := number_of(number)) is None:
            return None
        quotes = await self._reads.quotes({"QuoteNumber": wanted})
        visible = [q for q in quotes if _is_visible(q)]
        return next((q for q in visible if number_of(q.quote_number) == wanted), None)

    async def payments(self, since: date | None = None) -> list[Payment]:
        """Payments received for the caller's invoices, latest first; of a year if not told else."""
        since = since or self._today() - YEAR
        paid = _paid_after(await self.invoices(), since)
        payments = await self._reads.payments_of(paid, LISTS)
        mine = [p for p in payments if p.date and p.date >= since]
        return sorted(mine, key=lambda p: p.date or since, reverse=True)

    async def payments_of(self, invoice: Invoice) -> list[Payment]:
        """Payments received for one of the caller's invoices, the first one first."""
        payments = await self._reads.payments_of([invoice])
        return sorted(payments, key=lambda p: p.date or date.min)

    async def statement(self, since: date, until: date, currency: str = HOME) -> Statement:
        """What happened between two days; raises StatementMismatch where the books disagree.

        Of all the caller's contacts together, in one currency.
        """
        documents = await self._documents(since, LISTS)
        today = self._today()
        try:
            return statement_of(documents, since, until, as_of=today, currency=currency)
        except StatementMismatch:  # or something was booked between two of the answers
            documents = await self._documents(since, 0)
            return statement_of(documents, since, until, as_of=today, currency=currency)

    async def _documents(self, since: date, keep: int) -> AccountDocuments:
        """All documents, with the payments of that day and later."""
        reads = self._reads
        _, invoices, notes, over, pre = await asyncio.gather(
            self.contacts(fresh=not keep),
            self.invoices(fresh=not keep),
            reads.credit_notes(keep),
            reads.overpayments(keep),
            reads.prepayments(keep),
        )
        payments = await reads.payments_of(_paid_after(invoices, since), keep)
        return AccountDocuments(invoices, [*notes, *over, *pre], payments)

    async def invoice_pdf(self, number: str) -> bytes | None:
        """An approved invoice as Xero prints it; None when missing, foreign or a draft."""
        invoice = await self.invoice_by_number(number)
        return await self._reads.pdf(invoice) if invoice and invoice.status in VISIBLE else None

    async def quote_pdf(self, number: str) -> bytes | None:
        """A quote that was sent, as Xero prints it; None when missing, foreign or a draft."""
        quote = await self.quote_by_number(number)
        return await self._reads.pdf(quote) if quote and quote.status in VISIBLE_QUOTES else None

    async def credit_note_pdf(self, number: str) -> bytes | None:
        """A credit note as Xero prints it; None when missing or foreign."""
        note = await self.credit_note_by_number(number)
        return await self._reads.pdf(note) if note else None

    async def pdf_of(self, document: Invoice | Quote | CreditNote) -> bytes:
        """A document that was read here, as Xero prints it, without looking it up again."""
        return await self._reads.pdf(document)

    async def online_invoice_url(self, number: str) -> str | None:
        """Where an approved invoice can be paid: a secret that no model and no log may see."""
        invoice = await self.invoice_by_number(number)
        if invoice is None or invoice.status not in VISIBLE:
            return None
        url = await self._reads.online_invoice(invoice)
        return url if SAFE_URL.fullmatch(url) else None

    async def past_orders(self) -> list[Invoice]:
        """What was ordered in the last twelve months, latest first; our drafts among them."""
        since = self._today() - YEAR
        invoices = await self._reads.invoices({"Statuses": "DRAFT,AUTHORISED,PAID"}, LISTS)
        ordered = [i for i in invoices if i.date and i.date >= since and _is_order(i)]
        return sorted(ordered, key=_latest, reverse=True)

    async def standing(self, *, fresh: bool = False) -> AccountStanding:
        """Segment, average order and credit hold, from the SGD invoices of twelve months."""
        rules, today = load_rules(), self._today()
        invoices = await self.invoices(fresh=fresh)
        bought = [i for i in invoices if i.date and i.date >= today - YEAR]
        bought = [i for i in bought if i.currency_code == HOME]
        spent = sum((i.sub_total for i in bought), ZERO)
        limit = today - timedelta(days=rules.payment.credit_hold_days)
        unpaid = [i for i in invoices if i.status == "AUTHORISED" and i.amount_due > ZERO]
        on_hold = any(i.due_date and i.due_date < limit for i in unpaid)
        return AccountStanding(
            segment=_segment(on_hold=on_hold, orders=len(bought), spent=spent),
            average_order=spent / len(bought) if bought else None,
            completed_orders=len(bought),
            on_hold=on_hold,
        )


def masked(address: str) -> str:
    """An e-mail address as it may be shown: ac***@forno-rosso.tria.example."""
    name, at, host = scan_data(address).rpartition("@")
    return f"{name[: 2 if len(name) > 2 else 1]}***@{host}" if at and name and host else "***"


def is_our_draft(document: Invoice | Quote) -> bool:
    """Whether it is a draft that the assistant wrote; the office's own are not shown."""
    number = document.invoice_number if isinstance(document, Invoice) else document.quote_number
    return document.status == "DRAFT" and bool(OURS.fullmatch(number or ""))


def number_of(printed: str | None) -> str | None:
    """A document number as Xero prints it; None for what can be none and is never asked for."""
    wanted = (printed or "").upper()
    return wanted if NUMBER.fullmatch(wanted) else None


def _latest(document: Invoice | CreditNote | Quote) -> tuple[date, str]:
    match document:
        case Invoice():
            number = document.invoice_number
        case Quote():
            number = document.quote_number
        case _:
            number = document.credit_note_number
    return document.date or date.min, number or ""


def _paid_after(invoices: Iterable[Invoice], since: date) -> list[Invoice]:
    """Those of which a payment may have come on that day or later."""
    return [
        i
        for i in invoices
        if i.amount_paid
        and not (is_settled(i, since) and all(_is_before(p, since) for p in i.payments))
    ]


def _is_before(part: PaidPart, day: date) -> bool:
    return part.date is not None and part.date < day


def _is_visible(quote: Quote) -> bool:
    return quote.status in VISIBLE_QUOTES or is_our_draft(quote)


def _is_order(invoice: Invoice) -> bool:
    is_visible = invoice.status in VISIBLE or is_our_draft(invoice)
    return is_visible and any(line.item_code for line in invoice.line_items)


def _segment(*, on_hold: bool, orders: int, spent: Decimal) -> str:
    segments = load_rules().segments
    if on_hold:
        return "on hold"
    if spent > segments.major_over:
        return "major"
    if spent > segments.vip_over:
        return "vip"
    return "new" if orders < segments.new_below_orders else "established"
