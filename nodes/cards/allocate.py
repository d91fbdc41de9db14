"""Set a credit against an invoice; a person agrees to it."""

from decimal import Decimal

from nodes.cards.draft import Draft
from nodes.cards.facts import fact, refusal
from nodes.cards.shape import Row, a_card, approval, money
from nodes.cards.waiting import noted_before
from nodes.cards.which import document_of, number_of, which
from nodes.state import Fact, State, entities_named
from tools.context import Context
from tools.escalation import STAFF
from tools.xero.documents import CreditNote, Invoice
from tools.xero.writes import allocation


async def allocate(state: State, context: Context) -> Draft | list[Fact]:
    """The credit named or the only one, and the invoice named or the one due first."""
    if refused := refusal(context, "allocation"):
        return refused
    with_credit = [c for c in await context.accounts.credit_notes(fresh=True) if _is_left(c)]
    note = await document_of(
        state, context, context.accounts.credit_note_by_number, with_credit, named=_is_credit
    )
    if isinstance(note, list):
        return which("allocation", note) if note else fact("no_credit_left")
    if not _is_left(note):
        return fact("no_credit_left", number=number_of(note))
    invoice = await _invoice_for(note, state, context)
    if isinstance(invoice, list):
        return invoice
    if told := await noted_before(state, context, "allocation", number_of(invoice)):
        return told
    return await _drafted(note, invoice, context)


def _is_credit(number: str) -> bool:
    """Whether a number is one of Xero's for credit notes; all others in a message are invoices'."""
    return number.startswith("CN-")


def _is_left(note: CreditNote) -> bool:
    return note.status == "AUTHORISED" and note.remaining_credit > 0


async def _invoice_for(note: CreditNote, state: State, context: Context) -> Invoice | list[Fact]:
    """An open invoice of the credit's own contact: Xero sets it against no other."""
    due = await context.accounts.open_invoices(fresh=True)
    fitting = [i for i in due if i.contact.contact_id == note.contact.contact_id]
    named = [n for n in entities_named(state, "document") if not _is_credit(n)]
    chosen = [i for i in fitting if number_of(i) in named] if named else fitting[:1]
    if len(chosen) == 1:
        return chosen[0]
    return which("allocation", [number_of(i) for i in chosen or fitting])


async def _drafted(note: CreditNote, invoice: Invoice, context: Context) -> Draft:
    amount = min(note.remaining_credit, invoice.amount_due)
    rows: list[Row] = [
        ("credit_note", number_of(note)),
        ("invoice", number_of(invoice)),
        ("amount", amount),
        ("remaining", note.remaining_credit - amount),
        ("new_total", invoice.amount_due - amount),
        approval(STAFF),
    ]
    title = f"Set {number_of(note)} against {number_of(invoice)}"
    card = a_card("allocation", title, rows, invoice=number_of(invoice), amount=money(amount))
    write = allocation(
        note.credit_note_id,
        invoice.invoice_id,
        amount,
        day=context.now().date(),
        seen=_equal(note, invoice, amount),
    )
    return Draft("allocation", card, (write,), await context.actions.next_number(), STAFF)


def _equal(note: CreditNote, invoice: Invoice, amount: Decimal) -> int:
    """How many allocations of that amount to that invoice are there already."""
    return sum(
        1
        for part in note.allocations
        if part.amount == amount and part.invoice and part.invoice.invoice_id == invoice.invoice_id
    )
