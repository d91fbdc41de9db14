"""`python -m evals.bench.retrieval`: how well the search finds the sections that answer."""

import asyncio
import json
import sys
import tomllib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import BaseModel, ConfigDict

from tools.embedded.minilm import build_minilm
from tools.embedder import Embedder
from tools.knowledge import Knowledge, load_policies, open_chroma

ROOT = Path(__file__).resolve().parents[2]
QUESTIONS = ROOT / "evals/datasets/questions.jsonl"
FIRST_QUESTIONS = ROOT / "tests/policies/questions.toml"
BEST, LOOKED_AT = 3, 10


class Question(BaseModel):
    """A question, and the sections any of which answers it; none for one off the topic."""

    model_config = ConfigDict(extra="ignore")

    query: str
    ids: tuple[str, ...]
    language: str = "en"


def main() -> None:
    """Ask every question; name the misses by language and end with one JSON object."""
    questions = load_questions(Path(sys.argv[1]) if len(sys.argv) > 1 else QUESTIONS)
    with TemporaryDirectory(prefix="tria-retrieval-") as folder:
        ranks = asyncio.run(_ranks(questions, Path(folder)))
    misses = defaultdict(list)
    for question, (rank, found) in zip(questions, ranks, strict=True):
        if not 0 < rank <= BEST:
            misses[question.language].append(f"{question.query}  ->  {', '.join(found) or '-'}")
    for language, lines in sorted(misses.items()):
        asked = sum(question.language == language for question in questions)
        print(f"{language}: {len(lines)} of {asked} missed", *lines, sep="\n    ")
    print(json.dumps(_figures([rank for rank, _ in ranks])))


def load_questions(file: Path) -> list[Question]:
    """The questions of a JSON-lines file, or those of the tests while there is no such file."""
    if file.exists():
        lines = file.read_text(encoding="utf-8").splitlines()
        return [Question.model_validate_json(line) for line in lines if line.strip()]
    rows = tomllib.loads(FIRST_QUESTIONS.read_text(encoding="utf-8"))["questions"]
    return [Question(query=row["ask"], ids=row["sections"]) for row in rows]


async def _ranks(questions: Sequence[Question], folder: Path) -> list[tuple[int, list[str]]]:
    embedder = Embedder(build_minilm(ROOT / ".tria" / "minilm"))
    knowledge = Knowledge(open_chroma(None, folder), load_policies(), embedder)
    await knowledge.index()
    return [await _rank(question, knowledge) for question in questions]


async def _rank(question: Question, knowledge: Knowledge) -> tuple[int, list[str]]:
    """The place of the first right section, 0 when none was found; and the best three."""
    passages = await knowledge.search(question.query, LOOKED_AT, question.language)
    found = [passage["id"] for passage in passages]
    rank = next((place for place, key in enumerate(found, 1) if key in question.ids), 0)
    if not question.ids:
        rank = int(not found)
    return rank, found[:BEST]


def _figures(ranks: Sequence[int]) -> dict[str, float]:
    recall = sum(0 < rank <= BEST for rank in ranks) / len(ranks)
    reciprocal = sum(1 / rank for rank in ranks if rank) / len(ranks)
    return {"n": len(ranks), "recall_at_3": round(recall, 4), "mrr": round(reciprocal, 4)}


if __name__ == "__main__":
    main()
