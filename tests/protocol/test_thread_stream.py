"""The thread-centric protocol: commands, and events on channels over SSE and a WebSocket."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any, Literal
from uuid import uuid4

import httpx
import pytest
import redis
from langgraph_sdk.client import LangGraphClient
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from tests.conftest import customer, headers_of

QUESTION: dict[str, Any] = {"messages": [{"role": "user", "content": "what do I owe?"}]}
CHANNELS = ["values", "updates", "messages", "lifecycle", "input", "custom", "checkpoints"]
TRANSPORTS: list[Literal["sse", "websocket"]] = ["sse", "websocket"]
Event = dict[str, Any]


@pytest.fixture
def http(service_url: str) -> Iterator[httpx.Client]:
    headers = headers_of(customer())
    with httpx.Client(base_url=service_url, headers=headers, timeout=30) as client:
        yield client


def opened_thread(http: httpx.Client) -> str:
    return str(http.post("/threads", json={}).json()["thread_id"])


def command(http: httpx.Client, thread: str, method: str, **params: Any) -> dict[str, Any]:
    body = {"id": 7, "method": method, "params": params}
    answer: dict[str, Any] = http.post(f"/threads/{thread}/commands", json=body).json()
    return answer


def ask(http: httpx.Client, thread: str, **params: Any) -> str:
    """Start a turn; the run's id."""
    answer = command(http, thread, "run.start", assistant_id="tria", input=QUESTION, **params)
    assert answer["type"] == "success", answer
    return str(answer["result"]["run_id"])


def events(http: httpx.Client, thread: str, turns: int = 1, **body: Any) -> list[Event]:
    """What the stream says until that many turns have ended."""
    found: list[Event] = []
    url, asked = f"/threads/{thread}/stream/events", {"channels": CHANNELS} | body
    with http.stream("POST", url, json=asked) as answer:
        assert answer.status_code == 200
        for line in answer.iter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
                turns -= is_end(found[-1])
            if turns == 0:
                break
    return found


def is_end(event: Event) -> bool:
    ends = {"completed", "failed", "interrupted"}
    return event["method"] == "lifecycle" and event["params"]["data"]["event"] in ends


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_python_client_follows_a_thread(
    slow_sdk: LangGraphClient, transport: Literal["sse", "websocket"]
) -> None:
    signed = headers_of(customer())  # a socket does not get those of the client
    async with slow_sdk.threads.stream(
        assistant_id="tria", transport=transport, headers=signed
    ) as thread:
        await thread.run.start(input=QUESTION)
        messages = [message async for message in thread.messages]
        texts = [await message.text for message in messages]
        values = await asyncio.wait_for(thread.output, 60)
    assert texts == [values["messages"][-1]["content"]]


async def test_it_shows_the_values_and_what_is_being_done(sdk: LangGraphClient) -> None:
    async with sdk.threads.stream(assistant_id="tria") as thread:
        await thread.run.start(input=QUESTION)
        shown = [
            (channel, item)
            async for channel, item in thread.interleave_projections(["values", "status"])
        ]
    assert {channel for channel, _ in shown} == {"values", "status"}
    last = [item for channel, item in shown if channel == "values"][-1]
    assert [m["type"] for m in last["messages"]] == ["human", "ai"]


async def test_a_second_client_comes_when_all_is_said(sdk: LangGraphClient) -> None:
    created = await sdk.threads.create()
    await sdk.runs.wait(created["thread_id"], "tria", input=QUESTION)
    async with sdk.threads.stream(created["thread_id"], assistant_id="tria") as thread:
        values = await asyncio.wait_for(thread.output, 30)
    assert len(values["messages"]) == 2


def test_a_turn_is_told_from_its_beginning_to_its_end(http: httpx.Client) -> None:
    thread = str(uuid4())
    run = ask(http, thread)
    told = events(http, thread)
    assert told[0]["event_id"] == f"synth:{run}:lc||running"
    assert told[-1]["event_id"] == f"synth:{run}:lc||completed"
    assert {event["method"] for event in told} == {
        *("lifecycle", "values", "updates", "messages", "custom", "checkpoints")
    }
    spoken = [event["params"]["data"] for event in told if event["method"] == "messages"]
    assert [s["event"] for s in spoken[:2]] == ["message-start", "content-block-start"]
    assert [s["event"] for s in spoken[-2:]] == ["content-block-finish", "message-finish"]
    text = "".join(s["delta"]["text"] for s in spoken if s["event"] == "content-block-delta")
    assert text == spoken[-2]["content"]["text"]


