"""What may be said in a turn: its facts, its passages, the clock, the customer's own words."""

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from tools.grounding.claim import Claim
from tools.grounding.claims import FROM_CUSTOMERS, KINDS, claims, is_late
from tools.grounding.days import written
from tools.grounding.formulas import of_wanted_pieces
from tools.grounding.numbers import either, plain, shortest
from tools.grounding.sentences import sentences_of
from tools.grounding.signs import CALLS, signs_of, topics_of
from tools.grounding.sources import Reader, Record
from tools.grounding.values import Values
from tools.grounding.wording import parts, stems

LEFT_TO_STAFF = frozenset(stems("approve decide judged grant waive"))
FIGURE = re.compile(r"\d+(?:\.\d+)?")
# Facts that say who a matter is with.
WITH_PEOPLE = frozenset({"handoff", "awaiting_approval"})
# A name between a greeting, or the beginning of the sentence, and a mark.
CALLED = (
    r"(?:^\s*|(?<=[,.!:] )|(?<=[，。！：])|(?<=\bHi )|(?<=\bHai )|(?<=\bHello )|(?<=\bDear )"
    r"|(?<=尊敬的 )|(?<=வணக்கம் )|(?<=அன்புள்ள )){name}"
    r"(?=\s*(?:[,.!:，。！：👋]|$)|\syang dihormati|\sஅவர்களுக்கு)"
)
COUNTS = frozenset({"", "pieces", "packs", "products", "things", "days", "inches"})


@dataclass
class Evidence:
    """The sources of one turn. `free` are the values that belong to no record.

    `verbatim` are the sentences of our policies, `people` those whom the facts say a matter is
    with, `called` the names of the customer.
    """

    now: datetime | None
    every: Values = field(default_factory=Values)
    free: Values = field(default_factory=Values)
    records: list[Record] = field(default_factory=list)
    passages: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    strings: list[str] = field(default_factory=list)
    verbatim: set[str] = field(default_factory=set)
    people: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    is_loose: bool = False

    @cached_property
    def texts(self) -> list[str]:
        """All that the sources say in words."""
        keys = " ".join(k.replace("_", " ") for k in sorted(self.keys | self.kinds))
        return [*self.passages, *self.strings, keys]

    @cached_property
    def whole(self) -> str:
        """Every word of the sources and of the customer, in small letters."""
        return " ".join([*self.texts, *self.said]).lower()

    @cached_property
    def words(self) -> frozenset[str]:
        """The single words of `whole`."""
        return frozenset(re.findall(r"[a-zà-ÿ]+", self.whole))

    @cached_property
    def parts(self) -> list[frozenset[str]]:
        """The words of each part of the sources, to compare a sentence with."""
        return [*self.told, *map(frozenset, map(stems, self.strings))]

    @cached_property
    def told(self) -> list[frozenset[str]]:
        """The words of each part of the passages."""
        return [part for text in self.passages for part in parts(text)]

    @cached_property
    def rules(self) -> list[frozenset[str]]:
        """The parts without those that leave a matter to our staff."""
        return [part for part in self.parts if not part & LEFT_TO_STAFF]

    @cached_property
    def topics(self) -> frozenset[str]:
        """The favours that a source speaks of."""
        return frozenset(topics_of(text for text in self.texts if text not in self.called))

    @cached_property
    def owes_nothing(self) -> bool:
        """Whether the facts say that nothing is open."""
        return "outstanding" in self.keys and "0" in self.free.kinds.get("money", ())

    @cached_property
    def signs(self) -> frozenset[str]:
        """What the facts say has been done."""
        calls = ["call"] if any(CALLS.search(text) for text in self.passages) else []
        return frozenset([*calls, *signs_of(self.kinds, self.keys, self.records)])

    def unaddressed(self, sentence: str) -> str:
        """The sentence without the customer's name: a Grace, May or Will claims nothing."""
        return self._address.sub(lambda name: " " * len(name[0]), sentence)

    @cached_property
    def _address(self) -> re.Pattern[str]:
        """The customer's names, whole or the first, where only greetings and marks are around."""
        called = {name for whole in self.called for name in (whole, whole.split()[0])}
        return re.compile(CALLED.format(name=either(called)) if called else r"(?!)")

    def supports(self, claim: Claim) -> bool:
        """Whether the same value of the same kind stands in any source."""
        return self.every.hold(claim)

    def add_text(self, text: str, kinds: Container[str] = KINDS) -> None:
        """Everything of these kinds that a source text claims becomes sayable."""
        is_customer = kinds is FROM_CUSTOMERS
        (self.said if is_customer else self.passages).append(text)
        text = plain(text)
        for claim in claims(text, self.now):
            if claim.kind not in kinds or (is_customer and not _is_theirs(claim)):
                continue
            self._hold(claim, text, "said" if is_customer else "")
        if is_customer:
            self._price_wanted(text)

    def _hold(self, claim: Claim, text: str, role: str) -> None:
        for values in (self.every, self.free):
            values.add(claim.kind, claim.value, claim.unit, role)
            if is_late(claim, text):
                values.add("number", claim.value, "late")
            if claim.kind == "date" and (day := self._next(claim.value)):
                values.add("date", day, role=role)

    def _next(self, value: str) -> str | None:
        """The day nearest to now that a date without a year means."""
        if not self.now or not re.fullmatch(r"--\d{2}-\d{2}", value):
            return None
        today = self.now.date()
        days = (written(today.year + n, int(value[2:4]), int(value[5:])) for n in (-1, 0, 1))
        return min((d for d in days if d), key=lambda d: abs(date.fromisoformat(d) - today))

    def _price_wanted(self, text: str) -> None:
        """The pieces that a customer names, at the prices of the facts."""
        wanted = [
            c for c in claims(text) if c.kind == "number" and c.unit in ("", "pieces", "packs")
        ]
        for record in (r for r in self.records if r.is_product):
            price = record.data.get("price", record.data.get("unit_price"))
            size = Decimal(str(record.data.get("pack_size") or 1))
            for claim in wanted:
                pieces = Decimal(claim.value) * (size if claim.unit == "packs" else 1)
                amount = shortest(of_wanted_pieces(Decimal(str(price)), pieces))
                for values in (self.every, record.values):
                    values.add("money", amount)
                    values.add("number", shortest(pieces), "pieces")
                    if pieces % size == 0:
                        values.add("number", shortest(pieces / size), "packs")


