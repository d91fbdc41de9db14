"""Search by words: BM25 over a few dozen texts held in memory."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

SATURATION, LENGTH_SHARE = 1.2, 0.75  # BM25's usual k1 and b


class WordIndex:
    """Texts by key, scored by the words they share with a query."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._counts = {key: Counter(stems(text)) for key, text in texts.items()}
        self._average = sum(c.total() for c in self._counts.values()) / max(1, len(texts))
        held_by = Counter(stem for counts in self._counts.values() for stem in counts)
        self._rarity = {
            stem: math.log(1 + (len(texts) - held + 0.5) / (held + 0.5))
            for stem, held in held_by.items()
        }

    def scores(self, query: str) -> dict[str, float]:
        """The BM25 score of every text; 0 where no word is shared."""
        wanted = [stem for stem in set(stems(query)) if stem in self._rarity]
        return {key: self._score(wanted, counts) for key, counts in self._counts.items()}

    def _score(self, wanted: Sequence[str], counts: Counter[str]) -> float:
        length = 1 - LENGTH_SHARE + LENGTH_SHARE * counts.total() / self._average
        return sum(
            self._rarity[s] * counts[s] * (SATURATION + 1) / (counts[s] + SATURATION * length)
            for s in wanted
        )


def stems(text: str) -> list[str]:
    """Words without the endings that change with grammar: cancelled, cancellation -> cancel."""
    return [_stem(word) for word in re.findall(r"\w+", text.lower())]


def _stem(word: str) -> str:
    cut = re.sub(r"(?<=\w{3})(ations?|ments?|ings?|ies|ed|es|e|s|y)$", "", word)
    return cut[:-1] if len(cut) > 4 and cut != word and cut[-1] == cut[-2] else cut
