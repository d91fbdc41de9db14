"""Makes of a played turn what a judge may read: no more than the service's own model sees."""

from collections.abc import Iterator
from typing import Any

from evals.judging.judge import Question, Said
from evals.outcome import Row, Turn
from nodes.compose_reply import WITHHELD
from nodes.prompts import LINK


def questions_of(row: Row) -> Iterator[tuple[int, Question]]:
    """Every answered turn of one trial, with its number from 1."""
    conversation: list[Said] = []
    for number, turn in enumerate(row.outcome.turns, 1):
        conversation.append(_said(turn))
        if turn.reply:
            yield number, _question(conversation, turn)
        told = [str(message["reply"]) for message in turn.told]
        answers = LINK.sub("[link]", "\n\n".join(filter(None, [turn.reply, *told])))
        conversation += [Said(by="service", text=answers)] if answers else []


def _question(conversation: list[Said], turn: Turn) -> Question:
    facts = [f for f in turn.state.get("facts", []) if f["kind"] not in WITHHELD]
    passages = [str(p["text"]) for p in turn.state.get("passages", [])]
    return Question(
        conversation=tuple(conversation),
        reply=LINK.sub("[link]", turn.reply),
        facts=tuple(_without_links(fact) for fact in facts),
        passages=tuple(dict.fromkeys(passages)),
    )


def _said(turn: Turn) -> Said:
    """The message as the service's own model gets it."""
    if turn.kind != "user":
        return Said(by="event", text=turn.said)
    masked = turn.state.get("screened", {}).get("masked")
    return Said(by="customer", text=str(masked or turn.said))


def _without_links(value: Any) -> Any:
    if isinstance(value, str):
        return LINK.sub("[link]", value)
    if isinstance(value, list):
        return [_without_links(part) for part in value]
    if isinstance(value, dict):
        return {name: _without_links(part) for name, part in value.items()}
    return value
