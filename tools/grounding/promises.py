"""Promises, favours and deeds: they need a fact, or a rule that says the same."""

import re
from collections.abc import Iterator, Sequence

from tools.grounding.claim import Claim
from tools.grounding.evidence import Evidence
from tools.grounding.numbers import data, either
from tools.grounding.signs import TOPICS
from tools.grounding.wording import overlap

ENOUGH = 0.5
_WORDS = data("promises")


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


MARKS = {name: _compiled(pattern) for name, pattern in _WORDS["marks"].items()}
HARD = {name: _compiled(pattern) for name, pattern in _WORDS["hard"].items()}
PEOPLE = {name: _compiled(pattern) for name, pattern in _WORDS["people"].items()}
ROLES = {name: _compiled(pattern) for name, pattern in _WORDS["roles"].items()}
OPEN_ROLES = {"", "said", "deadline"}
EFFECTS = [
    (frozenset(row["needs"]), _compiled("|".join(f"(?:{p})" for p in row["patterns"])))
    for row in _WORDS["effect"]
]
_SAID = _WORDS["said"]
DONE, SURE, CAN, THINGS = (_compiled(_SAID[k]) for k in ("done", "sure", "can", "done_things"))
DONE_OTHER = _compiled("|".join(f"(?:{p})" for p in _SAID["done_other"]))
HARMLESS = {DONE: frozenset(_SAID["harmless_done"]), SURE: frozenset(_SAID["harmless_sure"])}
OTHER = _compiled(rf"[一-鿿஀-௿]|(?<![a-z]){either(_WORDS['malay'])}(?![a-z])")
TAMIL = re.compile("[\u0b80-\u0bff]")
CLAUSE = re.compile(r"[,;:\u3002](?:\s|$)|\s(?:and|but|dan|tetapi)\s|，")


def promises(text: str, evidence: Evidence) -> Iterator[Claim]:
    """What a sentence grants, promises or says was done without a source; figures blanked."""
    if MARKS["question"].search(text):
        return
    yield from _hard(text, evidence)
    yield from _topics(text, evidence)
    for needs, pattern in EFFECTS:
        match = pattern.search(text)
        if match and not needs & evidence.signs and not _is_excused(match, text, evidence):
            yield _claim(match)
    yield from _deeds(text, evidence)


def misdated(text: str, found: Sequence[Claim], evidence: Evidence) -> Iterator[Claim]:
    """A day of another event than the sentence tells, or today's, which only the clock knows."""
    told = {role for role, pattern in ROLES.items() if pattern.search(text)}
    is_event = MARKS["event"].search(text) and not MARKS["negated"].search(text)
    for claim in (c for c in found if c.kind == "date"):
        days = {d for r in claim.readings for d in evidence.every.days_like(r.lstrip("@"))}
        roles = {role for day in days for role in evidence.every.roles[day]}
        is_only_clock = roles == {"clock"} and is_event
        is_other = len(told) == 1 and roles - {"clock"} and not roles & (told | OPEN_ROLES)
        if (is_only_clock or is_other) and not MARKS["as_of"].search(text[: claim.start]):
            yield claim


def _hard(text: str, evidence: Evidence) -> Iterator[Claim]:
    """Favours and guarantees that no rule of ours holds."""
    for name, pattern in HARD.items():
        match = pattern.search(text)
        if (
            not match
            or match[0].lower() in evidence.whole
            or _is_negated(match, text, is_first=True)
        ):
            continue
        if name == "settled" and ({"paid"} & evidence.signs or evidence.owes_nothing):
            continue
        if name == "who" and _is_theirs_to_answer(match, text, evidence):
            continue
        yield _claim(match)


def _is_theirs_to_answer(match: re.Match[str], text: str, evidence: Evidence) -> bool:
    """Whether a passage says so, or a ticket is with them and they will answer, no more."""
    if is_english(text) and overlap(text, evidence.told) >= ENOUGH:
        return True
    named = {who for who, pattern in PEOPLE.items() if pattern.search(text)}
    start = match.start()
    is_answer = MARKS["answering"].search(text, start) and not MARKS["acted"].search(text, start)
    return bool(named and named <= evidence.people and is_answer)


