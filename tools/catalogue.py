"""What is sold, and which product a customer means by a phrase."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources

from rapidfuzz import fuzz

SURE = 0.86
CLOSE = 0.04
WORDS = {
    "inches": "inch", "inchs": "inch", "in": "inch", "boxes": "box", "boxs": "box", "bx": "box",
    "trays": "tray", "lids": "lid", "liners": "liner", "bags": "bag", "napkins": "napkin",
    "bowls": "bowl", "plates": "plate", "sets": "set", "covers": "cover", "tissues": "tissue",
    "ten": "10", "twelve": "12", "fourteen": "14", "one": "1", "two": "2", "three": "3",
    "six": "6", "nine": "9", "single": "1", "xtra": "extra", "med": "medium", "reg": "regular",
    "comp": "compartment", "tri": "3", "pizzas": "pizza", "lrg": "large", "sml": "small",
    "plys": "ply",
}  # fmt: skip
NOISE = {"the", "a", "of", "for", "your", "some", "pls", "please", "per", "kraft", "paper", "s"}
SIZE_WORDS = {"s": "small", "m": "medium", "l": "large"}


@dataclass(frozen=True)
class Product:
    """One product; `list_price` in SGD before GST, `pack_size` in pieces."""

    code: str
    name: str
    list_price: Decimal
    pack: str
    pack_size: int
    family: str
    size: str
    nicknames: tuple[str, ...]


@dataclass(frozen=True)
class Match:
    """What a phrase means: one product with a confidence, or several to ask about."""

    product: Product | None
    confidence: float
    alternatives: tuple[Product, ...] = ()


class Catalogue:
    """The products, found by code, size, nickname or a near miss of one."""

    def __init__(self, products: Sequence[Product]) -> None:
        self.products = tuple(products)
        self._by_code = {p.code.lower(): p for p in products}
        self._names = [(words_of(name), p) for p in products for name in _names(p)]

    def by_code(self, code: str) -> Product | None:
        """The product with that code, in any case."""
        return self._by_code.get(code.strip().lower())

    def find(self, phrase: str) -> Match:
        """The product meant. Two that fit equally well are never chosen between."""
        for code, product in self._by_code.items():
            if re.search(rf"(?<![\w-]){re.escape(code)}(?![\w-])", phrase.lower()):
                return Match(product, 1.0)
        wanted = words_of(phrase)
        if not wanted:
            return Match(None, 0.0)
        scores: dict[Product, float] = {}
        for name, product in self._names:
            scores[product] = max(scores.get(product, 0.0), _likeness(wanted, name))
        ranked = sorted(scores.items(), key=lambda item: -item[1])
        (best, score), (_, second) = ranked[0], ranked[1]
        if score >= SURE and score - second >= CLOSE:
            return Match(best, round(score, 2))
        return Match(None, round(score, 2), self._alternatives(wanted, ranked))

    def _alternatives(
        self, wanted: frozenset[str], ranked: Sequence[tuple[Product, float]]
    ) -> tuple[Product, ...]:
        family = [p for p in self.products if wanted & words_of(p.family + " " + p.name)]
        likely = [p for p, score in ranked if score >= SURE - 2 * CLOSE]
        return tuple(likely or family)[:6]


@cache
def load_catalogue() -> Catalogue:
    """The catalogue of policies/catalogue.toml."""
    text = resources.files("policies").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return Catalogue([_product(row) for row in tomllib.loads(text)["products"]])


def words_of(phrase: str) -> frozenset[str]:
    """The words of a phrase in one spelling: `12" Boxes` and `twelve inch box` are the same."""
    text = re.sub(r"(\d)\s*(?:\"|”|“|''|″)", r"\1 inch ", phrase.lower())
    text = re.sub(r"(\d)([a-z])", r"\1 \2", text)
    words = (WORDS.get(w, w) for w in re.findall(r"[a-z]+|\d+", text))
    return frozenset(w for w in words if w not in NOISE)


def _names(product: Product) -> tuple[str, ...]:
    return (product.name, f"{product.size} {product.family}", *product.nicknames)


def _likeness(wanted: frozenset[str], name: frozenset[str]) -> float:
    """1 when the words are the same; every word that is missing or extra costs.

    Numbers must agree exactly: a 10 inch box is not nearly a 12 inch box.
    """
    numbers = {w for w in wanted if w.isdigit()}
    if numbers - name or (numbers and {w for w in name if w.isdigit()} - numbers):
        return 0.0
    hits = sum(_nearest(word, name) for word in wanted)
    missing = sum(1 - _nearest(word, wanted) for word in name)
    return hits / len(wanted) * (1 - 0.12 * min(missing, 4))


def _nearest(word: str, words: frozenset[str]) -> float:
    if word in words:
        return 1.0
    if word.isdigit() or len(word) < 4:
        return 0.0
    near = max((fuzz.ratio(word, other) for other in words if not other.isdigit()), default=0.0)
    return near / 100 if near >= 75 else 0.0


def _product(row: Mapping[str, str]) -> Product:
    return Product(
        code=row["code"],
        name=row["name"],
        list_price=Decimal(row["list_price"]),
        pack=row["pack"],
        pack_size=int(row["pack_size"]),
        family=row["family"],
        size=row["size"],
        nicknames=tuple(row["nicknames"]),
    )
