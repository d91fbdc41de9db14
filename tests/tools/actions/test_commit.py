import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.conftest import customer
from tests.tools.actions.conftest import a_confirmed, a_number, an_invoice, status_of
from tests.tools.conftest import Control
from tools.actions.commit import Hands, carry_out
from tools.actions.ledger import key_of
from tools.actions.store import Actions
from tools.database import Pool, fetch_all
from tools.sandbox.company import demo_customers
from tools.xero.books import Books


@pytest.fixture
async def order(actions: Actions, pool: Pool) -> dict[str, Any]:
    number = a_number()
    return await a_confirmed(actions, pool, [an_invoice(number)], number)


async def nothing_changed(_: Mapping[str, Any]) -> None:
    return None


@pytest.fixture
def hands(actions: Actions, books: Books) -> Hands:
    return Hands(actions, books, nothing_changed, is_told=True)


def documents(control: Control, action: dict[str, Any]) -> list[dict[str, Any]]:
    return [i for i in control.invoices() if i["InvoiceNumber"] == action["document_number"]]


async def later(pool: Pool, seconds: int) -> None:
    """Time passes for whatever was sent."""
    await fetch_all(
        pool,
        "update action_writes set sent_at = sent_at - %(s)s * interval '1 second',"
        " failed_at = failed_at - %(s)s * interval '1 second' returning 1",
        {"s": seconds},
    )


async def writes_of(pool: Pool, action: dict[str, Any]) -> list[tuple[str, int]]:
    rows = await fetch_all(
        pool,
        "select status, epoch from action_writes where action_id = %s order by position",
        [action["action_id"]],
    )
    return [(row["status"], row["epoch"]) for row in rows]


async def test_a_confirmed_card_becomes_one_document(
    actions: Actions, hands: Hands, control: Control, pool: Pool, order: dict[str, Any]
) -> None:
    assert (await carry_out(order["action_id"], hands)).status == "committed"
    [document] = documents(control, order)
    assert document["Status"] == "DRAFT"
    assert await status_of(actions, order["action_id"]) == "committed"
    assert await writes_of(pool, order) == [("done", 0)]
    trail = await fetch_all(
        pool,
        "select event from audit where subject = %s order by audit_id",
        [str(order["action_id"])],
    )
    steps = ["proposed", "confirmed", "sending", "written", "committed"]
    assert [row["event"] for row in trail] == [f"action.{step}" for step in steps]


# 5.4 case 28: whoever runs again, at once or later, finds the document.
async def test_two_processes_at_once_write_once(
    actions: Actions, hands: Hands, control: Control, pool: Pool, order: dict[str, Any]
) -> None:
    async with Actions(pool).held(order["action_id"]) as rival:
        assert rival
        assert (await carry_out(order["action_id"], hands)).status == "held"
    assert documents(control, order) == []
    assert (await carry_out(order["action_id"], hands)).status == "committed"
    assert len(documents(control, order)) == 1


# 5.4 cases 29 and 30
@pytest.mark.parametrize("mode", ["drop_after_commit", "error_after_commit"])
async def test_a_lost_answer_is_looked_up_before_anything_is_sent_again(
    actions: Actions, hands: Hands, control: Control, order: dict[str, Any], mode: str
) -> None:
    control.fault("PUT /Invoices", mode)
    assert (await carry_out(order["action_id"], hands)).status == "committed"
    assert len(documents(control, order)) == 1


async def test_an_answer_of_failure_is_not_sent_again_under_its_key(
    actions: Actions, hands: Hands, control: Control, pool: Pool, order: dict[str, Any]
) -> None:
    control.fault("PUT /Invoices", "html_error")
    before = control.calls("PUT", "/Invoices")
    assert (await carry_out(order["action_id"], hands)).status == "unknown"
    assert (await carry_out(order["action_id"], hands)).status == "unknown"
    assert control.calls("PUT", "/Invoices") == before + 1
    assert await status_of(actions, order["action_id"]) == "confirmed"


