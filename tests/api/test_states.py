"""The states of a conversation: one tree across its turns, in which clients go back and forth."""

from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from langgraph_sdk.client import LangGraphClient

from tests.api.conftest import colleague, staff_headers
from tests.api.test_approvals import an_order_that_waits, desk, told
from tests.conftest import customer, headers_of
from tools.actions.desk import ApprovalDesk

__all__ = ["desk"]

OWED, ROUND = "what do I owe?", "what are your delivery days?"
KEYS = {
    *("values", "next", "tasks", "metadata", "created_at", "checkpoint", "parent_checkpoint"),
    *("interrupts", "checkpoint_id", "parent_checkpoint_id"),
}
TONE = {"directions": "calm", "max_lines": 5, "most_emoji": 0, "language": "en"}

State = dict[str, Any]


@pytest.fixture
async def operator(service_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """The admin, who may operate."""
    async with _staff(service_url, -1) as client:
        yield client


def _staff(url: str, index: int) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, headers=staff_headers(colleague(index)), timeout=30)


async def a_thread(http: httpx.AsyncClient) -> str:
    return str((await http.post("/threads", json={})).json()["thread_id"])


async def run(http: httpx.AsyncClient, thread: str, **body: Any) -> State:
    answer = await http.post(f"/threads/{thread}/runs/wait", json={"assistant_id": "tria"} | body)
    assert answer.status_code == 200, answer.text
    values: State = answer.json()
    assert "__error__" not in values
    return values


async def say(http: httpx.AsyncClient, thread: str, text: str, **more: Any) -> State:
    said = {"messages": [{"role": "user", "content": text}]}
    return await run(http, thread, input=said, **more)


async def history(http: httpx.AsyncClient, thread: str, **body: Any) -> list[State]:
    answer = await http.post(f"/threads/{thread}/history", json={"limit": 100} | body)
    assert answer.status_code == 200, answer.text
    states: list[State] = answer.json()
    return states


async def state(http: httpx.AsyncClient, thread: str) -> State:
    found: State = (await http.get(f"/threads/{thread}/state")).json()
    return found


def texts(state: State) -> list[str]:
    return [m["content"] for m in state["values"]["messages"]]


def kinds(state: State) -> list[str]:
    return [m["type"] for m in state["values"]["messages"]]


def first_seen(states: list[State], message_id: str) -> State:
    """As `useStream` finds it: the oldest state with the message."""
    return next(
        s for s in reversed(states) if message_id in {m["id"] for m in s["values"]["messages"]}
    )


def parents(states: list[State]) -> dict[str, str | None]:
    return {s["checkpoint_id"]: s["parent_checkpoint_id"] for s in states}


async def test_a_conversation_of_two_turns_is_one_chain(http: httpx.AsyncClient) -> None:
    thread = await a_thread(http)
    await say(http, thread, OWED)
    await say(http, thread, ROUND)
    states = await history(http, thread)
    for newer, older in pairwise(states):
        assert newer["parent_checkpoint"] == older["checkpoint"]
        assert newer["checkpoint_id"] > older["checkpoint_id"]
    assert states[-1]["parent_checkpoint"] is None
    assert states[0] == await state(http, thread)
    assert all(set(s) == KEYS for s in states)


async def test_messages_appear_when_they_were_said(http: httpx.AsyncClient) -> None:
    thread = await a_thread(http)
    await say(http, thread, OWED)
    await say(http, thread, ROUND)
    shown = [kinds(s) for s in reversed(await history(http, thread))]
    seen = [kind for i, kind in enumerate(shown) if not i or kind != shown[i - 1]]
    assert seen == [[], ["human"], ["human", "ai"], ["human", "ai", "human"], ["human", "ai"] * 2]


async def test_states_tell_of_which_run_they_are_and_nothing_from_inside(
    http: httpx.AsyncClient,
) -> None:
    thread = await a_thread(http)
    await say(http, thread, OWED, metadata={"tag": "x"})
    [made] = (await http.get(f"/threads/{thread}/runs")).json()
    states = await history(http, thread)
    for each in states:
        told = each["metadata"]
        assert (told["run_id"], told["thread_id"]) == (made["run_id"], thread)
        assert (told["graph_id"], told["tag"]) == ("tria", "x")
        assert set(each["values"]) <= {"messages", "intents", "passages", "situation"}
        for task in each["tasks"]:
            assert set(task["result"] or {}) <= {"intents", "passages", "situation"}


