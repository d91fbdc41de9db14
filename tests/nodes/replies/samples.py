"""Facts of every shape that a template must tell, as reads and actions make them."""

import re
from importlib import resources
from typing import Any, NamedTuple

ISSUED = "http://127.0.0.1:8003/documents/Zt3-kQ_9aVx0wPzR4mLhG7sYbN2cJdEfUiTo1qK5X6M"
DELIVERY = {"day": "2026-11-26", "window": "morning", "window_text": "09:00-12:00"}
WHO = ("service staff", "operations manager", "director")  # levels 2, 3 and 4
ON_CALL = "manager on call"
HANDOFF = {
    "ticket": "T-000123",
    "reason": "order_change",
    "level": 2,
    "who": "service staff",
    "deadline": "2026-11-24T10:30:00+08:00",
    "deadline_text": "Tue 24 Nov, 10:30",
}


class Sample(NamedTuple):
    """A block, the kind of its fact, and the data."""

    block: str
    kind: str
    data: dict[str, Any]
    more: dict[str, Any] | None = None

    @property
    def filling(self) -> dict[str, Any]:
        """What the template is given."""
        name = self.kind if self.kind in ("card", "handoff") else "fact"
        return {name: self.data} | (self.more or {})

    @property
    def facts(self) -> list[dict[str, Any]]:
        """What the gate is given."""
        others = [{"kind": "documents", "data": {k: v}} for k, v in (self.more or {}).items()]
        return [{"kind": self.kind, "data": self.data}, *others]


def _read(block: str) -> str:
    return (resources.files("nodes") / "replies" / "en" / f"{block}.j2").read_text("utf-8")


def invoice(number: str = "INV-1043", **changes: Any) -> dict[str, Any]:
    return {
        "number": number,
        "status": "authorised",
        "reference": "PO 4411",
        "date": "2026-10-05",
        "due_date": "2026-11-04",
        "currency": "SGD",
        "total": "354.25",
        "amount_due": "354.25",
        "amount_paid": "0.00",
        "amount_credited": "0.00",
        "days_overdue": 20,
        "paid_on": "",
    } | changes


PAID = invoice("INV-1040", status="paid", amount_due="0.00", paid_on="2026-11-02", days_overdue=0)
PART = invoice("INV-1044", amount_due="177.12", amount_paid="177.13", due_date="2026-11-30")
PART |= {"days_overdue": 0}
DRAFT = invoice("TRIA-000012", status="draft", amount_due="354.25", due_date="", days_overdue=0)
LINES = {
    "lines": [
        {
            "code": "CNP-015-FB-01",
            "description": '12" medium pizza box',
            "quantity": "500",
            "unit_price": "0.65",
            "amount": "325.00",
            "list_price": "0.70",
        }
    ],
    "sub_total": "325.00",
    "gst": "29.25",
}


def balance(**changes: Any) -> dict[str, Any]:
    return {
        "as_of": "2026-11-24T10:00:00+08:00",
        "currency": "SGD",
        "outstanding": "531.37",
        "overdue": "354.25",
        "credit_available": "0.00",
        "open_count": 2,
        "overdue_count": 1,
        "other_currencies": [],
        "listed": [invoice(), PART],
        "more_count": 0,
        "only_overdue": False,
    } | changes


NOTHING: dict[str, Any] = {
    "outstanding": "0.00",
    "overdue": "0.00",
    "open_count": 0,
    "overdue_count": 0,
    "listed": [],
}
USD = {
    "currency": "USD",
    "outstanding": "120.00",
    "overdue": "20.00",
    "credit_available": "0.00",
}
PAYMENTS = [
    {"date": "2026-11-02", "currency": "SGD", "amount": "354.25", "invoice": "INV-1040"},
    {"date": "2026-10-30", "currency": "SGD", "amount": "177.13", "invoice": "INV-1044"},
]
STATEMENT: dict[str, Any] = {
    "since": "2026-10-01",
    "until": "2026-11-24",
    "as_of": "2026-11-24",
    "currency": "SGD",
    "opening": "708.50",
    "closing": "531.37",
    "lines": [
        {
            "day": "2026-10-05",
            "kind": "invoice",
            "number": "INV-1043",
            "amount": "354.25",
            "balance": "1062.75",
        },
        {
            "day": "2026-10-30",
            "kind": "payment",
            "number": "INV-1044",
            "amount": "-177.13",
            "balance": "885.62",
        },
        {
            "day": "2026-11-02",
            "kind": "credit_note",
            "number": "CN-1001",
            "amount": "-354.25",
            "balance": "531.37",
        },
    ],
    "more_count": 0,
    "other_currencies": [],
}
DIFFERENCES = {
    "as_of": "2026-11-24",
    "currency": "SGD",
    "compared": 3,
    "other_amounts": [{"number": "INV-1043", "ours": "354.25", "theirs": "325.00"}],
    "only_ours": [{"number": "INV-1044", "amount": "177.12"}],
    "only_theirs": [{"number": "INV-9001", "amount": "88.00"}],
}
SAME: dict[str, Any] = {"other_amounts": [], "only_ours": [], "only_theirs": []}
CREDIT = {
    "number": "CN-1001",
    "status": "authorised",
    "date": "2026-11-12",
    "currency": "SGD",
    "total": "54.50",
    "remaining": "34.50",
    "used_for": [{"invoice": "INV-1043", "amount": "20.00"}],
}
USED = CREDIT | {"number": "CN-1000", "status": "paid", "remaining": "0.00", "used_for": []}


