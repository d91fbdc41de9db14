from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from langgraph.runtime import Runtime

from graph.clients import Clients
from nodes.call_xero_tools import call_xero_tools
from nodes.commit_action import commit_action
from nodes.confirm_action import confirm_action
from nodes.propose_order import propose_order
from nodes.state import Intent, State
from tests.nodes.conftest import a_state, data_of, kinds
from tests.tools.conftest import Control
from tools.context import Context
from tools.database import Pool, fetch_one

ORDER = "200 12 inch boxes for tampines pls"
PAST = '{"delivery": {"day": "2026-01-06", "window": "morning", "window_text": "09:00-12:00"}}'


async def a_card(context: Context, thread_id: str) -> dict[str, Any]:
    """A card of an order that waits for its answer."""
    runtime = Runtime(context=context)
    state = a_state(ORDER, "order", thread_id=thread_id, received_at=context.now().isoformat())
    state = {**state, **await call_xero_tools(state, runtime)}
    update = await propose_order(state, runtime)
    assert update["card"]
    return update["card"]


async def answer(
    context: Context, card: dict[str, Any] | None, intent: Intent = "confirm", **more: Any
) -> State:
    """What the two nodes make of a yes or no to the card."""
    shown = card and {"action_id": card["action_id"], "hash": card["hash"]}
    row = (
        await context.actions.get(UUID(card["action_id"]), context.caller.customer_id)
        if card
        else None
    )
    turn = {
        "open_card": shown,
        "received_at": context.now().isoformat(),
        "thread_id": str(row["thread_id"]) if row else str(UUID(int=0)),
    }
    state = a_state("yes", intent, **(turn | more))
    runtime = Runtime(context=context)
    state = {**state, **await call_xero_tools(state, runtime)}
    return await carried_out(state, runtime)


async def carried_out(state: State, runtime: Runtime[Context]) -> State:
    """The yes, and the write where it leads to one."""
    update = await confirm_action(state, runtime)
    return await commit_action({**state, **update}, runtime) if "action" in update else update


async def stored(context: Context, card: dict[str, Any]) -> dict[str, Any]:
    row = await context.actions.get(UUID(card["action_id"]), context.caller.customer_id)
    assert row is not None
    return row


async def written(context: Context, control: Control, card: dict[str, Any]) -> int:
    """How many documents stand in the books under the card's number."""
    number = (await stored(context, card))["document_number"]
    return sum(i["InvoiceNumber"] == number for i in control.invoices())


async def test_a_yes_writes_the_document_that_was_shown(
    context: Context, control: Control, thread_id: str
) -> None:
    card = await a_card(context, thread_id)
    update = await answer(context, card)
    row = await stored(context, card)
    [document] = [i for i in control.invoices() if i["InvoiceNumber"] == row["document_number"]]
    assert data_of(update, "committed")["number"] == row["document_number"]
    assert row["status"] == "committed"
    assert (document["Status"], f"{document['Total']:.2f}") == ("DRAFT", card["total"])
    assert document["Contact"]["ContactID"] in context.caller.contact_ids
    assert update["card"] == card | {
        "status": "committed",
        "document_number": row["document_number"],
    }


# 5.4 case 28
async def test_running_again_after_the_write_writes_nothing_more(
    context: Context, control: Control, thread_id: str
) -> None:
    card = await a_card(context, thread_id)
    first = await answer(context, card)
    again = await answer(context, card)
    assert again == first
    assert await written(context, control, card) == 1


# 5.4 case 28
async def test_a_worker_that_died_after_the_write_is_resumed_without_a_second_document(
    context: Context, control: Control, thread_id: str
) -> None:
    card = await a_card(context, thread_id)
    row = await context.actions.confirm(
        UUID(card["action_id"]), context.caller.customer_id, card["hash"], context.now()
    )
    assert row is not None
    # The write arrived, but nobody lived to note it.
    async with context.actions.held(row["action_id"]) as ledger:
        assert ledger
        [write] = await ledger.writes()
        await context.books.send(write.write, "another key")
    update = await answer(context, card)
    assert kinds(update) == ["committed"]
    assert await written(context, control, card) == 1


@pytest.mark.parametrize("mode", ["drop_after_commit", "error_after_commit"])
async def test_a_write_whose_answer_is_lost_is_found_and_not_repeated(
    context: Context, control: Control, thread_id: str, mode: str
) -> None:
    card = await a_card(context, thread_id)
    control.fault("PUT /Invoices", mode)
    update = await answer(context, card)
    assert kinds(update) == ["committed"]
    assert await written(context, control, card) == 1


async def test_a_write_that_nobody_can_account_for_goes_to_a_person(
    context: Context, control: Control, thread_id: str
) -> None:
    card = await a_card(context, thread_id)
    control.fault("PUT /Invoices", "html_error")
    update = await answer(context, card)
    assert data_of(update, "needs_person") == {"reason": "unknown_outcome"}
    assert (await stored(context, card))["status"] == "confirmed"


async def test_a_write_that_was_turned_away_can_be_confirmed_again(
    context: Context, control: Control, thread_id: str
) -> None:
    card = await a_card(context, thread_id)
    control.fault("PUT /Invoices", "rate_limit")
    assert kinds(await answer(context, card)) == ["not_written"]
    assert await written(context, control, card) == 0
    assert kinds(await answer(context, card)) == ["committed"]
    assert await written(context, control, card) == 1


