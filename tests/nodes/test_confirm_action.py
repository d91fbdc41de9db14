from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from langgraph.runtime import Runtime

from graph.clients import Clients
from nodes.confirm_action import confirm_action
from nodes.state import Intent, State
from tests.nodes.conftest import a_state, data_of, kinds
from tools.actions.store import Proposal, card_hash
from tools.context import Context

CARD = {"title": "A card", "total": "1.00"}


async def a_card(context: Context, thread_id: str, level: int | None = None) -> dict[str, str]:
    proposal = Proposal(
        action_id=uuid4(),
        thread_id=UUID(thread_id),
        customer_id=context.caller.customer_id,
        kind="email",
        card=CARD,
        writes=(),
        document_number=await context.actions.next_number(),
        expires_at=context.now() + timedelta(hours=1),
        approval_level=level,
    )
    await context.actions.propose(proposal)
    return {"action_id": str(proposal.action_id), "hash": card_hash(CARD, ())}


async def answered(
    context: Context, card: dict[str, Any] | None, thread_id: str, intent: Intent = "confirm"
) -> State:
    state = a_state("yes", intent, open_card=card, thread_id=thread_id)
    return await confirm_action(state, Runtime(context=context))


async def status_of(context: Context, card: dict[str, str]) -> str:
    row = await context.actions.get(UUID(card["action_id"]), context.caller.customer_id)
    assert row
    return str(row["status"])


async def test_a_yes_is_kept_and_leads_to_the_write(context: Context, thread_id: str) -> None:
    card = await a_card(context, thread_id)
    assert await answered(context, card, thread_id) == {"action": {"action_id": card["action_id"]}}
    assert await status_of(context, card) == "confirmed"


async def test_where_a_person_must_agree_nothing_follows_yet(
    context: Context, thread_id: str
) -> None:
    card = await a_card(context, thread_id, level=3)
    update = await answered(context, card, thread_id)
    assert kinds(update) == ["awaiting_approval", "needs_person"]
    assert data_of(update, "needs_person") == {"reason": "approval", "level": 3}
    assert update["card"] is not None
    assert (update["card"]["status"], update["card"]["document_number"]) == ("confirmed", None)


async def test_a_no_lets_the_card_go(context: Context, thread_id: str) -> None:
    card = await a_card(context, thread_id)
    assert kinds(await answered(context, card, thread_id, "decline")) == ["declined"]
    assert await status_of(context, card) == "declined"


# 5.4 case 42
@pytest.mark.parametrize("intent", ["confirm", "decline"])
async def test_nobody_else_can_answer_a_card(
    context: Context, thread_id: str, intent: Intent
) -> None:
    card = await a_card(context, thread_id)
    stranger = replace(context, caller=replace(context.caller, customer_id="somebody else"))
    assert kinds(await answered(stranger, card, thread_id, intent)) == ["card_gone"]
    assert await status_of(context, card) == "proposed"


async def test_a_card_belongs_to_its_conversation(context: Context, thread_id: str) -> None:
    card = await a_card(context, thread_id)
    assert kinds(await answered(context, card, str(uuid4()))) == ["card_gone"]


async def test_without_a_card_there_is_nothing_to_answer(context: Context, thread_id: str) -> None:
    assert kinds(await answered(context, None, thread_id)) == ["card_gone"]


async def test_a_yes_needs_the_right_that_its_card_needed(
    clients: Clients, context: Context, thread_id: str
) -> None:
    card = await a_card(context, thread_id)
    visitor = clients.context_for(replace(context.caller, roles=frozenset({"visitor"})))
    assert kinds(await answered(visitor, card, thread_id)) == ["not_permitted"]
    assert await status_of(context, card) == "proposed"


async def test_a_bare_yes_after_another_question_is_asked_about_once_more(
    context: Context, thread_id: str
) -> None:
    card: dict[str, Any] = await a_card(context, thread_id)
    update = await answered(context, card | {"is_asked": False}, thread_id)
    assert update["card"] is not None
    assert (update["card"]["status"], kinds(update)) == ("proposed", [])
    assert await status_of(context, card) == "proposed"


async def test_a_card_that_was_declined_is_not_open_any_more(
    context: Context, thread_id: str
) -> None:
    card = await a_card(context, thread_id)
    await answered(context, card, thread_id, "decline")
    assert kinds(await answered(context, card, thread_id)) == ["card_gone"]
    assert await status_of(context, card) == "declined"


async def test_a_button_pressed_twice_on_a_waiting_card_changes_nothing(
    context: Context, thread_id: str
) -> None:
    card = await a_card(context, thread_id, level=2)
    await answered(context, card, thread_id)
    before = await context.actions.get(UUID(card["action_id"]), context.caller.customer_id)
    assert kinds(await answered(context, card, thread_id)) == ["already_noted"]
    after = await context.actions.get(UUID(card["action_id"]), context.caller.customer_id)
    assert before is not None
    assert after is not None
    assert before["run_id"] == after["run_id"]


async def test_a_further_yes_is_told_how_its_card_ended(context: Context, thread_id: str) -> None:
    card = await a_card(context, thread_id)
    await answered(context, card, thread_id)
    await context.actions.settle(UUID(card["action_id"]), "committed")
    state = a_state("yes", "confirm", thread_id=thread_id, focus={"answered": card})
    update = await confirm_action(state, Runtime(context=context))
    assert (kinds(update), update.get("card")) == (["committed"], None)
