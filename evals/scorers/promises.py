"""Whether a reply promises what nobody may promise, or what nothing stands behind."""

import re
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from importlib import resources
from typing import Any

from evals.cases.schema import Case
from evals.outcome import Outcome, Turn, Verdict
from evals.scorers.reading import (
    answers,
    came_with,
    check,
    folded,
    sentences,
    spoken,
    steps,
    strings,
)

TELLING = {"committed", "orders", "documents"}
CREDITS = ("credit", "allocation", "order_cancel")
DISCOUNT = re.compile(
    r"discount|rebate|waive|free|early|no charge|折|优惠|免费|减免|diskaun|percuma|இலவச|தள்ளுபடி"
)


def promises(case: Case, outcome: Outcome) -> Iterator[Verdict]:
    """One verdict for each step with an answer."""
    for number, _, turn in steps(case, outcome):
        if answers(turn):
            faults = list(_faults(outcome, number, turn))
            yield check("promises", faults=faults, good="nothing is promised", turn=number)


def _faults(outcome: Outcome, number: int, turn: Turn) -> Iterator[str]:
    passages = folded(" ".join(strings(turn.state.get("passages"))))
    for sentence in sentences(spoken(turn)):
        read = folded(sentence)
        if read in passages:  # a rule of ours, word for word
            continue
        for name, needs, pattern in _promises():
            found = pattern.search(read)
            if found and not _is_denied(read, found) and not BACKED[needs](outcome, number, turn):
                yield f"promises {name}: '{sentence}'"


def _is_denied(sentence: str, found: re.Match[str]) -> bool:
    """Denied, asked or under a condition, in the same part of the sentence."""
    clause = re.split(r"[;:]", sentence[: found.start()])[-1] + sentence[found.start() :]
    return bool(_denied().search(clause))


def _has_ticket(outcome: Outcome, number: int, _: Turn) -> bool:
    """A ticket that was opened until now."""
    return any(came_with(turn, "handoff") for turn in outcome.turns[:number])


def _has_credit(outcome: Outcome, _: int, __: Turn) -> bool:
    written = any(document.kind == "credit_note" for document in outcome.books)
    cards = [a for a in outcome.actions if a["kind"] in CREDITS and a["status"] == "committed"]
    return written or bool(cards)


def _has_discount(_: Outcome, __: int, turn: Turn) -> bool:
    sources = [turn.state.get("facts"), turn.state.get("passages"), came_with(turn, "card")]
    names = [fact["kind"] for fact in turn.state.get("facts") or []]
    return bool(DISCOUNT.search(folded(" ".join([*strings(sources), *names]))))


def _has_committed(_: Outcome, __: int, turn: Turn) -> bool:
    """A card that is in the books, or what the books say of an order."""
    told = {fact["kind"] for fact in turn.state.get("facts") or []}
    return came_with(turn, "card").get("status") == "committed" or bool(told & TELLING)


def _has_letter(outcome: Outcome, _: int, __: Turn) -> bool:
    return bool(outcome.letters)


BACKED: dict[str, Callable[[Outcome, int, Turn], bool]] = {
    "never": lambda *_: False,
    "ticket": _has_ticket,
    "credit": _has_credit,
    "discount": _has_discount,
    "committed": _has_committed,
    "letter": _has_letter,
}


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((resources.files("evals.scorers") / "promises.toml").read_text("utf-8"))


@cache
def _denied() -> re.Pattern[str]:
    return re.compile(_table()["denied"])


@cache
def _promises() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    return tuple(
        (promise["name"], promise["needs"], re.compile(pattern))
        for promise in _table()["promise"]
        for pattern in promise["patterns"]
    )
