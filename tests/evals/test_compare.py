"""Two runs side by side: what is said of them, and what is shown of each case."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from evals.comparing.compare import compare
from evals.comparing.comparison import Comparison
from evals.comparing.steady import steady
from evals.comparing.text import WIDTH, text_of
from evals.outcome import (
    BookDocument,
    Call,
    NodeRun,
    Outcome,
    Row,
    Run,
    Stream,
    Turn,
    Verdict,
    Versions,
)


def run(run_id: str, **versions: Any) -> Run:
    when = "2026-10-01T09:00:00+08:00"
    return Run(id=run_id, started_at=when, mode="offline", versions=Versions(**versions))


def row(case: str, *, passed: bool = True, reason: str = "", **changed: Any) -> Row:
    verdict = Verdict(scorer="facts", passed=passed, turn=1, reason=reason)
    return Row(case=case, suite="accounts", passed=passed, verdicts=[verdict]).model_copy(
        update=changed
    )


def rows(results: str, **changed: Any) -> list[Row]:
    """A case for each mark: `+` passed, `-` failed."""
    return [row(f"case-{i:03}", passed=mark == "+", **changed) for i, mark in enumerate(results)]


def held(a: Sequence[Row], b: Sequence[Row]) -> Comparison:
    return compare((run("a"), a), (run("b"), b))


def turned(**changed: Any) -> Outcome:
    turn = Turn(said="what do I owe?", reply="You owe SGD 12.00.")
    return Outcome(turns=[turn.model_copy(update=changed)])


def one(a: Outcome, b: Outcome) -> Comparison:
    return held([row("owed", outcome=a)], [row("owed", outcome=b)])


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        (
            "+" * 40 + "-----" + "++",
            "+" * 40 + "+++++" + "--",
            "B passes 3 cases more than A (5 better, 2 worse): no evidence of a difference"
            " (p = 0.45).",
        ),
        (
            "+++-",
            "+++-",
            "B passes as many cases as A (0 better, 0 worse): no evidence of a difference (p = 1).",
        ),
        (
            "+" * 40 + "-" * 6,
            "+" * 46,
            "B is better: it passes 6 cases more than A (6 better, 0 worse; p = 0.031).",
        ),
        (
            "+" * 49 + "-",
            "+" * 41 + "-" * 8 + "+",
            "B is worse: it passes 7 cases fewer than A (1 better, 8 worse; p = 0.039).",
        ),
        (
            "+" * 40 + "-" * 5,
            "+" * 45,
            "B passes 5 cases more than A (5 better, 0 worse): no evidence of a difference"
            " (p = 0.062).",
        ),
        ("", "", "The runs have no case in common: nothing can be compared."),
    ],
    ids=["few each way", "nothing", "better", "worse", "five of one way", "no case"],
)
def test_the_verdict_says_no_more_than_the_results_show(a: str, b: str, verdict: str) -> None:
    assert held(rows(a), rows(b)).verdict == verdict


def test_paraphrases_that_change_together_are_no_evidence() -> None:
    a, b = rows("+" * 40 + "-" * 7), rows("+" * 47)
    together = [r.model_copy(update={"family": "same words"}) for r in b[40:]]

    comparison = held(a, [*b[:40], *together])

    assert comparison.overall.p < 0.05
    assert "no evidence of a difference" in comparison.verdict
    assert "one family" in comparison.verdict


def test_cases_of_a_single_family_are_no_evidence_however_many() -> None:
    comparison = held(rows("-" * 8, family="one"), rows("+" * 8, family="one"))

    assert comparison.overall.interval is None
    assert "no evidence of a difference" in comparison.verdict


@pytest.mark.parametrize(
    ("same", "said"), [("+" * 15, "about 29 cases"), ("", None)], ids=["too few", "enough"]
)
def test_it_says_how_many_cases_would_show_the_difference(same: str, said: str | None) -> None:
    comparison = held(rows("-----" + same), rows("+++++" + same))

    told = [answer for answer in comparison.answers if "would show it" in answer]
    assert comparison.overall.evidence == "none"
    assert [said in answer for answer in told if said] == ([True] if said else [])
    assert len(told) == bool(said)


def test_cases_are_listed_by_what_became_of_them() -> None:
    a = [*rows("++--"), row("gone"), row("new", passed=False, skipped="only with a model")]
    b = [*rows("+-+-"), row("new")]

    comparison = held(a, b)

    assert [c.case for c in comparison.newly_failing] == ["case-001"]
    assert [c.case for c in comparison.newly_passing] == ["case-002"]
    assert [c.case for c in comparison.still_failing] == ["case-003"]
    assert comparison.only_in_a == ["gone"]
    assert comparison.only_in_b == ["new"]
    assert comparison.changed == []
    assert comparison.overall.cases == 4


@pytest.mark.parametrize(
    ("passes", "is_failing"), [("++-", False), ("+--", True), ("+-+-", True)], ids=str
)
def test_a_case_of_several_trials_counts_as_most_of_them(passes: str, *, is_failing: bool) -> None:
    def trials(marks: str) -> list[Row]:
        return [row("owed", passed=mark == "+", trial=n) for n, mark in enumerate(marks, 1)]

    comparison = held(trials("+" * len(passes)), trials(passes))

    assert bool(comparison.newly_failing) is is_failing
    listed = comparison.newly_failing or comparison.changed
    assert (listed[0].passed_b, listed[0].trials_b) == (passes.count("+"), len(passes))


def test_steadiness_is_told_of_as_many_trials_as_each_case_has() -> None:
    a = [row("owed", trial=n) for n in (1, 2, 3, 4)]
    b = [row("owed", trial=n, passed=n > 1) for n in (1, 2, 3, 4)]

    comparison = held(a, b)

    assert [(hat.k, hat.a, hat.b) for hat in comparison.pass_hat] == [(1, 1, 0.75), (4, 1, 0)]
    assert any("pass^4" in answer for answer in comparison.answers)


def test_a_case_is_shown_by_a_trial_that_came_out_as_most_did() -> None:
    odd = row("owed", outcome=turned(reply="odd"))
    usual = [row("owed", trial=n, passed=False, outcome=turned(reply="usual")) for n in (2, 3)]

    (case,) = held([row("owed")], [odd, *usual]).newly_failing

    assert case.turns[0].b is not None
    assert case.turns[0].b.reply == "usual"


def test_a_verdict_that_changed_is_named_with_its_turn_and_reason() -> None:
    kept = Verdict(scorer="tone", passed=False, turn=2, reason="too long, run " + "0" * 16)
    again = kept.model_copy(update={"reason": "too long, run " + "f" * 16})
    a, b = row("owed"), row("owed", passed=False, reason="expected SGD 12.00")

    comparison = held(
        [a.model_copy(update={"verdicts": [*a.verdicts, kept]})],
        [b.model_copy(update={"verdicts": [*b.verdicts, again]})],
    )

    (change,) = comparison.newly_failing[0].verdicts
    assert (change.scorer, change.turn, change.a, change.b) == ("facts", 1, "passed", "failed")
    assert change.reason == "expected SGD 12.00"


@pytest.mark.parametrize(
    ("changed", "aspect"),
    [
        ({"reply": "You owe SGD 13.00."}, "reply"),
        ({"told": [{"reply": "Your payment came in."}]}, "reply"),
        ({"calls": [Call(name="balance", args={"contact": "c"})]}, "calls"),
        ({"state": {"understanding": {"intents": [{"name": "balance"}]}}}, "understood"),
        ({"state": {"screened": {"language": "ms"}}}, "understood"),
        ({"extra": {"card": {"kind": "order", "total": "1.00"}}}, "card"),
        ({"extra": {"handoff": {"reason": "complaint", "level": 2}}}, "handoff"),
        ({"error": "BackendUnavailable"}, "failure"),
        ({"refused": 403}, "failure"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_what_changed_in_a_turn_is_shown_for_both_runs(
    changed: dict[str, Any], aspect: str
) -> None:
    (case,) = one(turned(), turned(**changed)).changed

    (turn,) = case.turns
    assert turn.changed == [aspect]
    assert turn.said == "what do I owe?"
    assert turn.a is not None
    assert turn.b is not None
    assert getattr(turn.a, aspect) != getattr(turn.b, aspect)


def test_the_whole_conversation_is_shown_of_a_case_that_fails_now() -> None:
    greeting = Turn(said="hi", reply="Hello!")
    a = Outcome(turns=[greeting, *turned().turns])
    b = Outcome(turns=[greeting])

    comparison = held([row("owed", outcome=a)], [row("owed", passed=False, outcome=b)])

    (case,) = comparison.newly_failing
    assert [(turn.said, turn.b is None) for turn in case.turns] == [
        ("hi", False),
        ("what do I owe?", True),
    ]


ORDER = BookDocument(kind="invoice", id="1", number="TRIA-000001", after={"Total": "10.00"})


@pytest.mark.parametrize(
    ("changed", "what", "b"),
    [
        ({"books": [ORDER]}, "books", "invoice TRIA-…, new: Total 10.00"),
        ({"tickets": [{"reason": "damage", "levels": [2]}]}, "tickets", "damage"),
        ({"actions": [{"kind": "order", "status": "failed"}]}, "cards", "status failed"),
        ({"letters": [{"to": "mei@forno.tria.example"}]}, "letters", "mei@forno.tria.example"),
    ],
    ids=["books", "tickets", "cards", "letters"],
)
def test_another_end_is_shown(changed: dict[str, Any], what: str, b: str) -> None:
    (case,) = one(Outcome(), Outcome(**changed)).changed

    (end,) = case.end
    assert (end.what, end.a) == (what, [])
    assert b in end.b[0]


def test_ids_that_are_drawn_anew_are_not_shown() -> None:
    after = {"InvoiceID": "aec06c08-1706-46d2-8891-a0ca84a40240", "Total": "10.00"}
    (case,) = one(Outcome(), Outcome(books=[ORDER.model_copy(update={"after": after})])).changed

    assert case.end[0].b == ["invoice TRIA-…, new: Total 10.00"]


def test_only_the_changed_fields_of_a_document_are_shown() -> None:
    def paid(status: str) -> BookDocument:
        before = {"Status": "AUTHORISED", "Total": "10.00"}
        return BookDocument(
            kind="invoice", id="1", before=before, after=before | {"Status": status}
        )

    (case,) = one(Outcome(books=[paid("PAID")]), Outcome(books=[paid("VOIDED")])).changed

    assert case.end[0].a == ["invoice, changed: Status PAID"]
    assert case.end[0].b == ["invoice, changed: Status VOIDED"]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("see http://127.0.0.1:8003/documents/aB-c_1", "see http://127.0.0.1:9911/documents/Zz9"),
        ("ticket T-000001", "ticket T-000042"),
        ("id 0f8fad5b-d9cb-469f-a165-70867728950e", "id 7c9e6679-7425-40de-944b-e07fc1f90ae7"),
        ("at 2026-10-01T09:00:12.5+08:00", "at 2026-10-01T09:00:13+08:00"),
    ],
    ids=["link", "ticket", "id", "moment"],
)
def test_what_is_drawn_anew_at_each_play_is_no_difference(a: str, b: str) -> None:
    comparison = one(turned(reply=a), turned(reply=b))

    assert comparison.changed == []
    assert any("same way in both" in answer for answer in comparison.answers)


@pytest.mark.parametrize(
    "text", ["INV-1043", "SGD 1,234.50", "2026-10-01T09:00:00+08:00", "2026-10-01"]
)
def test_what_a_customer_reads_stays_a_difference(text: str) -> None:
    assert steady(text) == text


def test_cards_of_another_number_are_the_same_end() -> None:
    def accepted(number: str) -> Outcome:
        card = {"title": f"Quote TRIA-{number}", "total": "10.00"}
        return Outcome(actions=[{"kind": "quote_accept", "status": "committed", "card": card}])

    assert one(accepted("000001"), accepted("000007")).changed == []


def test_reads_in_another_order_are_the_same_calls() -> None:
    first, second = Call(name="balance"), Call(name="invoices", args={"open": True})

    assert one(turned(calls=[first, second]), turned(calls=[second, first])).changed == []


def test_suites_are_adjusted_for_their_number() -> None:
    a = [*rows("-" * 6 + "+" * 10), *rows("+", suite="orders")]
    b = [*rows("+" * 16), *rows("+", suite="orders")]
    a[-1], b[-1] = (r.model_copy(update={"case": "other"}) for r in (a[-1], b[-1]))

    accounts, orders = held(a, b).suites

    assert (accounts.suite, accounts.better, accounts.evidence) == ("accounts", 6, "none")
    assert (accounts.p, accounts.p_adjusted) == (0.03125, 0.0625)
    assert (orders.suite, orders.cases, orders.p_adjusted) == ("orders", 1, 1)


def timed(ms: float, case: int) -> Outcome:
    nodes = [
        NodeRun(node="compose_reply", step=3, started_ms=0, ms=ms + case % 5),
        NodeRun(node="screen_message", step=1, started_ms=0, ms=10 + case % 3),
    ]
    return turned(nodes=nodes, stream=Stream(first_text_ms=5, total_ms=ms + 20))


def test_a_slower_node_is_noticed_and_the_others_are_not() -> None:
    a = [row(f"case-{i}", outcome=timed(40, i)) for i in range(30)]
    b = [row(f"case-{i}", outcome=timed(90, i)) for i in range(30)]

    comparison = held(a, b)

    slow, steady_one = comparison.nodes
    assert (slow.name, slow.is_noticeable, slow.difference) == ("compose_reply", True, 50)
    assert (slow.p50_a, slow.p50_b) == (42, 92)
    assert not steady_one.is_noticeable
    assert any(
        answer.startswith("B is slower") and "compose_reply 42 ms -> 92 ms" in answer
        for answer in comparison.answers
    )


@pytest.mark.parametrize(
    ("ms", "changes"),
    [(400, [20] * 30), (10, [3] * 30), (400, [-200, *[0] * 28, 300])],
    ids=["a small share", "a few milliseconds", "two cases either way"],
)
def test_a_machines_moods_are_not_noticed(ms: int, changes: list[int]) -> None:
    a = [row(f"case-{i}", outcome=timed(ms, i)) for i in range(30)]
    b = [row(f"case-{i}", outcome=timed(ms + more, i)) for i, more in enumerate(changes)]

    comparison = held(a, b)

    assert not any(measure.is_noticeable for measure in (*comparison.nodes, *comparison.turns))
    assert any("neither slower nor faster" in answer for answer in comparison.answers)


NODES = ("classify_intent", "call_xero_tools", "compose_reply", "validate_output", "hand_off", "b")


def paced(factor: float, **slower: float) -> list[Row]:
    def outcome(case: int) -> Outcome:
        runs = [
            NodeRun(node=name, step=n, started_ms=0, ms=(20 * n + case % 7) * factor)
            for n, name in enumerate(NODES, 1)
        ]
        late = [run.model_copy(update={"ms": run.ms + slower.get(run.node, 0)}) for run in runs]
        return turned(nodes=late, stream=Stream(total_ms=sum(run.ms for run in late)))

    return [row(f"case-{i}", outcome=outcome(i)) for i in range(30)]


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_busier_machine_is_told_apart_from_a_slower_node(factor: float) -> None:
    even, uneven = held(paced(1), paced(factor)), held(paced(1), paced(factor, hand_off=80))

    assert even.pace == pytest.approx(factor)
    assert not any(measure.is_noticeable for measure in (*even.nodes, *even.turns))
    assert any(f"{factor:.2f} times as long" in answer for answer in even.answers)
    assert [m.name for m in uneven.nodes if m.is_noticeable] == ["hand_off"]
    (slower,) = (answer for answer in uneven.answers if answer.startswith("B is slower"))
    assert "hand_off" in slower


def test_nodes_of_one_pace_are_no_news() -> None:
    assert not any("times as long" in answer for answer in held(paced(1), paced(1.05)).answers)


def test_a_large_change_by_chance_is_not_noticed() -> None:
    a = [row(f"case-{i}", tokens=100) for i in range(6)]
    b = [row(f"case-{i}", tokens=t) for i, t in enumerate([900, 10, 20, 100, 300, 40])]

    assert not held(a, b).costs[0].is_noticeable


def test_cost_is_compared_over_the_same_cases() -> None:
    a = [row(f"case-{i}", tokens=100 + i, usd="0.0010") for i in range(10)]
    b = [row(f"case-{i}", tokens=200 + i, usd="0.0010") for i in range(10)]

    tokens, usd = held([*a, row("gone", tokens=9_000)], b).costs

    assert (tokens.mean_a, tokens.mean_b, tokens.is_noticeable) == (104.5, 204.5, True)
    assert tokens.interval == pytest.approx((100, 100))
    assert not usd.is_noticeable


def test_versions_that_differ_are_named() -> None:
    a = run("a", prompts={"compose_reply": "1", "tone": "t"}, rules="r")
    b = run("b", prompts={"compose_reply": "2", "tone": "t"}, rules="r", datasets="d")

    comparison = compare((a, rows("+")), (b, rows("+")))

    assert [(c.name, c.a, c.b) for c in comparison.versions] == [
        ("prompt compose_reply", "1", "2"),
        ("datasets", "", "d"),
    ]
    assert any("datasets differ" in answer for answer in comparison.answers)


def test_a_comparison_is_json_and_comes_back_the_same() -> None:
    comparison = held(rows("++-", outcome=turned()), rows("+-+", outcome=turned(reply="?")))

    assert Comparison.model_validate_json(comparison.model_dump_json()) == comparison
    json.dumps(comparison.model_dump(mode="json"), allow_nan=False)


def test_the_terminal_shows_the_verdict_first_then_what_got_worse() -> None:
    a = [row("owed", outcome=turned()), *rows("-+")]
    b = [
        row("owed", passed=False, reason="SGD 12.00 is not said", outcome=turned(reply="Hm.")),
        *rows("++"),
    ]

    text = text_of(held(a, b))

    parts = [
        "no evidence of a difference",
        "Worse: passed in A, fail in B (1)",
        "owed (accounts)",
        "turn 1, facts fails now: SGD 12.00 is not said",
        "A: You owe SGD 12.00.",
        "B: Hm.",
        "Better: failed in A, pass in B (1)",
        "Suites",
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert all(len(line) <= WIDTH + 10 for line in text.splitlines())


def test_long_replies_are_shown_where_they_part() -> None:
    same = "Thank you for waiting while we looked at it. " * 20
    a, b = turned(reply=same + "You owe nothing."), turned(reply=same + "You owe SGD 5.00.")

    text = text_of(held([row("owed", outcome=a)], [row("owed", passed=False, outcome=b)]))

    assert "You owe nothing." in text
    assert "You owe SGD 5.00." in text
    assert text.count("Thank you for waiting") < 6
