"""Invented persons in the place of real ones: the same one everywhere in a conversation."""

import re
from collections.abc import Callable, Mapping
from string import ascii_uppercase, digits

from tools.screening.folding import fold_signs
from tools.screening.numbers import is_card, is_nric
from tools.screening.personal import find_personal

NAMES = (
    *("Mei Lim", "Arjun Nair", "Siti Rahman", "Daniel Koh", "Priya Menon", "Farid Osman"),
    *("Grace Chua", "Kumar Das", "Nurul Huda", "Jason Teo", "Anita Pillai", "Hafiz Salleh"),
)
LOCAL_DIGITS = 8  # of a phone number in Singapore, with or without its +65
LEAST_KNOWN = 3  # letters of a Latin word that is known to be somebody's; one sign less elsewhere
ADDRESS = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'，。]+|(?<![\w.@])@[A-Za-z0-9_.]{3,}", re.IGNORECASE
)
ELSEWHERE = "https://guests.tria.example/page"


class StandIns:
    """Replaces personal data in the texts of one conversation.

    `known` are values that are somebody's for sure, such as the customer's own name, each with what
    stands for it. Everything else is found in the texts, and gets a stand-in of its kind.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        kept = {_plain(name): stand_in for name, stand_in in known.items() if _tells(name)}
        self._known = kept
        self._pattern = _anywhere(sorted(kept, key=lambda name: -len(name)))
        self._given: dict[tuple[str, str], str] = {}

    def replaced(self, text: str) -> str:
        """The text with stand-ins; what is one already stays as it is."""
        text = ADDRESS.sub(ELSEWHERE, text)
        if self._known:  # in one pass, so that no stand-in is replaced by another
            text = self._pattern.sub(lambda found: self._known[_plain(found[0])], text)
        done = {stand_in.casefold() for stand_in in (*self._known.values(), ELSEWHERE)}
        for found in reversed(find_personal(fold_signs(text))):
            value = text[found.start : found.end]
            if value.casefold() not in done:
                stand_in = self._stand_in(found.kind, value)
                text = text[: found.start] + stand_in + text[found.end :]
        return text

    def _stand_in(self, kind: str, value: str) -> str:
        plain = re.sub(r"[\W_]+", "", value).casefold()
        key = (kind, plain[-LOCAL_DIGITS:] if kind == "phone" else plain)
        if key not in self._given:
            number = sum(known == kind for known, _ in self._given) + 1
            self._given[key] = MADE.get(kind, _other)(number)
        return self._given[key]


def _plain(value: str) -> str:
    return " ".join(value.split()).casefold()


def _tells(value: str) -> bool:
    """Whether a value is long enough to be found without finding half of the language."""
    return len(value) >= (LEAST_KNOWN if value.isascii() else LEAST_KNOWN - 1)


def _anywhere(values: list[str]) -> re.Pattern[str]:
    """However they are spaced and capitalised, but not inside of another Latin word.

    Beside Chinese signs there is no boundary to be seen.
    """
    each = (r"\s+".join(re.escape(word) for word in value.split()) for value in values)
    return re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(each)})(?![A-Za-z0-9])", re.IGNORECASE)


def _name(number: int) -> str:
    return NAMES[(number - 1) % len(NAMES)]


def _nric(number: int) -> str:
    middle = f"{number:07}"
    return f"S{middle}{next(end for end in ascii_uppercase if is_nric('S', middle, end))}"


def _card(number: int) -> str:
    begin = f"4000 0000 0000 {number:03}"
    return begin + next(end for end in digits if is_card(begin + end))


def _other(number: int) -> str:
    return f"000-{number:06}-0"


MADE: Mapping[str, Callable[[int], str]] = {
    "name": _name,
    "email": lambda number: f"guest{number}@guests.tria.example",
    "phone": lambda number: f"8000 {number:04}",
    "nric": _nric,
    "passport": lambda number: f"K{number:07}E",
    "card": _card,
    "birth_date": lambda number: f"1990-01-{(number - 1) % 28 + 1:02}",
    "address": lambda number: f"{number} Example Street 1, S(51{number:04})",
}
