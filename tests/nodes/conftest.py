"""Real contexts of demo customers, states to call a node with, and what a node streamed."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast
from uuid import uuid4

import pytest
from langgraph.runtime import Runtime

from graph.clients import Clients, open_clients
from graph.settings import Settings
from graph.studio import demo_caller
from nodes.state import Found, Intent, State, Tone, Turn
from tests.conftest import customer, forget_guesses
from tests.tools.conftest import Control, control, pool
from tools.context import Context
from tools.database import fetch_all
from tools.model.client import Model
from tools.sandbox.company import demo_customers
from tools.screening.screen import screen
from tools.understanding.entities import Entity, EntityKind
from tools.xero.cache import SETTINGS

__all__ = ["control", "pool"]

TONE: Tone = {
    "situation": "question",
    "directions": "Helpful: the answer first.",
    "max_lines": 8,
    "most_emoji": 0,
    "language": "en",
}


@pytest.fixture(scope="session")
async def clients(settings: Settings) -> AsyncIterator[Clients]:
    async with open_clients(settings) as clients:
        await clients.sweeper.stop()  # what a test leaves unfinished must not meet the next one
        yield clients


@pytest.fixture(autouse=True)
async def nothing_kept(clients: Clients, redis_url: str) -> None:
    """Every test asks Xero anew, meets the faults it ordered, and no limit of another test's."""
    forget_guesses(redis_url)
    contacts = {contact for one in demo_customers() for contact in one.contact_ids}
    await clients.xero.forget(SETTINGS, *contacts)
    await fetch_all(
        clients.links._pool,
        "delete from document_links where kind = 'invoices_zip' returning 1",
    )


@pytest.fixture
def context(clients: Clients) -> Context:
    """The established customer's."""
    return clients.context_for(demo_caller(customer()))


@pytest.fixture
def context_of(clients: Clients) -> Callable[[str], Context]:
    """The context of a demo customer by id."""
    by_id = {c.customer_id: c for c in demo_customers()}
    return lambda customer_id: clients.context_for(demo_caller(by_id[customer_id]))


@pytest.fixture
async def model(sandbox: dict[str, str]) -> AsyncIterator[Model]:
    """The sandbox's stand-in for a model."""
    root = sandbox["XERO_API_URL"].removesuffix("/xero")
    model = Model("a key", f"{root}/openai/v1", "sandbox-chat")
    yield model
    await model._chat.root_async_client.close()


@pytest.fixture
def with_model(context: Context, model: Model, control: Control) -> Context:
    """The established customer's context with a model that tells the truth until told not to."""
    return replace(context, model=model)


@pytest.fixture
async def thread_id(clients: Clients) -> str:
    """A conversation of the established customer."""
    thread_id = uuid4()
    await clients.conversations.create(thread_id, customer().customer_id, {})
    return str(thread_id)


def a_state(text: str, *intents: Intent, **more: Any) -> State:
    """The state after screening and classification of one message."""
    screened = screen(text)
    language = screened.language or "en"
    state: State = {
        "turn": a_turn(text, **more),
        "screened": {
            "text": screened.text,
            "masked": screened.masked,
            "language": language,
            "injection": screened.injection,
            "personal": {p.token: p.value for p in screened.personal},
        },
        "understanding": {
            "intents": [Found(name=name, confidence=1.0, part=screened.masked) for name in intents],
            "entities": [],
            "order": None,
            "is_urgent": False,
            "sentiment": "neutral",
            "misunderstood": 0,
            "by": "classifier",
        },
        "tone": TONE | {"language": language},
    }
    return state


def a_turn(text: str, **more: Any) -> Turn:
    turn: Turn = {
        "run_id": str(uuid4()),
        "thread_id": str(uuid4()),
        "text": text,
        "received_at": "2026-11-23T10:30:00+08:00",
        "history": [],
        "focus": {},
        "open_card": None,
        "decision": None,
    }
    return cast(Turn, turn | more)


def naming(state: State, kind: EntityKind, *values: str) -> State:
    """The same state with entities of one kind found in the message."""
    entities = [Entity(kind=kind, value=value) for value in values]
    return {**state, "understanding": {**state["understanding"], "entities": entities}}


def urgent(state: State) -> State:
    """The same state with urgent words found in the message."""
    return {**state, "understanding": {**state["understanding"], "is_urgent": True}}


def kinds(update: State) -> list[str]:
    """The kinds of the facts a node returned."""
    return [fact["kind"] for fact in update.get("facts", [])]


def data_of(update: State, kind: str) -> dict[str, Any]:
    """The data of the one fact of a kind."""
    [data] = [f["data"] for f in update.get("facts", []) if f["kind"] == kind]
    return data


@dataclass
class Stream:
    """A runtime over a context, and what was written to its stream."""

    context: Context
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def runtime(self) -> Runtime[Context]:
        return Runtime(context=self.context, stream_writer=self.events.append)

    @property
    def shown(self) -> str:
        """What the customer reads in the end: the sentences after the last reset."""
        starts = [n for n, e in enumerate(self.events) if e["type"] == "reset"]
        return "".join(e["text"] for e in self.events[starts[-1] + 1 :])

    @property
    def sentences(self) -> list[str]:
        """Every sentence that ever left."""
        return [e["text"] for e in self.events if e["type"] == "sentence"]
