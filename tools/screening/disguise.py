"""What a text says once its disguises are taken off: other views of it, to be looked at as well."""

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from urllib.parse import unquote

from tools.screening.wordlists import HOMOGLYPHS, load, words

MOST_DECODED = 4000
MOST_BLOBS = 8
DEEPEST = 2
_DATA = load("disguise.toml")
TELLING = words(_DATA["telling"])
KNOWN = TELLING | words(_DATA["joining"])
MORSE_LETTERS: dict[str, str] = _DATA["morse"]
LONGEST_WORD = max(map(len, KNOWN))
FEWEST = 2

LETTERS = str.maketrans({**HOMOGLYPHS, **_DATA["letters"]})
LEET = str.maketrans(_DATA["leet"])
OTHER_LEET = str.maketrans(_DATA["other_leet"])
MARKED = re.compile("[\u0300-\u036f]")
LEET_WORD = re.compile(r"(?=\S{0,30}[a-z])(?=\S{0,30}[0-9@$!|+€])[a-z0-9@$!|+€]{3,30}")
SPACED = re.compile(
    r"(?<![^\W_])[^\W\d_](?:[^\S\n]{0,3}[ ._*|/\\+~-][^\S\n]{0,3}[^\W\d_](?![^\W_])){3,}"
)
WIDE_SPACE = re.compile(r"\s{2,}| / ")
BETWEEN = re.compile(r"[\s._*|/\\+~-]+")
WORD = re.compile(r"[a-z]{3,}")
RUN = re.compile(r"[a-z]{12,200}")
BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,4000}={0,2}")
HEX = re.compile(r"(?:(?:0x|\\x)?[0-9a-fA-F]{2}[ ,:]?){8,2000}")
HEX_PAIR = re.compile(r"[0-9a-fA-F]{2}")
NUMBERS = re.compile(r"(?:\b(?:1[01]\d|12[0-6]|[3-9]\d)\b[ ,;]{1,2}){7,1000}\d{2,3}\b")
BINARY = re.compile(r"(?:[01]{8} ?){6,500}")
ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
MORSE = re.compile(r"(?:[.\-·−–—]{1,6}[ /|]{1,3}){7,600}[.\-·−–—]{0,6}")
PIG = re.compile(r"\b[a-z]{3,24}ay\b")
PIG_ENDINGS = ("way", "yay", "ay")
MOST_MOVED = 3


def views(text: str, hidden: str) -> list[str]:
    """Other readings of a text, in small letters; the text itself is the first."""
    seen = _letters(text)
    found = [seen, *(hidden and [_letters(hidden)]), *_decoded(text, DEEPEST)]
    for undo in (_unleet, _unspaced, _rot13, _backwards, _pig_latin):
        found += undo(seen)
    return list(dict.fromkeys(found))


def _letters(text: str) -> str:
    """Every letter in its plainest form."""
    if text.isascii():
        return text.lower()
    bare = text.translate(LETTERS)
    return MARKED.sub("", unicodedata.normalize("NFD", bare)).lower()


def _tells(text: str) -> bool:
    """Whether words of attacks stand in it."""
    return sum(word in TELLING for word in WORD.findall(text)) >= FEWEST


def _translated(text: str, table: dict[int, str]) -> str:
    return LEET_WORD.sub(lambda match: match[0].translate(table), text)


def _unleet(text: str) -> list[str]:
    """Figures and signs that stand for letters, where that makes telling words."""
    if not LEET_WORD.search(text):
        return []
    plain = [_translated(text, table) for table in (LEET, OTHER_LEET)]
    fresh = set(WORD.findall(" ".join(plain))) - set(WORD.findall(text))
    return plain if fresh & TELLING else []


def _unspaced(text: str) -> list[str]:
    """Spaced-out letters joined, and words that were written together parted."""
    joined = SPACED.sub(_joined, text)
    parted = RUN.sub(lambda m: _parted(m[0]), joined)
    return [parted] if parted != text else []


def _joined(match: re.Match[str]) -> str:
    chunks = WIDE_SPACE.split(match[0])
    return f" {' '.join(BETWEEN.sub('', chunk) for chunk in chunks)} "


