"""A conversation on the console, in a real browser: understood, unmasked, and in step."""

from collections.abc import AsyncIterator, Awaitable, Callable

import psycopg
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient
from playwright.async_api import Browser, Page, expect

from api.console.session import COOKIE
from tests.api.console.conftest import AGENT, SUPERVISOR
from tests.api.test_conversations import a_thread, say
from tests.browser.conftest import Console
from tests.conftest import customer, headers_of

PERSONAL = "this is Mei Lim, 9123 4567. <script>alert(1)</script> \u202ewhat do I owe?"
REFRESH_MS = 15_000


@pytest.fixture
async def sdk(service_url: str) -> AsyncIterator[LangGraphClient]:
    async with get_client(url=service_url, api_key=None, headers=headers_of(customer())) as client:
        yield client


@pytest.fixture
async def thread(sdk: LangGraphClient) -> str:
    thread = await a_thread(sdk)
    await say(sdk, thread, PERSONAL)
    return thread


async def test_a_turn_opens_to_its_way_through_the_graph_and_persons_are_unmasked(
    console: Console,
    axe: Callable[[Page], Awaitable[None]],
    thread: str,
    postgres_url: str,
) -> None:
    async with console(SUPERVISOR, f"conversations/{thread}") as page:
        said = page.locator(".message.customer .words")
        await expect(said).to_contain_text("<script>alert(1)</script>")
        await expect(said).not_to_contain_text("9123")
        turn = page.locator("details.inside")
        await turn.locator("> summary").press("Enter")
        machine = turn.locator("svg.machine")
        await expect(machine.locator("[data-node=call_xero_tools]")).to_have_class("node done")
        await expect(machine.locator("[data-node=hand_off]")).to_have_class("node unvisited")
        await expect(turn.locator(".steps > li")).to_have_count(7)
        await expect(turn.get_by_role("region", name="Facts")).to_contain_text("xero:")
        await expect(page.locator(".message.customer")).not_to_contain_text("9123")
        await axe(page)

        await page.get_by_text("Unmask", exact=True).click()
        await page.get_by_label("Why do you need to see it?").fill("she calls")
        await page.get_by_role("button", name="Show personal data").click()
        await expect(page.locator(".notice")).to_contain_text("10 minutes")
        await expect(said).to_contain_text("Mei Lim, 9123 4567")
        await expect(said).to_contain_text("⟨U+202E⟩")
        await page.get_by_role("button", name="Mask again").click()
        await expect(said).not_to_contain_text("9123")
    with psycopg.connect(postgres_url) as connection:
        noted = connection.execute(
            "select detail->>'reason' from audit where event = 'conversation.unmasked'"
            " and subject = %s",
            [thread],
        ).fetchall()
    assert noted == [("she calls",)]


async def test_what_is_said_meanwhile_appears_and_an_open_turn_stays_open(
    console: Console, thread: str, sdk: LangGraphClient
) -> None:
    async with console(AGENT, f"conversations/{thread}") as page:
        first = page.locator("details.inside").first
        await first.locator("> summary").click()
        await expect(first.locator("svg.machine")).to_be_visible()
        await page.locator("h1").click()
        await say(sdk, thread, "how much is the fee if I cancel the day before delivery?")
        await expect(page.locator(".turn")).to_have_count(2, timeout=REFRESH_MS)
        await expect(page.locator(".turn").last).to_contain_text("25%", timeout=REFRESH_MS)
        await expect(first.locator("svg.machine")).to_be_visible()
        last = page.locator("details.inside").last
        await last.locator("> summary").click()
        await expect(last.get_by_role("region", name="Passages")).to_contain_text("cited")


async def test_it_fits_a_phone_and_needs_no_scripts(
    browser: Browser, console: Console, thread: str, service_url: str
) -> None:
    async with console(AGENT, f"conversations/{thread}", 360) as page:
        await page.locator("details.inside > summary").click()
        await expect(page.locator("svg.machine")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
        cookies = await page.context.cookies()
    plain = await browser.new_context(base_url=service_url, java_script_enabled=False)
    token = next(cookie["value"] for cookie in cookies if cookie["name"] == COOKIE)
    await plain.add_cookies([{"name": COOKIE, "value": token, "url": service_url}])
    page = await plain.new_page()
    await page.goto(f"/console/conversations/{thread}")
    await page.locator("details.inside > summary").click()
    await page.get_by_role("link", name="How this answer came about").click()
    await expect(page.locator("svg.machine")).to_be_visible()
    await page.get_by_role("link", name="Back to the conversation").click()
    await expect(page.locator(".turn")).to_have_count(1)
    await plain.close()
