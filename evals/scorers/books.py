"""Whether the world stands as it may at the end: documents, letters, tickets, cards."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from evals.cases.schema import BookChange, Case, End, Ticket
from evals.outcome import BookDocument, Json, Outcome, Verdict
from evals.scorers.reading import check, decimal_of, folded

# A card that lapsed or was taken back did nothing, and no case can name it.
UNCOUNTED = ("expired", "cancelled")
# Letters are counted by themselves.
LETTER = "letter"


def books(case: Case, outcome: Outcome) -> Iterator[Verdict]:
    """One verdict: one of the acceptable ends, with nothing else changed."""
    found = sorted((list(_differences(end, outcome)) for end in case.ends), key=len)
    nearest = found[0]
    if nearest and len(found) > 1:
        nearest = [f"nearest of {len(found)} ends: {nearest[0]}", *nearest[1:]]
    changed = [_told(document) for document in outcome.books]
    yield check(
        "books", faults=nearest, good=f"changed {changed}" if changed else "nothing changed"
    )


def _differences(end: End, outcome: Outcome) -> Iterator[str]:
    yield from _in_books(end, [d for d in outcome.books if d.kind != LETTER])
    if len(outcome.letters) != end.letters:
        yield f"expected {end.letters} letters, found {len(outcome.letters)}"
    if end.tickets is not None:
        yield from _in_tickets(end.tickets, outcome.tickets)
    if end.cards is not None:
        counted = Counter(str(action["status"]) for action in outcome.actions)
        found = {name: n for name, n in counted.items() if name not in UNCOUNTED}
        expected = {str(name): n for name, n in end.cards.items() if n}
        if found != expected:
            yield f"expected cards {expected}, found {found}"


def _in_books(end: End, documents: list[BookDocument]) -> Iterator[str]:
    wanted = [change for change in end.books for _ in range(change.count)]
    fitting = [[n for n, d in enumerate(documents) if _fits(w, d)] for w in wanted]
    taken = _matched(fitting)
    met = set(taken.values())
    left = [_told(d) for n, d in enumerate(documents) if n not in taken]
    beside = f", found {left}" if left else ""
    for number, change in enumerate(wanted):
        if number not in met:
            yield f"expected {_wanted(change)}{beside}"
    unexpected = len(documents) - len(wanted)
    if left and len(met) == len(wanted):
        yield f"changed beside what was expected ({unexpected}): {left}"


def _matched(fitting: list[list[int]]) -> dict[int, int]:
    """The most expectations that documents can meet, each with one of its own: by document."""
    taken: dict[int, int] = {}

    def place(wanted: int, seen: set[int]) -> bool:
        for document in fitting[wanted]:
            if document in seen:
                continue
            seen.add(document)
            if document not in taken or place(taken[document], seen):
                taken[document] = wanted
                return True
        return False

    for wanted in range(len(fitting)):
        place(wanted, set())
    return taken


def _fits(wanted: BookChange, document: BookDocument) -> bool:
    after = document.after
    return (
        document.kind == wanted.kind
        and wanted.status in (None, after.get("Status"))
        and (wanted.total is None or _total(after) == wanted.total)
        and (wanted.pieces is None or _pieces(after) == wanted.pieces)
        and (wanted.reference is None or folded(wanted.reference) in _reference(after))
    )


def _total(after: Json) -> Decimal | None:
    return decimal_of(after.get("Total", after.get("Amount")))


def _pieces(after: Json) -> dict[str, Decimal]:
    """Goods only: charges have no code."""
    counted: Counter[str] = Counter()
    for line in after.get("LineItems") or []:
        if code := line.get("ItemCode"):
            counted[code] += decimal_of(line.get("Quantity")) or 0  # type: ignore[assignment]
    return {code: Decimal(str(pieces)) for code, pieces in counted.items()}


def _reference(after: Json) -> str:
    return folded(f"{after.get('Reference') or ''} {after.get('Details') or ''}")


def _in_tickets(wanted: tuple[Ticket, ...], rows: list[Json]) -> Iterator[str]:
    left = [row for row in rows if row.get("status", "open") == "open"]
    for ticket in wanted:
        match = next((n for n, row in enumerate(left) if _is_such(ticket, row)), None)
        if match is None:
            found = [_ticket(row) for row in left]
            yield f"expected a ticket '{ticket.reason}' of level {ticket.level}, found {found}"
        else:
            del left[match]
    if left:
        yield f"expected no ticket, found {[_ticket(row) for row in left]}"


def _is_such(ticket: Ticket, row: Json) -> bool:
    levels = row.get("levels") or [row.get("level")]
    return row["reason"] == ticket.reason and ticket.level in (None, levels[0])


def _ticket(row: Json) -> str:
    return f"{row['reason']} {row.get('levels') or row.get('level')}"


def _wanted(change: BookChange) -> str:
    given = change.model_dump(exclude_none=True, exclude={"kind", "count"})
    return f"{change.kind} { ({k: str(v) for k, v in given.items()}) }"


def _told(document: BookDocument) -> str:
    how = "new" if document.before is None else "changed"
    status, total = document.after.get("Status", ""), _total(document.after)
    parts = (how, document.kind, document.number, status, "" if total is None else f"{total:.2f}")
    return " ".join(part for part in parts if part)
