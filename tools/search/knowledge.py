"""Search in the company's policies: passages that fit a question, or none."""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence

from langchain_core.embeddings import Embeddings
from typing_extensions import TypedDict

from tools.search.chroma import Connect as Connect
from tools.search.chroma import open_chroma as open_chroma
from tools.search.glossary import in_english
from tools.search.hybrid_index import Entry, HybridIndex, Score
from tools.search.hybrid_index import IndexReport as IndexReport
from tools.search.spelling import Spelling
from tools.search.texts import ENGLISH, load_asked
from tools.search.texts import PolicySection as PolicySection
from tools.search.texts import load_policies as load_policies
from tools.search.texts import policy_values as policy_values
from tools.search.word_index import Split, WordIndex, characters, letters

COLLECTION = "policies"
TEXT_WEIGHT, ASKED_WEIGHT, WORDS_WEIGHT = 0.2, 0.4, 0.4
TRANSLATED_WEIGHT = 0.8  # of the words of the question's own language
# A question whose best score is under the floor finds nothing: it is no question at all. Then
# come passages down to a share of the best score.
FLOOR, WORST = 0.24, 0.5
# A question whose best score is under this may be misspelt.
DOUBTFUL = 0.45
# What holds for one material may be dangerous with another: the microwave is fine for PP, not for
# PLA. No section about products that does not name it answers.
MATERIALS = re.compile(r"(?<![a-z])(?:pla|rpet|pet|pp|bagasse)(?![a-z])")
ABOUT_PRODUCTS, NAMED = "products#", 0.1
# From here on a passage surely answers. Scores in the translations are of words alone, and lower.
CLEARLY = {"en": 0.45, "ms": 0.45, "zh": 0.34, "ta": 0.42}
SPLITS = {"zh": characters, "ms": letters, "ta": letters}


class Passage(TypedDict):
    """A section that fits a question; `score` is 0 to 1, `version` changes with the text."""

    id: str
    title: str
    section: str
    text: str
    source: str
    language: str
    score: float
    version: str


class Knowledge:
    """Finds policy sections by meaning (Chroma) and by words (BM25), weighed together.

    Both look at the text and at ways in which customers ask for it. A question in another
    language is searched in the translations, and in English by its glossary's words.
    """

    def __init__(
        self,
        connect: Connect,
        sections: Sequence[PolicySection],
        embedder: Embeddings,
        translations: Mapping[str, Sequence[PolicySection]] | None = None,
        asked: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
    ) -> None:
        if translations is None:
            translations = {language: load_policies(language) for language in SPLITS}
        if asked is None:
            asked = {language: load_asked(language) for language in (ENGLISH, *SPLITS)}
        self._sections = {section.id: section for section in sections}
        entries = _entries(sections, asked.get(ENGLISH, {}))
        self._index = HybridIndex(connect, entries, embedder, COLLECTION, letters)
        self._spelling = Spelling(entry.words for entry in entries.values())
        self._materials = {key: _materials(entry.body) for key, entry in entries.items()}
        self._translations = {
            language: {s.id: s for s in texts if s.id in self._sections}
            for language, texts in translations.items()
        }
        self._words = {
            language: _word_index(texts.values(), asked.get(language, {}), SPLITS[language])
            for language, texts in self._translations.items()
            if texts
        }

    async def search(self, query: str, k: int = 4, language: str = ENGLISH) -> list[Passage]:
        """The k best sections, best first, in the language asked for or else in English.

        Fewer, or none, when nothing fits; raises BackendUnavailable without Chroma.
        """
        return await asyncio.to_thread(self._search, query, k, language)

    async def index(self) -> IndexReport:
        """Bring Chroma up to date: embed what changed, then drop what is no longer there."""
        return await asyncio.to_thread(self._index.index)

    async def ping(self) -> None:
        """Raise BackendUnavailable unless the collection answers."""
        await asyncio.to_thread(self._index.ping)

    async def missing(self) -> int:
        """How much of the index Chroma does not hold; raises BackendUnavailable without it."""
        return await asyncio.to_thread(self._index.missing)

    def _search(self, query: str, k: int, language: str) -> list[Passage]:
        scores = self._scores(query, language)
        best = sorted(scores, key=scores.__getitem__, reverse=True)[:k]
        if not best or scores[best[0]] < FLOOR:
            return []
        worst = WORST * scores[best[0]]
        return [
            passage(self._section(key, language), scores[key])
            for key in best
            if scores[key] >= worst
        ]

    def _scores(self, query: str, language: str) -> dict[str, float]:
        english = in_english(query, language)
        scores = self._in_english(english)
        if language in self._words:
            own, share = self._words[language].shares(query), TRANSLATED_WEIGHT
            scores = {k: (1 - share) * s + share * own.get(k, 0.0) for k, s in scores.items()}
        elif _best(scores) < DOUBTFUL:
            scores = max(scores, self._as_meant(english), key=_best)
        return self._of_material(_materials(english), scores)

    def _in_english(self, query: str) -> dict[str, float]:
        return {key: fused(score) for key, score in self._index.search(query).items()}

    def _as_meant(self, query: str) -> dict[str, float]:
        """The scores of the query without its misspellings; none when it has none."""
        meant = self._spelling.corrected(query)
        return self._in_english(meant) if meant != query.lower() else {}

    def _of_material(self, named: set[str], scores: dict[str, float]) -> dict[str, float]:
        """More for the products of the material that the query names, and nothing for others."""
        about = [key for key in scores if named and key.startswith(ABOUT_PRODUCTS)]
        fits = {key: bool(named & self._materials[key]) for key in about}
        return scores | {key: scores[key] + NAMED if fits[key] else 0.0 for key in about}

    def _section(self, key: str, language: str) -> PolicySection:
        return self._translations.get(language, {}).get(key, self._sections[key])


def fused(score: Score) -> float:
    """One score of 0 to 1."""
    by_meaning = TEXT_WEIGHT * max(0.0, score.cosine) + ASKED_WEIGHT * max(0.0, score.asked)
    return by_meaning + WORDS_WEIGHT * score.words


def _best(scores: Mapping[str, float]) -> float:
    return max(scores.values(), default=0.0)


def _materials(text: str) -> set[str]:
    return set(MATERIALS.findall(text.lower()))


def _entries(
    sections: Iterable[PolicySection], asked: Mapping[str, Sequence[str]]
) -> dict[str, Entry]:
    return {s.id: Entry(s.section, s.text, tuple(asked.get(s.id, ()))) for s in sections}


def _word_index(
    sections: Iterable[PolicySection], asked: Mapping[str, Sequence[str]], split: Split
) -> WordIndex:
    entries = _entries(sections, asked)
    return WordIndex({key: entry.words for key, entry in entries.items()}, split)


def passage(section: PolicySection, score: float) -> Passage:
    """What a turn gets to see of a section."""
    return Passage(
        id=section.id,
        title=section.title,
        section=section.section,
        text=section.text,
        source=section.source,
        language=section.language,
        score=round(score, 4),
        version=section.version,
    )
