"""Holds two runs against each other: which is better, whether that is sure, and what changed."""

from collections.abc import Sequence

from evals.comparing.answers import answers, verdict
from evals.comparing.comparison import (
    CasePair,
    Comparison,
    Counts,
    Evidence,
    PassHat,
    VersionChange,
)
from evals.comparing.differences import differences
from evals.comparing.measures import costs, node_times, pace_of, turn_times
from evals.comparing.statistics import (
    SIGNIFICANT,
    bootstrap_interval,
    cases_needed,
    holm,
    mcnemar,
    pass_hat_k,
    wilson,
)
from evals.comparing.trials import Pair, by_case
from evals.outcome import Row, Run

Played = tuple[Run, Sequence[Row]]


def compare(a: Played, b: Played) -> Comparison:
    """Run A and run B over the cases that both played; a case passes when most trials do."""
    in_a, in_b = by_case(a[1]), by_case(b[1])
    pairs = [Pair(in_a[case], in_b[case]) for case in in_a if case in in_b]
    pace = pace_of(pairs)
    comparison = Comparison(
        a=a[0],
        b=b[0],
        verdict="",
        answers=[],
        overall=_weighed(_counted(pairs)),
        suites=_suites(pairs),
        pass_hat=_pass_hat(pairs),
        versions=_versions(a[0], b[0]),
        newly_failing=[differences(pair) for pair in pairs if pair.change < 0],
        newly_passing=[differences(pair) for pair in pairs if pair.change > 0],
        still_failing=[differences(p) for p in pairs if not (p.a.is_passed or p.b.is_passed)],
        changed=_changed(pairs),
        only_in_a=[case for case in in_a if case not in in_b],
        only_in_b=[case for case in in_b if case not in in_a],
        pace=pace.factor,
        turns=turn_times(pairs, pace),
        nodes=node_times(pairs, pace),
        costs=costs(pairs),
    )
    said = {"verdict": verdict(comparison.overall), "answers": answers(comparison)}
    return comparison.model_copy(update=said)


def _changed(pairs: Sequence[Pair]) -> list[CasePair]:
    """Of the cases that pass in both, those of which anything else is otherwise."""
    passing = [pair for pair in pairs if pair.a.is_passed and pair.b.is_passed]
    found = [(pair, differences(pair)) for pair in passing]
    return [c for pair, c in found if pair.difference or c.turns or c.end or c.verdicts]


def _counted(pairs: Sequence[Pair], suite: str = "") -> Counts:
    n = len(pairs)
    passed_a, passed_b = (sum(p.a.is_passed for p in pairs), sum(p.b.is_passed for p in pairs))
    better, worse = (sum(p.change > 0 for p in pairs), sum(p.change < 0 for p in pairs))
    shares = [pair.difference for pair in pairs]
    p = mcnemar(better, worse)
    return Counts(
        suite=suite,
        cases=n,
        passed_a=passed_a,
        passed_b=passed_b,
        rate_a=wilson(passed_a, n),
        rate_b=wilson(passed_b, n),
        better=better,
        worse=worse,
        p=p,
        p_adjusted=p,
        difference=sum(shares) / n if n else 0.0,
        interval=bootstrap_interval(shares, [pair.family for pair in pairs]),
        needed=cases_needed((better + worse) / n, (better - worse) / n) if n else None,
    )


def _weighed(counts: Counts) -> Counts:
    return counts.model_copy(update={"evidence": _evidence(counts)})


def _evidence(counts: Counts) -> Evidence:
    """What the results show; paraphrases that change together are not so many results."""
    if counts.p_adjusted >= SIGNIFICANT or counts.interval is None:
        return "none"
    low, high = counts.interval
    if low > 0 and counts.better > counts.worse:
        return "better"
    return "worse" if high < 0 and counts.worse > counts.better else "none"


def _suites(pairs: Sequence[Pair]) -> list[Counts]:
    """Each suite's results, the p values adjusted for there being so many suites."""
    groups: dict[str, list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(pair.b.rows[0].suite, []).append(pair)
    counted = [_counted(groups[suite], suite) for suite in sorted(groups)]
    adjusted = holm([counts.p for counts in counted])
    return [
        _weighed(counts.model_copy(update={"p_adjusted": p}))
        for counts, p in zip(counted, adjusted, strict=True)
    ]


def _pass_hat(pairs: Sequence[Pair]) -> list[PassHat]:
    """Of one trial, and of as many as every case of both runs has."""
    most = min((len(t.rows) for pair in pairs for t in (pair.a, pair.b)), default=0)
    a = [(pair.a.passes, len(pair.a.rows)) for pair in pairs]
    b = [(pair.b.passes, len(pair.b.rows)) for pair in pairs]
    return [PassHat(k=k, a=pass_hat_k(a, k), b=pass_hat_k(b, k)) for k in sorted({1, most}) if most]


def _versions(a: Run, b: Run) -> list[VersionChange]:
    names = sorted({*a.versions.prompts, *b.versions.prompts})
    prompts = [
        (f"prompt {n}", a.versions.prompts.get(n, ""), b.versions.prompts.get(n, "")) for n in names
    ]
    others = [
        (name, getattr(a.versions, name), getattr(b.versions, name))
        for name in ("policies", "rules", "model", "code", "datasets")
    ]
    every = [*prompts, *others, ("mode", a.mode, b.mode)]
    return [VersionChange(name=n, a=was, b=is_now) for n, was, is_now in every if was != is_now]
