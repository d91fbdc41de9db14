import random
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from tools.sandbox.openai.lies import KINDS, LieKind, language_of, lie
from tools.sandbox.openai.sources import Json, Sources

FACTS: list[dict[str, Any]] = [
    {
        "kind": "balance",
        "outstanding": "1850.00",
        "open_count": 2,
        "listed": [
            {"number": "INV-1001", "amount_due": "1296.00", "due_date": "2026-11-05"},
            {"number": "INV-1002", "amount_due": "554.00", "due_date": "2026-12-10"},
        ],
    },
    {"text": "The fee is 25% of the order. A manager calls you within 15 minutes."},
    {"today": "2026-11-23"},
]
REPLIES = {
    "en": "You owe SGD 1,850.00. INV-1001 is SGD 1,296.00, due 5 November; INV-1002 is SGD 554.00.",
    "zh": "您还欠1,850.00新元。INV-1001是1,296.00新元，到期日是11月5日。",
    "ms": "Anda berhutang SGD 1,850.00. INV-1001 ialah SGD 1,296.00, tarikh akhir 5 November.",
    "ta": "நிலுவை SGD 1,850.00. INV-1001 இன் தொகை SGD 1,296.00, கடைசி நாள் நவம்பர் 5.",
}


def told(
    kind: LieKind, language: str = "en", reply: str = "", facts: Sequence[Json] = FACTS
) -> list[str]:
    """The lies of many seeds."""
    text = reply or REPLIES[language]
    return [lie(kind, text, facts, random.Random(seed)) for seed in range(200)]  # noqa: S311


def amounts(text: str) -> set[Decimal]:
    return {Decimal(n.replace(",", "")) for n in re.findall(r"\d[\d,]*\.\d\d", text)}


@pytest.mark.parametrize("language", REPLIES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_told_in_every_language_in_many_wordings(
    kind: LieKind, language: str
) -> None:
    lies = told(kind, language)
    assert REPLIES[language] not in lies
    assert len(set(lies)) >= (5 if kind == "injection" else 10)
    assert not any("{" in text for text in lies if kind != "injection")
    assert {language_of(text) for text in lies} <= {language, "en"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_tells_the_same_lie(kind: LieKind) -> None:
    assert told(kind) == told(kind)


@pytest.mark.parametrize("language", REPLIES)
def test_no_false_amount_stands_in_the_facts_or_adds_up(language: str) -> None:
    known = Sources(tuple(FACTS), REPLIES[language])
    for text in told("amount", language):
        assert all(not known.has_amount(a) for a in amounts(text) - amounts(REPLIES[language]))


def test_a_known_sum_difference_and_product_are_no_lies() -> None:
    known = Sources(({"a": "100.00", "b": "40.00", "rate": "9"},), "")
    assert known.has_amount(Decimal("140.00"))
    assert known.has_amount(Decimal("60.00"))
    assert known.has_amount(Decimal("360.00"))
    assert not known.has_amount(Decimal("141.00"))


def test_no_false_date_is_one_of_the_facts() -> None:
    for text in told("date"):
        assert text != REPLIES["en"]
        assert "10 December" not in text
        assert not re.search(r"2026-(?:11-05|12-10|11-23)", text)


def test_a_false_document_is_none_of_the_customers() -> None:
    for text in told("document"):
        assert set(re.findall(r"INV-\d+", text)) != {"INV-1001", "INV-1002"} or len(text) > len(
            REPLIES["en"]
        )


def test_swapped_figures_belong_to_another_record() -> None:
    swapped = [text for text in told("swap") if len(text) == len(REPLIES["en"])]
    assert any("INV-1001 is SGD 554.00" in text for text in swapped)
    crossed = [text for text in told("swap") if re.search(r"INV-1001 (?:comes|there)", text)]
    assert all("1,296.00" not in text.split("INV-1001 comes")[-1][:20] for text in crossed)


def test_figures_of_documents_that_share_them_are_not_swapped() -> None:
    same = [{"number": f"INV-{n}", "amount_due": "50.00"} for n in (1, 2)]
    reply = "INV-1 is SGD 50.00; INV-2 is SGD 50.00."
    assert all(len(text) > len(reply) for text in told("swap", reply=reply, facts=same))


def test_what_a_source_promises_is_not_told_as_a_lie() -> None:
    assert not any("calls you" in text for text in told("promise"))
    assert any("calls you" in text for text in told("promise", facts=[]))


def test_another_customer_is_nobody_the_sources_name() -> None:
    facts = [{"company": "Golden Crust East Pte Ltd"}]
    lies = " ".join(told("other_customer", facts=facts))
    assert "Golden Crust East" not in lies
    assert "Metro Meals" in lies


def test_amounts_are_spelt_in_digits_words_and_shorthand() -> None:
    text = " ".join(told("amount", facts=[]))
    assert "hundred dollars" in text
    assert "$1.3k" in text
    assert "S$" in text
