from collections.abc import Callable

import pytest
from langgraph.runtime import Runtime

from nodes.call_xero_tools import call_xero_tools
from tests.nodes.conftest import a_state, data_of, kinds, naming
from tests.tools.conftest import Control
from tools.context import Context
from tools.sandbox.company import demo_customers

ASKED = "which ones did you send us in september"
SEPTEMBER = {"state": "paid", "from_date": "2026-09-01", "to_date": "2026-09-30"}
PICK = {"name": "list_invoices", "arguments": SEPTEMBER}
VICTIM = demo_customers()[1]


async def test_a_model_picks_what_no_plan_reads(with_model: Context, control: Control) -> None:
    control.model("echo", picks=[PICK])
    update = await call_xero_tools(a_state(ASKED, "invoice"), Runtime(context=with_model))
    found = data_of(update, "documents")["found"]
    assert found
    assert all(entry["date"].startswith("2026-09") for entry in found)
    assert [call["purpose"] for call in update["spent"]] == ["call_xero_tools"] * 2


async def test_what_the_plan_finds_asks_no_model(with_model: Context, control: Control) -> None:
    before = control.model_calls()
    await call_xero_tools(a_state("what do I owe?", "balance"), Runtime(context=with_model))
    missing = naming(a_state("show me INV-999999", "invoice"), "document", "INV-999999")
    await call_xero_tools(missing, Runtime(context=with_model))
    await call_xero_tools(a_state("hello", "small_talk"), Runtime(context=with_model))
    assert control.model_calls() == before


async def test_a_model_that_picks_nothing_leaves_it_as_it_was(
    with_model: Context, context: Context
) -> None:
    state = a_state(ASKED, "invoice")
    alone = await call_xero_tools(state, Runtime(context=context))
    assert kinds(await call_xero_tools(state, Runtime(context=with_model))) == kinds(alone)


@pytest.mark.parametrize("attack", ["foreign_number", "foreign_id", "filter_text", "mixed"])
async def test_a_model_that_was_talked_round_reads_nothing_foreign(
    with_model: Context,
    context_of: Callable[[str], Context],
    control: Control,
    attack: str,
) -> None:
    control.model("echo", attack=attack, victim=VICTIM.contact_ids[0])
    theirs = await context_of(VICTIM.customer_id).accounts.invoices()
    update = await call_xero_tools(a_state(ASKED, "invoice"), Runtime(context=with_model))
    # What it asked for in vain is kept beside what was found, for those who look into the turn.
    assert [call for call in update.pop("calls") if call["kind"] == "pick"] or attack
    written = str(update)
    assert not [i for i in theirs if i.invoice_number and i.invoice_number in written]
    assert VICTIM.contact_ids[0] not in written