def _claim(match: re.Match[str]) -> Claim:
    return Claim("promise", match[0].lower(), match[0], "", match.start(), match.end())


def _topics(text: str, evidence: Evidence) -> Iterator[Claim]:
    for name, pattern in TOPICS.items():
        match = pattern.search(text)
        is_first = name in ("guarantee", "waiver")  # "we guarantee that it never happens"
        if not match or _is_negated(match, text, is_first=is_first):
            continue
        if name not in evidence.topics:
            if not (MARKS["asking"].search(text) and MARKS["question"].search(text)):
                yield _claim(match)
        elif (
            (_is_granted(text) or is_english(text))
            and not MARKS["rule"].search(text)
            and not _is_said(text, evidence)
        ):
            yield _claim(match)


def _is_granted(text: str) -> bool:
    return bool(MARKS["grant"].search(text))


def _is_said(text: str, evidence: Evidence) -> bool:
    """Whether a source says about the same; without words to compare the topic is enough."""
    if not is_english(text):
        return bool(MARKS["rule"].search(text) or not MARKS["personal"].search(text))
    parts = evidence.parts if MARKS["asking"].search(text) else evidence.rules
    return overlap(text, parts) >= ENOUGH


def is_english(text: str) -> bool:
    """Whether the words can be compared with sources, which are in English."""
    return not OTHER.search(text)


def _is_negated(match: re.Match[str], text: str, *, is_first: bool = False) -> bool:
    """Whether "not" stands in the same clause; `is_first`: before the words, in Tamil after."""
    starts = [m.end() for m in CLAUSE.finditer(text, 0, match.start())]
    end = CLAUSE.search(text, match.end())
    first, last = starts[-1] if starts else 0, end.start() if end else len(text)
    if is_first and TAMIL.search(match[0]):
        first = match.end()
    elif is_first:
        last = match.start()
    return bool(MARKS["negated"].search(text[first:last]))


def _is_excused(match: re.Match[str], text: str, evidence: Evidence) -> bool:
    return _is_negated(match, text) or _is_said(text, evidence)


def _deeds(text: str, evidence: Evidence) -> Iterator[Claim]:
    """Deeds told as done or as sure to come, by verbs that are more than talk."""
    for pattern in (DONE, SURE):
        for match in pattern.finditer(text):
            verb = next(v for v in match.groups() if v).lower()
            if verb in HARMLESS[pattern] or _is_negated(match, text):
                continue
            is_told = pattern is SURE or verb in evidence.words
            if not _is_known_deed(verb, evidence) and not (is_told and _is_said(text, evidence)):
                yield _claim(match)
    for pattern in (CAN, THINGS, DONE_OTHER):
        match_ = pattern.search(text)
        if match_ and not _is_excused(match_, text, evidence):
            if pattern is THINGS and _is_known_deed(match_["verb"].lower(), evidence):
                continue
            yield _claim(match_)


DEEDS = {
    "ticket": ("passed", "forwarded", "opened", "handed", "escalated", "told", "informed", "asked",
               "passing", "handing", "forwarding", "raised", "call", "contact", "reply", "write",
               "come", "follow", "email", "sent", "looked", "reported", "took", "taken", "created"),
    "placed": ("placed", "booked", "confirmed", "processed", "ordered", "scheduled",
               "deliver", "bring", "send", "delivering", "bringing", "sending", "ship",
               "shipping"),
    "delivery": ("deliver", "bring", "send", "delivering", "bringing", "sending", "arrive"),
    "card": ("deliver", "bring", "send", "delivering"),
    "cancelled": ("cancelled", "canceled"),
    "changed": ("changed", "moved", "updated", "rescheduled"),
    "sent": ("sent", "emailed", "mailed"),
    "declined": ("dropped", "cancelled", "canceled", "discarded", "removed"),
}  # fmt: skip


def _is_known_deed(verb: str, evidence: Evidence) -> bool:
    return any(verb in DEEDS.get(sign, ()) for sign in evidence.signs)