def quote(number: str, status: str, **changes: Any) -> dict[str, Any]:
    return {
        "number": number,
        "status": status,
        "date": "2026-11-18",
        "expiry_date": "2026-12-18",
        "is_expired": False,
        "currency": "SGD",
        "total": "6948.75",
    } | changes


QUOTES = [
    quote("QU-1001", "sent"),
    quote("QU-1002", "sent", expiry_date="2026-10-15", is_expired=True),
    quote("QU-1003", "accepted"),
    quote("QU-1004", "declined"),
    quote("TRIA-000020", "draft"),
]
ORDER = {
    "number": "TRIA-000012",
    "outlet": "Forno Rosso Tampines",
    "total": "354.25",
    "delivery": DELIVERY,
    "status": "draft",
}
DOWNLOADS = {
    "minutes": 5,
    "listed": [
        {"what": "invoice_pdf", "number": "INV-1043", "url": ISSUED},
        {"what": "pay_link", "number": "INV-1043", "url": ISSUED},
        {"what": "statement_pdf", "number": "", "url": ISSUED},
        {"what": "invoices_zip", "number": "", "url": ISSUED},
        {"what": "quote_pdf", "number": "QU-1001", "url": ISSUED},
        {"what": "credit_note_pdf", "number": "CN-1001", "url": ISSUED},
        {"what": "delivery_order_pdf", "number": "TRIA-000012", "url": ISSUED},
        {"what": "delivery_order_xlsx", "number": "TRIA-000012", "url": ISSUED},
    ],
}
PAYING = {
    "bank": "Sample Bank Singapore",
    "bank_account": "000-123456-7",
    "payee": "Tria Packaging Pte Ltd",
    "paynow_uen": "200000000X",
    "listed": [],
}
TAX = {
    "on": "2026-11-24",
    "percent": "9",
    "gst_number": "M9-0000000-0",
    "seller": "Tria Packaging Pte Ltd",
}
RECEIVED: dict[str, Any] = {"as_of": "2026-11-24", "listed": [], "unmatched": ["500.00"]}

