"""The words of written orders, from `order_words.toml`."""

import tomllib
from importlib import resources
from typing import Any

_WORDS: dict[str, Any] = tomllib.loads(
    (resources.files("tools") / "order_words.toml").read_text(encoding="utf-8")
)
NOUNS: frozenset[str] = frozenset(_WORDS["nouns"])
FILLER: frozenset[str] = frozenset(_WORDS["filler"].split())
UNCOUNTABLE: frozenset[str] = frozenset(_WORDS["uncountable"].split())
ALIASES: dict[str, str] = _WORDS["aliases"]
NUMBERS: dict[str, int] = _WORDS["numbers"]
SCALES: dict[str, int] = _WORDS["scales"]
DIGITS: dict[str, str] = {w: str(n) for w, n in (NUMBERS | _WORDS["sizes"]).items()}
