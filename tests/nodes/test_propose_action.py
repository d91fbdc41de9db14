from uuid import UUID, uuid4

from langgraph.runtime import Runtime

from nodes.call_xero_tools import call_xero_tools
from nodes.propose_action import propose_action
from nodes.state import State
from tests.nodes.conftest import a_state, data_of
from tests.tools.conftest import Control
from tools.actions.store import card_hash
from tools.context import Context
from tools.xero.writes import Write

ASKED = "quote for 20,000 12 inch boxes please"


async def propose(context: Context, text: str, thread_id: str, run_id: str | None = None) -> State:
    runtime = Runtime(context=context)
    state = a_state(text, "quote", thread_id=thread_id, run_id=run_id or str(uuid4()))
    state = {**state, **await call_xero_tools(state, runtime)}
    return await propose_action(state, runtime)


async def test_a_card_is_kept_with_the_bytes_that_a_yes_will_send(
    context: Context, thread_id: str
) -> None:
    card = (await propose(context, ASKED, thread_id))["card"]
    assert card is not None
    row = await context.actions.get(UUID(card["action_id"]), context.caller.customer_id)
    assert row is not None
    assert (row["status"], row["kind"], row["hash"]) == ("proposed", "quote", card["hash"])
    async with context.actions.held(row["action_id"]) as ledger:
        assert ledger is not None
        writes: list[Write] = [stored.write for stored in await ledger.writes()]
    assert card_hash(row["card"], writes) == card["hash"]
    assert [write.operation for write in writes] == ["create_quote"]


async def test_a_turn_that_runs_again_shows_the_same_card(context: Context, thread_id: str) -> None:
    run_id = str(uuid4())
    first = await propose(context, ASKED, thread_id, run_id)
    assert await propose(context, ASKED, thread_id, run_id) == first


async def test_where_there_is_no_card_the_facts_say_why(context: Context, thread_id: str) -> None:
    update = await propose(context, "quote for 100 12 inch boxes", thread_id)
    assert data_of(update, "quote_too_small")["pieces"] == 100
    assert "card" not in update


async def test_nothing_is_written_to_the_books(
    context: Context, control: Control, thread_id: str
) -> None:
    before = control.calls("PUT", "/Quotes")
    await propose(context, ASKED, thread_id)
    assert control.calls("PUT", "/Quotes") == before
