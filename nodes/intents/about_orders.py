"""What a message says to an order that is being put together, and to its card."""

import re
from datetime import datetime

from nodes.intents.wishes import found
from nodes.state import Found, Intent, Turn
from tools.ordering.days import DAY_PATTERN, find_day, find_window
from tools.ordering.delivery import is_holiday
from tools.ordering.text import in_english, plain
from tools.ordering.types import OrderRequest
from tools.rules import load_rules
from tools.understanding.answers_to_cards import refuses, says_no, says_yes

OF_DELIVERY: frozenset[str] = frozenset({"delivery", "policy"})
ASKING = re.compile(
    r"[?？吗呢]|\b(?:what|when|which|how|why|do you|does|tell me|apa|bila|berapa|adakah)\b"
    r"|எ(?:ன்ன|ப்)",
    re.IGNORECASE,
)
WHY = re.compile(r"\b(?:why|how come|kenapa|mengapa)\b|为什么|为何|ஏன்", re.IGNORECASE)
OTHER_DAY = re.compile(
    r"\b(?:that|this|another|other|which) (?:day|date)\b|\bso late\b|\b(?:earlier|sooner)\b"
    r"|早|晚|lambat|awal",
    re.IGNORECASE,
)


def answer_to_card(text: str, turn: Turn, *, has_order: bool) -> Intent | None:
    """The yes or no to the card that waits, or again to the one that was answered just before.

    Words that answer a question about the order (`has_order`) answer a card only if it was shown
    after that question.
    """
    if decision := turn.get("decision"):
        return "confirm" if decision["decision"] == "confirm" else "decline"
    card = turn.get("open_card")
    if card is None:
        return "confirm" if says_yes(text) and turn.get("focus", {}).get("answered") else None
    if has_order and not card.get("is_asked", True):
        return None
    if says_yes(text):
        return "confirm"
    return "decline" if says_no(text) or (not has_order and refuses(text)) else None


def is_still_asked(text: str, turn: Turn, order: OrderRequest) -> bool:
    """Whether a yes comes while the order has a question that it does not answer."""
    is_open = order.outlet is None or any(line.problem for line in order.lines)
    is_asked_else = not (turn.get("open_card") or {"is_asked": False}).get("is_asked", True)
    return is_open and is_asked_else and says_yes(text)


def asks_about_day(text: str, turn: Turn) -> list[Found]:
    """To ask why the day that was wished for is not possible is to ask for a rule of delivery."""
    return [found("delivery", 0.9, text)] if rule_of_day(text, turn) else []


def rule_of_day(text: str, turn: Turn) -> str | None:
    """The section that says why a day is not possible; None where nothing of it is asked."""
    english = in_english(plain(text)).text
    named = DAY_PATTERN.search(english)
    if not turn.get("open_card") or not WHY.search(text) or not (named or OTHER_DAY.search(text)):
        return None
    today = datetime.fromisoformat(turn["received_at"]).date()
    day = find_day(named[0], today) if named else None  # "not Friday" names none
    if day and is_holiday(day):
        return "delivery#public-holidays"
    is_delivered = day is None or f"{day:%a}" in load_rules().delivery.days
    return "delivery#lead-time" if is_delivered else "delivery#delivery-days-and-time-slots"


def is_only_a_wish(part: str, intent: str) -> bool:
    """Whether a part of an order that sounds like a question of delivery only says when."""
    names_day = DAY_PATTERN.search(in_english(plain(part)).text) or find_window(part)
    return intent in OF_DELIVERY and bool(names_day) and not ASKING.search(part)
