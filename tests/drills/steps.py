"""What every drill does: wait for something, and find a conversation in the inbox."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

from playwright.async_api import Locator, Page, expect

from tests.drills.conftest import Drill

SOON_MS = 30_000
T = TypeVar("T")


async def until(found: Callable[[], T], seconds: float = SOON_MS / 1000) -> T:
    """What is found, once there is something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if there := found():
            return there
        await asyncio.sleep(0.1)
    raise AssertionError("it did not happen in time")


def row_of(page: Page, thread: str) -> Locator:
    """The conversation as the inbox shows it."""
    return page.locator(f"#c-{thread}")


async def opened_from_inbox(page: Page, thread: str) -> None:
    """Click the conversation open."""
    await row_of(page, thread).locator(".row-link").click()
    await page.wait_for_url(f"**/console/conversations/{thread}")


async def gone_from_inbox(page: Page, thread: str) -> None:
    """Nothing of the conversation needs a person any more."""
    await page.get_by_role("link", name="Inbox").click()
    await expect(page.get_by_role("heading", name="Inbox")).to_be_visible()
    await expect(row_of(page, thread)).to_have_count(0)


async def noticed(page: Page, text: str) -> None:
    """The page says that it was done."""
    await expect(page.locator(".notice")).to_contain_text(text)


def said(drill: Drill, thread: str) -> list[str]:
    """What the customer reads, in order."""
    return [message["content"] for message in drill.messages(thread)]


def audited(drill: Drill, subject: object) -> list[tuple[str, str]]:
    """Who did what to it, in order."""
    rows = drill.rows(
        "select actor, event from audit where subject = %s order by audit_id", str(subject)
    )
    return [(row["actor"], row["event"]) for row in rows]


def documents(drill: Drill, number: str) -> list[dict[str, Any]]:
    """Those of this number in the books."""
    return [d for d in drill.control.invoices() if d["InvoiceNumber"] == number]


def card_of(drill: Drill, thread: str) -> dict[str, Any]:
    """The one card of a conversation, as it is stored."""
    [card] = drill.rows("select * from actions where thread_id = %s", thread)
    return card


async def tickets_closed(page: Page, how: str) -> None:
    """On the page of a conversation: say how it ended."""
    await page.locator("#close-tickets summary").click()
    await page.get_by_label("How it ended").fill(how)
    await page.get_by_role("button", name="Close", exact=True).click()
    await noticed(page, "Closed.")


async def answered_in_person(page: Page, words: str, how: str = "") -> None:
    """Whoever has the conversation answers, and hands it back."""
    await page.get_by_label("Reply to the customer").fill(words)
    await page.get_by_role("button", name="Send").click()
    await noticed(page, "Sent.")
    await page.locator("#hand-back summary").click()
    if how:
        await page.get_by_label("How it ended").fill(how)
    await page.get_by_role("button", name="Hand back").click()
    await noticed(page, "Handed back.")
