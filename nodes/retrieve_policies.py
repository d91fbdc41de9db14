"""Find the passages of the company's policies that the message is about."""

from langgraph.runtime import Runtime

from nodes.state import State
from tools.context import Context
from tools.errors import BackendUnavailable

PASSAGES = 3


async def retrieve_policies(state: State, runtime: Runtime[Context]) -> State:
    """Search the policies; without the search engine the turn goes on and says so."""
    try:
        found = await runtime.context.knowledge.search(state["screened"]["masked"], k=PASSAGES)
    except BackendUnavailable:
        return {
            "passages": [],
            "facts": [{"kind": "unavailable", "source": "policies", "data": {"part": "policies"}}],
        }
    return {"passages": [dict(passage) for passage in found]}
