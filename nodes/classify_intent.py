"""Find out what the customer wants: a set of intents with confidence, and what they name."""

import re
from collections.abc import Sequence, Set
from datetime import date, datetime
from typing import Literal, cast

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage, convert_to_messages
from langgraph.runtime import Runtime
from pydantic import BaseModel, Field

from nodes.intents.about_orders import (
    answer_to_card,
    asks_about_day,
    is_only_a_wish,
    is_still_asked,
)
from nodes.intents.rules_asked import as_asked
from nodes.intents.wishes import BEYOND_DOUBT, MODEL_CONFIDENCE, found, is_sure, meant, with_wants
from nodes.intents.worded import WEAK, as_worded
from nodes.prompts import prompt, without_links
from nodes.state import (
    BY_POLICIES,
    INTENTS,
    ORDERING,
    Asked,
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
from tools.ordering.places import mentions_in
from tools.ordering.records import dump, load
from tools.ordering.signs import asks_repeat, is_urgent, looks_like_order
from tools.ordering.types import Outlet
from tools.understanding.answers_to_cards import leaves_open
from tools.understanding.answers_to_questions import answers, together
from tools.understanding.entities import documents_in, entities_of
from tools.understanding.follow_up import is_follow_up, pointed_at, says_nothing_new
from tools.understanding.intents import SURE, Scored
from tools.understanding.periods import period_of
from tools.understanding.rule_questions import asks_for_rules
from tools.understanding.sentiment import sentiment_of
from tools.understanding.wants import Want, wants_of
from tools.understanding.worded import is_vague

MOST_INTENTS = 3
# What "and the other one?" can ask again.
ASKABLE: frozenset[Intent] = BY_POLICIES | {
    *("balance", "invoice", "payment", "order_status", "price", "stock", "statement", "credit")
}
# Talking about an order that is being put together is no change to one that exists.
ABOUT_ORDERS: frozenset[Intent] = frozenset({"order", "reorder", "order_change", "order_status"})

# These are about a document that a message points at, and say more than that it is asked for.
OF_DOCUMENTS: frozenset[Intent] = frozenset(
    {"order_cancel", "order_change", "order_status", "damage", "refund", "credit", "complaint"}
)

SUSPICIOUS = 0.5
# The address lines of an order form look like these.
OF_ADDRESSES: frozenset[Intent] = frozenset({"account_change", "privacy"})
FIELD = re.compile(r"\s*[\w ]{3,20}[:：]")

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

    scored = _believed(await context.classifier.classify(masked), state["screened"]["injection"])
    entities = entities_of(text, context.catalogue, outlets, received.date())
    asked, is_named = focus.get("asked"), bool(entities or mentions_in(text, outlets, frozenset()))
    if asked and not turn.get("decision") and answers(text, scored, names_something=is_named):
        return _answered(state, asked, context.catalogue, outlets)
    order = _order_so_far(state, scored, context.catalogue, outlets)
    spent: list[Spent] = []
    by: By = "code"
    wants = _wished(text, focus, received.date())
    intents = _certain(text, turn, wants, has_order=order is not None)
    if intents and intents[0]["name"] in ORDERING:
        intents += _beside_order(scored, masked)
    if not intents:
        intents, by = as_asked(_known(scored, turn, text), text, turn), "classifier"
    intents = as_worded(with_wants(intents, wants, masked), text)
    if not is_sure(intents) and context.model:
        named = await _ask_model(state, context.model, spent)
        intents, by = (named, "model") if named else (intents, by)
    if not is_sure(intents):
        intents = [_not_understood(scored, masked)]
    return {
        "understanding": {
            "intents": intents[:MOST_INTENTS],
            "wants": sorted(meant(wants, intents)),
            "period": _period(text, received),
            "entities": entities,
            "order": order,
            "is_urgent": is_urgent(text),
            "sentiment": sentiment_of(text),
            "misunderstood": _misunderstood(intents, focus),
            "by": by,
        },
        "spent": spent,
    }


def _answered(state: State, asked: Asked, catalogue: Catalogue, outlets: Sequence[Outlet]) -> State:
    """An answer to what we asked back is read together with what it was asked about."""
    screened = state["screened"]
    text = together(asked["text"], screened["text"])
    received = datetime.fromisoformat(state["turn"]["received_at"])
    return {
        "screened": {**screened, "text": text},
        "understanding": {
            "intents": [found(name, 0.9, screened["masked"]) for name in asked["intents"]],
            "wants": asked["wants"],
            "period": None,
            "entities": entities_of(text, catalogue, outlets, received.date()),
            "order": None,
            "is_urgent": is_urgent(text),
            "sentiment": sentiment_of(text),
            "misunderstood": 0,
            "by": "code",
        },
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
    if amended is None and is_still_asked(text, turn, request):
        amended = request
    return None if amended is None else {**current, "current": dump(amended)}


def _is_about_else(text: str, scored: Sequence[Scored]) -> bool:
    """Whether a message names a document, or clearly asks for something that is no order."""
    best = scored[0]
    is_other = best.intent not in ABOUT_ORDERS | WEAK and best.confidence >= SURE
    return bool(documents_in(text)) or (is_other and bool(ASKS.search(text)))


def _certain(text: str, turn: Turn, wants: Set[Want], *, has_order: bool) -> list[Found]:
    """Signals that need no statistics: buttons, a plain yes or no, an order or its repeat."""
    if answer := answer_to_card(text, turn, has_order=has_order):
        return [found(answer, 1.0, text)]
    if "delivery_order" in wants and not has_order:
        return [found("order_status", 0.95, text)]
    if has_order or (looks_like_order(text) and not asks_for_rules(text)):
        return [found("order", 0.95, text)]
    if asks_repeat(text):
        return [found("reorder", 0.95, text)]
    if turn.get("open_card") and leaves_open(text):
        return [found("unclear", 1.0, text)]
    return asks_about_day(text, turn)


def _beside_order(scored: Sequence[Scored], whole: str) -> list[Found]:
    """What the other sentences of a message with an order ask for."""
    others = [
        s
        for s in scored
        if s.part != whole
        and s.confidence >= (BEYOND_DOUBT if s.intent in OF_ADDRESSES else SURE)
        and not (s.intent in OF_ADDRESSES and FIELD.match(s.part))
        and s.intent not in ABOUT_ORDERS | WEAK | {"quote"}
        and not looks_like_order(s.part)
        and not is_only_a_wish(s.part, s.intent)
    ]
    return [found(cast(Intent, s.intent), s.confidence, s.part) for s in others]


def _wished(text: str, focus: Focus, today: date) -> Set[Want]:
    """The finer wishes of a message; of one that says nothing new those of the one before it."""
    is_repeat = _repeats(text, focus, today)
    return wants_of(text) or frozenset(focus.get("wants", []) if is_repeat else ())


def _repeats(text: str, focus: Focus, today: date) -> bool:
    """Whether a message asks the same again, of another time or document. An answer does not."""
    return not focus.get("asked") and says_nothing_new(text, today)


def _known(scored: Sequence[Scored], turn: Turn, text: str) -> list[Found]:
    focus, today = turn.get("focus", {}), datetime.fromisoformat(turn["received_at"]).date()
    if _repeats(text, focus, today) and (again := _again(focus, text)):
        return again
    known = [found(cast(Intent, s.intent), s.confidence, s.part) for s in scored]
    sure = [f for f in known if f["confidence"] >= SURE]
    strong = _without_doubtful([f for f in sure if f["name"] not in WEAK])
    is_pointing = pointed_at(text, focus.get("documents", []), focus.get("listed", []))
    if is_pointing and not any(f["name"] in OF_DOCUMENTS for f in strong):
        return [found("invoice", 0.9, text)]
    if strong:
        return strong
    if is_follow_up(text) and (again := _again(focus, text)):
        return again
    if documents_in(text) and not sure:
        return [found("invoice", 0.9, text)]
    return sure or known[:1]


def _believed(scored: list[Scored], injection: float) -> list[Scored]:
    """Of an attack's words about an account only those beyond doubt, beside what it asks for."""
    if injection < SUSPICIOUS:
        return scored
    kept = [s for s in scored if s.intent not in OF_ADDRESSES or s.confidence >= BEYOND_DOUBT]
    return kept if any(s.confidence >= SURE for s in kept) else scored


def _without_doubtful(strong: list[Found]) -> list[Found]:
    """Beside what is to become of an order, a change of the account must be beyond doubt."""
    if not any(each["name"] in ABOUT_ORDERS | OF_DOCUMENTS for each in strong):
        return strong
    return [f for f in strong if f["name"] not in OF_ADDRESSES or f["confidence"] >= BEYOND_DOUBT]


def _again(focus: Focus, text: str) -> list[Found]:
    """The intents of the turn before, for "and the other one?"."""
    names = [name for name in focus.get("intents", []) if name in ASKABLE]
    return [found(name, MODEL_CONFIDENCE, text) for name in names]


def _not_understood(scored: Sequence[Scored], text: str) -> Found:
    """Two outcomes: it is about something else, or it could mean several things."""
    is_elsewhere = bool(scored) and scored[0].intent == "out_of_scope" and not is_vague(text)
    return found("out_of_scope" if is_elsewhere else "unclear", 1.0, text)


def _period(text: str, received: datetime) -> tuple[str, str] | None:
    named = period_of(text, received.date())
    return (named.since.isoformat(), named.until.isoformat()) if named else None


def _misunderstood(intents: Sequence[Found], focus: Focus) -> int:
    """How many messages in a row were not understood, this one among them."""
    is_unclear = any(each["name"] == "unclear" for each in intents)
    return focus.get("misunderstood", 0) + 1 if is_unclear else 0


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
    return [found(n, MODEL_CONFIDENCE, state["screened"]["masked"]) for n in names[:MOST_INTENTS]]