READS = [
    Sample("balance", "balance", balance()),
    Sample("balance", "balance", balance(**NOTHING)),
    Sample("balance", "balance", balance(**NOTHING, as_of="2026-11-24T12:10:00+08:00")),
    Sample("balance", "balance", balance(**NOTHING, only_overdue=True)),
    Sample("balance", "balance", balance(only_overdue=True, listed=[invoice()])),
    Sample("balance", "balance", balance(only_overdue=True, overdue="0.00", overdue_count=0)),
    Sample("balance", "balance", balance(other_currencies=[USD], credit_available="54.50")),
    Sample("balance", "balance", balance(more_count=3)),
    Sample("documents", "documents", {"found": [invoice(), PAID, PART, DRAFT], "missing_count": 0}),
    Sample("documents", "documents", {"found": [], "missing_count": 1}),
    Sample("documents", "documents", {"found": [PAID], "missing_count": 2}),
    Sample(
        "documents",
        "documents",
        {"found": [invoice(amount_credited="54.50", amount_due="299.75")], "missing_count": 0},
    ),
    Sample(
        "documents",
        "documents",
        {"found": [invoice(bill_to="Golden Crust East Pte Ltd")], "missing_count": 0},
    ),
    Sample(
        "documents",
        "documents",
        {
            "found": [invoice("INV-2001", currency="USD", total="120.00", amount_due="120.00")],
            "missing_count": 0,
        },
    ),
    Sample("lines", "documents", {"missing_count": 0}, {"found": [invoice() | LINES]}),
    Sample("tax", "tax", TAX, {"found": [invoice() | LINES]}),
    Sample("tax", "tax", TAX | {"gst_number": ""}, {"found": []}),
    Sample("how_to_pay", "how_to_pay", PAYING),
    Sample("how_to_pay", "how_to_pay", PAYING | {"listed": [invoice()]}),
    Sample("downloads", "downloads", DOWNLOADS),
    Sample("downloads", "downloads", DOWNLOADS | {"listed": DOWNLOADS["listed"][:1]}),  # type: ignore[index]
    Sample("payments", "payments", {"as_of": "2026-11-24", "listed": PAYMENTS, "more_count": 0}),
    Sample("payments", "payments", {"as_of": "2026-11-24", "listed": [], "more_count": 0}),
    Sample(
        "payments",
        "payments",
        {
            "as_of": "2026-11-24",
            "listed": PAYMENTS,
            "more_count": 2,
            "since": "2026-10-01",
            "until": "2026-11-24",
        },
    ),
    Sample(
        "payments",
        "payments",
        {
            "as_of": "2026-11-24",
            "listed": [],
            "more_count": 0,
            "since": "2026-10-01",
            "until": "2026-10-31",
        },
    ),
    Sample("received", "received", RECEIVED | {"listed": PAYMENTS, "unmatched": []}),
    Sample("received", "received", RECEIVED),
    Sample("received", "received", RECEIVED | {"unmatched": []}),
    Sample("statement", "statement", STATEMENT),
    Sample("statement", "statement", STATEMENT | {"more_count": 7, "other_currencies": ["USD"]}),
    Sample("statement", "statement", STATEMENT | {"lines": [], "closing": "708.50"}),
    Sample("statement", "statement", STATEMENT | {"closing": "-50.00"}),
    Sample("statement", "statement", STATEMENT | {"lines": 15 * STATEMENT["lines"]}),
    # As a model picks them to be read.
    Sample("credit_notes", "credit_notes", {"listed": [CREDIT], "more_count": 0}),
    Sample("credit_notes", "credit_notes", {"listed": []}),
    Sample("quotes", "quotes", {"listed": QUOTES[:1], "more_count": 0}),
    Sample("quotes", "quotes", {"listed": []}),
    Sample("differences", "differences", DIFFERENCES),
    Sample("differences", "differences", DIFFERENCES | SAME),
    Sample("differences", "differences", DIFFERENCES | SAME | {"compared": 1}),
    Sample("differences", "differences", DIFFERENCES | SAME | {"compared": 0}),
    Sample("credit_notes", "credit_notes", {"listed": [CREDIT, USED], "missing_count": 0}),
    Sample("credit_notes", "credit_notes", {"listed": [], "missing_count": 0}),
    Sample("credit_notes", "credit_notes", {"listed": [], "missing_count": 1}),
    Sample("credit_notes", "credit_notes", {"listed": [USED], "missing_count": 0, "more_count": 2}),
    Sample("quotes", "quotes", {"listed": QUOTES, "missing_count": 0, "from_pieces": 10000}),
    Sample("quotes", "quotes", {"listed": [], "missing_count": 0, "from_pieces": 10000}),
    Sample("quotes", "quotes", {"listed": [], "missing_count": 1, "from_pieces": 10000}),
    Sample(
        "orders", "orders", {"listed": [ORDER, ORDER | {"number": "TRIA-000009", "status": "paid"}]}
    ),
    Sample("orders", "orders", {"listed": [ORDER | {"status": "cancelled"}]}),
    Sample("orders", "orders", {"listed": []}),
    Sample("not_permitted", "not_permitted", {"needs": "accounts"}),
    Sample("not_permitted", "not_permitted", {"needs": "buyer"}),
    Sample("unavailable", "unavailable", {"part": "accounts"}),
    Sample("unavailable", "unavailable", {"part": "accounts", "is_busy": True}),
    Sample("unavailable", "unavailable", {"part": "policies"}),
]


def card(kind: str, **parts: Any) -> Sample:
    data = {"kind": kind, "title": "A card", "lines": [], "fees": [], "rows": [], "notes": []}
    return Sample("action_card", "card", data | {"currency": "SGD", "status": "proposed"} | parts)


