"""A conversation as the draft of a case: it is a case, it names nobody, and it expects what was."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from api.tokens import issue_token
from evals.cases.lint import lint
from evals.cases.schema import Case
from graph.builder import Graph, build_graph
from graph.capture import NothingToCapture, capture
from graph.checkpoints import make_saver
from graph.clients import now
from graph.studio import demo_caller
from graph.trajectory import trajectory_of
from tests.conftest import SECRET, customer
from tools.database import Pool, make_pool
from tools.sandbox.company import demo_customers

REAL = replace(
    demo_caller(customer()),
    customer_id="bistro-verde",
    name="Wong Kah Seng",
    company="Bistro Verde Pte Ltd",
)


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    async with make_pool(postgres_url, max_size=4) as pool:
        yield pool


@pytest.fixture
async def graph(pool: Pool) -> Graph:
    return build_graph(make_saver(pool))


@pytest.fixture
async def sdk(service_url: str) -> AsyncIterator[LangGraphClient]:
    headers = {"Authorization": f"Bearer {issue_token(SECRET, REAL, now())}"}
    async with get_client(url=service_url, api_key=None, headers=headers) as client:
        yield client


async def say(sdk: LangGraphClient, thread: str, *texts: str) -> list[dict[str, Any]]:
    values: Any = {}
    for text in texts:
        asked: Any = {"messages": [{"role": "user", "content": text}]}
        values = await sdk.runs.wait(thread, "tria", input=asked)
    messages: list[dict[str, Any]] = values["messages"]
    return messages


async def drafted(pool: Pool, graph: Graph, thread: str) -> dict[str, Any]:
    return await capture(pool, graph, UUID(thread), demo_customers())


async def test_an_order_becomes_a_case_that_expects_it(
    sdk: LangGraphClient, pool: Pool, graph: Graph
) -> None:
    thread = (await sdk.threads.create())["thread_id"]
    await say(sdk, thread, "200 of the 12 inch boxes for tampines please", "yes")
    draft = await drafted(pool, graph, thread)
    case = Case.model_validate(draft)
    first, second = case.turns
    assert first.expect.intents == ("order",)
    assert first.expect.card is not None
    assert first.expect.card.lines == {"CNP-015-FB-01": 200}
    assert second.expect.card is not None
    assert second.expect.card.status == "committed"
    assert [change.kind for change in case.ends[0].books] == ["invoice"]
    # A person has to stand for it before it is a case.
    assert [problem for problem in lint([case]) if "reviewed" in problem]


async def test_nobody_and_nothing_of_the_real_books_is_in_it(
    sdk: LangGraphClient, pool: Pool, graph: Graph
) -> None:
    thread = (await sdk.threads.create())["thread_id"]
    messages = await say(sdk, thread, "what do I owe?")
    number = messages[-1]["content"].split("INV-")[1][:4]
    await say(
        sdk,
        thread,
        f"Kah Seng here, Wong Kah Seng of Bistro Verde, 9123 4567: when is inv {number} due?",
        "and INV-99999? write to wong.ks@bistro-verde.example, nric S1234567D",
    )
    draft = await drafted(pool, graph, thread)
    text = json.dumps(draft, ensure_ascii=False)
    secrets = ("Wong", "Bistro", "bistro-verde", "9123", number, "99999", "S1234567D", thread)
    assert [secret for secret in secrets if secret in text] == []
    said = [step.user or "" for step in Case.model_validate(draft).turns]
    assert "{own}" in said[1]
    assert "{foreign}" in said[2]
    assert "tria.example" in said[2]


async def test_an_unknown_conversation_has_nothing_to_capture(pool: Pool, graph: Graph) -> None:
    with pytest.raises(NothingToCapture):
        await capture(pool, graph, uuid4(), demo_customers())


async def test_a_trajectory_tells_the_nodes_with_what_they_wrote(
    sdk: LangGraphClient, pool: Pool, graph: Graph
) -> None:
    thread = (await sdk.threads.create())["thread_id"]
    await say(sdk, thread, "what do I owe?")
    path = await trajectory_of(graph, f"{thread}:1")
    assert [run.node for run in path.nodes] == [
        "screen_message",
        "classify_intent",
        "retrieve_policies",
        "call_xero_tools",
        "adapt_tone",
        "compose_reply",
        "validate_output",
    ]
    assert "understanding" in path.nodes[1].wrote
    assert all(run.seconds >= 0 and run.error is None for run in path.nodes)
    assert path.state["calls"] == [
        {"name": "read_balance", "kind": "read", "args": {}, "outcome": "ok"}
    ]
    assert (await trajectory_of(graph, "no such turn")).nodes == []
