"""The inbox in a real browser: by keyboard, live, and without moving under anybody's hand."""

from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID, uuid4

import pytest
from playwright.async_api import Page, expect
from psycopg.types.json import Jsonb

from tests.api.console.conftest import AGENT
from tests.browser.conftest import Console
from tests.tools.operators.conversations import a_conversation, a_ticket, a_turn
from tools.database import Pool, make_pool

LIVE_MS = 20_000


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    async with make_pool(postgres_url, max_size=2) as pool:
        yield pool


@pytest.fixture
def who() -> str:
    """A customer of the test's own: what else is in the inbox does not matter."""
    return str(uuid4())


async def one_that_waits(pool: Pool, who: str, left_s: float = 600) -> UUID:
    thread = await a_conversation(pool, who)
    await a_turn(pool, thread, "the boxes arrived crushed", signals=Jsonb({"concerns": ["angry"]}))
    await a_ticket(pool, thread, left_s)
    return thread


def link(page: Page, thread: UUID) -> str:
    return f"#c-{thread} .row-link"


async def test_keys_move_open_and_search(console: Console, pool: Pool, who: str) -> None:
    first, second = [await one_that_waits(pool, who, left_s) for left_s in (60, 600)]
    async with console(AGENT, f"?customer={who}") as page:
        await page.keyboard.press("j")
        await expect(page.locator(link(page, first))).to_be_focused()
        await page.keyboard.press("ArrowDown")
        await expect(page.locator(link(page, second))).to_be_focused()
        await page.keyboard.press("k")
        await expect(page.locator(link(page, first))).to_be_focused()
        await page.keyboard.press("/")
        await expect(page.locator("#find")).to_be_focused()
        await page.keyboard.type("jk?/")
        await expect(page.locator("#find")).to_have_value("jk?/")
        await page.keyboard.press("Escape")
        await page.keyboard.press("?")
        await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
        await page.get_by_label("Single keys work").uncheck()
        await page.keyboard.press("Escape")
        await page.keyboard.press("j")
        await expect(page.locator(link(page, first))).not_to_be_focused()
        await page.locator(link(page, first)).focus()
        await page.keyboard.press("ArrowDown")
        await expect(page.locator(link(page, second))).to_be_focused()
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/console/conversations/{second}")


async def test_a_row_comes_by_itself_and_is_announced(
    console: Console, pool: Pool, who: str
) -> None:
    async with console(AGENT, f"?customer={who}") as page:
        await expect(page.get_by_role("heading", name="Nobody waits")).to_be_visible()
        thread = await one_that_waits(pool, who)
        await expect(page.locator(link(page, thread))).to_be_visible(timeout=LIVE_MS)
        await expect(page.locator("#said")).to_have_text("One more conversation needs a person.")
        await expect(page.get_by_role("link", name="Hand-off 1")).to_be_visible()


async def test_nothing_moves_under_the_focus_and_what_is_new_is_one_key_away(
    console: Console, pool: Pool, who: str
) -> None:
    thread = await one_that_waits(pool, who)
    async with console(AGENT, f"?customer={who}") as page:
        await page.keyboard.press("j")
        urgent = await one_that_waits(pool, who, left_s=-60)
        show = page.get_by_role("link", name="Show one that is new")
        await expect(show).to_be_visible(timeout=LIVE_MS)
        await expect(page.locator(link(page, thread))).to_be_focused()
        await expect(page.locator(link(page, urgent))).to_have_count(0)
        await page.keyboard.press("r")
        await expect(page.locator("#rows .row").first).to_have_id(f"c-{urgent}")


async def test_a_pointer_that_moves_over_the_rows_holds_them(
    console: Console, pool: Pool, who: str
) -> None:
    thread = await one_that_waits(pool, who)
    async with console(AGENT, f"?customer={who}") as page:
        urgent = await one_that_waits(pool, who, left_s=-60)
        box = await page.locator(f"#c-{thread}").bounding_box()
        assert box
        for tick in range(70):
            await page.mouse.move(box["x"] + 300 + tick % 2, box["y"] + 20)
            await page.wait_for_timeout(100)
        await expect(page.locator(".news")).to_be_visible()
        await expect(page.locator(link(page, urgent))).to_have_count(0)
        await page.mouse.move(5, 5)
        await expect(page.locator(link(page, urgent))).to_be_visible(timeout=LIVE_MS)


async def test_seen_takes_a_mood_out(console: Console, pool: Pool, who: str) -> None:
    await one_that_waits(pool, who)
    async with console(AGENT, f"?customer={who}") as page:
        await expect(page.get_by_text("The customer is angry")).to_be_visible()
        await page.get_by_role("button", name="Seen").click()
        await expect(page.get_by_text("somebody has looked at it")).to_be_visible()
        await page.goto(f"/console?customer={who}")
        await expect(page.get_by_text("Damage, level 2")).to_be_visible()
        await expect(page.get_by_text("The customer is angry")).to_have_count(0)


async def test_the_search_finds_from_the_inbox_and_stands_in_no_address(
    console: Console, pool: Pool, who: str
) -> None:
    thread = await a_conversation(pool, who)
    await a_turn(pool, thread, "pangolin trays please")
    async with console(AGENT) as page:
        await page.keyboard.press("/")
        await page.keyboard.type("pangolin")
        await page.keyboard.press("Enter")
        await expect(page.locator(link(page, thread))).to_be_visible()
        assert page.url.endswith("/console/search")


@pytest.mark.parametrize("path", ["", "conversations", "search"])
@pytest.mark.parametrize("width", [360, 1280])
async def test_everybody_can_use_it(
    console: Console,
    axe: Callable[[Page], Awaitable[None]],
    pool: Pool,
    path: str,
    width: int,
) -> None:
    await one_that_waits(pool, str(uuid4()), left_s=-60)
    async with console(AGENT, path, width) as page:
        if path == "search":
            await page.locator("#find").fill("crushed")
            await page.get_by_role("button", name="Search").click()
            await expect(page.locator("#rows .row").first).to_be_visible()
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await page.evaluate(overflow) == 0
        await axe(page)
