"""What operators do on the console, in a real browser against the whole service."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient
from playwright.async_api import Browser, Locator, Page, expect

from tests.api.test_approvals import an_order_that_waits, told
from tests.api.test_conversations import a_thread, say
from tests.browser.test_chat_page import browser, chromium
from tests.conftest import customer, headers_of

__all__ = ["browser", "chromium"]

SERVICE_STAFF, MANAGER, DIRECTOR = range(3)
REFRESH_MS = 15_000


@asynccontextmanager
async def open_console(browser: Browser, url: str, who: int) -> AsyncIterator[Page]:
    """The console of a colleague. Any script error or refused content on the way fails the test."""
    page = await browser.new_page(base_url=url)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if "Policy" in line.text else None)
    await page.goto("/console")
    await page.locator("#staff .customer").nth(who).click()
    await expect(page.get_by_role("heading", name="Waiting for approval")).to_be_visible()
    await expect(page.locator("#xero dd").first).to_be_visible()
    yield page
    await page.close()
    assert errors == []


@pytest.fixture
async def sdk(service_url: str) -> AsyncIterator[LangGraphClient]:
    async with get_client(url=service_url, api_key=None, headers=headers_of(customer())) as client:
        yield client


@pytest.fixture
async def page(browser: Browser, service_url: str) -> AsyncIterator[Page]:
    async with open_console(browser, service_url, DIRECTOR) as page:
        yield page


def ticket_of(messages: list[dict[str, Any]]) -> str:
    found = re.search(r"T-\d{6}", messages[-1]["content"])
    assert found
    return found[0]


async def waiting(page: Page, sdk: LangGraphClient) -> tuple[str, Locator, dict[str, Any]]:
    """An order placed while the console is open: its thread, and its card here and in the chat."""
    thread, card = await an_order_that_waits(sdk)
    ticket = ticket_of(await told(sdk, thread, 4))
    shown = page.locator("#approvals > li").filter(has_text=ticket)
    await expect(shown).to_be_visible(timeout=REFRESH_MS)
    return thread, shown, card


async def test_an_approval_goes_from_the_chat_to_the_console_and_back(
    page: Page, sdk: LangGraphClient
) -> None:
    thread, shown, card = await waiting(page, sdk)
    for text in (customer().company, customer().name, card["title"], card["total"][-6:]):
        await expect(shown).to_contain_text(text)
    await shown.get_by_role("button", name="Approve").click()
    await shown.get_by_role("textbox").fill("spoke with Mei")
    await shown.get_by_role("button", name=f"Yes, approve SGD {card['total']}").click()
    await expect(shown).to_have_count(0)
    await expect(page.locator("#said")).to_contain_text("Approved")
    await expect(page.locator("#approvals-title")).to_be_focused()
    assert "TRIA-" in (await told(sdk, thread, 5))[-1]["content"]


async def test_declining_asks_why_and_can_be_left_by_keyboard(
    page: Page, sdk: LangGraphClient
) -> None:
    thread, shown, _ = await waiting(page, sdk)
    await shown.get_by_role("button", name="Decline").press("Enter")
    reason = shown.get_by_role("textbox")
    await expect(reason).to_be_focused()
    await shown.get_by_role("button", name="Yes, decline").click()
    await expect(shown.get_by_role("alert")).to_contain_text("say why")
    await shown.get_by_role("button", name="Back").press("Enter")
    await expect(shown.get_by_role("button", name="Decline")).to_be_focused()

    await page.keyboard.press("Enter")
    await page.keyboard.type("no stock")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(shown).to_have_count(0)
    messages = await told(sdk, thread, 5)
    assert "no stock" not in messages[-1]["content"]


async def test_what_is_written_survives_a_refresh_and_a_decision_elsewhere_removes_the_card(
    browser: Browser, page: Page, service_url: str, sdk: LangGraphClient
) -> None:
    _, shown, card = await waiting(page, sdk)
    await shown.get_by_role("button", name="Decline").click()
    await shown.get_by_role("textbox").fill("half a thought")
    await an_order_that_waits(sdk)
    await expect(page.locator("#said")).to_contain_text("new to approve", timeout=REFRESH_MS)
    await expect(shown.get_by_role("textbox")).to_have_value("half a thought")
    async with open_console(browser, service_url, SERVICE_STAFF) as other:
        here = other.locator("#approvals > li").filter(has_text=await ticket(shown))
        await here.get_by_role("button", name="Approve").click()
        await here.get_by_role("button", name=f"Yes, approve SGD {card['total']}").click()
    await expect(shown).to_have_count(0, timeout=REFRESH_MS)


async def ticket(shown: Locator) -> str:
    found = re.search(r"T-\d{6}", await shown.inner_text())
    assert found
    return found[0]


async def test_only_an_admin_is_offered_to_connect(browser: Browser, service_url: str) -> None:
    async with open_console(browser, service_url, MANAGER) as page:
        await expect(page.locator("#xero-state")).to_contain_text("onnected")
        await expect(page.locator("#connect")).to_be_hidden()


async def test_an_admin_connects_xero_and_chooses_the_organisation(page: Page) -> None:
    # An answer without content leaves the browser where it is.
    # The sandbox agrees at once, and sends the browser to the port that the settings name.
    async with page.expect_request("**/identity/connect/authorize**") as leaving:
        await page.route("**/identity/connect/authorize**", lambda route: route.fulfill(status=204))
        await page.get_by_role("button", name=re.compile("Connect")).click()
    agreed = await page.request.get((await leaving.value).url, max_redirects=0)
    await page.goto(re.sub(r"^http://[^/]+", "", agreed.headers["location"]))
    choose = page.get_by_role("region", name="Which organisation does Tria work in?")
    await choose.get_by_role("button", name="Tria Demo").click()
    await expect(choose).to_have_count(0)
    assert page.url.endswith("/console")
    await expect(page.locator("#xero-title")).to_be_focused()
    await expect(page.locator("#xero")).to_contain_text("Tria Demo")
    await expect(page.locator("#xero")).to_contain_text("shanti")


async def test_a_reload_keeps_the_sign_in_and_signing_out_keeps_nothing(page: Page) -> None:
    await page.reload()
    await expect(page.locator("#xero dd").first).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Who is at work?")).to_be_focused()
    assert await page.evaluate("sessionStorage.length + localStorage.length") == 0
    assert await page.locator("#approvals > li").count() == 0


async def test_a_sign_in_that_has_ended_is_asked_for_again(page: Page) -> None:
    await page.route("**/admin/**", lambda route: route.fulfill(status=401, json={}))
    await expect(page.locator("#banner")).to_contain_text("has ended", timeout=REFRESH_MS)
    await expect(page.locator("#staff .customer").first).to_be_visible()


async def test_a_service_that_is_away_is_shown_and_waited_for(page: Page) -> None:
    await page.context.set_offline(True)
    await expect(page.locator("#banner")).to_contain_text("does not answer", timeout=REFRESH_MS)
    await page.context.set_offline(False)
    await expect(page.locator("#banner p")).to_be_hidden(timeout=REFRESH_MS)


@pytest.mark.parametrize("width", [320, 360, 768])
async def test_nothing_is_wider_than_the_screen(
    page: Page, sdk: LangGraphClient, width: int
) -> None:
    await page.set_viewport_size({"width": width, "height": 640})
    _, shown, _ = await waiting(page, sdk)
    await shown.get_by_role("button", name="Decline").click()
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(overflow) == 0


async def test_a_conversation_is_downloaded_as_the_draft_of_an_eval_case(
    page: Page, sdk: LangGraphClient
) -> None:
    thread = await a_thread(sdk)
    await say(sdk, thread, "what do I owe?")
    field = page.get_by_label("Conversation")
    await field.fill("00000000-0000-4000-8000-000000000000")
    await page.get_by_role("button", name="Download the draft").click()
    await expect(page.locator("#capture-problem")).to_contain_text("not found")
    await field.fill(f" {thread} ")
    async with page.expect_download() as downloading:
        await field.press("Enter")
    download = await downloading.value
    assert re.fullmatch(r"captured-\d{8}-\d{4}\.jsonl", download.suggested_filename)
    draft = json.loads(await asyncio.to_thread((await download.path()).read_text, "utf-8"))
    assert draft["turns"][0]["user"] == "what do I owe?"
    await expect(page.locator("#capture-problem")).to_be_empty()
