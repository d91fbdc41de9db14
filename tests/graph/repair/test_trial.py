"""Trials: a turn played again on a copy, beside what happened, with nothing sent or written."""

import dataclasses
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from graph.clients import Clients
from graph.repair.dry import Noted, dry_context
from graph.repair.sides import compared
from graph.repair.steps import checkpoints_of
from graph.repair.trial import Wanted, draft_reply, fork
from graph.studio import demo_caller
from nodes.prompts import prompt, trying, version
from tests.conftest import customer
from tests.graph.repair.conftest import ORDER, OWED, Fail, a_press, a_thread, ask, ended, row
from tools.context import Context
from tools.database import fetch_all, fetch_one
from tools.errors import OperationRefused, WriteImpossible
from tools.model.client import Model
from tools.operators.trials import Trials
from tools.xero.writes import Write

Json = dict[str, Any]
TABLES = ("runs", "messages", "actions", "action_writes", "tickets", "document_links")
LEFT = "payment_watches"
OUTLET = {
    **dict.fromkeys(("outlet_id", "name", "address", "postal_code", "area"), "x"),
    **dict.fromkeys(("contact_person", "mobile"), "x"),
    "bill_to": str(uuid4()),
    "usual_days": [],
}


async def outcome(clients: Clients, trial_id: UUID) -> Json:
    found = await Trials(clients.pool).get(trial_id)
    assert found
    assert (found["error"], found["done_at"] is None) == (None, False)
    return dict(found["outcome"])


async def counts(clients: Clients) -> Json:
    tables = (*TABLES, LEFT, "checkpoints")
    return {
        table: (await fetch_all(clients.pool, f"select count(*) as n from {table}"))[0]["n"]  # noqa: S608
        for table in tables
    }


def writes(control: httpx.Client) -> int:
    rows = control.get("/requests").json()
    return sum(r["count"] for r in rows if r["method"] in ("PUT", "POST") and "Xero" in r["path"])


def last_asked(control: httpx.Client) -> Json:
    body: Json = control.get("/model/calls").json()["bodies"][-1]
    return body


async def say(clients: Clients, thread_id: UUID, *texts: str) -> UUID:
    run_id = uuid4()
    for text in texts:
        run_id = await ask(clients, thread_id, text)
        await ended(clients, run_id, "succeeded", "interrupted")
    return run_id


async def test_a_fork_stands_beside_what_happened(clients: Clients) -> None:
    run_id = await say(clients, await a_thread(clients), OWED)
    found = await outcome(clients, await fork(clients, run_id, Wanted(), a_press()))
    sides = {each.what: each for each in compared(found["was"], found["now"])}
    assert "You owe" in sides["reply"].now
    for what in ("reply", "path", "intents", "facts", "calls", "verdict", "usd"):
        assert sides[what].is_same, what
    assert sides["path"].now.splitlines()[0] == "screen_message"


@pytest.mark.parametrize("text", [ORDER, "yes", "I want to talk to a person", "send me INV pdf"])
async def test_a_fork_writes_nothing(clients: Clients, control: httpx.Client, text: str) -> None:
    thread_id = await a_thread(clients)
    said = [ORDER, text] if text == "yes" else [text]
    run_id = await say(clients, thread_id, *said)
    before, asked = await counts(clients), writes(control)
    found = await outcome(clients, await fork(clients, run_id, Wanted(), a_press()))
    assert found["now"]["reply"]
    assert await counts(clients) == before
    assert writes(control) == asked
    would = [each["what"] for each in found["now"]["would"]]
    if text == ORDER:
        assert would == ["show a card"]
        assert found["now"]["card"]["total"] == found["was"]["card"]["total"]
    if text == "yes":
        assert would == ["keep the customer's yes", "write to Xero"]
    if "person" in text:
        assert would == ["open a ticket"]


async def test_a_context_that_is_dry_cannot_write(clients: Clients) -> None:
    who = demo_caller(customer())
    async with dry_context(clients, who, None, noted := Noted()) as context:
        write = Write("create_invoice", "TRIA-1", b'{"Invoices": [{}]}')
        with pytest.raises(WriteImpossible):
            await context.books.send(write, "key")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            await context.actions.settle(uuid4(), "failed")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            await context.outlets.store([OUTLET])
    assert [each["what"] for each in noted.would] == ["write to Xero"]


def test_whatever_a_turn_may_use_is_known_to_read_or_is_replaced() -> None:
    replaced = {
        *("actions", "answers", "books", "claims", "guesses", "links", "model"),
        *("outlets", "tickets", "watches"),
    }
    reading = {
        *("caller", "accounts", "catalogue", "knowledge", "classifier"),
        *("sales_account", "public_url", "now"),
    }
    assert {f.name for f in dataclasses.fields(Context)} == replaced | reading


