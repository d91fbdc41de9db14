"""Lies of ten kinds about an honest reply, in the language of the reply and in many wordings."""

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import combinations, permutations
from typing import Literal, get_args

from tools.sandbox.openai.falsehoods import Falsehoods, wording
from tools.sandbox.openai.sources import CODE, Json, Sources, amounts_of, number_of

LieKind = Literal[
    "amount",
    "date",
    "document",
    "percentage",
    "concession",
    "promise",
    "contact",
    "other_customer",
    "injection",
    "swap",
]
KINDS: tuple[LieKind, ...] = get_args(LieKind)
CHANGED_SHARE = 0.6  # of the lies that could change a figure of the reply, those that do

_NUMBER = r"\d[\d,]*(?:\.\d+)?"
_AMOUNT = re.compile(
    rf"(?:S?\$|\bSGD|\bRM|新币)\s?{_NUMBER}(?:\s?(?:新元|元))?"
    rf"|{_NUMBER}\s?(?:SGD\b|dollars?\b|新元|元|块|வெள்ளி|dolar\b)"
    r"|(?<![\d.,-])\d[\d,]*\.\d{2}(?![\d%])"
)
_PERCENT = re.compile(rf"百分之{_NUMBER}|{_NUMBER}\s?(?:[%％]|per\s?cent\b|peratus\b|சதவீதம்)")
_COUNT = re.compile(
    r"(?<![\d.,$-])\d[\d,]*(?=\s?(?:(?:business |open |overdue )?(?:days?|hours?|minutes?|months?"
    r"|pieces|pcs|invoices?|payments?|orders|bundles?|cartons?|packs?|DPI|g)\b"
    r"|个?(?:工作日|小时|分钟|天|个|件|张|月)|(?:hari|jam|minit|bulan|keping|invois)\b"
    r"|(?:நாட்கள்|மணி|நிமிட|மாத|விலைப்பட்டியல்)))"
)
_TAMIL = re.compile(r"[஀-௿]")
_CHINESE = re.compile(r"[一-鿿]")
_LETTER = re.compile(r"[^\W\d_]")
_ISO = r"\d{4}-\d{2}-\d{2}"
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
_SEGMENT_END = re.compile(r"(?<=[;；。\n])|(?<=[.,、，])(?=\s|[^\d\s])")


def lie(kind: LieKind, reply: str, facts: Sequence[Json], rng: random.Random) -> str:
    """An honest reply with one lie in it.

    Nothing in the facts says what the lie says; `facts` must hold every source of the reply, the
    passages and the customer's words among them, and may give the day as `{"today": ...}`.
    """
    sources = Sources(tuple(facts), reply)
    return _TELL[kind](_Liar(reply, sources, rng))


def language_of(text: str) -> str:
    """The language of a reply: en, zh, ms or ta."""
    letters = len(_LETTER.findall(text))
    if len(_TAMIL.findall(text)) > letters / 5:
        return "ta"
    if len(_CHINESE.findall(text)) > letters / 5:
        return "zh"
    malay = set(wording()["malay"]["words"])
    words = text.lower().split()
    return "ms" if sum(word.strip(".,:;") in malay for word in words) > len(words) / 10 else "en"


class _Liar:
    """One reply, about to be spoilt."""

    def __init__(self, reply: str, sources: Sources, rng: random.Random) -> None:
        self.reply = reply
        self.sources = sources
        self.rng = rng
        self.language = language_of(reply)
        self.false = Falsehoods(sources, self.language, rng)

    def change(self, pattern: re.Pattern[str], draw: Callable[[str], str]) -> str | None:
        """The reply with one match of a pattern replaced; None where there is none."""
        found = list(pattern.finditer(self.reply))
        if not found or self.rng.random() > CHANGED_SHARE:
            return None
        match = self.rng.choice(found)
        return self.reply[: match.start()] + draw(match[0]) + self.reply[match.end() :]

    def add(self, table: str) -> str:
        """The reply with one more sentence, somewhere between the others."""
        sentences = [s for s in wording()["tell"][table][self.language] if not self._is_true(s)]
        return self.insert(self.false.fill(self.rng.choice(sentences)))

    def insert(self, sentence: str) -> str:
        """The reply with this sentence before it, after it or between two others."""
        ends = [match.end() for match in _SENTENCE_END.finditer(self.reply)]
        place = self.rng.choice([0, len(self.reply), *ends])
        before, after = self.reply[:place].rstrip(" "), self.reply[place:].lstrip(" ")
        if before.endswith("\n"):
            return f"{before}{sentence}\n{after}"
        return " ".join(part for part in (before, sentence, after) if part)

    def _is_true(self, sentence: str) -> bool:
        true_where: Mapping[str, list[str]] = wording()["true_where"]
        return any(
            word in sentence and any(source in self.sources.text for source in sources)
            for word, sources in true_where.items()
        )


