"""What a message means once the rules have been searched: a clear passage says that it asks one."""

from collections.abc import Sequence
from typing import Any

from nodes.intents.wishes import MODEL_CONFIDENCE, found
from nodes.state import Found, Intent, State, Understanding, entities_named, facts_of
from tools.understanding.intents import parts_of
from tools.understanding.rule_questions import asks_for_rules, is_question

NOT_UNDERSTOOD: frozenset[Intent] = frozenset({"unclear", "out_of_scope"})
# From here on a passage answers what was not understood otherwise. Scores in the translations are
# of words alone, and lower.
CLEARLY = {"en": 0.45, "ms": 0.45, "zh": 0.34, "ta": 0.42}
SUSPICIOUS = 0.5
# What the price list or the account would be read for, and a rule tells instead.
GOODS = frozenset(
    {
        *("products#samples", "products#white-pizza-boxes", "products#free-liners"),
        *("products#pla-and-rpet-materials", "payment#gst-on-prices"),
        *("payment#how-long-prices-are-valid", "payment#early-payment-discount"),
    }
)
MONEY = frozenset({"payment#payment-terms-and-due-date", "quality#late-delivery-compensation"})
TOLD_INSTEAD: dict[Intent, frozenset[str]] = {
    "price": GOODS,
    "stock": GOODS,
    "balance": GOODS | MONEY,
    "payment": MONEY,
}
# These sections lie near to what is asked of an account: a question must sound like one of rules.
SURELY, FEWEST_SIGNS = 0.5, 9
# Beside these a statement such as "the kitchen is stuck" asks nothing of stock or account.
TROUBLE: frozenset[Intent] = frozenset({"complaint", "damage", "food_safety"})
LOOKED_UP: frozenset[Intent] = frozenset({"price", "stock", "balance", "payment", "statement"})


def settled(state: State) -> Understanding:
    """The understanding of the message, with the questions about rules that the search shows."""
    understood = state["understanding"]
    intents = understood["intents"]
    names = {each["name"] for each in intents}
    if names <= NOT_UNDERSTOOD:
        rule = _found_anyway(state)
        return {**understood, "intents": [rule], "misunderstood": 0} if rule else understood
    if names & TROUBLE:
        kept = [each for each in intents if each["name"] not in LOOKED_UP or _asks(each)]
        return {**understood, "intents": kept}
    if entities_named(state, "document"):
        return understood
    return {**understood, "intents": _once([_told_instead(each, state) for each in intents])}


def _found_anyway(state: State) -> Found | None:
    """The question about a rule that nothing but the search recognised."""
    screened = state["screened"]
    if screened["injection"] >= SUSPICIOUS:
        return None
    best = _best(state, screened["masked"])
    is_clear = best is not None and best["score"] >= CLEARLY[screened["language"]]
    if not is_clear and not facts_of(state, "computed"):
        return None
    return found("policy", MODEL_CONFIDENCE, screened["masked"])


def _told_instead(each: Found, state: State) -> Found:
    """A question for a price or a balance that a rule answers better is one for the rule."""
    best = _best(state, each["part"])
    if best is None or best["id"] not in TOLD_INSTEAD.get(each["name"], ()):
        return each
    needed = CLEARLY[state["screened"]["language"]] if asks_for_rules(each["part"]) else SURELY
    is_near_to_accounts = best["id"] in MONEY and not asks_for_rules(each["part"])
    if best["score"] < needed or is_near_to_accounts or _is_short(each["part"]):
        return each
    return found("policy", MODEL_CONFIDENCE, each["part"])


def _best(state: State, part: str) -> dict[str, Any] | None:
    """The best passage for that part, else for the message."""
    asked = {p["asked"]: p for p in reversed(state.get("passages", []))}
    return asked.get(part) or asked.get(state["screened"]["masked"])


def _asks(each: Found) -> bool:
    return any(is_question(part) for part in parts_of(each["part"]))


def _is_short(part: str) -> bool:
    return part.isascii() and len(part) < FEWEST_SIGNS


def _once(intents: Sequence[Found]) -> list[Found]:
    """Each intent of a part once."""
    return [each for n, each in enumerate(intents) if each not in intents[:n]]
