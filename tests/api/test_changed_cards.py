"""A card that a person changes: the customer is asked again, and only their yes writes anything."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psycopg
import pytest
from langgraph_sdk.client import LangGraphClient

from tests.api.conftest import colleague, staff_headers
from tests.api.test_approvals import an_order_that_waits, told
from tests.api.test_conversations import books, say

MANAGER = 1


@pytest.fixture
async def staff(service_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A colleague of level 2, who may decide about unusual orders."""
    headers = staff_headers(colleague())
    async with httpx.AsyncClient(base_url=service_url, headers=headers, timeout=30) as client:
        yield client


async def changed(staff: httpx.AsyncClient, card: dict[str, Any], **wish: Any) -> dict[str, Any]:
    answer = await staff.post(f"/admin/approvals/{card['action_id']}/change", json=wish)
    assert answer.status_code == 200, answer.text
    row: dict[str, Any] = answer.json()
    return row


async def refused(staff: httpx.AsyncClient, card: dict[str, Any], **wish: Any) -> str:
    answer = await staff.post(f"/admin/approvals/{card['action_id']}/change", json=wish)
    assert answer.status_code == 409, answer.text
    return str(answer.json()["detail"])


async def status_of(staff: httpx.AsyncClient, action_id: str, wanted: str) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for _ in range(100):
        row = (await staff.get(f"/admin/actions/{action_id}")).json()
        if row["status"] == wanted:
            return row
        await asyncio.sleep(0.1)
    raise AssertionError(f"still {row['status']}")


async def test_the_customer_is_asked_again_and_their_yes_needs_no_further_approval(
    sdk: LangGraphClient, staff: httpx.AsyncClient, sandbox: dict[str, str]
) -> None:
    thread, card = await an_order_that_waits(sdk)
    before = len(books(sandbox))
    made = await changed(staff, card, pieces={"0": 2000}, note="that much is on the shelf")
    assert made["card"]["lines"][0]["pieces"] == 2000
    price = float(made["card"]["lines"][0]["unit_price"])
    assert made["card"]["subtotal"] == f"{2000 * price:.2f}"

    messages = await told(sdk, thread, 5)
    shown = messages[-1]["additional_kwargs"]["card"]
    assert "changed it" in messages[-1]["content"]
    assert (shown["action_id"], shown["status"]) == (made["action_id"], "proposed")
    assert (shown["replaces"], shown["needs_approval"]) == (card["action_id"], False)
    assert (await status_of(staff, card["action_id"], "cancelled"))["error"] == "changed"
    assert len(books(sandbox)) == before

    values = await say(sdk, thread, "yes")
    assert "TRIA-" in values["messages"][-1]["content"]
    row = await status_of(staff, made["action_id"], "committed")
    assert row["decided_by"] == colleague().staff_id
    [written] = [i for i in books(sandbox) if i["InvoiceNumber"] == row["document_number"]]
    assert f"{float(written['Total']):.2f}" == made["card"]["total"]
    events = [(step["event"], step["actor"]) for step in row["trail"]]
    assert events[:4] == [
        ("action.prepared", colleague().staff_id),
        ("action.proposed", "assistant"),
        ("action.confirmed", row["customer_id"]),
        ("action.approved", colleague().staff_id),
    ]


async def test_a_no_writes_nothing(
    sdk: LangGraphClient, staff: httpx.AsyncClient, sandbox: dict[str, str]
) -> None:
    thread, card = await an_order_that_waits(sdk)
    before = len(books(sandbox))
    made = await changed(staff, card, pieces={"0": 2000})
    await told(sdk, thread, 5)
    await say(sdk, thread, "no")
    await status_of(staff, made["action_id"], "declined")
    assert len(books(sandbox)) == before


async def test_pressing_twice_changes_once_and_nobody_else_changes_it_again(
    service_url: str, sdk: LangGraphClient, staff: httpx.AsyncClient
) -> None:
    thread, card = await an_order_that_waits(sdk)
    path, wish = f"/admin/approvals/{card['action_id']}/change", {"pieces": {"0": 2000}}
    answers = await asyncio.gather(*(staff.post(path, json=wish) for _ in range(3)))
    assert {a.status_code for a in answers} <= {200, 409}
    again = await changed(staff, card, pieces={"0": 2000})
    await told(sdk, thread, 5)
    await asyncio.sleep(1)
    assert len(await told(sdk, thread, 5)) == 5
    assert [a.json()["action_id"] for a in answers if a.status_code == 200] == [
        again["action_id"]
    ] * sum(a.status_code == 200 for a in answers)
    async with httpx.AsyncClient(
        base_url=service_url, headers=staff_headers(colleague(MANAGER)), timeout=30
    ) as other:
        assert "cancelled" in await refused(other, card, pieces={"0": 1000})


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({}, "Nothing is changed"),
        ({"pieces": {"0": 0}}, "decline it instead"),
        ({"pieces": {"0": 2025}}, "whole packs: 2050"),
        ({"pieces": {"0": 20000}}, "by quote"),
        ({"day": "2020-01-02"}, "That day is not possible"),
    ],
)
async def test_what_the_rules_do_not_allow_changes_nothing(
    sdk: LangGraphClient, staff: httpx.AsyncClient, wish: dict[str, Any], why: str
) -> None:
    thread, card = await an_order_that_waits(sdk)
    assert why in await refused(staff, card, **wish)
    assert (await staff.get(f"/admin/actions/{card['action_id']}")).json()["status"] == "confirmed"
    assert len(await told(sdk, thread, 4)) == 4


async def test_a_dry_run_only_shows_what_it_becomes(
    sdk: LangGraphClient, staff: httpx.AsyncClient
) -> None:
    _, card = await an_order_that_waits(sdk)
    shown = await changed(staff, card, pieces={"0": 1000}, dry_run=True)
    assert (shown["action_id"], shown["card"]["lines"][0]["pieces"]) == (None, 1000)
    assert (await staff.get(f"/admin/actions/{card['action_id']}")).json()["status"] == "confirmed"


async def test_a_yes_that_was_written_before_the_card_was_seen_is_no_yes(
    sdk: LangGraphClient, staff: httpx.AsyncClient, sandbox: dict[str, str], postgres_url: str
) -> None:
    thread, card = await an_order_that_waits(sdk)
    asked = asyncio.create_task(say(sdk, thread, "ok"))
    made = await changed(staff, card, pieces={"0": 2000})
    await asked
    await told(sdk, thread, 7)
    row = await status_of(staff, made["action_id"], "proposed")
    assert all(i["InvoiceNumber"] != row["document_number"] for i in books(sandbox))
    with psycopg.connect(postgres_url) as connection:
        found = connection.execute(
            "select confirmed_at from actions where action_id = %s", [made["action_id"]]
        ).fetchone()
    assert found == (None,)


async def test_another_card_that_the_customer_looks_at_is_not_taken_away(
    sdk: LangGraphClient, staff: httpx.AsyncClient
) -> None:
    thread, card = await an_order_that_waits(sdk)
    other = (await say(sdk, thread, "200 12 inch boxes for tampines"))["card"]
    assert other["status"] == "proposed"
    assert "another card" in await refused(staff, card, pieces={"0": 2000})
    await say(sdk, thread, "no")
    await changed(staff, card, pieces={"0": 2000})