LINE = {
    "code": "CNP-015-FB-01",
    "name": '12" medium pizza box',
    "pieces": 12000,
    "packs": 120,
    "pack": "bundle",
    "unit_price": "0.65",
    "amount": "7800.00",
}
FIGURES = {"subtotal": "7800.00", "gst": "702.00", "gst_percent": "9", "total": "8502.00"}
CARDS = [
    card(
        "order_change",
        lines=[LINE],
        rows=[["invoice", "TRIA-000012"], ["slot", "2026-11-26 09:00-12:00"]],
        **FIGURES,
    ),
    card(
        "order_cancel",
        rows=[
            ["invoice", "TRIA-000012"],
            ["slot", "2026-11-26 09:00-12:00"],
            ["amount", "354.25"],
            ["fee", "81.25"],
            ["new_total", "88.56"],
            ["refund", "265.69"],
            ["approval", "service staff"],
        ],
        fees=[{"label": "Cancellation fee", "amount": "81.25"}],
        subtotal="81.25",
        gst="7.31",
        gst_percent="9",
        total="88.56",
    ),
    card("quote", lines=[LINE], rows=[["expires", "2026-12-24"]], **FIGURES),
    card("quote_accept", lines=[LINE], rows=[["quote", "QU-1001"]], **FIGURES),
    card(
        "credit",
        rows=[
            ["invoice", "INV-1043"],
            ["items", ['12" medium pizza box']],
            ["reason", "damaged"],
            ["amount", "54.50"],
            ["approval", "operations manager"],
        ],
    ),
    card(
        "allocation",
        rows=[
            ["credit_note", "CN-1001"],
            ["invoice", "INV-1043"],
            ["amount", "34.50"],
            ["remaining", "0.00"],
            ["approval", "service staff"],
        ],
    ),
    card(
        "email",
        rows=[["invoice", "INV-1043"], ["address_masked", "ac***@forno-rosso.tria.example"]],
    ),
    card(
        "payment_report",
        rows=[["invoice", "INV-1043"], ["amount", "354.25"], ["paid_on", "2026-11-23"]],
    ),
]


def done(kind: str, **data: Any) -> Sample:
    return Sample("committed", "committed", {"kind": kind, "number": "TRIA-000030"} | data)


