"""A message understood as the service does, read in the sandbox's books and answered."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest
from langgraph.runtime import Runtime

from nodes.adapt_tone import adapt_tone
from nodes.call_xero_tools import call_xero_tools
from nodes.compose_reply import compose_reply
from nodes.state import Focus, Intent, State
from nodes.validate_output import validate_output
from tests.nodes.conftest import Stream, a_state
from tests.tools.conftest import Control
from tools.context import Context
from tools.conversations import Conversations
from tools.understanding.entities import entities_of
from tools.understanding.periods import period_of
from tools.understanding.wants import wants_of
from tools.xero.guesses import Guesses

Json = dict[str, Any]
LATE_PAYER, BUYER, TWO_PAYERS = "laksa-lane", "green-bowl-orchard", "golden-crust"


class Books:
    """What really stands in the sandbox's books."""

    def __init__(self, control: Control) -> None:
        self._http = httpx.Client(base_url=f"{control.root}/control", timeout=30)

    def of(self, kind: str, context: Context) -> list[Json]:
        """One customer's documents of a kind, whatever their status."""
        found: list[Json] = []
        for contact_id in context.caller.contact_ids:
            params = {"kind": kind, "contact_id": contact_id}
            found += self._http.get("/documents", params=params).json()
        return [d for d in found if d.get("Type") != "ACCPAY"]

    def invoices(self, context: Context, *statuses: str) -> list[Json]:
        """One customer's sales invoices of these statuses."""
        return [i for i in self.of("invoice", context) if i["Status"] in statuses]

    def close(self) -> None:
        self._http.close()


@pytest.fixture
def context(context: Context) -> Context:
    """The established customer's, who has not tried any number out yet."""
    return replace(context, guesses=Guesses(None))


@pytest.fixture
def context_of(context_of: Callable[[str], Context]) -> Callable[[str], Context]:
    """The context of a demo customer by id, who has not tried any number out yet."""
    return lambda customer_id: replace(context_of(customer_id), guesses=Guesses(None))


@pytest.fixture
def books(control: Control) -> Iterator[Books]:
    books = Books(control)
    yield books
    books.close()


async def understood(
    context: Context, text: str, *intents: Intent, focus: Focus | None = None
) -> State:
    """The state after a message was screened and understood, at the present time."""
    now = context.now()
    state = a_state(text, *intents, received_at=now.isoformat(), focus=focus or {})
    conversations = Conversations(context.links._pool)
    await conversations.create(thread_of(state), context.caller.customer_id, {})
    outlets = await context.outlets.of_contacts(context.caller.contact_ids)
    spoken = state["screened"]["text"]
    named = period_of(spoken, now.date())
    state["understanding"] |= {
        "entities": entities_of(spoken, context.catalogue, outlets, now.date()),
        "wants": sorted(wants_of(spoken)),
        "period": (named.since.isoformat(), named.until.isoformat()) if named else None,
    }
    return state


async def reads(context: Context, text: str, *intents: Intent, focus: Focus | None = None) -> State:
    """The message and what was read for it."""
    state = await understood(context, text, *intents, focus=focus)
    return {**state, **await call_xero_tools(state, Runtime(context=context))}


async def reply_to(
    context: Context, text: str, *intents: Intent, language: str = "", focus: Focus | None = None
) -> str:
    """What is answered without a model. The output gate has let all of it pass."""
    return await worded(context, await reads(context, text, *intents, focus=focus), language)


async def worded(context: Context, state: State, language: str = "") -> str:
    """The reply to a state, after the gate."""
    context = replace(context, model=None)
    state = {**state, **adapt_tone(state, Runtime(context=context))}
    if language:
        state["tone"]["language"] = language
    state = {**state, **await compose_reply(state, Stream(context).runtime)}
    verdict = (await validate_output(state, Runtime(context=context)))["verdict"]
    assert verdict["problems"] == [], state["reply"]["text"]
    return state["reply"]["text"]


def money(amount: object) -> str:
    """As replies write it."""
    return f"SGD {float(str(amount)):,.2f}"


def thread_of(state: State) -> UUID:
    return UUID(state["turn"]["thread_id"])
