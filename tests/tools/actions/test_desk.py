from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.conftest import customer
from tests.tools.actions.conftest import a_confirmed, a_number, an_invoice, status_of
from tests.tools.conftest import CUSTOMER, a_run
from tools.actions.desk import APPROVAL_DAYS, ApprovalDesk
from tools.actions.records import ActionRecords
from tools.actions.store import Actions
from tools.conversations import Conversations
from tools.database import Pool, fetch_all, fetch_one
from tools.runs import Answer, Runs
from tools.tickets import NewTicket, Tickets

NOW = datetime.now(UTC)


@pytest.fixture
def desk(pool: Pool) -> ApprovalDesk:
    return ApprovalDesk(pool)


@pytest.fixture
def runs(pool: Pool) -> Runs:
    return Runs(pool, "a worker")


@pytest.fixture
async def waiting(actions: Actions, pool: Pool) -> dict[str, Any]:
    """A card that its customer confirmed and that needs a person of level 2."""
    number = a_number()
    return await a_confirmed(actions, pool, [an_invoice(number)], number, level=2)


async def a_paused_run(runs: Runs, actions: Actions, card: dict[str, Any]) -> UUID:
    who = customer().customer_id
    await runs.create(a_run(card["thread_id"], customer_id=who))
    [run] = await runs.claim(card["thread_id"])
    run_id: UUID = run["run_id"]
    await actions.wait_for_person(card["action_id"], run_id)
    await runs.answer(run_id, Answer(str(uuid4()), {"content": "", "extra": {}}, {}), "interrupted")
    return run_id


async def run_of(pool: Pool, run_id: UUID) -> dict[str, Any]:
    row = await fetch_one(pool, "select status, resume from runs where run_id = %s", [run_id])
    assert row is not None
    return row


async def aged(pool: Pool, action_id: UUID) -> None:
    await fetch_one(
        pool,
        "update actions set updated_at = now() - interval '1 hour' where action_id = %s"
        " returning 1",
        [action_id],
    )


async def test_a_card_that_waits_is_listed(pool: Pool, waiting: dict[str, Any]) -> None:
    found = await ActionRecords(pool).waiting()
    listed = {row["action_id"]: row["approval_level"] for row in found}
    assert listed[waiting["action_id"]] == 2


@pytest.mark.parametrize(("approved", "status"), [(True, "approved"), (False, "declined")])
async def test_a_decision_wakes_the_run_that_waits(
    desk: ApprovalDesk,
    actions: Actions,
    runs: Runs,
    pool: Pool,
    waiting: dict[str, Any],
    *,
    approved: bool,
    status: str,
) -> None:
    run_id = await a_paused_run(runs, actions, waiting)
    row = await desk.decide(waiting["action_id"], "Aisha", approved=approved, reason="checked")
    assert row
    assert (row["status"], row["decided_by"]) == (status, "Aisha")
    assert await run_of(pool, run_id) == {"status": "queued", "resume": {"approved": approved}}


async def test_a_decision_before_the_run_has_paused_wakes_it_later(
    desk: ApprovalDesk, actions: Actions, runs: Runs, pool: Pool, waiting: dict[str, Any]
) -> None:
    await desk.decide(waiting["action_id"], "Aisha", approved=True, reason="")
    run_id = await a_paused_run(runs, actions, waiting)
    await desk.resume_decided()
    assert (await run_of(pool, run_id))["status"] == "queued"


async def test_only_one_decision_counts(desk: ApprovalDesk, waiting: dict[str, Any]) -> None:
    assert await desk.decide(waiting["action_id"], "Aisha", approved=False, reason="no stock")
    assert await desk.decide(waiting["action_id"], "Ravi", approved=True, reason="") is None


async def test_a_card_that_needs_nobody_cannot_be_decided(
    desk: ApprovalDesk, actions: Actions, pool: Pool
) -> None:
    number = a_number()
    card = await a_confirmed(actions, pool, [an_invoice(number)], number)
    assert await desk.decide(card["action_id"], "Aisha", approved=True, reason="") is None


async def test_the_conversation_goes_on_while_a_card_waits(
    actions: Actions, runs: Runs, waiting: dict[str, Any]
) -> None:
    who = customer().customer_id
    await a_paused_run(runs, actions, waiting)
    assert await actions.open_of(waiting["thread_id"], who) is None
    await runs.create(a_run(waiting["thread_id"], customer_id=who, strategy="reject"))
    assert len(await runs.claim(waiting["thread_id"])) == 1


async def test_the_customer_may_withdraw_what_waits(
    actions: Actions, desk: ApprovalDesk, waiting: dict[str, Any]
) -> None:
    assert not await actions.withdraw(waiting["action_id"], CUSTOMER)
    assert await actions.withdraw(waiting["action_id"], customer().customer_id)
    assert await desk.decide(waiting["action_id"], "Aisha", approved=True, reason="") is None
    assert await status_of(actions, waiting["action_id"]) == "cancelled"


