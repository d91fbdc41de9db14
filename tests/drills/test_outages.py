"""Outages of what the service stands on: the model, a table, Xero."""

from playwright.async_api import Page, expect

from tests.api.console.conftest import AGENT, SUPERVISOR
from tests.drills.conftest import Drill
from tests.drills.steps import SOON_MS, opened_from_inbox, row_of, until
from tests.drills.turns import (
    OWED,
    answers,
    done,
    ended,
    in_books,
    right_answer,
    to_inbox,
    to_the_run,
    xero_is_away,
)
from tests.graph.repair.conftest import a_bug

ORDER = "600 10 inch boxes for tampines please"
CUSTOMERS = range(3)


async def test_an_outage_of_the_model_and_what_failed_in_it(drill: Drill) -> None:
    drill.control.model("error_503")
    await _answered_without(drill)
    # What fails in an outage is not what the model does: here a table is away with it.
    async with a_bug(drill.database):
        asked = [drill.start(OWED, index=n) for n in CUSTOMERS]
        for each in asked:
            await ended(drill, each["run"], "failed")
    drill.control.model("echo")
    async with drill.console(SUPERVISOR) as page:
        for each in asked:
            await expect(row_of(page, each["thread"])).to_contain_text("No answer: UndefinedTable")
        await drill.picture(page, "outage-2")
        await to_the_run(page, asked[0]["thread"], asked[0]["run"], "No answer")
        await _resume_all(drill, page)
        for each in asked:
            await ended(drill, each["run"], "succeeded")
        await to_inbox(page)
        for each in asked:
            await expect(row_of(page, each["thread"])).to_have_count(0)
    for n, each in enumerate(asked):
        assert answers(drill, each["thread"], n) == [right_answer(drill, n)]
        assert done(drill, each["run"]) == [("farah", "run.resumed")]


async def test_xero_is_away_for_an_hour(drill: Drill) -> None:
    thread = drill.say(ORDER)["thread"]
    with xero_is_away(drill, "unavailable", "*"):
        assert "isn't answering" in drill.say("yes", thread)["values"]["messages"][-1]["content"]
        _age_by_an_hour(drill, thread)
        async with drill.console(AGENT) as page:
            await expect(row_of(page, thread)).to_contain_text("Tried, and not yet in Xero")
            await opened_from_inbox(page, thread)
            await _says_why(drill, page)
    # It is back, and the next try is due.
    drill.change("update actions set try_after = now() where thread_id = %s", thread)
    async with drill.console(AGENT, f"conversations/{thread}") as page:
        await expect(page.get_by_text("your order is placed")).to_be_visible(timeout=SOON_MS)
        await drill.picture(page, "xero-away-3")
        await to_inbox(page)
        await expect(row_of(page, thread)).to_have_count(0)
    [card] = drill.rows("select * from actions where thread_id = %s", thread)
    _, _, told = await until(lambda: answers(drill, thread))
    assert card["document_number"] in told
    assert in_books(drill, card["document_number"]) == 1
    trail = [event for _, event in done(drill, str(card["action_id"]))]
    assert trail.count("action.written") == trail.count("action.committed") == 1


async def _answered_without(drill: Drill) -> None:
    """Nobody waits while the model is away: answers come in other words, as their page tells."""
    thread = drill.say(OWED)["thread"]
    async with drill.console(AGENT, f"conversations/{thread}") as page:
        await page.locator("details.inside > summary").click()
        await expect(page.get_by_text("No call of a model: code and templates")).to_be_visible()
        await drill.picture(page, "outage-1")
        await to_inbox(page)
        await expect(row_of(page, thread)).to_have_count(0)


async def _resume_all(drill: Drill, page: Page) -> None:
    """From one turn to all that failed like it: listed first, then resumed."""
    await page.get_by_role("link", name="all that failed with it").click()
    await expect(page.get_by_role("heading", name="Would be resumed")).to_be_visible()
    await drill.picture(page, "outage-3")
    await page.get_by_role("button", name="Resume these 3").click()
    await expect(page.get_by_text("3 resumed.")).to_be_visible()
    await drill.picture(page, "outage-4")


def _age_by_an_hour(drill: Drill, thread: str) -> None:
    """As after an hour of tries, of which there is one every five minutes at last."""
    drill.change(
        "update actions set confirmed_at = confirmed_at - interval '1 hour',"
        " updated_at = updated_at - interval '1 hour', tries = 15,"
        " try_after = now() + interval '5 minutes' where thread_id = %s",
        thread,
    )


async def _says_why(drill: Drill, page: Page) -> None:
    why = page.get_by_role("list", name="Why it is in the inbox")
    await expect(why).to_contain_text("Tried, and not yet in Xero")
    await expect(page.get_by_text("isn't answering")).to_be_visible()
    await drill.picture(page, "xero-away-1")
    await page.get_by_role("link", name="Xero", exact=True).click()
    await expect(page.get_by_text("tried 15 times")).to_be_visible()
    await page.get_by_text("Errors lately").click()
    await drill.picture(page, "xero-away-2")
