"""What only people may grant or put right: more time, a waiver, a discount, money paid twice."""

from collections.abc import Iterator
from decimal import Decimal

from nodes.reads.asked import LookUps, invoices_asked
from nodes.state import Fact, Intent, State, entities_named, intents_of, wants_in
from tools.context import Context
from tools.escalation import levels_for, triggers_of
from tools.understanding.wants import Want
from tools.xero.documents import Invoice

# A waiver and an extension cost what is not known here: the first level of people decides (P7).
FOR_PEOPLE: dict[Want, str] = {
    "more_time": "more_time",
    "waive": "waiver",
    "discount": "discount",
    "paid_twice": "payment_error",
}
# These go to people as they are, with all that is asked beside them.
ALREADY: frozenset[Intent] = frozenset({"complaint", "damage", "food_safety", "person"})
OF_MONEY = frozenset({"payment_error"})


async def read_requests(state: State, context: Context) -> list[Fact]:
    """That a person is needed, and of which level: money that went wrong counts by its amount."""
    if intents_of(state) & ALREADY:
        return []
    look_ups = LookUps(state, context)
    looked_up = [
        await look_ups.find(number, context.accounts.invoice_by_number)
        for number in invoices_asked(state)
    ]
    invoices = [invoice for invoice in looked_up if invoice]
    asked = [reason for want, reason in FOR_PEOPLE.items() if want in wants_in(state)]
    return [*(_for_a_person(reason, state, invoices) for reason in asked), *look_ups.facts()]


def _for_a_person(reason: str, state: State, invoices: list[Invoice]) -> Fact:
    at_stake = _amounts(state, invoices) if reason in OF_MONEY else iter(())
    (level,) = levels_for(reason, triggers_of(state["screened"]["text"]), amounts=at_stake)
    data = {
        "reason": reason,
        "level": level,
        "documents": [invoice.invoice_number or "" for invoice in invoices],
    }
    return Fact(kind="needs_person", source="rules", data=data)


def _amounts(state: State, invoices: list[Invoice]) -> Iterator[Decimal]:
    """Those that the message names; else the totals of its invoices."""
    named = [Decimal(amount) for amount in entities_named(state, "amount")]
    yield from named or (invoice.total for invoice in invoices)
