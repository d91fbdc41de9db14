"""How a customer feels, read from words, capitals and exclamation marks."""

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Literal

Sentiment = Literal["angry", "unhappy", "neutral", "happy"]

EXCLAIMED = re.compile("[!！]{2,}")
SHOUTED_WORDS = 4
TAMIL_END = re.compile("[\u0bcd\u0bc1]$")  # the sign of a bare consonant, and a short u


def sentiment_of(text: str) -> Sentiment:
    """The strongest feeling a message shows; a complaint outweighs its polite thanks."""
    lowered = text.lower()
    if _patterns()["angry"].search(lowered):
        return "angry"
    if _patterns()["unhappy"].search(lowered):
        return "angry" if EXCLAIMED.search(text) or _is_shouted(text) else "unhappy"
    return "happy" if _patterns()["happy"].search(lowered) else "neutral"


def phrases(listed: str) -> re.Pattern[str]:
    """One pattern over phrases separated by commas or lines; a trailing * is any ending.

    Chinese and Tamil write no boundary that a pattern could ask for. A Tamil word gives up its
    last sign before an ending.
    """
    found = filter(None, re.split(r"\s*[,\n]\s*", listed))
    return re.compile("|".join(map(_phrase, found)), re.IGNORECASE)


def _phrase(words: str) -> str:
    stem = re.escape(words.removesuffix("*"))
    if not words.isascii():
        return TAMIL_END.sub("", stem) if words.endswith("*") else stem
    return rf"(?<!\w){stem}" + (r"\w*" if words.endswith("*") else r"(?!\w)")


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    text = (resources.files("tools.understanding") / "moods.toml").read_text(encoding="utf-8")
    return {mood: phrases(entry["words"]) for mood, entry in tomllib.loads(text).items()}


def _is_shouted(text: str) -> bool:
    words = re.findall(r"\b[A-Za-z]{3,}\b", text)
    return len(words) >= SHOUTED_WORDS and sum(w.isupper() for w in words) * 2 > len(words)
