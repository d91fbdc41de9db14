"""What the supplier's own people do in Xero, and a look into the books; no part of Xero's API."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Literal

from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel, ConfigDict, Field

from tools.sandbox.desk import Desk
from tools.sandbox.examples import write_examples
from tools.sandbox.store import Json, Search
from tools.sandbox.xero import reference
from tools.sandbox.xero.call import Books
from tools.sandbox.xero.documents import find_document, write_document
from tools.sandbox.xero.kinds import INVOICE, QUOTE, Kind, row_of
from tools.sandbox.xero.lines import find_account
from tools.sandbox.xero.payments import Receipt, record
from tools.sandbox.xero.responses import respond
from tools.sandbox.xero.wire import Invalid, as_json

Table = Literal[
    "invoice",
    "quote",
    "credit_note",
    "payment",
    "overpayment",
    "prepayment",
    "purchase_order",
    "contact",
    "item",
    "history",
]


class PaymentOrder(BaseModel):
    """Money that came in for an invoice; today where no day is given."""

    model_config = ConfigDict(extra="forbid")

    invoice_number: str
    amount: Decimal = Field(gt=0, decimal_places=2)
    date: dt.date | None = None


def make_routes(desk: Desk) -> APIRouter:
    """Payments, approvals, quotes sent, raw documents and the outbox, under /control."""
    router = APIRouter(prefix="/control")
    _add_acts(router, desk)
    _add_views(router, desk)
    return router


def _add_acts(router: APIRouter, desk: Desk) -> None:
    @router.post("/payments")
    async def receive_payment(order: PaymentOrder) -> Response:
        return _done(desk, lambda books: _receive(order, books))

    @router.post("/invoices/{number}/authorise")
    async def authorise_invoice(number: str) -> Response:
        return _done(desk, lambda books: _move(INVOICE, number, "AUTHORISED", books))

    @router.post("/quotes/{number}/send")
    async def send_quote(number: str) -> Response:
        return _done(desk, lambda books: _move(QUOTE, number, "SENT", books))

    @router.post("/seed-examples")
    async def seed_examples() -> Response:
        return _done(desk, write_examples)


def _add_views(router: APIRouter, desk: Desk) -> None:
    @router.get("/documents")
    async def documents(kind: Table, contact_id: str | None = None) -> list[Json]:
        if contact_id is None:
            return desk.store.raw(kind, Search())
        column = "id" if kind == "contact" else "contact_id"
        return desk.store.raw(kind, Search(f"{column} = ?", (contact_id.lower(),)))

    @router.get("/outbox")
    async def outbox() -> list[Json]:
        return desk.store.raw("letter", Search())


def _done(desk: Desk, act: Callable[[Books], Json]) -> Response:
    """What the act made of the books; a 400 when Xero's rules forbid it."""
    books = Books(desk.store, desk.clock.now(), desk.clock.today(), places=4)
    try:
        with desk.store.transaction():
            made = act(books)
    except Invalid as invalid:
        raise HTTPException(400, str(invalid)) from invalid
    desk.webhooks.publish()
    return respond(as_json(200, made))


def _receive(order: PaymentOrder, books: Books) -> Json:
    invoice = _find(INVOICE, order.invoice_number, books)
    account = find_account(reference.BANK_ACCOUNT, books) or {}
    receipt = Receipt(
        amount=order.amount,
        day=order.date or books.today,
        account={name: account[name] for name in ("AccountID", "Code", "Name")},
        reference=f"Bank transfer {order.invoice_number}",
        is_reconciled=True,
    )
    return record(receipt, invoice, books)


def _move(kind: Kind, number: str, status: str, books: Books) -> Json:
    moved = write_document(kind, {"Status": status}, _find(kind, number, books), books)
    books.store.save(row_of(kind, moved, books.now.isoformat()))
    return moved


def _find(kind: Kind, number: str, books: Books) -> Json:
    found = find_document(kind, number, books)
    if found is None:
        raise HTTPException(404, f"There is no document {number}.")
    return found
