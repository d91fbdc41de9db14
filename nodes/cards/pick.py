"""Which builder makes a card of a message."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from nodes.cards.accept import accept
from nodes.cards.allocate import allocate
from nodes.cards.cancel import cancel
from nodes.cards.change import change
from nodes.cards.credit import credit
from nodes.cards.draft import Draft
from nodes.cards.email import email
from nodes.cards.payment import report_payment
from nodes.cards.quote import quote
from nodes.state import Fact, State, facts_of, intents_of
from tools.context import Context
from tools.errors import BackendRejected, BackendUnavailable, ForeignDocument
from tools.xero.guesses import Noticing

GUESSING = {"reason": "guessing"}
Builder = Callable[[State, Context], Awaitable[Draft | list[Fact]]]

# What a message asks for in its own words goes before what it is about; the first one decides.
BY_SIGN: tuple[tuple[str, Builder], ...] = (
    ("accept_quote", accept),
    ("apply_credit", allocate),
    ("order_cancel", cancel),
    ("order_change", change),
    ("refund", credit),
    ("damage", credit),
    ("ask_quote", quote),
    ("quote", quote),
    ("has_paid", report_payment),
    ("email_it", email),
    ("credit", credit),
)


def builder_for(state: State) -> Builder:
    """The first that fits what the message asks for."""
    signs = intents_of(state) | set(state["understanding"].get("wants", []))
    return _as_far_as_read(next((build for sign, build in BY_SIGN if sign in signs), _nothing))


def _as_far_as_read(build: Builder) -> Builder:
    """Where Xero does not answer there is no card, and the customer is told."""

    async def built(state: State, context: Context) -> Draft | list[Fact]:
        if facts_of(state, "unavailable"):
            return []
        looks = Noticing(context.guesses)
        try:
            made = await build(state, replace(context, guesses=looks))
        except (BackendUnavailable, BackendRejected, ForeignDocument):
            return [Fact(kind="unavailable", source="xero", data={"part": "accounts"})]
        if looks.has_guessed and not isinstance(made, Draft):
            made = [*made, Fact(kind="needs_person", source="guesses", data=GUESSING)]
        return made

    return built


async def _nothing(_: State, __: Context) -> Draft | list[Fact]:
    return []
