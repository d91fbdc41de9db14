"""Personal data becomes tokens before anything stores, logs or sends a message, and comes back."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from tools.screening.addresses import find_addresses
from tools.screening.emails import find_emails
from tools.screening.names import find_names
from tools.screening.personal_numbers import (
    find_accounts,
    find_birth_dates,
    find_cards,
    find_nrics,
    find_passports,
    find_phones,
)
from tools.screening.places import Found, overlaps

# What is found first keeps its place: a card's digits are no phone number.
FINDERS: tuple[Callable[[str], Iterator[Found]], ...] = (
    find_emails,
    find_nrics,
    find_passports,
    find_cards,
    find_birth_dates,
    find_accounts,
    find_addresses,
    find_phones,
    find_names,
)
SEPARATORS = re.compile(r"[\s().+-]+")
TOKEN = re.compile(r"\[[a-z_]+_\d+\]")


@dataclass(frozen=True)
class PersonalData:
    """One piece of personal data, the token that stands for it and where it stood."""

    kind: str
    token: str
    value: str
    start: int
    end: int


def find_personal(text: str) -> list[Found]:
    """All personal data of a text whose odd signs are folded, in order, without overlaps."""
    found: list[Found] = []
    for finder in FINDERS:
        for one in finder(text):
            if not overlaps(one, found):
                found.append(one)
    return sorted(found, key=lambda one: one.start)


def mask(text: str, found: Iterable[Found]) -> tuple[str, list[PersonalData]]:
    """The text with tokens, and what they stand for; the same value has the same token."""
    taken = set(TOKEN.findall(text))
    tokens: dict[tuple[str, str], str] = {}
    pieces: list[str] = []
    personal: list[PersonalData] = []
    place = 0
    for kind, start, end in found:
        value = text[start:end]
        key = (kind, SEPARATORS.sub("", value).lower())
        token = tokens.setdefault(key, _free(kind, len(tokens) + 1, taken))
        personal.append(PersonalData(kind, token, value, start, end))
        pieces += [text[place:start], token]
        place = end
    return "".join([*pieces, text[place:]]), personal


def _free(kind: str, number: int, taken: set[str]) -> str:
    """A token that the text does not hold already."""
    while f"[{kind}_{number}]" in taken:
        number += 1
    return f"[{kind}_{number}]"


def restore(text: str, personal: Iterable[PersonalData] | Mapping[str, str]) -> str:
    """Put back what the tokens stand for: only at the edge, for the one who wrote it."""
    values = personal if isinstance(personal, Mapping) else {p.token: p.value for p in personal}
    return TOKEN.sub(lambda m: values.get(m[0], m[0]), text)
