"""Complaints that words alone give away, and whether they tell of repeated incidents."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Any

from tools.grounding.numbers import NUMBER, plain, read_number
from tools.rules import load_rules
from tools.understanding.sentiment import sentiment_of

LANGUAGES = ("en", "zh", "ms", "ta")
GAP = r"[^.;!?。！？\n]{0,40}?"
DAYS = {"day": 1, "week": 7, "month": 30}
SPAN = re.compile(
    rf"(?P<count>{NUMBER}|\b(?:a|this|last|past|the)\b|这|本|上)?\s*(?:个|個)?"
    r"(?:(?P<day>\bdays?\b|天|\bhari\b|நாள்|நாட்கள)|(?P<week>\bweeks?\b|\bwks?\b|星期|周|\bminggu\b|வார)"
    r"|(?P<month>\bmonths?\b|\bmths?\b|月|\bbulan\b|மாத))",
    re.IGNORECASE,
)


def complains(text: str) -> bool:
    """Whether an unhappy message tells what went wrong with a delivery or its goods."""
    spoken = plain(text)
    if sentiment_of(spoken) not in ("angry", "unhappy") or _pattern("unless").search(spoken):
        return False
    return any(_pattern(language).search(spoken) for language in LANGUAGES)


def is_repeated(text: str) -> bool:
    """Whether a message tells of a third incident within the days of an account review (Q8)."""
    spoken = plain(text)
    if not _pattern("times").search(spoken):
        return False
    days = load_rules().quality.review_days
    return bool(_pattern("row").search(spoken)) or any(n <= days for n in _days_in(spoken))


def _days_in(text: str) -> Iterator[int]:
    """The lengths of the times that a text names, in days."""
    for match in SPAN.finditer(text):
        count = read_number(match["count"]) if match["count"] else None
        yield int(count or 1) * next(n for unit, n in DAYS.items() if match[unit])


@cache
def _pattern(key: str) -> re.Pattern[str]:
    text = (resources.files("tools.understanding") / "grievances.toml").read_text(encoding="utf-8")
    tables: dict[str, dict[str, Any]] = tomllib.loads(text)
    patterns: Sequence[str] = next(table[key] for table in tables.values() if key in table)
    return re.compile("|".join(map(_bounded, patterns)).replace("~", GAP), re.IGNORECASE)


def _bounded(pattern: str) -> str:
    """A word of Latin letters does not begin or end inside another one."""
    return rf"(?<![A-Za-z0-9])(?:{pattern})(?![A-Za-z])"
