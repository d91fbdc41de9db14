"""Sizes that a message asks for and that nothing of that kind is sold in."""

import re

from typing_extensions import TypedDict

from tools.ordering.catalogue import SIZE_PATTERN, load_catalogue
from tools.ordering.text import in_english, plain
from tools.search.glossary import in_english as terms_in_english
from tools.understanding.entities import products_in

SIZE = re.compile(r"(?P<number>\d+)(?P<unit>\D+)")


class Size(TypedDict):
    """A number, and what it counts: inch or ml."""

    number: str
    unit: str


def product_words(text: str, language: str) -> str:
    """The words of a message that may name a product, read as orders are and then as searches."""
    return terms_in_english(in_english(plain(text)).text, language)


def unsold_sizes(text: str, language: str) -> list[Size]:
    """A pizza box of 16 inches; none where a product is named that we sell."""
    catalogue = load_catalogue()
    if products_in(text, catalogue):
        return []
    words = product_words(text, language)
    # "Does a 13 inch pizza fit your XL box?" names a product too.
    like = catalogue.find(SIZE_PATTERN.sub(" ", words)).alternatives
    if len(like) <= 1:
        return []
    sizes = map(SIZE.fullmatch, catalogue.unsold_sizes(words, like))
    return [Size(number=s["number"], unit=s["unit"]) for s in sizes if s]
