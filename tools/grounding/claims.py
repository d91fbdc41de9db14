"""Reads every amount, date, number, address and share in a text, by value."""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from functools import lru_cache

from tools.grounding import addresses, amounts, clock, days
from tools.grounding.claim import Claim
from tools.grounding.numbers import data, plain, read_number, shortest

# What a customer may name; amounts and promises they only claim.
FROM_CUSTOMERS = frozenset({"id", "number", "date", "weekday", "time"})
KINDS = FROM_CUSTOMERS | {
    "ambiguous", "email", "foreign", "leak", "link", "markup", "money", "percent", "phone",
    "promise", "share", "status",
}  # fmt: skip

Read = Callable[[str, datetime | None], Iterator[Claim]]

ORDERED_LIST = re.compile(r"^[ \t]*\d{1,2}[.)](?=\s)", re.MULTILINE)
COUNT_ONE = re.compile("^an?$", re.IGNORECASE)
BLANK = "\x1f"
# Every passage of the policies in every language, and what the turns of the moment say.
KEPT = 2048
_LATE = re.compile("|".join(data("records")["late"]), re.IGNORECASE)


def _simple(
    kind: str, pattern: re.Pattern[str], value: Callable[[re.Match[str]], str | None]
) -> Read:
    def read(text: str, _: datetime | None) -> Iterator[Claim]:
        for match in pattern.finditer(text):
            if (found := value(match)) is not None:
                yield Claim(kind, found, match[0].strip(), "", match.start(), match.end())

    return read


def _timed(kind: str, pattern: re.Pattern[str], value: days.Reading) -> Read:
    def read(text: str, now: datetime | None) -> Iterator[Claim]:
        for match in pattern.finditer(text):
            if (found := value(match, now)) is not None:
                yield Claim(kind, found, match[0].strip(), "", match.start(), match.end())

    return read


def _counts(pattern: re.Pattern[str]) -> Read:
    return lambda text, _: (c for m in pattern.finditer(text) for c in amounts.counted(m))


def _numbers(pattern: re.Pattern[str]) -> Read:
    return lambda text, _: (c for m in pattern.finditer(text) for c in amounts.bare(m))


def _small_words(text: str, _: datetime | None) -> Iterator[Claim]:
    for match in amounts.SMALL_WORDED.finditer(text):
        yield from amounts.bare(match, least=1)


def _half_hours(text: str, _: datetime | None) -> Iterator[Claim]:
    for match in amounts.HALF_HOUR.finditer(text):
        yield Claim("number", "30", match[0], "minutes", match.start(), match.end())


def _shares(text: str, _: datetime | None) -> Iterator[Claim]:
    for match in amounts.SHARE.finditer(text):
        value = amounts.share(match)
        if value:
            yield Claim("share", value, match[0], "", match.start(), match.end())


def _spans(text: str, now: datetime | None) -> Iterator[Claim]:
    """In two weeks, 3 days ago: a duration, or the day (after @) that it reaches from now."""
    for match in days.IN_DAYS.finditer(text):
        number = read_number(COUNT_ONE.sub("one", match["count"]))
        if number is not None and (match["ahead"] or match["past"] or match["later"]):
            reach = number * (7 if match["weeks"] else 1)
            count, day = shortest(reach), days.in_days(match, int(reach), now)
            is_day = match["past"] or "from" in (match["later"] or "")
            value = f"@{day}" if day and is_day else f"{count}|@{day}" if day else count
            yield Claim("number", value, match[0].strip(), "days", match.start(), match.end())


# In this order: what one of them takes is not read again by the next.
READERS: tuple[Read, ...] = (
    _simple("markup", addresses.MARKUP, addresses.as_written),
    _simple("markup", addresses.DISGUISE, addresses.as_written),
    _simple("leak", addresses.LEAK, addresses.as_written),
    _simple("email", addresses.MAIL, addresses.mail),
    _simple("link", addresses.LINK, addresses.link),
    _simple("id", addresses.ID, addresses.document),
    *(_timed("date", pattern, value) for pattern, value in days.DATES[:1]),
    _simple("phone", addresses.PHONE, addresses.phone),
    _simple("phone", addresses.SPOKEN_PHONE, addresses.spoken_phone),
    *(_timed("time", pattern, value) for pattern, value in clock.TIME_PATTERNS[:6]),
    *(_timed("date", pattern, value) for pattern, value in days.DATES[1:]),
    _spans,
    *(_timed("date", pattern, value) for pattern, value in days.RELATIVE_DAYS),
    *(_timed("weekday", pattern, value) for pattern, value in clock.WEEKDAY_PATTERNS),
    _half_hours,
    _simple("ambiguous", amounts.AMBIGUOUS, addresses.as_written),
    _simple("foreign", amounts.FOREIGN, amounts.foreign),
    _simple("share", amounts.FRACTION, amounts.fraction),
    _simple("percent", amounts.PERCENT, amounts.percent),
    _simple("percent", amounts.TENTHS, amounts.tenths),
    _simple("percent", amounts.TENTHS_OF, amounts.tenths_of),
    _simple("money", amounts.MONEY, amounts.money),
    _simple("money", amounts.SMALL, amounts.small_money),
    _simple("ambiguous", amounts.UNREAD, addresses.as_written),
    _simple("money", amounts.BARE_CENTS, amounts.bare_money),
    _simple("id", addresses.NUMBERED, addresses.numbered),
    *(_timed("time", pattern, value) for pattern, value in clock.TIME_PATTERNS[6:]),
    _shares,
    _counts(amounts.COUNTED),
    _counts(amounts.COUNTED_FAR),
    _small_words,
    _simple("id", addresses.NUMBERED_WORDS, addresses.numbered),
    _numbers(amounts.NUMBERED),
    _numbers(amounts.LONG_WORDED),
)


def is_late(claim: Claim, text: str) -> bool:
    """Whether a number counts the days that something is overdue."""
    around = text[max(0, claim.start - 30) : claim.end + 25]
    return claim.kind == "number" and claim.unit == "days" and bool(_LATE.search(around))


def _blank(match: re.Match[str]) -> str:
    return BLANK * len(match[0])


def claims(text: str, now: datetime | None = None) -> list[Claim]:
    """Every figure and address in a text, in the order they stand in it."""
    return [*_claims(text, now and now.date())]


@lru_cache(KEPT)
def _claims(text: str, today: date | None) -> tuple[Claim, ...]:
    """The same, read once a day: of the time now no reader looks at more than its day."""
    now = datetime.combine(today, time()) if today else None
    rest = amounts.IDIOM.sub(_blank, ORDERED_LIST.sub(_blank, plain(text)))
    found: list[Claim] = []
    for read in READERS:
        new = list(read(rest, now))
        for claim in new:
            rest = rest[: claim.start] + BLANK * (claim.end - claim.start) + rest[claim.end :]
        found += new
    return tuple(sorted(found, key=lambda c: c.start))
