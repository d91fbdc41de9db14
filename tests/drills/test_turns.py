"""Turns that fail again and again until somebody mends what is wrong, and then the turn."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from playwright.async_api import expect

from evals.lanes.tree import ROOT, Wanted, served_tree
from tests.api.console.conftest import AGENT, SUPERVISOR
from tests.conftest import ServiceProcess
from tests.drills.conftest import Drill
from tests.drills.steps import row_of, until
from tests.drills.turns import OWED, answers, done, ended, in_books, resumed, to_inbox, to_the_run, xero_is_away
from tools.run_statements import MAX_STRIKES, REACHED

READ = ("GET", "/Invoices")
ORDER = "200 of the 12 inch boxes for tampines please"


async def hangs_in_its_call(drill: Drill, calls: int) -> None:
    """Wait until the turn has asked Xero and waits for the answer."""
    await until(lambda: drill.control.calls(*READ) > calls)


async def test_a_process_that_is_killed_in_a_tool_call(drill: Drill) -> None:
    right = drill.say(OWED)["values"]["messages"][-1]["content"]
    with xero_is_away(drill, "hang", " ".join(READ)):
        calls = drill.control.calls(*READ)
        asked = drill.start(OWED)
        thread, run = asked["thread"], asked["run"]
        await hangs_in_its_call(drill, calls)
        drill.service.kill()
        # As after three more deaths at the same place.
        drill.change(
            f"update runs set strikes = {MAX_STRIKES - 1}, seen_checkpoint = {REACHED}"
            " where run_id = %s",
            run,
        )
        calls = drill.control.calls(*READ)
        drill.service.start()
        await hangs_in_its_call(drill, calls)
        async with drill.console(AGENT) as page:
            await expect(row_of(page, thread)).to_contain_text("Its workers die on it")
        drill.service.kill()
        drill.change("update runs set lease_until = now() - interval '1 s' where run_id = %s", run)
        drill.service.start()
        await ended(drill, run, "failed")
        async with drill.console(AGENT) as page:
            await to_the_run(page, thread, run, "attempts exhausted")
            await expect(page.get_by_text("attempts_exhausted")).to_be_visible()
            await drill.picture(page, "killed-1")
    async with drill.console(AGENT, f"runs/{run}") as page:
        await resumed(page)
        await ended(drill, run, "succeeded")
        await expect(page.locator(".chip.good").first).to_have_text("succeeded")
        await drill.picture(page, "killed-2")
        await to_inbox(page)
        await expect(row_of(page, thread)).to_have_count(0)
    assert answers(drill, thread) == [right]
    assert done(drill, run) == [("wei", "run.resumed")]


BUG = 'segment = next((s["segment"] for s in facts_of(state, "standing")), "established")'
PLANTED = 'segment = next(s["rank"] for s in facts_of(state, "standing"))'


@contextmanager
def an_earlier_version(drill: Drill, folder: Path) -> Iterator[Drill]:
    """The same service with a mistake in one node, on the same database."""
    node = "nodes/adapt_tone.py"
    text = (ROOT / node).read_text()
    assert BUG in text
    (folder / "adapt_tone.py").write_text(text.replace(BUG, PLANTED))
    drill.service.stop()
    with served_tree(Wanted(replaced={node: folder / "adapt_tone.py"})) as tree:
        place = {"PYTHONPATH": str(tree.root), "PYTHONSAFEPATH": "true"}
        service = ServiceProcess(drill.service._environment | place)
        service.start()
        try:
            yield replace(drill, service=service)
        finally:
            service.stop()
            drill.service.start()


async def test_a_node_whose_mistake_a_later_version_mends(drill: Drill, tmp_path: Path) -> None:
    right = drill.say(OWED)["values"]["messages"][-1]["content"]
    with an_earlier_version(drill, tmp_path) as before:
        asked = before.start(OWED)
        thread, run = asked["thread"], asked["run"]
        await ended(before, run, "failed")
        async with before.console(AGENT) as page:
            await to_the_run(page, thread, run, "No answer: KeyError")
            await expect(page.get_by_text("adapt_tone failed: KeyError")).to_be_visible()
            await resumed(page)
            await until(lambda: len(done(before, run)) == 1)
            await ended(before, run, "failed")
            await page.reload()
            await expect(page.get_by_text("adapt_tone failed: KeyError")).to_be_visible()
            await drill.picture(page, "mistake-1")
    async with drill.console(AGENT) as page:
        await to_the_run(page, thread, run, "No answer: KeyError")
        failed = page.locator(".steps > li").filter(has_text="adapt_tone failed: KeyError").last
        await failed.get_by_role("button", name="Go on from here").click()
        await expect(page.get_by_text("goes on from this checkpoint, at adapt_tone")).to_be_visible()
        await page.get_by_role("button", name="Go on from this checkpoint").click()
        await expect(page.get_by_text("Sent back. The turn goes on from there.")).to_be_visible()
        await ended(drill, run, "succeeded")
        await expect(page.locator(".chip.good").first).to_have_text("succeeded")
        await drill.picture(page, "mistake-2")
        await to_inbox(page)
        await expect(row_of(page, thread)).to_have_count(0)
    assert answers(drill, thread) == [right]
    assert done(drill, run) == [("wei", "run.resumed"), ("wei", "run.retried")]


async def test_a_poisoned_state(drill: Drill) -> None:
    first = drill.say(OWED)
    thread = first["thread"]
    # An order as it never was: what the turns after it are handed makes their nodes raise.
    drill.change(
        """update runs set focus = focus || '{"order": {"lines": []}}' where run_id = %s""",
        first["run"],
    )
    run = drill.start(ORDER, thread)["run"]
    await ended(drill, run, "failed")
    async with drill.console(SUPERVISOR) as page:
        await to_the_run(page, thread, run, "No answer: KeyError")
        await expect(page.get_by_text("classify_intent failed: KeyError")).to_be_visible()
        await resumed(page)
        await until(lambda: len(done(drill, run)) == 1)
        await ended(drill, run, "failed")
        await page.reload()
        await page.get_by_role("link", name="State and changes").last.click()
        await page.locator("details").filter(has_text="turn").last.locator("> summary").click()
        await drill.picture(page, "poisoned-1")
        await page.get_by_role("link", name="Change the focus that the turns before").click()
        box = page.get_by_label("What is replaced")
        values = json.loads(await box.input_value())
        assert values["focus"].pop("order") == {"lines": []}
        await box.fill(json.dumps(values))
        await page.get_by_role("button", name="See what would happen").click()
        await expect(page.get_by_text("In the state focus is replaced.")).to_be_visible()
        await page.get_by_role("button", name="Change the state and go on").click()
        await expect(page.get_by_text("Changed. The turn goes on.")).to_be_visible()
        await ended(drill, run, "succeeded")
        await expect(page.locator(".chip.good").first).to_have_text("succeeded")
        await drill.picture(page, "poisoned-2")
        await to_inbox(page)
        await expect(row_of(page, thread)).to_have_count(0)
    said = answers(drill, thread)
    assert len(said) == 2
    drill.say("yes", thread)
    [card] = drill.rows("select * from actions where thread_id = %s", thread)
    assert card["status"] == "committed"
    assert in_books(drill, card["document_number"]) == 1
    assert done(drill, run) == [("farah", "run.resumed"), ("farah", "run.edited")]
