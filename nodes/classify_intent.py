"""Find out what the customer wants: a set of intents with confidence, and what they name."""

import re
from collections.abc import Sequence, Set
from datetime import datetime
from typing import Literal, cast

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage, convert_to_messages
from langgraph.runtime import Runtime
from pydantic import BaseModel, Field

from nodes.prompts import prompt, without_links
from nodes.state import (
    BY_POLICIES,
    INTENTS,
    ORDERING,
    Focus,
    Found,
    Intent,
    Spent,
    State,
    Turn,
    spent_on,
)
from tools.context import Context, LanguageModel
from tools.errors import BackendUnavailable
from tools.ordering.catalogue import Catalogue
from tools.ordering.changes import amend
from tools.ordering.records import dump, load
from tools.ordering.signs import asks_repeat, is_urgent, looks_like_order
from tools.ordering.types import Outlet
from tools.policy.answers import compute
from tools.understanding.answers_to_cards import says_no, says_yes
from tools.understanding.entities import documents_in, entities_of
from tools.understanding.follow_up import is_follow_up, pointed_at
from tools.understanding.intents import SURE, Scored
from tools.understanding.periods import period_of
from tools.understanding.sentiment import sentiment_of
from tools.understanding.wants import Want, wants_of

MOST_INTENTS = 3
# What the model is taken for when it names an intent: above the limit, below our own certainty.
MODEL_CONFIDENCE = 0.8
# What "and the other one?" can ask again.
ASKABLE: frozenset[Intent] = BY_POLICIES | {
    *("balance", "invoice", "payment", "order_status", "price", "stock", "statement", "credit")
}
# Beside a real request these say nothing more.
WEAK: frozenset[Intent] = frozenset({"small_talk", "out_of_scope"})
# Talking about an order that is being put together is no change to one that exists.
ABOUT_ORDERS: frozenset[Intent] = frozenset({"order", "reorder", "order_change", "order_status"})

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
# In these a finer wish is somebody else's, or a person's to hear.
WITHOUT_WANTS: frozenset[Intent] = frozenset(
    {"out_of_scope", "small_talk", "account_change", "privacy", "food_safety"}
)

# These are believed beside a certain wish only when they are as certain.
DOUBTED: frozenset[Intent] = frozenset({"out_of_scope", "privacy"})
BEYOND_DOUBT = 0.9

ASKS = re.compile("[?？吗呢]")

By = Literal["code", "classifier", "model"]


class Classification(BaseModel):
    """What the model is asked to fill in."""

    intents: list[Intent] = Field(description="Every intent of the last message")


async def classify_intent(state: State, runtime: Runtime[Context]) -> State:
    """Certain signals first, then the local classifier; the model only where that is unsure."""
    context, turn = runtime.context, state["turn"]
    text, masked = state["screened"]["text"], state["screened"]["masked"]
    focus = turn.get("focus", {})
    outlets = await context.outlets.of_contacts(context.caller.contact_ids)
    received = datetime.fromisoformat(turn["received_at"])

    scored = await context.classifier.classify(masked)
    order = _order_so_far(state, scored, context.catalogue, outlets)
    spent: list[Spent] = []
    by: By = "code"
    intents = _certain(text, turn, has_order=order is not None)
    if intents and intents[0]["name"] in ORDERING:
        intents += _beside_order(scored, masked)
    if not intents:
        intents, by = _as_asked(_known(scored, text, focus), text, received), "classifier"
    wants = wants_of(text)
    intents = _with_wants(intents, wants, masked)
    if not _is_sure(intents) and context.model:
        asked = await _ask_model(state, context.model, spent)
        intents, by = (asked, "model") if asked else (intents, by)
    if not _is_sure(intents):
        intents = [_not_understood(scored, masked)]
    return {
        "understanding": {
            "intents": intents[:MOST_INTENTS],
            "wants": sorted(_meant(wants, intents)),
            "period": _period(text, received),
            "entities": entities_of(text, context.catalogue, outlets, received.date()),
            "order": order,
            "is_urgent": is_urgent(text),
            "sentiment": sentiment_of(text),
            "misunderstood": _misunderstood(intents, focus),
            "by": by,
        },
        "spent": spent,
    }


def _order_so_far(
    state: State, scored: Sequence[Scored], catalogue: Catalogue, outlets: Sequence[Outlet]
) -> dict[str, object] | None:
    """The open order as this message changes it; None when it does not."""
    text, turn = state["screened"]["text"], state["turn"]
    current = turn.get("focus", {}).get("order")
    if not current or _is_about_else(text, scored):
        return None
    received = datetime.fromisoformat(turn["received_at"])
    request = load(current["current"], outlets, catalogue)
    amended = amend(request, text, catalogue, outlets, received)
    return None if amended is None else {**current, "current": dump(amended)}


def _is_about_else(text: str, scored: Sequence[Scored]) -> bool:
    """Whether a message names a document, or clearly asks for something that is no order."""
    best = scored[0]
    is_other = best.intent not in ABOUT_ORDERS | WEAK and best.confidence >= SURE
    return bool(documents_in(text)) or (is_other and bool(ASKS.search(text)))


