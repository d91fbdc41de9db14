"""A figure beside a document or a product must stand in that very record of the facts."""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tools.grounding.claim import Claim
from tools.grounding.claims import is_late
from tools.grounding.evidence import Evidence
from tools.grounding.numbers import data
from tools.grounding.sources import Record
from tools.grounding.values import Values

_WORDS = data("records")
# Between a figure and the document after it: "SGD 50 for invoice INV-1002".
_LEADS = re.compile(
    rf"(?:\s|[(\x1f]|\b(?:{'|'.join(_WORDS['leads'])})\b|{'|'.join(_WORDS['leads_other'])})*",
    re.IGNORECASE,
)
_WHOLE = re.compile("|".join(_WORDS["whole"]), re.IGNORECASE)
_OWED = re.compile("|".join(_WORDS["owed"]), re.IGNORECASE)
_RULE = re.compile("|".join(_WORDS["rule"]), re.IGNORECASE)
_BREAK = re.compile(r"[;\u3002\n]|,\s(?:so|and|while|but)\s")
_SIZE = re.compile(
    r'(?<![\d.])(\d{1,2})\s?-?(?:"|in\b|inch|inci|寸|英寸|吋|அங்குல|இன்ச்)', re.IGNORECASE
)
FIGURES = frozenset({"money", "foreign", "date", "weekday"})


@dataclass(frozen=True)
class Mention:
    """A record and where a sentence names it."""

    record: Record
    start: int
    end: int


def misplaced(text: str, found: Sequence[Claim], evidence: Evidence) -> Iterator[Claim]:
    """The figures that belong to another record than the one they stand beside."""
    mentions = _mentions(text, found, evidence)
    figures = [c for c in found if c.kind in FIGURES or is_late(c, text)]
    if not mentions:
        yield from (c for c in figures if is_late(c, text) and not _counts_late(c, evidence))
        yield from _wrong_totals(text, figures, evidence)
        return
    blanked = _blanked(text, found)
    if not figures:
        return
    # "SGD 50 (INV-1), SGD 60 (INV-2)": each figure stands before its document.
    is_before = figures[0].start < mentions[0].start and figures[-1].start < mentions[-1].start
    for claim in figures:
        names = _beside(claim, mentions, blanked, is_before=is_before)
        if names and not _belongs(claim, names, text, evidence, mentions[0].start):
            yield claim


def _wrong_totals(text: str, figures: Sequence[Claim], evidence: Evidence) -> Iterator[Claim]:
    """What is said to be owed in all is the account's figure, and not that of one document."""
    amounts = [c for c in figures if c.kind == "money"]
    if "outstanding" not in evidence.keys:
        return
    for owed in _OWED.finditer(text):
        meant = [c for c in amounts if c.start >= owed.end()][:1] or amounts[-1:]
        yield from (c for c in meant if not evidence.free.hold(c))


def _counts_late(claim: Claim, evidence: Evidence) -> bool:
    return evidence.every.hold(replace(claim, unit="late"))


def _blanked(text: str, found: Sequence[Claim]) -> str:
    for claim in found:
        if claim.kind != "id":
            text = text[: claim.start] + "\x1f" * (claim.end - claim.start) + text[claim.end :]
    for one, other in itertools.pairwise(found):  # "Sunday, 8 November" is one figure
        if {one.kind, other.kind} == {"date", "weekday"} and other.start - one.end < 3:
            text = text[: one.end] + "\x1f" * (other.start - one.end) + text[other.start :]
    return text


def _mentions(text: str, found: Sequence[Claim], evidence: Evidence) -> list[Mention]:
    by_id = [
        Mention(merged, c.start, c.end)
        for c in found
        if c.kind == "id" and (merged := _merged(c.value, evidence.records))
    ]
    return sorted([*by_id, *_products(text, evidence)], key=lambda m: m.start)


def _merged(value: str, records: Sequence[Record]) -> Record | None:
    """All that the facts say of one document; several payments may be of one invoice."""
    same = [r for r in records if _is_named(value, r)]
    if len(same) < 2:
        return same[0] if same else None
    every = Values()
    fields: dict[str, object] = {}
    for record in same:
        every.update(record.values)
        fields |= record.data
    return Record(same[0].names, every, fields)