def _parted(run: str) -> str:
    """The known words that a run of letters is made of; the run itself if it is not."""
    best: list[list[str] | None] = [[]] + [None] * len(run)
    for end in range(1, len(run) + 1):
        for start in range(max(end - LONGEST_WORD, 0), end):
            before = best[start]
            if before is not None and run[start:end] in KNOWN:
                best[end] = [*before, run[start:end]]
                break
    return " ".join(best[-1] or [run])


def _rot13(text: str) -> list[str]:
    return _if_telling(codecs.encode(text, "rot13"), text)


def _backwards(text: str) -> list[str]:
    """The text from its end, or each word so."""
    whole = text[::-1]
    each = WORD.sub(lambda m: m[0][::-1], text)
    return _if_telling(whole, text) or _if_telling(each, text)


def _if_telling(undone: str, text: str) -> list[str]:
    return [undone] if _tells(undone) and not _tells(text) else []


def _pig_latin(text: str) -> list[str]:
    if len(PIG.findall(text)) < FEWEST:
        return []
    return _if_telling(PIG.sub(_unpigged, text), text)


def _unpigged(match: re.Match[str]) -> str:
    """Consonants moved to the front, as many as make a known word."""
    stems = [match[0].removesuffix(e) for e in PIG_ENDINGS if match[0].endswith(e)]
    tried = [s[len(s) - n :] + s[: len(s) - n] for s in stems for n in range(MOST_MOVED + 1)]
    return next((word for word in tried if word in KNOWN), match[0])


def _decoded(text: str, depth: int) -> list[str]:
    """What encoded parts say, and what is encoded in those."""
    if not depth:
        return []
    said = [s for decode in DECODERS for s in decode(text)]
    readable = [s[:MOST_DECODED] for s in said if _is_text(s)][:MOST_BLOBS]
    return [view for s in readable for view in (_letters(s), *_decoded(s, depth - 1))]


def _is_text(decoded: str) -> bool:
    printable = sum(c.isprintable() or c.isspace() for c in decoded)
    letters = sum(c.isalpha() for c in decoded)
    return len(decoded) >= 6 and printable == len(decoded) and letters * 2 > len(decoded)


def _from_base64(text: str) -> Iterator[str]:
    for match in [*BASE64.finditer(text)][:MOST_BLOBS]:
        blob = match[0].rstrip("=").replace("-", "+").replace("_", "/")
        try:
            yield base64.b64decode(blob + "=" * (-len(blob) % 4)).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue


def _from_hex(text: str) -> Iterator[str]:
    for match in [*HEX.finditer(text)][:MOST_BLOBS]:
        pairs = HEX_PAIR.findall(match[0].replace("0x", ""))
        yield bytes(int(pair, 16) for pair in pairs).decode("utf-8", "replace")


def _from_numbers(text: str) -> Iterator[str]:
    for match in NUMBERS.finditer(text):
        yield "".join(chr(int(n)) for n in re.findall(r"\d+", match[0]))
    for match in BINARY.finditer(text):
        digits = match[0].replace(" ", "")
        yield "".join(chr(int(digits[n : n + 8], 2)) for n in range(0, len(digits) - 7, 8))


def _from_escapes(text: str) -> Iterator[str]:
    for undo in (html.unescape, unquote, _unescaped):
        if (plain := undo(text)) != text:
            yield plain


def _unescaped(text: str) -> str:
    return ESCAPED.sub(lambda m: chr(int(m[1], 16)), text)


def _from_morse(text: str) -> Iterator[str]:
    for match in MORSE.finditer(text):
        signs = re.sub("[·]", ".", re.sub("[−–—]", "-", match[0]))
        spoken = re.split(r"\s*[/|]\s*|\s{2,}", signs)
        letters = ("".join(MORSE_LETTERS.get(s, "") for s in word.split()) for word in spoken)
        yield " ".join(letters)


DECODERS: tuple[Callable[[str], Iterator[str]], ...] = (
    _from_base64,
    _from_hex,
    _from_numbers,
    _from_escapes,
    _from_morse,
)
