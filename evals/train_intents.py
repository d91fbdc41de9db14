"""Fits the weights of the local intent classifier and stores them beside its utterances.

One linear support vector machine over tf-idf of letter n-grams and the MiniLM vector. Nothing of
the held-out rows is fitted but two numbers, on every second one of them: the temperature that
makes confidences honest, and how much more certain "out of scope" has to be than it thinks.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from graph.settings import environment
from tools.embedded.minilm import build_minilm
from tools.search.embedder import Embedder
from tools.understanding.intents import (
    OUTSIDE,
    grams_of,
    is_latin,
    load_utterances,
    utterances_hash,
)

TARGET = Path(__file__).parent.parent / "tools" / "understanding" / "intents.npz"
HELD_OUT = Path(__file__).parent / "bench" / "data"
MOST_GRAMS = 30_000
DENSE_SCALE = 0.8
STRENGTH = 1.0
LARGEST_LOSS = 0.025

Floats = NDArray[np.floating]


def main() -> None:
    """Fit, calibrate, store."""
    utterances = load_utterances()
    texts = [t for found in utterances.values() for t in found]
    labels = np.array([intent for intent, found in utterances.items() for _ in found])
    embedder = Embedder(build_minilm(Path(environment().get("TRIA_DATA", ".tria")) / "minilm"))
    vectorizer = TfidfVectorizer(
        analyzer=grams_of, sublinear_tf=True, max_features=MOST_GRAMS, min_df=2
    )
    lexical = vectorizer.fit_transform(texts)
    machine = LinearSVC(C=STRENGTH).fit(hstack([lexical, _dense(embedder, texts)]), labels)
    intents = machine.classes_

    rows = [r for n in ("intents", "intents_foreign") for r in _every_second(n)]
    asked = [row["text"] for row in rows]
    logits = machine.decision_function(
        hstack([vectorizer.transform(asked), _dense(embedder, asked)])
    )
    outside = int(np.flatnonzero(intents == OUTSIDE)[0])
    offset = float(np.quantile(_margins(logits, outside), 1 - LARGEST_LOSS))
    logits[:, outside] -= offset
    temperature = _temperature(logits, intents, [row["intents"] for row in rows])
    columns = machine.coef_.T
    np.savez_compressed(
        TARGET,
        intents=intents,
        grams=np.array(vectorizer.get_feature_names_out().tolist()),
        rarity=vectorizer.idf_.astype(np.float16),
        lexical=columns[: lexical.shape[1]].astype(np.float16),
        dense=(DENSE_SCALE * columns[lexical.shape[1] :]).astype(np.float16),
        bias=machine.intercept_ - offset * (intents == OUTSIDE),
        temperature=temperature,
        source=utterances_hash(utterances),
    )
    print(f"{len(texts)} utterances; offset {offset:.2f}, temperature {temperature:.2f};", end=" ")
    print(f"{TARGET.name} has {TARGET.stat().st_size / 1e6:.1f} MB")


def _dense(embedder: Embedder, texts: list[str]) -> csr_matrix:
    """The embeddings, scaled; zero where the language is not one that the embedder knows."""
    known = np.array([[DENSE_SCALE * is_latin(text)] for text in texts])
    return csr_matrix(embedder.vectors(texts) * known)


def _every_second(name: str) -> list[dict[str, Any]]:
    lines = (HELD_OUT / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines[::2]]


def _margins(logits: Floats, column: int) -> Floats:
    """By how much one column is above the best of the others."""
    margins: Floats = logits[:, column] - np.delete(logits, column, axis=1).max(axis=1)
    return margins


def _temperature(logits: Floats, intents: NDArray[np.str_], truth: list[list[str]]) -> float:
    """The divisor of the logits under which the right intents are most likely."""
    rights = np.array([[intent in names for intent in intents] for names in truth])
    candidates = np.linspace(0.05, 1.5, 59)
    return float(min(candidates, key=lambda t: _loss(logits / t, rights)))


def _loss(logits: Floats, rights: NDArray[np.bool_]) -> float:
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    return float(-np.log((chances * rights).sum(axis=1)).mean())


if __name__ == "__main__":
    main()
