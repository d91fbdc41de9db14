"""Write the reply: by the model where it may, else from templates; sentence by sentence."""

import json
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import Any, Literal

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    convert_to_messages,
)
from langgraph.runtime import Runtime

from nodes.prompts import prompt, without_links
from nodes.replies import render
from nodes.replies.blocks import Block, blocks_of
from nodes.replies.cached import question_key
from nodes.replies.problems import breaches_of, problems_of
from nodes.replies.unsaid import unsaid
from nodes.state import Fact, Reply, Spent, State, evidence_of, facts_of, spent_on
from tools.context import Context, LanguageModel
from tools.errors import BackendUnavailable
from tools.grounding.claim import Claim
from tools.grounding.evidence import Evidence
from tools.grounding.gate import unsupported
from tools.grounding.leaks import leaked
from tools.grounding.sentences import SentenceGate
from tools.model.usage import Usage

# The model words these; what an action did is always told in our own words.
FREE = {
    *("balance", "documents", "lines", "tax", "payments", "credit_notes", "quotes", "orders"),
    *("prices", "stock", "policy", "computed", "small_talk", "goodbye", "thanks"),
}
# No model sees how a document is opened or where money goes; templates tell it.
WITHHELD = frozenset({"downloads", "how_to_pay"})
LANGUAGES = {"en": "English", "zh": "Chinese", "ms": "Malay", "ta": "Tamil"}
VALUED = {"vip", "major"}
FIRST, AGAIN = "compose_reply", "rewrite_sentence"
OURS = prompt(FIRST).template
# One rewrite of a refused sentence.
TRIES = 2

Say = Callable[[str], None]
By = Literal["model", "templates", "both", "cache"]


async def compose_reply(state: State, runtime: Runtime[Context]) -> State:
    """Stream the reply as `sentence` events. Running again starts over with `reset`."""
    write, context = runtime.stream_writer, runtime.context
    write({"type": "reset"})
    said: list[str] = []
    spent: list[Spent] = []

    def say(sentence: str) -> None:
        said.append(sentence)
        write({"type": "sentence", "text": sentence})

    blocks = blocks_of(state, context)
    is_free = not state.get("verdict") and {b.name for b in blocks} <= FREE
    key = question_key(state, context) if is_free else None
    by: By = "templates"
    if key and (kept := await context.answers.get(key)):
        _say_all(_sentences(kept), say)
        by = "cache"
    elif context.model and is_free:
        by = await _worded(state, context, context.model, say, spent)
    reply: Reply = {
        "text": "".join(said),
        "by": by,
        "citations": _citations(state, by, blocks),
        "is_shared": key is not None,
    }
    if by in ("templates", "both"):
        reply, rest = _finished(reply, _written(state, context, blocks), state, context)
        _say_all(rest, say)
    return {"reply": {**reply, "text": reply["text"].strip()}, "spent": spent}


def _finished(
    reply: Reply, written: Sequence[str], state: State, context: Context
) -> tuple[Reply, list[str]]:
    """The reply to its end, and what is still to be said: the templates', or fixed words.

    What has been shown cannot be taken back, so templates are looked at before they are shown.
    """
    rest = [*unsaid(written, reply["text"])]
    whole: Reply = {**reply, "text": reply["text"] + "".join(rest)}
    problems = problems_of({**whole, "text": whole["text"].strip()}, state, context)
    if not problems:
        return whole, rest
    rest = [*unsaid([render("refused", state["tone"]["language"])], reply["text"])]
    whole["text"] = reply["text"] + "".join(rest)
    return {**whole, "citations": [], "is_shared": False, "withheld": problems}, rest


def _say_all(sentences: Iterable[str], say: Say) -> None:
    for sentence in sentences:
        say(sentence)


async def _worded(
    state: State, context: Context, model: LanguageModel, say: Say, spent: list[Spent]
) -> By:
    """Say what the model writes, as far as it has sources; a refused sentence is tried once more.

    What it could not finish is left to the templates: "both". So is what its tone forbids.
    """
    evidence = evidence_of(state, context.now(), context.caller)
    messages = _messages(state, context)
    said, asked = "", FIRST
    for _ in range(TRIES):
        refused: list[Claim] = []
        try:
            async with aclosing(_streamed(model, messages, asked, spent)) as sentences:
                async for sentence in sentences:
                    if refused := _refused(sentence, evidence):
                        break
                    if breaches_of(said + sentence, state):
                        return "both" if said else "templates"
                    if sentence.strip() not in said:
                        say(sentence)
                        said += sentence
        except BackendUnavailable:
            break
        if not refused:
            return "model"
        _noted(refused, spent)
        messages, asked = [*messages, *_again(said, refused)], AGAIN
    return "both" if said else "templates"


