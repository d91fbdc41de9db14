"""What is otherwise in one case: verdicts, replies, calls, what was understood, how it ended."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import get_args

from evals.comparing.comparison import (
    Aspect,
    CasePair,
    EndChange,
    Side,
    Standing,
    TurnPair,
    VerdictChange,
)
from evals.comparing.shown import action, document, letter, side, ticket
from evals.comparing.steady import steady
from evals.comparing.trials import Pair
from evals.outcome import Outcome, Row, Turn

ASPECTS: tuple[Aspect, ...] = get_args(Aspect)
Place = tuple[str, int | None]
NOTHING: tuple[Standing, str] = ("not judged", "")


def differences(pair: Pair) -> CasePair:
    """One case of both runs, each by the first trial that came out as most of them did."""
    a, b = pair.a.typical, pair.b.typical
    turns = list(_turns(a.outcome, b.outcome))
    return CasePair(
        case=b.case,
        suite=b.suite,
        family=pair.family,
        tags=b.tags,
        passed_a=pair.a.passes,
        trials_a=len(pair.a.rows),
        passed_b=pair.b.passes,
        trials_b=len(pair.b.rows),
        verdicts=list(_verdicts(a, b)),
        turns=turns if pair.change else [turn for turn in turns if turn.changed],
        end=list(_end(a.outcome, b.outcome)),
    )


def _verdicts(a: Row, b: Row) -> Iterator[VerdictChange]:
    before, after = _standings(a), _standings(b)
    for place in sorted(before | after, key=lambda place: (place[1] is None, place[1], place[0])):
        was, why = before.get(place, NOTHING)
        is_now, why_now = after.get(place, NOTHING)
        if "failed" in {was, is_now} and (was, steady(why)) != (is_now, steady(why_now)):
            scorer, turn = place
            reason = why_now if is_now == "failed" else why
            yield VerdictChange(scorer=scorer, turn=turn, a=was, b=is_now, reason=reason)


def _standings(row: Row) -> dict[Place, tuple[Standing, str]]:
    """How each scorer judges each turn, over all of its checks there, and why it fails."""
    against: dict[Place, list[str]] = {}
    for verdict in row.verdicts:
        reasons = against.setdefault((verdict.scorer, verdict.turn), [])
        if not verdict.passed:
            reasons.append(verdict.reason)
    return {
        place: ("failed" if reasons else "passed", "; ".join(reasons))
        for place, reasons in against.items()
    }


def _turns(a: Outcome, b: Outcome) -> Iterator[TurnPair]:
    for number, (before, after) in enumerate(zip_longest(a.turns, b.turns), 1):
        yield _turn(number, before, after)


def _turn(number: int, before: Turn | None, after: Turn | None) -> TurnPair:
    a, b = (side(turn) if turn else None for turn in (before, after))
    said = (after or before or Turn()).said
    return TurnPair(turn=number, said=said, a=a, b=b, changed=_changed(a or Side(), b or Side()))


def _changed(a: Side, b: Side) -> list[Aspect]:
    before, after = steady(a.model_dump()), steady(b.model_dump())
    return [aspect for aspect in ASPECTS if before[aspect] != after[aspect]]


def _end(a: Outcome, b: Outcome) -> Iterator[EndChange]:
    for what, before, after in (
        ("books", map(document, a.books), map(document, b.books)),
        ("tickets", map(ticket, a.tickets), map(ticket, b.tickets)),
        ("cards", map(action, a.actions), map(action, b.actions)),
        ("letters", map(letter, a.letters), map(letter, b.letters)),
    ):
        only_before, only_after = _only(before, after)
        if only_before or only_after:
            yield EndChange(what=what, a=only_before, b=only_after)


def _only(a: Iterable[str], b: Iterable[str]) -> tuple[list[str], list[str]]:
    """What either has and the other has not; what both have is nothing to show."""
    before, after = Counter(map(steady, a)), Counter(map(steady, b))
    return sorted((before - after).elements()), sorted((after - before).elements())
