"""Numbers by value: digits, and words of English, Chinese, Malay and Tamil."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal
from importlib import resources
from typing import Any

HIDDEN = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufe00-\ufe0f\U000e0000-\U000e01ef]"
)
# No number is longer; without an end a list of number words would be read anew from each of them.
MOST_WORDS = 12
SPLIT = re.compile(r"[\s-]+")


def data(name: str) -> dict[str, Any]:
    """One of the word lists beside this file."""
    text = (resources.files("tools.grounding") / f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def either(words: Iterable[str]) -> str:
    """A pattern of any of these words, the longest first.

    Words that begin alike share their beginning: hundreds of Tamil numbers stand in dozens of
    patterns, and are compiled and tried as one tree in each.
    """
    return f"(?:{_tree(words)})"


def _tree(words: Iterable[str]) -> str:
    rests: dict[str, list[str]] = {}
    for word in words:
        rests.setdefault(word[:1], []).append(word[1:])
    is_end = rests.pop("", None) is not None
    branches = [re.escape(letter) + _tree(rest) for letter, rest in rests.items()]
    if not is_end:
        return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
    return f"(?:{'|'.join(branches)})?" if branches else ""


_WORDS = data("numbers")
_EN, _MS, _ZH, _TA = (_WORDS[language] for language in ("en", "ms", "zh", "ta"))
_COMPOUND = {
    stem + end: ten + one
    for stem, ten in _TA["tens"].items()
    for end, one in _TA["after_tens"].items()
}
# பன்னிரண்டு and ஆயிரம் grow together into பன்னிரண்டாயிரம்.
_THOUSANDS = {
    word[:-1] + end: count * 1000
    for word, count in (_TA["words"] | _COMPOUND).items()
    if word.endswith("\u0bc1") and 0 < count < 1000
    for end in _TA["thousands"]
}
_TAMIL: dict[str, int] = _TA["words"] | _COMPOUND | _THOUSANDS
_TAMIL_SCALES: dict[str, int] = _TA["scales"]
_ZH_DIGITS: dict[str, int] = _ZH["digits"]
_ZH_SCALES: dict[str, int] = _ZH["scales"]


# "thirty and fifty" are two numbers, "a hundred and fifty" is one.
_AND = r"(?:(?:(?<=hundred\s)|(?<=thousand\s)|(?<=million\s))and\s)?"


def _latin(words: Mapping[str, Any]) -> str:
    first = either([*words["words"], *words["scales"]])
    ones = f"(?:{either(words['ones'])}\\s+(?={either(words['scales'])}))?" if words["ones"] else ""
    return rf"(?<![A-Za-z]){ones}{first}(?:[\s-]+{_AND}{first}){{0,{MOST_WORDS}}}(?![A-Za-z])"


DIGITS = r"(?<![\d.,])(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?![\d])"
SCALE = (
    r"(?:\s?(?:k|mil|thousand|hundred|million|ribu|ratus|juta)(?![A-Za-z])|\s?[百千万亿]"
    rf"|\s?{either(_TAMIL_SCALES)})"
)
_HAN = "".join([*_ZH_DIGITS, *_ZH_SCALES])
_TAMIL_WORD = either([*_TAMIL, *_TAMIL_SCALES])
CHINESE = f"(?<![{_HAN}])[{_HAN}]+(?:点[{''.join(_ZH_DIGITS)}]+)?"
# What stands ahead is a letter, so that no space is the first.
TAMIL = f"(?<![\u0b80-\u0bff])(?=[\u0b80-\u0bff])(?:\\s?{_TAMIL_WORD}){{1,{MOST_WORDS + 1}}}"
WORDED = f"(?:{_latin(_EN)}|{_latin(_MS)}|{CHINESE}|{TAMIL})"
NUMBER = f"(?:{DIGITS}{SCALE}?|{WORDED})"

_DIGITS_FIRST = re.compile(r"([\d,]+(?:\.\d+)?)\s?(.*)", re.DOTALL)
_TAMIL_PARTS = re.compile(_TAMIL_WORD)
_SCALES = {"k": 1000, "mil": 1000000} | _EN["scales"] | _MS["scales"] | _ZH_SCALES | _TAMIL_SCALES


def plain(text: str) -> str:
    """The text with one spelling of each digit, sign and space, and nothing hidden."""
    if text.isascii():
        return text
    # A Chinese comma is no thousands separator.
    spaced = text.replace("\uff0c", ", ").replace("\u3001", ", ")
    folded = unicodedata.normalize("NFKC", HIDDEN.sub("", spaced))
    dashes = re.sub("[\u2010-\u2015\u2212]", "-", folded).replace("\u2019", "'")
    return "".join(str(unicodedata.digit(c)) if c > "\x7f" and c.isdecimal() else c for c in dashes)


def shortest(value: Decimal) -> str:
    """A decimal without sign, separators or trailing zeros: "1,296.50" and "1296.5" are one."""
    return f"{abs(value).normalize():f}"


def read_number(written: str) -> Decimal | None:
    """The value of a number in digits or words; None when it is not one."""
    text = written.strip().lower()
    if found := _DIGITS_FIRST.match(text):
        digits, scale = found[1].replace(",", ""), found[2].strip()
        return Decimal(digits) * _SCALES.get(scale, 1) if digits else None
    if text and text[0] in _HAN:
        return _chinese(text)
    if "\u0b80" <= text[:1] <= "\u0bff":
        return Decimal(_tamil(text))
    return _from_left(text, _EN if _is_of(text, _EN) else _MS)


def _is_of(text: str, words: Mapping[str, Any]) -> bool:
    return any(w in words["words"] or w in words["scales"] for w in SPLIT.split(text))


def _from_left(text: str, words: Mapping[str, Any]) -> Decimal:
    """A scale multiplies what stands since the last larger one: "two thousand five hundred"."""
    total = group = 0
    for word in SPLIT.split(text):
        if word == "belas":  # Malay teens
            group += 10
        elif scale := words["scales"].get(word):
            ones = group % scale if scale < 1000 else group
            group += (ones or 1) * scale - ones
            if scale >= 1000:
                total, group = total + group, 0
        else:
            group += words["words"].get(word, 0)
    return Decimal(total + group)


def _chinese(text: str) -> Decimal:
    whole, _, fraction = text.partition("点")
    decimals = "".join(str(_ZH_DIGITS[c]) for c in fraction)
    return Decimal(f"{_chinese_whole(whole)}.{decimals or 0}")


def _chinese_whole(text: str) -> int:
    if len(text) > 1 and all(c in _ZH_DIGITS for c in text):  # read out digit by digit: 二〇二六
        return int("".join(str(_ZH_DIGITS[c]) for c in text))
    total = section = digit = 0
    for character in text:
        if character in _ZH_DIGITS:
            digit = _ZH_DIGITS[character]
            continue
        scale = _ZH_SCALES[character]
        if scale >= 10000:
            total, section, digit = (total + section + digit or 1) * scale, 0, 0
        else:
            section, digit = section + (digit or 1) * scale, 0
    # 一千三 is 1,300: a last digit stands for the next lower scale.
    last = _ZH_SCALES.get(text[-2], 0) if digit and len(text) > 1 else 0
    return total + section + digit * (last // 10 if last > 10 else 1)


def _tamil(text: str) -> int:
    total = 0
    for part in _TAMIL_PARTS.findall(text):
        if scale := _TAMIL_SCALES.get(part):
            total = (total or 1) * scale
        else:
            total += _TAMIL[part]
    return total
