"""Whether a message asks about the account of somebody else, told by its form alone.

Whether there is such a company is never looked up: the answer is the same.
"""

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any, Literal

Asked = Literal["own", "others", "both"]

SENTENCES = re.compile(
    r"(?<!\bpte\.)(?<!\bsdn\.)(?<=[.!?])\s+|(?<=[。！？])|[;；，\n]+|,\s*(?:and|dan)\s+",
    re.IGNORECASE,
)
LETTERS = re.compile(r"[^\W\d_]+")
GAP = r"[^.;!?。！？\n]{0,40}?"


def whose_account(text: str, own: Iterable[str]) -> Asked:
    """Whose account is asked about. `own` are the names that are the customer's own."""
    sentences = [s for s in SENTENCES.split(text) if s.strip()]
    known = _words(" ".join(own)) | _words(_table()["known"])
    of_others = [s for s in sentences if _is_of_others(s, known)]
    if not of_others:
        return "own"
    is_own_too = any(_is_of_own(s) for s in sentences if s not in of_others)
    return "both" if is_own_too else "others"


def _is_of_others(sentence: str, known: frozenset[str]) -> bool:
    if not _phrases("account").search(sentence):
        return False
    if _phrases("anybody").search(sentence) or _names_other(sentence, known):
        return True
    return bool(_phrases("theirs").search(sentence)) and not _phrases("own").search(sentence)


def _names_other(sentence: str, known: frozenset[str]) -> bool:
    found = (match for pattern in _names() for match in pattern.finditer(sentence))
    return any(not _words(match[1]) <= known for match in found)


def _is_of_own(sentence: str) -> bool:
    return bool(_phrases("own").search(sentence) and _phrases("account").search(sentence))


def _words(text: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in LETTERS.findall(text))


@cache
def _phrases(kind: str) -> re.Pattern[str]:
    rows: dict[str, list[str]] = _table()[kind]
    found = [_bounded(p) if key in ("en", "ms") else p for key in rows for p in rows[key]]
    return re.compile("|".join(found).replace("~", GAP), re.IGNORECASE)


def _bounded(pattern: str) -> str:
    """A word of Latin letters does not begin or end inside another one."""
    return rf"(?<![A-Za-z0-9])(?:{pattern})(?![A-Za-z])"


@cache
def _names() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in _table()["names"])


@cache
def _table() -> dict[str, Any]:
    text = (resources.files("tools.understanding") / "others.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
