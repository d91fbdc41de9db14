"""The company's policies: their sections, and the search over them."""

import asyncio
import hashlib
import math
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import chromadb
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError
from langchain_chroma import Chroma
from langchain_core.embeddings import Embeddings
from typing_extensions import TypedDict

from tools.errors import BackendUnavailable
from tools.rules import rules_values

COLLECTION = "policies"
CANDIDATES = 12
FUSION = 10  # how much the first ranks count more than the later ones
WORD = re.compile(r"[a-z0-9]+")
STOP = {
    "a", "an", "the", "is", "are", "was", "be", "to", "of", "in", "on", "at", "for", "from", "by",
    "with", "and", "or", "not", "no", "do", "does", "did", "you", "your", "i", "we", "our", "my",
    "me", "it", "its", "this", "that", "there", "what", "which", "how", "when", "where", "can",
    "could", "will", "would", "if", "as", "has", "have", "had", "get", "any",
}  # fmt: skip


class Passage(TypedDict):
    """A section found for a question; a higher score is nearer."""

    id: str
    title: str
    section: str
    text: str
    source: str
    version: str
    score: float


@dataclass(frozen=True)
class PolicySection:
    """One section of a policy, with every number filled in."""

    id: str
    title: str
    section: str
    text: str
    source: str

    @property
    def version(self) -> str:
        """Changes with the text."""
        content = f"{self.title}\n{self.section}\n{self.text}"
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    @property
    def searched(self) -> str:
        """What is embedded: the headings say what the section is about."""
        return f"{self.title}: {self.section}\n{self.text}"


@dataclass(frozen=True)
class IndexReport:
    """What indexing changed."""

    added: int
    removed: int
    unchanged: int


class PolicyTemplate(Template):
    """`${payment.net_days}` and `${product.CNP-014-FB-01.price}`."""

    braceidpattern = r"[A-Za-z][\w.-]*"


def load_policies() -> list[PolicySection]:
    """Every section of every policy, numbers filled in; KeyError names an unknown placeholder."""
    values = rules_values() | _product_values()
    files = sorted(resources.files("policies").iterdir(), key=lambda f: f.name)
    return [
        section
        for file in files
        if file.name.endswith(".md")
        for section in split_policy(Path(file.name).stem, file.read_text("utf-8"), values)
    ]


def split_policy(stem: str, text: str, values: Mapping[str, str]) -> list[PolicySection]:
    """Cut one policy into its `##` sections."""
    head, *parts = re.split(r"^## ", PolicyTemplate(text).substitute(values), flags=re.MULTILINE)
    title = head.strip().removeprefix("# ").splitlines()[0]
    sections = []
    for part in parts:
        heading, _, body = part.partition("\n")
        slug = "-".join(WORD.findall(heading.lower()))
        body = re.sub(r"(?<!\n)\n(?![\n-])", " ", body.strip())
        sections.append(PolicySection(f"{stem}#{slug}", title, heading.strip(), body, stem))
    return sections


def open_chroma(url: str | None, folder: Path) -> "chromadb.api.ClientAPI":
    """Chroma's server when there is one, else Chroma in this process."""
    settings = ChromaSettings(anonymized_telemetry=False)
    if url is None:
        folder.mkdir(parents=True, exist_ok=True)
        return chromadb.PersistentClient(str(folder), settings)
    parsed = re.fullmatch(r"(https?)://([^:/]+)(?::(\d+))?/?", url)
    if parsed is None:
        raise BackendUnavailable(f"CHROMA_URL is not an address: {url}")
    scheme, host, port = parsed.groups()
    try:
        return chromadb.HttpClient(
            host, int(port or 8000), ssl=scheme == "https", settings=settings
        )
    except (ChromaError, ValueError, OSError) as error:
        raise BackendUnavailable("Chroma does not answer") from error


