"""What only asks for a rule is no request: nothing is cancelled, opened or complained about."""

from collections.abc import Iterable, Sequence, Set
from datetime import datetime

from nodes.intents.wishes import MODEL_CONFIDENCE, found, is_sure
from nodes.state import BY_POLICIES, Found, Intent, Turn
from tools.policy.answers import compute
from tools.understanding.entities import documents_in
from tools.understanding.follow_up import is_follow_up
from tools.understanding.rule_questions import asks_for_rules, is_question, tells_of_own

# What would be looked up, done or handed to a person, and what its rules are can be asked instead.
# Somebody's health is never only a question.
ACTS: frozenset[Intent] = frozenset(
    (
        *("order", "reorder", "order_change", "order_cancel", "order_status", "refund", "credit"),
        *("complaint", "damage", "account_change", "privacy"),
    )
)
CONFIDENCE = 0.9


def as_asked(intents: list[Found], text: str, turn: Turn) -> list[Found]:
    """To ask what cancelling at some hour costs is to ask for a rule, and not to cancel."""
    if _is_about_rules(text, turn.get("focus", {}).get("intents", [])):
        return _as_rules(intents, text)
    names = {each["name"] for each in intents}
    received = datetime.fromisoformat(turn["received_at"])
    if "order_cancel" not in names or documents_in(text) or compute(text, received) is None:
        return intents
    return _as_rules(intents, text, frozenset({"order_cancel"}))


def _is_about_rules(text: str, before: Iterable[Intent]) -> bool:
    """Whether a message asks for a rule itself, or leans on such a question before it."""
    names = set(before)
    leans = bool(names) and names <= BY_POLICIES and is_follow_up(text) and is_question(text)
    return asks_for_rules(text) or (leans and not documents_in(text) and not tells_of_own(text))


def _as_rules(intents: Sequence[Found], text: str, acts: Set[Intent] = ACTS) -> list[Found]:
    """The intents of a message that asks for rules: its acts are questions about policies.

    Beside a question that is understood already, a part counts when it asks for a rule itself.
    """
    others = [each for each in intents if each["name"] not in acts]
    if not is_sure(intents):
        is_elsewhere = any(each["name"] == "out_of_scope" for each in intents)
        return [*intents] if is_elsewhere else [found("policy", MODEL_CONFIDENCE, text)]
    if len(others) == len(intents):
        return others
    if not is_sure([each for each in others if each["name"] in BY_POLICIES]):
        return [found("policy", CONFIDENCE, text), *others]
    asked = [e["part"] for e in intents if e["name"] in acts and asks_for_rules(e["part"])]
    told = {each["part"] for each in others} | {text}
    return [*others, *(found("policy", CONFIDENCE, part) for part in asked if part not in told)]
