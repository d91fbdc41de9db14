"""A turn as one side of a comparison: what it answered, on what grounds, and what that cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from graph.repair.steps import pretty
from graph.trajectory import NodeRun

Json = dict[str, Any]
# In the order in which they are compared.
COMPARED = (
    *("reply", "by", "verdict", "path", "intents", "facts", "calls", "card", "handoff", "would"),
    *("models", "tokens", "usd", "seconds"),
)


@dataclass(frozen=True)
class Compared:
    """One aspect on both sides, as text."""

    what: str
    was: str
    now: str

    @property
    def is_same(self) -> bool:
        """Whether nothing became of the change here."""
        return self.was == self.now


def side_of(
    state: Mapping[str, Any], nodes: Sequence[NodeRun], would: Sequence[Mapping[str, str]] = ()
) -> Json:
    """What is compared of a turn. States of older versions may lack any of it."""
    reply, understanding = state.get("reply") or {}, state.get("understanding") or {}
    spent = state.get("spent") or []
    return {
        "reply": reply.get("text", ""),
        "by": reply.get("by", ""),
        "verdict": state.get("verdict"),
        "path": [node.node for node in nodes],
        "intents": [
            {"name": found.get("name"), "confidence": found.get("confidence")}
            for found in understanding.get("intents") or []
        ],
        "facts": state.get("facts") or [],
        "calls": state.get("calls") or [],
        "card": state.get("card"),
        "handoff": state.get("handoff"),
        "would": list(would),
        "models": sorted({f"{c['model']} with {c.get('prompt', 'unknown')}" for c in spent}),
        "tokens": sum(call["tokens_in"] + call["tokens_out"] for call in spent),
        "usd": f"{sum((Decimal(call['usd']) for call in spent), Decimal(0)):f}",
        "seconds": round(sum(_spans(nodes)), 3),
    }


def compared(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[Compared]:
    """Both sides, aspect by aspect."""
    return [Compared(what, _text(was.get(what)), _text(now.get(what))) for what in COMPARED]


def _spans(nodes: Sequence[NodeRun]) -> list[float]:
    """The seconds of each superstep, once."""
    return list({node.step: node.seconds for node in nodes}.values())


def _text(value: Any) -> str:
    match value:
        case None | "" | [] | {}:
            return ""
        case str() | int() | float():
            return str(value)
        case list() if all(isinstance(each, str) for each in value):
            return "\n".join(value)
        case _:
            return pretty(value)
