"""Every operation of LangGraph's Python client, against the running service."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast
from uuid import uuid4

import pytest
from langgraph_sdk import get_client, get_sync_client
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import APIStatusError, ConflictError, NotFoundError

from tests.conftest import customer, headers_of

QUESTION: dict[str, Any] = {"messages": [{"role": "user", "content": "what do I owe?"}]}
MODES = ["values", "messages-tuple", "updates", "custom", "tasks", "checkpoints"]


def said(values: object) -> list[str]:
    """The kinds of the messages in a state's values."""
    return [m["type"] for m in cast(Mapping[str, Any], values)["messages"]]


async def answered(sdk: LangGraphClient, turns: int = 1) -> str:
    """A thread with some turns; its id."""
    thread = (await sdk.threads.create())["thread_id"]
    for _ in range(turns):
        await sdk.runs.wait(thread, "tria", input=QUESTION)
    return thread


async def test_assistants_are_read_and_cannot_be_changed(sdk: LangGraphClient) -> None:
    [assistant] = await sdk.assistants.search(graph_id="tria")
    one = assistant["assistant_id"]
    assert (await sdk.assistants.get(one))["graph_id"] == "tria"
    assert (await sdk.assistants.get_graph("tria"))["nodes"]
    assert (await sdk.assistants.get_schemas("tria"))["graph_id"] == "tria"
    assert await sdk.assistants.get_subgraphs("tria") == {}
    assert await sdk.assistants.count(graph_id="tria") == 1
    assert [v["version"] for v in await sdk.assistants.get_versions(one)] == [1]
    refused: list[Callable[[], Awaitable[Any]]] = [
        lambda: sdk.assistants.create("tria", name="another"),
        lambda: sdk.assistants.update(one, name="another"),
        lambda: sdk.assistants.delete(one),
    ]
    for attempt in refused:
        with pytest.raises(APIStatusError) as caught:
            await attempt()
        assert caught.value.status_code in {403, 405, 501}


async def test_threads_live_their_whole_life(sdk: LangGraphClient) -> None:
    topic = uuid4().hex
    thread = (await sdk.threads.create(metadata={"topic": topic}))["thread_id"]
    assert (await sdk.threads.create(thread_id=thread, if_exists="do_nothing"))["metadata"]
    with pytest.raises(ConflictError):
        await sdk.threads.create(thread_id=thread)
    await sdk.threads.update(thread, metadata={"paid": True})
    found = await sdk.threads.search(metadata={"topic": topic}, status="idle")
    assert [(t["thread_id"], (t["metadata"] or {})["paid"]) for t in found] == [(thread, True)]
    assert await sdk.threads.count(metadata={"topic": topic}) == 1
    await sdk.threads.delete(thread)
    with pytest.raises(NotFoundError):
        await sdk.threads.get(thread)


async def test_a_copy_goes_its_own_way(sdk: LangGraphClient) -> None:
    thread = await answered(sdk)
    copy = cast(dict[str, Any], await sdk.threads.copy(thread))["thread_id"]
    await sdk.runs.wait(copy, "tria", input=QUESTION)
    assert said((await sdk.threads.get_state(copy))["values"]) == ["human", "ai"] * 2
    assert said((await sdk.threads.get_state(thread))["values"]) == ["human", "ai"]


async def test_states_are_read_at_every_moment(sdk: LangGraphClient) -> None:
    thread = await answered(sdk, turns=2)
    history = await sdk.threads.get_history(thread, limit=100)
    assert said(history[0]["values"]) == ["human", "ai"] * 2
    first = next(s for s in history if len(said(s["values"])) == 2 and not s["next"])
    then = await sdk.threads.get_state(thread, checkpoint=first["checkpoint"])
    assert said(then["values"]) == ["human", "ai"]
    place = first["checkpoint"]["checkpoint_id"]
    assert said((await sdk.threads.get_state(thread, checkpoint_id=place))["values"]) == [
        *("human", "ai")
    ]
    earlier = await sdk.threads.get_history(thread, limit=100, before=first["checkpoint"])
    assert first["checkpoint"] not in [s["checkpoint"] for s in earlier]
    assert earlier


async def test_a_customer_cannot_change_a_state(sdk: LangGraphClient) -> None:
    thread = await answered(sdk)
    with pytest.raises(APIStatusError) as caught:
        await sdk.threads.update_state(thread, {"reply": {"text": "You owe nothing."}})
    assert caught.value.status_code == 403


async def test_runs_are_created_read_and_forgotten(sdk: LangGraphClient) -> None:
    thread = (await sdk.threads.create())["thread_id"]
    run = await sdk.runs.create(thread, "tria", input=QUESTION, metadata={"from": "a test"})
    assert said(await sdk.runs.join(thread, run["run_id"])) == ["human", "ai"]
    found = await sdk.runs.get(thread, run["run_id"])
    assert (found["status"], found["metadata"]) == ("success", {"from": "a test"})
    assert [r["run_id"] for r in await sdk.runs.list(thread, status="success")] == [run["run_id"]]
    assert await sdk.runs.list(thread, status="error") == []
    await sdk.runs.delete(thread, run["run_id"])
    with pytest.raises(NotFoundError):
        await sdk.runs.get(thread, run["run_id"])


