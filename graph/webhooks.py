"""Works on what Xero told: kept answers are forgotten, and payments told to who waits for them."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from psycopg.rows import DictRow

from tools.errors import BackendRejected, BackendUnavailable, TriaError
from tools.watches import Watches, is_awaited
from tools.xero.client import XeroClient
from tools.xero.documents import CreditNote, Invoice, read
from tools.xero.events import Category, Event, XeroEvents
from tools.xero.scope import ScopedReads, scope_of

log = structlog.get_logger()

SECONDS = 15  # for one sweep's events: other sweeps wait meanwhile
VISIBLE = ("AUTHORISED", "PAID")


@dataclass(frozen=True)
class Changed:
    """What an event was about: whose it is and, for an invoice, its number."""

    contact_id: UUID
    number: str | None = None


Find = Callable[[Sequence[UUID]], Awaitable[Mapping[UUID, Changed]]]


class WebhookWork:
    """Each event is worked on by one process. Whatever ends half done is done again, to no harm."""

    def __init__(self, events: XeroEvents, watches: Watches, xero: XeroClient) -> None:
        self._events = events
        self._watches = watches
        self._xero = xero.for_background()

    async def work_on_events(self) -> None:
        """One batch of events; what is not finished in time is taken up again later."""
        events = await self._events.claim()
        if not events:
            return
        try:
            async with asyncio.timeout(SECONDS):
                await self._work_on(events)
        except TimeoutError:
            log.warning("events not finished in time", count=len(events))
        await self._events.forget_done()

    async def _work_on(self, events: Sequence[Event]) -> None:
        finders: dict[Category, Find] = {
            "CONTACT": _contacts,
            "CREDITNOTE": self._credit_notes,
            "INVOICE": self._invoices,
        }
        for category, find in finders.items():
            by_resource = _grouped(e for e in events if e.category == category)
            try:
                found = await find(list(by_resource)) if by_resource else {}
            except TriaError as error:
                every = [e for group in by_resource.values() for e in group]
                await self._events.failed(every, _reason(error))
                continue
            for resource_id, group in by_resource.items():
                await self._attempt(group, resource_id, found.get(resource_id))

    async def _attempt(
        self, events: Sequence[Event], resource_id: UUID, changed: Changed | None
    ) -> None:
        """What does not exist for us, or no longer, leaves nothing to do."""
        try:
            if changed:
                await self._follow_up(resource_id, changed)
        except TriaError as error:
            await self._events.failed(events, _reason(error))
        else:
            await self._events.done(events)

    async def _follow_up(self, resource_id: UUID, changed: Changed) -> None:
        is_forgotten = await self._xero.forget(str(changed.contact_id))
        if changed.number:
            await self._tell_of_payments(resource_id, changed.contact_id, changed.number)
        if not is_forgotten:
            raise BackendUnavailable("kept answers could not be forgotten: Redis is away")

    async def _tell_of_payments(self, invoice_id: UUID, contact_id: UUID, number: str) -> None:
        waiting: dict[str, list[DictRow]] = defaultdict(list)
        for watch in await self._watches.of_invoice(contact_id, number):
            waiting[watch["customer_id"]].append(watch)
        for watches in waiting.values():
            await self._tell(invoice_id, watches)

    async def _tell(self, invoice_id: UUID, watches: Sequence[DictRow]) -> None:
        """Read through the customer's own scope, and tell the conversation that asked last."""
        scope = watches[0]["scope"]
        caller = scope_of(scope["customer_id"], scope["contact_ids"], scope["roles"])
        own = ScopedReads(self._xero, caller)
        invoices = await own.invoices({"IDs": str(invoice_id)})
        for invoice in (i for i in invoices if i.status in VISIBLE):
            for payment in await own.payments_of([invoice]):
                watch = next((w for w in watches if is_awaited(payment, w)), None)
                if watch and await self._watches.tell(watch, payment, invoice):
                    log.info("payment told", thread_id=str(watch["thread_id"]))

    async def _invoices(self, ids: Sequence[UUID]) -> Mapping[UUID, Changed]:
        """All in one question. Only whose they are is used of the answer."""
        asked = {"IDs": ",".join(map(str, ids)), "summaryOnly": "true", "pageSize": "100"}
        answer = await self._xero.get("/Invoices", asked)
        found = read(Invoice, answer.get("Invoices") or [])
        sales = [i for i in found if i.type == "ACCREC"]
        return {i.invoice_id: Changed(i.contact.contact_id, i.invoice_number) for i in sales}

    async def _credit_notes(self, ids: Sequence[UUID]) -> Mapping[UUID, Changed]:
        found: dict[UUID, Changed] = {}
        for note_id in ids:
            try:
                answer = await self._xero.get(f"/CreditNotes/{note_id}")
            except BackendRejected:
                continue  # there is none any more
            for note in read(CreditNote, answer.get("CreditNotes") or []):
                found[note.credit_note_id] = Changed(note.contact.contact_id)
        return found


async def _contacts(ids: Sequence[UUID]) -> Mapping[UUID, Changed]:
    return {contact_id: Changed(contact_id) for contact_id in ids}


def _grouped(events: Iterable[Event]) -> Mapping[UUID, list[Event]]:
    groups: dict[UUID, list[Event]] = defaultdict(list)
    for event in events:
        groups[event.resource_id].append(event)
    return groups


def _reason(error: TriaError) -> str:
    """For admins: what Xero said may be part of it."""
    return f"{error.code}: {error}"
