from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from langgraph.runtime import Runtime

from nodes.commit_action import commit_action
from nodes.confirm_action import confirm_action
from nodes.propose_order import propose_order
from nodes.replies import LANGUAGES
from nodes.state import State
from tests.nodes.conftest import data_of, kinds
from tests.nodes.reads.conftest import reads, reply_to, worded
from tools.context import Context

ORDER = "200 12 inch boxes for tampines pls"


async def placed(context: Context, conversations: Any) -> str:
    """The number of an order that was placed just now."""
    thread_id = str(uuid4())
    await conversations.create(thread_id, context.caller.customer_id, {})
    state = await reads(context, ORDER, "order")
    state["turn"]["thread_id"] = thread_id
    runtime = Runtime(context=context)
    card = (await propose_order(state, runtime))["card"]
    assert card is not None
    answer: State = await reads(context, "yes", "confirm")
    answer["turn"] |= {"thread_id": thread_id, "open_card": card}
    answer = {**answer, **await confirm_action(answer, runtime)}
    update = await commit_action(answer, runtime)
    return str(data_of(update, "committed")["number"])


@pytest.fixture
async def number(context: Context, clients: Any) -> str:
    return await placed(context, clients.conversations)


async def test_an_order_tells_its_day_slot_and_outlet(context: Context, number: str) -> None:
    update = await reads(context, f"where is {number}?", "order_status")
    [order] = data_of(update, "orders")["listed"]
    assert order["number"] == number
    assert order["outlet"] == "Forno Rosso Tampines"
    assert order["status"] == "draft"
    said = await reply_to(context, f"where is {number}?", "order_status")
    assert said.count(number) == 1
    assert order["delivery"]["window_text"] in said
    assert "we are preparing it" in said


async def test_the_latest_orders_need_no_number(context: Context, number: str) -> None:
    update = await reads(context, "when will my order arrive?", "order_status")
    assert data_of(update, "orders")["listed"][0]["number"] == number


async def test_an_order_of_somebody_else_is_missing(
    context_of: Callable[[str], Context], number: str
) -> None:
    update = await reads(context_of("metro-meals"), f"where is {number}?", "order_status")
    assert kinds(update) == ["documents"]
    assert data_of(update, "documents") == {"found": [], "missing_count": 1}


async def test_what_is_not_in_our_own_book_is_read_from_the_invoice(
    context: Context, number: str
) -> None:
    class Empty:
        async def numbered(self, *_: object) -> None:
            return None

        async def cancelled_of(self, *_: object) -> list[dict[str, Any]]:
            return []

    there = Context(**{**vars(context), "actions": Empty()})
    [order] = data_of(await reads(there, f"where is {number}?", "order_status"), "orders")["listed"]
    assert order["outlet"] == "Forno Rosso Tampines"
    assert order["delivery"]["window_text"]
    assert not order["has_delivery_order"]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_its_delivery_order_comes_in_two_forms(
    context: Context, number: str, language: str
) -> None:
    state = await reads(context, f"delivery order of {number} please", "order_status")
    links = data_of(state, "downloads")["listed"]
    assert [link["what"] for link in links] == ["delivery_order_pdf", "delivery_order_xlsx"]
    said = await worded(context, state, language)
    assert said.count("/documents/") == 2


async def test_an_invoice_of_the_office_is_no_order_of_ours(context: Context) -> None:
    invoice = (await context.accounts.invoices())[0]
    update = await reads(context, f"where is {invoice.invoice_number}?", "order_status")
    assert kinds(update) == ["documents"]


async def test_somebody_who_ordered_nothing_here_is_asked_for_the_number(
    context_of: Callable[[str], Context],
) -> None:
    said = await reply_to(context_of("kopi-collective"), "where is my order?", "order_status")
    assert "no order that was placed here" in said


async def test_an_earlier_order_is_read_as_codes_and_pieces(context: Context) -> None:
    past = data_of(await reads(context, "same as last time", "reorder"), "past_order")
    assert past["number"]
    assert past["lines"]
    assert all(context.catalogue.get(code) for code, _, _ in past["lines"])


async def test_a_month_without_an_order_has_nothing_to_repeat(
    context_of: Callable[[str], Context],
) -> None:
    update = await reads(context_of("sourdough-social"), "same as last month", "reorder")
    assert data_of(update, "past_order")["lines"] == []


async def test_the_standing_says_who_is_on_hold(context_of: Callable[[str], Context]) -> None:
    standing = data_of(await reads(context_of("laksa-lane"), "complain", "complaint"), "standing")
    assert standing["on_hold"]
    assert standing["segment"] == "on hold"
