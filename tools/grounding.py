"""The output gate: a sentence may leave only when every figure in it has a source.

Claims are compared by value, not by spelling: "$1,296" is 1296.00, "3 Dec" is that day.
"""

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"  # noqa: E501
NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
WORDED = (
    r"(?:a|and|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty"
    r"|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million)"
)

# In this order: what one pattern takes is not read again by the next.
PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("link", r"\b(?:https?://|www\.)\S+|\b[\w-]+\.(?:com|net|org|sg|io|example)\b\S*"),
        ("email", r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"),
        ("id", r"\b[a-z]{1,5}-(?:[a-z0-9]+-)*[a-z]*\d[a-z0-9]*\b|\b[a-z]{2,5}\d{3,}\b"),
        ("date", r"\b\d{4}-\d{2}-\d{2}\b"),
        ("date", rf"\b\d{{1,2}}(?:st|nd|rd|th)?\s+{MONTH}\b(?:,?\s+\d{{4}})?"),
        ("date", rf"\b{MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?\b(?:,?\s+\d{{4}})?"),
        ("time", r"\b\d{1,2}:\d{2}(?:\s?[ap]m)?\b|\b\d{1,2}\s?[ap]m\b"),
        (
            "foreign",
            rf"(?:us\$|€|£|¥|\b(?:usd|rm|myr|eur))\s?(?:{NUMBER})|\b(?:{NUMBER})\s?(?:usd|euros?|ringgit)\b",
        ),
        ("money", rf"(?:s\$|\$|sgd\s?)\s?(?:{NUMBER})|\b(?:{NUMBER})\s?(?:sgd|dollars?)\b"),
        ("worded", rf"\b(?:{WORDED}[\s-]+)+(?:dollars?|cents?|percent|per\s?cent)\b"),
        ("percent", rf"\b(?:{NUMBER})\s?(?:%|per\s?cent\b|percent\b)"),
        ("money", r"\b(?:\d{1,3}(?:,\d{3})+|\d+)\.\d{2}\b(?!\d)"),
        ("weekday", r"\b(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?s?\b"),
        (
            "promise",
            r"\b(?:guarantee\w*|discount\w*|refund\w*|waiv\w*|compensat\w*|free of charge)\b",
        ),
        ("number", rf"(?<![\w.])(?:{NUMBER})(?![\w.]*\d)"),
    )
)
ORDERED_LIST = re.compile(r"^\s*\d+[.)]\s", re.MULTILINE)


@dataclass(frozen=True)
class Claim:
    """Something in a text that needs a source. `value` is normalised for its kind."""

    kind: str
    value: str
    written: str


KINDS = frozenset(kind for kind, _ in PATTERNS)
# A customer may name documents, counts and days; amounts and promises they only claim.
FROM_CUSTOMERS = frozenset({"id", "number", "date", "weekday", "time"})


@dataclass
class Evidence:
    """What may be said in this turn: normalised values by kind."""

    values: dict[str, set[str]] = field(default_factory=dict)

    def supports(self, claim: Claim) -> bool:
        """Whether the same value of the same kind stands in a source."""
        known = self.values.get(claim.kind, set())
        if claim.kind == "number":
            return claim.value in known or claim.value in self.values.get("money", set())
        if claim.kind == "date" and claim.value.startswith("--"):
            return any(v.endswith(claim.value[1:]) for v in known)
        return claim.value in known

    def add_text(self, text: str, kinds: Container[str] = KINDS) -> None:
        """Everything of these kinds that a source text claims becomes sayable."""
        for claim in (c for c in claims(text) if c.kind in kinds):
            self._add(claim.kind, claim.value)
            if claim.kind in ("money", "percent"):
                self._add("number", claim.value)

    def add_facts(self, facts: Iterable[Mapping[str, Any]]) -> None:
        """Every value of the facts becomes sayable, in the form its kind has."""
        for fact in facts:
            for key, value in _leaves("", fact):
                self._add_value(key, value)

    def _add_value(self, key: str, value: Any) -> None:
        if isinstance(value, bool) or value is None:
            return
        text = str(value)
        if re.fullmatch(r"-?\d+(\.\d+)?", text):
            self._add("number", _number(text))
            if key.endswith("percent"):
                self._add("percent", _number(text))
            elif "." in text:  # amounts have cents; a count is no amount
                self._add("money", _number(text))
            return
        if moment := _moment(text):
            self._add("date", moment.date().isoformat())
            if len(text) > len("2026-11-24"):
                self._add("time", f"{moment:%H:%M}")
            return
        self.add_text(text)
        self._add("id", text.lower())

    def _add(self, kind: str, value: str) -> None:
        self.values.setdefault(kind, set()).add(value)
        if kind == "date" and (moment := _moment(value)):
            self.values.setdefault("weekday", set()).add(WEEKDAYS[moment.weekday()])


