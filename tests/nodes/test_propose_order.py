import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from langgraph.runtime import Runtime

from graph.clients import Clients
from nodes.call_xero_tools import call_xero_tools
from nodes.propose_order import propose_order
from nodes.state import State
from tests.nodes.conftest import a_state, data_of, kinds, urgent
from tests.tools.conftest import Control
from tools.actions.store import card_hash
from tools.context import Context

MONDAY_MORNING = "2026-11-23T10:30:00+08:00"
ORDER = "200 12 inch boxes for tampines pls"
FORM = """Order form
Outlet: 12 Example Street 4, #01-06, S(510012)
10" Regular Box (100/bundle): 600
12" Medium Box (100/bundle): 200
14" XL Box (50/bundle): 400"""


async def propose(context: Context, text: str, thread_id: str, **more: Any) -> State:
    runtime = Runtime(context=context)
    state = a_state(text, "order", thread_id=thread_id, received_at=MONDAY_MORNING, **more)
    state = {**state, **await call_xero_tools(state, runtime)}
    return await propose_order(state, runtime)


async def card_of(context: Context, text: str, thread_id: str, **more: Any) -> dict[str, Any]:
    card = (await propose(context, text, thread_id, **more))["card"]
    assert card is not None
    return card


async def payload_of(context: Context, card: dict[str, Any]) -> dict[str, Any]:
    row = await context.actions.get(UUID(card["action_id"]), context.caller.customer_id)
    assert row is not None
    async with context.actions.held(row["action_id"]) as ledger:
        assert ledger
        [stored] = await ledger.writes()
    assert card_hash(row["card"], [stored.write]) == card["hash"]
    [document] = json.loads(stored.write.body)["Invoices"]
    return dict(document)


async def test_an_order_becomes_a_priced_card(context: Context, thread_id: str) -> None:
    card = await card_of(context, FORM, thread_id)
    assert [(x["code"], x["pieces"], x["packs"], x["amount"]) for x in card["lines"]] == [
        ("CNP-014-FB-01", 600, 6, "270.00"),
        ("CNP-015-FB-01", 200, 2, "130.00"),
        ("CNP-016-FB-01", 400, 8, "340.00"),
    ]
    assert (card["subtotal"], card["gst"], card["total"]) == ("740.00", "66.60", "806.60")
    assert card["outlet"]["name"] == "Forno Rosso Pasir Ris"
    assert (card["status"], card["document_number"]) == ("proposed", None)


async def test_only_a_buyer_orders(
    context_of: Callable[[str], Context], clients: Clients, thread_id: str
) -> None:
    caller = replace(context_of("forno-rosso").caller, roles=frozenset({"accounts"}))
    update = await propose(clients.context_for(caller), ORDER, thread_id)
    assert data_of(update, "not_permitted") == {"needs": "buyer"}
    assert "card" not in update


async def test_the_delivery_is_the_first_slot_that_can_be_kept(
    context: Context, thread_id: str
) -> None:
    delivery = (await card_of(context, ORDER, thread_id))["delivery"]
    assert date.fromisoformat(delivery["day"]) > date(2026, 11, 23)
    assert delivery["window_text"] == "09:00-12:00"


async def test_a_wish_that_cannot_be_kept_is_noted(context: Context, thread_id: str) -> None:
    card = await card_of(context, f"{ORDER} today", thread_id)
    assert not card["delivery"]["asked_for"]
    assert any("not possible" in note for note in card["notes"])


async def test_the_frozen_bytes_say_what_the_card_says(context: Context, thread_id: str) -> None:
    card = await card_of(context, FORM, thread_id)
    document = await payload_of(context, card)
    assert [document["Contact"]["ContactID"]] == [*context.caller.contact_ids]
    assert (document["Status"], document["LineAmountTypes"]) == ("DRAFT", "Exclusive")
    assert [(x["ItemCode"], x["Quantity"], x["UnitAmount"]) for x in document["LineItems"]] == [
        (x["code"], x["pieces"], float(x["unit_price"])) for x in card["lines"]
    ]
    assert {x["TaxType"] for x in document["LineItems"]} == {"OUTPUTY24"}
    assert {x["AccountCode"] for x in document["LineItems"]} == {context.sales_account}


@pytest.mark.parametrize(("outlet", "payer"), [("simei", 0), ("clementi", 1)])
async def test_the_company_that_pays_for_the_outlet_gets_the_invoice(
    context_of: Callable[[str], Context], thread_id: str, outlet: str, payer: int
) -> None:
    context = context_of("golden-crust")
    card = await card_of(context, f"400 14 inch boxes for {outlet} pls", thread_id)
    document = await payload_of(context, card)
    assert document["Contact"]["ContactID"] == context.caller.contact_ids[payer]


async def test_nothing_is_written_to_the_books(
    context: Context, control: Control, thread_id: str
) -> None:
    before = control.calls("PUT", "/Invoices")
    await propose(context, ORDER, thread_id)
    assert control.calls("PUT", "/Invoices") == before


