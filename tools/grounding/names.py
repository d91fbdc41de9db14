"""Names of people and companies that no source of the turn knows, and shouted words."""

import re
from collections.abc import Iterator
from functools import cache

from tools.grounding.claim import Claim
from tools.grounding.evidence import Evidence
from tools.grounding.numbers import data
from tools.grounding.wording import known_words

_WORDS = data("names")
_CAPITAL = r"[A-Z][A-Za-zÀ-ÿ'-]*[a-zà-ÿ](?![A-Za-z])"
PAIR = re.compile(
    rf"(?<![A-Za-z]){_CAPITAL}(?:\s(?:[A-Z]\.|of|&|bin|binte|{_CAPITAL}))*\s(?:{_CAPITAL}|{'|'.join(_WORDS['company'])})(?![A-Za-z])"
)
SHOUTED = re.compile(r"(?<![A-Za-z0-9-])[A-Z]{5,}(?![A-Za-z0-9-])")
GREETING = re.compile(
    r"(?:^|[\n.!]\s*)(?:hi|hello|dear|hey|thanks|thank you|regards|sorry|welcome|good (?:morning|afternoon|evening)),?\s*$",  # noqa: E501
    re.IGNORECASE,
)


START = re.compile(r"(?:^|[.!?:\n-])\s*$")


@cache
def _known() -> frozenset[str]:
    return known_words() | frozenset(w.lower() for w in _WORDS["known"])


def strangers(text: str, evidence: Evidence) -> Iterator[Claim]:
    """Names that stand in no source."""
    for match in PAIR.finditer(text):
        words = re.findall(r"[A-Za-zÀ-ÿ]+", match[0])
        if START.search(text[: match.start()]):  # its capital letter says nothing
            words = words[1:]
        unknown = [
            w for w in words if w.lower() not in _known() and w.lower() not in evidence.words
        ]
        is_known = match[0].lower() in evidence.whole or not unknown
        if not is_known and not GREETING.search(text[: match.start()]):
            yield Claim("name", match[0].lower(), match[0], "", match.start(), match.end())
    for match in SHOUTED.finditer(text):
        if match[0].lower() not in _known() and match[0].lower() not in evidence.words:
            yield Claim("name", match[0].lower(), match[0], "", match.start(), match.end())
