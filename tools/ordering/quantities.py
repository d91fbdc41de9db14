"""Takes a written order apart: how many, in which unit, of what."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Literal

from tools.ordering.catalogue import SIZE
from tools.ordering.days import DATE, DAY_WORD
from tools.ordering.text import Written
from tools.ordering.words import FILLER, NUMBERS, PACKS, SCALES

Unit = Literal["piece", "pack"]

SCALE = rf"(?:{'|'.join(w for w in SCALES if len(w) > 1)})\b"
SIZES = "one|two|three|single|double|six|eight|nine|ten|twelve|fourteen|sixteen|eighteen"
SPELLED = rf"(?:{'|'.join(NUMBERS)}|{SCALE})\b"
# The number goes on, unless it is a size by now: "one hundred | fourteen inch boxes".
NEXT_SPELLED = rf"""(?!(?:{SIZES})[\s-]*(?:inch|inci\b|"|''|comp|ply\b)){SPELLED}"""
ITEM_WORD = (
    r"(?:box|bag|tray|lid|liner|napkin|bowl|plate|pizza|inch|xl|pcs?|pieces?|of|for|to|at|on)"
)
PART = r"(?:lids?|covers?|liners?|napkins?|cutlery|trays?|bags?|boxes)\b"
# "liners for the 12 inch boxes" is one product; elsewhere the goods end at "for".
FOR = (
    r"(?:(?<!liner\s)(?<!liners\s)(?<!lid\s)(?<!lids\s)for"
    r"|for(?!\s+(?:(?:the|those|our)\s+)?(?:(?:10|12|14)(?:\s?\"|\s?in)|single|meal|trays?|xl|boxes)))"
)
CLOCK = r"[0-9]{1,2}(?:[:.][0-9]{2})?"
STREET = rf"""
    \b[0-9]{{1,4}}[a-z]?\s+(?:(?!{ITEM_WORD}|{PACKS})[a-z']+\s+){{1,3}}
    (?:(?:street|st|road|rd|avenue|ave|drive|lane|crescent|boulevard|terrace|quay|gateway)\b
      |(?:way|lorong|central|close|walk|link|view|square|place|jalan)\b(?=\s*(?:[\#,(]|$
        |[0-9]{{1,2}}\b(?!\s*(?:pcs|x\b|{PACKS})))))
    (?:\s+[0-9]{{1,2}}\b)?
"""
# What carries figures but is no quantity: addresses, numbers to call, times, prices, references.
NOISE = rf"""
    (?<!\S)\S{{1,64}}@\S{{3,99}} | \bhttps?://\S+
  | (?:\+?65[\s-]?)?(?<![0-9])[3689][0-9]{{3}}[\s-]?[0-9]{{4}}(?![0-9])
  | \b(?:s|singapore)\s*\(?[0-9]{{6}}\)? | \#\s*[0-9]+-[0-9]+ | \b(?:blk|block)\s*[0-9]+[a-z]?\b
  | {STREET} | \b{CLOCK}\s*(?:(?:-|to)\s*{CLOCK}\s*)?[ap]\.?m\b
  | \b(?:between|from)\s+{CLOCK}\s*(?:and|to|-)\s*{CLOCK}(?![0-9])
  | \b[0-9]{{1,2}}:[0-9]{{2}}(?![0-9]) | \b[0-9]{{3,4}}(?:\s*(?:-|to)\s*[0-9]{{3,4}})?\s*hrs?\b
  | (?:@\s*)?(?:s?\$|\bsgd)\s*[0-9]+(?:,[0-9]{{3}})*(?:\.[0-9]+)?
  | \b[0-9]+\s*(?:dollars?|bucks|cents?|c)\b
  | \b(?:gate|door|bay|dock|lobby|lift|counter|level|lvl|floor|stall|room)\s+\#?[0-9]{{1,4}}\b
  | @\s*[0-9]+(?:\.[0-9]+)?(?:\s*c(?:ents?)?\b)?
  | \bp/?o(?:\s+(?:no|number|ref(?:erence)?))?\b[.:\#\s]{{0,3}}(?=[\w/-]{{0,40}}[0-9])(?=[\w/-]{{0,40}}[a-z])[\w/-]{{6,40}}:?
  | \b(?:inv(?:oice)?|tria|qu|p/?o|(?:purchase\s+)?order|ref(?:erence)?|account|acct)
      (?:\s?(?:no|nos|number|id)\b\.?|\s?\#)[-\s:\#]{{0,3}}(?:[a-z]{{1,4}}-)?[0-9]{{2,}}\b
  | \b(?:inv|tria|qu|p/?o)[-\s:\#]{{0,3}}[0-9]{{2,}}\b
  | \b(?:v|ver|version|rev)\.?\s?[0-9]{{1,2}}(?:\.[0-9])?\b | \b[a-z]{{1,2}}[0-9]{{1,4}}\s*[-=]+>
  | (?<![0-9.])[0-9]+\.[0-9]{{2}}(?![0-9k]) | (?<![0-9.])[0-9.]{{1,9}}\s*(?:%|percent\b)
  | (?:\(\s?)?\b[0-9]{{1,6}}\s*(?:pcs?|pieces?)?\s*(?:/|per)\s*{PACKS}\b\s*\)?
  | \(\s*{PACKS}\s+of\s+[0-9]+\s*\)
  | (?:(?<![^\n])|(?<=[|(,;:=-])|(?<=[|(,;:=-]\s))(?:packed\s+in\s+)?{PACKS}\s+of\s+[0-9]+\b | [0-9]{{10,}}
"""  # noqa: E501
TOKEN = re.compile(
    rf"""
    (?P<noise>{NOISE} | {DATE})
  | (?P<cut>\n | [:;]-?[)D]+(?!\w) | [,;•●▪·&+] | [.!?]+(?=\s|$)
      | {DAY_WORD} | \b(?:morning|afternoon|noon|lunch|urgent(?:ly)?|asap)\b
      | \bwith(?=\s+(?:(?:the|matching|some|their|its|our|same)\s+)*(?:[0-9]|{SPELLED}|{PART}))
      | \b(?:outlet|branch|shop|store|contact)\b
      | \b(?:and|n|plus|then|dan|{FOR}|to|at|by|on|before|after|from|deliver(?:y|ed)?|because)\b)
  | (?P<size>{SIZE})
  | (?P<code>\b[a-z]{{2,4}}(?:[-_][a-z]+)?[-_]?[0-9][\w-]*)
  | (?P<number>(?<![0-9.])(?:[0-9]{{1,3}}(?:,[0-9]{{3}})+(?![0-9])|[0-9]{{1,9}}(?![0-9]))
      (?:\.[0-9]+)?(?:k\b|\s*{SCALE}(?:\s+(?:and\s+)?{NEXT_SPELLED})*)?)
  | (?P<spelled>(?!one\b(?!\s+(?:{PACKS}|{SCALE})))\b(?:an?\s+(?={SCALE}))?
      {SPELLED}(?:[\s-]+(?:and\s+)?{NEXT_SPELLED})*
      | \b(?:an?|another)(?=\s+{PACKS}\b))
  | (?P<pack>{PACKS}\b)
  | (?P<piece>(?:pcs?|pieces?|nos|each|ea|keping|(?<=[0-9]\s)units?|(?<=[0-9])units?)\b)
  | (?P<joint>[x*](?![a-z]) | or\b)
  | (?P<word>[^\W\d_]+(?:[-'][^\W\d_]+)*)
""",
    re.VERBOSE | re.IGNORECASE,
)
NUMBERING = re.compile(
    r"^[ \t]*(?:\(?[0-9]{1,2}[.)][ \t]+(?=\S)"
    r"|(?:line|item|no|s/?n|row|pos(?:ition)?|\#)\.?[ ]?[0-9]{1,2}[ ]?[:.)|-][ \t]*(?=\S)"
    r"|(?:line|pos)\.?[ ]?[0-9]{1,2}[ ]+(?=\S+[ ]+\S))",
    re.MULTILINE | re.IGNORECASE,
)
ONE, THOUSAND = Decimal(1), 1000


@dataclass(frozen=True)
class Amount:
    """A number with its unit; None when the customer named no unit."""

    value: Decimal
    unit: Unit | None


@dataclass(frozen=True)
class Item:
    """A stretch of text that may name a product. `awaits_value` is a form line up to its colon."""

    phrase: str
    words: str
    amounts: tuple[Amount, ...]
    start: int
    end: int
    awaits_value: bool = False


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


def read_items(
    written: Written,
    ignored: Set[str] = frozenset(),
    names: Callable[[str], bool] = lambda _: True,
) -> list[Item]:
    """The items of a text in order, whether or not they turn out to be products.

    `ignored` are lower-case words to leave out; `names` says whether words bear on goods at all.
    """
    text = NUMBERING.sub(lambda m: " " * len(m[0]), written.text)
    tokens = (_Token(str(m.lastgroup), m.group(), *m.span()) for m in TOKEN.finditer(text))
    chunks = (list(g) for is_cut, g in groupby(tokens, lambda t: t.kind == "cut") if not is_cut)
    told = ([t for t in chunk if _counts(t, ignored)] for chunk in chunks)
    parts = (part for chunk in told for part in _parts(chunk, names))
    return [_item(part, written) for part in parts]


def _counts(token: _Token, ignored: Set[str]) -> bool:
    """Whether a token bears on what is ordered."""
    if token.kind == "word":
        return token.text.lower() not in FILLER and token.text.lower() not in ignored
    return token.kind not in {"noise", "joint"}


def _is_figure(token: _Token) -> bool:
    return token.kind in {"number", "spelled", "pack", "piece"}


def _parts(tokens: Sequence[_Token], names: Callable[[str], bool]) -> Iterable[list[_Token]]:
    """One part for each item of a chunk: "100 ten inch 50 xl" and "ten inch 100 xl 50" are two."""
    runs = [list(run) for _, run in groupby(tokens, _is_figure)]
    pairs = [a + b for a, b in zip(runs[::2], runs[1::2], strict=False)]
    if len(runs) > 2 and len(runs) % 2 == 0:
        return pairs
    is_led = len(runs) > 3 and not _is_figure(tokens[0])
    if is_led and not names(" ".join(t.text for t in runs[0])):
        led = [a + b for a, b in zip(runs[1::2], runs[2::2], strict=False)]
        return [runs[0] + led[0], *led[1:]]
    return [list(tokens)] if tokens else []


def _item(tokens: Sequence[_Token], written: Written) -> Item:
    text, start, end = written.text, tokens[0].start, tokens[-1].end
    end += text[end : end + 1] in {")", "]"}
    return Item(
        phrase=written.phrase(start, end),
        words=" ".join(t.text for t in tokens if not _is_figure(t)),
        amounts=tuple(_amounts([t for t in tokens if _is_figure(t)])),
        start=start,
        end=end,
        awaits_value=re.match(r"[^\n,;:=]{0,40}[:=]", text[end:]) is not None,
    )


def _amounts(figures: Sequence[_Token]) -> Iterator[Amount]:
    """Each number with the unit after it; a unit that stands apart goes to the only number."""
    numbers = [i for i, t in enumerate(figures) if t.kind in {"number", "spelled"}]
    for i in numbers:
        after = figures[i + 1] if i + 1 < len(figures) else None
        apart = figures[0] if len(numbers) == 1 else None
        yield Amount(_value(figures[i].text), _unit(after) or _unit(apart))


def _unit(token: _Token | None) -> Unit | None:
    if token is None or token.kind not in {"pack", "piece"}:
        return None
    return "pack" if token.kind == "pack" else "piece"


def _value(text: str) -> Decimal:
    """The value of "1,200", "1.5k" or "two hundred and fifty"."""
    whole, part = Decimal(0), Decimal(0)
    for word in re.findall(r"[0-9][0-9,.]*|[a-z]+", text.lower()):
        scale = SCALES.get(word)
        if scale is None:
            part += _number(word)
        elif scale == THOUSAND:
            whole, part = whole + (part or ONE) * scale, Decimal(0)
        else:
            part = (part or ONE) * scale
    return whole + part


def _number(word: str) -> Decimal:
    if word[0].isdigit():
        return Decimal(word.replace(",", "").rstrip("."))
    return Decimal(NUMBERS.get(word, word != "and"))
