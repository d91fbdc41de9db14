"""Write the reply: by the model where it may, else from templates; sentence by sentence."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal, NamedTuple

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage, convert_to_messages
from langgraph.runtime import Runtime

from nodes.prompts import prompt
from nodes.replies import render
from nodes.state import Intent, State, evidence_of, facts_of, intents_of
from tools.context import Context, LanguageModel
from tools.errors import BackendUnavailable
from tools.grounding import Evidence, SentenceGate, unsupported

# The model words these; what an action did is always told in our own words.
FREE = {"balance", "documents", "payments", "products", "policy", "small_talk"}
TOLD = ("order_questions", "below_minimum", "committed", "declined", "card_gone", "card_outdated")
LANGUAGES = {"en": "English", "zh": "Chinese", "ms": "Malay", "ta": "Tamil"}
PRICE_WORDS = ("price", "how much", "cost", "charge", "rate")


class Block(NamedTuple):
    """One part of the reply: a template and what it is filled with."""

    name: str
    data: dict[str, Any]


class Refused(Exception):
    """The model said something without a source."""


async def compose_reply(state: State, runtime: Runtime[Context]) -> State:
    """Stream the reply as `sentence` events. Running again starts over with `reset`."""
    write = runtime.stream_writer
    write({"type": "reset"})
    blocks = list(_blocks(state, runtime.context))
    model = runtime.context.model
    if model and not state.get("verdict") and {b.name for b in blocks} <= FREE:
        try:
            text = ""
            async for sentence in _by_model(state, runtime.context, model):
                write({"type": "sentence", "text": sentence})
                text += sentence
            return _reply(state, text, "model", blocks)
        except (BackendUnavailable, Refused):
            write({"type": "reset"})
    text = "\n\n".join(_by_template(state, block) for block in blocks)
    gate = SentenceGate()
    for sentence in [*gate.feed(text), *gate.flush()]:
        write({"type": "sentence", "text": sentence})
    return _reply(state, text, "templates", blocks)


def _blocks(state: State, context: Context) -> Iterator[Block]:
    """What has to be said, most important first."""
    said = [*_handed_over(state), *_about_cards(state), *_answers(state)]
    yield from said
    for fact in facts_of(state, "unavailable")[:1]:
        yield Block("unavailable", {"fact": fact})
        return
    if not said:
        intents = intents_of(state)
        rest = ("small_talk", "out_of_scope", "order_status")
        unclear = "card_open" if state["turn"].get("open_card") else "unclear"
        name = next((n for n in rest if n in intents), unclear)
        yield Block(name, {"name": context.caller.name.split()[0]})


def _handed_over(state: State) -> Iterator[Block]:
    if handoff := state.get("handoff"):
        reason = handoff["reason"]
        name = reason if reason in ("complaint", "food_safety") else "handed_over"
        yield Block(name, {"handoff": handoff})


def _about_cards(state: State) -> Iterator[Block]:
    for kind in (*TOLD, "not_written", "still_placing"):
        for fact in facts_of(state, kind):
            yield Block(kind, {"fact": fact})
    card = state.get("card")
    if card and card["status"] == "proposed":
        yield Block("order_card", {"card": card})


def _answers(state: State) -> Iterator[Block]:
    for kind in ("balance", "documents", "payments"):
        for fact in facts_of(state, kind):
            if kind != "documents" or fact["found"] or fact["missing_count"]:
                yield Block(kind, {"fact": fact})
    for fact in facts_of(state, "products"):
        asks_price = any(w in state["screened"]["text"].lower() for w in PRICE_WORDS)
        passage = _passage(state, "product")
        yield Block("products", {"fact": fact, "passage": passage, "asks_price": asks_price})
    if "policy" in intents_of(state) and not facts_of(state, "unavailable"):
        yield Block("policy", {"passage": _passage(state, "policy")})


def _passage(state: State, intent: Intent) -> dict[str, Any] | None:
    """The best passage for the part of the message that has this intent."""
    passages = state.get("passages", [])
    parts = {f["part"] for f in state["understanding"]["intents"] if f["name"] == intent}
    return next((p for p in passages if p["asked"] in parts), next(iter(passages), None))


def _by_template(state: State, block: Block) -> str:
    return render(block.name, state["tone"]["language"], **block.data)


async def _by_model(state: State, context: Context, model: LanguageModel) -> AsyncIterator[str]:
    evidence = evidence_of(state, context.now())
    gate = SentenceGate()
    async for piece in model.stream(_messages(state, context)):
        for sentence in gate.feed(piece):
            yield _checked(sentence, evidence)
    for sentence in gate.flush():
        yield _checked(sentence, evidence)


def _checked(sentence: str, evidence: Evidence) -> str:
    if unsupported(sentence, evidence):
        raise Refused
    return sentence


def _messages(state: State, context: Context) -> list[BaseMessage]:
    tone = state["tone"]
    system = prompt("compose_reply").substitute(
        company="Tria",
        customer=context.caller.company,
        today=f"{context.now():%A %-d %B %Y}",
        directions=tone["directions"],
        max_lines=tone["max_lines"],
        language=LANGUAGES[tone["language"]],
        facts="\n".join(json.dumps(f, ensure_ascii=False) for f in state.get("facts", [])),
        passages="\n".join(f"[{p['id']}] {p['text']}" for p in state.get("passages", [])),
    )
    return [
        SystemMessage(system),
        *convert_to_messages(state["turn"]["history"]),
        HumanMessage(state["screened"]["masked"]),
    ]


def _reply(
    state: State, text: str, by: Literal["model", "templates"], blocks: list[Block]
) -> State:
    """An answer cites the passages that it shows; the model may have used any of them."""
    shown = [b.data["passage"]["id"] for b in blocks if _shows_passage(b)]
    used = [p["id"] for p in state.get("passages", [])] if by == "model" and shown else shown
    citations = list(dict.fromkeys(used))
    return {"reply": {"text": text.strip(), "by": by, "citations": citations}}


def _shows_passage(block: Block) -> bool:
    return bool(block.data.get("passage")) and not block.data.get("asks_price")
