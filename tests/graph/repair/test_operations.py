"""Repairs from symptom to a stored answer: once each, whoever presses and however often."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from graph.clients import Clients
from graph.repair.copies import copied
from graph.repair.examples import EXAMPLES
from graph.repair.operations import NoSuchRun, Press, Repair, carry_out
from graph.repair.previews import preview
from graph.repair.steps import checkpoints_of
from graph.repair.values import result_faults
from tests.graph.repair.conftest import (
    OWED,
    Fail,
    a_bug,
    a_press,
    a_thread,
    answers,
    ask,
    ended,
    poison,
    row,
    trail,
)
from tools.errors import OperationRefused
from tools.operators.repairs import Repairs

RESUME = Repair("resume")
UNDERSTOOD: dict[str, Any] = {
    "intents": [{"name": "balance", "confidence": 1.0, "part": OWED}],
    "wants": [],
    "period": None,
    "entities": [],
    "order": None,
    "is_urgent": False,
    "sentiment": "neutral",
    "misunderstood": 0,
    "by": "code",
}


async def test_a_failed_turn_goes_on_from_its_last_checkpoint(clients: Clients, fail: Fail) -> None:
    run_id = await fail()
    before = await row(clients, run_id)
    assert (before["error"], before["attempts"]) == ("UndefinedTable", 1)
    shown = await preview(clients, run_id, RESUME)
    assert "classify_intent" in shown.steps
    assert "screen_message" not in shown.steps
    outcome = await carry_out(clients, run_id, RESUME, a_press())
    assert not outcome.is_repeat
    after = await ended(clients, run_id, "succeeded", "failed")
    assert (after["status"], after["error"], after["attempts"]) == ("succeeded", None, 2)
    [answer] = await answers(clients, run_id)
    assert "You owe" in answer
    assert await trail(clients, run_id) == ["run.resumed"]


async def test_pressed_twice_it_is_done_once(clients: Clients, fail: Fail) -> None:
    run_id, press = await fail(), a_press()
    both = await asyncio.gather(*(carry_out(clients, run_id, RESUME, press) for _ in range(2)))
    assert sorted(outcome.is_repeat for outcome in both) == [False, True]
    await ended(clients, run_id, "succeeded")
    assert (await carry_out(clients, run_id, RESUME, press)).is_repeat
    assert len(await answers(clients, run_id)) == 1
    assert await trail(clients, run_id) == ["run.resumed"]


async def test_of_two_operators_at_once_one_is_told(clients: Clients, fail: Fail) -> None:
    run_id = await fail()
    presses = [Press("mei", "Mei", uuid4()), Press("aisha", "Aisha", uuid4())]
    ways = [RESUME, Repair("abandon", message="Please call us.")]
    done = await asyncio.gather(
        *(carry_out(clients, run_id, w, p) for w, p in zip(ways, presses, strict=True)),
        return_exceptions=True,
    )
    assert sorted(isinstance(each, OperationRefused) for each in done) == [False, True]
    await ended(clients, run_id, "succeeded", "cancelled")
    assert len(await answers(clients, run_id)) == 1
    assert len(await trail(clients, run_id)) == 1
    assert len(await Repairs(clients.pool).trail(run_id)) == 1


async def test_whoever_pressed_before_another_was_done_is_told_so(
    clients: Clients, fail: Fail, postgres_url: str
) -> None:
    """Even where the run failed once more, and so stands as it did when both looked at it."""
    run_id, slow = await fail(), a_press()
    begun = {"once": slow.once, "run_id": run_id, "operation": "abandon", "detail": {}}
    await Repairs(clients.pool).begin(begun | {"staff_id": slow.staff_id})
    async with a_bug(postgres_url):
        await carry_out(clients, run_id, RESUME, a_press())
        assert (await ended(clients, run_id, "failed"))["attempts"] == 2
    for _ in range(2):
        with pytest.raises(OperationRefused, match="quicker"):
            await carry_out(clients, run_id, Repair("abandon"), slow)
    assert await trail(clients, run_id) == ["run.resumed"]
    await carry_out(clients, run_id, Repair("abandon"), a_press())


async def test_a_form_that_was_sent_for_another_run_is_refused(
    clients: Clients, fail: Fail
) -> None:
    one, other, press = await fail(), await fail(), a_press()
    await carry_out(clients, one, RESUME, press)
    with pytest.raises(OperationRefused, match="sent before"):
        await carry_out(clients, other, RESUME, press)
    assert (await row(clients, other))["status"] == "failed"


async def test_an_answered_turn_is_not_answered_again(clients: Clients) -> None:
    run_id = await ask(clients, await a_thread(clients), OWED)
    await ended(clients, run_id, "succeeded")
    for repair in (RESUME, Repair("abandon"), Repair("edit", values={"facts": []})):
        with pytest.raises(OperationRefused, match="has its answer"):
            await carry_out(clients, run_id, repair, a_press())
    with pytest.raises(NoSuchRun):
        await carry_out(clients, uuid4(), RESUME, a_press())
    assert len(await answers(clients, run_id)) == 1


async def test_a_step_is_skipped_with_a_result(clients: Clients, fail: Fail) -> None:
    run_id = await fail()
    skip = Repair("skip", node="classify_intent", values={"understanding": UNDERSTOOD})
    shown = await preview(clients, run_id, skip)
    assert "classify_intent" not in shown.steps
    assert any("says yes to no card" in effect for effect in shown.effects)
    await carry_out(clients, run_id, skip, a_press())
    await ended(clients, run_id, "succeeded")
    assert "You owe" in (await answers(clients, run_id))[0]
    copy = await copied(clients.saver, (await row(clients, run_id))["graph_thread"], None)
    assert copy
    assert copy.saved.checkpoint["channel_values"]["understanding"] == UNDERSTOOD
    assert await trail(clients, run_id) == ["run.step_skipped"]


async def test_a_result_must_be_one_of_the_step(clients: Clients, fail: Fail) -> None:
    run_id = await fail()
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("classify_intent", {"understanding": {"intents": 5}}, "values.understanding"),
        ("classify_intent", {"card": {"total": "1.00"}}, "does not give 'card'"),
        ("classify_intent", {}, "gives 'understanding'"),
        ("commit_action", {"facts": []}, "nobody acts for this step"),
        ("validate_output", {"verdict": {}}, "nobody acts for this step"),
        ("hand_off", {"handoff": None}, "does not wait here"),
        ("no_such_step", {}, "nobody acts"),
    ]
    for node, values, words in wrong:
        with pytest.raises(OperationRefused, match=words):
            await carry_out(clients, run_id, Repair("skip", node=node, values=values), a_press())
    assert await trail(clients, run_id) == []
    assert (await row(clients, run_id))["status"] == "failed"


async def test_a_poisoned_state_is_edited(clients: Clients, fail: Fail) -> None:
    run_id = await fail()
    screened = {
        "text": OWED,
        "masked": OWED,
        "language": "en",
        "injection": 0.0,
        "personal": {},
    }
    await poison(clients, run_id, "screened", {"text": 5})
    await carry_out(clients, run_id, RESUME, a_press())
    await asyncio.sleep(0.1)
    await ended(clients, run_id, "failed")  # each time
    edit = Repair("edit", values={"screened": screened})
    shown = await preview(clients, run_id, edit)
    assert "classify_intent" in shown.steps
    await carry_out(clients, run_id, edit, a_press())
    await ended(clients, run_id, "succeeded")
    assert "You owe" in (await answers(clients, run_id))[0]
    assert await trail(clients, run_id) == ["run.resumed", "run.edited"]


async def test_what_a_write_stands_on_is_not_edited(clients: Clients, fail: Fail) -> None:
    run_id = await fail()
    committed = {"kind": "committed", "source": "books", "data": {}}
    for values in (
        {"turn": {"decision": {"action_id": "x", "hash": "y"}}},
        {"action": {"action_id": str(uuid4())}},
        {"card": {"status": "committed"}},
        {"facts": [committed]},
        {"facts": [{"kind": "balance", "source": "actions", "data": {}}]},
        {"handoff": {"ticket": "T-000001"}},
        {"verdict": {"passed": True, "problems": [], "tries": 1}},
        {},
    ):
        with pytest.raises(OperationRefused):
            await preview(clients, run_id, Repair("edit", values=values))


async def test_an_earlier_step_is_run_again(clients: Clients, fail: Fail) -> None:
    run_id = await fail()
    await poison(clients, run_id, "screened", {"text": 5})
    graph_thread = (await row(clients, run_id))["graph_thread"]
    config = {"configurable": {"thread_id": graph_thread}}
    found = [s async for s in clients.graph.aget_state_history(config)]  # type: ignore[arg-type]
    [before] = [s for s in found if s.next == ("screen_message",)]
    retry = Repair("retry", checkpoint_id=before.config["configurable"]["checkpoint_id"])
    assert (await preview(clients, run_id, retry)).steps == ("screen_message",)
    await carry_out(clients, run_id, retry, a_press())
    await ended(clients, run_id, "succeeded")
    assert "You owe" in (await answers(clients, run_id))[0]


async def test_a_turn_is_abandoned_in_fixed_words_of_its_language(
    clients: Clients, fail: Fail
) -> None:
    run_id = await fail("我还欠多少钱？")
    await carry_out(clients, run_id, Repair("abandon"), a_press())
    found = await row(clients, run_id)
    assert (found["status"], found["error"]) == ("cancelled", "abandoned")
    [words] = await answers(clients, run_id)
    assert words.startswith("很抱歉")
    with pytest.raises(OperationRefused):
        await carry_out(clients, run_id, RESUME, a_press())


async def test_a_turn_is_abandoned_in_own_words(clients: Clients, fail: Fail) -> None:
    run_id = await fail()
    await carry_out(clients, run_id, Repair("abandon", message="I will call you."), a_press())
    thread_id = (await row(clients, run_id))["thread_id"]
    [question, answer] = await clients.conversations.window(thread_id)
    assert (question["role"], answer["role"]) == ("human", "ai")
    assert answer["content"] == "I will call you."
    assert answer["extra"]["person"] == {"name": "Mei"}
    later = await ask(clients, thread_id, OWED)
    await ended(clients, later, "succeeded")


async def test_a_late_answer_stands_under_its_question(clients: Clients, fail: Fail) -> None:
    thread_id = await a_thread(clients)
    run_id = await fail(OWED, thread_id)
    later = await ask(clients, thread_id, "which days do you deliver?")
    await ended(clients, later, "succeeded")
    shown = await preview(clients, run_id, RESUME)
    assert any("1 further answers since" in effect for effect in shown.effects)
    await carry_out(clients, run_id, RESUME, a_press())
    await ended(clients, run_id, "succeeded")
    said = [m["run_id"] for m in await clients.conversations.window(thread_id)]
    assert said == [str(run_id), str(run_id), str(later), str(later)]


@pytest.mark.parametrize("node", EXAMPLES)
def test_every_example_is_a_result_that_may_be_given(node: str) -> None:
    assert list(result_faults(node, EXAMPLES[node])) == []


async def test_what_is_hidden_from_an_operator_is_not_written_back(
    clients: Clients, fail: Fail
) -> None:
    run_id = await fail()
    shown = {"text": "call [phone_1]", "masked": "", "language": "en", "injection": 0.0}
    edit = Repair("edit", values={"screened": {**shown, "personal": {}}})
    with pytest.raises(OperationRefused, match="hidden from you"):
        await preview(clients, run_id, edit)


async def test_a_focus_that_no_step_can_read_is_replaced(clients: Clients) -> None:
    thread_id = await a_thread(clients)
    first = await ask(clients, thread_id, OWED)
    await ended(clients, first, "succeeded")
    async with clients.pool.connection() as connection:
        await connection.execute(
            "update runs set focus = '{\"order\": 5}' where run_id = %s", [first]
        )
    run_id = await ask(clients, thread_id, "200 of the 12 inch boxes please")
    await ended(clients, run_id, "failed")
    edit = Repair("edit", values={"focus": {}})
    await carry_out(clients, run_id, edit, a_press())
    await ended(clients, run_id, "succeeded")
    assert len(await answers(clients, run_id)) == 1


async def test_a_step_that_was_done_is_skipped_from_the_checkpoint_before_it(
    clients: Clients, fail: Fail
) -> None:
    run_id = await fail("hello hello")
    kept = await checkpoints_of(clients, await row(clients, run_id))
    [before] = [c.checkpoint_id for c in kept if c.steps == ("screen_message",)]
    screened = {**EXAMPLES["screen_message"]["screened"], "text": OWED, "masked": OWED}
    values = {"screened": screened}
    skip = Repair("skip", checkpoint_id=before, node="screen_message", values=values)
    shown = await preview(clients, run_id, skip)
    assert set(shown.steps) == {"classify_intent", "retrieve_policies"}
    await carry_out(clients, run_id, skip, a_press())
    await ended(clients, run_id, "succeeded")
    assert "You owe" in (await answers(clients, run_id))[0]


async def test_a_conversation_that_a_person_has_is_left_to_them(
    clients: Clients, fail: Fail
) -> None:
    run_id = await fail()
    async with clients.pool.connection() as connection:
        await connection.execute(
            'update threads t set person = \'{"staff_id": "wei", "name": "Wei Jie"}\''
            " from runs r where r.thread_id = t.thread_id and r.run_id = %s",
            [run_id],
        )
    with pytest.raises(OperationRefused, match="Wei Jie has this conversation"):
        await carry_out(clients, run_id, RESUME, a_press())
    assert await Repairs(clients.pool).trail(run_id) == []
