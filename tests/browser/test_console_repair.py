"""A failed turn repaired in a real browser, by keyboard and eye: looked into, forked, resumed."""

from collections.abc import Awaitable, Callable

from playwright.async_api import Page, expect

from tests.api.console.conftest import SUPERVISOR
from tests.api.console.test_repair import a_failed_run, said
from tests.browser.conftest import Console

Check = Callable[[Page], Awaitable[None]]
LIVE_MS = 15_000  # until a page has looked again, on a busy machine


async def test_a_failed_turn_is_looked_into_forked_and_resumed(
    console: Console, axe: Check, service_url: str, postgres_url: str
) -> None:
    thread, run = await a_failed_run(service_url, postgres_url)
    async with console(SUPERVISOR, f"runs/{run}") as page:
        await expect(page.get_by_text("classify_intent failed: UndefinedTable")).to_be_visible()
        await axe(page)
        await page.get_by_role("link", name="State and changes").last.click()
        await expect(page.get_by_role("heading", name="All of it")).to_be_visible()
        await page.get_by_role("button", name="Fork and compare").click()
        await expect(page.get_by_text("It would be").first).to_be_visible()
        await expect(page.get_by_text("You owe").first).to_be_visible()
        await axe(page)
        await page.get_by_role("link", name="this turn").click()
        await page.get_by_role("button", name="Resume").click()
        await expect(page.get_by_role("heading", name="What the customer sees")).to_be_visible()
        await axe(page)
        await page.get_by_role("button", name="Resume this turn").click()
        await expect(page.get_by_text("Resumed. The turn goes on.")).to_be_visible()
        assert "You owe" in (await said(service_url, thread, 2))[-1]
        done = page.locator(".chip.good").first
        await expect(done).to_have_text("succeeded", timeout=LIVE_MS)


async def test_a_step_is_skipped_and_a_turn_abandoned_on_a_phone(
    console: Console, axe: Check, service_url: str, postgres_url: str
) -> None:
    thread, run = await a_failed_run(service_url, postgres_url)
    async with console(SUPERVISOR, f"runs/{run}", width=360) as page:
        await page.get_by_role("link", name="Skip classify_intent").click()
        await page.get_by_label("What the step would have given").fill("{}")
        await page.get_by_role("button", name="See what would happen").click()
        await expect(page.get_by_role("alert")).to_be_visible()
        await axe(page)
        await page.get_by_role("link", name="Back to the turn").click()
        await page.get_by_role("link", name="Abandon with a message").click()
        await page.get_by_label("What the customer reads").fill("We will call you today.")
        await page.get_by_role("button", name="See what would happen").click()
        await expect(page.locator(".seen")).to_have_text("We will call you today.")
        await axe(page)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
        await page.get_by_role("button", name="Abandon this turn").click()
        await expect(page.get_by_text("What operators did")).to_be_visible()
    assert (await said(service_url, thread, 2))[-1] == "We will call you today."
