from typing import Any
from uuid import UUID, uuid4

import pytest
from langgraph.runtime import Runtime

from nodes.report_outcome import report_outcome
from nodes.state import State
from tests.nodes.conftest import a_turn, data_of, kinds
from tests.nodes.test_confirm_action import a_card
from tools.actions.store import End
from tools.context import Context


async def told(context: Context, notice: dict[str, Any], **focus: str) -> State:
    state: State = {"turn": a_turn("", notice=notice, focus=focus)}
    return await report_outcome(state, Runtime(context=context))


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("committed", ["committed"]),
        ("declined", ["not_approved"]),
        ("expired", ["lapsed"]),
        ("failed", ["failed_action", "needs_person"]),
        ("cancelled", []),
    ],
)
async def test_the_end_of_a_card_is_told_from_what_is_stored(
    context: Context, thread_id: str, end: End, expected: list[str]
) -> None:
    card = await a_card(context, thread_id)
    await context.actions.settle(UUID(card["action_id"]), end, error="total_differs: 2.00")
    update = await told(context, {"kind": "action", "action_id": card["action_id"]})
    assert kinds(update) == expected
    assert update["card"] is not None
    assert update["card"]["status"] == end


async def test_the_card_of_somebody_else_is_not_told(context: Context) -> None:
    assert kinds(await told(context, {"kind": "action", "action_id": str(uuid4())})) == []


async def test_a_payment_is_told_as_the_books_show_it(context: Context) -> None:
    payment = {"amount": "49.05", "invoice": "INV-1", "date": "2026-11-27", "amount_due": "0.00"}
    update = await told(context, {"kind": "payment", "payment": payment})
    assert data_of(update, "payment_received") == payment


async def test_it_speaks_the_language_of_the_conversation(context: Context) -> None:
    notice = {"kind": "payment", "payment": {}}
    assert (await told(context, notice, language="zh"))["screened"]["language"] == "zh"
    assert (await told(context, notice))["screened"]["language"] == "en"
