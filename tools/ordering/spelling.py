"""Misspelt days, numbers and units of written orders."""

from functools import lru_cache

from rapidfuzz.distance import OSA

from tools.ordering.words import ALIASES, FILLER, MALAY, OTHER_WORDS, SPELLING

SHORT, LONG = 6, 8


@lru_cache(maxsize=4096)
def nearest(word: str) -> str:
    """The known word that a lower-case one is a letter or two from; empty when there is none."""
    known = SPELLING | OTHER_WORDS | FILLER
    if word in known or word.removesuffix("s") in known or word in MALAY or word in ALIASES:
        return ""
    most = 2 if len(word) >= LONG else 1
    near = [
        k
        for k in SPELLING
        if k[0] == word[0] and len(k) + (k[-1] == word[-1]) >= SHORT and _is_near(k, word, most)
    ]
    return near[0] if len(near) == 1 else ""


def _is_near(known: str, word: str, most: int) -> bool:
    return OSA.distance(known, word, score_cutoff=most) <= most
