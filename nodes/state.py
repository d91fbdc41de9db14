"""The graph's state: small, plain, and only for one turn. The conversation is not in it."""

from datetime import datetime
from operator import add
from typing import Annotated, Any, Literal, get_args

from typing_extensions import TypedDict

from tools.grounding import FROM_CUSTOMERS, Evidence, gather

Intent = Literal[
    "balance",
    "invoice",
    "payments",
    "order",
    "order_change",
    "order_cancel",
    "order_status",
    "confirm",
    "decline",
    "policy",
    "product",
    "complaint",
    "food_safety",
    "person",
    "small_talk",
    "out_of_scope",
    "unclear",
]
INTENTS: tuple[Intent, ...] = get_args(Intent)

Situation = Literal["routine", "question", "complaint", "urgent", "bad_news", "vip"]


class Turn(TypedDict, total=False):
    """The input: one message of the customer and what surrounds it."""

    run_id: str
    thread_id: str
    text: str
    received_at: str
    history: list[dict[str, str]]
    open_card: dict[str, Any] | None
    decision: dict[str, str] | None


class Screened(TypedDict):
    """The message made readable; `masked` is what a model may see."""

    text: str
    masked: str
    language: str
    injection: float
    personal: dict[str, str]


class Found(TypedDict):
    """One intent of the message, and the part of it that shows the intent."""

    name: Intent
    confidence: float
    part: str


class Understanding(TypedDict):
    """What the customer wants. `documents` are the numbers they wrote."""

    intents: list[Found]
    documents: list[str]
    level_words: list[str]


class Fact(TypedDict):
    """A typed result of a tool. `data` holds money as strings and dates in ISO form."""

    kind: str
    source: str
    data: dict[str, Any]


class Tone(TypedDict):
    """How the reply sounds; never what it says."""

    situation: Situation
    directions: str
    max_lines: int
    language: str


class Reply(TypedDict):
    """What the customer reads. `by` says who wrote it: the model or the templates."""

    text: str
    by: Literal["model", "templates"]
    citations: list[str]


class Verdict(TypedDict):
    """What the gate found in the whole reply. `tries` counts the replies it has seen."""

    passed: bool
    problems: list[str]
    tries: int


class State(TypedDict, total=False):
    """Everything one turn produces. Facts come from several nodes and are appended."""

    turn: Turn
    screened: Screened
    understanding: Understanding
    passages: list[dict[str, Any]]
    facts: Annotated[list[Fact], add]
    card: dict[str, Any] | None
    handoff: dict[str, Any] | None
    tone: Tone
    reply: Reply
    verdict: Verdict


def intents_of(state: State) -> set[Intent]:
    """The names of the message's intents."""
    return {found["name"] for found in state["understanding"]["intents"]}


def facts_of(state: State, kind: str) -> list[dict[str, Any]]:
    """The data of every fact of one kind."""
    return [fact["data"] for fact in state.get("facts", []) if fact["kind"] == kind]


def evidence_of(state: State, now: datetime) -> Evidence:
    """What this turn's reply may say: facts, passages, card, ticket, the customer's words."""
    facts = [fact["data"] for fact in state.get("facts", [])]
    shown = [x for x in (state.get("card"), state.get("handoff")) if x]
    passages = [f"{p['title']} {p['section']} {p['text']}" for p in state.get("passages", [])]
    evidence = gather([*facts, *shown], passages, now)
    evidence.add_text(state["screened"]["masked"], FROM_CUSTOMERS)
    return evidence