def test_numbers_rise_over_turns_and_are_the_same_for_whoever_asks(http: httpx.Client) -> None:
    thread = str(uuid4())
    for _ in range(2):
        ask(http, thread)
        http.get(f"/threads/{thread}/runs").raise_for_status()
    first, second = (events(http, thread, turns=2) for _ in range(2))
    assert first == second
    numbers = [event["seq"] for event in first]
    assert numbers == sorted(set(numbers))
    assert max(numbers) < 2**53
    assert len({event["event_id"] for event in first}) == len(first)


def test_numbers_stay_when_earlier_turns_and_the_log_are_forgotten(
    http: httpx.Client, redis_url: str
) -> None:
    thread = str(uuid4())
    runs = [ask(http, thread)]
    first = events(http, thread)
    runs.append(ask(http, thread))
    whole = events(http, thread, turns=2)
    assert whole[: len(first)] == first
    forget(redis_url, runs[0])
    second = events(http, thread)
    assert second == whole[len(first) :]
    forget(redis_url, runs[1])
    told = events(http, thread, since=second[3]["seq"])
    assert [event["method"] for event in told] == ["values", "lifecycle"]
    assert told[-1]["seq"] == second[-1]["seq"]


def forget(redis_url: str, run: str) -> None:
    """The run's log, as after a day."""
    with redis.Redis.from_url(redis_url) as client:
        client.delete(f"run:{run}:events")


def test_a_stream_goes_on_after_any_number(http: httpx.Client) -> None:
    thread = str(uuid4())
    ask(http, thread)
    whole = events(http, thread)
    for cut in range(0, len(whole) - 1, 3):
        assert events(http, thread, since=whole[cut]["seq"]) == whole[cut + 1 :]


def test_a_stream_carries_only_what_was_subscribed(http: httpx.Client) -> None:
    thread = str(uuid4())
    ask(http, thread)
    whole = events(http, thread)
    for channels in (["lifecycle", "input"], ["lifecycle", "custom:status"]):
        told = events(http, thread, channels=channels)
        names = {event["params"]["data"].get("name") for event in told}
        assert {event["method"] for event in told} <= {"lifecycle", "custom"}
        assert names <= {None, "status"}
        assert [e for e in whole if e in told] == told
    assert events(http, thread, namespaces=[[]], depth=0) == whole


def test_a_stream_that_waits_is_told_of_the_next_turn(http: httpx.Client) -> None:
    thread = str(uuid4())
    ask(http, thread)
    last = events(http, thread)[-1]
    with http.stream(
        "POST",
        f"/threads/{thread}/stream/events",
        json={"channels": ["lifecycle"], "since": last["seq"]},
    ) as answer:
        run = ask(http, thread)
        lines = answer.iter_lines()
        begun = next(line for line in lines if line.startswith("data: "))
    assert json.loads(begun.removeprefix("data: "))["event_id"].startswith(f"synth:{run}:")


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("run.begin", {}, "unknown_command"),
        ("run.start", {}, "invalid_argument"),
        ("run.start", {"assistant_id": "tria", "input": {"messages": []}}, "invalid_argument"),
        ("run.start", {"assistant_id": "tria", "metadata": 7}, "invalid_argument"),
        ("run.start", {"assistant_id": "tria", "input": QUESTION, "config": 7}, "invalid_argument"),
        ("input.respond", {"interrupt_id": "x", "response": "yes"}, "permission_denied"),
        ("input.respond", {"responses": [1]}, "invalid_argument"),
        ("input.respond", {"responses": [{}, {}]}, "invalid_argument"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_command_that_cannot_be_followed_is_answered_in_words(
    http: httpx.Client, method: str, params: dict[str, Any], code: str
) -> None:
    thread = opened_thread(http)
    answer = command(http, thread, method, **params)
    assert (answer["type"], answer["id"], answer["error"]) == ("error", 7, code)
    assert answer["message"]
    assert http.get(f"/threads/{thread}/runs").json() == []


def test_the_state_of_the_graph_is_told(http: httpx.Client) -> None:
    thread = opened_thread(http)
    answer = command(http, thread, "agent.getTree")
    assert answer["result"]["tree"]["graph_name"] == "tria"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"channels": []},
        {"channels": ["everything"]},
        {"channels": ["values"], "since": -1},
        {"channels": ["values"], "namespaces": "x"},
        {"channels": ["values"], "depth": "deep"},
    ],
    ids=["nothing", "no-channel", "unknown-channel", "since", "namespaces", "depth"],
)
def test_a_subscription_that_makes_no_sense_is_refused(
    http: httpx.Client, body: dict[str, Any]
) -> None:
    thread = opened_thread(http)
    assert http.post(f"/threads/{thread}/stream/events", json=body).status_code == 422


