"""Whether a reply gives away the instructions it was written by."""

import re
from functools import cache

from tools.grounding.claim import Claim

# As many words in a row are no coincidence.
WORDS = 8


def leaked(text: str, instructions: str) -> list[Claim]:
    """The runs of words that stand in the instructions too; empty when there is none."""
    words = _words(text)
    known = _runs(instructions)
    runs = (words[start : start + WORDS] for start in range(len(words) - WORDS + 1))
    return [Claim("leak", " ".join(run), " ".join(run)) for run in runs if tuple(run) in known][:1]


@cache
def _runs(instructions: str) -> frozenset[tuple[str, ...]]:
    words = _words(re.sub(r"\$\{\w+\}", " \u0001 ", instructions))
    return frozenset(tuple(words[n : n + WORDS]) for n in range(len(words) - WORDS + 1))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+|\u0001", text.lower())
