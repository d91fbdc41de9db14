"""What a customer downloads from the chat page."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from graph.studio import demo_caller
from tests.browser.test_chat_page import ORDER_FORM, ask, browser, chromium, next_answer, page
from tests.conftest import customer
from tools.database import Pool, fetch_all, make_pool
from tools.documents.links import Links, NewLink

__all__ = ["browser", "chromium", "page"]


@pytest.fixture(scope="module")
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    """The database of the service under test."""
    async with make_pool(postgres_url) as pool:
        yield pool


@pytest.fixture
async def ordered(page: Page) -> str:
    """The number of an order that was confirmed on the page."""
    answer = await ask(page, ORDER_FORM)
    await answer.get_by_role("button", name="Confirm order").click()
    confirmed = await next_answer(page, 1)
    badge = await confirmed.locator(".card .chip").inner_text()
    return badge.rpartition(" ")[2]


async def reply_with(page: Page, pool: Pool, text: str) -> None:
    """Let the last answer say something else, and open the conversation again."""
    await fetch_all(
        pool,
        "update messages set content = %s where seq = (select max(m.seq) from messages m"
        " join threads using (thread_id) where role = 'ai' and customer_id = %s) returning 1",
        [text, customer().customer_id],
    )
    await page.reload()
    await expect(page.locator(".entry.ai").last).to_be_visible()


@pytest.mark.parametrize(("form", "start"), [("PDF", b"%PDF"), ("Excel", b"PK")])
async def test_a_placed_order_can_be_saved(
    page: Page, ordered: str, form: str, start: bytes
) -> None:
    button = page.get_by_role("button", name=f"Delivery order ({form})")
    async with page.expect_download() as saving:
        await button.click()
    saved = await saving.value
    ending = {"PDF": "pdf", "Excel": "xlsx"}[form]
    assert saved.suggested_filename == f"{ordered}-delivery-order.{ending}"
    content = await asyncio.to_thread(Path(await saved.path()).read_bytes)
    assert content.startswith(start)
    await expect(button).to_be_enabled()


async def test_an_open_order_has_nothing_to_save(page: Page) -> None:
    answer = await ask(page, ORDER_FORM)
    await expect(answer.locator(".card")).to_be_visible()
    await expect(page.get_by_role("button", name="Delivery order")).to_have_count(0)


async def test_a_failed_download_says_so_and_can_be_tried_again(page: Page, ordered: str) -> None:
    button = page.get_by_role("button", name="Delivery order (PDF)")
    await page.context.set_offline(True)
    await button.click()
    await expect(page.locator("#status")).to_contain_text("could not be fetched")
    await page.context.set_offline(False)
    async with page.expect_download():
        await button.click()
    await expect(page.locator("#status")).to_be_empty()


@pytest.mark.parametrize("form", ["{}", "http://{host}{}", "[Your delivery order]({})"])
async def test_a_link_to_a_document_saves_it_once(
    page: Page, pool: Pool, ordered: str, form: str
) -> None:
    link = NewLink("delivery_order_pdf", demo_caller(customer()).scope, {"number": ordered})
    path = f"/documents/{await Links(pool).issue(link)}"
    host = page.url.split("/")[2]
    await reply_with(page, pool, f"Here it is: {form.format(path, host=host)}.\n- as asked")
    button = page.locator(".entry.ai .text a")
    await expect(button).to_have_text("Your delivery order" if "[" in form else "Download")
    async with page.expect_download() as saving:
        await button.click()
    name = (await saving.value).suggested_filename
    assert name == f"{ordered}-delivery-order.pdf"
    async with page.context.expect_event("response", lambda r: path in r.url) as answering:
        await button.click()
    assert (await answering.value).status == 410


async def test_a_link_that_has_ended_says_what_to_do(page: Page) -> None:
    await page.goto("/documents/ended")
    await expect(page.get_by_role("heading", name="This link has ended")).to_be_visible()
    await expect(page.get_by_role("main")).to_contain_text("ask for the document again")


async def test_every_other_address_stays_text(page: Page, pool: Pool) -> None:
    await ask(page, "hello")
    token = "a" * 43
    lines = [
        f"https://evil.example/documents/{token}",
        f"//evil.example/documents/{token}",
        f"[Invoice](https://evil.example/documents/{token})",
        f"[Invoice](//evil.example/documents/{token})",
        f"[Invoice](javascript:/documents/{token})",
        f"https://evil.example/?to=/documents/{token}",
        f"x/documents/{token}",
        f"/documents/{token}longer",
        "/documents/short",
        f"/threads/{token}",
        "https://tria.example/price-list",
    ]
    await reply_with(page, pool, "\n".join(lines))
    text = page.locator(".entry.ai .text").last
    await expect(text).to_contain_text("price-list")
    assert (await text.inner_text()).splitlines() == lines
    await expect(text.locator("a")).to_have_count(0)