async def test_customers_see_the_steps_that_change_what_is_theirs_and_staff_see_all(
    http: httpx.AsyncClient, operator: httpx.AsyncClient
) -> None:
    thread = await a_thread(http)
    await say(http, thread, OWED)
    whole, seen = await history(operator, thread), await history(http, thread)
    last = len(whole) - 2
    assert [s["metadata"]["step"] for s in whole] == list(range(last, -2, -1))
    assert [s["metadata"]["step"] for s in seen] == [last, last - 1, 0, -1]
    for states in (whole, seen):
        for newer, older in pairwise(states):
            assert newer["parent_checkpoint"] == older["checkpoint"]
    hidden = whole[3]["checkpoint_id"]
    found = (await http.get(f"/threads/{thread}/state/{hidden}")).json()
    assert found["parent_checkpoint"] == seen[-2]["checkpoint"]


async def test_a_page_of_the_history_begins_where_the_last_one_ended(
    http: httpx.AsyncClient,
) -> None:
    thread = await a_thread(http)
    await say(http, thread, OWED)
    await say(http, thread, ROUND)
    whole = await history(http, thread)
    paged: list[State] = []
    while page := await history(
        http, thread, limit=3, before=paged[-1]["checkpoint_id"] if paged else None
    ):
        paged += page
    assert paged == whole
    rest = await history(http, thread, before={"configurable": whole[4]["checkpoint"]})
    assert rest == await history(http, thread, before=whole[4]["checkpoint"]) == whole[5:]
    assert (await http.get(f"/threads/{thread}/history?limit=2")).json() == whole[:2]


async def test_a_history_is_searched_by_metadata_and_by_checkpoint(
    http: httpx.AsyncClient,
) -> None:
    thread = await a_thread(http)
    await say(http, thread, OWED)
    await say(http, thread, ROUND)
    whole = await history(http, thread)
    inputs = await history(http, thread, metadata={"source": "input"})
    assert inputs == [s for s in whole if s["metadata"]["step"] == -1]
    first = whole[-1]["metadata"]["run_id"]
    of_run = await history(http, thread, metadata={"run_id": first, "graph_id": "tria"})
    assert of_run == [s for s in whole if s["metadata"]["run_id"] == first]
    assert await history(http, thread, metadata={"graph_id": "another"}) == []
    assert await history(http, thread, checkpoint=whole[3]["checkpoint"]) == [whole[3]]
    assert await history(http, thread, checkpoint={"thread_id": thread}, limit=2) == whole[:2]


async def test_a_state_is_found_at_its_checkpoint(http: httpx.AsyncClient) -> None:
    thread = await a_thread(http)
    await say(http, thread, OWED)
    await say(http, thread, ROUND)
    for each in await history(http, thread):
        at = (await http.get(f"/threads/{thread}/state/{each['checkpoint_id']}")).json()
        body = {"checkpoint": each["checkpoint"], "subgraphs": False}
        assert at == (await http.post(f"/threads/{thread}/state/checkpoint", json=body)).json()
        assert at == each
    body = {"checkpoint": {"thread_id": thread}, "subgraphs": False}
    latest = (await http.post(f"/threads/{thread}/state/checkpoint", json=body)).json()
    assert latest == await state(http, thread)


async def test_at_an_unknown_checkpoint_nothing_was(http: httpx.AsyncClient) -> None:
    thread, other = await a_thread(http), await a_thread(http)
    await say(http, thread, OWED)
    foreign = (await state(http, thread))["checkpoint_id"]
    for unknown in ("1f1e753a-594f-672d-804a-ef61e8b825f8", "x", foreign):
        at = (await http.get(f"/threads/{other}/state/{unknown}")).json()
        assert (at["values"], at["next"], at["created_at"]) == ({}, [], None)
        assert at["checkpoint"]["checkpoint_id"] == unknown
        assert await history(http, other, before=unknown) == []


