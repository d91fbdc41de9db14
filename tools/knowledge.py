"""The company's policies: loaded with their numbers filled in, indexed in Chroma, searched."""

import asyncio
import calendar
import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from string import Template
from typing import TypeVar
from urllib.parse import urlsplit

import chromadb
import httpx
from chromadb.api import ClientAPI
from chromadb.api.fastapi import FastAPI
from chromadb.config import Settings
from chromadb.errors import ChromaError
from langchain_chroma import Chroma
from langchain_core.embeddings import Embeddings
from typing_extensions import TypedDict

from tools.catalogue import load_catalogue
from tools.errors import BackendUnavailable
from tools.rules import rules_values
from tools.word_index import WordIndex

COLLECTION = "policies"
CHROMA_SECONDS = 3.0
REST_SECONDS = 10.0  # how long a server that did not answer in time is left alone
BATCH = 32
DENSE_WEIGHT = 0.7  # measured on tests/policies/questions.toml
HALF_SCORE = 16.0  # the BM25 score that counts as half a match
WEEKDAYS = dict(zip(calendar.day_abbr, calendar.day_name, strict=True))

Connect = Callable[[], ClientAPI]
Result = TypeVar("Result")


class Passage(TypedDict):
    """A section that fits a question; `score` is 0 to 1, `version` changes with the text."""

    id: str
    title: str
    section: str
    text: str
    source: str
    score: float
    version: str


