"""A comparison for the terminal: the verdict first, then what got worse, better, slower, dearer."""

from collections.abc import Iterator, Sequence
from itertools import takewhile
from textwrap import fill

from evals.comparing.answers import p_text, share, span
from evals.comparing.comparison import (
    CasePair,
    Comparison,
    Counts,
    Measure,
    TurnPair,
    VerdictChange,
    VersionChange,
)
from evals.outcome import Run

WIDTH = 100
FULL = 5  # cases with their replies and calls
SHOWN = 25  # cases with what their scorers say; of the rest the names
SHOWN_NAMES = 40
EXCERPT = 280  # of a reply, about where it differs
BEFORE = 60


def text_of(comparison: Comparison) -> str:
    """The whole comparison in lines of a terminal's width."""
    return "\n".join(_lines(comparison)) + "\n"


def _lines(comparison: Comparison) -> Iterator[str]:
    yield _run("A", comparison.a)
    yield _run("B", comparison.b)
    yield from ("", _wrapped(comparison.verdict), "")
    yield from (_wrapped(answer) for answer in comparison.answers)
    yield from _versions(comparison.versions)
    yield from _cases("Worse: passed in A, fail in B", comparison.newly_failing)
    yield from _cases("Better: failed in A, pass in B", comparison.newly_passing)
    yield from _names("Fail in both", [case.case for case in comparison.still_failing])
    yield from _names("Pass less or more often", list(_shaky(comparison.changed)))
    yield from _names("Pass in both, and differ", list(_differing(comparison.changed)))
    yield from _names("Only in A", comparison.only_in_a)
    yield from _names("Only in B", comparison.only_in_b)
    yield from _suites(comparison.suites)
    yield from _measures(comparison)


def _run(letter: str, run: Run) -> str:
    parts = [run.id, run.label, run.mode, f"code {run.versions.code}" * bool(run.versions.code)]
    shown = "  ".join(part for part in parts if part)
    return f"{letter}  {shown}  {run.started_at[:16]}"


def _versions(versions: Sequence[VersionChange]) -> Iterator[str]:
    if versions:
        yield from ("", "Versions that differ")
    for change in versions:
        yield f"  {change.name}: {_short(change.a)} -> {_short(change.b)}"


def _short(version: str) -> str:
    return version[:24] or "none"


def _cases(title: str, cases: Sequence[CasePair]) -> Iterator[str]:
    if not cases:
        return
    yield from ("", f"{title} ({len(cases)})")
    for place, case in enumerate(cases[:SHOWN]):
        yield from _judged(case)
        if place < FULL:
            yield from _happened(case)
    if more := [case.case for case in cases[SHOWN:]]:
        yield _wrapped(f"and {', '.join(more)}", 2)


def _judged(case: CasePair) -> Iterator[str]:
    trials = ""
    if max(case.trials_a, case.trials_b) > 1:
        trials = f", {case.passed_a}/{case.trials_a} -> {case.passed_b}/{case.trials_b} trials"
    yield f"  {case.case} ({case.suite}{trials})"
    yield from (_wrapped(_verdict(change), 4) for change in case.verdicts)


def _happened(case: CasePair) -> Iterator[str]:
    if turn := _telling_turn(case):
        yield from _turn(turn)
    for end in case.end:
        yield from _both(f"{end.what} ", "; ".join(end.a) or "none", "; ".join(end.b) or "none")


def _verdict(change: VerdictChange) -> str:
    where = f"turn {change.turn}" if change.turn is not None else "the end"
    now = {"passed": "passes now", "failed": "fails now", "not judged": "is not judged now"}
    became = now[change.b] if change.a != change.b else "fails for another reason"
    was = " (before: " if change.b != "failed" else ": "
    return f"{where}, {change.scorer} {became}{was}{change.reason}{')' * (was != ': ')}"


def _telling_turn(case: CasePair) -> TurnPair | None:
    """The turn that explains the result: one judged otherwise, if something of it changed."""
    judged = {change.turn for change in case.verdicts}
    changed = [turn for turn in case.turns if turn.changed]
    return next((t for t in changed if t.turn in judged), changed[0] if changed else None)


