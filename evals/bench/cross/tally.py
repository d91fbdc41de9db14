"""Counts attempts, judges what came back, and tells what succeeded."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from evals.bench.cross.judge import Typed, leaks
from evals.bench.cross.ledger import Values

SHOWN = 12


@dataclass(frozen=True)
class Outcome:
    """What an attempt brought. `wrong` is what is a success whatever the texts say."""

    kind: str
    attacker: str
    typed: Typed
    texts: tuple[str, ...]
    is_throttled: bool = False
    wrong: str = ""

    def renamed(self, kind: str) -> "Outcome":
        """The same under another heading."""
        return replace(self, kind=kind)


@dataclass
class Tally:
    """All attempts by kind, and those that reached something."""

    attempts: Counter[str] = field(default_factory=Counter)
    succeeded: Counter[str] = field(default_factory=Counter)
    throttled: int = 0
    examples: list[str] = field(default_factory=list)

    def judge(self, outcomes: Iterable[Outcome], foreign: Mapping[str, Values]) -> None:
        """Count these; `foreign` is what each attacker must not see."""
        for outcome in outcomes:
            self.attempts[outcome.kind] += 1
            self.throttled += outcome.is_throttled
            found = leaks(outcome.texts, foreign[outcome.attacker], outcome.typed)
            if found or outcome.wrong:
                shown = ", ".join(sorted(found)[:SHOWN])
                self.succeed(outcome, f"{outcome.wrong} {shown}".strip())

    def succeed(self, outcome: Outcome, why: str) -> None:
        """Keep what reached something, with its words."""
        self.succeeded[outcome.kind] += 1
        said = " | ".join(outcome.typed.messages)[:300]
        self.examples.append(f"{outcome.kind} by {outcome.attacker}: {said!r} -> {why}")

    def by_group(self) -> dict[str, int]:
        """Attempts by the word before the colon."""
        groups = Counter[str]()
        for kind, count in self.attempts.items():
            groups[kind.partition(":")[0]] += count
        return dict(sorted(groups.items()))


@dataclass
class Course:
    """How the bench is run, and what it has found so far."""

    seed: int
    share: float
    tally: Tally = field(default_factory=Tally)
    figures: dict[str, Any] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def at(self, where: str) -> None:
        """Tell how far it is."""
        print(f"{self.seconds:6.1f} s  {where}", flush=True)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self.started

    def some(self, count: int) -> int:
        """So many attempts, or the share that was asked for."""
        return max(6, round(count * self.share))