def _is_named(value: str, record: Record) -> bool:
    if value.startswith("#"):
        return any(name.endswith(value[1:]) for name in record.names)
    return value in record.names


def _products(text: str, evidence: Evidence) -> Iterator[Mention]:
    """Products by name, or by a size that only one of them has."""
    products = [r for r in evidence.records if r.is_product and r.data.get("name")]
    lower = text.lower()
    sizes: dict[str, list[Record]] = {}
    for record in products:
        name = str(record.data["name"]).lower()
        if (at := lower.find(name)) >= 0:
            yield Mention(record, at, at + len(name))
        if size := _SIZE.search(name):
            sizes.setdefault(size[1], []).append(record)
    for match in _SIZE.finditer(text):
        if len({frozenset(r.names) for r in sizes.get(match[1], [])}) == 1:
            yield Mention(sizes[match[1]][0], match.start(), match.end())


def _beside(
    claim: Claim, mentions: Sequence[Mention], text: str, *, is_before: bool
) -> list[Record]:
    """The record just after the figure, else those listed last before it, else the first."""
    after = [m for m in mentions if m.start >= claim.end]
    if after and _LEADS.fullmatch(text[claim.end : after[0].start]):
        return [after[0].record]
    before = [m for m in mentions if m.start < claim.start]
    if is_before or not before:
        return [after[0].record] if after else []
    return [m.record for m in _last_group(before, text)]


def _last_group(before: Sequence[Mention], text: str) -> list[Mention]:
    """The last mention, and those that are joined to it: "INV-1 and INV-2"."""
    group = [before[-1]]
    for mention in reversed(before[:-1]):
        between = text[mention.end : group[0].start]
        if not re.fullmatch(r"[\s,、&/]*(?:and|or|dan|atau|和|与|及|跟|மற்றும்)?[\s,、&/]*", between):
            break
        group.insert(0, mention)
    return group


def _belongs(
    claim: Claim, records: Sequence[Record], text: str, evidence: Evidence, start: int
) -> bool:
    if claim.kind == "number":
        claim = replace(claim, unit="late")
    if any(record.values.hold(claim) for record in records):
        return True
    if claim.kind in ("date", "weekday") and "clock" in _roles(claim, evidence):
        return True
    if evidence.free.hold(claim):
        if claim.kind == "money":
            if claim.end < start and "," in text[claim.end : start]:
                return not _held_elsewhere(claim, records, evidence)
            return _is_of_the_whole(claim, records, text, evidence)
        return claim.kind != "number" and not _held_elsewhere(claim, records, evidence)
    return not any(r.values.kinds.get(claim.kind) for r in records) and not _held_elsewhere(
        claim, records, evidence
    )


def _is_of_the_whole(
    claim: Claim, records: Sequence[Record], text: str, evidence: Evidence
) -> bool:
    """Whether an amount beside a document is the account's, or a rule's."""
    if len(records) > 1:
        return True
    clause = _clause(text, claim)
    return bool(_WHOLE.search(clause) or _RULE.search(clause)) and not (
        _held_elsewhere(claim, records, evidence)
    )


def _held_elsewhere(claim: Claim, records: Sequence[Record], evidence: Evidence) -> bool:
    mine = {name for record in records for name in record.names}
    return any(r.values.hold(claim) for r in evidence.records if not r.names & mine)


def _roles(claim: Claim, evidence: Evidence) -> set[str]:
    days = {d for reading in claim.readings for d in evidence.every.days_like(reading.lstrip("@"))}
    return {role for day in days for role in evidence.every.roles.get(day, ())}


def _clause(text: str, claim: Claim) -> str:
    """The part of the sentence around a figure."""
    breaks = [m.end() for m in _BREAK.finditer(text, 0, claim.start)]
    end = _BREAK.search(text, claim.end)
    return text[breaks[-1] if breaks else 0 : end.start() if end else len(text)]
