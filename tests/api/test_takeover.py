"""A person takes a conversation over: the assistant is silent at once, until it is handed back."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from api.app import create_app
from evals.bench.talk.trials import KINDS, People, Trial, play
from graph.settings import Settings
from tests.api.conftest import colleague, staff_client, staff_headers
from tests.api.test_approvals import UNUSUAL, told
from tests.api.test_conversations import a_thread, say
from tests.conftest import Served, customer, headers_of
from tools.actions.desk import ApprovalDesk
from tools.database import make_pool
from tools.operators.person_turns import Person
from tools.operators.takeover import Takeovers

AGENT, SUPERVISOR = 0, 1
MODES = [
    *("values", "messages-tuple", "messages", "updates", "custom"),
    *("tasks", "checkpoints", "debug", "events"),
]


def press(url: str, thread: str, what: str, *, who: int = AGENT, **body: Any) -> httpx.Response:
    key = body.pop("key", str(uuid4()))
    with staff_client(url, who) as client:
        return client.post(
            f"/admin/conversations/{thread}/{what}", json=body, headers={"Idempotency-Key": key}
        )


def done(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def said(sdk: LangGraphClient, thread: str) -> list[dict[str, Any]]:
    state = await sdk.threads.get_state(thread)
    messages: list[dict[str, Any]] = state["values"]["messages"]  # type: ignore[call-overload]
    return messages


async def test_the_assistant_is_silent_until_it_is_handed_back(
    sdk: LangGraphClient, service_url: str
) -> None:
    thread = await a_thread(sdk)
    await say(sdk, thread, "what do I owe?")
    shown = done(press(service_url, thread, "take-over"))
    assert shown["person"]["staff_id"] == colleague(AGENT).staff_id
    values = await say(sdk, thread, "and when is it due?")
    assert [m["type"] for m in values["messages"]] == ["human", "ai", "ai", "human"]
    joined, name = values["messages"][2], colleague(AGENT).name
    assert joined["name"] == name
    assert joined["additional_kwargs"]["person"] == {"name": name, "event": "joined"}
    assert name in joined["content"]
    done(press(service_url, thread, "messages", content="On the 5th, I have just checked."))
    done(press(service_url, thread, "hand-back"))
    messages = await said(sdk, thread)
    assert messages[-2]["content"] == "On the 5th, I have just checked."
    assert messages[-1]["additional_kwargs"]["person"]["event"] == "left"
    values = await say(sdk, thread, "what do I owe?")
    assert "You owe" in values["messages"][-1]["content"]
    assert values["messages"][-1]["name"] is None


async def test_an_old_hand_off_is_not_made_again(sdk: LangGraphClient, service_url: str) -> None:
    thread = await a_thread(sdk)
    values = await say(sdk, thread, "let me talk to a person please")
    assert values["handoff"]["ticket"]
    done(press(service_url, thread, "take-over"))
    done(press(service_url, thread, "hand-back", resolution="answered by telephone"))
    for text in ("thank you", "what do I owe?"):
        assert "handoff" not in await say(sdk, thread, text)
    [ticket] = done(_get(service_url, thread))["tickets"]
    assert (ticket["status"], ticket["resolution"]) == ("closed", "answered by telephone")


def _get(url: str, thread: str, who: int = AGENT) -> httpx.Response:
    with staff_client(url, who) as client:
        return client.get(f"/admin/conversations/{thread}/person")


async def test_the_packet_has_what_a_person_needs_and_nothing_personal(
    sdk: LangGraphClient, service_url: str
) -> None:
    thread = await a_thread(sdk)
    await say(sdk, thread, "my boxes arrived crushed, call me at 91234567")
    shown = done(_get(service_url, thread))
    [ticket] = shown["tickets"]
    packet = ticket["packet"]
    assert packet["customer"]["company"] == customer().company
    assert customer().name not in str(shown)
    assert "91234567" not in str(shown)
    assert packet["segment"]
    assert packet["intents"][0]["confidence"] > 0.5
    assert ticket["seconds_left"] > 0
    assert float(shown["account"]["balance"]["outstanding"]) >= 0


# ---------------------------------------------------------------- what clients see


@pytest.mark.parametrize("mode", MODES)
async def test_every_stream_of_a_silent_conversation_ends_cleanly(
    sdk: LangGraphClient, service_url: str, mode: str
) -> None:
    thread = await a_thread(sdk)
    await say(sdk, thread, "hello")
    done(press(service_url, thread, "take-over"))
    turn = {"messages": [{"role": "user", "content": "what do I owe?"}]}
    stream = sdk.runs.stream(thread, "tria", input=turn, stream_mode=mode)  # type: ignore[arg-type]
    async with asyncio.timeout(10):
        events = [(part.event, part.data) async for part in stream]
    assert events[0][0] == "metadata"
    assert not [data for name, data in events if name.startswith("messages")]
    assert not [data for name, data in events if name == "error"]
    run = (await sdk.runs.list(thread))[0]
    assert run["status"] == "success"
    async with asyncio.timeout(10):
        again = [part.event async for part in sdk.runs.join_stream(thread, run["run_id"])]
        assert await sdk.runs.join(thread, run["run_id"])
    assert "error" not in again


async def test_whoever_follows_the_conversation_reads_the_person_at_once(
    sdk: LangGraphClient, service_url: str
) -> None:
    thread = await a_thread(sdk)
    await say(sdk, thread, "hello")
    following = asyncio.create_task(_heard_until(sdk, thread, "Good morning!"))
    await asyncio.sleep(0.5)
    await asyncio.to_thread(press, service_url, thread, "take-over")
    done(await asyncio.to_thread(press, service_url, thread, "messages", content="Good morning!"))
    async with asyncio.timeout(10):
        pieces = [data[0] for name, data in await following if name == "messages"]
    assert [piece["additional_kwargs"]["person"].get("event") for piece in pieces] == [
        *("joined", None),
    ]
    assert pieces[1]["content"] == "Good morning!"


async def _heard_until(sdk: LangGraphClient, thread: str, text: str) -> list[tuple[str, Any]]:
    heard: list[tuple[str, Any]] = []
    async for part in await sdk.threads.join_stream(thread):
        heard += [(part.event, part.data)]
        if part.event == "values" and text in str(part.data):
            break
    return heard


async def test_news_of_a_card_waits_for_the_hand_back(
    sdk: LangGraphClient, service_url: str, postgres_url: str
) -> None:
    thread = await a_thread(sdk)
    card = (await say(sdk, thread, UNUSUAL))["card"]
    await say(sdk, thread, "yes")
    done(press(service_url, thread, "take-over"))
    async with make_pool(postgres_url, max_size=2) as pool:
        assert await ApprovalDesk(pool).decide(card["action_id"], "Aisha", approved=True, reason="")
    for _ in range(100):
        if done(_get(service_url, thread))["waiting_news"]:
            break
        await asyncio.sleep(0.1)
    assert (await said(sdk, thread))[-1]["additional_kwargs"]["person"]["event"] == "joined"
    done(press(service_url, thread, "hand-back"))
    last = (await told(sdk, thread, 7))[-1]
    assert last["additional_kwargs"]["card"]["status"] == "committed"


async def test_a_card_from_before_is_not_written_after(
    sdk: LangGraphClient, service_url: str
) -> None:
    thread = await a_thread(sdk)
    card = (await say(sdk, thread, "600 10 inch boxes for tampines please"))["card"]
    done(press(service_url, thread, "take-over"))
    done(press(service_url, thread, "hand-back"))
    values = await say(sdk, thread, "yes")
    shown = values.get("card", {})
    assert (shown.get("action_id"), shown.get("status")) != (card["action_id"], "committed")
    with staff_client(service_url) as client:
        found = client.get(f"/admin/actions/{card['action_id']}").json()
    assert (found["status"], found["writes"][0]["status"]) == ("cancelled", "pending")


# ---------------------------------------------------------------- who may


async def test_one_person_at_a_time(sdk: LangGraphClient, service_url: str) -> None:
    thread = await a_thread(sdk)
    await say(sdk, thread, "hello")
    done(press(service_url, thread, "take-over", who=SUPERVISOR))
    for what in ("take-over", "messages", "hand-back"):
        refused = press(service_url, thread, what, content="x")
        assert refused.status_code == 409
        assert colleague(SUPERVISOR).name in refused.json()["detail"]
    shown = done(_get(service_url, thread))
    assert not any(shown["may"][what] for what in ("take_over", "write", "hand_back"))


async def test_customers_cannot_and_missing_is_missing(
    sdk: LangGraphClient, http: httpx.AsyncClient, service_url: str
) -> None:
    thread = await a_thread(sdk)
    await say(sdk, thread, "hello")
    refused = await http.post(f"/admin/conversations/{thread}/take-over", json={})
    assert refused.status_code == 403
    missing = press(service_url, str(uuid4()), "take-over")
    assert missing.status_code == 404
    assert press(service_url, str(uuid4()), "messages", content="x").status_code == 404


async def test_a_reply_under_the_same_key_is_said_once(
    sdk: LangGraphClient, service_url: str
) -> None:
    thread = await a_thread(sdk)
    await say(sdk, thread, "hello")
    done(press(service_url, thread, "take-over"))
    key = str(uuid4())
    for _ in range(2):
        done(press(service_url, thread, "messages", content="Good morning!", key=key))
    contents = [m["content"] for m in await said(sdk, thread)]
    assert contents.count("Good morning!") == 1


async def test_notes_and_drafts_never_reach_the_customer(
    sdk: LangGraphClient, service_url: str
) -> None:
    thread = await a_thread(sdk)
    await say(sdk, thread, "hello")
    done(press(service_url, thread, "take-over"))
    await say(sdk, thread, "what do I owe?")
    shown = done(press(service_url, thread, "notes", content="pays late, but always"))
    assert [note["content"] for note in shown["notes"]] == ["pays late, but always"]
    draft = done(press(service_url, thread, "draft"))["content"]
    assert "You owe" in draft
    told_customer = str(await said(sdk, thread)) + str(await sdk.threads.get(thread))
    assert "pays late" not in told_customer
    assert "You owe" not in told_customer


# ---------------------------------------------------------------- the race


@pytest.fixture(scope="module")
def second_url(settings: Settings, service_url: str) -> Iterator[str]:
    """Another replica on the same parts."""
    with Served(create_app(settings)) as served:
        yield served.url


async def test_nobody_is_talked_over(service_url: str, second_url: str, postgres_url: str) -> None:
    """Twenty of the trials of `make bench-talk-over`, with templates for a model."""
    mine, theirs = headers_of(customer()), staff_headers(colleague(AGENT))
    async with AsyncExitStack() as stack:

        async def client(url: str, headers: dict[str, str]) -> httpx.AsyncClient:
            made = httpx.AsyncClient(base_url=url, headers=headers, timeout=60)
            return await stack.enter_async_context(made)

        urls = (service_url, second_url)
        people = People(
            [await client(url, mine) for url in urls],
            [await client(url, theirs) for url in urls],
            await stack.enter_async_context(make_pool(postgres_url, max_size=4)),
        )
        played: list[Trial] = []
        for number in range(0, 20, 2):
            pair = [_play(people, number), _play(people, number + 1)]
            played += await asyncio.gather(*pair)
        await asyncio.sleep(0.5)
    assert sum(trial.shown_after for trial in played) == 0
    assert sum(trial.unfinished for trial in played) == 0
    assert not [trial for trial in played if trial.told is False]
    async with get_client(url=service_url, api_key=None, headers=headers_of(customer())) as sdk:
        for trial in played:
            assert _talked_over(await said(sdk, trial.thread_id)) == [], trial.thread_id


async def test_streams_end_where_nobody_tells_them_of_the_take_over(
    sdk: LangGraphClient, postgres_url: str
) -> None:
    """The process died that had just made the take-over final."""
    thread = await a_thread(sdk)
    turns: list[dict[str, Any]] = [
        {"messages": [{"role": "user", "content": text}]} for text in ("hello", "hello?")
    ]
    runs = [await sdk.runs.create(thread, "tria", input=turn) for turn in turns]
    joined = [asyncio.create_task(sdk.runs.join(thread, run["run_id"])) for run in runs]
    async with make_pool(postgres_url, max_size=2) as pool:
        await Takeovers(pool).take_over(UUID(thread), Person("mei", "Mei"))
    async with asyncio.timeout(20):
        await asyncio.gather(*joined)
    messages = await said(sdk, thread)
    assert _talked_over(messages) == []
    assert len([m for m in messages if m["type"] == "human"]) == len(turns)


async def _play(people: People, number: int) -> Trial:
    return await play(people, number, KINDS[number % len(KINDS)], number * 7 % 20 * 0.02)


def _talked_over(messages: list[dict[str, Any]]) -> list[str]:
    """The assistant's words while a person had the conversation."""
    has_person, found = False, []
    for message in messages:
        person = message["additional_kwargs"].get("person")
        if person and "event" in person:
            has_person = person["event"] == "joined"
        elif message["type"] == "ai" and not person and has_person:
            found.append(message["content"])
    return found
