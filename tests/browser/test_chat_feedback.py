"""Thumbs and the survey on the chat page, in a real browser against the whole service."""

import re
from collections.abc import Awaitable, Callable

import httpx
import psycopg
import pytest
from playwright.async_api import Locator, Page, expect

from tests.api.conftest import colleague, staff_headers
from tests.browser.test_chat_page import ask, page

__all__ = ["page"]

Axe = Callable[[Page], Awaitable[None]]
NEWS_MS = 20_000


async def thumb(answer: Locator, name: str) -> Locator:
    return answer.get_by_role("button", name=name, exact=True)


def kept(postgres_url: str) -> tuple[object, ...] | None:
    with psycopg.connect(postgres_url) as connection:
        return connection.execute(
            "select score, is_solved, comment from feedback order by updated_at desc limit 1"
        ).fetchone()


def latest_card(postgres_url: str) -> str:
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute(
            "select action_id from actions order by created_at desc limit 1"
        ).fetchone()
    assert row
    return str(row[0])


async def test_a_thumb_is_kept_and_still_there_after_a_reload(
    page: Page, postgres_url: str
) -> None:
    answer = await ask(page, "what do I owe?")
    await (await thumb(answer, "Helpful")).click()
    await expect(answer.locator(".told")).to_contain_text("Thank you")
    assert kept(postgres_url) == (1, None, "")
    await page.reload()
    answer = page.locator(".entry.ai.done")
    await expect(await thumb(answer, "Helpful")).to_have_attribute("aria-pressed", "true")
    await expect(await thumb(answer, "Not helpful")).to_have_attribute("aria-pressed", "false")


async def test_a_thumb_down_asks_what_was_wrong_by_keyboard(page: Page, postgres_url: str) -> None:
    answer = await ask(page, "what do I owe?")
    await (await thumb(answer, "Not helpful")).press("Enter")
    await expect(answer.get_by_label("What was wrong?")).to_be_focused()
    await page.keyboard.type("the wrong month")
    await page.keyboard.press("Enter")
    await expect(answer.get_by_label("What was wrong?")).to_be_hidden()
    await expect(await thumb(answer, "Not helpful")).to_be_focused()
    assert kept(postgres_url) == (-1, None, "the wrong month")
    await expect(page.locator(".entry.human")).to_have_count(
        1
    )  # nothing of it was sent as a message


async def test_the_survey_comes_with_the_end_and_goes_with_the_next_question(
    page: Page, postgres_url: str
) -> None:
    survey = page.get_by_role("region", name="Is your matter solved?")
    await ask(page, "what do I owe?")
    await expect(survey).to_be_hidden()
    await ask(page, "thanks, that is all")
    await survey.get_by_role("button", name="Yes").click()
    await expect(survey.locator(".told")).to_contain_text("Thank you")
    assert kept(postgres_url) == (None, True, "")
    await survey.get_by_label("4", exact=True).check()
    await survey.get_by_label("Anything you want to tell us?").fill("quick")
    await survey.get_by_role("button", name="Send").click()
    await expect(survey.get_by_label("4", exact=True)).to_be_hidden()
    assert kept(postgres_url) == (4, True, "quick")
    await ask(page, "when do you deliver?")
    await expect(survey).to_be_hidden()


async def test_what_could_not_be_kept_is_said_and_not_shown_as_kept(page: Page) -> None:
    answer = await ask(page, "what do I owe?")
    await page.route(re.compile("/feedback$"), lambda route: route.fulfill(status=503, json={}))
    await (await thumb(answer, "Helpful")).click()
    await expect(answer.locator(".told")).to_contain_text("try again")
    await expect(await thumb(answer, "Helpful")).to_have_attribute("aria-pressed", "false")


async def test_another_conversation_begins_without_what_was_said_of_the_last(page: Page) -> None:
    await ask(page, "what do I owe?")
    await ask(page, "thank you")
    survey = page.get_by_role("region", name="Is your matter solved?")
    await survey.get_by_role("button", name="No", exact=True).click()
    await page.get_by_role("button", name="New conversation").click()
    await expect(survey).to_be_hidden()
    await ask(page, "thank you")
    for name in ("Yes", "No"):
        await expect(survey.get_by_role("button", name=name, exact=True)).to_have_attribute(
            "aria-pressed", "false"
        )


async def test_a_card_that_a_person_changed_is_closed_and_the_other_is_open(
    page: Page, service_url: str, postgres_url: str
) -> None:
    staff = staff_headers(colleague())
    async with httpx.AsyncClient(base_url=service_url, headers=staff, timeout=30) as client:
        await ask(page, "3000 14 inch boxes for tampines please")
        await page.get_by_role("button", name="Confirm order").click()
        waits = page.locator(".card .chip", has_text="Waiting for a colleague")
        await expect(waits).to_be_visible()
        path = f"/admin/approvals/{latest_card(postgres_url)}/change"
        (await client.post(path, json={"pieces": {"0": 2000}})).raise_for_status()
    await expect(page.locator(".card .chip", has_text="Changed: see below")).to_be_visible(
        timeout=NEWS_MS
    )
    await page.get_by_role("button", name="Confirm order").click()
    await expect(page.locator(".card .chip", has_text="Placed")).to_be_visible(timeout=NEWS_MS)


@pytest.mark.parametrize("width", [320, 768])
async def test_it_fits_a_small_screen(page: Page, width: int, axe: Axe) -> None:
    await page.set_viewport_size({"width": width, "height": 640})
    answer = await ask(page, "thank you")
    await (await thumb(answer, "Not helpful")).click()
    survey = page.get_by_role("region", name="Is your matter solved?")
    await survey.get_by_role("button", name="No", exact=True).click()
    await expect(survey.get_by_label("4", exact=True)).to_be_visible()
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(overflow) == 0
    await axe(page)
