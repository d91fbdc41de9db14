from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from tools.ordering.catalogue import load_catalogue
from tools.ordering.crediting import claim_of, damaged_of, described, goods_of
from tools.xero.documents import CreditNote, Invoice

NOW = datetime.fromisoformat("2026-11-23T10:30:00+08:00")
SMALL, MEDIUM, XL, LINER = "CNP-014-FB-01", "CNP-015-FB-01", "CNP-016-FB-01", "LIN-012"


def a_line(code: str | None, quantity: int, amount: str, text: str = "goods") -> dict[str, Any]:
    line = {"ItemCode": code, "Quantity": quantity, "LineAmount": Decimal(amount)}
    return line | {"Description": text}


def a_document(kind: str, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    contact = {"ContactID": str(uuid4())}
    document = {"Type": kind, "Status": "AUTHORISED", "Contact": contact, "LineItems": list(lines)}
    return document | {"InvoiceID": str(uuid4()), "CreditNoteID": str(uuid4())} | more


def an_invoice(*lines: dict[str, Any]) -> Invoice:
    return Invoice.model_validate(a_document("ACCREC", *lines, InvoiceNumber="INV-1001"))


def a_note(*lines: dict[str, Any], **more: Any) -> CreditNote:
    return CreditNote.model_validate(a_document("ACCRECCREDIT", *lines, **more))


INVOICE = an_invoice(
    a_line(MEDIUM, 200, "130.00"),
    a_line(XL, 400, "306.00"),  # a tenth was taken off
    a_line(LINER, 200, "0.00"),
    a_line(None, 1, "30.00", "Delivery to a remote area"),
)


def charged(*notes: CreditNote) -> dict[str, tuple[int, str]]:
    goods = goods_of(INVOICE, notes, load_catalogue())
    return {code: (x.pieces, f"{x.unit_price:.4f}") for code, x in goods.items()}


def test_goods_that_cost_something_can_be_credited_at_what_was_charged() -> None:
    assert charged() == {MEDIUM: (200, "0.6500"), XL: (400, "0.7650")}


@pytest.mark.parametrize(
    ("note", "left"),
    [
        (a_note(a_line(MEDIUM, 50, "32.50", described(INVOICE, "box"))), 150),
        (a_note(a_line(MEDIUM, 50, "32.50", described(INVOICE, "box")), Status="DRAFT"), 150),
        (a_note(a_line(MEDIUM, 50, "32.50", described(INVOICE, "box")), Status="VOIDED"), 200),
        (a_note(a_line(MEDIUM, 50, "32.50", "INV-10: damaged box")), 200),
        (a_note(a_line(XL, 50, "42.50", described(INVOICE, "box"))), 200),
    ],
)
def test_what_was_credited_before_is_taken_off(note: CreditNote, left: int) -> None:
    assert charged(note)[MEDIUM][0] == left


def test_what_was_credited_whole_is_gone() -> None:
    note = a_note(a_line(MEDIUM, 200, "130.00", described(INVOICE, "box")))
    assert set(charged(note)) == {XL}


@pytest.mark.parametrize(
    ("text", "pieces", "missing"),
    [
        ("20 of the 12 inch boxes were crushed", {MEDIUM: 20}, ()),
        ("2 bundles of 12 inch were crushed", {MEDIUM: 200}, ()),
        ("20 12 inch crushed and 30 XL wet", {MEDIUM: 20, XL: 30}, ()),
        ("-5 12 inch boxes were crushed", {MEDIUM: 5}, ()),
        ("30 boxes were crushed", {}, ("product",)),
        ("30 of the 10 inch boxes were crushed", {}, ("product",)),
        ("the 12 inch boxes were crushed", {}, ("quantity",)),
        ("300 of the 12 inch boxes were crushed", {MEDIUM: 300}, ("quantity",)),
        ("everything was crushed", {}, ("product", "quantity")),
    ],
)
def test_a_message_names_product_and_quantity(
    text: str, pieces: dict[str, int], missing: tuple[str, ...]
) -> None:
    claim = claim_of(text, {MEDIUM: 200, XL: 400}, load_catalogue(), NOW)
    assert ({k: n for k, n in claim.pieces.items() if n}, claim.missing) == (pieces, missing)


def test_where_there_is_one_product_its_number_will_do() -> None:
    claim = claim_of("30 were crushed", {MEDIUM: 200}, load_catalogue(), NOW)
    assert (claim.pieces, claim.missing) == ({MEDIUM: 30}, ())
    goods = goods_of(INVOICE, [], load_catalogue())
    [line] = damaged_of(claim, goods, load_catalogue())
    assert (line.pieces, line.amount) == (30, Decimal("19.50"))
