"""Chinese, Malay and Tamil orders in the English words that the rest of the reading knows."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from tools.ordering.numerals import value_of
from tools.ordering.spelling import nearest
from tools.ordering.words import (
    CHINESE,
    ENGLISH,
    MALAY,
    MALAY_MONTHS,
    NUMBERS,
    NUMERALS,
    PACKS,
    TAMIL,
)

# Full-width figures and signs, typographic quotes, primes, dashes and crosses, as on a keyboard.
KEPT = 256  # a turn reads its message, and each part of it, in several places
PLAIN = str.maketrans(
    {
        **{chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)},
        **dict.fromkeys("\u201c\u201d\u2033\u3003", '"'),
        **dict.fromkeys("\u2018\u2019\u2032", "'"),
        **dict.fromkeys("\u2013\u2014", "-"),
        **dict.fromkeys("\u3001\uff64", ","),
        "\u3002": ".",
        "\u3010": "[",
        "\u3011": "]",
        "\u00d7": "x",
        "\u3000": " ",
    }
)
WEEKDAYS = dict(
    zip(
        "一二三四五六日天",
        "monday tuesday wednesday thursday friday saturday sunday sunday".split(),  # noqa: SIM905
        strict=True,
    )
)
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()  # noqa: SIM905 (reads better)
FIRST_HOUR, NOON = 8, 12
ENDING = r"[\u0B80-\u0BFF]*"  # a Tamil word takes its case as an ending


def _any(words: Iterable[str]) -> str:
    return "|".join(re.escape(w) for w in sorted(words, key=len, reverse=True))


_HAN = "".join(w for w in NUMERALS if "\u3007" <= w <= "\u9fff")
_HAN_NUMBER = rf"(?:[0-9][0-9,.]*(?=[十百千万萬]))?[{_HAN}]+"
_HAN_FIGURE = rf"(?:[0-9]+|[{_HAN}]+)"
_LATIN = [w for w in NUMERALS if w.isascii()]
_TAMIL_NUMERALS = [w for w in NUMERALS if w >= "\u0b80" and w < "\u0c00"]
_SMALL = _any(w for w, n in NUMBERS.items() if n)
CHINESE_PATTERN = re.compile(
    rf"""
    (?P<month>{_HAN_FIGURE})月(?P<day>{_HAN_FIGURE})[日号號]?
  | (?P<next>下)?(?:个|這|这|本)?(?:周|週|星期|礼拜|禮拜)(?P<weekday>[一二三四五六日天])
  | (?P<half_day>上午|早上|下午)?(?P<hour>{_HAN_FIGURE})(?:点|點)(?:半|钟|鐘)?
  | (?P<count>{_HAN_FIGURE})(?P<pack>[捆箱包扎])半
  | (?P<word>{_any(CHINESE)})
  | (?P<number>{_HAN_NUMBER})
""",
    re.VERBOSE,
)
_ENGLISH = re.compile(rf"\b(?:{_any(ENGLISH)})\b", re.IGNORECASE)
LATIN_WORD = re.compile(r"(?<![\w-])[a-zA-Z]{5,12}(?![\w-])")
# A foreign word that stays as it is must not swallow the figure beside it.
SEAM = re.compile(r"(?<=[\u0b80-\u0bff\u4e00-\u9fff])(?=[0-9A-Za-z])")
MALAY_PATTERN = re.compile(
    rf"""\b(?:
    (?<=[0-9]\ )(?P<month>{_any(MALAY_MONTHS)})
  | pukul\ (?P<hour>[0-9]{{1,2}})(?:[.:][0-9]{{2}})?(?:\ (?P<half_day>pagi|petang))?
  | (?P<word>{_any(MALAY)})(?:nya|lah)?
  | (?P<number>(?:[0-9]+\ (?=ratus|ribu|puluh))?(?:{_any(_LATIN)})(?:\ (?:{_any(_LATIN)}))*)
  )\b""",
    re.VERBOSE | re.IGNORECASE,
)
TAMIL_PATTERN = re.compile(
    rf"""
    (?P<word>{_any(TAMIL)}){ENDING}
  | (?P<number>(?:{_any(_TAMIL_NUMERALS)}){ENDING}(?:\ (?:{_any(_TAMIL_NUMERALS)}){ENDING})*)