async def test_a_turn_that_runs_again_shows_the_same_card(context: Context, thread_id: str) -> None:
    run_id = "0f5c64a1-95d7-4c55-b9a7-6a1f0c2c7b10"
    first = await card_of(context, ORDER, thread_id, run_id=run_id)
    assert await card_of(context, ORDER, thread_id, run_id=run_id) == first


async def test_two_turns_make_two_cards(context: Context, thread_id: str) -> None:
    first = await card_of(context, ORDER, thread_id)
    second = await card_of(context, ORDER, thread_id)
    assert first["action_id"] != second["action_id"]
    row = await context.actions.open_of(UUID(thread_id), context.caller.customer_id)
    assert row is not None
    assert str(row["action_id"]) == second["action_id"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("130 pcs of 12 inch boxes to tampines please", "not_whole_packs"),
        ("need 300 boxes for tampines", "ambiguous"),
    ],
)
async def test_what_is_not_certain_is_asked(
    context: Context, thread_id: str, text: str, problem: str
) -> None:
    update = await propose(context, text, thread_id)
    [line] = data_of(update, "order_questions")["lines"]
    assert line["problem"] == problem
    assert "card" not in update


async def test_an_urgent_order_goes_to_a_person_before_it_is_complete(
    context: Context, thread_id: str
) -> None:
    runtime = Runtime(context=context)
    text = "need 12 inch boxes asap"
    state = urgent(a_state(text, "order", thread_id=thread_id, received_at=MONDAY_MORNING))
    state = {**state, **await call_xero_tools(state, runtime)}
    update = await propose_order(state, runtime)
    assert data_of(update, "needs_person")["reason"] == "urgent_order"
    assert data_of(update, "order_questions")["outlets"]
    assert data_of(update, "computed")["result"]["fee"] == "50.00"
    assert "needs_person" not in kinds(await propose(context, "need 12 inch boxes", thread_id))


async def test_an_order_without_an_outlet_asks_which(context: Context, thread_id: str) -> None:
    update = await propose(context, "200 12 inch boxes pls", thread_id)
    assert data_of(update, "order_questions")["outlets"] == [
        "Forno Rosso Pasir Ris",
        "Forno Rosso Tampines",
    ]


async def test_outlets_of_others_are_not_known(context: Context, thread_id: str) -> None:
    update = await propose(context, "200 12 inch boxes for katong outlet pls", thread_id)
    outlets = data_of(update, "order_questions")["outlets"]
    assert outlets
    assert all(name.startswith("Forno Rosso") for name in outlets)


async def test_a_customer_with_one_outlet_need_not_name_it(
    context_of: Callable[[str], Context], thread_id: str
) -> None:
    card = await card_of(context_of("sourdough-social"), "400 12 inch boxes pls", thread_id)
    assert card["outlet"]["name"] == "Sourdough Social Tiong Bahru"


async def test_a_first_order_below_the_minimum_is_not_offered(
    context_of: Callable[[str], Context], thread_id: str
) -> None:
    update = await propose(context_of("sourdough-social"), "100 12 inch boxes pls", thread_id)
    assert data_of(update, "below_minimum") == {"minimum": "200.00"}
    assert "card" not in update


async def test_a_new_customer_is_told_to_pay_before_delivery(
    context_of: Callable[[str], Context], thread_id: str
) -> None:
    card = await card_of(context_of("sourdough-social"), "400 12 inch boxes pls", thread_id)
    assert any("pay before delivery" in note for note in card["notes"])


async def test_an_order_far_above_the_usual_is_pointed_out(
    context: Context, thread_id: str
) -> None:
    card = await card_of(context, "3000 12 inch boxes for tampines pls", thread_id)
    assert any("larger than usual" in note for note in card["notes"])


@pytest.mark.parametrize(
    ("customer_id", "text", "reason"),
    [
        ("laksa-lane", "200 12 inch boxes to katong outlet", "account_on_hold"),
        ("forno-rosso", "10000 12 inch boxes for tampines pls", "quote"),
        ("forno-rosso", f"urgent! {ORDER}", "urgent_order"),
    ],
)
async def test_what_a_person_must_decide_shows_no_card(
    context_of: Callable[[str], Context],
    thread_id: str,
    customer_id: str,
    text: str,
    reason: str,
) -> None:
    update = await propose(context_of(customer_id), text, thread_id)
    assert data_of(update, "needs_person") == {"reason": reason}
    assert "card" not in update


async def test_without_the_books_there_is_no_card(
    context: Context, control: Control, thread_id: str
) -> None:
    control.fault("GET /Items", "unavailable", times=3)
    assert await propose(context, ORDER, thread_id) == {}


async def test_a_card_is_open_for_a_day(context: Context, thread_id: str) -> None:
    now = context.now()
    card = await card_of(replace(context, now=lambda: now), ORDER, thread_id)
    row = await context.actions.get(UUID(card["action_id"]), context.caller.customer_id)
    assert row is not None
    assert (row["expires_at"] - now).total_seconds() == 24 * 3600


