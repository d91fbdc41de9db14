from collections.abc import Callable
from decimal import Decimal

import pytest
from langgraph.runtime import Runtime

from nodes.call_xero_tools import LISTED, call_xero_tools
from nodes.state import Intent, State
from tests.conftest import customer
from tests.nodes.conftest import a_state, data_of, kinds, naming
from tests.tools.conftest import Control
from tools.context import Context
from tools.errors import ForeignDocument

LATE_PAYER = "laksa-lane"


async def read(context: Context, text: str, *intents: Intent, documents: str = "") -> State:
    state = naming(a_state(text, *intents), "document", *documents.split())
    return await call_xero_tools(state, Runtime(context=context))


def own(control: Control, context: Context, status: str) -> list[str]:
    sales = control.sales(context.caller.contact_ids)
    return [i["InvoiceNumber"] for i in sales if i["Status"] == status]


@pytest.mark.parametrize(
    ("intent", "expected"),
    [
        ("balance", ["balance"]),
        ("invoice", ["documents"]),
        ("payment", ["payments"]),
        ("product", ["products"]),
        ("order", ["prices", "sales_tax", "standing"]),
        ("complaint", ["standing"]),
        ("confirm", ["prices", "sales_tax", "standing"]),
        ("reorder", ["past_order", "prices", "sales_tax", "standing"]),
        ("price", ["products"]),
        ("stock", ["products"]),
        ("statement", ["balance", "payments"]),
        ("order_status", ["documents", "orders"]),
        ("decline", []),
        ("policy", []),
        ("small_talk", []),
    ],
)
async def test_each_intent_has_its_reads(
    context: Context, intent: Intent, expected: list[str]
) -> None:
    assert kinds(await read(context, "hm", intent)) == expected


async def test_the_balance_is_the_sum_of_the_open_invoices(
    context_of: Callable[[str], Context], control: Control
) -> None:
    context = context_of(LATE_PAYER)
    balance = data_of(await read(context, "owe?", "balance"), "balance")
    unpaid = [i for i in control.sales(context.caller.contact_ids) if i["Status"] == "AUTHORISED"]
    assert Decimal(balance["outstanding"]) == sum(Decimal(str(i["AmountDue"])) for i in unpaid)
    assert balance["open_count"] == len(unpaid)
    assert 0 < Decimal(balance["overdue"]) <= Decimal(balance["outstanding"])
    assert balance["as_of"] == context.now().date().isoformat()


@pytest.mark.parametrize("who", ["forno-rosso", "metro-meals"])
async def test_a_long_list_is_cut_and_says_how_many_more(
    context_of: Callable[[str], Context], who: str
) -> None:
    balance = data_of(await read(context_of(who), "owe?", "balance"), "balance")
    assert len(balance["listed"]) <= LISTED
    assert len(balance["listed"]) + balance["more_count"] == balance["open_count"]


async def test_days_overdue_are_counted_for_unpaid_invoices_only(
    context_of: Callable[[str], Context], control: Control
) -> None:
    context = context_of(LATE_PAYER)
    numbers = f"{own(control, context, 'AUTHORISED')[0]} {own(control, context, 'PAID')[0]}"
    found = data_of(await read(context, "hm", "invoice", documents=numbers), "documents")["found"]
    late = {i["status"]: i["days_overdue"] for i in found}
    assert late["authorised"] > 0
    assert late["paid"] == 0


async def test_an_invoice_of_somebody_else_is_like_one_that_does_not_exist(
    context: Context, context_of: Callable[[str], Context], control: Control
) -> None:
    foreign = own(control, context_of(LATE_PAYER), "AUTHORISED")[0]
    asked = await read(context, "show it", "invoice", documents=foreign)
    missing = await read(context, "show it", "invoice", documents="INV-999999")
    assert asked == missing
    assert data_of(asked, "documents") == {"found": [], "missing_count": 1}