def _turn(turn: TurnPair) -> Iterator[str]:
    yield _wrapped(f'turn {turn.turn}: "{_flat(turn.said)[:EXCERPT]}"', 4)
    if turn.a is None or turn.b is None:
        yield f"    only {'B' if turn.a is None else 'A'} came so far"
        return
    if "reply" in turn.changed:
        yield from _both("", turn.a.reply or "no reply", turn.b.reply or "no reply")
    for aspect in turn.changed:
        if aspect != "reply":
            was, is_now = getattr(turn.a, aspect), getattr(turn.b, aspect)
            yield from _both(f"{aspect} ", _joined(was), _joined(is_now))


def _joined(value: str | list[str]) -> str:
    return ("; ".join(value) if isinstance(value, list) else value) or "none"


def _both(what: str, a: str, b: str) -> Iterator[str]:
    """Both texts, from a little before they part."""
    a, b = _flat(a), _flat(b)
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))
    start = max(0, alike - BEFORE)
    for letter, text in (("A", a), ("B", b)):
        cut = ("..." if start else "") + text[start : start + EXCERPT]
        yield _wrapped(f"{what}{letter}: {cut}{'...' * (len(text) > start + EXCERPT)}", 6)


def _names(title: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        rest = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
        yield from ("", f"{title} ({len(names)})")
        yield _wrapped(", ".join(names[:SHOWN_NAMES]) + rest, 2)


def _shaky(cases: Sequence[CasePair]) -> Iterator[str]:
    for case in cases:
        was, is_now = case.passed_a / case.trials_a, case.passed_b / case.trials_b
        if was != is_now:
            trials = f"{case.passed_a}/{case.trials_a} -> {case.passed_b}/{case.trials_b}"
            yield f"{case.case} ({trials})"


def _differing(cases: Sequence[CasePair]) -> Iterator[str]:
    for case in cases:
        if case.aspects:
            yield f"{case.case} ({', '.join(sorted(case.aspects))})"


def _suites(suites: Sequence[Counts]) -> Iterator[str]:
    if not suites:
        return
    yield from ("", "Suites (pass rate with its 95 % interval; p adjusted for their number)")
    yield f"  {'':24}{'cases':>6}  {'A':<25}{'B':<25}{'+':>3}{'-':>4}"
    for suite in suites:
        a = f"{share(suite.passed_a / suite.cases)} ({span(suite.rate_a)})"
        b = f"{share(suite.passed_b / suite.cases)} ({span(suite.rate_b)})"
        split = f"{suite.better:>3}{suite.worse:>4}  {p_text(suite.p_adjusted)}"
        yield f"  {suite.suite:<24}{suite.cases:>6}  {a:<25}{b:<25}{split}"


def _measures(comparison: Comparison) -> Iterator[str]:
    measures = [*comparison.turns, *comparison.nodes, *comparison.costs]
    if measures:
        yield from (
            "",
            "Speed and cost (differences of means; ! is more than chance and the machine's load)",
        )
        yield f"  {'':24}{'p50 A':>11}{'p50 B':>11}{'p95 A':>11}{'p95 B':>11}   difference"
        yield from map(_measure, measures)


def _measure(measure: Measure) -> str:
    figures = (measure.p50_a, measure.p50_b, measure.p95_a, measure.p95_b)
    row = "".join(f"{_figure(value, measure):>11}" for value in figures)
    ends = [_figure(end, measure, "+") for end in measure.interval or ()]
    interval = f" ({' to '.join(ends)})" if ends else ""
    change = f"{_figure(measure.difference, measure, '+')}{interval} {measure.unit}"
    return f"  {measure.name:<24}{row}   {change}{' !' * measure.is_noticeable}"


def _figure(value: float, measure: Measure, sign: str = "") -> str:
    return format(value, f"{sign}.5f" if measure.unit == "USD" else f"{sign},.1f")


def _wrapped(text: str, indent: int = 0) -> str:
    margin = " " * indent
    after = margin + "  " * bool(indent)
    return fill(text, WIDTH, initial_indent=margin, subsequent_indent=after)


def _flat(text: str) -> str:
    return " ".join(text.split())