""",
    re.VERBOSE,
)
HALF_PATTERN = re.compile(
    rf"""(?:
    \b(?:an?\s+)?half\s+(?:(?:of\s+)?an?\s+)?(?=dozen\b|{PACKS}\b)
  | (?<![0-9/.])(?P<before>[0-9]+\s?)?(?:½|(?<![0-9])1/2)\s*(?:an?\s+)?(?=dozen\b|{PACKS}\b)
  | \b(?P<figure>[0-9]{{1,3}}|{_SMALL})\s+and\s+(?:a\s+)?half\b
  | \b(?P<single>an?|one)\s+(?P<unit>{PACKS})\s+and\s+a\s+half\b
  )""",
    re.VERBOSE | re.IGNORECASE,
)


# "another 100 of the 12" counts boxes of that size.
OF_SIZE = re.compile(
    r"(?<=[0-9]\sof\sthe\s)(?:10|12|14)s?(?=\s*(?:$|[.,;!?)\n]|(?:please|pls|and|too|also|ones?"
    r"|instead|as\s+well)\b))",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Written:
    """A text in English words, and for each stretch of it the words as written.

    A stretch is where it starts here, where in `source` it starts and ends, and whether it is kept.
    """

    text: str
    source: str
    stretches: tuple[tuple[int, int, int, bool], ...] = ()

    def phrase(self, start: int, end: int) -> str:
        """What was written between two places of the text."""
        if not self.stretches:
            return " ".join(self.source[start:end].split())
        return " ".join(self.source[self._first(start) : self._last(end)].split())

    def _first(self, place: int) -> int:
        here, start, _, is_kept = self._stretch(place)
        return start + (place - here if is_kept else 0)

    def _last(self, place: int) -> int:
        here, start, end, is_kept = self._stretch(max(0, place - 1))
        return min(start + place - here, end) if is_kept else end

    def _stretch(self, place: int) -> tuple[int, int, int, bool]:
        return self.stretches[bisect_right(self.stretches, place, key=lambda s: s[0]) - 1]


def plain(text: str) -> str:
    """The text with a keyboard's signs for typographic ones, and without runs of white space."""
    words = re.sub(r"[^\S\n]+", " ", text.translate(PLAIN).replace("''", '"'))
    return re.sub(r"\s*\n\s*", "\n", words)


@lru_cache(KEPT)
def in_english(text: str) -> Written:
    """A plain text with its foreign words and its halves put into English words and figures."""
    found = sorted(_replacements(text))
    if not found:
        return Written(text, text)
    parts: list[str] = []
    stretches: list[tuple[int, int, int, bool]] = []
    here = place = 0
    for start, end, english in [*found, (len(text), len(text), "")]:
        for piece, source in (
            (text[place:start], (place, start, True)),
            (english, (start, end, False)),
        ):
            if piece:
                parts.append(piece)
                stretches.append((here, *source))
                here += len(piece)
        place = end
    return Written("".join(parts), text, tuple(stretches))


def _replacements(text: str) -> list[tuple[int, int, str]]:
    """Where foreign and misspelt words stand, and what they are in English; none overlap."""
    found = [(*m.span(), ENGLISH[" ".join(m[0].lower().split())]) for m in _ENGLISH.finditer(text)]
    found += [(*m.span(), f"{m[0].lower().rstrip('s')} inch") for m in OF_SIZE.finditer(text)]
    found += _foreign(text)
    taken = [(start, end) for start, end, _ in found]
    found += [
        (*m.span(), right)
        for m in LATIN_WORD.finditer(text)
        if (right := nearest(m[0].lower())) and not _is_in(taken, *m.span())
    ]
    return found


def _is_in(taken: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    return any(start < b and a < end for a, b in taken)


def _foreign(text: str) -> list[tuple[int, int, str]]:
    found = [(*m.span(), _malay(m)) for m in MALAY_PATTERN.finditer(text)]
    found += [(*m.span(), _half(m)) for m in HALF_PATTERN.finditer(text)]
    if not text.isascii():
        found += [(*m.span(), f" {_chinese(m)} ") for m in CHINESE_PATTERN.finditer(text)]
        found += [(*m.span(), " ") for m in SEAM.finditer(text)]
        found += [(*m.span(), f" {_tamil(m)} ") for m in TAMIL_PATTERN.finditer(text)]
    return found


def _chinese(match: re.Match[str]) -> str:
    if match["month"]:
        month, day = _figure(match["month"]), _figure(match["day"])
        return f"{day} {MONTHS[int(month) - 1]}" if 0 < month <= NOON else match[0]
    if match["weekday"]:
        return f"{'next ' if match['next'] else ''}{WEEKDAYS[match['weekday']]}"
    if match["hour"]:
        return _clock(_figure(match["hour"]), match["half_day"] == "下午")
    if match["count"]:
        return f"{_figure(match['count'])}.5 {CHINESE[match['pack']]}"
    return CHINESE[match["word"]] if match["word"] else f"{_figure(match[0])}"


def _clock(hour: Decimal, is_afternoon: bool) -> str:  # noqa: FBT001 (private)
    is_late = is_afternoon or hour < FIRST_HOUR or hour == NOON
    return f"{hour}pm" if is_late and hour <= NOON else f"{int(hour):02}:00"


def _malay(match: re.Match[str]) -> str:
    if match["month"]:
        return MALAY_MONTHS[match["month"].lower()]
    if match["hour"]:
        return _clock(Decimal(match["hour"]), match["half_day"] == "petang")
    if match["word"]:
        return MALAY[match["word"].lower()]
    return f"{value_of(match['number'].lower().split())}"


def _tamil(match: re.Match[str]) -> str:
    if match["word"]:
        return TAMIL[match["word"]]
    return f"{value_of([_stem(w, _TAMIL_NUMERALS) for w in match['number'].split()])}"


def _stem(word: str, stems: Sequence[str]) -> str:
    return max((s for s in stems if word.startswith(s)), key=len)


def _figure(text: str) -> Decimal:
    """The number that Chinese and other figures write, as in 两百五 or 3千."""
    lead = re.match(r"[0-9][0-9,.]*", text)
    figures = [lead[0]] if lead else []
    return value_of([*figures, *text[lead.end() if lead else 0 :]])


def _half(match: re.Match[str]) -> str:
    if match["single"]:
        return f"1.5 {match['unit']}"
    if match["figure"]:
        word = match["figure"].lower()
        return f"{NUMBERS.get(word, word)}.5"
    return f"{(match['before'] or '0').strip()}.5 "
