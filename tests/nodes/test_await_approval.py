from typing import Any

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command

from nodes.await_approval import await_approval
from nodes.state import State


def test_it_asks_once_and_keeps_the_decision() -> None:
    wiring = StateGraph(State).add_node(await_approval).add_edge(START, "await_approval")
    graph = wiring.compile(checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    asked = graph.invoke({"action": {"action_id": "an action"}}, config)
    [question] = asked["__interrupt__"]
    assert question.value == {"action_id": "an action"}
    decided = graph.invoke(Command(resume={"approved": True}), config)
    assert decided["decision"] == {"approved": True}
