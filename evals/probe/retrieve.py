"""Search in any folder of texts with the policies' search: Markdown files, or documents as lines.

A row asks `{"query": ...}` and gets `{"ids": [...]}`, best first. Documents are named by their
own id; sections of Markdown by file-stem#slug, and a file without headings by its stem.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from langchain_core.embeddings import Embeddings
from typing_extensions import override

from tools.search.chroma import open_chroma
from tools.search.hybrid_index import Entry, HybridIndex
from tools.search.knowledge import fused
from tools.search.texts import PolicyTemplate, policy_values

COLLECTION = "corpus"
MOST_IDS = 100
MOST_PIECES = 24_000  # embedded in about three minutes
PIECE_STEP = 120  # words, see tools/search/hybrid_index.py
LEAST_WORDS = 160
THREADS = 2
HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
NOT_DOCUMENTS = ("queries", "qrels")


class Corpus:
    """Documents of a folder, indexed in a Chroma of their own that ends with this object."""

    def __init__(self, documents: Mapping[str, Entry], embedder: Embeddings) -> None:
        self._folder = TemporaryDirectory(prefix="corpus-", ignore_cleanup_errors=True)
        connect = open_chroma(None, Path(self._folder.name))
        entries = _shortened(documents)
        self._index = HybridIndex(connect, entries, _InThreads(embedder), COLLECTION)
        self._index.index()

    def __enter__(self) -> "Corpus":
        return self

    def __exit__(self, *exc: object) -> None:
        self._folder.cleanup()

    def ids(self, query: str, most: int = MOST_IDS) -> list[str]:
        """The ids of the documents that fit best, best first."""
        scores = {key: fused(score) for key, score in self._index.search(query).items()}
        return sorted(scores, key=scores.__getitem__, reverse=True)[:most]

    def retrieve_row(self, row: Mapping[str, Any]) -> dict[str, list[str]]:
        """Answer one row of the probe."""
        return {"ids": self.ids(str(row["query"]))}


def open_corpus(folder: Path, embedder: Embeddings) -> Corpus:
    """Index a folder; raises ValueError when it holds no documents."""
    documents = dict(documents_of(folder))
    if not documents:
        raise ValueError(f"{folder} holds no Markdown and no JSON-lines documents")
    return Corpus(documents, embedder)


def documents_of(folder: Path) -> Iterator[tuple[str, Entry]]:
    """Every document with its id; of a folder with files the subfolders are left out."""
    files = [f for f in sorted(folder.glob("*")) if f.suffix in {".md", ".jsonl"}]
    for file in files or sorted(folder.rglob("*")):
        if file.suffix == ".md":
            yield from _sections(file)
        elif file.suffix == ".jsonl" and not file.stem.startswith(NOT_DOCUMENTS):
            yield from _lines(file)


def _lines(file: Path) -> Iterator[tuple[str, Entry]]:
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.strip():
            row = json.loads(line)
            key = row["_id"] if "_id" in row else row["id"]
            yield str(key), Entry(str(row.get("title") or ""), str(row.get("text") or ""))


def _sections(file: Path) -> Iterator[tuple[str, Entry]]:
    written = file.read_text(encoding="utf-8", errors="replace")
    text = PolicyTemplate(written).safe_substitute(policy_values())
    before, *parts = HEADING.split(text)
    if not parts:
        yield file.stem, Entry("", text.strip())
        return
    if before.strip():
        yield file.stem, Entry("", before.strip())
    for heading, body in zip(parts[::2], parts[1::2], strict=True):
        if body.strip():
            yield f"{file.stem}#{_slug(heading)}", Entry(heading, body.strip())


def _slug(heading: str) -> str:
    return re.sub(r"[\W_]+", "-", heading.lower()).strip("-")


def _shortened(documents: Mapping[str, Entry]) -> dict[str, Entry]:
    """The documents, long ones cut where the whole would take too long to embed."""
    pieces = sum(1 + len(entry.body.split()) // PIECE_STEP for entry in documents.values())
    if pieces <= MOST_PIECES:
        return dict(documents)
    words = max(LEAST_WORDS, PIECE_STEP * MOST_PIECES // len(documents))
    return {
        key: Entry(entry.head, " ".join(entry.body.split()[:words]))
        for key, entry in documents.items()
    }


class _InThreads(Embeddings):
    """The embedder on two threads, which says on stderr how far it is."""

    def __init__(self, embedder: Embeddings) -> None:
        self._embedder = embedder
        self._threads = ThreadPoolExecutor(THREADS)
        self._done = 0

    @override
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        shares = [texts[start::THREADS] for start in range(THREADS)]
        found = list(self._threads.map(self._embedder.embed_documents, shares))
        before, self._done = self._done, self._done + len(texts)
        if before // 1000 < self._done // 1000:
            print(f"{self._done} pieces embedded", file=sys.stderr, flush=True)
        return list(_interleaved(found, len(texts)))

    @override
    def embed_query(self, text: str) -> list[float]:
        return self._embedder.embed_query(text)


def _interleaved(shares: list[list[list[float]]], count: int) -> Iterable[list[float]]:
    return (shares[number % THREADS][number // THREADS] for number in range(count))
