"""Look at the whole reply once more before it is stored."""

from langgraph.runtime import Runtime

from nodes.state import State, evidence_of, intents_of
from tools.context import Context
from tools.grounding import unsupported

LONGEST_REPLY = 4000


def validate_output(state: State, runtime: Runtime[Context]) -> State:
    """Complete, of a readable length, every figure with a source, policy answers with a passage."""
    reply = state["reply"]
    problems = [] if reply["text"] else ["empty"]
    if len(reply["text"]) > LONGEST_REPLY:
        problems.append("too long")
    evidence = evidence_of(state, runtime.context.now())
    problems += [f"no source for {c.kind}" for c in unsupported(reply["text"], evidence)]
    if "policy" in intents_of(state) and state.get("passages") and not reply["citations"]:
        problems.append("no citation")
    tries = state["verdict"]["tries"] + 1 if state.get("verdict") else 1
    return {"verdict": {"passed": not problems, "problems": problems, "tries": tries}}
