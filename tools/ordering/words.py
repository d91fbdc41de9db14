"""The words of written orders, from `order_words.toml`."""

import tomllib
from importlib import resources
from typing import Any

_WORDS: dict[str, Any] = tomllib.loads(
    (resources.files("tools.ordering") / "words.toml").read_text(encoding="utf-8")
)
NOUNS: frozenset[str] = frozenset(_WORDS["nouns"])
FILLER: frozenset[str] = frozenset(_WORDS["filler"].split())
UNCOUNTABLE: frozenset[str] = frozenset(_WORDS["uncountable"].split())
AREAS: tuple[str, ...] = tuple(sorted(_WORDS["areas"], key=len, reverse=True))
ENGLISH: dict[str, str] = _WORDS["english"]
SPELLING: frozenset[str] = frozenset(_WORDS["spelling"]["known"].split())
OTHER_WORDS: frozenset[str] = frozenset(_WORDS["spelling"]["other"].split())
ALIASES: dict[str, str] = _WORDS["aliases"]
NUMBERS: dict[str, int] = _WORDS["numbers"]
SCALES: dict[str, int] = _WORDS["scales"]
DIGITS: dict[str, str] = {w: str(n) for w, n in (NUMBERS | _WORDS["sizes"]).items()}
PACKS = r"(?:bundles?|bundels?|bndls?|bdls?|cartons?|cartoons?|ctns?|packs?|pkts?|packets?|pcks?)"
# Foreign words and the English ones that stand for them.
CHINESE: dict[str, str] = _WORDS["chinese"]
MALAY: dict[str, str] = _WORDS["malay"]
TAMIL: dict[str, str] = _WORDS["tamil"]
NUMERALS: dict[str, int] = _WORDS["numerals"]
MALAY_MONTHS: dict[str, str] = _WORDS["malay_months"]
