"""Find out what the customer wants: a set of intents with confidence."""

import re
from typing import cast

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage, convert_to_messages
from langgraph.runtime import Runtime
from pydantic import BaseModel

from nodes.prompts import prompt
from nodes.state import INTENTS, Found, Intent, State, Turn
from tools.context import Context
from tools.errors import BackendUnavailable
from tools.intents import Scored
from tools.orders import looks_like_order
from tools.rules import load_rules

DOCUMENT = re.compile(r"\b(?:INV|TRIA|CN|QU)-?\d{1,10}\b", re.IGNORECASE)
SURE = 0.5
FAR_AWAY = 0.2
SENTENCE_WORDS = 4
# An answer to a card is nothing but these words; whatever says more is asked about.
CLEAR_YES = r"yes|yeah|yep|yup|confirm(?:ed)?|correct|go ahead|proceed|please do|do it|place (?:it|the order|this order)|好的|可以|确认|是的|boleh|setuju|sah|betul|ஆம்|சரி"  # noqa: E501
YES = CLEAR_YES + r"|ya|ok|okay|sure|好|是"
NO = r"no|nope|nah|don't|do not|dont|cancel it|not now|stop|never ?mind|do not place it|不要|不用|不|tidak|jangan|இல்லை|வேண்டாம்"  # noqa: E501
POLITE = r"please|pls|plz|lah|thanks|thank you"


class Classification(BaseModel):
    """What the model is asked to fill in."""

    intents: list[Intent]


async def classify_intent(state: State, runtime: Runtime[Context]) -> State:
    """Combine certain signals with the local classifier; ask the model only when neither knows."""
    text = state["screened"]["text"]
    documents = sorted({d.upper() for d in DOCUMENT.findall(text)})
    intents = _certain(text, state["turn"], documents)
    if not intents:
        intents = _known(await runtime.context.classifier.classify(state["screened"]["masked"]))
    if not _is_sure(intents) and runtime.context.model:
        intents = await _ask_model(state, runtime.context) or intents
    words = [w for w in load_rules().ordering.urgent_words if w in text.lower()]
    return {
        "understanding": {
            "intents": intents if _is_sure(intents) else [_not_understood(intents, text)],
            "documents": documents,
            "level_words": words,
        }
    }


def _certain(text: str, turn: Turn, documents: list[str]) -> list[Found]:
    """Signals that need no statistics: buttons, a plain yes or no, an order, a document number."""
    if decision := turn.get("decision"):
        return [Found(name=_decided(decision["decision"]), confidence=1.0, part=text)]
    if turn.get("open_card"):
        if _says_only(text, YES) and (_has(text, CLEAR_YES) or not _has(text, "thanks|thank you")):
            return [Found(name="confirm", confidence=1.0, part=text)]
        if _says_only(text, NO):
            return [Found(name="decline", confidence=1.0, part=text)]
    if looks_like_order(text):
        return [Found(name="order", confidence=0.95, part=text)]
    if documents and len(text.split()) <= len(documents) + 6 and "cancel" not in text.lower():
        return [Found(name="invoice", confidence=0.9, part=text)]
    return []


def _says_only(text: str, answers: str) -> bool:
    """Whether a message consists of these answers and politeness alone."""
    rest = re.sub(rf"(?<!\w)(?:{answers}|{POLITE})(?!\w)", " ", text, flags=re.IGNORECASE)
    return _has(text, answers) and not rest.strip(" \t\n,.!;👍🙏")


def _has(text: str, words: str) -> bool:
    return bool(re.search(rf"(?<!\w)(?:{words})(?!\w)", text, re.IGNORECASE))


def _decided(decision: str) -> Intent:
    return "confirm" if decision == "confirm" else "decline"


def _known(scored: list[Scored]) -> list[Found]:
    found = [s for s in scored if s.intent in INTENTS and s.confidence > 0]
    names = {s.intent for s in found if s.confidence >= SURE}
    # A greeting or a stray phrase beside a real request says nothing more.
    if names - {"small_talk", "out_of_scope"}:
        found = [s for s in found if s.intent not in ("small_talk", "out_of_scope")]
    return [
        Found(name=cast(Intent, s.intent), confidence=s.confidence, part=s.part) for s in found[:3]
    ]


def _not_understood(intents: list[Found], text: str) -> Found:
    """Nothing we know is near a whole sentence: it is about something else."""
    is_sentence = len(text.split()) >= SENTENCE_WORDS
    best = max(intents, key=lambda f: f["confidence"], default=None)
    is_elsewhere = best is None or best["name"] == "out_of_scope" or best["confidence"] < FAR_AWAY
    name: Intent = "out_of_scope" if is_sentence and is_elsewhere else "unclear"
    return Found(name=name, confidence=1.0, part=text)


def _is_sure(intents: list[Found]) -> bool:
    return any(found["confidence"] >= SURE for found in intents)


async def _ask_model(state: State, context: Context) -> list[Found]:
    if context.model is None:
        return []
    system = prompt("classify_intent").substitute(intents="\n".join(f"- {i}" for i in INTENTS))
    messages: list[BaseMessage] = [
        SystemMessage(system),
        *convert_to_messages(state["turn"]["history"][-4:]),
        HumanMessage(state["screened"]["masked"]),
    ]
    try:
        answer = await context.model.fill(Classification, messages)
    except BackendUnavailable:
        return []
    text = state["screened"]["masked"]
    return [Found(name=name, confidence=0.8, part=text) for name in answer.intents[:3]]
