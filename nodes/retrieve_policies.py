"""Find the passages of the company's policies that the message is about."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from langgraph.runtime import Runtime

from nodes.intents.about_orders import rule_of_day
from nodes.state import Fact, State
from tools.context import Context
from tools.errors import BackendUnavailable
from tools.ordering.signs import looks_like_order
from tools.policy.answers import compute
from tools.search.knowledge import CLEARLY, passage
from tools.search.texts import ENGLISH, load_policies
from tools.understanding.follow_up import is_follow_up
from tools.understanding.intents import parts_of
from tools.understanding.rule_questions import is_question

PASSAGES, LOOKED_AT = 3, 6
NOTHING_SAID = 3  # letters of "ok"
# Where the words of a follow-up find something clear they count for more than those they lean on:
# else "and how long do they keep?" would be told once more what was asked before.
OWN_SHARE = 0.6


async def retrieve_policies(state: State, runtime: Runtime[Context]) -> State:
    """Search for each part of the message, and compute what a rule computes.

    Without the search engine the turn goes on.
    """
    text, language = state["screened"]["masked"], state["screened"]["language"]
    if key := rule_of_day(text, state["turn"]):
        return {"passages": [_section(key, text, language)], "facts": []}
    parts = parts_of(text)
    asked = [text, *parts] if len(parts) > 1 else [text]
    context = runtime.context
    before = dict.fromkeys(asked, "") | {p: _before(state) for p in _leaning(asked, text)}
    found = [] if _only_orders(text) else _computed(before, context)
    try:
        passages = await asyncio.gather(
            *(_search(part, before[part], language, context) for part in asked)
        )
    except BackendUnavailable:
        gone = Fact(kind="unavailable", source="policies", data={"part": "policies"})
        return {"passages": [], "facts": [*found, gone]}
    best = [p for some in passages for p in some]
    return {"passages": [*best, *_grounds(found, best, language)], "facts": found}


def _only_orders(text: str) -> bool:
    """What an order says of its price or tax asks for nothing to be computed."""
    return looks_like_order(text) and not is_question(text)


def _leaning(asked: Sequence[str], text: str) -> list[str]:
    """The message, and its first part that says something: later ones lean on those parts."""
    first = next((part for part in asked[1:] if len(part) > NOTHING_SAID), text)
    return [part for part in (text, first) if is_follow_up(part)]


def _before(state: State) -> str:
    """The message before this one."""
    said = [m["content"] for m in state["turn"]["history"] if m["role"] == "user"]
    return said[-1] if said else ""


async def _search(asked: str, before: str, language: str, context: Context) -> list[dict[str, Any]]:
    """Passages, each with the part of the message that it answers."""
    queries = (asked, f"{before} {asked}") if before else (asked,)
    found = await asyncio.gather(
        *(context.knowledge.search(query, k=LOOKED_AT, language=language) for query in queries)
    )
    best = _weighed(found[0], found[1], CLEARLY[language]) if before else found[0]
    return [dict(p) | {"asked": asked} for p in best[:PASSAGES]]


def _weighed(
    own: Sequence[Mapping[str, Any]], together: Sequence[Mapping[str, Any]], clear: float
) -> list[dict[str, Any]]:
    """The passages of a follow-up: found for its own words, and together with those before."""
    share = OWN_SHARE if own and own[0]["score"] >= clear else 0.0
    scores: dict[str, float] = defaultdict(float)
    for weight, passages in ((share, own), (1 - share, together)):
        for p in passages:
            scores[p["id"]] += weight * p["score"]
    known = {p["id"]: dict(p) for p in (*own, *together)}
    best = sorted(scores, key=scores.__getitem__, reverse=True)
    return [known[key] | {"score": round(scores[key], 4)} for key in best]


def _computed(before: Mapping[str, str], context: Context) -> list[Fact]:
    """The figures of the first part that asks for a rule which computes."""
    answers = (compute(part, context.now(), lead) for part, lead in before.items())
    found = next(filter(None, answers), None)
    if found is None:
        return []
    data = {"rule": found.rule, "section_id": found.section_id}
    figures = {"inputs": dict(found.inputs), "result": dict(found.result)}
    return [Fact(kind="computed", source=found.section_id, data=data | figures)]


def _grounds(
    found: Sequence[Fact], passages: Sequence[dict[str, Any]], language: str
) -> list[dict[str, Any]]:
    """The sections that computed answers rest on, where the search did not find them itself."""
    missing = {fact["source"] for fact in found} - {p["id"] for p in passages}
    return [_section(key, "", language) for key in sorted(missing)]


def _section(key: str, asked: str, language: str) -> dict[str, Any]:
    texts = {s.id: s for lang in (ENGLISH, language) for s in load_policies(lang)}
    return dict(passage(texts[key], 0.0)) | {"asked": asked}
