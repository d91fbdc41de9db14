"""Whether the reply shows the card that it must show, or none."""

from collections.abc import Iterator
from typing import Any

from evals.cases.schema import Card, Case
from evals.outcome import Json, Outcome, Verdict
from evals.scorers.reading import came_with, check, decimal_of, folded, steps, strings


def cards(case: Case, outcome: Outcome) -> Iterator[Verdict]:
    """One verdict a step: without an expected card the answer must show none."""
    for number, step, turn in steps(case, outcome):
        if turn.refused or not (step.expect.card or turn.reply or turn.told):
            continue
        card, wanted = came_with(turn, "card"), step.expect.card
        if wanted is None:
            faults = [f"expected no card, found {_named(card)}"] if card else []
            yield check("cards", faults=faults, good="no card", turn=number)
        else:
            yield check("cards", faults=_faults(wanted, card), good=_named(card), turn=number)


def _faults(wanted: Card, card: Json) -> Iterator[str]:
    if not card:
        yield f"expected a card that is {wanted.status}, found none"
        return
    pairs: list[tuple[str, Any, Any]] = [("status", wanted.status, card.get("status"))]
    pairs += [("kind", wanted.kind, card.get("kind"))] if wanted.kind else []
    if wanted.total is not None:
        pairs.append(("total", wanted.total, decimal_of(card.get("total"))))
    if wanted.lines is not None:
        found = {line["code"]: int(line["pieces"]) for line in card.get("lines", [])}
        pairs.append(("lines", wanted.lines, found))
    yield from (
        f"expected {name} {expected}, found {found}"
        for name, expected, found in pairs
        if expected != found
    )
    if wanted.slot and folded(wanted.slot) not in _slot(card):
        yield f"expected slot '{wanted.slot}', found '{_slot(card)}'"


def _slot(card: Json) -> str:
    """The time of delivery, as an order's card has it or as a row of another card."""
    rows = [row[1] for row in card.get("rows", []) if row and row[0] == "slot"]
    return folded(" ".join(strings([card.get("delivery"), rows])))


def _named(card: Json) -> str:
    return f"{card.get('status')} card '{card.get('title', card.get('kind', ''))}'"
