"""What stands in a message: tricks undone, personal data, language, attacks."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

LONGEST_MESSAGE = 8000

# Zero-width, bidi control, tag and variation-selector characters hide words from readers.
HIDDEN = re.compile(
    "[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufe00-\ufe0f\U000e0000-\U000e01ef]"
)
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

NRIC = re.compile(r"\b([STFGM])[ -]?(\d{7})[ -]?([A-Z])\b", re.IGNORECASE)
CARD = re.compile(r"\b\d(?:[ -]?\d){12,18}\b")
EMAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")
PHONE = re.compile(r"(?<![\w-])(?:\+?65[ -]?)?[3689]\d{3}[ -]?\d{4}(?![\w-])")

NRIC_WEIGHTS = (2, 7, 6, 5, 4, 3, 2)
NRIC_LETTERS = {"ST": "JZIHGFEDCBA", "FG": "XWUTRQPNMLK", "M": "XWUTRQPNJLK"}
NRIC_OFFSETS = {"T": 4, "G": 4, "M": 3}

INJECTION = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(ignore|disregard|forget)\b.{0,30}\b(previous|above|prior|earlier|all|your)\b.{0,20}"
        r"\b(instruction|prompt|rule|message)s?",
        r"\b(system|developer)\s*(prompt|message|mode)\b",
        r"<\|?(im_start|im_end|system|assistant)\|?>|\[/?INST\]|###\s*(system|instruction)",
        r"\byou are (now|no longer)\b|\bpretend (to be|you are)\b",
        r"\bact as (an?|the)\b.{0,20}\b(admin|developer)",
        r"\b(reveal|print|show|repeat)\b.{0,20}\b(system prompt|hidden|instructions)\b",
    )
]
MALAY = re.compile(
    r"\b(saya|anda|berapa|boleh|tolong|kotak|hantar|bila|nak|mahu|terima|kasih|pesanan|bayar)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class PersonalData:
    """One piece of personal data and the token that stands for it."""

    kind: str
    token: str
    value: str


@dataclass(frozen=True)
class Screened:
    """A message made readable. `masked` is the text with tokens for personal data."""

    text: str
    masked: str
    personal: tuple[PersonalData, ...]
    language: str
    injection: float


def is_storable(text: str) -> bool:
    """Whether every store can hold the text: no NUL, no lone surrogate, not oversize."""
    return len(text) <= LONGEST_MESSAGE and not UNSTORABLE.search(text)


def screen(text: str) -> Screened:
    """Undo Unicode tricks, mask personal data, detect the language and score an attack (0 to 1)."""
    plain = HIDDEN.sub("", unicodedata.normalize("NFKC", UNSTORABLE.sub("", text)))
    masked, personal = _mask(plain[:LONGEST_MESSAGE])
    hits = sum(bool(p.search(plain)) for p in INJECTION)
    return Screened(
        text=plain[:LONGEST_MESSAGE].strip(),
        masked=masked.strip(),
        personal=personal,
        language=_language(plain),
        injection=min(1.0, hits * 0.6),
    )


def is_nric(prefix: str, digits: str, letter: str) -> bool:
    """Whether a Singapore NRIC or FIN number has the right check letter."""
    first = prefix.upper()
    total = sum(w * int(d) for w, d in zip(NRIC_WEIGHTS, digits, strict=True))
    rest = (total + NRIC_OFFSETS.get(first, 0)) % 11
    letters = next(table for prefixes, table in NRIC_LETTERS.items() if first in prefixes)
    return letter.upper() == letters[rest]


def is_card(number: str) -> bool:
    """Whether the digits pass the Luhn check of payment cards."""
    digits = [int(c) for c in number if c.isdigit()]
    doubled = [d * 2 - 9 if d > 4 else d * 2 for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _mask(text: str) -> tuple[str, tuple[PersonalData, ...]]:
    found: list[PersonalData] = []
    numbers = count(1)

    def replace(
        kind: str, holds: Callable[[re.Match[str]], bool]
    ) -> Callable[[re.Match[str]], str]:
        def one(match: re.Match[str]) -> str:
            if not holds(match):
                return match[0]
            token = f"[{kind}_{next(numbers)}]"
            found.append(PersonalData(kind, token, match[0]))
            return token

        return one

    text = NRIC.sub(replace("nric", lambda m: is_nric(m[1], m[2], m[3])), text)
    text = CARD.sub(replace("card", lambda m: is_card(m[0])), text)
    text = EMAIL.sub(replace("email", lambda _: True), text)
    text = PHONE.sub(replace("phone", lambda _: True), text)
    return text, tuple(found)


def _language(text: str) -> str:
    letters = [c for c in text if c.isalpha()]
    if sum("\u4e00" <= c <= "\u9fff" for c in letters) * 3 > len(letters) > 0:
        return "zh"
    if sum("\u0b80" <= c <= "\u0bff" for c in letters) * 3 > len(letters) > 0:
        return "ta"
    return "ms" if len(MALAY.findall(text)) > 1 else "en"