def test_only_its_customer_reads_and_commands_a_thread(http: httpx.Client) -> None:
    thread = opened_thread(http)
    start = {"id": 1, "method": "run.start", "params": {"assistant_id": "tria", "input": QUESTION}}
    asked = {f"/threads/{thread}/commands": start}
    asked[f"/threads/{thread}/stream/events"] = {"channels": ["values"]}
    for path, body in asked.items():
        foreign = http.post(path, json=body, headers=headers_of(customer(1)))
        unsigned = httpx.post(f"{http.base_url}{path}", json=body)
        assert (foreign.status_code, unsigned.status_code) == (404, 401), path


def socket(http: httpx.Client, thread: str, who: int | None = 0) -> connect:
    url = f"{http.base_url}/threads/{thread}/stream/events".replace("http", "ws", 1)
    headers = headers_of(customer(who)) if who is not None else {}
    return connect(url, additional_headers=headers)


async def sent(opened: ClientConnection, method: str, **params: Any) -> dict[str, Any]:
    """Send a command; its answer, past the events in between."""
    await opened.send(json.dumps({"id": 3, "method": method, "params": params}))
    while True:
        answer: dict[str, Any] = json.loads(await asyncio.wait_for(opened.recv(), 30))
        if answer["type"] != "event":
            return answer


async def test_a_socket_carries_commands_and_events(http: httpx.Client) -> None:
    thread = opened_thread(http)
    async with socket(http, thread) as opened:
        subscribed = await sent(opened, "subscription.subscribe", channels=["lifecycle"])
        started = await sent(opened, "run.start", assistant_id="tria", input=QUESTION)
        told: list[Event] = []
        while not (told and is_end(told[-1])):
            told.append(json.loads(await asyncio.wait_for(opened.recv(), 30)))
        name = subscribed["result"]["subscription_id"]
        ended = await sent(opened, "subscription.unsubscribe", subscription_id=name)
        again = await sent(opened, "subscription.unsubscribe", subscription_id=name)
        wrong = await sent(opened, "subscription.subscribe", channels=["everything"])
        await opened.send("{")
        broken = json.loads(await asyncio.wait_for(opened.recv(), 30))
    run = started["result"]["run_id"]
    assert {event["event_id"].split(":")[1] for event in told} == {run}
    assert ended["type"] == "success"
    assert again["error"] == "no_such_subscription"
    assert wrong["error"] == broken["error"] == "invalid_argument"
    assert told == events(http, thread, channels=["lifecycle"])


@pytest.mark.parametrize(("who", "status"), [(None, 401), (1, 404)], ids=["nobody", "stranger"])
async def test_a_socket_opens_for_its_customer_alone(
    http: httpx.Client, who: int | None, status: int
) -> None:
    thread = opened_thread(http)
    with pytest.raises(InvalidStatus) as refused:
        async with socket(http, thread, who):
            pass
    assert refused.value.response.status_code == status


async def test_a_frame_that_is_too_large_ends_the_socket(http: httpx.Client) -> None:
    thread = opened_thread(http)
    async with socket(http, thread) as opened:
        await opened.send("x" * 70_000)
        await asyncio.wait_for(opened.wait_closed(), 30)
    assert opened.close_code == 1009
