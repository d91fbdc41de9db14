"""Whether the reply sounds as its tone says: length, language, words, emoji, apologies."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

from evals.cases.schema import Case, Expect
from evals.outcome import Json, Outcome, Turn, Verdict
from evals.scorers.reading import (
    LISTED,
    came_with,
    check,
    folded,
    intents_in,
    sentences,
    steps,
    strings,
)
from tools.tone import EMOJI, speaks

EARNEST = ("complaint", "bad_news", "urgent")
LONGEST_SENTENCE, LONGEST_AVERAGE = 30, 20
FEWEST = 3  # sentences, of fewer an average says nothing
NO_WORD = re.compile(r"\W+")
CODES = re.compile(r"\b[A-Z]+-[\dA-Z-]+\b|\S*/documents/\S+|\S*@\S+")


def tone(case: Case, outcome: Outcome) -> Iterator[Verdict]:
    """One verdict for each reply that has a tone."""
    for number, step, turn in steps(case, outcome):
        manner = turn.state.get("tone")
        if turn.reply and manner:
            before = [earlier.reply for earlier in outcome.turns[: number - 1]]
            faults = [*_manner(turn, manner), *_apology(turn, manner, before)]
            faults += [*_language(turn, step.expect), *_words(turn.reply)]
            faults += _situation(manner, step.expect)
            good = f"{manner['situation']} in {manner['language']}"
            yield check("tone", faults=faults, good=good, turn=number)


def _situation(manner: Json, expect: Expect) -> list[str]:
    if expect.situation in (None, manner["situation"]):
        return []
    return [f"expected situation {expect.situation}, found {manner['situation']}"]


def _manner(turn: Turn, manner: Json) -> Iterator[str]:
    lines = [x for x in turn.reply.splitlines() if x.strip() and not LISTED.match(x)]
    most_lines = manner["max_lines"] * _things(turn)
    if len(lines) > most_lines:
        yield f"{len(lines)} lines, at most {most_lines}"
    most = 0 if manner["situation"] in EARNEST else manner["most_emoji"]
    if (emoji := len(EMOJI.findall(turn.reply))) > most:
        yield f"{emoji} emoji, at most {most}"
    if manner["language"] == "en":
        yield from _lengths(turn)


def _apology(turn: Turn, manner: Json, before: list[str]) -> Iterator[str]:
    """One that was said in this conversation need not be said again."""
    said = len(_apologies().findall(folded(turn.reply)))
    if said > 1:
        yield f"{said} apologies, at most one"
    is_due = manner["situation"] == "complaint"
    if is_due and not said and not _apologies().search(folded(" ".join(before))):
        yield "a complaint, and no apology"


def _things(turn: Turn) -> int:
    """How many things the reply tells: what answers each intent, and a card that it proposes."""
    is_card = came_with(turn, "card").get("status") == "proposed"
    return max(1, len(intents_in(turn))) + is_card


def _lengths(turn: Turn) -> Iterator[str]:
    """Own sentences only: a rule is quoted as it stands, and a row of a list is no sentence."""
    quoted = folded(" ".join(strings(turn.state.get("passages"))))
    own = [line for line in turn.reply.splitlines() if not LISTED.match(line)]
    said = [s for s in sentences("\n".join(own)) if folded(s) not in quoted]
    lengths = [len([w for w in CODES.sub("x", s).split() if NO_WORD.sub("", w)]) for s in said]
    if lengths and (longest := max(lengths)) > LONGEST_SENTENCE:
        yield f"a sentence of {longest} words: '{said[lengths.index(longest)]}'"
    if len(lengths) >= FEWEST and (average := sum(lengths) / len(lengths)) > LONGEST_AVERAGE:
        yield f"sentences of {average:.0f} words on average"


def _language(turn: Turn, expect: Expect) -> list[str]:
    screened = (turn.state.get("screened") or {}).get("language")
    wanted = expect.language or screened
    if not wanted or speaks(turn.reply, wanted):
        return []
    return [f"expected {wanted}, found '{turn.reply[:60]}'"]


def _words(reply: str) -> Iterator[str]:
    for kind in ("banned", "blame"):
        for found in _listed(kind).findall(reply):
            yield f"says '{found}'"


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((resources.files("evals.scorers") / "tone.toml").read_text("utf-8"))


@cache
def _listed(kind: str) -> re.Pattern[str]:
    either = "|".join(re.escape(word) for word in _table()[kind])
    return re.compile(rf"\b(?:{either})\b", re.IGNORECASE)


@cache
def _apologies() -> re.Pattern[str]:
    return re.compile("|".join(_table()["apology"].values()))
