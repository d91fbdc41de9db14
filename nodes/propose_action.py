"""Make a card of what the customer wants changed in the books, or say why there is none."""

from langgraph.runtime import Runtime

from nodes.cards.draft import Draft, keep
from nodes.cards.pick import builder_for
from nodes.state import State
from tools.context import Context


async def propose_action(state: State, runtime: Runtime[Context]) -> State:
    """Everything but orders. Writes nothing in Xero: it reads, computes and stores the card."""
    made = await builder_for(state)(state, runtime.context)
    if isinstance(made, Draft):
        return {"card": await keep(made, state, runtime.context)}
    return {"facts": made}
