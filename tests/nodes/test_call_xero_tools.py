from collections.abc import Callable
from uuid import UUID

import pytest
from langgraph.runtime import Runtime

from nodes.call_xero_tools import BY_WANT, PLAN, call_xero_tools
from nodes.state import Intent, State
from tests.nodes.conftest import a_state, data_of, kinds, naming
from tests.tools.conftest import Control
from tools.context import Context
from tools.conversations import Conversations
from tools.understanding.wants import WANTS, Want
from tools.xero.limits import Busy


async def read(context: Context, text: str, *intents: Intent, documents: str = "") -> State:
    state = naming(a_state(text, *intents), "document", *documents.split())
    conversations = Conversations(context.links._pool)
    await conversations.create(UUID(state["turn"]["thread_id"]), context.caller.customer_id, {})
    return await call_xero_tools(state, Runtime(context=context))


async def read_wanting(context: Context, want: Want, intent: Intent, *documents: str) -> State:
    state = naming(a_state("hm", intent), "document", *documents)
    conversations = Conversations(context.links._pool)
    await conversations.create(UUID(state["turn"]["thread_id"]), context.caller.customer_id, {})
    state["understanding"]["wants"] = [want]
    return await call_xero_tools(state, Runtime(context=context))


@pytest.mark.parametrize(
    ("intent", "expected"),
    [
        ("balance", ["balance"]),
        ("invoice", ["documents"]),
        ("payment", ["payments"]),
        ("product", ["products"]),
        ("order", ["prices", "sales_tax", "standing"]),
        ("complaint", ["standing"]),
        ("confirm", []),
        ("reorder", ["past_order", "prices", "sales_tax", "standing"]),
        ("price", ["products"]),
        ("stock", ["products"]),
        ("statement", ["downloads", "statement"]),
        ("order_status", ["documents", "orders"]),
        ("order_change", ["prices", "sales_tax", "standing"]),
        ("order_cancel", ["prices", "sales_tax", "standing"]),
        ("quote", ["prices", "sales_tax", "standing"]),
        ("credit", ["credit_notes", "standing"]),
        ("decline", []),
        ("policy", ["standing"]),
        ("small_talk", []),
    ],
)
async def test_each_intent_has_its_reads(
    context: Context, intent: Intent, expected: list[str]
) -> None:
    assert kinds(await read(context, "hm", intent)) == expected


@pytest.mark.parametrize(
    ("want", "intent", "expected"),
    [
        ("overdue", "balance", ["balance"]),
        ("received", "payment", ["payments"]),
        ("has_paid", "payment", []),
        ("how_to_pay", "payment", ["how_to_pay"]),
        ("email_it", "invoice", []),
        ("differs", "statement", ["differences"]),
        ("tax", "invoice", ["documents", "tax"]),
        ("credit_left", "credit", ["credit_notes", "standing"]),
        ("quote_valid", "quote", ["quotes"]),
        ("accept_quote", "quote", ["prices", "sales_tax", "standing"]),
        ("when_delivered", "order_status", ["documents", "orders"]),
        ("all_documents", "invoice", ["balance", "documents", "downloads"]),
    ],
)
async def test_a_finer_wish_has_its_own_reads(
    context: Context, want: Want, intent: Intent, expected: list[str]
) -> None:
    assert kinds(await read_wanting(context, want, intent)) == expected


def test_every_wish_is_read_for_or_left_to_an_action() -> None:
    by_actions = {"email_it", "has_paid", "apply_credit"}
    assert set(WANTS) == set(BY_WANT) | by_actions
    assert not set(BY_WANT) & by_actions


def test_every_read_of_the_plan_is_there_once() -> None:
    names = [read.__name__ for reads in (*PLAN.values(), *BY_WANT.values()) for read in reads]
    assert all(name.startswith("read_") for name in names)


async def test_only_the_first_question_about_rules_asks_who_it_is(context: Context) -> None:
    history = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "Hello Mei"}]
    state = a_state("what is your cutoff?", "policy", history=history)
    assert kinds(await call_xero_tools(state, Runtime(context=context))) == []


@pytest.mark.parametrize("fault", ["unavailable", "ignore_filters"])
async def test_who_it_is_may_stay_unknown(context: Context, control: Control, fault: str) -> None:
    control.fault("GET /Invoices", fault, times=9)
    assert kinds(await read(context, "what is your cutoff?", "policy")) == []


async def test_a_document_number_is_looked_up_whatever_the_intent(
    context: Context, control: Control
) -> None:
    sales = control.sales(context.caller.contact_ids)
    number = next(i["InvoiceNumber"] for i in sales if i["Status"] == "PAID")
    update = await read(context, "crushed", "complaint", documents=number)
    assert kinds(update) == ["documents", "standing"]
    assert data_of(update, "documents")["found"][0]["number"] == number


@pytest.mark.parametrize(
    ("number", "kind"), [("CN-999999", "credit_notes"), ("QU-999999", "quotes")]
)
async def test_the_number_says_where_to_look(context: Context, number: str, kind: str) -> None:
    update = await read(context, "show it", "invoice", documents=number)
    assert data_of(update, "documents") == {"found": [], "missing_count": 0}
    assert data_of(update, kind)["missing_count"] == 1


async def test_an_answer_to_a_card_looks_nothing_up(context: Context) -> None:
    assert kinds(await read(context, "yes", "confirm", documents="INV-999999")) == []


async def test_a_yes_reads_for_the_part_of_the_order_that_follows(context: Context) -> None:
    state = a_state("yes", "confirm", focus={"order": {"current": {}, "waiting": [{}]}})
    update = await call_xero_tools(state, Runtime(context=context))
    assert kinds(update) == ["prices", "sales_tax", "standing"]


async def test_reads_that_several_intents_share_are_done_once(
    context: Context,
) -> None:
    update = await read(context, "hm", "order", "reorder", "complaint")
    assert kinds(update) == ["past_order", "prices", "sales_tax", "standing"]


async def test_books_that_are_away_are_said_so_once_and_the_rest_is_read(
    context_of: Callable[[str], Context], control: Control
) -> None:
    context = context_of("green-bowl-orchard")
    control.fault("GET /CreditNotes", "unavailable", times=9)
    update = await read(context, "hm", "product", "credit", "balance")
    assert "products" in kinds(update)
    assert data_of(update, "unavailable") == {"part": "accounts"}


class Crowded:
    """Books that others are reading just now."""

    async def payments(self, *_: object) -> None:
        raise Busy("minute limit")


async def test_books_that_are_busy_are_said_to_be(context: Context) -> None:
    there = Context(**{**vars(context), "accounts": Crowded()})
    update = await read(there, "our payments", "payment")
    assert data_of(update, "unavailable") == {"part": "accounts", "is_busy": True}


async def test_nothing_of_an_answer_with_a_foreign_document_is_used(
    context: Context, control: Control
) -> None:
    control.fault("GET /Invoices", "ignore_filters")
    update = await call_xero_tools(a_state("what do I owe?", "balance"), Runtime(context=context))
    assert kinds(update) == ["unavailable"]


async def test_facts_hold_nothing_a_checkpoint_or_prompt_should_not(context: Context) -> None:
    update = await read(context, "hm", "balance", "payment", "order", "product", "credit")
    assert not any(contact in str(update) for contact in context.caller.contact_ids)
    assert "Decimal" not in repr(update)
    assert "datetime" not in repr(update)
