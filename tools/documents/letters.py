"""Makes any text printable: what no font can show is spelled out, what nobody can see goes away."""

import re
import unicodedata
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from fontTools.ttLib import TTFont

JOINERS = "\u200c\u200d"  # they shape Indic letters and emoji
UNSEEN = {"Cc", "Cf", "Zl", "Zp"}
# As much of a word without a break as fits the narrowest column; other scripts break anywhere.
LONG = re.compile(r"[!-~À-ɏ]{24}(?=[!-~À-ɏ])")
MAY_BREAK = "\u200b"


def readable(text: str) -> str:
    """The same text in one form of Unicode, on one line, without what is there but not seen."""
    composed = unicodedata.normalize("NFC", " ".join(text.split()))
    return "".join(c for c in composed if c in JOINERS or unicodedata.category(c) not in UNSEEN)


def printable(text: str) -> str:
    """Readable text in which a character that the fonts lack stands as [U+0000].

    A word that is wider than a column may break.
    """
    shown = "".join(c if _is_shown(c) else f"[U+{ord(c):04X}]" for c in readable(text))
    return LONG.sub(rf"\g<0>{MAY_BREAK}", shown)


@cache
def font_folders() -> tuple[Path, ...]:
    """Where the packages keep Noto's fonts."""
    specs = [find_spec(package) for package in ("manimgx_fonts", "manimgx_fonts_cjk")]
    return tuple(Path(spec.origin).parent for spec in specs if spec and spec.origin)


def _is_shown(character: str) -> bool:
    return any(ord(character) in _characters(font) for font in _fonts())


@cache
def _fonts() -> tuple[Path, ...]:
    """The largest last: looking into it takes a quarter of a second, and few texts need it."""
    files = [
        f for folder in font_folders() for f in folder.iterdir() if f.suffix in (".ttf", ".ttc")
    ]
    return tuple(sorted(files, key=lambda f: ("CJK" in f.name, f.name != "NotoSans[wght].ttf")))


@cache
def _characters(font: Path) -> frozenset[int]:
    with TTFont(font, fontNumber=0, lazy=True) as opened:
        return frozenset(opened.getBestCmap() or {})
