"""Intents as they are found, and what the finer wishes of a message say about them."""

from collections.abc import Sequence, Set

from nodes.state import BY_POLICIES, ORDERING, Found, Intent
from tools.understanding.intents import SURE
from tools.understanding.rule_questions import asks_for_rules
from tools.understanding.wants import Want, wants_of

# What the model is taken for when it names an intent: above the limit, below our own certainty.
MODEL_CONFIDENCE = 0.8
# What a message is about when nothing but a wish inside it is certain.
BY_WANT: dict[Want, Intent] = {
    "overdue": "balance",
    "pdf": "invoice",
    "email_it": "invoice",
    "all_documents": "invoice",
    "pay_link": "invoice",
    "how_to_pay": "payment",
    "has_paid": "payment",
    "received": "payment",
    "payments": "payment",
    "paid_twice": "payment",
    "bank_changed": "payment",
    "more_time": "invoice",
    "waive": "invoice",
    "discount": "policy",
    "early_discount": "policy",
    "statement_file": "statement",
    "differs": "statement",
    "lines": "invoice",
    "tax": "invoice",
    "credit_left": "credit",
    "apply_credit": "credit",
    "quote_valid": "quote",
    "accept_quote": "quote",
    "ask_quote": "quote",
    "delivery_order": "order_status",
    "when_delivered": "order_status",
}
# Beside a question about rules, goods or an order these words ask nothing of the account.
OF_RULES: frozenset[Intent] = BY_POLICIES | ORDERING | {"price", "stock"}
OF_ACCOUNT: frozenset[Want] = frozenset(
    {"overdue", "tax", "pdf", "lines", "when_delivered", "credit_left"}
)
# What a message is mistaken for that wishes this.
MISTAKEN: dict[Want, frozenset[Intent]] = {
    "lines": frozenset({"reorder"}),
    "bank_changed": frozenset({"account_change"}),
    "payments": frozenset({"statement"}),
    "received": frozenset({"price"}),
}
# In these a finer wish is somebody else's, or a person's to hear.
WITHOUT_WANTS: frozenset[Intent] = frozenset(
    {"out_of_scope", "small_talk", "account_change", "privacy", "food_safety"}
)

# These are believed beside a certain wish only when they are as certain.
DOUBTED: frozenset[Intent] = frozenset({"out_of_scope", "privacy"})
BEYOND_DOUBT = 0.9


def found(name: Intent, confidence: float, part: str) -> Found:
    """One intent, and the part of the message that shows it."""
    return Found(name=name, confidence=confidence, part=part)


def is_sure(intents: Sequence[Found]) -> bool:
    """Whether at least one of them is certain enough to act on."""
    return any(each["confidence"] >= SURE for each in intents)


def with_wants(intents: list[Found], wants: Set[Want], text: str) -> list[Found]:
    """What certain wishes stand for, where nothing surer is known."""
    intents = [each for each in intents if not _is_mistaken(each, wants)]
    if "early_discount" in wants and not any(each["name"] == "policy" for each in intents):
        intents.append(found("policy", MODEL_CONFIDENCE, text))
    if is_sure(intents) and not all(map(_is_doubted, intents)):
        return intents
    names = dict.fromkeys(BY_WANT[want] for want in sorted(wants))
    return [found(name, MODEL_CONFIDENCE, text) for name in names] or intents


def _is_mistaken(one: Found, wants: Set[Want]) -> bool:
    """A link to pay by is asked for, and no rule of paying, by a part that says so."""
    if one["name"] == "policy" and "pay_link" in wants:
        return "pay_link" in wants_of(one["part"]) and not asks_for_rules(one["part"])
    is_certain = one["name"] in ORDERING and one["confidence"] >= BEYOND_DOUBT
    return not is_certain and any(one["name"] in MISTAKEN.get(want, ()) for want in wants)


def _is_doubted(one: Found) -> bool:
    return one["name"] in DOUBTED and one["confidence"] < BEYOND_DOUBT


def meant(wants: Set[Want], intents: Sequence[Found]) -> Set[Want]:
    """The wishes that fit what the message is about."""
    names = {each["name"] for each in intents}
    if names <= WITHOUT_WANTS:
        return frozenset()
    return wants - OF_ACCOUNT if names <= OF_RULES else wants
