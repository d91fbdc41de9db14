"""Where people take over: a wrong answer, a talk-over race, and a customer who wants to be gone."""

import asyncio
import io
import json
import random
import re
import zipfile
from typing import Any
from uuid import uuid4

import httpx
from playwright.async_api import Page, expect

from evals.bench.talk.trials import Heard, Trial
from tests.api.console.conftest import ADMIN, AGENT, COLLEAGUES, SUPERVISOR
from tests.api.console.test_privacy import a_caller, bearer, keys_of, places_of
from tests.conftest import customer
from tests.drills.conftest import Drill
from tests.drills.steps import (
    answered_in_person,
    audited,
    gone_from_inbox,
    noticed,
    opened_from_inbox,
    row_of,
    said,
    tickets_closed,
)
from tools.context import Caller

OWED = "what do I owe?"
RACES, TABS = 10, 3
SEED = 20261128
SPAN_SECONDS = 1.0
SLOWLY = {"first_seconds": 0.15, "seconds": 0.02}
ATTENTIVE = """Today is ${today}. You are ${company}, and ${customer} asks.
Write in ${language}, at most ${max_lines} lines: ${directions}
Of a balance always name the whole amount, never one invoice's.
<facts>
${facts}
</facts>
<passages>
${passages}
</passages>
"""


async def answered_wrongly(drill: Drill) -> tuple[str, str, str]:
    """A model names one invoice as all that is owed, and the customer says that it is wrong.

    The conversation, the amount that was said, and the one that is owed.
    """
    sales = drill.control.sales(customer().contact_ids)
    owed = [i["AmountDue"] for i in sales if i["Status"] == "AUTHORISED" and i["AmountDue"]]
    part, whole = f"{owed[0]:,.2f}", f"{sum(owed):,.2f}"
    drill.control.model("scripted", replies=[f"SGD {part} is open."])
    thread = drill.say(OWED)["thread"]
    drill.control.model("echo")
    with drill.customer() as client:
        opinion = {"solved": False, "comment": "that is one invoice of three"}
        client.post(f"/threads/{thread}/feedback", json=opinion).raise_for_status()
    assert said(drill, thread)[-1] == f"SGD {part} is open."
    return thread, part, whole


async def opened_turn(page: Page, thread: str) -> str:
    """From the inbox to the turn that was complained about: its run."""
    await expect(row_of(page, thread)).to_contain_text("The customer says it is not solved")
    await opened_from_inbox(page, thread)
    await expect(page.get_by_role("region", name="Feedback")).to_contain_text("one invoice")
    await page.locator(".inside summary").first.click()
    await page.get_by_role("link", name="Steps, states and repair").click()
    await expect(page.get_by_text("This turn has its answer. Fork it")).to_be_visible()
    return page.url.rsplit("/", 1)[1]


async def forked(page: Page, prompt: str = "", model: str = "") -> list[str]:
    """Play the turn again with something else: what the reply was, and what it would be."""
    if prompt:
        await page.locator("summary", has_text="With another prompt").click()
        await page.get_by_label("Prompt", exact=True).select_option("compose_reply")
        await page.get_by_label("Its text instead").fill(prompt)
    await page.get_by_label("Model", exact=True).fill(model)
    await page.get_by_role("button", name="Fork and compare").click()
    await expect(page.locator("#trial-title + .chip")).to_have_text("done")
    return await page.locator(".sides").first.locator("pre").all_inner_texts()


async def compared(drill: Drill, page: Page, part: str, whole: str) -> None:
    """Another prompt would have said it right, and so would have no model at all."""
    was, would_be = await forked(page, prompt=ATTENTIVE)
    assert part in was
    assert whole.replace(",", "") in would_be  # as the facts have it
    await page.get_by_role("link", name="this turn").click()
    was, would_be = await forked(page, model="none")
    assert part in was
    assert f"You owe SGD {whole} on" in would_be
    await drill.picture(page, "wrong-answer-1")
    await page.get_by_role("link", name="this turn").click()


def state_of(drill: Drill, thread: str) -> tuple[Any, ...]:
    """What no trial may change."""
    kept = drill.rows(
        "select (select count(*) from runs) as runs, (select count(*) from actions) as actions,"
        " (select count(*) from tickets) as tickets, (select count(*) from messages) as messages"
    )
    return said(drill, thread), kept, drill.control.invoices()


