"""Note that a customer says an invoice is paid. The money itself is matched by people."""

import re
from datetime import date
from decimal import Decimal

from nodes.cards.draft import Draft
from nodes.cards.facts import fact, refusal
from nodes.cards.placed import received_at
from nodes.cards.shape import Row, a_card, money
from nodes.cards.which import document_of, number_of, which
from nodes.state import Fact, State, entities_named
from tools.context import Context
from tools.policy.question import read_question
from tools.xero.documents import Invoice
from tools.xero.scoped import VISIBLE
from tools.xero.writes import note_on_invoice

MOST = Decimal(10**8)  # above this a number is no payment of ours
NOTED = re.compile(r"TRIA-[0-9]{6,}: Customer reports payment of SGD (?P<amount>[0-9.]+)(?: on|;)")


async def report_payment(state: State, context: Context) -> Draft | list[Fact]:
    """The invoice named, spoken of, or the only open one."""
    if refused := refusal(context, "payment_report"):
        return refused
    unpaid = await context.accounts.open_invoices()
    invoice = await document_of(state, context, context.accounts.invoice_by_number, unpaid)
    if isinstance(invoice, list):
        return which("payment_report", invoice)
    if invoice.status not in VISIBLE:
        return which("payment_report", [number_of(i) for i in unpaid])
    amount, day = _claimed(state) or invoice.amount_due, _day(state)
    if told := await _known(invoice, amount, day, context):
        return told
    return await _drafted(invoice, amount, day, context)


def _claimed(state: State) -> Decimal | None:
    """The one amount that the message names."""
    named = {Decimal(value) for value in entities_named(state, "amount")}
    amount = named.pop() if len(named) == 1 else Decimal(0)
    return amount if 0 < amount < MOST else None


def _day(state: State) -> date | None:
    """The day that the message names, where it is not one to come: Friday is the last one."""
    received = received_at(state)
    day = read_question(state["screened"]["text"], received).past_day
    return day if day and day <= received.date() else None


async def _known(
    invoice: Invoice, amount: Decimal, day: date | None, context: Context
) -> list[Fact]:
    """Says so where the payment is matched already, or was reported before."""
    number, matched = number_of(invoice), await context.accounts.payments_of(invoice)
    same = [p for p in matched if p.amount == amount]
    if same or not invoice.amount_due:
        paid_on = same[-1].date if same else invoice.fully_paid_on_date
        return fact(
            "already_noted",
            kind="payment_report",
            invoice=number,
            amount=money(amount if same else invoice.amount_paid),
            paid_on=paid_on.isoformat() if paid_on else "",
        )
    told = [record.details or "" for record in await context.books.history(invoice)]
    if any(_is_repeated(text, amount, day) for text in told):
        return fact("already_noted", kind="payment_report", invoice=number)
    return []


def _is_repeated(text: str, amount: Decimal, day: date | None) -> bool:
    """Whether a note of ours tells of that payment; of any day where none is named now."""
    found = NOTED.match(text)
    return bool(found and found["amount"] == money(amount) and str(day or "") in text)


def _said(amount: Decimal, day: date | None) -> str:
    """What is written in the books: values that were read, and no words of the customer."""
    when = f" on {day.isoformat()}" if day else ""
    return f"Customer reports payment of SGD {money(amount)}{when}; not verified"


async def _drafted(invoice: Invoice, amount: Decimal, day: date | None, context: Context) -> Draft:
    number, mark = number_of(invoice), await context.actions.next_number()
    rows: list[Row] = [("invoice", number), ("amount", amount)]
    if day:
        rows.append(("paid_on", day))
    card = a_card(
        "payment_report", f"Payment of {number}", rows, invoice=number, amount=money(amount)
    )
    write = note_on_invoice(invoice.invoice_id, mark, _said(amount, day))
    return Draft("payment_report", card, (write,), mark)