async def test_a_document_number_is_looked_up_whatever_the_intent(
    context: Context, control: Control
) -> None:
    number = own(control, context, "PAID")[0]
    update = await read(context, "crushed", "complaint", documents=number)
    assert kinds(update) == ["documents", "standing"]
    assert data_of(update, "documents")["found"][0]["number"] == number


async def test_payments_name_the_invoice_they_settle(context: Context, control: Control) -> None:
    listed = data_of(await read(context, "paid?", "payment"), "payments")["listed"]
    booked = {i["InvoiceNumber"] for i in control.sales(customer().contact_ids)}
    assert 0 < len(listed) <= LISTED
    assert {p["invoice"] for p in listed} <= booked


async def test_a_product_is_priced_from_the_books(context: Context) -> None:
    state = naming(a_state("how much is it", "price"), "product", "CNP-015-FB-01")
    update = await call_xero_tools(state, Runtime(context=context))
    [product] = data_of(update, "products")["listed"]
    assert (product["code"], product["price"]) == ("CNP-015-FB-01", "0.65")
    assert (product["pack_size"], product["pack_price"]) == (100, "65.00")
    assert product["on_hand"] > 0


async def test_the_whole_price_list_can_be_asked_for(context: Context) -> None:
    update = await read(context, "send me your price list", "price")
    assert len(data_of(update, "products")["listed"]) == len(context.catalogue.products)


async def test_a_message_that_points_asks_for_what_was_spoken_of(
    context: Context, control: Control
) -> None:
    first, second, *_ = own(control, context, "PAID")
    focus = {"documents": [first], "listed": [first, second], "products": ["TRI-001-TR-01"]}
    state = a_state("and the other one?", "invoice", focus=focus)
    update = await call_xero_tools(state, Runtime(context=context))
    assert [i["number"] for i in data_of(update, "documents")["found"]] == [second]
    state = a_state("how much is it?", "price", focus=focus)
    update = await call_xero_tools(state, Runtime(context=context))
    assert [p["code"] for p in data_of(update, "products")["listed"]] == ["TRI-001-TR-01"]


async def test_an_earlier_order_is_read_as_codes_and_pieces(context: Context) -> None:
    past = data_of(await read(context, "same as last time", "reorder"), "past_order")
    assert past["number"]
    assert past["pieces"]
    assert all(context.catalogue.get(code) for code in past["pieces"])


async def test_a_month_without_an_order_has_nothing_to_repeat(
    context_of: Callable[[str], Context],
) -> None:
    update = await read(context_of("sourdough-social"), "same as last month", "reorder")
    assert data_of(update, "past_order")["pieces"] == {}


async def test_reads_that_several_intents_share_are_done_once(
    context: Context, control: Control
) -> None:
    before = control.calls("GET", "/Items")
    update = await read(context, "hm", "order", "confirm", "complaint")
    assert kinds(update) == ["prices", "sales_tax", "standing"]
    assert control.calls("GET", "/Items") == before + 1


async def test_books_that_are_away_are_said_so_and_the_rest_is_read(
    context: Context, control: Control
) -> None:
    control.fault("GET /Payments", "unavailable", times=3)
    update = await read(context, "hm", "payment", "balance")
    assert kinds(update) == ["balance", "unavailable"]
    assert data_of(update, "unavailable") == {"part": "accounts"}


async def test_a_foreign_document_ends_the_turn(context: Context, control: Control) -> None:
    control.fault("GET /Invoices", "ignore_filters")
    with pytest.raises(ForeignDocument):
        await read(context, "owe?", "balance")


async def test_facts_hold_nothing_a_checkpoint_or_prompt_should_not(context: Context) -> None:
    update = await read(context, "hm", "balance", "payment", "order", "product")
    assert not any(contact in str(update) for contact in context.caller.contact_ids)
    assert "Decimal" not in repr(update)
    assert "datetime" not in repr(update)
