"""Postal addresses as they are written in Singapore."""

import re
from collections.abc import Iterator

from tools.screening.places import Found, before, distance
from tools.screening.wordlists import load, words

_DATA = load("personal.toml")
_KINDS = _DATA["addresses"]
PLAIN, CAPITAL, LEADING, NEVER = (
    words(_KINDS[k]) for k in ("plain", "capital", "leading", "never")
)
POSTAL_CUES = words(_DATA["cues"]["postal"])
LONGEST_GAP = 4
LONGEST = 120

BLOCK = re.compile(
    rf"(?<!\w)(?:{_KINDS['block'].replace(' ', '|')})\.?\s?#?\d{{1,4}}[A-Za-z]?(?!\w)",
    re.IGNORECASE,
)
NUMBER = re.compile(r"(?<![\w#.,$-])(?:no\.? ?)?\d{1,4}[A-Za-z]?(?!\w)", re.IGNORECASE)
_STREET_WORD = r"(?:[A-Za-z][\w'’./]*|\d{1,3}(?:/\d{1,3})?[A-Za-z]?)"
STREET_WORDS = re.compile(rf",? {{1,2}}({_STREET_WORD}(?: {_STREET_WORD}){{0,6}})", re.ASCII)
UNIT = re.compile(r"(?<![\w#])#[A-Z]?\d{1,3} ?- ?\d{1,5}[A-Z]?(?!\w)", re.IGNORECASE)
POSTAL = re.compile(
    r"(?<![\w#.$-])(?:S ?\(? ?\d{6}(?:\)|(?![\w.-]))|(?:Singapore|S'pore|SG|Spore|新加坡|சிங்கப்பூர்),? ?\(?\d{6}\)?(?!\w))",  # noqa: E501
    re.IGNORECASE,
)
SIX_DIGITS = re.compile(r"(?<![\w#.,$-])\d{6}(?![\w.,-]\d|\w)", re.ASCII)
LABEL = re.compile(
    r"(?<!\w)(?:address|addr|alamat)\s?[:=] ?|(?:地址|முகவரி) ?[:：] ?", re.IGNORECASE
)
LABEL_END = re.compile(
    r"[\n;|]|\b(?:contact|tel|phone|mobile|hp|attn|email|pic)\b|联系|电话", re.IGNORECASE
)
CHINESE = re.compile(
    "[\u4e00-\u9fff]{2,10}(?:路|街|道|巷|大道) ?\\d{1,4} ?号|(?:大牌|第) ?\\d{1,4} ?[座栋]?"
)


def find_addresses(text: str) -> Iterator[Found]:
    """Addresses: their parts found one by one, then joined where they touch."""
    parts = sorted([*_streets(text), *_others(text), *_labelled(text)])
    while parts:
        start, end = parts.pop(0)
        while parts and _touch(text, end, parts[0][0]):
            end = max(end, parts.pop(0)[1])
        yield Found("address", start, end)


def _touch(text: str, end: int, start: int) -> bool:
    gap = text[end:start]
    return len(gap) <= LONGEST_GAP and not gap.strip(" ,;\n-")


def _others(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (UNIT, POSTAL, CHINESE):
        for m in pattern.finditer(text):
            yield m.span()
    for m in SIX_DIGITS.finditer(text):
        if distance(before(text, m.start(), 32), POSTAL_CUES) < 16:
            yield m.span()


def _streets(text: str) -> Iterator[tuple[int, int]]:
    for m in BLOCK.finditer(text):
        yield m.start(), _street_end(text, m.end()) or m.end()
    for m in NUMBER.finditer(text):
        if end := _street_end(text, m.end()):
            yield m.start(), end


def _street_end(text: str, place: int) -> int | None:
    """Where a street's name ends that begins there."""
    match = STREET_WORDS.match(text, place)
    if not match:
        return None
    names = match[1].split(" ")
    count = _street_length(names)
    return match.start(1) + len(" ".join(names[:count]).rstrip(".,/")) if count else None


def _street_length(names: list[str]) -> int:
    """How many of the words make a street's name: `Example Avenue 4`, `Jalan Contoh`."""
    if names[0].lower() in LEADING:
        return _leading_length(names)
    for n, name in enumerate(names[:5]):
        word = name.lower().strip(".,")
        if word in NEVER or (n == 0 and name[0].isdigit()):
            return 0
        if n and _is_kind(word, names[: n + 1]):
            return n + 2 if _is_number(names[n + 1 : n + 2]) else n + 1
    return 0


def _is_kind(word: str, names: list[str]) -> bool:
    is_capital = all(name[0].isupper() or name[0].isdigit() for name in names)
    return word in PLAIN or (word in CAPITAL and is_capital)


def _is_number(names: list[str]) -> bool:
    return bool(names) and names[0][0].isdigit()


def _leading_length(names: list[str]) -> int:
    count = 1
    for name in names[1:4]:
        is_name = name[0].isupper() or name[0].isdigit() or count == 1
        if name.lower().strip(".,") in NEVER or not is_name:
            break
        count += 1
    return count if count > 1 else 0


def _labelled(text: str) -> Iterator[tuple[int, int]]:
    """What follows `Address:` up to the end of the line, if it has a figure."""
    for m in LABEL.finditer(text):
        rest = LABEL_END.split(text[m.end() : m.end() + LONGEST])[0].rstrip(" ,.-/")
        is_other = "@" in rest or "://" in rest or before(text, m.start(), 8).strip().endswith("ip")
        if any(c.isdigit() for c in rest) and not is_other:
            yield m.end(), m.end() + len(rest)
