import time
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.grounding.claims import claims
from tools.grounding.evidence import Evidence, gather
from tools.grounding.gate import unsupported
from tools.grounding.sentences import SentenceGate

NOW = datetime(2026, 11, 23, 10, 30, tzinfo=ZoneInfo("Asia/Singapore"))
amounts = st.decimals(min_value=Decimal("100.01"), max_value=Decimal(99999), places=2)


def evidence(*facts: dict[str, object], text: str = "") -> Evidence:
    return gather(facts, [text], NOW)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("SGD 1,296.00", "money", "1296"),
        ("S$1,296", "money", "1296"),
        ("1,296.50 dollars", "money", "1296.5"),
        ("0.65", "money", "0.65"),
        ("25 per cent", "percent", "25"),
        ("1.5%", "percent", "1.5"),
        ("2026-12-03", "date", "2026-12-03"),
        ("3rd December 2026", "date", "2026-12-03"),
        ("Dec 3, 2026", "date", "2026-12-03"),
        ("3 Dec", "date", "--12-03"),
        ("9am", "time", "09:00"),
        ("12:30 pm", "time", "12:30"),
        ("14:00", "time", "14:00"),
        ("14:10: nothing is open", "time", "14:10"),
        ("Thurs", "weekday", "thursday"),
        ("INV-1042", "id", "inv1042"),
        ("CNP-014-FB-01", "id", "cnp014fb01"),
        ("accounts@pay.example", "email", "accounts@pay.example"),
        ("https://pay.example/now.", "link", "pay.example/now"),
        ("1,200 pieces", "number", "1200"),
    ],
)
def test_a_claim_is_read_by_value(text: str, kind: str, value: str) -> None:
    assert (kind, value) in [(c.kind, c.value) for c in claims(f"We note {text}")]


def test_an_amount_is_one_claim_and_not_several_numbers() -> None:
    assert [c.written for c in claims("SGD 1,296.00 on 3 Dec 2026")] == [
        "SGD 1,296.00",
        "3 Dec 2026",
    ]


def test_what_a_day_means_follows_the_clock_though_texts_are_read_once() -> None:
    text = "tomorrow, 3 days ago or next Thursday"

    def read(now: datetime | None) -> list[str]:
        return [c.value for c in claims(text, now)]

    late, morning_after = NOW.replace(hour=23, minute=59), NOW + timedelta(hours=14)
    assert "2026-11-24" in read(NOW)
    assert read(late) == read(NOW)
    assert "2026-11-25" in read(morning_after)
    assert len({tuple(read(now)) for now in (NOW, morning_after, None)}) == 3


def test_what_was_read_once_is_not_spoiled_by_whoever_gets_it() -> None:
    claims("SGD 7.00", NOW).clear()
    assert [c.value for c in claims("SGD 7.00", NOW)] == ["7"]


def test_numbering_of_a_list_claims_nothing() -> None:
    assert claims("1. Send a photo\n2) Keep the goods") == []


@given(amounts)
def test_an_amount_of_the_facts_may_be_spelt_in_any_way(amount: Decimal) -> None:
    known = evidence({"total": f"{amount:.2f}"})
    for spelling in (f"SGD {amount:,.2f}", f"${amount:.2f}", f"{amount:,.2f} dollars"):
        assert unsupported(f"The total is {spelling}.", known) == []


@given(amounts, amounts)
def test_no_other_amount_may_be_said(amount: Decimal, other: Decimal) -> None:
    known = evidence({"total": f"{amount:.2f}"})
    found = unsupported(f"The total is SGD {other:,.2f}.", known)
    assert [c.kind for c in found] == ([] if other == amount else ["money"])


@pytest.mark.parametrize(
    "sentence",
    [
        "You owe SGD 50.00.",
        "It is due on 4 Dec 2026.",
        "It is due on a Friday.",
        "We come at 15:00.",
        "The fee is 20%.",
        "See INV-1043.",
        "Pay at https://pay.example/now.",
        "Write to us at help@pay.example.",
        "You get a refund.",
        "A discount is possible.",
        "We send 60 boxes.",
    ],
)
def test_a_figure_without_a_source_is_found(sentence: str) -> None:
    known = evidence(
        {"number": "INV-1042", "total": "65.40", "due": "2026-12-03T09:00:00+08:00"},
        {"fee_percent": "25"},
    )
    assert unsupported(sentence, known)


@pytest.mark.parametrize(
    "sentence",
    [
        "INV-1042 over $65.40 is due on Thursday, 3 December at 9am.",
        "The fee is 25%.",
        "Today is 23 November 2026, a Monday.",
        "It arrives between 14:00 and 17:00.",
        "A refund takes 5 to 7 days.",
    ],
)
def test_what_a_fact_passage_or_clock_says_may_be_said(sentence: str) -> None:
    known = evidence(
        {"invoices": [{"number": "INV-1042", "total": "65.40"}]},
        {"due": "2026-12-03T09:00:00+08:00", "fee_percent": "25", "is_late": True},
        text="Delivery is 14:00-17:00. A refund takes 5 to 7 business days.",
    )
    assert unsupported(sentence, known) == []


