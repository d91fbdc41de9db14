"""Cancel a placed order, or some of its goods."""

from nodes.cards.asking import has_reads
from nodes.cards.cancelled import cancelled
from nodes.cards.change import changed, wished
from nodes.cards.draft import Draft
from nodes.cards.facts import refusal
from nodes.cards.placed import Placed, placed_order
from nodes.cards.waiting import let_go
from nodes.state import Fact, State
from tools.context import Context


async def cancel(state: State, context: Context) -> Draft | list[Fact]:
    """What only waits for a person is let go at once; what is in the books needs a yes."""
    if refused := refusal(context, "order_cancel"):
        return refused
    if told := await let_go(state, context):
        return told
    order = await placed_order(state, context, "order_cancel")
    if not isinstance(order, Placed):
        return order
    if await _keeps_some(order, state, context):
        return await changed(order, state, context)
    return await cancelled(order, state, context)


async def _keeps_some(order: Placed, state: State, context: Context) -> bool:
    """Whether only some goods are meant: "cancel the 14 inch boxes"."""
    before, after = await wished(order, state, context)
    if before is None or after is None or not after.lines or not has_reads(state):
        return False
    return len(after.lines) < len(before.lines) and set(after.lines) < set(before.lines)
