"""Wait for a person where the rules say that one must agree."""

from langgraph.types import interrupt

from nodes.state import State


def await_approval(state: State) -> State:
    """The customer has their answer already. Nothing happens before the person's decision."""
    return {"decision": interrupt(state["action"])}