async def test_a_wrong_answer_is_forked_compared_and_put_right(drill: Drill) -> None:
    thread, part, whole = await answered_wrongly(drill)
    words = f"Sorry, that was one invoice only. All together it is SGD {whole}."
    async with drill.console(SUPERVISOR) as page:
        run = await opened_turn(page, thread)
        before = state_of(drill, thread)
        await compared(drill, page, part, whole)
        assert state_of(drill, thread) == before
        await page.get_by_role("link", name=thread).click()
        await page.get_by_role("button", name="Take over").click()
        await page.get_by_role("button", name="Suggest a draft").click()
        await answered_in_person(page, words)
        await drill.picture(page, "wrong-answer-2")
        await gone_from_inbox(page, thread)
    assert said(drill, thread).count(words) == 1
    who = COLLEAGUES[SUPERVISOR].staff_id
    assert audited(drill, run) == [(who, "run.forked")] * 2
    told = [f"conversation.{done}" for done in ("taken_over", "replied", "handed_back")]
    assert audited(drill, thread) == [(who, event) for event in told]


async def handed_over(drill: Drill) -> list[str]:
    """Customers who want a person, and a model that takes its time."""
    wish = "I want to talk to a person"
    asked = [asyncio.to_thread(drill.say, wish) for _ in range(RACES)]
    threads = [found["thread"] for found in await asyncio.gather(*asked)]
    drill.control.model("slow", **SLOWLY)
    return threads


async def raced(drill: Drill, page: Page, races: dict[str, float]) -> list[str]:
    """A customer asks, and the button is pressed a moment later; their turns."""
    runs = []
    for thread, offset in races.items():
        await page.goto(f"/console/conversations/{thread}")
        asked = asyncio.create_task(asyncio.to_thread(drill.start, OWED, thread))
        await asyncio.sleep(offset)
        await page.get_by_role("button", name="Take over").click()
        await expect(page.locator(".who-answers .chip")).to_contain_text("You")
        runs.append((await asked)["run"])
    return runs


async def raced_in_tabs(drill: Drill, page: Page, offsets: dict[str, float]) -> None:
    """Some at once; in none of them is the assistant read after a colleague has joined."""
    tabs = [page, *[await page.context.new_page() for _ in range(TABS - 1)]]
    shares = [dict(list(offsets.items())[place::TABS]) for place in range(TABS)]
    played = [raced(drill, tab, share) for tab, share in zip(tabs, shares, strict=True)]
    for share, runs in zip(shares, await asyncio.gather(*played), strict=True):
        for thread, run in zip(share, runs, strict=True):
            assert streamed(drill, thread, run).shown_after == 0


async def waited_for(drill: Drill, page: Page, threads: list[str]) -> None:
    """Each is shown as theirs; the one who writes once more is answered, and only by them."""
    *others, last = threads
    drill.start("hello?", last)
    await page.get_by_role("link", name="Inbox").click()
    for thread in others:
        await expect(row_of(page, thread)).to_contain_text("Wei Jie has it")
    await expect(row_of(page, last)).to_contain_text("The customer waits for Wei Jie")
    await drill.picture(page, "race-1")
    await opened_from_inbox(page, last)
    await expect(page.locator("#turns")).to_contain_text("For a colleague to answer")
    await answered_in_person(page, "I am here. What can I do for you?", "Answered.")
    await drill.picture(page, "race-2")
    await gone_from_inbox(page, last)


def streamed(drill: Drill, thread: str, run: str) -> Trial:
    """What the customer was shown of a turn, from its first event to its last."""
    heard, name, place = Heard(), "", f"/threads/{thread}/runs/{run}/stream"
    with (
        drill.customer() as client,
        client.stream("GET", place, headers={"Last-Event-ID": "-1"}) as answer,
    ):
        for line in answer.iter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                heard.events.append((0.0, name, json.loads(line[6:])))
    return Trial("question", thread, [heard])


def spoken_over(messages: list[dict[str, Any]]) -> list[str]:
    """What the assistant said after a person had joined and before they left."""
    found, has_joined = [], False
    for message in messages:
        person = message["additional_kwargs"].get("person")
        if person:
            has_joined = person.get("event") != "left"
        elif has_joined and message["type"] == "ai":
            found.append(message["content"])
    return found


