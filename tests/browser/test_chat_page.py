"""What a customer does on the chat page, in a real browser against the whole service."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from tests.conftest import ServiceProcess

CHROMIUM = "/usr/bin/chromium"
AMOUNT = re.compile(r"\d[\d,]*\.\d{2}")
ANSWER_MS = 20_000
ORDER_FORM = """Order form
Outlet: Forno Rosso Tampines
10" Regular Box (100/bundle): 600
12" Medium Box (100/bundle): 200
14" XL Box (50/bundle): 400"""


@pytest.fixture(scope="module")
def chromium() -> str:
    if not Path(CHROMIUM).exists():
        pytest.skip("There is no Chromium: apt-get install chromium")
    return CHROMIUM


@pytest.fixture(scope="module")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        await browser.close()


@asynccontextmanager
async def open_chat(browser: Browser, url: str) -> AsyncIterator[Page]:
    """The chat of the first demo customer. Any script error on the way fails the test."""
    page = await browser.new_page(base_url=url)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.goto("/")
    await page.locator(".customer").first.click()
    await expect(page.locator("#message")).to_be_visible()
    yield page
    await page.close()
    assert errors == []


@pytest.fixture
async def page(browser: Browser, service_url: str) -> AsyncIterator[Page]:
    async with open_chat(browser, service_url) as page:
        yield page


async def ask(page: Page, text: str) -> Locator:
    """Send a message by keyboard; the finished answer."""
    answers = page.locator(".entry.ai.done")
    before = await answers.count()
    await page.fill("#message", text)
    await page.press("#message", "Enter")
    return await next_answer(page, before)


async def next_answer(page: Page, before: int) -> Locator:
    answers = page.locator(".entry.ai.done")
    await expect(answers).to_have_count(before + 1, timeout=ANSWER_MS)
    await expect(page.locator("#log")).to_have_attribute("aria-busy", "false")
    return answers.nth(before)


async def test_the_balance_is_an_amount(page: Page) -> None:
    answer = await ask(page, "what do I owe?")
    await expect(answer).to_contain_text(AMOUNT)


async def test_a_citation_opens_its_passage(page: Page) -> None:
    answer = await ask(page, "is there a fee if I cancel an order the day before delivery?")
    await answer.locator(".citation").first.click()
    passage = page.get_by_role("dialog")
    await expect(passage.locator(".text")).not_to_be_empty()
    await passage.get_by_role("button", name="Close").click()
    await expect(passage).to_be_hidden()


async def test_a_confirmed_order_gets_a_number_once(page: Page) -> None:
    answer = await ask(page, ORDER_FORM)
    await expect(answer.locator(".card")).to_contain_text("806.60")
    await answer.get_by_role("button", name="Confirm order").dblclick()
    confirmed = await next_answer(page, 1)
    await expect(confirmed).to_contain_text("TRIA-")
    await expect(page.get_by_role("button", name="Confirm order")).to_have_count(0)
    await expect(page.locator(".entry.human")).to_have_count(2)


async def test_a_declined_order_can_no_longer_be_confirmed(page: Page) -> None:
    answer = await ask(page, ORDER_FORM)
    await answer.get_by_role("button", name="Not now").click()
    await next_answer(page, 1)
    await expect(page.get_by_role("button", name="Confirm order")).to_have_count(0)


async def test_a_refresh_keeps_conversation_and_draft(page: Page) -> None:
    await ask(page, "what do I owe?")
    await page.fill("#message", "half a thought")
    await page.reload()
    await expect(page.locator(".entry")).to_have_count(2)
    await expect(page.locator("#message")).to_have_value("half a thought")


async def test_a_message_written_offline_goes_out_later(page: Page) -> None:
    await page.context.set_offline(True)
    await expect(page.locator("#banner")).to_contain_text("offline")
    await page.fill("#message", "what do I owe?")
    await page.press("#message", "Enter")
    await expect(page.locator(".entry.human.sending")).to_be_visible()
    await page.context.set_offline(False)
    await expect(await next_answer(page, 0)).to_contain_text(AMOUNT)
    await expect(page.locator("#banner p")).to_be_hidden()
    await expect(page.locator(".entry.human")).to_have_count(1)


async def test_a_stopped_service_is_shown_and_waited_for(
    browser: Browser, service_process: ServiceProcess
) -> None:
    async with open_chat(browser, service_process.url) as page:
        await ask(page, "hello")
        service_process.kill()
        await page.fill("#message", "what do I owe?")
        await page.press("#message", "Enter")
        await expect(page.locator("#banner")).to_contain_text("connection is lost")
        service_process.start()
        await expect(await next_answer(page, 1)).to_contain_text(AMOUNT)
        await expect(page.locator("#banner p")).to_be_hidden()
        await expect(page.locator(".entry.human")).to_have_count(2)


async def test_markup_of_the_customer_stays_text(page: Page) -> None:
    await ask(page, "<img src=x onerror=alert(1)> what do I owe?")
    await expect(page.locator(".entry.human")).to_contain_text("<img src=x")
    await expect(page.locator("#log img")).to_have_count(0)


async def test_a_signed_out_browser_keeps_nothing(page: Page) -> None:
    await ask(page, "what do I owe?")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.locator(".customer").first).to_be_visible()
    assert await page.evaluate("sessionStorage.length + localStorage.length") == 0


@pytest.mark.parametrize("width", [320, 360, 768])
async def test_nothing_is_wider_than_the_screen(page: Page, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 640})
    await ask(page, ORDER_FORM)
    for part in ("document.documentElement", "document.querySelector('#scroller')"):
        assert await page.evaluate(f"{part}.scrollWidth - {part}.clientWidth") == 0


async def test_escape_closes_the_widget_of_another_site(browser: Browser, service_url: str) -> None:
    shop = service_url.replace("127.0.0.1", "localhost") + "/shop"
    script = f"<script src='{service_url}/embed.js' data-title='Ask Tria' defer></script>"
    page = await browser.new_page(permissions=["local-network-access"])
    await page.route(shop, lambda route: route.fulfill(content_type="text/html", body=script))
    await page.goto(shop)
    opener = page.get_by_role("button", name="Ask Tria")
    await opener.click()
    await page.frame_locator("iframe").locator(".customer").first.press("Escape")
    await expect(opener).to_be_focused()
    await page.close()
