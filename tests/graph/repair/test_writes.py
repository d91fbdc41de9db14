"""Repairs around a write to Xero and around a worker that hangs: once, and by one alone."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from graph.clients import Clients
from graph.repair.operations import Repair, carry_out
from graph.repair.previews import preview
from graph.repair.steps import checkpoints_of
from tests.graph.repair.conftest import (
    ORDER,
    OWED,
    a_press,
    a_thread,
    answers,
    ask,
    ended,
    row,
    trail,
)
from tools.conversations import delete_checkpoints
from tools.database import fetch_one
from tools.errors import OperationRefused
from tools.xero.cache import SETTINGS

RESUME = Repair("resume")


def fault(control: httpx.Client, operation: str, mode: str, **more: Any) -> None:
    order = {"operation": operation, "mode": mode, **more}
    control.post("/faults", json=order).raise_for_status()


async def fail_run(clients: Clients, run_id: UUID) -> None:
    """Let a run end as if its workers had died too often, wherever it is."""
    async with clients.pool.connection() as connection:
        await connection.execute(
            "update runs set status = 'failed', error = 'attempts_exhausted', owner = null,"
            " strikes = 5, updated_at = now() where run_id = %s",
            [run_id],
        )
        await connection.execute("select pg_notify('tria_runs', %s)", [f"cancel:{run_id}"])


def sent(control: httpx.Client) -> int:
    rows = control.get("/requests").json()
    return sum(r["count"] for r in rows if r["method"] == "PUT" and "Invoices" in r["path"])


def drafts(control: httpx.Client, number: str) -> list[str]:
    books = control.get("/invoices").json()
    return [i["Status"] for i in books if i["InvoiceNumber"] == number]


async def card(clients: Clients, run_id: UUID) -> dict[str, Any]:
    found = await fetch_one(
        clients.pool,
        "select document_number, status from actions where confirmed_in = %s",
        [run_id],
    )
    assert found
    return dict(found)


async def until(is_true: Any) -> None:
    for _ in range(200):
        if await is_true():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen in time")


async def a_lost_write(clients: Clients, control: httpx.Client) -> UUID:
    """A turn that failed while nobody knew whether its order stands in Xero."""
    thread_id = await a_thread(clients)
    first = await ask(clients, thread_id, ORDER)
    await ended(clients, first, "succeeded")
    fault(control, "PUT /Invoices", "hang")
    run_id = await ask(clients, thread_id, "yes")

    async def is_sent() -> bool:
        found = await fetch_one(
            clients.pool,
            "select 1 from action_writes w join actions a using (action_id)"
            " where a.confirmed_in = %s and w.status = 'sent'",
            [run_id],
        )
        return found is not None

    await until(is_sent)
    await asyncio.sleep(0.3)
    await fail_run(clients, run_id)
    fault(control, "PUT /Invoices", "hang", times=0)
    return run_id


async def as_if_died(clients: Clients, run_id: UUID) -> None:
    """As its rows were when Xero had written and the process died before it knew."""
    async with clients.pool.connection() as connection:
        await connection.execute("delete from messages where run_id = %s and role = 'ai'", [run_id])
        await connection.execute(
            "update action_writes w set status = 'sent', document_id = null, total = null"
            " from actions a where a.action_id = w.action_id and a.confirmed_in = %s",
            [run_id],
        )
        await connection.execute(
            "update actions set status = 'confirmed', document_id = null where confirmed_in = %s",
            [run_id],
        )
    await fail_run(clients, run_id)


async def test_a_turn_that_failed_in_its_write_writes_once(
    clients: Clients, control: httpx.Client
) -> None:
    await clients.sweeper.stop()  # the console alone repairs it
    run_id = await a_lost_write(clients, control)
    shown = await preview(clients, run_id, RESUME)
    assert any("sent at most once" in effect for effect in shown.effects), shown.effects
    [write] = shown.writes
    assert write["writes"][0]["status"] == "sent"
    skipping = Repair("skip", node="commit_action", values={"facts": []})
    with pytest.raises(OperationRefused, match="nobody acts"):
        await carry_out(clients, run_id, skipping, a_press())
    await carry_out(clients, run_id, RESUME, a_press())
    await ended(clients, run_id, "succeeded")
    number = (await card(clients, run_id))["document_number"]
    assert drafts(control, number) == ["DRAFT"]
    assert number in (await answers(clients, run_id))[0]
    assert await trail(clients, run_id) == ["run.resumed"]


async def test_a_write_that_xero_has_is_found_and_not_sent_again(
    clients: Clients, control: httpx.Client
) -> None:
    await clients.sweeper.stop()
    thread_id = await a_thread(clients)
    await ended(clients, await ask(clients, thread_id, ORDER), "succeeded")
    run_id = await ask(clients, thread_id, "yes")
    await ended(clients, run_id, "succeeded")
    await as_if_died(clients, run_id)
    puts = sent(control)
    kept = await checkpoints_of(clients, await row(clients, run_id))
    [before] = [c.checkpoint_id for c in kept if c.steps == ("confirm_action",)]
    retry = Repair("retry", checkpoint_id=before)
    shown = await preview(clients, run_id, retry)
    assert shown.steps == ("confirm_action",)
    assert any("looked up there" in effect for effect in shown.effects), shown.effects
    await carry_out(clients, run_id, retry, a_press())
    await ended(clients, run_id, "succeeded")
    number = (await card(clients, run_id))["document_number"]
    assert sent(control) == puts
    assert drafts(control, number) == ["DRAFT"]
    assert number in (await answers(clients, run_id))[0]


async def test_a_turn_that_hangs_is_taken_from_its_worker(
    clients: Clients, control: httpx.Client
) -> None:
    await clients.xero.forget(SETTINGS)
    fault(control, "GET /Invoices", "hang", times=5)
    run_id = await ask(clients, await a_thread(clients), OWED)
    await ended(clients, run_id, "running")
    with pytest.raises(OperationRefused, match="Wait"):
        await carry_out(clients, run_id, RESUME, a_press())
    async with clients.pool.connection() as connection:
        await connection.execute(
            "update runs set updated_at = now() - interval '10 minutes' where run_id = %s",
            [run_id],
        )
    with pytest.raises(OperationRefused, match="worker still has it"):
        await carry_out(clients, run_id, Repair("edit", values={"facts": []}), a_press())
    shown = await preview(clients, run_id, RESUME)
    assert any("taken from that worker" in effect for effect in shown.effects)
    fault(control, "GET /Invoices", "hang", times=0)
    await carry_out(clients, run_id, RESUME, a_press())
    after = await ended(clients, run_id, "succeeded")
    assert after["attempts"] >= 2
    assert len(await answers(clients, run_id)) == 1


async def test_a_yes_does_not_pass_to_a_card_that_came_later(
    clients: Clients,
) -> None:
    """The turn with the yes failed before anything of it was kept; a card was shown since."""
    thread_id = await a_thread(clients)
    async with clients.pool.connection() as connection:
        run_id = await ask(clients, thread_id, "yes")
        await ended(clients, run_id, "succeeded")
        await connection.execute("delete from messages where run_id = %s and role = 'ai'", [run_id])
        await connection.execute(
            "update runs set status = 'failed', error = 'attempts_exhausted', focus = '{}'"
            " where run_id = %s",
            [run_id],
        )
        await delete_checkpoints(connection, "select %s", f"{thread_id}:1")
    later = await ask(clients, thread_id, ORDER)
    await ended(clients, later, "succeeded")
    await carry_out(clients, run_id, RESUME, a_press())
    await ended(clients, run_id, "succeeded")
    found = await fetch_one(
        clients.pool, "select status from actions where thread_id = %s", [thread_id]
    )
    assert found == {"status": "proposed"}
    assert (await row(clients, run_id))["status"] == "succeeded"
