"""Search in the company's policies: passages that fit a question, or none."""

import asyncio
from collections.abc import Mapping, Sequence

from langchain_core.embeddings import Embeddings
from typing_extensions import TypedDict

from tools.chroma import Connect as Connect
from tools.chroma import open_chroma as open_chroma
from tools.glossary import in_english
from tools.hybrid_index import Entry, Found, HybridIndex, Score
from tools.hybrid_index import IndexReport as IndexReport
from tools.policy_texts import ENGLISH, load_off_topic
from tools.policy_texts import PolicySection as PolicySection
from tools.policy_texts import load_policies as load_policies
from tools.policy_texts import policy_values as policy_values
from tools.word_index import WordIndex, bigrams, prefixes

COLLECTION = "policies"
DENSE_WEIGHT = 0.6
TRANSLATED_WEIGHT = 0.5  # of the words of the question's own language
# A question finds nothing unless its best score reaches FLOOR plus a share of its cosine to the
# nearest off-topic sentence; then come passages down to a share of that score.
OFF_TOPIC_WEIGHT, FLOOR, WORST = 0.35, 0.155, 0.5
SPLITS = {"zh": bigrams, "ms": prefixes, "ta": prefixes}


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

    A question in another language is searched in the translations, and in English by its
    glossary's words. What is nearer to the off-topic sentences finds nothing.
    """

    def __init__(
        self,
        connect: Connect,
        sections: Sequence[PolicySection],
        embedder: Embeddings,
        translations: Mapping[str, Sequence[PolicySection]] | None = None,
        off_topic: Sequence[str] | None = None,
    ) -> None:
        if translations is None:
            translations = {language: load_policies(language) for language in SPLITS}
        if off_topic is None:
            off_topic = load_off_topic()
        self._sections = {section.id: section for section in sections}
        entries = {s.id: Entry(s.section, s.text) for s in sections}
        self._index = HybridIndex(connect, entries, embedder, COLLECTION, off_topic)
        self._translations = {
            language: {s.id: s for s in texts if s.id in self._sections}
            for language, texts in translations.items()
        }
        self._words = {
            language: WordIndex({s.id: s.searchable for s in texts.values()}, SPLITS[language])
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

    def _search(self, query: str, k: int, language: str) -> list[Passage]:
        found = self._index.search(in_english(query, language))
        scores = self._scores(found, query, language)
        least = FLOOR + OFF_TOPIC_WEIGHT * max(0.0, found.off_topic)
        best = sorted(scores, key=scores.__getitem__, reverse=True)[:k]
        if not best or scores[best[0]] < least:
            return []
        worst = WORST * scores[best[0]]
        return [
            passage(self._section(key, language), scores[key])
            for key in best
            if scores[key] >= worst
        ]

    def _scores(self, found: Found, query: str, language: str) -> dict[str, float]:
        scores = {key: fused(score) for key, score in found.scores.items()}
        if language not in self._words:
            return scores
        own, share = self._words[language].shares(query), TRANSLATED_WEIGHT
        return {k: (1 - share) * score + share * own.get(k, 0.0) for k, score in scores.items()}

    def _section(self, key: str, language: str) -> PolicySection:
        return self._translations.get(language, {}).get(key, self._sections[key])


def fused(score: Score) -> float:
    """One score of 0 to 1 from a cosine and a share of words."""
    return DENSE_WEIGHT * max(0.0, score.cosine) + (1 - DENSE_WEIGHT) * score.words


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
