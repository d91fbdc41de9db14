"""Each stream mode brings its own events, in LangGraph's form, and nothing of what is internal."""

import itertools
import json
from typing import Any, get_args

import pytest
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.schema import StreamPart

from api.schemas import StreamMode
from tests.api.test_conversations import a_thread

QUESTION: dict[str, Any] = {"messages": [{"role": "user", "content": "what do I owe?"}]}
EVENTS = {
    "values": {"values"},
    "messages": {"messages/metadata", "messages/partial"},
    "messages-tuple": {"messages"},
    "updates": {"updates"},
    "custom": {"custom"},
    "tasks": {"tasks"},
    "checkpoints": {"checkpoints"},
    "debug": {"debug"},
    "events": {"events"},
}
# Keys of the state that no client may see.
INTERNAL = ("screened", "understanding", "facts", "verdict", "spent", "injection", "open_card")


async def streamed(sdk: LangGraphClient, *modes: str, **options: Any) -> list[StreamPart]:
    thread = await a_thread(sdk)
    parts = sdk.runs.stream(
        thread,
        "tria",
        input=QUESTION,
        stream_mode=list(modes),  # type: ignore[arg-type]
        **options,
    )
    return [part async for part in parts]


def test_every_mode_is_looked_at() -> None:
    assert set(get_args(StreamMode)) == set(EVENTS)


@pytest.mark.parametrize("mode", sorted(EVENTS))
async def test_each_mode_alone_brings_its_own_events(sdk: LangGraphClient, mode: str) -> None:
    parts = await streamed(sdk, mode)
    assert {part.event for part in parts} == {"metadata"} | EVENTS[mode]
    text = json.dumps([part.data for part in parts])
    assert not [key for key in INTERNAL if f'"{key}"' in text]


async def test_all_modes_together(sdk: LangGraphClient) -> None:
    parts = await streamed(sdk, *sorted(EVENTS), stream_subgraphs=True)
    assert {part.event for part in parts} == {"metadata"}.union(*EVENTS.values())


async def test_partial_messages_grow_to_the_whole_answer(sdk: LangGraphClient) -> None:
    parts = await streamed(sdk, "messages", "values")
    texts = [p.data[0]["content"] for p in parts if p.event == "messages/partial"]
    assert all(later.startswith(text) for text, later in itertools.pairwise(texts))
    assert texts[-1].strip() == parts[-1].data["messages"][-1]["content"].strip()


async def test_tasks_tell_when_each_node_begins_and_ends(sdk: LangGraphClient) -> None:
    parts = await streamed(sdk, "tasks")
    begun = [p.data["id"] for p in parts if "input" in p.data]
    ended = [p.data["id"] for p in parts if "result" in p.data]
    assert begun
    assert sorted(begun) == sorted(ended)
    names = {p.data["name"] for p in parts if p.event == "tasks"}
    assert {"screen_message", "compose_reply", "validate_output"} <= names


async def test_checkpoints_are_those_of_the_threads_history(sdk: LangGraphClient) -> None:
    thread = await a_thread(sdk)
    parts = [
        part
        async for part in sdk.runs.stream(
            thread, "tria", input=QUESTION, stream_mode=["checkpoints"]
        )
    ]
    shown = [
        p.data["config"]["configurable"]["checkpoint_id"] for p in parts if p.event == "checkpoints"
    ]
    history = await sdk.threads.get_history(thread, limit=50)
    told = [s["checkpoint"]["checkpoint_id"] for s in reversed(history)]
    assert [each for each in shown if each in told] == told  # customers see the telling ones
    assert told[0] == shown[0]
    assert told[-1] == shown[-1]
    assert {p.data["config"]["configurable"]["thread_id"] for p in parts[1:]} == {thread}


async def test_debug_holds_the_same_with_its_step(sdk: LangGraphClient) -> None:
    parts = [p.data for p in await streamed(sdk, "debug") if p.event == "debug"]
    assert {p["type"] for p in parts} == {"checkpoint", "task", "task_result"}
    assert [p["step"] for p in parts] == sorted(p["step"] for p in parts)


async def test_events_begin_and_end_with_the_graph(sdk: LangGraphClient) -> None:
    parts = [p.data for p in await streamed(sdk, "events") if p.event == "events"]
    assert (parts[0]["event"], parts[0]["name"]) == ("on_chain_start", "tria")
    assert (parts[-1]["event"], parts[-1]["name"]) == ("on_chain_end", "tria")
    assert parts[-1]["data"]["output"]["messages"][-1]["type"] == "ai"
