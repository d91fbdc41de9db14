"""Approving, changing and declining on the console, in a real browser against the whole service."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient
from playwright.async_api import Locator, Page, expect

from tests.api.console.conftest import AGENT, SUPERVISOR
from tests.api.test_approvals import an_order_that_waits, told
from tests.browser.conftest import Console
from tests.conftest import customer, headers_of

Axe = Callable[[Page], Awaitable[None]]
REFRESH_MS = 15_000


@pytest.fixture
async def sdk(service_url: str) -> AsyncIterator[LangGraphClient]:
    async with get_client(url=service_url, api_key=None, headers=headers_of(customer())) as client:
        yield client


@pytest.fixture
async def page(console: Console) -> AsyncIterator[Page]:
    async with console(AGENT, "approvals") as page:
        yield page


async def waiting(page: Page, sdk: LangGraphClient) -> tuple[str, Locator, dict[str, Any]]:
    """An order placed while the page is open: its thread, and its card here and in the chat."""
    thread, card = await an_order_that_waits(sdk)
    shown = page.locator(f"#card-{card['action_id']}")
    await expect(shown).to_be_visible(timeout=REFRESH_MS)
    return thread, shown, card


async def test_a_card_tells_why_a_person_and_by_which_rule(
    page: Page, sdk: LangGraphClient, axe: Axe
) -> None:
    _, shown, card = await waiting(page, sdk)
    for text in (
        customer().company,
        card["title"],
        card["total"][-6:],
        "An unusual order",
        "ordering#unusually-large-orders",
        "ordering.unusual_percent = 200",
        "level 2",
        "service staff",
        "decide by",
    ):
        await expect(shown).to_contain_text(text)
    await expect(shown).to_contain_text(re.compile(r"T-\d{6}"), timeout=REFRESH_MS)
    await shown.get_by_text("History").click()
    await expect(shown.locator("ol.lines li").first).to_contain_text("proposed by assistant")
    assert card["outlet"]["mobile"] not in await page.content()
    await axe(page)


async def test_an_approval_is_told_to_the_customer(page: Page, sdk: LangGraphClient) -> None:
    thread, shown, _ = await waiting(page, sdk)
    await shown.locator("summary", has_text="Approve").click()
    await shown.get_by_label("Note for the record").fill("spoke with Mei")
    await shown.get_by_role("button", name=re.compile("Yes, approve SGD")).click()
    await expect(page.locator(".notice")).to_contain_text("Approved")
    await expect(shown).to_have_count(0)
    assert "TRIA-" in (await told(sdk, thread, 5))[-1]["content"]


async def test_declining_needs_a_reason_and_works_by_keyboard(
    page: Page, sdk: LangGraphClient
) -> None:
    thread, shown, _ = await waiting(page, sdk)
    await shown.locator("summary", has_text="Decline").focus()
    await page.keyboard.press("Enter")
    await shown.get_by_role("button", name="Yes, decline").click()
    await expect(shown).to_be_visible()  # the browser asks for the reason first
    await shown.get_by_label("Why not?").focus()
    await page.keyboard.type("no stock")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator(".notice")).to_contain_text("Declined")
    assert "no stock" not in (await told(sdk, thread, 5))[-1]["content"]


async def test_what_is_half_written_survives_and_what_is_decided_elsewhere_goes(
    console: Console, page: Page, sdk: LangGraphClient
) -> None:
    _, shown, card = await waiting(page, sdk)
    await shown.locator("summary", has_text="Decline").click()
    await shown.get_by_label("Why not?").fill("half a thought")
    await an_order_that_waits(sdk)
    count = int((await page.locator(".chip", has_text="waiting").inner_text()).split()[0])
    await expect(page.locator(".chip", has_text=f"{count + 1} waiting")).to_be_visible(
        timeout=REFRESH_MS
    )
    await expect(shown.get_by_label("Why not?")).to_have_value("half a thought")
    async with console(SUPERVISOR, "approvals") as other:
        here = other.locator(f"#card-{card['action_id']}")
        await here.locator("summary", has_text="Approve").click()
        await here.get_by_role("button", name=re.compile("Yes, approve")).click()
        await expect(other.locator(".notice")).to_contain_text("Approved")
    await shown.get_by_role("button", name="Yes, decline").click()
    await expect(page.locator(".notice")).to_contain_text("does not wait any more")
    await expect(shown).to_have_count(0)


async def test_a_changed_order_is_previewed_and_put_to_the_customer(
    page: Page, sdk: LangGraphClient, axe: Axe
) -> None:
    thread, shown, card = await waiting(page, sdk)
    await shown.get_by_role("link", name="Change").click()
    await page.get_by_label("pieces").first.fill("2025")
    await page.get_by_role("button", name="Show what it becomes").click()
    await expect(page.get_by_role("alert")).to_contain_text("whole packs")
    await page.get_by_label("pieces").first.fill("2000")
    await page.get_by_label("Note for the record").fill("that much is on the shelf")
    await page.get_by_role("button", name="Show what it becomes").click()
    await expect(page.get_by_role("region", name="As changed")).to_contain_text("2,000")
    await expect(page.get_by_role("region", name="As the customer agreed")).to_contain_text("3,000")
    await axe(page)
    await page.get_by_role("button", name=re.compile("Yes, ask the customer")).click()
    await expect(page.locator(".notice")).to_contain_text("asked for their yes")
    await expect(page.locator(f"#card-{card['action_id']}")).to_have_count(0)
    made = (await told(sdk, thread, 5))[-1]["additional_kwargs"]["card"]
    assert (made["lines"][0]["pieces"], made["status"]) == (2000, "proposed")


@pytest.mark.parametrize("width", [320, 768])
async def test_nothing_is_wider_than_the_screen(
    page: Page, sdk: LangGraphClient, width: int
) -> None:
    await page.set_viewport_size({"width": width, "height": 640})
    _, shown, _ = await waiting(page, sdk)
    await shown.locator("summary", has_text="Decline").click()
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(overflow) == 0
    await shown.get_by_role("link", name="Change").click()
    assert await page.evaluate(overflow) == 0