def test_a_percentage_is_no_amount() -> None:
    assert unsupported("The fee is SGD 25.", evidence({"fee_percent": "25"}))
    assert unsupported("The fee is 25%.", evidence({"fee": "25.00"}))


def test_a_day_with_a_year_needs_that_year() -> None:
    known = evidence({"due": "2026-12-03"})
    assert unsupported("Due on 3 December.", known) == []
    assert unsupported("Due on 3 December 2025.", known)


def test_true_and_nothing_are_no_evidence_for_a_number() -> None:
    assert unsupported("There is 1 box.", evidence({"on_hold": True, "paid": None}))


def test_sentences_leave_when_they_are_complete() -> None:
    gate = SentenceGate()
    assert gate.feed("Hello Mei. You owe SGD 1") == ["Hello Mei. "]
    assert gate.feed(".50 e.g. today! Bye") == ["You owe SGD 1.50 e.g. today! "]
    assert gate.flush() == ["Bye"]
    assert gate.flush() == []


def test_chinese_sentences_need_no_space() -> None:
    assert SentenceGate().feed("好的。再见") == ["好的。"]


def test_each_line_of_a_list_leaves_by_itself() -> None:
    gate = SentenceGate()
    assert gate.feed("1. a photo\n2. the number\nThanks") == ["1. a photo\n", "2. the number\n"]


@given(st.lists(st.text(alphabet="ab1.?! \n。,", max_size=8)))
def test_nothing_is_lost_however_a_stream_is_cut(pieces: list[str]) -> None:
    gate = SentenceGate()
    sentences = [s for piece in pieces for s in gate.feed(piece)] + gate.flush()
    assert "".join(sentences).rstrip() == "".join(pieces).rstrip()


@pytest.mark.parametrize(
    "said",
    [
        "INV1042",
        "five hundred dollars",
        "twenty-five percent",
        "we are waiving it",
        "SGD 3.00",
        "€806.60",
        "USD 806.60",
        "12am",
        "31 Nov 2026",
    ],
)
def test_a_disguised_figure_is_found(said: str) -> None:
    known = evidence({"open_count": 3, "outstanding": "806.60", "due": "2026-12-03T12:00:00"})
    assert unsupported(f"Please note {said}.", known)


@pytest.mark.parametrize("written", ["2026-02-30", "31/11, 31 Nov 2026", "30 Feb", "2026-11-23 x"])
def test_a_day_that_does_not_exist_is_no_error(written: str) -> None:
    known = evidence({"note": written}, text=f"we paid on {written}")
    assert not unsupported(f"You wrote {written}.", known)


def test_an_amount_is_in_the_currency_of_its_fact() -> None:
    known = evidence(
        {
            "kind": "balance",
            "data": {
                "currency": "SGD",
                "outstanding": "531.37",
                "other_currencies": [{"currency": "USD", "outstanding": "120.00"}],
            },
        }
    )
    assert not unsupported("You owe SGD 531.37, and USD 120.00 beside it.", known)
    for wrong in ("You owe SGD 120.00.", "You owe USD 531.37.", "You owe EUR 120.00."):
        assert unsupported(wrong, known)


def test_an_amount_of_another_currency_belongs_to_its_document() -> None:
    found = [
        {"number": f"INV-{n}", "currency": "USD", "amount_due": due}
        for n, due in ((2001, "120.00"), (2002, "88.00"))
    ]
    known = evidence({"kind": "documents", "data": {"found": found}})
    assert not unsupported("INV-2001: USD 120.00 is due.", known)
    assert unsupported("INV-2001: USD 88.00 is due.", known)


def test_a_day_with_a_time_of_delivery_is_both() -> None:
    known = evidence({"kind": "card", "data": {"rows": [["slot", "2026-11-26 09:00-12:00"]]}})
    assert not unsupported("Delivery: Thu 26 Nov 2026, 09:00-12:00.", known)
    assert unsupported("Delivery: Thu 26 Nov 2026, 14:00-17:00.", known)