def gather(facts: Sequence[Mapping[str, Any]], texts: Iterable[str], now: datetime) -> Evidence:
    """Evidence from this turn's facts, its passages and the customer's own words."""
    evidence = Evidence()
    evidence.add_facts(facts)
    for text in texts:
        evidence.add_text(text)
    evidence.add_text(now.date().isoformat())
    return evidence


def unsupported(text: str, evidence: Evidence) -> list[Claim]:
    """The claims of a text that have no source; empty when it may leave."""
    return [c for c in claims(text) if not evidence.supports(c)]


def claims(text: str) -> list[Claim]:
    """Every amount, date, number, id, link and promise in a text."""
    rest = ORDERED_LIST.sub(lambda m: " " * len(m[0]), text)
    found: list[Claim] = []
    for kind, pattern in PATTERNS:
        for match in pattern.finditer(rest):
            if value := _normalise(kind, match[0]):
                found.append(Claim(kind, value, match[0]))  # noqa: PERF401 (the loop also blanks)
        rest = pattern.sub(lambda m: " " * len(m[0]), rest)
    return found


def _normalise(kind: str, written: str) -> str | None:
    match kind:
        case "money" | "percent" | "number":
            digits = re.search(NUMBER, written)
            return _number(digits[0]) if digits else None
        case "date":
            return _date(written.lower())
        case "time":
            return _time(written.lower())
        case "weekday":
            return next(w for w in WEEKDAYS if w.startswith(written.lower()[:3]))
        case "promise":
            return written.lower()[:6]
        case _:
            return written.lower().rstrip(".,;:!?)")


def _number(text: str) -> str:
    """A decimal without trailing zeros or separators: "1,296.50" and "1296.5" are the same."""
    return f"{abs(Decimal(text.replace(',', ''))).normalize():f}"


def _date(text: str) -> str:
    """An ISO date, or --MM-DD where no year is written; as written when there is no such day."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return text
    month = next(i for i, m in enumerate(MONTHS, 1) if re.search(rf"\b{m}|\d{m}", text))
    year = re.search(r"\b\d{4}\b", text)
    day = re.search(r"\b\d{1,2}(?!\d)", text)
    if not day:
        return text
    written = f"{month:02}-{int(day[0]):02}"
    # A leap year, so that 29 February without a year is a day.
    if not _moment(f"{year[0] if year else 2024}-{written}"):
        return text
    return f"{year[0]}-{written}" if year else f"--{written}"


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _time(text: str) -> str:
    hour, minute = re.match(r"(\d{1,2})(?::(\d{2}))?", text).groups()  # type: ignore[union-attr]
    is_twelve_hours = text.endswith(("am", "pm"))
    hours = int(hour) % 12 if is_twelve_hours else int(hour)
    return f"{hours + (12 if text.endswith('pm') else 0):02}:{minute or '00'}"


def _leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(str(name), inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(key, inner)
    else:
        yield key, value


ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|no|st|mr|ms|mrs|dr|approx)|\b[a-z]|^\s*\d+)\.$", re.IGNORECASE
)
BOUNDARY = re.compile(r"(?<=[.!?])\s+(?=\S)|(?<=[。！？])|\n+")  # noqa: RUF001 (Chinese full stops)


class SentenceGate:
    """Cuts a stream into whole sentences, each with the white space that follows it."""

    def __init__(self) -> None:
        self._rest = ""

    def feed(self, piece: str) -> list[str]:
        """Add a piece of the stream and return the sentences that are complete now."""
        self._rest += piece
        sentences: list[str] = []
        start = 0
        for match in BOUNDARY.finditer(self._rest):
            if match.end() == len(self._rest) and match[0].strip(" ") == "" and not match[0]:
                continue
            if ABBREVIATION.search(self._rest[start : match.start()]):
                continue
            sentences.append(self._rest[start : match.end()])
            start = match.end()
        self._rest = self._rest[start:]
        return sentences

    def flush(self) -> list[str]:
        """What is left when the stream has ended."""
        rest, self._rest = self._rest, ""
        return [rest] if rest.strip() else []
