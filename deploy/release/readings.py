"""What a colour's own metrics say of how customers fare with it."""

import re
from collections import Counter
from dataclasses import dataclass, field

LINE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'(\w+)="([^"]*)"')
SHARE = 0.95
# What nobody waits for says nothing about how customers fare.
NOT_CUSTOMERS = ("/health", "/metrics")


@dataclass(frozen=True)
class Bars:
    """What is good enough, and for how long it is looked at."""

    ready_seconds: float = 90
    watch_seconds: float = 60
    smoke_seconds: float = 15
    drain_seconds: float = 60
    error_share: float = 0.01
    least_errors: int = 3  # fewer are chance
    first_sentence_seconds: float = 4
    least_sentences: int = 5


@dataclass(frozen=True)
class Reading:
    """Counts since the process started, or between two such readings."""

    requests: float = 0
    errors: float = 0
    sentences: Counter[float] = field(default_factory=Counter)  # within so many seconds
    busy: float = 0  # streams and turns open now

    def since(self, before: "Reading") -> "Reading":
        """What came between."""
        sentences = Counter(
            {bound: n - before.sentences[bound] for bound, n in self.sentences.items()}
        )
        return Reading(
            self.requests - before.requests, self.errors - before.errors, sentences, self.busy
        )

    @property
    def first_sentence(self) -> float:
        """Seconds within which nearly all first sentences came; 0 where there were none."""
        most = max(self.sentences.values(), default=0)
        bounds = (bound for bound, n in sorted(self.sentences.items()) if n >= SHARE * most)
        return next(bounds, 0.0) if most else 0.0

    @property
    def told(self) -> str:
        """The figures in a line of the log."""
        return (
            f"{self.requests:g} requests, {self.errors:g} errors,"
            f" first sentence within {self.first_sentence:g} s"
        )


def read(text: str) -> Reading:
    """A reading of Prometheus' text format."""
    requests = errors = busy = 0.0
    sentences: Counter[float] = Counter()
    for line in text.splitlines():
        if not (found := LINE.match(line)):
            continue
        name, labels, value = found[1], dict(LABEL.findall(found[2] or "")), float(found[3])
        if name == "tria_request_seconds_count" and not _is_ours(labels["route"]):
            requests += value
            errors += value * labels["status"].startswith("5")
        elif name == "tria_turns_total" and labels["outcome"] == "failed":
            errors += value
        elif name == "tria_first_sentence_seconds_bucket":
            sentences[float(labels["le"])] += int(value)
        elif name in ("tria_streams_active", "tria_runs_active"):
            busy += value
    return Reading(requests, errors, sentences, busy)


def problem_of(before: Reading, after: Reading, bars: Bars) -> str:
    """Why this is not good enough; empty when it is."""
    seen = after.since(before)
    if seen.requests < 0:
        return "it was started again"
    share = seen.errors / max(seen.requests, 1)
    if seen.errors >= bars.least_errors and share > bars.error_share:
        return f"{share:.1%} of {seen.requests:g} requests failed"
    is_seen = max(seen.sentences.values(), default=0) >= bars.least_sentences
    if is_seen and seen.first_sentence > bars.first_sentence_seconds:
        return f"first sentences took up to {seen.first_sentence:g} s"
    return ""


def _is_ours(route: str) -> bool:
    return route.startswith(NOT_CUSTOMERS)
