"""Reads facts into values: what each key counts, and which record a value belongs to."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from tools.grounding import formulas
from tools.grounding.addresses import ID
from tools.grounding.claim import Claim
from tools.grounding.claims import claims
from tools.grounding.numbers import data, plain, shortest
from tools.grounding.values import Values

NAMES = ("document_number", "number", "invoice_number", "invoice", "ticket", "code", "reference")
HOME = "SGD"  # amounts of a mapping that names another currency are in that one
SECRET = re.compile(r"(?:^|_)(?:id|hash|uuid|version|score|tax_type)$")
# "2026-11-26 09:00-12:00" is a day with a time of delivery, and no moment.
ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:T|$)")
KEYS_KEPT = 1024  # facts have far fewer, but for product codes
PLAIN = re.compile(r"-?\d+(?:\.\d+)?")
CODE_LIKE = re.compile(r"[A-Za-z]{1,6}[-#]?[\w-]*\d[\w-]*")
_FAMILIES = [
    (re.compile(f"(?:^|.*_)(?:{row['keys']})"), str(row["family"])) for row in data("units")["key"]
]
_ROLES = (
    ("due", re.compile(r"due|deadline_pay")),
    ("deadline", re.compile(r"deadline")),
    ("delivery", re.compile(r"deliver|slot|^day$|arriv|eta|window")),
    ("paid", re.compile(r"paid|payment")),
    ("clock", re.compile(r"as_of|^now$|^today$")),
)


@dataclass
class Record:
    """One document or product of the facts: its names, its values, and what else stands in it."""

    names: frozenset[str]
    values: Values = field(default_factory=Values)
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def is_product(self) -> bool:
        """Whether this is something that is sold, no document."""
        return "price" in self.data or "unit_price" in self.data


@lru_cache(KEYS_KEPT)
def family_of(key: str) -> str:
    """What a number under this key counts; empty when the key does not tell."""
    last = key.lower().replace("-", "_").replace(" ", "_")
    return next((family for pattern, family in _FAMILIES if pattern.fullmatch(last)), "")


@lru_cache(KEYS_KEPT)
def role_of(path: str) -> str:
    """Which event a day under this key belongs to."""
    return next((role for role, pattern in _ROLES if pattern.search(path.lower())), "")


class Reader:
    """Walks the facts once; `records` and the values outside of them are the result."""

    def __init__(self, now: datetime | None) -> None:
        self.now = now
        self.records: list[Record] = []
        self.free, self.every = Values(), Values()
        self.strings: list[str] = []
        self.keys: set[str] = set()
        self._currency = HOME

    def read(self, key: str, value: Any, owners: tuple[Record, ...] = ()) -> None:
        """Take in a value and everything inside it."""
        if isinstance(value, Mapping):
            self._mapping(key, value, owners)
        elif isinstance(value, list | tuple):
            for inner in value:
                self.read(key, inner, owners)
        elif value is not None and not isinstance(value, bool) and str(value):
            self._leaf(key, str(value), owners)

    def _mapping(self, key: str, value: Mapping[str, Any], owners: tuple[Record, ...]) -> None:
        if record := self._record(value):
            owners = (*owners, record)
        around, self._currency = self._currency, str(value.get("currency") or self._currency)
        for claim in formulas.derived(value, self.now):
            self._hold(claim, owners, "")
        for name, inner in value.items():
            self.keys.add(str(name).lower())
            if ID.fullmatch(str(name)):  # {"CNP-014-FB-01": "0.45"}
                self._by_code(key, str(name), inner)
            else:
                path = f"{key}.{name}" if isinstance(inner, Mapping) else str(name)
                self.read(
                    path if not key.startswith("delivery") else f"{key}.{name}", inner, owners
                )
        self._currency = around

    def _by_code(self, key: str, code: str, value: Any) -> None:
        record = Record(frozenset({_normal(code)}), data={"price": value})
        self.records.append(record)
        self._hold(Claim("id", _normal(code), code), (record,), "")
        self.read("pieces" if "hand" in key or "pieces" in key else "price", value, (record,))

    def _record(self, value: Mapping[str, Any]) -> Record | None:
        names = {
            _normal(str(value[name]))
            for name in NAMES
            if value.get(name) and (name == "code" or CODE_LIKE.fullmatch(str(value[name])))
        }
        if not names:
            return None
        record = Record(frozenset(names), data=dict(value))
        self.records.append(record)
        return record

    def _leaf(self, path: str, text: str, owners: tuple[Record, ...]) -> None:
        key = path.rsplit(".", 1)[-1]
        if SECRET.search(key) and not PLAIN.fullmatch(text):
            return
        self.strings.append(text)
        for claim in leaf_claims(key, text, self.now):
            self._hold(claim, owners, role_of(path))

    def _hold(self, claim: Claim, owners: tuple[Record, ...], role: str) -> None:
        if claim.kind == "money" and self._currency != HOME:
            claim = replace(claim, kind="foreign", value=f"{self._currency.lower()} {claim.value}")
        for values in (self.every, *((o.values for o in owners) if owners else (self.free,))):
            values.add(claim.kind, claim.value, claim.unit, role)


def _normal(text: str) -> str:
    return re.sub(r"[\s#-]", "", plain(text)).lower()


def leaf_claims(key: str, text: str, now: datetime | None) -> Iterator[Claim]:
    """What one value of the facts says, read by its key and by its form."""
    if PLAIN.fullmatch(text):
        yield from _plain_number(key, text)
        return
    if moment := _moment(text):
        yield Claim("date", moment.date().isoformat(), text)
        if len(text) > len("2026-11-24"):
            yield Claim("time", f"{moment:%H:%M}", text)
        return
    yield from claims(text, now)
    if CODE_LIKE.fullmatch(text):
        yield Claim("id", _normal(text), text)
    family = family_of(key)
    if family == "money":
        yield from (Claim("money", c.value, c.written) for c in claims(text) if c.kind == "number")


def _plain_number(key: str, text: str) -> Iterator[Claim]:
    family = family_of(key)
    value = shortest(Decimal(text))
    if family in ("money", "percent"):
        yield Claim(family, value, text)
    elif family == "hours":
        yield Claim("number", shortest(Decimal(text) * 60), text, "minutes")
    elif "." in text:  # amounts have cents; a count is no amount
        yield Claim("money", value, text)
    else:
        yield Claim("number", value, text, family)
        if key.endswith("days_overdue"):
            yield Claim("number", value, text, "late")


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if ISO.match(text) else None
    except ValueError:
        return None
