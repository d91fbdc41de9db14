"""The table of tones, and the checks for what of it can be checked."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from tools.understanding.sentiment import phrases

EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")
LISTED = re.compile(r"^\s*[-*•\d]", re.MULTILINE)
SCRIPTS = {"zh": re.compile("[\u4e00-\u9fff]"), "ta": re.compile("[\u0b80-\u0bff]")}
MALAY = re.compile(
    r"\b(?:anda|kami|untuk|dengan|yang|dan|ini|itu|pada|akan|tidak|boleh|saya|pesanan|jumlah"
    r"|baki|akaun|invois|bayaran|hingga|setakat|daripada|telah|sudah|sila)\b",
    re.IGNORECASE,
)
FEWEST_LETTERS = 25


class Directions(NamedTuple):
    """What a prompt is told and what checks hold: lines, and emoji in the whole reply."""

    text: str
    lines: int
    emoji: int


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads((resources.files("tools") / "tone.toml").read_text(encoding="utf-8"))


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    table = _table()
    return phrases(",".join(table["banned"])), phrases(table["apology"]["words"])


def directions_for(
    situation: str, channel: str, segment: str, sentiment: str, *, of_money: bool
) -> Directions:
    """One row of the table; emoji are for friendly replies that speak of no money."""
    table = _table()
    place = table["channel"].get(channel, table["channel"]["web"])
    row = table["situation"][situation]
    said = (
        row["directions"],
        place["directions"],
        table["segment"].get(segment, {}).get("directions", ""),
        table["sentiment"][sentiment]["directions"],
        table["manners"],
    )
    is_earnest = of_money or situation in table["no_emoji"]
    emoji = 0 if is_earnest else place["emoji"]
    return Directions(" ".join(filter(None, said)), row["lines"], emoji)


def breaches(text: str, *, lines: int, emoji: int, language: str) -> list[str]:
    """What a reply does that its tone forbids, each in a few words; empty when nothing."""
    banned, apology = _patterns()
    spoken = [x for x in text.splitlines() if x.strip() and not LISTED.match(x)]
    found = {
        "too many lines": len(spoken) > lines,
        "too many emoji": len(EMOJI.findall(text)) > emoji,
        "a banned word": bool(banned.search(text)),
        "more than one apology": len(apology.findall(text)) > 1,
        "another language": not speaks(text, language),
    }
    return [name for name, holds in found.items() if holds]


def speaks(text: str, language: str) -> bool:
    """Whether a reply is in that language, as far as a few words show it."""
    letters = sum(c.isalpha() for c in text)
    if letters < FEWEST_LETTERS:
        return True
    counts = {name: len(pattern.findall(text)) for name, pattern in SCRIPTS.items()}
    if language in SCRIPTS:
        return counts[language] * 5 >= letters
    if sum(counts.values()) * 2 > letters:
        return False
    is_malay = len(MALAY.findall(text)) * 20 > len(text.split())
    return is_malay == (language == "ms")
