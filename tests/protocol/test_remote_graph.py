"""`RemoteGraph`: the service as a graph within another program."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.pregel.remote import RemoteGraph
from langgraph_sdk import get_sync_client
from langgraph_sdk.client import LangGraphClient

from tests.conftest import customer, headers_of

QUESTION: dict[str, Any] = {"messages": [{"role": "user", "content": "what do I owe?"}]}


@pytest.fixture
async def remote(sdk: LangGraphClient, service_url: str) -> AsyncIterator[RemoteGraph]:
    sync = get_sync_client(url=service_url, api_key=None, headers=headers_of(customer()))
    with sync:
        yield RemoteGraph("tria", client=sdk, sync_client=sync)


@pytest.fixture
async def config(sdk: LangGraphClient) -> RunnableConfig:
    thread = await sdk.threads.create()
    return {"configurable": {"thread_id": thread["thread_id"]}}


async def test_it_answers(remote: RemoteGraph, config: RunnableConfig) -> None:
    values = await remote.ainvoke(QUESTION, config)
    assert [m["type"] for m in values["messages"]] == ["human", "ai"]


def test_it_answers_synchronously_without_a_thread(remote: RemoteGraph) -> None:
    values = remote.invoke(QUESTION)
    assert [m["type"] for m in values["messages"]] == ["human", "ai"]


async def test_it_streams_one_mode_or_several(remote: RemoteGraph, config: RunnableConfig) -> None:
    steps = [step async for step in remote.astream(QUESTION, config, stream_mode="updates")]
    assert "compose_reply" in {node for step in steps for node in step}
    both = [
        part async for part in remote.astream(QUESTION, config, stream_mode=["values", "messages"])
    ]
    assert {next(iter(part)) for part in both} == {"values", "messages"}


async def test_it_shows_its_state_and_history(remote: RemoteGraph, config: RunnableConfig) -> None:
    await remote.ainvoke(QUESTION, config)
    state = await remote.aget_state(config)
    assert len(state.values["messages"]) == 2
    assert state.next == ()
    history = [snapshot async for snapshot in remote.aget_state_history(config, limit=50)]
    assert history[0].config["configurable"] == state.config["configurable"]
    first = next(snapshot for snapshot in history if len(snapshot.values["messages"]) == 1)
    earlier = await remote.aget_state(first.config)
    assert len(earlier.values["messages"]) == 1


async def test_it_shows_its_graph(remote: RemoteGraph) -> None:
    graph = await remote.aget_graph()
    assert "compose_reply" in graph.nodes


async def test_it_stops_where_it_was_told_to(remote: RemoteGraph, config: RunnableConfig) -> None:
    await remote.ainvoke(QUESTION, config, interrupt_before=["compose_reply"])
    assert (await remote.aget_state(config)).next == ("compose_reply",)
    values = await remote.ainvoke(None, config)
    assert [m["type"] for m in values["messages"]] == ["human", "ai"]


async def test_as_a_node_it_answers_what_was_said_last_in_the_graph_around_it(
    remote: RemoteGraph, config: RunnableConfig
) -> None:
    around = StateGraph(MessagesState)
    around.add_node("tria", remote)
    around.add_edge(START, "tria")
    earlier: list[AnyMessage] = [
        HumanMessage("where is Paris?" * 600),
        AIMessage("In France.", id="earlier"),
    ]
    earlier += [AIMessage([{"type": "text", "text": "More?"}]), SystemMessage("Be kind.")]
    said: Any = {"messages": [*earlier, HumanMessage("what do I owe?", id="said")]}
    values = await around.compile().ainvoke(said, config)
    assert "You owe" in values["messages"][-1].content
    asked = (await remote.aget_state(config)).values["messages"][0]
    assert (asked["id"], asked["content"]) == ("said", "what do I owe?")


async def test_it_refuses_to_have_its_state_changed(
    remote: RemoteGraph, config: RunnableConfig
) -> None:
    await remote.ainvoke(QUESTION, config)
    with pytest.raises(Exception, match="operate"):
        await remote.aupdate_state(config, {"reply": {"text": uuid4().hex}})
