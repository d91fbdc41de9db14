"""How well the search finds the sections that answer, and that it finds none off the topic.

The questions were written without a look at the search. Of every nine the first four were then
used to improve it; the figures are about the other five, and beside them about all. With
`--chunks 10000` other companies' rules stand among ours, and what a search costs stands beside.
"""

import argparse
import asyncio
import json
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from tools.embedded.minilm import build_minilm
from tools.search.embedder import Embedder
from tools.search.knowledge import Knowledge, PolicySection, load_policies, open_chroma

ROOT = Path(__file__).resolve().parents[2]
QUESTIONS = Path(__file__).parent / "data" / "questions.jsonl"
PERIOD, SEEN = 9, 4
BEST, LOOKED_AT = 3, 10
SEED = 20_261_128
# What other companies' rules are about: nothing that a customer of ours asks.
WHO = ("drivers", "trainees", "nurses", "visitors", "tenants", "pilots", "students", "gardeners")
WHAT = (
    *("badges", "ladders", "boats", "uniforms", "microscopes", "bicycles", "projectors", "radios"),
    *("gym lockers", "greenhouses", "library cards", "telescopes", "parking permits", "pianos"),
)
WHERE = ("the north wing", "hall 3", "the harbour", "the museum", "the laboratory", "the stables")
RULES = (
    "{who} who use {what} in {place} sign the register first.",
    "No more than {n} {who} share {what} at the same time.",
    "The steward of {place} inspects {what} every {n} weeks.",
    "Broken {what} are labelled and left in {place}.",
    "{who} without training do not touch {what}.",
    "Keys for {what} hang in {place}, beside plan {n}.",
)


class Question(BaseModel):
    """A question, and the sections any of which answers it; none for one off the topic."""

    model_config = ConfigDict(extra="ignore")

    query: str
    ids: tuple[str, ...]
    language: str = "en"


class Answer(NamedTuple):
    """The sections found for a question, best first."""

    question: Question
    found: tuple[str, ...]

    @property
    def rank(self) -> int:
        """The place of the first right section; 0 when none was found."""
        places = (n for n, key in enumerate(self.found, 1) if key in self.question.ids)
        return next(places, 0)

    @property
    def is_right(self) -> bool:
        """A right section among the best, or nothing for a question off the topic."""
        return 0 < self.rank <= BEST if self.question.ids else not self.found


def main() -> None:
    """Ask every question; name the misses by language and end with one JSON object."""
    parser = argparse.ArgumentParser(description="How well the search finds what answers.")
    parser.add_argument("questions", nargs="?", type=Path, default=QUESTIONS)
    parser.add_argument("--chunks", type=int, default=0, help="sections in all, others added")
    options = parser.parse_args()
    questions = load_questions(options.questions)
    with TemporaryDirectory(prefix="tria-retrieval-") as folder:
        answers, costs = asyncio.run(_answers(questions, Path(folder), options.chunks))
    by_language = defaultdict(list)
    for answer in answers:
        by_language[answer.question.language].append(answer)
    for language, own in sorted(by_language.items()):
        missed = [answer for answer in own if not answer.is_right]
        lines = (f"{a.question.query}  ->  {', '.join(a.found[:BEST]) or '-'}" for a in missed)
        print(f"{language}: {len(missed)} of {len(own)} missed", *lines, sep="\n    ")
    print(json.dumps(figures(answers) | costs))


def load_questions(file: Path) -> list[Question]:
    """The questions of a JSON-lines file."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return [Question.model_validate_json(line) for line in lines if line.strip()]


def figures(answers: Sequence[Answer]) -> dict[str, float]:
    """What is right among the unseen questions, and among all."""
    unseen = [answer for n, answer in enumerate(answers) if n % PERIOD >= SEEN]
    elsewhere = [answer.is_right for answer in unseen if not answer.question.ids]
    everything = {f"all_{name}": value for name, value in _recall(answers).items()}
    return _recall(unseen) | {"off_topic_empty": _mean(elsewhere)} | everything


def _recall(answers: Sequence[Answer]) -> dict[str, float]:
    """Of the questions that have an answer."""
    own = [answer for answer in answers if answer.question.ids]
    return {
        "n": len(own),
        "recall_at_3": _mean([answer.is_right for answer in own]),
        "mrr": _mean([1 / answer.rank if answer.rank else 0.0 for answer in own]),
    }


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / max(1, len(values)), 4)


async def _answers(
    questions: Sequence[Question], folder: Path, chunks: int
) -> tuple[list[Answer], dict[str, float]]:
    embedder, own = Embedder(build_minilm(ROOT / ".tria" / "minilm")), load_policies()
    sections = [*own, *others(chunks - len(own))]
    began = time.process_time()
    knowledge = Knowledge(open_chroma(None, folder), sections, embedder)
    await knowledge.index()
    indexed = time.process_time() - began
    answers, cpu, ms = [], time.process_time(), list[float]()
    for question in questions:
        started = time.perf_counter()
        answers.append(await _answer(question, knowledge))
        ms.append(1000 * (time.perf_counter() - started))
    return answers, {
        "chunks": len(sections),
        "index_cpu_s": round(indexed, 1),
        "search_cpu_ms": round(1000 * (time.process_time() - cpu) / len(questions), 1),
        "search_ms_p50": round(statistics.median(ms), 1),
    }


def others(count: int) -> list[PolicySection]:
    """So many sections of other companies' rules, the same ones each time."""
    chance = random.Random(SEED)
    return [_other(number, chance) for number in range(count)]


def _other(number: int, chance: random.Random) -> PolicySection:
    words = {"who": chance.choice(WHO), "what": chance.choice(WHAT), "place": chance.choice(WHERE)}
    told = [r.format(n=chance.randint(2, 90), **words) for r in chance.sample(RULES, 4)]
    head = f"{words['what']} for {words['who']}".capitalize()
    return PolicySection(f"other#{number}", "House rules", head, " ".join(told), "other.md")


async def _answer(question: Question, knowledge: Knowledge) -> Answer:
    passages = await knowledge.search(question.query, LOOKED_AT, question.language)
    return Answer(question, tuple(passage["id"] for passage in passages))


if __name__ == "__main__":
    main()
