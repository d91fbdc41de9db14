"""Orders in free text: which goods, how many, for which outlet and day."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from rapidfuzz import fuzz

from tools.catalogue import Catalogue, Product, load_catalogue
from tools.delivery import find_day, find_window
from tools.rules import load_rules

Problem = Literal["unknown_product", "ambiguous", "no_quantity", "not_whole_packs"]

SMALL = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30,
    "forty": 40, "fifty": 50,
}  # fmt: skip
LARGE = {"hundred": 100, "thousand": 1000}
PACK = r"bundles?|bdls?|bdl|cartons?|ctns?|packs?|pkts?|packets?|cases?"
PIECE = r"pieces?|pcs?|pc|nos?|units?|each|ea"
AMOUNT = r"\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?k?"
WORDED = rf"(?:{'|'.join(SMALL)})(?:\s+(?:{'|'.join(LARGE)}))?"
SIZE = r"(?:\"|”|''|inch|inches|in\b|ml|\s?-?ply|\s?compartment|\s?comp\b)"
# A quantity is a number that is not a size, with its unit; or a size would be ordered.
QUANTITY = re.compile(
    rf"(?<![\w.,/-])(?P<number>{AMOUNT}|{WORDED})(?!\s?{SIZE})"
    rf"\s*(?P<unit>{PACK}|{PIECE})?\b(?!\s?{SIZE})"
    r"(?![\w-]*[-/]\d)",
    re.IGNORECASE,
)
PARENTHESES = re.compile(r"\([^)]*\)")
SEPARATOR = re.compile(
    r"\n|;|,(?!\d{3})|\s+&\s+|\s+and\s+|\s+n\s+|\s+plus\s+|\s\+\s", re.IGNORECASE
)
ORDERING = re.compile(
    r"\b(order|need|want|send|give|deliver|buy|get|can (?:i|we) have|have|add|pls|please|top up)\b",
    re.IGNORECASE,
)
QUESTION = re.compile(
    r"\b(how much|how many|what|price|cost|why|when|where|which|do you|is there|fee|policy|"
    r"arrived|damaged|crushed|missing|broken|wrong|short|received|invoice|cancel|refund)\b",
    re.IGNORECASE,
)
FORM_FIELD = re.compile(
    r"^\s*(outlet|deliver(?:y)? to|address|contact|attn|mobile|tel|phone|date|day|time)"
    r"\s*:\s*(.+)$",
    re.IGNORECASE | re.MULTILINE,
)
FORM_TITLE = re.compile(r"^\s*(?:new\s+)?order(?:\s+form)?\s*:?\s*$", re.IGNORECASE | re.MULTILINE)
PHONE = re.compile(r"\b[3689]\d{3}\s?\d{4}\b")
POSTAL = re.compile(r"\bS?\(?(\d{6})\)?\b", re.IGNORECASE)
DAY = re.compile(
    r"\b(?:on |for |by |this |next |coming )*(mon|tue|wed|thu|fri|sat|sun)[a-z]*\b|"
    r"\b(today|tomorrow|tmr|tmrw)\b|\b(\d{4}-\d{2}-\d{2})\b|\b(\d{1,2})/(\d{1,2})\b",
    re.IGNORECASE,
)
FILLER = re.compile(
    r"\b(hi|hello|hey|dear|team|can|could|i|we|have|need|want|would|like|to|order|please|pls|plz|"
    r"send|give|me|us|get|deliver|delivery|buy|add|more|make|it|for|of|x|also|thanks|thank|you|"
    r"the|some|new|top|up|lah|ah|urgent|urgently|asap|morning|afternoon|am|pm|outlet|at)\b|"
    r"[:.!*•]|(?<!\w)-|-(?!\w)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Outlet:
    """Where goods go. `bill_to` is the Xero contact that pays."""

    outlet_id: str
    name: str
    address: str
    postal_code: str
    contact_person: str
    mobile: str
    bill_to: str
    area: str


@dataclass(frozen=True)
class OrderLine:
    """One line as it was asked for; `pieces` is 0 when no quantity was found."""

    code: str | None
    pieces: int
    phrase: str
    confidence: float
    problem: Problem | None = None
    suggested_pieces: int = 0
    alternatives: tuple[Product, ...] = ()


@dataclass(frozen=True)
class OrderRequest:
    """An order as it was asked for."""

    lines: tuple[OrderLine, ...]
    outlet: Outlet | None
    outlet_candidates: tuple[Outlet, ...]
    wanted_day: date | None
    wanted_window: str | None
    urgent: bool


def looks_like_order(text: str) -> bool:
    """Whether a message orders goods, rather than asking or complaining about them."""
    if FORM_TITLE.search(text) and QUANTITY.search(text):
        return True
    if QUESTION.search(PARENTHESES.sub(" ", text)):
        return False
    has_quantity = any(q["unit"] or q["number"].isdigit() for q in QUANTITY.finditer(_goods(text)))
    return has_quantity and bool(ORDERING.search(text) or _names_goods(text))


def parse_order(
    text: str, catalogue: Catalogue, outlets: Sequence[Outlet], received: datetime
) -> OrderRequest:
    """Read an order of any shape. What is not certain becomes a problem of its line."""
    goods = _goods(text)
    outlet, candidates = _outlet(text, outlets)
    return OrderRequest(
        lines=tuple(_lines(_without_outlets(goods, outlets), catalogue)),
        outlet=outlet,
        outlet_candidates=candidates,
        wanted_day=find_day(text, received.date()),
        wanted_window=find_window(text),
        urgent=any(_has_word(text, w) for w in load_rules().ordering.urgent_words),
    )


def _goods(text: str) -> str:
    """The text without what is known not to be goods: form fields, numbers of phones, days."""
    for pattern in (FORM_FIELD, FORM_TITLE, PARENTHESES, PHONE, DAY):
        text = pattern.sub(" ", text)
    return text


def _without_outlets(text: str, outlets: Sequence[Outlet]) -> str:
    for outlet in outlets:
        for name in (outlet.name, outlet.address, outlet.area):
            if name:
                text = re.sub(re.escape(name), " ", text, flags=re.IGNORECASE)
    return text


def _lines(text: str, catalogue: Catalogue) -> list[OrderLine]:
    pieces = [p for part in SEPARATOR.split(text) for p in _cut_at_quantities(part)]
    return [line for piece in pieces if (line := _line(piece, catalogue))]


def _cut_at_quantities(part: str) -> list[str]:
    """One piece a quantity: "100 small 50 large" is two, and so is "small 100 large 50"."""
    found = list(QUANTITY.finditer(part))
    if len(found) < 2:
        return [part]
    leads = not FILLER.sub(" ", part[: found[0].start()]).strip()
    cuts = [m.start() if leads else m.end() for m in found]
    edges = [0, *(cuts[1:] if leads else cuts[:-1]), len(part)]
    return [part[a:b] for a, b in pairwise(edges)]


def _line(piece: str, catalogue: Catalogue) -> OrderLine | None:
    found = QUANTITY.search(piece)
    phrase = QUANTITY.sub(" ", piece, count=1) if found else piece
    phrase = " ".join(FILLER.sub(" ", phrase).split())
    match = catalogue.find(phrase) if phrase else None
    if not found:
        # A product without a quantity is asked about; other words are just talk.
        if match is None or match.product is None:
            return None
        return OrderLine(match.product.code, 0, phrase, match.confidence, "no_quantity")
    if match is None:
        return OrderLine(None, 0, piece.strip(), 0.0, "unknown_product") if found["unit"] else None
    if match.product is None:
        problem: Problem = "ambiguous" if match.alternatives else "unknown_product"
        return OrderLine(None, 0, phrase, match.confidence, problem, 0, match.alternatives)
    return _counted(match.product, _pieces(found, match.product), phrase, match.confidence)


def _counted(product: Product, pieces: int, phrase: str, confidence: float) -> OrderLine:
    if pieces <= 0:
        return OrderLine(product.code, 0, phrase, confidence, "no_quantity")
    packs = -(-pieces // product.pack_size)
    if packs * product.pack_size != pieces:
        suggested = packs * product.pack_size
        return OrderLine(product.code, pieces, phrase, confidence, "not_whole_packs", suggested)
    return OrderLine(product.code, pieces, phrase, confidence)


def _pieces(found: "re.Match[str]", product: Product) -> int:
    """How many pieces are meant; 0 when the number is no sensible count."""
    count = _count(found["number"].lower())
    is_packs = bool(found["unit"] and re.fullmatch(PACK, found["unit"], re.IGNORECASE))
    pieces = count * (product.pack_size if is_packs else 1)
    return int(pieces) if pieces == int(pieces) and pieces < 10_000_000 else 0


def _count(number: str) -> Decimal:
    if number[0].isdigit():
        thousand = 1000 if number.endswith("k") else 1
        return Decimal(number.rstrip("k").replace(",", "")) * thousand
    small, *rest = number.split()
    return Decimal(SMALL[small] * (LARGE[rest[0]] if rest else 1))


def _outlet(text: str, outlets: Sequence[Outlet]) -> tuple[Outlet | None, tuple[Outlet, ...]]:
    """The outlet that is named; all that fit when several do."""
    lowered = text.lower()
    codes = set(POSTAL.findall(text))
    by_code = [o for o in outlets if o.postal_code in codes]
    named = [o for o in outlets if o.name.lower() in lowered or _has_word(text, o.area)]
    like = [o for o in outlets if fuzz.partial_ratio(o.address.lower(), lowered) > 92]
    for found in (by_code, named, like):
        if len(found) == 1:
            return found[0], ()
        if found:
            return None, tuple(found)
    return None, ()


def _has_word(text: str, word: str) -> bool:
    return bool(word and re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE))


def _names_goods(text: str) -> bool:
    return any(_has_word(text, p.family.split()[-1]) for p in load_catalogue().products) or bool(
        re.search(r"\b(boxe?s?|trays|lids|bags|napkins|bundles?|cartons?)\b", text, re.IGNORECASE)
        or re.search(r"\b[a-z]{3}-\w+", text, re.IGNORECASE)
    )