def _refused(sentence: str, evidence: Evidence) -> list[Claim]:
    """What of a sentence may not leave."""
    return [*unsupported(sentence, evidence), *leaked(sentence, OURS)]


async def _streamed(
    model: LanguageModel, messages: Sequence[BaseMessage], asked: str, spent: list[Spent]
) -> AsyncGenerator[str]:
    gate = SentenceGate()

    def on_usage(usage: Usage) -> None:
        spent.append(spent_on("compose_reply", model.name, usage, asked))

    async with aclosing(model.stream(messages, on_usage)) as pieces:
        async for piece in pieces:
            for sentence in gate.feed(piece):
                yield sentence
    for sentence in gate.flush():
        yield sentence


def _sentences(text: str) -> list[str]:
    gate = SentenceGate()
    return [*gate.feed(text), *gate.flush()]


def _noted(refused: Sequence[Claim], spent: list[Spent]) -> None:
    """The call that worded it is kept with what was refused of it."""
    for call in spent[-1:]:
        call["refused"] = [claim.kind for claim in refused]


def _again(said: str, refused: Sequence[Claim]) -> list[BaseMessage]:
    """Tell the model which words had no source, and to go on after what was let out."""
    rewrite = prompt(AGAIN).substitute(refused=", ".join(claim.written for claim in refused))
    return [*([AIMessage(said)] if said else []), HumanMessage(rewrite)]


def _written(state: State, context: Context, blocks: Sequence[Block]) -> list[str]:
    """The whole reply from templates, as sentences."""
    tone = state["tone"]
    standing = facts_of(state, "standing")
    address = {
        "tone": tone,
        "channel": context.caller.channel,
        "name": context.caller.name.split()[0],
        "sentiment": state["understanding"]["sentiment"],
        "is_first": not state["turn"]["history"],
        "is_valued": any(s["segment"] in VALUED for s in standing),
    }
    parts = [
        render("greeting", tone["language"], **address),
        *(render(block.name, tone["language"], **block.data) for block in blocks),
        render("closing", tone["language"], **address),
    ]
    return _sentences("\n\n".join(filter(None, parts)))


def _messages(state: State, context: Context) -> list[BaseMessage]:
    """What the model reads. An answer that others may get knows no customer and no history."""
    tone = state["tone"]
    is_shared = question_key(state, context) is not None
    system = prompt(FIRST).substitute(
        company="Tria",
        customer="a customer" if is_shared else context.caller.company,
        today=f"{context.now():%A %-d %B %Y}",
        directions=tone["directions"],
        max_lines=tone["max_lines"],
        language=LANGUAGES[tone["language"]],
        facts="\n".join(
            json.dumps(f, ensure_ascii=False) for f in ([] if is_shared else _shown(state))
        ),
        passages="\n".join(f"[{p['id']}] {p['text']}" for p in state.get("passages", [])),
    )
    history = [] if is_shared else convert_to_messages(without_links(state["turn"]["history"]))
    return [SystemMessage(system), *history, HumanMessage(state["screened"]["masked"])]


def _shown(state: State) -> list[Fact]:
    return [fact for fact in state.get("facts", []) if fact["kind"] not in WITHHELD]


def _citations(state: State, by: By, blocks: Sequence[Block]) -> list[str]:
    """An answer cites the passages that it shows; the model may have used any of them."""
    shown = [key for block in blocks if (key := _source(block.data))]
    used = [p["id"] for p in state.get("passages", [])] if by != "templates" and shown else []
    return list(dict.fromkeys([*shown, *used]))


def _source(data: dict[str, Any]) -> str | None:
    """The policy section that a block shows or computes from."""
    if passage := data.get("passage"):
        return str(passage["id"])
    return data["fact"].get("section_id") if isinstance(data.get("fact"), dict) else None
