"""English words for the terms of a question in Chinese, Malay or Tamil, and for abbreviations.

The sentence embedder knows English only; a handful of words is enough for it to find a section.
"""

import re
import tomllib
from functools import cache
from importlib import resources

SCRIPTS = {"zh": re.compile(r"[\u3400-\u9fff]"), "ta": re.compile(r"[\u0b80-\u0bff]")}
PULLI = "\u0bcd"
LETTER = r"[\w\u0b80-\u0bff]"  # \w leaves out Tamil's vowel signs


def in_english(query: str, language: str) -> str:
    """The query with its foreign terms in English, and what is written in Latin letters as is."""
    text = _explained(query.lower())
    for foreign in _languages_of(query, language):
        text = _translated(text, foreign)
    return " ".join(re.sub(r"[^\x00-\u024f]+", " ", text).split())


def _explained(text: str) -> str:
    terms = _glossary()["en"]
    found = (terms[match.group()] for match in _whole_words("en").finditer(text))
    return " ".join([text, *dict.fromkeys(found)])


def _translated(text: str, language: str) -> str:
    terms = _glossary()[language]
    return _pattern(language).sub(lambda match: f" {terms[match['term']]} ", text)


def _languages_of(query: str, language: str) -> list[str]:
    written = [name for name, script in SCRIPTS.items() if script.search(query)]
    return [*written, "ms"] if language == "ms" else written


@cache
def _pattern(language: str) -> re.Pattern[str]:
    """Any term, the longest first; a Malay or Tamil word may go on after it."""
    terms = sorted(_glossary()[language], key=len, reverse=True)
    term = f"(?P<term>{'|'.join(map(re.escape, terms))})"
    return re.compile(term if language == "zh" else rf"(?<!{LETTER}){term}{LETTER}*")


@cache
def _whole_words(language: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, _glossary()[language]))})\b")


@cache
def _glossary() -> dict[str, dict[str, str]]:
    text = (resources.files("policies") / "glossary.toml").read_text(encoding="utf-8")
    glossary: dict[str, dict[str, str]] = tomllib.loads(text)
    # A Tamil word loses the sign of its last consonant when an ending follows.
    glossary["ta"] = {term.removesuffix(PULLI): word for term, word in glossary["ta"].items()}
    return glossary
