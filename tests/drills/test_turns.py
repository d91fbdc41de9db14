"""Turns that fail again and again until somebody mends what is wrong, and then the turn."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from playwright.async_api import Page, expect

from evals.lanes.tree import PACKAGES, ROOT
from tests.api.console.conftest import AGENT, SUPERVISOR
from tests.conftest import ServiceProcess
from tests.drills.conftest import Drill
from tests.drills.steps import SOON_MS, until
from tests.drills.turns import (
    OWED,
    answers,
    done,
    ended,
    in_books,
    is_repaired,
    resumed,
    resumed_in_vain,
    right_answer,
    to_the_run,
    xero_is_away,
)
from tools.run_statements import MAX_STRIKES

READ = ("GET", "/Invoices")
WHO = 3  # whose figures nobody has asked for yet: they come from Xero, not from the cache
ORDER = "200 of the 12 inch boxes for tampines please"

NODE = "nodes/adapt_tone.py"
RIGHT = 'segment = next((s["segment"] for s in facts_of(state, "standing")), "established")'
WRONG = 'segment = state["segment"]'


async def test_a_process_that_is_killed_in_a_tool_call(drill: Drill) -> None:
    with xero_is_away(drill, "hang", " ".join(READ)):
        before = drill.control.calls(*READ)
        asked = drill.start(OWED, index=WHO)
        thread, run = asked["thread"], asked["run"]
        await until(lambda: drill.control.calls(*READ) > before)
        drill.service.kill()
        _age_by_deaths(drill, run)
    drill.service.start()
    await ended(drill, run, "failed")
    async with drill.console(AGENT) as page:
        await to_the_run(page, thread, run, "attempts exhausted")
        await expect(page.get_by_text("its workers died again and again")).to_be_visible()
        await expect(page.locator(".steps > li").last).to_contain_text("call_xero_tools")
        await drill.picture(page, "killed-1")
        await resumed(page)
        await is_repaired(drill, page, thread, run, "killed-2")
    assert answers(drill, thread, WHO) == [right_answer(drill, WHO)]
    assert done(drill, run) == [("wei", "run.resumed")]


async def test_a_node_whose_mistake_a_later_version_mends(drill: Drill, tmp_path: Path) -> None:
    with _an_earlier_version(drill, tmp_path) as before:
        asked = before.start(OWED)
        thread, run = asked["thread"], asked["run"]
        await ended(before, run, "failed")
        async with before.console(AGENT) as page:
            await to_the_run(page, thread, run, "No answer: KeyError")
            await resumed_in_vain(before, page, run)
            await expect(page.get_by_text("adapt_tone failed: KeyError")).to_be_visible()
            await drill.picture(page, "mistake-1")
    async with drill.console(AGENT) as page:
        await to_the_run(page, thread, run, "No answer: KeyError")
        failed = page.locator(".steps > li").filter(has_text="adapt_tone failed: KeyError").last
        await failed.get_by_role("button", name="Go on from here").click()
        await expect(page.get_by_text("from this checkpoint, at adapt_tone.")).to_be_visible()
        await page.get_by_role("button", name="Go on from this checkpoint").click()
        await expect(page.get_by_text("Sent back. The turn goes on from there.")).to_be_visible()
        await is_repaired(drill, page, thread, run, "mistake-2")
    assert answers(drill, thread) == [right_answer(drill)]
    assert done(drill, run) == [("wei", "run.resumed"), ("wei", "run.retried")]


async def test_a_poisoned_state(drill: Drill) -> None:
    thread, run = await _poisoned(drill)
    async with drill.console(SUPERVISOR) as page:
        await to_the_run(page, thread, run, "No answer: KeyError")
        await resumed_in_vain(drill, page, run)
        await expect(page.get_by_text("classify_intent failed: KeyError")).to_be_visible()
        await page.get_by_role("link", name="State and changes").last.click()
        await page.locator("#key-turn > summary").click()
        await page.evaluate("scrollTo(0, 0)")
        await drill.picture(page, "poisoned-1")
        await _cure(page)
        # The page follows by itself to the last checkpoint.
        await expect(page.locator("#key-verdict")).to_be_visible(timeout=SOON_MS)
        await is_repaired(drill, page, thread, run, "poisoned-2")
    assert [("Shall I place this order" in said) for said in answers(drill, thread)] == [
        False,
        True,
    ]
    drill.say("yes", thread)
    [card] = drill.rows("select * from actions where thread_id = %s", thread)
    assert card["status"] == "committed"
    assert in_books(drill, card["document_number"]) == 1
    assert done(drill, run) == [("farah", "run.resumed"), ("farah", "run.edited")]


def _age_by_deaths(drill: Drill, run: str) -> None:
    """As after four more deaths at the same place."""
    drill.change(
        "update runs set strikes = %s, lease_until = now() - interval '1 s', seen_checkpoint ="
        " (select max(checkpoint_id) from checkpoints where thread_id = graph_thread)"
        " where run_id = %s",
        MAX_STRIKES,
        run,
    )


@contextmanager
def _an_earlier_version(drill: Drill, folder: Path) -> Iterator[Drill]:
    """The same service with a mistake in one node, on the same database; then this one again."""
    _plant(folder)
    # Without PYTHONSAFEPATH the folder that the tests run in comes first.
    place = {"PYTHONPATH": str(folder), "PYTHONSAFEPATH": "true"}
    service = ServiceProcess(drill.service.environment | place)
    drill.service.stop()
    service.start()
    try:
        yield replace(drill, service=service)
    finally:
        service.stop()
    drill.service.start()


def _plant(folder: Path) -> None:
    """The packages as they are, but for one node."""
    text = (ROOT / NODE).read_text()
    assert RIGHT in text
    for package in PACKAGES:
        (folder / package).mkdir()
        for each in (ROOT / package).iterdir():
            (folder / package / each.name).symlink_to(each)
    (folder / NODE).unlink()
    (folder / NODE).write_text(text.replace(RIGHT, WRONG))


async def _poisoned(drill: Drill) -> tuple[str, str]:
    """A turn to which the one before has handed an order as it never was: a node raises."""
    first = drill.say(OWED)
    drill.change(
        """update runs set focus = focus || '{"order": {"lines": []}}' where run_id = %s""",
        first["run"],
    )
    run = drill.start(ORDER, first["thread"])["run"]
    await ended(drill, run, "failed")
    return first["thread"], run


async def _cure(page: Page) -> None:
    """Take the order out of what was handed over, read the preview, confirm."""
    await page.get_by_role("link", name="Change the focus that the turns before").click()
    box = page.get_by_label("What is replaced")
    values = json.loads(await box.input_value())
    assert values["focus"].pop("order") == {"lines": []}
    await box.fill(json.dumps(values))
    await page.get_by_role("button", name="See what would happen").click()
    await expect(page.get_by_text("In the state focus is replaced.")).to_be_visible()
    await page.get_by_role("button", name="Change the state and go on").click()
    await expect(page.get_by_text("Changed. The turn goes on.")).to_be_visible()
