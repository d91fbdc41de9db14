"""Questions to Xero within one caller's contacts. Every returned document is checked again.

The scope comes from the sign-in. It is put into every question, and a document of somebody else
that comes back all the same is an alarm: nothing of that answer is used.
"""

from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar
from uuid import UUID

from tools.errors import BackendRejected, ForeignDocument
from tools.xero.documents import (
    Contact,
    ContactRef,
    Credit,
    CreditNote,
    HistoryRecord,
    Invoice,
    OnlineInvoice,
    Overpayment,
    Payment,
    Prepayment,
    Quote,
    read,
)
from tools.xero.where import any_invoice, contact_is

PAGE = 1000
QUOTES_PAGE = 100  # quotes know no pageSize
MOST_PAGES = 20
INVOICES_AT_ONCE = 30  # in one question about payments, so that its address stays below 4 kB

BUYERS = frozenset({"buyer", "owner"})
ACCOUNTANTS = frozenset({"accounts", "owner"})

Json = Mapping[str, Any]
Alarm = Callable[[str], None]


@dataclass(frozen=True)
class Scope:
    """Whose books may be read, and by whom. `contact_ids` and `roles` come from the sign-in."""

    customer_id: str
    contact_ids: frozenset[UUID]
    roles: frozenset[str]

    @property
    def is_buyer(self) -> bool:
        """May order, ask for quotes and report damage."""
        return bool(self.roles & BUYERS)

    @property
    def is_accountant(self) -> bool:
        """May see statements and all documents at once, and use credits."""
        return bool(self.roles & ACCOUNTANTS)


def scope_of(customer_id: str, contact_ids: Iterable[str], roles: Iterable[str]) -> Scope:
    """A scope from the claims of a sign-in."""
    return Scope(customer_id, frozenset(UUID(c) for c in contact_ids), frozenset(roles))


class Xero(Protocol):
    """What reading needs of the client."""

    async def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        keep_seconds: int = 0,
        tags: Sequence[str] = (),
    ) -> dict[str, Any]: ...

    async def forget(self, *tags: str) -> bool: ...

    def stream(
        self, path: str, accept: str = "application/pdf"
    ) -> AbstractAsyncContextManager[Iterator[bytes]]: ...


class Owned(Protocol):
    """A document that says whose it is."""

    @property
    def contact(self) -> ContactRef: ...


Own = TypeVar("Own", bound=Owned)
AnyCredit = TypeVar("AnyCredit", bound=Credit)
Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")
Reading = Callable[Concatenate["ScopedReads", Asked], Coroutine[Any, Any, Answer]]


def nobody(_: str) -> None:
    """Alarms that nobody has asked for; the exception stays."""


def never_kept_when_foreign(read: Reading[Asked, Answer]) -> Reading[Asked, Answer]:
    """An answer with somebody else's document in it is not what the next question gets."""

    @wraps(read)
    async def checked(reads: "ScopedReads", /, *args: Asked.args, **more: Asked.kwargs) -> Answer:
        try:
            return await read(reads, *args, **more)
        except ForeignDocument:
            await reads.client.forget(*map(str, sorted(reads.scope.contact_ids)))
            raise

    return checked