async def test_a_run_streams_in_every_mode(sdk: LangGraphClient) -> None:
    thread = (await sdk.threads.create())["thread_id"]
    created: list[str] = []
    parts = [
        part
        async for part in sdk.runs.stream(
            thread,
            "tria",
            input=QUESTION,
            stream_mode=MODES,  # type: ignore[arg-type]
            on_run_created=lambda run: created.append(run["run_id"]),
        )
    ]
    named = {"metadata", "values", "messages", "updates", "custom", "tasks", "checkpoints"}
    assert {part.event for part in parts} == named
    assert created == [parts[0].data["run_id"]]
    spoken = "".join(p.data[0]["content"] for p in parts if p.event == "messages")
    assert spoken == [p.data for p in parts if p.event == "values"][-1]["messages"][-1]["content"]


async def test_a_stream_is_joined_from_its_beginning(sdk: LangGraphClient) -> None:
    thread = (await sdk.threads.create())["thread_id"]
    run = await sdk.runs.create(
        thread, "tria", input=QUESTION, stream_mode=["values", "updates"], stream_resumable=True
    )
    joined = sdk.runs.join_stream(thread, run["run_id"], stream_mode="values", last_event_id="-1")
    events = [part.event async for part in joined]
    assert set(events) == {"metadata", "values"}


async def test_a_threads_stream_shows_each_of_its_runs(sdk: LangGraphClient) -> None:
    thread = (await sdk.threads.create())["thread_id"]
    seen: list[str] = []

    async def follow() -> None:
        async for part in await sdk.threads.join_stream(thread, last_event_id="-1"):
            if part.event == "metadata" and part.data.get("status") == "run_done":
                seen.append(part.data["run_id"])
                if len(seen) == 2:
                    return

    following = asyncio.create_task(follow())
    for _ in range(2):
        await sdk.runs.wait(thread, "tria", input=QUESTION)
    await asyncio.wait_for(following, 30)
    assert seen == [r["run_id"] for r in reversed(await sdk.runs.list(thread))]


async def test_runs_without_a_thread(sdk: LangGraphClient) -> None:
    assert said(await sdk.runs.wait(None, "tria", input=QUESTION)) == ["human", "ai"]
    events = [part.event async for part in sdk.runs.stream(None, "tria", input=QUESTION)]
    assert "values" in events
    run = await sdk.runs.create(None, "tria", input=QUESTION)
    assert run["status"] in {"pending", "running"}
    batch = await sdk.runs.create_batch(
        [{"assistant_id": "tria", "input": QUESTION}] * 2  # type: ignore[typeddict-item]
    )
    assert len({r["run_id"] for r in batch}) == 2


@pytest.mark.parametrize("wait", [True, False])
async def test_a_run_is_cancelled(slow_sdk: LangGraphClient, *, wait: bool) -> None:
    thread = (await slow_sdk.threads.create())["thread_id"]
    run = await slow_sdk.runs.create(thread, "tria", input=QUESTION)
    await slow_sdk.runs.cancel(thread, run["run_id"], wait=wait)
    if not wait:
        await slow_sdk.runs.join(thread, run["run_id"])
    assert (await slow_sdk.runs.get(thread, run["run_id"]))["status"] == "interrupted"


async def test_a_run_is_rolled_back(slow_sdk: LangGraphClient) -> None:
    thread = (await slow_sdk.threads.create())["thread_id"]
    run = await slow_sdk.runs.create(thread, "tria", input=QUESTION)
    await slow_sdk.runs.cancel(thread, run["run_id"], wait=True, action="rollback")
    with pytest.raises(NotFoundError):
        await slow_sdk.runs.get(thread, run["run_id"])


async def test_many_runs_are_cancelled(slow_sdk: LangGraphClient) -> None:
    thread = (await slow_sdk.threads.create())["thread_id"]
    runs = [await slow_sdk.runs.create(thread, "tria", input=QUESTION) for _ in range(2)]
    ids = [run["run_id"] for run in runs]
    await slow_sdk.runs.cancel_many(thread_id=thread, run_ids=ids)
    for each in ids:
        await slow_sdk.runs.join(thread, each)
    assert {r["status"] for r in await slow_sdk.runs.list(thread)} == {"interrupted"}