ACTIONS = [
    done("order", total="354.25", delivery=DELIVERY, outlet="Forno Rosso Tampines"),
    done("order_change", invoice="TRIA-000012", total="425.10", delivery=DELIVERY, outlet="Katong"),
    done("order_cancel", invoice="TRIA-000012"),
    done("order_cancel", invoice="TRIA-000012", fee="81.25", refund_days="5-7"),
    done("quote", total="8502.00"),
    done("quote_accept", quote="QU-1001", total="8502.00", delivery=DELIVERY, outlet="Katong"),
    done("credit", invoice="INV-1043", amount="54.50"),
    done("allocation", invoice="INV-1043", amount="34.50"),
    done("email", invoice="INV-1043", address_masked="ac***@forno-rosso.tria.example"),
    done("payment_report", invoice="INV-1043", amount="354.25", match_days=1),
    done("payment_report", invoice="INV-1043"),
    *(
        Sample("awaiting_approval", "awaiting_approval", {"kind": "credit", "who": who})
        for who in WHO
    ),
    *(
        Sample(block, block, {"kind": kind, "title": "A card"} | more)
        for block, more in (
            ("not_approved", {"by_customer": False}),
            ("lapsed", {}),
            ("withdrawn", {}),
            ("failed_action", {"reason": "write_refused"}),
            ("failed_action", {"reason": "write_impossible"}),
            ("failed_action", {"reason": "total_differs"}),
            ("failed_action", {"reason": "other"}),
            ("declined", {}),
            ("not_written", {}),
        )
        for kind in (
            *("order", "order_change", "order_cancel", "quote", "quote_accept", "credit"),
            *("allocation", "email", "payment_report"),
        )
    ),
    Sample(
        "payment_received",
        "payment_received",
        {"amount": "177.13", "invoice": "INV-1044", "date": "2026-11-23", "amount_due": "177.12"},
    ),
    Sample(
        "payment_received",
        "payment_received",
        {"amount": "354.25", "invoice": "INV-1043", "date": "2026-11-23", "amount_due": "0.00"},
    ),
    Sample("order_processed", "order_processed", {"number": "TRIA-000012"}),
    Sample("nothing_to_cancel", "nothing_to_cancel", {"kind": "order_change"}),
    Sample("nothing_to_cancel", "nothing_to_cancel", {"kind": "order_cancel"}),
    Sample("which_document", "which_document", {"kind": "email", "candidates": ["INV-1", "INV-2"]}),
    Sample("which_document", "which_document", {"kind": "email", "candidates": []}),
    Sample("no_email_on_file", "no_email_on_file", {}),
    *(
        Sample(
            "quote_not_open",
            "quote_not_open",
            {"number": "QU-1001", "status": status, "expiry": "2026-10-15"},
        )
        for status in ("sent", "accepted", "invoiced", "declined", "draft")
    ),
    Sample("quote_too_small", "quote_too_small", {"from_pieces": 10000}),
    Sample("no_credit_left", "no_credit_left", {}),
    Sample("no_credit_left", "no_credit_left", {"number": "CN-1001"}),
    Sample("credit_needs_details", "credit_needs_details", {}),
    Sample(
        "credit_needs_details",
        "credit_needs_details",
        {"missing": ["product", "quantity"], "report_hours": 24},
    ),
    Sample("already_noted", "already_noted", {"kind": "credit", "invoice": "INV-1043"}),
    Sample(
        "already_noted",
        "already_noted",
        {
            "kind": "payment_report",
            "invoice": "INV-1043",
            "amount": "354.25",
            "paid_on": "2026-11-20",
        },
    ),
    Sample("card_gone", "card_gone", {}),
    Sample("card_outdated", "card_outdated", {}),
    Sample("card_open", "card_open", {}, {"name": "Mei"}),
    *(Sample(block, block, {}, {"name": "Mei"}) for block in ("goodbye", "thanks", "noted")),
    Sample("still_placing", "still_placing", {}),
    Sample("not_taken", "not_taken", {}),
    Sample("own_account_only", "own_account_only", {}),
]
QUESTION = {
    "phrase": "boxes",
    "problem": "ambiguous",
    "product": '12" medium pizza box',
    "pieces": 130,
    "suggested_pieces": 200,
    "alternatives": ['10" regular pizza box', '12" medium pizza box'],
}
PRODUCT = {
    "code": "CNP-015-FB-01",
    "name": '12" medium pizza box',
    "price": "0.65",
    "pack": "bundle",
    "pack_size": 100,
    "pack_price": "65.00",
    "on_hand": 40000,
}
NO_QUESTIONS: dict[str, Any] = {"lines": [], "clear": [], "outlets": []}
OTHERS = [
    Sample("below_minimum", "below_minimum", {"minimum": "200.00"}),
    Sample("nothing_to_repeat", "nothing_to_repeat", {}),
    Sample("order_questions", "order_questions", NO_QUESTIONS),
    Sample(
        "order_questions",
        "order_questions",
        {
            "lines": [],
            "clear": [{"name": '12" medium pizza box', "pieces": 200}],
            "outlets": ["Forno Rosso Tampines", "Forno Rosso Pasir Ris"],
        },
    ),
    *(
        Sample(
            "order_questions",
            "order_questions",
            NO_QUESTIONS | {"lines": [QUESTION | {"problem": problem}]},
        )
        for problem in (
            *("unknown_product", "ambiguous", "no_quantity", "not_whole_packs", "out_of_stock"),
        )
    ),
    Sample("prices", "products", {"listed": [PRODUCT]}),
    Sample("prices", "products", {"listed": []}),
    Sample("not_sold", "products", {"unsold": [{"number": "16", "unit": "inch"}]}),
    Sample("stock", "products", {"listed": [PRODUCT, PRODUCT | {"on_hand": 0}]}),
]
REASONS = sorted({"person", *re.findall(r'"(\w+)"', _read("handed_over"))})
# Every ticket, with whoever it may be.
TICKETS = [
    Sample(block, "handoff", HANDOFF | {"reason": reason, "level": level, "who": who}, more)
    for level, who in enumerate(WHO, start=2)
    for block, reason, more in (
        *(("handed_over", reason, None) for reason in REASONS),
        *(
            (reason, reason, {"is_told": bool(named), "named": named})
            for reason in ("complaint", "damage", "food_safety")
            for named in ([], ["INV-1043"])
        ),
    )
]
AFTER_HOURS = Sample("handed_over", "handoff", HANDOFF | {"reason": "urgent", "who": ON_CALL})
SAMPLES = [*READS, *CARDS, *ACTIONS, *OTHERS, *TICKETS, AFTER_HOURS]
