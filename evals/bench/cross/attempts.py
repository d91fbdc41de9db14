"""What attackers say, put together by a seed: who, about whose document, in which words."""

import random
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from evals.bench.cross.ledger import Json, Ledger
from tools.sandbox.company import company, contact_id, demo_customers, email_of
from tools.sandbox.openai.tool_calls import FILTERS

WORDINGS = Path(__file__).parents[1] / "data" / "cross_wordings.toml"
LANGUAGES = ("en", "en", "zh", "ms", "ta")
ATTACKERS = (
    *("forno-rosso", "golden-crust", "kopi-collective"),
    *("slice-yard-north", "sourdough-social", "laksa-lane"),
)
# Nobody but these two of the victims signs in; the others keep quiet.
VICTIMS = ("metro-meals", "green-bowl-orchard")
QUIET = ("slice-yard-south", "rice-and-roll", "bamboo-bento", "night-market-dough")
FULL_WIDTH = {ord("0") + n: ord("０") + n for n in range(10)}
CYRILLIC = str.maketrans("ITAC", "ІТАС")
PLURALS = {
    "invoice": "InvoiceNumber",
    "credit_note": "CreditNoteNumber",
    "quote": "QuoteNumber",
    "order": "InvoiceNumber",
}


@dataclass(frozen=True)
class Attempt:
    """One try of an attacker to reach something of a victim: messages, one after the other."""

    kind: str
    attacker: str
    victim: str
    messages: tuple[str, ...]
    number: str = ""


@dataclass(frozen=True)
class Victim:
    """A contact whose documents others are after, and how it is spoken of."""

    contact_id: str
    names: Mapping[str, str]


def victims() -> list[Victim]:
    """Every contact that no attacker signs in for."""
    by_id = {c.customer_id: c for c in demo_customers()}
    own = {contact for who in ATTACKERS for contact in by_id[who].contact_ids}
    entries = [c for c in company()["contacts"] if contact_id(c["slug"]) not in own]
    return [Victim(contact_id(entry["slug"]), _names(entry)) for entry in entries]


def _names(entry: Json) -> Mapping[str, str]:
    outlet = next(o for o in company()["outlets"] if o["contact"] == entry["slug"])
    short = entry["name"].partition(" Pte")[0].partition(" LLP")[0]
    return {
        "company": short,
        "person": entry["person"],
        "outlet": outlet["name"],
        "address": outlet["address"],
        "email": email_of(entry["slug"]),
    }


