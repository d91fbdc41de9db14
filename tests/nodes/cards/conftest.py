"""A conversation about documents: messages, cards, answers, and the office's side of the books."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from langgraph.runtime import Runtime

from graph.clients import Clients
from nodes.call_xero_tools import call_xero_tools
from nodes.commit_action import commit_action
from nodes.confirm_action import confirm_action
from nodes.propose_action import propose_action
from nodes.propose_order import propose_order
from nodes.state import Focus, Intent, State
from tests.nodes.conftest import a_state, data_of, kinds
from tests.tools.conftest import Control
from tools.context import Context
from tools.ordering.card import slot_of
from tools.sandbox.company import demo_customers
from tools.understanding.entities import entities_of
from tools.understanding.wants import wants_of

Json = dict[str, Any]
ORDER = "200 12 inch boxes and 400 14 inch boxes for tampines pls"


class Office:
    """The supplier's own people at Xero, and a look into the books."""

    def __init__(self, control: Control) -> None:
        self._http = httpx.Client(base_url=f"{control.root}/control", timeout=30)

    def documents(self, kind: str, context: Context) -> list[Json]:
        """What stands in the books of one customer, whatever its status."""
        return [
            document
            for contact_id in context.caller.contact_ids
            for document in self._get("/documents", kind=kind, contact_id=contact_id)
        ]

    def everything(self) -> list[Json]:
        """All of it, to see that nothing changed; what was sent by e-mail too."""
        kinds = ("invoice", "quote", "credit_note", "payment", "history")
        return [
            *(d for kind in kinds for d in self._get("/documents", kind=kind)),
            *self._get("/outbox"),
        ]

    def invoice(self, number: str, context: Context) -> Json:
        [found] = [i for i in self.invoices(context) if i["InvoiceNumber"] == number]
        return found

    def invoices(self, context: Context, *statuses: str) -> list[Json]:
        """The customer's sales invoices, those due first first."""
        sales = [i for i in self.documents("invoice", context) if i["Type"] == "ACCREC"]
        found = [i for i in sales if not statuses or i["Status"] in statuses]
        return sorted(found, key=lambda i: (i.get("DueDate", ""), i["InvoiceNumber"]))

    def history(self, number: str, context: Context) -> list[Json]:
        wanted = self.invoice(number, context)["InvoiceID"]
        return [h for h in self._get("/documents", kind="history") if h["parent_id"] == wanted]

    def letters(self, number: str) -> list[Json]:
        """What was sent by e-mail of one invoice."""
        return [m for m in self._get("/outbox") if m["invoice_number"] == number]

    def authorise(self, number: str) -> None:
        self._post(f"/invoices/{number}/authorise")

    def send(self, quote: str) -> None:
        self._post(f"/quotes/{quote}/send")

    def receive(self, number: str, amount: str) -> None:
        """Money that came in and was matched."""
        self._post("/payments", invoice_number=number, amount=amount)

    def close(self) -> None:
        self._http.close()

    def _get(self, path: str, **query: str) -> list[Json]:
        found: list[Json] = self._http.get(path, params=query).raise_for_status().json()
        return found

    def _post(self, path: str, **body: str) -> None:
        self._http.post(path, json=body).raise_for_status()


@pytest.fixture(autouse=True, scope="module")
async def books_as_before(clients: Clients, sandbox: dict[str, str]) -> AsyncIterator[None]:
    """What these tests order, approve and pay must not be there for others."""
    yield
    root = sandbox["XERO_API_URL"].removesuffix("/xero")
    async with httpx.AsyncClient(timeout=60) as http:
        (await http.post(f"{root}/control/reset")).raise_for_status()
    await clients.xero.forget(*(c for one in demo_customers() for c in one.contact_ids))


@pytest.fixture
def office(control: Control) -> Iterator[Office]:
    office = Office(control)
    yield office
    office.close()