async def test_an_empty_conversation_has_an_empty_state(http: httpx.AsyncClient) -> None:
    thread = await a_thread(http)
    found = await state(http, thread)
    assert set(found) == KEYS
    assert (found["values"], found["checkpoint"], found["tasks"]) == ({}, None, [])
    assert await history(http, thread) == []


async def test_only_what_is_selected_is_answered(http: httpx.AsyncClient) -> None:
    thread = await a_thread(http)
    await say(http, thread, OWED)
    [found] = await history(http, thread, limit=1, select=["values.messages", "next"])
    assert set(found) == {"values", "next"}
    assert set(found["values"]) == {"messages"}
    told = (await http.get(f"/threads/{thread}/state?select=next&select=checkpoint")).json()
    assert set(told) == {"next", "checkpoint"}


# ---------------------------------------------------------------- going back


async def test_an_answer_is_given_once_more_and_the_first_stays_beside_it(
    http: httpx.AsyncClient,
) -> None:
    thread = await a_thread(http)
    await say(http, thread, OWED)
    answers = [(await state(http, thread))["values"]["messages"][-1]["id"]]
    for _ in range(2):
        seen = first_seen(await history(http, thread), answers[-1])
        values = await run(http, thread, checkpoint=seen["parent_checkpoint"])
        assert kinds({"values": values}) == ["human", "ai"]
        answers.append(values["messages"][-1]["id"])
    assert len(set(answers)) == 3
    states = await history(http, thread)
    assert states[0] == await state(http, thread)
    found = parents(states)
    forks = [_ancestors(found, first_seen(states, answer)["checkpoint_id"]) for answer in answers]
    shared = set(forks[0]) & set(forks[1]) & set(forks[2])
    after = [next(a for a in reversed(fork) if a not in shared) for fork in forks]
    assert len(set(after)) == 3
    assert len({found[each] for each in after}) == 1, "siblings have one parent"
    assert {texts(first_seen(states, answer))[0] for answer in answers} == {OWED}


def _ancestors(parents: dict[str, str | None], checkpoint_id: str) -> list[str]:
    line, here = [], parents[checkpoint_id]
    line.append(checkpoint_id)
    while here:
        line.append(here)
        here = parents[here]
    return line


async def test_a_conversation_goes_on_after_an_answer_given_once_more(
    http: httpx.AsyncClient,
) -> None:
    thread = await a_thread(http)
    await say(http, thread, OWED)
    first = (await state(http, thread))["values"]["messages"][-1]["id"]
    seen = first_seen(await history(http, thread), first)
    again = await run(http, thread, checkpoint=seen["parent_checkpoint"])
    await say(http, thread, ROUND)
    states = await history(http, thread)
    ids = [m["id"] for m in states[0]["values"]["messages"]]
    assert ids[1] == again["messages"][-1]["id"]
    assert first not in ids
    line = _ancestors(parents(states), states[0]["checkpoint_id"])
    assert first_seen(states, ids[1])["checkpoint_id"] in line
    assert first_seen(states, first)["checkpoint_id"] not in line


@pytest.mark.parametrize("turn", [0, 1], ids=["first", "second"])
async def test_a_question_is_put_otherwise_on_a_branch_and_the_old_branch_stays(
    http: httpx.AsyncClient, turn: int
) -> None:
    thread = await a_thread(http)
    await say(http, thread, OWED)
    await say(http, thread, "and when is it due?")
    before = await history(http, thread)
    question = before[0]["values"]["messages"][2 * turn]["id"]
    seen = first_seen(before, question)
    await say(http, thread, ROUND, checkpoint=seen["parent_checkpoint"])
    states = await history(http, thread)
    assert texts(states[0])[2 * turn] == ROUND
    assert len(texts(states[0])) == 2 * turn + 2
    assert states[-len(before) :] == before
    found = parents(states)
    begun = next(s for s in reversed(states) if s not in before)
    assert found[begun["checkpoint_id"]] == found[str(seen["parent_checkpoint"]["checkpoint_id"])]


# ---------------------------------------------------------------- who waits for whom


