"""Amounts, percentages and counts by value, with what is counted."""

import re
from collections.abc import Iterator
from decimal import Decimal

from tools.grounding.claim import Claim
from tools.grounding.days import MONTHS
from tools.grounding.numbers import (
    CHINESE,
    DIGITS,
    NUMBER,
    SCALE,
    WORDED,
    data,
    either,
    read_number,
    shortest,
)

_WORDS = data("units")
_MONEY, _PERCENT = _WORDS["money"], _WORDS["percent"]
_FOREIGN = _MONEY["foreign"]
UNITS: dict[str, tuple[str, int]] = {
    word: (unit["family"], unit.get("times", 1))
    for unit in _WORDS["unit"]
    for word in unit["words"]
}
PARTS: dict[str, int] = _WORDS["parts"]
SMALL_WORDS = 10
SHARES: dict[str, int] = _WORDS["shares"]


def words(names: list[str]) -> str:
    """These words; a Latin one ends where its letters end."""
    latin = [n for n in names if n[-1].isascii() and n[-1].isalpha()]
    other = [n for n in names if n not in latin]
    parts = [f"{either(latin)}(?![A-Za-z])"] if latin else []
    return f"(?:{'|'.join([*parts, *([either(other)] if other else [])])})"


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_CENTS, _AFTER = words(_MONEY["cents"]), words(_MONEY["after"])
_K = f"(?:\\s?[km](?![A-Za-z])|{SCALE})"
_AMOUNT = f"(?:{DIGITS}{_K}?|{WORDED})"
# Two readings, or none: a comma or a point that is neither thousands nor cents.
AMBIGUOUS = _compiled(
    r"(?<![\d.,])(?:\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:[ ]\d{3})+[.,]\d\d(?!\d)"
    r"|\d+,\d{1,2}(?!\d)(?:\s?k)?|\d{4,},\d{3})(?![\d])"
)
FOREIGN = _compiled(
    rf"(?<![A-Za-z]){either(_FOREIGN['before'])}\s?(?P<before>{_AMOUNT})"
    rf"|(?P<after>{NUMBER})\s?{words(_FOREIGN['after'])}"
)
# 分 is a cent only after 元 or 角: 30分 may be minutes, and then it needs 钟.
_SEN = rf"(?P<cents>{NUMBER})\s?{_CENTS}(?!钟)"
MONEY = _compiled(
    rf"(?:(?<![A-Za-z]){either(_MONEY['before'])}\s?(?P<before>{_AMOUNT})(?:\s?{_AFTER})?"
    rf"|(?P<after>{_AMOUNT})\s?{_AFTER})"
    rf"(?:\s?(?:(?:and|dan)\s)?(?:(?P<tens>{NUMBER})\s?{words(_MONEY['tens'])}(?:{_SEN})?"
    rf"|{_SEN.replace('cents>', 'only>')})|(?P<loose>(?<=[元块])\d)(?![\d.,]))?"
)
SMALL = _compiled(
    rf"(?P<tens>{NUMBER})\s?{words(_MONEY['tens'])}(?:(?P<more>{NUMBER})分?)?"
    rf"|(?P<cents>{NUMBER})(?:(?-i:c)(?![A-Za-z])|\s?{_CENTS}(?!钟|之|店|别|享|配|批|为))"
    rf"|(?P<first>{NUMBER})(?=\s?(?:-|to|and|or|hingga|到|至)\s?{NUMBER}\s?{_CENTS}(?!钟))"
)
BARE_CENTS = _compiled(
    rf"(?<![\d.,])(?:\d{{1,3}}(?:,\d{{3}})+|\d+)\.\d{{2}}(?![\d%])(?!\s?{words(list(UNITS))})"
)
PERCENT = _compiled(
    rf"{either(_PERCENT['before'])}(?P<before>{NUMBER})|(?P<after>{NUMBER})\s?{words(_PERCENT['after'])}"
)
# A Tamil amount whose number could not be read.
UNREAD = _compiled(
    r"(?<![\u0b80-\u0bff])(?!சிங்கப்பூர்|எத்தனை|எவ்வளவு)[\u0b80-\u0bff]+\s(?:வெள்ளி(?![\u0b80-\u0bff]|\s?[\x1f\d])|டாலர்(?:கள்)?(?![\u0b80-\u0bff])|சதவீதம்|சதவிகிதம்|விழுக்காடு)"
    r"|[\u0b80-\u0bff]*(?:ாயிரம்|ாயிரத்து|நூற்று)(?![\u0b80-\u0bff])"
)
TENTHS = _compiled(r"(?P<digits>[\d.]+|[一二三四五六七八九]{1,2})\s?折")
TENTHS_OF = _compiled(r"(?P<digits>[\d一二两三四五六七八九]{1,2})成(?!为|功|立|品|本|员|交|就)")
FRACTION = _compiled(
    rf"(?P<under>{CHINESE}|\d+)分之(?P<over>{CHINESE}|\d+)"
    rf"|(?<![A-Za-z])(?P<count>an?|one|two|three|four|five|\d)[\s-](?P<part>{either(PARTS)})s?(?![A-Za-z])(?!\s(?:of\s)?{either(MONTHS)})"
    r"|(?<![\d/.])(?P<top>\d)/(?P<below>[2-9]|10)(?![\d/])"
)
SHARE = _compiled(
    f"(?<![A-Za-z]){either(k for k in SHARES if k.isascii())}(?![A-Za-z])"
    f"|{either(k for k in SHARES if not k.isascii())}"
)
IDIOM = _compiled("|".join(_WORDS["idioms"]["patterns"]))
_BETWEEN = r"(?:\s(?!(?:and|or|on|in|for|to|at|of|from|with|by|is|are|was|per|dan|untuk|pada)\s)[A-Za-z\u0b80-\u0bff'-]+){0,3}?"  # noqa: E501
_FURTHER = (
    rf"(?=\s?(?:-|to|or|and|hingga|sampai|atau|到|至|或|முதல்)\s?(?:{NUMBER})"
    r"(?:\s(?:business|working|calendar|open|overdue))?\s?-?\s?"
)
_UNIT = words(list(UNITS))
COUNTED = _compiled(
    rf"(?P<number>{NUMBER})(?:\+)?(?:\s?-?\s?(?P<unit>{_UNIT})"
    rf"|{_FURTHER}(?P<next>{_UNIT})))"
)
COUNTED_FAR = _compiled(rf"(?P<number>{NUMBER}){_BETWEEN}\s(?P<unit>{_UNIT})")
HALF_HOUR = _compiled(r"half an hour|half[- ]hour|setengah jam|半(?:个)?小时|அரை மணி நேர\w*")
NUMBERED = _compiled(rf"(?<![A-Za-z0-9_.])(?:{DIGITS}{SCALE}?)(?!\s?[A-Za-z]*\d)")
LONG_WORDED = _compiled(
    "[零〇一二两三四五六七八九十百千万亿]{2,}"
    rf"|(?<![A-Za-z])(?:{WORDED})(?![A-Za-z])"
)
SMALL_WORDED = _compiled(
    rf"(?:(?<=\bof )|(?<=\bthan )|(?<=\bleast )|(?<=\bmost )|(?<=\bexactly )|(?<=\bonly )|(?<=\bto )"  # noqa: E501
    rf"|(?<=\bat )|(?<=\bby )|(?<=\bfor )|(?<=\bover )){WORDED}(?=\s*(?:[.,;!?)]|$|and\b|or\b|before\b|each\b|per\b))"  # noqa: E501
)
_NO_NUMBER = frozenset(
    {"十分", "千万", "万一", "百", "千", "万", "百万", "a hundred", "one", "satu"}
)


