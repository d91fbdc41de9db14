"""What drills about turns do: break one, look at it on the console, press, and see what came."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.async_api import Page, expect

from tests.drills.conftest import Drill
from tests.drills.steps import opened_from_inbox, row_of, until

OWED = "what do I owe?"
MINUTE = re.compile(r"T\d\d:\d\d")


async def ended(drill: Drill, run: str, *statuses: str) -> dict[str, Any]:
    """The run's row once it stands like this."""
    query = "select * from runs where run_id = %s and status = any(%s)"
    [row] = await until(lambda: drill.rows(query, run, list(statuses)))
    return row


def answers(drill: Drill, thread: str, index: int = 0) -> list[str]:
    """What the assistant has said, as its customer sees it, but for the minute of its figures."""
    said = drill.messages(thread, index)
    return [MINUTE.sub("", message["content"]) for message in said if message["type"] == "ai"]


def right_answer(drill: Drill, index: int = 0) -> str:
    """What a customer owes, as an untroubled conversation tells it."""
    [answer] = answers(drill, drill.say(OWED, index=index)["thread"], index)
    return answer


def done(drill: Drill, subject: str) -> list[tuple[str, str]]:
    """Who did what to it, as the audit trail has it."""
    rows = drill.rows(
        "select actor, event from audit where subject = %s order by audit_id", subject
    )
    return [(row["actor"], row["event"]) for row in rows]


def in_books(drill: Drill, number: str) -> int:
    """How many documents with this number Xero holds."""
    return sum(each["InvoiceNumber"] == number for each in drill.control.invoices())


async def to_the_run(page: Page, thread: str, run: str, reason: str) -> None:
    """From the inbox, by its reason, to the conversation and to the turn's own page."""
    await expect(row_of(page, thread)).to_contain_text(reason)
    await opened_from_inbox(page, thread)
    await page.locator(f"#turn-{run}").get_by_role("link", name="Resume or repair").click()
    await page.wait_for_url(f"**/console/runs/{run}")


async def to_inbox(page: Page) -> None:
    await page.get_by_role("link", name="Inbox", exact=True).click()
    await expect(page.get_by_role("heading", name="Inbox")).to_be_visible()


async def resumed(page: Page) -> None:
    """Press, read the preview, confirm."""
    await page.get_by_role("button", name="Resume", exact=True).click()
    await expect(page.get_by_text("The turn goes on at")).to_be_visible()
    await page.get_by_role("button", name="Resume this turn").click()
    await expect(page.get_by_text("Resumed. The turn goes on.")).to_be_visible()


async def resumed_in_vain(drill: Drill, page: Page, run: str) -> None:
    """Resume a turn that fails again."""
    await resumed(page)
    [before] = drill.rows("select count(*) as n from audit where subject = %s", run)
    assert before["n"] == 1
    await ended(drill, run, "failed")
    await page.reload()


async def is_repaired(drill: Drill, page: Page, thread: str, run: str, picture: str) -> None:
    """The turn's page says so, and the inbox does not list its conversation any more."""
    await ended(drill, run, "succeeded")
    await page.reload()
    await expect(page.locator(".chip.good").first).to_have_text("succeeded")
    await drill.picture(page, picture)
    await to_inbox(page)
    await expect(row_of(page, thread)).to_have_count(0)


@contextmanager
def xero_is_away(drill: Drill, mode: str, *operations: str) -> Iterator[None]:
    """While it lasts, Xero fails like this."""
    for operation in operations:
        drill.control.fault(operation, mode, times=10_000)
    try:
        yield
    finally:
        for operation in operations:
            drill.control.fault(operation, mode, times=0)
