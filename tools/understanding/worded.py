"""Small talk and vague talk that words alone give away."""

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Literal

from tools.understanding.sentiment import phrases

Ending = Literal["goodbye", "thanks"]
ENDINGS: tuple[Ending, ...] = ("goodbye", "thanks")
QUESTION = re.compile("[?？吗呢]")


def asks_for_robot(text: str) -> bool:
    """Whether somebody asks if a machine answers here."""
    return bool(_pattern("robot").search(text) and _pattern("robot", "asks").search(text))


def changes_details(text: str) -> bool:
    """Whether a customer's own particulars are to be changed: an address, a number, a bank."""
    return bool(_pattern("details").search(text) and _pattern("details", "changed").search(text))


def ending_of(text: str) -> Ending | None:
    """Whether a message says goodbye or thanks, and asks nothing."""
    if QUESTION.search(text):
        return None
    return next((ending for ending in ENDINGS if _pattern(ending).search(text)), None)


def is_vague(text: str) -> bool:
    """Whether a message points at something and says nothing else: "the blue one, you know"."""
    rest, pointing = _pattern("vague", "pointing").subn(" ", text)
    return bool(pointing) and not re.search(r"\w", _pattern("vague").sub(" ", rest))


@cache
def _pattern(name: str, key: str = "words") -> re.Pattern[str]:
    text = (resources.files("tools.understanding") / "worded.toml").read_text(encoding="utf-8")
    return phrases(tomllib.loads(text)[name][key])
