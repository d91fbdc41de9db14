"""What happened at a turn and at the end, in lines that two runs can be compared by."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from evals.comparing.comparison import Side
from evals.comparing.steady import LEFT_OUT, line, steady
from evals.outcome import BookDocument, Call, Json, Turn


def side(turn: Turn) -> Side:
    """One run's part of a turn."""
    refused = f"refused with {turn.refused}" if turn.refused else ""
    return Side(
        reply="\n\n".join([turn.reply, *(str(told["reply"]) for told in turn.told)]),
        calls=sorted(map(_call, turn.calls)),
        understood=list(_understood(turn.state)),
        card=card(turn.extra.get("card") or {}),
        handoff=ticket(turn.extra.get("handoff") or {}),
        failure=turn.error or refused,
    )


def _call(call: Call) -> str:
    arguments = ", ".join(f"{name}={line(value)}" for name, value in sorted(call.args.items()))
    outcome = "" if call.outcome == "ok" else f" -> {call.outcome}"
    return f"{call.name}({arguments}){outcome}"


def _understood(state: Json) -> Iterator[str]:
    """What was understood, without how sure of it the classifier was."""
    understanding = state.get("understanding") or {}
    if intents := sorted(found["name"] for found in understanding.get("intents", [])):
        yield f"intents {', '.join(intents)}"
    if wants := understanding.get("wants"):
        yield f"wants {', '.join(sorted(wants))}"
    for name in ("period", "order"):
        if value := understanding.get(name):
            yield f"{name} {line(value)}"
    if language := (state.get("screened") or {}).get("language"):
        yield f"language {language}"
    if situation := (state.get("tone") or {}).get("situation"):
        yield f"situation {situation}"


def card(shown: Mapping[str, Any]) -> str:
    """A card by what the customer agrees to."""
    lines = [f"{item.get('pieces')} {item.get('code')}" for item in shown.get("lines", [])]
    fees = [f"{fee.get('label')} {fee.get('amount')}" for fee in shown.get("fees", [])]
    delivery = shown.get("delivery") or {}
    kept = {name: shown.get(name) for name in ("kind", "status", "title", "total", "rows")}
    slot = f"{delivery.get('day', '')} {delivery.get('window_text', '')}".strip()
    return line({**kept, "lines": lines, "fees": fees, "delivery": slot})


def action(row: Json) -> str:
    """A card's row: the card, and what became of it."""
    writes = [write.get("status", "") for write in row.get("writes") or []]
    became = {"kind": row.get("kind"), "status": row.get("status")}
    return card({**(row.get("card") or {}), **became}) + (f", writes {line(writes)}" * bool(writes))


def ticket(row: Mapping[str, Any]) -> str:
    """A ticket by what it is about, who it is for and whether it waits."""
    return line({name: row.get(name) for name in ("reason", "level", "levels", "who", "status")})


def document(changed: BookDocument) -> str:
    """A document of the books by the fields that are new or different in it."""
    before, after = steady(changed.before or {}), steady(changed.after)
    new = {k: v for k, v in after.items() if v not in (before.get(k), LEFT_OUT)}
    name = steady(f"{changed.kind} {changed.number}".strip())
    return f"{name}, {'changed' if changed.before else 'new'}: {line(new)}"


def letter(row: Json) -> str:
    """An e-mail as it was sent."""
    return json.dumps(steady(row), sort_keys=True, ensure_ascii=False)
