"""What scorers read of a turn: its answers, and texts in one spelling."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from evals.cases.schema import Case, Step
from evals.outcome import Json, Outcome, Turn, Verdict

ZERO = timedelta()
HIDDEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
# Chinese has no spaces between words: each character stands for one.
WORD = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+(?:[\u0b82\u0bbe-\u0bcd]+\w*)*")
LISTED = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")


@dataclass(frozen=True)
class Answer:
    """A message that the customer got, and what came with it."""

    text: str
    extra: Json


def steps(case: Case, outcome: Outcome) -> Iterator[tuple[int, Step, Turn]]:
    """The steps that were played, with their numbers from 1."""
    for number, (step, turn) in enumerate(zip(case.turns, outcome.turns, strict=False), 1):
        yield number, step, turn


def answers(turn: Turn) -> list[Answer]:
    """The reply, if there is one, and what was told beside it."""
    replied = [Answer(turn.reply, turn.extra)] if turn.reply else []
    return replied + [
        Answer(str(told["reply"]), dict(told.get("extra") or {})) for told in turn.told
    ]


def spoken(turn: Turn) -> str:
    """Everything that the customer read after this step."""
    return "\n".join(answer.text for answer in answers(turn))


def came_with(turn: Turn, name: str) -> Json:
    """The last card or hand-off of this step's answers; empty without one."""
    found = [answer.extra[name] for answer in answers(turn) if answer.extra.get(name)]
    return dict(found[-1]) if found else {}


def now_at(case: Case, number: int) -> datetime:
    """When a step began, to the minute or so: the case's clock and the time that passed since."""
    return case.clock + sum((timedelta(minutes=s.after_minutes) for s in case.turns[:number]), ZERO)


def cited(answer: Answer) -> list[Json]:
    """The citations of an answer."""
    return list(answer.extra.get("citations") or [])


def understood(turn: Turn) -> Json:
    """What the graph understood; empty for a step without a message."""
    return dict(turn.state.get("understanding") or {})


def intents_in(turn: Turn) -> set[str]:
    """The names of the intents that were understood."""
    return {str(found["name"]) for found in understood(turn).get("intents", [])}


def typed(outcome: Outcome) -> tuple[str, ...]:
    """What the customer wrote."""
    return tuple(turn.said for turn in outcome.turns if turn.kind == "user" and turn.said)


def plain(text: str) -> str:
    """One spelling of each sign, nothing hidden, digits of any script as ours."""
    if text.isascii():
        return text
    folded = unicodedata.normalize("NFKC", HIDDEN.sub("", text))
    folded = re.sub("[\u2010-\u2015\u2212]", "-", folded).replace("\u2019", "'")
    return "".join(str(unicodedata.digit(c)) if c > "\x7f" and c.isdecimal() else c for c in folded)


def folded(text: str) -> str:
    """The same without regard to case and spaces."""
    return " ".join(plain(text).casefold().split())


def words(text: str) -> list[str]:
    """Its words; a Chinese character is one."""
    return WORD.findall(folded(text))


def shingles(text: str, size: int) -> set[tuple[str, ...]]:
    """Every run of that many words."""
    found = words(text)
    return {tuple(found[n : n + size]) for n in range(len(found) - size + 1)}


def sentences(text: str) -> list[str]:
    """Sentences and the rows of lists, each by itself."""
    return [part.strip() for part in SENTENCE_END.split(text) if part.strip()]


def strings(value: Any) -> Iterator[str]:
    """Every text and number inside of a value."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from strings(inner)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def decimal_of(value: Any) -> Decimal | None:
    """The number that a value is, however it is written; None when it is none."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        return Decimal(str(value).replace(",", "").removeprefix("SGD").strip())
    except InvalidOperation:
        return None


def check(
    scorer: str, *, faults: Iterable[str], good: str = "", turn: int | None = None
) -> Verdict:
    """One verdict: passed without faults, else with all of them as its reason."""
    found = list(dict.fromkeys(faults))
    return Verdict(scorer=scorer, passed=not found, reason="; ".join(found) or good, turn=turn)


def is_yes(step: Step) -> bool:
    """Whether the customer agrees, by what the case says of it: the service's word is on trial."""
    card = step.expect.card
    is_agreed = card is not None and card.status in ("confirmed", "approved", "committed")
    return step.button == "confirm" or "confirm" in step.expect.intents or is_agreed
