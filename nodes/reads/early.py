"""What an invoice costs when it is paid early (P4): by its own day and what is due on it."""

from datetime import date
from decimal import Decimal

from nodes.reads.asked import LookUps, invoices_asked
from nodes.state import Fact, State
from tools.context import Context
from tools.policy.answers import triggers
from tools.policy.formulas import cents
from tools.rules import load_rules
from tools.xero.documents import Invoice
from tools.xero.facts import money
from tools.xero.statement import HOME

RULE = "early_discount"


async def read_early_discount(state: State, context: Context) -> list[Fact]:
    """Of each invoice that is named and still open, if it is paid today."""
    look_ups, today = LookUps(state, context), context.now().date()
    looked_up = [
        await look_ups.find(number, context.accounts.invoice_by_number)
        for number in invoices_asked(state)
    ]
    facts = [_discount(i, i.date, today) for i in looked_up if i and i.date and _is_open(i)]
    return [*facts, *look_ups.facts()]


def _is_open(invoice: Invoice) -> bool:
    is_due = invoice.status == "AUTHORISED" and bool(invoice.amount_due)
    return is_due and invoice.currency_code == HOME


def _discount(invoice: Invoice, written: date, today: date) -> Fact:
    rules, due, days = load_rules().payment, invoice.amount_due, (today - written).days
    percent = rules.early_percent if days <= rules.early_days else Decimal(0)
    off = cents(due * percent / 100)
    section = triggers()[RULE]["section"]
    data = {
        "rule": RULE,
        "section_id": section,
        "inputs": {"amount": money(due), "days": f"{days}", "invoice": invoice.invoice_number},
        "result": {
            "within_days": f"{rules.early_days}",
            "percent": f"{percent:f}",
            "discount": money(off),
            "to_pay": money(due - off),
        },
    }
    return Fact(kind="computed", source=section, data=data)
