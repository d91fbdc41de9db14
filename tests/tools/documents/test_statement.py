from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.documents.conftest import page_count, text_of
from tools.documents.statement import (
    Statement,
    StatementLine,
    StatementUnbalanced,
    amount_text,
    statement_pdf,
)

OPENING = Decimal("1200.00")
CENT = Decimal("0.01")


def a_statement(*amounts: Decimal, opening: Decimal = OPENING) -> Statement:
    balances = list(accumulate(amounts, initial=opening))
    lines = tuple(
        StatementLine(
            day=date(2026, 10, 5),
            kind="invoice" if amount > 0 else "credit_note",
            number=f"INV-{number:04}",
            amount=amount,
            balance=balance,
        )
        for number, (amount, balance) in enumerate(zip(amounts, balances[1:], strict=True))
    )
    return Statement(
        bill_to="Forno Rosso Pte Ltd 柔佛",
        since=date(2026, 10, 1),
        until=date(2026, 10, 31),
        opening=opening,
        lines=lines,
        closing=balances[-1],
        as_of=datetime(2026, 11, 23, 10, 5, tzinfo=UTC),
        currency="SGD",
    )


def test_a_statement_says_what_it_is_and_adds_up() -> None:
    text = text_of(statement_pdf(a_statement(Decimal("12806.60"), Decimal("-1000.05"))))
    for part in (
        *("Account summary", "not an official statement", "Forno Rosso Pte Ltd 柔佛"),
        *("Thu 1 Oct 2026 to Sat 31 Oct 2026", "Mon 23 Nov 2026, 10:05"),
        *("Opening balance 1,200.00", "Invoice INV-0000 12,806.60 14,006.60"),
        *("Credit note INV-0001 -1,000.05 13,006.55", "Closing balance 13,006.55"),
        "SGD 13,006.55",
    ):
        assert part in text, part


def test_a_period_without_movements_is_said_to_be_one() -> None:
    assert "Nothing was invoiced" in text_of(statement_pdf(a_statement()))


def test_other_currencies_are_named_and_not_summed_up() -> None:
    text = text_of(statement_pdf(replace(a_statement(), other_currencies=("USD", "MYR"))))
    assert "Movements in USD, MYR are not part of this summary." in text


def test_a_long_statement_goes_on_overleaf() -> None:
    pdf = statement_pdf(a_statement(*[Decimal("1.10")] * 120))
    assert page_count(pdf) > 1
    assert "Closing balance 1,332.00" in text_of(pdf)


@pytest.mark.parametrize("field", ["opening", "closing"])
def test_a_sum_that_is_a_cent_off_is_not_printed(field: str) -> None:
    statement = a_statement(Decimal("806.60"))
    off = {field: getattr(statement, field) + CENT}
    with pytest.raises(StatementUnbalanced):
        statement_pdf(replace(statement, **off))


def test_a_balance_in_between_that_is_off_is_not_printed() -> None:
    statement = a_statement(Decimal("806.60"), Decimal("-6.60"))
    first, last = statement.lines
    off = replace(first, balance=first.balance + CENT)
    with pytest.raises(StatementUnbalanced):
        statement_pdf(replace(statement, lines=(off, last)))


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "0.00"),
        ("-0.5", "-0.50"),
        ("1234567.8", "1,234,567.80"),
        ("90071992547409930.07", "90,071,992,547,409,930.07"),  # no float holds it
    ],
)
def test_amounts_keep_every_cent(amount: str, text: str) -> None:
    assert amount_text(Decimal(amount)) == text


@settings(max_examples=20, deadline=None)
@given(st.lists(st.decimals("-99999", "99999", places=2), max_size=8))
def test_whatever_adds_up_is_printed(amounts: list[Decimal]) -> None:
    statement = a_statement(*amounts)
    assert f"Closing balance {amount_text(statement.closing)}" in text_of(statement_pdf(statement))