async def test_what_no_run_works_on_is_found_and_tried_less_and_less_often(
    desk: ApprovalDesk, actions: Actions, pool: Pool
) -> None:
    number = a_number()
    card = await a_confirmed(actions, pool, [an_invoice(number)], number)
    assert card["action_id"] not in {a["action_id"] for a in await desk.unfinished()}
    await aged(pool, card["action_id"])
    assert card["action_id"] in {a["action_id"] for a in await desk.unfinished()}
    assert card["action_id"] not in {a["action_id"] for a in await desk.unfinished()}


async def test_what_a_run_works_on_is_left_to_it(
    desk: ApprovalDesk, actions: Actions, runs: Runs, pool: Pool
) -> None:
    number = a_number()
    card = await a_confirmed(actions, pool, [an_invoice(number)], number)
    await aged(pool, card["action_id"])
    await runs.create(a_run(card["thread_id"], customer_id=customer().customer_id))
    assert card["action_id"] not in {a["action_id"] for a in await desk.unfinished()}


async def test_cards_end_when_nobody_answers_in_time(
    desk: ApprovalDesk, actions: Actions, pool: Pool, waiting: dict[str, Any]
) -> None:
    await desk.expire(NOW + timedelta(days=APPROVAL_DAYS - 1))
    assert await status_of(actions, waiting["action_id"]) == "confirmed"
    await desk.expire(NOW + timedelta(days=APPROVAL_DAYS + 1))
    assert await status_of(actions, waiting["action_id"]) == "expired"


async def test_the_end_of_a_decided_card_is_told_once(
    desk: ApprovalDesk, runs: Runs, pool: Pool, waiting: dict[str, Any]
) -> None:
    await desk.decide(waiting["action_id"], "Aisha", approved=False, reason="no stock")
    while await desk.tell_next():
        pass
    told = await runs.of_thread(waiting["thread_id"], 10, 0)
    expected = {"kind": "action", "action_id": str(waiting["action_id"])}
    assert [run["notice"] for run in told] == [expected]
    await fetch_all(pool, "update actions set to_tell = true where true returning 1")
    while await desk.tell_next():
        pass
    assert len(await runs.of_thread(waiting["thread_id"], 10, 0)) == 1


async def test_a_conversation_that_is_gone_is_told_nothing(
    desk: ApprovalDesk, pool: Pool, waiting: dict[str, Any]
) -> None:
    await desk.decide(waiting["action_id"], "Aisha", approved=False, reason="no stock")
    assert await Conversations(pool).delete(waiting["thread_id"], customer().customer_id)
    while await desk.tell_next():
        pass
    row = await ActionRecords(pool).card(waiting["action_id"])
    assert row
    assert (row["status"], row["thread_id"]) == ("declined", None)


async def test_an_unusual_order_is_chased_once(
    desk: ApprovalDesk, actions: Actions, pool: Pool
) -> None:
    number = a_number()
    card = await a_confirmed(actions, pool, [an_invoice(number)], number, card={"unusual": True})
    await fetch_one(
        pool,
        "update actions set status = 'proposed' where action_id = %s returning 1",
        [card["action_id"]],
    )
    soon = datetime.now(UTC) + timedelta(minutes=1)
    assert card["action_id"] in {a["action_id"] for a in await desk.silent_unusual(soon)}
    await desk.chased(card["action_id"])
    assert card["action_id"] not in {a["action_id"] for a in await desk.silent_unusual(soon)}


async def test_a_card_that_was_tried_thousands_of_times_stops_no_other(
    desk: ApprovalDesk, actions: Actions, pool: Pool
) -> None:
    number = a_number()
    card = await a_confirmed(actions, pool, [an_invoice(number)], number)
    await aged(pool, card["action_id"])
    await fetch_one(
        pool,
        "update actions set tries = 5000 where action_id = %s returning 1",
        [card["action_id"]],
    )
    assert card["action_id"] in {a["action_id"] for a in await desk.unfinished()}


@pytest.mark.parametrize("how", ["withdrawn", "lapsed", "decided"])
async def test_the_ticket_of_a_card_ends_with_its_waiting(
    desk: ApprovalDesk, actions: Actions, runs: Runs, pool: Pool, waiting: dict[str, Any], how: str
) -> None:
    run_id = await a_paused_run(runs, actions, waiting)
    await Tickets(pool).open(
        NewTicket(f"{run_id}:hand_off", waiting["thread_id"], "c", "approval", (2,), {}, NOW)
    )
    if how == "withdrawn":
        await actions.withdraw(waiting["action_id"], customer().customer_id)
    elif how == "lapsed":
        await desk.expire(NOW + timedelta(days=APPROVAL_DAYS + 1))
    else:
        await desk.decide(waiting["action_id"], "Aisha", approved=True, reason="")
    row = await fetch_one(
        pool, "select status from tickets where task_key = %s", [f"{run_id}:hand_off"]
    )
    assert row
    assert row["status"] == "closed"