class Knowledge:
    """Dense search in Chroma and lexical search in memory, fused by rank."""

    def __init__(
        self,
        client: "chromadb.api.ClientAPI",
        sections: Sequence[PolicySection],
        embedder: Embeddings,
    ) -> None:
        self._client = client
        self._sections = {s.id: s for s in sections}
        self._lexical = Lexical({s.id: s.searched for s in sections})
        self._store = Chroma(
            collection_name=COLLECTION,
            embedding_function=embedder,
            client=client,
            collection_metadata={"hnsw:space": "cosine"},
        )

    async def search(self, query: str, k: int = 4) -> list[Passage]:
        """The best passages, nearest first; raises BackendUnavailable."""
        dense = await self._call(self._dense, query)
        ranked = fuse([dense, self._lexical.rank(query)[:CANDIDATES]])
        known = [(self._sections[i], score) for i, score in ranked if i in self._sections]
        return [_passage(section, score) for section, score in known[:k]]

    async def index(self) -> IndexReport:
        """Embed what changed: what is added is searchable before what is stale goes."""
        report: IndexReport = await self._call(self._index)
        return report

    async def ping(self) -> None:
        """Raises BackendUnavailable when Chroma does not answer."""
        await self._call(self._client.heartbeat)

    def _dense(self, query: str) -> list[str]:
        found = self._store.similarity_search(query, k=CANDIDATES)
        return [str(d.metadata["section_id"]) for d in found]

    def _index(self) -> IndexReport:
        stored = set(self._store.get(include=[])["ids"])
        wanted = {f"{s.id}@{s.version}": s for s in self._sections.values()}
        missing = {key: s for key, s in wanted.items() if key not in stored}
        if missing:
            self._store.add_texts(
                [s.searched for s in missing.values()],
                [{"section_id": s.id} for s in missing.values()],
                ids=list(missing),
            )
        stale = stored - set(wanted)
        if stale:
            self._store.delete(list(stale))
        return IndexReport(len(missing), len(stale), len(stored) - len(stale))

    async def _call(self, function: Any, *arguments: Any) -> Any:
        """Run a blocking call of Chroma in a thread."""
        try:
            return await asyncio.to_thread(function, *arguments)
        except (ChromaError, OSError, ValueError) as error:
            raise BackendUnavailable("Chroma does not answer") from error


class Lexical:
    """BM25 over a few dozen sections, for the words that embeddings blur."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._counts = {key: Counter(stems(text)) for key, text in texts.items()}
        self._average = sum(c.total() for c in self._counts.values()) / max(1, len(texts))
        self._spread = Counter(word for counts in self._counts.values() for word in counts)

    def rank(self, query: str) -> list[str]:
        """Ids of the sections that share words with the query, best first."""
        scores = {key: self._score(stems(query), counts) for key, counts in self._counts.items()}
        return sorted((k for k, s in scores.items() if s > 0), key=lambda k: -scores[k])

    def _score(self, words: Sequence[str], counts: "Counter[str]") -> float:
        """Okapi BM25 with k1 = 1.2 and b = 0.75 (Robertson and Zaragoza, 2009)."""
        length = 0.25 + 0.75 * counts.total() / self._average
        total = 0.0
        for word in set(words):
            if count := counts[word]:
                rarity = math.log(1 + (len(self._counts) + 0.5) / (self._spread[word] + 0.5))
                total += rarity * count * 2.2 / (count + 1.2 * length)
        return total


def fuse(rankings: Sequence[Sequence[str]]) -> list[tuple[str, float]]:
    """Reciprocal rank fusion (Cormack et al., 2009)."""
    scores: Counter[str] = Counter()
    for ranking in rankings:
        for rank, key in enumerate(ranking):
            scores[key] += 1 / (FUSION + rank)  # type: ignore[assignment]  # a float is fine
    return [(key, round(float(score), 4)) for key, score in scores.most_common()]


def stems(text: str) -> list[str]:
    """Lower-case words without the commonest endings and without stop words."""
    words = (w for w in WORD.findall(text.lower()) if w not in STOP)
    return [re.sub(r"(?<=\w{3})(?:ings?|ed|es|s|ly|ment|ation)$", "", w) for w in words]


def _passage(section: PolicySection, score: float) -> Passage:
    return Passage(
        id=section.id,
        title=section.title,
        section=section.section,
        text=section.text,
        source=section.source,
        version=section.version,
        score=score,
    )


def _product_values() -> dict[str, str]:
    text = resources.files("policies").joinpath("catalogue.toml").read_text("utf-8")
    values: dict[str, str] = {}
    for row in tomllib.loads(text)["products"]:
        product = f"product.{row['code']}"
        values |= {
            f"{product}.name": row["name"],
            f"{product}.price": row["list_price"],
            f"{product}.pack": f"{row['pack']} of {row['pack_size']:,}",
            f"{product}.size": row["size"],
        }
    return values
