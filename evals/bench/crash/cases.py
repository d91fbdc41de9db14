"""One confirmed-to-be card for each kind of write, and how often its effect stands in the books."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx

from evals.service import Service
from graph.clients import Clients, now
from graph.studio import demo_caller
from tools.actions.store import Kind, Proposal, card_hash
from tools.context import Caller
from tools.ordering.card import card_of, order_write
from tools.ordering.delivery import resolve_slot
from tools.ordering.orders import parse_order
from tools.ordering.pricing import price_order
from tools.rules import gst_percent
from tools.sandbox.company import demo_customers
from tools.xero import writes
from tools.xero.writes import Write

ACCOUNT = {"AccountCode": "200", "TaxType": "OUTPUTY24"}
LINE = {"ItemCode": "CNP-014-FB-01", "Description": "box", "Quantity": 100, "UnitAmount": 0.45}
TOTAL = "49.05"
ORDER = "200 pcs of 12 inch boxes for tampines"
Json = dict[str, Any]


@dataclass(frozen=True)
class Prepared:
    """What a yes will do, and the documents that it must touch once."""

    card: Json
    writes: tuple[Write, ...]
    number: str
    level: int | None = None


@dataclass(frozen=True)
class Desk:
    """Where cards are made: a process without background work, and the sandbox's controls."""

    clients: Clients
    service: Service
    caller: Caller

    @classmethod
    def of(cls, clients: Clients, service: Service) -> "Desk":
        return cls(clients, service, demo_caller(demo_customers()[0]))

    @property
    def contact(self) -> Json:
        return {"ContactID": self.caller.contact_ids[0]}

    async def documents(self, kind: str) -> list[Json]:
        async with httpx.AsyncClient(base_url=self.service.sandbox_url, timeout=30) as http:
            found: list[Json] = (await http.get("/control/documents", params={"kind": kind})).json()
        return found

    async def outbox(self) -> list[Json]:
        async with httpx.AsyncClient(base_url=self.service.sandbox_url, timeout=30) as http:
            found: list[Json] = (await http.get("/control/outbox")).json()
        return found

    async def put(self, plural: str, document: Json) -> Json:
        """A document as the office would write it."""
        body = json.dumps({plural: [document]}).encode()
        answer = await self.clients.xero.put(f"/{plural}", body, uuid4().hex)
        written: Json = answer[plural][0]
        return written

    def dated(self) -> Json:
        today = now().date()
        return {"Date": today.isoformat(), "DueDate": (today + timedelta(days=30)).isoformat()}

    async def invoice(self, status: str, number: str) -> Json:
        """A sales invoice over TOTAL."""
        document = {"Type": "ACCREC", "Status": status, "InvoiceNumber": number}
        lines = {"LineItems": [LINE | ACCOUNT], "LineAmountTypes": "Exclusive"}
        return await self.put(
            "Invoices", document | lines | self.dated() | {"Contact": self.contact}
        )

    async def credit_note(self) -> Json:
        document = {"Type": "ACCRECCREDIT", "Status": "AUTHORISED", "Date": self.dated()["Date"]}
        lines = {"LineItems": [LINE | ACCOUNT], "LineAmountTypes": "Exclusive"}
        return await self.put("CreditNotes", document | lines | {"Contact": self.contact})

    async def quote(self, number: str) -> Json:
        document = {"Status": "SENT", "QuoteNumber": number, "Date": self.dated()["Date"]}
        lines = {"LineItems": [LINE | ACCOUNT], "LineAmountTypes": "EXCLUSIVE"}
        dates = {"ExpiryDate": self.dated()["DueDate"]}
        return await self.put("Quotes", document | lines | dates | {"Contact": self.contact})


Prepare = Callable[[Desk, str], Awaitable[Prepared]]
Count = Callable[[Desk, Prepared], Awaitable[int]]


@dataclass(frozen=True)
class Case:
    """A kind of action: how its card is made, and how often its effect is in the books."""

    kind: Kind
    prepare: Prepare
    count: Count


def _card(**more: Any) -> Json:
    return {"title": "A card", "lines": [], "fees": [], "rows": [], "notes": []} | more


def _created(kind: str, number_field: str) -> Count:
    async def count(desk: Desk, prepared: Prepared) -> int:
        found = await desk.documents(kind)
        return sum(d.get(number_field) == prepared.number for d in found)

    return count


async def _order(desk: Desk, number: str) -> Prepared:
    """The real card of a real order, which is checked again at the yes."""
    context = desk.clients.context_for(desk.caller)
    outlets = await context.outlets.of_contacts(desk.caller.contact_ids)
    request = parse_order(ORDER, context.catalogue, outlets, now())
    listed = await context.accounts.price_list()
    standing = await context.accounts.standing()
    prices = {code: item.price for code, item in listed.items()}
    priced = price_order(request.lines, prices, now().date(), standing)
    card = card_of(priced, request, resolve_slot(now(), priced.counted, None, None))
    card |= {"notes": [], "bill_to": desk.caller.company, "waiting": 0}
    write = order_write(
        card,
        contact_id=desk.caller.contact_ids[0],
        number=number,
        today=now().date(),
        account={**ACCOUNT, "TaxType": await context.accounts.sales_tax(gst_percent(now().date()))},
    )
    return Prepared(card, (write,), number)


async def _change(desk: Desk, number: str) -> Prepared:
    invoice = await desk.invoice("DRAFT", number)
    document = {
        "Contact": desk.contact,
        "Reference": "changed",
        "LineItems": [LINE | ACCOUNT | {"Quantity": 200}],
    }
    write = writes.changed_invoice(
        UUID(invoice["InvoiceID"]), document, total=Decimal(str(invoice["Total"]))
    )
    return Prepared(_card(total="98.10"), (write,), number, level=2)