@pytest.mark.parametrize(
    ("strategy", "first_is"), [("interrupt", "interrupted"), ("rollback", None)]
)
async def test_a_second_message_ends_the_first_turn(
    slow_sdk: LangGraphClient, strategy: str, first_is: str | None
) -> None:
    thread = (await slow_sdk.threads.create())["thread_id"]
    first = await slow_sdk.runs.create(thread, "tria", input=QUESTION)
    second = await slow_sdk.runs.create(  # type: ignore[call-overload]
        thread, "tria", input=QUESTION, multitask_strategy=strategy
    )
    await slow_sdk.runs.join(thread, second["run_id"])
    found = {r["run_id"]: r["status"] for r in await slow_sdk.runs.list(thread)}
    assert found.get(first["run_id"]) == first_is
    assert found[second["run_id"]] == "success"


async def test_a_busy_thread_refuses_where_it_was_asked_to(slow_sdk: LangGraphClient) -> None:
    thread = (await slow_sdk.threads.create())["thread_id"]
    first = await slow_sdk.runs.create(thread, "tria", input=QUESTION)
    with pytest.raises(ConflictError):
        await slow_sdk.runs.create(thread, "tria", input=QUESTION, multitask_strategy="reject")
    await slow_sdk.runs.cancel(thread, first["run_id"], wait=True)


async def test_a_turn_stops_before_a_node_and_goes_on(sdk: LangGraphClient) -> None:
    thread = (await sdk.threads.create())["thread_id"]
    await sdk.runs.wait(thread, "tria", input=QUESTION, interrupt_before=["compose_reply"])
    assert (await sdk.threads.get_state(thread))["next"] == ["compose_reply"]
    assert (await sdk.threads.get(thread))["status"] == "interrupted"
    assert said(await sdk.runs.wait(thread, "tria", input=None)) == ["human", "ai"]


async def test_a_question_is_asked_again_from_an_earlier_moment(sdk: LangGraphClient) -> None:
    thread = await answered(sdk, turns=2)
    history = await sdk.threads.get_history(thread, limit=100)
    first = next(s for s in history if len(said(s["values"])) == 2 and not s["next"])
    values = await sdk.runs.wait(
        thread, "tria", input=QUESTION, checkpoint_id=first["checkpoint"]["checkpoint_id"]
    )
    assert said(values) == ["human", "ai"] * 2


async def test_a_thread_and_a_run_later(sdk: LangGraphClient) -> None:
    thread = str(uuid4())
    run = await sdk.runs.create(
        thread, "tria", input=QUESTION, if_not_exists="create", after_seconds=1
    )
    assert run["status"] == "pending"
    assert said(await sdk.runs.join(thread, run["run_id"])) == ["human", "ai"]


async def test_the_store_keeps_what_a_customer_puts(sdk: LangGraphClient) -> None:
    namespace = ["notes", uuid4().hex]
    await sdk.store.put_item(namespace, key="one", value={"text": "paper cups"})
    found = await sdk.store.get_item(namespace, key="one")
    assert found["value"] == {"text": "paper cups"}
    assert [i["key"] for i in (await sdk.store.search_items(namespace))["items"]] == ["one"]
    listed = await sdk.store.list_namespaces(prefix=["notes"])
    assert namespace in cast(dict[str, Any], listed)["namespaces"]
    await sdk.store.delete_item(namespace, key="one")
    assert (await sdk.store.search_items(namespace))["items"] == []


async def test_crons_are_refused_in_words(sdk: LangGraphClient) -> None:
    assert await sdk.crons.search() == []
    assert await sdk.crons.count() == 0
    refused: list[Callable[[], Awaitable[Any]]] = [
        lambda: sdk.crons.create("tria", schedule="0 8 * * *", input=QUESTION),
        lambda: sdk.crons.create_for_thread(str(uuid4()), "tria", schedule="0 8 * * *"),
    ]
    for attempt in refused:
        with pytest.raises(APIStatusError) as caught:
            await attempt()
        assert caught.value.status_code == 501
    with pytest.raises(NotFoundError):
        await sdk.crons.delete(str(uuid4()))


def test_the_synchronous_client_does_the_same(service_url: str) -> None:
    headers = headers_of(customer())
    with get_sync_client(url=service_url, api_key=None, headers=headers) as sdk:
        thread = sdk.threads.create()["thread_id"]
        assert said(sdk.runs.wait(thread, "tria", input=QUESTION)) == ["human", "ai"]
        streamed = sdk.runs.stream(thread, "tria", input=QUESTION)
        assert {part.event for part in streamed} == {"metadata", "values"}
        assert len(sdk.runs.list(thread)) == 2


async def test_another_customer_finds_nothing(sdk: LangGraphClient, service_url: str) -> None:
    thread = await answered(sdk)
    async with get_client(
        url=service_url, api_key=None, headers=headers_of(customer(1))
    ) as stranger:
        attempts: list[Callable[[], Awaitable[Any]]] = [
            lambda: stranger.threads.get(thread),
            lambda: stranger.threads.get_state(thread),
            lambda: stranger.threads.copy(thread),
            lambda: stranger.runs.list(thread),
            lambda: stranger.runs.create(thread, "tria", input=QUESTION),
        ]
        for attempt in attempts:
            with pytest.raises(NotFoundError):
                await attempt()