def _amount(liar: _Liar) -> str:
    return liar.change(_AMOUNT, lambda _: liar.false.amount()) or liar.add("amount")


def _date(liar: _Liar) -> str:
    return liar.change(_dates(liar.language), lambda _: liar.false.day()) or liar.add("date")


def _document(liar: _Liar) -> str:
    return liar.change(CODE, liar.false.code_like) or liar.add("document")


def _percentage(liar: _Liar) -> str:
    return liar.change(_PERCENT, lambda _: liar.false.percent()) or liar.add("percentage")


def _swap(liar: _Liar) -> str:
    """Figures of two records in each other's place; else a wrong count or duration."""
    swaps = list(_swaps(liar))
    if swaps and liar.rng.random() < CHANGED_SHARE:
        return liar.rng.choice(swaps)
    crossed = list(_crossed(liar))
    if crossed and liar.rng.random() < CHANGED_SHARE:
        own, theirs = liar.rng.choice(crossed)
        form = liar.rng.choice(wording()["tell"]["swap"][liar.language])
        written = liar.rng.choice(wording()["spell"]["amount"][liar.language])
        return liar.insert(form.format(own=own, theirs=written.format(Decimal(theirs))))
    return liar.change(_COUNT, lambda _: liar.false.count()) or liar.add("count")


def _swaps(liar: _Liar) -> Iterator[str]:
    """The reply with the amounts exchanged of two stretches that name one record each."""
    stretches = list(_stretches(liar))
    for (first, a, own), (second, b, other) in combinations(stretches, 2):
        if _value(b[0]) in own or _value(a[0]) in other or first == second:
            continue
        text = liar.reply
        yield text[: a.start()] + b[0] + text[a.end() : b.start()] + a[0] + text[b.end() :]


def _stretches(liar: _Liar) -> Iterator[tuple[str, re.Match[str], frozenset[Decimal]]]:
    """Where the reply gives one amount of one record: its number, the amount, all its amounts."""
    amounts: dict[str, frozenset[Decimal]] = {}
    for record in liar.sources.records:
        own = frozenset(map(Decimal, amounts_of(record)))
        amounts[number_of(record)] = amounts.get(number_of(record), frozenset()) | own
    start = 0
    for end in [*(m.end() for m in _SEGMENT_END.finditer(liar.reply)), len(liar.reply)]:
        named = [number for number in amounts if number in liar.reply[start:end]]
        found = list(_AMOUNT.finditer(liar.reply, start, end))
        if len(named) == len(found) == 1 and _value(found[0][0]) in amounts[named[0]]:
            yield named[0], found[0], amounts[named[0]]
        start = end


def _crossed(liar: _Liar) -> Iterator[tuple[str, str]]:
    """A record's number with an amount that only another record has."""
    own_of: dict[str, set[str]] = {}
    for record in liar.sources.records:
        own_of.setdefault(number_of(record), set()).update(amounts_of(record))
    for (number, own), (_, others) in permutations(sorted(own_of.items()), 2):
        yield from ((number, amount) for amount in sorted(others - own))


def _value(written: str) -> Decimal:
    digits = re.search(_NUMBER, written)
    return Decimal(digits[0].replace(",", "")) if digits else Decimal(0)


def _dates(language: str) -> re.Pattern[str]:
    months = "|".join(wording()["months"][language])
    if language == "en":
        months = r"(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)[a-z]*"
    if language == "zh":
        return re.compile(rf"{_ISO}|(?:\d{{4}}年)?\d{{1,2}}月\d{{1,2}}[日号]")
    return re.compile(
        rf"{_ISO}|\b\d{{1,2}}(?:st|nd|rd|th|hb)?(?: of)? (?:{months})(?: \d{{4}})?"
        rf"|(?:{months}) \d{{1,2}}(?:st|nd|rd|th)?\b(?:,? \d{{4}})?"
    )


_TELL: Mapping[LieKind, Callable[[_Liar], str]] = {
    "amount": _amount,
    "date": _date,
    "document": _document,
    "percentage": _percentage,
    "concession": lambda liar: liar.add("concession"),
    "promise": lambda liar: liar.add("promise"),
    "contact": lambda liar: liar.add("contact"),
    "other_customer": lambda liar: liar.add("other_customer"),
    "injection": lambda liar: liar.add("injection"),
    "swap": _swap,
}
