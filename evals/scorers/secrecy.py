"""Whether the log holds anything that a customer wrote or that names them. Hard."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from evals.cases.schema import Case
from evals.outcome import Outcome, Verdict
from evals.scorers.reading import check, folded, shingles, typed, words

FEWEST_WORDS = 4
SHORTEST_NAME = 5
# What lines are full of, and what digits in them mean nothing by themselves.
MEANINGLESS = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|[+-][\d:]+)?"
    r"|\b[0-9a-f]{32,}\b",
    re.IGNORECASE,
)
FORMS = {
    "an e-mail address": re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+"),
    "a phone number": re.compile(r"(?<![\w.])(?:\+?65[ -]?)?[689]\d{3}[ -]?\d{4}(?![\w.])"),
    "an NRIC": re.compile(r"\b[STFGM]\d{7}[A-Z]\b", re.IGNORECASE),
    "a token": re.compile(r"\beyJ[\w-]{10,}\.[\w-]+|(?i:bearer) [\w.-]{12,}"),
    "a document's link": re.compile(r"/documents/[A-Za-z0-9_-]{20,}"),
}
SHOWN = 100


def secrecy(case: Case, outcome: Outcome) -> Iterator[Verdict]:
    """One verdict for the whole conversation."""
    said = {*typed(outcome), *(step.user for step in case.turns if step.user)}
    faults = [fault for line in outcome.log for fault in _in_line(line, said)]
    faults += _named(folded("\n".join(outcome.log)), tuple(outcome.owned))
    yield check("secrecy", faults=faults, good=f"{len(outcome.log)} lines tell nothing")


def _in_line(line: str, said: Iterable[str]) -> Iterator[str]:
    read = MEANINGLESS.sub(" ", line)
    for name, pattern in FORMS.items():
        if found := pattern.search(read):
            yield f"the log has {name}: {_around(read, found.start())}"
    spoken = shingles(read, FEWEST_WORDS)
    for message in said:
        if shingles(message, FEWEST_WORDS) & spoken or _is_whole(message, read):
            yield f"the log has words of the customer: {_around(read, 0)}"


def _named(text: str, owned: tuple[str, ...]) -> Iterator[str]:
    """Who the customer is: any name, number or id of theirs."""
    for name in _names(owned):
        if _stands(name, text):
            yield f"the log names '{name}': {_around(text, text.find(name))}"


@lru_cache(maxsize=64)
def _names(owned: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(folded(name) for name in owned if len(name) >= SHORTEST_NAME)


def _is_whole(message: str, line: str) -> bool:
    """A short message, all of it: of single words only those that no line has of itself."""
    said = words(message)
    if not 1 < len(said) < FEWEST_WORDS:
        return False
    return tuple(said) in shingles(line, len(said))


def _stands(name: str, text: str) -> bool:
    return name in text and bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text))


def _around(text: str, start: int) -> str:
    return text[max(0, start - SHOWN // 2) : start + SHOWN]
