"""What a trace of one turn holds: names, ids, counts, durations and error classes, never contents.

Kept as plain data while the turn goes on, so that a span costs next to nothing; what is stored and
what is exported are made of it afterwards.
"""

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

Value = str | int | float | bool
Kind = Literal["internal", "client"]

MOST_SPANS = 200  # of one attempt at a turn
LONGEST = 120  # characters of a value
TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
NONE = re.compile("0+")


@dataclass(slots=True)
class Span:
    """One piece of work. Times are of the monotonic clock; without an end it is under way."""

    name: str
    span_id: str
    parent: str
    began: float
    ended: float | None = None
    kind: Kind = "internal"
    attributes: dict[str, Value] = field(default_factory=dict)
    error: str = ""


@dataclass
class Trace:
    """One attempt at a turn: its root span comes first. `parent` is the caller's span, or ""."""

    trace_id: str
    parent: str
    name: str
    attributes: dict[str, Value]
    outcome: str = ""
    left_out: int = 0
    spans: list[Span] = field(default_factory=list)
    began_ns: int = field(default_factory=time.time_ns)
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.spans.append(
            Span(self.name, span_id(), self.parent, self.began, attributes=self.attributes)
        )

    @property
    def root(self) -> Span:
        """The turn itself."""
        return self.spans[0]

    def begin(self, name: str, parent: str, *, at: float | None = None) -> Span:
        """Begin a span, now or at a time that has passed. Above a bound it is only counted."""
        began = time.monotonic() if at is None else max(at, self.began)
        span = Span(name, span_id(), parent or self.root.span_id, began)
        if self.outcome or len(self.spans) >= MOST_SPANS:
            self.left_out += 1
        else:
            self.spans.append(span)
        return span

    def end(self, outcome: str, error: str = "") -> None:
        """The attempt is over, once; what is still under way ends with it."""
        if self.outcome:
            return
        self.outcome, now = outcome, time.monotonic()
        self.root.error = error
        self.root.attributes["tria.turn.outcome"] = outcome
        first: dict[str, float] = {}
        for span in self.spans:
            first[span.parent] = min(span.began, first.get(span.parent, span.began))
        for span in self.spans:
            # Of a node it is heard a moment after it began.
            span.began = min(span.began, first.get(span.span_id, span.began))
            if span.ended is None:
                span.ended = now
                span.error = span.error or error

    def at_ns(self, moment: float) -> int:
        """A time of the monotonic clock as the wall's."""
        return self.began_ns + round((moment - self.began) * 1e9)

    def as_json(self) -> dict[str, Any]:
        """What is stored with the run, once the attempt is over."""
        began_at = datetime.fromtimestamp(self.began_ns / 1e9, UTC)
        return {
            "trace_id": self.trace_id,
            "outcome": self.outcome,
            "began_at": began_at.isoformat(timespec="milliseconds"),
            "left_out": self.left_out,
            "spans": [self._span_json(span) for span in self.spans],
        }

    def _span_json(self, span: Span) -> dict[str, Any]:
        ended = span.began if span.ended is None else span.ended
        told: dict[str, Any] = {
            "id": span.span_id,
            "parent": span.parent,
            "name": span.name,
            "start_ms": round((span.began - self.began) * 1000, 1),
            "ms": round((ended - span.began) * 1000, 1),
        }
        if span.attributes:
            told["attributes"] = span.attributes
        return told | ({"error": span.error} if span.error else {})


def span_id() -> str:
    """A span's id; never all zeros, which means that there is none."""
    return f"{secrets.randbits(64) or 1:016x}"


def new_trace_id() -> str:
    """A trace's id."""
    return f"{secrets.randbits(128) or 1:032x}"


def caller_of(traceparent: str) -> tuple[str, str] | None:
    """The trace and span that a W3C `traceparent` names; None where it is not one."""
    found = TRACEPARENT.fullmatch(traceparent)
    if found is None or (traceparent.startswith("00") and found[3]):
        return None
    trace, span = found[1], found[2]
    return None if NONE.fullmatch(trace) or NONE.fullmatch(span) else (trace, span)


def kept(attributes: Mapping[str, Value | None]) -> dict[str, Value]:
    """Those that say something, none of them long."""
    return {
        name: value[:LONGEST] if isinstance(value, str) else value
        for name, value in attributes.items()
        if value is not None and value != ""  # zero says something
    }


def is_sampled(trace_id: str, share: float) -> bool:
    """Whether it is one of this share of all traces; every process says the same of one trace."""
    return int(trace_id[16:], 16) < share * 2**64
