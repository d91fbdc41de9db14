"""Where to pay: our own bank details, from the rules and from nowhere else."""

from nodes.reads.asked import LookUps, invoices_asked
from nodes.state import Fact, State, wants_in
from tools.context import Context
from tools.rules import load_rules
from tools.xero.facts import invoice_fact


async def read_how_to_pay(state: State, context: Context) -> list[Fact]:
    """Bank and PayNow, and what is open on the invoices that are named."""
    look_ups, today = LookUps(state, context), context.now().date()
    looked_up = [
        await look_ups.find(number, context.accounts.invoice_by_number)
        for number in invoices_asked(state)
    ]
    company = load_rules().company
    data = {
        "bank": company.bank,
        "bank_account": company.bank_account,
        "payee": company.legal_name,
        "paynow_uen": company.paynow_uen,
        "is_doubted": "bank_changed" in wants_in(state),
        "listed": [invoice_fact(i, today) for i in looked_up if i and i.amount_due],
    }
    return [Fact(kind="how_to_pay", source="rules", data=data), *look_ups.facts()]