def _is_theirs(claim: Claim) -> bool:
    """Documents, days, times and counts; a customer's percentages and periods prove nothing."""
    return claim.kind != "number" or claim.unit in COUNTS


def gather(
    facts: Sequence[Mapping[str, Any]],
    passages: Iterable[str | Mapping[str, Any]],
    now: datetime | None,
    customer_text: str = "",
) -> Evidence:
    """Evidence from this turn's facts, its passages and the customer's own words.

    A fact is a mapping of values, or one with `kind` and `data`.
    """
    evidence = _of_facts(facts, now)
    for passage in passages:
        evidence.add_text(passage if isinstance(passage, str) else _text_of(passage))
        if not isinstance(passage, str):
            evidence.verbatim |= {*map(normal, sentences_of(str(passage.get("text", ""))))}
    if now:
        for values in (evidence.every, evidence.free):
            values.add("date", now.date().isoformat(), role="clock")
    if customer_text:
        evidence.add_text(customer_text, FROM_CUSTOMERS)
    return evidence


def _of_facts(facts: Sequence[Mapping[str, Any]], now: datetime | None) -> Evidence:
    reader = Reader(now)
    kinds: set[str] = set()
    for fact in facts:
        inner = fact.get("data")
        if isinstance(inner, Mapping) and "kind" in fact:
            kinds.add(str(fact["kind"]))
            reader.read(str(fact["kind"]), inner)
        else:
            reader.read("", fact)
    evidence = Evidence(now, reader.every, reader.free, reader.records, kinds=kinds)
    evidence.keys, evidence.strings = reader.keys, reader.strings
    evidence.people = set(_of_kinds(facts, WITH_PEOPLE, "who"))
    evidence.called = set(_of_kinds(facts, {"customer"}, "name"))
    if "computed" in kinds:
        _hold_figures(evidence)
    return evidence


def _of_kinds(facts: Sequence[Mapping[str, Any]], kinds: Container[str], key: str) -> Iterator[str]:
    """One value of every fact of these kinds."""
    for fact in facts:
        inner = fact.get("data")
        if isinstance(inner, Mapping) and fact.get("kind") in kinds and inner.get(key):
            yield str(inner[key])


def normal(sentence: str) -> str:
    """A sentence without the spaces and line ends around and inside it."""
    return " ".join(sentence.split())


def _hold_figures(evidence: Evidence) -> None:
    """The figures of a computed answer are few, and each of them answers the question."""
    for text in filter(FIGURE.fullmatch, evidence.strings):
        evidence.every.add("number", shortest(Decimal(text)))


def _text_of(passage: Mapping[str, Any]) -> str:
    return " ".join(str(passage[k]) for k in ("title", "section", "text") if passage.get(k))