async def test_a_no_lets_the_card_go(context: Context, control: Control, thread_id: str) -> None:
    card = await a_card(context, thread_id)
    assert kinds(await answer(context, card, "decline")) == ["declined"]
    assert (await stored(context, card))["status"] == "declined"
    assert kinds(await answer(context, card)) == ["card_gone"]
    assert await written(context, control, card) == 0


async def test_a_yes_without_a_card_places_nothing(context: Context) -> None:
    assert kinds(await answer(context, None)) == ["card_gone"]


async def test_a_yes_to_a_changed_card_places_nothing(
    context: Context, control: Control, thread_id: str
) -> None:
    card = await a_card(context, thread_id)
    update = await answer(context, card | {"hash": "another hash"})
    assert kinds(update) == ["card_gone"]
    assert await written(context, control, card) == 0


async def test_the_card_of_somebody_else_cannot_be_confirmed(
    context: Context, control: Control, thread_id: str
) -> None:
    card = await a_card(context, thread_id)
    stranger = replace(context, caller=replace(context.caller, customer_id="somebody else"))
    update = await answer(stranger, card)
    assert kinds(update) == ["card_gone"]
    assert "card" not in update
    assert await written(context, control, card) == 0


async def test_the_card_of_somebody_else_cannot_be_declined(
    context: Context, thread_id: str
) -> None:
    card = await a_card(context, thread_id)
    stranger = replace(context, caller=replace(context.caller, customer_id="somebody else"))
    assert kinds(await answer(stranger, card, "decline")) == ["card_gone"]
    assert (await stored(context, card))["status"] == "proposed"


async def test_a_no_comes_too_late_for_a_write_that_is_under_way(
    context: Context, control: Control, thread_id: str
) -> None:
    card = await a_card(context, thread_id)
    control.fault("PUT /Invoices", "rate_limit")
    await answer(context, card)
    assert "declined" not in kinds(await answer(context, card, "decline"))
    assert (await stored(context, card))["status"] == "confirmed"


@pytest.mark.parametrize("path", ["/Invoices", "/Items"])
async def test_a_yes_while_the_books_are_away_is_kept_and_places_nothing(
    context: Context, control: Control, thread_id: str, path: str
) -> None:
    card = await a_card(context, thread_id)
    control.fault(f"GET {path}", "unavailable", times=30)
    update = await answer(context, card)
    assert kinds(update) == ["not_written"]
    assert (await stored(context, card))["status"] == "confirmed"
    assert await written(context, control, card) == 0
    control.fault(f"GET {path}", "unavailable", times=0)
    assert kinds(await answer(context, card)) == ["committed"]


async def test_the_button_counts_and_not_the_card_that_happens_to_be_open(
    context: Context, thread_id: str
) -> None:
    first = await a_card(context, thread_id)
    second = await a_card(context, thread_id)
    decision = {"action_id": first["action_id"], "hash": first["hash"], "decision": "confirm"}
    update = await answer(context, second, decision=decision)
    assert kinds(update) == ["card_gone"]
    assert (await stored(context, second))["status"] == "proposed"


# 5.4 case 43
@pytest.mark.parametrize(
    "then", ['{"lines": [{"code": "CNP-015-FB-01", "pieces": 200, "unit_price": "0.60"}]}', PAST]
)
async def test_a_card_whose_price_or_slot_has_gone_is_not_written(
    context: Context, clients: Clients, control: Control, thread_id: str, then: str
) -> None:
    card = await a_card(context, thread_id)
    await fetch_one(
        clients.pool,
        "update actions set card = card || %s::jsonb where action_id = %s returning 1",
        [then, card["action_id"]],
    )
    update = await answer(context, card)
    assert kinds(update) == ["card_outdated"]
    assert (await stored(context, card))["status"] == "expired"
    assert await written(context, control, card) == 0


async def test_a_card_that_has_run_out_is_gone(
    context: Context, control: Control, thread_id: str
) -> None:
    card = await a_card(context, thread_id)
    later = context.now() + timedelta(hours=25)
    update = await answer(replace(context, now=lambda: later), card)
    assert kinds(update) == ["card_gone"]
    assert await written(context, control, card) == 0


async def test_a_document_whose_total_differs_goes_to_a_person(
    context: Context, clients: Clients, thread_id: str
) -> None:
    card = await a_card(context, thread_id)
    await _change_total(clients.pool, card["action_id"])
    update = await answer(context, card)
    assert data_of(update, "needs_person") == {"reason": "total_differs"}
    assert (await stored(context, card))["status"] == "failed"


async def test_a_document_that_xero_refuses_goes_to_a_person(
    context: Context, clients: Clients, control: Control, thread_id: str
) -> None:
    card = await a_card(context, thread_id)
    await fetch_one(
        clients.pool,
        "update action_writes set body = %s where action_id = %s returning action_id",
        [b'{"Invoices":[{"Type":"ACCREC"}]}', card["action_id"]],
    )
    update = await answer(context, card)
    assert data_of(update, "needs_person") == {"reason": "write_refused"}
    row = await stored(context, card)
    assert (row["status"], await written(context, control, card)) == ("failed", 0)


async def _change_total(pool: Pool, action_id: str) -> None:
    """The card shows another total than its bytes will make."""
    await fetch_one(
        pool,
        'update actions set card = card || \'{"total": "1.00"}\' where action_id = %s'
        " returning action_id",
        [action_id],
    )
