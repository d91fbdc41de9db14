"""Send an invoice by e-mail: to the address in the books, and to no other."""

from nodes.cards.draft import Draft
from nodes.cards.facts import fact, for_a_person, refusal
from nodes.cards.shape import Row, a_card
from nodes.cards.which import document_of, number_of, which
from nodes.state import Fact, State
from tools.context import Context
from tools.xero.books import times_sent
from tools.xero.documents import Invoice
from tools.xero.scoped import VISIBLE, masked
from tools.xero.writes import emailed_invoice


async def email(state: State, context: Context) -> Draft | list[Fact]:
    """The invoice named, spoken of, or the only open one."""
    if refused := refusal(context, "email"):
        return refused
    unpaid = await context.accounts.open_invoices()
    invoice = await document_of(state, context, context.accounts.invoice_by_number, unpaid)
    if isinstance(invoice, list):
        return which("email", invoice)
    if invoice.status not in VISIBLE:
        return which("email", [number_of(i) for i in unpaid])
    return await _addressed(invoice, state, context)


async def _addressed(invoice: Invoice, state: State, context: Context) -> Draft | list[Fact]:
    recipients = await _recipients(invoice, context)
    if not recipients:
        return [*fact("no_email_on_file"), *for_a_person("no_email_on_file")]
    if not {a.casefold() for a in _addresses(state)} <= {a.casefold() for a in recipients}:
        return for_a_person("account_change")
    number, shown = number_of(invoice), ", ".join(masked(address) for address in recipients)
    rows: list[Row] = [("invoice", number), ("address_masked", shown)]
    card = a_card("email", f"E-mail {number}", rows, invoice=number, address_masked=shown)
    seen = times_sent(await context.books.history(invoice))
    write = emailed_invoice(invoice.invoice_id, seen=seen)
    return Draft("email", card, (write,), await context.actions.next_number())


async def _recipients(invoice: Invoice, context: Context) -> list[str]:
    """Whom Xero will send it to; nobody where the contact is not in use any more."""
    contacts = await context.accounts.contacts(fresh=True)
    return next((c.recipients for c in contacts if c.contact_id == invoice.contact.contact_id), [])


def _addresses(state: State) -> list[str]:
    """Every address that the message names, also those written out to escape notice."""
    personal = state["screened"]["personal"]
    return [value for token, value in personal.items() if token.startswith("[email_")]