# 5.4 case 27
async def test_prices_come_from_the_books_and_not_from_the_message(
    context: Context, thread_id: str
) -> None:
    card = await card_of(context, f"{ORDER} at $0.10 each, total $20", thread_id)
    assert [x["unit_price"] for x in card["lines"]] == ["0.65"]


async def test_no_card_is_shown_while_an_earlier_one_is_being_written(
    context: Context, thread_id: str
) -> None:
    card = await card_of(context, ORDER, thread_id)
    await context.actions.confirm(
        UUID(card["action_id"]), context.caller.customer_id, card["hash"], context.now()
    )
    update = await propose(context, ORDER, thread_id)
    assert kinds(update) == ["still_placing"]
    assert "card" not in update


async def test_the_order_is_kept_for_the_next_message(context: Context, thread_id: str) -> None:
    update = await propose(context, ORDER, thread_id)
    assert set(update) == {"card", "order"}
    order = update["order"]
    assert order is not None
    [line] = order["current"]["lines"]
    assert (line["code"], line["pieces"], order["waiting"]) == ("CNP-015-FB-01", 200, [])


async def test_an_order_that_lacks_something_is_kept_too(context: Context, thread_id: str) -> None:
    update = await propose(context, "200 12 inch boxes pls", thread_id)
    assert data_of(update, "order_questions")["clear"] == [
        {"name": '12" medium pizza box', "pieces": 200}
    ]
    assert update["order"] is not None


async def test_each_outlet_gets_a_card_of_its_own(context: Context, thread_id: str) -> None:
    update = await propose(
        context, "200 12in boxes for tampines and 400 14in boxes for pasir ris", thread_id
    )
    card, order = update["card"], update["order"]
    assert card is not None
    assert order is not None
    assert [x["code"] for x in card["lines"]] == ["CNP-015-FB-01"]
    assert card["outlet"]["name"] == "Forno Rosso Tampines"
    assert card["waiting"] == len(order["waiting"]) == 1
    placed = a_state("yes", "confirm", thread_id=thread_id, received_at=MONDAY_MORNING)
    placed["turn"]["focus"] = {"order": order}
    runtime = Runtime(context=context)
    placed = {**placed, **await call_xero_tools(placed, runtime)}
    second = (await propose_order(placed, runtime))["card"]
    assert second is not None
    assert [x["code"] for x in second["lines"]] == ["CNP-016-FB-01"]
    assert second["outlet"]["name"] == "Forno Rosso Pasir Ris"


async def test_what_is_out_of_stock_is_asked_about(context: Context, thread_id: str) -> None:
    update = await propose(context, "500 cutlery sets and 500 bagasse bowls to tampines", thread_id)
    lines = {x["product"]: x for x in data_of(update, "order_questions")["lines"]}
    assert {x["problem"] for x in lines.values()} == {"out_of_stock"}
    assert sorted(x["suggested_pieces"] for x in lines.values()) == [0, 100]


async def test_the_same_as_last_time_is_priced_at_todays_prices(
    context: Context, thread_id: str
) -> None:
    text = "same as last time for tampines"
    state = a_state(text, "reorder", thread_id=thread_id, received_at=MONDAY_MORNING)
    runtime = Runtime(context=context)
    state = {**state, **await call_xero_tools(state, runtime)}
    card = (await propose_order(state, runtime))["card"]
    assert card is not None
    asked = {code: n for code, n, _ in data_of(state, "past_order")["lines"]}
    assert {x["code"]: x["pieces"] for x in card["lines"] if float(x["unit_price"])} == {
        code: n for code, n in asked.items() if not code.startswith("LIN")
    }


async def test_without_an_earlier_order_there_is_nothing_to_repeat(
    context_of: Callable[[str], Context], thread_id: str
) -> None:
    context = context_of("sourdough-social")
    state = a_state("same as last month", "reorder", thread_id=thread_id)
    runtime = Runtime(context=context)
    state = {**state, **await call_xero_tools(state, runtime)}
    assert kinds(await propose_order(state, runtime)) == ["nothing_to_repeat"]


async def test_a_contact_that_the_order_names_is_on_the_card(
    context: Context, thread_id: str
) -> None:
    text = f"{ORDER}\nContact: Ravi\nMobile: 8000 0099"
    outlet = (await card_of(context, text, thread_id))["outlet"]
    assert (outlet["contact_person"], outlet["mobile"]) == ("Ravi", "8000 0099")


async def test_a_prepaid_order_is_due_on_its_delivery(
    context_of: Callable[[str], Context], thread_id: str
) -> None:
    context = context_of("sourdough-social")
    card = await card_of(context, "400 12 inch boxes pls", thread_id)
    document = await payload_of(context, card)
    assert document["DueDate"] == card["delivery"]["day"]


async def test_a_remote_outlet_pays_its_fee(
    context_of: Callable[[str], Context], thread_id: str
) -> None:
    context = context_of("kopi-collective")
    fact_or_card = await propose(context, "1000 medium kraft bags for sentosa please", thread_id)
    card = fact_or_card["card"]
    assert card is not None
    assert [fee["amount"] for fee in card["fees"]] == ["30.00"]
    assert card["subtotal"] == "140.00"
