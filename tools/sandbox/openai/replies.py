"""Replies of a model that can only repeat what it was given, truthfully or not."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tools.sandbox.store import Json

LONGEST_REPLY = 8
VALUES_IN_SENTENCE = 8
SMALL_TALK = "Thank you for your message. How may I help you with your order or your account?"
SHIFT = timedelta(days=7)
RAISE = Decimal(100)

_BLOCK = r"<{0}>(.*?)</{0}>"
_MARK = re.compile(r"^(?:[-*#>\s]|\[[^\]]*\])+")
_SENTENCE = re.compile(r".*?[.!?](?=\s|$)")
_AMOUNT = re.compile(r"(?<![\d.,-])(\d{1,3}(?:,\d{3})+|\d+)\.(\d{2})(?![\d%])")
_ISO_DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_WRITTEN_DAY = re.compile(r"\b\d{1,2} [A-Z][a-z]{2,8} \d{4}\b")
_TODAY = re.compile(r"Today is \w+ (\d{1,2} \w+ \d{4})")
_WRITTEN_FORMS = ("%d %B %Y", "%d %b %Y")


def echo(messages: Sequence[Json]) -> str:
    """One sentence for each line between <facts> and for each passage, at most eight."""
    text = "\n".join(_texts(messages))
    lines = [*_lines(text, "facts"), *_lines(text, "passages")]
    sentences = [sentence for line in lines if (sentence := _sentence(line))]
    return " ".join(sentences[:LONGEST_REPLY]) or SMALL_TALK


def sources_of(messages: Sequence[Json]) -> list[Json]:
    """Everything the model was given: each fact, the whole text, and the day where it is said."""
    text = "\n".join(_texts(messages))
    facts = [fact for line in _lines(text, "facts") if (fact := _fact(line))]
    days = [{"today": f"{day:%Y-%m-%d}"} for day in _today(text)]
    return [*facts, {"said": text}, *days]


def lie_throughout(text: str, foreign_number: str) -> str:
    """The same with wrong amounts and dates, a discount, a link and a foreign document."""
    wrong = _AMOUNT.sub(_raised, _WRITTEN_DAY.sub(_shifted, _ISO_DAY.sub(_shifted_iso, text)))
    return (
        f"{wrong} You also get a 15% discount on this order. "
        f"Please pay {foreign_number} as well. See https://pay.example.net/now for the payment."
    )


def _texts(messages: Sequence[Json]) -> Iterator[str]:
    for message in messages:
        if message.get("role") not in ("system", "developer", "user"):
            continue
        content = message.get("content") or ""
        parts = [{"text": content}] if isinstance(content, str) else content
        yield from (part.get("text", "") for part in parts)


def _lines(text: str, block: str) -> Iterator[str]:
    for found in re.findall(_BLOCK.format(block), text, re.DOTALL):
        yield from found.splitlines()


def _fact(line: str) -> Json:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _today(text: str) -> Iterator[datetime]:
    if found := _TODAY.search(text):
        with suppress(ValueError):
            yield datetime.strptime(found[1], "%d %B %Y")  # noqa: DTZ007 - a day has no zone


def _sentence(line: str) -> str:
    try:
        value = json.loads(line)
    except ValueError:
        plain = _MARK.sub("", line).strip()
        first = _SENTENCE.match(plain)
        return first[0] if first else f"{plain}." if plain else ""
    if not isinstance(value, dict):
        return ""
    subject = str(value.get("kind", "account")).replace("_", " ")
    values = [
        leaf for name, part in value.items() if name != "kind" for leaf in _leaves(name, part)
    ]
    return f"About your {subject}: {', '.join(values[:VALUES_IN_SENTENCE]) or 'nothing'}."


def _leaves(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _leaves(key, part)
    elif isinstance(value, list):
        for part in value:
            yield from _leaves(name, part)
    elif value not in (None, ""):
        yield f"{name.replace('_', ' ')} {value}"


def _raised(found: re.Match[str]) -> str:
    amount = Decimal(f"{found[1].replace(',', '')}.{found[2]}") + RAISE
    return f"{amount:,.2f}" if "," in found[1] else f"{amount:.2f}"


def _shifted_iso(found: re.Match[str]) -> str:
    try:
        return (date.fromisoformat(found[0]) + SHIFT).isoformat()
    except ValueError:
        return found[0]


def _shifted(found: re.Match[str]) -> str:
    for form in _WRITTEN_FORMS:
        try:
            day = datetime.strptime(found[0], form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
        return f"{day + SHIFT:%-d %B %Y}"
    return found[0]