async def test_messages_answered_together_appear_together(http: httpx.AsyncClient) -> None:
    thread = await a_thread(http)
    ids = []
    for text in (OWED, ROUND, "and do you sell bags?"):
        body = {"assistant_id": "tria", "input": {"messages": [{"role": "user", "content": text}]}}
        ids.append((await http.post(f"/threads/{thread}/runs", json=body)).json()["run_id"])
    for made in ids:
        await http.get(f"/threads/{thread}/runs/{made}/join")
    states = await history(http, thread)
    assert states[0] == await state(http, thread)
    assert kinds(states[0]).count("human") == 3
    found = parents(states)
    assert [s for s in states if found[s["checkpoint_id"]] is None] == [states[-1]]


# ---------------------------------------------------------------- staff


async def test_staff_change_a_state_and_a_record_of_it_stays(
    http: httpx.AsyncClient, operator: httpx.AsyncClient, postgres_url: str
) -> None:
    thread = await a_thread(http)
    await say(http, thread, OWED)
    before = await state(http, thread)
    body = {"values": {"tone": TONE | {"situation": "complaint"}}, "as_node": "adapt_tone"}
    answer = await operator.post(f"/threads/{thread}/state", json=body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["checkpoint"] == told["configurable"]
    assert told["checkpoint_id"] == told["checkpoint"]["checkpoint_id"]
    after = await state(http, thread)
    assert after["checkpoint"] == told["checkpoint"]
    assert after["parent_checkpoint"] == before["checkpoint"]
    assert after["values"]["situation"] == "complaint"
    assert after["next"] == ["compose_reply"]
    assert texts(after) == texts(before)
    with psycopg.connect(postgres_url) as connection:
        [(actor, detail)] = connection.execute(
            "select actor, detail from audit where subject = %s", [thread]
        ).fetchall()
    assert actor == f"staff:{colleague(-1).staff_id}"
    assert detail == {"as_node": "adapt_tone", "keys": ["tone"], "checkpoint": None}


async def test_staff_fork_an_earlier_state(
    http: httpx.AsyncClient, operator: httpx.AsyncClient
) -> None:
    thread = await a_thread(http)
    await say(http, thread, OWED)
    earlier = (await history(operator, thread))[3]
    body = {"values": {"order": None}, "as_node": "screen_message"}
    body |= {"checkpoint": earlier["checkpoint"]}
    told = (await operator.post(f"/threads/{thread}/state", json=body)).json()
    forked = (await operator.get(f"/threads/{thread}/state/{told['checkpoint_id']}")).json()
    assert forked["parent_checkpoint"] == earlier["checkpoint"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"values": {"nonsense": 1}}, "nonsense"),
        ({"values": {}, "as_node": "nowhere"}, "nowhere"),
        ({"values": {"action": {"action_id": "x"}}, "as_node": "confirm_action"}, "action"),
        ({"values": {"decision": {"approved": True}}, "as_node": "await_approval"}, "decision"),
        ({"values": {"turn": {}}, "as_node": "screen_message"}, "turn"),
        ({"values": {"screened": {"text": "yes"}}, "as_node": "screen_message"}, "screened"),
        ({"values": {"understanding": {}}, "as_node": "classify_intent"}, "understanding"),
        ({"values": {"card": None}, "as_node": "propose_order"}, "card"),
        ({"values": {"facts": []}, "as_node": "confirm_action"}, "confirm_action"),
        ({"values": {"facts": []}, "as_node": "await_approval"}, "await_approval"),
        ({"values": {"facts": []}, "as_node": "commit_action"}, "commit_action"),
        ({"values": [1]}, "values"),
        ({"values": {"facts": 5}, "as_node": "call_xero_tools"}, "values.facts"),
        ({"values": {"facts": [{"kind": "x"}]}, "as_node": "call_xero_tools"}, "facts.0.source"),
        ({"values": {"tone": TONE}, "as_node": "adapt_tone"}, "values.tone.situation"),
    ],
    ids=[
        *("key", "node", "action", "decision", "turn", "screened", "understanding", "card"),
        *("for confirm_action", "for await_approval", "for commit_action"),
        *("list", "number for facts", "half a fact", "half a tone"),
    ],
)
async def test_no_state_is_changed_into_what_there_is_not_or_into_a_write(
    http: httpx.AsyncClient, operator: httpx.AsyncClient, body: State, said: str
) -> None:
    thread = await a_thread(http)
    await say(http, thread, OWED)
    before = await history(http, thread)
    answer = await operator.post(f"/threads/{thread}/state", json=body)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert await history(http, thread) == before


