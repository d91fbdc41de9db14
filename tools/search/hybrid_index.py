"""Search by meaning (Chroma) and by words (BM25) over texts and the ways to ask for them."""

import hashlib
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import httpx
from chromadb.api.models.Collection import Collection
from chromadb.errors import ChromaError
from langchain_core.embeddings import Embeddings

from tools.errors import BackendUnavailable
from tools.search.chroma import Connect
from tools.search.word_index import Split, WordIndex, stems

REST_SECONDS = 10.0  # how long a server that did not answer in time is left alone
WAIT_SECONDS = 5.0
BATCH = 32
# A piece of a long text: about what the embedder sees of it, half a minute of reading.
PIECE_WORDS, OVERLAP_WORDS = 160, 40
NEAREST = 400  # pieces that a search in a large collection asks for
ASKED_ALIKE = 2  # two ways to ask that are near say more than one that fits by chance

Result = TypeVar("Result")


class Entry(NamedTuple):
    """A text under its heading, and ways to ask for it.

    Every piece of a long text is indexed with the heading, and every way to ask as it is.
    """

    head: str
    body: str
    asked: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """All that a search by words looks at."""
        return ". ".join((self.head, self.body, *self.asked))


class Score(NamedTuple):
    """How near an entry is to a query, from 0 to 1.

    The cosine of the best piece of the text, the mean cosine of the nearest ways to ask for it
    (without any, that of the text), and the share of the query's words.
    """

    cosine: float
    asked: float
    words: float


@dataclass(frozen=True)
class IndexReport:
    """How many pieces an indexing run embedded, dropped and left alone."""

    added: int
    removed: int
    unchanged: int


@dataclass(frozen=True)
class _Piece:
    key: str
    text: str
    is_asked: bool = False

    @property
    def id(self) -> str:
        return f"{self.key}@{digest(self.text)}"


@dataclass
class _Nearest:
    """The cosines of the pieces found, best first, and what to assume of all others."""

    elsewhere: float
    texts: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    asked: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def score(self, key: str, entry: Entry, words: float) -> Score:
        cosine = next(iter(self.texts.get(key, ())), self.elsewhere)
        if not entry.asked:
            return Score(cosine, cosine, words)
        count = min(ASKED_ALIKE, len(entry.asked))
        nearest = [*self.asked.get(key, ()), *[self.elsewhere] * count][:count]
        return Score(cosine, sum(nearest) / count, words)


def digest(text: str) -> str:
    """The first 12 hex digits of a text's hash."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def pieces_of(text: str) -> Iterator[str]:
    """The text itself, or overlapping pieces of a long one."""
    words = text.split()
    if len(words) <= PIECE_WORDS:
        yield text
        return
    step = PIECE_WORDS - OVERLAP_WORDS
    for start in range(0, len(words) - OVERLAP_WORDS, step):
        yield " ".join(words[start : start + PIECE_WORDS])


class HybridIndex:
    """Entries by key.

    An index that Chroma lost is made again by the next search.
    """

    def __init__(
        self,
        connect: Connect,
        entries: Mapping[str, Entry],
        embedder: Embeddings,
        collection: str,
        split: Split = stems,
    ) -> None:
        self._connect = connect
        self._embedder = embedder
        self._collection = collection
        self._entries = dict(entries)
        self._words = WordIndex({key: entry.words for key, entry in entries.items()}, split)
        pieces = [p for key, entry in entries.items() for p in _pieces(key, entry)]
        self._pieces = {piece.id: piece for piece in pieces}
        self._store: Collection | None = None
        self._connecting, self._indexing = threading.Lock(), threading.Lock()
        self._is_indexed = False
        self._rests_until = 0.0

    def search(self, query: str) -> dict[str, Score]:
        """The score of every entry; raises BackendUnavailable without Chroma."""
        if not query.strip():
            return dict.fromkeys(self._entries, Score(0.0, 0.0, 0.0))
        vector = self._embedder.embed_query(query)
        near = self._answer(lambda store: self._nearest(store, vector))
        words = self._words.shares(query)
        return {key: near.score(key, entry, words[key]) for key, entry in self._entries.items()}

    def index(self) -> IndexReport:
        """Bring Chroma up to date: embed what changed, then drop what is no longer there."""
        return self._answer(self._index)

    def ping(self) -> None:
        """Raise BackendUnavailable unless the collection answers."""
        self._answer(lambda store: store.get(limit=1, include=[]))

    def missing(self) -> int:
        """How many pieces Chroma does not hold; raises BackendUnavailable without it."""
        present = self._answer(lambda store: set(store.get(include=[])["ids"]))
        return len(self._pieces.keys() - present)

    def _nearest(self, store: Collection, vector: list[float]) -> _Nearest:
        self._restore(store)
        # Twice as many, because while a release is rolled out both texts of an entry are there.
        limit = min(2 * len(self._pieces), NEAREST)
        answer = store.query(vector, n_results=limit, include=["distances"])
        ids, distances = answer["ids"][0], (answer["distances"] or [[]])[0]
        is_cut = limit < 2 * len(self._pieces) and len(ids) == limit
        found = _Nearest(1 - distances[-1] if is_cut else 0.0)
        for name, distance in zip(ids, distances, strict=True):
            if piece := self._pieces.get(name):
                cosines = found.asked if piece.is_asked else found.texts
                cosines[piece.key].append(1 - distance)
        return found

    def _restore(self, store: Collection) -> None:
        """Add what is missing, once after each loss of Chroma.

        Others wait a while: Chroma in this process fails a query of a collection whose very first
        entries are being written.
        """
        if self._is_indexed or not self._indexing.acquire(timeout=WAIT_SECONDS):
            return
        try:
            if not self._is_indexed:
                self._add_missing(store)
            self._is_indexed = True
        finally:
            self._indexing.release()

    def _index(self, store: Collection) -> IndexReport:
        with self._indexing:
            present, added = self._add_missing(store)
            if stale := sorted(present - self._pieces.keys()):
                store.delete(stale)
            self._is_indexed = True
        return IndexReport(added, len(stale), len(self._pieces) - added)

    def _add_missing(self, store: Collection) -> tuple[set[str], int]:
        present = set(store.get(include=[])["ids"])
        missing = [piece for key, piece in self._pieces.items() if key not in present]
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            texts = [piece.text for piece in batch]
            vectors: list[Sequence[float]] = [*self._embedder.embed_documents(texts)]
            store.add([piece.id for piece in batch], vectors)
        return present, len(missing)

    def _answer(self, ask: Callable[[Collection], Result]) -> Result:
        try:
            return ask(self._connected())
        except (ChromaError, httpx.HTTPError) as error:
            # A server that lost its data has another collection, and an empty one.
            self._store, self._is_indexed = None, False
            if isinstance(error, httpx.TimeoutException):
                self._rests_until = time.monotonic() + REST_SECONDS
            raise BackendUnavailable("Chroma did not answer.") from error

    def _connected(self) -> Collection:
        with self._connecting:
            if time.monotonic() < self._rests_until:  # else every turn would wait for the timeout
                raise BackendUnavailable("Chroma did not answer in time a moment ago.")
            self._store = self._store or self._connect().get_or_create_collection(
                self._collection,
                configuration={"hnsw": {"space": "cosine"}},
                embedding_function=None,  # else Chroma loads a model of its own
            )
            return self._store


def _pieces(key: str, entry: Entry) -> Iterator[_Piece]:
    for body in pieces_of(entry.body):
        yield _Piece(key, f"{entry.head}. {body}" if entry.head else body)
    yield from (_Piece(key, way, is_asked=True) for way in entry.asked)
