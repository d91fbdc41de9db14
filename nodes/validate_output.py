"""Look at the whole reply once more before it is stored."""

from langgraph.runtime import Runtime

from nodes.replies import render
from nodes.replies.cached import question_key
from nodes.replies.problems import problems_of
from nodes.state import State
from tools.context import Context

TRIES = 2


async def validate_output(state: State, runtime: Runtime[Context]) -> State:
    """Complete, in its tone and language, every figure with a source, rules with their passage.

    A reply from a model that fails is written again from templates. One from templates that
    fails is a mistake of ours: fixed words stand in its place, and are told already when it was
    withheld.
    """
    context, reply = runtime.context, state["reply"]
    problems = reply.get("withheld") or problems_of(reply, state, context)
    tries = state["verdict"]["tries"] + 1 if state.get("verdict") else 1
    verdict = State(verdict={"passed": not problems, "problems": problems, "tries": tries})
    if problems and tries >= TRIES and "withheld" not in reply:
        text = render("refused", state["tone"]["language"])
        return verdict | State(
            reply={"text": text, "by": "templates", "citations": [], "is_shared": False}
        )
    key = question_key(state, context)
    if key and reply["by"] == "model" and not problems:
        await context.answers.keep(key, reply["text"])
    return verdict
