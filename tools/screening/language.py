"""The language of a message: that of the sentence's frame, when languages are mixed."""

import re
from typing import Literal

from tools.screening.wordlists import load, words

Language = Literal["en", "zh", "ms", "ta"]
_DATA = load("languages.toml")
FRAME: dict[Language, frozenset[str]] = {
    "en": words(_DATA["en"]["frame"]),
    "ms": words(_DATA["ms"]["frame"]),
}
OTHERS: dict[Language, frozenset[str]] = {
    "en": words(_DATA["en"]["others"]),
    "ms": words(_DATA["ms"]["others"]),
}
WEIGHTS: dict[str, float] = _DATA["weights"]
HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
TAMIL = re.compile("[\u0b80-\u0bff]+")
LATIN = re.compile(r"[a-z]+(?:['’][a-z]+)?")


def language_of(text: str) -> Language | None:
    """The language to answer in; None where nothing shows it, as in `600` or an emoji."""
    found = LATIN.findall(text.lower())
    latin = [word.replace("'", "").replace("’", "") for word in found]
    marks: dict[Language, float] = {
        "en": _marks("en", latin),
        "zh": len(HAN.findall(text)) * WEIGHTS["han"],
        "ms": _marks("ms", latin),
        "ta": len(TAMIL.findall(text)) * WEIGHTS["tamil"],
    }
    best = max(marks, key=lambda language: marks[language])
    if marks[best] >= WEIGHTS["least"]:
        return best
    return "en" if _is_prose(latin) else None


def _marks(language: Language, found: list[str]) -> float:
    frame = sum(word in FRAME[language] for word in found)
    others = sum(word in OTHERS[language] for word in found)
    return frame * WEIGHTS["frame"] + others * WEIGHTS["others"]


def _is_prose(found: list[str]) -> bool:
    """Several words that no list holds are most likely English."""
    return sum(len(word) > 2 for word in found) >= 2
