"""What Tria sells, and which product a customer's words mean."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from rapidfuzz.distance import OSA

from tools.ordering.words import ALIASES, DIGITS, FILLER, NOUNS

# Sizes as customers write them. A group's name becomes the unit of the normalised word: `10inch`.
SIZE = r"""(?:(?<![\w.])|(?<=[0-9]x)|(?<=\sx))(?:
    (?P<side>[4-9]\s?x\s?[4-9](?![0-9]))(?:\s*(?:"|''|inch(?:es)?\b|in\b))?
  | (?P<inch>[0-9]{1,2}|six|eight|nine|ten|twelve|fourteen|sixteen|eighteen)
    (?:[\s-]*(?:"|''|inch(?:es)?\b|inci\b)|(?<=[0-9])in\b|(?:(?<=10)|(?<=12)|(?<=14))s\b
      |\s+in(?=\s*(?:[^\w\s(]|[0-9]|$)|\s+(?:pizza|box|liner|regular|medium|xl|x|n|and)))\.?
  | (?P<ml>[0-9]{3,4})\s*ml\b
  | (?P<ply>[1-4]|one|two|three|single|double)[\s-]*ply\b
  | (?P<comp>[1-6]|one|two|three|four|five|single)[\s-]*comp(?:artments?)?\b
  | (?P<xl>extra|x)[\s-]*large\b
)"""
SIZE_PATTERN = re.compile(SIZE, re.VERBOSE | re.IGNORECASE)
SIZE_WORD = re.compile(r"[0-9]+(?:inch|ml)")
WORD = re.compile(r"[^\W_]+(?:[-_'][^\W_]+)*")
TYPO_LENGTH = 5
TYPO_CONFIDENCE, UNIQUE_CONFIDENCE, AMBIGUOUS_CONFIDENCE, FAR_CONFIDENCE = 0.85, 0.95, 0.5, 0.2


@dataclass(frozen=True)
class Product:
    """One item. `list_price` is SGD before GST as written; `pack_size` is pieces in a `pack`."""

    code: str
    name: str
    list_price: str
    pack: str
    pack_size: int
    family: str
    size: str
    nicknames: tuple[str, ...]


@dataclass(frozen=True)
class Match:
    """The product that was meant, or none with what it may have been."""

    product: Product | None
    confidence: float
    alternatives: tuple[Product, ...] = ()


class Catalogue:
    """Finds products by code, size, nickname, or with one letter wrong."""

    def __init__(self, products: Sequence[Product]) -> None:
        self.products = tuple(products)
        self._by_code = {form: p for p in products for form in _code_forms(p.code)}
        self._phrases = {p.code: [_tokens(n) for n in (p.name, *p.nicknames)] for p in products}
        self._words = {p.code: _vocabulary(p) for p in products}
        self._heads = {p.code: _heads(p) for p in products}
        self.words = frozenset[str]().union(*self._words.values())

    def get(self, code: str) -> Product | None:
        """The product with that code; a short form such as CNP-014 will do."""
        return self._by_code.get(code.upper().replace("_", "-"))

    def find(self, phrase: str) -> Match:
        """The one product these words can mean; none when several fit or a word is strange."""
        written = _tokens(phrase) - FILLER
        coded = {p.code for w in written if (p := self.get(w))}
        words = [_singular(w, self.words) for w in written if not self.get(w)]
        read = [self._nearest(w) for w in words]
        known = frozenset(read) & self.words
        strange = len(known) < len(set(read))
        if coded:
            return self._coded(coded, known, strange=strange)
        if not known:
            return Match(None, 0.0)
        return self._named(known, strange=strange, typo=read != words)

    def fits(self, phrase: str, product: Product) -> bool:
        """Whether all these words can mean that product."""
        words = _tokens(phrase) - FILLER
        read = {self._nearest(_singular(w, self.words)) for w in words if not self.get(w)}
        coded = {p for w in words if (p := self.get(w))}
        return bool(words) and read <= self._words[product.code] and coded <= {product}

    def unsold_sizes(self, phrase: str, products: Sequence[Product]) -> list[str]:
        """The sizes that are named and that none of these products has: 16inch."""
        sizes = sorted(word for word in _tokens(phrase) if SIZE_WORD.fullmatch(word))
        return [s for s in sizes if not any(s in self._words[p.code] for p in products)]

    def among(self, phrase: str, products: Sequence[Product]) -> Product | None:
        """The one of these products that an answer such as "the large one" picks."""
        fitting = [p for p in products if self.fits(phrase, p)]
        return fitting[0] if len(fitting) == 1 else None

    def _coded(self, codes: set[str], known: frozenset[str], *, strange: bool) -> Match:
        """The product of the one code, unless the words beside it say something else."""
        coded = [p for p in self.products if p.code in codes]
        if len(coded) == 1 and known <= self._words[coded[0].code] and not strange:
            return Match(coded[0], 1.0)
        others = self._named(known, strange=True, typo=False).alternatives if known else ()
        return Match(None, AMBIGUOUS_CONFIDENCE, tuple(dict.fromkeys([*coded, *others])))

    def _named(self, known: frozenset[str], *, strange: bool, typo: bool) -> Match:
        fitting = self._fitting(known)
        called = [p for p in fitting if any(n <= known for n in self._phrases[p.code])]
        headed = [p for p in fitting if self._heads[p.code] & known]
        meant = called if len(called) == 1 else headed
        if len(meant) == 1 and not strange:
            confidence = 1.0 if known in self._phrases[meant[0].code] else UNIQUE_CONFIDENCE
            return Match(meant[0], TYPO_CONFIDENCE if typo else confidence)
        if near := meant or fitting:
            return Match(None, AMBIGUOUS_CONFIDENCE, tuple(near))
        return Match(None, FAR_CONFIDENCE, tuple(self._same_kind(known)))

    def _fitting(self, known: frozenset[str]) -> list[Product]:
        return [p for p in self.products if known <= self._words[p.code]]

    def _same_kind(self, known: frozenset[str]) -> list[Product]:
        """Products of a kind that was named, for words that fit no product together."""
        headed = [p for p in self.products if self._heads[p.code] & known]
        return headed or [p for p in self.products if self._words[p.code] & known]

    def _nearest(self, word: str) -> str:
        """The catalogue's word for a misspelt one; the same word when nothing is near."""
        if word in self.words or len(word) < TYPO_LENGTH or word[0].isdigit():
            return word
        near = [w for w in self.words if _one_letter_off(w, word)]
        return near[0] if len(near) == 1 else word


@cache
def load_catalogue() -> Catalogue:
    """The products of `policies/catalogue.toml`."""
    text = (resources.files("policies") / "catalogue.toml").read_text(encoding="utf-8")
    return Catalogue([_product(row) for row in tomllib.loads(text)["products"]])


def _product(row: Mapping[str, Any]) -> Product:
    return Product(**{**row, "nicknames": tuple(row["nicknames"])})


def _tokens(text: str) -> frozenset[str]:
    fused = SIZE_PATTERN.sub(_fused, text)
    return frozenset(part for word in WORD.findall(fused.lower()) for part in _parts(word))


def _fused(match: re.Match[str]) -> str:
    unit = match.lastgroup or ""
    if unit == "xl":
        return " xl "
    value = match[unit].lower()
    return f" {DIGITS.get(value, ''.join(value.split()))}{'' if unit == 'side' else unit} "


def _parts(word: str) -> Iterable[str]:
    """Codes stay whole; other words fall apart at their hyphens and lose their abbreviation."""
    is_code = any(c.isdigit() for c in word) or re.fullmatch(r"[a-z]{3}-[a-z]{1,2}", word)
    parts = [word] if is_code else re.split(r"[-_]", word)
    return (_singular(p, NOUNS | ALIASES.keys()) for p in parts)


def _singular(word: str, words: Set[str]) -> str:
    stems = (word, word.removesuffix("es"), word.removesuffix("s"))
    found = next((s for s in stems if s in words), word)
    return ALIASES.get(found, found)


def _one_letter_off(known: str, written: str) -> bool:
    if len(known) < TYPO_LENGTH or known[0] != written[0]:
        return False
    return OSA.distance(known, written, score_cutoff=1) <= 1


def _vocabulary(product: Product) -> frozenset[str]:
    texts = [product.name, product.family, product.size, *product.nicknames]
    return frozenset[str]().union(*map(_tokens, texts)) - FILLER


def _heads(product: Product) -> frozenset[str]:
    """The nouns a product goes by: in `tray lid` that is the lid."""
    texts = [product.name, product.family, *product.nicknames]
    nouns = [[w for w in WORD.findall(t.split(" for ")[0].lower()) if w in NOUNS] for t in texts]
    return frozenset(found[-1] for found in nouns if found)


def _code_forms(code: str) -> set[str]:
    """The code, its first two parts, and both run together where that is no ordinary word."""
    forms = {code, "-".join(code.split("-")[:2])}
    return forms | {f.replace("-", "") for f in forms if any(c.isdigit() for c in f)}
