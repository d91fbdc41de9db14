"""A turn that is taken up again, beside what has happened in its conversation since."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from api.thread_streams import follow_thread
from graph.clients import Clients
from graph.persons import hand_back, take_over
from graph.repair.bulk import Failed, find_failed
from graph.repair.operations import Repair, carry_out
from graph.repair.previews import preview
from graph.repair.trial import draft_reply
from tests.graph.repair.conftest import (
    ORDER,
    OWED,
    Fail,
    a_bug,
    a_press,
    a_thread,
    answers,
    ask,
    ended,
    row,
)
from tools.database import fetch_all
from tools.errors import OperationRefused
from tools.operators.person_turns import Person

RESUME = Repair("resume")
MEI = Person("staff-mei", "Mei")


async def cards(clients: Clients, thread_id: UUID) -> list[str]:
    rows = await fetch_all(
        clients.pool,
        "select status from actions where thread_id = %s order by created_at",
        [thread_id],
    )
    return [each["status"] for each in rows]


async def as_if_failed(clients: Clients, run_id: UUID) -> None:
    """The turn made its card and failed before its answer was stored."""
    async with clients.pool.connection() as connection:
        await connection.execute("delete from messages where run_id = %s and role = 'ai'", [run_id])
        await connection.execute(
            "update runs set status = 'failed', error = 'boom', focus = '{}' where run_id = %s",
            [run_id],
        )


async def test_a_turn_whose_card_has_ended_does_not_ask_for_a_yes_to_it(clients: Clients) -> None:
    thread_id = await a_thread(clients)
    run_id = await ask(clients, thread_id, ORDER)
    await ended(clients, run_id, "succeeded")
    await as_if_failed(clients, run_id)
    await take_over(clients, thread_id, MEI)
    await hand_back(clients, thread_id, MEI, uuid4())
    assert await cards(clients, thread_id) == ["cancelled"]
    for repair in (RESUME, Repair("retry"), Repair("edit", values={"facts": []})):
        with pytest.raises(OperationRefused, match="Its card is cancelled"):
            await carry_out(clients, run_id, repair, a_press())
    assert await answers(clients, run_id) == []
    await carry_out(clients, run_id, Repair("abandon", message="Mei took your order."), a_press())
    assert await answers(clients, run_id) == ["Mei took your order."]


async def test_a_turn_whose_card_is_open_goes_on_with_it(clients: Clients) -> None:
    thread_id = await a_thread(clients)
    run_id = await ask(clients, thread_id, ORDER)
    await ended(clients, run_id, "succeeded")
    await as_if_failed(clients, run_id)
    await carry_out(clients, run_id, RESUME, a_press())
    await ended(clients, run_id, "succeeded")
    assert await cards(clients, thread_id) == ["proposed"]
    assert "Shall I place this order?" in (await answers(clients, run_id))[0]


async def test_a_card_that_the_customer_looks_at_is_told_of_and_not_ended_in_bulk(
    clients: Clients, fail: Fail
) -> None:
    thread_id = await a_thread(clients)
    run_id = await fail(ORDER, thread_id)
    failed = await row(clients, run_id)
    minute = timedelta(minutes=1)
    when = failed["updated_at"] - minute, failed["updated_at"] + minute
    all_failed = Failed(failed["error"], *when)
    assert run_id in [each["run_id"] for each in await find_failed(clients, all_failed)]
    later = await ask(clients, thread_id, "100 of the 12 inch boxes for tampines please")
    await ended(clients, later, "succeeded")
    assert await cards(clients, thread_id) == ["proposed"]
    assert run_id not in [each["run_id"] for each in await find_failed(clients, all_failed)]
    shown = await preview(clients, run_id, RESUME)
    assert any("asked about another card" in effect for effect in shown.effects), shown.effects


async def test_what_was_sent_again_and_answered_is_not_answered_again_in_bulk(
    clients: Clients, fail: Fail
) -> None:
    thread_id = await a_thread(clients)
    run_id = await fail(OWED, thread_id)
    failed = await row(clients, run_id)
    minute = timedelta(minutes=1)
    when = failed["updated_at"] - minute, failed["updated_at"] + minute
    all_failed = Failed(failed["error"], *when)
    assert run_id in [each["run_id"] for each in await find_failed(clients, all_failed)]
    await ended(clients, await ask(clients, thread_id, f" {OWED.upper()} "), "succeeded")
    assert run_id not in [each["run_id"] for each in await find_failed(clients, all_failed)]


async def test_whoever_follows_the_conversation_reads_how_a_turn_was_abandoned(
    clients: Clients, fail: Fail
) -> None:
    thread_id = await a_thread(clients)
    run_id = await fail(OWED, thread_id)
    later = await ask(clients, thread_id, "which days do you deliver?")
    await ended(clients, later, "succeeded")
    read: dict[str, str] = {}

    async def follow() -> None:
        async for event in follow_thread(clients, thread_id, None):
            read[event.name] = read.get(event.name, "") + event.data

    following = asyncio.create_task(follow())
    await asyncio.sleep(0.5)
    await carry_out(clients, run_id, Repair("abandon"), a_press())
    [words] = await answers(clients, run_id)
    for _ in range(40):
        await asyncio.sleep(0.05)
        if words in read.get("values", ""):
            break
    following.cancel()
    _, _, told = read["values"].rpartition("what do I owe?")
    assert words in told
    assert "which days do you deliver?" in told  # what came after it stays


async def test_who_was_told_that_a_turn_failed_is_told_how_it_ended_after_all(
    clients: Clients, fail: Fail
) -> None:
    for repair in (RESUME, Repair("abandon")):
        run_id = await fail()
        async with clients.pool.connection() as connection:
            await connection.execute(
                "update runs set webhook = 'https://shop.tria.example', webhook_tries = 1,"
                " webhook_done_at = now() where run_id = %s",
                [run_id],
            )
        await carry_out(clients, run_id, repair, a_press())
        after = await ended(clients, run_id, "succeeded", "cancelled")
        assert (after["webhook_done_at"], after["webhook_tries"]) == (None, 0)


async def test_many_at_once_leave_the_service_its_connections(
    clients: Clients, postgres_url: str
) -> None:
    threads = [await a_thread(clients) for _ in range(clients.pool.max_size + 2)]
    async with a_bug(postgres_url):
        runs = [await ask(clients, thread_id, OWED) for thread_id in threads]
        for run_id in runs:
            await ended(clients, run_id, "failed")
    await asyncio.gather(*(carry_out(clients, run_id, RESUME, a_press()) for run_id in runs))
    for run_id in runs:
        await ended(clients, run_id, "succeeded")


async def test_where_a_turn_fails_there_is_no_draft(
    clients: Clients, fail: Fail, postgres_url: str
) -> None:
    thread_id = await a_thread(clients)
    await fail(OWED, thread_id)
    async with a_bug(postgres_url):
        with pytest.raises(OperationRefused, match="Write the answer yourself"):
            await draft_reply(clients, thread_id)
