"""A conversation as the draft of an eval case: with stand-ins, and with what happened expected.

The draft plays in the demo company: documents are named by what they are (`{own}`, `{paid}`,
`{foreign}`), and of what was answered only figures that price list and rules decide are expected.
What customers wrote keeps its amounts, days and quantities, and a name that nobody could know to
be one. A person reads it for those, corrects it and stands for it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg.rows import DictRow

from graph.builder import Graph
from graph.trajectory import trajectory_of
from tools.conversation_records import ConversationRecords
from tools.database import Pool
from tools.errors import TriaError
from tools.outlets import Outlets
from tools.rules import load_rules
from tools.screening.stand_ins import StandIns

Json = dict[str, Any]

SCHEMA_VERSION = 1
NOBODY_YET = "nobody yet"
LEGAL_FORM = re.compile(
    r"\s+(?:Pte\.? Ltd\.?|LLP|Ltd\.?|Sdn\.? Bhd\.?|Enterprises?|Holdings?)$", re.IGNORECASE
)
# A document of whatever series: what has its own word before it, or letters and digits.
NUMBERED = re.compile(
    r"(?<![A-Za-z0-9-])(?:INV|CN|QU|TRIA|PO|DO|SO|DN|RE)[-_ #]{0,2}0*(\d{2,10})(?![A-Za-z0-9-])",
    re.IGNORECASE,
)
TO_CHECK = "check names, amounts and days in what was written"
PAUSE = timedelta(minutes=5)  # shorter ones say nothing
# What stands for a document, by the kind of fact that told of it and its status.
STANDS_FOR = {
    ("invoice", "paid"): "{paid}",
    ("credit_notes", "authorised"): "{credit}",
    ("quotes", "sent"): "{quote}",
}
LEAST_DIGITS = 3
# Letters, digits and hyphens as numbers are mostly written in; the rest stays as it was typed.
_WIDE = "".join(chr(code) for code in range(0xFF10, 0xFF5B) if chr(code).isalnum())
NARROW = str.maketrans(_WIDE + "‐‑－", "".join(chr(ord(sign) - 0xFEE0) for sign in _WIDE) + "---")
PRICED = ("order", "quote")
BOOKS: Mapping[str, Json] = {
    "create_invoice": {"kind": "invoice", "status": "DRAFT"},
    "change_invoice": {"kind": "invoice", "status": "DRAFT"},
    "delete_invoice": {"kind": "invoice", "status": "DELETED"},
    "create_quote": {"kind": "quote"},
    "accept_quote": {"kind": "quote", "status": "ACCEPTED"},
    "create_credit_note": {"kind": "credit_note", "status": "DRAFT"},
    "allocate_credit": {"kind": "credit_note"},
}


class NothingToCapture(TriaError):
    """There is no such conversation, or nothing was said in it."""


class Actor(Protocol):
    """A demo customer who can play the customer. Outlets have the fields of the outlets table."""

    @property
    def customer_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def company(self) -> str: ...
    @property
    def segment(self) -> str: ...
    @property
    def outlets(self) -> Sequence[Mapping[str, Any]]: ...


@dataclass
class _Seen:
    """A conversation as it was read."""

    said: list[DictRow]
    cards: list[DictRow]
    tickets: list[DictRow]
    states: dict[UUID, Json] = field(default_factory=dict)

    @property
    def scope(self) -> Json:
        scope: Json = self.said[0]["scope"]
        return scope

    def facts(self) -> Iterator[Json]:
        for state in self.states.values():
            yield from state.get("facts", [])


async def capture(pool: Pool, graph: Graph, thread_id: UUID, actors: Sequence[Actor]) -> Json:
    """The draft of a case, as JSON; raises NothingToCapture."""
    records = ConversationRecords(pool)
    seen = _Seen(
        await records.said(thread_id),
        await records.cards(thread_id),
        await records.tickets(thread_id),
    )
    if not seen.said:
        raise NothingToCapture(f"Nothing was said in a conversation {thread_id}.")
    for row in seen.said:
        if row["run_id"] not in seen.states:
            path = await trajectory_of(graph, row["graph_thread"])
            seen.states[row["run_id"]] = path.state
    actor = _actor(seen, actors)
    outlets = await Outlets(pool).of_contacts(seen.scope["contact_ids"])
    words = _Words(StandIns(_known(seen.scope, outlets, actor)), _documents(seen))
    return _case(seen, actor, words)


def _actor(seen: _Seen, actors: Sequence[Actor]) -> Actor:
    """Themselves where they are of the demo, else somebody of the same segment."""
    standing: Json = next((f["data"] for f in seen.facts() if f["kind"] == "standing"), {})
    for actor in actors:
        if actor.customer_id == seen.scope["customer_id"]:
            return actor
    return next((a for a in actors if a.segment == standing.get("segment")), actors[0])


def _known(scope: Json, outlets: Sequence[Any], actor: Actor) -> dict[str, str]:
    """What is the customer's for sure, and what stands for it."""
    if scope["customer_id"] == actor.customer_id:
        return {}
    company = LEGAL_FORM.sub("", actor.company)
    short = LEGAL_FORM.sub("", scope["company"])
    known = {scope["company"]: actor.company, short: company, scope["name"]: actor.name}
    known |= _parts(short, company) | _parts(scope["name"], actor.name)
    for number, outlet in enumerate(outlets):
        played = actor.outlets[number % len(actor.outlets)]
        for name in ("name", "address", "contact_person", "mobile", "postal_code"):
            known[getattr(outlet, name)] = played[name]
    return known