async def test_nobody_is_talked_over(drill: Drill) -> None:
    chance = random.Random(SEED)  # noqa: S311 (no secret)
    threads = await handed_over(drill)
    async with drill.console(AGENT) as page:
        await expect(row_of(page, threads[0])).to_contain_text("Person, level 2")
        await opened_from_inbox(page, threads[0])
        offsets = {thread: chance.uniform(0, SPAN_SECONDS) for thread in threads}
        await raced_in_tabs(drill, page, offsets)
        await page.bring_to_front()
        await waited_for(drill, page, threads)
    for thread in threads:
        assert spoken_over(drill.messages(thread)) == []
        taken = (COLLEAGUES[AGENT].staff_id, "conversation.taken_over")
        assert audited(drill, thread).count(taken) == 1
    ended = drill.rows("select attempts from runs where for_person and status = 'cancelled'")
    assert any(run["attempts"] for run in ended)  # some were stopped while they were worked on


def wants_to_be_gone(drill: Drill, customer_id: str, mark: str) -> str:
    """Somebody who has ordered asks for the erasure of their data; that conversation."""
    headers = bearer(a_caller(customer_id, mark))
    with httpx.Client(base_url=drill.service.url, headers=headers, timeout=90) as client:
        threads = [client.post("/threads", json={}).json()["thread_id"] for _ in range(2)]
        for thread, text in (
            (threads[0], "600 10 inch boxes for tampines please"),
            (threads[0], "yes"),
            (threads[1], f"I am {mark}. Delete all personal data that you have of me"),
        ):
            asked = {"messages": [{"role": "user", "content": text}]}
            body = {"assistant_id": "tria", "input": asked}
            client.post(f"/threads/{thread}/runs/wait", json=body).raise_for_status()
    return str(threads[1])


def left_to_read(drill: Drill, caller: Caller, thread: str) -> int:
    """How their own question for the conversation is answered."""
    return httpx.get(f"{drill.service.url}/threads/{thread}", headers=bearer(caller)).status_code


async def looked_for(page: Page, customer_id: str) -> None:
    """What is kept of them."""
    await page.get_by_role("link", name="Privacy").click()
    await page.get_by_label("The customer's id").fill(customer_id)
    await page.get_by_role("button", name="Show what is kept").click()
    await expect(page.get_by_role("heading", name="What stays, and why")).to_be_visible()


async def told_what_hinders(drill: Drill, page: Page, customer_id: str) -> None:
    """Nobody is erased while a person is to answer them; that is done first."""
    await looked_for(page, customer_id)
    await expect(page.get_by_role("alert")).to_contain_text("close it first")
    await expect(page.get_by_role("button", name="Erase them")).to_be_disabled()
    await drill.picture(page, "erasure-1")
    await page.get_by_role("alert").get_by_role("link").click()
    await tickets_closed(page, "Identity checked; erased today.")


async def exported_and_erased(page: Page, customer_id: str, mark: str) -> None:
    """A copy is saved; then they are erased by typing who."""
    await looked_for(page, customer_id)
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Save their data").click()
    saved = await (await download.value).path()
    with zipfile.ZipFile(io.BytesIO(saved.read_bytes())) as archive:
        assert mark in archive.read("messages.json").decode()
    await page.get_by_label(re.compile("to confirm")).fill(customer_id)
    await page.get_by_role("button", name="Erase them").click()
    await noticed(page, f"records of {customer_id}")


async def test_a_customer_is_exported_and_erased(drill: Drill, redis_url: str) -> None:
    customer_id, mark = f"gone-{uuid4().hex[:8]}", f"Mark{uuid4().hex[:12]}"
    thread = wants_to_be_gone(drill, customer_id, mark)
    [card] = drill.rows("select * from actions where customer_id = %s", customer_id)
    assert {"messages.content", "tickets.packet"} <= places_of(drill.database, mark)
    async with drill.console(ADMIN) as page:
        await expect(row_of(page, thread)).to_contain_text("Privacy, level")
        await opened_from_inbox(page, thread)
        await told_what_hinders(drill, page, customer_id)
        await exported_and_erased(page, customer_id, mark)
        await looked_for(page, customer_id)
        await expect(page.get_by_text("Nothing: they are erased already.")).to_be_visible()
        await expect(page.get_by_text(card["document_number"])).to_be_visible()
        await drill.picture(page, "erasure-2")
        await gone_from_inbox(page, thread)
    assert places_of(drill.database, mark) == set()
    assert keys_of(redis_url, mark) == set()
    assert left_to_read(drill, a_caller(customer_id, mark), thread) == 404
    told = [pair for pair in audited(drill, customer_id) if pair[1].startswith("customer.")]
    who = COLLEAGUES[ADMIN].staff_id
    assert told == [(who, "customer.exported"), (who, "customer.erased")]
