"""Document numbers as people write and say them: "#1669", "inv no 1669", "one six six nine"."""

import re
import tomllib
from collections.abc import Sequence
from functools import cache, partial
from importlib import resources
from itertools import pairwise
from typing import Any

from tools.grounding.numbers import data, read_number

INVOICES = "INV"
DIGITS = r"\d{3,6}"
LENGTHS = range(3, 7)
YEAR = re.compile(r"20[0-4]\d")


def as_printed(text: str) -> str:
    """The text with its bare document numbers in the form in which they are printed."""
    text = _spoken().sub(_in_digits, text)
    for series in _table()["kinds"]:
        text = _written(series).sub(partial(_named, series=series), text)
    text = _hashed().sub(_of_invoice, text)
    return _listed().sub(_alike, text)


def _named(match: re.Match[str], series: str) -> str:
    """A year behind "invoices" is no number, unless it is called one."""
    is_year = YEAR.fullmatch(match["number"]) and not match["called"]
    return match[0] if is_year else f"{series}-{match['number']}"


def _of_invoice(match: re.Match[str]) -> str:
    return match[0] if match["other"] else f"{INVOICES}-{match['number']}"


def _alike(match: re.Match[str]) -> str:
    """INV-1657, 1669: numbers as long as the first one are of the same series."""
    length = len(match["number"])
    rest = re.sub(rf"(?<!\d)\d{{{length}}}(?!\d)", rf"{match['series']}-\g<0>", match["rest"])
    return f"{match['series']}-{match['number']}{rest}"


def _in_digits(match: re.Match[str]) -> str:
    digits = _read_out(re.findall(r"[a-z]+|[^\sa-z-]", match["said"].lower()))
    return f"{match['ahead']}# {digits}" if len(digits) in LENGTHS else match[0]


def _read_out(words: Sequence[str]) -> str:
    """One six six nine; sixteen sixty nine; one thousand six hundred and two; 一六六九."""
    if any(word in data("numbers")["en"]["scales"] for word in words):
        return f"{read_number(' '.join(w for w in words if w != 'and'))}"
    digits = ""
    for before, word in pairwise(["", *words]):
        value = _values().get(word, "")
        is_one_of_ten = _values().get(before, "")[1:] == "0" and value in set("123456789")
        digits = digits[:-1] + value if is_one_of_ten and before != "ten" else digits + value
    return digits


@cache
def _values() -> dict[str, str]:
    words = data("numbers")
    digits = {w: n for w, n in words["ms"]["words"].items() if n < len("0123456789")}
    said = words["en"]["words"] | digits | words["zh"]["digits"]
    return {word: str(value) for word, value in said.items()} | {"oh": "0", "o": "0"}


@cache
def _spoken() -> re.Pattern[str]:
    latin = [w for w in _values() if w.isascii()] + [*data("numbers")["en"]["scales"]]
    word = f"(?:{'|'.join(sorted(latin, key=len, reverse=True))})"
    chinese = "".join(data("numbers")["zh"]["digits"])
    kinds = "|".join(_any(kinds) for kinds in _table()["kinds"].values())
    return re.compile(
        rf"(?P<ahead>(?:{kinds})\s*)(?:{_called()})?"
        rf"(?P<said>\b{word}(?:[\s-]+(?:and\s+)?{word})+\b|[{chinese}]{{3,6}}){_behind()}",
        re.IGNORECASE,
    )


@cache
def _written(series: str) -> re.Pattern[str]:
    kinds = _any(_table()["kinds"][series])
    called = rf"(?:(?P<called>{_called()})|\s*(?=\d{{4}}))"
    return re.compile(rf"{kinds}\s*{called}(?P<number>{DIGITS}){_behind()}", re.IGNORECASE)


@cache
def _hashed() -> re.Pattern[str]:
    words = _table()["words"]
    other = rf"{_any(words['others'])}\s*(?:{_any(words['number'])}\s*)?"
    return re.compile(
        rf"(?P<other>{other})?(?<![\w#-])#\s?(?P<number>\d{{4,5}}){_behind()}", re.IGNORECASE
    )


@cache
def _listed() -> re.Pattern[str]:
    words = _table()["words"]
    between = rf"\s*(?:{_any(words['joined'])}\s*)+(?:{_called()})?"
    return re.compile(
        rf"(?<![a-z0-9])(?P<series>INV|CN|QU|TRIA)[-_ ]?(?P<number>{DIGITS})"
        rf"(?P<rest>(?:{between}{DIGITS}{_behind()})+)",
        re.IGNORECASE,
    )


def _called() -> str:
    return rf"(?:{_any(_table()['words']['number'])}[\s.:]*)+"


def _behind() -> str:
    """Nothing that makes an amount, a date or a quantity of the number."""
    units = _any(_table()["words"]["units"])
    return rf"(?![A-Za-z0-9_-]|[.,]\d|/\d{{1,2}}(?!\d)|\s*{units})"


def _any(patterns: Sequence[str]) -> str:
    """Any of these; a word of Latin letters does not begin or end inside another one."""
    latin = r"(?<![A-Za-z]){}(?![A-Za-z])"
    bounded = [latin.format(p) if p[0].isascii() and p[0].isalpha() else p for p in patterns]
    return f"(?:{'|'.join(bounded)})"


@cache
def _table() -> dict[str, Any]:
    text = (resources.files("tools.understanding") / "bare_numbers.toml").read_text("utf-8")
    return tomllib.loads(text)