async def test_after_a_quiet_minute_a_failed_write_gets_a_new_key(
    actions: Actions, hands: Hands, control: Control, pool: Pool, order: dict[str, Any]
) -> None:
    control.fault("PUT /Invoices", "html_error")
    await carry_out(order["action_id"], hands)
    await later(pool, 61)
    assert (await carry_out(order["action_id"], hands)).status == "committed"
    assert await writes_of(pool, order) == [("done", 1)]
    assert len(documents(control, order)) == 1


# 5.4 case 31
async def test_what_was_written_long_ago_is_found_and_not_sent_under_a_new_key(
    actions: Actions, hands: Hands, control: Control, pool: Pool, order: dict[str, Any]
) -> None:
    async with actions.held(order["action_id"]) as ledger:
        assert ledger
        [stored] = await ledger.writes()
        await hands.books.send(stored.write, await ledger.key_for(0))  # and then the process dies
    await later(pool, 3600)
    before = control.calls("PUT", "/Invoices")
    assert (await carry_out(order["action_id"], hands)).status == "committed"
    assert control.calls("PUT", "/Invoices") == before
    assert len(documents(control, order)) == 1


async def test_a_refused_write_ends_the_card_with_every_reason(
    actions: Actions, hands: Hands, control: Control, pool: Pool
) -> None:
    number = a_number()
    write = an_invoice(number, LineItems=[{"Description": "x", "Quantity": 1, "AccountCode": "?"}])
    card = await a_confirmed(actions, pool, [write], number)
    carried = await carry_out(card["action_id"], hands)
    assert (carried.status, carried.reason) == ("failed", "write_refused")
    row = await actions.get(card["action_id"], customer().customer_id)
    assert row is not None
    assert (row["status"], "Account code '?'" in row["error"]) == ("failed", True)
    assert documents(control, card) == []


# 5.4 case 23
async def test_another_total_is_taken_back_and_never_corrected(
    actions: Actions, hands: Hands, control: Control, pool: Pool
) -> None:
    number = a_number()
    card = await a_confirmed(actions, pool, [an_invoice(number)], number, card={"total": "49.04"})
    carried = await carry_out(card["action_id"], hands)
    assert (carried.status, carried.reason) == ("failed", "total_differs")
    assert [d["Status"] for d in documents(control, card)] == ["DELETED"]
    assert await writes_of(pool, card) == [("undone", 0)]


async def test_of_two_writes_the_first_is_taken_back_when_the_second_is_refused(
    actions: Actions, hands: Hands, control: Control, pool: Pool
) -> None:
    number = a_number()
    second = an_invoice(f"{number}9", LineItems=[])
    card = await a_confirmed(actions, pool, [an_invoice(number), second], number)
    assert (await carry_out(card["action_id"], hands)).status == "failed"
    assert [d["Status"] for d in documents(control, card)] == ["DELETED"]


async def test_taking_back_goes_on_after_an_outage(
    actions: Actions, hands: Hands, control: Control, pool: Pool
) -> None:
    number = a_number()
    card = await a_confirmed(actions, pool, [an_invoice(number)], number, card={"total": "1.00"})
    control.fault("POST /Invoices/{InvoiceID}", "html_error")
    assert (await carry_out(card["action_id"], hands)).status == "unknown"
    assert await status_of(actions, card["action_id"]) == "confirmed"
    await later(pool, 61)
    carried = await carry_out(card["action_id"], hands)
    assert (carried.status, carried.reason) == ("failed", "total_differs")
    assert [d["Status"] for d in documents(control, card)] == ["DELETED"]


async def test_a_document_for_somebody_else_is_never_written(
    actions: Actions, hands: Hands, control: Control, pool: Pool
) -> None:
    other = demo_customers()[2].contact_ids[0]
    number = a_number()
    card = await a_confirmed(actions, pool, [an_invoice(number, other)], number)
    carried = await carry_out(card["action_id"], hands)
    assert (carried.status, carried.reason) == ("failed", "write_impossible")
    assert documents(control, card) == []


