"""Signing in, Xero and what holds for every page of the console, in a real browser."""

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Browser, Page, expect

from tests.api.console.conftest import ADMIN, AGENT
from tests.browser.conftest import Console

REFRESH_MS = 15_000
Axe = Callable[[Page], Awaitable[None]]


async def test_a_colleague_of_the_demo_signs_in_and_out(
    browser: Browser, service_url: str, axe: Axe
) -> None:
    page = await browser.new_page(base_url=service_url)
    await page.goto("/console/xero")
    await expect(page.get_by_role("heading", name="Who is at work?")).to_be_visible()
    await axe(page)
    await page.locator(".person").last.click()
    await expect(page.get_by_role("heading", name="Xero", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Who is at work?")).to_be_visible()
    assert await page.evaluate("sessionStorage.length + localStorage.length") == 0
    await page.close()


async def test_an_admin_connects_xero_and_chooses_the_organisation(
    console: Console, axe: Axe
) -> None:
    async with console(ADMIN, "xero") as page:
        await expect(page.locator("main .chip").first).to_contain_text("onnected")
        await axe(page)
        await page.get_by_role("button", name=re.compile("Connect")).click()
        leaving = page.get_by_role("link", name="Continue at Xero")
        address = await leaving.get_attribute("href")
        assert address
        # The sandbox agrees at once, and sends the browser to the port that the settings name.
        agreed = await page.request.get(address, max_redirects=0)
        await page.goto(re.sub(r"^http://[^/]+", "", agreed.headers["location"]))
        await expect(page.get_by_role("heading", name="Which organisation")).to_be_visible()
        await axe(page)
        await page.get_by_role("button", name="Tria Demo").click()
        await expect(page.locator(".notice")).to_contain_text("Connected to Tria Demo")
        await expect(page.locator("main")).to_contain_text("shanti")


async def test_only_an_admin_is_offered_to_connect(console: Console) -> None:
    async with console(AGENT, "xero") as page:
        await expect(page.locator("main .chip").first).to_contain_text("onnected")
        await expect(page.get_by_role("button", name=re.compile("Connect"))).to_have_count(0)
        await expect(page.get_by_role("link", name="Privacy")).to_have_count(0)


async def test_a_service_that_is_away_is_shown_and_waited_for(console: Console) -> None:
    async with console(AGENT, "xero") as page:
        await page.context.set_offline(True)
        await expect(page.locator("#connection")).to_contain_text(
            "does not answer", timeout=REFRESH_MS
        )
        await page.context.set_offline(False)
        await expect(page.locator("#connection")).to_be_empty(timeout=REFRESH_MS)


async def test_a_sign_in_that_has_ended_is_asked_for_again(console: Console) -> None:
    async with console(AGENT, "xero") as page:
        await page.context.clear_cookies()
        await expect(page.get_by_role("heading", name="Who is at work?")).to_be_visible(
            timeout=REFRESH_MS
        )


@pytest.mark.parametrize("width", [320, 768])
@pytest.mark.parametrize("path", ["", "conversations", "approvals", "xero", "privacy", "audit"])
async def test_nothing_is_wider_than_the_screen(
    console: Console, axe: Axe, path: str, width: int
) -> None:
    async with console(ADMIN, path, width=width) as page:
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await page.evaluate(overflow) == 0
        await axe(page)