@dataclass(frozen=True)
class PolicySection:
    """A section of a policy, able to stand alone; `id` is the file's stem # the heading's slug."""

    id: str
    title: str
    section: str
    text: str
    source: str

    @property
    def searchable(self) -> str:
        """What is indexed: the text under its heading."""
        return f"{self.section}. {self.text}"

    @property
    def version(self) -> str:
        """The first 12 hex digits of the content's hash."""
        return hashlib.sha256(self.searchable.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class IndexReport:
    """How many sections an indexing run embedded, dropped and left alone."""

    added: int
    removed: int
    unchanged: int


class PolicyTemplate(Template):
    """`${section.key}` and `${product.CODE.price}`."""

    idpattern = r"[A-Za-z0-9_.-]+"


@cache
def load_policies() -> tuple[PolicySection, ...]:
    """Every section of policies/*.md. A placeholder without a value raises KeyError."""
    values = policy_values()
    files = sorted(resources.files("policies").iterdir(), key=lambda file: file.name)
    return tuple(
        section
        for file in files
        if file.name.endswith(".md")
        for section in _sections(file.name, file.read_text(encoding="utf-8"), values)
    )


def policy_values() -> dict[str, str]:
    """What the texts may quote, as customers read it: 10,000, 2 hours, Tuesday."""
    values = {key: _readable(key, value) for key, value in rules_values().items()}
    for product in load_catalogue().products:
        prefix = f"product.{product.code}"
        values[f"{prefix}.name"] = product.name
        values[f"{prefix}.size"] = product.size
        values[f"{prefix}.price"] = str(product.list_price)
        values[f"{prefix}.pack"] = f"{product.pack} of {product.pack_size:,}"
    return values


def _readable(key: str, value: str) -> str:
    if key.endswith("_minutes"):
        return _duration(int(value))
    if value.isdecimal() and not key.endswith("_year"):
        return f"{int(value):,}"
    words = value.split(", ")
    return ", ".join(WEEKDAYS.get(word, word) for word in words)


def _duration(minutes: int) -> str:
    if minutes < 60 or minutes % 60:
        return f"{minutes} minutes"
    return f"{minutes // 60} hour{'s' if minutes > 60 else ''}"


def _sections(name: str, markdown: str, values: Mapping[str, str]) -> Iterator[PolicySection]:
    head, *parts = PolicyTemplate(markdown).substitute(values).split("\n## ")
    for part in parts:
        heading, _, text = part.partition("\n")
        slug = re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")
        title = head.removeprefix("# ").strip()
        section = f"{name.removesuffix('.md')}#{slug}"
        yield PolicySection(section, title, heading.strip(), text.strip(), f"policies/{name}")


class Knowledge:
    """Finds policy sections by meaning (Chroma) and by words (BM25), weighed together."""

    def __init__(
        self, connect: Connect, sections: Sequence[PolicySection], embedder: Embeddings
    ) -> None:
        self._connect = connect
        self._embedder = embedder
        self._sections = {section.id: section for section in sections}
        self._words = WordIndex({section.id: section.searchable for section in sections})
        self._store: Chroma | None = None
        self._connecting = threading.Lock()
        self._rests_until = 0.0

    async def search(self, query: str, k: int = 4) -> list[Passage]:
        """The k best sections, best first; raises BackendUnavailable without Chroma."""
        return await asyncio.to_thread(self._search, query, k)

    async def index(self) -> IndexReport:
        """Bring Chroma up to date: embed what changed, then drop what is no longer there."""
        return await asyncio.to_thread(self._answer, self._index)

    async def ping(self) -> None:
        """Raise BackendUnavailable unless the collection answers."""
        await asyncio.to_thread(self._answer, lambda store: store.get(limit=1, include=[]))

    def _search(self, query: str, k: int) -> list[Passage]:
        vector = self._embedder.embed_query(query)
        cosines = self._answer(lambda store: self._cosines(store, vector))
        words = self._words.scores(query)
        scores = {key: fused(cosines.get(key, 0.0), words[key]) for key in self._sections}
        best = sorted(scores, key=scores.__getitem__, reverse=True)[:k]
        return [passage(self._sections[key], scores[key]) for key in best]

    def _cosines(self, store: Chroma, vector: list[float]) -> dict[str, float]:
        # Twice as many, because while a release is rolled out both texts of a section are there.
        found = store.similarity_search_by_vector_with_relevance_scores(
            vector, k=2 * len(self._sections)
        )
        return {row.metadata["section"]: 1 - distance for row, distance in reversed(found)}

    def _index(self, store: Chroma) -> IndexReport:
        wanted = {f"{s.id}@{s.version}": s for s in self._sections.values()}
        present = set(store.get(include=[])["ids"])
        missing = [key for key in wanted if key not in present]
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            store.add_texts(
                [wanted[key].searchable for key in batch],
                [{"section": wanted[key].id, "version": wanted[key].version} for key in batch],
                batch,
            )
        if stale := sorted(present - wanted.keys()):
            store.delete(stale)
        return IndexReport(len(missing), len(stale), len(wanted) - len(missing))

    def _answer(self, ask: Callable[[Chroma], Result]) -> Result:
        try:
            return ask(self._connected())
        except (ChromaError, httpx.HTTPError) as error:
            self._store = None  # a server that lost its data has another collection
            if isinstance(error, httpx.TimeoutException):
                self._rests_until = time.monotonic() + REST_SECONDS
            raise BackendUnavailable("Chroma did not answer.") from error

    def _connected(self) -> Chroma:
        with self._connecting:
            if time.monotonic() < self._rests_until:  # else every turn would wait for the timeout
                raise BackendUnavailable("Chroma did not answer in time a moment ago.")
            self._store = self._store or Chroma(
                COLLECTION,
                self._embedder,
                client=self._connect(),
                collection_configuration={"hnsw": {"space": "cosine"}},
            )
            return self._store


def fused(cosine: float, words: float) -> float:
    """One score of 0 to 1 from a cosine and a BM25 score."""
    return DENSE_WEIGHT * max(0.0, cosine) + (1 - DENSE_WEIGHT) * words / (words + HALF_SCORE)


def passage(section: PolicySection, score: float) -> Passage:
    """What a turn gets to see of a section."""
    return Passage(
        id=section.id,
        title=section.title,
        section=section.section,
        text=section.text,
        source=section.source,
        score=round(score, 4),
        version=section.version,
    )


def open_chroma(url: str | None, folder: Path, seconds: float = CHROMA_SECONDS) -> Connect:
    """How to reach Chroma: the server at `url`, else in this process over `folder`.

    Connects when the function it returns is first called, so that a service starts without
    Chroma; that call raises what Chroma and httpx raise. A folder belongs to one process.
    """
    if url is None:
        settings = Settings(anonymized_telemetry=False)
        return cache(lambda: chromadb.PersistentClient(folder, settings))
    return cache(lambda: _server_client(url.rstrip("/"), seconds))


def _server_client(url: str, seconds: float) -> ClientAPI:
    # Chroma's client waits for ever, also while it connects: look first whether it is alive.
    httpx.get(f"{url}/api/v2/heartbeat", timeout=seconds).raise_for_status()
    address = urlsplit(url)
    is_secure = address.scheme == "https"
    client = chromadb.HttpClient(
        host=str(address.hostname),
        port=address.port or (443 if is_secure else 80),
        ssl=is_secure,
        # No connection is kept: one that the server dropped would fail the next search.
        settings=Settings(anonymized_telemetry=False, chroma_http_max_keepalive_connections=0),
    )
    server = getattr(client, "_server", None)
    if isinstance(server, FastAPI):
        server._session.timeout = httpx.Timeout(seconds)
    return client
