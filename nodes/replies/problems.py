"""What is wrong with a whole reply: it is asked before templates are shown, and before storing."""

from nodes.state import BY_POLICIES, Reply, State, evidence_of, facts_of, intents_of
from tools.context import Context
from tools.grounding.gate import unsupported
from tools.tone import breaches

LONGEST_REPLY = 4000


def problems_of(reply: Reply, state: State, context: Context) -> list[str]:
    """Why this reply may not be stored, each in a few words; empty when it may."""
    problems = [] if reply["text"] else ["empty"]
    if len(reply["text"]) > LONGEST_REPLY:
        problems.append("too long")
    evidence = evidence_of(state, context.now(), context.caller)
    problems += [f"no source for {c.kind}" for c in unsupported(reply["text"], evidence)]
    if _needs_citation(state) and not reply["citations"]:
        problems.append("no citation")
    if reply["by"] == "model":  # templates keep to the tone by their wording
        problems += breaches_of(reply["text"], state)
    return problems


def breaches_of(text: str, state: State) -> list[str]:
    """What a reply does that its tone forbids."""
    tone = state["tone"]
    return breaches(
        text, lines=tone["max_lines"], emoji=tone["most_emoji"], language=tone["language"]
    )


def _needs_citation(state: State) -> bool:
    """A rule comes with its passage; where a part is away no rule is told."""
    asks_for_rule = bool(intents_of(state) & BY_POLICIES)
    return asks_for_rule and bool(state.get("passages")) and not facts_of(state, "unavailable")