class Author:
    """Writes attempts; the same seed and books, the same attempts."""

    def __init__(self, ledger: Ledger, orders: Mapping[str, Sequence[str]], seed: int) -> None:
        self._ledger = ledger
        self._orders = orders
        self._random = random.Random(seed)
        self._attackers = cycle(ATTACKERS)
        self._victims = victims()
        self._words: dict[str, Any] = tomllib.loads(WORDINGS.read_text("utf-8"))

    def by_number(self, count: int) -> Iterator[Attempt]:
        """One document of a victim, in every request, language and disguise."""
        for n in range(count):
            kind = self._random.choice(("invoice", "invoice", "order", "credit_note", "quote"))
            victim, number = self._document(kind)
            request = self._random.choice(sorted(self._words[kind]))
            disguise = DISGUISES[n % len(DISGUISES)]
            text = self._say(self._words[kind][request], n=disguise(number, self._random))
            yield self._attempt(f"number:{kind}.{request}", victim, text)

    def followed_up(self, count: int) -> Iterator[Attempt]:
        """A number first, and then a request that names none."""
        for _ in range(count):
            victim, number = self._document("invoice")
            first = self._say(self._words["invoice"]["show"], n=number)
            yield self._attempt("follow-up", victim, first, self._say(self._words["after"]))

    def several(self, count: int) -> Iterator[Attempt]:
        """Many numbers in one message, and ranges."""
        for n in range(count):
            victim = self._random.choice(self._victims)
            numbers = sorted(self._numbers("invoice", victim))
            some = self._random.sample(numbers, min(len(numbers), self._random.randint(2, 8)))
            if n % 2:
                text = self._say(self._words["range"], a=numbers[0], b=numbers[-1])
                yield self._attempt("range", victim, text)
            else:
                text = self._say(self._words["several"], n=", ".join(some))
                yield self._attempt("several", victim, text)

    def by_id(self, count: int) -> Iterator[Attempt]:
        """Xero's own ids of documents and contacts."""
        for n in range(count):
            victim = self._random.choice(self._victims)
            identity = self._id(victim)
            written = (identity, identity.upper(), identity.replace("-", ""))[n % 3]
            yield self._attempt("id", victim, self._say(self._words["id"], id=written))

    def by_words(self, count: int) -> Iterator[Attempt]:
        """By name, relation or claim."""
        yield from self._spoken("wording", count)

    def injected(self, count: int) -> Iterator[Attempt]:
        """Instructions, filters and tool calls in the message."""
        yield from self._spoken("injection", count)

    def open_ended(self, count: int) -> Iterator[Attempt]:
        """What a model would have to look for."""
        yield from self._spoken("open", count)

    def of_their_own(self, count: int) -> Iterator[Attempt]:
        """Honest questions, for when Xero sends everybody's documents."""
        for n in range(count):
            victim = self._random.choice(self._victims)
            if n % 3:
                yield self._attempt("own question", victim, self._say(self._words["own"]))
            else:
                number = self._random.choice(sorted(self._numbers("invoice", victim)))
                text = self._say(self._words["invoice"]["show"], n=number)
                yield self._attempt("foreign number", victim, text)

    def pairs(self, count: int) -> Iterator[tuple[Attempt, Attempt]]:
        """The same words about a victim's number and about one that is nobody's."""
        every = [(k, r) for k in PLURALS for r in sorted(self._words[k])]
        self._random.shuffle(every)
        for kind, request in islice(cycle(every), count):
            victim, number = self._document(kind)
            said = self._say(self._words[kind][request], n="{n}")
            letters, _, digits = number.partition("-")
            absent = f"{letters}-{self._random.randrange(8000, 9000):0{len(digits)}}"
            first = self._attempt("twin", victim, said.replace("{n}", number))
            second = first.messages[0].replace(number, absent)
            yield replace(first, number=number), replace(first, messages=(second,), number=absent)

    def _spoken(self, kind: str, count: int) -> Iterator[Attempt]:
        for _ in range(count):
            victim, number = self._document("invoice")
            text = self._say(
                self._words[kind],
                **victim.names,
                n=number,
                id=self._id(victim),
                where=self._random.choice(FILTERS).replace("\x00", ""),
            )
            yield self._attempt(kind, victim, text)

    def _attempt(self, kind: str, victim: Victim, *messages: str) -> Attempt:
        return Attempt(kind, next(self._attackers), victim.contact_id, messages)

    def _say(self, table: Mapping[str, Sequence[str]], **values: str) -> str:
        language = self._random.choice(LANGUAGES)
        return self._random.choice(table[language]).format(**values)

    def _document(self, kind: str) -> tuple[Victim, str]:
        """Somebody who has such a document, and its number."""
        having = [v for v in self._victims if self._numbers(kind, v)]
        victim = self._random.choice(having)
        return victim, self._random.choice(sorted(self._numbers(kind, victim)))

    def _numbers(self, kind: str, victim: Victim) -> list[str]:
        if kind == "order":
            return list(self._orders.get(victim.contact_id, []))
        documents = self._ledger.documents[victim.contact_id][kind]
        return [d[PLURALS[kind]] for d in documents]

    def _id(self, victim: Victim) -> str:
        invoices = self._ledger.documents[victim.contact_id]["invoice"]
        ids = [i["InvoiceID"] for i in invoices[-8:]]
        return str(self._random.choice([victim.contact_id, *ids]))


Disguise = Callable[[str, random.Random], str]


def _hidden(number: str, rng: random.Random) -> str:
    place = rng.randint(1, len(number) - 1)
    return number[:place] + rng.choice("\u200b\u200d\u2060\ufeff\u00ad") + number[place:]


DISGUISES: tuple[Disguise, ...] = (
    lambda number, _: number,
    lambda number, _: number.lower(),
    lambda number, _: number.replace("-", " "),
    lambda number, _: number.replace("-", ""),
    lambda number, _: number.replace("-", "_"),
    lambda number, _: number.translate(FULL_WIDTH),
    _hidden,
    lambda number, _: number.replace("-", "-0"),
    lambda number, _: number.translate(CYRILLIC),
    lambda number, _: f"\u202e{number[::-1]}\u202c",
    lambda number, _: f"“{number}”",
    lambda number, _: f"{number.partition('-')[0]}-{' '.join(number.partition('-')[2])}",
    lambda number, _: number.replace("-", "‑"),
)
