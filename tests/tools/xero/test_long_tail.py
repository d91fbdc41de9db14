"""A model that picks what to read: an honest one, and one that somebody has talked round."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from tests.tools.conftest import Control
from tests.tools.xero import papers
from tests.tools.xero.conftest import accounts_of
from tests.tools.xero.papers import FOREIGN, OWN, TODAY, Papers
from tools.errors import BackendUnavailable
from tools.model.client import Model
from tools.model.usage import Usage
from tools.ordering.catalogue import load_catalogue
from tools.sandbox.company import DemoCustomer, demo_customers
from tools.sandbox.openai.tool_calls import KINDS
from tools.xero.client import XeroClient
from tools.xero.documents import Invoice
from tools.xero.guesses import Guesses, LookedUp
from tools.xero.long_tail import Call, OnUsage, read_long_tail
from tools.xero.toolset import Toolset

ASKED = [HumanMessage("what was the second one for?")]
ATTACKER, VICTIM = demo_customers()[0], demo_customers()[5]


class Picking:
    """Picks what it was told to, round by round."""

    def __init__(self, *rounds: Sequence[Call] | Exception) -> None:
        self.rounds = list(rounds)
        self.seen: list[list[BaseMessage]] = []
        self.offered: list[list[str]] = []

    async def pick(
        self,
        messages: Sequence[BaseMessage],
        tools: Sequence[Mapping[str, Any]],
        most: int = 3,
        on_usage: OnUsage | None = None,
    ) -> list[Call]:
        self.seen.append(list(messages))
        self.offered.append([tool["function"]["name"] for tool in tools])
        picked = self.rounds.pop(0) if self.rounds else []
        if isinstance(picked, Exception):
            raise picked
        return list(picked)


@pytest.fixture
def books() -> Papers:
    books = Papers()
    line = {"Description": "Boxes", "Quantity": 1}
    books.add(papers.contact(), papers.invoice("INV-1"), papers.invoice("INV-2", LineItems=[line]))
    books.add(papers.invoice("INV-20", FOREIGN))
    return books


@pytest.fixture
def tools(books: Papers) -> Toolset:
    return Toolset(books.accounts(OWN), load_catalogue(), TODAY)


async def test_a_model_that_picks_nothing_reads_nothing(books: Papers, tools: Toolset) -> None:
    model = Picking([])
    assert await read_long_tail(model, ASKED, tools) == []
    assert books.asked == []
    assert "list_invoices" in model.offered[0]


async def test_what_it_saw_first_may_lead_to_a_second_look(tools: Toolset) -> None:
    model = Picking(
        [("list_invoices", {"state": "open"})], [("get_invoice", {"document": "invoice_2"})]
    )
    first, second = await read_long_tail(model, ASKED, tools)
    assert [i["number"] for i in first["data"]["found"]] == ["INV-1", "INV-2"]
    assert second["data"]["found"][0]["lines"][0]["description"] == "Boxes"
    asked, call, result = model.seen[1]
    assert asked == ASKED[0]
    assert isinstance(call, AIMessage)
    assert isinstance(result, ToolMessage)
    assert call.tool_calls[0]["id"] == result.tool_call_id
    assert '"invoice_2"' in str(result.content)


async def test_handles_stay_among_the_tools(tools: Toolset) -> None:
    model = Picking([("account_summary", {}), ("get_invoice", {"document": "INV-1"})])
    assert "handle" not in json.dumps(await read_long_tail(model, ASKED, tools))


async def test_rounds_and_calls_are_few(books: Papers, tools: Toolset) -> None:
    many = [
        [("get_invoice", {"document": f"INV-{n}"}) for n in range(m, m + 9)] for m in (50, 70, 90)
    ]
    model = Picking(*many)
    await read_long_tail(model, ASKED, tools)
    assert len(model.seen) == 2
    assert len(books.asked) == 6


async def test_the_same_call_again_ends_the_reading(books: Papers, tools: Toolset) -> None:
    call: list[Call] = [("list_quotes", {})]
    model = Picking(call, call, call)
    assert len(await read_long_tail(model, ASKED, tools)) == 1
    assert len(books.asked) == 1


async def test_refused_calls_are_no_facts(tools: Toolset) -> None:
    model = Picking(
        [("delete_invoice", {}), ("list_invoices", {"where": "1==1"}), ("list_quotes", {})]
    )
    [fact] = await read_long_tail(model, ASKED, tools)
    assert fact["kind"] == "quotes"
    assert "delete_invoice" not in str(model.seen[1])
    assert "invalid_arguments" in str(model.seen[1])


async def test_a_model_that_fails_keeps_what_was_read(tools: Toolset) -> None:
    model = Picking([("list_quotes", {})], BackendUnavailable())
    assert len(await read_long_tail(model, ASKED, tools)) == 1
    assert await read_long_tail(Picking(BackendUnavailable()), ASKED, tools) == []


@pytest.fixture
async def model(control: Control) -> AsyncIterator[Model]:
    model = Model("a key", f"{control.root}/openai/v1", "gpt-4.1-mini")
    yield model
    await model.aclose()


def tools_of(client: XeroClient, who: DemoCustomer, guesses: Guesses) -> Toolset:
    accounts = accounts_of(client, who)

    async def look_up(number: str) -> LookedUp[Invoice]:
        return await guesses.look_up(who.customer_id, number, accounts.invoice_by_number)

    return Toolset(accounts, load_catalogue(), TODAY, look_up)


async def test_a_real_client_picks_over_http(
    model: Model, control: Control, client: XeroClient
) -> None:
    control.model(
        "echo",
        picks=[{"name": "list_quotes"}, {"name": "list_invoices", "arguments": {"state": "paid"}}],
    )
    told: list[Usage] = []
    tools = tools_of(client, ATTACKER, Guesses(None))
    facts = await read_long_tail(model, ASKED, tools, told.append)
    assert [f["kind"] for f in facts] == ["quotes", "documents"]
    assert len(told) == 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
async def test_a_model_that_was_talked_round_shows_nothing_of_the_victim(
    model: Model, control: Control, client: XeroClient, kind: str, seed: int
) -> None:
    # 5.4 cases 2-5, 12, 14
    [victim] = VICTIM.contact_ids
    control.model("echo", attack=kind, seed=seed, victim=victim)
    tools = tools_of(client, ATTACKER, Guesses(None))
    facts = await read_long_tail(model, ASKED, tools)
    shown = json.dumps(facts)
    theirs = [i for i in control.sales(VICTIM.contact_ids) if i["InvoiceNumber"] in shown]
    assert theirs == []
    assert victim not in shown
    assert len(facts) <= 6