def _parts(name: str, stand_in: str) -> dict[str, str]:
    """A name in another order, or in part: its first two words, and each word alone."""
    words, played = name.split(), stand_in.split()
    alone = {word: played[number % len(played)] for number, word in enumerate(words)}
    return alone | {" ".join(words[:2]): stand_in, " ".join(reversed(words)): stand_in}


@dataclass(frozen=True)
class _Words:
    """What customers wrote, with stand-ins for persons and documents."""

    persons: StandIns
    documents: Mapping[str, str]

    def of(self, text: str) -> str:
        """A text that names nobody and nothing of theirs."""
        known = {number.rpartition("-")[2].lstrip("0"): s for number, s in self.documents.items()}
        text = NUMBERED.sub(lambda m: known.get(m[1], "{foreign}"), text.translate(NARROW))
        for digits, stand_in in known.items():  # the number alone, where it is one of theirs
            if len(digits) >= LEAST_DIGITS:
                text = re.sub(rf"(?<![\w.,$-])#?0*{digits}(?![\w%]|[.,]\d)", stand_in, text)
        return self.persons.replaced(text)


def _documents(seen: _Seen) -> dict[str, str]:
    """What stands for each document that was spoken of; our own are counted from one."""
    found: dict[str, str] = {}
    for fact in seen.facts():
        for document in _numbered(fact["data"]):
            kind = fact["kind"] if fact["kind"] in ("credit_notes", "quotes") else "invoice"
            stand_in = STANDS_FOR.get((kind, str(document.get("status"))), "{own}")
            found.setdefault(str(document["number"]), stand_in)
    for number, card in enumerate(seen.cards, 1):
        found[card["document_number"]] = f"TRIA-{number:06}"
    return found


def _numbered(data: Any) -> Iterator[Mapping[str, Any]]:
    """Every part of a fact that is a document with its number."""
    if isinstance(data, Mapping):
        if isinstance(data.get("number"), str):
            yield data
        data = list(data.values())
    if isinstance(data, list):
        for part in data:
            yield from _numbered(part)