@pytest.mark.parametrize(
    "words",
    ["INV-1 ", "1 Oct ", "$5 ", "5% ", "一", "ஒன்று ", "one hundred and ", "satu ", "1,2 "],
)
def test_a_long_text_of_figures_is_read_in_time(words: str) -> None:
    started = time.monotonic()
    claims(words * (4000 // len(words)), NOW)
    assert time.monotonic() - started < 5


TICKET = {
    "kind": "handoff",
    "data": {
        "ticket": "T-000123",
        "reason": "damage",
        "level": 3,
        "who": "operations manager",
        "deadline": "2026-11-23T12:30:00+08:00",
    },
}


@pytest.mark.parametrize(
    "told",
    [
        "Your ticket is T-000123; our operations manager answers you by Mon 23 Nov 2026, 12:30.",
        "我们的运营经理最迟会在 12:30 答复您。",
        "Pengurus operasi kami akan menjawab selewat-lewatnya pada 12:30.",
    ],
)
def test_whoever_a_ticket_is_with_will_answer(told: str) -> None:
    assert unsupported(told, gather([TICKET], [], NOW)) == []
    staff = {**TICKET, "data": TICKET["data"] | {"who": "service staff"}}  # type: ignore[operator]
    assert unsupported(told, gather([staff], [], NOW))
    assert unsupported(told, gather([], [], NOW))


@pytest.mark.parametrize(
    "lie",
    [
        "Our director answers you by 12:30.",
        "Our boss answers you by 12:30.",
        "Our operations manager and our director reply to you.",
        "Our operations manager has replied to you.",
        "Our operations manager will answer you and is on the way.",
        "Our operations manager will call you by 12:30.",
        "Our operations manager will answer you with a refund.",
        "我们的总监会答复您。",
        "我们的运营经理已经答复您。",
        "我们的运营经理会打电话给您。",
        "Pengarah kami akan menjawab.",
        "Pengurus kami telah menjawab.",
        "Pengurus kami akan meluluskannya.",
    ],
)
def test_a_ticket_makes_nobody_else_and_nothing_more_sayable(lie: str) -> None:
    assert unsupported(lie, gather([TICKET], [], NOW))


GRACE = {"kind": "customer", "data": {"name": "Grace Lim", "company": "Katong Pies"}}


@pytest.mark.parametrize("said", ["Grace, you owe nothing.", "Hello Grace, what can I do?"])
def test_a_customer_is_called_by_a_name_that_means_something_else(said: str) -> None:
    known = gather([GRACE, {"outstanding": "0.00"}], [], NOW)
    assert unsupported(said, known) == []


@pytest.mark.parametrize(
    "lie", ["Grace is extended to 30 days.", "You have days of grace.", "Grace, you have grace."]
)
def test_a_name_hides_no_favour(lie: str) -> None:
    assert unsupported(lie, gather([GRACE], [], NOW))


def test_a_sentence_of_a_policy_may_be_told_as_it_stands_and_no_other() -> None:
    rule = "When goods run out, we offer a colour for SGD 0.24, or credit."
    bowl = {"code": "BGS-BOWL6", "name": '6" bagasse bowl', "price": "0.20"}
    known = gather([bowl], [{"id": "a#b", "text": f"{rule} It is so."}], NOW)
    assert unsupported(rule, known) == []
    assert unsupported(rule.replace("0.24", "0.25"), known)
    assert unsupported(rule.replace("or credit", "or a refund"), known)


def test_tamil_says_no_at_the_end() -> None:
    fee = "கட்டணத்தை நானே நீக்க"
    assert unsupported(f"{fee} முடியாது.", gather([], [], NOW)) == []
    assert unsupported(f"{fee} முடியும்.", gather([], [], NOW))
    assert unsupported(f"பிரச்சனை இல்லை என்று {fee} முடியும்.", gather([], [], NOW))


OPEN = {
    "kind": "balance",
    "data": {
        "outstanding": "1990.08",
        "overdue": "0.00",
        "listed": [
            {"number": "INV-1657", "amount_due": "788.35", "due_date": "2026-12-09"},
            {"number": "INV-1669", "amount_due": "640.38", "due_date": "2026-12-16"},
        ],
    },
}


@pytest.mark.parametrize(
    ("text", "is_right"),
    [
        ("You owe SGD 1,990.08 at the moment.", True),
        ("You owe SGD 788.35 at the moment.", False),
        ("Your outstanding balance is SGD 640.38.", False),
        ("SGD 788.35 is your total outstanding.", False),
        ("您目前欠 SGD 788.35。", False),
        ("Anda berhutang SGD 640.38 sekarang.", False),
        ("您目前欠 SGD 1,990.08。", True),
        ("You owe SGD 1,990.08, of which SGD 788.35 is due on 9 Dec 2026.", True),
        ("You owe SGD 788.35 on INV-1657.", True),
        ("INV-1657: SGD 788.35 due on 9 Dec 2026.", True),
    ],
)
def test_what_is_owed_in_all_is_not_the_amount_of_one_document(
    text: str, *, is_right: bool
) -> None:
    assert (unsupported(text, gather([OPEN], [], NOW)) == []) is is_right
