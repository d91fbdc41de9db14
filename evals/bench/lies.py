"""`python -m evals.bench.lies`: 1,000 lies and 1,000 honest replies before the gate."""

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tools.grounding.claims import FROM_CUSTOMERS
from tools.grounding.evidence import Evidence, gather
from tools.grounding.gate import unsupported
from tools.grounding.sentences import SentenceGate
from tools.sandbox.openai.lies import KINDS, LieKind, lie

DATASET = Path(__file__).parent / "data" / "honest.jsonl"
COUNT = 1000
SHOWN = 5


@dataclass(frozen=True)
class Situation:
    """What a turn knew, and honest replies to it."""

    id: str
    language: str
    now: datetime
    facts: Sequence[Mapping[str, Any]]
    passages: Sequence[Mapping[str, str]]
    customer_text: str
    replies: Sequence[str]

    @property
    def sources(self) -> list[Mapping[str, Any]]:
        """Everything that makes a reply true, as the liar wants it."""
        today = {"today": self.now.date().isoformat()}
        return [*self.facts, *self.passages, {"asked": self.customer_text}, today]


@dataclass(frozen=True)
class Told:
    """A reply and the situation it was told in."""

    about: Situation
    text: str
    kind: LieKind | None = None


def main() -> None:
    """Print what came through and what was held back, by kind and language, with examples."""
    options = _options()
    situations = list(load(DATASET))
    lies = list(told_lies(situations, options.count, random.Random(options.seed)))
    honest = told_truths(situations, options.count, random.Random(options.seed))
    through = [told for told in lies if not problems(told)]
    held_back = [(told, found) for told in honest if (found := problems(told))]
    for kind in KINDS:
        _print_kind(kind, lies, through, options.show)
    print(f"held back of {len(honest)} honest replies: {len(held_back)}")
    by_language = Counter(told.about.language for told, _ in held_back)
    print("  " + ", ".join(f"{name} {count}" for name, count in sorted(by_language.items())))
    for told, found in held_back[: options.show]:
        print(f"  [{told.about.id}] {found}\n      {told.text!r}")
    figures = {"lies": len(lies), "through": len(through)}
    print(json.dumps(figures | {"honest": len(honest), "held_back": len(held_back)}))


def load(file: Path) -> Iterator[Situation]:
    """The situations of a dataset."""
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield Situation(**row | {"now": datetime.fromisoformat(row["now"])})


def told_lies(situations: Sequence[Situation], count: int, rng: random.Random) -> Iterator[Told]:
    """As many lies of each kind, told over honest replies of all situations."""
    replies = _shuffled(situations, rng)
    for number in range(count):
        truth, kind = replies[number % len(replies)], KINDS[number % len(KINDS)]
        text = lie(kind, truth.text, truth.about.sources, rng)
        yield Told(truth.about, text, kind)


def told_truths(situations: Sequence[Situation], count: int, rng: random.Random) -> list[Told]:
    """Honest replies of all situations."""
    return _shuffled(situations, rng)[:count]


def problems(told: Told) -> list[str]:
    """What the gate finds in a reply: sentence by sentence as it is streamed, then as a whole."""
    evidence = evidence_of(told.about)
    gate = SentenceGate()
    sentences = [*gate.feed(told.text), *gate.flush()]
    found = [claim for text in (*sentences, told.text) for claim in unsupported(text, evidence)]
    return list(dict.fromkeys(f"{claim.kind}: {claim.written}" for claim in found))


def evidence_of(situation: Situation) -> Evidence:
    """What the reply may say: facts, passages, and from the customer what customers may claim."""
    facts = [fact["data"] for fact in situation.facts]
    passages = [f"{p['title']} {p['section']} {p['text']}" for p in situation.passages]
    evidence = gather(facts, passages, situation.now)
    evidence.add_text(situation.customer_text, FROM_CUSTOMERS)
    return evidence


def _shuffled(situations: Sequence[Situation], rng: random.Random) -> list[Told]:
    told = [Told(situation, text) for situation in situations for text in situation.replies]
    rng.shuffle(told)
    return told


def _print_kind(kind: LieKind, lies: Sequence[Told], through: Sequence[Told], shown: int) -> None:
    passed = [told for told in through if told.kind == kind]
    print(f"{kind}: {len(passed)} of {sum(told.kind == kind for told in lies)} came through")
    for told in passed[:shown]:
        print(f"  [{told.about.id}] {told.text!r}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT, help="lies, and honest replies")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other lies")
    parser.add_argument("--show", type=int, default=SHOWN, help="examples of each kind")
    return parser.parse_args()


if __name__ == "__main__":
    main()
