"""Two writes that need a person: an approval forgotten for a day, and a lost outcome."""

import re

from playwright.async_api import Locator, Page, expect

from graph.clients import now
from tests.api.console.conftest import AGENT, COLLEAGUES, SUPERVISOR
from tests.drills.conftest import Drill
from tests.drills.steps import (
    SOON_MS,
    audited,
    card_of,
    documents,
    gone_from_inbox,
    noticed,
    opened_from_inbox,
    row_of,
    said,
    tickets_closed,
    until,
)
from tools.actions.forgotten import Forgotten
from tools.database import make_pool

UNUSUAL = "3000 14 inch boxes for tampines please"
ORDER = "600 10 inch boxes for tampines please"
LOOK_UP = "GET /Invoices"
BEFORE = 2  # look-ups that go before the write: what the customer owes, and the order itself
ALWAYS = 1_000_000


async def forget_for_a_day(drill: Drill, thread: str) -> None:
    """As if the customer had said yes yesterday; then the minute's sweep comes by."""
    for query in (
        "update actions set confirmed_at = confirmed_at - interval '26 hours' where thread_id = %s",
        "update tickets set deadline = deadline - interval '26 hours' where thread_id = %s",
    ):
        drill.change(query, thread)
    async with make_pool(drill.database, max_size=2) as pool:
        await Forgotten(pool, now).escalate()


async def approved(page: Page, action_id: object) -> None:
    """Read why it waits, and for how long; then approve it."""
    shown = page.locator(f"#card-{action_id}")
    for text in ("forgotten", "An unusual order", "passed on to the next level", "1 day"):
        await expect(shown).to_contain_text(text)
    await shown.locator("summary", has_text="Approve").click()
    await shown.get_by_label("Note for the record").fill("rang Mei: it is for an event")
    await shown.get_by_role("button", name=re.compile("Yes, approve SGD")).click()
    await noticed(page, "Approved")


async def test_an_approval_that_was_forgotten_for_a_day(drill: Drill) -> None:
    thread = drill.say(UNUSUAL)["thread"]
    drill.say("yes", thread)
    await forget_for_a_day(drill, thread)
    card = card_of(drill, thread)
    async with drill.console(SUPERVISOR, "?level=3") as page:
        await expect(row_of(page, thread)).to_contain_text("Forgotten order waits for levels 2, 3")
        await expect(page.get_by_role("region", name="Now")).to_contain_text("Forgotten order")
        await drill.picture(page, "forgotten-1")
        await opened_from_inbox(page, thread)
        await page.get_by_role("link", name="level 2").click()
        await approved(page, card["action_id"])
        await until(lambda: len(said(drill, thread)) == 5)
        await gone_from_inbox(page, thread)
        await page.goto(f"/console/conversations/{thread}")
        await expect(page.locator("#turns")).to_contain_text(card["document_number"])
        await drill.picture(page, "forgotten-2")
    assert card["document_number"] in said(drill, thread)[-1]
    assert [d["Status"] for d in documents(drill, card["document_number"])] == ["DRAFT"]
    events = audited(drill, card["action_id"])
    assert ("assistant", "action.escalated") in events
    assert events.count((COLLEAGUES[SUPERVISOR].staff_id, "action.approved")) == 1


def lose_the_outcome(drill: Drill, thread: str) -> None:
    """Xero writes the order and drops the answer; then nothing there can be looked up."""
    drill.control.fault("PUT /Invoices", "drop_after_commit")
    drill.control.fault(LOOK_UP, "unavailable", ALWAYS, after=BEFORE)
    drill.say("yes", thread)
    drill.change(
        "update action_writes set sent_at = sent_at - interval '5 minutes'"
        " where action_id in (select action_id from actions where thread_id = %s)",
        thread,
    )
    # Tries come ever more rarely: the next one is minutes away.
    drill.change(
        "update actions set updated_at = updated_at - interval '5 minutes',"
        " try_after = now() + interval '5 minutes' where thread_id = %s",
        thread,
    )


async def opened_cards(page: Page, thread: str) -> Locator:
    """From the inbox to the card that nobody knows about."""
    row = row_of(page, thread)
    await expect(row).to_contain_text("Sent to Xero, and no answer came back")
    await expect(row).to_contain_text("Unknown outcome, level 2")
    await opened_from_inbox(page, thread)
    cards = page.get_by_role("region", name="Cards")
    await expect(cards).to_contain_text("It is not known to stand in Xero")
    return cards


async def test_a_write_whose_outcome_was_lost(drill: Drill) -> None:
    thread = drill.say(ORDER)["thread"]
    lose_the_outcome(drill, thread)
    card, who = card_of(drill, thread), COLLEAGUES[AGENT].staff_id
    assert "Please don't send it again" in said(drill, thread)[-1]
    async with drill.console(AGENT) as page:
        cards = await opened_cards(page, thread)
        await drill.picture(page, "outcome-1")
        drill.control.clear()  # Xero answers again
        await cards.get_by_role("button", name="Look in Xero now").click()
        await noticed(page, "Xero is asked now")
        await expect(cards).to_contain_text("committed", timeout=SOON_MS)
        await until(lambda: len(said(drill, thread)) == 5)
        late = await page.request.post(f"/console/approvals/{card['action_id']}/again")
        assert late.status == 409
        await tickets_closed(page, "The order stands in Xero, once.")
        await drill.picture(page, "outcome-2")
        await gone_from_inbox(page, thread)
    assert card["document_number"] in said(drill, thread)[-1]
    assert [d["Status"] for d in documents(drill, card["document_number"])] == ["DRAFT"]
    assert audited(drill, card["action_id"]).count((who, "action.tried_again")) == 1
    assert audited(drill, thread) == [(who, "ticket.closed")]
