"""The order of the customer's that a message wants changed or cancelled."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from nodes.cards.facts import fact, for_a_person
from nodes.cards.which import document_of, number_of, which
from nodes.state import Fact, State
from tools.context import Context
from tools.ordering.card import slot_of
from tools.ordering.delivery import Slot
from tools.xero.documents import Invoice
from tools.xero.scoped import OURS, is_our_draft


@dataclass(frozen=True)
class Placed:
    """An order that nobody has processed yet, and what was agreed to last."""

    invoice: Invoice
    card: Mapping[str, Any]
    kind: str

    @property
    def number(self) -> str:
        return number_of(self.invoice)

    @property
    def slot(self) -> Slot:
        return slot_of(self.card)


async def placed_order(
    state: State, context: Context, wish: Literal["order_change", "order_cancel"]
) -> Placed | list[Fact]:
    """The order named, spoken of, or the only one whose delivery day is not over."""
    drafts = [i for i in await context.accounts.past_orders() if is_our_draft(i)]
    still_open = [i for i in drafts if not await _is_over(i, context)]
    chosen = await document_of(
        state,
        context,
        context.accounts.invoice_by_number,
        still_open,
        spoken_of=lambda number: bool(OURS.fullmatch(number)),
    )
    if isinstance(chosen, list):
        return which(wish, chosen) if chosen else fact("nothing_to_cancel", kind=wish)
    number = number_of(chosen)
    if not is_our_draft(chosen):
        return [*fact("order_processed", number=number), *for_a_person("order_processed")]
    if not any(line.item_code for line in chosen.line_items):
        return fact("nothing_to_cancel", kind=wish)
    row = await context.actions.numbered(number, context.caller.customer_id)
    return Placed(chosen, row["card"], row["kind"]) if row else for_a_person(wish)


def received_at(state: State) -> datetime:
    """When the message came, Singapore time."""
    return datetime.fromisoformat(state["turn"]["received_at"])


async def _is_over(invoice: Invoice, context: Context) -> bool:
    row = await context.actions.numbered(number_of(invoice), context.caller.customer_id)
    return row is not None and slot_of(row["card"]).day < context.now().date()
