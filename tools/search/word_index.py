"""Search by words: BM25 over texts held in memory, by stems or by what words are written with."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources

SATURATION, LENGTH_SHARE = 1.2, 0.75  # BM25's usual k1 and b
LETTERS = (3, 4)  # lengths of the groups of letters that forms and misspellings of a word share

Split = Callable[[str], list[str]]


class WordIndex:
    """Texts by key, scored by the words they share with a query."""

    def __init__(self, texts: Mapping[str, str], split: Split) -> None:
        self._split = split
        self._keys = tuple(texts)
        counts = [Counter(self._split(text)) for text in texts.values()]
        average = sum(c.total() for c in counts) / max(1, len(texts)) or 1.0
        self._held: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, count in enumerate(counts):
            length = 1 - LENGTH_SHARE + LENGTH_SHARE * count.total() / average
            for word, times in count.items():
                weight = times * (SATURATION + 1) / (times + SATURATION * length)
                self._held[word].append((number, weight))

    def scores(self, query: str) -> dict[str, float]:
        """The BM25 score of every text; 0 where no word is shared."""
        totals = [0.0] * len(self._keys)
        for word in set(self._split(query)) & self._held.keys():
            rarity = self._rarity(word)
            for number, weight in self._held[word]:
                totals[number] += rarity * weight
        return dict(zip(self._keys, totals, strict=True))

    def shares(self, query: str) -> dict[str, float]:
        """The same from 0 to 1: how much of the query's words, by their rarity, a text holds."""
        ideal = sum(self._rarity(word) for word in set(self._split(query)))
        scores = self.scores(query)
        return {key: score / (ideal * (SATURATION + 1) or 1.0) for key, score in scores.items()}

    def _rarity(self, word: str) -> float:
        held = len(self._held[word]) if word in self._held else 0
        return math.log(1 + (len(self._keys) - held + 0.5) / (held + 0.5))


def stems(text: str) -> list[str]:
    """Words without the endings that change with grammar: cancelled, cancellation -> cancel."""
    words = re.findall(r"\w+", text.lower())
    return [_stem(word) for word in words if word not in _stop_words()]


def characters(text: str) -> list[str]:
    """Chinese characters and pairs of neighbours, and words and figures in Latin letters."""
    runs = re.findall(r"[\u3400-\u9fff]+|[a-z0-9]+", text.lower())
    return [part for run in runs for part in ([run] if run.isascii() else _pairs(run))]


def letters(text: str) -> list[str]:
    """Groups of neighbouring letters of each word, which knows where it begins and ends."""
    # \w leaves out the vowel signs that a Tamil word is written with.
    words = re.findall(r"[\w\u0b80-\u0bff]+", text.lower())
    return [part for word in words for size in LETTERS for part in _groups(f"^{word}$", size)]


def _pairs(run: str) -> list[str]:
    return [*run, *_groups(run, 2)]


def _groups(run: str, size: int) -> list[str]:
    return [run[start : start + size] for start in range(len(run) - size + 1)]


def _stem(word: str) -> str:
    cut = re.sub(r"(?<=\w{3})(ations?|ments?|ings?|ies|ed|es|e|s|y)$", "", word)
    return cut[:-1] if len(cut) > 4 and cut != word and cut[-1] == cut[-2] else cut


@cache
def _stop_words() -> frozenset[str]:
    text = (resources.files("tools.search") / "stop_words.txt").read_text(encoding="utf-8")
    return frozenset(text.split())
