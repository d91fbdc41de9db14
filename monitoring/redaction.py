"""Masks in a log line whatever looks like personal data or a secret, however it got there.

This is the last net, not the first: nobody logs such things on purpose. Where in doubt, it masks.
"""

import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

DEEPEST, MOST_ITEMS, LONGEST = 4, 50, 300
MASKED, CUT = "[masked]", "[cut]"

# Under these names stands what a person said, is called, or must not be known.
FORBIDDEN = re.compile(
    r"(?:^|_)(?:password|passwd|pwd|passphrase|secret|secrets|token|access_token|refresh_token"
    r"|authorization|auth|cookie|cookies|credential|credentials|api_?key|apikey|private_?key"
    r"|session|signature|text|content|contents|message|messages|body|payload|prompt|reply|question"
    r"|email|e_?mail|mail|phone|mobile|fax|address|nric|fin|passport|birthday|dob"
    r"|name|customer|contact_person|company|iban|card|account_number|headers|args|kwargs"
    r"|positional_args|input|inputs|output|outputs|html|sql|query|params|url)$",
    re.IGNORECASE,
)
TRACE_IDS = frozenset({"trace_id", "span_id", "parent_span_id"})
# Names of ours that end like forbidden ones, and hold words of ours.
ALLOWED = frozenset({"event", "logger", "tokens", "tokens_in", "tokens_out"})

UUIDS = re.compile(
    r"(?<![0-9a-z-])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-z-])",
    re.IGNORECASE,
)
TIMES = re.compile(
    r"(?<!\d)\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"(?![\d-])"
)
DECIMALS = re.compile(r"(?<![\w.])-?\d{1,3}\.\d{1,12}(?![\w.])")
TRACES = re.compile(r"[0-9a-f]{16}(?:[0-9a-f]{16})?")
UNSEEN = re.compile("[\x00\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
# In this order: what is found first is gone before the next looks.
PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("key", re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|\Z)", re.DOTALL)),
    ("login", re.compile(r"(?<=://)[^/\s@]+@(?=\S)")),
    ("token", re.compile(r"\b(?:bearer|basic|token|digest)\s+[\w.~+/=-]{6,}", re.IGNORECASE)),
    ("token", re.compile(r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?")),
    (
        "secret",
        re.compile(
            r"(?<![A-Za-z])(?:password|passwd|pwd|secret|token|api[_-]?key|client_secret|code|state)"
            r"[\"']?\s*[=:]\s*[\"']?[^\s\"',;&]+",
            re.IGNORECASE,
        ),
    ),
    ("key", re.compile(r"\b(?:sk|pk|rk|ls|lsv2|tria|ghp|gho|xox[abp]|AKIA)[-_][\w-]{8,}")),
    ("key", re.compile(r"\bAKIA[0-9A-Z]{12,}\b")),
    ("email", re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+\.[^\s@<>\"'(),;:]+")),
    ("nric", re.compile(r"(?<![0-9a-z])[stfgm]\s?\d{7}\s?[a-z](?![0-9a-z])", re.IGNORECASE)),
    ("number", re.compile(r"(?<![\w.])\+?\(?\d(?:[\s().-]{0,2}\d){7,}(?!\w)")),
    (
        "secret",
        re.compile(
            r"(?<![\w+/=-])(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Za-z])[\w+/=-]{32,}+(?!\.py\b)",
        ),
    ),
)


def redacted(line: Mapping[str, Any]) -> MutableMapping[str, Any]:
    """The line without what nobody may read in it."""
    return {_key(key): _field(key, value, 0) for key, value in line.items()}


def redacted_text(text: str) -> str:
    """A text in which ids and times stay, and what looks personal or secret is masked."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"\x00{chr(0xE000 + len(kept) - 1)}\x00"

    text = UNSEEN.sub("", text[: 2 * LONGEST])
    for ours in (UUIDS, TIMES, DECIMALS):
        text = ours.sub(keep, text)
    for kind, pattern in PATTERNS:
        text = pattern.sub(f"[{kind}]", text)
    for number, found in enumerate(kept):
        text = text.replace(f"\x00{chr(0xE000 + number)}\x00", found)
    text = text.replace("\x00", "")
    return text if len(text) <= LONGEST else text[:LONGEST] + CUT


def _key(key: object) -> str:
    return redacted_text(key) if isinstance(key, str) else f"[{type(key).__name__}]"


def _field(key: object, value: object, depth: int) -> object:
    name = str(key) if isinstance(key, str) else ""
    if name not in ALLOWED and FORBIDDEN.search(name):
        return value if value is None or isinstance(value, bool) else MASKED
    if name in TRACE_IDS and isinstance(value, str) and TRACES.fullmatch(value):
        return value
    return _value(value, depth)


def _value(value: object, depth: int) -> object:
    if depth > DEEPEST:
        return CUT
    for kinds, shown in SHOWN:
        if isinstance(value, kinds):
            return shown(value, depth)
    return f"[{type(value).__name__}]"  # whatever it would say of itself is not known


def _number(value: Any, _: int) -> object:
    return value if redacted_text(str(value)) == str(value) else "[number]"


def _decimal(value: Any, _: int) -> object:
    return redacted_text(str(value))


def _mapping(value: Any, depth: int) -> object:
    items = list(value.items())[:MOST_ITEMS]
    return {_key(key): _field(key, inside, depth + 1) for key, inside in items}


def _several(value: Iterable[object], depth: int) -> object:
    return [_value(inside, depth + 1) for inside in list(value)[:MOST_ITEMS]]


def _text(value: Any, _: int) -> object:
    return redacted_text(value)


def _plain(value: Any, _: int) -> object:
    return value


def _said(value: Any, _: int) -> object:
    return str(value)


def _type(value: Any, _: int) -> object:
    return type(value).__name__


SHOWN: tuple[tuple[Any, Callable[[Any, int], object]], ...] = (
    ((bool, float, type(None)), _plain),
    (int, _number),
    (str, _text),
    ((datetime, date, time, timedelta, UUID), _said),
    (Decimal, _decimal),
    (Mapping, _mapping),
    ((list, tuple, set, frozenset), _several),
    (BaseException, _type),
)
