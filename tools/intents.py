"""The local intent classifier: nearest labelled utterances by sentence embedding."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np
from langchain_core.embeddings import Embeddings

NEIGHBOURS = 3
# Cosine similarity below which nothing we know is near, and above which a match is certain.
FAR, NEAR = 0.35, 0.75
SECOND_BEST = 0.60
MAX_PARTS = 6
PARTS = re.compile(r"(?<=[.!?;])\s+|\n+|\s+(?:and|also|plus)\s+(?=\w+\s+\w+)", re.IGNORECASE)


@dataclass(frozen=True)
class Scored:
    """An intent with a confidence between 0 and 1, and the part of the message that shows it."""

    intent: str
    confidence: float
    part: str


def load_utterances() -> dict[str, list[str]]:
    """The labelled utterances by intent."""
    text = resources.files("tools").joinpath("utterances.toml").read_text()
    return {intent: entry["examples"] for intent, entry in tomllib.loads(text).items()}


class IntentClassifier:
    """Finds the set of intents of a message; an empty answer means that nothing was near."""

    def __init__(self, embedder: Embeddings, utterances: Mapping[str, Sequence[str]]) -> None:
        self._embedder = embedder
        self._labels = np.array([i for i, texts in utterances.items() for _ in texts])
        self._intents = list(utterances)
        texts = [text for texts in utterances.values() for text in texts]
        self._vectors = np.array(embedder.embed_documents(texts), dtype=np.float32)

    async def classify(self, text: str) -> list[Scored]:
        """The intents of the whole message and of its parts, most confident first."""
        parts = parts_of(text)
        texts = [text, *parts] if len(parts) > 1 else [text]
        vectors = np.array(await self._embedder.aembed_documents(texts), dtype=np.float32)
        whole, *rest = [self._best(t, v) for t, v in zip(texts, vectors, strict=True)]
        likely = [s for s in rest if s.confidence >= SECOND_BEST]
        return _strongest(likely or [whole])

    def _best(self, text: str, vector: "np.ndarray[tuple[int], np.dtype[np.float32]]") -> Scored:
        similarity = self._vectors @ vector
        means = [
            float(np.sort(similarity[self._labels == intent])[-NEIGHBOURS:].mean())
            for intent in self._intents
        ]
        best = int(np.argmax(means))
        share = (means[best] - FAR) / (NEAR - FAR)
        return Scored(self._intents[best], round(min(max(share, 0.0), 1.0), 3), text)


def parts_of(text: str) -> list[str]:
    """The sentences and joined requests of a message."""
    return [p.strip() for p in PARTS.split(text) if p.strip()][:MAX_PARTS]


def _strongest(scored: Sequence[Scored]) -> list[Scored]:
    best: dict[str, Scored] = {}
    for one in scored:
        if one.intent not in best or one.confidence > best[one.intent].confidence:
            best[one.intent] = one
    return sorted(best.values(), key=lambda s: -s.confidence)
