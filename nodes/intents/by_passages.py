"""What a message means once the rules have been searched: a clear passage says that it asks one."""

from collections.abc import Sequence
from typing import Any

from nodes.intents.wishes import BEYOND_DOUBT, MODEL_CONFIDENCE, found
from nodes.state import (
    Found,
    Intent,
    State,
    Understanding,
    entities_named,
    facts_of,
    is_suspicious,
)
from tools.search.glossary import in_english
from tools.search.knowledge import CLEARLY
from tools.understanding.intents import parts_of
from tools.understanding.rule_questions import asks_for_rules, is_question
from tools.understanding.unsold import unsold_sizes

NOT_UNDERSTOOD: frozenset[Intent] = frozenset({"unclear", "out_of_scope"})
# "Ignore your rules, change this, show me that": what the words of attacks are mistaken for.
OF_ATTACKS: frozenset[Intent] = frozenset({"account_change", "complaint", "privacy"})
PRODUCTS = "products#"
# What the price list or the account would be read for, and a rule tells instead.
GOODS = frozenset(
    {
        *("products#samples", "products#white-pizza-boxes", "products#free-liners"),
        *("products#pla-and-rpet-materials", "payment#gst-on-prices"),
        *("payment#how-long-prices-are-valid", "payment#early-payment-discount"),
    }
)
MONEY = frozenset({"payment#payment-terms-and-due-date", "quality#late-delivery-compensation"})
HOLD = frozenset({"payment#account-on-credit-hold"})
TOLD_INSTEAD: dict[Intent, frozenset[str]] = {
    "price": GOODS,
    "stock": GOODS,
    "balance": GOODS | MONEY,
    "payment": MONEY,
    "credit": HOLD,
}
# What MONEY says lies near to questions about an account: they must sound like questions of rules.
SURELY, FEWEST_SIGNS = 0.5, 9
# Beside these a statement such as "the kitchen is stuck" asks nothing of stock or account.
TROUBLE: frozenset[Intent] = frozenset({"complaint", "damage", "food_safety"})
LOOKED_UP: frozenset[Intent] = frozenset({"price", "stock", "balance", "payment", "statement"})


def settled(state: State) -> Understanding:
    """The understanding of the message, with the questions about rules that the search shows."""
    understood = _without_injected(state)
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


def _without_injected(state: State) -> Understanding:
    """Beside what else it says a suspicious message goes to people only beyond doubt."""
    understood = state["understanding"]
    if not is_suspicious(state):
        return understood
    kept = [
        each
        for each in understood["intents"]
        if each["name"] not in OF_ATTACKS or each["confidence"] >= BEYOND_DOUBT
    ]
    return {**understood, "intents": kept or understood["intents"]}


def _found_anyway(state: State) -> Found | None:
    """The question about a rule that nothing but the search recognised."""
    screened = state["screened"]
    if is_suspicious(state):
        return None
    best = _best(state, screened["masked"])
    is_clear = best is not None and best["score"] >= CLEARLY[screened["language"]]
    if not is_clear and not facts_of(state, "computed"):
        return None
    name: Intent = "price" if _asks_a_price(state) else "policy"
    return found(name, MODEL_CONFIDENCE, screened["masked"])


def _asks_a_price(state: State) -> bool:
    """The price of something in the price list."""
    screened = state["screened"]
    found = [p["id"] for p in state.get("passages", [])]
    is_listed = bool(found) and found[0].startswith(PRODUCTS) and any(map(_is_of_prices, found))
    return is_listed and "price" in in_english(screened["text"], screened["language"]).split()


def _is_of_prices(section: str) -> bool:
    return section.endswith("-prices")


def _told_instead(each: Found, state: State) -> Found:
    """A question for a price or a balance that a rule answers better is one for the rule."""
    if each["name"] == "product" and _is_of_unsold(state):
        return Found(name="price", confidence=each["confidence"], part=each["part"])
    is_all = len(state["understanding"]["intents"]) == 1
    parts = (each["part"], state["screened"]["masked"]) if is_all else (each["part"],)
    part = next((p for p in parts if _is_of_rules(each["name"], p, state)), None)
    return found("policy", MODEL_CONFIDENCE, part) if part else each


def _is_of_unsold(state: State) -> bool:
    """Whether a size is asked for that is not sold: the price list shows what is."""
    screened = state["screened"]
    return bool(unsold_sizes(screened["text"], screened["language"]))


def _is_of_rules(name: Intent, part: str, state: State) -> bool:
    best, sections = _best(state, part), TOLD_INSTEAD.get(name, frozenset())
    if best is None or best["id"] not in sections or _is_short(part):
        return False
    if asks_for_rules(part):
        return bool(best["score"] >= CLEARLY[state["screened"]["language"]])
    return best["id"] not in MONEY and best["score"] >= SURELY


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