def _share_of_ten(written: str) -> str | None:
    """九折 leaves 90%, 九五折 leaves 95%: the value is what is taken off."""
    digits = "".join(str(read_number(c)) if not c.isascii() else c for c in written)
    digits = digits.replace(".0", "") if not written.isascii() else digits
    number = Decimal(digits) if re.fullmatch(r"\d+(\.\d+)?", digits) else None
    if number is None or not number:
        return None
    left = number * 10 if number < 10 else number
    return shortest(Decimal(100) - left)


def money(match: re.Match[str]) -> str | None:
    """The amount in dollars."""
    number = read_number(match["before"] or match["after"])
    if number is None:
        return None
    parts = (("tens", "0.1"), ("cents", "0.01"), ("only", "0.01"), ("loose", "0.1"))
    for part, worth in parts:
        if match[part]:
            number += (read_number(match[part]) or 0) * Decimal(worth)
    return shortest(number)


def small_money(match: re.Match[str]) -> str | None:
    """Cents, as dollars."""
    tens = read_number(match["tens"]) if match["tens"] else Decimal(0)
    cents = read_number(match["cents"] or match["more"] or match["first"] or "0")
    return None if tens is None or cents is None else shortest(tens / 10 + cents / 100)


def bare_money(match: re.Match[str]) -> str | None:
    """An amount with cents and no currency."""
    number = read_number(match[0])
    return None if number is None else shortest(number)


def foreign(match: re.Match[str]) -> str | None:
    """Another currency: the amount and the letters around it."""
    written = match["before"] or match["after"]
    number = read_number(written)
    name = re.sub(r"[\s.]", "", match[0].replace(written, "")).lower()
    return None if number is None else f"{name} {shortest(number)}"


def percent(match: re.Match[str]) -> str | None:
    """The number of hundredths."""
    number = read_number(match["before"] or match["after"])
    return None if number is None else shortest(number)


def tenths(match: re.Match[str]) -> str | None:
    """The discount that a Chinese price in tenths stands for."""
    return _share_of_ten(match["digits"])


def tenths_of(match: re.Match[str]) -> str | None:
    """九成 is 90%."""
    number = read_number(match["digits"])
    return None if number is None else shortest(number * 10)


def fraction(match: re.Match[str]) -> str | None:
    """A fifth, 四分之三: in per cent."""
    top = read_number(match["over"] or match["top"] or match["count"] or "") or Decimal(1)
    below = PARTS.get((match["part"] or "").lower()) or read_number(
        match["under"] or match["below"] or ""
    )
    return shortest((100 * top / Decimal(below)).quantize(Decimal(1))) if below else None


def share(match: re.Match[str]) -> str | None:
    """Half, a third: in per cent."""
    return str(SHARES[match[0].lower()])


def counted(match: re.Match[str]) -> Iterator[Claim]:
    """A number with its unit, in the unit of its family."""
    number = read_number(match["number"])
    groups = match.groupdict()
    word = (groups.get("unit") or groups.get("next") or "").lower()
    if number is None or word not in UNITS:
        return
    family, times = UNITS[word]
    end = match.end("number") if groups.get("next") else match.end()
    text = match.string[match.start() : end]
    if number == 1 and not match["number"][0].isdigit() and family not in ("minutes", "days"):
        return
    yield Claim("number", shortest(number * times), text, family, match.start(), end)


def bare(match: re.Match[str], least: int = SMALL_WORDS) -> Iterator[Claim]:
    """A number of nothing in particular; "one" and "two" in words are mostly no count."""
    number = read_number(match[0])
    is_figure = match[0][0].isdigit() or (number or 0) > least
    if number is not None and is_figure and match[0].lower() not in _NO_NUMBER:
        yield Claim("number", shortest(number), match[0], "", match.start(), match.end())
