"""Look at the whole reply once more before it is stored."""

from langgraph.runtime import Runtime

from nodes.replies import render
from nodes.replies.cached import question_key
from nodes.state import BY_POLICIES, State, evidence_of, intents_of
from tools.context import Context
from tools.grounding.gate import unsupported
from tools.tone import breaches

LONGEST_REPLY = 4000
TRIES = 2


async def validate_output(state: State, runtime: Runtime[Context]) -> State:
    """Complete, in its tone and language, every figure with a source, rules with their passage.

    A reply from a model that fails is written again from templates. One from templates that
    fails is a mistake of ours: fixed words take its place.
    """
    context, reply = runtime.context, state["reply"]
    problems = _problems(state, context)
    tries = state["verdict"]["tries"] + 1 if state.get("verdict") else 1
    verdict = State(verdict={"passed": not problems, "problems": problems, "tries": tries})
    if problems and tries >= TRIES:
        text = render("refused", state["tone"]["language"])
        return verdict | State(
            reply={"text": text, "by": "templates", "citations": [], "is_shared": False}
        )
    key = question_key(state, context)
    if key and reply["by"] == "model" and not problems:
        await context.answers.keep(key, reply["text"])
    return verdict


def _problems(state: State, context: Context) -> list[str]:
    reply, tone = state["reply"], state["tone"]
    problems = [] if reply["text"] else ["empty"]
    if len(reply["text"]) > LONGEST_REPLY:
        problems.append("too long")
    evidence = evidence_of(state, context.now(), context.caller)
    problems += [f"no source for {c.kind}" for c in unsupported(reply["text"], evidence)]
    if intents_of(state) & BY_POLICIES and state.get("passages") and not reply["citations"]:
        problems.append("no citation")
    if reply["by"] == "model":  # templates keep to the tone by their wording
        problems += breaches(
            reply["text"],
            lines=tone["max_lines"],
            emoji=tone["most_emoji"],
            language=tone["language"],
        )
    return problems