class ScopedReads:
    """The caller's own documents, by typed filters only.

    `on_alarm` is told of each foreign document before ForeignDocument is raised. An answer of up
    to `keep` seconds of age will do for a read; without it Xero is asked.
    """

    def __init__(self, client: Xero, scope: Scope, on_alarm: Alarm = nobody) -> None:
        self.client = client
        self.scope = scope
        self._on_alarm = on_alarm

    @never_kept_when_foreign
    async def invoices(self, filters: Mapping[str, str], keep: int = 0) -> list[Invoice]:
        """Sales invoices; a customer's own bills to us are hidden."""
        if not self.scope.contact_ids:
            return []
        params = {"ContactIDs": ",".join(self._contacts()), "unitdp": "4", **filters}
        found = await self._pages("/Invoices", params, self._contacts(), keep)
        return [i for i in self.own(read(Invoice, found)) if i.type == "ACCREC"]

    @never_kept_when_foreign
    async def credit_notes(self, keep: int = 0) -> list[CreditNote]:
        """Credits to the caller's contacts."""
        found = await self._credits(CreditNote, "/CreditNotes", keep)
        return [c for c in found if c.type == "ACCRECCREDIT"]

    @never_kept_when_foreign
    async def overpayments(self, keep: int = 0) -> list[Overpayment]:
        """What the caller's contacts paid beyond what was due."""
        found = await self._credits(Overpayment, "/Overpayments", keep)
        return [c for c in found if c.type in ("RECEIVE-OVERPAYMENT", "AROVERPAYMENT")]

    @never_kept_when_foreign
    async def prepayments(self, keep: int = 0) -> list[Prepayment]:
        """What the caller's contacts paid before there was an invoice."""
        found = await self._credits(Prepayment, "/Prepayments", keep)
        return [c for c in found if c.type in ("RECEIVE-PREPAYMENT", "ARPREPAYMENT")]

    @never_kept_when_foreign
    async def quotes(self, filters: Mapping[str, str], keep: int = 0) -> list[Quote]:
        """Offers to the caller's contacts; Xero ignores `where` here, so it is never used."""
        found: list[Any] = []
        for contact in self._contacts():
            found += await self._pages(
                "/Quotes", {"ContactID": contact, **filters}, [contact], keep
            )
        return self.own(read(Quote, found))

    @never_kept_when_foreign
    async def payments_of(self, invoices: Sequence[Invoice], keep: int = 0) -> list[Payment]:
        """Payments that count for invoices of the caller; Xero has no filter by contact here.

        Each tells the number and the currency of the invoice that it is for.
        """
        asked = {i.invoice_id: i for i in self.own(invoices)}
        ids, found = sorted(asked), list[Any]()
        for start in range(0, len(ids), INVOICES_AT_ONCE):
            params = {"where": any_invoice(ids[start : start + INVOICES_AT_ONCE])}
            found += await self._pages("/Payments", params, self._contacts(), keep)
        payments = read(Payment, found)
        if not all(self._pays(p, asked.keys()) for p in payments):
            raise self._foreign("payment")
        return [_naming(p, asked) for p in payments if p.status == "AUTHORISED"]

    @never_kept_when_foreign
    async def contacts(self, keep: int = 0) -> list[Contact]:
        """The contacts themselves, whatever their status."""
        if not self.scope.contact_ids:
            return []
        params = {"IDs": ",".join(self._contacts()), "includeArchived": "true"}
        found = await self._pages("/Contacts", params, self._contacts(), keep)
        contacts = read(Contact, found)
        if any(c.contact_id not in self.scope.contact_ids for c in contacts):
            raise self._foreign("contact")
        return contacts

    async def history(self, invoice: Invoice) -> list[HistoryRecord]:
        """What happened to one of the caller's invoices."""
        self.own([invoice])
        found = await self.client.get(f"/Invoices/{invoice.invoice_id}/History")
        return read(HistoryRecord, found.get("HistoryRecords") or [])

    async def online_invoice(self, invoice: Invoice) -> str:
        """The address under which one of the caller's invoices can be seen and paid."""
        self.own([invoice])
        found = await self.client.get(f"/Invoices/{invoice.invoice_id}/OnlineInvoice")
        [online] = read(OnlineInvoice, (found.get("OnlineInvoices") or [{}])[:1])
        return online.online_invoice_url

    async def pdf(self, document: Invoice | Quote | CreditNote) -> bytes:
        """One of the caller's documents as Xero prints it."""
        self.own([document])
        match document:
            case Invoice():
                path = f"/Invoices/{document.invoice_id}"
            case Quote():
                path = f"/Quotes/{document.quote_id}"
            case _:
                path = f"/CreditNotes/{document.credit_note_id}"
        async with self.client.stream(path) as pieces:
            return b"".join(pieces)

    def own(self, documents: Iterable[Own]) -> list[Own]:
        """The second lock: never trust the filter. One foreign document spoils the answer."""
        found = list(documents)
        for document in found:
            if document.contact.contact_id not in self.scope.contact_ids:
                raise self._foreign(type(document).__name__)
        return found

    def _foreign(self, what: str) -> ForeignDocument:
        """Names the kind of document and nothing that stands in it."""
        self._on_alarm(f"foreign {what.lower()}")
        return ForeignDocument("Xero returned a document outside the caller's scope")

    def _pays(self, payment: Payment, asked: Set[UUID]) -> bool:
        """Whether a payment is for one of these invoices, and for nobody else's."""
        invoice = payment.invoice
        if invoice is None or invoice.invoice_id not in asked:
            return False
        return invoice.contact is None or invoice.contact.contact_id in self.scope.contact_ids

    def _contacts(self) -> list[str]:
        return sorted(str(c) for c in self.scope.contact_ids)

    async def _credits(self, kind: type[AnyCredit], path: str, keep: int) -> list[AnyCredit]:
        found: list[Any] = []
        for contact in sorted(self.scope.contact_ids):
            params = {"where": contact_is(contact), "unitdp": "4"}
            found += await self._pages(path, params, [str(contact)], keep)
        return self.own(read(kind, found))

    async def _pages(
        self, path: str, params: Mapping[str, str], tags: Sequence[str], keep: int
    ) -> list[Any]:
        """Every page of a list; raises BackendRejected for more than one customer can have."""
        size = {} if path == "/Quotes" else {"pageSize": str(PAGE)}
        found: list[Any] = []
        for page in range(1, MOST_PAGES + 1):
            asked = {**params, "page": str(page), **size}
            answer = await self.client.get(path, asked, keep_seconds=keep, tags=tags)
            part = answer.get(path.removeprefix("/")) or []
            found += part
            if _is_last(answer, page, len(part), PAGE if size else QUOTES_PAGE):
                return found
        raise BackendRejected(f"{path} has no end")


def _naming(payment: Payment, invoices: Mapping[UUID, Invoice]) -> Payment:
    if payment.invoice is None:
        return payment
    paid = invoices[payment.invoice.invoice_id]
    named = {"invoice_number": paid.invoice_number, "currency_code": paid.currency_code}
    return payment.model_copy(update={"invoice": payment.invoice.model_copy(update=named)})


def _is_last(answer: Json, page: int, count: int, size: int) -> bool:
    """Xero tells how many pages there are; where it does not, a page that is not full is last."""
    pages = (answer.get("pagination") or {}).get("pageCount")
    return count < size if pages is None else page >= int(pages)
