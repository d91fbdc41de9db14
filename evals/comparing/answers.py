"""What a comparison says in sentences."""

from collections.abc import Iterator, Sequence

from evals.comparing.comparison import Comparison, Counts, Measure
from evals.comparing.statistics import SIGNIFICANT, Interval

UNEVEN = 0.1  # from here on the machine's pace is told


def verdict(counts: Counts) -> str:
    """Whether B is better, worse, or neither can be said."""
    if not counts.cases:
        return "The runs have no case in common: nothing can be compared."
    split = f"{counts.better} better, {counts.worse} worse"
    more = counts.better - counts.worse
    if counts.evidence != "none":
        return f"B is {counts.evidence}: it {_passes(more)} ({split}; {p_text(counts.p_adjusted)})."
    why = p_text(counts.p_adjusted)
    if counts.p_adjusted < SIGNIFICANT:
        why += ", but not once cases of one family are counted together"
    return f"B {_passes(more)} ({split}): no evidence of a difference ({why})."


def _passes(more: int) -> str:
    if not more:
        return "passes as many cases as A"
    cases = f"{abs(more)} {'case' if abs(more) == 1 else 'cases'}"
    return f"passes {cases} {'more' if more > 0 else 'fewer'} than A"


def answers(comparison: Comparison) -> list[str]:
    """What else one asks: how much, how steadily, what of it, how fast, how dear."""
    if not comparison.overall.cases:
        return []
    return [
        *_rates(comparison.overall),
        *_steadiness(comparison),
        *_suites(comparison),
        *_behaviour(comparison),
        *_pace(comparison.pace),
        *_time("slower", "faster", [*comparison.turns, *comparison.nodes]),
        *_time("dearer", "cheaper", comparison.costs),
        *_unlike(comparison),
    ]


def _rates(counts: Counts) -> Iterator[str]:
    a, b = (
        f"{share(passed / counts.cases)} ({span(rate)})"
        for passed, rate in (
            (counts.passed_a, counts.rate_a),
            (counts.passed_b, counts.rate_b),
        )
    )
    passed = f"A passes {counts.passed_a} and B {counts.passed_b} of {counts.cases} cases"
    yield f"{passed}: {a} and {b}."
    if counts.interval:
        low, high = (f"{100 * end:+.1f}" for end in counts.interval)
        yield f"The difference is {100 * counts.difference:+.1f} points ({low} to {high})."
    if counts.evidence == "none" and counts.needed and counts.needed > counts.cases:
        yield f"If it is real, about {counts.needed} cases would show it."


def _steadiness(comparison: Comparison) -> Iterator[str]:
    for hat in comparison.pass_hat:
        if hat.k > 1:
            yield (
                f"All of {hat.k} trials of a case pass with {share(hat.a)} in A and"
                f" {share(hat.b)} in B (pass^{hat.k})."
            )


def _suites(comparison: Comparison) -> Iterator[str]:
    for word in ("worse", "better"):
        suites = [suite for suite in comparison.suites if suite.evidence == word]
        if suites:
            named = ", ".join(f"{s.suite} ({p_text(s.p_adjusted)})" for s in suites)
            yield f"B is {word} in {named}, adjusted for {len(comparison.suites)} suites."


def _behaviour(comparison: Comparison) -> Iterator[str]:
    cases = [
        *comparison.newly_failing,
        *comparison.newly_passing,
        *comparison.still_failing,
        *comparison.changed,
    ]
    counted = [
        f"{wording} in {number}"
        for aspect, wording in (
            ("reply", "another reply"),
            ("calls", "other calls"),
            ("understood", "something else understood"),
            ("card", "another card"),
            ("handoff", "another hand-off"),
            ("end", "another end"),
        )
        if (number := sum(aspect in case.aspects for case in cases))
    ]
    if counted:
        yield f"Of {comparison.overall.cases} cases: {', '.join(counted)}."
    else:
        yield "Every case went the same way in both: replies, calls, cards and ends."


def _pace(pace: float) -> Iterator[str]:
    if not 1 - UNEVEN < pace < 1 + UNEVEN:
        yield (
            f"All nodes alike took {pace:.2f} times as long in B: the machine's load, or something"
            " that they share. What follows is beyond that."
        )


def _time(more: str, less: str, measures: Sequence[Measure]) -> Iterator[str]:
    noticed = [measure for measure in measures if measure.is_noticeable]
    for word, found in (
        (more, [m for m in noticed if m.excess > 0]),
        (less, [m for m in noticed if m.excess < 0]),
    ):
        if found:
            worst = sorted(found, key=lambda m: -abs(m.excess))
            yield f"B is {word}: {'; '.join(map(_measure, worst))}."
    if measures and not noticed:
        yield f"B is neither {more} nor {less} in a way that could be told from chance."


def _measure(measure: Measure) -> str:
    shown = f"{amount(measure.mean_a, measure.unit)} -> {amount(measure.mean_b, measure.unit)}"
    return f"{measure.name} {shown} on average"


def _unlike(comparison: Comparison) -> Iterator[str]:
    """What keeps the runs from being comparable."""
    names = {change.name for change in comparison.versions}
    if "datasets" in names:
        yield "The datasets differ: a case of the same name may ask something else."
    if "mode" in names:
        yield "The modes differ: a difference may be the model's alone."


def p_text(p: float) -> str:
    """A p value as it is written, never as 0."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def share(rate: float) -> str:
    """A rate in per cent."""
    return f"{100 * rate:.1f} %"


def span(interval: Interval) -> str:
    """An interval of rates, in per cent."""
    return f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f}"


def amount(value: float, unit: str) -> str:
    """A measured amount with its unit."""
    if unit == "USD":
        return f"USD {value:.5f}"
    return f"{value:,.0f} {unit}" if abs(value) >= 10 or unit == "tokens" else f"{value:.1f} {unit}"
