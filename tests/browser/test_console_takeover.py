"""A person takes a conversation over, in two browsers: the customer's chat, and the console."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from playwright.async_api import Browser, Page, expect

from tests.api.console.conftest import AGENT, COLLEAGUES
from tests.browser.conftest import Console
from tests.browser.test_chat_page import ask, open_chat

NAME = COLLEAGUES[AGENT].name
SOON_MS = 25_000
ORDER = "600 10 inch boxes for tampines please"


@pytest.fixture
async def chat(browser: Browser, service_url: str) -> AsyncIterator[Page]:
    """A customer with an open card."""
    async with open_chat(browser, service_url) as page:
        await ask(page, ORDER)
        yield page


@pytest.fixture
async def desk(chat: Page, console: Console) -> AsyncIterator[Page]:
    """The colleague who has just taken that conversation over."""
    session = await chat.evaluate("() => sessionStorage.getItem('tria.session')")
    thread = str(session).split('"thread":"')[1].split('"')[0]
    async with console(AGENT, f"conversations/{thread}") as page:
        await page.get_by_role("button", name="Take over").click()
        await expect(page.locator(".who-answers .chip")).to_contain_text("You")
        yield page


async def tell(chat: Page, text: str) -> None:
    """The customer writes what no assistant answers."""
    await chat.fill("#message", text)
    await chat.press("#message", "Enter")
    await expect(chat.locator(".entry.human.done").last).to_contain_text(text)
    await expect(chat.locator("#log")).to_have_attribute("aria-busy", "false")


async def test_the_customer_sees_that_a_person_has_joined(chat: Page, desk: Page) -> None:
    await expect(chat.locator("#with")).to_have_text(
        f"You are writing with {NAME}", timeout=SOON_MS
    )
    await expect(chat.locator(".entry.joined")).to_contain_text(NAME)
    await expect(chat.locator(".card footer")).to_have_count(0)
    await expect(chat.locator("#message")).to_have_attribute("placeholder", f"Message {NAME}")


async def test_both_read_each_other_and_whose_words_they_are(chat: Page, desk: Page) -> None:
    await tell(chat, "is it in stock?")
    await expect(desk.locator("#turns")).to_contain_text("is it in stock?", timeout=SOON_MS)
    await desk.fill("#reply", "Yes, <b>600</b> are here.")
    await desk.get_by_role("button", name="Send").click()
    said = chat.locator(".entry.person:not(.joined, .left)")
    await expect(said).to_contain_text("Yes, <b>600</b> are here.", timeout=SOON_MS)
    await expect(said.locator("h3")).to_have_text(NAME)
    assistant = chat.locator(".entry.ai").first.locator("h3.author")
    await expect(assistant).to_have_text("Tria, the assistant")


async def test_the_customer_sees_that_the_assistant_is_back(chat: Page, desk: Page) -> None:
    await desk.locator("#hand-back summary").click()
    await desk.get_by_role("button", name="Hand back").click()
    await expect(desk.get_by_role("button", name="Take over")).to_be_visible()
    left = chat.locator(".entry.left")
    await expect(left).to_contain_text(f"{NAME} has left", timeout=SOON_MS)
    await expect(chat.locator("#with")).to_be_hidden()
    await expect(await ask(chat, "what do I owe?")).to_contain_text("You owe")


async def test_what_somebody_writes_is_not_swept_away(
    chat: Page, desk: Page, axe: Callable[[Page], Awaitable[None]]
) -> None:
    await desk.fill("#reply", "half of a sent")
    await desk.locator("h1").click()
    await tell(chat, "hello?")
    await expect(desk.locator("#turns")).to_contain_text("hello?", timeout=SOON_MS)
    await expect(desk.locator("#reply")).to_have_value("half of a sent")
    await axe(desk)
    await axe(chat)
