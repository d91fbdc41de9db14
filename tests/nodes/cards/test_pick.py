from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from nodes.cards.pick import BY_SIGN, builder_for
from nodes.state import Fact, Intent
from tests.nodes.cards.conftest import Talk
from tests.nodes.conftest import a_state, kinds
from tests.tools.conftest import Control
from tools.understanding.wants import wants_of


def picked(text: str, *intents: Intent) -> str:
    """The name of the builder."""
    state = a_state(text, *intents)
    state["understanding"]["wants"] = sorted(wants_of(text))
    inner: Any = builder_for(state)
    return str(inner.__closure__[0].cell_contents.__name__)


@pytest.mark.parametrize(
    ("text", "intent", "expected"),
    [
        ("cancel my order", "order_cancel", "cancel"),
        ("change my order", "order_change", "change"),
        ("quote for 20000 boxes", "quote", "quote"),
        ("I accept quote QU-1001", "quote", "accept"),
        ("apply my credit CN-1001 to INV-1001", "credit", "allocate"),
        ("20 boxes in INV-1001 were crushed", "damage", "credit"),
        ("I want my money back for INV-1001", "refund", "credit"),
        ("email me INV-1001", "invoice", "email"),
        ("I have paid INV-1001", "payment", "report_payment"),
        ("I have paid INV-1001, please email me the receipt", "payment", "report_payment"),
        ("hello", "small_talk", "_nothing"),
    ],
)
def test_each_wish_has_its_builder(text: str, intent: Intent, expected: str) -> None:
    assert picked(text, intent) == expected


def test_the_more_exact_wish_decides() -> None:
    assert picked("I accept quote QU-1001, cancel the other order", "quote", "order_cancel") == (
        "accept"
    )
    assert [build.__name__ for _, build in BY_SIGN].index("cancel") < 3


async def test_what_could_not_be_read_shows_no_card(talk: Talk) -> None:
    state = await talk.heard("quote for 20,000 12 inch boxes please", "quote")
    unread = Fact(kind="unavailable", source="xero", data={"part": "accounts"})
    assert await talk.propose({**state, "facts": [*state["facts"], unread]}) == {"facts": []}


# 5.4 case 14: a wish to write is no way around it.
async def test_guessing_by_way_of_a_write_is_counted_and_goes_to_a_person(
    talk_of: Callable[[str], Awaitable[Talk]], control: Control
) -> None:
    talk = await talk_of("metro-meals")
    somebody = replace(talk.context.caller, customer_id=f"guesser {uuid4()}")
    talk = replace(talk, context=replace(talk.context, caller=somebody))
    told = [kinds(await talk.say(f"email me INV-88{n}01", "invoice")) for n in range(7)]
    assert told[0] == ["which_document"]
    assert told[-1] == ["which_document", "needs_person"]
    before = control.calls("GET", "/Invoices")
    await talk.say("email me INV-88901", "invoice")
    asked = control.calls("GET", "/Invoices") - before
    assert asked <= 1  # the open invoices to choose from, and no look-up
