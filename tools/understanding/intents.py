"""The local intent classifier: a linear model over letter n-grams and the sentence embedding.

The weights are fitted by `make train-intents` from the labelled utterances beside this file.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import chain, pairwise
from typing import cast

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# Below this the local answer is not believed: the model is asked, or the customer.
# Chosen with `make bench-intents`: where fewer questions to the model begin to cost accuracy.
SURE = 0.5
# A part of a message shows an intent of its own only when it is clearer than that.
CLEAR = 0.6
FEWEST_WORDS, FEWEST_SIGNS = 3, 4  # "how much?" alone asks nothing
# Of a message that is mostly letters in an order never seen, nothing is believed.
FAMILIAR, STRANGE = 0.5, 0.4
OUTSIDE = "out_of_scope"
MAX_PARTS = 8
MOST_WORDS = 400
PARTS = re.compile(
    r"(?<=[.!?;])\s+|(?<=[。！？；，])|\n+|,\s+(?=\S+\s+\S+)"
    r"|\s+(?:and|also|plus|then|but|dan|juga)\s+(?=\S+\s+\S+)",
    re.IGNORECASE,
)
LENGTHS = range(1, 6)
FIRST_OTHER = 0x250  # the first letter behind the Latin blocks of Unicode
MOSTLY = 0.6


@dataclass(frozen=True)
class Scored:
    """An intent with a confidence between 0 and 1, and the part of the message that shows it."""

    intent: str
    confidence: float
    part: str


@dataclass(frozen=True)
class Weights:
    """What training found: one column an intent, a row for each n-gram and embedding number."""

    intents: tuple[str, ...]
    columns: Mapping[str, int]
    rarity: Floats
    lexical: Floats
    dense: Floats
    bias: Floats
    temperature: float
    source: str


def load_utterances() -> dict[str, list[str]]:
    """The labelled utterances by intent: one a line, each with its line breaks."""
    folder = resources.files("tools.understanding") / "utterances"
    files = sorted(f.name for f in folder.iterdir() if f.name.endswith(".txt"))
    return {name.removesuffix(".txt"): _lines((folder / name).read_text("utf-8")) for name in files}


def _lines(text: str) -> list[str]:
    return [line.replace("\\n", "\n") for line in text.splitlines() if line.strip()]


def utterances_hash(utterances: Mapping[str, Sequence[str]]) -> str:
    """Names the data that weights were fitted on, so that stale weights are noticed."""
    texts = chain.from_iterable((intent, *texts) for intent, texts in sorted(utterances.items()))
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


@cache
def load_weights() -> Weights:
    """The fitted weights of `intents.npz`."""
    with (
        (resources.files("tools.understanding") / "intents.npz").open("rb") as file,
        np.load(file) as stored,
    ):
        grams = cast(list[str], stored["grams"].tolist())
        return Weights(
            intents=tuple(stored["intents"].tolist()),
            columns={gram: n for n, gram in enumerate(grams)},
            rarity=stored["rarity"].astype(np.float32),
            lexical=stored["lexical"].astype(np.float32),
            dense=stored["dense"].astype(np.float32),
            bias=stored["bias"].astype(np.float32),
            temperature=float(stored["temperature"]),
            source=str(stored["source"]),
        )


def grams_of(text: str) -> list[str]:
    """The letter n-grams of each word, and the words themselves and in pairs."""
    words = _words(text)
    pairs = [f"{a}_{b}" for a, b in pairwise(words)]
    return [*letter_grams(text, LENGTHS), *(f"_{w}" for w in words), *pairs]


def letter_grams(text: str, lengths: Iterable[int]) -> list[str]:
    """The runs of letters of those lengths in each word, with its beginning and end."""
    return [
        padded[start : start + n]
        for padded in (f" {word} " for word in _words(text))
        for n in lengths
        for start in range(len(padded) - n + 1)
    ]


def _words(text: str) -> list[str]:
    """Words, and marks that ask or exclaim; every number is the same word."""
    return re.findall(r"\w+|[?!]", re.sub(r"\d+", "0", text.lower()))[:MOST_WORDS]


def is_latin(text: str) -> bool:
    """Whether a text is mostly in Latin letters: the embedding says nothing about others."""
    letters = [c for c in text if c.isalpha()]
    return sum(ord(c) < FIRST_OTHER for c in letters) >= MOSTLY * len(letters)


class IntentClassifier:
    """Finds the set of intents of a message, each with a calibrated confidence."""

    def __init__(self, embedder: Embeddings, weights: Weights) -> None:
        self._embedder = embedder
        self._weights = weights

    async def classify(self, text: str) -> list[Scored]:
        """The intents of the message and of its clear parts, that of the whole message first."""
        parts = parts_of(text)
        texts = [text, *parts] if len(parts) > 1 else [text]
        vectors = np.array(await self._embedder.aembed_documents(texts), dtype=np.float32)
        whole, *rest = [self.best(t, v) for t, v in zip(texts, vectors, strict=True)]
        clear = [
            s
            for s in rest
            if s.confidence >= CLEAR and s.intent != OUTSIDE and _says_something(s.part)
        ]
        return _in_order(whole, clear)

    def best(self, text: str, vector: Floats) -> Scored:
        """The most likely intent of one text."""
        chances = self.chances(text, vector)
        best = int(np.argmax(chances))
        confidence = float(chances[best])
        if self._is_strange(text):
            confidence = min(confidence, STRANGE)
        return Scored(self._weights.intents[best], round(confidence, 3), text)

    def _is_strange(self, text: str) -> bool:
        """Whether most of what is written was never seen: "asdf" is no greeting."""
        seen = [gram in self._weights.columns for gram in letter_grams(text, (3, 4))]
        return is_latin(text) and sum(seen) < FAMILIAR * max(1, len(seen))

    def chances(self, text: str, vector: Floats) -> Floats:
        """One probability an intent, summing to 1."""
        weights = self._weights
        dense = vector @ weights.dense if is_latin(text) else 0.0
        logits = dense + self._lexical(text) + weights.bias
        scaled = (logits - logits.max()) / weights.temperature
        chances: Floats = np.exp(scaled) / np.exp(scaled).sum()
        return chances

    def _lexical(self, text: str) -> Floats:
        weights = self._weights
        counted = Counter(g for g in grams_of(text) if g in weights.columns)
        if not counted:
            return np.zeros(len(weights.intents), np.float32)
        rows = np.array([weights.columns[gram] for gram in counted])
        values = (1 + np.log(np.array(list(counted.values()), np.float32))) * weights.rarity[rows]
        values /= np.linalg.norm(values)
        product: Floats = values @ weights.lexical[rows]
        return product


def parts_of(text: str) -> list[str]:
    """The sentences and joined requests of a message."""
    return [p.strip() for p in PARTS.split(text) if p.strip()][:MAX_PARTS]


def _says_something(part: str) -> bool:
    """Whether a part is long enough to stand for itself."""
    if is_latin(part):
        return len(part.split()) >= FEWEST_WORDS
    return len(part) >= FEWEST_SIGNS


def _in_order(whole: Scored, parts: Sequence[Scored]) -> list[Scored]:
    """Each intent once, with the clearest part that shows it."""
    best = {one.intent: one for one in sorted(parts, key=lambda s: s.confidence)}
    if whole.confidence < SURE and best:
        return sorted(best.values(), key=lambda s: -s.confidence)
    first = max(whole, best.pop(whole.intent, whole), key=lambda s: s.confidence)
    return [first, *sorted(best.values(), key=lambda s: -s.confidence)]