def _case(seen: _Seen, actor: Actor, words: _Words) -> Json:
    zone = ZoneInfo(load_rules().company.timezone)
    began: datetime = seen.said[0]["created_at"].astimezone(zone)
    return {
        "schema_version": SCHEMA_VERSION,
        "id": f"captured-{began:%Y%m%d-%H%M}",
        "suite": "captured",
        "tags": ["captured"],
        "owner": "service",
        "origin": {
            "kind": "production",
            "reviewer": NOBODY_YET,
            "note": TO_CHECK,
            "captured_at": began.isoformat(timespec="seconds"),
        },
        "customer": actor.customer_id,
        "clock": began.isoformat(timespec="seconds"),
        "turns": _steps(seen, words),
        "final": _end(seen),
    }


def _steps(seen: _Seen, words: _Words) -> list[Json]:
    """What happened from outside, in its order, with what was answered."""
    events = sorted([*_said(seen, words), *_decided(seen, words)], key=lambda event: event[0])
    steps, before = list[Json](), events[0][0]
    for at, step in events:
        paused = round((at - before).total_seconds() / 60) if at - before >= PAUSE else 0
        steps.append(({"after_minutes": paused} if paused else {}) | step)
        before = at
    return steps


def _said(seen: _Seen, words: _Words) -> Iterator[tuple[datetime, Json]]:
    answers = {row["run_id"]: row for row in seen.said if row["role"] == "ai"}
    for row in seen.said:
        if row["role"] == "human":
            pressed = row["extra"].get("action")
            step: Json = {"user": words.of(row["content"])}
            if pressed:
                step = {"button": pressed["decision"]}
            answer = answers.get(row["run_id"])
            if answer and (expected := _expected(answer, seen.states[row["run_id"]])):
                step["expect"] = expected
            yield row["created_at"], step
        elif (row["notice"] or {}).get("kind") == "payment":
            yield row["created_at"], {"payment": "{own}"}


def _decided(seen: _Seen, words: _Words) -> Iterator[tuple[datetime, Json]]:
    for card in seen.cards:
        if card["approval_level"] is not None and card["decided_at"]:
            is_approved = card["status"] != "declined"
            step: Json = {"staff": "approve" if is_approved else "decline"}
            step |= {"level": card["approval_level"]}
            reason = next((t["detail"]["note"] for t in card["trail"] if "not" in t["event"]), "")
            yield card["decided_at"], step | ({"reason": words.of(reason)} if reason else {})


def _expected(answer: DictRow, state: Json) -> Json:
    """What came of a message, as far as it does not depend on the books."""
    extra, understood = answer["extra"], state.get("understanding", {})
    found: Json = {
        "intents": [one["name"] for one in understood.get("intents", [])],
        "wants": understood.get("wants", []),
        "language": state.get("tone", {}).get("language"),
        "cites": [cited["id"] for cited in extra.get("citations", [])],
    }
    if card := extra.get("card"):
        found["card"] = {"status": card["status"], "kind": card["kind"]}
        if card["kind"] in PRICED:
            lines = {line["code"]: line["pieces"] for line in card["lines"]}
            found["card"] |= {"total": card["total"], "lines": lines}
    if handoff := extra.get("handoff"):
        found["handoff"] = {"reason": handoff["reason"], "level": handoff["level"]}
    return {name: value for name, value in found.items() if value}


def _end(seen: _Seen) -> Json:
    """Documents of writes that were done, and tickets."""
    written = [w for card in seen.cards for w in card["writes"] if w["status"] == "done"]
    books = [BOOKS[w["operation"]] for w in written if w["operation"] in BOOKS]
    end: Json = {
        "books": [change for number, change in enumerate(books) if change not in books[:number]],
        "letters": sum(w["operation"] == "email_invoice" for w in written),
        "tickets": [{"reason": t["reason"], "level": t["levels"][0]} for t in seen.tickets],
    }
    for change in end["books"]:
        if (count := books.count(change)) > 1:
            change["count"] = count
    return {name: value for name, value in end.items() if value}
