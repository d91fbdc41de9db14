"""The output gate: a sentence may leave only when all that it claims has a source.

Claims are compared by value, not by spelling: "$1,296" is 1296.00, "3 Dec" is that day.
"""

import itertools
from collections.abc import Iterator, Sequence
from datetime import date

from tools.grounding.claim import Claim
from tools.grounding.claims import claims
from tools.grounding.clock import NAMES
from tools.grounding.evidence import Evidence, normal
from tools.grounding.names import strangers
from tools.grounding.numbers import plain
from tools.grounding.promises import misdated, promises
from tools.grounding.records import misplaced
from tools.grounding.sentences import sentences_of

ADJACENT = 3
WORDLESS = frozenset({"number", "time", "date", "weekday", "money", "id"})


def unsupported(text: str, evidence: Evidence) -> list[Claim]:
    """The claims of a text that have no source; empty when it may leave."""
    found = [
        claim
        for sentence in sentences_of(text)
        if normal(sentence) not in evidence.verbatim
        for claim in _in_sentence(evidence.unaddressed(sentence), evidence)
    ]
    return list(dict.fromkeys(found))


def _in_sentence(sentence: str, evidence: Evidence) -> Iterator[Claim]:
    found = claims(sentence, evidence.now)
    bare = [c for c in found if not evidence.supports(c)]
    yield from bare
    yield from strangers(plain(sentence), evidence)
    yield from promises(_without_counts(plain(sentence), found), evidence)
    yield from _wrong_weekdays(plain(sentence), found, evidence)
    yield from misdated(plain(sentence), found, evidence)
    if not evidence.is_loose:
        sound = [c for c in found if c not in bare]
        yield from misplaced(plain(sentence), sound, evidence)


def _without_counts(text: str, found: Sequence[Claim]) -> str:
    """The words of a sentence alone: its figures are judged by value."""
    for claim in found:
        if claim.kind in WORDLESS:
            text = text[: claim.start] + " " * (claim.end - claim.start) + text[claim.end :]
    return text


def _wrong_weekdays(text: str, found: Sequence[Claim], evidence: Evidence) -> Iterator[Claim]:
    """A weekday beside a date must be the weekday of that date."""
    paired: set[Claim] = set()
    for first, second in itertools.pairwise(found):
        gap = text[first.end : second.start]
        if {first.kind, second.kind} != {"date", "weekday"} or len(gap) > ADJACENT:
            continue
        day, weekday = (first, second) if first.kind == "date" else (second, first)
        if weekday.value not in NAMES or first in paired or ")" in gap:
            continue
        paired.add(second)
        days = [d for reading in day.readings for d in evidence.every.days_like(reading)]
        if days and weekday.value not in {NAMES[date.fromisoformat(d).weekday()] for d in days}:
            yield weekday
