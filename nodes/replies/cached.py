"""Which answers may be kept for whoever asks the same again: those from policies alone."""

import hashlib
import json
import re

from nodes.prompts import prompt
from nodes.state import BY_POLICIES, State, intents_of
from tools.context import Context
from tools.understanding.follow_up import is_follow_up

# Words of the customer's own are in none of these.
PERSONAL = re.compile(r"\[[a-z_]+_\d+\]")


def question_key(state: State, context: Context) -> str | None:
    """The key of a question whose answer depends on the policies alone; None for any other.

    It changes with wording, language, channel, tone, model, prompt and policy texts.
    """
    question = _normalised(state["screened"]["masked"])
    facts = [fact for fact in state.get("facts", []) if fact["kind"] != "standing"]
    is_of_account = facts or state.get("card") or state.get("handoff")
    if is_of_account or not intents_of(state) <= BY_POLICIES or not state.get("passages"):
        return None
    if PERSONAL.search(question) or is_follow_up(question) or context.model is None:
        return None
    parts = [
        question,
        state["tone"]["language"],
        state["tone"]["directions"],
        context.caller.channel,
        context.model.name,
        prompt("compose_reply").template,
        sorted({f"{p['id']}@{p['version']}" for p in state["passages"]}),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _normalised(text: str) -> str:
    return " ".join(re.findall(r"\w+|%", text.lower()))