@dataclass(frozen=True)
class Talk:
    """A conversation of one customer, at a moment that a test can move."""

    context: Context
    clients: Clients
    thread_id: str

    def at(self, moment: datetime) -> "Talk":
        """The same conversation at another time."""
        return replace(self, context=replace(self.context, now=lambda: moment))

    def in_role(self, *roles: str) -> "Talk":
        """The same conversation with somebody of these roles only."""
        caller = replace(self.context.caller, roles=frozenset(roles))
        later = self.context.now
        return replace(self, context=replace(self.clients.context_for(caller), now=later))

    async def heard(self, text: str, *intents: Intent, focus: Focus | None = None) -> State:
        """The state before a card is made."""
        outlets = await self.context.outlets.of_contacts(self.context.caller.contact_ids)
        now = self.context.now()
        state = a_state(
            text,
            *intents,
            thread_id=self.thread_id,
            received_at=now.isoformat(),
            focus=focus or {},
            run_id=str(uuid4()),
        )
        understood = state["understanding"]
        understood["entities"] = entities_of(text, self.context.catalogue, outlets, now.date())
        understood["wants"] = sorted(wants_of(text))
        return {**state, **await call_xero_tools(state, self.runtime)}

    async def propose(self, state: State) -> State:
        return await propose_action(state, self.runtime)

    async def say(self, text: str, *intents: Intent, focus: Focus | None = None) -> State:
        """What the node makes of a message."""
        return await self.propose(await self.heard(text, *intents, focus=focus))

    async def card(self, text: str, *intents: Intent, focus: Focus | None = None) -> Json:
        update = await self.say(text, *intents, focus=focus)
        assert kinds(update) == []
        card = update["card"]
        assert card is not None
        return card

    async def yes(self, card: Json) -> State:
        """The customer's yes to a card, and the write where nobody else is asked."""
        shown = {"action_id": card["action_id"], "hash": card["hash"]}
        state = a_state(
            "yes",
            "confirm",
            thread_id=self.thread_id,
            received_at=self.context.now().isoformat(),
            open_card=shown,
        )
        state = {**state, **await call_xero_tools(state, self.runtime)}
        confirmed = await confirm_action(state, self.runtime)
        if "action" not in confirmed or "awaiting_approval" in kinds(confirmed):
            return confirmed
        return await commit_action({**state, **confirmed}, self.runtime)

    async def approved(self, card: Json) -> State:
        """A person's yes after the customer's, and the write."""
        await self.clients.desk.decide(
            UUID(card["action_id"]), "ann@tria.example", approved=True, reason=""
        )
        return await self.commit(card)

    async def commit(self, card: Json) -> State:
        """The write, whether for the first time or again."""
        state = a_state("", thread_id=self.thread_id, received_at=self.context.now().isoformat())
        state = {**state, "action": {"action_id": card["action_id"]}}
        return await commit_action(state, self.runtime)

    async def proposed(self, text: str) -> Json:
        """The card of an order that waits for its answer."""
        state = await self.heard(text, "order")
        card = (await propose_order(state, self.runtime))["card"]
        assert card is not None
        return card

    async def order(self, text: str = ORDER) -> tuple[str, Json]:
        """An order in the books: its number and its card."""
        card = await self.proposed(text)
        done = await self.yes(card)
        if "awaiting_approval" in kinds(done):
            done = await self.approved(card)
        return data_of(done, "committed")["number"], card

    async def stored(self, card: Json) -> Json:
        """The card as it is kept."""
        row = await self.context.actions.get(
            UUID(card["action_id"]), self.context.caller.customer_id
        )
        assert row is not None
        return row

    def before(self, card: Json, hours: float) -> "Talk":
        """So many hours before the delivery of an order."""
        return self.at(slot_of(card).begins - timedelta(hours=hours))

    @property
    def runtime(self) -> Runtime[Context]:
        return Runtime(context=self.context)


@pytest.fixture
def talk_of(
    clients: Clients, context_of: Callable[[str], Context]
) -> Callable[[str], Awaitable[Talk]]:
    """A conversation of a demo customer by id."""

    async def talk(customer_id: str) -> Talk:
        thread_id = uuid4()
        await clients.conversations.create(thread_id, customer_id, {})
        return Talk(context_of(customer_id), clients, str(thread_id))

    return talk


@pytest.fixture
async def talk(clients: Clients, context: Context, thread_id: str) -> Talk:
    """A conversation of the established customer."""
    return Talk(context, clients, thread_id)


def rows(card: Json) -> dict[str, str]:
    """What a card says beside its lines."""
    return dict(card["rows"])


def money(amount: float) -> str:
    return f"{Decimal(str(amount)):.2f}"