# 5.4 case 28: two tabs and a sweeper at once
async def test_many_at_once_write_one_document(
    actions: Actions, hands: Hands, control: Control, order: dict[str, Any]
) -> None:
    before = control.calls("PUT", "/Invoices")
    carried = await asyncio.gather(*(carry_out(order["action_id"], hands) for _ in range(6)))
    assert {c.status for c in carried} <= {"committed", "held"}
    assert "committed" in {c.status for c in carried}
    assert len(documents(control, order)) == 1
    assert control.calls("PUT", "/Invoices") == before + 1


# 5.4 case 32: it is a defect of ours, so a person hears and the reason stays with the card
async def test_a_key_that_was_used_for_another_body_ends_the_card_and_tells_why(
    actions: Actions, hands: Hands, control: Control, order: dict[str, Any]
) -> None:
    other = an_invoice(a_number())
    await hands.books.send(other, key_of(f"{order['action_id']}|0|0"))
    carried = await carry_out(order["action_id"], hands)
    assert (carried.status, carried.reason) == ("failed", "write_refused")
    assert documents(control, order) == []
    row = await actions.get(order["action_id"], customer().customer_id)
    assert row is not None
    assert "already used for a different request" in row["error"]


async def test_a_total_that_differs_is_noticed_however_late(
    actions: Actions, hands: Hands, control: Control, pool: Pool
) -> None:
    number = a_number()
    card = await a_confirmed(actions, pool, [an_invoice(number)], number, card={"total": "49.04"})
    async with actions.held(card["action_id"]) as ledger:
        assert ledger
        [stored] = await ledger.writes()
        await ledger.done(0, await hands.books.send(stored.write, await ledger.key_for(0)))
    carried = await carry_out(card["action_id"], hands)  # by another process
    assert (carried.status, carried.reason) == ("failed", "total_differs")
    assert [d["Status"] for d in documents(control, card)] == ["DELETED"]


async def test_what_has_changed_since_is_asked_while_the_card_is_held(
    actions: Actions, hands: Hands, control: Control, order: dict[str, Any]
) -> None:
    async def changed(card: Mapping[str, Any]) -> str:
        async with Actions(actions._pool).held(order["action_id"]) as rival:
            assert rival is None
        return "card_outdated"

    carried = await carry_out(order["action_id"], replace(hands, recheck=changed))
    assert (carried.status, carried.reason) == ("outdated", "card_outdated")
    assert await status_of(actions, order["action_id"]) == "expired"
    assert documents(control, order) == []


async def test_what_has_begun_is_finished_whatever_has_changed(
    actions: Actions, hands: Hands, control: Control, order: dict[str, Any]
) -> None:
    async def changed(card: Mapping[str, Any]) -> str:
        return "card_outdated"

    async with actions.held(order["action_id"]) as ledger:
        assert ledger
        [stored] = await ledger.writes()
        await hands.books.send(stored.write, await ledger.key_for(0))
    carried = await carry_out(order["action_id"], replace(hands, recheck=changed))
    assert carried.status == "committed"


async def test_what_the_office_took_up_is_left_to_people(
    actions: Actions, hands: Hands, control: Control, pool: Pool
) -> None:
    number = a_number()
    refused = an_invoice(f"{number}9", LineItems=[])
    card = await a_confirmed(actions, pool, [an_invoice(number), refused], number)
    async with actions.held(card["action_id"]) as ledger:
        assert ledger
        [first, _] = await ledger.writes()
        await ledger.done(0, await hands.books.send(first.write, await ledger.key_for(0)))
    async with httpx.AsyncClient(base_url=control.root) as http:
        (await http.post(f"/control/invoices/{number}/authorise")).raise_for_status()
    carried = await carry_out(card["action_id"], hands)
    assert (carried.status, carried.reason) == ("failed", "not_taken_back")
    assert [d["Status"] for d in documents(control, card)] == ["AUTHORISED"]


@pytest.mark.parametrize("is_told", [True, False])
async def test_the_customer_is_told_by_the_turn_or_by_one_of_its_own(
    actions: Actions, hands: Hands, pool: Pool, order: dict[str, Any], *, is_told: bool
) -> None:
    await carry_out(order["action_id"], replace(hands, is_told=is_told))
    [row] = await fetch_all(
        pool, "select to_tell from actions where action_id = %s", [order["action_id"]]
    )
    assert row["to_tell"] is not is_told
