"""The graph's state: small, plain, and only for one turn. The conversation is not in it."""

from dataclasses import asdict
from datetime import datetime
from operator import add
from typing import Annotated, Any, Literal, NotRequired, get_args

from typing_extensions import TypedDict

from nodes.prompts import version
from tools.context import Caller
from tools.grounding.evidence import Evidence, gather
from tools.model.usage import Usage
from tools.search.texts import load_policies
from tools.understanding.entities import Entity, EntityKind
from tools.understanding.sentiment import Sentiment
from tools.understanding.wants import Want
from tools.understanding.worded import Ending

Intent = Literal[
    "order",
    "reorder",
    "order_status",
    "order_change",
    "order_cancel",
    "quote",
    "confirm",
    "decline",
    "balance",
    "invoice",
    "payment",
    "statement",
    "credit",
    "refund",
    "damage",
    "complaint",
    "food_safety",
    "product",
    "price",
    "stock",
    "delivery",
    "policy",
    "custom_print",
    "account_change",
    "privacy",
    "person",
    "small_talk",
    "out_of_scope",
    "unclear",
]
INTENTS: tuple[Intent, ...] = get_args(Intent)
# What the policies answer, and what makes an order.
BY_POLICIES: frozenset[Intent] = frozenset({"policy", "delivery", "custom_print", "product"})
ORDERING: frozenset[Intent] = frozenset({"order", "reorder"})

SUSPICIOUS = 0.5
Purpose = Literal["classify_intent", "call_xero_tools", "compose_reply"]
Situation = Literal["routine", "question", "complaint", "urgent", "bad_news"]


class Asked(TypedDict):
    """What a message wanted that we had to ask back about; its answer is read together with it."""

    text: str
    intents: list[Intent]
    wants: list[Want]


class Focus(TypedDict, total=False):
    """What a conversation is about, handed from one turn to the next.

    `order` is the order being put together; `documents` are the numbers last spoken of, and
    `listed` those the last reply showed; `answered` is the card that was carried out last;
    `misunderstood` counts messages in a row; `ending` is thanks or goodbye, if that was all.
    """

    order: dict[str, Any] | None
    order_at: str
    documents: list[str]
    listed: list[str]
    products: list[str]
    intents: list[Intent]
    wants: list[Want]
    asked: Asked | None
    answered: dict[str, str] | None
    misunderstood: int
    language: str
    ending: Ending | None


class Turn(TypedDict, total=False):
    """The input: one message of the customer and what surrounds it.

    `decision` is the button of a card; `notice` is what a turn without a message tells.
    """

    run_id: str
    thread_id: str
    text: str
    received_at: str
    history: list[dict[str, str]]
    focus: Focus
    open_card: dict[str, Any] | None
    decision: dict[str, str] | None
    notice: dict[str, Any] | None


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
    """What the customer wants, how they feel, and how often in a row we did not understand.

    `order` is the order that this message and those before it add up to. `wants` is the finer
    thing inside the intents, `period` the time that is named: its first and last day.
    """

    intents: list[Found]
    wants: NotRequired[list[Want]]
    period: NotRequired[tuple[str, str] | None]
    entities: list[Entity]
    order: dict[str, Any] | None
    is_urgent: bool
    sentiment: Sentiment
    misunderstood: int
    by: Literal["code", "classifier", "model"]


class Fact(TypedDict):
    """A typed result of a tool. `data` holds money as strings and dates in ISO form."""

    kind: str
    source: str
    data: dict[str, Any]


class ToolCall(TypedDict):
    """Something that was read: by the plan, or picked by a model, whose arguments are kept.

    `outcome` is ok or unavailable; what was found are facts.
    """

    name: str
    kind: Literal["read", "pick"]
    args: dict[str, Any]
    outcome: Literal["ok", "unavailable"]


class Tone(TypedDict):
    """How the reply sounds; never what it says. `most_emoji` are allowed in the whole reply."""

    situation: Situation
    directions: str
    max_lines: int
    most_emoji: int
    language: str


