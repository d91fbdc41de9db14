"""The LangGraph Server protocol, as its Python SDK and recorded clients use it."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import ConflictError, NotFoundError

from tests.conftest import customer, headers_of

QUESTION: dict[str, Any] = {"messages": [{"role": "user", "content": "what do I owe?"}]}
MODES = ["values", "messages-tuple", "updates", "custom"]


async def test_threads_live_their_whole_life(sdk: LangGraphClient) -> None:
    thread = await sdk.threads.create(metadata={"topic": "boxes"})
    assert thread["status"] == "idle"
    found = await sdk.threads.search(metadata={"topic": "boxes"})
    assert [t["thread_id"] for t in found] == [thread["thread_id"]]
    updated = await sdk.threads.update(thread["thread_id"], metadata={"a": 1})
    assert (updated["metadata"] or {})["a"] == 1
    await sdk.threads.delete(thread["thread_id"])
    with pytest.raises(NotFoundError):
        await sdk.threads.get(thread["thread_id"])


async def test_assistants_are_the_one_graph(sdk: LangGraphClient) -> None:
    [assistant] = await sdk.assistants.search(graph_id="tria")
    again = await sdk.assistants.get(assistant["assistant_id"])
    assert again["graph_id"] == "tria"
    graph = await sdk.assistants.get_graph("tria")
    assert "commit_action" in {node["id"] for node in graph["nodes"]}


async def test_a_stream_carries_every_mode_that_was_asked_for(sdk: LangGraphClient) -> None:
    thread = await sdk.threads.create()
    parts = [
        part
        async for part in sdk.runs.stream(
            thread["thread_id"],
            "tria",
            input=QUESTION,
            stream_mode=MODES,  # type: ignore[arg-type]
        )
    ]
    assert parts[0].event == "metadata"
    assert {p.event for p in parts} == {"metadata", "values", "messages", "updates", "custom"}
    streamed = "".join(p.data[0]["content"] for p in parts if p.event == "messages")
    last = [p.data for p in parts if p.event == "values"][-1]["messages"][-1]
    assert streamed == last["content"]
    assert {p.data[0]["id"] for p in parts if p.event == "messages"} == {last["id"]}
    nodes = [next(iter(p.data)) for p in parts if p.event == "updates"]
    assert nodes[0] == "screen_message"
    assert nodes[-1] == "validate_output"


async def test_the_wire_is_what_recorded_clients_depend_on(http: httpx.AsyncClient) -> None:
    thread = (await http.post("/threads", json={})).json()["thread_id"]
    answer = await http.post(
        f"/threads/{thread}/runs/stream",
        json={"assistant_id": "tria", "input": QUESTION, "stream_resumable": True},
    )
    run = answer.headers["content-location"].rsplit("/", 1)[-1]
    assert answer.headers["content-location"] == f"/threads/{thread}/runs/{run}"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "no"
    first, *_ = answer.text.split("\r\n\r\n")
    event, data, identity = first.split("\r\n")
    assert event == "event: metadata"
    assert json.loads(data.removeprefix("data: ")) == {"run_id": run, "attempt": 1}
    assert identity.startswith("id: ")


async def test_a_stream_resumes_after_any_event_without_gap_or_repeat(
    http: httpx.AsyncClient,
) -> None:
    thread = (await http.post("/threads", json={})).json()["thread_id"]
    body = {
        "assistant_id": "tria",
        "input": QUESTION,
        "stream_mode": MODES,
        "stream_resumable": True,
    }
    answer = await http.post(f"/threads/{thread}/runs/stream", json=body)
    whole = [e for e in answer.text.split("\r\n\r\n") if e]
    location = answer.headers["content-location"]
    for cut in (1, len(whole) // 2, len(whole) - 1):
        last_id = whole[cut - 1].rsplit("id: ", 1)[1]
        rest = await http.get(f"{location}/stream", headers={"Last-Event-ID": last_id})
        assert [e for e in rest.text.split("\r\n\r\n") if e] == whole[cut:]


async def test_state_and_history_show_the_conversation(sdk: LangGraphClient) -> None:
    thread = (await sdk.threads.create())["thread_id"]
    for _ in range(2):
        await sdk.runs.wait(thread, "tria", input=QUESTION)
    state = await sdk.threads.get_state(thread)
    assert isinstance(state["values"], dict)
    assert [m["type"] for m in state["values"]["messages"]] == ["human", "ai"] * 2
    assert state["next"] == []
    history = await sdk.threads.get_history(thread, limit=100)
    assert history[0]["checkpoint"] == state["checkpoint"]
    assert isinstance(history[-1]["values"], dict)
    assert history[-1]["values"]["messages"] == []
    runs = await sdk.runs.list(thread)
    assert [r["status"] for r in runs] == ["success", "success"]


async def test_a_run_can_be_created_and_joined_later(sdk: LangGraphClient) -> None:
    thread = (await sdk.threads.create())["thread_id"]
    run = await sdk.runs.create(thread, "tria", input=QUESTION)
    values = await sdk.runs.join(thread, run["run_id"])
    assert isinstance(values, dict)
    assert values["messages"][-1]["type"] == "ai"
    assert (await sdk.runs.get(thread, run["run_id"]))["status"] == "success"


async def test_messages_that_wait_while_a_turn_runs_are_answered_together(
    sdk: LangGraphClient,
) -> None:
    thread = (await sdk.threads.create())["thread_id"]
    runs = await asyncio.gather(
        *(sdk.runs.create(thread, "tria", input=QUESTION) for _ in range(5))
    )
    ended = await asyncio.gather(*(sdk.runs.join(thread, run["run_id"]) for run in runs))
    types = [m["type"] for m in max((v["messages"] for v in ended), key=len)]
    assert types.count("human") == 5
    assert 1 <= types.count("ai") < 5
    assert types[-1] == "ai"
    assert {r["status"] for r in await sdk.runs.list(thread)} == {"success"}


async def test_a_busy_thread_refuses_where_the_client_asked_for_it(
    sdk: LangGraphClient,
) -> None:
    thread = (await sdk.threads.create())["thread_id"]
    first = await sdk.runs.create(thread, "tria", input=QUESTION)
    with pytest.raises(ConflictError):
        await sdk.runs.create(thread, "tria", input=QUESTION, multitask_strategy="reject")
    await sdk.runs.join(thread, first["run_id"])


async def test_a_thread_is_made_on_the_way_when_asked(sdk: LangGraphClient) -> None:
    thread = str(uuid4())
    values = await sdk.runs.wait(thread, "tria", input=QUESTION, if_not_exists="create")
    assert isinstance(values, dict)
    assert len(values["messages"]) == 2


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/threads/{t}"),
        ("PATCH", "/threads/{t}"),
        ("DELETE", "/threads/{t}"),
        ("GET", "/threads/{t}/state"),
        ("POST", "/threads/{t}/history"),
        ("POST", "/threads/{t}/runs"),
        ("POST", "/threads/{t}/runs/stream"),
        ("POST", "/threads/{t}/runs/wait"),
        ("GET", "/threads/{t}/runs"),
        ("GET", "/threads/{t}/runs/{r}"),
        ("GET", "/threads/{t}/runs/{r}/join"),
        ("GET", "/threads/{t}/runs/{r}/stream"),
    ],
)
async def test_another_customer_finds_nothing_on_any_route(
    service_url: str, http: httpx.AsyncClient, method: str, path: str
) -> None:
    thread = (await http.post("/threads", json={})).json()["thread_id"]
    body = {"assistant_id": "tria", "input": QUESTION}
    run = (await http.post(f"/threads/{thread}/runs", json=body)).json()["run_id"]
    await http.get(f"/threads/{thread}/runs/{run}/join")
    async with httpx.AsyncClient(base_url=service_url) as stranger:
        url = path.format(t=thread, r=run)
        unsigned = await stranger.request(method, url, json=body)
        foreign = await stranger.request(method, url, json=body, headers=headers_of(customer(1)))
        missing = await stranger.request(
            method, path.format(t=uuid4(), r=uuid4()), json=body, headers=headers_of(customer(1))
        )
    assert unsigned.status_code == 401
    assert foreign.status_code == missing.status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"assistant_id": "nope"},
        {"input": None},
        {"input": {"messages": []}},
        {"input": {"messages": [{"role": "user", "content": "x\u0000y"}]}},
        {"input": {"messages": [{"role": "user", "content": "x" * 8001}]}},
        {"input": {"messages": [{"role": "user", "content": 7}]}},
        {"stream_mode": "zzz"},
        {"multitask_strategy": "sometimes"},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_bad_input_is_refused_with_the_field_named(
    http: httpx.AsyncClient, change: dict[str, object]
) -> None:
    thread = (await http.post("/threads", json={})).json()["thread_id"]
    body = {"assistant_id": "tria", "input": QUESTION} | change
    answer = await http.post(f"/threads/{thread}/runs", json=body)
    assert answer.status_code == 422
    assert next(iter(change)).split("_")[0] in answer.json()["detail"].lower()
    assert (await http.get(f"/threads/{thread}/runs")).json() == []


async def test_broken_bodies_are_refused_without_an_error_of_ours(
    http: httpx.AsyncClient,
) -> None:
    thread = (await http.post("/threads", json={})).json()["thread_id"]
    kind = {"Content-Type": "application/json"}
    lone = b'{"assistant_id":"tria","input":{"messages":[{"role":"user","content":"\\ud800"}]}}'
    for content, status in ((b"{", 422), (b"\xff\xfe", 422), (lone, 422), (b"x" * 70_000, 413)):
        answer = await http.post(f"/threads/{thread}/runs", content=content, headers=kind)
        assert answer.status_code == status, content[:20]


def test_tampered_and_foreign_tokens_are_refused(service_url: str) -> None:
    good = headers_of(customer())["Authorization"]
    for token in (good[:-2] + "xx", "Bearer x", "Bearer eyJhbGciOiJub25lIn0.e30.", "Basic abc"):
        answer = httpx.post(f"{service_url}/threads", json={}, headers={"Authorization": token})
        assert answer.status_code == 401
