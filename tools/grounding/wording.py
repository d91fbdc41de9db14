"""How much of a sentence the sources say: the weighed share of its words."""

import math
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib import resources

WORD = re.compile(r"[a-z]{3,}")
ENDINGS = re.compile(r"(?:ations?|ings?|ed|es|ly|s|e|y|ment|ies|ied)$")
SENTENCE = re.compile(r"(?<=[.!?])\s+|\n")
COMMON = frozenset(
    [
        "the",
        "and",
        "for",
        "you",
        "your",
        "our",
        "are",
        "can",
        "with",
        "this",
        "that",
        "have",
        "has",
        "will",
        "from",
        "not",
        "but",
        "they",
        "them",
        "than",
        "then",
        "its",
        "was",
        "were",
        "been",
        "would",
        "what",
        "which",
        "when",
        "there",
        "here",
        "into",
        "onto",
        "also",
        "please",
        "just",
        "any",
        "all",
        "each",
        "per",
        "let",
        "know",
        "may",
        "who",
        "how",
        "why",
        "too",
        "get",
        "got",
        "about",
        "only",
    ]
)


def stems(text: str) -> list[str]:
    """The content words of a text, without their endings."""
    return [ENDINGS.sub("", w) or w for w in WORD.findall(text.lower()) if w not in COMMON]


@cache
def _rarity() -> dict[str, float]:
    """How rare each word of the policies is: the inverse of the sections that use it."""
    sections = [
        section
        for file in sorted(resources.files("policies").iterdir(), key=lambda f: f.name)
        if file.name.endswith(".md")
        for section in file.read_text(encoding="utf-8").split("\n## ")
    ]
    used = Counter(stem for section in sections for stem in set(stems(section)))
    return {stem: math.log(1 + len(sections) / count) for stem, count in used.items()}


@cache
def known_words() -> frozenset[str]:
    """Every word of the policies in small letters."""
    texts = [
        f.read_text(encoding="utf-8") for f in resources.files("policies").iterdir() if f.is_file()
    ]
    return frozenset(w.lower() for text in texts for w in re.findall(r"[A-Za-z]+", text))


def parts(text: str) -> list[frozenset[str]]:
    """The words of each two neighbouring sentences of a source."""
    single = [frozenset(stems(s)) for s in SENTENCE.split(text)]
    return [a | b for a, b in zip(single, [*single[1:], frozenset()], strict=True)]


def overlap(text: str, sources: Iterable[frozenset[str]]) -> float:
    """The best share, by rarity, of a sentence's words that one source part holds."""
    words = set(stems(text))
    if not words:
        return 0.0
    rarity = _rarity()
    rarest = max(rarity.values())
    weights = {w: rarity.get(w, rarest) for w in words}
    whole = sum(weights.values())
    return max((sum(weights[w] for w in words & part) / whole for part in sources), default=0.0)
