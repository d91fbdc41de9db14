"""Misspelt words of a question, put right by the words that our own texts are written in."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache

from rapidfuzz.distance import OSA

from tools.search.texts import load_asked, load_policies

# A shorter word is one letter away from too many others.
SHORTEST, FEWEST = 4, 2
WORD = re.compile(r"[a-z]+")


class Spelling:
    """Knows the words of some texts, and how often they stand there."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._count: Mapping[str, int] = Counter(
            word for text in texts for word in WORD.findall(text.lower())
        )
        self._nearest = cache(self._found)

    def corrected(self, text: str) -> str:
        """The text in small letters; each word that is in no text becomes the likeliest one."""
        return re.sub(r"[^\W\d_]+", lambda match: self._nearest(match[0]), text.lower())

    def _found(self, word: str) -> str:
        if len(word) < SHORTEST or not word.isascii() or word in self._count:
            return word
        near = [known for known, count in self._count.items() if count >= FEWEST]
        near = [k for k in near if k[0] == word[0] and OSA.distance(k, word, score_cutoff=1) == 1]
        return max(near, key=lambda known: self._count[known], default=word)


@cache
def our_spelling() -> Spelling:
    """By the policies and the ways in which customers ask for them."""
    asked = [way for ways in load_asked().values() for way in ways]
    return Spelling([*(section.searchable for section in load_policies()), *asked])
