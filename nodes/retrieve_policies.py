"""Find the passages of the company's policies that the message is about."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from langgraph.runtime import Runtime

from nodes.state import Fact, State
from tools.context import Context
from tools.errors import BackendUnavailable
from tools.policy.answers import compute
from tools.search.knowledge import passage
from tools.search.texts import ENGLISH, load_policies
from tools.understanding.follow_up import is_follow_up
from tools.understanding.intents import parts_of

PASSAGES, LOOKED_AT = 3, 6
# Of a follow-up the words themselves count for more than those they lean on: else "and how long
# do they keep?" would be told once more what was asked before.
OWN_SHARE = 0.6


async def retrieve_policies(state: State, runtime: Runtime[Context]) -> State:
    """Search for each part of the message, and compute what a rule computes.

    Without the search engine the turn goes on.
    """
    text, language = state["screened"]["masked"], state["screened"]["language"]
    parts = parts_of(text)
    asked = [text, *parts] if len(parts) > 1 else [text]
    context = runtime.context
    before = dict.fromkeys(asked, "") | {p: _before(state) for p in _leaning(asked, text)}
    found = _computed(before, context)
    try:
        passages = await asyncio.gather(
            *(_search(part, before[part], language, context) for part in asked)
        )
    except BackendUnavailable:
        gone = Fact(kind="unavailable", source="policies", data={"part": "policies"})
        return {"passages": [], "facts": [*found, gone]}
    best = [p for some in passages for p in some]
    return {"passages": [*best, *_grounds(found, best, language)], "facts": found}


def _leaning(asked: Sequence[str], text: str) -> list[str]:
    """Only a message leans on the one before it; its later parts lean on its own first one."""
    return [part for part in asked if text.startswith(part) and is_follow_up(part)]


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
    best = _weighed(*found) if before else found[0]
    return [dict(p) | {"asked": asked} for p in best[:PASSAGES]]


def _weighed(
    own: Sequence[Mapping[str, Any]], together: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The passages of a follow-up: found for its own words, and together with those before."""
    scores: dict[str, float] = defaultdict(float)
    for share, passages in ((OWN_SHARE, own), (1 - OWN_SHARE, together)):
        for p in passages:
            scores[p["id"]] += share * p["score"]
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
    texts = {s.id: s for lang in (ENGLISH, language) for s in load_policies(lang)}
    return [dict(passage(texts[key], 0.0)) | {"asked": ""} for key in sorted(missing)]