def _certain(text: str, turn: Turn, *, has_order: bool) -> list[Found]:
    """Signals that need no statistics: buttons, a plain yes or no, an order or its repeat."""
    if decision := turn.get("decision"):
        return [_found("confirm" if decision["decision"] == "confirm" else "decline", 1.0, text)]
    if turn.get("open_card"):
        if says_yes(text):
            return [_found("confirm", 1.0, text)]
        if says_no(text):
            return [_found("decline", 1.0, text)]
    if has_order or looks_like_order(text):
        return [_found("order", 0.95, text)]
    if asks_repeat(text):
        return [_found("reorder", 0.95, text)]
    return []


def _beside_order(scored: Sequence[Scored], whole: str) -> list[Found]:
    """What the other sentences of a message with an order ask for."""
    others = [
        s
        for s in scored
        if s.part != whole
        and s.confidence >= SURE
        and s.intent not in ABOUT_ORDERS | WEAK | {"quote"}
        and not looks_like_order(s.part)
    ]
    return [_found(cast(Intent, s.intent), s.confidence, s.part) for s in others]


def _known(scored: Sequence[Scored], text: str, focus: Focus) -> list[Found]:
    if pointed_at(text, focus.get("documents", []), focus.get("listed", [])):
        return [_found("invoice", 0.9, text)]
    found = [_found(cast(Intent, s.intent), s.confidence, s.part) for s in scored]
    sure = [f for f in found if f["confidence"] >= SURE]
    strong = [f for f in sure if f["name"] not in WEAK]
    if strong:
        return strong
    if is_follow_up(text) and (again := _again(focus, text)):
        return again
    if documents_in(text) and not sure:
        return [_found("invoice", 0.9, text)]
    return sure or found[:1]


def _as_asked(intents: list[Found], text: str, received: datetime) -> list[Found]:
    """To ask what cancelling at some hour costs is to ask for a rule, and not to cancel."""
    names = {found["name"] for found in intents}
    if "order_cancel" not in names or documents_in(text) or compute(text, received) is None:
        return intents
    others = [found for found in intents if found["name"] not in ("order_cancel", "policy")]
    return [_found("policy", 0.9, text), *others]


def _again(focus: Focus, text: str) -> list[Found]:
    """The intents of the turn before, for "and the other one?"."""
    names = [name for name in focus.get("intents", []) if name in ASKABLE]
    return [_found(name, MODEL_CONFIDENCE, text) for name in names]


def _not_understood(scored: Sequence[Scored], text: str) -> Found:
    """Two outcomes: it is about something else, or it could mean several things."""
    is_elsewhere = bool(scored) and scored[0].intent == "out_of_scope"
    return _found("out_of_scope" if is_elsewhere else "unclear", 1.0, text)


def _with_wants(intents: list[Found], wants: Set[Want], text: str) -> list[Found]:
    """What certain wishes stand for, where nothing surer is known."""
    if _is_sure(intents) and not all(map(_is_doubted, intents)):
        return intents
    names = dict.fromkeys(BY_WANT[want] for want in sorted(wants))
    return [_found(name, MODEL_CONFIDENCE, text) for name in names] or intents


def _is_doubted(found: Found) -> bool:
    return found["name"] in DOUBTED and found["confidence"] < BEYOND_DOUBT


def _meant(wants: Set[Want], intents: Sequence[Found]) -> Set[Want]:
    """The wishes that fit what the message is about."""
    names = {found["name"] for found in intents}
    if names <= WITHOUT_WANTS:
        return frozenset()
    return wants - OF_ACCOUNT if names <= OF_RULES else wants


def _period(text: str, received: datetime) -> tuple[str, str] | None:
    named = period_of(text, received.date())
    return (named.since.isoformat(), named.until.isoformat()) if named else None


def _misunderstood(intents: Sequence[Found], focus: Focus) -> int:
    """How many messages in a row were not understood, this one among them."""
    is_unclear = any(found["name"] == "unclear" for found in intents)
    return focus.get("misunderstood", 0) + 1 if is_unclear else 0


def _found(name: Intent, confidence: float, part: str) -> Found:
    return Found(name=name, confidence=confidence, part=part)


def _is_sure(intents: Sequence[Found]) -> bool:
    return any(found["confidence"] >= SURE for found in intents)


async def _ask_model(state: State, model: LanguageModel, spent: list[Spent]) -> list[Found]:
    system = prompt("classify_intent").substitute(intents="\n".join(f"- {i}" for i in INTENTS))
    messages: list[BaseMessage] = [
        SystemMessage(system),
        *convert_to_messages(without_links(state["turn"]["history"][-4:])),
        HumanMessage(state["screened"]["masked"]),
    ]
    try:
        answer = await model.fill(
            Classification,
            messages,
            lambda usage: spent.append(spent_on("classify_intent", model.name, usage)),
        )
    except BackendUnavailable:
        return []
    names = [n for n in answer.intents if n not in ("confirm", "decline")]
    return [_found(n, MODEL_CONFIDENCE, state["screened"]["masked"]) for n in names[:MOST_INTENTS]]
