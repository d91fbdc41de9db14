"""Outages of what the service stands on: the model, a table, Xero."""

from playwright.async_api import expect

from tests.api.console.conftest import AGENT, SUPERVISOR
from tests.drills.conftest import Drill
from tests.drills.steps import SOON_MS, opened_from_inbox, row_of, until
from tests.drills.turns import OWED, answers, done, ended, in_books, to_inbox, to_the_run, xero_is_away
from tests.graph.repair.conftest import a_bug

ORDER = "600 10 inch boxes for tampines please"
CUSTOMERS = range(3)


async def test_an_outage_of_the_model_and_of_what_failed_in_it(drill: Drill) -> None:
    right = [drill.say(OWED, index=n)["values"]["messages"][-1]["content"] for n in CUSTOMERS]
    drill.control.model("error_503")
    without = drill.say(OWED)
    async with drill.console(AGENT, f"conversations/{without['thread']}") as page:
        # Nobody waits for it: it is answered, in other words.
        await page.locator("details.inside > summary").click()
        await expect(page.get_by_text("Worded by")).to_be_visible()
        await expect(page.get_by_text("No call of a model")).to_be_visible()
    async with a_bug(drill.database):
        asked = [drill.start(OWED, index=n) for n in CUSTOMERS]
        for each in asked:
            await ended(drill, each["run"], "failed")
    drill.control.model("echo")
    async with drill.console(SUPERVISOR) as page:
        for each in asked:
            await expect(row_of(page, each["thread"])).to_contain_text("UndefinedTable")
        await drill.picture(page, "outage-1")
        await to_the_run(page, asked[0]["thread"], asked[0]["run"], "UndefinedTable")
        await page.get_by_role("link", name="all that failed with it").click()
        await expect(page.get_by_role("heading", name="Would be resumed")).to_be_visible()
        await drill.picture(page, "outage-2")
        await page.get_by_role("button", name="Resume these 3").click()
        await expect(page.get_by_text("3 resumed.")).to_be_visible()
        for each in asked:
            await ended(drill, each["run"], "succeeded")
        await to_inbox(page)
        for each in asked:
            await expect(row_of(page, each["thread"])).to_have_count(0)
    for n, each in enumerate(asked):
        assert answers(drill, each["thread"], n) == [right[n]]
        assert done(drill, each["run"]) == [("farah", "run.resumed")]


async def test_xero_is_away_for_an_hour(drill: Drill) -> None:
    thread = drill.say(ORDER)["thread"]
    with xero_is_away(drill, "unavailable", "*"):
        assert "isn't answering" in drill.say("yes", thread)["values"]["messages"][-1]["content"]
        # As after an hour of tries, of which there is one every five minutes at last.
        drill.change(
            "update actions set confirmed_at = confirmed_at - interval '1 hour',"
            " updated_at = updated_at - interval '1 hour', tries = 15,"
            " try_after = now() + interval '5 minutes' where thread_id = %s",
            thread,
        )
        async with drill.console(AGENT) as page:
            await expect(row_of(page, thread)).to_contain_text("not yet in Xero")
            await opened_from_inbox(page, thread)
            await drill.picture(page, "xero-away-1")
            await page.get_by_role("link", name="Xero", exact=True).click()
            await drill.picture(page, "xero-away-2")
    # The five minutes are over.
    drill.change("update actions set try_after = now() where thread_id = %s", thread)
    async with drill.console(AGENT, f"conversations/{thread}") as page:
        await expect(page.get_by_text("committed").first).to_be_visible(timeout=SOON_MS)
        told = await until(lambda: len(answers(drill, thread)) == 3)
        assert told
        await drill.picture(page, "xero-away-3")
        await to_inbox(page)
        await expect(row_of(page, thread)).to_have_count(0)
    [card] = drill.rows("select * from actions where thread_id = %s", thread)
    assert card["status"] == "committed"
    assert in_books(drill, card["document_number"]) == 1
    assert card["document_number"] in answers(drill, thread)[-1]
    print(done(drill, str(card["action_id"])))

async def see(drill):
    async with drill.console(AGENT) as page:
        print(await page.locator("#rows").inner_text())