class Reply(TypedDict):
    """What the customer reads, and who worded it: the model, the templates or both.

    `is_shared` when the same answer would suit whoever asks. `withheld` is why what the templates
    said was not shown: the text is fixed words instead.
    """

    text: str
    by: Literal["model", "templates", "both", "cache"]
    citations: list[str]
    is_shared: bool
    withheld: NotRequired[list[str]]


class Spent(TypedDict):
    """What one call of the model used: tokens, and USD as a decimal in text.

    `prompt` is the version of what asked, again too; `refused`, by kind, is what had no source.
    """

    purpose: Purpose
    prompt: NotRequired[str]  # turns that began before there were versions have none
    model: str
    tokens_in: int
    tokens_out: int
    usd: str
    refused: NotRequired[list[str]]


class Verdict(TypedDict):
    """What the gate found in the whole reply. `tries` counts the replies it has seen."""

    passed: bool
    problems: list[str]
    tries: int


class State(TypedDict, total=False):
    """Everything one turn produces. Facts come from several nodes and are appended.

    `action` is the card that the customer said yes to; `decision` is a person's about it.
    """

    turn: Turn
    screened: Screened
    understanding: Understanding
    passages: list[dict[str, Any]]
    facts: Annotated[list[Fact], add]
    calls: Annotated[list[ToolCall], add]
    order: dict[str, Any] | None
    card: dict[str, Any] | None
    action: dict[str, str]
    decision: dict[str, Any]
    handoff: dict[str, Any] | None
    tone: Tone
    reply: Reply
    verdict: Verdict
    spent: Annotated[list[Spent], add]


def spent_on(purpose: Purpose, model: str, usage: Usage, prompt: str | None = None) -> Spent:
    """A call of the model as it is kept with the turn; its prompt is named as its purpose."""
    return Spent(
        purpose=purpose,
        prompt=version(prompt or purpose),
        model=model,
        tokens_in=usage.tokens_in,
        tokens_out=usage.tokens_out,
        usd=f"{usage.cost:f}",
    )


def intents_of(state: State) -> set[Intent]:
    """The names of the message's intents."""
    return {found["name"] for found in state["understanding"]["intents"]}


def wants_in(state: State) -> set[Want]:
    """The finer things that the message asks for."""
    return set(state["understanding"].get("wants", []))


def facts_of(state: State, kind: str) -> list[dict[str, Any]]:
    """The data of every fact of one kind."""
    return [fact["data"] for fact in state.get("facts", []) if fact["kind"] == kind]


def entities_named(state: State, kind: EntityKind) -> list[str]:
    """The values of every entity of one kind that the message names."""
    return [e["value"] for e in state["understanding"]["entities"] if e["kind"] == kind]


def is_suspicious(state: State) -> bool:
    """Whether the message looks like an attack: then nothing is written for it."""
    return state["screened"]["injection"] >= SUSPICIOUS


def evidence_of(state: State, now: datetime, caller: Caller) -> Evidence:
    """What this turn's reply may say: facts, passages, card, ticket, the customer's words.

    How the customer is called is known too.
    """
    customer = {"name": caller.name, "company": caller.company}
    shown: list[dict[str, Any]] = [
        {"kind": kind, "data": data}
        for kind, data in (
            ("card", state.get("card")),
            ("handoff", state.get("handoff")),
            ("customer", customer),
        )
        if data
    ]
    facts = [*state.get("facts", []), *shown]
    passages = [*state.get("passages", []), *_grounds(state)]
    return gather(facts, passages, now, state["screened"]["masked"])


def _grounds(state: State) -> list[dict[str, Any]]:
    """The policy sections that computed answers rest on, in English and the reply's language."""
    ids = {fact["section_id"] for fact in facts_of(state, "computed")}
    languages = {"en", state["screened"]["language"]} if ids else set[str]()
    return [
        asdict(section)
        for language in sorted(languages)
        for section in load_policies(language)
        if section.id in ids
    ]