async def test_a_fork_goes_on_from_a_checkpoint_with_other_values(clients: Clients) -> None:
    run_id = await say(clients, await a_thread(clients), OWED)
    kept = await checkpoints_of(clients, await row(clients, run_id))
    before = next(c for c in kept if c.steps == ("adapt_tone",))
    fact = {"kind": "balance", "source": "xero", "data": {}}
    wanted = Wanted(before.checkpoint_id, values={"facts": []})
    found = await outcome(clients, await fork(clients, run_id, wanted, a_press()))
    assert found["was"]["facts"]
    assert found["now"]["facts"] == []
    assert found["now"]["path"] == ["adapt_tone", "compose_reply", "validate_output"]
    forged = {"facts": [{**fact, "kind": "committed"}]}
    with pytest.raises(OperationRefused):
        await fork(clients, run_id, Wanted(before.checkpoint_id, values=forged), a_press())


async def test_pressed_twice_a_fork_is_played_once(clients: Clients) -> None:
    run_id, press = await say(clients, await a_thread(clients), OWED), a_press()
    assert await fork(clients, run_id, Wanted(), press) == press.once
    assert await fork(clients, run_id, Wanted(model="none"), press) == press.once
    assert len(await Trials(clients.pool).of_run(run_id)) == 1
    noted = await fetch_one(
        clients.pool,
        "select count(*) as n from audit where event = 'run.forked' and subject = %s",
        [str(run_id)],
    )
    assert noted
    assert noted["n"] == 1


async def test_a_failed_turn_is_forked_from_its_beginning(clients: Clients, fail: Fail) -> None:
    run_id = await fail()
    found = await outcome(clients, await fork(clients, run_id, Wanted(), a_press()))
    assert found["was"]["reply"] == ""
    assert "You owe" in found["now"]["reply"]
    assert (await row(clients, run_id))["status"] == "failed"


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Wanted(prompts={"no_such": "x"}), "there is no 'no_such'"),
        (Wanted(prompts={"compose_reply": " "}), "empty"),
        (Wanted(prompts={"compose_reply": "${secret}"}), "nothing fills"),
        (Wanted(prompts={"compose_reply": "5 $"}), "dollar"),
        (Wanted(model="a b"), "model"),
        (Wanted(values={"facts": []}), "Choose the checkpoint"),
        (Wanted(checkpoint_id="gone"), "not kept"),
    ],
)
async def test_what_cannot_be_tried_is_said(clients: Clients, wanted: Wanted, words: str) -> None:
    run_id = await say(clients, await a_thread(clients), OWED)
    with pytest.raises(OperationRefused, match=words):
        await fork(clients, run_id, wanted, a_press())
    assert await Trials(clients.pool).of_run(run_id) == []


def test_a_tried_prompt_stands_only_within_its_trial() -> None:
    before, mark = prompt("compose_reply").template, version("compose_reply")
    with trying({"compose_reply": "Say ${facts}."}):
        assert prompt("compose_reply").template == "Say ${facts}."
        assert version("compose_reply") != mark
        assert prompt("rewrite_sentence").template
    assert (prompt("compose_reply").template, version("compose_reply")) == (before, mark)


async def test_a_draft_answers_the_customers_last_message(clients: Clients, fail: Fail) -> None:
    thread_id = await a_thread(clients)
    with pytest.raises(OperationRefused):
        await draft_reply(clients, thread_id)
    await say(clients, thread_id, "which days do you deliver?")
    await fail(OWED, thread_id)
    before = await counts(clients)
    assert "You owe" in await draft_reply(clients, thread_id)
    assert await counts(clients) == before


async def test_a_draft_is_masked_for_whoever_is_not_to_send_it(clients: Clients) -> None:
    thread_id, name = await a_thread(clients), customer().name
    await say(clients, thread_id, f"500 of the 12 inch boxes and 20 pieces of {name} please")
    assert name in await draft_reply(clients, thread_id)
    hidden = await draft_reply(clients, thread_id, masked=True)
    assert name not in hidden
    assert "20 pieces of [person_1]" in hidden


async def test_another_prompt_and_another_model_are_asked(
    clients: Clients, sandbox: dict[str, str], control: httpx.Client
) -> None:
    root = sandbox["XERO_API_URL"].removesuffix("/xero")
    model = Model("a key", f"{root}/openai/v1", "sandbox-chat")
    with_model = dataclasses.replace(clients, model=model)
    run_id = await say(clients, await a_thread(clients), "which days do you deliver?")
    text = "Speak of the ${facts} and ${passages}, in the manner of a trial."
    wanted = Wanted(prompts={"compose_reply": text}, model="another-model")
    found = await outcome(clients, await fork(with_model, run_id, wanted, a_press()))
    asked = last_asked(control)
    assert asked["model"] == "another-model"
    assert "in the manner of a trial." in asked["messages"][0]["content"]
    assert found["was"]["models"] == []
    [used] = found["now"]["models"]
    with trying({"compose_reply": text}):
        assert used == f"another-model with {version('compose_reply')}"
    without = Wanted(model="none")
    found = await outcome(clients, await fork(with_model, run_id, without, a_press()))
    assert found["now"]["by"] == "templates"
    await model.aclose()