async def _changed(desk: Desk, prepared: Prepared) -> int:
    found = await desk.documents("invoice")
    return sum(d["InvoiceNumber"] == prepared.number and d["Reference"] == "changed" for d in found)


async def _cancel(desk: Desk, number: str) -> Prepared:
    invoice = await desk.invoice("DRAFT", number)
    invoice_id, total = UUID(invoice["InvoiceID"]), Decimal(str(invoice["Total"]))
    return Prepared(_card(), (writes.deleted_invoice(invoice_id, total=total),), number)


async def _deleted(desk: Desk, prepared: Prepared) -> int:
    found = await desk.documents("invoice")
    return sum(d["InvoiceNumber"] == prepared.number and d["Status"] == "DELETED" for d in found)


async def _quote(desk: Desk, number: str) -> Prepared:
    today = desk.dated()
    document = {
        "Contact": desk.contact,
        "Date": today["Date"],
        "ExpiryDate": today["DueDate"],
        "LineItems": [LINE | ACCOUNT],
    }
    return Prepared(_card(total=TOTAL), (writes.new_quote(number, document),), number)


async def _accept(desk: Desk, number: str) -> Prepared:
    quote = await desk.quote(f"Q{number}")
    document = desk.dated() | {"Contact": desk.contact, "LineItems": [LINE | ACCOUNT]}
    contact, today = UUID(desk.caller.contact_ids[0]), now().date()
    accepted = writes.accepted_quote(UUID(quote["QuoteID"]), contact, today, Decimal(TOTAL))
    pair = (writes.new_invoice(number, document), accepted)
    return Prepared(_card(total=TOTAL), pair, number)


async def _accepted(desk: Desk, prepared: Prepared) -> int:
    """The invoice stands once, and the quote is accepted."""
    quotes = await desk.documents("quote")
    is_accepted = any(
        q["QuoteNumber"] == f"Q{prepared.number}" and q["Status"] == "ACCEPTED" for q in quotes
    )
    invoices = await _created("invoice", "InvoiceNumber")(desk, prepared)
    return invoices if is_accepted or invoices > 1 else 0


async def _credit(desk: Desk, number: str) -> Prepared:
    document = {
        "Contact": desk.contact,
        "Date": desk.dated()["Date"],
        "LineItems": [LINE | ACCOUNT],
    }
    return Prepared(
        _card(total=TOTAL), (writes.new_credit_note(number, document),), number, level=2
    )


async def _allocate(desk: Desk, number: str) -> Prepared:
    invoice, note = await desk.invoice("AUTHORISED", number), await desk.credit_note()
    write = writes.allocation(
        UUID(note["CreditNoteID"]),
        UUID(invoice["InvoiceID"]),
        Decimal("10.00"),
        day=now().date(),
        seen=0,
    )
    return Prepared(_card(amount="10.00"), (write,), number, level=2)


async def _allocated(desk: Desk, prepared: Prepared) -> int:
    notes = await desk.documents("credit_note")
    [write] = prepared.writes
    [note] = [n for n in notes if n["CreditNoteID"] == write.target]
    return len(note["Allocations"])


async def _email(desk: Desk, number: str) -> Prepared:
    invoice = await desk.invoice("AUTHORISED", number)
    write = writes.emailed_invoice(UUID(invoice["InvoiceID"]), seen=0)
    return Prepared(_card(), (write,), number)


async def _emailed(desk: Desk, prepared: Prepared) -> int:
    [write] = prepared.writes
    return sum(write.target in str(mail) for mail in await desk.outbox())


async def _note(desk: Desk, number: str) -> Prepared:
    invoice = await desk.invoice("AUTHORISED", f"N{number}")
    write = writes.note_on_invoice(UUID(invoice["InvoiceID"]), number, "Customer reports payment")
    return Prepared(_card(), (write,), number)


async def _noted(desk: Desk, prepared: Prepared) -> int:
    return sum(f"{prepared.number}:" in str(n) for n in await desk.documents("history"))


CASES = (
    Case("order", _order, _created("invoice", "InvoiceNumber")),
    Case("order_change", _change, _changed),
    Case("order_cancel", _cancel, _deleted),
    Case("quote", _quote, _created("quote", "QuoteNumber")),
    Case("quote_accept", _accept, _accepted),
    Case("credit", _credit, _created("credit_note", "Reference")),
    Case("allocation", _allocate, _allocated),
    Case("email", _email, _emailed),
    Case("payment_report", _note, _noted),
)


async def propose(case: Case, desk: Desk) -> tuple[UUID, UUID, str, Prepared]:
    """A card shown in a conversation of its own: thread, action, hash, and what it will do."""
    number = await desk.clients.actions.next_number()
    prepared = await case.prepare(desk, number)
    thread_id, action_id = uuid4(), uuid4()
    await desk.clients.conversations.create(thread_id, desk.caller.customer_id, {})
    await desk.clients.actions.propose(
        Proposal(
            action_id=action_id,
            thread_id=thread_id,
            customer_id=desk.caller.customer_id,
            kind=case.kind,
            card=prepared.card,
            writes=prepared.writes,
            document_number=number,
            expires_at=now() + timedelta(hours=24),
            scope=desk.caller.scope,
            approval_level=prepared.level,
        )
    )
    return thread_id, action_id, card_hash(prepared.card, prepared.writes), prepared
