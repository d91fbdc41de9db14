"""What a reader sees: invisible characters, look-alikes and odd forms of letters undone."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from tools.screening.wordlists import HOMOGLYPHS

LONGEST_MESSAGE = 8000

# Zero-width, bidi control, filler, tag and variation-selector characters hide words from readers.
HIDDEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
)
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
CONTROLS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff"
TURNED = "\u202e"  # what follows is shown from right to left
STRUCK_THROUGH = "\u0334-\u0338"
MARKS = "\u0300-\u036f\u0483-\u0489\u0b82\u0bbe-\u0bcd\u0bd7\u3099\u309a\u20d0-\u20f0\ufe20-\ufe2f"
# Forms that compatibility folding would change for the worse: 1½ is not 11/2.
KEPT = "¼½¾⅐-⅞"
HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
SYMBOL = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u27bf\u2900-\u297f"
    "\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
TINTED = f"{SYMBOL}(?:\ufe0f|[\U0001f3fb-\U0001f3ff])?"

PLAIN_ASCII = re.compile("[\\x20-\\x7e\\n\\t\\r]*")
SHOWN_JOINED = re.compile(
    f"\U0001f3f4[\U000e0030-\U000e007a]{{4,6}}\U000e007f"
    f"|[0-9#*]\ufe0f?\u20e3|{TINTED}(?:\u200d{TINTED})*"
)
PIECES = re.compile(
    f"(?P<emoji>(?:[0-9#*]\ufe0f?\u20e3|[\U000e0030-\U000e007f]|{TINTED}(?:\u200d{TINTED})*)+)"
    f"|(?P<kept>[{KEPT}])"
    f"|(?P<wide>[\uff01-\uff0f\uff1a-\uff1f]+)"
    f"|(?P<plain>[\\x20-\\x7e\\n\\t\\r\u00c0-\u017e\u0391-\u03c9\u0400-\u052f"
    f"\u0b80-\u0bff\u3001\u3002{HAN}]+(?![{MARKS}]))"
    f"|(?P<other>[\\s\\S][{MARKS}]*)"
)
NOT_SHOWN = re.compile(f"[{HIDDEN}{CONTROLS}{STRUCK_THROUGH}]+")
HAN_LETTER = re.compile(f"[{HAN}]")
WORD = re.compile(r"[^\W\d_]+")
LOOKALIKE = re.compile(f"[{''.join(HOMOGLYPHS)}]")
LATIN = re.compile("[A-Za-z]")
FOREIGN = re.compile("[\u0370-\u03ff\u0400-\u052f\u0530-\u058f]")
LOOKALIKES = str.maketrans(HOMOGLYPHS)


@dataclass(frozen=True)
class Readable:
    """A text as people see it, where each character came from, and what was hidden in it."""

    text: str
    origins: Sequence[int]
    hidden: str


def is_storable(text: str) -> bool:
    """Whether every store can hold the text: no NUL, no lone surrogate, not oversize."""
    return len(text) <= LONGEST_MESSAGE and not UNSTORABLE.search(text)


def read(given: str) -> Readable:
    """The text as it shows, at most `LONGEST_MESSAGE` characters of it."""
    cut = given[:LONGEST_MESSAGE]
    if PLAIN_ASCII.fullmatch(cut):
        return Readable(cut, range(len(cut) + 1), "")
    places = _shown_places(cut)
    text, starts = _folded("".join(cut[n] for n in places))
    origins = [places[start] for start in starts]
    hidden = " ".join(_spelt(m[0]) for m in NOT_SHOWN.finditer(cut))
    if TURNED in cut:
        hidden += f" {text[::-1]}"
    return Readable(_without_lookalikes(text), [*origins, len(cut)], hidden.strip())


def _shown_places(text: str) -> list[int]:
    """The places of the characters that show, or that join emoji into one."""
    joined = {n for m in SHOWN_JOINED.finditer(text) for n in range(*m.span())}
    gone = {n for m in NOT_SHOWN.finditer(text) for n in range(*m.span())} - joined
    return [n for n in range(len(text)) if n not in gone]


def _folded(text: str) -> tuple[str, list[int]]:
    """Compatibility forms replaced, and the place in `text` that each character came from."""
    shown: list[str] = []
    starts: list[int] = []
    for match in PIECES.finditer(text):
        piece = _piece(match, text)
        start, end = match.span()
        shown.append(piece)
        starts.extend(range(start, end) if len(piece) == end - start else [start] * len(piece))
        if len(starts) >= LONGEST_MESSAGE:
            break
    folded = "".join(shown)
    if unicodedata.is_normalized("NFC", folded):
        return folded[:LONGEST_MESSAGE], starts[:LONGEST_MESSAGE]
    composed = unicodedata.normalize("NFC", folded)[:LONGEST_MESSAGE]
    return composed, [*starts, *starts[-1:] * len(composed)][: len(composed)]


def _piece(match: re.Match[str], text: str) -> str:
    piece, kind = match[0], match.lastgroup
    if kind == "kept" or (kind == "wide" and _touches_han(text, match.start(), match.end())):
        return piece
    folded = unicodedata.normalize("NFKC", piece)
    return NOT_SHOWN.sub("", folded) if kind == "emoji" and folded != piece else folded


def _touches_han(text: str, start: int, end: int) -> bool:
    """Chinese writes its punctuation wide; elsewhere wide forms are a disguise."""
    return bool(HAN_LETTER.search(text[max(start - 1, 0) : end + 1]))


def _spelt(run: str) -> str:
    """What a run of invisible characters spells, as tags or as bytes in variation selectors."""
    tags = "".join(chr(ord(c) - 0xE0000) for c in run if 0xE0020 <= ord(c) <= 0xE007E)
    data = bytes(b for c in run if (b := _byte(ord(c))) is not None)
    spelt = data.decode("utf-8", "ignore") if len(data) > 1 else ""
    return f"{tags} {spelt}".strip()


def _byte(point: int) -> int | None:
    if 0xFE00 <= point <= 0xFE0F:
        return point - 0xFE00
    if 0xE0100 <= point <= 0xE01EF:
        return point - 0xE0100 + 16
    return None


def _without_lookalikes(text: str) -> str:
    """Foreign letters that pose as Latin ones replaced; text truly written in them stays."""
    if not LOOKALIKE.search(text):
        return text
    is_foreign = any(c not in HOMOGLYPHS for c in FOREIGN.findall(text))

    def unmasked(match: re.Match[str]) -> str:
        word = match[0]
        if LATIN.search(word) or not (is_foreign or FOREIGN.sub("", LOOKALIKE.sub("", word))):
            return word.translate(LOOKALIKES)
        return word

    return WORD.sub(unmasked, text) if LATIN.search(text) else text