async def test_a_change_that_fails_leaves_no_record(
    http: httpx.AsyncClient, operator: httpx.AsyncClient, postgres_url: str
) -> None:
    thread = await a_thread(http)
    await say(http, thread, OWED)
    begun = (await history(operator, thread))[-1]["checkpoint"]
    body = {"values": {"facts": []}, "as_node": "validate_output", "checkpoint": begun}
    answer = await operator.post(f"/threads/{thread}/state", json=body)
    assert (answer.status_code, answer.json()["detail"][:8]) == (422, "as_node:")
    with psycopg.connect(postgres_url) as connection:
        assert not connection.execute("select 1 from audit where subject = %s", [thread]).fetchall()


async def test_customers_and_readers_change_no_state(
    service_url: str, http: httpx.AsyncClient
) -> None:
    thread = await a_thread(http)
    await say(http, thread, OWED)
    body = {"values": {"facts": []}, "as_node": "screen_message"}
    async with _staff(service_url, 0) as reader:
        for client in (http, reader):
            answer = await client.post(f"/threads/{thread}/state", json=body)
            assert answer.status_code == 403
            assert "operate" in answer.json()["detail"]


async def test_staff_read_everybodys_states_and_other_customers_none(
    service_url: str, http: httpx.AsyncClient, operator: httpx.AsyncClient
) -> None:
    thread = await a_thread(http)
    await say(http, thread, OWED)
    of_staff = {s["checkpoint_id"]: s["values"] for s in await history(operator, thread)}
    for each in await history(http, thread):
        assert of_staff[each["checkpoint_id"]] == each["values"]
    async with httpx.AsyncClient(base_url=service_url, headers=headers_of(customer(1))) as stranger:
        for path in ("state", "history", f"state/{uuid4()}"):
            assert (await stranger.get(f"/threads/{thread}/{path}")).status_code == 404


async def test_what_a_person_is_asked_is_shown_to_staff_alone_and_the_answer_to_all(
    sdk: LangGraphClient,
    http: httpx.AsyncClient,
    operator: httpx.AsyncClient,
    desk: ApprovalDesk,
) -> None:
    thread, card = await an_order_that_waits(sdk)
    seen, of_staff = await state(http, thread), await state(operator, thread)
    assert seen["next"] == of_staff["next"] == ["await_approval"]
    assert (seen["interrupts"], seen["tasks"][0]["interrupts"]) == ([], [])
    [asked] = of_staff["interrupts"]
    assert asked["value"]["action_id"] == card["action_id"]
    [task] = of_staff["tasks"]
    assert task["interrupts"] == [asked]
    assert (await operator.get(f"/threads/{thread}")).json()["interrupts"] == {task["id"]: [asked]}
    assert (await http.get(f"/threads/{thread}")).json()["interrupts"] == {}
    assert (await history(http, thread))[0] == seen
    assert kinds(seen) == ["human", "ai"] * 2
    await desk.decide(UUID(card["action_id"]), "Aisha", approved=True, reason="")
    await told(sdk, thread, 5)
    for newer, older in pairwise(await history(http, thread)):
        assert newer["parent_checkpoint"] == older["checkpoint"]
        assert len(newer["values"]["messages"]) >= len(older["values"]["messages"])


async def test_the_python_client_reads_states(sdk: LangGraphClient) -> None:
    thread = (await sdk.threads.create())["thread_id"]
    said: Any = {"messages": [{"role": "user", "content": OWED}]}
    await sdk.runs.wait(thread, "tria", input=said)
    latest = await sdk.threads.get_state(thread)
    again = await sdk.threads.get_state(thread, checkpoint=latest["checkpoint"])
    assert again == latest
    states = await sdk.threads.get_history(thread, limit=2, before=latest["checkpoint"])
    assert states[0]["checkpoint"] == latest["parent_checkpoint"]
