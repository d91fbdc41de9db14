"""Which builder makes a card of a message."""

from collections.abc import Awaitable, Callable

from nodes.cards.draft import Draft
from nodes.state import Fact, State
from tools.context import Context

Builder = Callable[[State, Context], Awaitable[Draft | list[Fact]]]


def builder_for(state: State) -> Builder:
    """The first that fits what the message asks for."""
    return _for_a_person


async def _for_a_person(state: State, context: Context) -> Draft | list[Fact]:
    return [Fact(kind="needs_person", source="actions", data={"reason": "order_change"})]
