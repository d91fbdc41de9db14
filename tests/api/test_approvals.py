"""Cards that need a person: the customer is answered at once, and told when it is done."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from langgraph_sdk.client import LangGraphClient

from tests.api.test_conversations import a_thread, books, say
from tools.actions.desk import ApprovalDesk
from tools.actions.records import ActionRecords
from tools.database import make_pool

UNUSUAL = "3000 14 inch boxes for tampines please"


@pytest.fixture
async def desk(postgres_url: str) -> AsyncIterator[ApprovalDesk]:
    async with make_pool(postgres_url, max_size=2) as pool:
        yield ApprovalDesk(pool)


async def an_order_that_waits(sdk: LangGraphClient) -> tuple[str, dict[str, Any]]:
    thread = await a_thread(sdk)
    shown = (await say(sdk, thread, UNUSUAL))["card"]
    assert (shown["status"], shown["needs_approval"]) == ("proposed", True)
    values = await say(sdk, thread, "yes")
    assert values["card"]["status"] == "confirmed"
    assert "T-" in values["messages"][-1]["content"]
    return thread, values["card"]


async def told(sdk: LangGraphClient, thread: str, count: int) -> list[dict[str, Any]]:
    """The conversation once it has that many messages."""
    messages: list[dict[str, Any]] = []
    for _ in range(150):
        state = await sdk.threads.get_state(thread)
        messages = state["values"]["messages"]  # type: ignore[call-overload]
        if len(messages) >= count:
            return messages
        await asyncio.sleep(0.1)
    raise AssertionError(f"still {len(messages)} messages")


async def test_an_approved_order_is_written_once_and_told(
    sdk: LangGraphClient, sandbox: dict[str, str], desk: ApprovalDesk
) -> None:
    thread, card = await an_order_that_waits(sdk)
    assert (await sdk.threads.get(thread))["status"] == "interrupted"
    row = await desk.decide(UUID(card["action_id"]), "Aisha", approved=True, reason="")
    assert row
    messages = await told(sdk, thread, 5)
    assert [m["type"] for m in messages] == ["human", "ai", "human", "ai", "ai"]
    number = row["document_number"]
    assert number in messages[-1]["content"]
    assert messages[-1]["additional_kwargs"]["card"]["status"] == "committed"
    assert [i["Status"] for i in books(sandbox) if i["InvoiceNumber"] == number] == ["DRAFT"]


async def test_a_refused_order_is_not_written_and_told(
    sdk: LangGraphClient, sandbox: dict[str, str], desk: ApprovalDesk
) -> None:
    thread, card = await an_order_that_waits(sdk)
    row = await desk.decide(UUID(card["action_id"]), "Aisha", approved=False, reason="no stock")
    assert row
    messages = await told(sdk, thread, 5)
    assert row["document_number"] not in messages[-1]["content"]
    assert all(i["InvoiceNumber"] != row["document_number"] for i in books(sandbox))


async def test_the_conversation_goes_on_while_a_person_thinks(
    sdk: LangGraphClient, desk: ApprovalDesk
) -> None:
    thread, card = await an_order_that_waits(sdk)
    values = await say(sdk, thread, "what do I owe?")
    assert "You owe" in values["messages"][-1]["content"]
    assert await desk.decide(UUID(card["action_id"]), "Aisha", approved=True, reason="")
    assert "TRIA-" in (await told(sdk, thread, 7))[-1]["content"]


async def test_a_second_yes_changes_nothing_while_it_waits(
    sdk: LangGraphClient, sandbox: dict[str, str], desk: ApprovalDesk
) -> None:
    thread, card = await an_order_that_waits(sdk)
    await say(sdk, thread, "yes")
    row = await ActionRecords(desk._pool).card(UUID(card["action_id"]))
    assert row
    assert row["status"] == "confirmed"
    assert all(i["InvoiceNumber"] != row["document_number"] for i in books(sandbox))
