"""What the words of a message say about its intents, whatever its statistics say."""

import re
from collections.abc import Sequence

from nodes.intents.wishes import BEYOND_DOUBT, found, is_sure
from nodes.state import BY_POLICIES, Found, Intent
from tools.escalation import threatens
from tools.ordering.signs import is_emergency
from tools.understanding.grievances import complains
from tools.understanding.intents import SURE
from tools.understanding.rule_questions import is_question
from tools.understanding.worded import asks_for_robot, changes_details, is_vague

# Beside a real request these say nothing more.
WEAK: frozenset[Intent] = frozenset({"small_talk", "out_of_scope"})
# These reach a person as they are.
GRIEVANCES: frozenset[Intent] = frozenset({"complaint", "damage", "food_safety"})
ANSWERS: frozenset[Intent] = frozenset({"confirm", "decline"})
DOUBTFUL = 0.4
OF_DELIVERY = re.compile(
    r"\b(?:deliver\w*|came|arriv\w*|sent|receiv\w*|got|you gave|sampai|hantar|dihantar|terima)\b"
    r"|送|到货|收到|வந்த|அனுப்பி",
    re.IGNORECASE,
)


def as_worded(intents: Sequence[Found], text: str) -> list[Found]:
    """The intents with what words alone show: a complaint, an emergency, a robot asked for.

    What is vague is not believed to be anything.
    """
    names = {each["name"] for each in intents}
    if names & ANSWERS:
        return [*intents]
    if is_emergency(text) and not OF_DELIVERY.search(text):
        return _beyond_damage(intents) or [found("unclear", 1.0, text)]
    if names <= WEAK | {"unclear"} and asks_for_robot(text):
        return [found("policy", BEYOND_DOUBT, text)]
    if names <= WEAK and is_vague(text):
        return [found("unclear", DOUBTFUL, text)]
    if not is_sure(intents) and changes_details(text):
        return [found("account_change", BEYOND_DOUBT, text)]
    is_aired = any(e["name"] in GRIEVANCES and e["confidence"] >= SURE for e in intents)
    if not is_aired and (complains(text) or _threatens(intents, text)):
        sure = [e for e in intents if e["confidence"] >= BEYOND_DOUBT and e["name"] not in WEAK]
        return [found("complaint", BEYOND_DOUBT, text), *sure]
    return [*intents]


def _beyond_damage(intents: Sequence[Found]) -> list[Found]:
    """What an emergency is besides: a flooded store is no delivery that came damaged."""
    return [each for each in intents if each["name"] not in WEAK | {"damage"}]


def _threatens(intents: Sequence[Found], text: str) -> bool:
    """Whether it is a threat, and no question about the law."""
    is_asked = {each["name"] for each in intents} <= BY_POLICIES and is_question(text)
    return threatens(text) and not is_asked
